/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What of each zone is kept for those who can use no other, how many free pages each CPU may hold,
 * and how far its counters may lag: all from the zone's size, its low mark and the CPUs.
 *
 * It would miss a kernel that shows these limits and does not keep to them.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "kernel/lists.h"
#include "probe/moving.h"
#include "probe/probe.h"
#include "probe/zones.h"
#include "trial/files.h"
#include "trial/trial.h"
#include "trial/zones.h"
#include "vm/model.h"
#include "vm/prediction.h"

static const char *const ratio_labels[] = {"as-is", "100 37 7 0 0"};

static const struct probe_parameter parameters[] = {
	{
		.name = "reserve-ratio",
		.unit = VM_UNIT_COUNT,
		.choices_count = 2,
		.choices = {PROBE_AS_IS, 1},
		.labels = ratio_labels,
		.knob = "vm.lowmem_reserve_ratio",
	},
	{
		.name = "high-fraction",
		.unit = VM_UNIT_COUNT,
		.choices_count = 2,
		.choices = {PROBE_AS_IS, 11},
		.lowest = 8,
		.highest = 1000,
		.step = 1,
		.drawn = 1,
		.knob = "vm.percpu_pagelist_high_fraction",
	},
	{
		.name = "min-free",
		.unit = VM_UNIT_KIB,
		.choices_count = 2,
		.choices = {PROBE_AS_IS, 30011},
		.knob = "vm.min_free_kbytes",
	},
};

/* One at a time. */
static bool suits(const struct vm_host *host, const struct probe_arguments *arguments)
{
	(void)host;
	return (probe_argument(arguments, "reserve-ratio") != PROBE_AS_IS) +
		       (probe_argument(arguments, "high-fraction") != PROBE_AS_IS) +
		       (probe_argument(arguments, "min-free") != PROBE_AS_IS) <=
	       1;
}

/* In the parameters of the start: linux:6.12:arch/x86/include/uapi/asm/bootparam.h:setup_header */
#define INITIAL_SIZE_AT 0x21c
#define IMAGE_SIZE_AT	0x260

#define THRESHOLDS_LIMIT 16

enum figure { PROTECTION, BATCH, HIGH, HIGH_MIN, HIGH_MAX, THRESHOLD, FIGURES_COUNT };

static const struct vm_prediction about[FIGURES_COUNT] = {
	[PROTECTION] =
		{
			.claim = "reclaim.watermarks",
			.quantity = "protection",
			.at = "*",
			.unit = VM_UNIT_PAGES,
			.because = "of each zone, the managed pages of the zones above it up to "
				   "the one "
				   "asked for, divided by lowmem_reserve_ratio, are left alone",
			.cite = "linux:6.12:mm/page_alloc.c:setup_per_zone_lowmem_reserve",
		},
	[BATCH] =
		{
			.claim = "reclaim.watermarks",
			.quantity = "batch",
			.at = "*",
			.unit = VM_UNIT_PAGES,
			.because = "a quarter of a thousandth of the zone, or of 1 MiB if that is "
				   "less, "
				   "one below a power of two",
			.cite = "linux:6.12:mm/page_alloc.c:zone_batchsize",
		},
	[HIGH] =
		{
			.claim = "reclaim.watermarks",
			.quantity = "high",
			.at = "*",
			.unit = VM_UNIT_PAGES,
			.because =
				"the low mark shared out among the CPUs of the node, at least four "
				"batches; or a fraction of the zone, if one is set",
			.cite = "linux:6.1:mm/page_alloc.c:zone_highsize",
		},
	[HIGH_MIN] =
		{
			.claim = "reclaim.watermarks",
			.quantity = "high-min",
			.at = "*",
			.unit = VM_UNIT_PAGES,
			.because =
				"the low mark shared out among the CPUs of the node, at least four "
				"batches; or a fraction of the zone, if one is set",
			.cite = "linux:6.12:mm/page_alloc.c:zone_highsize",
		},
	[HIGH_MAX] =
		{
			.claim = "reclaim.watermarks",
			.quantity = "high-max",
			.at = "*",
			.unit = VM_UNIT_PAGES,
			.because = "an eighth of the zone shared out among the CPUs of the node, "
				   "at least "
				   "four batches; or a fraction of the zone, if one is set",
			.cite = "linux:6.12:mm/page_alloc.c:zone_set_pageset_high_and_batch",
		},
	[THRESHOLD] =
		{
			.claim = "reclaim.watermarks",
			.quantity = "threshold",
			.at = "*",
			.unit = VM_UNIT_PAGES,
			.because = "2 * fls(CPUs) * (1 + fls(size in units of 128 MiB)), at most "
				   "125, worked out before the start's own memory was given "
				   "to the zone or since; less "
				   "while kswapd runs, where the lag could hide the min mark",
			.cite = "linux:6.12:mm/vmstat.c:calculate_normal_threshold",
		},
};

