/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kills a run of the settings guard before every call that changes anything, the keeper, or both,
 * on this host and with real settings, and compares all that it may have touched, byte for byte.
 *
 *	tool_guard_kill		at every position of the journal
 *	tool_guard_kill full	with more settings, and between the calls on the journal as well
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guard/guard.h"
#include "guard/internal.h"
#include "guard/knob.h"
#include "guard/seam.h"
#include "vm/units.h"

enum victim {
	VICTIM_NOBODY,
	VICTIM_HARNESS,
	VICTIM_KEEPER,
	VICTIM_BOTH,
	VICTIM_KEEPER_AT_WORK,	/* the run dies with all held; the keeper while it puts back */
	VICTIM_RESTORE_AT_WORK, /* both die with all held; then restore dies as well */
	VICTIM_LIMIT,
};

static const char *const victim_words[] = {
	"nobody", "harness", "keeper", "both", "keeper at work", "restore at work"};

#define SNAPSHOT_BYTES ((size_t)1 << 20)

/* What the hook needs to know; it is called from deep below. */
static struct {
	enum victim victim;
	unsigned at, seen;
	pid_t run;	     /* the process of the run; others are the keeper */
	struct guard *guard; /* of the run, once it has begun */
	bool full;
	bool *struck; /* shared with all processes: the position was reached */
} plan;

static bool changes_something(const char *call)
{
	static const char *const harmless[] = {"open", "read", "fstat", "close", "socket", "bind",
		"listen", "socketpair", "fork", "pidfd_open"};

	for (size_t i = 0; i < sizeof(harmless) / sizeof(*harmless); i++)
		if (strcmp(call, harmless[i]) == 0)
			return false;
	return true;
}

static void die(void)
{
	*plan.struck = true;
	(void)kill(getpid(), SIGKILL);
	for (;;)
		(void)pause();
}

static int strike(void *context, const char *call, const char *path)
{
	const bool is_run = getpid() == plan.run;

	(void)context;
	if (plan.victim == VICTIM_NOBODY || !changes_something(call))
		return 0;
	/* Between two changes lie the calls on the journal alone: a position is a change, and dying
	 * before it means that its line is there and the one before it was made. */
	if (!plan.full && strcmp(path, "/run/mmconform/journal") == 0)
		return 0;
	if (plan.victim == VICTIM_KEEPER_AT_WORK || plan.victim == VICTIM_RESTORE_AT_WORK) {
		/* Writing its own oom_score_adj is before its work. */
		if (is_run || strcmp(path, "/proc/self/oom_score_adj") == 0)
			return 0;
		if (plan.seen++ == plan.at)
			die();
		return 0;
	}
	if (!is_run || plan.seen++ != plan.at)
		return 0;
	if (plan.victim != VICTIM_HARNESS && plan.guard != NULL) {
		(void)kill(plan.guard->keeper.pid, SIGKILL);
		/* Dead, not only told to die: its end of the link is closed then. */
		while (keeper_is_alive(&plan.guard->keeper))
			;
	}
	*plan.struck = true;
	if (plan.victim != VICTIM_KEEPER)
		die();
	return 0;
}

/* Of every kind and with every trouble; the rest is held only by a full test. */
static const struct held {
	const char *knob, *value;
} held_always[] =
	{
		{"vm.swappiness", "10"},
		{"vm.min_free_kbytes", "70000"},
		{"vm.overcommit_kbytes", "20000000"},
		{"vm.overcommit_ratio", "60"},
		{"vm.dirty_bytes", "268435456"},
		{"thp.enabled", "never"},
		{"ksm.max_page_sharing", "100"},
		{"ksm.run", "1"},
		{"hugetlb.2m.nr_hugepages", "8"},
},
  held_in_full[] = {
	  {"vm.lowmem_reserve_ratio", "256 256 40 0 0"},
	  {"vm.watermark_scale_factor", "50"},
	  {"vm.dirty_ratio", "15"},
	  {"vm.dirty_background_bytes", "134217728"},
	  {"vm.dirty_background_ratio", "7"},
	  {"thp.defrag", "always"},
	  {"thp.64kB.enabled", "always"},
	  {"khugepaged.max_ptes_none", "0"},
	  {"ksm.use_zero_pages", "1"},
	  {"hugetlb.2m.nr_overcommit_hugepages", "3"},
	  {"swap.vma_ra_enabled", "false"},
	  {"zswap.max_pool_percent", "10"},
};

static int hold_all(struct guard *guard, const struct held *held, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const int failed = guard_hold(guard, held[i].knob, held[i].value, NULL);
		/* A kernel without the knob is a shorter test, not a failed one. */
		if (failed != 0 && failed != -ENOENT)
			return failed;
	}
	return 0;
}

