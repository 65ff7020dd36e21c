/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the kernel lists as the size of the translation buffers, from what CPUID says of them.
 *
 * It would miss a processor that says one thing and does another: tlb.entries measures.
 */
#include "kernel/system.h"
#include "probe/probe.h"
#include "trial/files.h"
#include "trial/trial.h"
#include "vm/model.h"
#include "vm/prediction.h"
#include "vm/reach.h"

static void predict(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	const int64_t pages = vm_tlb_listed_pages(&model->behaviours, host);

	(void)arguments, (void)readings;
	vm_predict(predictions,
		&(struct vm_prediction){
			.claim = "tlb.entries",
			.quantity = "listed",
			.at = "",
			.unit = VM_UNIT_PAGES,
			.form = VM_FORM_EXACT,
			.values = &pages,
			.values_count = 1,
			.because = "on AMD the two numbers that CPUID 0x80000006 has for 4 KiB "
				   "pages, added up without their unit; on Intel none",
			.cite = "linux:6.12:arch/x86/kernel/cpu/common.c:cpu_detect_cache_sizes",
		});
}

/* Neither maker: which of the two ways the kernel goes is not said anywhere. */
static bool suits(const struct vm_host *host, const struct probe_arguments *arguments)
{
	(void)arguments;
	return host->cpu.vendor != VM_CPU_OTHER;
}

static void measure(const struct probe_arguments *arguments)
{
	const struct kernel_file file = kernel_file_open("/proc/cpuinfo", KERNEL_FILE_LARGE_BYTES);
	struct kernel_cpuinfo cpuinfo;
	struct kernel_error error;

	(void)arguments;
	MUST(kernel_cpuinfo_parse(kernel_file_read(&file), &cpuinfo, &error) == 0);
	observe("listed", (int64_t)cpuinfo.tlb_pages, VM_UNIT_PAGES, "/proc/cpuinfo");
}

static const char *const claims[] = {"tlb.entries", NULL};

PROBE(listed) = {
	.name = "tlb.listed",
	.claims = claims,
	.question = "Which TLB size does the kernel list?",
	.method = "Read cpuinfo.",
	.threats = "None is known.",
	.by_hand = "grep 'TLB size' /proc/cpuinfo; cpuid -1 -l 0x80000006",
	.deadline_s = 10,
	.suits = suits,
	.predict = PREDICTS(predict),
	.measure = MEASURES(measure),
};
