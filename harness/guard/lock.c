/* SPDX-License-Identifier: Apache-2.0 */
#include "guard/lock.h"

#include <errno.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "guard/seam.h"

#define BACKLOG 64

/* A fake root has a lock of its own. Names end with their length, not with a NUL. */
static int address_of(const struct places *places, struct sockaddr_un *address, socklen_t *length)
{
	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	const int name_length = snprintf(
		address->sun_path + 1, sizeof(address->sun_path) - 1, "mmconform%s", places->root);

	if (name_length < 0 || (size_t)name_length >= sizeof(address->sun_path) - 1)
		return -ENAMETOOLONG;
	*length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)name_length);
	return 0;
}

static int open_socket(int flags)
{
	const int failed = seam_ask("socket", "");

	if (failed != 0)
		return failed;
	const int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
	return descriptor < 0 ? -errno : descriptor;
}

/* The lock, or -EADDRINUSE. */
static int try_lock(const struct sockaddr_un *address, socklen_t length)
{
	const int descriptor = open_socket(0);
	int failed = descriptor < 0 ? descriptor : seam_ask("bind", "");

	if (failed == 0 && bind(descriptor, (const struct sockaddr *)address, length) != 0)
		failed = -errno;
	if (failed == 0)
		failed = seam_ask("listen", "");
	if (failed == 0 && listen(descriptor, BACKLOG) != 0)
		failed = -errno;
	if (failed == 0)
		return descriptor;
	if (descriptor >= 0)
		(void)close(descriptor);
	return failed;
}

/* A connection to who holds it. -ECONNREFUSED: it has just gone, or does not listen yet. */
static int reach_holder(const struct sockaddr_un *address, socklen_t length)
{
	const int descriptor = open_socket(SOCK_NONBLOCK);

	if (descriptor < 0)
		return descriptor;
	if (connect(descriptor, (const struct sockaddr *)address, length) == 0)
		return descriptor;
	const int failed = -errno;
	(void)close(descriptor);
	return failed;
}

/* The process that listened first, the run's, also when only its keeper is left. */
static bool ask_holder(int connection, struct ucred *holder)
{
	socklen_t length = sizeof(*holder);

	return connection >= 0 &&
	       getsockopt(connection, SOL_SOCKET, SO_PEERCRED, holder, &length) == 0;
}

/* Dead, but not yet waited for by its parent. */
static bool is_zombie(pid_t pid)
{
	char path[32], text[512];

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if (seam_read_text("", path, text, sizeof(text)) < 0)
		return false;
	/* The state comes after the name, which may hold parentheses itself. */
	const char *const end = strrchr(text, ')');
	return end != NULL && (strncmp(end, ") Z", 3) == 0 || strncmp(end, ") X", 3) == 0);
}

/* pid 0: it lives in a container that we cannot look into. */
static bool is_alive(const struct ucred *holder)
{
	if (holder->pid == 0)
		return true;
	return (kill(holder->pid, 0) == 0 || errno == EPERM) && !is_zombie(holder->pid);
}

static void say_holder(const struct places *places, int connection)
{
	struct ucred holder;

	if (!ask_holder(connection, &holder)) {
		places_say(places, "another run of mmconform has the host; who, is not known");
		return;
	}
	const struct passwd *const user = getpwuid(holder.uid);
	places_say(places,
		is_alive(&holder)
			? "another run has the host: process %d of %s; one run at a time"
			: "the run of process %d of %s was killed, and its keeper is still putting "
			  "settings back",
		(int)holder.pid, user == NULL ? "an unknown user" : user->pw_name);
}

int lock_take(const struct places *places, unsigned wait_ms)
{
	const uint64_t deadline_ns = clock_now_ns() + wait_ms * CLOCK_NS_IN_MS;
	struct sockaddr_un address;
	socklen_t length = 0;
	int failed = address_of(places, &address, &length);

	while (failed == 0) {
		const int lock = try_lock(&address, length);
		if (lock < 0 && lock != -EADDRINUSE)
			places_say(places, "no lock can be had: %s", strerror(-lock));
		if (lock != -EADDRINUSE)
			return lock;
		const int connection = reach_holder(&address, length);
		const uint64_t now_ns = clock_now_ns();
		struct ucred holder;
		/* A run may take hours; only a keeper will soon be done. */
		const bool is_run = ask_holder(connection, &holder) && is_alive(&holder);
		if (is_run || now_ns >= deadline_ns) {
			say_holder(places, connection);
			failed = -EBUSY;
		} else if (connection >= 0) {
			/* Hangs up when the last holder closes the name. */
			struct pollfd waiting = {.fd = connection, .events = POLLRDHUP};
			(void)poll(&waiting, 1, (int)((deadline_ns - now_ns) / CLOCK_NS_IN_MS));
		} else {
			/* Between its bind and listen, or just gone: the next look will tell. */
			(void)poll(NULL, 0, 1);
		}
		if (connection >= 0)
			(void)close(connection);
	}
	return failed;
}
