/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Facts from where less can be seen: as an ordinary user, as root of a user namespace, without
 * /sys, with a read-only /sys, without what containers hide of /proc. Never an error, and nothing
 * is present that cannot be had there.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "facts/facts.h"

/* Goes to the place, or says why one cannot. Runs in a child. */
typedef int place(void);

static int ordinary_user(void)
{
	const uid_t nobody = 65534;

	if (setgroups(0, NULL) != 0 || setgid(nobody) != 0 || setuid(nobody) != 0)
		return -errno;
	return 0;
}

static int write_map(const char *path, const char *text)
{
	const int descriptor = open(path, O_WRONLY | O_CLOEXEC);
	const ssize_t length_bytes = (ssize_t)strlen(text);

	if (descriptor < 0)
		return -errno;
	const int result = write(descriptor, text, strlen(text)) == length_bytes ? 0 : -errno;
	(void)close(descriptor);
	return result;
}

static int root_of_a_user_namespace(void)
{
	char map[32];

	(void)snprintf(map, sizeof(map), "0 %u 1\n", (unsigned)getuid());
	if (unshare(CLONE_NEWUSER) != 0)
		return -errno;
	return write_map("/proc/self/uid_map", map);
}

static int own_mounts(void)
{
	if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
		return -errno;
	return 0;
}

static int cover(const char *folder)
{
	const int result = own_mounts();

	if (result < 0)
		return result;
	return mount("nothing", folder, "tmpfs", 0, NULL) == 0 ? 0 : -errno;
}

static int without_sys(void)
{
	return cover("/sys");
}

static int without_sysctls(void)
{
	return cover("/proc/sys/vm");
}

static int with_a_read_only_sys(void)
{
	const int result = own_mounts();

	if (result < 0)
		return result;
	return mount(NULL, "/sys", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL) == 0 ? 0 : -errno;
}

/* What a child found, or the line that says why not. */
struct found {
	int cannot; /* the place could not be reached: the errno */
	int result;
	char text[65536];
};

static void look(place *go, const char *folder, struct found *found)
{
	POOL_DROPS struct pool pool = {0};
	struct facts facts;
	struct facts_error error = {.text = ""};

	found->cannot = go();
	if (found->cannot != 0)
		return;
	found->result = facts_read_live(&pool, &facts, &error);
	(void)snprintf(found->text, sizeof(found->text), "%s",
		found->result == 0 ? facts_to_json(&pool, &facts) : error.text);
	if (found->result == 0 && folder != NULL) {
		found->result = facts_capture_live(folder, true, &error);
		if (found->result != 0)
			(void)snprintf(found->text, sizeof(found->text), "%s", error.text);
	}
}

/* The facts there; the pool holds the texts. Skips the test where this host does not let us go. */
static void facts_there(struct pool *pool, place *go, const char *folder, struct facts *facts)
{
	static struct found found;
	int ends[2];
	size_t got_bytes = 0;
	ssize_t got;

	assert_int_equal(pipe(ends), 0);
	(void)fflush(NULL);
	const pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		static struct found seen;
		look(go, folder, &seen);
		size_t sent_bytes = 0;
		while (sent_bytes < sizeof(seen)) {
			const ssize_t sent = write(ends[1], (const char *)&seen + sent_bytes,
				sizeof(seen) - sent_bytes);
			if (sent <= 0)
				break;
			sent_bytes += (size_t)sent;
		}
		_exit(0);
	}
	(void)close(ends[1]);
	while ((got = read(ends[0], (char *)&found + got_bytes, sizeof(found) - got_bytes)) > 0)
		got_bytes += (size_t)got;
	(void)close(ends[0]);
	assert_int_equal(waitpid(child, NULL, 0), child);
	assert_int_equal(got_bytes, sizeof(found));
	if (found.cannot != 0) {
		print_message("not possible here: %s\n", strerror(-found.cannot));
		skip();
	}
	if (found.result != 0)
		fail_msg("%s", found.text);
	const char *why = "";
	const char *text = pool_text(pool, found.text);
	if (!facts_from_json(pool, text, strlen(text), facts, &why))
		fail_msg("%s", why);
}

