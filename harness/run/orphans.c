/* SPDX-License-Identifier: Apache-2.0 */
#include "run/orphans.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "kernel/process.h"

/* Children seen in one pass; what does not fit is seen in the next one. */
#define PASS_LIMIT     256
#define CHILDREN_BYTES 4000
#define STAT_BYTES     2048
#define PATH_BYTES     300

struct children {
	size_t count;
	pid_t pids[PASS_LIMIT];
};

static void add(struct children *children, pid_t pid)
{
	if (children->count < PASS_LIMIT)
		children->pids[children->count++] = pid;
}

/* linux:6.12:fs/proc/array.c:children_seq_show; only with CONFIG_PROC_CHILDREN. */
static bool list_by_children_file(struct children *children)
{
	char path[PATH_BYTES], text[CHILDREN_BYTES];
	uint64_t pid = 0;

	(void)snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
	FILE *file = fopen(path, "re");
	if (file == NULL)
		return false;
	/* What does not fit is seen in the next pass; a number that was cut off is no child. */
	struct kernel_text read = {text, fread(text, 1, sizeof(text), file)};
	(void)fclose(file);
	while (kernel_number_next(&read, &pid))
		add(children, (pid_t)pid);
	return true;
}

static pid_t parent_of(const char *pid)
{
	char path[PATH_BYTES], text[STAT_BYTES];
	struct kernel_stat stat;
	struct kernel_error error;

	(void)snprintf(path, sizeof(path), "/proc/%s/stat", pid);
	FILE *file = fopen(path, "re");
	if (file == NULL)
		return 0;
	const size_t length_bytes = fread(text, 1, sizeof(text), file);
	(void)fclose(file);
	const struct kernel_text read = {text, length_bytes};
	return kernel_stat_parse(read, &stat, &error) == 0 ? (pid_t)stat.parent_pid : 0;
}

static int list_by_parent(struct children *children)
{
	DIR *processes = opendir("/proc");

	if (processes == NULL)
		return -errno;
	for (const struct dirent *entry; (entry = readdir(processes)) != NULL;) {
		uint64_t pid = 0;
		if (kernel_text_decimal(kernel_text_of(entry->d_name), &pid) &&
			parent_of(entry->d_name) == getpid())
			add(children, (pid_t)pid);
	}
	(void)closedir(processes);
	return 0;
}

static int list(struct children *children)
{
	siginfo_t info;

	children->count = 0;
	/* Mostly there is no child at all, and one call says so. */
	if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT | __WALL) != 0)
		return errno == ECHILD ? 0 : -errno;
	return list_by_children_file(children) ? 0 : list_by_parent(children);
}

int orphans_note(struct orphans *orphans)
{
	struct children children;

	if (prctl(PR_SET_CHILD_SUBREAPER, 1) != 0)
		return -errno;
	const int error = list(&children);
	if (error != 0)
		return error;
	if (children.count > ORPHANS_KNOWN_LIMIT)
		return -E2BIG;
	orphans->known_count = children.count;
	memcpy(orphans->known, children.pids, children.count * sizeof(children.pids[0]));
	return 0;
}

static bool is_known(const struct orphans *orphans, pid_t pid)
{
	for (size_t i = 0; i < orphans->known_count; i++)
		if (orphans->known[i] == pid)
			return true;
	return false;
}

/* Waits for the end of a child that was killed. True when it is reaped. */
static bool reap(pid_t pid, uint64_t deadline_ns, int *killed_count)
{
	const int descriptor = (int)syscall(SYS_pidfd_open, pid, 0);
	struct pollfd ended = {.fd = descriptor, .events = POLLIN};
	int status = 0;

	if (descriptor < 0)
		return false;
	const uint64_t now_ns = clock_now_ns();
	const uint64_t left_ms =
		now_ns >= deadline_ns ? 0 : (deadline_ns - now_ns) / CLOCK_NS_IN_MS + 1;
	(void)poll(&ended, 1, (int)left_ms);
	(void)close(descriptor);
	if (waitpid(pid, &status, WNOHANG | __WALL) != pid)
		return false;
	/* What had ended by itself before was only not waited for: that is no process left. */
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
		(*killed_count)++;
	return true;
}

int orphans_end(const struct orphans *orphans, uint64_t deadline_ns)
{
	struct children children;
	int killed_count = 0;

	for (;;) {
		size_t strange_count = 0;
		const int error = list(&children);
		if (error != 0)
			return error;
		for (size_t i = 0; i < children.count; i++)
			if (!is_known(orphans, children.pids[i]))
				children.pids[strange_count++] = children.pids[i];
		/* Who is reaped leaves its children to us, for the next pass: none can be missed.
		 */
		if (strange_count == 0)
			return killed_count;
		for (size_t i = 0; i < strange_count; i++)
			(void)kill(children.pids[i], SIGKILL);
		for (size_t i = 0; i < strange_count; i++)
			if (!reap(children.pids[i], deadline_ns, &killed_count) &&
				clock_now_ns() >= deadline_ns)
				return -ETIMEDOUT;
	}
}
