/* SPDX-License-Identifier: Apache-2.0 */
/* The walker against the manuals' tables, and against a second one written another way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "vm/linux_entry.h"
#include "vm/walk.h"

#define MEMORY_BYTES (UINT64_C(1) << 20)

struct memory {
	unsigned char bytes[MEMORY_BYTES];
	uint64_t next_frame;
};

static bool load(void *context, uint64_t address, unsigned entry_bytes, uint64_t *value)
{
	const struct memory *memory = context;

	if (address > MEMORY_BYTES - entry_bytes)
		return false;
	*value = 0;
	memcpy(value, memory->bytes + address, entry_bytes);
	return true;
}

static void store(void *context, uint64_t address, unsigned entry_bytes, uint64_t value)
{
	struct memory *memory = context;

	memcpy(memory->bytes + address, &value, entry_bytes);
}

static bool frame(void *context, unsigned level, uint64_t *address)
{
	struct memory *memory = context;

	(void)level;
	if (memory->next_frame == MEMORY_BYTES)
		return false;
	*address = memory->next_frame;
	memory->next_frame += VM_PAGE_BYTES;
	return true;
}

static struct memory *fresh_memory(void)
{
	struct memory *memory = calloc(1, sizeof(*memory));

	assert_non_null(memory);
	memory->next_frame = 2 * VM_PAGE_BYTES;
	return memory;
}

static const struct vm_mmu plain = {
	.paging = VM_PAGING_LEVEL4,
	.root = VM_PAGE_BYTES,
	.physical_bits = 48,
	.write_protect = true,
	.large_pages = true,
	.page_1g = true,
	.no_execute = true,
	.smep = true,
	.smap = true,
};

static struct vm_physical over(struct memory *memory)
{
	return (struct vm_physical){memory, load, store};
}

static void map(const struct vm_mmu *mmu, struct memory *memory, uint64_t address, uint64_t target,
	unsigned level, uint64_t flags)
{
	const struct vm_physical physical = over(memory);

	assert_int_equal(vm_map_page(mmu, &physical, frame, memory, address, target, level, flags),
		VM_MAP_DONE);
}

static struct vm_walk walk(const struct vm_mmu *mmu, struct memory *memory, uint64_t address,
	enum vm_access_kind kind, bool user)
{
	const struct vm_physical physical = over(memory);
	const struct vm_access access = {.address = address, .kind = kind, .user = user};

	return vm_walk(mmu, &physical, &access);
}

#define P VM_PTE_PRESENT
#define W VM_PTE_WRITABLE
#define U VM_PTE_USER

static void every_shape_translates_at_every_leaf_level(void **state)
{
	(void)state;
	for (enum vm_paging paging = 0; paging < VM_PAGING_LIMIT; paging++) {
		const struct vm_paging_shape *shape = vm_paging_shape(paging);
		for (unsigned level = 1; level <= shape->largest_leaf_level; level++) {
			struct memory *memory = fresh_memory();
			struct vm_mmu mmu = plain;
			mmu.paging = paging;
			const uint64_t bytes = UINT64_C(1) << vm_level_shift(shape, level);
			map(&mmu, memory, bytes, 2 * bytes, level, P | W | U);
			const struct vm_walk found =
				walk(&mmu, memory, bytes + 0x123, VM_ACCESS_WRITE, true);
			assert_int_equal(found.outcome, VM_WALK_TRANSLATED);
			assert_int_equal(found.physical, 2 * bytes + 0x123);
			assert_int_equal(found.steps_count, shape->levels - level + 1);
			assert_int_equal(found.page_shift, vm_level_shift(shape, level));
			free(memory);
		}
	}
}

static void levels_cut_addresses_as_the_manual_draws(void **state)
{
	(void)state;
	const struct vm_paging_shape *ia32 = vm_paging_shape(VM_PAGING_IA32);
	const struct vm_paging_shape *four = vm_paging_shape(VM_PAGING_LEVEL4);
	const struct vm_paging_shape *pae = vm_paging_shape(VM_PAGING_PAE);

	assert_int_equal(vm_level_index(ia32, 2, 0xffc01000), 1023);
	assert_int_equal(vm_level_index(ia32, 1, 0xffc01000), 1);
	assert_int_equal(vm_level_shift(ia32, 2), 22);
	assert_int_equal(vm_level_index(pae, 3, 0xc0000000), 3);
	assert_int_equal(vm_level_table_bytes(pae, 3), 32);
	assert_int_equal(vm_level_table_bytes(ia32, 1), VM_PAGE_BYTES);
	assert_int_equal(vm_level_shift(four, 4), 39);
	assert_int_equal(vm_level_index(four, 4, 0xffff800000000000), 256);
}

static void only_the_two_halves_are_addressable(void **state)
{
	(void)state;
	assert_true(vm_is_canonical(VM_PAGING_LEVEL4, 0x00007fffffffffff));
	assert_false(vm_is_canonical(VM_PAGING_LEVEL4, 0x0000800000000000));
	assert_false(vm_is_canonical(VM_PAGING_LEVEL4, 0xffff7fffffffffff));
	assert_true(vm_is_canonical(VM_PAGING_LEVEL4, 0xffff800000000000));
	assert_true(vm_is_canonical(VM_PAGING_LEVEL5, 0x00ffffffffffffff));
	assert_false(vm_is_canonical(VM_PAGING_LEVEL5, 0x0100000000000000));
	assert_true(vm_is_canonical(VM_PAGING_PAE, 0xffffffff));
	assert_false(vm_is_canonical(VM_PAGING_PAE, 0x100000000));

	struct memory *memory = fresh_memory();
	assert_int_equal(walk(&plain, memory, 0x0000800000000000, VM_ACCESS_READ, true).outcome,
		VM_WALK_GENERAL_PROTECTION);
	free(memory);
}

/* linux:6.12:arch/x86/mm/fault.c: the codes that a user program sees. */
static void error_codes_are_the_processors(void **state)
{
	(void)state;
	static const struct {
		uint64_t flags;
		enum vm_access_kind kind;
		bool user;
		uint32_t code;
	} rows[] = {
		{0, VM_ACCESS_READ, true, 0x4},
		{0, VM_ACCESS_WRITE, true, 0x6},
		{0, VM_ACCESS_FETCH, true, 0x14},
		{P | W, VM_ACCESS_READ, true, 0x5},
		{P | W, VM_ACCESS_WRITE, true, 0x7},
		{P | U, VM_ACCESS_WRITE, true, 0x7},
		{P | U | VM_PTE_NO_EXECUTE, VM_ACCESS_FETCH, true, 0x15},
		{P | U, VM_ACCESS_FETCH, false, 0x11},
		{P | W | U, VM_ACCESS_READ, false, 0x1},
		{P, VM_ACCESS_WRITE, false, 0x3},
		{P | W | U | UINT64_C(1) << 50, VM_ACCESS_READ, true, 0xd},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct memory *memory = fresh_memory();
		map(&plain, memory, 0x400000, 0x5000, 1, rows[i].flags);
		const struct vm_walk found =
			walk(&plain, memory, 0x400000, rows[i].kind, rows[i].user);
		assert_int_equal(found.outcome, VM_WALK_PAGE_FAULT);
		assert_int_equal(found.error_code, rows[i].code);
		assert_int_equal(found.fault_level, 1);
		free(memory);
	}
}

