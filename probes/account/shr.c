/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What statm calls resident and shared, against what smaps finds page by page.
 *
 * Memory of each kind is there at once, in amounts that cannot be mistaken for each other. It would
 * miss a kernel whose counters drift only over long times.
 */
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernel/areas.h"
#include "kernel/process.h"
#include "probe/moving.h"
#include "probe/probe.h"
#include "trial/files.h"
#include "trial/trial.h"
#include "vm/model.h"
#include "vm/oom.h"
#include "vm/prediction.h"
#include "vm/shares.h"

#define ANONYMOUS_PAGES 1000
#define SHARED_PAGES	300

static const char *const inputs[] = {"anonymous", "file", "shared-memory", "mapped-by-others"};

#define INPUTS_COUNT (sizeof(inputs) / sizeof(inputs[0]))

static bool sizes_of(const struct probe_readings *readings, struct vm_resident_sizes *sizes)
{
	uint64_t *const into[INPUTS_COUNT] = {&sizes->anonymous_pages, &sizes->file_pages,
		&sizes->shared_memory_pages, &sizes->mapped_by_others_pages};
	struct moving span;

	for (size_t i = 0; i < INPUTS_COUNT; i++) {
		if (!moving_of(readings, inputs[i], "", &span))
			return false;
		*into[i] = (uint64_t)span.highest;
	}
	return true;
}

/* Of anonymous, file and shared memory, and of the last two. */
#define RESIDENT_COUNTERS 3
#define SHARED_COUNTERS	  2

/* Each counter in a sum may be late by so much. A sum is never shown below zero. */
static void predict_sum(struct vm_predictions *predictions, const struct vm_prediction *about,
	int64_t pages, int64_t lag_pages)
{
	predict_moving(predictions, about,
		(struct moving){pages > lag_pages ? pages - lag_pages : 0, pages + lag_pages}, 1);
}

static void predict(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	struct vm_resident_sizes sizes;
	struct vm_prediction resident = {
		.claim = "account.shr",
		.quantity = "resident",
		.at = "",
		.unit = VM_UNIT_PAGES,
		.because = "anonymous, file and shared memory together",
		.cite = "linux:6.12:fs/proc/task_mmu.c:task_statm",
	};
	struct vm_prediction shared = {
		.claim = "account.shr",
		.quantity = "shared",
		.at = "",
		.unit = VM_UNIT_PAGES,
		.because = "file and shared memory, whoever else has it mapped",
		.cite = "linux:6.12:fs/proc/task_mmu.c:task_statm",
	};

	(void)arguments;
	switch (model->behaviours.shared_size) {
	case VM_SHARED_SIZE_MAPPED_TWICE:
		shared.because = "what others have mapped as well";
		shared.cite = "wut";
		break;
	case VM_SHARED_SIZE_BY_KIND:
		break;
	}
	if (!sizes_of(readings, &sizes)) {
		predict_rule(predictions, &resident, inputs, INPUTS_COUNT);
		predict_rule(predictions, &shared, inputs, INPUTS_COUNT);
		return;
	}
	/* A trial stays on one CPU. */
	const int64_t lag =
		(int64_t)vm_status_counter_lag_pages(&model->behaviours, host->cpus_online, 1);
	predict_sum(predictions, &resident, (int64_t)vm_resident_pages(&sizes),
		RESIDENT_COUNTERS * lag);
	predict_sum(predictions, &shared, (int64_t)vm_shared_pages(&model->behaviours, &sizes),
		SHARED_COUNTERS * lag);
}

/* Sums over all areas of the process, in pages. */
struct sums {
	int64_t resident, anonymous, others, shared_memory;
};

static int64_t pages_of(uint64_t kib)
{
	return (int64_t)vm_kib_to_pages_floor(kib);
}

static struct sums sums_of(const struct kernel_file *smaps)
{
	struct kernel_lines lines = kernel_lines_of(kernel_file_read(smaps));
	struct kernel_smaps_area area;
	struct kernel_error error;
	struct sums sums = {0};

