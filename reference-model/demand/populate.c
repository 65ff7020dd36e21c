/* SPDX-License-Identifier: Apache-2.0 */
/* linux:6.12:mm/gup.c:populate_vma_page_range, faultin_page_range */
#include "area/area.h"
#include "demand/fault.h"
#include "frame/frame.h"

/* The end of what one step settled: a huge page is settled at once. */
static uint64_t step_end(const struct vm_machine *m, uint32_t mm, uint64_t address)
{
	const struct place place = place_of(m, mm, address);

	return vm_align_down(address, level_bytes(place.level)) + level_bytes(place.level);
}

static int32_t errno_of(enum fault_result result)
{
	switch (result) {
	case FAULT_DONE:
		return 0;
	case FAULT_NO_AREA:
	case FAULT_BUS:
	case FAULT_NOT_ALLOWED:
	case FAULT_NO_KEY:
		return VM_EFAULT;
	case FAULT_NO_ROOM:
		return VM_ENOMEM;
	}
	VM_ASSERT(false);
	return 0;
}

int32_t populate_area(
	struct vm_machine *m, uint32_t area, uint64_t start, uint64_t end, bool holds_lock)
{
	const uint32_t flags = area_of(m, area)->flags, mm = area_of(m, area)->mm;
	/* Writes break copy-on-write now; a shared page is only read, its first write is noticed.
	 */
	const bool write = (flags & (VM_AREA(WRITE) | VM_AREA(SHARED))) == VM_AREA(WRITE);
	uint32_t frame = NONE;

	if ((flags & VM_AREA(LOCK_ON_FAULT)) != 0)
		return 0;
	if ((flags & ACCESS_FLAGS) == 0 || area_is_secret(m, area_of(m, area)))
		return VM_EFAULT;
	for (uint64_t address = start; address < end; address = step_end(m, mm, address)) {
		const struct kernel_access access = {.mm = mm,
			.address = address,
			.write = write,
			.forced = true,
			.populates = !holds_lock,
			.holds_lock = holds_lock};
		const enum fault_result result = access_by_kernel(m, &access, &frame);
		if (result != FAULT_DONE)
			return errno_of(result);
	}
	return 0;
}

int32_t populate_range(
	struct vm_machine *m, uint32_t mm, uint64_t start, uint64_t end, bool ignore_errors)
{
	rule_obey(m, RULE_DEMAND_POPULATE);
	for (uint64_t address = start; address < end;) {
		const uint32_t area = area_at_or_after(m, mm, address);

		if (area == NONE || area_of(m, area)->start >= end)
			return 0;
		if (area_of(m, area)->start > address)
			address = area_of(m, area)->start;
		const uint64_t stop = area_of(m, area)->end < end ? area_of(m, area)->end : end;
		const int32_t error = populate_area(m, area, address, stop, false);
		if (error != 0 && !ignore_errors)
			return error;
		address = stop;
	}
	return 0;
}

int32_t populate_for(struct vm_machine *m, uint32_t mm, uint64_t start, uint64_t end, bool write)
{
	uint32_t frame = NONE;
	int32_t missing = 0;

	rule_obey(m, RULE_DEMAND_POPULATE_ADVICE);
	for (uint64_t address = start; address < end; address = step_end(m, mm, address)) {
		const uint32_t area = area_at_or_after(m, mm, address);

		if (area == NONE || area_of(m, area)->start >= end)
			return VM_ENOMEM;
		if (area_of(m, area)->start > address) {
			if (m->behaviours.populate_stops_at_hole)
				return VM_ENOMEM;
			/* linux:6.1:mm/madvise.c:madvise_walk_vmas */
			missing = VM_ENOMEM;
			address = area_of(m, area)->start;
		}
		const uint32_t flags = area_of(m, area)->flags;
		/* No FOLL_FORCE here: the right itself is asked for. A fault that waited is tried
		 * again as such (FOLL_TRIED) by newer kernels, and so stays major. */
		if ((flags & (write ? VM_AREA(WRITE) : VM_AREA(READ))) == 0 ||
			area_is_secret(m, area_of(m, area)))
			return VM_EINVAL;
		const struct kernel_access access = {.mm = mm,
			.address = address,
			.write = write,
			.populates = m->behaviours.populate_begins_again};
		const enum fault_result result = access_by_kernel(m, &access, &frame);
		if (result != FAULT_DONE)
			return errno_of(result);
	}
	return missing;
}
