/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Linux's generational lists for file pages: linux:6.1:mm/vmscan.c:sort_folio, get_tier_idx,
 * inc_max_seq and mm/workingset.c:lru_gen_refault.
 *
 * Pages lie in at most four generations. Reclaim empties the oldest; a new one is made when only
 * two are left, and what page tables show as used since then moves into it. Uses by read() are
 * counted in tiers instead, and a controller compares how often each tier comes back: a tier that
 * comes back more than the first is not evicted but moved one generation up.
 */
#include "policy/linux_lists.h"

#define GENERATIONS_MAX 4
#define GENERATIONS_MIN 2
#define TIERS		4
#define REFS_LIMIT	4  /* uses beyond the first that are told apart */
#define BATCH		64 /* MIN_LRU_BATCH */

struct tier {
	uint64_t refaulted, evicted, protected; /* in the oldest generation */
	uint64_t mean_refaulted, mean_total;	/* over earlier ones, halved each time */
};

struct generations {
	struct links *links;
	uint32_t first_head, free; /* heads: one a generation, and the free frames */
	uint64_t oldest, youngest; /* numbers of generations */
	uint8_t *uses;		   /* by frame: 0 none, 1 first, ... REFS_LIMIT + 1 */
	uint8_t *generation;	   /* by frame: number modulo 4 */
	uint64_t *shadow;	   /* by page: (oldest * 8 + uses) + 1 */
	struct tier tiers[TIERS];
};

static size_t generations_bytes(const struct vm_replace_config *config)
{
	return sizeof(struct generations) +
	       ((size_t)config->frames + GENERATIONS_MAX + 1) * sizeof(struct links) +
	       (size_t)config->frames * 2 + config->pages * sizeof(uint64_t) +
	       5 * _Alignof(max_align_t);
}

static bool create(struct vm_replace *replace, struct vm_arena *arena)
{
	const uint32_t frames = replace->config.frames;
	struct generations *lists =
		vm_arena_take(arena, sizeof(*lists), _Alignof(struct generations));

	if (lists == NULL)
		return false;
	lists->links =
		vm_arena_take(arena, ((size_t)frames + GENERATIONS_MAX + 1) * sizeof(struct links),
			_Alignof(struct links));
	lists->uses = vm_arena_take(arena, frames, 1);
	lists->generation = vm_arena_take(arena, frames, 1);
	lists->shadow =
		vm_arena_take(arena, replace->config.pages * sizeof(uint64_t), _Alignof(uint64_t));
	if (lists->links == NULL || lists->uses == NULL || lists->generation == NULL ||
		lists->shadow == NULL)
		return false;
	lists->first_head = frames;
	lists->free = frames + GENERATIONS_MAX;
	lists->youngest = GENERATIONS_MIN + 1;
	for (uint32_t head = frames; head <= lists->free; head++)
		links_make_empty(lists->links, head);
	for (uint32_t frame = 0; frame < frames; frame++)
		links_add_last(lists->links, lists->free, frame);
	replace->state = lists;
	return true;
}

static uint32_t head_of(const struct generations *lists, uint64_t number)
{
	return lists->first_head + (uint32_t)(number % GENERATIONS_MAX);
}

static void put(struct generations *lists, uint32_t frame, uint64_t number, bool first)
{
	lists->generation[frame] = (uint8_t)(number % GENERATIONS_MAX);
	if (first)
		links_add_first(lists->links, head_of(lists, number), frame);
	else
		links_add_last(lists->links, head_of(lists, number), frame);
}

/* 1 use: tier 0; 2: tier 1; 3 and 4: tier 2; 5: tier 3. */
static unsigned tier_of(unsigned uses)
{
	static const uint8_t tiers[REFS_LIMIT + 2] = {0, 0, 1, 2, 2, 3};

	return tiers[uses];
}

static unsigned generations_count(const struct generations *lists)
{
	return (unsigned)(lists->youngest - lists->oldest + 1);
}

/* The oldest generation is empty: its record of refaults becomes part of the means. */
static void retire_empty(struct generations *lists)
{
	while (generations_count(lists) > GENERATIONS_MIN &&
		links_is_empty(lists->links, head_of(lists, lists->oldest))) {
		for (unsigned i = 0; i < TIERS; i++) {
			struct tier *tier = &lists->tiers[i];
			const uint64_t total = tier->evicted + tier->protected;

			tier->mean_refaulted = (tier->mean_refaulted + tier->refaulted) / 2;
			tier->mean_total = (tier->mean_total + total) / 2;
			tier->refaulted = tier->evicted = tier->protected = 0;
		}
		lists->oldest++;
	}
}

/* A new generation; what page tables show as used becomes part of the youngest so far. */
static void age(struct vm_replace *replace, struct generations *lists)
{
	for (uint32_t frame = 0; frame < replace->config.frames; frame++) {
		if (replace->page_in[frame] == VM_NO_PAGE ||
			(replace->flags[frame] & FRAME_YOUNG) == 0)
			continue;
		replace->flags[frame] &= (uint8_t)~FRAME_YOUNG;
		lists->uses[frame] = 0;
		links_remove(lists->links, frame);
		put(lists, frame, lists->youngest, true);
	}
	replace->counts.scanned += replace->config.frames;
	lists->youngest++;
}

