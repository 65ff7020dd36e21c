/* SPDX-License-Identifier: Apache-2.0 */
/* How far below the min watermark of a zone different requests may go. */
#ifndef VM_RESERVE_H
#define VM_RESERVE_H

#include <stdbool.h>

#include "vm/behaviours.h"

enum vm_request {
	VM_REQUEST_ORDINARY, /* may sleep and reclaim */
	VM_REQUEST_HIGH,     /* __GFP_HIGH, may sleep */
	VM_REQUEST_ATOMIC,   /* GFP_ATOMIC: high, and may not sleep */
	VM_REQUEST_OOM_VICTIM,
	VM_REQUEST_RECLAIMER, /* PF_MEMALLOC: frees memory itself */
	VM_REQUEST_LIMIT,
};

/*
 * Pages that must stay free after the request, at the min watermark: linux:6.12:mm/page_alloc.c:
 * __zone_watermark_ok (requests above), gfp_to_alloc_flags and __gfp_pfmemalloc_flags. Reserves of
 * lower zones come on top and are the same for all.
 */
uint64_t vm_reserve_floor_pages(
	enum vm_min_reserve reserve, enum vm_request request, uint64_t min_pages);

/*
 * Of a real-time task that may sleep, the least and the most: what must stay free is one or the
 * other where it is not known which. linux:6.12:mm/page_alloc.c:gfp_to_alloc_flags
 */
struct vm_reserve_floors {
	uint64_t least_pages, most_pages;
};

struct vm_reserve_floors vm_reserve_real_time_floors(
	enum vm_min_reserve reserve, enum vm_real_time_reserve real_time, uint64_t min_pages);

/* Whether a request for one page succeeds with so many free ones. */
bool vm_reserve_allows(enum vm_min_reserve reserve, enum vm_request request, uint64_t min_pages,
	uint64_t free_pages);

#endif
