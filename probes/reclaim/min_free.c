/* SPDX-License-Identifier: Apache-2.0 */
/*
 * min_free_kbytes where the kernel chooses it: as at start, and as transparent huge pages want it.
 *
 * It would miss a kernel that chooses another value at start only; nobody sees that moment.
 */
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

/* Far below either choice, so that both are raises: the kernel never lowers what was written. */
#define WRITTEN_KIB 2048

static const char *const huge_labels[] = {"always", "never"};

/*
 * In this order: without a boost factor, writing min_free_kbytes leaves no boost behind; then huge
 * pages are switched, and the kernel works it out from the marks that it has at that moment.
 */
static const struct probe_parameter parameters[] = {
	{
		.name = "boost-factor",
		.unit = VM_UNIT_COUNT,
		.choices_count = 1,
		.choices = {0},
		.knob = "vm.watermark_boost_factor",
	},
	{
		.name = "min-free",
		.unit = VM_UNIT_KIB,
		.choices_count = 1,
		.choices = {WRITTEN_KIB},
		.knob = "vm.min_free_kbytes",
		.kernel_moves_on = true,
	},
	{
		.name = "huge-pages",
		.unit = VM_UNIT_COUNT,
		.choices_count = 2,
		.choices = {VM_THP_ALWAYS, VM_THP_NEVER},
		.labels = huge_labels,
		.knob = "thp.enabled",
	},
};

/* Only a change is written, and only what is written is worked out. */
static bool suits(const struct vm_host *host, const struct probe_arguments *arguments)
{
	return vm_host_knob(host, VM_KNOB_THP_ENABLED, -1) !=
	       probe_argument(arguments, "huge-pages");
}

static const char *const inputs[] = {"managed", "ram", "scale-factor", "zones-up-to-normal"};

/*
 * What the zones up to Normal have above their high marks, as those were when it was worked out.
 * Some kernels bring memory online late: it is RAM then, and not in the zones yet.
 */
static uint64_t above_high_pages(const struct vm_model *model, const struct zone_readings *zones,
	uint64_t ram_pages, int64_t scale_factor, bool most)
{
	const struct moving written = {WRITTEN_KIB, WRITTEN_KIB};
	const struct moving scale = {scale_factor, scale_factor};
	uint64_t pages = 0, late_pages = ram_pages;

	for (size_t i = 0; i < zones->count; i++) {
		const struct zone_reading *zone = &zones->zone[i];
		const struct zone_marks marks =
			zone_marks_between(model, zones, zone, written, scale);
		const uint64_t managed_pages =
			(uint64_t)(most ? zone->managed_pages.highest : zone->managed_pages.lowest);
		const uint64_t high_pages =
			most ? marks.lowest.high_pages : marks.highest.high_pages;
		late_pages -= managed_pages < late_pages ? managed_pages : late_pages;
		if (zone->kind <= VM_ZONE_NORMAL && managed_pages > high_pages)
			pages += managed_pages - high_pages;
	}
	return pages + late_pages;
}

static int64_t chosen_kib(uint64_t above_pages, int64_t zones, bool huge)
{
	const uint64_t block_pages = vm_bytes_to_pages_floor(VM_HUGE_2M_BYTES);
	const uint64_t kib = huge ? vm_min_free_huge_kib(above_pages, (uint64_t)zones, block_pages)
				  : vm_min_free_default_kib(above_pages);

	return kib > WRITTEN_KIB ? (int64_t)kib : WRITTEN_KIB;
}

static void predict(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	const bool huge = probe_argument(arguments, "huge-pages") == VM_THP_ALWAYS;
	struct vm_prediction prediction = {
		.claim = "reclaim.watermarks",
		.quantity = "min-free",
		.at = "",
		.unit = VM_UNIT_KIB,
		.because = huge ? "two blocks of 2 MiB in each zone, and one for each pair of "
				  "kinds of allocations, but no more than a twentieth of memory"
				: "the root of 16 times the KiB that lie above the high marks",
		.cite = huge ? "linux:6.12:mm/khugepaged.c:set_recommended_min_free_kbytes"
			     : "linux:6.12:mm/page_alloc.c:calculate_min_free_kbytes",
	};
	struct moving scale, zones_count, ram;
	struct zone_readings zones;

	(void)host;
	if (model->behaviours.watermark_min == VM_WATERMARK_MIN_GIVEN) {
		prediction.form = VM_FORM_SILENT;
		prediction.because = "min is given, and nothing is said of where it comes from";
		prediction.cite = "wut";
		vm_predict(predictions, &prediction);
		return;
	}
	if (!moving_of(readings, "scale-factor", "", &scale) ||
		!moving_of(readings, "ram", "", &ram) ||
		!moving_of(readings, "zones-up-to-normal", "", &zones_count)) {
		predict_rule(predictions, &prediction, inputs, sizeof(inputs) / sizeof(inputs[0]));
		return;
	}
	zone_readings_of(model, readings, &zones);
	predict_moving(predictions, &prediction,
		(struct moving){
			chosen_kib(above_high_pages(model, &zones,
					   vm_kib_to_pages_floor((uint64_t)ram.lowest),
					   scale.highest, false),
				zones_count.lowest, huge),
			chosen_kib(above_high_pages(model, &zones,
					   vm_kib_to_pages_floor((uint64_t)ram.highest),
					   scale.lowest, true),
				zones_count.highest, huge),
		},
		1);
}