/* linux:6.1:mm/vmscan.c:positive_ctrl_err with gains 1 and 2. */
static bool comes_back_no_more_than_the_first(const struct tier *first, const struct tier *tier)
{
	const uint64_t first_refaulted = first->mean_refaulted + first->refaulted;
	const uint64_t first_total = first->mean_total + first->evicted;
	const uint64_t refaulted = tier->mean_refaulted + tier->refaulted;
	const uint64_t total = tier->mean_total + tier->evicted + tier->protected;

	return refaulted < BATCH ||
	       refaulted * (first_total + BATCH) <= (first_refaulted + 1) * total * 2;
}

/* The highest tier that is evicted like the first. */
static unsigned last_tier_to_evict(const struct generations *lists)
{
	unsigned tier = 1;

	while (tier < TIERS &&
		comes_back_no_more_than_the_first(&lists->tiers[0], &lists->tiers[tier]))
		tier++;
	return tier - 1;
}

/* Takes the frame from the oldest generation's tail: moved up, or evicted. Returns 0 or 1. */
static uint32_t look_at(struct vm_replace *replace, struct generations *lists, uint32_t frame,
	unsigned last_tier, struct vm_replace_event *event)
{
	const unsigned uses = lists->uses[frame];
	const unsigned tier = tier_of(uses);

	links_remove(lists->links, frame);
	replace->counts.scanned++;
	if (tier > last_tier || uses == REFS_LIMIT + 1) {
		lists->tiers[tier].protected ++;
		lists->uses[frame] = 0;
		replace->counts.activations++;
		put(lists, frame, lists->oldest + 1, false);
		return 0;
	}
	if ((replace->flags[frame] & FRAME_YOUNG) != 0) {
		replace->flags[frame] &= (uint8_t)~FRAME_YOUNG;
		lists->uses[frame] = 0;
		replace->counts.activations++;
		put(lists, frame, lists->youngest, true);
		return 0;
	}
	if ((replace->flags[frame] & VM_FRAME_DIRTY) != 0) {
		write_in_background(replace, frame);
		lists->uses[frame] = 0;
		put(lists, frame, lists->oldest + 1, true);
		return 0;
	}
	lists->tiers[tier].evicted++;
	lists->shadow[replace->page_in[frame]] = lists->oldest * 8 + uses + 1;
	core_evict(replace, frame, event);
	links_add_last(lists->links, lists->free, frame);
	return 1;
}

static void reclaim(
	struct vm_replace *replace, struct generations *lists, struct vm_replace_event *event)
{
	uint32_t freed = 0;

	while (freed < batch_frames(replace) && replace->counts.resident > 0) {
		retire_empty(lists);
		if (generations_count(lists) == GENERATIONS_MIN) {
			age(replace, lists);
			continue;
		}
		const unsigned last_tier = last_tier_to_evict(lists);
		const uint32_t head = head_of(lists, lists->oldest);
		uint32_t isolated = 0;
		while (isolated < BATCH && freed + isolated < batch_frames(replace) &&
			!links_is_empty(lists->links, head))
			isolated += look_at(
				replace, lists, lists->links[head].before, last_tier, event);
		freed += isolated;
	}
	retire_empty(lists);
}

/* Used through page tables: the others by read(). */
static bool is_mapped(const struct vm_replace *replace, uint32_t page)
{
	const uint32_t read_from = replace->config.read_from_page;

	return replace->config.use == VM_USE_MAPPED && (read_from == 0 || page < read_from);
}

/* Returns the uses that the page is taken to have had: many, if it should not have gone. */
static unsigned refault(struct vm_replace *replace, struct generations *lists, uint32_t page)
{
	const uint64_t shadow = lists->shadow[page];

	lists->shadow[page] = 0;
	if (shadow == 0)
		return 0;
	replace->counts.refaults++;
	const unsigned uses = (unsigned)((shadow - 1) % 8);
	if ((shadow - 1) / 8 != lists->oldest)
		return 0;
	lists->tiers[tier_of(uses)].refaulted++;
	if (!is_mapped(replace, page) && uses < REFS_LIMIT)
		return 0;
	replace->counts.refault_activations++;
	return REFS_LIMIT + 1;
}

static uint32_t load(struct vm_replace *replace, struct generations *lists, uint32_t page,
	struct vm_replace_event *event)
{
	core_count_fault(replace, page);
	if (links_is_empty(lists->links, lists->free))
		reclaim(replace, lists, event);
	const uint32_t frame = lists->links[lists->free].after;
	links_remove(lists->links, frame);
	core_load(replace, page, frame);
	lists->uses[frame] = (uint8_t)refault(replace, lists, page);
	/* Faulted in through page tables: hot. Read, or read ahead: nobody knows, so the oldest
	 * must do. linux:6.12:mm/swap.c:folio_add_lru */
	const bool is_hot = is_mapped(replace, page) && !replace->config.read_ahead;
	put(lists, frame, is_hot ? lists->youngest : lists->oldest, true);
	return frame;
}

static void reference(
	struct vm_replace *replace, uint32_t one_reference, struct vm_replace_event *event)
{
	struct generations *lists = replace->state;
	const uint32_t page = vm_reference_page(one_reference);

	VM_ASSERT(page < replace->config.pages);
	event->victim = VM_NO_PAGE;
	event->fault = replace->place_of[page] == 0;
	event->frame =
		event->fault ? load(replace, lists, page, event) : replace->place_of[page] - 1;
	if (is_mapped(replace, page))
		replace->flags[event->frame] |= FRAME_YOUNG;
	else if (lists->uses[event->frame] <= REFS_LIMIT)
		lists->uses[event->frame]++;
	finish_reference(replace, one_reference, event->frame);
}

const struct policy policy_generations = {generations_bytes, create, reference, core_run_slowly};