static const char *const inputs[] = {"managed", "low", "min", "boost", "reserve-ratio",
	"high-fraction", "node-cpus", "given-late"};

#define INPUTS_COUNT (sizeof(inputs) / sizeof(inputs[0]))

/*
 * Reading lowmem_reserve_ratio makes the kernel work out the reserves anew; the lists and lags are
 * as old as the last write of one of the other settings, so they are predicted only beside one.
 */
static bool is_spoken_of(
	const struct vm_host *host, const struct probe_arguments *arguments, enum figure figure)
{
	if (figure != PROTECTION && probe_argument(arguments, "high-fraction") == PROBE_AS_IS &&
		probe_argument(arguments, "min-free") == PROBE_AS_IS)
		return false;
	switch (figure) {
	case HIGH:
		return !vm_host_has(host, VM_FEATURE_PCP_HIGH_MIN);
	case HIGH_MIN:
	case HIGH_MAX:
		return vm_host_has(host, VM_FEATURE_PCP_HIGH_MIN);
	case PROTECTION:
	case BATCH:
	case THRESHOLD:
	case FIGURES_COUNT:
		break;
	}
	return true;
}

static int64_t protection_of(const struct zone_readings *zones, size_t index,
	enum vm_zone_kind class_zone, uint64_t ratio, bool highest)
{
	const struct zone_reading *zone = &zones->zone[index];
	uint64_t upper_pages = 0;

	if (class_zone <= zone->kind)
		return 0;
	for (size_t i = 0; i < zones->count; i++) {
		const struct zone_reading *upper = &zones->zone[i];
		if (upper->node == zone->node && upper->kind > zone->kind &&
			upper->kind <= class_zone)
			upper_pages += (uint64_t)(highest ? upper->managed_pages.highest
							  : upper->managed_pages.lowest);
	}
	return (int64_t)vm_zone_reserve_pages(
		(uint64_t)(highest ? zone->managed_pages.highest : zone->managed_pages.lowest),
		upper_pages, ratio);
}

static void predict_protection(const struct zone_readings *zones, size_t index,
	const struct probe_reading *ratios, size_t classes, struct vm_predictions *predictions)
{
	const struct zone_reading *zone = &zones->zone[index];
	const uint64_t ratio =
		zone->kind < ratios->values_count ? (uint64_t)ratios->values[zone->kind] : 0;
	int64_t values[2 * VM_ZONE_KIND_LIMIT];
	struct vm_prediction prediction = about[PROTECTION];

	for (size_t class_zone = 0; class_zone < classes; class_zone++) {
		values[2 * class_zone] =
			protection_of(zones, index, (enum vm_zone_kind)class_zone, ratio, false);
		values[2 * class_zone + 1] =
			protection_of(zones, index, (enum vm_zone_kind)class_zone, ratio, true);
	}
	prediction.at = zone->place;
	prediction.form = VM_FORM_WITHIN;
	prediction.values = values;
	prediction.values_count = 2 * classes;
	vm_predict(predictions, &prediction);
}

struct list_inputs {
	struct moving low, min, fraction;
	uint32_t cpus_node, cpus_online;
	bool has_threshold;
	uint64_t late_pages; /* of all zones together */
	bool limits_printed; /* 6.12 has them and prints only what it made of them */
};

