/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's complaints: how they are told from other lines, and that none of before counts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fake_root.h"
#include "guard/watch.h"

static enum kernel_complaint complaint_of(const char *text)
{
	struct kernel_log_record record;
	struct kernel_error error;

	assert_int_equal(kernel_log_parse(kernel_text_of(text), &record, &error), 0);
	return kernel_log_complaint(&record);
}

static void complaints_are_told_apart(void **state)
{
	static const struct {
		const char *text;
		enum kernel_complaint complaint;
	} lines[] = {
		{"6,1,2,-;NET: Registered protocol family 10\n", KERNEL_COMPLAINT_NONE},
		{"4,1,2,-;WARNING: CPU: 1 PID: 2 at mm/page_alloc.c:45 f+0x1/0x2\n",
			KERNEL_COMPLAINT_WARNING},
		{"1,1,2,-;BUG: kernel NULL pointer dereference, address: 0\n",
			KERNEL_COMPLAINT_BUG},
		{"1,1,2,-;Oops: 0002 [#1] PREEMPT SMP NOPTI\n", KERNEL_COMPLAINT_OOPS},
		{"0,1,2,-;Kernel panic - not syncing: Fatal exception\n", KERNEL_COMPLAINT_OOPS},
		{"1,1,2,-;BUG: Bad page state in process cc1  pfn:12\n",
			KERNEL_COMPLAINT_CORRUPTION},
		{"1,1,2,-;BUG: Bad rss-counter state mm:00 type:MM_ANONPAGES val:1\n",
			KERNEL_COMPLAINT_CORRUPTION},
		{"3,1,2,-;INFO: task x:1 blocked for more than 120 seconds.\n",
			KERNEL_COMPLAINT_STALL},
		{"4,1,2,-;x: page allocation failure: order:4, mode:0x40dc0\n",
			KERNEL_COMPLAINT_ALLOCATION},
		{"3,1,2,-;Memory cgroup out of memory: Killed process 9 (x)\n",
			KERNEL_COMPLAINT_GROUP_OOM},
		{"3,1,2,-;Out of memory: Killed process 9 (x)\n", KERNEL_COMPLAINT_OOM},
		/* Anybody may write this to /dev/kmsg, as facility 1. */
		{"12,1,2,-;WARNING: made up\n", KERNEL_COMPLAINT_NONE},
		/* A sentence that speaks of one is none. */
		{"6,1,2,-;x: no WARNING: here\n", KERNEL_COMPLAINT_NONE},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
		assert_int_equal(complaint_of(lines[i].text), lines[i].complaint);
	assert_string_equal(kernel_complaint_word(KERNEL_COMPLAINT_OOM), "out-of-memory");
}

static void only_what_is_new_is_reported(void **state)
{
	struct fake_root root;
	struct watch watch;
	struct watch_report report;
	struct pool pool = {0};
	char joined[PATH_MAX];

	(void)state;
	fake_begin(&root);
	fake_write(&root, "/proc/sys/kernel/tainted", "0\n");
	fake_write(&root, "/dev/kmsg", "4,1,2,-;WARNING: of before\n");
	watch_begin(root.path, &watch, &report);
	fake_path(&root, "/dev/kmsg", joined);
	FILE *log = fopen(joined, "ae");
	assert_non_null(log);
	(void)fputs("4,7,99,-;WARNING: CPU: 0 PID: 1 at mm/x.c:1 f+0x0/0x1\n", log);
	(void)fflush(log);
	watch_look(&watch, &pool, &report);
	assert_int_equal(report.lines_count, 1);
	watch_look(&watch, &pool, &report);
	assert_int_equal(report.lines_count, 1);
	(void)fputs("4,8,99,-;BUG: Bad rss-counter state mm:0 type:MM_ANONPAGES val:1\n", log);
	(void)fclose(log);
	fake_write(&root, "/proc/sys/kernel/tainted", "512\n");
	watch_end(root.path, &watch, &pool, &report);
	assert_true(report.log_was_read && report.taint_was_read && !report.log_overran);
	assert_int_equal(report.taint_before, 0);
	assert_int_equal(report.taint_after, 512);
	assert_int_equal(report.lines_count, 2);
	assert_int_equal(report.lines[0].sequence, 7);
	assert_int_equal(report.lines[1].sequence, 8);
	assert_int_equal(report.lines[1].complaint, KERNEL_COMPLAINT_CORRUPTION);
	assert_int_equal(report.lines[0].complaint, KERNEL_COMPLAINT_WARNING);
	assert_string_equal(report.lines[0].text, "WARNING: CPU: 0 PID: 1 at mm/x.c:1 f+0x0/0x1");
	pool_drop(&pool);
	fake_end(&root);
}

static void what_cannot_be_read_is_said(void **state)
{
	struct fake_root root;
	struct watch watch;
	struct watch_report report;
	struct pool pool = {0};

	(void)state;
	fake_begin(&root);
	watch_begin(root.path, &watch, &report);
	watch_end(root.path, &watch, &pool, &report);
	assert_false(report.log_was_read || report.taint_was_read);
	assert_non_null(strstr(report.log_reason, "/dev/kmsg: No such file"));
	pool_drop(&pool);
	fake_end(&root);
}

/* The real log, as far as this user may read it. */
static void this_kernels_log_is_read(void **state)
{
	struct watch watch;
	struct watch_report report;
	struct pool pool = {0};

	(void)state;
	watch_begin("", &watch, &report);
	watch_end("", &watch, &pool, &report);
	if (geteuid() == 0 && access("/dev/kmsg", R_OK) == 0)
		assert_true(report.log_was_read);
	else
		assert_true(report.log_was_read || report.log_reason[0] != '\0');
	pool_drop(&pool);
}

static struct kernel_log_record record_of(const char *text)
{
	struct kernel_log_record record;
	struct kernel_error error;

	assert_int_equal(kernel_log_parse(kernel_text_of(text), &record, &error), 0);
	return record;
}

/* As 6.1 and 6.12 print it: the second has columns more. */
static void what_the_killer_says_is_read(void **state)
{
	static const char *const texts[][2] = {
		{"6,1,1,-;[  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents "
		 "oom_score_adj name\n",
			"6,2,1,-;[    412]     0   412     2031     1807    45056        7      "
			"      -5 mm conform\n"},
		{"6,1,1,-;[  pid  ]   uid  tgid total_vm      rss rss_anon rss_file rss_shmem "
		 "pgtables_bytes swapents oom_score_adj name\n",
			"6,2,1,-;[    412]     0   412     2031     1807     1700      107        "
			"0     45056        7            -5 mm\n"},
	};
	struct kernel_log_columns columns;
	struct kernel_log_candidate candidate;
	struct kernel_log_record record;
	uint64_t process = 0;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		record = record_of(texts[i][0]);
		assert_true(kernel_log_columns(&record, &columns));
		assert_false(kernel_log_candidate(&record, &columns, &candidate));
		record = record_of(texts[i][1]);
		assert_false(kernel_log_columns(&record, &columns));
		assert_true(kernel_log_candidate(&record, &columns, &candidate));
		assert_true(candidate.process == 412 && candidate.resident_pages == 1807 &&
			    candidate.table_bytes == 45056 && candidate.swapped_pages == 7 &&
			    candidate.adjustment == -5);
		assert_false(kernel_log_killed(&record, &process));
	}
	record = record_of("3,3,1,-;Memory cgroup out of memory: Killed process 412 (mm) "
			   "total-vm:9kB\n");
	assert_true(kernel_log_killed(&record, &process));
	assert_int_equal(process, 412);
	struct kernel_text constraint;
	assert_false(kernel_log_constraint(&record, &constraint));
	record = record_of("6,3,1,-;oom-kill:constraint=CONSTRAINT_MEMORY_POLICY,nodemask=0,"
			   "cpuset=/,mems_allowed=0-1,global_oom,task_memcg=/,task=mm,pid=412\n");
	assert_true(kernel_log_constraint(&record, &constraint));
	assert_true(kernel_text_is(constraint, "CONSTRAINT_MEMORY_POLICY"));
	/* Written by somebody who is not the kernel. */
	record = record_of("11,3,1,-;oom-kill:constraint=CONSTRAINT_CPUSET,nodemask=0\n");
	assert_false(kernel_log_constraint(&record, &constraint));
	record = record_of("11,3,1,-;Out of memory: Killed process 412 (mm)\n");
	assert_false(kernel_log_killed(&record, &process));
	record = record_of("3,3,1,-;Killed process many\n");
	assert_false(kernel_log_killed(&record, &process));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(complaints_are_told_apart),
		cmocka_unit_test(only_what_is_new_is_reported),
		cmocka_unit_test(what_cannot_be_read_is_said),
		cmocka_unit_test(this_kernels_log_is_read),
		cmocka_unit_test(what_the_killer_says_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
