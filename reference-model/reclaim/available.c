/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/available.h"

#include "core/arithmetic.h"

#define RATIO_WHOLE VM_PAGE_BYTES /* percentages are first turned into shares of a page's bytes */

/* What of a cache can go: not the half of it that is in use, or at most the low marks. */
static uint64_t can_go_pages(uint64_t pages, uint64_t low_pages)
{
	return pages - smaller(pages / 2, low_pages);
}

/* linux:6.12:mm/show_mem.c:si_mem_available */
uint64_t vm_available_pages(
	const struct vm_behaviours *behaviours, const struct vm_available_inputs *inputs)
{
	switch (behaviours->available) {
	case VM_AVAILABLE_FREE_AND_CACHE:
		return inputs->free_pages + inputs->file_pages + inputs->reclaimable_pages;
	case VM_AVAILABLE_LESS_RESERVES:
		break;
	}
	const uint64_t pages = inputs->free_pages +
			       can_go_pages(inputs->file_pages, inputs->low_pages) +
			       can_go_pages(inputs->reclaimable_pages, inputs->low_pages);
	return pages - smaller(inputs->total_reserve_pages, pages);
}

/* linux:6.12:mm/page-writeback.c:global_dirtyable_memory */
static uint64_t dirtyable_pages(const struct vm_behaviours *behaviours,
	const struct vm_available_inputs *inputs, uint64_t ram_pages)
{
	switch (behaviours->dirty_share) {
	case VM_DIRTY_SHARE_OF_RAM:
		return ram_pages;
	case VM_DIRTY_SHARE_OF_DIRTYABLE:
		break;
	}
	return inputs->free_pages - smaller(inputs->total_reserve_pages, inputs->free_pages) +
	       inputs->file_pages + 1;
}

static uint64_t limit_pages(uint64_t ratio_percent, uint64_t bytes, uint64_t dirtyable)
{
	if (bytes != 0)
		return vm_bytes_to_pages_ceil(bytes);
	return ratio_percent * RATIO_WHOLE / 100 * dirtyable / RATIO_WHOLE;
}

/* linux:6.12:mm/page-writeback.c:domain_dirty_limits */
struct vm_dirty_limits vm_dirty_limits(const struct vm_behaviours *behaviours,
	const struct vm_available_inputs *inputs, uint64_t ram_pages,
	const struct vm_dirty_settings *settings)
{
	const uint64_t dirtyable = dirtyable_pages(behaviours, inputs, ram_pages);
	struct vm_dirty_limits limits = {
		.threshold_pages =
			smaller(limit_pages(settings->ratio_percent, settings->bytes, dirtyable),
				UINT32_MAX),
		.background_pages = limit_pages(
			settings->background_ratio_percent, settings->background_bytes, dirtyable),
	};

	/* Write-back must begin before writers are held up. */
	if (limits.background_pages >= limits.threshold_pages)
		limits.background_pages = limits.threshold_pages / 2;
	return limits;
}