static void predict_lists(const struct vm_host *host, const struct probe_arguments *arguments,
	const struct zone_reading *zone, const struct list_inputs *given,
	struct vm_predictions *predictions)
{
	const struct vm_cpu_lists least = vm_zone_cpu_lists((uint64_t)zone->managed_pages.lowest,
		(uint64_t)given->low.lowest, given->cpus_node, (uint64_t)given->fraction.highest);
	const struct vm_cpu_lists most = vm_zone_cpu_lists((uint64_t)zone->managed_pages.highest,
		(uint64_t)given->low.highest, given->cpus_node, (uint64_t)given->fraction.lowest);
	const struct moving spans[] = {
		[BATCH] = {(int64_t)least.batch_pages, (int64_t)most.batch_pages},
		[HIGH] = {(int64_t)least.high_min_pages, (int64_t)most.high_min_pages},
		[HIGH_MIN] = {(int64_t)least.high_min_pages, (int64_t)most.high_min_pages},
		[HIGH_MAX] = {(int64_t)least.high_max_pages, (int64_t)most.high_max_pages},
	};

	for (enum figure figure = BATCH; figure <= HIGH_MAX; figure++) {
		struct vm_prediction prediction = about[figure];
		prediction.at = zone->place;
		prediction.form = VM_FORM_WITHIN;
		prediction.values = (int64_t[]){spans[figure].lowest, spans[figure].highest};
		prediction.values_count = 2;
		if ((figure == HIGH_MIN || figure == HIGH_MAX) && !given->limits_printed) {
			prediction.form = VM_FORM_SILENT;
			prediction.values_count = 0;
		}
		if (is_spoken_of(host, arguments, figure))
			vm_predict(predictions, &prediction);
	}
}

/*
 * It is worked out when a CPU comes or goes and when kswapd goes to sleep; until then it is that of
 * the start, when the zone did not have the initial file system and the kernel's first code yet:
 * linux:6.12:mm/vmstat.c:refresh_zone_stat_thresholds, mm/vmscan.c:kswapd_try_to_sleep,
 * init/initramfs.c:free_initrd_mem.
 */
static void predict_threshold(const struct zone_reading *zone, const struct list_inputs *given,
	struct vm_predictions *predictions)
{
	const uint64_t managed = (uint64_t)zone->managed_pages.highest;
	const uint64_t least = (uint64_t)zone->managed_pages.lowest;
	const uint64_t at_start = least - (given->late_pages < least ? given->late_pages : least);
	int64_t values[THRESHOLDS_LIMIT];
	size_t count = 0;
	struct vm_prediction prediction = about[THRESHOLD];

	prediction.at = zone->place;
	if (!given->has_threshold) {
		const int64_t none = 0;
		prediction.form = VM_FORM_EXACT;
		prediction.values = &none;
		prediction.values_count = 1;
		prediction.because = "where there can be but one CPU all counters are exact";
		prediction.cite = "linux:6.12:mm/vmstat.c:refresh_zone_stat_thresholds";
		vm_predict(predictions, &prediction);
		return;
	}
	prediction.form = VM_FORM_AMONG;
	values[count++] = (int64_t)vm_zone_stat_threshold_pressed(managed,
		(uint64_t)given->low.highest, (uint64_t)given->min.highest, given->cpus_online);
	values[count++] = (int64_t)vm_zone_stat_threshold(at_start, given->cpus_online);
	/* And of the sizes between, which differ by powers of two. */
	for (uint64_t size = managed; size > at_start && count < THRESHOLDS_LIMIT; size /= 2)
		values[count++] = (int64_t)vm_zone_stat_threshold(size, given->cpus_online);
	prediction.values = values;
	prediction.values_count = count;
	vm_predict(predictions, &prediction);
}

/* The marks without the boost of the moment. */
static bool marks_of(const struct probe_readings *readings, const struct zone_reading *zone,
	struct list_inputs *given)
{
	const struct probe_reading *boost = probe_reading_of(readings, "boost", zone->place);

	if (boost == NULL || !moving_of(readings, "low", zone->place, &given->low) ||
		!moving_of(readings, "min", zone->place, &given->min))
		return false;
	/* A boost that moved is in the marks of one pass only; what is left is a wider span. */
	given->low.lowest -=
		boost->values[0] > boost->values[1] ? boost->values[0] : boost->values[1];
	given->low.highest -=
		boost->values[0] < boost->values[1] ? boost->values[0] : boost->values[1];
	given->min = zone->given_min_pages;
	return true;
}

static uint32_t node_cpus_of(
	const struct probe_readings *readings, uint64_t node, uint32_t cpus_online)
{
	char place[ZONE_PLACE_BYTES];
	struct moving cpus;

	(void)snprintf(place, sizeof(place), "node %" PRIu64, node);
	/* A node without CPUs is shared by all. */
	return moving_of(readings, "node-cpus", place, &cpus) && cpus.highest > 0
		       ? (uint32_t)cpus.highest
		       : cpus_online;
}

