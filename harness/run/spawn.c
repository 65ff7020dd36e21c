/* SPDX-License-Identifier: Apache-2.0 */
#include "run/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/mempolicy.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define STACK_BYTES	  ((size_t)64 * 1024)
#define ENVIRONMENT_BYTES 4200
#define REPORT_DESCRIPTOR 3
#define DESCRIPTORS_ABOVE 4

/*
 * The child runs on a stack of its own in our memory, and we stand still until it has gone through
 * exec or ended (CLONE_VM | CLONE_VFORK): no page table of ours is copied, and a failure comes back
 * in plain memory. It makes system calls only, and touches nothing else of ours; what they point to
 * is made ready here, so that no object lies on a stack that is never unwound (which
 * AddressSanitizer would remember as poisoned).
 */
struct child {
	const struct spawn *spawn;
	struct spawn_failure *failure;
	pid_t parent;
	cpu_set_t cpus;
	struct sigaction default_action;
	sigset_t no_signals;
	struct rlimit no_core, address_space, processes;
	char *environment[6];
};

static bool failed(struct child *child, const char *step, const char *subject)
{
	*child->failure = (struct spawn_failure){step, subject, errno};
	return false;
}

static bool write_file(struct child *child, const char *path, const char *text)
{
	const int file = open(path, O_WRONLY | O_CLOEXEC);
	const size_t length_bytes = strlen(text);

	if (file < 0)
		return failed(child, "open", path);
	if (write(file, text, length_bytes) != (ssize_t)length_bytes)
		return failed(child, "write", path);
	(void)close(file);
	return true;
}

static void reset_signals(const struct child *child)
{
	for (int number = 1; number <= SIGRTMAX; number++)
		(void)sigaction(number, &child->default_action, NULL);
	(void)sigprocmask(SIG_SETMASK, &child->no_signals, NULL);
}

static bool leave_family(struct child *child)
{
	if (setsid() < 0)
		return failed(child, "setsid", "");
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
		return failed(child, "prctl", "PR_SET_PDEATHSIG");
	/* The parent may have died before the line above. */
	if (getppid() != child->parent)
		return failed(child, "getppid", "the parent is gone");
	return true;
}

static bool take_place(struct child *child)
{
	const struct spawn *spawn = child->spawn;

	if (!spawn->randomize_layout && personality(ADDR_NO_RANDOMIZE) < 0)
		return failed(child, "personality", "ADDR_NO_RANDOMIZE");
	if (spawn->pinned && sched_setaffinity(0, sizeof(child->cpus), &child->cpus) != 0)
		return failed(child, "sched_setaffinity", "");
	if (!write_file(child, "/proc/self/oom_score_adj", spawn->oom_score_adj))
		return false;
	for (const char *const *path = spawn->join; path != NULL && *path != NULL; path++)
		if (!write_file(child, *path, "0"))
			return false;
	/*
	 * Automatic balancing between nodes takes the rights away from entries of whoever has run
	 * for a second, to see who touches them: faults more, and a huge page that smaps of 6.1
	 * does not show. It leaves those alone who have a policy of their own; this one places
	 * pages as none does. linux:6.12:mm/mempolicy.c:vma_policy_mof
	 */
	(void)syscall(SYS_set_mempolicy, MPOL_LOCAL, NULL, 0UL);
	/*
	 * System V segments outlive whoever made them, and count as committed memory: in a
	 * namespace of its own they go with the trial. Without the privilege a trial must see to it
	 * itself.
	 */
	(void)unshare(CLONE_NEWIPC);
	return chdir(spawn->directory) == 0 || failed(child, "chdir", spawn->directory);
}

static bool take_limits(struct child *child)
{
	const struct spawn *spawn = child->spawn;

	if (setrlimit(RLIMIT_CORE, &child->no_core) != 0)
		return failed(child, "setrlimit", "RLIMIT_CORE");
	if (spawn->address_space_limit_bytes != 0 &&
		setrlimit(RLIMIT_AS, &child->address_space) != 0)
		return failed(child, "setrlimit", "RLIMIT_AS");
	if (spawn->processes_limit != 0 && setrlimit(RLIMIT_NPROC, &child->processes) != 0)
		return failed(child, "setrlimit", "RLIMIT_NPROC");
	return true;
}

static bool take_descriptors(struct child *child)
{
	const struct spawn *spawn = child->spawn;

	if (dup2(spawn->input, STDIN_FILENO) < 0 || dup2(spawn->error, STDOUT_FILENO) < 0 ||
		dup2(spawn->error, STDERR_FILENO) < 0 || dup2(spawn->report, REPORT_DESCRIPTOR) < 0)
		return failed(child, "dup2", "");
	return close_range(DESCRIPTORS_ABOVE, ~0U, 0) == 0 || failed(child, "close_range", "");
}

static int child_main(void *argument)
{
	struct child *child = argument;
	const struct spawn *spawn = child->spawn;

	reset_signals(child);
	if (leave_family(child) && take_place(child) && take_limits(child) &&
		take_descriptors(child)) {
		(void)execve(spawn->path, (char *const *)spawn->argv, child->environment);
		(void)failed(child, "execve", spawn->path);
	}
	_exit(127);
}

int spawn(const struct spawn *spawn, pid_t *pid, int *pidfd, struct spawn_failure *failure)
{
	char folder[ENVIRONMENT_BYTES], home[ENVIRONMENT_BYTES];
	struct child child = {
		.spawn = spawn,
		.failure = failure,
		.parent = getpid(),
		.default_action = {.sa_handler = SIG_DFL},
		.address_space = {spawn->address_space_limit_bytes,
			spawn->address_space_limit_bytes},
		.processes = {spawn->processes_limit, spawn->processes_limit},
		/* Without restartable sequences: with them the kernel writes to the thread's
		 * area whenever it was preempted, after a fork a copy-on-write fault more.
		 * linux:6.12:kernel/rseq.c:__rseq_handle_notify_resume */
		.environment = {"GLIBC_TUNABLES=glibc.pthread.rseq=0", "LC_ALL=C",
			"PATH=/usr/sbin:/usr/bin:/sbin:/bin", folder, home, NULL},
	};
	sigset_t all, before;
	int descriptor = -1;

	CPU_ZERO(&child.cpus);
	CPU_SET(spawn->cpu, &child.cpus);
	(void)sigemptyset(&child.no_signals);
	*failure = (struct spawn_failure){0};
	(void)snprintf(folder, sizeof(folder), "TMPDIR=%s", spawn->directory);
	(void)snprintf(home, sizeof(home), "HOME=%s", spawn->directory);
	char *stack = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
	if (stack == MAP_FAILED)
		return -errno;
	/* A handler of ours must not run in the child on our memory. */
	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, &before);
	const pid_t started = clone(child_main, stack + STACK_BYTES,
		CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD, &child, &descriptor);
	const int error = started < 0 ? errno : 0;
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	(void)munmap(stack, STACK_BYTES);
	if (started < 0)
		return -error;
	if (failure->step != NULL) {
		(void)waitpid(started, NULL, 0);
		(void)close(descriptor);
		return -failure->error;
	}
	*pid = started;
	*pidfd = descriptor;
	return 0;
}
