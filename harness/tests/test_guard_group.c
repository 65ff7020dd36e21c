/* SPDX-License-Identifier: Apache-2.0 */
/* Memory groups on trees as hosts, guests and containers show them, and one made on this host. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

#include "fake_root.h"
#include "guard/group.h"
#include "guard/guard.h"
#include "guard/internal.h"
#include "guard/seam.h"

#define FS	 "/sys/fs/cgroup"
#define V2_MOUNT "25 1 0:22 / " FS " rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"

static struct fake_root root;

static int begin(void **state)
{
	(void)state;
	fake_begin(&root);
	return 0;
}

static int end(void **state)
{
	(void)state;
	seam_inject(NULL, NULL);
	fake_end(&root);
	return 0;
}

static void write_own_pid(const char *path, bool with_another)
{
	char text[64];

	(void)snprintf(text, sizeof(text), "%d\n%s", (int)getpid(), with_another ? "999999\n" : "");
	fake_write(&root, path, text);
}

/* A group of the unified hierarchy with what it was given and what it hands down. */
static void unified_group(const char *folder, const char *given, const char *handed, bool is_root)
{
	char path[PATH_MAX];

	(void)snprintf(path, sizeof(path), "%s/cgroup.controllers", folder);
	fake_write(&root, path, given);
	(void)snprintf(path, sizeof(path), "%s/cgroup.subtree_control", folder);
	fake_write(&root, path, handed);
	(void)snprintf(path, sizeof(path), "%s/cgroup.procs", folder);
	fake_write(&root, path, "");
	(void)snprintf(path, sizeof(path), "%s/cgroup.type", folder);
	if (!is_root)
		fake_write(&root, path, "domain\n");
}

static void find_is(unsigned version, const char *folder_or_reason, bool enables, bool vacates)
{
	struct group_place place;

	group_place_find(root.path, &place);
	if (place.version != version)
		fail_msg("version %u: %s", place.version, place.reason);
	if (version == 0)
		assert_non_null(strstr(place.reason, folder_or_reason));
	else
		assert_string_equal(place.folder, folder_or_reason);
	assert_true(place.enables == enables && place.vacates == vacates);
}

static void v1_is_found_where_it_is_mounted(void **state)
{
	(void)state;
	fake_write(&root, "/proc/self/cgroup",
		"9:name=systemd:/\n4:memory:/process_api/1ead\n3:cpuset:/\n0::/\n");
	fake_write(&root, "/proc/self/mountinfo",
		"40 1 0:30 / " FS "/cpuset rw - cgroup cgroup rw,cpuset\n"
		"41 1 0:31 / " FS "/memory rw - cgroup cgroup rw,memory\n"
		"42 1 0:32 / " FS "/unified rw - cgroup2 cgroup2 rw\n");
	find_is(0, "has no memory.limit_in_bytes", false, false);
	fake_write(&root, FS "/memory/process_api/1ead/memory.limit_in_bytes", "1\n");
	find_is(1, FS "/memory/process_api/1ead", false, false);

	/* A container's mount shows its own part of the tree, at the top. */
	fake_write(&root, "/proc/self/cgroup", "4:memory:/docker/abc\n");
	fake_write(&root, "/proc/self/mountinfo",
		"41 1 0:31 /docker/abc " FS "/memory rw - cgroup cgroup rw,memory\n");
	fake_write(&root, FS "/memory/memory.limit_in_bytes", "1\n");
	find_is(1, FS "/memory", false, false);
	/* And read-only where it is not to be changed. */
	fake_write(&root, "/proc/self/mountinfo",
		"41 1 0:31 /docker/abc " FS "/memory ro - cgroup cgroup rw,memory\n");
	find_is(0, "mounted read-only", false, false);
	/* Outside of what is mounted: somebody else's container. */
	fake_write(&root, "/proc/self/cgroup", "4:memory:/docker/other\n");
	find_is(0, "outside of what is mounted", false, false);
}

