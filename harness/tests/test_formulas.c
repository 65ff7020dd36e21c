/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The formulas against the kernel's own figures on captured machines, and against worked examples.
 * formula_mutants.sh builds this program with one line of a formula changed, and demands that the
 * figures of captured machines refute it.
 */
#include <dirent.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "facts/facts.h"
#include "kernel/blocks.h"
#include "kernel/lists.h"
#include "kernel/system.h"
#include "kernel/values.h"
#include "kernel/zoneinfo.h"
#include "vm/available.h"
#include "vm/chance.h"
#include "vm/commit.h"
#include "vm/direct.h"
#include "vm/frame.h"
#include "vm/layout.h"
#include "vm/oom.h"
#include "vm/reach.h"
#include "vm/replace.h"
#include "vm/shares.h"
#include "vm/slab.h"
#include "vm/tables.h"
#include "vm/zones.h"

#define HOSTS	    SOURCE_DIR "/results/hosts"
#define HOSTS_LIMIT 64

/* One captured machine, and what the linux filling makes of it. */
struct machine {
	const char *folder;
	struct facts facts;
	struct vm_behaviours behaviours;
	struct kernel_zoneinfo zoneinfo;
	struct kernel_text meminfo, vmstat, slabinfo;
};

static struct pool pool;
static struct machine machines[HOSTS_LIMIT];
static size_t machines_count;

static struct kernel_text file_of(const char *folder, const char *path)
{
	struct facts_error error;
	struct kernel_text text = {0};

	if (facts_file_captured(&pool, folder, path, &text.bytes, &text.length_bytes, &error) != 0)
		fail_msg("%s/%s: %s", folder, path, error.text);
	return text;
}

static void read_machine(const char *name)
{
	struct machine *machine = &machines[machines_count++];
	struct facts_error error;
	struct kernel_error why;

	assert_true(machines_count <= HOSTS_LIMIT);
	machine->folder = pool_format(&pool, HOSTS "/%s", name);
	if (facts_read_captured(&pool, machine->folder, &machine->facts, &error) != 0)
		fail_msg("%s", error.text);
	vm_behaviours_linux(&machine->behaviours, &machine->facts.host);
	assert_int_equal(kernel_zoneinfo_parse(file_of(machine->folder, "proc/zoneinfo"),
				 &machine->zoneinfo, &why),
		0);
	machine->meminfo = file_of(machine->folder, "proc/meminfo");
	machine->vmstat = file_of(machine->folder, "proc/vmstat");
	machine->slabinfo = file_of(machine->folder, "proc/slabinfo");
}

static int read_machines(void **state)
{
	DIR *folder = opendir(HOSTS);
	const struct dirent *entry;

	(void)state;
	assert_non_null(folder);
	while ((entry = readdir(folder)) != NULL)
		if (strchr(entry->d_name, '-') != NULL)
			read_machine(entry->d_name);
	(void)closedir(folder);
	assert_true(machines_count >= 7);
	return 0;
}

static uint64_t setting(const struct machine *machine, const char *name)
{
	int64_t value = 0;
	struct kernel_error error;

	assert_int_equal(kernel_integer_parse(file_of(machine->folder,
						      pool_format(&pool, "proc/sys/vm/%s", name)),
				 &value, &error),
		0);
	return (uint64_t)value;
}

static uint64_t meminfo_pages(const struct machine *machine, const char *name)
{
	uint64_t kib = 0;

	if (!kernel_meminfo_find(machine->meminfo, name, &kib))
		fail_msg("%s: no %s", machine->folder, name);
	return vm_kib_to_pages_floor(kib);
}

static uint64_t vmstat_value(const struct machine *machine, const char *name)
{
	uint64_t value = 0;

	if (!kernel_vmstat_find(machine->vmstat, name, &value))
		fail_msg("%s: no %s", machine->folder, name);
	return value;
}

static enum vm_zone_kind kind_of(const struct kernel_zone *zone)
{
	int kind = 0;

	while (kind < VM_ZONE_KIND_LIMIT &&
		strcmp(vm_zone_word((enum vm_zone_kind)kind), zone->name) != 0)
		kind++;
	assert_true(kind < VM_ZONE_KIND_LIMIT);
	return (enum vm_zone_kind)kind;
}

#define EQUAL(machine, zone, what, formula, kernel)                                           \
	do {                                                                                  \
		if ((formula) != (kernel))                                                    \
			fail_msg("%s: node %" PRIu64 " %s: %s: formula %" PRIu64              \
				 ", kernel %" PRIu64,                                         \
				(machine)->folder, (zone)->node, (zone)->name, what, formula, \
				kernel);                                                      \
	} while (0)

/* --- captured machines ----------------------------------------------------------------------- */

/*
 * A machine recalculates its marks early in its life; what init code and the initial file system
 * give back later is in the sizes, and not in the marks, until a setting is written. Most of the
 * captured guests had one written after their start; the machine that has run for long has, too.
 */
static bool is_fresh(const struct machine *machine)
{
	const struct kernel_text cmdline = file_of(machine->folder, "proc/cmdline");

	return strstr(machine->folder, "guest-") == NULL ||
	       memmem(cmdline.bytes, cmdline.length_bytes, "sysctl.vm.min_free_kbytes=", 26) !=
		       NULL;
}

static void check_fresh_marks(
	const struct machine *machine, const struct kernel_zone *zone, const struct vm_marks *marks)
{
	EQUAL(machine, zone, "min", marks->min_pages + zone->boost_pages, zone->min_pages);
	EQUAL(machine, zone, "low", marks->low_pages + zone->boost_pages, zone->low_pages);
	EQUAL(machine, zone, "high", marks->high_pages + zone->boost_pages, zone->high_pages);
	if (zone->has_promo)
		EQUAL(machine, zone, "promo", marks->promo_pages + zone->boost_pages,
			zone->promo_pages);
}

