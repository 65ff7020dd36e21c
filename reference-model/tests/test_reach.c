/* SPDX-License-Identifier: Apache-2.0 */
/* The reach of a translation buffer from its description, and the tables that fork copies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "vm/fork.h"
#include "vm/model.h"
#include "vm/reach.h"

#define ROOM_BYTES	((size_t)4 << 20)
#define FORK_ROOM_BYTES ((size_t)16 << 20)

static struct vm_reach reach_of(
	enum vm_model_id id, const struct vm_tlb_fact *facts, size_t count, unsigned level)
{
	struct vm_host host = {.cpu = {.tlb_count = (uint8_t)count}};
	void *memory = malloc(ROOM_BYTES);
	struct vm_arena arena = vm_arena_over(memory, ROOM_BYTES);

	assert_non_null(memory);
	for (size_t i = 0; i < count; i++)
		host.cpu.tlb[i] = facts[i];
	const struct vm_model model = vm_model_for(id, &host);
	const struct vm_reach reach = vm_tlb_reach(&model.behaviours, &host, level, &arena);
	/* What was taken is given back: a prediction is asked for often. */
	assert_int_equal(arena.used_bytes, 0);
	free(memory);
	return reach;
}

/* Zen 4 and Zen 5: a fully associative first level has one reach, however pages lie. */
static void test_fully_associative_level_is_exact(void **state)
{
	(void)state;
	for (uint32_t entries = 32; entries <= 96; entries += 8) {
		const struct vm_tlb_fact fact = {.type = VM_TLB_DATA,
			.level = 1,
			.pages_mask = VM_PAGE_BYTES | VM_HUGE_2M_BYTES,
			.entries = entries};
		const struct vm_reach reach = reach_of(VM_MODEL_LINUX, &fact, 1, 1);
		assert_true(reach.known);
		assert_int_equal(reach.least_pages, entries);
		assert_int_equal(reach.most_pages, entries);
		/* A turn through one more misses every time. */
		assert_int_equal(reach.half_pages, entries + 1);
	}
}

/* 3072 entries in 384 sets: pages in a row fit to the last; by chance a set overflows before. */
static void test_set_associative_level_is_an_interval(void **state)
{
	const struct vm_tlb_fact fact = {.type = VM_TLB_DATA,
		.level = 2,
		.pages_mask = VM_PAGE_BYTES,
		.entries = 3072,
		.ways = 8};
	const struct vm_reach reach = reach_of(VM_MODEL_LINUX, &fact, 1, 2);

	(void)state;
	assert_true(reach.known);
	assert_int_equal(reach.most_pages, 3072);
	/* More than one set's ways, less than half of all. */
	assert_true(reach.least_pages > 8 && reach.least_pages < 3072 / 2);
	/* Beyond the last entry, and before every one of the 384 sets has a page too many. */
	assert_true(reach.half_pages > 3072 && reach.half_pages <= 3072 + 384);
}

static void test_what_cpuid_does_not_say_is_not_known(void **state)
{
	const struct vm_tlb_fact others[] = {
		{.type = VM_TLB_CODE, .level = 1, .pages_mask = VM_PAGE_BYTES, .entries = 64},
		{.type = VM_TLB_DATA, .level = 1, .pages_mask = VM_HUGE_2M_BYTES, .entries = 32},
		{.type = VM_TLB_DATA, .level = 2, .pages_mask = VM_PAGE_BYTES, .entries = 512},
	};

	(void)state;
	assert_false(reach_of(VM_MODEL_LINUX, others, 3, 1).known);
	assert_true(reach_of(VM_MODEL_LINUX, others, 3, 2).known);
	assert_false(reach_of(VM_MODEL_LINUX, others, 0, 2).known);
}

/* Ice Lake: a page of 4 KiB fits into either of two buffers, and which takes it is not said. */
static void test_of_two_buffers_neither_is_the_level(void **state)
{
	const struct vm_tlb_fact second[] = {
		{VM_TLB_UNIFIED, 2, VM_PAGE_BYTES | VM_HUGE_2M_BYTES, 1024, 8},
		{VM_TLB_UNIFIED, 2, VM_PAGE_BYTES | VM_HUGE_1G_BYTES, 1024, 8},
	};

	(void)state;
	assert_true(reach_of(VM_MODEL_LINUX, second, 1, 2).known);
	assert_false(reach_of(VM_MODEL_LINUX, second, 2, 2).known);
}

/* A guest of a Zen 5 host sees 128 and not whether that counts ones or 32s. */
static void test_hidden_unit_leaves_two_candidates(void **state)
{
	struct vm_host host = {
		.cpu = {.vendor = VM_CPU_AMD,
			.family = 0x1a,
			.hypervisor = true,
			.tlb_count = 1,
			.tlb = {{.type = VM_TLB_DATA,
				.level = 2,
				.pages_mask = VM_PAGE_BYTES,
				.entries = 128,
				.ways = 8}}},
	};
	struct vm_tlb_fact candidates[VM_TLB_CANDIDATES_LIMIT];

	(void)state;
	assert_int_equal(vm_tlb_candidates(&host, 2, VM_PAGE_BYTES, candidates), 2);
	assert_int_equal(candidates[0].entries, 128);
	assert_int_equal(candidates[1].entries, 4096);
	assert_int_equal(vm_tlb_candidates(&host, 2, VM_HUGE_2M_BYTES, candidates), 0);
	/* Without a hypervisor the bit is seen, and cpuid.c has counted by it. */
	host.cpu.hypervisor = false;
	assert_int_equal(vm_tlb_candidates(&host, 2, VM_PAGE_BYTES, candidates), 1);
	host.cpu.hypervisor = true;
	host.cpu.family = 0x19;
	assert_int_equal(vm_tlb_candidates(&host, 2, VM_PAGE_BYTES, candidates), 1);
}

