/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each of n processes that map the same pages is charged an n-th of them, cut off page by page.
 *
 * It would miss a kernel that goes wrong only where mappings differ in length between processes.
 */
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernel/areas.h"
#include "probe/probe.h"
#include "trial/files.h"
#include "trial/trial.h"
#include "vm/model.h"
#include "vm/prediction.h"
#include "vm/shares.h"

static const char *const backing_labels[] = {"shared", "private"};

static const struct probe_parameter parameters[] = {
	{
		.name = "pages",
		.unit = VM_UNIT_PAGES,
		.choices_count = 2,
		.choices = {3, 3072},
		.lowest = 2,
		.highest = 2000,
		.step = 1,
		.drawn = 1,
	},
	{
		.name = "users",
		.unit = VM_UNIT_COUNT,
		.choices_count = 4,
		.choices = {1, 3, 4, 7},
	},
	{
		.name = "backing",
		.unit = VM_UNIT_COUNT,
		.choices_count = 2,
		.choices = {0, 1},
		.labels = backing_labels,
	},
};

static void predict(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	const int64_t kib = (int64_t)vm_pss_kib(&model->behaviours,
		(uint64_t)probe_argument(arguments, "pages"),
		(uint64_t)probe_argument(arguments, "users"));
	struct vm_prediction prediction = {
		.claim = "account.pss",
		.quantity = "pss",
		.at = "",
		.unit = VM_UNIT_KIB,
		.form = VM_FORM_EXACT,
		.values = &kib,
		.values_count = 1,
		.because = "each page is divided by the number of its users in 4096ths of a byte, "
			   "and cut off",
		.cite = "linux:6.12:fs/proc/task_mmu.c:smaps_account",
	};

	(void)host, (void)readings;
	switch (model->behaviours.pss_share) {
	case VM_PSS_SHARE_EXACT:
		prediction.because = "the size of what is shared, divided by the number of users";
		prediction.cite = "wut";
		break;
	case VM_PSS_SHARE_TRUNCATED:
		break;
	}
	vm_predict(predictions, &prediction);
}

static int64_t pss_of(const struct kernel_file *smaps, const char *memory)
{
	struct kernel_lines lines = kernel_lines_of(kernel_file_read(smaps));
	struct kernel_smaps_area area;
	struct kernel_error error;

	while (kernel_smaps_next(&lines, &area, &error) == 1)
		if (area.area.start == (uintptr_t)memory)
			return (int64_t)area.value_kib[KERNEL_SMAPS_PSS];
	broken("no area at %p in smaps", (const void *)memory);
}

/* A user of the memory: it reads each page, tells so, and waits until the pipe is closed. */
static _Noreturn void use(const char *memory, size_t length_bytes, int tell, int wait_for)
{
	char byte = 0;

	for (size_t i = 0; i < length_bytes; i += VM_PAGE_BYTES)
		byte = *((const volatile char *)memory + i);
	if (write(tell, &byte, 1) != 1)
		_exit(1);
	_exit(read(wait_for, &byte, 1) == 0 ? 0 : 1);
}

static void measure(const struct probe_arguments *arguments)
{
	const size_t length_bytes =
		(size_t)vm_pages_to_bytes((uint64_t)probe_argument(arguments, "pages"));
	const int64_t users = probe_argument(arguments, "users");
	const int flags = probe_argument(arguments, "backing") == 0 ? MAP_SHARED : MAP_PRIVATE;
	const struct kernel_file smaps =
		kernel_file_open("/proc/self/smaps", KERNEL_FILE_LARGE_BYTES);
	int tell[2], wait_for[2];
	char byte;

	MUST(pipe(tell) == 0 && pipe(wait_for) == 0);
	/* With a page without rights on either side nothing merges with it. */
	char *whole = mmap(NULL, length_bytes + 2 * VM_PAGE_BYTES, PROT_NONE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	MUST(whole != MAP_FAILED);
	char *memory = mmap(whole + VM_PAGE_BYTES, length_bytes, PROT_READ | PROT_WRITE,
		flags | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	MUST(memory != MAP_FAILED);
	small_pages(memory, length_bytes);
	for (size_t i = 0; i < length_bytes; i += VM_PAGE_BYTES)
		*((volatile char *)memory + i) = 1;
	for (int64_t i = 1; i < users; i++) {
		const pid_t child = fork();
		MUST(child >= 0);
		if (child == 0) {
			(void)close(wait_for[1]);
			use(memory, length_bytes, tell[1], wait_for[0]);
		}
		MUST(read(tell[0], &byte, 1) == 1);
	}
	observe("pss", pss_of(&smaps, memory), VM_UNIT_KIB, "smaps");
	MUST(close(wait_for[1]) == 0);
	while (wait(NULL) > 0)
		;
}

static const char *const claims[] = {"account.pss", NULL};

PROBE(pss) = {
	.name = "account.pss-shares",
	.claims = claims,
	.question = "How much of shared memory is each of its users charged?",
	.method = "Write pages, let children map the same ones, read Pss of the area in smaps.",
	.threats = "A neighbouring area would merge with a private one: it stands alone. Huge "
		   "pages are counted as one: they are off.",
	.by_hand = "grep -E '^(Rss|Pss)' /proc/PID/smaps",
	.parameters_count = sizeof(parameters) / sizeof(parameters[0]),
	.parameters = parameters,
	.deadline_s = 10,
	.predict = PREDICTS(predict),
	.measure = MEASURES(measure),
};