/* The steps between the marks follow from min wherever the quarter rules, whatever the sizes. */
static void check_steps(const struct machine *machine, const struct kernel_zone *zone,
	const struct vm_marks_inputs *inputs)
{
	struct vm_marks_inputs then = *inputs;
	struct vm_behaviours behaviours = machine->behaviours;

	if (behaviours.watermark_min == VM_WATERMARK_MIN_SHARED_LOWMEM &&
		inputs->kind == VM_ZONE_MOVABLE) {
		EQUAL(machine, zone, "min", vm_zone_marks(&behaviours, inputs).min_pages,
			zone->min_pages);
		return;
	}
	/* Sizes as they were: such that this zone's share is exactly the min it has. */
	then.lowmem_pages = vm_kib_to_pages_floor(inputs->min_free_kib);
	then.managed_pages = zone->min_pages - zone->boost_pages;
	const struct vm_marks marks = vm_zone_marks(&behaviours, &then);
	if (marks.min_pages / 4 < zone->managed_pages * inputs->scale_factor / 10000)
		return;
	check_fresh_marks(machine, zone, &marks);
}

static void check_marks(const struct machine *machine, uint64_t lowmem_pages, size_t lowmem_zones)
{
	uint64_t shared_pages = 0;

	for (size_t i = 0; i < machine->zoneinfo.count; i++) {
		const struct kernel_zone *zone = &machine->zoneinfo.zone[i];
		const struct vm_marks_inputs inputs = {
			.kind = kind_of(zone),
			.managed_pages = zone->managed_pages,
			.lowmem_pages = lowmem_pages,
			.min_free_kib = setting(machine, "min_free_kbytes"),
			.scale_factor = setting(machine, "watermark_scale_factor"),
		};
		const struct vm_marks marks = vm_zone_marks(&machine->behaviours, &inputs);
		if (is_fresh(machine))
			check_fresh_marks(machine, zone, &marks);
		else if (zone->populated)
			check_steps(machine, zone, &inputs);
		if (vm_zone_is_lowmem(&machine->behaviours, inputs.kind))
			shared_pages += zone->min_pages - zone->boost_pages;
		assert_true(zone->boost_pages <=
			    vm_zone_boost_limit_pages(zone->managed_pages, marks.high_pages,
				    setting(machine, "watermark_boost_factor"), 512));
	}
	/* Whatever the sizes: the shares are those of one whole, each cut off to a page. */
	const uint64_t whole = vm_kib_to_pages_floor(setting(machine, "min_free_kbytes"));
	assert_true(shared_pages <= whole && shared_pages + lowmem_zones > whole);
}

static void watermarks_of_every_machine(void **state)
{
	(void)state;
	for (size_t m = 0; m < machines_count; m++) {
		const struct machine *machine = &machines[m];
		uint64_t lowmem_pages = 0;
		size_t lowmem_zones = 0;
		for (size_t i = 0; i < machine->zoneinfo.count; i++) {
			const struct kernel_zone *zone = &machine->zoneinfo.zone[i];
			if (!vm_zone_is_lowmem(&machine->behaviours, kind_of(zone)))
				continue;
			lowmem_pages += zone->managed_pages;
			lowmem_zones += zone->managed_pages != 0;
		}
		check_marks(machine, lowmem_pages, lowmem_zones);
	}
}

/* A capture that keeps the ranges of RAM had the reserves worked out anew before it began. */
static bool has_fresh_reserves(const struct machine *machine)
{
	struct kernel_text iomem;
	struct facts_error error;

	return strstr(machine->folder, "guest-") == NULL ||
	       facts_file_captured(&pool, machine->folder, "proc/iomem", &iomem.bytes,
		       &iomem.length_bytes, &error) == 0;
}

static void check_protection(
	const struct machine *machine, const struct kernel_zone *zone, const uint64_t *ratios)
{
	const enum vm_zone_kind kind = kind_of(zone);

	for (size_t class_zone = 0; class_zone < zone->protection_count; class_zone++) {
		uint64_t upper_pages = 0;
		for (size_t i = 0; i < machine->zoneinfo.count; i++) {
			const struct kernel_zone *upper = &machine->zoneinfo.zone[i];
			if (upper->node == zone->node && kind_of(upper) > kind &&
				(size_t)kind_of(upper) <= class_zone)
				upper_pages += upper->managed_pages;
		}
		const uint64_t pages = class_zone <= (size_t)kind
					       ? 0
					       : vm_zone_reserve_pages(zone->managed_pages,
							 upper_pages, ratios[kind]);
		if (has_fresh_reserves(machine))
			EQUAL(machine, zone, "protection", pages,
				zone->protection_pages[class_zone]);
		/* What came back since is less than a sixteenth of any of these machines. */
		assert_true(pages >= zone->protection_pages[class_zone] &&
			    pages - zone->protection_pages[class_zone] <= pages / 16);
	}
}

static void reserves_of_every_machine(void **state)
{
	uint64_t ratios[VM_ZONE_KIND_LIMIT] = {0};
	size_t count = 0;
	struct kernel_error error;

	(void)state;
	for (size_t m = 0; m < machines_count; m++) {
		const struct kernel_text text =
			file_of(machines[m].folder, "proc/sys/vm/lowmem_reserve_ratio");
		assert_int_equal(
			kernel_integers_parse(text, VM_ZONE_KIND_LIMIT, ratios, &count, &error), 0);
		for (size_t i = 0; i < machines[m].zoneinfo.count; i++)
			check_protection(&machines[m], &machines[m].zoneinfo.zone[i], ratios);
	}
}

static uint32_t node_cpus(const struct machine *machine, uint64_t node)
{
	const char *text = NULL;
	size_t length_bytes = 0;
	struct facts_error error;
	struct kernel_error why;
	struct kernel_ranges ranges;
	const char *path =
		pool_format(&pool, "sys/devices/system/node/node%" PRIu64 "/cpulist", node);

	/* A capture without the list has one node, which has all CPUs. */
	if (facts_file_captured(&pool, machine->folder, path, &text, &length_bytes, &error) != 0)
		return machine->facts.host.cpus_online / machine->facts.host.nodes_online;
	assert_int_equal(
		kernel_ranges_parse((struct kernel_text){text, length_bytes}, &ranges, &why), 0);
	return ranges.count != 0 ? (uint32_t)ranges.count : machine->facts.host.cpus_online;
}

