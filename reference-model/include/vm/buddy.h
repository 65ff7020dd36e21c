/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The buddy allocator: blocks of 2^order units, split in halves until one fits, merged with the
 * block whose address differs in one bit as soon as that is free too.
 *
 * gios; linux:6.12:mm/page_alloc.c:__free_one_page, expand. Units are pages for Linux; nothing here
 * depends on it. Free lists are last in, first out, as in Linux without migrate types.
 */
#ifndef VM_BUDDY_H
#define VM_BUDDY_H

#include <stdbool.h>

#include "vm/base.h"

#define VM_BUDDY_ORDERS_LIMIT 32
#define VM_BUDDY_NONE	      UINT32_MAX

struct vm_buddy;

struct vm_buddy_counts {
	uint64_t allocations, failures, frees;
	uint64_t splits, merges;
	uint32_t free_units;
};

/* A block as it lies in memory, for drawing. */
struct vm_buddy_block {
	uint32_t first, order;
	bool free;
};

size_t vm_buddy_bytes(uint32_t units);
/* Blocks are of orders 0 to max_order; units need not be a power of two. NULL: arena too small. */
struct vm_buddy *vm_buddy_create(uint32_t units, unsigned max_order, struct vm_arena *arena);
/* First unit of a block of the order, or VM_BUDDY_NONE. */
uint32_t vm_buddy_allocate(struct vm_buddy *buddy, unsigned order);
/* The block that was allocated at this unit. Returns false where none was. */
bool vm_buddy_free(struct vm_buddy *buddy, uint32_t first);

const struct vm_buddy_counts *vm_buddy_counts(const struct vm_buddy *buddy);
uint32_t vm_buddy_free_blocks(const struct vm_buddy *buddy, unsigned order);
/* The block that begins at the unit; walking by 1 << order goes through memory. */
struct vm_buddy_block vm_buddy_block_at(const struct vm_buddy *buddy, uint32_t first);

static inline uint32_t vm_buddy_of(uint32_t first, unsigned order)
{
	return first ^ UINT32_C(1) << order;
}

/*
 * The same as counts of free blocks by order, for whoever sees no more of an allocator: the
 * smallest block that is enough goes, and its halves come back. False where there is none.
 */
bool vm_buddy_take_count(uint64_t *free_blocks, unsigned orders_count, unsigned order);

/* The smallest order that holds so many units. */
unsigned vm_buddy_order_for(uint64_t units);

/*
 * linux:6.12:mm/vmstat.c:__fragmentation_index: between 0 (a request would fail for want of
 * memory) and 1000 (for fragmentation); -1000 where it would succeed.
 */
int vm_buddy_fragmentation_index(const struct vm_buddy *buddy, unsigned order);

#endif
