/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MemAvailable and the two limits of dirty memory, from free memory, the page cache and what is
 * reserved. Both hold totalreserve_pages, which the kernel shows nowhere else.
 *
 * It would miss a kernel that throttles writers elsewhere than at the limit that it shows.
 */
#include <string.h>

#include "probe/moving.h"
#include "probe/probe.h"
#include "probe/zones.h"
#include "trial/trial.h"
#include "trial/zones.h"
#include "vm/available.h"
#include "vm/model.h"
#include "vm/prediction.h"

/* Each window is three readings; the result of the middle one lies between their inputs. */
#define WINDOWS	 31
#define READINGS (WINDOWS + 2)

static const struct probe_parameter available_parameters[] = {
	{
		.name = "min-free",
		.unit = VM_UNIT_KIB,
		.choices_count = 2,
		.choices = {PROBE_AS_IS, 40009},
		.knob = "vm.min_free_kbytes",
	},
};

static const struct probe_parameter dirty_parameters[] = {
	{
		.name = "ratio",
		.unit = VM_UNIT_COUNT,
		.choices_count = 3,
		.choices = {PROBE_AS_IS, 7, 100},
		.knob = "vm.dirty_ratio",
	},
	{
		.name = "background-ratio",
		.unit = VM_UNIT_COUNT,
		.choices_count = 2,
		.choices = {PROBE_AS_IS, 33},
		.knob = "vm.dirty_background_ratio",
	},
	{
		.name = "bytes",
		.unit = VM_UNIT_BYTES,
		.choices_count = 2,
		.choices = {PROBE_AS_IS, 123456789},
		.knob = "vm.dirty_bytes",
	},
};

/* Bytes and ratio are rivals. */
static bool dirty_suits(const struct vm_host *host, const struct probe_arguments *arguments)
{
	(void)host;
	return (probe_argument(arguments, "ratio") != PROBE_AS_IS) +
		       (probe_argument(arguments, "background-ratio") != PROBE_AS_IS) +
		       (probe_argument(arguments, "bytes") != PROBE_AS_IS) <=
	       1;
}

/* --- predict --------------------------------------------------------------------------------- */

static const char *const available_inputs[] = {
	"managed", "low", "high", "boost", "reserve", "free", "file", "reclaimable"};
static const char *const dirty_inputs[] = {"managed", "low", "high", "boost", "reserve", "free",
	"file", "ratio", "bytes", "background-ratio", "background-bytes", "ram"};

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* What comes out of the zones: the sum of low marks, and what is reserved in all. */
struct kept {
	struct moving low, reserved;
};

static bool kept_of(
	const struct vm_model *model, const struct probe_readings *readings, struct kept *kept)
{
	struct zone_readings zones;

	*kept = (struct kept){{0, 0}, {0, 0}};
	zone_readings_of(model, readings, &zones);
	for (size_t i = 0; i < zones.count; i++) {
		const struct zone_reading *zone = &zones.zone[i];
		struct moving low, high, boost, reserve;
		if (!moving_of(readings, "low", zone->place, &low) ||
			!moving_of(readings, "high", zone->place, &high) ||
			!moving_of(readings, "boost", zone->place, &boost) ||
			!moving_of(readings, "reserve", zone->place, &reserve))
			return false;
		kept->low.lowest += low.lowest;
		kept->low.highest += low.highest;
		/* The sum is as old as the last change of a setting: a boost may be in it or not.
		 */
		kept->reserved.lowest +=
			(int64_t)vm_zone_total_reserve_pages((uint64_t)zone->managed_pages.lowest,
				(uint64_t)reserve.lowest, (uint64_t)(high.lowest - boost.highest));
		kept->reserved.highest +=
			(int64_t)vm_zone_total_reserve_pages((uint64_t)zone->managed_pages.highest,
				(uint64_t)reserve.highest, (uint64_t)high.highest);
	}
	return zones.count != 0;
}

/* Lowest and highest of three readings one after the other. */
static struct moving window_of(const struct probe_reading *reading, size_t window)
{
	struct moving span = {reading->values[window], reading->values[window]};