static void check_lists(const struct machine *machine, const struct kernel_zone *zone)
{
	const uint32_t cpus = machine->facts.host.cpus_online;
	const struct vm_cpu_lists lists = vm_zone_cpu_lists(zone->managed_pages,
		zone->low_pages - zone->boost_pages, node_cpus(machine, zone->node),
		setting(machine, "percpu_pagelist_high_fraction"));

	for (size_t i = 0; i < zone->pagesets_count; i++) {
		const struct kernel_pageset set = kernel_zone_pageset(zone, i);
		/* A zone that has grown past a power of two since keeps the batch it had. */
		if (is_fresh(machine) || set.batch_pages != lists.batch_pages / 2)
			EQUAL(machine, zone, "batch", lists.batch_pages, set.batch_pages);
		EQUAL(machine, zone, "threshold", vm_zone_stat_threshold(zone->managed_pages, cpus),
			set.stats_threshold);
		if (set.has_high_limits) {
			EQUAL(machine, zone, "high_min", lists.high_min_pages, set.high_min_pages);
			EQUAL(machine, zone, "high_max", lists.high_max_pages, set.high_max_pages);
		} else if (!vm_host_has(&machine->facts.host, VM_FEATURE_PCP_HIGH_MIN)) {
			EQUAL(machine, zone, "high", lists.high_min_pages, set.high_pages);
		}
	}
}

static void lists_and_thresholds_of_every_machine(void **state)
{
	(void)state;
	for (size_t m = 0; m < machines_count; m++)
		for (size_t i = 0; i < machines[m].zoneinfo.count; i++)
			check_lists(&machines[m], &machines[m].zoneinfo.zone[i]);
}

static struct vm_available_inputs available_of(const struct machine *machine)
{
	struct vm_available_inputs inputs = {
		.free_pages = meminfo_pages(machine, "MemFree"),
		.file_pages = meminfo_pages(machine, "Active(file)") +
			      meminfo_pages(machine, "Inactive(file)"),
		.reclaimable_pages = meminfo_pages(machine, "KReclaimable"),
	};

	for (size_t i = 0; i < machine->zoneinfo.count; i++) {
		const struct kernel_zone *zone = &machine->zoneinfo.zone[i];
		uint64_t reserve_pages = 0;
		for (size_t j = 0; j < zone->protection_count; j++)
			if (zone->protection_pages[j] > reserve_pages)
				reserve_pages = zone->protection_pages[j];
		inputs.low_pages += zone->low_pages;
		inputs.total_reserve_pages += vm_zone_total_reserve_pages(
			zone->managed_pages, reserve_pages, zone->high_pages - zone->boost_pages);
	}
	return inputs;
}

static void available_memory_of_every_machine(void **state)
{
	(void)state;
	for (size_t m = 0; m < machines_count; m++) {
		const struct vm_available_inputs inputs = available_of(&machines[m]);
		const uint64_t pages = vm_available_pages(&machines[m].behaviours, &inputs);
		const uint64_t kernel = meminfo_pages(&machines[m], "MemAvailable");
		if (pages != kernel)
			fail_msg("%s: MemAvailable: formula %" PRIu64 ", kernel %" PRIu64,
				machines[m].folder, pages, kernel);
	}
}

/*
 * vmstat's own counters go in: the text is one moment. On the machine whose kernel brings memory
 * online late, nr_free_pages leaves out what is not online yet and the limit does not.
 */
static void dirty_limits_of_every_machine(void **state)
{
	size_t compared = 0;

	(void)state;
	for (size_t m = 0; m < machines_count; m++) {
		const struct machine *machine = &machines[m];
		const uint64_t free_pages = vmstat_value(machine, "nr_free_pages");
		struct vm_available_inputs inputs = available_of(machine);
		const struct vm_dirty_settings settings = {
			.ratio_percent = setting(machine, "dirty_ratio"),
			.bytes = setting(machine, "dirty_bytes"),
			.background_ratio_percent = setting(machine, "dirty_background_ratio"),
			.background_bytes = setting(machine, "dirty_background_bytes"),
		};
		if (inputs.free_pages > 2 * free_pages)
			continue;
		inputs.free_pages = free_pages;
		inputs.file_pages = vmstat_value(machine, "nr_active_file") +
				    vmstat_value(machine, "nr_inactive_file");
		const struct vm_dirty_limits limits = vm_dirty_limits(&machine->behaviours, &inputs,
			meminfo_pages(machine, "MemTotal"), &settings);
		const uint64_t threshold = vmstat_value(machine, "nr_dirty_threshold");
		const uint64_t background = vmstat_value(machine, "nr_dirty_background_threshold");
		if (limits.threshold_pages != threshold || limits.background_pages != background)
			fail_msg("%s: dirty limits: formula %" PRIu64 " %" PRIu64
				 ", kernel %" PRIu64 " %" PRIu64,
				machine->folder, limits.threshold_pages, limits.background_pages,
				threshold, background);
		compared++;
	}
	assert_true(compared >= 6);
}

static void commit_limit_of_every_machine(void **state)
{
	(void)state;
	for (size_t m = 0; m < machines_count; m++) {
		const struct machine *machine = &machines[m];
		const struct vm_commit_state given = {
			.ram_pages = meminfo_pages(machine, "MemTotal"),
			.swap_pages = meminfo_pages(machine, "SwapTotal"),
			.huge_pages = meminfo_pages(machine, "Hugetlb"),
			.ratio_percent = setting(machine, "overcommit_ratio"),
			.limit_kib = setting(machine, "overcommit_kbytes"),
		};
		assert_int_equal(vm_commit_limit_pages(&machine->behaviours, &given),
			meminfo_pages(machine, "CommitLimit"));
	}
}

