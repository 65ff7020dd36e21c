/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the kernel keeps back, zone by zone: watermarks, their boost, the reserves of the lower
 * zones, the pages held for each CPU and the lag of the counters.
 *
 * Sizes of zones move while a machine runs (memory is brought online, lent to a balloon), so they
 * are arguments and never facts: whoever compares reads them in the same pass as the results.
 */
#ifndef VM_ZONES_H
#define VM_ZONES_H

#include <stddef.h>

#include "vm/behaviours.h"

/* linux:6.12:include/linux/mmzone.h:zone_type as x86-64 builds it; the order is the kernel's. */
enum vm_zone_kind {
	VM_ZONE_DMA,
	VM_ZONE_DMA32,
	VM_ZONE_NORMAL,
	VM_ZONE_MOVABLE,
	VM_ZONE_DEVICE,
	VM_ZONE_KIND_LIMIT,
};

const char *vm_zone_word(enum vm_zone_kind kind);

struct vm_marks {
	uint64_t min_pages, low_pages, high_pages, promo_pages;
};

/* What the marks of one zone depend on. */
struct vm_marks_inputs {
	enum vm_zone_kind kind;
	uint64_t managed_pages;
	uint64_t lowmem_pages;	  /* sum over all zones for which vm_zone_is_lowmem() */
	uint64_t min_free_kib;	  /* vm.min_free_kbytes */
	uint64_t scale_factor;	  /* vm.watermark_scale_factor */
	uint64_t given_min_pages; /* as read: for behaviours that take min as given */
};

bool vm_zone_is_lowmem(const struct vm_behaviours *behaviours, enum vm_zone_kind kind);

/* Without boost: while a zone is boosted, the kernel adds that to each mark it uses or prints. */
struct vm_marks vm_zone_marks(
	const struct vm_behaviours *behaviours, const struct vm_marks_inputs *inputs);

/*
 * min_free_kbytes where nobody chose it: the root of 16 times the KiB that all zones up to Normal
 * have above their high marks. For transparent huge pages, blocks for each pair of the kinds that
 * allocations are grouped by, and two more in each zone; it is only ever raised to that.
 */
uint64_t vm_min_free_default_kib(uint64_t above_high_pages);
uint64_t vm_min_free_huge_kib(uint64_t above_high_pages, uint64_t zones, uint64_t block_pages);

/* The most that fragmentation can add to the marks of a zone. factor: vm.watermark_boost_factor */
uint64_t vm_zone_boost_limit_pages(
	uint64_t managed_pages, uint64_t high_pages, uint64_t factor, uint64_t block_pages);

/*
 * How many pages of a zone an allocation must leave alone that could also have been served by the
 * zones above it, up to and including the class zone. upper_pages: their managed pages together.
 */
uint64_t vm_zone_reserve_pages(uint64_t managed_pages, uint64_t upper_pages, uint64_t ratio);

/* One zone's part of totalreserve_pages: what no user of the machine can expect to get. */
uint64_t vm_zone_total_reserve_pages(
	uint64_t managed_pages, uint64_t highest_reserve_pages, uint64_t high_pages);

/* The lists of free pages that each CPU keeps of a zone. */
struct vm_cpu_lists {
	uint64_t batch_pages;
	uint64_t high_min_pages, high_max_pages;
};

/*
 * cpus: those local to the zone's node, or all that are online when it has none.
 * fraction: vm.percpu_pagelist_high_fraction
 */
struct vm_cpu_lists vm_zone_cpu_lists(
	uint64_t managed_pages, uint64_t low_pages, uint32_t cpus, uint64_t fraction);

/* How far one CPU's part of a zone counter may lag behind before it is folded in. */
uint64_t vm_zone_stat_threshold(uint64_t managed_pages, uint32_t cpus_online);
/*
 * The same while kswapd of the node is awake: less, where all CPUs together could hide that the min
 * mark is reached; else the usual one.
 */
uint64_t vm_zone_stat_threshold_pressed(
	uint64_t managed_pages, uint64_t low_pages, uint64_t min_pages, uint32_t cpus_online);

#endif
