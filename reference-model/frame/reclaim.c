/* SPDX-License-Identifier: Apache-2.0 */
#include "frame/reclaim.h"

#include "area/area.h"
#include "demand/fault.h"
#include "demand/huge.h"
#include "frame/cache.h"
#include "frame/frame.h"
#include "frame/swap.h"
#include "machine/outcome.h"

/*
 * What was freed lazily while it waited in a batch to be unlocked may have been taken for locked
 * still: linux:6.12:mm/swap.c:folio_mark_lazyfree, mm/mlock.c:__munlock_folio. It goes now or stays
 * for good.
 */
static bool is_freed_lazily(struct vm_machine *m, uint32_t frame)
{
	if (!folio_has(m, frame, FOLIO_SWAP_BACKED))
		return true;
	if (!folio_has(m, frame, FOLIO_MAYBE_LAZY))
		return false;
	folio_clear(m, frame, FOLIO_MAYBE_LAZY);
	return choose(m, VM_FREEDOM_LOCAL_LRU_BATCH);
}

static bool reclaim_anonymous(struct vm_machine *m, uint32_t mm, struct place place)
{
	const uint64_t leaf = entry_get(m, place);
	const uint32_t frame = leaf_frame(leaf);

	if (frame_of(m, frame)->held != 0 &&
		(m->setup.swap_pages != 0 || !folio_has(m, frame, FOLIO_SWAP_BACKED))) {
		outcome_silent(m, "how far reclaim comes with a page that is in a pipe");
		return false;
	}
	if (is_freed_lazily(m, frame)) {
		if (leaf_is_dirty(leaf) || folio_has(m, frame, FOLIO_DIRTY)) {
			/* Written again since it was freed lazily: it is an ordinary page. */
			folio_set(m, frame, FOLIO_SWAP_BACKED);
			return false;
		}
		rule_obey(m, RULE_FRAME_LAZY_FREED);
		count_event(m, VM_EVENT_LAZY_FREED);
		zap_entry(m, mm, place);
		return true;
	}
	return swap_out_page(m, mm, place);
}

/*
 * linux:6.12:mm/vmscan.c:shrink_folio_list, of a page that nobody maps any more. Shared memory that
 * was never written is clean, too: it goes without a trace, and comes back as zeros.
 */
void drop_if_clean(struct vm_machine *m, uint32_t frame)
{
	const bool in_memory = folio_has(m, frame, FOLIO_SWAP_BACKED);

	if (folio_has(m, frame, FOLIO_DIRTY)) {
		if (in_memory && m->setup.swap_pages != 0)
			outcome_silent(m, "shared memory goes to swap");
		if (in_memory)
			return;
		rule_obey(m, RULE_FRAME_RECLAIM_MARKS);
		folio_set(m, frame, FOLIO_READ_AHEAD);
		folio_set(m, frame, FOLIO_RECLAIM);
		return;
	}
	/* __remove_mapping, which comes last: somebody else counts on it */
	if (frame_of(m, frame)->held != 0)
		return;
	rule_obey(m, in_memory ? RULE_FRAME_CLEAN_MEMORY_DROPPED : RULE_FRAME_CLEAN_DROPPED);
	cache_remove(m, frame, !in_memory);
}

/* Unmapped first, then dropped if it is clean; a dirty page stays in the cache. */
static bool reclaim_cached(struct vm_machine *m, uint32_t area, struct place place)
{
	const uint32_t frame = leaf_frame(entry_get(m, place));

	zap_page(m, area, place);
	drop_if_clean(m, frame);
	return true;
}

/*
 * Only an area that is not locked maps it. linux:6.12:mm/swap.c:lru_add_drain: what was unlocked by
 * unmapping it elsewhere, and lies in a batch, is unlocked now.
 */
static bool is_locked_elsewhere(struct vm_machine *m, uint32_t frame)
{
	if (folio_has(m, frame, FOLIO_LOCK_LOST))
		return true;
	if (!folio_has(m, frame, FOLIO_MLOCKED))
		return false;
	if (!folio_has(m, frame, FOLIO_MUNLOCKED))
		return true;
	folio_clear(m, frame, FOLIO_MLOCKED);
	folio_clear(m, frame, FOLIO_MUNLOCKED);
	return false;
}