static void scores_of_every_machine(void **state)
{
	(void)state;
	for (size_t m = 0; m < machines_count; m++) {
		const struct machine *machine = &machines[m];
		const struct kernel_text status = file_of(machine->folder, "proc/self/status");
		const struct vm_host *host = &machine->facts.host;
		uint64_t rss_kib = 0, swap_kib = 0, tables_kib = 0;
		int64_t score = 0, adjustment = 0;
		struct kernel_error error;
		assert_true(kernel_meminfo_find(status, "VmRSS", &rss_kib) &&
			    kernel_meminfo_find(status, "VmSwap", &swap_kib) &&
			    kernel_meminfo_find(status, "VmPTE", &tables_kib));
		assert_int_equal(
			kernel_integer_parse(
				file_of(machine->folder, "proc/self/oom_score"), &score, &error),
			0);
		assert_int_equal(
			kernel_integer_parse(file_of(machine->folder, "proc/self/oom_score_adj"),
				&adjustment, &error),
			0);
		struct vm_oom_inputs inputs = {
			.resident_pages = vm_kib_to_pages_floor(rss_kib),
			.swapped_pages = vm_kib_to_pages_floor(swap_kib),
			.table_pages = vm_kib_to_pages_floor(tables_kib),
			.adjustment = adjustment,
			.total_pages = meminfo_pages(machine, "MemTotal") +
				       meminfo_pages(machine, "SwapTotal"),
		};
		const uint64_t lag = 3 * vm_oom_counter_lag_pages(&machine->behaviours,
						 host->cpus_online, host->cpus_online);
		inputs.resident_pages += lag;
		assert_true(score <= vm_oom_score(&machine->behaviours, &inputs));
		inputs.resident_pages -=
			inputs.resident_pages < 2 * lag ? inputs.resident_pages : 2 * lag;
		assert_true(score >= vm_oom_score(&machine->behaviours, &inputs));
	}
}

static void slabs_of_every_machine(void **state)
{
	(void)state;
	for (size_t m = 0; m < machines_count; m++) {
		const struct vm_host *host = &machines[m].facts.host;
		const uint32_t cpus = vm_slab_cpus(host);
		struct kernel_lines lines = kernel_lines_of(machines[m].slabinfo);
		struct kernel_slab_row row;
		struct kernel_error error;
		size_t rows = 0;
		for (; kernel_slabinfo_next(&lines, &row, &error) == 1; rows++) {
			const unsigned order = vm_slab_pages_order(
				machines[m].behaviours.slab_order, row.object_bytes, cpus);
			if (UINT64_C(1) << order != row.pages_per_slab)
				fail_msg("%s: %.*s: formula %u pages, kernel %" PRIu64,
					machines[m].folder, (int)row.name.length_bytes,
					row.name.bytes, 1U << order, row.pages_per_slab);
		}
		assert_true(rows > 30);
	}
}

/* CPUs that are switched off count, as with nosmt; of one alone, those that there may be. */
static void slabs_for_cpus(void **state)
{
	(void)state;
	assert_int_equal(vm_slab_cpus(&(struct vm_host){
				 .cpus_online = 4, .cpus_present = 8, .cpus_possible = 16}),
		8);
	assert_int_equal(vm_slab_cpus(&(struct vm_host){
				 .cpus_online = 1, .cpus_present = 1, .cpus_possible = 16}),
		16);
	assert_int_equal(vm_slab_cpus(&(struct vm_host){.cpus_online = 2, .cpus_possible = 16}), 2);
}

/* The caches of kmalloc are the classes: each size ends in the smallest that holds it. */
static void size_classes_of_every_machine(void **state)
{
	(void)state;
	for (size_t m = 0; m < machines_count; m++) {
		struct kernel_lines lines = kernel_lines_of(machines[m].slabinfo);
		uint64_t next_bytes = 1, largest_bytes = 0;
		bool is_class[8192 + 1] = {false};
		struct kernel_slab_row row;
		struct kernel_error error;
		while (kernel_slabinfo_next(&lines, &row, &error) == 1)
			if (kernel_text_starts(row.name, "kmalloc-") &&
				row.name.length_bytes <= strlen("kmalloc-192") &&
				row.object_bytes <= 8192)
				is_class[row.object_bytes] = true;
		for (uint64_t bytes = 1; bytes <= 8192; bytes++) {
			if (!is_class[bytes])
				continue;
			assert_int_equal(vm_slab_class_bytes(next_bytes), bytes);
			assert_int_equal(vm_slab_class_bytes(bytes), bytes);
			next_bytes = bytes + 1;
			largest_bytes = bytes;
		}
		assert_int_equal(largest_bytes, 8192);
	}
}

#define RANGES_LIMIT 32

static size_t ram_of(struct kernel_text iomem, struct vm_memory_range ranges[RANGES_LIMIT])
{
	struct kernel_lines lines = kernel_lines_of(iomem);
	struct kernel_resource resource;
	struct kernel_error error;
	size_t count = 0;

	while (kernel_iomem_next(&lines, &resource, &error) > 0) {
		assert_true(kernel_text_is(resource.name, "System RAM") && count < RANGES_LIMIT);
		ranges[count++] = (struct vm_memory_range){vm_bytes_to_pages_ceil(resource.first),
			vm_bytes_to_pages_floor(resource.last + 1)};
	}
	return count;
}

static uint64_t meminfo_kib(const struct machine *machine, const char *name)
{
	uint64_t kib = 0;

	(void)kernel_meminfo_find(machine->meminfo, name, &kib);
	return kib;
}

