/* SPDX-License-Identifier: Apache-2.0 */
/* Tables as the course draws them, segments, base and limit, low memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "vm/random.h"
#include "vm/segment.h"
#include "vm/tables.h"

/* osn: 8-bit addresses, pages of 64 bytes, four entries. */
static void the_worked_example(void **state)
{
	(void)state;
	static const uint64_t frames[] = {2, 5, 1, 8};
	struct vm_single_level table = {.page_bytes = 64,
		.physical_bytes = 1024,
		.pages_count = 4,
		.frames = frames,
		.formula = VM_EXAMPLE_FRAME_TIMES_PAGE_SIZE};
	struct vm_single_result result = vm_single_translate(&table, 241);

	assert_int_equal(result.page, 3);
	assert_int_equal(result.offset_bytes, 49);
	assert_int_equal(result.physical, 561);
	table.formula = VM_EXAMPLE_FRAME_PLUS_OFFSET;
	assert_int_equal(vm_single_translate(&table, 241).physical, 57);
	assert_int_equal(vm_single_translate(&table, 256).outcome, VM_SINGLE_BEYOND_TABLE);
}

static void absent_and_impossible_frames_are_told_apart(void **state)
{
	(void)state;
	static const uint64_t frames[] = {VM_NO_FRAME, 100};
	const struct vm_single_level table = {
		.page_bytes = 10, .physical_bytes = 500, .pages_count = 2, .frames = frames};

	assert_int_equal(vm_single_translate(&table, 9).outcome, VM_SINGLE_ABSENT);
	assert_int_equal(vm_single_translate(&table, 10).outcome, VM_SINGLE_BEYOND_MEMORY);
}

static void flat_tables_are_as_large_as_the_course_says(void **state)
{
	(void)state;
	assert_int_equal(vm_flat_table_bytes(32, 12, 4), 4 * VM_MIB_BYTES);
	assert_int_equal(vm_flat_table_bytes(64, 12, 8), 32 * (UINT64_C(1) << 50));
	assert_int_equal(vm_flat_table_bytes(64, 0, 8), UINT64_MAX);
	assert_int_equal(vm_ia32_inner_span_bytes(VM_IA32_SPLIT_10_10_12), 4 * VM_MIB_BYTES);
	assert_int_equal(vm_ia32_inner_span_bytes(VM_IA32_SPLIT_10_10_10), VM_MIB_BYTES);
	assert_int_equal(vm_giant_page_saving(VM_GIANT_PAGE_SAVING_COUNTED), 512 * 512);
}

static void hierarchical_tables_cost_what_is_used(void **state)
{
	(void)state;
	uint64_t tables[VM_PAGING_LEVELS_LIMIT + 1];
	const struct vm_table_range gib = {VM_HUGE_1G_BYTES, 2 * VM_HUGE_1G_BYTES - 1};

	assert_int_equal(
		vm_hierarchical_tables(vm_paging_shape(VM_PAGING_LEVEL4), &gib, 1, 1, tables),
		VM_PAGE_BYTES * (512 + 1 + 1 + 1));
	assert_int_equal(tables[1], 512);
	assert_int_equal(
		vm_hierarchical_tables(vm_paging_shape(VM_PAGING_LEVEL4), &gib, 1, 2, tables),
		VM_PAGE_BYTES * 3);
	assert_int_equal(
		vm_hierarchical_tables(vm_paging_shape(VM_PAGING_LEVEL4), &gib, 1, 3, tables),
		VM_PAGE_BYTES * 2);
	const struct vm_table_range ia32[] = {{0, 0}, {4 * VM_MIB_BYTES - 1, 4 * VM_MIB_BYTES}};
	assert_int_equal(
		vm_hierarchical_tables(vm_paging_shape(VM_PAGING_IA32), ia32, 2, 1, tables),
		VM_PAGE_BYTES * 3);
	assert_int_equal(vm_hierarchical_tables(vm_paging_shape(VM_PAGING_PAE), ia32, 1, 1, tables),
		VM_PAGE_BYTES * 2 + 32);
}

