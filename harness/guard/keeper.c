/* SPDX-License-Identifier: Apache-2.0 */
#include "guard/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guard/seam.h"
#include "guard/stack.h"

#define LINK_DESCRIPTOR	 3
#define LOCK_DESCRIPTOR	 4
#define START_TIMEOUT_MS 10000
#define END_TIMEOUT_MS	 10000

/* Nothing of the run's is kept open but its lock, our link to it, and standard error. */
static int keep_descriptors(int link, int lock)
{
	const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	/* Out of the way of each other first. */
	const int high_link = fcntl(link, F_DUPFD_CLOEXEC, LOCK_DESCRIPTOR + 1);
	const int high_lock = fcntl(lock, F_DUPFD_CLOEXEC, LOCK_DESCRIPTOR + 1);

	if (null < 0 || high_link < 0 || high_lock < 0 || dup2(null, STDIN_FILENO) < 0 ||
		dup2(null, STDOUT_FILENO) < 0 || dup2(high_link, LINK_DESCRIPTOR) < 0 ||
		dup2(high_lock, LOCK_DESCRIPTOR) < 0)
		return -errno;
	return close_range(LOCK_DESCRIPTOR + 1, ~0U, 0) == 0 ? 0 : -errno;
}

static int become_keeper(int link, int lock)
{
	sigset_t all;

	(void)sigfillset(&all);
	/* Blocked, not ignored: nothing is delivered, and no handler of the run's is ever called.
	 */
	if (sigprocmask(SIG_SETMASK, &all, NULL) != 0 || setsid() < 0 || chdir("/") != 0)
		return -errno;
	(void)prctl(PR_SET_NAME, "mmconform-keep");
	(void)prctl(PR_SET_PDEATHSIG, 0);
	/* Needs privileges; without them the run can change little, and may be killed like it. */
	(void)seam_write_text("", "/proc/self/oom_score_adj", "-1000");
	return keep_descriptors(link, lock);
}

static _Noreturn void keep(const struct places *places, int link, int lock)
{
	size_t undone_count = 0;
	char byte = 0;
	const int failed = become_keeper(link, lock);

	if (failed != 0)
		_exit(1);
	/* "Ready"; then nothing is ever sent, so reading ends when the run's end is closed. */
	if (send(LINK_DESCRIPTOR, &byte, 1, MSG_NOSIGNAL) != 1)
		_exit(1);
	while (recv(LINK_DESCRIPTOR, &byte, 1, 0) > 0)
		;
	const int settled = stack_settle(places, &undone_count);
	if (undone_count != 0 && settled == 0)
		places_say(places, "the run ended without putting back %zu changes: they are back",
			undone_count);
	_exit(settled == 0 ? 0 : 1);
}

int keeper_start(const struct places *places, int lock, struct keeper *keeper)
{
	int pair[2];
	char byte = 0;
	const int failed = seam_socket_pair(pair);

	*keeper = (struct keeper){.pid = -1, .link = -1};
	if (failed != 0)
		return failed;
	const pid_t pid = seam_fork();
	if (pid == 0) {
		(void)close(pair[0]);
		keep(places, pair[1], lock);
	}
	(void)close(pair[1]);
	if (pid < 0) {
		(void)close(pair[0]);
		return (int)pid;
	}
	*keeper = (struct keeper){.pid = pid, .link = pair[0]};
	struct pollfd starting = {.fd = pair[0], .events = POLLIN};
	if (poll(&starting, 1, START_TIMEOUT_MS) == 1 && recv(pair[0], &byte, 1, 0) == 1)
		return 0;
	(void)keeper_end(keeper);
	return -ECHILD;
}

bool keeper_is_alive(const struct keeper *keeper)
{
	struct pollfd looking = {.fd = keeper->link, .events = POLLIN};

	return keeper->link >= 0 && poll(&looking, 1, 0) == 0;
}

int keeper_end(struct keeper *keeper)
{
	struct pollfd ending = {.fd = keeper->link, .events = POLLIN};
	int failed = 0;

	if (keeper->link < 0)
		return 0;
	(void)shutdown(keeper->link, SHUT_WR);
	/* A stopped keeper ends when it is continued; we do not wait for that. */
	if (poll(&ending, 1, END_TIMEOUT_MS) == 1)
		(void)waitpid(keeper->pid, NULL, 0);
	else
		failed = -ETIMEDOUT;
	(void)close(keeper->link);
	*keeper = (struct keeper){.pid = -1, .link = -1};
	return failed;
}