/* To the KiB, but for giant pages that count again; what was split since is made of small pages. */
static void linear_mappings_of_every_machine(void **state)
{
	size_t compared = 0;

	(void)state;
	for (size_t m = 0; m < machines_count; m++) {
		const struct machine *machine = &machines[m];
		struct vm_memory_range ranges[RANGES_LIMIT];
		struct facts_error error;
		struct kernel_text iomem;
		if (facts_file_captured(&pool, machine->folder, "proc/iomem", &iomem.bytes,
			    &iomem.length_bytes, &error) != 0)
			continue;
		const size_t count = ram_of(iomem, ranges);
		const struct vm_direct_map map =
			vm_direct_map(ranges, count, machine->facts.host.cpu.page_1g);
		const uint64_t small_kib = meminfo_kib(machine, "DirectMap4k");
		const uint64_t giant_kib = meminfo_kib(machine, "DirectMap1G");
		const uint64_t whole_kib =
			small_kib + meminfo_kib(machine, "DirectMap2M") + giant_kib;
		const uint64_t again_kib = whole_kib - vm_direct_map_kib(&map);
		const uint64_t block_kib = VM_HUGE_2M_BYTES / VM_KIB_BYTES;
		const uint64_t split = vmstat_value(machine, "direct_map_level2_splits");
		if (whole_kib < vm_direct_map_kib(&map) ||
			again_kib % (VM_HUGE_1G_BYTES / VM_KIB_BYTES) != 0 ||
			again_kib > (map.giant == 0 ? 0
						    : VM_DIRECT_MAP_AGAIN_HIGHEST *
							      (VM_HUGE_1G_BYTES / VM_KIB_BYTES)))
			fail_msg("%s: linear mapping: formula %" PRIu64 " KiB, kernel %" PRIu64,
				machine->folder, vm_direct_map_kib(&map), whole_kib);
		assert_int_equal(small_kib % block_kib, vm_pages_to_kib(map.small) % block_kib);
		assert_true(small_kib >= vm_pages_to_kib(map.small) + split * block_kib);
		assert_true(giant_kib <= again_kib + map.giant * (VM_HUGE_1G_BYTES / VM_KIB_BYTES));
		assert_true(giant_kib != 0 ||
			    map.giant <= 2 + vm_direct_map_split_blocks(&map, small_kib));
		compared++;
	}
	assert_true(compared >= 8);
}

static void listed_buffers_of_every_machine(void **state)
{
	(void)state;
	for (size_t m = 0; m < machines_count; m++) {
		const struct machine *machine = &machines[m];
		struct kernel_cpuinfo cpuinfo;
		struct kernel_error error;
		assert_int_equal(kernel_cpuinfo_parse(file_of(machine->folder, "proc/cpuinfo"),
					 &cpuinfo, &error),
			0);
		assert_int_equal(cpuinfo.tlb_pages,
			vm_tlb_listed_pages(&machine->behaviours, &machine->facts.host));
	}
}

/* The end of the last zone that holds memory, and what of it each zone's end is. */
static void descriptors_of_every_machine(void **state)
{
	(void)state;
	for (size_t m = 0; m < machines_count; m++)
		for (size_t i = 0; i < machines[m].zoneinfo.count; i++) {
			const struct kernel_zone *zone = &machines[m].zoneinfo.zone[i];
			const uint64_t end = zone->start_frame + zone->spanned_pages;
			if (!zone->populated)
				continue;
			assert_in_range(vm_frame_descriptors_end(end), end, end + 32767);
			assert_int_equal(vm_frame_descriptors_end(end) % 32768, 0);
		}
}

/* --- worked examples ------------------------------------------------------------------------- */

static struct vm_marks marks_for(uint64_t managed, uint64_t lowmem, uint64_t scale)
{
	struct vm_behaviours behaviours = machines[0].behaviours;
	const struct vm_marks_inputs inputs = {
		.kind = VM_ZONE_NORMAL,
		.managed_pages = managed,
		.lowmem_pages = lowmem,
		.min_free_kib = 67584,
		.scale_factor = scale,
	};

	return vm_zone_marks(&behaviours, &inputs);
}

/* Read from a machine before and after most of its memory came online: both regimes. */
static void watermarks_where_each_rule_wins(void **state)
{
	const struct vm_marks quarter = marks_for(2195456, 2972211, 10);
	const struct vm_marks scaled = marks_for(5394266, 6171021, 10);

	(void)state;
	assert_int_equal(quarter.min_pages, 12480);
	assert_int_equal(quarter.low_pages, 15600);
	assert_int_equal(quarter.high_pages, 18720);
	assert_int_equal(scaled.min_pages, 14769);
	assert_int_equal(scaled.low_pages, 20163);
	assert_int_equal(scaled.high_pages, 25557);
	assert_int_equal(scaled.promo_pages, 30951);
	/* The teaching, where min is given. */
	struct vm_behaviours textbook;
	vm_behaviours_textbook(&textbook);
	const struct vm_marks taught = vm_zone_marks(
		&textbook, &(struct vm_marks_inputs){.given_min_pages = 14769, .managed_pages = 1});
	assert_int_equal(taught.low_pages, 14769 + 3692);
}

static void boost_and_pressure(void **state)
{
	(void)state;
	assert_int_equal(vm_zone_boost_limit_pages(622592, 11275, 15000, 512), 16912);
	assert_int_equal(vm_zone_boost_limit_pages(622592, 100, 15000, 512), 512);
	assert_int_equal(vm_zone_boost_limit_pages(2047, 100, 15000, 512), 0);
	assert_int_equal(vm_zone_boost_limit_pages(622592, 11275, 0, 512), 0);
	assert_int_equal(vm_zone_stat_threshold_pressed(622592, 9396, 7517, 2), 24);
	assert_int_equal(vm_zone_stat_threshold_pressed(622592, 7547, 7517, 2), 15);
	assert_int_equal(vm_zone_stat_threshold(5394266, 2), 36);
	assert_int_equal(vm_zone_stat_threshold(UINT64_C(1) << 30, 512), 125);
}

/* As read where the kernel had just chosen. */
static void chosen_min_free(void **state)
{
	(void)state;
	assert_int_equal(vm_min_free_default_kib(6166273), 19865);
	assert_int_equal(vm_min_free_huge_kib(6166273, 3, 512), 67584);
	assert_int_equal(vm_min_free_default_kib(64), 128);
	assert_int_equal(vm_min_free_default_kib(UINT64_C(1) << 32), 262144);
	assert_int_equal(vm_min_free_default_kib(4096 - 1), 511);
	assert_int_equal(vm_min_free_default_kib(4096), 512);
	/* A twentieth of a small machine. */
	assert_int_equal(vm_min_free_huge_kib(120000, 2, 512), 24000);
}