static void keys_deny_data_but_not_fetches(void **state)
{
	(void)state;
	struct memory *memory = fresh_memory();
	struct vm_mmu mmu = plain;
	mmu.protection_keys = true;
	map(&mmu, memory, 0x400000, 0x5000, 1, P | W | U | UINT64_C(3) << VM_PTE_KEY_SHIFT);

	mmu.pkru = UINT32_C(2) << 6; /* key 3: write disable */
	assert_int_equal(
		walk(&mmu, memory, 0x400000, VM_ACCESS_READ, true).outcome, VM_WALK_TRANSLATED);
	assert_int_equal(walk(&mmu, memory, 0x400000, VM_ACCESS_WRITE, true).error_code, 0x27);
	mmu.pkru = UINT32_C(1) << 6; /* access disable */
	assert_int_equal(walk(&mmu, memory, 0x400000, VM_ACCESS_READ, true).error_code, 0x25);
	assert_int_equal(
		walk(&mmu, memory, 0x400000, VM_ACCESS_FETCH, true).outcome, VM_WALK_TRANSLATED);
	mmu.smap = false;
	mmu.write_protect = false;
	mmu.pkru = UINT32_C(2) << 6;
	assert_int_equal(
		walk(&mmu, memory, 0x400000, VM_ACCESS_WRITE, false).outcome, VM_WALK_TRANSLATED);
	free(memory);
}

