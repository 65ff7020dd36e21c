/* SPDX-License-Identifier: Apache-2.0 */
#include "trial/ram.h"

#include "kernel/system.h"
#include "kernel/values.h"
#include "trial/trial.h"

#define RANGES_LIMIT 64

void mapping_must_be_plain(void)
{
	if (started_with("nogbpages") || started_with("movable_node") ||
		started_with("debug_pagealloc"))
		unmet("the kernel's command line has the linear mapping made another way",
			"start it without nogbpages, movable_node, debug_pagealloc");
}

struct ranges {
	size_t count;
	int64_t first[RANGES_LIMIT], end[RANGES_LIMIT];
};

static void add_range(struct ranges *ranges, const struct kernel_resource *resource)
{
	const int64_t first = (int64_t)vm_bytes_to_pages_ceil(resource->first);
	const int64_t end = (int64_t)vm_bytes_to_pages_floor(resource->last + 1);

	/* What the kernel itself keeps in RAM is listed as a range of its own. */
	if (ranges->count != 0 && ranges->end[ranges->count - 1] == first) {
		ranges->end[ranges->count - 1] = end;
		return;
	}
	MUST(ranges->count < RANGES_LIMIT);
	ranges->first[ranges->count] = first;
	ranges->end[ranges->count++] = end;
}

uint64_t observe_ram(void)
{
	struct kernel_file iomem = kernel_file_open("/proc/iomem", KERNEL_FILE_LARGE_BYTES);
	struct kernel_lines lines = kernel_lines_of(kernel_file_read(&iomem));
	struct ranges ranges = {0};
	struct kernel_resource resource;
	struct kernel_error error;
	int got;

	while ((got = kernel_iomem_next(&lines, &resource, &error)) > 0) {
		if (kernel_text_starts(resource.name, "Persistent Memory") ||
			kernel_text_starts(resource.name, "dax"))
			unmet("persistent memory may be in the linear mapping too", "a guest");
		if (!kernel_text_starts(resource.name, "System RAM"))
			continue;
		if (resource.last == 0)
			unmet("addresses of memory are for root", "run as root");
		add_range(&ranges, &resource);
	}
	MUST(got == 0 && ranges.count != 0);
	kernel_file_close(&iomem);
	observe_values("ram-first", "", ranges.first, ranges.count, VM_UNIT_FRAME, "/proc/iomem");
	observe_values("ram-end", "", ranges.end, ranges.count, VM_UNIT_FRAME, "/proc/iomem");
	return (uint64_t)ranges.end[ranges.count - 1];
}

struct mapping_count mapping_read(
	const struct kernel_file *meminfo, const struct kernel_file *vmstat)
{
	static const struct {
		const char *line, *splits, *collapses;
	} names[MAPPING_PAGES] = {
		[MAPPING_SMALL] = {"DirectMap4k", NULL, NULL},
		[MAPPING_LARGE] = {"DirectMap2M", "direct_map_level2_splits",
			"direct_map_level2_collapses"},
		[MAPPING_GIANT] = {"DirectMap1G", "direct_map_level3_splits",
			"direct_map_level3_collapses"},
	};
	struct kernel_text text = kernel_file_read(vmstat);
	struct mapping_count count = {0};
	uint64_t value;

	for (size_t size = MAPPING_LARGE; size < MAPPING_PAGES; size++) {
		if (kernel_vmstat_find(text, names[size].splits, &value))
			count.splits[size] = (int64_t)value;
		if (kernel_vmstat_find(text, names[size].collapses, &value))
			count.collapses[size] = (int64_t)value;
	}
	text = kernel_file_read(meminfo);
	for (size_t size = 0; size < MAPPING_PAGES; size++)
		if (kernel_meminfo_find(text, names[size].line, &value))
			count.kib[size] = (int64_t)value;
	return count;
}
