/* SPDX-License-Identifier: Apache-2.0 */
/* linux:6.12:mm/madvise.c, one function an advice */
#include "area/advise.h"
#include "area/area.h"
#include "cow/cow.h"
#include "demand/fault.h"
#include "demand/huge.h"
#include "frame/cache.h"
#include "frame/frame.h"
#include "frame/reclaim.h"
#include "frame/swap.h"
#include "machine/outcome.h"

bool page_advice_is_known(int32_t advice)
{
	switch (advice) {
	case VM_MADV_WILLNEED:
	case VM_MADV_DONTNEED:
	case VM_MADV_FREE:
	case VM_MADV_REMOVE:
	case VM_MADV_COLD:
	case VM_MADV_PAGEOUT:
	case VM_MADV_POPULATE_READ:
	case VM_MADV_POPULATE_WRITE:
	case VM_MADV_DONTNEED_LOCKED:
		return true;
	default:
		return false;
	}
}

/* Since 6.14 (CONFIG_PT_RECLAIM) a 2 MiB range that was zapped whole gives its table back. */
static void reclaim_tables(struct vm_machine *m, uint32_t mm, uint64_t start, uint64_t end)
{
	if (!has(m, VM_FEATURE_PT_RECLAIM))
		return;
	for (uint64_t at = vm_align_up(start, VM_HUGE_2M_BYTES); at + VM_HUGE_2M_BYTES <= end;
		at += VM_HUGE_2M_BYTES)
		if (table_free_if_empty(m, mm, at))
			rule_obey(m, RULE_XLATE_TABLE_RECLAIMED);
}

static int32_t dont_need(
	struct vm_machine *m, uint32_t number, uint64_t start, uint64_t end, bool even_locked)
{
	const struct area *area = area_of(m, number);

	if (area_is_hugetlb(area)) {
		if (!vm_is_aligned(start, area_huge_bytes(m, area)))
			return VM_EINVAL;
		end = vm_align_down(end, area_huge_bytes(m, area));
		if (start == end)
			return 0;
	} else if ((area->flags & VM_AREA(LOCKED)) != 0 && !even_locked) {
		return VM_EINVAL;
	}
	rule_obey(m, RULE_DEMAND_DONT_NEED);
	zap_range(m, number, start, end, ZAP_PAGES);
	if (!area_is_hugetlb(area))
		reclaim_tables(m, area->mm, start, end);
	return 0;
}

/* A page that may be forgotten: clean and old, until it is written again. */
static void free_lazily_page(struct vm_machine *m, uint32_t mm, struct place place)
{
	uint64_t leaf = entry_get(m, place);
	const uint32_t frame = leaf_frame(leaf);

	if (entry_is_swapped(leaf)) {
		zap_entry(m, mm, place);
		return;
	}
	if (!leaf_is_present(leaf) || is_zero_frame(m, frame) ||
		!folio_has(m, frame, FOLIO_ANONYMOUS))
		return;
	if (folio_of(m, frame)->maps != (int32_t)(place.level > 1 ? 1 : folio_pages(m, frame)) &&
		(folio_pages(m, frame) > 1 || folio_has(m, frame, FOLIO_SWAP_CACHE) ||
			folio_has(m, frame, FOLIO_DIRTY)))
		return;
	if (folio_has(m, frame, FOLIO_SWAP_CACHE))
		swap_cache_remove(m, frame);
	folio_clear(m, frame, FOLIO_DIRTY);
	leaf = leaf_make_clean(leaf) & ~VM_PTE_ACCESSED;
	entry_set(m, place, leaf);
	if (!folio_has(m, frame, FOLIO_MLOCKED) && !folio_has(m, frame, FOLIO_LOCK_LOST)) {
		folio_clear(m, frame, FOLIO_SWAP_BACKED);
		count_event(m, VM_EVENT_LAZY_FREE);
	} else if (folio_has(m, frame, FOLIO_MUNLOCKED)) {
		/* linux:6.12:mm/swap.c:folio_mark_lazyfree asks whether it is unevictable, which
		 * linux:6.12:mm/mlock.c:__munlock_folio counts without being sure */
		folio_set(m, frame, FOLIO_MAYBE_LAZY);
	}
}

