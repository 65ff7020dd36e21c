/* SPDX-License-Identifier: Apache-2.0 */
#include "probe/zones.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static bool zone_of(const struct probe_reading *reading, struct zone_reading *zone)
{
	static const char node[] = "node ";
	const char *const number = reading->at + strlen(node);
	char *end = NULL;

	if (strncmp(reading->at, node, strlen(node)) != 0)
		return false;
	zone->node = strtoull(number, &end, 10);
	if (end == number || *end != ' ')
		return false;
	for (int kind = 0; kind < VM_ZONE_KIND_LIMIT; kind++)
		if (strcmp(vm_zone_word((enum vm_zone_kind)kind), end + 1) == 0) {
			zone->kind = (enum vm_zone_kind)kind;
			zone->place = reading->at;
			return true;
		}
	return false;
}

/* The kernel prints the mark with the boost of the moment added. */
static void take_given_min(const struct probe_readings *readings, struct zone_reading *zone)
{
	const struct probe_reading *min = probe_reading_of(readings, "min", zone->place);
	const struct probe_reading *boost = probe_reading_of(readings, "boost", zone->place);

	if (min == NULL || boost == NULL || min->values_count != boost->values_count)
		return;
	for (size_t i = 0; i < min->values_count; i++) {
		const int64_t pages = min->values[i] - boost->values[i];
		if (i == 0 || pages < zone->given_min_pages.lowest)
			zone->given_min_pages.lowest = pages;
		if (i == 0 || pages > zone->given_min_pages.highest)
			zone->given_min_pages.highest = pages;
	}
}

void zone_readings_of(const struct vm_model *model, const struct probe_readings *readings,
	struct zone_readings *zones)
{
	*zones = (struct zone_readings){0};
	for (size_t i = 0; i < readings->count; i++) {
		const struct probe_reading *reading = &readings->items[i];
		struct zone_reading *zone = &zones->zone[zones->count];
		if (strcmp(reading->quantity, "managed") != 0 || !zone_of(reading, zone) ||
			!moving_of(readings, "managed", reading->at, &zone->managed_pages))
			continue;
		take_given_min(readings, zone);
		zones->count++;
		assert(zones->count < ZONE_READINGS_LIMIT);
		if (vm_zone_is_lowmem(&model->behaviours, zone->kind)) {
			zones->lowmem_pages.lowest += zone->managed_pages.lowest;
			zones->lowmem_pages.highest += zone->managed_pages.highest;
		}
	}
}

struct zone_marks zone_marks_between(const struct vm_model *model,
	const struct zone_readings *zones, const struct zone_reading *zone,
	struct moving min_free_kib, struct moving scale_factor)
{
	/* The larger the machine, the smaller one zone's share: hence the crossed ends. */
	const struct vm_marks_inputs smallest = {
		.kind = zone->kind,
		.managed_pages = (uint64_t)zone->managed_pages.lowest,
		.lowmem_pages = (uint64_t)zones->lowmem_pages.highest,
		.min_free_kib = (uint64_t)min_free_kib.lowest,
		.scale_factor = (uint64_t)scale_factor.lowest,
		.given_min_pages = (uint64_t)zone->given_min_pages.lowest,
	};
	const struct vm_marks_inputs largest = {
		.kind = zone->kind,
		.managed_pages = (uint64_t)zone->managed_pages.highest,
		.lowmem_pages = (uint64_t)zones->lowmem_pages.lowest,
		.min_free_kib = (uint64_t)min_free_kib.highest,
		.scale_factor = (uint64_t)scale_factor.highest,
		.given_min_pages = (uint64_t)zone->given_min_pages.highest,
	};

	return (struct zone_marks){
		.lowest = vm_zone_marks(&model->behaviours, &smallest),
		.highest = vm_zone_marks(&model->behaviours, &largest),
	};
}
