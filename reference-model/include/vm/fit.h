/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Contiguous allocation with a list of holes: best, worst, first and next fit (osn). Neighbouring
 * holes melt together; what is counted is how many holes a request looks at, and what it leaves.
 */
#ifndef VM_FIT_H
#define VM_FIT_H

#include <stdbool.h>

#include "vm/base.h"

enum vm_fit_policy { VM_FIT_BEST, VM_FIT_WORST, VM_FIT_FIRST, VM_FIT_NEXT, VM_FIT_LIMIT };

#define VM_FIT_NONE UINT64_MAX

struct vm_fit;

struct vm_fit_counts {
	uint64_t allocations, frees, looked_at;
	uint64_t failures;
	uint64_t failures_with_room; /* enough in total, but not in one piece */
	uint64_t moved_units;	     /* by compaction */
};

struct vm_fit_state {
	uint64_t free_units, largest_hole_units;
	uint32_t holes, blocks;
};

/* A block or a hole, for drawing; tag is the caller's. */
struct vm_fit_piece {
	uint64_t first, units;
	uint32_t tag;
	bool free;
};

size_t vm_fit_bytes(uint32_t blocks_limit);
struct vm_fit *vm_fit_create(
	enum vm_fit_policy policy, uint64_t units, uint32_t blocks_limit, struct vm_arena *arena);
/* First unit, or VM_FIT_NONE. units is at least 1. */
uint64_t vm_fit_allocate(struct vm_fit *fit, uint64_t units, uint32_t tag);
bool vm_fit_free(struct vm_fit *fit, uint64_t first);
/* The block at first takes units of the hole right behind it, which must have them. */
void vm_fit_extend(struct vm_fit *fit, uint64_t first, uint64_t units);
/* All blocks move to the low end, in order. Addresses change; tags tell who is who. */
void vm_fit_compact(struct vm_fit *fit);

const struct vm_fit_counts *vm_fit_counts(const struct vm_fit *fit);
struct vm_fit_state vm_fit_state(const struct vm_fit *fit);
/* Pieces in the order of their addresses: index 0 is the first; false at the end. */
bool vm_fit_piece(const struct vm_fit *fit, uint32_t index, struct vm_fit_piece *piece);

#endif
