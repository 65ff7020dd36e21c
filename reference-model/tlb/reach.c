/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/reach.h"

#include "vm/random.h"
#include "vm/tlb.h"

/* gios: "64-entry L1 data TLB, 512-entry second-level TLB" of a Core i7. */
#define CORE_I7_LEVEL_1_PAGES 64
#define CORE_I7_LEVEL_2_PAGES 512
/* gios: "128-entry instruction TLB" */
#define CORE_I7_CODE_PAGES 128

/* A turn fills the buffer, another shows what is left of it: with least recently used out first,
 * a cycle that misses once goes on missing. */
#define TURNS 2
#define HALF  2
/* Where a victim is drawn, what stays settles over as many turns as this. */
#define TURNS_OF_CHANCE 64

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

/* A buffer, how pages lie, and whom a miss drives out. */
struct chase {
	const struct vm_tlb_fact *array;
	enum layout layout;
	enum vm_tlb_replacement replacement;
};

/* The misses of the last turn of a chase through so many pages. */
static uint64_t misses(const struct chase *chase, uint32_t pages_count, struct vm_arena *arena)
{
	const struct vm_mmu mmu = {.paging = VM_PAGING_LEVEL4, .physical_bits = 52};
	const struct vm_tlb_config config = {
		.arrays_count = 1,
		.arrays = chase->array,
		.replacement = chase->replacement,
		.seed = SCATTER_SEED,
		.paging = VM_PAGING_LEVEL4,
	};
	const unsigned turns = chase->replacement == VM_TLB_RANDOM ? TURNS_OF_CHANCE : TURNS;
	const size_t mark = arena->used_bytes;
	struct vm_tlb *tlb = vm_tlb_create(&config, arena);
	uint64_t before = 0;

	VM_ASSERT(tlb != NULL);
	for (unsigned turn = 0; turn < turns; turn++) {
		uint64_t state = SCATTER_SEED;
		before = vm_tlb_counts(tlb)->walks;
		for (uint32_t i = 0; i < pages_count; i++) {
			const uint64_t page = chase->layout == LAYOUT_IN_A_ROW
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

/*
 * The largest number of pages of which at most 1 / share miss, or none for share 0: a chase that
 * misses goes on missing with more. With twice the entries every set has more pages than ways.
 */
static uint32_t reach_of(const struct chase *chase, uint32_t share, struct vm_arena *arena)
{
	uint32_t fits = 0, overflows = 2 * chase->array->entries + 1;

	while (overflows - fits > 1) {
		const uint32_t middle = fits + (overflows - fits) / 2;
		if (misses(chase, middle, arena) * (share != 0 ? share : middle + 1) <= middle)
			fits = middle;
		else
			overflows = middle;
	}
	return fits;
}

/*
 * The only one there is. Which of several holds a page is not said anywhere: Ice Lake's second
 * level has two for small pages, and some Atoms list a buffer of each kind under one level.
 */
static const struct vm_tlb_fact *array_of(
	const struct vm_host *host, unsigned level, uint64_t page_bytes, enum vm_tlb_type not_of)
{
	const struct vm_tlb_fact *only = NULL;

	for (size_t i = 0; i < host->cpu.tlb_count; i++) {
		const struct vm_tlb_fact *array = &host->cpu.tlb[i];
		if (array->level != level || array->type == not_of || array->entries == 0 ||
			(array->pages_mask & page_bytes) == 0)
			continue;
		if (only != NULL)
			return NULL;
		only = array;
	}
	return only;
}

struct vm_reach vm_tlb_reach_of(const struct vm_tlb_fact *described, struct vm_arena *arena)
{
	/* Alone, and as the first level: what another level or page size holds is another question.
	 */
	struct vm_tlb_fact array = *described;

	array.level = 1;
	array.type = VM_TLB_DATA;
	/* How many pages fit is the same for every size of page. */
	array.pages_mask = VM_PAGE_BYTES;
	const struct chase in_a_row = {&array, LAYOUT_IN_A_ROW, VM_TLB_LRU};
	const struct chase by_chance = {&array, LAYOUT_SCATTERED, VM_TLB_LRU};
	const uint32_t row = reach_of(&in_a_row, HALF, arena);
	const uint32_t scattered = reach_of(&by_chance, HALF, arena);
	return (struct vm_reach){
		.known = true,
		.least_pages = reach_of(&by_chance, 0, arena),
		.most_pages = reach_of(&in_a_row, 0, arena),
		.half_pages = 1 + (row > scattered ? row : scattered),
	};
}

/* amd-apm:3:E.4.17: CPUID Fn8000_0021, L2TlbSizeX32. */
#define COUNTED_IN	       32
#define FAMILY_COUNTING_IN_32S 0x1a

size_t vm_tlb_candidates(const struct vm_host *host, unsigned level, uint64_t page_bytes,
	struct vm_tlb_fact candidates[VM_TLB_CANDIDATES_LIMIT])
{
	const struct vm_tlb_fact *array = array_of(host, level, page_bytes, VM_TLB_CODE);
	size_t count = 0;

	if (array == NULL)
		return 0;
	candidates[count++] = *array;
	if (host->cpu.vendor == VM_CPU_AMD && host->cpu.family >= FAMILY_COUNTING_IN_32S &&
		host->cpu.hypervisor && level == 2) {
		candidates[count] = *array;
		candidates[count++].entries *= COUNTED_IN;
	}
	return count;
}

static struct vm_reach reach_from_cpuid(
	const struct vm_host *host, unsigned level, struct vm_arena *arena)
{
	struct vm_tlb_fact candidates[VM_TLB_CANDIDATES_LIMIT];

	/* Of two candidates neither is known. */
	if (vm_tlb_candidates(host, level, VM_PAGE_BYTES, candidates) != 1)
		return (struct vm_reach){.known = false};
	return vm_tlb_reach_of(&candidates[0], arena);
}

struct vm_reach vm_tlb_reach(const struct vm_behaviours *behaviours, const struct vm_host *host,
	unsigned level, struct vm_arena *arena)
{
	const uint32_t taught_pages = level == 1 ? CORE_I7_LEVEL_1_PAGES : CORE_I7_LEVEL_2_PAGES;

	switch (behaviours->tlb_geometry) {
	case VM_TLB_GEOMETRY_CORE_I7:
		return (struct vm_reach){true, taught_pages, taught_pages, taught_pages};
	case VM_TLB_GEOMETRY_CPUID:
		return reach_from_cpuid(host, level, arena);
	}
	VM_ASSERT(false);
	return (struct vm_reach){.known = false};
}

/*
 * Data buffers were seen to drive out who was used least recently. Of code's nobody says so, and a
 * victim drawn by chance leaves the most of a cycle that is too long: half misses latest with it.
 */
static struct vm_reach code_reach_from_cpuid(const struct vm_host *host, struct vm_arena *arena)
{
	const struct vm_tlb_fact *described = array_of(host, 1, VM_PAGE_BYTES, VM_TLB_DATA);

	if (described == NULL)
		return (struct vm_reach){.known = false};
	struct vm_reach reach = vm_tlb_reach_of(described, arena);
	struct vm_tlb_fact array = *described;
	array.type = VM_TLB_DATA;
	array.pages_mask = VM_PAGE_BYTES;
	const struct chase drawn = {&array, LAYOUT_IN_A_ROW, VM_TLB_RANDOM};
	const uint32_t half_pages = 1 + reach_of(&drawn, HALF, arena);
	reach.half_pages = half_pages > reach.half_pages ? half_pages : reach.half_pages;
	return reach;
}

struct vm_reach vm_tlb_code_reach(
	const struct vm_behaviours *behaviours, const struct vm_host *host, struct vm_arena *arena)
{
	switch (behaviours->tlb_geometry) {
	case VM_TLB_GEOMETRY_CORE_I7:
		return (struct vm_reach){
			true, CORE_I7_CODE_PAGES, CORE_I7_CODE_PAGES, CORE_I7_CODE_PAGES};
	case VM_TLB_GEOMETRY_CPUID:
		return code_reach_from_cpuid(host, arena);
	}
	VM_ASSERT(false);
	return (struct vm_reach){.known = false};
}

/* linux:6.12:arch/x86/kernel/cpu/common.c:cpu_detect_cache_sizes: no unit, whatever CPUID says */
uint32_t vm_tlb_listed_pages(const struct vm_behaviours *behaviours, const struct vm_host *host)
{
	switch (behaviours->tlb_geometry) {
	case VM_TLB_GEOMETRY_CORE_I7:
		return CORE_I7_LEVEL_2_PAGES;
	case VM_TLB_GEOMETRY_CPUID:
		return host->cpu.vendor == VM_CPU_AMD ? host->cpu.tlb_listed_pages : 0;
	}
	VM_ASSERT(false);
}
