/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's linear mapping: that it covers all memory, and with which pages.
 *
 * It would miss a mapping to wrong frames, which its sizes do not show: a guest's tables do.
 */
#include <string.h>

#include "kernel/system.h"
#include "kernel/values.h"
#include "probe/moving.h"
#include "probe/probe.h"
#include "trial/files.h"
#include "trial/trial.h"
#include "vm/direct.h"
#include "vm/model.h"
#include "vm/prediction.h"

#define RANGES_LIMIT 64
#define READ_LIMIT   16 /* readings until two of them agree */

enum page_size { SMALL, LARGE, GIANT, SIZES_COUNT };

static const struct {
	const char *quantity, *line, *splits, *collapses;
	uint64_t bytes;
} sizes[SIZES_COUNT] = {
	[SMALL] = {"small", "DirectMap4k", NULL, NULL, VM_PAGE_BYTES},
	[LARGE] = {"large", "DirectMap2M", "direct_map_level2_splits",
		"direct_map_level2_collapses", VM_HUGE_2M_BYTES},
	[GIANT] = {"giant", "DirectMap1G", "direct_map_level3_splits",
		"direct_map_level3_collapses", VM_HUGE_1G_BYTES},
};

static const char *const inputs[] = {"ram-first", "ram-end", "large-split", "giant-split"};

#define INPUTS_COUNT (sizeof(inputs) / sizeof(inputs[0]))

static bool map_of(const struct vm_host *host, const struct probe_readings *readings,
	struct vm_direct_map *map)
{
	const struct probe_reading *first = probe_reading_of(readings, "ram-first", "");
	const struct probe_reading *end = probe_reading_of(readings, "ram-end", "");
	struct vm_memory_range ranges[RANGES_LIMIT];

	if (first == NULL || end == NULL || first->values_count != end->values_count ||
		first->values_count > RANGES_LIMIT)
		return false;
	for (size_t i = 0; i < first->values_count; i++)
		ranges[i] = (struct vm_memory_range){
			(uint64_t)first->values[i], (uint64_t)end->values[i]};
	*map = vm_direct_map(ranges, first->values_count, host->cpu.page_1g);
	return true;
}

static int64_t kib_of(uint64_t pages, enum page_size size)
{
	return (int64_t)(pages * (sizes[size].bytes / VM_KIB_BYTES));
}

static void predict_pages(const struct vm_direct_map *map, uint64_t again, int64_t large_split,
	int64_t giant_split, struct vm_predictions *predictions)
{
	const int64_t whole_kib = (int64_t)vm_direct_map_kib(map) + kib_of(again, GIANT);
	const int64_t split_kib = large_split > 0 ? kib_of((uint64_t)large_split, LARGE) : 0;
	const int64_t gone_kib = giant_split > 0 ? kib_of((uint64_t)giant_split, GIANT) : 0;
	/* At start a few places are given rights of their own: not all of memory. */
	const int64_t giant_kib = map->giant > 1 ? kib_of(1, GIANT) : 0;
	const int64_t remainder = kib_of(map->small, SMALL) % kib_of(1, LARGE);
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
	prediction.quantity = sizes[SMALL].quantity;
	prediction.cite = "linux:6.12:arch/x86/mm/pat/set_memory.c:split_page_count";
	predict_moving(predictions, &prediction,
		(struct moving){kib_of(map->small, SMALL) + split_kib, whole_kib}, 1);
	prediction.quantity = sizes[GIANT].quantity;
	prediction.because = "pages of 1 GiB where memory fills them, less those that were split";
	predict_moving(predictions, &prediction,
		(struct moving){giant_kib, kib_of(map->giant + again, GIANT) - gone_kib}, 1);
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
		values[i] = whole_kib + kib_of(i, GIANT);
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
	struct moving large_split, giant_split;
	struct vm_direct_map map;

	(void)arguments;
	if (!map_of(host, readings, &map) ||
		!moving_of(readings, "large-split", "", &large_split) ||
		!moving_of(readings, "giant-split", "", &giant_split)) {
		predict_rules(predictions);
		return;
	}
	predict_whole(model, &map, predictions);
	predict_pages(&map, map.giant == 0 ? 0 : VM_DIRECT_MAP_AGAIN_HIGHEST, large_split.lowest,
		giant_split.lowest, predictions);
}

/* Memory that is mapped and no RAM, or RAM that is mapped with small pages on purpose. */
static void refuse_what_is_not_plain(void)
{
	struct kernel_file cmdline = kernel_file_open("/proc/cmdline", KERNEL_FILE_USUAL_BYTES);
	const struct kernel_text text = kernel_file_read(&cmdline);
	struct kernel_text rest = text, word;

	while (kernel_word_next(&rest, &word))
		if (kernel_text_is(word, "nogbpages") || kernel_text_is(word, "movable_node") ||
			kernel_text_starts(word, "debug_pagealloc"))
			unmet("the kernel's command line has the linear mapping made another way",
				"start it without nogbpages, movable_node, debug_pagealloc");
	kernel_file_close(&cmdline);
}

