/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What all policies stand on: where each page is, what each frame holds, and the one path of a
 * reference. A policy says what a hit means, which frame must go, and what a load means.
 *
 * core_reference() is inline with the policy's functions as constants, so that each policy's run()
 * is a loop without indirect calls.
 */
#ifndef POLICY_CORE_H
#define POLICY_CORE_H

#include "vm/replace.h"

void *memset(void *, int, size_t);

struct policy {
	/* Bytes of what the policy itself keeps, with room for alignment. */
	size_t (*state_bytes)(const struct vm_replace_config *config);
	/* Takes the state from the arena; false when it is used up. */
	bool (*create)(struct vm_replace *replace, struct vm_arena *arena);
	void (*reference)(
		struct vm_replace *replace, uint32_t reference, struct vm_replace_event *event);
	void (*run)(struct vm_replace *replace, const uint32_t *references, size_t count);
};

extern const struct policy policy_opt, policy_fifo, policy_lru, policy_lru_stamps, policy_clock,
	policy_second_chance, policy_two_handed, policy_dirty_clock, policy_random,
	policy_buffering, policy_nru, policy_lfu, policy_ageing, policy_working_set, policy_wsclock,
	policy_pff, policy_two_list, policy_generations;

struct vm_replace {
	struct vm_replace_config config;
	const struct policy *policy;
	struct vm_replace_counts counts;
	uint32_t *place_of; /* by page: its frame + 1, or 0 */
	uint64_t *seen;	    /* by page: one bit */
	uint32_t *page_in;  /* by frame */
	uint8_t *flags;	    /* by frame */
	uint32_t frames_used;
	uint32_t hand; /* UINT32_MAX: none */
	uint64_t random;
	void *state; /* the policy's own */
};

typedef void frame_function(struct vm_replace *replace, uint32_t frame);
/* The frame to be emptied. The page in it is still in place. */
typedef uint32_t victim_function(struct vm_replace *replace);

struct hooks {
	frame_function *hit;
	victim_function *victim;
	frame_function *loaded;
};

static inline bool core_see(struct vm_replace *replace, uint32_t page)
{
	const uint64_t bit = UINT64_C(1) << page % 64;
	const bool is_new = (replace->seen[page / 64] & bit) == 0;

	replace->seen[page / 64] |= bit;
	return is_new;
}

/* Empties the frame; a dirty page is written while the program waits. */
static inline void core_evict(
	struct vm_replace *replace, uint32_t frame, struct vm_replace_event *event)
{
	const bool is_dirty = (replace->flags[frame] & VM_FRAME_DIRTY) != 0;
	const uint32_t page = replace->page_in[frame];

	event->victim = page;
	event->victim_was_dirty = is_dirty;
	replace->place_of[page] = 0;
	replace->page_in[frame] = VM_NO_PAGE;
	replace->counts.evictions++;
	replace->counts.write_backs += is_dirty;
	replace->counts.transfers += is_dirty;
	replace->counts.critical_transfers += is_dirty;
	replace->counts.resident--;
}

static inline void core_load(struct vm_replace *replace, uint32_t page, uint32_t frame)
{
	replace->page_in[frame] = page;
	replace->flags[frame] = 0;
	replace->place_of[page] = frame + 1;
	replace->counts.resident++;
	if (replace->counts.resident > replace->counts.resident_peak)
		replace->counts.resident_peak = replace->counts.resident;
}

static inline void core_count_fault(struct vm_replace *replace, uint32_t page)
{
	replace->counts.faults++;
	replace->counts.transfers++;
	replace->counts.critical_transfers++;
	replace->counts.cold_faults += core_see(replace, page);
}

/* The one path of a reference where the number of frames is fixed. */
static inline void core_reference(struct vm_replace *replace, uint32_t reference,
	struct vm_replace_event *event, const struct hooks hooks)
{
	const uint32_t page = vm_reference_page(reference);
	uint32_t frame;

	VM_ASSERT(page < replace->config.pages);
	event->fault = replace->place_of[page] == 0;
	if (!event->fault) {
		frame = replace->place_of[page] - 1;
		hooks.hit(replace, frame);
	} else {
		core_count_fault(replace, page);
		if (replace->frames_used < replace->config.frames) {
			frame = replace->frames_used++;
			event->victim = VM_NO_PAGE;
		} else {
			frame = hooks.victim(replace);
			core_evict(replace, frame, event);
		}
		core_load(replace, page, frame);
		hooks.loaded(replace, frame);
	}
	event->frame = frame;
	if (vm_reference_writes(reference))
		replace->flags[frame] |= VM_FRAME_DIRTY;
	replace->counts.references++;
	replace->counts.resident_sum += replace->counts.resident;
}

/* How far ahead of the loop a page's place is fetched: about the latency of memory. */
#define CORE_FETCH_AHEAD 24

static inline void core_run(struct vm_replace *replace, const uint32_t *references, size_t count,
	const struct hooks hooks)
{
	struct vm_replace_event event;

	for (size_t i = 0; i < count; i++) {
		if (i + CORE_FETCH_AHEAD < count) {
			const uint32_t ahead = vm_reference_page(references[i + CORE_FETCH_AHEAD]);
			__builtin_prefetch(&replace->place_of[ahead]);
		}
		core_reference(replace, references[i], &event, hooks);
	}
}

/* Where speed is no goal: one reference after the other through the policy's own function. */
void core_run_slowly(struct vm_replace *replace, const uint32_t *references, size_t count);

#endif
