/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/zones.h"

#include "core/arithmetic.h"

#define SCALE_FACTOR_WHOLE     10000 /* vm.watermark_scale_factor counts in 1/10000 of a zone */
#define BOOST_FACTOR_WHOLE     10000
#define MOVABLE_MIN_FRACTION   1024
#define MOVABLE_MIN_LOWEST     32 /* SWAP_CLUSTER_MAX */
#define MOVABLE_MIN_HIGHEST    128
#define HIGH_MAX_FRACTION      8   /* MIN_PERCPU_PAGELIST_HIGH_FRACTION */
#define STAT_THRESHOLD_HIGHEST 125 /* it is kept in a signed byte */
#define MIN_FREE_LOWEST_KIB    128
#define MIN_FREE_HIGHEST_KIB   262144
#define BLOCK_KINDS	       3  /* MIGRATE_PCPTYPES */
#define HUGE_SHARE_OF_LOWMEM   20 /* no more than 5 % of it */

const char *vm_zone_word(enum vm_zone_kind kind)
{
	/* linux:6.12:mm/page_alloc.c:zone_names */
	static const char *const words[] = {
		[VM_ZONE_DMA] = "DMA",
		[VM_ZONE_DMA32] = "DMA32",
		[VM_ZONE_NORMAL] = "Normal",
		[VM_ZONE_MOVABLE] = "Movable",
		[VM_ZONE_DEVICE] = "Device",
	};

	VM_ASSERT(kind < VM_ZONE_KIND_LIMIT);
	return words[kind];
}

bool vm_zone_is_lowmem(const struct vm_behaviours *behaviours, enum vm_zone_kind kind)
{
	switch (behaviours->watermark_min) {
	case VM_WATERMARK_MIN_GIVEN:
	case VM_WATERMARK_MIN_SHARED:
		return true;
	case VM_WATERMARK_MIN_SHARED_LOWMEM:
		return kind != VM_ZONE_MOVABLE;
	}
	VM_ASSERT(false);
}

static uint64_t min_pages_of(const struct vm_behaviours *behaviours,
	const struct vm_marks_inputs *inputs, uint64_t share_pages)
{
	if (behaviours->watermark_min == VM_WATERMARK_MIN_GIVEN)
		return inputs->given_min_pages;
	if (vm_zone_is_lowmem(behaviours, inputs->kind))
		return share_pages;
	return clamped(inputs->managed_pages / MOVABLE_MIN_FRACTION, MOVABLE_MIN_LOWEST,
		MOVABLE_MIN_HIGHEST);
}

/* linux:6.12:mm/page_alloc.c:__setup_per_zone_wmarks */
struct vm_marks vm_zone_marks(
	const struct vm_behaviours *behaviours, const struct vm_marks_inputs *inputs)
{
	const uint64_t pages = vm_kib_to_pages_floor(inputs->min_free_kib);
	/* A machine whose only memory is Movable has no lowmem: it has no share either. */
	const uint64_t share_pages = inputs->lowmem_pages == 0
					     ? 0
					     : pages * inputs->managed_pages / inputs->lowmem_pages;
	struct vm_marks marks = {.min_pages = min_pages_of(behaviours, inputs, share_pages)};
	uint64_t gap_pages = 0;

	switch (behaviours->watermark_gap) {
	case VM_WATERMARK_QUARTER_OF_MIN:
		gap_pages = marks.min_pages / 4;
		break;
	case VM_WATERMARK_LARGER_OF_QUARTER_AND_SCALE:
		/* A quarter of the share, also where the min mark itself is capped. */
		gap_pages =
			larger(share_pages / 4, multiplied_fraction(inputs->managed_pages,
							inputs->scale_factor, SCALE_FACTOR_WHOLE));
		break;
	}
	marks.low_pages = marks.min_pages + gap_pages;
	marks.high_pages = marks.low_pages + gap_pages;
	marks.promo_pages = marks.high_pages + gap_pages;
	return marks;
}

/* The largest number whose square is not more: linux:6.12:lib/math/int_sqrt.c:int_sqrt */
static uint64_t root_of(uint64_t square)
{
	uint64_t root = 0;

	for (uint64_t bit = UINT64_C(1) << 31; bit != 0; bit /= 2)
		if ((root + bit) * (root + bit) <= square)
			root += bit;
	return root;
}

/* linux:6.12:mm/page_alloc.c:calculate_min_free_kbytes */
uint64_t vm_min_free_default_kib(uint64_t above_high_pages)
{
	return clamped(root_of(16 * vm_pages_to_kib(above_high_pages)), MIN_FREE_LOWEST_KIB,
		MIN_FREE_HIGHEST_KIB);
}

