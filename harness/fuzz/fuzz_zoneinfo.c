/* SPDX-License-Identifier: Apache-2.0 */
/* zoneinfo: what was accepted can be asked, and gives what was counted. */
#include <stdlib.h>

#include "kernel/zoneinfo.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes);

static void ask(const struct kernel_zone *zone)
{
	uint64_t value = 0;

	(void)kernel_zone_stat(zone, "nr_free_pages", &value);
	(void)kernel_zone_node_stat(zone, "nr_active_file", &value);
	if (zone->populated != (zone->present_pages != 0) ||
		zone->protection_count > KERNEL_ZONE_PROTECTION_LIMIT)
		abort();
	/* Asking for each is quadratic: a few show as much. */
	for (size_t i = 0; i < zone->pagesets_count && i < 4; i++)
		(void)kernel_zone_pageset(zone, i);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
	static struct kernel_zoneinfo zoneinfo;
	struct kernel_error error;
	const struct kernel_text text = {.bytes = (const char *)data, .length_bytes = size_bytes};

	if (kernel_zoneinfo_parse(text, &zoneinfo, &error) < 0)
		return 0;
	if (zoneinfo.count == 0)
		abort();
	for (size_t i = 0; i < zoneinfo.count; i++)
		ask(&zoneinfo.zone[i]);
	return 0;
}