/* Ranges of a machine of 24 GiB; the kernel's lines showed 26 GiB, two of them counted again. */
static void linear_mapping(void **state)
{
	static const struct vm_memory_range ranges[] = {
		{1, 159}, {256, 786432}, {1048576, 6553600}};
	const struct vm_direct_map giant = vm_direct_map(ranges, 3, true);
	const struct vm_direct_map large = vm_direct_map(ranges, 3, false);

	(void)state;
	assert_int_equal(vm_direct_map_kib(&giant) + 2 * (VM_GIB_BYTES / VM_KIB_BYTES), 27262976);
	assert_int_equal(giant.small, 512);
	assert_int_equal(giant.large, 511);
	assert_int_equal(giant.giant, 23);
	assert_int_equal(large.large, 511 + 23 * 512);
	assert_int_equal(large.giant, 0);
	assert_int_equal(vm_direct_map_kib(&large), vm_direct_map_kib(&giant));
	const struct vm_direct_blocks blocks = vm_direct_map_blocks(ranges, 3);
	assert_int_equal(blocks.whole, giant.large + giant.giant * 512);
	assert_int_equal(blocks.partial, 1);
	/* Two pieces of memory in a block are one block that is not filled. */
	static const struct vm_memory_range pieces[] = {
		{1, 159}, {256, 1000}, {1010, 1020}, {1024, 1600}};
	const struct vm_direct_blocks broken = vm_direct_map_blocks(pieces, 4);
	assert_int_equal(broken.whole, 1);
	assert_int_equal(broken.partial, 3);
	assert_int_equal(vm_direct_map_split_blocks(&giant, 512 * 4 - 1), 0);
	assert_int_equal(vm_direct_map_split_blocks(&giant, 512 * 4 + 2047), 0);
	assert_int_equal(vm_direct_map_split_blocks(&giant, 512 * 4 + 3 * 2048), 3);
}

/* The table that the kernel's source prints above inactive_is_low(). */
static void list_ratios(void **state)
{
	static const struct {
		uint64_t mib, ratio;
	} rows[] = {{10, 1}, {100, 1}, {1024, 3}, {10240, 10}, {102400, 31}, {1048576, 101},
		{10485760, 320}};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(vm_replace_inactive_ratio(VM_LIST_BALANCE_ROOT_OF_SIZE,
					 rows[i].mib * (VM_MIB_BYTES / VM_PAGE_BYTES)),
			rows[i].ratio);
}

/* As VmPTE grew on a machine: pages a stride apart in a slot of the top table of their own. */
static void hierarchical_tables(void **state)
{
	const struct vm_paging_shape *shape = vm_paging_shape(VM_PAGING_LEVEL4);
	const uint64_t base = UINT64_C(1) << 44;
	static const struct {
		uint64_t stride_bytes, count;
		uint64_t kib; /* below the top */
	} rows[] = {{VM_PAGE_BYTES, 8, 12}, {VM_HUGE_2M_BYTES, 1, 12}, {VM_HUGE_2M_BYTES, 8, 40},
		{VM_HUGE_1G_BYTES, 8, 68}, {UINT64_C(1) << 39, 8, 96}};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct vm_table_range ranges[8];
		uint64_t tables[VM_PAGING_LEVELS_LIMIT + 1];
		for (uint64_t page = 0; page < rows[i].count; page++)
			ranges[page].first = ranges[page].last = base + page * rows[i].stride_bytes;
		(void)vm_hierarchical_tables(shape, ranges, (size_t)rows[i].count, 1, tables);
		assert_int_equal(vm_pages_to_kib(tables[1] + tables[2] + tables[3]), rows[i].kib);
	}
}

static void counted_tables(void **state)
{
	(void)state;
	assert_int_equal(vm_tables_counted_levels(VM_TABLES_COUNTED_ALL, 4), 4);
	assert_int_equal(vm_tables_counted_levels(VM_TABLES_COUNTED_LOWER_2, 4), 2);
	assert_int_equal(vm_tables_counted_levels(VM_TABLES_COUNTED_LOWER_3, 4), 3);
	assert_int_equal(vm_tables_above_status(VM_TABLES_COUNTED_ALL, 5), 2);
	assert_int_equal(vm_tables_above_status(VM_TABLES_COUNTED_LOWER_3, 5), 0);
	assert_int_equal(vm_tables_above_status(VM_TABLES_COUNTED_LOWER_2, 4), 0);
}

/* kpageflags and kpagecount of a machine whose last zone ends in the middle of a section. */
static void descriptors(void **state)
{
	(void)state;
	assert_int_equal(vm_frame_descriptors_end(524253), 524288);
	assert_int_equal(vm_frame_descriptors_end(6553600), 6553600);
	assert_int_equal(vm_frame_descriptors_end(6553601), 6586368);
}

static int64_t score_for(int64_t adjustment, uint64_t resident, uint64_t swapped, uint64_t tables)
{
	const struct vm_oom_inputs inputs = {
		.resident_pages = resident,
		.swapped_pages = swapped,
		.table_pages = tables,
		.adjustment = adjustment,
		.total_pages = 6171023,
	};

	return vm_oom_score(&machines[0].behaviours, &inputs);
}

static void scores(void **state)
{
	(void)state;
	assert_int_equal(score_for(0, 200, 0, 20), 666);
	assert_int_equal(score_for(333, 200, 0, 20), 888);
	assert_int_equal(score_for(666, 200, 0, 20), 1110);
	assert_int_equal(score_for(999, 200, 0, 20), 1332);
	assert_int_equal(score_for(-1000, 5000000, 0, 20), 0);
	assert_int_equal(score_for(-999, 200, 0, 20), 1);
	/* One page below and at the step, made of each kind alone: 6172 of them are a thousandth.
	 */
	assert_int_equal(score_for(0, 6171, 0, 0), 666);
	assert_int_equal(score_for(0, 6172, 0, 0), 667);
	assert_int_equal(score_for(0, 0, 6172, 0), 667);
	assert_int_equal(score_for(0, 0, 0, 6172), 667);
	const struct vm_oom_inputs borrowed = {.total_pages = 6171023, .in_vfork = true};
	assert_int_equal(vm_oom_score(&machines[0].behaviours, &borrowed), 0);
	struct vm_behaviours textbook;
	vm_behaviours_textbook(&textbook);
	const struct vm_oom_inputs admin = {
		.total_pages = 6171023, .adjustment = 700, .admin = true};
	assert_int_equal(vm_oom_score(&textbook, &admin), 670);
}

