/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The high-water marks of a process: the longest it was, and the most of it that was resident.
 *
 * It would miss a mark that is lost at exec.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernel/process.h"
#include "probe/moving.h"
#include "probe/probe.h"
#include "trial/files.h"
#include "trial/trial.h"
#include "vm/model.h"
#include "vm/oom.h"
#include "vm/prediction.h"

/* Of anonymous, file and shared memory. */
#define RESIDENT_COUNTERS 3

static const struct probe_parameter parameters[] = {
	{
		.name = "touched",
		.unit = VM_UNIT_PAGES,
		.lowest = 2000,
		.highest = 6000,
		.step = 1,
		.drawn = 1,
	},
	{
		.name = "untouched",
		.unit = VM_UNIT_PAGES,
		.lowest = 1,
		.highest = 5000,
		.step = 1,
		.drawn = 1,
	},
};

/* Where the marks are read, and what they are held against. */
static const struct {
	const char *quantity, *at, *input;
	bool resident;
	const char *because, *cite;
} marks[] = {
	{"highest-size", "", "size", false, "the mark is raised before the size falls",
		"linux:6.12:mm/vma.c:vms_complete_munmap_vmas"},
	{"highest-resident", "", "resident", true, "the mark is raised before pages are unmapped",
		"linux:6.12:mm/vma.c:unmap_region"},
	{"highest-resident", "rusage", "resident", true, "rusage shows the same mark",
		"linux:6.12:kernel/sys.c:getrusage"},
	{"highest-resident", "reset", "resident-now", true,
		"5 in clear_refs lets the mark begin anew at what is resident",
		"linux:6.12:fs/proc/task_mmu.c:clear_refs_write"},
};

#define MARKS_COUNT (sizeof(marks) / sizeof(marks[0]))

static void predict(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	/* The mark is taken by the cheap reading, what it is held against by that of status. A
	 * trial stays on one CPU. */
	const int64_t lag =
		RESIDENT_COUNTERS *
		(int64_t)(vm_oom_counter_lag_pages(&model->behaviours, host->cpus_online, 1) +
			  vm_status_counter_lag_pages(&model->behaviours, host->cpus_online, 1));

	(void)arguments;
	for (size_t i = 0; i < MARKS_COUNT; i++) {
		const struct vm_prediction prediction = {
			.claim = "account.rss",
			.quantity = marks[i].quantity,
			.at = marks[i].at,
			.unit = VM_UNIT_PAGES,
			.because = marks[i].because,
			.cite = marks[i].cite,
		};
		struct moving span;
		if (!moving_of(readings, marks[i].input, "", &span)) {
			predict_rule(predictions, &prediction, &marks[i].input, 1);
			continue;
		}
		if (marks[i].resident)
			span = (struct moving){span.lowest - lag, span.highest + lag};
		predict_moving(predictions, &prediction, span, 1);
	}
}

static int64_t field(const struct kernel_file *file, enum kernel_status_field field)
{
	struct kernel_status status;
	struct kernel_error error;

	MUST(kernel_status_parse(kernel_file_read(file), &status, &error) == 0);
	return (int64_t)vm_kib_to_pages_floor(status.value_kib[field]);
}

/* In a child: its marks begin where it begins. */
static void rise_and_fall(uint64_t touched_pages, uint64_t untouched_pages)
{
	const struct kernel_file status =
		kernel_file_open("/proc/self/status", KERNEL_FILE_USUAL_BYTES);
	const size_t length_bytes = (size_t)vm_pages_to_bytes(touched_pages + untouched_pages);
	struct rusage usage;
	char *memory = mmap(
		NULL, length_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	MUST(memory != MAP_FAILED);
	small_pages(memory, length_bytes);
	for (uint64_t page = 0; page < touched_pages; page++)
		*(volatile char *)(memory + vm_pages_to_bytes(page)) = 1;
	observe("size", field(&status, KERNEL_STATUS_VM_SIZE), VM_UNIT_PAGES, "VmSize");
	observe("resident", field(&status, KERNEL_STATUS_VM_RSS), VM_UNIT_PAGES, "VmRSS");
	MUST(munmap(memory, length_bytes) == 0);
	observe("highest-size", field(&status, KERNEL_STATUS_VM_PEAK), VM_UNIT_PAGES, "VmPeak");
	observe("highest-resident", field(&status, KERNEL_STATUS_VM_HWM), VM_UNIT_PAGES, "VmHWM");
	MUST(getrusage(RUSAGE_SELF, &usage) == 0);
	observe_at("highest-resident", "rusage",
		(int64_t)vm_kib_to_pages_floor((uint64_t)usage.ru_maxrss), VM_UNIT_PAGES,
		"getrusage");
	MUST(kernel_write("/proc/self/clear_refs", "5") == 0);
	observe_at("highest-resident", "reset", field(&status, KERNEL_STATUS_VM_HWM), VM_UNIT_PAGES,
		"VmHWM");
	observe("resident-now", field(&status, KERNEL_STATUS_VM_RSS), VM_UNIT_PAGES, "VmRSS");
}

static void measure(const struct probe_arguments *arguments)
{
	int status = 0;

	if (access("/proc/self/clear_refs", W_OK) != 0)
		unmet("this kernel has no clear_refs", "CONFIG_PROC_PAGE_MONITOR=y");
	const pid_t child = fork();

	MUST(child >= 0);
	if (child == 0) {
		rise_and_fall((uint64_t)probe_argument(arguments, "touched"),
			(uint64_t)probe_argument(arguments, "untouched"));
		_exit(0);
	}
	MUST(waitpid(child, &status, 0) == child && status == 0);
}

static const char *const claims[] = {"account.rss", NULL};

PROBE(peak) = {
	.name = "account.peak",
	.claims = claims,
	.letters = "S",
	.question = "What is left to see of the most that a process once had?",
	.method = "A child maps and writes memory, reads its sizes, unmaps, and reads the marks in "
		  "status and getrusage, and once more after clear_refs.",
	.threats = "Counters are late by what each CPU or task holds back; the width is computed.",
	.by_hand = "grep -E 'VmPeak|VmHWM' /proc/self/status",
	.parameters_count = sizeof(parameters) / sizeof(parameters[0]),
	.parameters = parameters,
	.deadline_s = 10,
	.predict = PREDICTS(predict),
	.measure = MEASURES(measure),
};
