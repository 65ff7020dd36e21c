/* SPDX-License-Identifier: Apache-2.0 */
/* In which sums pages of each kind count. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "vm/categories.h"

static void each_kind_has_its_sums(void **state)
{
	static const int64_t counts[][VM_CATEGORY_SUM_LIMIT] = {
		[VM_CATEGORY_ANONYMOUS] = {1, 0, 0, 0, 0},
		[VM_CATEGORY_SHARED] = {0, 1, 1, 0, 0},
		[VM_CATEGORY_LOCKED] = {1, 0, 0, 1, 0},
		[VM_CATEGORY_HUGE] = {1, 0, 0, 0, 1},
	};

	(void)state;
	for (int kind = VM_CATEGORY_ANONYMOUS; kind <= VM_CATEGORY_HUGE; kind++)
		for (int sum = 0; sum < VM_CATEGORY_SUM_LIMIT; sum++)
			assert_int_equal(vm_category_counts((enum vm_category_kind)kind,
						 (enum vm_category_sum)sum),
				counts[kind][sum]);
}

static void what_is_held_back_grows_with_the_cpus(void **state)
{
	(void)state;
	assert_int_equal(vm_category_lag_pages(1), 125 + 31);
	assert_int_equal(vm_category_lag_pages(4), 4 * (125 + 31));
	assert_int_equal(vm_swap_lag_pages(2), 256);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_kind_has_its_sums),
		cmocka_unit_test(what_is_held_back_grows_with_the_cpus),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
