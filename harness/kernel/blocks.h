/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The buddy allocator's and the slab allocator's tables: buddyinfo, pagetypeinfo, slabinfo. A row
 * at a time; the cursor starts as kernel_lines_of(text). 1 and a row, 0 at the end, -EINVAL.
 */
#ifndef KERNEL_BLOCKS_H
#define KERNEL_BLOCKS_H

#include "kernel/text.h"

#define KERNEL_ORDERS_LIMIT 24
#define KERNEL_TYPES_LIMIT  16

/* linux:6.12:mm/vmstat.c:frag_show_print */
struct kernel_buddy_row {
	uint64_t node;
	struct kernel_text zone;
	size_t orders_count;
	uint64_t free_blocks[KERNEL_ORDERS_LIMIT]; /* by order */
};

int kernel_buddyinfo_next(
	struct kernel_lines *lines, struct kernel_buddy_row *row, struct kernel_error *error);

/* linux:6.12:mm/vmstat.c:pagetypeinfo_showfree_print, pagetypeinfo_showblockcount_print */
struct kernel_pagetype_row {
	bool counts_blocks; /* false: free blocks of one type by order; true: by type */
	uint64_t node;
	struct kernel_text zone, type; /* no type where blocks are counted */
	size_t count;
	uint64_t values[KERNEL_ORDERS_LIMIT];
	uint64_t at_least; /* bit n: the kernel stopped counting values[n] (">100000") */
};

struct kernel_pagetypes {
	struct kernel_lines lines;
	uint64_t block_order, block_pages;
	bool counts_blocks; /* where the cursor is */
	size_t types_count;
	struct kernel_text types[KERNEL_TYPES_LIMIT]; /* known once the second table has begun */
};

int kernel_pagetypeinfo_begin(
	struct kernel_text text, struct kernel_pagetypes *pagetypes, struct kernel_error *error);
int kernel_pagetypeinfo_next(struct kernel_pagetypes *pagetypes, struct kernel_pagetype_row *row,
	struct kernel_error *error);

/* linux:6.12:mm/slab_common.c:cache_show, print_slabinfo_header */
struct kernel_slab_row {
	struct kernel_text name;
	uint64_t active_objects, objects;
	uint64_t object_bytes;
	uint64_t objects_per_slab, pages_per_slab;
	uint64_t active_slabs, slabs;
};

int kernel_slabinfo_next(
	struct kernel_lines *lines, struct kernel_slab_row *row, struct kernel_error *error);

#endif
