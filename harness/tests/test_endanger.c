/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A trial that takes memory of every kind without end, in the group that runs give their trials:
 * it dies there, and the supervisor, another program and the host's reserve do not notice.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/pool.h"
#include "guard/group.h"
#include "guard/guard.h"
#include "kernel/zoneinfo.h"
#include "run/launch.h"
#include "vm/units.h"

#define LIMIT_BYTES    (UINT64_C(64) << 20)
#define DEADLINE_MS    60000
#define ZONEINFO_BYTES ((size_t)1 << 20)
/* What others do meanwhile is less than what would have to be lost. */
#define ROOM_AT_LEAST_PAGES ((int64_t)(16 * LIMIT_BYTES / VM_PAGE_BYTES))

struct witness {
	_Atomic int64_t least_pages;
	_Atomic unsigned long looks;
};

/* Free pages above the high mark of each zone: as long as there are some nobody is woken for us. */
static int64_t room_pages(void)
{
	static char text[ZONEINFO_BYTES];
	static struct kernel_zoneinfo zoneinfo;
	struct kernel_error error;
	int64_t room = 0;
	FILE *file = fopen("/proc/zoneinfo", "re");

	assert_non_null(file);
	const size_t length_bytes = fread(text, 1, sizeof(text), file);
	(void)fclose(file);
	assert_int_equal(
		kernel_zoneinfo_parse((struct kernel_text){text, length_bytes}, &zoneinfo, &error),
		0);
	for (size_t i = 0; i < zoneinfo.count; i++)
		if (zoneinfo.zone[i].free_pages > zoneinfo.zone[i].high_pages)
			room += (int64_t)(zoneinfo.zone[i].free_pages -
					  zoneinfo.zone[i].high_pages);
	return room;
}

/* Somebody else's program: it looks at the host for as long as it lives. */
static pid_t look_on(struct witness *witness)
{
	const pid_t process = fork();

	assert_true(process >= 0);
	if (process != 0)
		return process;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		const int64_t room = room_pages();
		if (room < atomic_load(&witness->least_pages))
			atomic_store(&witness->least_pages, room);
		(void)atomic_fetch_add(&witness->looks, 1);
	}
}

static void end_looking(pid_t process)
{
	int status = 0;

	assert_int_equal(waitpid(process, &status, WNOHANG), 0);
	assert_int_equal(kill(process, SIGKILL), 0);
	assert_int_equal(waitpid(process, &status, 0), process);
}

static void gorge(const struct group *group)
{
	POOL_DROPS struct pool pool = {NULL};
	static const char *const arguments[] = {"gorges", NULL};
	char join_path[PATH_MAX];
	const char *const join[] = {join_path, NULL};
	struct launch_result result;
	struct group_events events;

	group_join_path(group, join_path, sizeof(join_path));
	const struct launch launch = {
		.executable = BINARY_DIR "/mmconform-bad-trial",
		.arguments = arguments,
		.subject = "bad",
		.deadline_ms = DEADLINE_MS,
		.any_cpu = true,
		.join = join,
	};
	assert_int_equal(launch_trial(&launch, &pool, &result), 0);
	assert_int_equal(result.end, RECORD_TRIAL_DIED);
	assert_int_equal(result.end_signal, SIGKILL);
	assert_int_equal(group_events(group, &events), 0);
	/* Three of the four kinds, and the trial itself. */
	assert_true(!events.has_oom_kill || events.oom_kill >= 4);
}

static void a_trial_that_takes_all_hurts_itself_alone(void **state)
{
	const struct guard_options options = {.root = "", .changes = true, .wait_ms = DEADLINE_MS};
	struct witness *witness = mmap(
		NULL, sizeof(*witness), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct group_place place;
	struct guard *guard;
	struct group group;

	(void)state;
	assert_true(witness != MAP_FAILED);
	group_place_find("", &place);
	if (geteuid() != 0 || place.version == 0 || room_pages() < ROOM_AT_LEAST_PAGES)
		skip();
	if (guard_begin(&options, &guard) != 0)
		skip();
	atomic_store(&witness->least_pages, INT64_MAX);
	if (guard_group(guard, "trial", &group) != 0) {
		assert_int_equal(guard_end(guard), 0);
		skip();
	}
	assert_int_equal(group_limit(&group, LIMIT_BYTES), 0);
	(void)!group_swap_limit(&group, 0);
	const pid_t other = look_on(witness);
	gorge(&group);
	end_looking(other);
	assert_true(atomic_load(&witness->looks) > 1);
	assert_true(atomic_load(&witness->least_pages) > 0);
	assert_int_equal(guard_end(guard), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_trial_that_takes_all_hurts_itself_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