bool reclaim_page(struct vm_machine *m, uint32_t area, struct place place)
{
	const uint32_t mm = area_of(m, area)->mm;
	const uint32_t frame = leaf_frame(entry_get(m, place));

	if (folio_of(m, frame)->maps != 1 || is_locked_elsewhere(m, frame) ||
		area_is_secret(m, area_of(m, area))) {
		rule_obey(m, RULE_FRAME_SHARED_STAYS);
		return false;
	}
	if (folio_has(m, frame, FOLIO_ANONYMOUS))
		return reclaim_anonymous(m, mm, place);
	return reclaim_cached(m, area, place);
}

void reclaim_large(struct vm_machine *m, uint32_t area, uint64_t address, uint32_t head)
{
	const uint64_t pages = folio_pages(m, head);

	if (folio_of(m, head)->maps != (int32_t)pages || folio_has(m, head, FOLIO_ANONYMOUS) ||
		is_locked_elsewhere(m, head))
		return;
	zap_range(m, area, address, address + vm_pages_to_bytes(pages), ZAP_FILE_PAGES);
	drop_if_clean(m, head);
}

/* Whether storage or swap hold anything for the page. */
static bool is_stored(const struct vm_machine *m, uint32_t object, uint64_t page)
{
	const uint32_t entry = entry_find(m, object, page);

	return entry != NONE &&
	       (entries_of(m)[entry].allocated || entries_of(m)[entry].slot != NONE);
}

/* The part of a page that a hole or the new end cuts becomes zeros. */
static void zero_part(struct vm_machine *m, uint32_t object, uint64_t start, uint64_t end)
{
	const uint64_t page = vm_bytes_to_pages_floor(start);
	const bool disk = object_of(m, object)->kind == VM_FILE_DISK;
	uint32_t frame = cache_lookup(m, object, page);

	if (start == end)
		return;
	/* A disk file's page is brought in to be cut, even if it is a hole; tmpfs knows better. */
	if (frame == NONE && (disk || is_stored(m, object, page))) {
		frame = cache_fill(m, object, page, 0);
		/* ext4_read_bh_lock: the buffer is up to date then, but not the folio */
		if (frame != NONE && disk)
			folio_set(m, frame, FOLIO_EMPTY);
	}
	if (frame != NONE && disk)
		folio_set(m, frame, FOLIO_MAYBE_REFERENCED);
	if (frame == NONE || (disk && !is_stored(m, object, page) && !frame_of(m, frame)->dirty))
		return;
	cache_mark_page_dirty(m, frame);
	frame_fill(m, frame, (uint32_t)(start - vm_pages_to_bytes(page)),
		(uint32_t)(end - vm_pages_to_bytes(page)), 0);
}

/* What a split leaves behind the end of the file is dropped: linux:6.12:mm/huge_memory.c:
 * __split_huge_page */
static void drop_behind_end(struct vm_machine *m, uint32_t object, uint64_t first, uint64_t last)
{
	const uint64_t end = object_pages(m, object);

	for (uint64_t index = first > end ? first : end; index < last; index++) {
		const uint32_t frame = cache_lookup(m, object, index);
		if (frame != NONE && folio_of(m, frame)->index >= end)
			cache_remove(m, frame, false);
	}
}

/* The folio becomes smaller ones, single pages at either end of what is cut off. */
static void split_for_cut(struct vm_machine *m, uint32_t head, uint64_t start, uint64_t end)
{
	const struct frame folio = *folio_of(m, head);
	const uint64_t first = vm_pages_to_bytes(folio.index);
	const uint64_t last = first + vm_pages_to_bytes(folio_pages(m, head));

	if (!m->behaviours.cuts_by_halves) {
		folio_split(m, head);
	} else {
		const uint64_t low = start > first ? start : first;
		folio_halve(m, head, head + (uint32_t)vm_bytes_to_pages_floor(low - first));
		if (end < last) {
			const uint32_t page = head + (uint32_t)vm_bytes_to_pages_floor(end - first);
			folio_halve(m, head_of(m, page), page);
		}
	}
	drop_behind_end(
		m, folio.object, folio.index, folio.index + vm_bytes_to_pages_floor(last - first));
}

/*
 * linux:6.12:mm/truncate.c:truncate_inode_partial_folio (6.12.117): buffers that lie in the hole
 * are forgotten, dirty or not. If none that stays is dirty the folio can be split, else it stays as
 * it is. Unmapped it is in any case, so that nobody reaches behind the end through it.
 */