static void the_supervisor_is_held_by_wp_smap_and_smep(void **state)
{
	(void)state;
	struct memory *memory = fresh_memory();
	struct vm_mmu mmu = plain;
	map(&mmu, memory, 0x400000, 0x5000, 1, P);
	mmu.write_protect = false;
	assert_int_equal(
		walk(&mmu, memory, 0x400000, VM_ACCESS_WRITE, false).outcome, VM_WALK_TRANSLATED);
	map(&mmu, memory, 0x401000, 0x6000, 1, P | U | W);
	mmu.alignment_check = true;
	assert_int_equal(
		walk(&mmu, memory, 0x401000, VM_ACCESS_READ, false).outcome, VM_WALK_TRANSLATED);
	const struct vm_physical physical = over(memory);
	const struct vm_access implicit = {.address = 0x401000, .implicit = true};
	assert_int_equal(vm_walk(&mmu, &physical, &implicit).error_code, 0x1);
	assert_int_equal(walk(&mmu, memory, 0x401000, VM_ACCESS_FETCH, false).error_code, 0x11);
	mmu.smep = false;
	assert_int_equal(
		walk(&mmu, memory, 0x401000, VM_ACCESS_FETCH, false).outcome, VM_WALK_TRANSLATED);
	free(memory);
}

static void any_access_sets_accessed_and_only_a_write_dirty(void **state)
{
	(void)state;
	struct memory *memory = fresh_memory();
	map(&plain, memory, 0x400000, 0x5000, 1, P | W | U);
	struct vm_walk found = walk(&plain, memory, 0x400000, VM_ACCESS_READ, true);
	for (unsigned i = 0; i < found.steps_count; i++)
		assert_int_equal(
			found.steps[i].after & (VM_PTE_ACCESSED | VM_PTE_DIRTY), VM_PTE_ACCESSED);
	found = walk(&plain, memory, 0x400000, VM_ACCESS_WRITE, true);
	assert_true(found.steps[3].before & VM_PTE_ACCESSED);
	assert_true(found.steps[3].after & VM_PTE_DIRTY);
	assert_false(found.steps[0].after & VM_PTE_DIRTY);
	free(memory);
}

static void upper_accessed_bits_of_a_denied_access_are_a_choice(void **state)
{
	(void)state;
	struct vm_mmu mmu = plain;
	struct memory *memory = fresh_memory();
	map(&mmu, memory, 0x400000, 0x5000, 1, P | U);
	mmu.accessed_update = VM_ACCESSED_IF_ALLOWED;
	struct vm_walk found = walk(&mmu, memory, 0x400000, VM_ACCESS_WRITE, true);
	assert_int_equal(found.steps[0].after & VM_PTE_ACCESSED, 0);
	mmu.accessed_update = VM_ACCESSED_AS_WALKED;
	found = walk(&mmu, memory, 0x400000, VM_ACCESS_WRITE, true);
	assert_true(found.steps[0].after & VM_PTE_ACCESSED);
	assert_int_equal(found.steps[3].after & VM_PTE_ACCESSED, 0);
	free(memory);
}

static void reserved_bits_follow_width_and_features(void **state)
{
	(void)state;
	struct vm_mmu mmu = plain;

	assert_int_equal(vm_pte_reserved_mask(&mmu, 1, P), UINT64_C(0xf) << 48);
	assert_int_equal(vm_pte_reserved_mask(&mmu, 4, P), UINT64_C(0xf) << 48 | VM_PTE_LARGE);
	assert_int_equal(vm_pte_reserved_mask(&mmu, 2, P | VM_PTE_LARGE),
		UINT64_C(0xf) << 48 | UINT64_C(0x1fe000));
	mmu.page_1g = false;
	assert_int_equal(vm_pte_reserved_mask(&mmu, 3, P), UINT64_C(0xf) << 48 | VM_PTE_LARGE);
	mmu.no_execute = false;
	assert_true(vm_pte_reserved_mask(&mmu, 1, P) & VM_PTE_NO_EXECUTE);
	mmu.physical_bits = 52;
	assert_int_equal(vm_pte_reserved_mask(&mmu, 1, P), VM_PTE_NO_EXECUTE);
	mmu.paging = VM_PAGING_IA32;
	mmu.physical_bits = 36;
	assert_int_equal(vm_pte_reserved_mask(&mmu, 2, P | VM_PTE_LARGE), 0x3e0000);
}

