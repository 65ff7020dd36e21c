/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Linux's active and inactive list of file pages, as a memory group of so many frames would age
 * them: linux:6.12:mm/swap.c:folio_mark_accessed, mm/vmscan.c:shrink_lruvec and
 * mm/workingset.c:workingset_refault.
 *
 * An evicted page leaves behind how old the lists were. When it comes back, the difference says
 * how many frames more would have kept it; if the active list has as many, it goes there.
 */
#include "policy/linux_lists.h"

#include "core/arithmetic.h"

/* The sizes that decisions go by: as they were a while ago. */
struct seen {
	uint32_t inactive_count, active_count;
	uint64_t refault_activations;
};

struct two_list {
	struct links *links;
	uint32_t inactive, active, free; /* heads */
	uint32_t inactive_count, active_count;
	uint64_t age;			 /* evictions and activations so far */
	uint64_t *shadow;		 /* by page: age at eviction * 2 + was working set, + 2 */
	uint64_t activations_at_reclaim; /* refaults activated until the last reclaim */
	struct seen seen;
	uint64_t moves, moves_at_seen;
};

/* 0 means no shadow, so what is packed starts at 2. */
#define SHADOW_OF(age, was_workingset) (((age) + 1) * 2 + (was_workingset))

static size_t two_list_bytes(const struct vm_replace_config *config)
{
	return sizeof(struct two_list) + ((size_t)config->frames + 3) * sizeof(struct links) +
	       config->pages * sizeof(uint64_t) + 3 * _Alignof(max_align_t);
}

static bool create(struct vm_replace *replace, struct vm_arena *arena)
{
	const uint32_t frames = replace->config.frames;
	struct two_list *lists = vm_arena_take(arena, sizeof(*lists), _Alignof(struct two_list));

	if (lists == NULL)
		return false;
	lists->links = vm_arena_take(
		arena, ((size_t)frames + 3) * sizeof(struct links), _Alignof(struct links));
	lists->shadow =
		vm_arena_take(arena, replace->config.pages * sizeof(uint64_t), _Alignof(uint64_t));
	if (lists->links == NULL || lists->shadow == NULL)
		return false;
	lists->inactive = frames;
	lists->active = frames + 1;
	lists->free = frames + 2;
	for (uint32_t head = lists->inactive; head <= lists->free; head++)
		links_make_empty(lists->links, head);
	for (uint32_t frame = 0; frame < frames; frame++)
		links_add_last(lists->links, lists->free, frame);
	lists->moves = replace->config.statistics_phase_moves;
	replace->state = lists;
	return true;
}

/* linux:6.12:mm/vmscan.c:inactive_is_low */
uint64_t vm_replace_inactive_ratio(enum vm_list_balance balance, uint64_t pages)
{
	const uint64_t gib = vm_pages_to_bytes(pages) >> 30;

	switch (balance) {
	case VM_LIST_BALANCE_THIRDS:
		return 2;
	case VM_LIST_BALANCE_ROOT_OF_SIZE:
		break;
	}
	return gib != 0 ? square_root(10 * gib) : 1;
}

/*
 * Groups count on each CPU, and sum up now and then: linux:6.12:mm/memcontrol.c:
 * memcg_rstat_updated.
 */
static void sum_up(const struct vm_replace *replace, struct two_list *lists)
{
	lists->seen = (struct seen){.inactive_count = lists->inactive_count,
		.active_count = lists->active_count,
		.refault_activations = replace->counts.refault_activations};
	lists->moves_at_seen = lists->moves;
}

static const struct seen *look(const struct vm_replace *replace, struct two_list *lists)
{
	if (lists->moves - lists->moves_at_seen >= replace->config.statistics_lag_moves)
		sum_up(replace, lists);
	return &lists->seen;
}

static bool inactive_is_low(const struct vm_replace *replace, struct two_list *lists)
{
	const struct seen *seen = look(replace, lists);
	const uint64_t total = (uint64_t)seen->inactive_count + seen->active_count;
	const uint64_t ratio = vm_replace_inactive_ratio(replace->config.balance, total);

	return seen->inactive_count * ratio < seen->active_count;
}

static void put(struct vm_replace *replace, struct two_list *lists, uint32_t frame)
{
	const bool active = (replace->flags[frame] & VM_FRAME_ACTIVE) != 0;

	links_add_first(lists->links, active ? lists->active : lists->inactive, frame);
	*(active ? &lists->active_count : &lists->inactive_count) += 1;
	lists->moves++;
}

