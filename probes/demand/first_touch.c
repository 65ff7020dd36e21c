/* SPDX-License-Identifier: Apache-2.0 */
/* The first access to each fresh anonymous page costs exactly one fault, and makes it resident. */
#include <stdint.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "probe/probe.h"
#include "trial/trial.h"
#include "vm/model.h"
#include "vm/prediction.h"

static const struct probe_parameter parameters[] = {
	{
		.name = "pages",
		.unit = VM_UNIT_PAGES,
		.choices_count = 3,
		.choices = {1, 64, 513},
		.lowest = 2,
		.highest = 4096,
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
			.claim = "demand.first-touch",
			.quantity = "minor-faults",
			.at = "",
			.unit = VM_UNIT_COUNT,
			.form = VM_FORM_EXACT,
			.values_count = 1,
			.values = &pages,
			.because = "each absent page traps once, and its frame is mapped then",
			.cite = "linux:6.12:mm/memory.c:do_anonymous_page",
		});
}

static void measure(const struct probe_arguments *arguments)
{
	const size_t pages = (size_t)probe_argument(arguments, "pages");
	const size_t length_bytes = vm_pages_to_bytes(pages);
	struct rusage before, after;

	volatile char *memory = mmap(
		NULL, length_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	MUST(memory != MAP_FAILED);
	MUST(madvise((void *)memory, length_bytes, MADV_NOHUGEPAGE) == 0);
	MUST(getrusage(RUSAGE_SELF, &before) == 0);
	for (size_t i = 0; i < pages; i++)
		memory[vm_pages_to_bytes(i)] = 1;
	MUST(getrusage(RUSAGE_SELF, &after) == 0);
	observe("minor-faults", after.ru_minflt - before.ru_minflt, VM_UNIT_COUNT, "getrusage");
}

static const char *const claims[] = {"demand.first-touch", NULL};

PROBE(first_touch) = {
	.name = "demand.first-touch",
	.claims = claims,
	.question = "How many minor faults does writing N fresh anonymous pages take?",
	.method =
		"Write one byte of each page in ascending order; read ru_minflt before and after.",
	.threats = "A huge page would take one fault for 512 pages: MADV_NOHUGEPAGE.",
	.by_hand = "perf trace -F all --no-syscalls -- stress-ng --vm 1 --vm-bytes 1m --vm-ops 1",
	.parameters_count = 1,
	.parameters = parameters,
	.deadline_s = 10,
	.predict = PREDICTS(predict),
	.measure = MEASURES(measure),
};
