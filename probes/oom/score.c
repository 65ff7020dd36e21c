/* SPDX-License-Identifier: Apache-2.0 */
/*
 * oom_score over a grid of memory of every kind and adjustments, and where its next step lies, to
 * the page: one page table after the other is added until the score moves.
 *
 * A score moves once in some thousands of pages; reading it anywhere would let pass a kernel that
 * forgets page tables, swap or a kind of resident memory. Just below and just above a step it would
 * not. It would miss a kernel whose killer does not go by this score: that is oom.victim.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "probe/moving.h"
#include "probe/oom.h"
#include "probe/probe.h"
#include "trial/oom.h"
#include "trial/trial.h"
#include "vm/model.h"
#include "vm/prediction.h"

enum memory { MEMORY_NONE, MEMORY_ANONYMOUS, MEMORY_SHARED, MEMORY_FILE };

static const char *const memory_labels[] = {"none", "anonymous", "shared", "file"};

static const struct probe_parameter parameters[] = {
	{
		.name = "adjustment",
		.unit = VM_UNIT_SCORE,
		.choices_count = 5,
		.choices = {-1000, -500, 0, 333, 1000},
		.lowest = -999,
		.highest = 1000,
		.step = 1,
		.drawn = 1,
	},
	{
		.name = "memory",
		.unit = VM_UNIT_COUNT,
		.choices_count = 4,
		.choices = {MEMORY_NONE, MEMORY_ANONYMOUS, MEMORY_SHARED, MEMORY_FILE},
		.labels = memory_labels,
	},
};

static bool suits(const struct vm_host *host, const struct probe_arguments *arguments)
{
	return probe_argument(arguments, "adjustment") >= 0 ||
	       (host->capabilities & VM_CAPABILITY_SYS_RESOURCE) != 0;
}

static void predict(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	const struct score_about about = {
		.claim = "oom.score",
		.admin = (host->capabilities & VM_CAPABILITY_SYS_ADMIN) != 0,
	};

	(void)arguments;
	predict_scores(model, host, readings, &about, predictions);
}

#define RESIDENT_PAGES 6000
#define TABLE_SPAN     VM_HUGE_2M_BYTES /* what one table of the lowest level maps */
#define COARSE_TABLES  256

/* More tables than this would be too much to ask of a machine, whatever its size. */
#define TABLES_HIGHEST_BYTES (256 * VM_MIB_BYTES)

static void touch(const char *memory, size_t length_bytes, bool write)
{
	for (size_t offset_bytes = 0; offset_bytes < length_bytes; offset_bytes += VM_PAGE_BYTES) {
		volatile char *byte = (volatile char *)memory + offset_bytes;
		if (write)
			*byte = 1;
		else
			(void)*byte;
	}
}

static void take_memory(enum memory memory)
{
	const size_t length_bytes = (size_t)vm_pages_to_bytes(RESIDENT_PAGES);
	const int flags = memory == MEMORY_SHARED ? MAP_SHARED : MAP_PRIVATE;

	if (memory == MEMORY_NONE)
		return;
	if (memory != MEMORY_FILE) {
		char *taken = mmap(
			NULL, length_bytes, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);
		MUST(taken != MAP_FAILED);
		touch(taken, length_bytes, true);
		return;
	}
	/* The trial's own file is there on every machine; it is mapped until it is enough. */
	const int descriptor = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	MUST(descriptor >= 0);
	const off_t file_bytes = lseek(descriptor, 0, SEEK_END);
	MUST(file_bytes > 0);
	for (size_t taken_bytes = 0; taken_bytes < length_bytes;
		taken_bytes += (size_t)file_bytes) {
		const char *taken =
			mmap(NULL, (size_t)file_bytes, PROT_READ, MAP_PRIVATE, descriptor, 0);
		MUST(taken != MAP_FAILED);
		touch(taken, (size_t)file_bytes, false);
	}
	MUST(close(descriptor) == 0);
}

/* A reserve of addresses; reading one page of each span takes a table and no resident page. */
struct tables {
	char *base;
	size_t count, limit;
};

static void add_tables(struct tables *tables, size_t count)
{
	for (size_t i = 0; i < count; i++)
		(void)*(volatile char *)(tables->base + (tables->count + i) * TABLE_SPAN);
	tables->count += count;
}

/* Tables go with the area that they map; the hole is filled with a fresh one. */
static void remove_tables(struct tables *tables, size_t count)
{
	char *start = tables->base + (tables->count - count) * TABLE_SPAN;
	const size_t length_bytes = count * TABLE_SPAN;

	MUST(munmap(start, length_bytes) == 0);
	MUST(mmap(start, length_bytes, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) ==
		start);
	tables->count -= count;
}

static struct tables reserve_tables(const struct oom_files *files)
{
	const struct kernel_text meminfo = kernel_file_read(&files->meminfo);
	const uint64_t total_pages =
		vm_kib_to_pages_floor((uint64_t)kernel_meminfo_value(meminfo, "MemTotal") +
				      (uint64_t)kernel_meminfo_value(meminfo, "SwapTotal"));
	struct tables tables = {.limit = (size_t)(total_pages / 1000 * 2 + 2UL * COARSE_TABLES)};
	const size_t length_bytes = (tables.limit + 1) * TABLE_SPAN;

