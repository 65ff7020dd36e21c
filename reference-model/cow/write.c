/* SPDX-License-Identifier: Apache-2.0 */
/* A store to an entry that is present and read-only: linux:6.12:mm/memory.c:do_wp_page. */
#include "area/area.h"
#include "cow/cow.h"
#include "demand/fault.h"
#include "frame/cache.h"
#include "frame/frame.h"
#include "frame/swap.h"

static enum fault_result reuse(struct vm_machine *m, const struct fault *fault, struct place place)
{
	const uint64_t leaf = entry_get(m, place) | VM_PTE_ACCESSED;

	if (fault->unshare) /* the page is its own now; the entry stays as it is */
		return FAULT_DONE;
	count_event(m, VM_EVENT_REUSE);
	entry_set(m, place, leaf_for_write(m, area_of(m, fault->area), leaf));
	return FAULT_DONE;
}

int32_t maps_of_mm(const struct vm_machine *m, uint32_t mm, uint32_t head)
{
	const bool anonymous = folio_has(m, head, FOLIO_ANONYMOUS);
	const uint64_t first = folio_of(m, head)->index;
	const uint64_t pages = folio_pages(m, head);
	int32_t maps = 0;

	for (uint32_t i = mm_of(m, mm)->first_area; i != NONE; i = area_of(m, i)->next) {
		const struct area *area = area_of(m, i);
		const uint64_t end = area->page_offset + area_pages(area);
		const uint64_t low = first > area->page_offset ? first : area->page_offset;
		const uint64_t high = first + pages < end ? first + pages : end;

		if (low >= high || (anonymous ? area->family == NONE
					      : area->object != folio_of(m, head)->object))
			continue;
		struct cursor cursor =
			cursor_over(area->start + vm_pages_to_bytes(low - area->page_offset),
				area->start + vm_pages_to_bytes(high - area->page_offset));
		while (cursor_next(m, mm, &cursor)) {
			const uint64_t leaf = entry_get(m, cursor.at);
			maps += leaf_is_present(leaf) && head_of(m, leaf_frame(leaf)) == head;
		}
	}
	return maps;
}

/*
 * linux:6.12:mm/memory.c:wp_can_reuse_anon_folio: nobody else can hold a reference. What a large
 * folio has of them are those of its entries, wherever they are: no batch holds one.
 */
static bool can_take_over_piece(const struct vm_machine *m, uint32_t mm, uint32_t head)
{
	switch (m->behaviours.large_takeover) {
	case VM_LARGE_TAKEOVER_NEVER:
		return false;
	case VM_LARGE_TAKEOVER_LAST_PIECE: /* linux:6.1:mm/memory.c:do_wp_page */
		return folio_references(m, head) == 1;
	case VM_LARGE_TAKEOVER_SAME_SPACE:
		return folio_of(m, head)->maps > 1 &&
		       maps_of_mm(m, mm, head) == (int32_t)folio_references(m, head);
	}
	VM_ASSERT(false);
	return false;
}

static bool can_take_over(struct vm_machine *m, uint32_t mm, uint32_t frame)
{
	if (folio_has(m, frame, FOLIO_KSM))
		return false;
	if (folio_pages(m, frame) > 1)
		return can_take_over_piece(m, mm, head_of(m, frame));
	if (folio_of(m, frame)->maps != 1)
		return false;
	if (frame_of(m, frame)->held != 0) {
		rule_obey(m, RULE_COW_HELD_IS_COPIED);
		return false;
	}
	if (folio_has(m, frame, FOLIO_SWAP_CACHE)) {
		/* Only a slot that nobody else names can be given up. */
		if (slots_of(m)[folio_of(m, frame)->slot].count != 0)
			return false;
		swap_cache_remove(m, frame);
	}
	return !choose(m, VM_FREEDOM_REMOTE_LRU_BATCH);
}

/* linux:6.12:mm/memory.c:wp_page_copy */
static enum fault_result copy(struct vm_machine *m, const struct fault *fault, struct place place)
{
	const struct area *area = area_of(m, fault->area);
	const uint64_t old_leaf = entry_get(m, place);
	const uint32_t old = leaf_frame(old_leaf);
	const uint32_t frame = anonymous_take(m, 0, area_page_index(area, fault->address));

	if (frame == NONE)
		return FAULT_NO_ROOM;
	family_prepare(m, fault->area);
	if (is_zero_frame(m, old)) {
		rule_obey(m, RULE_DEMAND_ZERO_PAGE_WRITE);
		mm_of(m, fault->mm)->rss[RSS_ANON]++;
	} else {
		rule_obey(m, folio_has(m, old, FOLIO_ANONYMOUS) ? RULE_COW_WRITER_PAYS
								: RULE_COW_PRIVATE_FILE_COPY);
		frame_copy(m, frame, old);
		mm_of(m, fault->mm)->rss[folio_rss_kind(m, old)]--;
		mm_of(m, fault->mm)->rss[RSS_ANON]++;
		if (folio_has(m, old, FOLIO_KSM))
			count_event(m, VM_EVENT_COW_KSM);
	}
	uint64_t leaf = leaf_make(leaf_protection(m, area), frame, false);
	if (fault->unshare)
		leaf |= old_leaf & (VM_PTE_LINUX_SOFT_DIRTY | VM_PTE_LINUX_UFFD_WP);
	else
		leaf = leaf_for_write(m, area, leaf);
	if ((area->flags & VM_AREA(LOCKED)) != 0)
		folio_set(m, frame, FOLIO_MLOCKED);
	frame_map(m, frame);
	entry_set(m, place, leaf);
	if (!is_zero_frame(m, old)) {
		if (!folio_has(m, old, FOLIO_ANONYMOUS) && leaf_is_dirty(old_leaf))
			cache_mark_dirty(m, old);
		frame_unmap(m, old);
	}
	return FAULT_DONE;
}

/* linux:6.12:mm/memory.c:wp_page_shared */
static enum fault_result write_shared(
	struct vm_machine *m, const struct fault *fault, struct place place)
{
	rule_obey(m, RULE_DEMAND_WRITE_NOTIFY);
	cache_mark_dirty(m, leaf_frame(entry_get(m, place)));
	return reuse(m, fault, place);
}

enum fault_result fault_write_protected(
	struct vm_machine *m, struct fault *fault, struct place place)
{
	const struct area *area = area_of(m, fault->area);
	uint64_t leaf = entry_get(m, place);

	if (!fault->unshare && area->uffd && (leaf & VM_PTE_LINUX_UFFD_WP) != 0) {
		/* linux:6.12:mm/memory.c:do_wp_page: asynchronous tracking just lets go */
		rule_obey(m, RULE_COW_UFFD_WP_RESOLVED);
		leaf &= ~VM_PTE_LINUX_UFFD_WP;
		entry_set(m, place, leaf);
	}
	const uint32_t frame = leaf_frame(leaf);
	if ((area->flags & VM_AREA(MAY_SHARE)) != 0)
		return write_shared(m, fault, place);
	if (is_zero_frame(m, frame) || !folio_has(m, frame, FOLIO_ANONYMOUS))
		return copy(m, fault, place);
	if (frame_of(m, frame)->exclusive) {
		rule_obey(m, RULE_COW_EXCLUSIVE_REUSE);
		return reuse(m, fault, place);
	}
	if (can_take_over(m, fault->mm, frame)) {
		rule_obey(m, RULE_COW_LAST_OWNER);
		frame_of(m, frame)->exclusive = true;
		return reuse(m, fault, place);
	}
	return copy(m, fault, place);
}
