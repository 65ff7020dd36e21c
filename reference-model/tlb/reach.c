/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/reach.h"

#include "vm/random.h"
#include "vm/tlb.h"

/* gios: "64-entry L1 data TLB, 512-entry second-level TLB" of a Core i7. */
#define CORE_I7_LEVEL_1_PAGES 64
#define CORE_I7_LEVEL_2_PAGES 512

/* A turn fills the buffer, another shows what is left of it: with least recently used out first,
 * a cycle that misses once goes on missing. */
#define TURNS 2

/* Page numbers are drawn below 2^35: addresses of the user's half. */
#define PAGE_NUMBERS (UINT64_C(1) << 35)
#define SCATTER_SEED 1

enum layout { LAYOUT_IN_A_ROW, LAYOUT_SCATTERED };

static bool walk(
	void *context, uint16_t space, const struct vm_access *access, struct vm_tlb_page *page)
{
	(void)context, (void)space;
	*page = (struct vm_tlb_page){
		.physical = vm_align_down(access->address, VM_PAGE_BYTES),
		.page_shift = VM_PAGE_SHIFT,
		.rights = {.user = true, .writable = true},
	};
	return true;
}

/* The misses of the last turn of a chase through so many pages. */
static uint64_t misses(const struct vm_tlb_fact *array, enum layout layout, uint32_t pages_count,
	struct vm_arena *arena)
{
	const struct vm_mmu mmu = {.paging = VM_PAGING_LEVEL4, .physical_bits = 52};
	const struct vm_tlb_config config = {
		.arrays_count = 1,
		.arrays = array,
		.replacement = VM_TLB_LRU,
		.paging = VM_PAGING_LEVEL4,
	};
	const size_t mark = arena->used_bytes;
	struct vm_tlb *tlb = vm_tlb_create(&config, arena);
	uint64_t before = 0;

	VM_ASSERT(tlb != NULL);
	for (unsigned turn = 0; turn < TURNS; turn++) {
		uint64_t state = SCATTER_SEED;
		before = vm_tlb_counts(tlb)->walks;
		for (uint32_t i = 0; i < pages_count; i++) {
			const uint64_t page = layout == LAYOUT_IN_A_ROW
						      ? i
						      : vm_random_below(&state, PAGE_NUMBERS);
			const struct vm_access access = {
				.address = vm_pages_to_bytes(page), .user = true};
			(void)vm_tlb_access(tlb, &mmu, &access, walk, NULL);
		}
	}
	const uint64_t missed = vm_tlb_counts(tlb)->walks - before;
	arena->used_bytes = mark;
	return missed;
}

/* The largest number of pages without a miss: a chase that misses goes on missing with more. */
static uint32_t reach_of(
	const struct vm_tlb_fact *array, enum layout layout, struct vm_arena *arena)
{
	uint32_t fits = 0, overflows = array->entries + 1;

	while (overflows - fits > 1) {
		const uint32_t middle = fits + (overflows - fits) / 2;
		if (misses(array, layout, middle, arena) == 0)
			fits = middle;
		else
			overflows = middle;
	}
	return fits;
}

static const struct vm_tlb_fact *array_of(const struct vm_host *host, unsigned level)
{
	for (size_t i = 0; i < host->cpu.tlb_count; i++) {
		const struct vm_tlb_fact *array = &host->cpu.tlb[i];
		if (array->level == level && array->type != VM_TLB_CODE && array->entries != 0 &&
			(array->pages_mask & VM_PAGE_BYTES) != 0)
			return array;
	}
	return NULL;
}

static struct vm_reach reach_from_cpuid(
	const struct vm_host *host, unsigned level, struct vm_arena *arena)
{
	const struct vm_tlb_fact *found = array_of(host, level);

	if (found == NULL)
		return (struct vm_reach){.known = false};
	/* Alone, and as the first level: what another level or page size holds is another question.
	 */
	struct vm_tlb_fact array = *found;
	array.level = 1;
	array.type = VM_TLB_DATA;
	array.pages_mask = VM_PAGE_BYTES;
	return (struct vm_reach){
		.known = true,
		.least_pages = reach_of(&array, LAYOUT_SCATTERED, arena),
		.most_pages = reach_of(&array, LAYOUT_IN_A_ROW, arena),
	};
}

struct vm_reach vm_tlb_reach(const struct vm_behaviours *behaviours, const struct vm_host *host,
	unsigned level, struct vm_arena *arena)
{
	const uint32_t taught_pages = level == 1 ? CORE_I7_LEVEL_1_PAGES : CORE_I7_LEVEL_2_PAGES;

	switch (behaviours->tlb_geometry) {
	case VM_TLB_GEOMETRY_CORE_I7:
		return (struct vm_reach){true, taught_pages, taught_pages};
	case VM_TLB_GEOMETRY_CPUID:
		return reach_from_cpuid(host, level, arena);
	}
	VM_ASSERT(false);
	return (struct vm_reach){.known = false};
}