/* A process that joins the group, and outlives whoever dies: only the group leads to it. */
static int fill_group(const struct group *group)
{
	int joined[2];
	char byte = 0;

	if (pipe2(joined, O_CLOEXEC) != 0)
		return -errno;
	const pid_t child = fork();
	if (child == 0) {
		(void)setsid();
		if (group_add(group, 0) == 0)
			(void)!write(joined[1], &byte, 1);
		(void)close_range(3, ~0U, 0);
		for (;;)
			(void)pause();
	}
	(void)close(joined[1]);
	const bool has_joined = child > 0 && read(joined[0], &byte, 1) == 1;
	(void)close(joined[0]);
	return has_joined ? 0 : -ESRCH;
}

/* As a trial would do it, behind the guard's back. */
static int resize_pool(struct guard *guard)
{
	static const char path[] = "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages";
	const int failed = guard_huge_pages_vary(guard, VM_HUGE_2M_BYTES);

	if (failed != 0)
		return failed == -ENOENT ? 0 : failed;
	FILE *file = fopen(path, "we");
	if (file == NULL)
		return -errno;
	const bool told = fputs("5", file) >= 0;
	return fclose(file) == 0 && told ? 0 : -EIO;
}

static int need_all(struct guard *guard)
{
	char path[PATH_MAX];
	unsigned device = 0;
	struct group group;
	int failed = guard_huge_pages(guard, VM_HUGE_1G_BYTES, 1);

	/* Memory may be too fragmented for a page of 1 GiB: nothing to be put back then. */
	if (failed == -ENOMEM || failed == -ENOENT)
		failed = 0;
	if (failed == 0)
		failed = resize_pool(guard);
	if (failed == 0)
		failed = guard_swap_file(guard, 4 * VM_MIB_BYTES);
	/* A guest may have nothing but memory to write to. */
	if (failed == 0 || failed == -EINVAL)
		failed = guard_swap_zram(guard, 16 * VM_MIB_BYTES, &device);
	if (failed == 0 || failed == -ENOENT)
		failed = guard_tracing(guard, path, sizeof(path));
	if (failed == 0 || failed == -ENODEV)
		failed = guard_folder(guard, "work", path, sizeof(path));
	if (failed == 0)
		failed = guard_group(guard, "test", &group);
	if (failed == 0)
		failed = group_limit(&group, 64 * VM_MIB_BYTES);
	if (failed == 0)
		failed = fill_group(&group);
	return failed;
}

/* Nothing is to be said as long as nobody is killed. */
static void say(void *context, const char *line)
{
	(void)context;
	if (plan.victim == VICTIM_NOBODY)
		(void)printf("guard_kill: %s\n", line);
}

static const struct guard_options options = {
	.root = "", .changes = true, .wait_ms = 20000, .say = say};

/* The whole life of a run. Exit status 0: it reached its end; 1: it noticed that its keeper died.
 */
static _Noreturn void run(void)
{
	plan.run = getpid();
	int failed = guard_begin(&options, &plan.guard);
	if (failed != 0)
		_exit(3);
	failed = hold_all(plan.guard, held_always, sizeof(held_always) / sizeof(*held_always));
	if (failed == 0 && plan.full)
		failed = hold_all(
			plan.guard, held_in_full, sizeof(held_in_full) / sizeof(*held_in_full));
	if (failed == 0)
		failed = need_all(plan.guard);
	if (failed != 0 && plan.victim == VICTIM_NOBODY)
		(void)printf("guard_kill: %s (%s)\n", guard_why(plan.guard), strerror(-failed));
	if (plan.victim == VICTIM_RESTORE_AT_WORK)
		(void)kill(plan.guard->keeper.pid, SIGKILL);
	if (plan.victim == VICTIM_KEEPER_AT_WORK || plan.victim == VICTIM_RESTORE_AT_WORK)
		(void)kill(getpid(), SIGKILL);
	if (guard_end(plan.guard) != 0)
		_exit(2);
	_exit(failed != 0);
}

static void add(char *snapshot, const char *path)
{
	size_t used_bytes = strlen(snapshot);
	char text[16384];
	const ssize_t length_bytes = seam_read_text("", path, text, sizeof(text));

	(void)snprintf(snapshot + used_bytes, SNAPSHOT_BYTES - used_bytes, "%s\t%s", path,
		length_bytes < 0 ? "absent\n" : text);
}

static void add_names(char *snapshot, const char *folder, const char *begin)
{
	struct dirent **names = NULL;
	const int count = scandir(folder, &names, NULL, alphasort);

	for (int i = 0; i < count; i++) {
		const size_t used_bytes = strlen(snapshot);
		if (names[i]->d_name[0] != '.' &&
			strncmp(names[i]->d_name, begin, strlen(begin)) == 0)
			(void)snprintf(snapshot + used_bytes, SNAPSHOT_BYTES - used_bytes,
				"%s/%s\n", folder, names[i]->d_name);
		free(names[i]);
	}
	free(names);
}

