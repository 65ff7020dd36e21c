/* SPDX-License-Identifier: Apache-2.0 */
#include "run/stop.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <sys/signalfd.h>
#include <unistd.h>

static const int stopping[] = {SIGINT, SIGTERM, SIGHUP};

#define STOPPING_COUNT (sizeof(stopping) / sizeof(stopping[0]))

static void fill(sigset_t *set)
{
	(void)sigemptyset(set);
	for (size_t i = 0; i < STOPPING_COUNT; i++)
		(void)sigaddset(set, stopping[i]);
}

int stop_begin(void)
{
	sigset_t set;

	fill(&set);
	if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
		return -errno;
	const int descriptor = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return descriptor >= 0 ? descriptor : -errno;
}

/* The signal stays pending, so that whoever looks later sees it too. */
const char *stop_came(int descriptor)
{
	struct pollfd polled = {.fd = descriptor, .events = POLLIN};
	sigset_t pending;

	if (poll(&polled, 1, 0) <= 0 || sigpending(&pending) != 0)
		return NULL;
	if (sigismember(&pending, SIGINT) == 1)
		return "SIGINT";
	return sigismember(&pending, SIGTERM) == 1 ? "SIGTERM" : "SIGHUP";
}

void stop_end(int descriptor)
{
	struct signalfd_siginfo info;
	sigset_t set;

	/* Taken off, so that unblocking does not end the program after its work is done. */
	while (read(descriptor, &info, sizeof(info)) > 0)
		;
	(void)close(descriptor);
	fill(&set);
	(void)sigprocmask(SIG_UNBLOCK, &set, NULL);
}
