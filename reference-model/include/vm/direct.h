/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's linear mapping of memory, as it is when the machine has started. */
#ifndef VM_DIRECT_H
#define VM_DIRECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Memory that is RAM, in frames; sorted, apart from each other. */
struct vm_memory_range {
	uint64_t first_frame, end_frame;
};

/* How many pages of each size the mapping is made of. */
struct vm_direct_map {
	uint64_t small, large, giant;
};

/*
 * Each range with the largest pages that fit into it, and below 1 MiB everything, memory or not,
 * with small ones.
 */
struct vm_direct_map vm_direct_map(
	const struct vm_memory_range *ranges, size_t count, bool giant_pages);

/* Whether a large page fits around the frame: its block is whole, and not below 1 MiB. */
bool vm_direct_map_fits_block(const struct vm_memory_range *ranges, size_t count, uint64_t frame);

/* How many blocks are made of small pages though a large one fits, by the kernel's count of them.
 */
uint64_t vm_direct_map_split_blocks(const struct vm_direct_map *map, uint64_t small_kib);

uint64_t vm_direct_map_kib(const struct vm_direct_map *map);

/*
 * The kernel maps from the top downwards in growing pieces, and counts a giant page once for each
 * piece that it is in: so often it may be counted too many.
 */
#define VM_DIRECT_MAP_AGAIN_HIGHEST 3

#endif