	for (size_t i = window + 1; i < window + 3; i++) {
		span.lowest = reading->values[i] < span.lowest ? reading->values[i] : span.lowest;
		span.highest =
			reading->values[i] > span.highest ? reading->values[i] : span.highest;
	}
	return span;
}

static const struct probe_reading *series_of(
	const struct probe_readings *readings, const char *quantity)
{
	const struct probe_reading *reading = probe_reading_of(readings, quantity, "");

	return reading != NULL && reading->values_count == READINGS ? reading : NULL;
}

struct series {
	const struct probe_reading *free, *file, *reclaimable;
};

static struct vm_available_inputs inputs_of(
	const struct series *series, const struct kept *kept, size_t window, bool most)
{
	const struct moving free = window_of(series->free, window);
	const struct moving file = window_of(series->file, window);
	struct moving reclaimable = {0, 0};

	if (series->reclaimable != NULL)
		reclaimable = window_of(series->reclaimable, window);
	return (struct vm_available_inputs){
		.free_pages = (uint64_t)(most ? free.highest : free.lowest),
		.file_pages = (uint64_t)(most ? file.highest : file.lowest),
		.reclaimable_pages = (uint64_t)(most ? reclaimable.highest : reclaimable.lowest),
		.low_pages = (uint64_t)(most ? kept->low.lowest : kept->low.highest),
		.total_reserve_pages =
			(uint64_t)(most ? kept->reserved.lowest : kept->reserved.highest),
	};
}

static void explain_available(const struct vm_model *model, struct vm_prediction *prediction)
{
	prediction->cite = "linux:6.12:mm/show_mem.c:si_mem_available";
	switch (model->behaviours.available) {
	case VM_AVAILABLE_FREE_AND_CACHE:
		prediction->because = "what is free, and what is only a cache";
		prediction->cite = "gios";
		return;
	case VM_AVAILABLE_LESS_RESERVES:
		break;
	}
	prediction->because = "free memory above all reserves, and of page cache and reclaimable "
			      "slab all but a half, or but the sum of the low marks";
}

static void predict_available(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	const struct series series = {
		.free = series_of(readings, "free"),
		.file = series_of(readings, "file"),
		.reclaimable = series_of(readings, "reclaimable"),
	};
	struct vm_prediction prediction = {
		.claim = "reclaim.categories",
		.quantity = "available",
		.at = "",
		.unit = VM_UNIT_PAGES,
		.form = VM_FORM_MOSTLY,
	};
	int64_t values[2 * WINDOWS];
	struct kept kept;

	(void)host, (void)arguments;
	explain_available(model, &prediction);
	if (series.free == NULL || series.file == NULL || series.reclaimable == NULL ||
		!kept_of(model, readings, &kept)) {
		predict_rule(
			predictions, &prediction, available_inputs, COUNT_OF(available_inputs));
		return;
	}
	for (size_t window = 0; window < WINDOWS; window++) {
		const struct vm_available_inputs least = inputs_of(&series, &kept, window, false);
		const struct vm_available_inputs most = inputs_of(&series, &kept, window, true);
		values[2 * window] = (int64_t)vm_available_pages(&model->behaviours, &least);
		values[2 * window + 1] = (int64_t)vm_available_pages(&model->behaviours, &most);
	}
	prediction.values = values;
	prediction.values_count = COUNT_OF(values);
	vm_predict(predictions, &prediction);
}

static void explain_dirty(const struct vm_model *model, struct vm_prediction *prediction)
{
	prediction->cite = "linux:6.12:mm/page-writeback.c:domain_dirty_limits";
	switch (model->behaviours.dirty_share) {
	case VM_DIRTY_SHARE_OF_RAM:
		prediction->because = "a percentage of RAM";
		prediction->cite = "wut";
		return;
	case VM_DIRTY_SHARE_OF_DIRTYABLE:
		break;
	}
	prediction->because = "a percentage, in 4096ths, of free memory above the reserves and "
			      "page cache; the background limit at most half of the other";
}

