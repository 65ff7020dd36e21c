/* SPDX-License-Identifier: Apache-2.0 */
#include "scenario/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/folder.h"
#include "run/launch.h"
#include "run/spawn.h"

#define WORDS_AT_FIRST	((size_t)1 << 17)
#define WORDS_LIMIT	((size_t)1 << 26)
#define GROUPS_AT_FIRST ((size_t)1024)
#define PIPE_BYTES	(1 << 20)
#define SILENCE_MS	20000

static void *grown(void *old, size_t count, size_t item_bytes)
{
	void *memory = reallocarray(old, count, item_bytes);

	if (memory == NULL) {
		(void)fputs("mmconform: out of memory\n", stderr);
		abort();
	}
	return memory;
}

static int memory_file(const void *bytes, size_t length_bytes)
{
	const int descriptor = memfd_create("script", MFD_CLOEXEC);

	if (descriptor < 0)
		return -errno;
	for (size_t at = 0; at < length_bytes;) {
		const ssize_t written =
			write(descriptor, (const char *)bytes + at, length_bytes - at);
		if (written < 0) {
			(void)close(descriptor);
			return -EIO;
		}
		at += (size_t)written;
	}
	(void)lseek(descriptor, 0, SEEK_SET);
	return descriptor;
}

/* The first CPU that this program itself may use: `taskset` chooses it. */
static unsigned first_cpu(void)
{
	cpu_set_t cpus;
	unsigned cpu = 0;

	if (sched_getaffinity(0, sizeof(cpus), &cpus) != 0)
		return 0;
	while (cpu + 1 < CPU_SETSIZE && !CPU_ISSET(cpu, &cpus))
		cpu++;
	return cpu;
}

static int start(struct stream *s, int input, int report)
{
	static const char *const argv[] = {"mmconform-trial", "scenario", "explore", NULL};
	char path[PATH_MAX];
	struct spawn_failure failure = {0};

	const int error = launch_executable("mmconform-trial", path, sizeof(path));
	if (error != 0)
		return error;
	launch_hold_executables();
	return spawn(
		&(struct spawn){
			.path = path,
			.argv = argv,
			.directory = folder_for_trials(),
			.input = input,
			.error = s->errors,
			.report = report,
			.pinned = true,
			.cpu = first_cpu(),
			.oom_score_adj = "1000",
		},
		&s->pid, &s->pidfd, &failure);
}

int stream_open(struct stream *s, const struct script *script, const struct live_looks *looks)
{
	POOL_DROPS struct pool pool = {0};
	size_t input_bytes = 0;
	int ends[2];
	const void *bytes = scenario_input(&pool, script, LIVE_WORDS, looks, &input_bytes);

	*s = (struct stream){.pidfd = -1};
	if (pipe2(ends, O_CLOEXEC) != 0)
		return -errno;
	/* A larger pipe only saves switches between the two sides. */
	(void)fcntl(ends[0], F_SETPIPE_SZ, PIPE_BYTES);
	const int input = memory_file(bytes, input_bytes);
	s->errors = memory_file("", 0);
	const int error = input < 0 ? input : s->errors < 0 ? s->errors : start(s, input, ends[1]);
	(void)close(ends[1]);
	if (input >= 0)
		(void)close(input);
	if (error != 0) {
		(void)close(ends[0]);
		if (s->errors >= 0)
			(void)close(s->errors);
		return error;
	}
	s->words = ends[0];
	s->capacity = WORDS_AT_FIRST;
	s->buffer = grown(NULL, s->capacity, sizeof(*s->buffer));
	s->groups_capacity = GROUPS_AT_FIRST;
	s->groups = grown(NULL, s->groups_capacity, sizeof(*s->groups));
	return 0;
}

static bool fail(struct stream *s, const char *reason)
{
	(void)snprintf(s->reason, sizeof(s->reason), "%s", reason);
	s->ended = true;
	return false;
}