/* With victims drawn by chance half of a cycle misses at 1 / (2 log 2) = 1.39 times the entries. */
static void test_code_has_a_buffer_of_its_own(void **state)
{
	const struct vm_host host = {
		.cpu = {.tlb_count = 2,
			.tlb = {{VM_TLB_CODE, 1, VM_PAGE_BYTES, 64, 0},
				{VM_TLB_DATA, 1, VM_PAGE_BYTES, 96, 0}}},
	};
	const struct vm_host none = {.cpu = {.tlb_count = 0}};
	const struct vm_model linux_model = vm_model_for(VM_MODEL_LINUX, &host);
	const struct vm_model textbook = vm_model_for(VM_MODEL_TEXTBOOK, &host);
	void *memory = malloc(ROOM_BYTES);
	struct vm_arena arena = vm_arena_over(memory, ROOM_BYTES);

	(void)state;
	assert_non_null(memory);
	const struct vm_reach reach = vm_tlb_code_reach(&linux_model.behaviours, &host, &arena);
	assert_true(reach.known);
	assert_int_equal(reach.least_pages, 64);
	assert_int_equal(reach.most_pages, 64);
	assert_true(reach.half_pages > 80 && reach.half_pages < 98);
	assert_false(vm_tlb_code_reach(&linux_model.behaviours, &none, &arena).known);
	assert_int_equal(vm_tlb_code_reach(&textbook.behaviours, &none, &arena).most_pages, 128);
	assert_int_equal(arena.used_bytes, 0);
	free(memory);
}

/* gios: a Core i7 has 64 first-level data entries and 512 in the second level. */
static void test_teaching_has_one_processor(void **state)
{
	(void)state;
	assert_int_equal(reach_of(VM_MODEL_TEXTBOOK, NULL, 0, 1).most_pages, 64);
	assert_int_equal(reach_of(VM_MODEL_TEXTBOOK, NULL, 0, 2).least_pages, 512);
}

static uint64_t copied_by(enum vm_model_id id, enum vm_fork_memory kind)
{
	const struct vm_host host = {
		.page_table_levels = 4, .address_space_limit_bytes = UINT64_MAX};
	const struct vm_model model = vm_model_for(id, &host);
	void *memory = malloc(FORK_ROOM_BYTES);
	struct vm_arena arena = vm_arena_over(memory, FORK_ROOM_BYTES);

	assert_non_null(memory);
	const uint64_t tables =
		vm_fork_tables_copied(&model.behaviours, &host, kind, 64 * VM_MIB_BYTES, &arena);
	assert_int_equal(arena.used_bytes, 0);
	free(memory);
	return tables;
}

/* 64 MiB: 32 tables of entries, and one of each of the two levels above them. */
static void test_fork_copies_tables(void **state)
{
	const uint64_t tables = 32 + 2;

	(void)state;
	assert_int_equal(copied_by(VM_MODEL_LINUX, VM_FORK_PRIVATE_TOUCHED), tables);
	assert_int_equal(copied_by(VM_MODEL_TEXTBOOK, VM_FORK_PRIVATE_TOUCHED), tables);
	assert_int_equal(copied_by(VM_MODEL_LINUX, VM_FORK_SHARED_TOUCHED), 0);
	assert_int_equal(copied_by(VM_MODEL_TEXTBOOK, VM_FORK_SHARED_TOUCHED), tables);
	assert_int_equal(copied_by(VM_MODEL_LINUX, VM_FORK_FILE_TOUCHED), 0);
	assert_int_equal(copied_by(VM_MODEL_TEXTBOOK, VM_FORK_FILE_TOUCHED), tables);
	assert_int_equal(copied_by(VM_MODEL_LINUX, VM_FORK_PRIVATE_UNTOUCHED), 0);
	assert_int_equal(copied_by(VM_MODEL_TEXTBOOK, VM_FORK_PRIVATE_UNTOUCHED), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fully_associative_level_is_exact),
		cmocka_unit_test(test_set_associative_level_is_an_interval),
		cmocka_unit_test(test_what_cpuid_does_not_say_is_not_known),
		cmocka_unit_test(test_of_two_buffers_neither_is_the_level),
		cmocka_unit_test(test_hidden_unit_leaves_two_candidates),
		cmocka_unit_test(test_code_has_a_buffer_of_its_own),
		cmocka_unit_test(test_teaching_has_one_processor),
		cmocka_unit_test(test_fork_copies_tables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
