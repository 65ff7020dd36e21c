/* SPDX-License-Identifier: Apache-2.0 */
/* /proc/zoneinfo read several times, as observations with one value a pass and one place a zone. */
#ifndef TRIAL_ZONES_H
#define TRIAL_ZONES_H

#include "kernel/zoneinfo.h"
#include "trial/files.h"
#include "vm/units.h"

#define ZONE_PASSES 2

/* The same zones in every pass: a node that comes or goes meanwhile ends the trial as broken. */
struct zone_passes {
	struct kernel_file file;
	char bytes[ZONE_PASSES][KERNEL_FILE_LARGE_BYTES]; /* what the parsed zones point into */
	struct kernel_zoneinfo zoneinfo[ZONE_PASSES];
};

/* Present before anything is measured; not static, for those would be part of every trial. */
struct zone_passes *zone_passes_open(void);
/* Reads and parses the text of one pass. */
void zone_passes_read(struct zone_passes *passes, size_t pass);

/* "node 0 Normal": the place under which everything of that zone is observed. */
#define ZONE_PLACE_BYTES 40
void zone_place(const struct kernel_zone *zone, char place[ZONE_PLACE_BYTES]);

/* One figure of each zone, at its place; pages. */
void observe_zones(const struct zone_passes *passes, const char *quantity,
	uint64_t (*figure)(const struct kernel_zone *zone));

/* How many pages ordinary requests may still have of the node before they meet min; -1: of all. */
int64_t zones_room_pages(int node);

uint64_t zone_managed_pages(const struct kernel_zone *zone);
uint64_t zone_boost_pages(const struct kernel_zone *zone);
uint64_t zone_min_pages(const struct kernel_zone *zone);
uint64_t zone_low_pages(const struct kernel_zone *zone);
uint64_t zone_high_pages(const struct kernel_zone *zone);

#endif
