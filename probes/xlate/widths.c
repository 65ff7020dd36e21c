/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How wide addresses are: the last page that a process can map, and what the processor implements
 * of physical addresses.
 *
 * It would miss a kernel that lets a process map more than it says: only one boundary is looked
 * for.
 */
#include <errno.h>
#include <sys/mman.h>

#include "kernel/system.h"
#include "probe/probe.h"
#include "trial/trial.h"
#include "trial/zones.h"
#include "vm/model.h"
#include "vm/prediction.h"

#define PHYSICAL_BITS_OF_FORMAT 52

static int64_t physical_bits(const struct vm_model *model, const struct vm_host *host)
{
	switch (model->behaviours.physical_width) {
	case VM_PHYSICAL_WIDTH_OF_FORMAT:
		return PHYSICAL_BITS_OF_FORMAT;
	case VM_PHYSICAL_WIDTH_OF_PROCESSOR:
		break;
	}
	return host->cpu.physical_bits;
}

static void predict_one(struct vm_predictions *predictions, const struct vm_prediction *about,
	enum vm_form form, const int64_t *values, size_t values_count)
{
	struct vm_prediction prediction = *about;

	prediction.at = "";
	prediction.form = form;
	prediction.values = values;
	prediction.values_count = values_count;
	vm_predict(predictions, &prediction);
}

static void predict(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	const int64_t physical = physical_bits(model, host);
	/* Twelve bits for the page and nine for each level. */
	const int64_t virtual = VM_PAGE_SHIFT + 9 * host->page_table_levels;
	const uint64_t half_bytes = UINT64_C(1) << (virtual - 1);
	const int64_t last_page = (int64_t)(half_bytes - 2 * VM_PAGE_BYTES);

	(void)arguments, (void)readings;
	predict_one(predictions,
		&(struct vm_prediction){
			.claim = "xlate.physical-width",
			.quantity = "physical-bits",
			.unit = VM_UNIT_BITS,
			.because = "the format holds 52 bits; the processor says how many it "
				   "implements",
			.cite = "linux:6.12:arch/x86/kernel/cpu/common.c:get_cpu_address_sizes",
		},
		VM_FORM_EXACT, &physical, 1);
	predict_one(predictions,
		&(struct vm_prediction){
			.claim = "xlate.physical-width",
			.quantity = "highest-frame",
			.unit = VM_UNIT_FRAME,
			.because = "no memory lies where the processor's addresses do not reach",
			.cite = "intel-sdm:3A:4.1.4",
		},
		VM_FORM_WITHIN, (int64_t[]){1, (INT64_C(1) << (physical - VM_PAGE_SHIFT)) - 1}, 2);
	predict_one(predictions,
		&(struct vm_prediction){
			.claim = "xlate.four-level",
			.quantity = "virtual-bits",
			.unit = VM_UNIT_BITS,
			.because = "nine bits for each level of tables, and twelve inside the page",
			.cite = "linux:6.12:arch/x86/kernel/cpu/common.c:get_cpu_address_sizes",
		},
		VM_FORM_EXACT, &virtual, 1);
	predict_one(predictions,
		&(struct vm_prediction){
			.claim = "xlate.four-level",
			.quantity = "last-page",
			.unit = VM_UNIT_ADDRESS,
			.because = "the lower half is the process's, but for its last page",
			.cite = "linux:6.12:arch/x86/include/asm/page_64_types.h:TASK_SIZE_MAX",
		},
		VM_FORM_EXACT, &last_page, 1);
}

/* Mapped, or refused only because something is there already. */
static bool is_user_page(uint64_t address)
{
	char *page = mmap((void *)address, (size_t)VM_PAGE_BYTES, PROT_NONE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	if (page == MAP_FAILED)
		return errno == EEXIST;
	MUST((uint64_t)page == address && munmap(page, (size_t)VM_PAGE_BYTES) == 0);
	return true;
}

static uint64_t last_user_page(void)
{
	uint64_t good = VM_GIB_BYTES, bad = UINT64_C(1) << 63;

	MUST(is_user_page(good) && !is_user_page(bad));
	while (bad - good > VM_PAGE_BYTES) {
		const uint64_t middle = vm_align_down(good + (bad - good) / 2, VM_PAGE_BYTES);
		if (is_user_page(middle))
			good = middle;
		else
			bad = middle;
	}
	return good;
}

static void measure(const struct probe_arguments *arguments)
{
	struct zone_passes *passes = zone_passes_open();
	const struct kernel_file file = kernel_file_open("/proc/cpuinfo", KERNEL_FILE_LARGE_BYTES);
	struct kernel_cpuinfo cpuinfo;
	struct kernel_error error;
	uint64_t end_frame = 0;

	(void)arguments;
	MUST(kernel_cpuinfo_parse(kernel_file_read(&file), &cpuinfo, &error) == 0);
	zone_passes_read(passes, 0);
	for (size_t i = 0; i < passes->zoneinfo[0].count; i++) {
		const struct kernel_zone *zone = &passes->zoneinfo[0].zone[i];
		if (zone->populated && zone->start_frame + zone->spanned_pages > end_frame)
			end_frame = zone->start_frame + zone->spanned_pages;
	}
	observe("physical-bits", (int64_t)cpuinfo.physical_bits, VM_UNIT_BITS, "/proc/cpuinfo");
	observe("virtual-bits", (int64_t)cpuinfo.virtual_bits, VM_UNIT_BITS, "/proc/cpuinfo");
	observe("highest-frame", (int64_t)end_frame - 1, VM_UNIT_FRAME, "/proc/zoneinfo");
	observe("last-page", (int64_t)last_user_page(), VM_UNIT_ADDRESS, "mmap");
}

static const char *const claims[] = {"xlate.physical-width", "xlate.four-level", NULL};

PROBE(widths) = {
	.name = "xlate.widths",
	.claims = claims,
	.question = "How wide are physical and virtual addresses?",
	.method = "Read cpuinfo; find by halving the last page that can be mapped.",
	.threats = "A page that is in use already can be mapped as well: that refusal is told "
		   "from the other.",
	.by_hand = "grep 'address sizes' /proc/cpuinfo",
	.deadline_s = 10,
	.predict = PREDICTS(predict),
	.measure = MEASURES(measure),
};