static void predict(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	const struct probe_reading *ratios = probe_reading_of(readings, "reserve-ratio", "");
	struct list_inputs given = {.cpus_online = host->cpus_online,
		.has_threshold = !vm_host_lacks(host, VM_FEATURE_SMP)};
	struct zone_readings zones;
	struct moving late;

	if (ratios == NULL || !moving_of(readings, "high-fraction", "", &given.fraction)) {
		for (enum figure figure = PROTECTION; figure < FIGURES_COUNT; figure++)
			if (is_spoken_of(host, arguments, figure))
				predict_rule(predictions, &about[figure], inputs, INPUTS_COUNT);
		return;
	}
	if (moving_of(readings, "given-late", "", &late))
		given.late_pages = (uint64_t)late.highest;
	zone_readings_of(model, readings, &zones);
	for (size_t i = 0; i < zones.count; i++) {
		const struct zone_reading *zone = &zones.zone[i];
		const struct probe_reading *protection =
			probe_reading_of(readings, "protection", zone->place);
		if (protection != NULL)
			predict_protection(
				&zones, i, ratios, protection->values_count, predictions);
		given.cpus_node = node_cpus_of(readings, zone->node, host->cpus_online);
		given.limits_printed = probe_reading_of(readings, "high-min", zone->place) != NULL;
		if (probe_reading_of(readings, "batch", zone->place) == NULL ||
			!marks_of(readings, zone, &given))
			continue;
		predict_lists(host, arguments, zone, &given, predictions);
		if (is_spoken_of(host, arguments, THRESHOLD))
			predict_threshold(zone, &given, predictions);
	}
}

static void observe_pagesets(const struct kernel_zone *zone, const char *place)
{
	enum { CPUS_LIMIT = 1024 };
	static int64_t batch[CPUS_LIMIT], high[CPUS_LIMIT], high_min[CPUS_LIMIT],
		high_max[CPUS_LIMIT], threshold[CPUS_LIMIT];
	const size_t count = zone->pagesets_count < CPUS_LIMIT ? zone->pagesets_count : CPUS_LIMIT;
	bool has_limits = false;

	for (size_t i = 0; i < count; i++) {
		const struct kernel_pageset pageset = kernel_zone_pageset(zone, i);
		batch[i] = (int64_t)pageset.batch_pages;
		high[i] = (int64_t)pageset.high_pages;
		high_min[i] = (int64_t)pageset.high_min_pages;
		high_max[i] = (int64_t)pageset.high_max_pages;
		threshold[i] = (int64_t)pageset.stats_threshold;
		has_limits = pageset.has_high_limits;
	}
	if (count == 0)
		return;
	observe_values("batch", place, batch, count, VM_UNIT_PAGES, "/proc/zoneinfo");
	observe_values("threshold", place, threshold, count, VM_UNIT_PAGES, "/proc/zoneinfo");
	observe_values("high", place, high, count, VM_UNIT_PAGES, "/proc/zoneinfo");
	if (!has_limits)
		return;
	observe_values("high-min", place, high_min, count, VM_UNIT_PAGES, "/proc/zoneinfo");
	observe_values("high-max", place, high_max, count, VM_UNIT_PAGES, "/proc/zoneinfo");
}

static void observe_node_cpus(uint64_t node)
{
	char path[80], place[ZONE_PLACE_BYTES];
	struct kernel_ranges ranges;
	struct kernel_error error;
	struct kernel_file file;

	(void)snprintf(
		path, sizeof(path), "/sys/devices/system/node/node%" PRIu64 "/cpulist", node);
	(void)snprintf(place, sizeof(place), "node %" PRIu64, node);
	/* A kernel without NUMA has no such file, and one node with all CPUs. */
	if (!kernel_file_try_open(path, KERNEL_FILE_USUAL_BYTES, &file))
		return;
	MUST(kernel_ranges_parse(kernel_file_read(&file), &ranges, &error) == 0);
	observe_at("node-cpus", place, (int64_t)ranges.count, VM_UNIT_COUNT, "cpulist");
	kernel_file_close(&file);
}