	while (kernel_smaps_next(&lines, &area, &error) == 1) {
		const int64_t resident = pages_of(area.value_kib[KERNEL_SMAPS_RSS]);
		sums.resident += resident;
		sums.anonymous += pages_of(area.value_kib[KERNEL_SMAPS_ANONYMOUS]);
		sums.others += pages_of(area.value_kib[KERNEL_SMAPS_SHARED_CLEAN] +
					area.value_kib[KERNEL_SMAPS_SHARED_DIRTY]);
		/* What is mapped shared here is memory: a trial maps no file so. */
		if (area.area.shared)
			sums.shared_memory += resident;
	}
	return sums;
}

static void write_memory(size_t pages, int flags)
{
	const size_t length_bytes = (size_t)vm_pages_to_bytes(pages);
	char *memory =
		mmap(NULL, length_bytes, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);

	MUST(memory != MAP_FAILED);
	small_pages(memory, length_bytes);
	for (size_t i = 0; i < length_bytes; i += VM_PAGE_BYTES)
		*((volatile char *)memory + i) = 1;
}

/* Up to 6.1 a task keeps its last faults to itself until it unmaps. */
static void unmap_something(void)
{
	const size_t length_bytes = (size_t)vm_pages_to_bytes(1);
	char *memory = mmap(
		NULL, length_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	MUST(memory != MAP_FAILED);
	*(volatile char *)memory = 1;
	MUST(munmap(memory, length_bytes) == 0);
}

static void measure(const struct probe_arguments *arguments)
{
	const struct kernel_file smaps =
		kernel_file_open("/proc/self/smaps", KERNEL_FILE_LARGE_BYTES);
	const struct kernel_file statm =
		kernel_file_open("/proc/self/statm", KERNEL_FILE_USUAL_BYTES);
	struct kernel_statm sizes;
	struct kernel_error error;
	int end[2];
	char byte;

	(void)arguments;
	MUST(pipe(end) == 0);
	write_memory(ANONYMOUS_PAGES, MAP_PRIVATE);
	write_memory(SHARED_PAGES, MAP_SHARED);
	/* The child shares the anonymous pages, copy-on-write: they are not SHR for all that. */
	const pid_t child = fork();
	MUST(child >= 0);
	if (child == 0) {
		(void)close(end[1]);
		_exit(read(end[0], &byte, 1) == 0 ? 0 : 1);
	}
	/* Once for the pages that reading touches. */
	(void)sums_of(&smaps);
	(void)kernel_statm_parse(kernel_file_read(&statm), &sizes, &error);
	unmap_something();
	const struct sums sums = sums_of(&smaps);
	MUST(kernel_statm_parse(kernel_file_read(&statm), &sizes, &error) == 0);
	MUST(close(end[0]) == 0 && close(end[1]) == 0);
	MUST(waitpid(child, NULL, 0) == child);
	observe("anonymous", sums.anonymous, VM_UNIT_PAGES, "smaps");
	observe("shared-memory", sums.shared_memory, VM_UNIT_PAGES, "smaps");
	observe("file", sums.resident - sums.anonymous - sums.shared_memory, VM_UNIT_PAGES,
		"smaps");
	observe("mapped-by-others", sums.others, VM_UNIT_PAGES, "smaps");
	observe("resident", (int64_t)sizes.resident_pages, VM_UNIT_PAGES, "statm");
	observe("shared", (int64_t)sizes.shared_pages, VM_UNIT_PAGES, "statm");
}

static const char *const claims[] = {"account.shr", NULL};

PROBE(shr) = {
	.name = "account.shr-kinds",
	.claims = claims,
	.question = "What do RES and SHR of a process count?",
	.method = "Write private and shared memory, fork, and read statm beside the sums of smaps.",
	.threats = "Kernels from 6.2 to 6.12.38 leave out of statm what each CPU holds back, less "
		   "than a batch of each counter; older ones what a task has not given up since it "
		   "last unmapped something, so something is unmapped before.",
	.by_hand = "cat /proc/PID/statm; grep -E '^(Rss|Anonymous|Shared)' /proc/PID/smaps",
	.deadline_s = 10,
	.predict = PREDICTS(predict),
	.measure = MEASURES(measure),
};