/* linux:6.12:mm/khugepaged.c:set_recommended_min_free_kbytes */
uint64_t vm_min_free_huge_kib(uint64_t above_high_pages, uint64_t zones, uint64_t block_pages)
{
	const uint64_t wanted_pages = block_pages * zones * (2 + BLOCK_KINDS * BLOCK_KINDS);

	return vm_pages_to_kib(smaller(wanted_pages, above_high_pages / HUGE_SHARE_OF_LOWMEM));
}

/* linux:6.12:mm/page_alloc.c:boost_watermark */
uint64_t vm_zone_boost_limit_pages(
	uint64_t managed_pages, uint64_t high_pages, uint64_t factor, uint64_t block_pages)
{
	const uint64_t scaled_pages = multiplied_fraction(high_pages, factor, BOOST_FACTOR_WHOLE);

	/* Too small a zone is not helped by a boost: it would only run out at once. */
	if (factor == 0 || block_pages * 4 > managed_pages || scaled_pages == 0)
		return 0;
	return larger(scaled_pages, block_pages);
}

/* linux:6.12:mm/page_alloc.c:setup_per_zone_lowmem_reserve */
uint64_t vm_zone_reserve_pages(uint64_t managed_pages, uint64_t upper_pages, uint64_t ratio)
{
	return ratio == 0 || managed_pages == 0 ? 0 : upper_pages / ratio;
}

/* linux:6.12:mm/page_alloc.c:calculate_totalreserve_pages */
uint64_t vm_zone_total_reserve_pages(
	uint64_t managed_pages, uint64_t highest_reserve_pages, uint64_t high_pages)
{
	return smaller(highest_reserve_pages + high_pages, managed_pages);
}

/* linux:6.12:mm/page_alloc.c:zone_batchsize */
static uint64_t batch_pages_of(uint64_t managed_pages)
{
	const uint64_t quarter_pages =
		smaller(managed_pages / 1024, vm_bytes_to_pages_floor(VM_MIB_BYTES)) / 4;
	const uint64_t pages = larger(quarter_pages, 1);

	/* One less than a power of two, against lists that divide the colours among themselves. */
	return larger(rounded_down_to_power_of_two(pages + pages / 2) - 1, 1);
}

/* linux:6.12:mm/page_alloc.c:zone_set_pageset_high_and_batch, zone_highsize */
struct vm_cpu_lists vm_zone_cpu_lists(
	uint64_t managed_pages, uint64_t low_pages, uint32_t cpus, uint64_t fraction)
{
	const uint64_t batch_pages = batch_pages_of(managed_pages);
	const uint64_t lowest_pages = batch_pages * 4;

	VM_ASSERT(cpus != 0);
	if (fraction != 0) {
		/* Set by hand, the length no longer tunes itself. */
		const uint64_t pages = larger(managed_pages / fraction / cpus, lowest_pages);
		return (struct vm_cpu_lists){batch_pages, pages, pages};
	}
	return (struct vm_cpu_lists){
		.batch_pages = batch_pages,
		.high_min_pages = larger(low_pages / cpus, lowest_pages),
		.high_max_pages = larger(managed_pages / HIGH_MAX_FRACTION / cpus, lowest_pages),
	};
}

/* linux:6.12:mm/vmstat.c:calculate_normal_threshold */
uint64_t vm_zone_stat_threshold(uint64_t managed_pages, uint32_t cpus_online)
{
	const uint64_t units = vm_pages_to_bytes(managed_pages) / (128 * VM_MIB_BYTES);

	return smaller(
		2 * last_set_bit(cpus_online) * (1 + last_set_bit(units)), STAT_THRESHOLD_HIGHEST);
}

/* linux:6.12:mm/vmstat.c:refresh_zone_stat_thresholds, calculate_pressure_threshold */
uint64_t vm_zone_stat_threshold_pressed(
	uint64_t managed_pages, uint64_t low_pages, uint64_t min_pages, uint32_t cpus_online)
{
	const uint64_t usual = vm_zone_stat_threshold(managed_pages, cpus_online);

	VM_ASSERT(cpus_online != 0 && low_pages >= min_pages);
	if (usual * cpus_online <= low_pages - min_pages)
		return usual;
	return clamped((low_pages - min_pages) / cpus_online, 1, STAT_THRESHOLD_HIGHEST);
}
