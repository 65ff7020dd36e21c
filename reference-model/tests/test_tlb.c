/* SPDX-License-Identifier: Apache-2.0 */
/* The TLB simulator: a naive second one, and what stale entries, switches and walks must show. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "vm/random.h"
#include "vm/tlb.h"

#define STRINGS	      10000
#define PAGES	      24
#define NAIVE_ENTRIES 16

static const struct vm_mmu mmu = {
	.paging = VM_PAGING_LEVEL4, .physical_bits = 48, .write_protect = true, .no_execute = true};

/* What the tables say; tests change it behind the TLB's back. */
struct tables {
	struct vm_tlb_page page;
	bool absent;
	uint64_t walks;
};

static bool walk(
	void *context, uint16_t space, const struct vm_access *access, struct vm_tlb_page *page)
{
	struct tables *tables = context;

	(void)space;
	tables->walks++;
	*page = tables->page;
	page->physical += vm_align_down(access->address, UINT64_C(1) << page->page_shift);
	return !tables->absent;
}

static struct tables ordinary(void)
{
	return (struct tables){
		.page = {.page_shift = VM_PAGE_SHIFT,
			.rights = {.user = true, .writable = true, .executable = true}}};
}

static struct vm_tlb *create(const struct vm_tlb_config *config, struct vm_arena *arena)
{
	const size_t size_bytes = vm_tlb_bytes(config);

	assert_null(vm_tlb_config_problem(config));
	*arena = vm_arena_over(malloc(size_bytes), size_bytes);
	struct vm_tlb *tlb = vm_tlb_create(config, arena);
	assert_non_null(tlb);
	return tlb;
}

static struct vm_tlb_outcome touch(
	struct vm_tlb *tlb, struct tables *tables, uint64_t address, enum vm_access_kind kind)
{
	const struct vm_access access = {.address = address, .kind = kind, .user = true};

	return vm_tlb_access(tlb, &mmu, &access, walk, tables);
}

static const struct vm_tlb_fact small[] = {
	{.type = VM_TLB_DATA, .level = 1, .pages_mask = 1 << 12, .entries = 4, .ways = 2},
	{.type = VM_TLB_UNIFIED, .level = 2, .pages_mask = 1 << 12, .entries = 8, .ways = 4},
};

static struct vm_tlb_config small_config(void)
{
	return (struct vm_tlb_config){
		.arrays_count = 2, .arrays = small, .paging = VM_PAGING_LEVEL4};
}

/* A level as one list of pages, the most recent first; a set is what has the same remainder. */
struct naive_level {
	uint32_t pages[NAIVE_ENTRIES];
	uint32_t count, sets, ways;
};

static bool naive_hit(struct naive_level *level, uint32_t page)
{
	for (uint32_t i = 0; i < level->count; i++) {
		if (level->pages[i] != page)
			continue;
		memmove(&level->pages[1], &level->pages[0], i * sizeof(page));
		level->pages[0] = page;
		return true;
	}
	return false;
}

static void naive_fill(struct naive_level *level, uint32_t page)
{
	uint32_t in_set = 0, last = 0;

	for (uint32_t i = 0; i < level->count; i++)
		if (level->pages[i] % level->sets == page % level->sets) {
			in_set++;
			last = i;
		}
	if (in_set == level->ways) {
		memmove(&level->pages[last], &level->pages[last + 1],
			(level->count - last - 1) * sizeof(page));
		level->count--;
	}
	memmove(&level->pages[1], &level->pages[0], level->count * sizeof(page));
	level->pages[0] = page;
	level->count++;
}

static void lru_agrees_with_a_naive_second_implementation(void **state)
{
	(void)state;
	const struct vm_tlb_config config = small_config();

	for (uint64_t seed = 0; seed < STRINGS; seed++) {
		struct naive_level first = {.sets = 2, .ways = 2}, second = {.sets = 2, .ways = 4};
		struct tables tables = ordinary();
		struct vm_arena arena;
		struct vm_tlb *tlb = create(&config, &arena);
		uint64_t random = seed;
		for (unsigned i = 0; i < 60; i++) {
			const uint64_t limit = 1 + vm_random_below(&random, PAGES);
			const uint32_t page = (uint32_t)vm_random_below(&random, limit);
			unsigned level = 1;
			if (!naive_hit(&first, page)) {
				level = naive_hit(&second, page) ? 2 : 0;
				naive_fill(&first, page);
				if (level == 0)
					naive_fill(&second, page);
			}
			const struct vm_tlb_outcome outcome =
				touch(tlb, &tables, vm_pages_to_bytes(page), VM_ACCESS_READ);
			assert_int_equal(outcome.level, level);
			assert_int_equal(outcome.physical, vm_pages_to_bytes(page));
		}
		const struct vm_tlb_counts *counts = vm_tlb_counts(tlb);
		assert_int_equal(counts->accesses,
			counts->level_1_hits + counts->level_2_hits + counts->walks);
		assert_int_equal(counts->walks, tables.walks);
		assert_int_equal(counts->walk_references, 4 * counts->walks);
		free(arena.base);
	}
}

