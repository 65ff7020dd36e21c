/* SPDX-License-Identifier: Apache-2.0 */
/* Each way to misbehave of bad_trial/ ends in its word, in bounded time, and leaves nothing. */
#include <errno.h>
#include <fcntl.h>
#include <linux/mempolicy.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/pool.h"
#include "kernel/areas.h"
#include "run/launch.h"

#define BAD_TRIAL BINARY_DIR "/mmconform-bad-trial"
/* Of those that are to run into it; the others are given time, however busy the machine is. */
#define DEADLINE_MS 400
#define PATIENT_MS  20000
#define CLEAN_UP_NS (2 * CLOCK_NS_IN_S)
#define FLOOD_BYTES ((size_t)1 << 20)
#define ECHO_TEXT   "what the script says"

struct case_of {
	const char *way;
	enum record_trial_end end;
	const char *why; /* a part of the reason */
};

static const struct case_of cases[] = {
	{"good", RECORD_TRIAL_OBSERVED, NULL},
	{"dies_by_signal", RECORD_TRIAL_DIED, "signal 11 (SIGSEGV)"},
	{"dies_in_a_line", RECORD_TRIAL_DIED, "signal 7 (SIGBUS)"},
	{"exits_early", RECORD_TRIAL_BROKEN, "exit status 7, without saying done: no such luck"},
	{"exits_well_without_done", RECORD_TRIAL_BROKEN, "without saying done"},
	{"fails_after_done", RECORD_TRIAL_BROKEN, "exit status 1, after done"},
	{"ends_in_a_line", RECORD_TRIAL_BROKEN, "last line has no end"},
	{"hangs_at_once", RECORD_TRIAL_OVERDUE, "no end after 400 ms"},
	{"hangs_after_done", RECORD_TRIAL_OVERDUE, "no end after 400 ms"},
	{"ignores_signals", RECORD_TRIAL_OVERDUE, "no end after 400 ms"},
	{"spins", RECORD_TRIAL_OVERDUE, "no end after 400 ms"},
	{"stops_itself", RECORD_TRIAL_OVERDUE, "no end after 400 ms"},
	{"counts_too_many", RECORD_TRIAL_BROKEN, "line 3 of the trial: done counts 2"},
	{"counts_too_few", RECORD_TRIAL_BROKEN, "done counts 1 observations, 2 came"},
	{"counts_below_zero", RECORD_TRIAL_BROKEN, "done counts -1"},
	{"says_done_twice", RECORD_TRIAL_BROKEN, "a line after the last one"},
	{"says_hello_twice", RECORD_TRIAL_BROKEN, "a second hello"},
	{"says_no_hello", RECORD_TRIAL_BROKEN, "\"observation\" before hello"},
	{"is_somebody_else", RECORD_TRIAL_BROKEN, "hello from \"other\""},
	{"speaks_another_protocol", RECORD_TRIAL_BROKEN, "protocol 2, expected 1"},
	{"speaks_after_broken", RECORD_TRIAL_BROKEN, "a line after the last one"},
	{"says_broken", RECORD_TRIAL_BROKEN, "x.c:7: no"},
	{"says_unmet", RECORD_TRIAL_UNMET, "no page"},
	{"judges_itself", RECORD_TRIAL_BROKEN, "does not write lines of type \"sealed\""},
	{"says_unknown_type", RECORD_TRIAL_BROKEN, "line 2"},
	{"prints_garbage", RECORD_TRIAL_BROKEN, "line 1"},
	{"says_nothing_in_a_line", RECORD_TRIAL_BROKEN, "line 3"},
	{"observes_huge_number", RECORD_TRIAL_BROKEN, "line 2"},
	{"observes_fraction", RECORD_TRIAL_BROKEN, "line 2"},
	{"observes_unknown_unit", RECORD_TRIAL_BROKEN, "line 2"},
	{"observes_nothing", RECORD_TRIAL_BROKEN, "line 2"},
	{"nests_deeply", RECORD_TRIAL_BROKEN, "line 2"},
	{"writes_endless_line", RECORD_TRIAL_BROKEN, "more than"},
	{"floods", RECORD_TRIAL_BROKEN, "more than its limit of 1048576 bytes"},
	{"floods_stderr", RECORD_TRIAL_OBSERVED, NULL},
	{"closes_report", RECORD_TRIAL_BROKEN, "without saying done"},
	{"closes_report_and_hangs", RECORD_TRIAL_OVERDUE, "no end after 400 ms"},
	{"leaves_grandchild", RECORD_TRIAL_BROKEN, "left 1 processes behind"},
	{"leaves_ended_child", RECORD_TRIAL_OBSERVED, NULL},
	{"daemonizes", RECORD_TRIAL_BROKEN, "left 1 processes behind"},
	{"bombs", RECORD_TRIAL_OVERDUE, "no end after 400 ms"},
	{"litters", RECORD_TRIAL_OBSERVED, NULL},
	{"no such way", RECORD_TRIAL_BROKEN, "exit status 2"},
};

