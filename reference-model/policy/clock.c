/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The clock and its kin: second chance (the same decisions, told as a queue), two hands, and the
 * clock that prefers clean victims.
 */
#include "policy/core.h"

static size_t no_state(const struct vm_replace_config *config)
{
	(void)config;
	return 0;
}

static bool create_hand(struct vm_replace *replace, struct vm_arena *arena)
{
	(void)arena;
	replace->hand = 0;
	return true;
}

static void set_referenced(struct vm_replace *replace, uint32_t frame)
{
	replace->flags[frame] |= VM_FRAME_REFERENCED;
}

static void loaded(struct vm_replace *replace, uint32_t frame)
{
	if (!replace->config.load_leaves_bit_clear)
		set_referenced(replace, frame);
}

static inline uint32_t next_of(const struct vm_replace *replace, uint32_t frame)
{
	return frame + 1 == replace->config.frames ? 0 : frame + 1;
}

/* With all bits set the hand makes a full turn, and the frame it started at goes. */
static uint32_t first_unreferenced(struct vm_replace *replace)
{
	uint32_t frame = replace->hand;

	while ((replace->flags[frame] & VM_FRAME_REFERENCED) != 0) {
		replace->flags[frame] &= (uint8_t)~VM_FRAME_REFERENCED;
		replace->counts.scanned++;
		frame = next_of(replace, frame);
	}
	replace->counts.scanned++;
	replace->hand = next_of(replace, frame);
	return frame;
}

static const struct hooks clock_hooks = {set_referenced, first_unreferenced, loaded};

static void reference_clock(
	struct vm_replace *replace, uint32_t reference, struct vm_replace_event *event)
{
	core_reference(replace, reference, event, clock_hooks);
}

static void run_clock(struct vm_replace *replace, const uint32_t *references, size_t count)
{
	core_run(replace, references, count, clock_hooks);
}

const struct policy policy_clock = {no_state, create_hand, reference_clock, run_clock};

/* Second chance: a queue of frames; who is found referenced goes to its end, bit cleared. */
struct queue {
	uint32_t first, count;
	uint32_t frames[];
};

static size_t queue_bytes(const struct vm_replace_config *config)
{
	return sizeof(struct queue) + (size_t)config->frames * sizeof(uint32_t) +
	       _Alignof(struct queue);
}

static bool create_queue(struct vm_replace *replace, struct vm_arena *arena)
{
	replace->state = vm_arena_take(arena,
		sizeof(struct queue) + replace->config.frames * sizeof(uint32_t),
		_Alignof(struct queue));
	return replace->state != NULL;
}

static void append(struct vm_replace *replace, uint32_t frame)
{
	struct queue *queue = replace->state;
	const uint64_t end = (uint64_t)queue->first + queue->count++;

	queue->frames[end % replace->config.frames] = frame;
}

static uint32_t take_first(struct vm_replace *replace)
{
	struct queue *queue = replace->state;
	const uint32_t frame = queue->frames[queue->first];

	queue->first = next_of(replace, queue->first);
	queue->count--;
	replace->counts.scanned++;
	return frame;
}

static uint32_t first_without_second_chance(struct vm_replace *replace)
{
	uint32_t frame = take_first(replace);

	while ((replace->flags[frame] & VM_FRAME_REFERENCED) != 0) {
		replace->flags[frame] &= (uint8_t)~VM_FRAME_REFERENCED;
		append(replace, frame);
		frame = take_first(replace);
	}
	return frame;
}

static void loaded_last(struct vm_replace *replace, uint32_t frame)
{
	loaded(replace, frame);
	append(replace, frame);
}

static const struct hooks second_chance = {
	set_referenced, first_without_second_chance, loaded_last};

static void reference_second_chance(
	struct vm_replace *replace, uint32_t reference, struct vm_replace_event *event)
{
	core_reference(replace, reference, event, second_chance);
}

const struct policy policy_second_chance = {
	queue_bytes, create_queue, reference_second_chance, core_run_slowly};

/*
 * Two hands move in step: the leading one clears, the one behind it takes what was not used in
 * between. With no gap the bit is always clear: FIFO. A gap of a whole turn is the clock but for
 * the first turn.
 */
static uint32_t behind_the_leading_hand(struct vm_replace *replace)
{
	for (;;) {
		const uint32_t frame = replace->hand;
		const uint64_t ahead = (uint64_t)frame + replace->config.hand_gap_frames;
		const uint32_t leading = (uint32_t)(ahead % replace->config.frames);
		/* A whole turn ahead, the leading hand clears what the other has just left. */
		const bool whole_turn = replace->config.hand_gap_frames == replace->config.frames;
		const bool was_used = (replace->flags[frame] & VM_FRAME_REFERENCED) != 0;

		replace->flags[leading] &= (uint8_t)~VM_FRAME_REFERENCED;
		replace->hand = next_of(replace, frame);
		replace->counts.scanned++;
		if (whole_turn ? !was_used : (replace->flags[frame] & VM_FRAME_REFERENCED) == 0)
			return frame;
	}
}

static const struct hooks two_handed = {set_referenced, behind_the_leading_hand, loaded};

static void reference_two_handed(
	struct vm_replace *replace, uint32_t reference, struct vm_replace_event *event)
{
	core_reference(replace, reference, event, two_handed);
}

const struct policy policy_two_handed = {
	no_state, create_hand, reference_two_handed, core_run_slowly};

/* Written back in one go, in the background: nobody waits for them. */
static void flush_all(struct vm_replace *replace)
{
	for (uint32_t frame = 0; frame < replace->config.frames; frame++) {
		if ((replace->flags[frame] & VM_FRAME_DIRTY) == 0)
			continue;
		replace->flags[frame] &= (uint8_t)~VM_FRAME_DIRTY;
		replace->counts.write_backs++;
		replace->counts.transfers++;
	}
}

/* The first that is neither used nor dirty. After two turns nothing clean is left: flush. */
static uint32_t first_clean(struct vm_replace *replace)
{
	const uint8_t in_the_way = VM_FRAME_REFERENCED | VM_FRAME_DIRTY;
	uint32_t frame = replace->hand;

	for (uint64_t steps = 0; steps < 2 * (uint64_t)replace->config.frames; steps++) {
		replace->counts.scanned++;
		if ((replace->flags[frame] & in_the_way) == 0) {
			replace->hand = next_of(replace, frame);
			return frame;
		}
		replace->flags[frame] &= (uint8_t)~VM_FRAME_REFERENCED;
		frame = next_of(replace, frame);
	}
	flush_all(replace);
	replace->hand = next_of(replace, frame);
	return frame;
}

static const struct hooks dirty_clock = {set_referenced, first_clean, loaded};

static void reference_dirty_clock(
	struct vm_replace *replace, uint32_t reference, struct vm_replace_event *event)
{
	core_reference(replace, reference, event, dirty_clock);
}

const struct policy policy_dirty_clock = {
	no_state, create_hand, reference_dirty_clock, core_run_slowly};
