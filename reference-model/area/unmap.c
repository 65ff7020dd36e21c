/* SPDX-License-Identifier: Apache-2.0 */
/* linux:6.12:mm/vma.c:vms_gather_munmap_vmas, vms_complete_munmap_vmas, mm/memory.c:free_pgtables
 */
#include "area/area.h"
#include "demand/fault.h"
#include "demand/huge.h"
#include "machine/outcome.h"

/* hugetlb areas are cut at huge pages only. */
static bool may_cut(const struct vm_machine *m, uint32_t area, uint64_t address)
{
	const struct area *cut = area_of(m, area);

	return !area_is_hugetlb(cut) || vm_is_aligned(address, area_huge_bytes(m, cut));
}

static int32_t cut(struct vm_machine *m, uint32_t area, uint64_t address)
{
	if (!may_cut(m, area, address))
		return VM_EINVAL;
	huge_split_at(m, area_of(m, area)->mm, address);
	return area_split(m, area, address) == NONE ? VM_ENOMEM : 0;
}

int32_t unmap_split(struct vm_machine *m, uint32_t mm, uint64_t start, uint64_t end)
{
	const uint32_t first = area_at_or_after(m, mm, start);

	if (first == NONE || area_of(m, first)->start >= end)
		return 0;
	if (area_of(m, first)->start < start) {
		if (end < area_of(m, first)->end && area_headroom(m, mm) < 1) {
			rule_obey(m, RULE_AREA_COUNT_LIMIT);
			return VM_ENOMEM;
		}
		if (seal_refuses(m, first))
			return VM_EPERM;
		const int32_t error = cut(m, first, start);
		if (error != 0)
			return error;
	}
	for (uint32_t i = area_at_or_after(m, mm, start); i != NONE && area_of(m, i)->start < end;
		i = area_of(m, i)->next)
		if (seal_refuses(m, i))
			return VM_EPERM;
	const uint32_t last = area_before(m, mm, end);
	if (last != NONE && area_of(m, last)->end > end)
		return cut(m, last, end);
	return 0;
}

/* Tables of runs of areas that lie less than 2 MiB apart go together. */
static void free_tables(struct vm_machine *m, uint32_t mm, uint32_t first, uint64_t end)
{
	const uint32_t before = area_before(m, mm, area_of(m, first)->start);
	const uint64_t floor = before == NONE ? 0 : area_of(m, before)->end;
	uint32_t area = first;

	while (area != NONE && area_of(m, area)->start < end) {
		const uint64_t start = area_of(m, area)->start;
		uint64_t stop = area_of(m, area)->end;
		uint32_t next = area_of(m, area)->next;

		while (next != NONE && area_of(m, next)->start < end &&
			area_of(m, next)->start <= stop + VM_HUGE_2M_BYTES) {
			stop = area_of(m, next)->end;
			next = area_of(m, next)->next;
		}
		tables_free(m, mm, start, stop, floor, next == NONE ? 0 : area_of(m, next)->start);
		area = next;
	}
}

static void give_back(struct vm_machine *m, uint32_t mm, uint32_t area)
{
	const struct area *gone = area_of(m, area);
	const uint64_t pages = area_pages(gone);
	struct mm *space = mm_of(m, mm);

	if ((gone->flags & VM_AREA(ACCOUNT)) != 0)
		commit_release(m, pages);
	if ((gone->flags & VM_AREA(LOCKED)) != 0)
		space->locked_pages -= pages;
	mm_count_area(space, gone->flags, -(int64_t)pages);
	if (area_is_hugetlb(gone))
		hugetlb_unreserve(m, gone, gone->start, gone->end);
}

int32_t unmap_range(struct vm_machine *m, uint32_t mm, uint64_t start, uint64_t end)
{
	const int32_t error = unmap_split(m, mm, start, end);
	const uint32_t first = area_at_or_after(m, mm, start);

	if (error != 0)
		return error;
	if (first == NONE || area_of(m, first)->start >= end)
		return 0;
	rule_obey(m, RULE_AREA_UNMAP);
	for (uint32_t i = first; i != NONE && area_of(m, i)->start < end; i = area_of(m, i)->next)
		zap_range(m, i, area_of(m, i)->start, area_of(m, i)->end, ZAP_EVERYTHING);
	free_tables(m, mm, first, end);
	for (uint32_t i = first; i != NONE && area_of(m, i)->start < end;) {
		const uint32_t next = area_of(m, i)->next;

		give_back(m, mm, i);
		area_remove(m, i);
		i = next;
	}
	return 0;
}

void operation_unmap(struct vm_machine *m)
{
	const struct vm_operation *op = m->operation;
	const uint64_t top = m->setup.mmap_top;
	const uint64_t length = vm_align_up(op->length, VM_PAGE_BYTES);

	if (!vm_is_aligned(op->address, VM_PAGE_BYTES) || op->address > top ||
		op->length > top - op->address || length == 0) {
		rule_obey(m, RULE_AREA_UNMAP_REFUSED);
		outcome_fail(m, VM_EINVAL);
		return;
	}
	outcome_error(m,
		unmap_range(m, processes_of(m)[op->process].mm, op->address, op->address + length));
}
