/* SPDX-License-Identifier: Apache-2.0 */
#include "trial/zones.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "trial/trial.h"

struct zone_passes *zone_passes_open(void)
{
	struct zone_passes *passes = mmap(NULL, sizeof(*passes), PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	MUST(passes != MAP_FAILED);
	passes->file = kernel_file_open("/proc/zoneinfo", KERNEL_FILE_LARGE_BYTES);
	return passes;
}

void zone_passes_read(struct zone_passes *passes, size_t pass)
{
	struct kernel_zoneinfo *zoneinfo = &passes->zoneinfo[pass];
	struct kernel_error error;
	struct kernel_text text = kernel_file_read(&passes->file);

	memcpy(passes->bytes[pass], text.bytes, text.length_bytes);
	text.bytes = passes->bytes[pass];
	if (kernel_zoneinfo_parse(text, zoneinfo, &error) != 0)
		broken("/proc/zoneinfo: line %u: %s", error.line, error.reason);
	if (pass == 0)
		return;
	if (zoneinfo->count != passes->zoneinfo[0].count)
		broken("zones came or went while they were read");
	for (size_t i = 0; i < zoneinfo->count; i++) {
		const struct kernel_zone *before = &passes->zoneinfo[0].zone[i];
		if (zoneinfo->zone[i].node != before->node ||
			strcmp(zoneinfo->zone[i].name, before->name) != 0 ||
			zoneinfo->zone[i].populated != before->populated)
			broken("zones came or went while they were read");
	}
}

void zone_place(const struct kernel_zone *zone, char place[ZONE_PLACE_BYTES])
{
	(void)snprintf(place, ZONE_PLACE_BYTES, "node %" PRIu64 " %s", zone->node, zone->name);
}

void observe_zones(const struct zone_passes *passes, const char *quantity,
	uint64_t (*figure)(const struct kernel_zone *zone))
{
	for (size_t i = 0; i < passes->zoneinfo[0].count; i++) {
		char place[ZONE_PLACE_BYTES];
		int64_t values[ZONE_PASSES];
		for (size_t pass = 0; pass < ZONE_PASSES; pass++)
			values[pass] = (int64_t)figure(&passes->zoneinfo[pass].zone[i]);
		zone_place(&passes->zoneinfo[0].zone[i], place);
		observe_values(
			quantity, place, values, ZONE_PASSES, VM_UNIT_PAGES, "/proc/zoneinfo");
	}
}

uint64_t zone_managed_pages(const struct kernel_zone *zone)
{
	return zone->managed_pages;
}

uint64_t zone_boost_pages(const struct kernel_zone *zone)
{
	return zone->boost_pages;
}

uint64_t zone_min_pages(const struct kernel_zone *zone)
{
	return zone->min_pages;
}

uint64_t zone_low_pages(const struct kernel_zone *zone)
{
	return zone->low_pages;
}

uint64_t zone_high_pages(const struct kernel_zone *zone)
{
	return zone->high_pages;
}

/* What a lower zone keeps from requests that might be served by a higher one is not for them. */
int64_t zones_room_pages(int node)
{
	static struct zone_passes *passes;
	int64_t room = 0;

	if (passes == NULL)
		passes = zone_passes_open();
	zone_passes_read(passes, 0);
	for (size_t i = 0; i < passes->zoneinfo[0].count; i++) {
		const struct kernel_zone *zone = &passes->zoneinfo[0].zone[i];
		uint64_t kept_pages = zone->min_pages;
		if (node >= 0 && zone->node != (uint64_t)node)
			continue;
		if (zone->protection_count != 0)
			kept_pages += zone->protection_pages[zone->protection_count - 1];
		if (zone->free_pages > kept_pages)
			room += (int64_t)(zone->free_pages - kept_pages);
	}
	return room;
}