static void a_four_mebibyte_page_reaches_above_four_gibibytes(void **state)
{
	(void)state;
	struct vm_mmu mmu = plain;
	mmu.paging = VM_PAGING_IA32;
	mmu.physical_bits = 40;
	struct memory *memory = fresh_memory();
	map(&mmu, memory, 0x400000, 0xab00400000, 2, P | W | U);
	assert_int_equal(walk(&mmu, memory, 0x7fffff, VM_ACCESS_READ, true).physical, 0xab007fffff);
	free(memory);
}

static void four_levels_in_four_cost_24_references(void **state)
{
	(void)state;
	struct memory *guest = fresh_memory();
	/* Guest frames 0 to 255 lie in host memory 1 MiB up, so one memory cannot be mistaken. */
	struct memory *host = fresh_memory();
	struct vm_mmu host_mmu = plain;

	for (uint64_t page = 0; page < 8; page++)
		map(&host_mmu, host, page * VM_PAGE_BYTES, (page + 32) * VM_PAGE_BYTES, 1,
			P | W | U);
	map(&plain, guest, 0x400000, 0x7000, 1, P | W | U);
	memcpy(host->bytes + 32 * VM_PAGE_BYTES, guest->bytes, 8 * VM_PAGE_BYTES);
	struct vm_nested nested = {.host = host_mmu, .memory = over(host)};
	const struct vm_access access = {
		.address = 0x400010, .kind = VM_ACCESS_WRITE, .user = true};
	struct vm_walk found = vm_walk_nested(&plain, &nested, &access);
	assert_int_equal(found.outcome, VM_WALK_TRANSLATED);
	assert_int_equal(found.physical, (7 + 32) * VM_PAGE_BYTES + 0x10);
	assert_int_equal(nested.references, 24);

	const struct vm_access beyond = {.address = 0x800000};
	found = vm_walk_nested(&plain, &nested, &beyond);
	assert_int_equal(found.outcome, VM_WALK_PAGE_FAULT);
	assert_false(nested.failed);
	free(guest);
	free(host);
}

static void mapping_says_what_is_in_the_way(void **state)
{
	(void)state;
	struct memory *memory = fresh_memory();
	const struct vm_physical physical = over(memory);
	map(&plain, memory, 0, 0x200000, 2, P | U);

	assert_int_equal(vm_map_page(&plain, &physical, frame, memory, 0x1000, 0x1000, 1, P),
		VM_MAP_IS_LARGE);
	map(&plain, memory, 0x200000, 0x1000, 1, P);
	assert_int_equal(
		vm_map_page(&plain, &physical, frame, memory, 0x200000, 0, 2, P), VM_MAP_IS_TABLE);
	assert_int_equal(
		vm_map_page(&plain, &physical, frame, memory, 0x1000, 0, 2, P), VM_MAP_MISALIGNED);
	assert_int_equal(
		vm_map_page(&plain, &physical, frame, memory, 0, 0, 4, P), VM_MAP_NOT_POSSIBLE);
	memory->next_frame = MEMORY_BYTES;
	assert_int_equal(vm_map_page(&plain, &physical, frame, memory, UINT64_C(1) << 39, 0, 1, P),
		VM_MAP_NO_FRAME);
	free(memory);
}

/* The teaching's walker (no case for large leaves) reads the page's contents as a table. */
static void the_printed_walker_misses_large_leaves(void **state)
{
	(void)state;
	struct vm_mmu mmu = plain;
	struct memory *memory = fresh_memory();
	map(&mmu, memory, 0, 0, 2, P | W | U);
	assert_int_equal(walk(&mmu, memory, 0x1234, VM_ACCESS_READ, true).physical, 0x1234);
	vm_mmu_set_behaviours(
		&mmu, &(struct vm_behaviours){.large_leaf = VM_LARGE_LEAF_TAKEN_FOR_TABLE});
	const struct vm_walk found = walk(&mmu, memory, 0x1234, VM_ACCESS_READ, true);
	assert_true(found.outcome != VM_WALK_TRANSLATED || found.physical != 0x1234);
	free(memory);
}

/*
 * A second opinion on rights, written from the tables of the manual as a truth table per kind of
 * access instead of as a chain of conditions; compared on all combinations.
 */
static bool naive_allows(const struct vm_mmu *mmu, bool user_page, bool writable, bool executable,
	enum vm_access_kind kind, bool user)
{
	static const bool by_user[3][8] = {
		/* index: user page 4, writable 2, executable 1 */
		[VM_ACCESS_READ] = {0, 0, 0, 0, 1, 1, 1, 1},
		[VM_ACCESS_WRITE] = {0, 0, 0, 0, 0, 0, 1, 1},
		[VM_ACCESS_FETCH] = {0, 0, 0, 0, 0, 1, 0, 1},
	};
	const unsigned index = user_page * 4U + writable * 2U + executable;

