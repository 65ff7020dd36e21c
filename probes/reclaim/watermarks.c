/* SPDX-License-Identifier: Apache-2.0 */
/*
 * min, low, high and promo of every zone follow from the zone's size and two settings, to the page.
 *
 * A kernel whose marks are right but whose allocator compares with others would pass here: that is
 * what reclaim.kswapd and reclaim.direct look at in a guest.
 */
#include "probe/moving.h"
#include "probe/probe.h"
#include "probe/zones.h"
#include "trial/trial.h"
#include "trial/zones.h"
#include "vm/model.h"
#include "vm/prediction.h"

#define SETTING_READS (ZONE_PASSES + 1)

static const struct probe_parameter parameters[] = {
	{
		.name = "min-free",
		.unit = VM_UNIT_KIB,
		.choices_count = 3,
		.choices = {PROBE_AS_IS, 4099, 30011},
		.lowest = 2048,
		.highest = 65536,
		.step = 1,
		.drawn = 1,
		.knob = "vm.min_free_kbytes",
	},
	{
		.name = "scale-factor",
		.unit = VM_UNIT_COUNT,
		.choices_count = 3,
		.choices = {PROBE_AS_IS, 1, 157},
		.lowest = 1,
		.highest = 400,
		.step = 1,
		.drawn = 1,
		.knob = "vm.watermark_scale_factor",
	},
};

/*
 * The kernel works the marks out when a setting is written, and early in its life; what init code
 * gives back after that is in the sizes and not in the marks. So one of the two is always written:
 * what is drawn may be what is there, and then nothing is.
 */
static bool is_written(const struct vm_host *host, const struct probe_arguments *arguments,
	const char *name, enum vm_knob knob)
{
	const int64_t value = probe_argument(arguments, name);

	return value != PROBE_AS_IS && value != vm_host_knob(host, knob, PROBE_AS_IS);
}

static bool suits(const struct vm_host *host, const struct probe_arguments *arguments)
{
	return is_written(host, arguments, "min-free", VM_KNOB_MIN_FREE_KBYTES) ||
	       is_written(host, arguments, "scale-factor", VM_KNOB_WATERMARK_SCALE_FACTOR);
}

static const char *const inputs[] = {"managed", "boost", "min-free", "scale-factor"};

#define INPUTS_COUNT (sizeof(inputs) / sizeof(inputs[0]))

static const struct vm_prediction about[] = {
	{
		.claim = "reclaim.watermarks",
		.quantity = "min",
		.at = "*",
		.unit = VM_UNIT_PAGES,
		.because = "min_free_kbytes is shared out among the zones by their managed pages",
		.cite = "linux:6.12:mm/page_alloc.c:__setup_per_zone_wmarks",
	},
	{
		.claim = "reclaim.watermarks",
		.quantity = "low",
		.at = "*",
		.unit = VM_UNIT_PAGES,
		.because = "low lies above min by a quarter of the zone's share, or by "
			   "watermark_scale_factor/10000 of the zone if that is more",
		.cite = "linux:6.12:mm/page_alloc.c:__setup_per_zone_wmarks",
	},
	{
		.claim = "reclaim.watermarks",
		.quantity = "high",
		.at = "*",
		.unit = VM_UNIT_PAGES,
		.because = "high lies above low by the same step as low above min",
		.cite = "linux:6.12:mm/page_alloc.c:__setup_per_zone_wmarks",
	},
	{
		.claim = "reclaim.watermarks",
		.quantity = "promo",
		.at = "*",
		.unit = VM_UNIT_PAGES,
		.because = "promo lies above high by the same step again",
		.cite = "linux:6.12:mm/page_alloc.c:__setup_per_zone_wmarks",
	},
	{
		.claim = "reclaim.watermarks",
		.quantity = "boost",
		.at = "*",
		.unit = VM_UNIT_PAGES,
		.form = VM_FORM_WITHIN,
		.because = "fragmentation adds a page block at a time, up to "
			   "watermark_boost_factor/10000 of high; kswapd takes it away again",
		.cite = "linux:6.12:mm/page_alloc.c:boost_watermark",
	},
};

enum mark { MARK_MIN, MARK_LOW, MARK_HIGH, MARK_PROMO, MARK_BOOST, MARKS_COUNT };

static uint64_t mark_of(const struct vm_marks *marks, enum mark mark)
{
	switch (mark) {
	case MARK_MIN:
		return marks->min_pages;
	case MARK_LOW:
		return marks->low_pages;
	case MARK_HIGH:
		return marks->high_pages;
	case MARK_PROMO:
		return marks->promo_pages;
	case MARK_BOOST:
	case MARKS_COUNT:
		break;
	}
	return 0;
}

/* Whether the behaviours say where this mark of a zone comes from. */
static bool is_spoken_of(const struct vm_model *model, const struct vm_host *host, enum mark mark)
{
	if (model->behaviours.watermark_min == VM_WATERMARK_MIN_GIVEN)
		return mark == MARK_LOW || mark == MARK_HIGH;
	return mark != MARK_PROMO || vm_host_has(host, VM_FEATURE_WATERMARK_PROMO);
}

static void predict_mark(const struct vm_model *model, const struct zone_reading *zone,
	const struct zone_marks *marks, enum mark mark, const struct probe_reading *boost,
	struct vm_predictions *predictions)
{
	const int64_t lowest = (int64_t)mark_of(&marks->lowest, mark);
	const int64_t highest = (int64_t)mark_of(&marks->highest, mark);
	int64_t values[ZONE_PASSES];
	struct vm_prediction prediction = about[mark];