static void counters_lag_by_less_than_a_batch_a_cpu(void **state)
{
	struct vm_behaviours behaviours = machines[0].behaviours;

	(void)state;
	behaviours.status_counters = VM_STATUS_COUNTERS_SUMMED;
	assert_int_equal(vm_oom_counter_lag_pages(&behaviours, 2, 1), 31);
	assert_int_equal(vm_oom_counter_lag_pages(&behaviours, 64, 2), 254);
	assert_int_equal(vm_status_counter_lag_pages(&behaviours, 64, 2), 0);
	behaviours.status_counters = VM_STATUS_COUNTERS_CHEAP;
	assert_int_equal(vm_oom_counter_lag_pages(&behaviours, 64, 2), 0);
	assert_int_equal(vm_status_counter_lag_pages(&behaviours, 64, 2), 254);
	behaviours.status_counters = VM_STATUS_COUNTERS_CACHED_BY_TASK;
	assert_int_equal(vm_oom_counter_lag_pages(&behaviours, 64, 2), 0);
	assert_int_equal(vm_status_counter_lag_pages(&behaviours, 64, 2), 0);
}

/* The three boundaries that were found to the page on a machine of 6171023 pages without swap. */
static void commitment_boundaries(void **state)
{
	const struct vm_behaviours *behaviours = &machines[0].behaviours;
	struct vm_commit_state given = {
		.mode = VM_COMMIT_NEVER_MORE,
		.ram_pages = 6171023,
		.ratio_percent = 50,
		.admin_reserve_kib = 8192,
		.user_reserve_kib = 400003,
		.admin = true,
		.process_pages = 8389000,
	};

	(void)state;
	assert_int_equal(vm_commit_largest_pages(behaviours, &given), 2985510);
	given.admin = false;
	assert_int_equal(vm_commit_largest_pages(behaviours, &given), 2983462);
	given.admin = true;
	given.process_pages = 2501312;
	assert_int_equal(vm_commit_largest_pages(behaviours, &given), 3007344);
	given.committed_pages = 1000000;
	assert_int_equal(vm_commit_largest_pages(behaviours, &given), 2007344);
	given.mode = VM_COMMIT_HEURISTIC;
	given.swap_pages = 1000;
	assert_int_equal(vm_commit_largest_pages(behaviours, &given), 6172023);
	given.mode = VM_COMMIT_ALWAYS;
	assert_true(vm_commit_largest_pages(behaviours, &given) == VM_COMMIT_UNLIMITED);
	given.huge_pages = 23;
	assert_int_equal(vm_commit_limit_pages(behaviours, &given), 3085500 + 1000);
	given.limit_kib = 1000003;
	assert_int_equal(vm_commit_limit_pages(behaviours, &given), 250000 + 1000);
}

static void what_is_a_promise(void **state)
{
	const struct vm_behaviours *behaviours = &machines[0].behaviours;
	struct vm_behaviours returning = *behaviours;
	struct vm_commit_request asks = {.writable = true, .length_pages = 10};

	(void)state;
	returning.commit_read_only = VM_COMMIT_READ_ONLY_RETURNS_UNTOUCHED;
	assert_int_equal(vm_commit_map_pages(behaviours, VM_COMMIT_HEURISTIC, &asks), 10);
	assert_true(vm_commit_area_accounts(behaviours, VM_COMMIT_HEURISTIC, &asks));
	assert_int_equal(vm_commit_make_read_only_pages(&returning, &asks, true, false), 10);
	assert_int_equal(vm_commit_make_read_only_pages(&returning, &asks, true, true), 0);
	asks.no_reserve = true;
	assert_int_equal(vm_commit_map_pages(behaviours, VM_COMMIT_HEURISTIC, &asks), 0);
	assert_int_equal(vm_commit_map_pages(behaviours, VM_COMMIT_NEVER_MORE, &asks), 10);
	asks = (struct vm_commit_request){.shared = true, .length_pages = 10};
	assert_int_equal(vm_commit_map_pages(behaviours, VM_COMMIT_HEURISTIC, &asks), 10);
	assert_false(vm_commit_area_accounts(behaviours, VM_COMMIT_HEURISTIC, &asks));
	asks = (struct vm_commit_request){.length_pages = 10};
	assert_int_equal(vm_commit_map_pages(behaviours, VM_COMMIT_HEURISTIC, &asks), 0);
	assert_int_equal(
		vm_commit_make_writable_pages(behaviours, VM_COMMIT_HEURISTIC, &asks, false), 10);
	assert_int_equal(
		vm_commit_make_writable_pages(behaviours, VM_COMMIT_HEURISTIC, &asks, true), 0);
	asks = (struct vm_commit_request){.backing = VM_COMMIT_MEMORY_FILE,
		.shared = true,
		.writable = true,
		.length_pages = 10};
	assert_int_equal(vm_commit_map_pages(behaviours, VM_COMMIT_HEURISTIC, &asks), 0);
	assert_int_equal(vm_commit_touch_pages(behaviours, VM_COMMIT_HEURISTIC, &asks, 3), 3);
	asks.backing = VM_COMMIT_HUGETLB;
	asks.shared = false;
	assert_int_equal(vm_commit_map_pages(behaviours, VM_COMMIT_HEURISTIC, &asks), 0);
	assert_int_equal(vm_commit_pool_pages(&asks, 3), 3);
	asks.no_reserve = true;
	assert_int_equal(vm_commit_pool_pages(&asks, 3), 0);
	asks = (struct vm_commit_request){.backing = VM_COMMIT_ANONYMOUS};
	assert_int_equal(vm_commit_pool_pages(&asks, 3), 0);
}