static void a_tree_of_two_ways_is_lru(void **state)
{
	(void)state;
	struct vm_tlb_config config = small_config();
	config.arrays_count = 1;
	for (uint64_t seed = 0; seed < STRINGS / 10; seed++) {
		struct tables tables = ordinary();
		struct vm_arena arenas[2];
		config.replacement = VM_TLB_LRU;
		struct vm_tlb *lru = create(&config, &arenas[0]);
		config.replacement = VM_TLB_PSEUDO_LRU;
		struct vm_tlb *tree = create(&config, &arenas[1]);
		uint64_t random = seed;
		for (unsigned i = 0; i < 60; i++) {
			const uint64_t address = vm_pages_to_bytes(vm_random_below(&random, 9));
			assert_int_equal(touch(lru, &tables, address, VM_ACCESS_READ).level,
				touch(tree, &tables, address, VM_ACCESS_READ).level);
		}
		free(arenas[0].base);
		free(arenas[1].base);
	}
}

/* Four ways a b c d, then a: the tree points at the other half, LRU at b. */
static void a_tree_of_four_ways_is_not_lru(void **state)
{
	(void)state;
	const struct vm_tlb_fact four = {
		.type = VM_TLB_DATA, .level = 1, .pages_mask = 1 << 12, .entries = 4};
	const struct vm_tlb_config config = {.arrays_count = 1,
		.arrays = &four,
		.replacement = VM_TLB_PSEUDO_LRU,
		.paging = VM_PAGING_LEVEL4};
	struct tables tables = ordinary();
	struct vm_arena arena;
	struct vm_tlb *tlb = create(&config, &arena);
	static const unsigned order[] = {0, 1, 2, 3, 0, 4};

	for (size_t i = 0; i < 6; i++)
		(void)touch(tlb, &tables, vm_pages_to_bytes(order[i]), VM_ACCESS_READ);
	assert_int_equal(touch(tlb, &tables, vm_pages_to_bytes(1), VM_ACCESS_READ).level, 1);
	assert_int_equal(touch(tlb, &tables, vm_pages_to_bytes(2), VM_ACCESS_READ).level, 0);
	free(arena.base);
}

static void odd_numbers_of_ways_are_all_used(void **state)
{
	(void)state;
	for (unsigned replacement = VM_TLB_LRU; replacement <= VM_TLB_RANDOM; replacement++) {
		const struct vm_tlb_fact odd = {
			.type = VM_TLB_DATA, .level = 1, .pages_mask = 1 << 12, .entries = 72};
		const struct vm_tlb_config config = {.arrays_count = 1,
			.arrays = &odd,
			.replacement = (enum vm_tlb_replacement)replacement,
			.seed = 3,
			.paging = VM_PAGING_LEVEL4};
		struct tables tables = ordinary();
		struct vm_arena arena;
		struct vm_tlb *tlb = create(&config, &arena);
		for (unsigned round = 0; round < 3; round++)
			for (unsigned page = 0; page < 72; page++)
				(void)touch(tlb, &tables, vm_pages_to_bytes(page), VM_ACCESS_READ);
		assert_int_equal(vm_tlb_counts(tlb)->walks, 72);
		free(arena.base);
	}
}

static void stale_rights_act_until_invalidated(void **state)
{
	(void)state;
	const struct vm_tlb_config config = small_config();
	struct tables tables = ordinary();
	struct vm_arena arena;
	struct vm_tlb *tlb = create(&config, &arena);

	assert_false(touch(tlb, &tables, 0, VM_ACCESS_WRITE).fault);
	tables.page.rights.writable = false;
	tables.page.physical = VM_HUGE_2M_BYTES;
	assert_false(touch(tlb, &tables, 0, VM_ACCESS_WRITE).fault);
	assert_int_equal(touch(tlb, &tables, 8, VM_ACCESS_READ).physical, 8);
	vm_tlb_invalidate(tlb, 0);
	assert_int_equal(touch(tlb, &tables, 8, VM_ACCESS_READ).physical, VM_HUGE_2M_BYTES + 8);
	assert_true(touch(tlb, &tables, 0, VM_ACCESS_WRITE).fault);
	free(arena.base);
}