#define CASES_COUNT (sizeof(cases) / sizeof(cases[0]))

/* The folder of this test, in which trials get theirs; empty when nothing is left. */
static char folder[] = "/var/tmp/test-launch-XXXXXX";

static size_t descriptors_count(void)
{
	size_t count = 0;

	for (int i = 0; i < 1024; i++)
		count += fcntl(i, F_GETFD) >= 0;
	return count;
}

static struct launch launch_of(const char *const *arguments)
{
	return (struct launch){
		.executable = BAD_TRIAL,
		.arguments = arguments,
		.subject = "bad",
		.deadline_ms = PATIENT_MS,
		.output_limit_bytes = FLOOD_BYTES,
		.any_cpu = true,
	};
}

static void fly(const char *way, struct pool *pool, struct launch_result *result)
{
	const char *const arguments[] = {way, NULL};
	const struct launch launch = launch_of(arguments);

	assert_int_equal(launch_trial(&launch, pool, result), 0);
}

static void check(const struct case_of *expected)
{
	POOL_DROPS struct pool pool = {NULL};
	const char *const arguments[] = {expected->way, NULL};
	struct launch launch = launch_of(arguments);
	struct launch_result result;
	const uint64_t started_ns = clock_now_ns();

	if (expected->end == RECORD_TRIAL_OVERDUE)
		launch.deadline_ms = DEADLINE_MS;
	assert_int_equal(launch_trial(&launch, &pool, &result), 0);
	if (result.end != expected->end ||
		(expected->why != NULL && strstr(result.why, expected->why) == NULL))
		fail_msg("%s: %s, %s", expected->way, record_trial_end_word(result.end),
			result.why == NULL ? "no reason" : result.why);
	if (expected->why == NULL)
		assert_null(result.why);
	assert_int_equal(result.observations_count,
		expected->end == RECORD_TRIAL_OBSERVED || expected->end == RECORD_TRIAL_DIED);
	assert_true(
		clock_now_ns() - started_ns < launch.deadline_ms * CLOCK_NS_IN_MS + CLEAN_UP_NS);
	/* Nothing is left: no child, whatever session it fled to. */
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

static void test_every_way_has_its_end(void **state)
{
	const size_t descriptors = descriptors_count();

	(void)state;
	for (size_t i = 0; i < CASES_COUNT; i++)
		check(&cases[i]);
	/* Not even what litters() made: rmdir takes an empty folder only. */
	assert_int_equal(rmdir(folder), 0);
	assert_int_equal(mkdir(folder, 0700), 0);
	assert_int_equal(descriptors_count(), descriptors);
}

static void test_death_is_an_observation(void **state)
{
	POOL_DROPS struct pool pool = {NULL};
	struct launch_result result;

	(void)state;
	fly("dies_by_signal", &pool, &result);
	assert_int_equal(result.end_signal, SIGSEGV);
	assert_string_equal(result.observations[0].quantity, "termination");
	assert_int_equal(result.observations[0].values[0], SIGSEGV);
	assert_int_equal(result.observations[0].unit, VM_UNIT_SIGNAL);
	assert_false(result.core_dumped);
}

static void test_unmet_says_how_to_supply(void **state)
{
	POOL_DROPS struct pool pool = {NULL};
	struct launch_result result;

	(void)state;
	fly("says_unmet", &pool, &result);
	assert_string_equal(result.remedy, "more");
}

static void test_error_text_is_a_printable_tail(void **state)
{
	POOL_DROPS struct pool pool = {NULL};
	struct launch_result result;

	(void)state;
	fly("floods_stderr", &pool, &result);
	assert_true(strlen(result.error_text) <= 2048);
	assert_null(strchr(result.error_text, '\x1b'));
	assert_non_null(strstr(result.error_text, "it goes on and on?[2J\n"));
}

static void test_trial_gets_only_its_own(void **state)
{
	POOL_DROPS struct pool pool = {NULL};
	const char *const arguments[] = {"looks_around", NULL};
	struct launch launch = launch_of(arguments);
	struct launch_result result;

	(void)state;
	launch.processes_limit = 1234;
	assert_int_equal(setenv("MMCONFORM_SECRET", "1", 1), 0);
	assert_int_equal(launch_trial(&launch, &pool, &result), 0);
	assert_int_equal(result.end, RECORD_TRIAL_OBSERVED);
	assert_non_null(strstr(result.error_text, "4 descriptors, input /dev/null, folder "));
	assert_non_null(strstr(result.error_text, folder));
	assert_non_null(strstr(result.error_text, "leader 1, HOME /var/tmp/test-launch-"));
	assert_non_null(strstr(result.error_text, "secret 0, processes 1234, policy "));
	/* A kernel without nodes has no policies; a container may forbid them. */
	if (syscall(SYS_set_mempolicy, MPOL_DEFAULT, NULL, 0UL) == 0)
		assert_non_null(strstr(result.error_text, "policy 4"));
	assert_true(result.usage.ru_minflt > 0);
	assert_true(result.disturbance[LAUNCH_INVOLUNTARY_SWITCHES] >= 0);
}

static size_t segments_count(void)
{
	FILE *file = fopen("/proc/sysvipc/shm", "re");
	size_t lines = 0;

	for (int byte; file != NULL && (byte = fgetc(file)) != EOF;)
		lines += byte == '\n';
	if (file != NULL)
		(void)fclose(file);
	return lines;
}

/* Only with privileges: without a namespace of its own nothing can take the segment away. */
static void test_segments_go_with_the_trial(void **state)
{
	POOL_DROPS struct pool pool = {NULL};
	struct launch_result result;
	const size_t before = segments_count();

	(void)state;
	if (geteuid() != 0)
		skip();
	fly("leaves_segment", &pool, &result);
	assert_int_equal(result.end, RECORD_TRIAL_OBSERVED);
	assert_non_null(strstr(result.error_text, "segment "));
	assert_null(strstr(result.error_text, "segment -1"));
	assert_int_equal(segments_count(), before);
}

static void test_input_is_what_was_given(void **state)
{
	POOL_DROPS struct pool pool = {NULL};
	const char *const arguments[] = {"echoes", NULL};
	struct launch launch = launch_of(arguments);
	struct launch_result result;

	(void)state;
	launch.input = ECHO_TEXT;
	launch.input_bytes = strlen(ECHO_TEXT);
	assert_int_equal(launch_trial(&launch, &pool, &result), 0);
	assert_string_equal(result.error_text, ECHO_TEXT);
}

static void test_children_from_before_are_spared(void **state)
{
	POOL_DROPS struct pool pool = {NULL};
	struct launch_result result;
	int status = 0;

	(void)state;
	const pid_t keeper = fork();
	if (keeper == 0)
		for (;;)
			(void)pause();
	fly("daemonizes", &pool, &result);
	assert_int_equal(result.end, RECORD_TRIAL_BROKEN);
	assert_int_equal(waitpid(keeper, &status, WNOHANG), 0);
	assert_int_equal(kill(keeper, SIGKILL), 0);
	assert_int_equal(waitpid(keeper, &status, 0), keeper);
}

static void test_stopping_the_run_kills_the_trial(void **state)
{
	POOL_DROPS struct pool pool = {NULL};
	const char *const arguments[] = {"hangs_at_once", NULL};
	struct launch launch = launch_of(arguments);
	struct launch_result result;
	const uint64_t started_ns = clock_now_ns();

	(void)state;
	launch.deadline_ms = 60000;
	launch.stop_descriptor = eventfd(1, EFD_CLOEXEC);
	assert_int_equal(launch_trial(&launch, &pool, &result), -ECANCELED);
	assert_true(clock_now_ns() - started_ns < CLEAN_UP_NS);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	(void)close(launch.stop_descriptor);
}

static void expect_no_start(struct launch *launch, const char *why)
{
	POOL_DROPS struct pool pool = {NULL};
	struct launch_result result;

	assert_int_equal(launch_trial(launch, &pool, &result), 0);
	assert_int_equal(result.end, RECORD_TRIAL_BROKEN);
	if (strstr(result.why, why) == NULL)
		fail_msg("%s", result.why);
}

static void test_what_cannot_be_set_up_is_broken(void **state)
{
	const char *const arguments[] = {"good", NULL};
	const char *const join[] = {"/no/such/group/cgroup.procs", NULL};
	struct launch launch = launch_of(arguments);

	(void)state;
	launch.executable = "/no/such/trial";
	expect_no_start(&launch, "execve /no/such/trial: No such file or directory");
	launch = launch_of(arguments);
	launch.join = join;
	expect_no_start(&launch, "open /no/such/group/cgroup.procs");
	launch = launch_of(arguments);
	launch.any_cpu = false;
	launch.cpu = CPU_SETSIZE - 1;
	expect_no_start(&launch, "sched_setaffinity");
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

static void test_address_space_is_limited(void **state)
{
	const char *const arguments[] = {"good", NULL};
	struct launch launch = launch_of(arguments);
	POOL_DROPS struct pool pool = {NULL};
	struct launch_result result;

	(void)state;
	/* One page: exec itself cannot live in it, and kills. */
	launch.address_space_limit_bytes = VM_PAGE_BYTES;
	assert_int_equal(launch_trial(&launch, &pool, &result), 0);
	assert_int_not_equal(result.end, RECORD_TRIAL_OBSERVED);
}

static void test_executables_are_found_beside_the_program(void **state)
{
	char path[4096];

	(void)state;
	assert_int_equal(launch_executable("mmconform-trial", path, sizeof(path)), 0);
	assert_string_equal(path, BINARY_DIR "/mmconform-trial");
	assert_int_equal(launch_executable("no-such-trial", path, sizeof(path)), -ENOENT);
	assert_int_equal(launch_executable("mmconform-trial", path, 10), -ENAMETOOLONG);
}

#define SMAPS_BYTES_MOST ((size_t)1 << 20)

/* Pages of a file that are mapped here and not in memory. */
static uint64_t absent_kib_of(const char *path)
{
	static char text[SMAPS_BYTES_MOST];
	struct kernel_smaps_area area;
	struct kernel_error error;
	uint64_t absent_kib = 0;
	bool found = false;
	FILE *const smaps = fopen("/proc/self/smaps", "re");

	assert_non_null(smaps);
	const size_t length_bytes = fread(text, 1, sizeof(text), smaps);
	(void)fclose(smaps);
	struct kernel_lines lines =
		kernel_lines_of((struct kernel_text){.bytes = text, .length_bytes = length_bytes});
	while (kernel_smaps_next(&lines, &area, &error) > 0) {
		if (!kernel_text_is(area.area.name, path))
			continue;
		found = true;
		absent_kib += area.value_kib[KERNEL_SMAPS_SIZE] - area.value_kib[KERNEL_SMAPS_RSS];
	}
	return found ? absent_kib : UINT64_MAX;
}

/* Also where all memory is locked on fault, which takes the meaning from MAP_POPULATE. */
static void test_executables_stay_in_memory(void **state)
{
	char path[4096];
	int status = 0;

	(void)state;
	assert_int_equal(launch_executable("mmconform-trial", path, sizeof(path)), 0);
	const pid_t supervisor = fork();
	if (supervisor == 0) {
		launch_protect_supervisor(geteuid() == 0);
		_exit(absent_kib_of(path) == 0 ? 0 : 1);
	}
	assert_int_equal(waitpid(supervisor, &status, 0), supervisor);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_way_has_its_end),
		cmocka_unit_test(test_death_is_an_observation),
		cmocka_unit_test(test_unmet_says_how_to_supply),
		cmocka_unit_test(test_error_text_is_a_printable_tail),
		cmocka_unit_test(test_trial_gets_only_its_own),
		cmocka_unit_test(test_segments_go_with_the_trial),
		cmocka_unit_test(test_input_is_what_was_given),
		cmocka_unit_test(test_children_from_before_are_spared),
		cmocka_unit_test(test_stopping_the_run_kills_the_trial),
		cmocka_unit_test(test_what_cannot_be_set_up_is_broken),
		cmocka_unit_test(test_address_space_is_limited),
		cmocka_unit_test(test_executables_are_found_beside_the_program),
		cmocka_unit_test(test_executables_stay_in_memory),
	};

	if (mkdtemp(folder) == NULL || setenv("TMPDIR", folder, 1) != 0)
		return EXIT_FAILURE;
	const int failed = cmocka_run_group_tests(tests, NULL, NULL);
	return rmdir(folder) == 0 ? failed : EXIT_FAILURE;
}