	prediction.at = zone->place;
	prediction.form = lowest == highest ? VM_FORM_EXACT : VM_FORM_WITHIN;
	prediction.values = values;
	prediction.values_count = ZONE_PASSES;
	if (model->behaviours.watermark_gap == VM_WATERMARK_QUARTER_OF_MIN) {
		prediction.because = "low is 1.25 times min, and high 1.5 times";
		prediction.cite = "wut";
	}
	/* The kernel prints the mark with the boost of the moment added. */
	values[0] = lowest + boost->values[0];
	values[1] = highest + boost->values[1];
	if (lowest != highest && boost->values[0] > boost->values[1]) {
		values[0] = lowest + boost->values[1];
		values[1] = highest + boost->values[0];
	}
	vm_predict(predictions, &prediction);
}

static void predict_boost(const struct vm_host *host, const struct zone_reading *zone,
	const struct zone_marks *marks, struct vm_predictions *predictions)
{
	const uint64_t factor = (uint64_t)vm_host_knob(host, VM_KNOB_WATERMARK_BOOST_FACTOR, 0);
	const uint64_t limit_pages = vm_zone_boost_limit_pages(
		(uint64_t)zone->managed_pages.highest, marks->highest.high_pages, factor,
		vm_bytes_to_pages_floor(VM_HUGE_2M_BYTES));
	struct vm_prediction prediction = about[MARK_BOOST];

	prediction.at = zone->place;
	prediction.values = (int64_t[]){0, (int64_t)limit_pages};
	prediction.values_count = 2;
	vm_predict(predictions, &prediction);
}

static void predict(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	struct moving min_free_kib, scale_factor;
	struct zone_readings zones;

	(void)arguments;
	if (!moving_of(readings, "min-free", "", &min_free_kib) ||
		!moving_of(readings, "scale-factor", "", &scale_factor)) {
		for (int mark = 0; mark < MARKS_COUNT; mark++)
			if (is_spoken_of(model, host, (enum mark)mark))
				predict_rule(predictions, &about[mark], inputs, INPUTS_COUNT);
		return;
	}
	zone_readings_of(model, readings, &zones);
	for (size_t i = 0; i < zones.count; i++) {
		const struct zone_reading *zone = &zones.zone[i];
		const struct probe_reading *boost =
			probe_reading_of(readings, "boost", zone->place);
		const struct zone_marks marks =
			zone_marks_between(model, &zones, zone, min_free_kib, scale_factor);
		/* The teaching speaks of zones that hold memory. */
		if (model->behaviours.watermark_min == VM_WATERMARK_MIN_GIVEN &&
			zone->managed_pages.highest == 0)
			continue;
		for (int mark = MARK_MIN; mark <= MARK_PROMO; mark++)
			if (is_spoken_of(model, host, (enum mark)mark))
				predict_mark(
					model, zone, &marks, (enum mark)mark, boost, predictions);
		if (is_spoken_of(model, host, MARK_BOOST))
			predict_boost(host, zone, &marks, predictions);
	}
}

static uint64_t promo_pages(const struct kernel_zone *zone)
{
	return zone->promo_pages;
}

static void measure(const struct probe_arguments *arguments)
{
	struct zone_passes *passes = zone_passes_open();
	int64_t min_free_kib[SETTING_READS], scale_factor[SETTING_READS];
	struct kernel_file min_free =
		kernel_file_open("/proc/sys/vm/min_free_kbytes", (size_t)VM_PAGE_BYTES);
	struct kernel_file scale =
		kernel_file_open("/proc/sys/vm/watermark_scale_factor", (size_t)VM_PAGE_BYTES);

	(void)arguments;
	/* A setting before and after each pass: what changes in between is in the readings. */
	for (size_t pass = 0; pass <= ZONE_PASSES; pass++) {
		min_free_kib[pass] = kernel_file_number(&min_free);
		scale_factor[pass] = kernel_file_number(&scale);
		if (pass < ZONE_PASSES)
			zone_passes_read(passes, pass);
	}
	observe_values(
		"min-free", "", min_free_kib, SETTING_READS, VM_UNIT_KIB, "vm.min_free_kbytes");
	observe_values("scale-factor", "", scale_factor, SETTING_READS, VM_UNIT_COUNT,
		"vm.watermark_scale_factor");
	observe_zones(passes, "managed", zone_managed_pages);
	observe_zones(passes, "boost", zone_boost_pages);
	observe_zones(passes, "min", zone_min_pages);
	observe_zones(passes, "low", zone_low_pages);
	observe_zones(passes, "high", zone_high_pages);
	if (passes->zoneinfo[0].zone[0].has_promo)
		observe_zones(passes, "promo", promo_pages);
}

static const char *const claims[] = {"reclaim.watermarks", NULL};

PROBE(watermarks) = {
	.name = "reclaim.watermarks",
	.claims = claims,
	.question = "Where do min, low, high and promo of each zone lie?",
	.method = "Read both settings, then all zones, then the settings again, twice over.",
	.threats = "Marks are as old as the last write of a setting: one is written. Zones grow "
		   "when memory comes online, and their marks with them: sizes and "
		   "marks are read in one pass, and what moved between two passes widens the "
		   "prediction by what the rule makes of it, and no more.",
	.by_hand = "sysctl vm.min_free_kbytes vm.watermark_scale_factor\n"
		   "grep -E 'zone|boost|min|low|high|promo|managed' /proc/zoneinfo",
	.parameters_count = sizeof(parameters) / sizeof(parameters[0]),
	.parameters = parameters,
	.deadline_s = 10,
	.suits = suits,
	.predict = PREDICTS(predict),
	.measure = MEASURES(measure),
};