static void a_fault_drops_the_entry_so_that_granting_needs_no_flush(void **state)
{
	(void)state;
	const struct vm_tlb_config config = small_config();
	struct tables tables = ordinary();
	struct vm_arena arena;
	struct vm_tlb *tlb = create(&config, &arena);

	tables.page.rights.writable = false;
	(void)touch(tlb, &tables, 0, VM_ACCESS_READ);
	assert_true(touch(tlb, &tables, 0, VM_ACCESS_WRITE).fault);
	tables.page.rights.writable = true;
	assert_false(touch(tlb, &tables, 0, VM_ACCESS_WRITE).fault);
	free(arena.base);
}

static void the_first_write_after_a_read_walks_for_the_dirty_bit(void **state)
{
	(void)state;
	const struct vm_tlb_config config = small_config();
	struct tables tables = ordinary();
	struct vm_arena arena;
	struct vm_tlb *tlb = create(&config, &arena);

	(void)touch(tlb, &tables, 0, VM_ACCESS_READ);
	(void)touch(tlb, &tables, 0, VM_ACCESS_WRITE);
	(void)touch(tlb, &tables, 0, VM_ACCESS_WRITE);
	assert_int_equal(vm_tlb_counts(tlb)->dirty_walks, 1);
	assert_int_equal(tables.walks, 2);
	free(arena.base);
}

static void a_switch_flushes_unless_entries_carry_the_space(void **state)
{
	(void)state;
	for (unsigned ids = 0; ids < 2; ids++) {
		struct vm_tlb_config config = small_config();
		config.address_space_ids = ids != 0;
		struct tables tables = ordinary();
		struct vm_arena arena;
		struct vm_tlb *tlb = create(&config, &arena);
		(void)touch(tlb, &tables, 0, VM_ACCESS_READ);
		vm_tlb_switch(tlb, 1);
		assert_int_equal(touch(tlb, &tables, 0, VM_ACCESS_READ).level, 0);
		vm_tlb_switch(tlb, 0);
		assert_int_equal(touch(tlb, &tables, 0, VM_ACCESS_READ).level, ids != 0 ? 1 : 0);
		free(arena.base);
	}
}

static void global_entries_survive_a_switch(void **state)
{
	(void)state;
	const struct vm_tlb_config config = small_config();
	struct tables tables = ordinary();
	struct vm_arena arena;
	struct vm_tlb *tlb = create(&config, &arena);

	tables.page.global = true;
	(void)touch(tlb, &tables, 0, VM_ACCESS_READ);
	vm_tlb_switch(tlb, 1);
	assert_int_equal(touch(tlb, &tables, 0, VM_ACCESS_READ).level, 1);
	vm_tlb_flush(tlb, true);
	assert_int_equal(touch(tlb, &tables, 0, VM_ACCESS_READ).level, 0);
	free(arena.base);
}

static void walks_cost_what_the_levels_say(void **state)
{
	(void)state;
	struct vm_tlb_config config = small_config();

	assert_int_equal(vm_tlb_walk_references(&config, 12), 4);
	assert_int_equal(vm_tlb_walk_references(&config, 21), 3);
	assert_int_equal(vm_tlb_walk_references(&config, 30), 2);
	config.paging = VM_PAGING_IA32;
	assert_int_equal(vm_tlb_walk_references(&config, 12), 2);
	config.paging = VM_PAGING_LEVEL4;
	config.nested = true;
	config.host_paging = VM_PAGING_LEVEL4;
	config.host_page_shift = 12;
	assert_int_equal(vm_tlb_walk_references(&config, 12), 24);
	config.paging = config.host_paging = VM_PAGING_LEVEL5;
	assert_int_equal(vm_tlb_walk_references(&config, 12), 35);
}

static void structure_caches_shorten_walks_to_one_reference(void **state)
{
	(void)state;
	struct vm_tlb_config config = small_config();
	config.structure_entries[2] = config.structure_entries[3] = 2;
	struct tables tables = ordinary();
	struct vm_arena arena;
	struct vm_tlb *tlb = create(&config, &arena);

	assert_int_equal(touch(tlb, &tables, 0, VM_ACCESS_READ).walk_references, 4);
	assert_int_equal(
		touch(tlb, &tables, vm_pages_to_bytes(1), VM_ACCESS_READ).walk_references, 1);
	assert_int_equal(touch(tlb, &tables, VM_HUGE_2M_BYTES, VM_ACCESS_READ).walk_references, 2);
	vm_tlb_invalidate(tlb, 0);
	assert_int_equal(touch(tlb, &tables, 0, VM_ACCESS_READ).walk_references, 4);
	free(arena.base);
}

