/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "vm/reserve.h"

/* With min = 1000: half, and three quarters of the half. */
static void only_the_few_go_below_min(void **state)
{
	(void)state;
	static const uint64_t floors[VM_REQUEST_LIMIT] = {
		[VM_REQUEST_ORDINARY] = 1000,
		[VM_REQUEST_HIGH] = 500,
		[VM_REQUEST_ATOMIC] = 375,
		[VM_REQUEST_OOM_VICTIM] = 500,
		[VM_REQUEST_RECLAIMER] = 0,
	};
	for (enum vm_request request = 0; request < VM_REQUEST_LIMIT; request++) {
		assert_int_equal(vm_reserve_floor_pages(VM_MIN_RESERVE_FOR_THE_FEW, request, 1000),
			floors[request]);
		assert_int_equal(
			vm_reserve_floor_pages(VM_MIN_RESERVE_ABSOLUTE, request, 1000), 1000);
		assert_true(vm_reserve_allows(
			VM_MIN_RESERVE_FOR_THE_FEW, request, 1000, floors[request] + 1));
		assert_false(vm_reserve_allows(
			VM_MIN_RESERVE_FOR_THE_FEW, request, 1000, floors[request]));
	}
}

static void an_old_kernel_may_have_a_quarter_for_real_time(void **state)
{
	struct vm_reserve_floors floors = vm_reserve_real_time_floors(
		VM_MIN_RESERVE_FOR_THE_FEW, VM_REAL_TIME_RESERVE_HALF, 1000);

	(void)state;
	assert_true(floors.least_pages == 500 && floors.most_pages == 500);
	floors = vm_reserve_real_time_floors(
		VM_MIN_RESERVE_FOR_THE_FEW, VM_REAL_TIME_RESERVE_QUARTER_OR_HALF, 1000);
	assert_true(floors.least_pages == 500 && floors.most_pages == 750);
	floors = vm_reserve_real_time_floors(
		VM_MIN_RESERVE_ABSOLUTE, VM_REAL_TIME_RESERVE_QUARTER_OR_HALF, 1000);
	assert_true(floors.least_pages == 1000 && floors.most_pages == 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_the_few_go_below_min),
		cmocka_unit_test(an_old_kernel_may_have_a_quarter_for_real_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