static void without_controller_there_is_a_reason(void **state)
{
	(void)state;
	find_is(0, "cannot be read", false, false);
	fake_write(&root, "/proc/self/cgroup", "3:cpuset:/\n");
	fake_write(&root, "/proc/self/mountinfo", "40 1 0:30 / /proc rw - proc proc rw\n");
	find_is(0, "no memory controller", false, false);
	/* cgroup_disable=memory on the unified hierarchy. */
	fake_write(&root, "/proc/self/cgroup", "0::/\n");
	fake_write(&root, "/proc/self/mountinfo", V2_MOUNT);
	unified_group(FS, "cpuset cpu io pids\n", "", true);
	find_is(0, "not handed down", false, false);
	fake_write(&root, "/proc/self/cgroup", "nonsense\n");
	find_is(0, "groups: line 1", false, false);
}

static void v2_is_found_in_every_shape(void **state)
{
	(void)state;
	fake_write(&root, "/proc/self/mountinfo", V2_MOUNT);

	/* A guest: we are in the root, which may hand down although we are in it. */
	fake_write(&root, "/proc/self/cgroup", "0::/\n");
	unified_group(FS, "cpuset cpu io memory pids\n", "", true);
	find_is(2, FS, true, false);
	fake_write(&root, FS "/cgroup.subtree_control", "cpu memory pids\n");
	find_is(2, FS, false, false);

	/* systemd-run --scope -p Delegate=yes: we alone are in a group of our own. */
	fake_write(&root, "/proc/self/cgroup", "0::/user.slice/run-1.scope\n");
	unified_group(FS "/user.slice", "memory pids\n", "memory pids\n", false);
	unified_group(FS "/user.slice/run-1.scope", "memory pids\n", "", false);
	write_own_pid(FS "/user.slice/run-1.scope/cgroup.procs", false);
	find_is(2, FS "/user.slice/run-1.scope", true, true);

	/* A login session: others are in the group, but the group above takes a new one. */
	write_own_pid(FS "/user.slice/run-1.scope/cgroup.procs", true);
	find_is(2, FS "/user.slice", false, false);

	/* In a container's namespace there is nothing above. */
	fake_write(&root, "/proc/self/cgroup", "0::/\n");
	unified_group(FS, "memory pids\n", "", false);
	write_own_pid(FS "/cgroup.procs", true);
	find_is(0, "other processes live in our group", false, false);
}

/* The kernel behind the files: a new group gets its member files, a removed one loses them. */
static int kernel(void *context, const char *call, const char *path)
{
	char member[PATH_MAX];

	(void)context;
	if (strstr(path, "/mmconform-") == NULL)
		return 0;
	if (strcmp(call, "rmdir") == 0) {
		char joined[PATH_MAX];

		fake_path(&root, path, joined);
		(void)nftw(joined, fake_remove_one, 16, FTW_DEPTH | FTW_PHYS);
		/* It is there again for the call itself. */
		(void)mkdir(joined, 0755);
	} else if (strcmp(call, "open") == 0 && strstr(path, "/cgroup.procs") != NULL &&
		   !fake_has(&root, path)) {
		(void)snprintf(member, sizeof(member), "%s", path);
		fake_write(&root, member, "");
	}
	return 0;
}