/* Counts the same tables by marking each page's, in a space of four levels. */
static void table_counts_agree_with_marking_every_page(void **state)
{
	(void)state;
	const struct vm_paging_shape *shape = vm_paging_shape(VM_PAGING_LEVEL4);

	for (uint64_t seed = 0; seed < 1000; seed++) {
		uint64_t random = seed, at = 0, tables[VM_PAGING_LEVELS_LIMIT + 1];
		struct vm_table_range ranges[5];
		uint64_t seen[4][64], counts[4] = {0};
		for (unsigned i = 0; i < 5; i++) {
			const uint64_t reach = UINT64_C(1) << (1 + vm_random_below(&random, 30));
			ranges[i].first = at + vm_pages_to_bytes(vm_random_below(&random, reach));
			ranges[i].last = ranges[i].first +
					 vm_pages_to_bytes(1 + vm_random_below(&random, 600)) - 1;
			at = ranges[i].last + 1;
		}
		for (unsigned i = 0; i < 5; i++)
			for (uint64_t a = ranges[i].first; a < ranges[i].last; a += VM_PAGE_BYTES)
				for (unsigned level = 1; level <= 3; level++) {
					const uint64_t table = a >> (12 + 9 * level);
					uint64_t j = 0;
					while (j < counts[level] && seen[level][j] != table)
						j++;
					if (j == counts[level])
						seen[level][counts[level]++] = table;
				}
		(void)vm_hierarchical_tables(shape, ranges, 5, 1, tables);
		for (unsigned level = 1; level <= 3; level++)
			assert_int_equal(tables[level], counts[level]);
	}
}

static void inverted_tables_agree_whichever_way_they_are_searched(void **state)
{
	(void)state;
	enum { FRAMES = 32, BUCKETS = 8 };
	uint64_t linear_probes = 0, hashed_probes = 0;

	for (uint64_t seed = 0; seed < 1000; seed++) {
		const size_t size_bytes = vm_inverted_bytes(FRAMES, BUCKETS);
		struct vm_arena arenas[2];
		struct vm_inverted *tables[2];
		uint64_t random = seed;
		for (unsigned i = 0; i < 2; i++) {
			arenas[i] = vm_arena_over(malloc(size_bytes), size_bytes);
			tables[i] =
				vm_inverted_create(i == 0 ? VM_INVERTED_LINEAR : VM_INVERTED_HASHED,
					FRAMES, BUCKETS, &arenas[i]);
			assert_non_null(tables[i]);
		}
		for (unsigned step = 0; step < 100; step++) {
			const uint32_t process = (uint32_t)vm_random_below(&random, 3);
			const uint64_t page = vm_random_below(&random, 20);
			uint32_t probes[2], found[2];
			for (unsigned i = 0; i < 2; i++)
				found[i] = vm_inverted_find(tables[i], process, page, &probes[i]);
			assert_int_equal(found[0], found[1]);
			linear_probes += probes[0];
			hashed_probes += probes[1];
			const uint32_t frame = (uint32_t)vm_random_below(&random, FRAMES);
			for (unsigned i = 0; i < 2 && found[0] == UINT32_MAX; i++)
				vm_inverted_map(tables[i], frame, process, page);
			for (unsigned i = 0; i < 2 && found[0] != UINT32_MAX && step % 3 == 0; i++)
				vm_inverted_unmap(tables[i], found[0]);
		}
		free(arenas[0].base);
		free(arenas[1].base);
	}
	assert_true(hashed_probes * 4 < linear_probes);
}

static const struct vm_descriptor descriptors[] = {
	{.present = false},
	{.base = 0x1000, .limit = 99, .present = true, .writable = true, .privilege = 3},
	{.base = 0x2000, .limit = 99, .present = true, .type = VM_SEGMENT_CODE, .privilege = 3},
	{.base = 0x3000, .limit = 99, .present = true, .writable = true, .privilege = 0},
	{.base = 0x4000, .limit = 0, .limit_in_pages = true, .present = true, .privilege = 3},
	{.base = 0x5000,
		.limit = 99,
		.present = true,
		.writable = true,
		.privilege = 3,
		.type = VM_SEGMENT_STACK},
	{.base = 0x6000, .limit = 99, .writable = true, .privilege = 3},
};