/* More words, or the end. What a step needs stays where it is until the step is over. */
static bool read_more(struct stream *s)
{
	struct pollfd poll_for = {.fd = s->words, .events = POLLIN};

	if (s->ended)
		return false;
	if (s->count == s->capacity) {
		if (s->capacity >= WORDS_LIMIT)
			return fail(s, "more words in one step than any script shows");
		s->capacity *= 2;
		s->buffer = grown(s->buffer, s->capacity, sizeof(*s->buffer));
	}
	const int ready = poll(&poll_for, 1, SILENCE_MS);
	if (ready == 0)
		return fail(s, "nothing came for 20 seconds");
	const ssize_t got = read(s->words, (char *)(s->buffer + s->count) + s->odd_bytes,
		(s->capacity - s->count) * sizeof(*s->buffer) - s->odd_bytes);
	if (got < 0 && errno == EINTR)
		return true;
	if (got <= 0) {
		s->ended = true;
		return false;
	}
	const size_t bytes = s->odd_bytes + (size_t)got;
	s->count += bytes / sizeof(*s->buffer);
	s->odd_bytes = bytes % sizeof(*s->buffer);
	return true;
}

/* The whole words from at on, moved to the front. */
static void forget_used(struct stream *s)
{
	if (s->used < s->capacity / 2)
		return;
	const size_t left_bytes = (s->count - s->used) * sizeof(*s->buffer) + s->odd_bytes;
	memmove(s->buffer, s->buffer + s->used, left_bytes);
	s->count -= s->used;
	s->used = 0;
}

bool stream_step(
	struct stream *s, uint32_t step, const struct seen_group **groups, size_t *groups_count)
{
	size_t count = 0;

	forget_used(s);
	size_t at = s->used;
	for (;;) {
		while (at == s->count && read_more(s))
			continue;
		if (at == s->count)
			break;
		const uint64_t heading = s->buffer[at];
		const uint64_t words = live_heading_count(heading);
		if (live_heading_step(heading) != step)
			break;
		if (words > WORDS_LIMIT)
			return fail(s, "a group of words without an end");
		while (s->count - at - 1 < words && read_more(s))
			continue;
		if (s->count - at - 1 < words)
			return s->reason[0] == '\0' &&
			       fail(s, "the last group of words is not whole");
		if (count == s->groups_capacity) {
			s->groups_capacity *= 2;
			s->groups = grown(s->groups, s->groups_capacity, sizeof(*s->groups));
		}
		s->groups[count++] = (struct seen_group){
			.kind = live_heading_kind(heading),
			.process = live_heading_process(heading),
			.step = step,
			.count = (size_t)words,
		};
		at += 1 + (size_t)words;
	}
	/* The buffer may have moved: addresses are known only now. */
	at = s->used;
	for (size_t i = 0; i < count; i++) {
		s->groups[i].words = s->buffer + at + 1;
		at += 1 + s->groups[i].count;
		if (!seen_group_is_sound(&s->groups[i]))
			return fail(s, "a group of words that no live side sends");
	}
	s->used = at;
	*groups = s->groups;
	*groups_count = count;
	return count != 0;
}

bool stream_close(struct stream *s)
{
	int status = 0;

	/* Whoever stops listening early ends the trial, which would wait for the pipe for ever, or
	 * has not come back from a step at all. */
	const bool stopped = !s->ended || s->reason[0] != '\0';
	if (stopped && s->pid > 0)
		(void)kill(s->pid, SIGKILL);
	while (waitpid(s->pid, &status, 0) < 0 && errno == EINTR)
		continue;
	if (!stopped && status != 0 && s->reason[0] == '\0') {
		const ssize_t length = pread(s->errors, s->reason, sizeof(s->reason) - 1, 0);
		if (length <= 0)
			(void)snprintf(s->reason, sizeof(s->reason),
				"the trial ended with wait status %d", status);
		else
			s->reason[strcspn(s->reason, "\n")] = '\0';
	}
	(void)close(s->words);
	(void)close(s->errors);
	if (s->pidfd >= 0)
		(void)close(s->pidfd);
	free(s->buffer);
	free(s->groups);
	return s->reason[0] == '\0';
}