static void an_ordinary_user_reads_facts_and_captures(void **state)
{
	POOL_DROPS struct pool pool = {0};
	struct facts facts, captured;
	struct facts_error error;
	char folder[] = "/tmp/mmconform-places-XXXXXX";

	(void)state;
	assert_non_null(mkdtemp(folder));
	assert_int_equal(chmod(folder, 0777), 0);
	facts_there(&pool, ordinary_user, folder, &facts);
	assert_int_equal(facts.host.capabilities, 0);
	assert_false(vm_host_has(&facts.host, VM_FEATURE_FRAME_NUMBERS));
	assert_true(facts.host.knob[VM_KNOB_OVERCOMMIT_MEMORY].present);
	/* The kernel is the same, whoever asks. */
	struct facts own;
	assert_int_equal(facts_read_live(&pool, &own, &error), 0);
	assert_int_equal(
		vm_host_has(&facts.host, VM_FEATURE_THP), vm_host_has(&own.host, VM_FEATURE_THP));
	assert_int_equal(vm_host_has(&facts.host, VM_FEATURE_CACHESTAT),
		vm_host_has(&own.host, VM_FEATURE_CACHESTAT));
	assert_int_equal(facts.host.cgroup_version, own.host.cgroup_version);
	if (facts_read_captured(&pool, folder, &captured, &error) < 0)
		fail_msg("%s", error.text);
	assert_int_equal(captured.host.capabilities, 0);
	assert_int_equal(captured.host.cpus_online, facts.host.cpus_online);
	char line[128];
	(void)snprintf(line, sizeof(line), "rm -rf %s", folder);
	assert_int_equal(system(line), 0);
}

static void root_of_a_namespace_has_no_capability_that_counts(void **state)
{
	POOL_DROPS struct pool pool = {0};
	struct facts facts;

	(void)state;
	facts_there(&pool, root_of_a_user_namespace, NULL, &facts);
	assert_int_equal(facts.host.capabilities & ~(uint32_t)VM_CAPABILITY_SYS_PTRACE, 0);
	assert_false(vm_host_has(&facts.host, VM_FEATURE_FRAME_NUMBERS));
}

static void without_sys_things_are_absent_or_known_otherwise(void **state)
{
	POOL_DROPS struct pool pool = {0};
	struct facts facts;

	(void)state;
	facts_there(&pool, without_sys, NULL, &facts);
	assert_int_equal(facts.host.cpus_online, sysconf(_SC_NPROCESSORS_ONLN));
	assert_int_equal(facts.host.nodes_online, 1);
	assert_false(facts.host.knob[VM_KNOB_THP_ENABLED].present);
	assert_false(facts.host.knob[VM_KNOB_KSM_RUN].present);
	/* The pools cannot be seen; the configuration still can. */
	assert_true(facts.host.feature[VM_FEATURE_THP].evidence != VM_EVIDENCE_SURFACE);
}

static void a_read_only_sys_is_enough_to_read(void **state)
{
	POOL_DROPS struct pool pool = {0};
	struct facts facts, own;
	struct facts_error error;

	(void)state;
	facts_there(&pool, with_a_read_only_sys, NULL, &facts);
	assert_int_equal(facts_read_live(&pool, &own, &error), 0);
	assert_memory_equal(facts.host.knob, own.host.knob, sizeof(own.host.knob));
	for (enum vm_feature feature = 0; feature < VM_FEATURE_LIMIT; feature++)
		assert_int_equal(
			vm_host_has(&facts.host, feature), vm_host_has(&own.host, feature));
}

static void without_sysctls_knobs_are_absent(void **state)
{
	POOL_DROPS struct pool pool = {0};
	struct facts facts;

	(void)state;
	facts_there(&pool, without_sysctls, NULL, &facts);
	assert_false(facts.host.knob[VM_KNOB_MIN_FREE_KBYTES].present);
	assert_int_equal(vm_host_knob(&facts.host, VM_KNOB_OVERCOMMIT_MEMORY, -1), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_ordinary_user_reads_facts_and_captures),
		cmocka_unit_test(root_of_a_namespace_has_no_capability_that_counts),
		cmocka_unit_test(without_sys_things_are_absent_or_known_otherwise),
		cmocka_unit_test(a_read_only_sys_is_enough_to_read),
		cmocka_unit_test(without_sysctls_knobs_are_absent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
