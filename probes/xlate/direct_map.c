/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's linear mapping: that it covers all memory, and with which pages.
 *
 * It would miss a mapping to wrong frames, which its sizes do not show: xlate.linear-tables does.
 */
#include <string.h>

#include "probe/moving.h"
#include "probe/probe.h"
#include "probe/ram.h"
#include "trial/files.h"
#include "trial/ram.h"
#include "trial/trial.h"
#include "vm/direct.h"
#include "vm/model.h"
#include "vm/prediction.h"

#define READ_LIMIT 16 /* readings until two of them agree */

static const char *const inputs[] = {
	"ram-first", "ram-end", "small", "large-split", "large-made-again", "giant-split"};

#define INPUTS_COUNT (sizeof(inputs) / sizeof(inputs[0]))

static int64_t kib_of(uint64_t pages, uint64_t page_bytes)
{
	return (int64_t)(pages * (page_bytes / VM_KIB_BYTES));
}

/* What a record says may contradict itself: then nothing fits, and that is told. */
static struct moving between(int64_t lowest, int64_t highest)
{
	return (struct moving){lowest, highest < lowest ? lowest : highest};
}

/*
 * A giant page is split for a block in it that is split, too, or for the kernel's image, which has
 * rights of its own in whole blocks and touches two giant pages at most. Is one more there than all
 * of that can have taken, then one is left.
 */
static uint64_t giants_left(const struct vm_direct_map *map, uint64_t blocks_ever_split)
{
	return map->giant > blocks_ever_split + 2;
}

struct pages_now {
	int64_t small_kib, large_split, large_made_again, giant_split;
};

static void predict_pages(const struct vm_direct_map *map, uint64_t again,
	const struct pages_now *now, struct vm_predictions *predictions)
{
	const int64_t whole_kib = (int64_t)vm_direct_map_kib(map) + kib_of(again, VM_HUGE_1G_BYTES);
	const int64_t split_kib =
		now->large_split > 0 ? kib_of((uint64_t)now->large_split, VM_HUGE_2M_BYTES) : 0;
	const int64_t gone_kib =
		now->giant_split > 0 ? kib_of((uint64_t)now->giant_split, VM_HUGE_1G_BYTES) : 0;
	const uint64_t ever_split = vm_direct_map_split_blocks(map, (uint64_t)now->small_kib) +
				    (uint64_t)now->large_made_again;
	const int64_t small_kib = kib_of(map->small, VM_PAGE_BYTES);
	const int64_t remainder = small_kib % kib_of(1, VM_HUGE_2M_BYTES);
	struct vm_prediction prediction = {
		.claim = "xlate.direct-map",
		.quantity = "small-beside-blocks",
		.at = "",
		.unit = VM_UNIT_KIB,
		.because = "small pages are where memory does not fill 2 MiB, below 1 MiB, and "
			   "512 for each larger page that was split",
		.cite = "linux:6.12:arch/x86/mm/init.c:split_mem_range",
	};

	predict_moving(predictions, &prediction, (struct moving){remainder, remainder}, 1);
	prediction.quantity = "small";
	prediction.cite = "linux:6.12:arch/x86/mm/pat/set_memory.c:split_page_count";
	predict_moving(predictions, &prediction, between(small_kib + split_kib, whole_kib), 1);
	prediction.quantity = "giant";
	prediction.because = "pages of 1 GiB where memory fills them, less those that were split: "
			     "for a block that is split in them, or for the kernel's image";
	predict_moving(predictions, &prediction,
		between(kib_of(giants_left(map, ever_split), VM_HUGE_1G_BYTES),
			kib_of(map->giant + again, VM_HUGE_1G_BYTES) - gone_kib),
		1);
}

static void predict_whole(const struct vm_model *model, const struct vm_direct_map *map,
	struct vm_predictions *predictions)
{
	const int64_t whole_kib = (int64_t)vm_direct_map_kib(map);
	int64_t values[VM_DIRECT_MAP_AGAIN_HIGHEST + 1];
	size_t count = 1;

	switch (model->behaviours.direct_map_count) {
	case VM_DIRECT_MAP_COUNTED_ONCE:
		break;
	case VM_DIRECT_MAP_COUNTED_BY_PIECE:
		count = map->giant == 0 ? 1 : VM_DIRECT_MAP_AGAIN_HIGHEST + 1;
		break;
	}
	for (size_t i = 0; i < count; i++)
		values[i] = whole_kib + kib_of(i, VM_HUGE_1G_BYTES);
	vm_predict(predictions,
		&(struct vm_prediction){
			.claim = "xlate.direct-map",
			.quantity = "mapped",
			.at = "",
			.unit = VM_UNIT_KIB,
			.form = count == 1 ? VM_FORM_EXACT : VM_FORM_AMONG,
			.values = values,
			.values_count = count,
			.because =
				"all memory is mapped, and the first MiB; a giant page counts "
				"again for each further piece of the mapping that was made of it",
			.cite = "linux:6.12:arch/x86/mm/init.c:memory_map_top_down",
		});
}

