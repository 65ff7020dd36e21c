/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Page faults, fork with exit, and mmap as this suite timed them, beside lmbench's way of timing
 * them (lat_pagefault, lat_proc fork, lat_mmap of lmbench 3), written anew after its paper and
 * manual pages: the clock on the wall, so many turns in a loop, the least of some loops.
 *
 * bench_lmbench RECORD [LAUNCHES]: RECORD holds the claims of harness/benchmarks/beside_lmbench.sh;
 * lmbench's way is launched 18 times here. Two medians over launches with their intervals, in
 * nanoseconds; where they do not meet, what one of them measures that the other does not.
 */
#include <fcntl.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "compare/series.h"
#include "judge/statistics.h"
#include "record/reader.h"
#include "vm/units.h"

#define LAUNCHES      18
#define LAUNCHES_MOST 200
#define LOOPS	      11
#define ERROR	      0.05
#define FILE_PAGES    ((size_t)1024)
#define NS_IN_S	      1000000000.0

enum { FAULT, FORK, MAP, KINDS };

/* What of the record stands beside it, how many things it is of, and what is not the same. */
static const struct {
	const char *name, *probe, *quantity, *at;
	double things;
	const char *note;
} kinds[KINDS] = {
	[FAULT] = {"a page of a cached file, touched in a shared mapping", "demand.file-faults",
		"around", "1024", 1024,
		"lmbench keeps the least of eleven loops, ours is the middle of its batches, each "
		"in "
		"a mapping with tables of its own: on a busy machine they part"},
	[FORK] = {"fork, exit of the child, and wait", "cow.fork-cost", "fork-untouched", "2 MiB",
		1,
		"ours is processor time of parent and child; lmbench's wall clock has the waking "
		"up "
		"and the switch to and fro as well"},
	[MAP] = {"mmap of a file of 4 MiB", "demand.prefault", "map-fresh", "4 MiB", 1,
		"ours is mmap of anonymous memory alone; lmbench's maps a file, touches a tenth "
		"of it, and unmaps it"},
};

static void must(int good, const char *what)
{
	if (good)
		return;
	perror(what);
	exit(3);
}

/* ---- lmbench's way ---- */

static double now_ns(void)
{
	struct timespec now;

	must(clock_gettime(CLOCK_MONOTONIC, &now) == 0, "clock_gettime");
	return (double)now.tv_sec * NS_IN_S + (double)now.tv_nsec;
}

static double time_fault(int file, const size_t *order)
{
	char *memory = mmap(NULL, FILE_PAGES * VM_PAGE_BYTES, PROT_READ, MAP_SHARED, file, 0);

	must(memory != MAP_FAILED, "mmap");
	const double started_ns = now_ns();
	for (size_t i = 0; i < FILE_PAGES; i++)
		(void)((const volatile char *)memory)[order[i] * VM_PAGE_BYTES];
	const double elapsed_ns = now_ns() - started_ns;
	must(munmap(memory, FILE_PAGES * VM_PAGE_BYTES) == 0, "munmap");
	return elapsed_ns / (double)FILE_PAGES;
}

static double time_fork(void)
{
	const double started_ns = now_ns();
	const pid_t child = fork();

	if (child == 0)
		_exit(0);
	must(child > 0 && waitpid(child, NULL, 0) == child, "fork");
	return now_ns() - started_ns;
}

static double time_map(int file)
{
	/* lat_mmap.c: one byte of each 16 KiB in the first tenth. */
	const size_t length_bytes = FILE_PAGES * VM_PAGE_BYTES, step_bytes = 4 * VM_PAGE_BYTES;
	const double started_ns = now_ns();
	char *memory = mmap(NULL, length_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);

	must(memory != MAP_FAILED, "mmap");
	for (size_t i = 0; i < length_bytes / 10; i += step_bytes)
		((volatile char *)memory)[i] = 1;
	must(munmap(memory, length_bytes) == 0, "munmap");
	return now_ns() - started_ns;
}