/* Every file of every knob, and every list in which something of ours could be left. */
static char *take_snapshot(void)
{
	char *const snapshot = calloc(1, SNAPSHOT_BYTES);
	struct group_place place;

	if (snapshot == NULL)
		abort();
	for (size_t i = 0; i < knobs_count; i++)
		if (strchr(knobs[i].path, '*') == NULL)
			add(snapshot, knobs[i].path);
	add(snapshot, "/sys/kernel/mm/transparent_hugepage/hugepages-64kB/enabled");
	add(snapshot, "/sys/devices/system/node/node0/hugepages/hugepages-2048kB/nr_hugepages");
	add(snapshot, "/sys/devices/system/node/node0/hugepages/hugepages-1048576kB/nr_hugepages");
	add(snapshot, "/proc/self/mountinfo");
	add(snapshot, "/proc/swaps");
	add_names(snapshot, "/sys/block", "zram");
	add_names(snapshot, "/var/lib/mmconform", "");
	add_names(snapshot, "/run/mmconform", "");
	group_place_find("", &place);
	if (place.version != 0)
		add_names(snapshot, place.folder, "mmconform");
	if (place.version == 2) {
		char path[PATH_MAX + 32];
		(void)snprintf(path, sizeof(path), "%s/cgroup.subtree_control", place.folder);
		add(snapshot, path);
	}
	return snapshot;
}

static bool compare(const char *before, enum victim victim, unsigned at)
{
	char *const after = take_snapshot();
	const bool same = strcmp(before, after) == 0;

	if (!same) {
		size_t i = 0;
		while (before[i] == after[i])
			i++;
		while (i != 0 && before[i - 1] != '\n')
			i--;
		(void)printf("guard_kill: %s at %u: was\n%.200s\nis\n%.200s\n",
			victim_words[victim], at, before + i, after + i);
	}
	free(after);
	return same;
}

static void wake(int signal)
{
	(void)signal;
}

/* Everything that was started is ours to reap by now; what still lives after 5 s was left. */
static bool reap_all(void)
{
	(void)alarm(5);
	while (waitpid(-1, NULL, 0) > 0)
		;
	const bool none = errno == ECHILD;
	(void)alarm(0);
	return none;
}

static int restore(bool killed_on_the_way)
{
	size_t restored_count = 0;

	if (killed_on_the_way) {
		const pid_t restorer = fork();
		if (restorer == 0) {
			plan.run = -1;
			_exit(guard_restore(&options, &restored_count) != 0);
		}
		(void)waitpid(restorer, NULL, 0);
	}
	plan.victim = VICTIM_NOBODY;
	return guard_restore(&options, &restored_count);
}

/* Whether a run with that death leaves everything as it was; done: there is no such position. */
static bool position_is_safe(const char *before, enum victim victim, unsigned at, bool *done)
{
	int status = 0;

	plan.victim = victim;
	plan.at = at;
	plan.seen = 0;
	plan.guard = NULL;
	*plan.struck = false;
	const pid_t child = fork();
	if (child == 0)
		run();
	(void)waitpid(child, &status, 0);
	/* Waits for the keeper, if there is one, and does what is left if there is none. */
	const int restored = restore(victim == VICTIM_RESTORE_AT_WORK);
	*done = !*plan.struck;
	/* 1 is for a run whose keeper was killed; without a victim all has to be held. */
	const int highest = victim == VICTIM_NOBODY ? 0 : 1;
	const bool refused = WIFEXITED(status) && WEXITSTATUS(status) > highest;
	if (restored != 0 || refused)
		(void)printf("guard_kill: %s at %u: status %#x, restore %d\n", victim_words[victim],
			at, (unsigned)status, restored);
	const bool reaped = reap_all();
	if (!reaped)
		(void)printf("guard_kill: %s at %u: a process is left\n", victim_words[victim], at);
	return restored == 0 && !refused && reaped && compare(before, victim, at);
}

int main(int argc, char **argv)
{
	const struct sigaction waking = {.sa_handler = wake};
	unsigned positions = 0, failures = 0;

	(void)setvbuf(stdout, NULL, _IONBF, 0);
	plan.struck = mmap(NULL, sizeof(*plan.struck), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (plan.struck == MAP_FAILED || prctl(PR_SET_CHILD_SUBREAPER, 1) != 0 ||
		sigaction(SIGALRM, &waking, NULL) != 0)
		abort();
	plan.full = argc > 1 && strcmp(argv[1], "full") == 0;
	seam_inject(strike, NULL);
	char *const before = take_snapshot();
	for (unsigned victim = 0; victim < VICTIM_LIMIT; victim++) {
		bool done = false;

		for (unsigned at = 0; !done && failures < 5; at++, positions++)
			failures += !position_is_safe(before, (enum victim)victim, at, &done);
		(void)printf("%s: %u positions so far, %u failures\n", victim_words[victim],
			positions, failures);
	}
	free(before);
	return failures != 0;
}
