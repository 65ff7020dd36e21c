/* SPDX-License-Identifier: Apache-2.0 */
#include "run/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/folder.h"
#include "run/disturbance.h"
#include "run/orphans.h"
#include "run/spawn.h"
#include "run/wire.h"

#define DEADLINE_MS	   10000
#define OUTPUT_LIMIT_BYTES ((size_t)4 << 20)
#define LINE_LIMIT_BYTES   ((size_t)1 << 20)
#define CHUNK_BYTES	   ((size_t)64 * 1024) /* a pipe full */
#define ERROR_TAIL_BYTES   ((size_t)2048)
/* A kernel that clears a page of 1 GiB for a trial looks at no signal before that is done. */
#define CLEAN_UP_NS	   (60 * CLOCK_NS_IN_S)
#define ARGUMENTS_LIMIT	   64
#define FOLDER_BYTES	   PATH_MAX
#define DESCRIPTORS_FROM   10 /* 0 to 3 are the trial's own: ours lie above */
#define FOLDERS_OPEN_LIMIT 16
#define OOM_SCORE_ADJ	   "-500"

#define DISTURBANCE_WORD(name, word) word,

const char *launch_disturbance_word(enum launch_disturbance disturbance)
{
	static const char *const words[] = {LAUNCH_DISTURBANCES(DISTURBANCE_WORD)};

	return words[disturbance];
}

/* Why the launcher killed the trial, if it did. */
enum stop { STOP_NONE, STOP_OVERDUE, STOP_FLOOD, STOP_GARBLED, STOP_CANCELLED };

/* Everything that one launch holds; given back by release(). */
struct flight {
	const struct launch *launch;
	struct pool *pool;
	struct orphans orphans;
	char folder[FOLDER_BYTES];
	pid_t pid;
	int pidfd, timer, report, error; /* our ends */
	int their_input, their_report, their_error;
	enum stop stop;
	bool exited;
	struct wire wire;
	char *line; /* the part of a line that came so far */
	size_t line_bytes, output_bytes;
	char tail[ERROR_TAIL_BYTES];
	size_t tail_bytes;
};

/* ---- the private folder ---- */

static int remove_entry(const char *path, const struct stat *state, int kind, struct FTW *place)
{
	(void)state, (void)kind, (void)place;
	(void)remove(path);
	return 0;
}

static int make_folder(struct flight *flight)
{
	const char *parent = NULL;

	for (size_t i = 0; (parent = folder_parent(i)) != NULL; i++) {
		const int length = snprintf(
			flight->folder, sizeof(flight->folder), "%s/mmconform-XXXXXX", parent);
		if (length < (int)sizeof(flight->folder) && mkdtemp(flight->folder) != NULL)
			return 0;
	}
	flight->folder[0] = '\0';
	return -errno;
}

/* ---- descriptors ---- */

/* Above the trial's own numbers, so that handing them over by dup2 cannot overwrite one. */
static int lift(int descriptor)
{
	const int lifted = fcntl(descriptor, F_DUPFD_CLOEXEC, DESCRIPTORS_FROM);
	const int error = errno;

	(void)close(descriptor);
	errno = error;
	return lifted;
}

static bool make_pipe(int *ours, int *theirs)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) != 0)
		return false;
	*ours = lift(ends[0]);
	*theirs = lift(ends[1]);
	return *ours >= 0 && *theirs >= 0 && fcntl(*ours, F_SETFL, O_NONBLOCK) == 0;
}

static bool make_input(const struct launch *launch, int *theirs)
{
	if (launch->input == NULL) {
		*theirs = lift(open("/dev/null", O_RDONLY | O_CLOEXEC));
		return *theirs >= 0;
	}
	*theirs = lift(memfd_create("mmconform-input", MFD_CLOEXEC));
	const char *next = launch->input;
	for (size_t left_bytes = launch->input_bytes; *theirs >= 0 && left_bytes != 0;) {
		const ssize_t written_bytes = write(*theirs, next, left_bytes);
		if (written_bytes < 0)
			return false;
		next += written_bytes;
		left_bytes -= (size_t)written_bytes;
	}
	return *theirs >= 0 && lseek(*theirs, 0, SEEK_SET) == 0;
}

