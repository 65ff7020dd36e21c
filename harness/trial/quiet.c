/* SPDX-License-Identifier: Apache-2.0 */
#include "trial/quiet.h"

#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "kernel/lists.h"
#include "kernel/values.h"
#include "trial/trial.h"

#define SITTERS_LIMIT	   64
#define STACK_BYTES	   ((size_t)1 << 16)
#define PATIENCE_NS	   20000000 /* some time slices: a sitter that has no turn by then */
#define TRIES_S		   10
#define CACHE_LINE_BYTES   64
#define NANOSECONDS_SECOND INT64_C(1000000000)

/* One for the process: the threads outlive every caller's frame. */
static struct sitter {
	_Alignas(CACHE_LINE_BYTES) atomic_ulong beats;
} sitters[SITTERS_LIMIT];

static atomic_uint sitting; /* 1 while they are wanted; they sleep on it otherwise */

/* What the sitter whose turn it is (1 is the first; 0: nobody's) calls. */
static atomic_size_t turn;
static void (*turn_call)(void *context);
static void *turn_context;

static void wait_while(unsigned value)
{
	(void)syscall(SYS_futex, &sitting, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
}

static int64_t now_ns(void)
{
	struct timespec now;

	MUST(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
	return now.tv_sec * NANOSECONDS_SECOND + now.tv_nsec;
}

/* Of the calling thread. Without the right to it things stay as they are. */
static void put_first(bool first)
{
	const struct sched_param priority = {.sched_priority = first ? 1 : 0};

	(void)sched_setscheduler(
		0, first ? SCHED_FIFO | SCHED_RESET_ON_FORK : SCHED_OTHER, &priority);
}

static void *sit(void *argument)
{
	struct sitter *sitter = argument;

	put_first(true);
	for (;;) {
		while (atomic_load(&sitting) == 0)
			wait_while(0);
		atomic_fetch_add_explicit(&sitter->beats, 1, memory_order_relaxed);
		if (atomic_load(&turn) != (size_t)(sitter - sitters) + 1)
			continue;
		turn_call(turn_context);
		atomic_store(&turn, 0);
	}
	return NULL;
}

static bool start_sitter(size_t index, unsigned cpu)
{
	pthread_attr_t attributes;
	pthread_t thread;
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	MUST(pthread_attr_init(&attributes) == 0);
	MUST(pthread_attr_setstacksize(&attributes, STACK_BYTES) == 0);
	MUST(pthread_attr_setaffinity_np(&attributes, sizeof(one), &one) == 0);
	const bool started = pthread_create(&thread, &attributes, sit, &sitters[index]) == 0;
	MUST(pthread_attr_destroy(&attributes) == 0);
	return started;
}

/* The last number of the line that counts soft interrupts. */
static uint64_t late_frees_of(struct kernel_text text)
{
	struct kernel_lines lines = kernel_lines_of(text);
	struct kernel_text line, word;
	struct kernel_error error;
	uint64_t number = 0;

	while (kernel_line_next(&lines, &line, &error) > 0) {
		if (!kernel_text_starts(line, "softirq "))
			continue;
		while (kernel_word_next(&line, &word))
			(void)kernel_text_decimal(word, &number);
		return number;
	}
	broken("/proc/stat has no line of soft interrupts");
}

struct moment {
	uint64_t switches, running, late_frees;
};

/* Switches are printed before the number of tasks, so they are the older of the two. */
static struct moment moment_of(const struct quiet *quiet)
{
	const struct kernel_text text = kernel_file_read(&quiet->stat);
	struct moment moment = {.late_frees = late_frees_of(text)};

	MUST(kernel_vmstat_find(text, "ctxt", &moment.switches) &&
		kernel_vmstat_find(text, "procs_running", &moment.running));
	return moment;
}

/*
 * Where sleeping is no switch, the number of switches is no evidence. On a slow machine a timer may
 * go off before its process is asleep: so it is a long one.
 */
static void check_counter(const struct quiet *quiet)
{
	const struct timespec long_enough = {.tv_nsec = PATIENCE_NS};
	const uint64_t before = moment_of(quiet).switches;

	MUST(clock_nanosleep(CLOCK_MONOTONIC, 0, &long_enough, NULL) == 0);
	if (moment_of(quiet).switches == before)
		broken("/proc/stat does not count context switches");
}

/* "cpu7 ...": there is one such line for each CPU that is online, and "cpu  ..." for all of them.
 */
static bool is_online_cpu(struct kernel_text line, uint64_t *cpu)
{
	static const char prefix[] = "cpu";
	struct kernel_text word;

	if (!kernel_text_starts(line, prefix) || !kernel_word_next(&line, &word))
		return false;
	word.bytes += strlen(prefix);
	word.length_bytes -= strlen(prefix);
	return kernel_text_decimal(word, cpu);
}

void quiet_open(struct quiet *quiet)
{
	const int here = sched_getcpu();
	struct kernel_text line;
	struct kernel_error error;
	cpu_set_t allowed;
	uint64_t cpu;

	*quiet = (struct quiet){
		.stat = kernel_file_open("/proc/stat", KERNEL_FILE_LARGE_BYTES),
		.until_ns = now_ns() + TRIES_S * NANOSECONDS_SECOND,
	};
	MUST(here >= 0 && sched_getaffinity(0, sizeof(allowed), &allowed) == 0);
	if (CPU_COUNT(&allowed) != 1)
		broken("the trial is not on one CPU");
	struct kernel_lines lines = kernel_lines_of(kernel_file_read(&quiet->stat));
	while (kernel_line_next(&lines, &line, &error) > 0) {
		if (!is_online_cpu(line, &cpu) || cpu == (uint64_t)here)
			continue;
		quiet->others_count++;
		if (cpu < CPU_SETSIZE && quiet->sitters_count < SITTERS_LIMIT &&
			start_sitter(quiet->sitters_count, (unsigned)cpu))
			quiet->sitters_count++;
	}
	check_counter(quiet);
}

/* Whether each sitter runs on after this call began. */
static bool all_sit(const struct quiet *quiet)
{
	const int64_t until_ns = now_ns() + PATIENCE_NS;
	unsigned long seen[SITTERS_LIMIT];

	for (size_t i = 0; i < quiet->sitters_count; i++)
		seen[i] = atomic_load(&sitters[i].beats);
	for (size_t i = 0; i < quiet->sitters_count; i++)
		while (atomic_load(&sitters[i].beats) == seen[i])
			if (now_ns() > until_ns)
				return false;
	return true;
}

static uint64_t start(struct quiet *quiet)
{
	const struct moment now = moment_of(quiet);

	quiet->switches = now.switches;
	quiet->late_frees = now.late_frees;
	return now.running;
}

bool quiet_begin_seated(struct quiet *quiet)
{
	quiet->alone = false;
	if (quiet->sitters_count < quiet->others_count)
		return false;
	put_first(true);
	atomic_store(&sitting, 1);
	(void)syscall(SYS_futex, &sitting, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
	if (!all_sit(quiet))
		return false;
	(void)start(quiet);
	quiet->alone = all_sit(quiet);
	return quiet->alone;
}

/* First in any case: the kernel's own threads wake up on their own, too. */
void quiet_begin(struct quiet *quiet)
{
	put_first(true);
	quiet->alone = start(quiet) == 1;
	if (!quiet->alone)
		(void)quiet_begin_seated(quiet);
}

void quiet_on_others(const struct quiet *quiet, void (*call)(void *context), void *context)
{
	turn_call = call;
	turn_context = context;
	for (size_t i = 0; i < quiet->sitters_count; i++) {
		atomic_store(&turn, i + 1);
		while (atomic_load(&turn) != 0)
			;
	}
}

bool quiet_end(struct quiet *quiet)
{
	const struct moment now = moment_of(quiet);
	const bool same = now.switches == quiet->switches &&
			  (!quiet->late_frees_matter || now.late_frees == quiet->late_frees);

	atomic_store(&sitting, 0);
	put_first(false);
	return quiet->alone && same;
}

void quiet_try(const struct quiet *quiet, const char *counter)
{
	char reason[160];

	if (now_ns() < quiet->until_ns)
		return;
	(void)snprintf(reason, sizeof(reason),
		"others ran in nearly every stretch of %d s in which %s was watched", TRIES_S,
		counter);
	unmet(reason, "run as root, on a machine with less going on, or in a guest");
}