/* A launch of its own: prints the least of each kind. */
static int launch(void)
{
	static const char page[VM_PAGE_BYTES] = {1};
	static size_t order[FILE_PAGES];
	const int file = memfd_create("lmbench", MFD_CLOEXEC);
	double least_ns[KINDS] = {INFINITY, INFINITY, INFINITY};

	must(file >= 0, "memfd_create");
	srandom((unsigned)getpid());
	for (size_t i = 0; i < FILE_PAGES; i++) {
		must(write(file, page, sizeof(page)) == (ssize_t)sizeof(page), "write");
		const size_t other = (size_t)random() % (i + 1);
		order[i] = order[other];
		order[other] = i;
	}
	for (unsigned loop = 0; loop < LOOPS; loop++) {
		least_ns[FAULT] = fmin(least_ns[FAULT], time_fault(file, order));
		least_ns[FORK] = fmin(least_ns[FORK], time_fork());
		least_ns[MAP] = fmin(least_ns[MAP], time_map(file));
	}
	(void)printf("%.1f %.1f %.1f\n", least_ns[FAULT], least_ns[FORK], least_ns[MAP]);
	return 0;
}

/* ---- both beside each other ---- */

static void launch_all(const char *program, size_t launches, double figures[KINDS][LAUNCHES_MOST])
{
	char command[512];

	(void)snprintf(command, sizeof(command), "'%s' --launch", program);
	for (size_t i = 0; i < launches; i++) {
		FILE *output = popen(command, "re");
		char line[256] = "", *end = line;
		must(output != NULL && fgets(line, sizeof(line), output) != NULL, program);
		for (size_t kind = 0; kind < KINDS; kind++)
			figures[kind][i] = strtod(end, &end);
		must(pclose(output) == 0, program);
	}
}

static const struct series *series_of_kind(const struct series_list *list, size_t kind)
{
	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->items[i].id, kinds[kind].probe) == 0 &&
			strcmp(list->items[i].quantity, kinds[kind].quantity) == 0 &&
			strcmp(list->items[i].at, kinds[kind].at) == 0)
			return &list->items[i];
	return NULL;
}

static void print_kind(size_t kind, const struct series *ours, double *theirs, size_t launches)
{
	const struct statistics_interval a =
		statistics_median_interval(ours->figures, ours->count, ERROR);
	const struct statistics_interval b = statistics_median_interval(theirs, launches, ERROR);
	const double things = kinds[kind].things;
	const int meet = a.known && b.known && a.low / things <= b.high && b.low <= a.high / things;

	(void)printf("%s\n", kinds[kind].name);
	(void)printf("  mmconform    %10.1f ns  (%.1f to %.1f, %zu launches)\n",
		statistics_median(ours->figures, ours->count) / things, a.low / things,
		a.high / things, ours->count);
	(void)printf("  lmbench's    %10.1f ns  (%.1f to %.1f, %zu launches)\n",
		statistics_median(theirs, launches), b.low, b.high, launches);
	(void)printf("  %s\n", meet ? "equal within the intervals" : kinds[kind].note);
}

int main(int count, char **arguments)
{
	static double figures[KINDS][LAUNCHES_MOST];

	if (count == 2 && strcmp(arguments[1], "--launch") == 0)
		return launch();
	const long launches = count == 3 ? strtol(arguments[2], NULL, 10) : LAUNCHES;
	if (count < 2 || count > 3 || launches < 1 || launches > LAUNCHES_MOST) {
		(void)fprintf(stderr, "usage: bench_lmbench RECORD [LAUNCHES]\n");
		return 2;
	}
	struct pool POOL_DROPS pool = {0};
	struct record RECORD_DROPS record = {0};
	struct series_list list = {.pool = &pool};
	if (!record_read(&record, arguments[1], RECORD_ENDED))
		return 3;
	series_of_record(&pool, &record, &list);
	launch_all(arguments[0], (size_t)launches, figures);
	for (size_t kind = 0; kind < KINDS; kind++) {
		const struct series *ours = series_of_kind(&list, kind);
		if (ours == NULL || ours->count == 0) {
			(void)fprintf(
				stderr, "%s: no launch of %s\n", arguments[1], kinds[kind].probe);
			return 3;
		}
		print_kind(kind, ours, figures[kind], (size_t)launches);
	}
	return 0;
}
