/* SPDX-License-Identifier: Apache-2.0 */
/* How far limits let an address space grow. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "vm/limit.h"
#include "vm/units.h"

#define PAGE VM_PAGE_BYTES

static const struct vm_limit_state some = {
	.limit_bytes = 100 * PAGE + 4095,
	.total_pages = 60,
	.data_pages = 30,
	.locked_pages = 5,
	.heap_bytes = 10 * PAGE + 16,
	.program_data_bytes = PAGE,
};

static uint64_t room(enum vm_limit limit, enum vm_limit_way way)
{
	return vm_limit_room_pages(limit, way, &some);
}

static void all_that_is_mapped_counts_in_whole_pages(void **state)
{
	struct vm_limit_state less = some;

	(void)state;
	assert_int_equal(room(VM_LIMIT_ADDRESS_SPACE, VM_LIMIT_WAY_DATA), 40);
	assert_int_equal(room(VM_LIMIT_ADDRESS_SPACE, VM_LIMIT_WAY_OTHER), 40);
	assert_int_equal(room(VM_LIMIT_ADDRESS_SPACE, VM_LIMIT_WAY_HEAP), 40);
	assert_int_equal(room(VM_LIMIT_ADDRESS_SPACE, VM_LIMIT_WAY_STACK), 40);
	assert_true(room(VM_LIMIT_ADDRESS_SPACE, VM_LIMIT_WAY_LOCK) == VM_LIMIT_UNLIMITED);
	less.limit_bytes = 59 * PAGE;
	assert_int_equal(vm_limit_room_pages(VM_LIMIT_ADDRESS_SPACE, VM_LIMIT_WAY_DATA, &less), 0);
}

static void only_private_writable_memory_is_data(void **state)
{
	(void)state;
	assert_int_equal(room(VM_LIMIT_DATA, VM_LIMIT_WAY_DATA), 70);
	assert_true(room(VM_LIMIT_DATA, VM_LIMIT_WAY_OTHER) == VM_LIMIT_UNLIMITED);
	assert_true(room(VM_LIMIT_DATA, VM_LIMIT_WAY_STACK) == VM_LIMIT_UNLIMITED);
	assert_true(room(VM_LIMIT_DATA, VM_LIMIT_WAY_LOCK_ALL) == VM_LIMIT_UNLIMITED);
}

static void the_heap_counts_with_the_data_of_the_program(void **state)
{
	struct vm_limit_state ignored = some;

	(void)state;
	assert_int_equal(room(VM_LIMIT_DATA, VM_LIMIT_WAY_HEAP), 70);
	ignored.data_ignored = true;
	assert_true(vm_limit_room_pages(VM_LIMIT_DATA, VM_LIMIT_WAY_DATA, &ignored) ==
		    VM_LIMIT_UNLIMITED);
	/* 100 pages and 4095 bytes, less 11 pages and 16 bytes: a whole page is not left of 4079.
	 */
	assert_int_equal(vm_limit_room_pages(VM_LIMIT_DATA, VM_LIMIT_WAY_HEAP, &ignored), 89);
	ignored.limit_bytes = 100 * PAGE + 15;
	assert_int_equal(vm_limit_room_pages(VM_LIMIT_DATA, VM_LIMIT_WAY_HEAP, &ignored), 88);
}

static void a_stack_has_its_first_page_already(void **state)
{
	(void)state;
	assert_int_equal(room(VM_LIMIT_STACK, VM_LIMIT_WAY_STACK), 99);
	assert_true(room(VM_LIMIT_STACK, VM_LIMIT_WAY_DATA) == VM_LIMIT_UNLIMITED);
}

static void what_is_locked_counts_and_all_is_all_that_is_mapped(void **state)
{
	(void)state;
	assert_int_equal(room(VM_LIMIT_LOCKED, VM_LIMIT_WAY_LOCK), 95);
	assert_int_equal(room(VM_LIMIT_LOCKED, VM_LIMIT_WAY_LOCK_ALL), 40);
	assert_true(room(VM_LIMIT_LOCKED, VM_LIMIT_WAY_DATA) == VM_LIMIT_UNLIMITED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_that_is_mapped_counts_in_whole_pages),
		cmocka_unit_test(only_private_writable_memory_is_data),
		cmocka_unit_test(the_heap_counts_with_the_data_of_the_program),
		cmocka_unit_test(a_stack_has_its_first_page_already),
		cmocka_unit_test(what_is_locked_counts_and_all_is_all_that_is_mapped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
