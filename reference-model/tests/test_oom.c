/* SPDX-License-Identifier: Apache-2.0 */
/* Who may be the OOM killer's victim, where badness is known exactly and where it is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "vm/oom.h"

static void the_worst_goes_and_of_equals_the_last(void **state)
{
	const struct vm_oom_candidate candidates[] = {
		{true, 30, 30}, {true, 10, 10}, {true, 30, 30}, {false, 90, 90}};
	bool chosen[4];

	(void)state;
	assert_int_equal(vm_oom_victims(candidates, 4, chosen), 1);
	assert_true(chosen[2]);
	assert_int_equal(vm_oom_victims(candidates, 2, chosen), 1);
	assert_true(chosen[0]);
	assert_int_equal(vm_oom_victims(&candidates[3], 1, chosen), 0);
}

static void spans_that_overlap_leave_the_choice_open(void **state)
{
	const struct vm_oom_candidate candidates[] = {
		{true, 20, 30}, {true, 29, 40}, {true, 10, 28}, {true, 5, 29}};
	bool chosen[4];

	(void)state;
	assert_int_equal(vm_oom_victims(candidates, 4, chosen), 3);
	assert_true(chosen[0] && chosen[1] && !chosen[2] && chosen[3]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_worst_goes_and_of_equals_the_last),
		cmocka_unit_test(spans_that_overlap_leave_the_choice_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