static bool settings_of(const struct probe_readings *readings, struct vm_dirty_settings *settings)
{
	struct moving ratio, bytes, background_ratio, background_bytes;

	if (!moving_of(readings, "ratio", "", &ratio) ||
		!moving_of(readings, "bytes", "", &bytes) ||
		!moving_of(readings, "background-ratio", "", &background_ratio) ||
		!moving_of(readings, "background-bytes", "", &background_bytes))
		return false;
	*settings = (struct vm_dirty_settings){
		.ratio_percent = (uint64_t)ratio.highest,
		.bytes = (uint64_t)bytes.highest,
		.background_ratio_percent = (uint64_t)background_ratio.highest,
		.background_bytes = (uint64_t)background_bytes.highest,
	};
	return true;
}

static void predict_dirty(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	const struct series series = {
		.free = series_of(readings, "free"), .file = series_of(readings, "file")};
	struct vm_prediction prediction = {
		.claim = "reclaim.tunables",
		.at = "",
		.unit = VM_UNIT_PAGES,
		.form = VM_FORM_MOSTLY,
	};
	int64_t threshold[2 * WINDOWS], background[2 * WINDOWS];
	struct vm_dirty_settings settings;
	struct moving ram;
	struct kept kept;

	(void)host, (void)arguments;
	explain_dirty(model, &prediction);
	const bool known = series.free != NULL && series.file != NULL &&
			   moving_of(readings, "ram", "", &ram) &&
			   settings_of(readings, &settings) && kept_of(model, readings, &kept);
	for (size_t window = 0; known && window < WINDOWS; window++)
		for (size_t most = 0; most < 2; most++) {
			const struct vm_available_inputs given =
				inputs_of(&series, &kept, window, most != 0);
			const struct vm_dirty_limits limits = vm_dirty_limits(&model->behaviours,
				&given, vm_kib_to_pages_floor((uint64_t)ram.highest), &settings);
			threshold[2 * window + most] = (int64_t)limits.threshold_pages;
			background[2 * window + most] = (int64_t)limits.background_pages;
		}
	prediction.quantity = "threshold";
	prediction.values = threshold;
	prediction.values_count = COUNT_OF(threshold);
	if (known)
		vm_predict(predictions, &prediction);
	else
		predict_rule(predictions, &prediction, dirty_inputs, COUNT_OF(dirty_inputs));
	prediction.quantity = "background";
	prediction.values = background;
	if (known)
		vm_predict(predictions, &prediction);
	else
		predict_rule(predictions, &prediction, dirty_inputs, COUNT_OF(dirty_inputs));
}

/* --- measure --------------------------------------------------------------------------------- */

static uint64_t highest_protection(const struct kernel_zone *zone)
{
	uint64_t highest = 0;

	for (size_t i = 0; i < zone->protection_count; i++)
		if (zone->protection_pages[i] > highest)
			highest = zone->protection_pages[i];
	return highest;
}

static void observe_kept(const struct zone_passes *passes)
{
	observe_zones(passes, "managed", zone_managed_pages);
	observe_zones(passes, "boost", zone_boost_pages);
	observe_zones(passes, "low", zone_low_pages);
	observe_zones(passes, "high", zone_high_pages);
	observe_zones(passes, "reserve", highest_protection);
}

static int64_t pages_at(struct kernel_text meminfo, const char *name)
{
	return (int64_t)vm_kib_to_pages_floor((uint64_t)kernel_meminfo_value(meminfo, name));
}

static void measure_available(const struct probe_arguments *arguments)
{
	struct zone_passes *passes = zone_passes_open();
	const struct kernel_file meminfo =
		kernel_file_open("/proc/meminfo", KERNEL_FILE_USUAL_BYTES);
	int64_t free[READINGS], file[READINGS], reclaimable[READINGS], available[READINGS];

	(void)arguments;
	zone_passes_read(passes, 0);
	for (size_t i = 0; i < READINGS; i++) {
		const struct kernel_text text = kernel_file_read(&meminfo);
		free[i] = pages_at(text, "MemFree");
		file[i] = pages_at(text, "Active(file)") + pages_at(text, "Inactive(file)");
		reclaimable[i] = pages_at(text, "KReclaimable");
		available[i] = pages_at(text, "MemAvailable");
	}
	zone_passes_read(passes, 1);
	observe_kept(passes);
	observe_values("free", "", free, READINGS, VM_UNIT_PAGES, "/proc/meminfo");
	observe_values("file", "", file, READINGS, VM_UNIT_PAGES, "/proc/meminfo");
	observe_values("reclaimable", "", reclaimable, READINGS, VM_UNIT_PAGES, "/proc/meminfo");
	observe_values("available", "", available + 1, WINDOWS, VM_UNIT_PAGES, "/proc/meminfo");
}