	if (user)
		return by_user[kind][index];
	if (user_page && kind == VM_ACCESS_FETCH && mmu->smep)
		return false;
	if (user_page && kind != VM_ACCESS_FETCH && mmu->smap && !mmu->alignment_check)
		return false;
	switch (kind) {
	case VM_ACCESS_READ:
		return true;
	case VM_ACCESS_WRITE:
		return mmu->write_protect ? writable : true;
	case VM_ACCESS_FETCH:
		return executable;
	}
	return false;
}

static void rights_agree_with_the_truth_table(void **state)
{
	(void)state;
	for (unsigned bits = 0; bits < 1U << 9; bits++) {
		struct vm_mmu mmu = plain;
		mmu.write_protect = bits & 1;
		mmu.smep = bits & 2;
		mmu.smap = bits & 4;
		mmu.alignment_check = bits & 8;
		const struct vm_rights rights = {
			.user = bits & 16, .writable = bits & 32, .executable = bits & 64};
		for (enum vm_access_kind kind = VM_ACCESS_READ; kind <= VM_ACCESS_FETCH; kind++) {
			const struct vm_access access = {.kind = kind, .user = bits & 128};
			uint32_t code = 0;
			assert_int_equal(vm_rights_allow(&mmu, &rights, &access, &code),
				naive_allows(&mmu, rights.user, rights.writable, rights.executable,
					kind, access.user));
		}
	}
}

/* Words read in a guest of Linux 6.12: a frame, a page without access, nothing. */
static void an_absent_entry_is_read_as_linux_wrote_it(void **state)
{
	static const struct {
		uint64_t entry;
		enum vm_entry_content content;
		uint64_t frame;
		unsigned state;
	} rows[] = {
		{UINT64_C(0x800000012f0c7067), VM_ENTRY_PRESENT, 0x12f0c7, 2},
		{UINT64_C(0x800ffffed0f38160), VM_ENTRY_NO_ACCESS, 0x12f0c7, 2},
		{0, VM_ENTRY_EMPTY, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct vm_entry_view view = vm_entry_decode(rows[i].entry, 1);
		assert_int_equal(view.content, rows[i].content);
		assert_int_equal(vm_entry_pagemap_state(&view), rows[i].state);
		assert_int_equal(vm_entry_pagemap_frame(&view, 0), rows[i].frame);
	}
	/* Every place comes back out of the entry that __swp_entry() makes of it. */
	for (unsigned type = 0; type < 30; type += 7)
		for (uint64_t offset = 1; offset < UINT64_C(1) << 40; offset = offset * 3 + 1) {
			const uint64_t entry =
				~offset << 14 >> 5 | (uint64_t)type << 59; /* pgtable_64.h */
			const struct vm_entry_view view = vm_entry_decode(entry, 1);
			assert_int_equal(view.content, VM_ENTRY_SWAPPED);
			assert_int_equal(view.type, type);
			assert_int_equal(view.offset, offset);
			assert_int_equal(vm_entry_pagemap_frame(&view, 0), type | offset << 5);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_shape_translates_at_every_leaf_level),
		cmocka_unit_test(levels_cut_addresses_as_the_manual_draws),
		cmocka_unit_test(only_the_two_halves_are_addressable),
		cmocka_unit_test(error_codes_are_the_processors),
		cmocka_unit_test(keys_deny_data_but_not_fetches),
		cmocka_unit_test(the_supervisor_is_held_by_wp_smap_and_smep),
		cmocka_unit_test(any_access_sets_accessed_and_only_a_write_dirty),
		cmocka_unit_test(upper_accessed_bits_of_a_denied_access_are_a_choice),
		cmocka_unit_test(reserved_bits_follow_width_and_features),
		cmocka_unit_test(a_four_mebibyte_page_reaches_above_four_gibibytes),
		cmocka_unit_test(four_levels_in_four_cost_24_references),
		cmocka_unit_test(mapping_says_what_is_in_the_way),
		cmocka_unit_test(the_printed_walker_misses_large_leaves),
		cmocka_unit_test(rights_agree_with_the_truth_table),
		cmocka_unit_test(an_absent_entry_is_read_as_linux_wrote_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
