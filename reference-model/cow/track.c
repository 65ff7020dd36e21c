/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tracking of accesses and writes: clear_refs, asynchronous userfaultfd write protection and
 * PAGEMAP_SCAN. linux:6.12:fs/proc/task_mmu.c, mm/userfaultfd.c:uffd_wp_range.
 */
#include "cow/track.h"

#include "area/area.h"
#include "demand/huge.h"
#include "frame/frame.h"
#include "machine/outcome.h"
#include "xlate/tree.h"

enum clear_refs {
	CLEAR_ALL = 1,
	CLEAR_ANONYMOUS,
	CLEAR_MAPPED,
	CLEAR_SOFT_DIRTY,
	CLEAR_PEAK,
};

static void clear_soft_dirty(struct vm_machine *m, struct place place)
{
	const uint64_t entry = entry_get(m, place);

	if (leaf_is_present(entry))
		entry_set(m, place, leaf_write_protect(m, entry) & ~VM_PTE_LINUX_SOFT_DIRTY);
	else if (entry_is_swapped(entry))
		entry_set(m, place, entry & ~SWAP_ENTRY_SOFT_DIRTY);
}

/* The accessed bit goes without a flush: the processor may not set it again for a while. */
static void clear_accessed(struct vm_machine *m, struct place place)
{
	const uint64_t entry = entry_get(m, place);

	if (!leaf_is_present(entry) || is_zero_frame(m, leaf_frame(entry)))
		return;
	if ((entry & VM_PTE_ACCESSED) != 0)
		stale_set(m, place, true);
	folio_clear(m, leaf_frame(entry), FOLIO_MAYBE_REFERENCED);
	entry_set(m, place, entry & ~VM_PTE_ACCESSED);
}

static void clear_area(struct vm_machine *m, struct area *area, enum clear_refs what)
{
	struct cursor cursor = cursor_over(area->start, area->end);

	if (area_is_hugetlb(area) || (what == CLEAR_ANONYMOUS && area->object != NONE) ||
		(what == CLEAR_MAPPED && area->object == NONE))
		return;
	if (what == CLEAR_SOFT_DIRTY) {
		if (!has(m, VM_FEATURE_SOFT_DIRTY))
			return;
		area->flags &= ~VM_AREA(SOFT_DIRTY);
	}
	while (cursor_next(m, area->mm, &cursor)) {
		if (what == CLEAR_SOFT_DIRTY)
			clear_soft_dirty(m, cursor.at);
		else
			clear_accessed(m, cursor.at);
	}
}

void operation_clear_refs(struct vm_machine *m)
{
	const struct vm_operation *op = m->operation;
	const uint32_t mm = processes_of(m)[op->other].mm;

	if (op->flags < CLEAR_ALL || op->flags > CLEAR_PEAK) {
		outcome_fail(m, VM_EINVAL);
		return;
	}
	if (op->flags == CLEAR_PEAK)
		return;
	rule_obey(m, op->flags == CLEAR_SOFT_DIRTY ? RULE_COW_CLEAR_SOFT_DIRTY
						   : RULE_COW_CLEAR_REFERENCED);
	for (uint32_t i = mm_of(m, mm)->first_area; i != NONE; i = area_of(m, i)->next)
		clear_area(m, area_of(m, i), (enum clear_refs)op->flags);
}

static void protect_entry(struct vm_machine *m, struct place place)
{
	const uint64_t entry = entry_get(m, place);

	if (leaf_is_present(entry))
		entry_set(m, place, leaf_write_protect(m, entry | VM_PTE_LINUX_UFFD_WP));
	else if (entry_marker(entry) != MARKER_UFFD_WP) /* a guard is protected as well */
		entry_set(m, place, entry | SWAP_ENTRY_UFFD_WP);
}