	if (vm_pages_to_bytes(tables.limit) > TABLES_HIGHEST_BYTES)
		unmet("on so large a machine one step of the score takes too many page tables",
			"a guest with less memory");
	char *base = mmap(NULL, length_bytes, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	MUST(base != MAP_FAILED);
	tables.base = (char *)vm_align_up((uint64_t)base, TABLE_SPAN);
	return tables;
}

/* Adds tables until the score moves; the last one made it move. False: it never did. */
static bool find_step(const struct oom_files *files, struct tables *tables)
{
	const int64_t start = oom_score_of(files);

	while (oom_score_of(files) == start) {
		if (tables->count + COARSE_TABLES > tables->limit)
			return false;
		add_tables(tables, COARSE_TABLES);
	}
	if (tables->count == 0)
		return false;
	remove_tables(tables, COARSE_TABLES);
	while (oom_score_of(files) == start)
		add_tables(tables, 1);
	return true;
}

/* The score of another process, which does nothing meanwhile. */
static void observe_child(void)
{
	int end[2];
	char byte;

	MUST(pipe(end) == 0);
	const pid_t child = fork();
	MUST(child >= 0);
	if (child == 0) {
		MUST(close(end[1]) == 0);
		/* Returns when the parent has closed its end. */
		_exit(read(end[0], &byte, 1) == 0 ? 0 : 1);
	}
	struct oom_files files = oom_files_open(child);
	MUST(close(end[0]) == 0);
	observe_oom(&files, "child");
	oom_files_close(&files);
	MUST(close(end[1]) == 0);
	MUST(waitpid(child, NULL, 0) == child);
}

static void measure(const struct probe_arguments *arguments)
{
	struct oom_files files = oom_files_open(getpid());

	MUST(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0) == 0);
	oom_adjust(probe_argument(arguments, "adjustment"));
	take_memory((enum memory)probe_argument(arguments, "memory"));
	struct tables tables = reserve_tables(&files);
	/* Once for the pages that reading and observing itself takes. */
	(void)oom_table_pages_of(&files);
	(void)oom_score_of(&files);
	observe_oom_trial();
	observe_oom(&files, "start");
	if (find_step(&files, &tables)) {
		observe_oom(&files, "above the step");
		remove_tables(&tables, 1);
		observe_oom(&files, "below the step");
	}
	observe_child();
}

static const char *const claims[] = {"oom.score", NULL};

PROBE(score) = {
	.name = "oom.score",
	.claims = claims,
	.question = "What does /proc/pid/oom_score make of memory, page tables and adjustment?",
	.method = "Take memory of one kind, set the adjustment, read score and inputs; then add "
		  "page tables one by one until the score moves, and read both sides of the step; "
		  "then the score of a forked child.",
	.threats = "The killer reads the resident counters cheaply, so each may be late by less "
		   "than a batch for each CPU that ran the process: the trial keeps to its CPU, "
		   "and the prediction spans exactly that. Huge pages are off for the process.",
	.by_hand = "grep -E 'Rss|VmSwap|VmPTE' /proc/self/status; cat /proc/self/oom_score",
	.parameters_count = sizeof(parameters) / sizeof(parameters[0]),
	.parameters = parameters,
	.deadline_s = 20,
	.suits = suits,
	.predict = PREDICTS(predict),
	.measure = MEASURES(measure),
};

/* --- the same with memory that is swapped out: it needs swap, so it is a probe of its own ----- */

static const struct probe_parameter swapped_parameters[] = {
	{
		.name = "adjustment",
		.unit = VM_UNIT_SCORE,
		.choices_count = 1,
		.choices = {100},
		.lowest = 0,
		.highest = 1000,
		.step = 1,
		.drawn = 1,
	},
};

static void measure_swapped(const struct probe_arguments *arguments)
{
	const size_t length_bytes = (size_t)vm_pages_to_bytes(RESIDENT_PAGES);
	struct oom_files files = oom_files_open(getpid());
	uint64_t *memory = mmap(
		NULL, length_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	MUST(memory != MAP_FAILED);
	MUST(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0) == 0);
	oom_adjust(probe_argument(arguments, "adjustment"));
	/* Distinct contents: pages of one repeated byte are not written out. */
	for (size_t i = 0; i < length_bytes / sizeof(memory[0]); i++)
		memory[i] = i * UINT64_C(0x9e3779b97f4a7c15);
	struct tables tables = reserve_tables(&files);
	(void)oom_score_of(&files);
	observe_oom_trial();
	observe_oom(&files, "resident");
	if (madvise(memory, length_bytes, MADV_PAGEOUT) != 0)
		unmet("this kernel cannot be asked to swap pages out", "a kernel since 5.4");
	observe_oom(&files, "swapped");
	if (find_step(&files, &tables)) {
		observe_oom(&files, "above the step");
		remove_tables(&tables, 1);
		observe_oom(&files, "below the step");
	}
}

PROBE(score_swapped) = {
	.name = "oom.score-swapped",
	.claims = claims,
	.question = "Does memory count the same for oom_score when it is swapped out?",
	.method = "As oom.score, with pages that MADV_PAGEOUT has written to swap.",
	.threats = "What cannot be swapped out stays resident, and counts as such: the inputs "
		   "are read, not assumed.",
	.by_hand = "grep -E 'Rss|VmSwap|VmPTE' /proc/PID/status; cat /proc/PID/oom_score",
	.parameters_count = sizeof(swapped_parameters) / sizeof(swapped_parameters[0]),
	.parameters = swapped_parameters,
	.needs = {.swap_bytes = 64 << 20},
	.deadline_s = 30,
	.predict = PREDICTS(predict),
	.measure = MEASURES(measure_swapped),
};