static void shares(void **state)
{
	const struct vm_behaviours *behaviours = &machines[0].behaviours;
	const struct vm_resident_sizes sizes = {1350, 185, 612, 1382};

	(void)state;
	assert_int_equal(vm_pss_kib(behaviours, 3, 3), 3);
	assert_int_equal(vm_pss_kib(behaviours, 3072, 4), 3072);
	assert_int_equal(vm_pss_kib(behaviours, 3072, 3), 4095);
	assert_int_equal(vm_pss_kib(behaviours, 100000, 7), 57142);
	assert_int_equal(vm_resident_pages(&sizes), 2147);
	assert_int_equal(vm_shared_pages(behaviours, &sizes), 797);
}

static void layouts(void **state)
{
	struct vm_behaviours behaviours = machines[0].behaviours;
	struct vm_layout_inputs inputs = {VM_LAYOUT_FIXED, 28, 8 << 20};
	struct vm_layout_range range;

	(void)state;
	behaviours.heap_gap = VM_HEAP_GAP_PAGE;
	assert_true(vm_layout_place(&behaviours, &inputs, VM_LAYOUT_MAPPINGS, &range));
	assert_true(range.lowest == 0x7ffff7fff000 && range.count == 1);
	assert_true(vm_layout_place(&behaviours, &inputs, VM_LAYOUT_PROGRAM, &range));
	assert_true(range.lowest == 0x555555554000);
	assert_true(vm_layout_place(&behaviours, &inputs, VM_LAYOUT_STACK, &range));
	assert_true(range.lowest == 0x7ffffffff000);
	inputs.mode = VM_LAYOUT_RANDOM_HEAP;
	assert_true(vm_layout_place(&behaviours, &inputs, VM_LAYOUT_MAPPINGS, &range));
	assert_int_equal(range.count, 1 << 28);
	/* 8 MiB of stack, 1 MiB of guard, 22 bits of pages: 16 GiB less one. */
	assert_true(range.lowest + (range.count - 1) * range.step_bytes == 0x7ffbff700000);
	assert_true(vm_layout_place(&behaviours, &inputs, VM_LAYOUT_HEAP_OFFSET, &range));
	assert_true(range.count == 1 << 18 && range.lowest == VM_PAGE_BYTES);
	assert_true(vm_layout_place(&behaviours, &inputs, VM_LAYOUT_STACK, &range));
	assert_int_equal(range.count, 1 << 22);
	assert_false(vm_layout_place(&behaviours, &inputs, VM_LAYOUT_STACK_POINTER, &range));
	assert_true(range.step_bytes == 16 && range.count == 1 << 30);
	inputs.stack_limit_bytes = UINT64_MAX;
	assert_true(vm_layout_place(&behaviours, &inputs, VM_LAYOUT_MAPPINGS, &range));
	assert_true(range.lowest + (range.count - 1) * range.step_bytes == 0x155555556000);
}

/* Worked out with scipy: the exact binomial bounds at 1e-13 lie inside, by less than a tenth. */
static void chance(void **state)
{
	const struct vm_chance heads = vm_chance_heads(1024);
	const struct vm_chance lowest = vm_chance_rank(1024, 1, UINT64_C(1) << 28);
	const struct vm_chance middle = vm_chance_rank(1024, 512, UINT64_C(1) << 28);

	(void)state;
	assert_true(heads.lowest == 386 && heads.highest == 638);
	/* (1 - p)^1024 = 1e-13 at p = 0.02881 */
	assert_int_equal(lowest.lowest, 0);
	assert_in_range(lowest.highest, 7733000, 7870000);
	/* A range halved moves the middle by a quarter: far outside. */
	assert_true(middle.highest - middle.lowest < UINT64_C(1) << 26);
	/* A thousand draws from a million places repeat half a time; from 2^28 next to never. */
	assert_in_range(vm_chance_repeated(1024, UINT64_C(1) << 20).highest, 9, 13);
	assert_in_range(vm_chance_repeated(1024, UINT64_C(1) << 28).highest, 4, 6);
	assert_int_equal(vm_chance_repeated(1024, 1).lowest, 1023);
	assert_int_equal(vm_chance_repeated(1024, 1).highest, 1023);
}

/* "captured": against figures of captured machines, and of the kernel's source, alone. */
int main(int argc, char **argv)
{
	const struct CMUnitTest captured[] = {
		cmocka_unit_test(watermarks_of_every_machine),
		cmocka_unit_test(reserves_of_every_machine),
		cmocka_unit_test(lists_and_thresholds_of_every_machine),
		cmocka_unit_test(available_memory_of_every_machine),
		cmocka_unit_test(dirty_limits_of_every_machine),
		cmocka_unit_test(commit_limit_of_every_machine),
		cmocka_unit_test(scores_of_every_machine),
		cmocka_unit_test(slabs_of_every_machine),
		cmocka_unit_test(size_classes_of_every_machine),
		cmocka_unit_test(linear_mappings_of_every_machine),
		cmocka_unit_test(listed_buffers_of_every_machine),
		cmocka_unit_test(descriptors_of_every_machine),
		cmocka_unit_test(list_ratios),
	};
	const struct CMUnitTest worked[] = {
		cmocka_unit_test(hierarchical_tables),
		cmocka_unit_test(slabs_for_cpus),
		cmocka_unit_test(chosen_min_free),
		cmocka_unit_test(linear_mapping),
		cmocka_unit_test(counted_tables),
		cmocka_unit_test(descriptors),
		cmocka_unit_test(watermarks_where_each_rule_wins),
		cmocka_unit_test(boost_and_pressure),
		cmocka_unit_test(scores),
		cmocka_unit_test(counters_lag_by_less_than_a_batch_a_cpu),
		cmocka_unit_test(commitment_boundaries),
		cmocka_unit_test(what_is_a_promise),
		cmocka_unit_test(shares),
		cmocka_unit_test(layouts),
		cmocka_unit_test(chance),
	};
	int failed = cmocka_run_group_tests(captured, read_machines, NULL);

	if (argc == 1 || strcmp(argv[1], "captured") != 0)
		failed += cmocka_run_group_tests(worked, NULL, NULL);
	pool_drop(&pool);
	return failed == 0 ? 0 : 1;
}