static void a_guest_entry_covers_the_smaller_page(void **state)
{
	(void)state;
	const struct vm_tlb_fact both = {
		.type = VM_TLB_DATA, .level = 1, .pages_mask = 1 << 12 | 1 << 21, .entries = 8};
	struct vm_tlb_config config = {
		.arrays_count = 1, .arrays = &both, .paging = VM_PAGING_LEVEL4};
	for (unsigned nested = 0; nested < 2; nested++) {
		config.nested = nested != 0;
		config.host_paging = VM_PAGING_LEVEL4;
		config.host_page_shift = 12;
		struct tables tables = ordinary();
		tables.page.page_shift = 21;
		struct vm_arena arena;
		struct vm_tlb *tlb = create(&config, &arena);
		(void)touch(tlb, &tables, 0, VM_ACCESS_READ);
		assert_int_equal(touch(tlb, &tables, vm_pages_to_bytes(1), VM_ACCESS_READ).level,
			nested != 0 ? 0 : 1);
		free(arena.base);
	}
}

static void code_and_data_have_their_own_first_level(void **state)
{
	(void)state;
	const struct vm_tlb_fact arrays[] = {small[0],
		{.type = VM_TLB_CODE, .level = 1, .pages_mask = 1 << 12, .entries = 4}, small[1]};
	const struct vm_tlb_config config = {
		.arrays_count = 3, .arrays = arrays, .paging = VM_PAGING_LEVEL4};
	struct tables tables = ordinary();
	struct vm_arena arena;
	struct vm_tlb *tlb = create(&config, &arena);

	assert_int_equal(touch(tlb, &tables, 0, VM_ACCESS_FETCH).level, 0);
	assert_int_equal(touch(tlb, &tables, 0, VM_ACCESS_READ).level, 2);
	assert_int_equal(touch(tlb, &tables, 0, VM_ACCESS_READ).level, 1);
	free(arena.base);
}

static void time_is_the_sum_of_its_parts(void **state)
{
	(void)state;
	const struct vm_tlb_counts counts = {
		.accesses = 100, .level_1_hits = 90, .level_2_hits = 5, .walk_references = 20};
	const struct vm_tlb_costs costs = {1000, 5000, 50000, 100000};

	assert_int_equal(vm_tlb_time_ps(&counts, &costs), 100 * 101000 + 10 * 5000 + 20 * 50000);
	assert_int_equal(vm_tlb_reach_bytes(&small[1], 12), 8 * VM_PAGE_BYTES);
}

static void nonsense_is_refused_with_a_reason(void **state)
{
	(void)state;
	struct vm_tlb_fact fact = small[0];
	struct vm_tlb_config config = {.arrays_count = 1, .arrays = &fact};

	fact.ways = 3;
	assert_non_null(vm_tlb_config_problem(&config));
	fact = small[0];
	fact.level = 3;
	assert_non_null(vm_tlb_config_problem(&config));
	fact = small[0];
	fact.pages_mask = 0;
	assert_non_null(vm_tlb_config_problem(&config));
	fact = small[0];
	fact.entries = fact.ways = 256;
	config.replacement = VM_TLB_PSEUDO_LRU;
	assert_non_null(vm_tlb_config_problem(&config));
	config.arrays_count = 0;
	assert_non_null(vm_tlb_config_problem(&config));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lru_agrees_with_a_naive_second_implementation),
		cmocka_unit_test(a_tree_of_two_ways_is_lru),
		cmocka_unit_test(a_tree_of_four_ways_is_not_lru),
		cmocka_unit_test(odd_numbers_of_ways_are_all_used),
		cmocka_unit_test(stale_rights_act_until_invalidated),
		cmocka_unit_test(a_fault_drops_the_entry_so_that_granting_needs_no_flush),
		cmocka_unit_test(the_first_write_after_a_read_walks_for_the_dirty_bit),
		cmocka_unit_test(a_switch_flushes_unless_entries_carry_the_space),
		cmocka_unit_test(global_entries_survive_a_switch),
		cmocka_unit_test(walks_cost_what_the_levels_say),
		cmocka_unit_test(structure_caches_shorten_walks_to_one_reference),
		cmocka_unit_test(a_guest_entry_covers_the_smaller_page),
		cmocka_unit_test(code_and_data_have_their_own_first_level),
		cmocka_unit_test(time_is_the_sum_of_its_parts),
		cmocka_unit_test(nonsense_is_refused_with_a_reason),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