static void observe_ratios(void)
{
	const struct kernel_file file =
		kernel_file_open("/proc/sys/vm/lowmem_reserve_ratio", KERNEL_FILE_USUAL_BYTES);
	uint64_t ratios[VM_ZONE_KIND_LIMIT];
	int64_t values[VM_ZONE_KIND_LIMIT];
	size_t count = 0;
	struct kernel_error error;

	MUST(kernel_integers_parse(
		     kernel_file_read(&file), VM_ZONE_KIND_LIMIT, ratios, &count, &error) == 0);
	for (size_t i = 0; i < count; i++)
		values[i] = (int64_t)ratios[i];
	observe_values(
		"reserve-ratio", "", values, count, VM_UNIT_COUNT, "vm.lowmem_reserve_ratio");
}

static void observe_zone(const struct kernel_zone *zone)
{
	int64_t protection[KERNEL_ZONE_PROTECTION_LIMIT];
	char place[ZONE_PLACE_BYTES];

	zone_place(zone, place);
	for (size_t i = 0; i < zone->protection_count; i++)
		protection[i] = (int64_t)zone->protection_pages[i];
	if (zone->protection_count != 0)
		observe_values("protection", place, protection, zone->protection_count,
			VM_UNIT_PAGES, "/proc/zoneinfo");
	observe_pagesets(zone, place);
}

/* As the boot loader told it: of a kernel without this file nothing is known. */
static void observe_given_late(void)
{
	struct kernel_file file;
	uint32_t initial_bytes, image_bytes;

	if (!kernel_file_try_open("/sys/kernel/boot_params/data", KERNEL_FILE_USUAL_BYTES, &file))
		return;
	const struct kernel_text given = kernel_file_read(&file);
	MUST(given.length_bytes >= IMAGE_SIZE_AT + sizeof(image_bytes));
	memcpy(&initial_bytes, given.bytes + INITIAL_SIZE_AT, sizeof(initial_bytes));
	memcpy(&image_bytes, given.bytes + IMAGE_SIZE_AT, sizeof(image_bytes));
	observe("given-late",
		(int64_t)(vm_bytes_to_pages_ceil(initial_bytes) +
			  vm_bytes_to_pages_ceil(image_bytes)),
		VM_UNIT_PAGES, "/sys/kernel/boot_params");
	kernel_file_close(&file);
}

static void measure(const struct probe_arguments *arguments)
{
	struct zone_passes *passes = zone_passes_open();

	(void)arguments;
	/* First: reading the ratios is what makes the kernel work out the reserves anew. */
	observe_ratios();
	observe_given_late();
	zone_passes_read(passes, 0);
	observe("high-fraction", kernel_number_at("/proc/sys/vm/percpu_pagelist_high_fraction"),
		VM_UNIT_COUNT, "vm.percpu_pagelist_high_fraction");
	zone_passes_read(passes, 1);
	observe_zones(passes, "managed", zone_managed_pages);
	observe_zones(passes, "boost", zone_boost_pages);
	observe_zones(passes, "min", zone_min_pages);
	observe_zones(passes, "low", zone_low_pages);
	for (size_t i = 0; i < passes->zoneinfo[1].count; i++) {
		const struct kernel_zone *zone = &passes->zoneinfo[1].zone[i];
		if (i == 0 || zone->node != passes->zoneinfo[1].zone[i - 1].node)
			observe_node_cpus(zone->node);
		observe_zone(zone);
	}
}

static const char *const claims[] = {"reclaim.watermarks", NULL};

PROBE(reserves) = {
	.name = "reclaim.reserves",
	.claims = claims,
	.question = "What of each zone is kept from others, and what may each CPU keep for itself?",
	.method = "Read the settings, which brings the reserves up to date, and all zones twice.",
	.threats = "Zones grow when memory comes online: sizes and figures are read in one pass, "
		   "and what moved is in the prediction. How far a list has tuned itself between "
		   "its limits is not looked at.",
	.by_hand = "grep -E 'zone|managed|protection|batch|high_|threshold' /proc/zoneinfo\n"
		   "sysctl vm.lowmem_reserve_ratio vm.percpu_pagelist_high_fraction",
	.parameters_count = sizeof(parameters) / sizeof(parameters[0]),
	.parameters = parameters,
	.deadline_s = 10,
	.suits = suits,
	.predict = PREDICTS(predict),
	.measure = MEASURES(measure),
};