static int32_t free_lazily(struct vm_machine *m, uint32_t number, uint64_t start, uint64_t end)
{
	const struct area *area = area_of(m, number);
	struct cursor cursor = cursor_over(start, end);

	if (area_is_hugetlb(area) || (area->flags & VM_AREA(LOCKED)) != 0 ||
		!area_is_anonymous(area))
		return VM_EINVAL;
	rule_obey(m, RULE_DEMAND_FREE_LAZILY);
	huge_split_at(m, area->mm, start);
	huge_split_at(m, area->mm, end);
	while (cursor_next(m, area->mm, &cursor))
		free_lazily_page(m, area->mm, cursor.at);
	return 0;
}

static bool may_age(const struct area *area)
{
	return (area->flags & (VM_AREA(LOCKED) | VM_AREA(HUGETLB))) == 0;
}

/* How many entries from here on map one page of the folio after the other: folio_pte_batch. */
static uint32_t pages_in_row(
	const struct vm_machine *m, uint32_t mm, uint64_t address, uint64_t end, uint32_t frame)
{
	const uint32_t left = folio_pages(m, frame) - (frame - head_of(m, frame));
	uint32_t pages = 0;

	for (; pages < left && address < end; pages++, address += VM_PAGE_BYTES) {
		const uint64_t leaf = entry_get(m, place_of(m, mm, address));
		if (leaf == 0 || !leaf_is_present(leaf) || leaf_frame(leaf) != frame + pages)
			break;
	}
	return pages;
}

/*
 * A large folio that the range maps in part becomes single pages if nobody shares it. One of a disk
 * file must have nothing that waits to be written, and is unmapped everywhere for that.
 */
static void split_for_part(struct vm_machine *m, uint32_t mm, uint32_t head)
{
	const struct frame folio = *folio_of(m, head);
	const uint64_t pages = folio_pages(m, head);

	if (maps_of_mm(m, mm, head) != folio.maps)
		return;
	if ((folio.flags & FOLIO_ANONYMOUS) != 0) {
		folio_split(m, head);
		return;
	}
	if ((folio.flags & FOLIO_DIRTY) != 0)
		return;
	rule_obey(m, RULE_FRAME_COLD_SPLITS);
	cache_unmap_everywhere(m, folio.object, folio.index, folio.index + pages, false);
	folio_split(m, head);
	const uint64_t end = object_pages(m, folio.object);
	for (uint32_t i = 0; i < pages; i++)
		if (folio.index + i >= end)
			cache_remove(m, head + i, false);
}

/*
 * linux:6.12:mm/madvise.c:madvise_cold_or_pageout_pte_range: a large folio is taken whole, if the
 * entries from here on map all of it, or it is split. True: whole. The cursor goes on behind it.
 */
static bool takes_whole(
	struct vm_machine *m, uint32_t mm, struct cursor *cursor, uint64_t end, uint32_t frame)
{
	const uint32_t pages = pages_in_row(m, mm, cursor->at.address, end, frame);

	cursor->next = cursor->at.address + vm_pages_to_bytes(pages);
	if (pages == folio_pages(m, frame))
		return true;
	split_for_part(m, mm, head_of(m, frame));
	return false;
}

static void make_folio_cold(
	struct vm_machine *m, uint32_t mm, uint64_t address, uint32_t head, uint32_t pages)
{
	if (folio_of(m, head)->maps != (int32_t)pages)
		return;
	for (uint32_t i = 0; i < pages; i++) {
		const struct place place = place_of(m, mm, address + vm_pages_to_bytes(i));

		entry_set(m, place, entry_get(m, place) & ~VM_PTE_ACCESSED);
	}
}

/* The same function, for a huge leaf of which the range holds a part. */
static bool part_of_huge(
	struct vm_machine *m, uint32_t number, struct cursor *cursor, uint64_t start, uint64_t end)
{
	const struct place place = cursor->at;
	const uint32_t mm = area_of(m, number)->mm, head = leaf_frame(entry_get(m, place));

	if (place.level != 2 || (place.address >= start && place.address + VM_HUGE_2M_BYTES <= end))
		return false;
	if (maps_of_mm(m, mm, head) == folio_of(m, head)->maps) {
		huge_split(m, mm, number, place);
		folio_split(m, head);
		cursor->next = place.address > start ? place.address : start;
	}
	return true;
}