static void take(struct vm_replace *replace, struct two_list *lists, uint32_t frame)
{
	const bool active = (replace->flags[frame] & VM_FRAME_ACTIVE) != 0;

	links_remove(lists->links, frame);
	*(active ? &lists->active_count : &lists->inactive_count) -= 1;
	lists->moves++;
}

/* linux:6.12:mm/workingset.c:workingset_activation */
static void count_activation(struct vm_replace *replace, struct two_list *lists)
{
	lists->age++;
	replace->counts.activations++;
}

/* linux:6.12:mm/swap.c:folio_activate */
static void activate(struct vm_replace *replace, struct two_list *lists, uint32_t frame)
{
	count_activation(replace, lists);
	take(replace, lists, frame);
	replace->flags[frame] |= VM_FRAME_ACTIVE;
	put(replace, lists, frame);
}

/* The tail of the active list goes over, used or not. */
static void demote(struct vm_replace *replace, struct two_list *lists, uint32_t scan)
{
	while (scan-- > 0 && lists->active_count > 0) {
		const uint32_t frame = lists->links[lists->active].before;

		replace->counts.scanned++;
		replace->counts.demotions++;
		take(replace, lists, frame);
		replace->flags[frame] &= (uint8_t) ~(VM_FRAME_ACTIVE | FRAME_YOUNG);
		replace->flags[frame] |= FRAME_WORKINGSET;
		put(replace, lists, frame);
	}
}

static void shrink_active(struct vm_replace *replace, struct two_list *lists, uint32_t scan)
{
	if (replace->config.rival != VM_LIST_RIVAL_NO_DEMOTION)
		demote(replace, lists, scan);
}

static void evict(struct vm_replace *replace, struct two_list *lists, uint32_t frame,
	struct vm_replace_event *event)
{
	const uint32_t page = replace->page_in[frame];

	lists->shadow[page] =
		SHADOW_OF(lists->age, (replace->flags[frame] & FRAME_WORKINGSET) != 0);
	lists->age++;
	core_evict(replace, frame, event);
	links_add_last(lists->links, lists->free, frame);
}

/* linux:6.12:mm/vmscan.c:folio_check_references. Returns what was freed: 0 or 1. */
static uint32_t look_at(struct vm_replace *replace, struct two_list *lists, uint32_t frame,
	struct vm_replace_event *event)
{
	uint8_t *flags = &replace->flags[frame];
	const bool was_young = (*flags & FRAME_YOUNG) != 0 &&
			       replace->config.rival != VM_LIST_RIVAL_NO_SECOND_CHANCE;
	const bool was_referenced = (*flags & VM_FRAME_REFERENCED) != 0;

	take(replace, lists, frame);
	*flags &= (uint8_t) ~(FRAME_YOUNG | VM_FRAME_REFERENCED);
	if (was_young) {
		/* Used since the last look: once more round; used before that too: active. */
		*flags |= VM_FRAME_REFERENCED;
		if (was_referenced) {
			*flags |= VM_FRAME_ACTIVE;
			count_activation(replace, lists);
		}
		put(replace, lists, frame);
		return 0;
	}
	if ((*flags & VM_FRAME_DIRTY) != 0) {
		write_in_background(replace, frame);
		put(replace, lists, frame);
		return 0;
	}
	evict(replace, lists, frame, event);
	return 1;
}

static uint32_t shrink_inactive(struct vm_replace *replace, struct two_list *lists, uint32_t scan,
	struct vm_replace_event *event)
{
	uint32_t freed = 0;

	while (scan-- > 0 && lists->inactive_count > 0) {
		replace->counts.scanned++;
		freed += look_at(replace, lists, lists->links[lists->inactive].before, event);
	}
	return freed;
}

static uint32_t portion(uint32_t *left)
{
	const uint32_t taken = *left < SWAP_CLUSTER_FRAMES ? *left : SWAP_CLUSTER_FRAMES;

	*left -= taken;
	return taken;
}

/* One pass at one priority: a share of each list, in portions, until enough is free. */
static uint32_t shrink_lists(struct vm_replace *replace, struct two_list *lists, unsigned priority,
	bool may_deactivate, struct vm_replace_event *event)
{
	uint32_t inactive_left = lists->inactive_count >> priority;
	uint32_t active_left = lists->active_count >> priority;
	uint32_t freed = 0;

	while ((inactive_left != 0 || active_left != 0) && freed < batch_frames(replace)) {
		freed += shrink_inactive(replace, lists, portion(&inactive_left), event);
		const uint32_t scan = portion(&active_left);
		if (may_deactivate && scan != 0)
			shrink_active(replace, lists, scan);
	}
	return freed;
}