static void observe_setting(const char *quantity, const char *path, enum vm_unit unit)
{
	observe(quantity, kernel_number_at(path), unit, "sysctl");
}

static void measure_dirty(const struct probe_arguments *arguments)
{
	struct zone_passes *passes = zone_passes_open();
	const struct kernel_file vmstat = kernel_file_open("/proc/vmstat", KERNEL_FILE_USUAL_BYTES);
	const struct kernel_file meminfo =
		kernel_file_open("/proc/meminfo", KERNEL_FILE_USUAL_BYTES);
	int64_t free[READINGS], file[READINGS], threshold[READINGS], background[READINGS];

	(void)arguments;
	zone_passes_read(passes, 0);
	/* The inputs come from meminfo: both surfaces show the same counters, vmstat the limits. */
	for (size_t i = 0; i < READINGS; i++) {
		const struct kernel_text inputs = kernel_file_read(&meminfo);
		const struct kernel_text limits = kernel_file_read(&vmstat);
		free[i] = pages_at(inputs, "MemFree");
		file[i] = pages_at(inputs, "Active(file)") + pages_at(inputs, "Inactive(file)");
		threshold[i] = kernel_vmstat_value(limits, "nr_dirty_threshold");
		background[i] = kernel_vmstat_value(limits, "nr_dirty_background_threshold");
	}
	zone_passes_read(passes, 1);
	observe_kept(passes);
	observe_setting("ratio", "/proc/sys/vm/dirty_ratio", VM_UNIT_COUNT);
	observe_setting("bytes", "/proc/sys/vm/dirty_bytes", VM_UNIT_BYTES);
	observe_setting("background-ratio", "/proc/sys/vm/dirty_background_ratio", VM_UNIT_COUNT);
	observe_setting("background-bytes", "/proc/sys/vm/dirty_background_bytes", VM_UNIT_BYTES);
	observe("ram", kernel_meminfo_value(kernel_file_read(&meminfo), "MemTotal"), VM_UNIT_KIB,
		"MemTotal");
	observe_values("free", "", free, READINGS, VM_UNIT_PAGES, "/proc/meminfo");
	observe_values("file", "", file, READINGS, VM_UNIT_PAGES, "/proc/meminfo");
	observe_values("threshold", "", threshold + 1, WINDOWS, VM_UNIT_PAGES, "/proc/vmstat");
	observe_values("background", "", background + 1, WINDOWS, VM_UNIT_PAGES, "/proc/vmstat");
}

#define THREATS                                                                             \
	"Others take and free memory between an input and the result: each result is held " \
	"against the span of three readings around it, and more than half must lie in it."

static const char *const available_claims[] = {"reclaim.categories", NULL};

PROBE(available) = {
	.name = "reclaim.available",
	.claims = available_claims,
	.question = "How much of memory is to be had?",
	.method = "Read meminfo 33 times between two readings of all zones.",
	.threats = THREATS,
	.by_hand = "grep -E 'MemFree|MemAvailable|file|KReclaimable' /proc/meminfo",
	.parameters_count = COUNT_OF(available_parameters),
	.parameters = available_parameters,
	.deadline_s = 10,
	.predict = PREDICTS(predict_available),
	.measure = MEASURES(measure_available),
};

static const char *const dirty_claims[] = {"reclaim.tunables", NULL};

PROBE(dirty) = {
	.name = "reclaim.dirty-limits",
	.claims = dirty_claims,
	.question = "How much memory may be dirty?",
	.method = "Read meminfo and vmstat by turns 33 times between two readings of all zones.",
	.threats = THREATS,
	.by_hand = "grep -E 'dirty.*threshold|nr_free_pages|_file' /proc/vmstat; sysctl -a | grep "
		   "dirty",
	.parameters_count = COUNT_OF(dirty_parameters),
	.parameters = dirty_parameters,
	.deadline_s = 10,
	.suits = dirty_suits,
	.predict = PREDICTS(predict_dirty),
	.measure = MEASURES(measure_dirty),
};
