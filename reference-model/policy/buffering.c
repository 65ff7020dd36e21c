/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Page buffering: FIFO over most frames, and a pool of free ones that remember what they held. A
 * fault takes a free frame at once and waits for one transfer; the victim goes to the end of the
 * pool and is written, if dirty, when nobody waits. A page still in the pool is taken back for
 * nothing.
 */
#include "policy/core.h"
#include "policy/links.h"

struct buffering {
	struct links *links;
	uint32_t resident, pool; /* heads */
};

static size_t buffering_bytes(const struct vm_replace_config *config)
{
	return sizeof(struct buffering) + ((size_t)config->frames + 2) * sizeof(struct links) +
	       2 * _Alignof(max_align_t);
}

static bool create(struct vm_replace *replace, struct vm_arena *arena)
{
	struct buffering *state = vm_arena_take(arena, sizeof(*state), _Alignof(struct buffering));

	if (state == NULL)
		return false;
	state->resident = replace->config.frames;
	state->pool = state->resident + 1;
	state->links =
		vm_arena_take(arena, ((size_t)replace->config.frames + 2) * sizeof(struct links),
			_Alignof(struct links));
	if (state->links == NULL)
		return false;
	links_make_empty(state->links, state->resident);
	links_make_empty(state->links, state->pool);
	replace->state = state;
	return true;
}

static bool is_in_pool(const struct vm_replace *replace, uint32_t frame)
{
	return (replace->flags[frame] & VM_FRAME_IN_POOL) != 0;
}

/* Too many are resident: the oldest goes to the pool, and is clean from then on. */
static void shrink_resident(struct vm_replace *replace, struct buffering *state)
{
	const uint32_t limit = replace->config.frames - replace->config.pool_frames;

	if (replace->counts.resident <= limit)
		return;
	const uint32_t frame = state->links[state->resident].after;
	links_remove(state->links, frame);
	links_add_last(state->links, state->pool, frame);
	replace->counts.resident--;
	replace->counts.evictions++;
	if ((replace->flags[frame] & VM_FRAME_DIRTY) != 0) {
		replace->counts.write_backs++;
		replace->counts.transfers++;
	}
	replace->flags[frame] = VM_FRAME_IN_POOL;
}

static uint32_t take_back(struct vm_replace *replace, struct buffering *state, uint32_t frame)
{
	replace->counts.faults++;
	replace->counts.taken_back++;
	replace->counts.resident++;
	replace->flags[frame] = 0;
	links_remove(state->links, frame);
	return frame;
}

static uint32_t read_in(struct vm_replace *replace, struct buffering *state, uint32_t page,
	struct vm_replace_event *event)
{
	uint32_t frame;

	core_count_fault(replace, page);
	if (replace->frames_used < replace->config.frames) {
		frame = replace->frames_used++;
	} else {
		frame = state->links[state->pool].after;
		links_remove(state->links, frame);
		event->victim = replace->page_in[frame];
		replace->place_of[event->victim] = 0;
	}
	core_load(replace, page, frame);
	return frame;
}

static void reference(
	struct vm_replace *replace, uint32_t one_reference, struct vm_replace_event *event)
{
	struct buffering *state = replace->state;
	const uint32_t page = vm_reference_page(one_reference);

	VM_ASSERT(page < replace->config.pages);
	uint32_t frame = replace->place_of[page] - 1;
	const bool known = replace->place_of[page] != 0;
	event->fault = !known || is_in_pool(replace, frame);
	event->victim = VM_NO_PAGE;
	if (event->fault) {
		frame = known ? take_back(replace, state, frame)
			      : read_in(replace, state, page, event);
		links_add_last(state->links, state->resident, frame);
		shrink_resident(replace, state);
	}
	event->frame = frame;
	if (vm_reference_writes(one_reference))
		replace->flags[frame] |= VM_FRAME_DIRTY;
	replace->counts.references++;
	replace->counts.resident_sum += replace->counts.resident;
}

const struct policy policy_buffering = {buffering_bytes, create, reference, core_run_slowly};