static void v2_is_vacated_handed_down_and_given_back(void **state)
{
	const struct guard_options options = {.root = root.path, .changes = true};
	struct guard *guard = NULL;
	struct group group;
	char text[4096], own[32];

	(void)state;
	fake_write(&root, "/proc/self/mountinfo", V2_MOUNT);
	fake_write(&root, "/proc/self/cgroup", "0::/a\n");
	unified_group(FS, "memory\n", "memory\n", true);
	unified_group(FS "/a", "memory\n", "", false);
	write_own_pid(FS "/a/cgroup.procs", false);
	seam_inject(kernel, NULL);
	assert_int_equal(guard_begin(&options, &guard), 0);
	assert_int_equal(guard_group(guard, "trial", &group), 0);
	assert_int_equal(group.version, 2);
	assert_true(fake_is(&root, FS "/a/cgroup.subtree_control", "+memory"));
	/* First the run, then the keeper: with both in, the group above is empty. */
	(void)snprintf(text, sizeof(text), FS "/a/mmconform-%d-run/cgroup.procs", (int)getpid());
	(void)snprintf(own, sizeof(own), "%d", (int)guard->keeper.pid);
	assert_true(fake_is(&root, text, own));
	fake_read(&root, "/run/mmconform/journal", text, sizeof(text));
	assert_true(strstr(text, "\nvacated ") < strstr(text, "\nhanded "));
	assert_true(strstr(text, "\nhanded ") < strstr(text, "\ngroup "));
	assert_int_equal(guard_release_to(guard, 0), 0);
	assert_true(fake_is(&root, FS "/a/cgroup.subtree_control", "-memory"));
	assert_true(fake_is(&root, FS "/a/cgroup.procs", own));
	assert_false(fake_has(&root, group.folder));
	assert_int_equal(guard_end(guard), 0);
}

static void limits_are_written_as_each_version_has_them(void **state)
{
	struct group v1 = {.root = root.path, .version = 1, .folder = "/g1"};
	struct group v2 = {.root = root.path, .version = 2, .folder = "/g2"};
	char path[PATH_MAX];
	uint64_t bytes = 0;

	(void)state;
	fake_write(&root, "/g1/memory.limit_in_bytes", "");
	fake_write(&root, "/g1/memory.memsw.limit_in_bytes", "");
	fake_write(&root, "/g1/memory.swappiness", "60\n");
	assert_int_equal(group_limit(&v1, 67108864), 0);
	assert_true(fake_is(&root, "/g1/memory.limit_in_bytes", "67108864"));
	assert_int_equal(group_swap_limit(&v1, 1048576), 0);
	assert_true(fake_is(&root, "/g1/memory.memsw.limit_in_bytes", "68157440"));
	assert_int_equal(group_swappiness(&v1, 0), 0);
	assert_int_equal(group_high(&v1, 1), -EOPNOTSUPP);
	assert_int_equal(group_oom_together(&v1, true), -EOPNOTSUPP);
	assert_int_equal(group_limit(&v1, GROUP_UNLIMITED), 0);
	assert_true(fake_is(&root, "/g1/memory.limit_in_bytes", "-1"));
	fake_write(&root, "/g1/memory.limit_in_bytes", "9223372036854771712\n");
	assert_int_equal(group_limit_in_force(&v1, &bytes), 0);
	assert_true(bytes == GROUP_UNLIMITED);

	fake_write(&root, "/g2/memory.max", "max\n");
	fake_write(&root, "/g2/memory.high", "max\n");
	fake_write(&root, "/g2/memory.oom.group", "0\n");
	assert_int_equal(group_limit_in_force(&v2, &bytes), 0);
	assert_true(bytes == GROUP_UNLIMITED);
	assert_int_equal(group_limit(&v2, 67108864), 0);
	assert_true(fake_is(&root, "/g2/memory.max", "67108864"));
	assert_int_equal(group_high(&v2, GROUP_UNLIMITED), 0);
	assert_true(fake_is(&root, "/g2/memory.high", "max"));
	assert_int_equal(group_oom_together(&v2, true), 0);
	assert_true(fake_is(&root, "/g2/memory.oom.group", "1"));
	/* A kernel without swap accounting has no such file. */
	assert_int_equal(group_swap_limit(&v2, 0), -ENOENT);
	assert_int_equal(group_swappiness(&v2, 0), -EOPNOTSUPP);
	group_join_path(&v2, path, sizeof(path));
	assert_non_null(strstr(path, "/g2/cgroup.procs"));
}