static void segments_check_limit_type_and_privilege(void **state)
{
	(void)state;
	const struct vm_descriptor_tables tables = {
		.global_count = 7, .global = descriptors, .local_count = 2, .local = descriptors};
	static const struct {
		uint16_t index;
		bool local;
		uint8_t privilege;
		uint32_t offset, width;
		enum vm_access_kind kind;
		enum vm_segment_outcome outcome;
	} rows[] = {
		{1, false, 3, 0, 1, VM_ACCESS_READ, VM_SEGMENT_ALLOWED},
		{1, false, 3, 96, 4, VM_ACCESS_WRITE, VM_SEGMENT_ALLOWED},
		{1, false, 3, 97, 4, VM_ACCESS_WRITE, VM_SEGMENT_LIMIT},
		{1, false, 3, UINT32_MAX, 4, VM_ACCESS_READ, VM_SEGMENT_LIMIT},
		{1, false, 3, 0, 1, VM_ACCESS_FETCH, VM_SEGMENT_TYPE},
		{2, false, 3, 0, 1, VM_ACCESS_FETCH, VM_SEGMENT_ALLOWED},
		{2, false, 3, 0, 1, VM_ACCESS_READ, VM_SEGMENT_TYPE},
		{2, false, 3, 0, 1, VM_ACCESS_WRITE, VM_SEGMENT_TYPE},
		{3, false, 3, 0, 1, VM_ACCESS_READ, VM_SEGMENT_PRIVILEGE},
		{3, false, 0, 0, 1, VM_ACCESS_READ, VM_SEGMENT_ALLOWED},
		{4, false, 3, 4095, 1, VM_ACCESS_READ, VM_SEGMENT_ALLOWED},
		{4, false, 3, 4096, 1, VM_ACCESS_READ, VM_SEGMENT_LIMIT},
		{4, false, 3, 0, 1, VM_ACCESS_WRITE, VM_SEGMENT_TYPE},
		{5, false, 3, 99, 1, VM_ACCESS_READ, VM_SEGMENT_LIMIT},
		{5, false, 3, 100, 1, VM_ACCESS_READ, VM_SEGMENT_ALLOWED},
		{6, false, 3, 0, 1, VM_ACCESS_READ, VM_SEGMENT_NOT_PRESENT},
		{0, false, 3, 0, 1, VM_ACCESS_READ, VM_SEGMENT_NULL},
		{7, false, 3, 0, 1, VM_ACCESS_READ, VM_SEGMENT_NO_DESCRIPTOR},
		{1, true, 3, 0, 1, VM_ACCESS_READ, VM_SEGMENT_ALLOWED},
		{2, true, 3, 0, 1, VM_ACCESS_READ, VM_SEGMENT_NO_DESCRIPTOR},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct vm_selector selector = {
			.index = rows[i].index, .local = rows[i].local};
		const struct vm_segment_result result = vm_segment_translate(&tables, selector,
			rows[i].offset, rows[i].width, rows[i].kind, rows[i].privilege);
		assert_int_equal(result.outcome, rows[i].outcome);
		if (result.outcome == VM_SEGMENT_ALLOWED)
			assert_int_equal(
				result.linear, descriptors[rows[i].index].base + rows[i].offset);
	}
}

