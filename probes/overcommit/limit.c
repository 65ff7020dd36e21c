/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CommitLimit, which meminfo shows in every mode, from RAM, swap, huge pages and two settings.
 *
 * It would miss a kernel that shows this limit and enforces another one: overcommit.mode2.
 */
#include "probe/moving.h"
#include "probe/probe.h"
#include "trial/files.h"
#include "trial/trial.h"
#include "vm/commit.h"
#include "vm/model.h"
#include "vm/prediction.h"

#define PASSES 2

static const struct probe_parameter parameters[] = {
	{
		.name = "ratio",
		.unit = VM_UNIT_COUNT,
		.choices_count = 3,
		.choices = {PROBE_AS_IS, 0, 37},
		.lowest = 1,
		.highest = 250,
		.step = 1,
		.drawn = 1,
		.knob = "vm.overcommit_ratio",
	},
	{
		.name = "kbytes",
		.unit = VM_UNIT_KIB,
		.choices_count = 2,
		.choices = {PROBE_AS_IS, 1000003},
		.lowest = 1,
		.highest = 1 << 30,
		.step = 1,
		.drawn = 1,
		.knob = "vm.overcommit_kbytes",
	},
};

/* They are rivals: setting one takes the other back to 0. */
static bool suits(const struct vm_host *host, const struct probe_arguments *arguments)
{
	(void)host;
	return probe_argument(arguments, "ratio") == PROBE_AS_IS ||
	       probe_argument(arguments, "kbytes") == PROBE_AS_IS;
}

static const char *const inputs[] = {"ram", "swap", "huge", "ratio", "kbytes"};

#define INPUTS_COUNT (sizeof(inputs) / sizeof(inputs[0]))

static void explain(const struct vm_model *model, struct vm_prediction *prediction)
{
	prediction->cite = "linux:6.12:mm/util.c:vm_commit_limit";
	switch (model->behaviours.commit_limit) {
	case VM_COMMIT_LIMIT_RAM_SHARE:
		prediction->because = "swap and overcommit_ratio percent of RAM";
		prediction->cite = "wut";
		return;
	case VM_COMMIT_LIMIT_LESS_HUGE_PAGES:
		break;
	}
	prediction->because = "swap, and overcommit_ratio percent of RAM without huge pages, or "
			      "overcommit_kbytes if that is set";
}

static uint64_t pages_of(int64_t kib)
{
	return vm_kib_to_pages_floor((uint64_t)kib);
}

static void predict(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	struct moving ram, swap, huge, ratio, kbytes;
	struct vm_prediction prediction = {
		.claim = "overcommit.mode2",
		.quantity = "commit-limit",
		.at = "",
		.unit = VM_UNIT_KIB,
	};

	(void)host, (void)arguments;
	explain(model, &prediction);
	if (!moving_of(readings, "ram", "", &ram) || !moving_of(readings, "swap", "", &swap) ||
		!moving_of(readings, "huge", "", &huge) ||
		!moving_of(readings, "ratio", "", &ratio) ||
		!moving_of(readings, "kbytes", "", &kbytes)) {
		predict_rule(predictions, &prediction, inputs, INPUTS_COUNT);
		return;
	}
	const struct vm_commit_state least = {
		.ram_pages = pages_of(ram.lowest),
		.swap_pages = pages_of(swap.lowest),
		.huge_pages = pages_of(huge.highest),
		.ratio_percent = (uint64_t)ratio.lowest,
		.limit_kib = (uint64_t)kbytes.lowest,
	};
	const struct vm_commit_state most = {
		.ram_pages = pages_of(ram.highest),
		.swap_pages = pages_of(swap.highest),
		.huge_pages = pages_of(huge.lowest),
		.ratio_percent = (uint64_t)ratio.highest,
		.limit_kib = (uint64_t)kbytes.highest,
	};
	predict_moving(predictions, &prediction,
		(struct moving){
			(int64_t)vm_pages_to_kib(vm_commit_limit_pages(&model->behaviours, &least)),
			(int64_t)vm_pages_to_kib(vm_commit_limit_pages(&model->behaviours, &most)),
		},
		PASSES);
}

