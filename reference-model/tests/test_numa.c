/* SPDX-License-Identifier: Apache-2.0 */
/* Where pages are placed on machines of two and four nodes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "vm/numa.h"
#include "vm/units.h"

static unsigned node(enum vm_numa_mode mode, uint64_t nodes, uint64_t page, unsigned local)
{
	const struct vm_numa_policy policy = {mode, nodes};

	return vm_numa_node_of_page(&policy, vm_pages_to_bytes(page), local);
}

static void without_a_policy_the_cpu_decides(void **state)
{
	(void)state;
	for (unsigned local = 0; local < 4; local++)
		for (uint64_t page = 0; page < 8; page++) {
			assert_int_equal(node(VM_NUMA_DEFAULT, 0, page, local), local);
			assert_int_equal(node(VM_NUMA_LOCAL, 0, page, local), local);
		}
}

static void bound_and_preferred_pages_go_where_they_are_told(void **state)
{
	(void)state;
	assert_int_equal(node(VM_NUMA_BIND, 1 << 2, 5, 0), 2);
	assert_int_equal(node(VM_NUMA_PREFERRED, 1 << 3, 5, 1), 3);
	/* Of several the local one is the nearest. */
	assert_int_equal(node(VM_NUMA_BIND, 0xf, 5, 1), 1);
}

/* mempolicy.c: the page's number modulo the number of nodes picks one of them in order. */
static void interleaved_pages_take_turns(void **state)
{
	static const unsigned all[] = {0, 1, 2, 3, 0, 1}, some[] = {1, 3, 1, 3, 1, 3};

	(void)state;
	for (uint64_t page = 0; page < 6; page++) {
		assert_int_equal(node(VM_NUMA_INTERLEAVE, 0xf, page, 2), all[page]);
		assert_int_equal(node(VM_NUMA_INTERLEAVE, 0xa, page, 2), some[page]);
		assert_int_equal(node(VM_NUMA_INTERLEAVE, 0x3, page + 7, 0), (page + 7) % 2);
	}
}

static void a_policy_is_that_of_its_pages(void **state)
{
	(void)state;
	assert_int_equal(vm_numa_mode_at(VM_NUMA_BIND, 8, 8, 7), VM_NUMA_DEFAULT);
	assert_int_equal(vm_numa_mode_at(VM_NUMA_BIND, 8, 8, 8), VM_NUMA_BIND);
	assert_int_equal(vm_numa_mode_at(VM_NUMA_INTERLEAVE, 8, 8, 15), VM_NUMA_INTERLEAVE);
	assert_int_equal(vm_numa_mode_at(VM_NUMA_BIND, 8, 8, 16), VM_NUMA_DEFAULT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_policy_the_cpu_decides),
		cmocka_unit_test(bound_and_preferred_pages_go_where_they_are_told),
		cmocka_unit_test(interleaved_pages_take_turns),
		cmocka_unit_test(a_policy_is_that_of_its_pages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