/* Empty entries get a marker, so that the first write is noticed too. */
static void protect_range(struct vm_machine *m, uint32_t area, uint64_t start, uint64_t end)
{
	const uint32_t mm = area_of(m, area)->mm;

	huge_split_at(m, mm, start);
	huge_split_at(m, mm, end);
	for (uint64_t at = start; at < end;) {
		struct place place = place_of(m, mm, at);

		if (place.level == 2 && entry_get(m, place) != 0) {
			protect_entry(m, place);
			at = place.address + VM_HUGE_2M_BYTES;
			continue;
		}
		place = place_make(m, mm, at, 1);
		if (place.table == NONE)
			return;
		if (entry_get(m, place) == 0)
			entry_set(m, place, swap_entry_make(SWAP_TYPE_MARKER, MARKER_UFFD_WP));
		else
			protect_entry(m, place);
		at += VM_PAGE_BYTES;
	}
}

static void unprotect_range(
	struct vm_machine *m, uint32_t area_number, uint64_t start, uint64_t end)
{
	const struct area *area = area_of(m, area_number);
	struct cursor cursor = cursor_over(start, end);

	while (cursor_next(m, area->mm, &cursor)) {
		uint64_t entry = entry_get(m, cursor.at);

		if ((entry_marker(entry) & MARKER_UFFD_WP) != 0)
			entry = 0;
		else if (leaf_is_present(entry))
			entry &= ~VM_PTE_LINUX_UFFD_WP;
		else if (entry_is_swapped(entry))
			entry &= ~SWAP_ENTRY_UFFD_WP;
		entry_set(m, cursor.at, entry);
	}
	if ((area->flags & VM_AREA(WRITE)) != 0)
		protect_entries(m, area_number, start, end);
}

/* Each area of the range gets or loses the registration. */
static int32_t register_range(
	struct vm_machine *m, uint32_t mm, uint64_t start, uint64_t end, bool on)
{
	int32_t error = 0;

	while (start < end) {
		uint32_t number = area_at_or_after(m, mm, start);
		if (number == NONE || area_of(m, number)->start >= end)
			return 0;
		const struct area *area = area_of(m, number);
		if (area->start > start)
			start = area->start;
		const uint64_t stop = area->end < end ? area->end : end;
		if (area->uffd != on) {
			const uint32_t flags = on ? area->flags | VM_AREA(UFFD_WRITE_PROTECT)
						  : area->flags & ~VM_AREA(UFFD_WRITE_PROTECT);
			if (!on)
				unprotect_range(m, number, start, stop);
			number = area_modify(m, number, start, stop, flags, on, &error);
			if (number == NONE)
				return error;
		}
		start = stop;
	}
	return 0;
}

static bool range_is_valid(const struct vm_operation *op, uint64_t top)
{
	return vm_is_aligned(op->address, VM_PAGE_BYTES) &&
	       vm_is_aligned(op->length, VM_PAGE_BYTES) && op->length != 0 &&
	       op->address <= top - op->length && op->length <= top;
}

/* linux:6.12:include/linux/userfaultfd_k.h:vma_can_userfault, by the modes that the area has */
static bool may_unregister(const struct vm_machine *m, const struct area *area)
{
	return area->uffd || area->object == NONE || area_is_shmem(m, area) ||
	       area_is_hugetlb(area);
}

void operation_uffd(struct vm_machine *m, bool on)
{
	const struct vm_operation *op = m->operation;
	const uint32_t mm = processes_of(m)[op->process].mm;
	const uint64_t end = op->address + op->length;

	if (!has(m, VM_FEATURE_UFFD_WP_ASYNC)) {
		outcome_silent(m, "this kernel has no asynchronous write protection");
		return;
	}
	if (!range_is_valid(op, m->setup.mmap_top) || !area_any_in(m, mm, op->address, end)) {
		outcome_fail(m, VM_EINVAL);
		return;
	}
	for (uint32_t i = area_at_or_after(m, mm, op->address);
		i != NONE && area_of(m, i)->start < end; i = area_of(m, i)->next)
		if (on && (area_of(m, i)->flags & VM_AREA(MAY_WRITE)) == 0) {
			outcome_fail(m, VM_EPERM);
			return;
		} else if (!on && !may_unregister(m, area_of(m, i))) {
			outcome_fail(m, VM_EINVAL);
			return;
		}
	rule_obey(m, on ? RULE_COW_UFFD_REGISTER : RULE_COW_UFFD_UNREGISTER);
	outcome_error(m, register_range(m, mm, op->address, end, on));
}