static void cut_folio(struct vm_machine *m, uint32_t head, uint64_t start, uint64_t end)
{
	const struct frame folio = *folio_of(m, head);
	const uint64_t pages = folio_pages(m, head);
	bool stays_dirty = false;

	for (uint64_t i = 0; i < pages; i++) {
		const uint64_t at = vm_pages_to_bytes(folio.index + i);
		if (at >= start && at + VM_PAGE_BYTES <= end)
			frame_of(m, head + (uint32_t)i)->dirty = false;
		stays_dirty |= frame_of(m, head + (uint32_t)i)->dirty;
	}
	cache_unmap_everywhere(m, folio.object, folio.index, folio.index + pages, false);
	if (stays_dirty)
		return;
	rule_obey(m, RULE_FRAME_CUT_SPLITS);
	if (folio_has(m, head, FOLIO_DIRTY)) {
		rule_obey(m, RULE_FRAME_TAG_STAYS);
		folio_set(m, head, FOLIO_TAGGED_DIRTY);
	}
	folio_clear(m, head, FOLIO_DIRTY);
	split_for_cut(m, head, start, end);
}

/* The large folios of a disk file that lie across either end of a hole. */
static void cut_large(struct vm_machine *m, uint32_t object, uint64_t start, uint64_t end)
{
	const uint64_t edges[2] = {start, end};
	uint32_t cut = NONE;

	if (object_of(m, object)->kind != VM_FILE_DISK)
		return;
	for (int side = 0; side < 2; side++) {
		const uint32_t frame =
			cache_lookup(m, object, vm_bytes_to_pages_floor(edges[side]));
		/* linux:6.12:mm/truncate.c:truncate_inode_pages_range: the same one is cut once */
		if (frame == NONE || folio_pages(m, frame) == 1 || head_of(m, frame) == cut)
			continue;
		cut = head_of(m, frame);
		const uint64_t first = vm_pages_to_bytes(folio_of(m, frame)->index);
		const uint64_t last = first + vm_pages_to_bytes(folio_pages(m, frame));
		const bool is_inside = first >= start && last <= end;
		if (!is_inside && first < end && last > start)
			cut_folio(m, head_of(m, frame), start, end);
	}
}

/* A large folio that could not be split stays: its part in the hole becomes zeros. */
static bool stays_as_zeros(struct vm_machine *m, uint32_t frame, uint64_t first, uint64_t last)
{
	const uint32_t head = head_of(m, frame);
	const struct frame *folio = folio_of(m, head);

	if (folio->order == 0 || (folio->flags & FOLIO_HUGETLB) != 0 ||
		(folio->index >= first && folio->index + folio_pages(m, head) <= last))
		return false;
	frame_fill(m, frame, 0, (uint32_t)VM_PAGE_BYTES, 0);
	return true;
}

/* Whole pages [first, last) leave the cache and storage; they are mapped no more. */
static void drop_range(struct vm_machine *m, uint32_t object, uint64_t first, uint64_t last)
{
	for (uint32_t entry = object_of(m, object)->first_entry; entry != NONE;
		entry = entries_of(m)[entry].next_in_object) {
		struct entry *punched = &entries_of(m)[entry];

		if (punched->index < first || punched->index >= last)
			continue;
		if (punched->frame != NONE && !stays_as_zeros(m, punched->frame, first, last))
			cache_remove(m, punched->frame, false);
		cache_forget(m, entry);
	}
}

void cache_punch(
	struct vm_machine *m, uint32_t object, uint64_t start, uint64_t end, bool even_private)
{
	const uint64_t unit = object_page_bytes(m, object);
	const uint64_t size = object_of(m, object)->size_bytes;

	/* linux:6.12:fs/ext4/inode.c:ext4_punch_hole: behind the end there is nothing to punch */
	if (!even_private && object_of(m, object)->kind == VM_FILE_DISK) {
		if (start >= size)
			return;
		if (end > size)
			end = vm_align_up(size, VM_PAGE_BYTES);
	}
	const uint64_t first = vm_align_up(start, unit), last = vm_align_down(end, unit);

	/* linux:6.12:mm/shmem.c:shmem_fallocate, mm/truncate.c:truncate_pagecache_range: a hole
	 * that ends inside the first page has no last page, and a length of nothing means to the
	 * end */
	if (!even_private && last == 0 &&
		(object_of(m, object)->kind == VM_FILE_SHMEM || m->behaviours.punch_unmaps_all)) {
		rule_obey(m, RULE_FRAME_PUNCH_UNMAPS_ALL);
		cache_unmap_everywhere(m, object, vm_bytes_to_pages_floor(first),
			vm_bytes_to_pages_floor(UINT64_MAX), false);
	}
	/* linux:6.12:mm/truncate.c:truncate_pagecache_range: unmapped first, which may make a page
	 * dirty that is then cut */
	if (first < last)
		cache_unmap_everywhere(m, object, first / unit, last / unit, even_private);
	cut_large(m, object, start, end);
	if (unit == VM_PAGE_BYTES) {
		if (first > last) {
			zero_part(m, object, start, end);
			return;
		}
		zero_part(m, object, start, first);
		zero_part(m, object, last, end);
	}
	if (first < last)
		drop_range(m, object, first / unit, last / unit);
}