static void measure(const struct probe_arguments *arguments)
{
	static const struct {
		const char *quantity, *name;
	} lines[] = {{"ram", "MemTotal"}, {"swap", "SwapTotal"}, {"huge", "Hugetlb"},
		{"commit-limit", "CommitLimit"}};
	enum { LINES = sizeof(lines) / sizeof(lines[0]) };
	const struct kernel_file meminfo =
		kernel_file_open("/proc/meminfo", KERNEL_FILE_USUAL_BYTES);
	int64_t values[LINES][PASSES], ratio[PASSES], kbytes[PASSES];

	(void)arguments;
	for (size_t pass = 0; pass < PASSES; pass++) {
		ratio[pass] = kernel_number_at("/proc/sys/vm/overcommit_ratio");
		kbytes[pass] = kernel_number_at("/proc/sys/vm/overcommit_kbytes");
		const struct kernel_text text = kernel_file_read(&meminfo);
		for (size_t i = 0; i < LINES; i++)
			values[i][pass] = kernel_meminfo_value(text, lines[i].name);
	}
	for (size_t i = 0; i < LINES; i++)
		observe_values(
			lines[i].quantity, "", values[i], PASSES, VM_UNIT_KIB, "/proc/meminfo");
	observe_values("ratio", "", ratio, PASSES, VM_UNIT_COUNT, "vm.overcommit_ratio");
	observe_values("kbytes", "", kbytes, PASSES, VM_UNIT_KIB, "vm.overcommit_kbytes");
}

static const char *const claims[] = {"overcommit.mode2", NULL};

PROBE(limit) = {
	.name = "overcommit.limit",
	.claims = claims,
	.question = "What is CommitLimit?",
	.method = "Read both settings, then meminfo, twice.",
	.threats = "Huge pages of every size count, in and out of use: the line Hugetlb has all.",
	.by_hand = "grep -E 'MemTotal|SwapTotal|Hugetlb|CommitLimit' /proc/meminfo\n"
		   "sysctl vm.overcommit_ratio vm.overcommit_kbytes",
	.parameters_count = sizeof(parameters) / sizeof(parameters[0]),
	.parameters = parameters,
	.deadline_s = 10,
	.suits = suits,
	.predict = PREDICTS(predict),
	.measure = MEASURES(measure),
};

PROBE(limit_huge) = {
	.name = "overcommit.limit-huge-pages",
	.claims = claims,
	.question = "What is CommitLimit when there are huge pages in the pool?",
	.method = "As overcommit.limit, with eight huge pages of 2 MiB taken into the pool.",
	.threats = "Huge pages of every size count, in and out of use: the line Hugetlb has all.",
	.by_hand = "sysctl vm.nr_hugepages=8; grep -E 'Hugetlb|CommitLimit' /proc/meminfo",
	.needs = {.huge_2m_pages = 8},
	.deadline_s = 10,
	.predict = PREDICTS(predict),
	.measure = MEASURES(measure),
};

PROBE(limit_swap) = {
	.name = "overcommit.limit-swap",
	.claims = claims,
	.question = "What is CommitLimit when there is swap?",
	.method =
		"As overcommit.limit, with 64 MiB of swap or more, and kbytes in the place of the "
		"ratio in half of the cases.",
	.threats = "Swap that others take into use meanwhile counts; it is in both readings.",
	.by_hand = "grep -E 'SwapTotal|CommitLimit' /proc/meminfo",
	.parameters_count = 1,
	.parameters = &parameters[1],
	.needs = {.swap_bytes = 64 << 20},
	.deadline_s = 10,
	.predict = PREDICTS(predict),
	.measure = MEASURES(measure),
};