/*
 * linux:6.12:fs/proc/task_mmu.c:pagemap_page_category, pagemap_scan_pte_hole: an empty entry counts
 * as written; where there is not even a table, only if the area is watched, and not on all
 * releases.
 */
static bool is_written(
	struct vm_machine *m, const struct area *area, struct place place, uint64_t entry)
{
	/* linux:7.3:fs/proc/task_mmu.c:pagemap_page_category */
	if (m->behaviours.written_if_tracked && !area->uffd)
		return false;
	if (entry == 0 && place.level > 1 && area->uffd && !area_is_hugetlb(area))
		return outcome_depends(m, m->behaviours.holes_written,
			"whether this release takes what has no table for written");
	if (entry == 0)
		return place.level == 1;
	if (!leaf_is_present(entry))
		return entry_marker(entry) != MARKER_UFFD_WP && (entry & SWAP_ENTRY_UFFD_WP) == 0;
	return (entry & VM_PTE_LINUX_UFFD_WP) == 0;
}

/* linux:6.12:fs/proc/task_mmu.c:pagemap_scan_thp_entry */
static bool is_whole_leaf(
	const struct vm_machine *m, uint32_t mm, struct place place, uint64_t address, uint64_t end)
{
	return place.level == 2 && place.address == address &&
	       leaf_is_present(entry_get(m, place)) && end - address >= VM_HUGE_2M_BYTES &&
	       huge_is_transparent(m, mm, place);
}

/* One byte a page to out: 1 if it was written since it was last protected. */
void operation_pagemap_scan(struct vm_machine *m)
{
	const struct vm_operation *op = m->operation;
	const uint32_t mm = processes_of(m)[op->other].mm;
	const uint64_t end = op->address + op->length;

	if (!has(m, VM_FEATURE_PAGEMAP_SCAN)) {
		outcome_silent(m, "this kernel has no PAGEMAP_SCAN");
		return;
	}
	if (!vm_is_aligned(op->address, VM_PAGE_BYTES)) {
		outcome_fail(m, VM_EINVAL);
		return;
	}
	if (op->length > m->setup.mmap_top || op->address > m->setup.mmap_top - op->length) {
		outcome_fail(m, VM_EFAULT);
		return;
	}
	for (uint64_t at = op->address, next; at < end; at = next) {
		const uint32_t area = area_holding(m, mm, at);
		const struct place place = place_of(m, mm, at);
		const uint64_t entry = entry_get(m, place);
		const bool tracked = area != NONE && area_of(m, area)->uffd;
		bool matches = area != NONE;

		/* A huge leaf that lies in the range as a whole is protected as a whole. */
		next = at +
		       (is_whole_leaf(m, mm, place, at, end) ? VM_HUGE_2M_BYTES : VM_PAGE_BYTES);

		if ((op->flags & VM_SCAN_PROTECT) != 0 && area != NONE && !tracked) {
			outcome_fail(m, VM_EPERM);
			return;
		}
		if ((op->flags & VM_SCAN_WRITTEN) != 0)
			matches = matches && is_written(m, area_of(m, area), place, entry);
		if ((op->flags & VM_SCAN_PRESENT) != 0)
			matches &= entry != 0 && leaf_is_present(entry);
		for (uint64_t page = at; page < next; page += VM_PAGE_BYTES) {
			const size_t i = m->outcome->out_count++;
			if (op->out != NULL && i < op->out_size)
				op->out[i] = matches;
		}
		if (matches && (op->flags & VM_SCAN_PROTECT) != 0)
			protect_range(m, area, at, next);
	}
	rule_obey(m, RULE_COW_PAGEMAP_SCAN);
}