static void growth_moves_and_compaction_changes_only_bases(void **state)
{
	(void)state;
	const size_t size_bytes = vm_relocation_bytes(4);
	struct vm_arena arena = vm_arena_over(malloc(size_bytes), size_bytes);
	struct vm_relocation *memory = vm_relocation_create(VM_FIT_FIRST, 100, 4, &arena);
	uint64_t base, limit, physical, moved;

	assert_true(vm_relocation_load(memory, 0, 30));
	assert_true(vm_relocation_load(memory, 1, 30));
	assert_true(vm_relocation_translate(memory, 1, 29, &physical));
	assert_int_equal(physical, 59);
	assert_false(vm_relocation_translate(memory, 1, 30, &physical));
	/* Room behind: nothing moves. None behind: it moves, and leaves a hole. */
	assert_true(vm_relocation_grow(memory, 1, 35, &moved));
	assert_int_equal(moved, 0);
	assert_true(vm_relocation_grow(memory, 0, 35, &moved));
	assert_int_equal(moved, 30);
	assert_true(vm_relocation_registers(memory, 0, &base, &limit));
	assert_int_equal(base, 65);
	assert_int_equal(limit, 35);
	/* 30 free, all in one hole; ending program 1 makes 65. */
	assert_false(vm_relocation_load(memory, 2, 40));
	vm_relocation_end(memory, 1);
	assert_true(vm_relocation_load(memory, 2, 40));
	assert_true(vm_relocation_load(memory, 3, 10));
	vm_relocation_end(memory, 2);
	assert_int_equal(vm_relocation_compact(memory), 45);
	assert_true(vm_relocation_registers(memory, 3, &base, &limit));
	assert_int_equal(base, 0);
	assert_true(vm_relocation_registers(memory, 0, &base, &limit));
	assert_int_equal(base, 10);
	assert_true(vm_relocation_translate(memory, 0, 34, &physical));
	assert_int_equal(physical, 44);
	free(arena.base);
}

static void low_memory_ends_at_896_mebibytes(void **state)
{
	(void)state;
	const struct vm_lowmem split = vm_lowmem_split(4 * VM_GIB_BYTES);
	uint64_t address;

	assert_int_equal(split.low_bytes, 896 * VM_MIB_BYTES);
	assert_int_equal(split.high_bytes, 3200 * VM_MIB_BYTES);
	assert_true(vm_lowmem_address(4 * VM_GIB_BYTES, 896 * VM_MIB_BYTES - 1, &address));
	assert_int_equal(address, 0xf7ffffff);
	assert_false(vm_lowmem_address(4 * VM_GIB_BYTES, 896 * VM_MIB_BYTES, &address));
	assert_int_equal(vm_lowmem_split(VM_MIB_BYTES).high_bytes, 0);
}

static void the_window_gives_slots_back_only_at_a_flush(void **state)
{
	(void)state;
	struct vm_kmap window;

	vm_kmap_start(&window, 2);
	assert_int_equal(vm_kmap_map(&window, 10), 0);
	assert_int_equal(vm_kmap_map(&window, 11), 1);
	assert_int_equal(vm_kmap_map(&window, 10), 0);
	assert_int_equal(vm_kmap_map(&window, 12), UINT32_MAX);
	vm_kmap_unmap(&window, 0);
	vm_kmap_unmap(&window, 1);
	assert_int_equal(vm_kmap_map(&window, 11), 1);
	vm_kmap_unmap(&window, 1);
	const uint32_t flushes = window.flushes;
	assert_int_equal(vm_kmap_map(&window, 12), 1);
	assert_int_equal(window.flushes, flushes + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_worked_example),
		cmocka_unit_test(absent_and_impossible_frames_are_told_apart),
		cmocka_unit_test(flat_tables_are_as_large_as_the_course_says),
		cmocka_unit_test(hierarchical_tables_cost_what_is_used),
		cmocka_unit_test(table_counts_agree_with_marking_every_page),
		cmocka_unit_test(inverted_tables_agree_whichever_way_they_are_searched),
		cmocka_unit_test(segments_check_limit_type_and_privilege),
		cmocka_unit_test(growth_moves_and_compaction_changes_only_bases),
		cmocka_unit_test(low_memory_ends_at_896_mebibytes),
		cmocka_unit_test(the_window_gives_slots_back_only_at_a_flush),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
