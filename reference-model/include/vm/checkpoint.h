/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checkpoints of a memory of pages: copying all of it, copying what was written since the last one,
 * rebuilding any of them; and copying while the program runs on, as live migration does.
 */
#ifndef VM_CHECKPOINT_H
#define VM_CHECKPOINT_H

#include <stdbool.h>

#include "vm/base.h"

struct vm_checkpoint;

/* What one checkpoint cost. */
struct vm_checkpoint_cost {
	uint32_t full_pages;	    /* if everything is copied while the program stands */
	uint32_t incremental_pages; /* what was written since the last one */
	uint32_t protected_pages; /* entries made read-only again, each a fault at its next write */
};

size_t vm_checkpoint_bytes(uint32_t pages, uint32_t checkpoints_limit, uint32_t writes_limit);
struct vm_checkpoint *vm_checkpoint_create(
	uint32_t pages, uint32_t checkpoints_limit, uint32_t writes_limit, struct vm_arena *arena);
/* The page's content changes to the value. Returns whether the write took a fault. */
bool vm_checkpoint_write(struct vm_checkpoint *memory, uint32_t page, uint64_t value);
/* The first one copies everything. False when a limit is reached. */
bool vm_checkpoint_take(struct vm_checkpoint *memory, struct vm_checkpoint_cost *cost);
/* The contents as they were at checkpoint number (from 0): base and differences put together. */
bool vm_checkpoint_restore(const struct vm_checkpoint *memory, uint32_t number, uint64_t *contents);
/* Steps back from the last checkpoint until bad() no longer says so; the number found, or
 * UINT32_MAX where even the first is bad. */
typedef bool vm_checkpoint_bad(void *context, const uint64_t *contents, uint32_t pages);
uint32_t vm_checkpoint_rewind(const struct vm_checkpoint *memory, vm_checkpoint_bad *bad,
	void *context, uint64_t *contents);

/*
 * Pre-copy: while a round is copied the program dirties pages at random within its writable set;
 * the next round copies those. When a round is no longer than stop_pages, or rounds_limit is
 * reached, the program is stopped and the rest is copied.
 */
struct vm_precopy_config {
	uint32_t pages, writable_pages;
	uint32_t copied_a_second, written_a_second; /* pages, writes */
	uint32_t stop_pages, rounds_limit;
	uint64_t seed;
};

struct vm_precopy_round {
	uint32_t copied_pages, dirtied_pages;
	uint64_t writes;
};

struct vm_precopy_result {
	uint32_t rounds;	/* entries used of the caller's array */
	uint32_t stopped_pages; /* copied while the program stands: the downtime */
	uint64_t copied_pages;	/* in all */
	bool converged;		/* came down to stop_pages within rounds_limit */
};

size_t vm_precopy_bytes(const struct vm_precopy_config *config);
/* rounds has room for rounds_limit entries. False when the arena is too small. */
bool vm_precopy_run(const struct vm_precopy_config *config, struct vm_precopy_round *rounds,
	struct vm_precopy_result *result, struct vm_arena *arena);

#endif