void cache_punch_hole(struct vm_machine *m, uint32_t object, uint64_t start, uint64_t end)
{
	rule_obey(m, RULE_FRAME_PUNCH);
	/* linux:6.12:fs/ext4/inode.c:ext4_punch_hole (6.12.117) cuts dirty pages as they are */
	if (!m->behaviours.punch_keeps_dirty)
		cache_sync(m, object, vm_bytes_to_pages_floor(start), vm_bytes_to_pages_ceil(end));
	cache_punch(m, object, start, end, false);
}

void cache_reach(struct vm_machine *m, uint32_t object, uint64_t end)
{
	const uint64_t first = vm_bytes_to_pages_ceil(end);
	const uint32_t last = cache_lookup(m, object, vm_bytes_to_pages_floor(end));

	if (object_of(m, object)->kind != VM_FILE_DISK)
		return;
	if (last != NONE && !vm_is_aligned(end, VM_PAGE_BYTES))
		frame_fill(
			m, last, (uint32_t)(end & (VM_PAGE_BYTES - 1)), (uint32_t)VM_PAGE_BYTES, 0);
	cut_large(m, object, end, UINT64_MAX);
	cache_unmap_everywhere(m, object, first, vm_bytes_to_pages_floor(UINT64_MAX), true);
	drop_range(m, object, first, vm_bytes_to_pages_floor(UINT64_MAX));
}

static bool page_of_step(struct vm_machine *m, uint32_t *area, struct place *place)
{
	const struct vm_operation *op = m->operation;
	const uint32_t mm = processes_of(m)[op->other].mm;

	*area = area_holding(m, mm, op->address);
	*place = place_of(m, mm, op->address);
	return *area != NONE && place->level == 1 && leaf_is_present(entry_get(m, *place)) &&
	       !is_zero_frame(m, leaf_frame(entry_get(m, *place))) &&
	       folio_pages(m, leaf_frame(entry_get(m, *place))) == 1;
}

void operation_step_swap_out(struct vm_machine *m)
{
	uint32_t area = NONE;
	struct place place;

	(void)choose(m, VM_FREEDOM_RECLAIM);
	if (!page_of_step(m, &area, &place) || !reclaim_page(m, area, place))
		outcome_silent(m, "reclaim would not take this page");
}

void operation_step_free_lazy(struct vm_machine *m)
{
	uint32_t area = NONE;
	struct place place;

	(void)choose(m, VM_FREEDOM_RECLAIM);
	if (!page_of_step(m, &area, &place) ||
		folio_has(m, leaf_frame(entry_get(m, place)), FOLIO_SWAP_BACKED) ||
		!reclaim_page(m, area, place))
		outcome_silent(m, "the page was not freed lazily, or was written since");
}

void operation_step_collapse(struct vm_machine *m)
{
	const struct vm_operation *op = m->operation;
	const uint32_t mm = processes_of(m)[op->other].mm;
	const uint64_t start = vm_align_down(op->address, VM_HUGE_2M_BYTES);
	const uint32_t area = area_holding(m, mm, start);

	(void)choose(m, VM_FREEDOM_KHUGEPAGED);
	if (area == NONE || !area_huge_allowed(m, area_of(m, area), start) ||
		huge_collapse(m, area, start, false) != 0)
		outcome_silent(m, "khugepaged would not collapse this range");
}

void operation_step_split(struct vm_machine *m)
{
	const struct vm_operation *op = m->operation;
	const uint32_t mm = processes_of(m)[op->other].mm;
	const struct place place = place_of(m, mm, op->address);
	const uint64_t leaf = entry_get(m, place);

	if (place.level != 1 || !leaf_is_present(leaf) ||
		!folio_has(m, leaf_frame(leaf), FOLIO_PARTIALLY_MAPPED)) {
		outcome_silent(m, "no large folio waits to be split here");
		return;
	}
	folio_split(m, head_of(m, leaf_frame(leaf)));
}
