/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Policies that look at time: the working set (paper:Denning 1968), the clock that approximates it
 * (paper:Carr 1981), and page-fault frequency (paper:Chu 1976). Time is the
 * number of references.
 *
 * The working set and page-fault frequency know no limit, so a page's frame has the page's number.
 */
#include "policy/core.h"

static void finish_reference(struct vm_replace *replace, uint32_t reference, uint32_t frame)
{
	if (vm_reference_writes(reference))
		replace->flags[frame] |= VM_FRAME_DIRTY;
	replace->counts.references++;
	replace->counts.resident_sum += replace->counts.resident;
}

/* What leaves while nobody waits for its frame is written in the background. */
static void leave(struct vm_replace *replace, uint32_t page, struct vm_replace_event *event)
{
	const uint64_t critical = replace->counts.critical_transfers;

	core_evict(replace, page, event);
	replace->counts.critical_transfers = critical;
}

struct window {
	uint64_t *last_use; /* by page: moment + 1 */
	uint32_t *recent;   /* the last window_references pages, as a ring */
};

static size_t window_bytes(const struct vm_replace_config *config)
{
	return sizeof(struct window) + config->pages * sizeof(uint64_t) +
	       config->window_references * sizeof(uint32_t) + 3 * _Alignof(max_align_t);
}

static bool window_create(struct vm_replace *replace, struct vm_arena *arena)
{
	struct window *window = vm_arena_take(arena, sizeof(*window), _Alignof(struct window));

	if (window == NULL)
		return false;
	window->last_use =
		vm_arena_take(arena, replace->config.pages * sizeof(uint64_t), _Alignof(uint64_t));
	window->recent = vm_arena_take(
		arena, replace->config.window_references * sizeof(uint32_t), _Alignof(uint32_t));
	replace->state = window;
	return window->last_use != NULL && window->recent != NULL;
}

static void reference_window(
	struct vm_replace *replace, uint32_t reference, struct vm_replace_event *event)
{
	struct window *window = replace->state;
	const uint32_t page = vm_reference_page(reference);
	const uint64_t now = replace->counts.references;
	const uint64_t size = replace->config.window_references;
	uint32_t *oldest = &window->recent[now % size];

	VM_ASSERT(page < replace->config.pages);
	*event = (struct vm_replace_event){
		.fault = replace->place_of[page] == 0, .frame = page, .victim = VM_NO_PAGE};
	if (event->fault) {
		core_count_fault(replace, page);
		core_load(replace, page, page);
	}
	window->last_use[page] = now + 1;
	/* What was used size references ago, and not since, has fallen out of the window. */
	if (now >= size && window->last_use[*oldest] == now - size + 1)
		leave(replace, *oldest, event);
	*oldest = page;
	finish_reference(replace, reference, page);
}

const struct policy policy_working_set = {
	window_bytes, window_create, reference_window, core_run_slowly};

static size_t stamps_bytes(const struct vm_replace_config *config)
{
	return config->frames * sizeof(uint64_t) + _Alignof(uint64_t);
}

static bool wsclock_create(struct vm_replace *replace, struct vm_arena *arena)
{
	replace->hand = 0;
	replace->state =
		vm_arena_take(arena, replace->config.frames * sizeof(uint64_t), _Alignof(uint64_t));
	return replace->state != NULL;
}

static void wsclock_used(struct vm_replace *replace, uint32_t frame)
{
	replace->flags[frame] |= VM_FRAME_REFERENCED;
}

static void wsclock_loaded(struct vm_replace *replace, uint32_t frame)
{
	uint64_t *last_seen = replace->state;

	replace->flags[frame] |= VM_FRAME_REFERENCED;
	last_seen[frame] = replace->counts.references;
}

/*
 * A page seen in use is stamped and stays. One that is old and clean goes; one that is old and
 * dirty is written in the background and can go when the hand comes by again. After two turns
 * without success the frame under the hand goes, clean or not.
 */
static uint32_t old_and_clean(struct vm_replace *replace)
{
	uint64_t *last_seen = replace->state;
	const uint64_t now = replace->counts.references;

	for (uint64_t steps = 0;; steps++) {
		const uint32_t frame = replace->hand;
		uint8_t *flags = &replace->flags[frame];

		replace->hand = frame + 1 == replace->config.frames ? 0 : frame + 1;
		replace->counts.scanned++;
		if (steps >= 2 * (uint64_t)replace->config.frames)
			return frame;
		if ((*flags & VM_FRAME_REFERENCED) != 0) {
			*flags &= (uint8_t)~VM_FRAME_REFERENCED;
			last_seen[frame] = now;
			continue;
		}
		if (now - last_seen[frame] <= replace->config.window_references)
			continue;
		if ((*flags & VM_FRAME_DIRTY) == 0)
			return frame;
		*flags &= (uint8_t)~VM_FRAME_DIRTY;
		replace->counts.write_backs++;
		replace->counts.transfers++;
	}
}

static const struct hooks wsclock = {wsclock_used, old_and_clean, wsclock_loaded};

static void reference_wsclock(
	struct vm_replace *replace, uint32_t reference, struct vm_replace_event *event)
{
	core_reference(replace, reference, event, wsclock);
}

const struct policy policy_wsclock = {
	stamps_bytes, wsclock_create, reference_wsclock, core_run_slowly};

struct frequency {
	uint64_t *last_use;  /* by page */
	uint32_t *residents; /* counts.resident of them, in no order */
	uint64_t last_fault;
};

static size_t frequency_bytes(const struct vm_replace_config *config)
{
	return sizeof(struct frequency) + config->pages * (sizeof(uint64_t) + sizeof(uint32_t)) +
	       3 * _Alignof(max_align_t);
}

static bool frequency_create(struct vm_replace *replace, struct vm_arena *arena)
{
	struct frequency *state = vm_arena_take(arena, sizeof(*state), _Alignof(struct frequency));

	if (state == NULL)
		return false;
	state->last_use =
		vm_arena_take(arena, replace->config.pages * sizeof(uint64_t), _Alignof(uint64_t));
	state->residents =
		vm_arena_take(arena, replace->config.pages * sizeof(uint32_t), _Alignof(uint32_t));
	replace->state = state;
	return state->last_use != NULL && state->residents != NULL;
}

/* Faults are rare: everything that was not used since the last one goes. */
static void shrink(
	struct vm_replace *replace, struct frequency *state, struct vm_replace_event *event)
{
	uint32_t kept = 0;
	const uint32_t before = replace->counts.resident;

	for (uint32_t i = 0; i < before; i++) {
		const uint32_t page = state->residents[i];
		if (state->last_use[page] >= state->last_fault)
			state->residents[kept++] = page;
		else
			leave(replace, page, event);
	}
	replace->counts.scanned += before;
}

static void reference_frequency(
	struct vm_replace *replace, uint32_t reference, struct vm_replace_event *event)
{
	struct frequency *state = replace->state;
	const uint32_t page = vm_reference_page(reference);
	const uint64_t now = replace->counts.references;

	VM_ASSERT(page < replace->config.pages);
	*event = (struct vm_replace_event){
		.fault = replace->place_of[page] == 0, .frame = page, .victim = VM_NO_PAGE};
	if (event->fault) {
		if (now - state->last_fault > replace->config.window_references)
			shrink(replace, state, event);
		core_count_fault(replace, page);
		state->residents[replace->counts.resident] = page;
		core_load(replace, page, page);
		state->last_fault = now;
	}
	state->last_use[page] = now;
	finish_reference(replace, reference, page);
}

const struct policy policy_pff = {
	frequency_bytes, frequency_create, reference_frequency, core_run_slowly};