static void add_range(
	int64_t first[], int64_t end[], size_t *count, const struct kernel_resource *resource)
{
	const int64_t first_frame = (int64_t)vm_bytes_to_pages_ceil(resource->first);
	const int64_t end_frame = (int64_t)vm_bytes_to_pages_floor(resource->last + 1);

	/* What the kernel itself keeps in RAM is listed as a range of its own. */
	if (*count != 0 && end[*count - 1] == first_frame) {
		end[*count - 1] = end_frame;
		return;
	}
	MUST(*count < RANGES_LIMIT);
	first[*count] = first_frame;
	end[(*count)++] = end_frame;
}

static void observe_ram(void)
{
	struct kernel_file iomem = kernel_file_open("/proc/iomem", KERNEL_FILE_LARGE_BYTES);
	struct kernel_lines lines = kernel_lines_of(kernel_file_read(&iomem));
	int64_t first[RANGES_LIMIT], end[RANGES_LIMIT];
	struct kernel_resource resource;
	struct kernel_error error;
	size_t count = 0;
	int got;

	while ((got = kernel_iomem_next(&lines, &resource, &error)) > 0) {
		if (kernel_text_starts(resource.name, "Persistent Memory") ||
			kernel_text_starts(resource.name, "dax"))
			unmet("persistent memory may be in the linear mapping too", "a guest");
		if (!kernel_text_starts(resource.name, "System RAM"))
			continue;
		if (resource.last == 0)
			unmet("addresses of memory are for root", "run as root");
		add_range(first, end, &count, &resource);
	}
	MUST(got == 0 && count != 0);
	observe_values("ram-first", "", first, count, VM_UNIT_FRAME, "/proc/iomem");
	observe_values("ram-end", "", end, count, VM_UNIT_FRAME, "/proc/iomem");
}

struct reading {
	int64_t kib[SIZES_COUNT], split[SIZES_COUNT];
};

static struct reading read_once(const struct kernel_file *meminfo, const struct kernel_file *vmstat)
{
	struct kernel_text text = kernel_file_read(vmstat);
	struct reading reading = {0};

	for (size_t size = LARGE; size <= GIANT; size++) {
		uint64_t splits = 0, collapses = 0;
		(void)kernel_vmstat_find(text, sizes[size].splits, &splits);
		(void)kernel_vmstat_find(text, sizes[size].collapses, &collapses);
		reading.split[size] = (int64_t)splits - (int64_t)collapses;
	}
	text = kernel_file_read(meminfo);
	for (size_t size = SMALL; size < SIZES_COUNT; size++) {
		uint64_t kib = 0;
		(void)kernel_meminfo_find(text, sizes[size].line, &kib);
		reading.kib[size] = (int64_t)kib;
	}
	return reading;
}

/* The lines of meminfo are one moment only if nothing was split while they were printed. */
static struct reading read_at_rest(void)
{
	const struct kernel_file meminfo =
		kernel_file_open("/proc/meminfo", KERNEL_FILE_USUAL_BYTES);
	const struct kernel_file vmstat = kernel_file_open("/proc/vmstat", KERNEL_FILE_USUAL_BYTES);
	struct reading reading = read_once(&meminfo, &vmstat);

	for (size_t i = 0; i < READ_LIMIT; i++) {
		const struct reading next = read_once(&meminfo, &vmstat);
		if (memcmp(&next, &reading, sizeof(next)) == 0)
			return next;
		reading = next;
	}
	broken("the linear mapping changes all the time");
}

static void measure(const struct probe_arguments *arguments)
{
	(void)arguments;
	refuse_what_is_not_plain();
	observe_ram();
	const struct reading reading = read_at_rest();
	observe("mapped", reading.kib[SMALL] + reading.kib[LARGE] + reading.kib[GIANT], VM_UNIT_KIB,
		"/proc/meminfo");
	observe("small-beside-blocks",
		reading.kib[SMALL] % (int64_t)(VM_HUGE_2M_BYTES / VM_KIB_BYTES), VM_UNIT_KIB,
		"/proc/meminfo");
	for (size_t size = SMALL; size < SIZES_COUNT; size++)
		observe(sizes[size].quantity, reading.kib[size], VM_UNIT_KIB, "/proc/meminfo");
	observe("large-split", reading.split[LARGE], VM_UNIT_COUNT, "/proc/vmstat");
	observe("giant-split", reading.split[GIANT], VM_UNIT_COUNT, "/proc/vmstat");
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
