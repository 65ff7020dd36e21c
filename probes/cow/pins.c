/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pinned pages count in VmPin of whoever made the ring, from the call that pins to the one that
 * lets go, whatever becomes of the mapping.
 *
 * It would miss a count that is wrong for huge pages alone.
 */
#include <errno.h>
#include <linux/io_uring.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "kernel/process.h"
#include "probe/probe.h"
#include "trial/files.h"
#include "trial/trial.h"
#include "vm/model.h"
#include "vm/prediction.h"

static const struct probe_parameter parameters[] = {
	{
		.name = "pages",
		.unit = VM_UNIT_PAGES,
		.choices_count = 1,
		.choices = {1},
		.lowest = 2,
		.highest = 300,
		.step = 1,
		.drawn = 1,
	},
};

static void predict(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	const int64_t pages = probe_argument(arguments, "pages");

	(void)model, (void)host, (void)readings;
	vm_predict(predictions,
		&(struct vm_prediction){
			.claim = "cow.pinned",
			.quantity = "pinned",
			.at = "",
			.unit = VM_UNIT_PAGES,
			.form = VM_FORM_EXACT,
			.values = (int64_t[]){0, pages, pages, 0},
			.values_count = 4,
			.because = "a pinned page counts for the process that made the ring until "
				   "the buffer is let go, mapped or not",
			.cite = "linux:6.12:io_uring/rsrc.c:io_account_mem",
		});
}

static int64_t pinned_pages(const struct kernel_file *file)
{
	struct kernel_status status;
	struct kernel_error error;

	MUST(kernel_status_parse(kernel_file_read(file), &status, &error) == 0);
	return (int64_t)vm_kib_to_pages_floor(status.value_kib[KERNEL_STATUS_VM_PIN]);
}

static void measure(const struct probe_arguments *arguments)
{
	const struct kernel_file status =
		kernel_file_open("/proc/self/status", KERNEL_FILE_USUAL_BYTES);
	struct io_uring_params with = {0};
	const int ring = (int)syscall(SYS_io_uring_setup, 1L, &with);
	const size_t length_bytes =
		(size_t)vm_pages_to_bytes((uint64_t)probe_argument(arguments, "pages"));
	void *memory = mmap(
		NULL, length_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	const struct iovec range = {.iov_base = memory, .iov_len = length_bytes};
	int64_t pinned[4];

	if (ring < 0)
		unmet("no ring of io_uring can be had", "CONFIG_IO_URING=y");
	MUST(memory != MAP_FAILED);
	small_pages(memory, length_bytes);
	pinned[0] = pinned_pages(&status);
	if (syscall(SYS_io_uring_register, ring, IORING_REGISTER_BUFFERS, &range, 1L) != 0) {
		MUST(errno == ENOMEM);
		unmet("the limit of locked memory is too low", "ulimit -l unlimited");
	}
	pinned[1] = pinned_pages(&status);
	MUST(munmap(memory, length_bytes) == 0);
	pinned[2] = pinned_pages(&status);
	MUST(syscall(SYS_io_uring_register, ring, IORING_UNREGISTER_BUFFERS, NULL, 0L) == 0);
	pinned[3] = pinned_pages(&status);
	observe_values("pinned", "", pinned, 4, VM_UNIT_PAGES, "VmPin");
}

static const char *const claims[] = {"cow.pinned", NULL};

PROBE(pins) = {
	.name = "cow.pins-counted",
	.claims = claims,
	.letters = "S",
	.question = "How many pages does status say are pinned?",
	.method = "Read VmPin before and after a buffer is registered, after it is unmapped, and "
		  "after it is let go.",
	.threats = "A huge page would count as a whole: the memory is of small ones.",
	.by_hand = "grep VmPin /proc/PID/status",
	.parameters_count = sizeof(parameters) / sizeof(parameters[0]),
	.parameters = parameters,
	.needs = {.features_count = 1, .features = {VM_FEATURE_IO_URING}},
	.deadline_s = 10,
	.predict = PREDICTS(predict),
	.measure = MEASURES(measure),
};
