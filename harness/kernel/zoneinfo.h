/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /proc/zoneinfo: every zone of every node, populated or not.
 *
 * linux:6.12:mm/vmstat.c:zoneinfo_show_print. The marks are printed with the boost already added
 * (min_wmark_pages and its kin), the boost beside them.
 */
#ifndef KERNEL_ZONEINFO_H
#define KERNEL_ZONEINFO_H

#include "kernel/text.h"

#define KERNEL_ZONE_NAME_BYTES	     16
#define KERNEL_ZONE_PROTECTION_LIMIT 8

/* One CPU's list of free pages of a zone. */
struct kernel_pageset {
	uint64_t cpu;
	uint64_t count_pages;
	uint64_t high_pages;
	uint64_t batch_pages;
	bool has_high_limits; /* since 6.7 high moves between these two */
	uint64_t high_min_pages, high_max_pages;
	uint64_t stats_threshold; /* "vm stats threshold": how far a CPU's counters may lag */
};

struct kernel_zone {
	uint64_t node;
	char name[KERNEL_ZONE_NAME_BYTES]; /* "DMA", "DMA32", "Normal", "Movable", "Device" */
	bool populated; /* the kernel printed counters and pagesets, which it does if present > 0 */
	uint64_t free_pages;
	uint64_t boost_pages, min_pages, low_pages, high_pages;
	bool has_promo; /* printed since 6.8 */
	uint64_t promo_pages;
	uint64_t spanned_pages, present_pages, managed_pages, cma_pages;
	size_t protection_count; /* lowmem_reserve, by the class zone that asks */
	uint64_t protection_pages[KERNEL_ZONE_PROTECTION_LIMIT];
	uint64_t start_frame;	     /* populated zones */
	uint64_t node_unreclaimable; /* kswapd has given up: populated zones */
	size_t pagesets_count;	     /* one for each online CPU */
	/* Checked lines of the caller's buffer, for the three functions below. */
	struct kernel_text zone_stats, node_stats, pagesets;
};

/* Node counts beyond that are an error: 5 zones a node are printed. */
#define KERNEL_ZONES_LIMIT 160

struct kernel_zoneinfo {
	size_t count;
	struct kernel_zone zone[KERNEL_ZONES_LIMIT];
};

int kernel_zoneinfo_parse(
	struct kernel_text text, struct kernel_zoneinfo *zoneinfo, struct kernel_error *error);

/* A counter of the zone ("nr_free_pages"): pages, or as printed. False where there is none. */
bool kernel_zone_stat(const struct kernel_zone *zone, const char *name, uint64_t *value);
/* A counter of the node ("nr_active_file"): with the node's first populated zone only. */
bool kernel_zone_node_stat(const struct kernel_zone *zone, const char *name, uint64_t *value);
/* index < pagesets_count */
struct kernel_pageset kernel_zone_pageset(const struct kernel_zone *zone, size_t index);

/* The zone, or NULL. */
const struct kernel_zone *kernel_zone_find(
	const struct kernel_zoneinfo *zoneinfo, uint64_t node, const char *name);

#endif
