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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(batches_follow_from_the_kernel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
