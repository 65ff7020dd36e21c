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

/* Blocks of 2 MiB with memory in them: those that it fills, above 1 MiB, and the others. */
struct vm_direct_blocks {
	uint64_t whole, partial;
};

struct vm_direct_blocks vm_direct_map_blocks(const struct vm_memory_range *ranges, size_t count);

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