static void events_are_read_as_each_version_counts_them(void **state)
{
	struct group v1 = {.root = root.path, .version = 1, .folder = "/g1"};
	struct group v2 = {.root = root.path, .version = 2, .folder = "/g2"};
	struct group_events events;
	uint64_t value = 0;

	(void)state;
	fake_write(
		&root, "/g1/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n");
	fake_write(&root, "/g1/memory.failcnt", "77\n");
	fake_write(&root, "/g1/memory.stat", "cache 4096\nrss 8192\n");
	fake_write(&root, "/g1/memory.usage_in_bytes", "12288\n");
	assert_int_equal(group_events(&v1, &events), 0);
	assert_true(events.has_oom_kill && events.oom_kill == 3 && !events.has_oom);
	assert_true(events.has_failures && events.failures == 77);
	assert_int_equal(group_stat(&v1, "rss", &value), 0);
	assert_int_equal(value, 8192);
	assert_int_equal(group_stat(&v1, "anon", &value), -ENOENT);
	assert_int_equal(group_usage(&v1, &value), 0);
	assert_int_equal(value, 12288);

	fake_write(&root, "/g2/memory.events",
		"low 0\nhigh 2\nmax 5\noom 1\noom_kill 1\noom_group_kill 0\n");
	assert_int_equal(group_events(&v2, &events), 0);
	assert_true(events.has_oom && events.oom == 1 && events.has_oom_kill);
	assert_true(events.oom_kill == 1 && events.failures == 5);
	fake_write(&root, "/g2/memory.events", "oom 1");
	assert_int_equal(group_stat(&v2, "anon", &value), -ENOENT);
}

/* On this host: what a group promises, with real processes. */
static void a_real_group_limits_counts_and_kills(void **state)
{
	const struct guard_options options = {.root = "", .changes = true, .wait_ms = 10000};
	struct guard *guard = NULL;
	struct group group;
	struct group_place place;
	uint64_t bytes = 0;
	int status = 0;

	(void)state;
	group_place_find("", &place);
	if (place.version == 0)
		skip();
	const int begun = guard_begin(&options, &guard);
	/* Somebody is measuring on this host; guard_kill.sh, which runs alone, tests the same. */
	if (begun == -EBUSY)
		skip();
	assert_int_equal(begun, 0);
	assert_int_equal(guard_group(guard, "test", &group), 0);
	assert_int_equal(group_limit(&group, 16 << 20), 0);
	assert_int_equal(group_limit_in_force(&group, &bytes), 0);
	assert_int_equal(bytes, 16 << 20);
	/* A trial makes groups below its own, and may die before it removes them. */
	struct group below = group;
	const size_t length = strlen(below.folder);
	(void)snprintf(below.folder + length, sizeof(below.folder) - length, "/below");
	assert_int_equal(mkdir(below.folder, 0755), 0);
	pid_t children[8];
	for (int i = 0; i < 8; i++) {
		children[i] = fork();
		if (children[i] == 0)
			for (;;)
				(void)pause();
		assert_int_equal(group_add(place.version == 1 ? &group : &below, children[i]), 0);
		if (i % 2 == 1)
			assert_int_equal(group_add(&below, children[i]), 0);
	}
	assert_int_equal(group_usage(&group, &bytes), 0);
	assert_int_equal(guard_end(guard), 0);
	for (int i = 0; i < 8; i++) {
		assert_int_equal(waitpid(children[i], &status, 0), children[i]);
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	}
	assert_int_equal(access(group.folder, F_OK), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)
		TEST(v1_is_found_where_it_is_mounted),
		TEST(without_controller_there_is_a_reason),
		TEST(v2_is_found_in_every_shape),
		TEST(v2_is_vacated_handed_down_and_given_back),
		TEST(limits_are_written_as_each_version_has_them),
		TEST(events_are_read_as_each_version_counts_them),
		TEST(a_real_group_limits_counts_and_kills),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