static void predict_rules(struct vm_predictions *predictions)
{
	static const char *const quantities[] = {"mapped", "small-beside-blocks", "small", "giant"};

	for (size_t i = 0; i < sizeof(quantities) / sizeof(quantities[0]); i++)
		predict_rule(predictions,
			&(struct vm_prediction){
				.claim = "xlate.direct-map",
				.quantity = quantities[i],
				.at = "",
				.unit = VM_UNIT_KIB,
				.because = "all memory is mapped, by the largest pages that fit",
				.cite = "linux:6.12:arch/x86/mm/init.c:memory_map_top_down",
			},
			inputs, INPUTS_COUNT);
}

static void predict(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	struct moving small, large_split, giant_split, made_again = {0};
	struct memory_ranges ranges;

	(void)arguments;
	if (!memory_ranges_of(readings, &ranges) || !moving_of(readings, "small", "", &small) ||
		!moving_of(readings, "large-split", "", &large_split) ||
		!moving_of(readings, "giant-split", "", &giant_split)) {
		predict_rules(predictions);
		return;
	}
	/* Older records do not have it: no kernel of theirs made pages again. */
	(void)moving_of(readings, "large-made-again", "", &made_again);
	const struct vm_direct_map map =
		vm_direct_map(ranges.range, ranges.count, host->cpu.page_1g);
	const struct pages_now now = {
		small.lowest, large_split.lowest, made_again.lowest, giant_split.lowest};
	predict_whole(model, &map, predictions);
	predict_pages(&map, map.giant == 0 ? 0 : VM_DIRECT_MAP_AGAIN_HIGHEST, &now, predictions);
}

/* The lines of meminfo are one moment only if nothing was split while they were printed. */
static struct mapping_count read_at_rest(void)
{
	const struct kernel_file meminfo =
		kernel_file_open("/proc/meminfo", KERNEL_FILE_USUAL_BYTES);
	const struct kernel_file vmstat = kernel_file_open("/proc/vmstat", KERNEL_FILE_USUAL_BYTES);
	struct mapping_count count = mapping_read(&meminfo, &vmstat);

	for (size_t i = 0; i < READ_LIMIT; i++) {
		const struct mapping_count next = mapping_read(&meminfo, &vmstat);
		if (memcmp(&next, &count, sizeof(next)) == 0)
			return next;
		count = next;
	}
	broken("the linear mapping changes all the time");
}

static void measure(const struct probe_arguments *arguments)
{
	(void)arguments;
	mapping_must_be_plain();
	(void)observe_ram();
	const struct mapping_count count = read_at_rest();
	observe("mapped",
		count.kib[MAPPING_SMALL] + count.kib[MAPPING_LARGE] + count.kib[MAPPING_GIANT],
		VM_UNIT_KIB, "/proc/meminfo");
	observe("small-beside-blocks",
		count.kib[MAPPING_SMALL] % (int64_t)(VM_HUGE_2M_BYTES / VM_KIB_BYTES), VM_UNIT_KIB,
		"/proc/meminfo");
	observe("small", count.kib[MAPPING_SMALL], VM_UNIT_KIB, "/proc/meminfo");
	observe("large", count.kib[MAPPING_LARGE], VM_UNIT_KIB, "/proc/meminfo");
	observe("giant", count.kib[MAPPING_GIANT], VM_UNIT_KIB, "/proc/meminfo");
	observe("large-split", count.splits[MAPPING_LARGE] - count.collapses[MAPPING_LARGE],
		VM_UNIT_COUNT, "/proc/vmstat");
	observe("large-made-again", count.collapses[MAPPING_LARGE], VM_UNIT_COUNT, "/proc/vmstat");
	observe("giant-split", count.splits[MAPPING_GIANT] - count.collapses[MAPPING_GIANT],
		VM_UNIT_COUNT, "/proc/vmstat");
}

static const char *const claims[] = {"xlate.direct-map", NULL};

PROBE(direct_map) = {
	.name = "xlate.direct-map",
	.claims = claims,
	.question = "Which memory is in the kernel's linear mapping, and by which pages?",
	.method =
		"Read the ranges of RAM in iomem, the three lines of meminfo, and how often pages "
		"of the mapping were split since.",
	.threats = "A module or a filter that is loaded meanwhile splits a page: readings are "
		   "taken until two agree.",
	.by_hand = "grep 'System RAM' /proc/iomem; grep DirectMap /proc/meminfo\n"
		   "grep direct_map /proc/vmstat",
	.needs = {.root = true, .capabilities = VM_CAPABILITY_SYS_ADMIN},
	.deadline_s = 10,
	.predict = PREDICTS(predict),
	.measure = MEASURES(measure),
};
