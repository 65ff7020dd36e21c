/* SPDX-License-Identifier: Apache-2.0 */
/* The language of scenarios: what its lines become, and what is said of mistakes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "scenario/language.h"
#include "scenario/wire.h"

#define HEAD "purpose Something is shown.\nclaims demand.first-touch\n"
#define PAGE VM_PAGE_BYTES

static struct pool pool;

static int drop(void **state)
{
	(void)state;
	pool_drop(&pool);
	return 0;
}

static struct script compiled(const char *text, int64_t value)
{
	struct scenario scenario;
	struct scenario_error error = {0};
	struct script script;
	const int64_t values[SCENARIO_PARAMETERS_LIMIT] = {value};

	if (!scenario_read(&pool, text, strlen(text), &scenario, &error))
		fail_msg("%u:%u: %s", error.line, error.column, error.reason);
	assert_true(scenario_compile(&pool, &scenario, values, &script, &error));
	return script;
}

static void lines_become_operations(void **state)
{
	(void)state;
	const struct script script = compiled(HEAD "area a 4\n"
						   "area b 2 after a\n"
						   "map a rw private populate\n"
						   "protect a[1, 2] r # the middle\n"
						   "read a[3]:4090,12\n"
						   "touch-write b = 9\n",
		0);

	assert_int_equal(script.operations_count, 4);
	assert_int_equal(script.operations[0].kind, VM_OP_MAP);
	assert_int_equal(script.operations[0].address, LIVE_ARENA_START);
	assert_int_equal(script.operations[0].length, 4 * PAGE);
	assert_int_equal(script.operations[0].flags,
		VM_MAP_PRIVATE | VM_MAP_ANONYMOUS | VM_MAP_POPULATE | VM_MAP_FIXED_NOREPLACE);
	assert_int_equal(script.operations[1].address, LIVE_ARENA_START + PAGE);
	assert_int_equal(script.operations[1].length, 2 * PAGE);
	assert_int_equal(script.operations[1].protection, VM_PROT_READ);
	assert_string_equal(script.steps[1].text, "protect a[1, 2] r");
	assert_int_equal(script.steps[1].line, 6);
	assert_int_equal(script.operations[2].address, LIVE_ARENA_START + 3 * PAGE + 4090);
	assert_int_equal(script.operations[2].length, 12);
	assert_int_equal(script.operations[3].address, LIVE_ARENA_START + 4 * PAGE);
	assert_int_equal(script.operations[3].value, 9);
}

static void parameters_loops_and_conditions(void **state)
{
	static const char text[] = HEAD "parameter n 2 4\n"
					"parameter kind private shared\n"
					"area a $n*2\n"
					"map a rw $kind\n"
					"for i 0..$n-1\n"
					"touch-read a[2*$i+(3-2)]\n"
					"end\n"
					"when $kind = shared|other\n"
					"unmap a\n"
					"end\n";
	struct scenario scenario;
	struct scenario_error error;
	struct script script;

	(void)state;
	assert_true(scenario_read(&pool, text, strlen(text), &scenario, &error));
	assert_int_equal(scenario.parameters_count, 2);
	assert_true(scenario_compile(&pool, &scenario, (const int64_t[]){4, 1}, &script, &error));
	assert_int_equal(script.operations_count, 6);
	assert_int_equal(script.operations[0].flags & 3, VM_MAP_SHARED);
	assert_int_equal(script.operations[4].address, LIVE_ARENA_START + 7 * PAGE);
	assert_int_equal(script.operations[5].kind, VM_OP_UNMAP);
	assert_true(scenario_compile(&pool, &scenario, (const int64_t[]){2, 0}, &script, &error));
	assert_int_equal(script.operations_count, 3);
}

static void needs_follow_from_operations(void **state)
{
	static const char text[] = HEAD "area a 4M align 2M\n"
					"map a rw private hugetlb-2m\n"
					"pagemap-scan main a written protect\n";
	struct scenario scenario;
	struct scenario_error error;

	(void)state;
	assert_true(scenario_read(&pool, text, strlen(text), &scenario, &error));
	assert_int_equal(scenario.needs.huge_2m_pages, 2);
	assert_int_equal(scenario.needs.features_count, 1);
	assert_int_equal(scenario.needs.features[0], VM_FEATURE_PAGEMAP_SCAN);
	static const char secret[] = HEAD "file-create s secret 2\n";
	assert_true(scenario_read(&pool, secret, strlen(secret), &scenario, &error));
	assert_int_equal(scenario.needs.features_count, 1);
	assert_int_equal(scenario.needs.features[0], VM_FEATURE_SECRET_MEMORY);
}

static void a_resized_pool_is_put_back(void **state)
{
	static const char text[] = HEAD "pool hugetlb-2m 3\n";
	struct scenario scenario;
	struct scenario_error error;

	(void)state;
	assert_true(scenario_read(&pool, text, strlen(text), &scenario, &error));
	assert_true(scenario.needs.root && scenario.needs.huge_2m_varies);
	assert_false(scenario.needs.huge_1g_varies);
}

static void mistakes_have_a_place_and_a_reason(void **state)
{
	static const struct {
		const char *body;
		unsigned line, column;
		const char *reason;
	} mistakes[] = {
		{"", 1, 1, "the scenario has no operation"},
		{"area a 4\nmap a rv private\n", 4, 7,
			"expected a protection (none, r, w, x, rw, rx, wx or rwx), found 'rv'"},
		{"area a 4\nmap b rw\n", 4, 5,
			"expected the name of an area declared above, found 'b'"},
		{"area a 4\nfile-create s secret 2\nmap a r shared of s opened r\n", 5, 29,
			"a file of secret memory cannot be opened once more"},
		{"file-create s secret 2\nfile-write s[0] = 1 sync\n", 4, 25,
			"a file of secret memory cannot be opened once more"},
		{"unmmap heap\n", 3, 1, "expected an operation, found 'unmmap'"},
		{"child: exit\n", 3, 1,
			"expected the name of a process that is running here, found 'child'"},
		{"area a 4\nread a[1\n", 4, 9, "expected ']', found the end of the line"},
		{"area a 4\nread a[$n]\n", 4, 8, "no parameter and no loop variable has this name"},
		{"when kind = one\nexit\nend\n", 3, 6,
			"expected a parameter that is a word, found 'kind'"},
		{"exit\nbreak 0\n", 4, 1,
			"expected the name of a process that is running here, found 'break'"},
		{"break 99999999999999999999\n", 3, 7, "this number does not fit 64 bits"},
		{"break 1/0\n", 3, 10, "the divisor is not above zero"},
		{"break 4 5\n", 3, 9, "expected the end of the line, found '5'"},
		{"for i 0..3\nbreak $i\n", 3, 1,
			"this block has no 'end', or blocks nest too deep"},
		{"pool disk 3\n", 3, 12, "expected a pool: hugetlb-2m or hugetlb-1g"},
		{"pool hugetlb-2m 65\n", 3, 19, "expected 0 to 64 huge pages"},
		{"file-create f floppy 3\n", 3, 15,
			"expected a kind of file (disk, memory, secret, hugetlb-2m or hugetlb-1g), "
			"found 'floppy'"},
		{"break 3 !\n", 3, 9, "this character has no meaning here"},
		{"area a 1\narea a 1\nbreak 0\n", 4, 6,
			"this name is taken, or there are too many areas"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
		const char *text = pool_format(&pool, HEAD "%s", mistakes[i].body);
		struct scenario scenario;
		struct scenario_error error = {0};
		assert_false(scenario_read(&pool, text, strlen(text), &scenario, &error));
		assert_string_equal(error.reason, mistakes[i].reason);
		assert_int_equal(error.line, mistakes[i].line);
		assert_int_equal(error.column, mistakes[i].column);
	}
}

/* What exploration finds is written down as a scenario, which must be the same operations. */
static void operations_written_are_read_back(void **state)
{
	static const char body[] = "area a 8\n"
				   "file-create f disk 3\n"
				   "file-create g memory 100B\n"
				   "file-write f[1]:5,10 = 3\n"
				   "file-truncate g 2\n"
				   "map a[0, 4] rw private grows-down\n"
				   "map a[4, 2] r shared of f at 1 opened r replace\n"
				   "map a[6] rwx shared of g hint\n"
				   "break 3\n"
				   "write heap[1]:4090,20 = 7\n"
				   "fork c\n"
				   "c: remap a[0, 2] size 3 at a[5] keep\n"
				   "c: advise a[1] dontneed\n"
				   "c: lock a on-fault\n"
				   "remote-write c a[1]:1,2 = 4\n"
				   "pagemap-scan c a written protect\n"
				   "clear-refs c 1\n"
				   "lock-all current future\n"
				   "sync a now\n"
				   "touch-read a[8]\n"
				   "c: exit\n";

	(void)state;
	const struct script script = compiled(pool_format(&pool, HEAD "%s", body), 0);
	const char *text = pool_format(&pool, HEAD "%s",
		scenario_write(&pool, script.operations, script.operations_count, NULL));
	const struct script again = compiled(text, 0);
	assert_int_equal(again.operations_count, script.operations_count);
	for (size_t i = 0; i < script.operations_count; i++)
		assert_memory_equal(
			&again.operations[i], &script.operations[i], sizeof(struct vm_operation));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(lines_become_operations, drop),
		cmocka_unit_test_teardown(parameters_loops_and_conditions, drop),
		cmocka_unit_test_teardown(needs_follow_from_operations, drop),
		cmocka_unit_test_teardown(a_resized_pool_is_put_back, drop),
		cmocka_unit_test_teardown(mistakes_have_a_place_and_a_reason, drop),
		cmocka_unit_test_teardown(operations_written_are_read_back, drop),
	};

	return cmocka_run_group_tests_name("scenario language", tests, NULL, NULL);
}