/*
 * Ever larger shares of the lists, from 1/4096 on. Active pages are only touched when the inactive
 * list is short, or when refaults were activated since the last time: then the active list may
 * hold what is used no longer (linux:6.12:mm/vmscan.c:prepare_scan_control).
 */
static void reclaim(
	struct vm_replace *replace, struct two_list *lists, struct vm_replace_event *event)
{
	uint32_t freed = 0;

	for (unsigned priority = DEFAULT_PRIORITY;; priority--) {
		const bool may_deactivate = look(replace, lists)->refault_activations !=
						    lists->activations_at_reclaim ||
					    inactive_is_low(replace, lists);
		freed += shrink_lists(replace, lists, priority, may_deactivate, event);
		if (freed >= batch_frames(replace) || priority == 0)
			break;
	}
	/* Everything was dirty, young or active: what was passed over is free to go now. */
	while (links_is_empty(lists->links, lists->free)) {
		demote(replace, lists, lists->active_count);
		shrink_inactive(replace, lists, lists->inactive_count, event);
	}
	lists->activations_at_reclaim = look(replace, lists)->refault_activations;
}

/* linux:6.12:mm/workingset.c:workingset_refault: would it have stayed in a larger list? */
static bool refault_is_close(
	struct vm_replace *replace, struct two_list *lists, uint32_t page, bool *was_workingset)
{
	const uint64_t shadow = lists->shadow[page];

	*was_workingset = false;
	lists->shadow[page] = 0;
	if (shadow == 0 || replace->config.rival == VM_LIST_RIVAL_NO_REFAULT_ACTIVATION)
		return false;
	replace->counts.refaults++;
	const uint64_t distance = lists->age - (shadow / 2 - 1);
	if (distance > look(replace, lists)->active_count)
		return false;
	*was_workingset = shadow % 2 != 0;
	return true;
}

static uint32_t load(struct vm_replace *replace, struct two_list *lists, uint32_t page,
	struct vm_replace_event *event)
{
	bool was_workingset;

	core_count_fault(replace, page);
	if (links_is_empty(lists->links, lists->free))
		reclaim(replace, lists, event);
	const uint32_t frame = lists->links[lists->free].after;
	links_remove(lists->links, frame);
	core_load(replace, page, frame);
	if (refault_is_close(replace, lists, page, &was_workingset)) {
		replace->counts.refault_activations++;
		count_activation(replace, lists);
		replace->flags[frame] |= VM_FRAME_ACTIVE;
		if (was_workingset)
			replace->flags[frame] |= FRAME_WORKINGSET;
	}
	put(replace, lists, frame);
	return frame;
}

/* linux:6.12:mm/swap.c:folio_mark_accessed: the second use activates. */
static void mark_accessed(struct vm_replace *replace, struct two_list *lists, uint32_t frame)
{
	uint8_t *flags = &replace->flags[frame];

	if ((*flags & VM_FRAME_REFERENCED) == 0) {
		*flags |= VM_FRAME_REFERENCED;
	} else if ((*flags & VM_FRAME_ACTIVE) == 0) {
		*flags &= (uint8_t)~VM_FRAME_REFERENCED;
		activate(replace, lists, frame);
	}
}

static void use(struct vm_replace *replace, struct two_list *lists, uint32_t page, uint32_t frame)
{
	const uint32_t read_from = replace->config.read_from_page;

	if (replace->config.rival == VM_LIST_RIVAL_FIFO ||
		replace->config.rival == VM_LIST_RIVAL_NO_PROMOTION)
		return;
	if (replace->config.rival == VM_LIST_RIVAL_LRU) {
		take(replace, lists, frame);
		put(replace, lists, frame);
		return;
	}
	if (replace->config.use == VM_USE_READ || (read_from != 0 && page >= read_from))
		mark_accessed(replace, lists, frame);
	else
		replace->flags[frame] |= FRAME_YOUNG;
}

static void reference(
	struct vm_replace *replace, uint32_t one_reference, struct vm_replace_event *event)
{
	struct two_list *lists = replace->state;
	const uint32_t page = vm_reference_page(one_reference);

	VM_ASSERT(page < replace->config.pages);
	if (replace->config.statistics_at_reference)
		sum_up(replace, lists);
	event->victim = VM_NO_PAGE;
	event->fault = replace->place_of[page] == 0;
	event->frame =
		event->fault ? load(replace, lists, page, event) : replace->place_of[page] - 1;
	use(replace, lists, page, event->frame);
	finish_reference(replace, one_reference, event->frame);
}

const struct policy policy_two_list = {two_list_bytes, create, reference, core_run_slowly};
