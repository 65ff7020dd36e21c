/* SPDX-License-Identifier: Apache-2.0 */
/* How much memory is to be had, and how much of it may be dirty: what follows from counters. */
#ifndef VM_AVAILABLE_H
#define VM_AVAILABLE_H

#include "vm/behaviours.h"

struct vm_available_inputs {
	uint64_t free_pages;
	uint64_t file_pages;	      /* active and inactive */
	uint64_t reclaimable_pages;   /* slab and other kernel memory */
	uint64_t low_pages;	      /* sum of the low marks of all zones */
	uint64_t total_reserve_pages; /* sum of vm_zone_total_reserve_pages() */
};

/* MemAvailable */
uint64_t vm_available_pages(
	const struct vm_behaviours *behaviours, const struct vm_available_inputs *inputs);

/* Settings of write-back; bytes rule where they are not 0. */
struct vm_dirty_settings {
	uint64_t ratio_percent, bytes;
	uint64_t background_ratio_percent, background_bytes;
};

struct vm_dirty_limits {
	uint64_t threshold_pages;  /* writers are held up */
	uint64_t background_pages; /* write-back begins */
};

/* ram_pages: what the teaching takes the percentage of. */
struct vm_dirty_limits vm_dirty_limits(const struct vm_behaviours *behaviours,
	const struct vm_available_inputs *inputs, uint64_t ram_pages,
	const struct vm_dirty_settings *settings);

#endif