static int32_t make_cold(struct vm_machine *m, uint32_t number, uint64_t start, uint64_t end)
{
	const struct area *area = area_of(m, number);
	struct cursor cursor = cursor_over(start, end);

	if (!may_age(area))
		return VM_EINVAL;
	rule_obey(m, RULE_FRAME_COLD);
	while (cursor_next(m, area->mm, &cursor)) {
		const uint64_t leaf = entry_get(m, cursor.at), at = cursor.at.address;

		if (!leaf_is_present(leaf) || is_zero_frame(m, leaf_frame(leaf)) ||
			part_of_huge(m, number, &cursor, start, end))
			continue;
		if (cursor.at.level > 1) {
			if (folio_of(m, leaf_frame(leaf))->maps == 1)
				entry_set(m, cursor.at, leaf & ~VM_PTE_ACCESSED);
			continue;
		}
		const uint32_t pages = folio_pages(m, leaf_frame(leaf));
		if (pages == 1 || takes_whole(m, area->mm, &cursor, end, leaf_frame(leaf)))
			make_folio_cold(m, area->mm, at, leaf_frame(leaf), pages);
	}
	return 0;
}

static int32_t page_out(struct vm_machine *m, uint32_t number, uint64_t start, uint64_t end)
{
	const struct area *area = area_of(m, number);
	struct cursor cursor = cursor_over(start, end);

	if (!may_age(area))
		return VM_EINVAL;
	rule_obey(m, RULE_FRAME_PAGE_OUT);
	while (cursor_next(m, area->mm, &cursor)) {
		const uint64_t leaf = entry_get(m, cursor.at), at = cursor.at.address;

		if (!leaf_is_present(leaf) || is_zero_frame(m, leaf_frame(leaf)) ||
			part_of_huge(m, number, &cursor, start, end) || cursor.at.level > 1)
			continue;
		if (!m->behaviours.pageout_keeps_young && folio_of(m, leaf_frame(leaf))->maps == 1)
			entry_set(m, cursor.at, leaf & ~VM_PTE_ACCESSED);
		if (folio_pages(m, leaf_frame(leaf)) == 1)
			reclaim_page(m, number, cursor.at);
		else if (takes_whole(m, area->mm, &cursor, end, leaf_frame(leaf)))
			reclaim_large(m, number, at, leaf_frame(leaf));
	}
	return 0;
}

/* MADV_REMOVE punches a hole into the object. */
static int32_t remove_range(struct vm_machine *m, uint32_t number, uint64_t start, uint64_t end)
{
	const struct area *area = area_of(m, number);
	const uint32_t shared = VM_AREA(SHARED) | VM_AREA(MAY_WRITE);

	if ((area->flags & VM_AREA(LOCKED)) != 0 || area->object == NONE)
		return VM_EINVAL;
	if ((area->flags & shared) != shared)
		return VM_EACCES;
	if (area_is_secret(m, area))
		return VM_EOPNOTSUPP;
	const uint64_t first = vm_pages_to_bytes(area_page_index(area, start));
	cache_punch_hole(m, area->object, first, first + (end - start));
	return 0;
}

static int32_t collapse(struct vm_machine *m, uint32_t number, uint64_t start, uint64_t end)
{
	const struct area *area = area_of(m, number);
	const uint64_t first = vm_align_up(start, VM_HUGE_2M_BYTES);
	const uint64_t last = vm_align_down(end, VM_HUGE_2M_BYTES);
	const uint64_t fits = vm_align_up(area->start, VM_HUGE_2M_BYTES) + VM_HUGE_2M_BYTES;
	int32_t error = 0;

	/* linux:6.12:mm/huge_memory.c:__thp_vma_allowable_orders: nothing was ever private here */
	if ((area->flags & VM_AREA(NO_HUGE_PAGE)) != 0 || area_is_hugetlb(area) ||
		fits > area->end || !area_is_anonymous(area) || area->family == NONE)
		return VM_EINVAL;
	if (first > last)
		return VM_EINVAL;
	for (uint64_t at = first; at < last; at += VM_HUGE_2M_BYTES) {
		const int32_t failed = huge_collapse(m, number, at, true);
		if (failed != 0)
			error = failed;
	}
	return error;
}

static bool may_guard(const struct vm_machine *m, const struct area *area, bool even_locked)
{
	if ((area->flags & (VM_AREA(HUGETLB) | VM_AREA(DONT_EXPAND))) != 0)
		return false;
	if ((area->flags & VM_AREA(LOCKED)) != 0 && !even_locked)
		return false;
	if (m->behaviours.guards_files)
		return true;
	return area_is_anonymous(area) && (area->flags & VM_AREA(MAY_WRITE)) != 0;
}

/* mm/madvise.c:guard_install_pte_entry (since 6.13): what is not empty is zapped, and tried again
 */