/* Huge pages of files in memory, or of that size alone, have their own switches. */
static void refuse_other_switches(void)
{
	static const char *const paths[] = {
		"shmem_enabled", "hugepages-2048kB/enabled", "hugepages-2048kB/shmem_enabled"};

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		char path[96];
		struct kernel_file file;
		struct kernel_choice choice;
		struct kernel_error error;
		(void)snprintf(
			path, sizeof(path), "/sys/kernel/mm/transparent_hugepage/%s", paths[i]);
		if (!kernel_file_try_open(path, KERNEL_FILE_USUAL_BYTES, &file))
			continue;
		MUST(kernel_choice_parse(kernel_file_read(&file), &choice, &error) == 0);
		const struct kernel_text word = choice.words[choice.chosen];
		if (!kernel_text_is(word, "never") && !kernel_text_is(word, "deny") &&
			!kernel_text_is(word, "inherit"))
			unmet("huge pages have another switch that is on",
				"never, deny or inherit in shmem_enabled and hugepages-2048kB");
		kernel_file_close(&file);
	}
}

static int64_t zones_up_to_normal(const struct kernel_zoneinfo *zoneinfo)
{
	int64_t count = 0;

	for (size_t i = 0; i < zoneinfo->count; i++)
		count += zoneinfo->zone[i].populated &&
			 (strcmp(zoneinfo->zone[i].name, "Movable") != 0 &&
				 strcmp(zoneinfo->zone[i].name, "Device") != 0);
	return count;
}

static void measure(const struct probe_arguments *arguments)
{
	struct zone_passes *passes = zone_passes_open();
	const struct kernel_file meminfo =
		kernel_file_open("/proc/meminfo", KERNEL_FILE_USUAL_BYTES);
	int64_t ram_kib[ZONE_PASSES];

	if (probe_argument(arguments, "huge-pages") == VM_THP_NEVER)
		refuse_other_switches();
	for (size_t pass = 0; pass < ZONE_PASSES; pass++) {
		zone_passes_read(passes, pass);
		ram_kib[pass] = kernel_meminfo_value(kernel_file_read(&meminfo), "MemTotal");
	}
	observe_values("ram", "", ram_kib, ZONE_PASSES, VM_UNIT_KIB, "MemTotal");
	observe_zones(passes, "managed", zone_managed_pages);
	observe("zones-up-to-normal", zones_up_to_normal(&passes->zoneinfo[0]), VM_UNIT_COUNT,
		"/proc/zoneinfo");
	observe("scale-factor", kernel_number_at("/proc/sys/vm/watermark_scale_factor"),
		VM_UNIT_COUNT, "vm.watermark_scale_factor");
	observe("min-free", kernel_number_at("/proc/sys/vm/min_free_kbytes"), VM_UNIT_KIB,
		"vm.min_free_kbytes");
}

static const char *const claims[] = {"reclaim.watermarks", NULL};

PROBE(min_free) = {
	.name = "reclaim.min-free",
	.claims = claims,
	.question = "Which min_free_kbytes does the kernel choose?",
	.method =
		"Set it low, then switch transparent huge pages off or on, which makes the kernel "
		"choose; read it and the zones.",
	.threats = "What was written is never lowered: it is put to less than any choice before.",
	.by_hand = "sysctl vm.min_free_kbytes=2048\n"
		   "echo never >/sys/kernel/mm/transparent_hugepage/enabled\n"
		   "sysctl vm.min_free_kbytes; grep -E 'zone|high|managed' /proc/zoneinfo",
	.parameters_count = sizeof(parameters) / sizeof(parameters[0]),
	.parameters = parameters,
	.needs = {.features_count = 1, .features = {VM_FEATURE_THP}},
	.deadline_s = 10,
	.suits = suits,
	.predict = PREDICTS(predict),
	.measure = MEASURES(measure),
};
