/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/direct.h"

#include "core/arithmetic.h"
#include "vm/units.h"

#define LEGACY_END_BYTES VM_MIB_BYTES /* ISA_END_ADDRESS: mapped whatever is there */

/* Frames of whole blocks of the size between the two. */
static uint64_t block_frames(uint64_t first_frame, uint64_t end_frame, uint64_t block_bytes)
{
	const uint64_t block = vm_bytes_to_pages_floor(block_bytes);
	const uint64_t first = vm_align_up(first_frame, block);
	const uint64_t end = vm_align_down(end_frame, block);

	return first < end ? end - first : 0;
}

/* linux:6.12:arch/x86/mm/init.c:split_mem_range, adjust_range_page_size_mask */
static void add_range(struct vm_direct_map *map, const struct vm_memory_range *range, bool giant)
{
	const uint64_t first_frame =
		larger(range->first_frame, vm_bytes_to_pages_floor(LEGACY_END_BYTES));

	if (range->end_frame <= first_frame)
		return;
	const uint64_t frames = range->end_frame - first_frame;
	const uint64_t blocks = block_frames(first_frame, range->end_frame, VM_HUGE_2M_BYTES);
	const uint64_t giants =
		giant ? block_frames(first_frame, range->end_frame, VM_HUGE_1G_BYTES) : 0;

	map->small += frames - blocks;
	map->large += (blocks - giants) / vm_bytes_to_pages_floor(VM_HUGE_2M_BYTES);
	map->giant += giants / vm_bytes_to_pages_floor(VM_HUGE_1G_BYTES);
}

/* linux:6.12:arch/x86/mm/init.c:split_mem_range */
struct vm_direct_blocks vm_direct_map_blocks(const struct vm_memory_range *ranges, size_t count)
{
	const uint64_t block = vm_bytes_to_pages_floor(VM_HUGE_2M_BYTES);
	/* The first is there for what lies below 1 MiB. */
	struct vm_direct_blocks blocks = {.partial = 1};
	uint64_t counted = 1; /* blocks below this one have been counted */

	for (size_t i = 0; i < count; i++) {
		const uint64_t first = larger(ranges[i].first_frame / block, counted);
		const uint64_t end = vm_align_up(ranges[i].end_frame, block) / block;
		if (end <= first)
			continue;
		const uint64_t whole = block_frames(larger(ranges[i].first_frame, first * block),
					       ranges[i].end_frame, VM_HUGE_2M_BYTES) /
				       block;
		blocks.whole += whole;
		blocks.partial += end - first - whole;
		counted = end;
	}
	return blocks;
}

/* linux:6.12:arch/x86/mm/pat/set_memory.c:split_page_count */
uint64_t vm_direct_map_split_blocks(const struct vm_direct_map *map, uint64_t small_kib)
{
	const uint64_t at_start_kib = vm_pages_to_kib(map->small);

	return small_kib <= at_start_kib
		       ? 0
		       : (small_kib - at_start_kib) / (VM_HUGE_2M_BYTES / VM_KIB_BYTES);
}

/* linux:6.12:arch/x86/mm/init.c:init_mem_mapping */
struct vm_direct_map vm_direct_map(
	const struct vm_memory_range *ranges, size_t count, bool giant_pages)
{
	struct vm_direct_map map = {.small = vm_bytes_to_pages_floor(LEGACY_END_BYTES)};

	for (size_t i = 0; i < count; i++)
		add_range(&map, &ranges[i], giant_pages);
	return map;
}

uint64_t vm_direct_map_kib(const struct vm_direct_map *map)
{
	return (map->small * VM_PAGE_BYTES + map->large * VM_HUGE_2M_BYTES +
		       map->giant * VM_HUGE_1G_BYTES) /
	       VM_KIB_BYTES;
}
