/* SPDX-License-Identifier: Apache-2.0 */
#include "guest/monitor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <jansson.h>

/* A machine that says nothing for so long is gone. */
#define DEADLINE_S 30
/* More than memory can give: QEMU's own limit is that of a network. */
#define BYTES_PER_S (INT64_C(1) << 40)

static void drop(int *descriptor)
{
	if (*descriptor >= 0)
		(void)close(*descriptor);
	*descriptor = -1;
}

int monitor_open(struct monitor *monitor)
{
	const struct timeval patience = {.tv_sec = DEADLINE_S};
	int ends[2];

	*monitor = (struct monitor)MONITOR_NONE;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
		return -errno;
	monitor->own = ends[0];
	monitor->inside = ends[1];
	return setsockopt(monitor->own, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) == 0
		       ? 0
		       : -errno;
}

void monitor_started(struct monitor *monitor)
{
	drop(&monitor->inside);
}

void monitor_close(struct monitor *monitor)
{
	drop(&monitor->inside);
	if (monitor->replies != NULL)
		(void)fclose(monitor->replies);
	else
		drop(&monitor->own);
	*monitor = (struct monitor)MONITOR_NONE;
}

/* The next thing said, whatever it is; NULL where the machine is gone. */
static json_t *hear(struct monitor *monitor)
{
	json_error_t error;
	json_t *said = json_loadf(monitor->replies, JSON_DISABLE_EOF_CHECK, &error);
	const char *event = json_string_value(json_object_get(said, "event"));
	const char *status =
		json_string_value(json_object_get(json_object_get(said, "data"), "status"));

	if (event != NULL && strcmp(event, "MIGRATION") == 0 && status != NULL) {
		monitor->moved = strcmp(status, "completed") == 0;
		monitor->failed = strcmp(status, "failed") == 0;
	}
	return said;
}

/* The answer to a command: what is between the events. NULL where the machine is gone. */
static json_t *answer(struct monitor *monitor)
{
	for (;;) {
		json_t *said = hear(monitor);
		if (said == NULL || json_object_get(said, "return") != NULL ||
			json_object_get(said, "error") != NULL)
			return said;
		json_decref(said);
	}
}

/* Sends the command and frees it. */
static json_t *send_command(struct monitor *monitor, json_t *what)
{
	const int error = json_dumpfd(what, monitor->own, JSON_COMPACT);

	json_decref(what);
	return error != 0 ? NULL : answer(monitor);
}

static bool begin(struct monitor *monitor)
{
	if (monitor->replies != NULL)
		return true;
	monitor->replies = fdopen(monitor->own, "r");
	if (monitor->replies == NULL)
		return false;
	/* Its greeting comes first and is no answer. */
	json_t *said = send_command(monitor, json_pack("{s:s}", "execute", "qmp_capabilities"));
	const bool done = json_object_get(said, "return") != NULL;
	json_decref(said);
	return done;
}

static json_t *command(struct monitor *monitor, json_t *what)
{
	if (begin(monitor))
		return send_command(monitor, what);
	json_decref(what);
	return NULL;
}

static bool done(struct monitor *monitor, json_t *what)
{
	json_t *said = command(monitor, what);
	const bool is_done = json_object_get(said, "return") != NULL;

	json_decref(said);
	return is_done;
}

bool monitor_obeys(struct monitor *monitor, const char *word)
{
	return done(monitor, json_pack("{s:s}", "execute", word));
}

char *monitor_print(struct monitor *monitor, unsigned cpu, const char *format, ...)
{
	char line[128];
	va_list values;

	va_start(values, format);
	(void)vsnprintf(line, sizeof(line), format, values);
	va_end(values);
	json_t *said =
		command(monitor, json_pack("{s:s,s:{s:s,s:i}}", "execute", "human-monitor-command",
					 "arguments", "command-line", line, "cpu-index", (int)cpu));
	const char *text = json_string_value(json_object_get(said, "return"));
	char *copy = text != NULL ? strdup(text) : NULL;
	json_decref(said);
	return copy;
}

/* Until a state has gone out or come in, whole. */
static bool has_moved(struct monitor *monitor)
{
	while (!monitor->moved && !monitor->failed) {
		json_t *said = hear(monitor);
		if (said == NULL)
			return false;
		json_decref(said);
	}
	return monitor->moved;
}

/* Sends its state out or takes one in, in a program's pipe: the one way that every QEMU has. */
static bool move(struct monitor *monitor, const char *way, const char *format, int file)
{
	char place[64];

	(void)snprintf(place, sizeof(place), format, (int)getpid(), file);
	return done(monitor, json_pack("{s:s,s:{s:[{s:s,s:b}]}}", "execute",
				     "migrate-set-capabilities", "arguments", "capabilities",
				     "capability", "events", "state", true)) &&
	       done(monitor, json_pack("{s:s,s:{s:I}}", "execute", "migrate-set-parameters",
				     "arguments", "max-bandwidth", (json_int_t)BYTES_PER_S)) &&
	       done(monitor,
		       json_pack("{s:s,s:{s:s}}", "execute", way, "arguments", "uri", place)) &&
	       has_moved(monitor);
}

bool monitor_save(struct monitor *monitor, int file)
{
	return move(monitor, "migrate", "exec:cat > /proc/%d/fd/%d", file);
}

bool monitor_load(struct monitor *monitor, int file)
{
	return move(monitor, "migrate-incoming", "exec:cat /proc/%d/fd/%d", file);
}
