/* SPDX-License-Identifier: Apache-2.0 */
/* What a manager of pages is told, access by access. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "vm/managed.h"

static void a_read_is_told_once(void **state)
{
	(void)state;
	for (int answer = VM_MANAGED_COPY; answer <= VM_MANAGED_ZERO; answer++) {
		const struct vm_managed_access access =
			vm_managed_access((enum vm_managed_answer)answer, false);
		assert_int_equal(access.messages_count, 1);
		assert_false(access.message[0].write);
		assert_false(access.message[0].stopped);
		assert_int_equal(access.armed, answer == VM_MANAGED_COPY_ARMED);
		assert_int_equal(access.exclusive, answer != VM_MANAGED_ZERO);
	}
}

static void a_write_is_told_again_where_it_is_protected(void **state)
{
	(void)state;
	for (int answer = VM_MANAGED_COPY; answer <= VM_MANAGED_ZERO; answer++) {
		const struct vm_managed_access access =
			vm_managed_access((enum vm_managed_answer)answer, true);
		assert_int_equal(access.messages_count, 1 + (answer == VM_MANAGED_COPY_ARMED));
		assert_true(access.message[0].write);
		assert_false(access.message[0].stopped);
		assert_true(access.message[1].stopped);
		assert_false(access.armed);
		assert_true(access.exclusive);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_read_is_told_once),
		cmocka_unit_test(a_write_is_told_again_where_it_is_protected),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