static bool make_timer(const struct launch *launch, int *timer)
{
	const unsigned deadline_ms = launch->deadline_ms == 0 ? DEADLINE_MS : launch->deadline_ms;
	const struct itimerspec when = {
		.it_value = {.tv_sec = deadline_ms / 1000,
			.tv_nsec = (long)(deadline_ms % 1000 * CLOCK_NS_IN_MS)},
	};

	*timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	return *timer >= 0 && timerfd_settime(*timer, 0, &when, NULL) == 0;
}

static void close_one(int *descriptor)
{
	if (*descriptor >= 0)
		(void)close(*descriptor);
	*descriptor = -1;
}

static void release(struct flight *flight)
{
	int *const descriptors[] = {&flight->pidfd, &flight->timer, &flight->report, &flight->error,
		&flight->their_input, &flight->their_report, &flight->their_error};

	for (size_t i = 0; i < sizeof(descriptors) / sizeof(descriptors[0]); i++)
		close_one(descriptors[i]);
	free(flight->line);
	if (flight->folder[0] != '\0')
		(void)nftw(flight->folder, remove_entry, FOLDERS_OPEN_LIMIT,
			FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

/* ---- what comes over the pipes ---- */

static void stop(struct flight *flight, enum stop why)
{
	if (flight->stop != STOP_NONE || flight->exited)
		return;
	flight->stop = why;
	(void)kill(-flight->pid, SIGKILL);
}

/* Cuts what came into lines; the rest waits for the next chunk. */
static void take_bytes(struct flight *flight, const char *bytes, size_t count)
{
	while (count != 0) {
		const char *newline = memchr(bytes, '\n', count);
		const size_t part_bytes = newline == NULL ? count : (size_t)(newline - bytes);
		if (part_bytes > LINE_LIMIT_BYTES - flight->line_bytes) {
			wire_garbled(
				&flight->wire, "a line of more than %zu bytes", LINE_LIMIT_BYTES);
			return;
		}
		memcpy(flight->line + flight->line_bytes, bytes, part_bytes);
		flight->line_bytes += part_bytes;
		if (newline == NULL)
			return;
		wire_line(&flight->wire, flight->line, flight->line_bytes);
		flight->line_bytes = 0;
		bytes += part_bytes + 1;
		count -= part_bytes + 1;
	}
}

/* False at the end of the pipe, or when nothing more is wanted from it. */
static bool read_report(struct flight *flight)
{
	char chunk[CHUNK_BYTES];
	const size_t limit_bytes = flight->launch->output_limit_bytes == 0
					   ? OUTPUT_LIMIT_BYTES
					   : flight->launch->output_limit_bytes;
	const ssize_t read_bytes = read(flight->report, chunk, sizeof(chunk));

	if (read_bytes < 0)
		return errno == EAGAIN || errno == EINTR;
	flight->output_bytes += (size_t)read_bytes;
	if (flight->output_bytes > limit_bytes) {
		wire_garbled(
			&flight->wire, "it wrote more than its limit of %zu bytes", limit_bytes);
		stop(flight, STOP_FLOOD);
		return false;
	}
	take_bytes(flight, chunk, (size_t)read_bytes);
	if (flight->wire.state == WIRE_GARBLED)
		stop(flight, STOP_GARBLED);
	return read_bytes != 0 && flight->wire.state != WIRE_GARBLED;
}

/* Keeps the end of what it wrote on stderr, printable whatever it was. False at its end. */
static bool read_error(struct flight *flight)
{
	char chunk[ERROR_TAIL_BYTES];
	const ssize_t read_bytes = read(flight->error, chunk, sizeof(chunk));

	if (read_bytes < 0)
		return errno == EAGAIN || errno == EINTR;
	const size_t fresh_bytes = (size_t)read_bytes;
	const size_t kept_bytes = flight->tail_bytes + fresh_bytes <= sizeof(flight->tail)
					  ? flight->tail_bytes
					  : sizeof(flight->tail) - fresh_bytes;
	memmove(flight->tail, flight->tail + flight->tail_bytes - kept_bytes, kept_bytes);
	memcpy(flight->tail + kept_bytes, chunk, fresh_bytes);
	flight->tail_bytes = kept_bytes + fresh_bytes;
	return fresh_bytes != 0;
}

static const char *error_text(struct flight *flight)
{
	char *text = pool_take(flight->pool, flight->tail_bytes + 1);

	for (size_t i = 0; i < flight->tail_bytes; i++) {
		const char byte = flight->tail[i];
		const bool printable = byte == '\n' || (byte >= ' ' && byte <= '~');
		text[i] = '?';
		if (printable)
			text[i] = byte;
	}
	while (flight->tail_bytes != 0 && text[flight->tail_bytes - 1] == '\n')
		text[--flight->tail_bytes] = '\0';
	return text;
}

/* ---- watching ---- */

/* Until the trial has ended, or killing it did not help within the time for cleaning up. */
static int watch(struct flight *flight)
{
	const int stop_descriptor =
		flight->launch->stop_descriptor > 0 ? flight->launch->stop_descriptor : -1;
	struct pollfd polled[] = {
		{.fd = flight->pidfd, .events = POLLIN},
		{.fd = flight->report, .events = POLLIN},
		{.fd = flight->error, .events = POLLIN},
		{.fd = flight->timer, .events = POLLIN},
		{.fd = stop_descriptor, .events = POLLIN},
	};

	for (;;) {
		const bool killed = flight->stop != STOP_NONE;
		const int ready = poll(polled, sizeof(polled) / sizeof(polled[0]),
			killed ? (int)(CLEAN_UP_NS / CLOCK_NS_IN_MS) : -1);
		if (ready < 0 && errno == EINTR)
			continue;
		if (ready < 0)
			return -errno;
		if (ready == 0)
			return -ETIMEDOUT;
		if (polled[1].revents != 0 && !read_report(flight))
			polled[1].fd = -1;
		if (polled[2].revents != 0 && !read_error(flight))
			polled[2].fd = -1;
		if (polled[0].revents != 0)
			return 0;
		if (polled[3].revents != 0)
			stop(flight, STOP_OVERDUE);
		if (polled[4].revents != 0)
			stop(flight, STOP_CANCELLED);
		/* A negative descriptor is passed over: each of these happens once. */
		polled[3].fd = flight->stop != STOP_NONE ? -1 : polled[3].fd;
		polled[4].fd = flight->stop != STOP_NONE ? -1 : polled[4].fd;
	}
}

/* What the pipes still hold: every writer is dead, so both come to their end. */
static void drain(struct flight *flight)
{
	(void)fcntl(flight->report, F_SETFL, 0);
	(void)fcntl(flight->error, F_SETFL, 0);
	while (flight->wire.state != WIRE_GARBLED && read_report(flight))
		;
	while (read_error(flight))
		;
}

/* ---- the verdict of the launcher ---- */

static void settle_died(struct flight *flight, int number, struct launch_result *result)
{
	int64_t *value = pool_take(flight->pool, sizeof(*value));
	struct record_observation *observation = pool_take(flight->pool, sizeof(*observation));

	*value = number;
	*observation = (struct record_observation){
		.quantity = "termination",
		.at = "",
		.values_count = 1,
		.values = value,
		.unit = VM_UNIT_SIGNAL,
		.witness = "wait",
	};
	result->end = RECORD_TRIAL_DIED;
	result->end_signal = number;
	result->observations = observation;
	result->observations_count = 1;
	result->why = pool_format(flight->pool, "killed by signal %d (SIG%s)", number,
		sigabbrev_np(number) == NULL ? "?" : sigabbrev_np(number));
}

static void settle_broken(struct launch_result *result, const char *why)
{
	result->end = RECORD_TRIAL_BROKEN;
	result->why = why;
}

/* Who sent the signal and who spoke first decides: a consequence is never given as the reason. */
static void settle(
	struct flight *flight, int status, int left_behind_count, struct launch_result *result)
{
	const struct wire *wire = &flight->wire;
	const unsigned deadline_ms =
		flight->launch->deadline_ms == 0 ? DEADLINE_MS : flight->launch->deadline_ms;

	result->error_text = error_text(flight);
	result->exit_status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	if (flight->stop == STOP_OVERDUE) {
		result->end = RECORD_TRIAL_OVERDUE;
		result->why = pool_format(flight->pool, "no end after %u ms", deadline_ms);
	} else if (flight->stop == STOP_NONE && WIFSIGNALED(status) && wire->state != WIRE_BROKEN) {
		settle_died(flight, WTERMSIG(status), result);
		result->core_dumped = WCOREDUMP(status);
	} else if (wire->state == WIRE_BROKEN || wire->state == WIRE_GARBLED) {
		settle_broken(result, wire->reason);
	} else if (flight->line_bytes != 0) {
		settle_broken(result, "the trial's last line has no end");
	} else if (wire->state == WIRE_UNMET) {
		result->end = RECORD_TRIAL_UNMET;
		result->why = wire->reason;
		result->remedy = wire->remedy;
	} else if (wire->state != WIRE_DONE || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		settle_broken(result,
			pool_format(flight->pool, "exit status %d, %s%s%s", result->exit_status,
				wire->state == WIRE_DONE ? "after done" : "without saying done",
				*result->error_text == '\0' ? "" : ": ", result->error_text));
	} else if (left_behind_count != 0) {
		settle_broken(result, pool_format(flight->pool, "it left %d processes behind",
					      left_behind_count));
	} else {
		result->end = RECORD_TRIAL_OBSERVED;
		result->observations = wire->observations;
		result->observations_count = wire->observations_count;
	}
}

/* ---- one launch ---- */

static int prepare(struct flight *flight)
{
	const int error = orphans_note(&flight->orphans);

	if (error != 0)
		return error;
	flight->line = malloc(LINE_LIMIT_BYTES);
	if (flight->line == NULL)
		return -ENOMEM;
	const int folder_error = make_folder(flight);
	if (folder_error != 0)
		return folder_error;
	if (!make_pipe(&flight->report, &flight->their_report) ||
		!make_pipe(&flight->error, &flight->their_error) ||
		!make_input(flight->launch, &flight->their_input) ||
		!make_timer(flight->launch, &flight->timer))
		return -errno;
	return 0;
}

/* 0 with flight->pid set; 0 without it when the child could not be made fit for the trial. */
static int start(struct flight *flight, struct launch_result *result)
{
	const struct launch *launch = flight->launch;
	const char *argv[ARGUMENTS_LIMIT] = {launch->executable};
	struct spawn_failure failure;
	size_t count = 0;

	while (launch->arguments[count] != NULL) {
		if (count + 2 >= ARGUMENTS_LIMIT)
			return -E2BIG;
		argv[count + 1] = launch->arguments[count];
		count++;
	}
	const struct spawn child = {
		.path = launch->executable,
		.argv = argv,
		.directory = flight->folder,
		.input = flight->their_input,
		.error = flight->their_error,
		.report = flight->their_report,
		.address_space_limit_bytes = launch->address_space_limit_bytes,
		.processes_limit = launch->processes_limit,
		.pinned = !launch->any_cpu,
		.cpu = launch->cpu,
		.randomize_layout = launch->randomize_layout,
		.oom_score_adj = launch->own_score ? "0" : "1000",
		.join = launch->join,
	};
	const int error = spawn(&child, &flight->pid, &flight->pidfd, &failure);
	close_one(&flight->their_input);
	close_one(&flight->their_report);
	close_one(&flight->their_error);
	if (error == 0 || failure.step == NULL)
		return error;
	result->exit_status = -1;
	result->error_text = "";
	settle_broken(result, pool_format(flight->pool, "it could not be started: %s %s: %s",
				      failure.step, failure.subject, strerror(failure.error)));
	return 0;
}

/* From the running child to nothing left of it. */
static int fly(struct flight *flight, struct launch_result *result)
{
	int status = 0;
	const int watch_error = watch(flight);

	/* The group goes before its leader is reaped: until then nobody else can have its number.
	 */
	(void)kill(-flight->pid, SIGKILL);
	if (watch_error != 0)
		return watch_error;
	flight->exited = true;
	if (wait4(flight->pid, &status, 0, &result->usage) != flight->pid)
		return -errno;
	const int left_behind_count = orphans_end(&flight->orphans, clock_now_ns() + CLEAN_UP_NS);
	if (left_behind_count < 0)
		return left_behind_count;
	drain(flight);
	settle(flight, status, left_behind_count, result);
	return flight->stop == STOP_CANCELLED ? -ECANCELED : 0;
}

int launch_trial(const struct launch *launch, struct pool *pool, struct launch_result *result)
{
	struct flight flight = {
		.launch = launch,
		.pool = pool,
		.pidfd = -1,
		.timer = -1,
		.report = -1,
		.error = -1,
		.their_input = -1,
		.their_report = -1,
		.their_error = -1,
		.wire = {.pool = pool, .subject = launch->subject},
	};
	struct disturbance_counters before, after;
	const int cpu = launch->any_cpu ? -1 : (int)launch->cpu;
	const uint64_t started_ns = clock_now_ns();

	*result = (struct launch_result){0};
	disturbance_read(cpu, &before);
	int error = prepare(&flight);
	if (error == 0)
		error = start(&flight, result);
	if (error == 0 && flight.pid != 0)
		error = fly(&flight, result);
	if (error == -ETIMEDOUT) {
		result->end = RECORD_TRIAL_OVERDUE;
		result->why = "it cannot be killed";
		result->error_text = "";
	}
	release(&flight);
	disturbance_read(cpu, &after);
	disturbance_between(&before, &after, &result->usage, result->disturbance);
	result->elapsed_ns = clock_now_ns() - started_ns;
	return error;
}

/* ---- around all launches ---- */

int launch_executable(const char *name, char *path, size_t path_bytes)
{
	static const char *const folders[] = {"", "../libexec/mmconform/"};
	char program[PATH_MAX];
	const ssize_t length_bytes = readlink("/proc/self/exe", program, sizeof(program) - 1);

	if (length_bytes < 0)
		return -errno;
	program[length_bytes] = '\0';
	char *const slash = strrchr(program, '/');
	if (slash == NULL)
		return -ENOENT;
	slash[1] = '\0';
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		const int length = snprintf(path, path_bytes, "%s%s%s", program, folders[i], name);
		if (length < 0 || (size_t)length >= path_bytes)
			return -ENAMETOOLONG;
		if (access(path, X_OK) == 0)
			return 0;
	}
	return -ENOENT;
}

/* Stays mapped until the program ends: nothing has to find it again. */
static void hold_executable(const char *name)
{
	char path[PATH_MAX];
	struct stat status;

	if (launch_executable(name, path, sizeof(path)) != 0)
		return;
	const int file = open(path, O_RDONLY | O_CLOEXEC);
	if (file < 0)
		return;
	if (fstat(file, &status) == 0 && status.st_size > 0) {
		const size_t size_bytes = (size_t)status.st_size;
		const volatile unsigned char *const bytes =
			mmap(NULL, size_bytes, PROT_READ, MAP_PRIVATE, file, 0);
		/* MAP_POPULATE leaves out what is locked on fault, as the supervisor's memory is.
		 * linux:6.12:mm/gup.c:populate_vma_page_range */
		for (size_t at = 0; bytes != MAP_FAILED && at < size_bytes; at += VM_PAGE_BYTES)
			(void)bytes[at];
	}
	(void)close(file);
}

void launch_hold_executables(void)
{
	static bool held;

	if (held)
		return;
	held = true;
	hold_executable("mmconform-trial");
	hold_executable("mmconform-trial-timed");
}

void launch_protect_supervisor(bool may_lock)
{
	const int file = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	/* Without the privilege the trials' own 1000 still puts them first. */
	if (file >= 0) {
		(void)!write(file, OOM_SCORE_ADJ, strlen(OOM_SCORE_ADJ));
		(void)close(file);
	}
	if (may_lock)
		(void)mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT);
	launch_hold_executables();
}