static bool guard_never_fits(
	const struct vm_machine *m, const struct area *area, uint64_t start, uint64_t end)
{
	struct cursor cursor = cursor_over(start, end);

	/* Which of a tracked file's pages are there to be protected is the kernel's freedom. */
	if (area->uffd && !area_is_anonymous(area))
		return true;
	while (cursor_next(m, area->mm, &cursor)) {
		const uint64_t entry = entry_get(m, cursor.at);

		if (entry_is_armed(area, entry) ||
			(entry_marker(entry) == MARKER_UFFD_WP && !area_is_anonymous(area)))
			return true;
	}
	return false;
}

/* mm/madvise.c:madvise_guard_install (since 6.13): zap, then a marker in every entry */
static int32_t guard_install(struct vm_machine *m, uint32_t number, uint64_t start, uint64_t end)
{
	const struct area *area = area_of(m, number);

	if (!may_guard(m, area, false))
		return VM_EINVAL;
	if (guard_never_fits(m, area, start, end)) {
		outcome_silent(m, "protection that outlives its page keeps guards out: the call "
				  "is begun again for ever");
		return 0;
	}
	rule_obey(m, RULE_DEMAND_GUARD_INSTALL);
	if (outcome_depends(m, m->behaviours.guard_letter,
		    "whether this release shows where guards may be"))
		area_of(m, number)->flags |= VM_AREA(MAYBE_GUARD);
	if (area_is_anonymous(area))
		family_prepare(m, number);
	zap_range(m, number, start, end, ZAP_PAGES);
	for (uint64_t at = start; at < end; at += VM_PAGE_BYTES) {
		const struct place place = place_make(m, area->mm, at, 1);

		if (place.table == NONE)
			return VM_ENOMEM;
		if (entry_get(m, place) == 0)
			entry_set(m, place, swap_entry_make(SWAP_TYPE_MARKER, MARKER_GUARD));
	}
	return 0;
}

static int32_t guard_remove(struct vm_machine *m, uint32_t number, uint64_t start, uint64_t end)
{
	const struct area *area = area_of(m, number);
	struct cursor cursor = cursor_over(start, end);

	if (!may_guard(m, area, true))
		return VM_EINVAL;
	rule_obey(m, RULE_DEMAND_GUARD_REMOVE);
	while (cursor_next(m, area->mm, &cursor))
		if ((entry_marker(entry_get(m, cursor.at)) & MARKER_GUARD) != 0)
			entry_set(m, cursor.at, 0);
	return 0;
}

/* Pages of a file are read ahead; swapped ones come into the swap cache. */
static int32_t will_need(struct vm_machine *m, uint32_t number, uint64_t start, uint64_t end)
{
	const struct area *area = area_of(m, number);

	rule_obey(m, RULE_FRAME_WILL_NEED);
	if (area->object == NONE || object_of(m, area->object)->kind != VM_FILE_DISK) {
		struct cursor cursor = cursor_over(start, end);
		while (cursor_next(m, area->mm, &cursor))
			if (entry_is_swapped(entry_get(m, cursor.at)))
				outcome_silent(m, "swap read-ahead fills the swap cache at its "
						  "own pace");
		return 0;
	}
	(void)cache_read_ahead(
		m, area->object, area_page_index(area, start), area_page_index(area, end), 0);
	return 0;
}

int32_t advise_pages(
	struct vm_machine *m, uint32_t area, uint64_t start, uint64_t end, int32_t advice)
{
	switch (advice) {
	case VM_MADV_DONTNEED:
		return dont_need(m, area, start, end, false);
	case VM_MADV_DONTNEED_LOCKED:
		return dont_need(m, area, start, end, true);
	case VM_MADV_FREE:
		return free_lazily(m, area, start, end);
	case VM_MADV_REMOVE:
		return remove_range(m, area, start, end);
	case VM_MADV_COLD:
		return make_cold(m, area, start, end);
	case VM_MADV_PAGEOUT:
		return page_out(m, area, start, end);
	case VM_MADV_COLLAPSE:
		return collapse(m, area, start, end);
	case VM_MADV_GUARD_INSTALL:
		return guard_install(m, area, start, end);
	case VM_MADV_GUARD_REMOVE:
		return guard_remove(m, area, start, end);
	case VM_MADV_WILLNEED:
		return will_need(m, area, start, end);
	default:
		return VM_EINVAL;
	}
}
