/* SPDX-License-Identifier: Apache-2.0 */
/* How many pages a group is charged at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "vm/group.h"
#include "vm/model.h"

static void batches_follow_from_the_kernel(void **state)
{
	struct vm_host host = {0};
	struct vm_model model;

	(void)state;
	model = vm_model_for(VM_MODEL_TEXTBOOK, &host);
	assert_int_equal(vm_group_batch_pages(model.behaviours.group_charges), 0);
	model = vm_model_for(VM_MODEL_LINUX, &host);
	assert_int_equal(vm_group_batch_pages(model.behaviours.group_charges), 32);
	host.feature[VM_FEATURE_CHARGE_BATCH_64].present = true;
	model = vm_model_for(VM_MODEL_LINUX, &host);
	assert_int_equal(vm_group_batch_pages(model.behaviours.group_charges), 64);
}

static void each_cpu_may_hold_what_is_left_of_a_batch(void **state)
{
	(void)state;
	assert_int_equal(vm_group_ahead_pages(VM_GROUP_CHARGES_NOT_TOLD, 64), 0);
	assert_int_equal(vm_group_ahead_pages(VM_GROUP_CHARGES_BY_64, 1), 63);
	assert_int_equal(vm_group_ahead_pages(VM_GROUP_CHARGES_BY_32, 4), 124);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_cpu_may_hold_what_is_left_of_a_batch),
		cmocka_unit_test(batches_follow_from_the_kernel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
