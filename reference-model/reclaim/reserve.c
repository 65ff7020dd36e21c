/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/reserve.h"

#include "vm/base.h"

static uint64_t floor_for_the_few(enum vm_request request, uint64_t min_pages)
{
	const uint64_t half = min_pages - min_pages / 2;

	switch (request) {
	case VM_REQUEST_ORDINARY:
		return min_pages;
	case VM_REQUEST_HIGH:
		return half;
	case VM_REQUEST_ATOMIC:
		return half - half / 4;
	case VM_REQUEST_OOM_VICTIM:
		return half;
	case VM_REQUEST_RECLAIMER:
		return 0;
	case VM_REQUEST_LIMIT:
		break;
	}
	VM_ASSERT(request < VM_REQUEST_LIMIT);
	return 0;
}

uint64_t vm_reserve_floor_pages(
	enum vm_min_reserve reserve, enum vm_request request, uint64_t min_pages)
{
	switch (reserve) {
	case VM_MIN_RESERVE_ABSOLUTE:
		return min_pages;
	case VM_MIN_RESERVE_FOR_THE_FEW:
		return floor_for_the_few(request, min_pages);
	}
	return min_pages;
}

struct vm_reserve_floors vm_reserve_real_time_floors(
	enum vm_min_reserve reserve, enum vm_real_time_reserve real_time, uint64_t min_pages)
{
	const uint64_t least = vm_reserve_floor_pages(reserve, VM_REQUEST_HIGH, min_pages);
	struct vm_reserve_floors floors = {.least_pages = least, .most_pages = least};

	switch (real_time) {
	case VM_REAL_TIME_RESERVE_HALF:
		break;
	case VM_REAL_TIME_RESERVE_QUARTER_OR_HALF:
		if (reserve == VM_MIN_RESERVE_FOR_THE_FEW)
			floors.most_pages = min_pages - min_pages / 4;
		break;
	}
	return floors;
}

/* One page of the request itself is taken off before the comparison, which is strict. */
bool vm_reserve_allows(enum vm_min_reserve reserve, enum vm_request request, uint64_t min_pages,
	uint64_t free_pages)
{
	if (request == VM_REQUEST_RECLAIMER && reserve == VM_MIN_RESERVE_FOR_THE_FEW)
		return free_pages > 0;
	return free_pages > vm_reserve_floor_pages(reserve, request, min_pages);
}
