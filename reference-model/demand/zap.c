/* SPDX-License-Identifier: Apache-2.0 */
/* Entries go: linux:6.12:mm/memory.c:zap_pte_range, mm/huge_memory.c:zap_huge_pmd. */
#include "area/area.h"
#include "demand/fault.h"
#include "demand/huge.h"
#include "frame/cache.h"
#include "frame/frame.h"
#include "frame/swap.h"

/* What the entry knows of the page is handed to the folio before the entry is gone. */
static void hand_over(struct vm_machine *m, uint64_t leaf, uint32_t frame)
{
	if (folio_has(m, frame, FOLIO_ANONYMOUS))
		return;
	if (leaf_is_dirty(leaf))
		cache_mark_dirty(m, frame);
	/* linux:6.12:mm/memory.c:zap_present_folio_ptes: folio_mark_accessed */
	if ((leaf & VM_PTE_ACCESSED) != 0)
		folio_set(m, frame, FOLIO_MAYBE_REFERENCED);
}

static void zap_hugetlb(struct vm_machine *m, uint32_t mm, struct place place)
{
	const uint32_t head = leaf_frame(entry_get(m, place));
	const uint32_t area = area_holding(m, mm, place.address);

	if (area != NONE && folio_has(m, head, FOLIO_ANONYMOUS))
		hugetlb_restore_reserve(m, area_of(m, area), place.address, head);
	hugetlb_unmap(m, mm, place);
}

void hugetlb_unmap(struct vm_machine *m, uint32_t mm, struct place place)
{
	const uint32_t head = leaf_frame(entry_get(m, place));

	hand_over(m, entry_get(m, place), head);
	entry_set(m, place, 0);
	mm_of(m, mm)->hugetlb_pages -= folio_pages(m, head);
	folio_unmap_whole(m, head);
}

static void zap_transparent(struct vm_machine *m, uint32_t mm, struct place place)
{
	const uint32_t head = leaf_frame(entry_get(m, place));

	entry_set(m, place, 0);
	table_withdraw_and_free(m, mm, place);
	if (is_zero_frame(m, head))
		return;
	mm_of(m, mm)->rss[RSS_ANON] -= HUGE_PAGES;
	folio_unmap_whole(m, head);
}

void zap_entry(struct vm_machine *m, uint32_t mm, struct place place)
{
	const uint64_t entry = entry_get(m, place);

	if (entry_marker(entry) != 0) {
		entry_set(m, place, 0);
		return;
	}
	if (!leaf_is_present(entry)) {
		rule_obey(m, RULE_FRAME_SLOT_FREED);
		entry_set(m, place, 0);
		mm_of(m, mm)->rss[RSS_SWAP]--;
		slot_release(m, entry_slot(entry));
		return;
	}
	const uint32_t frame = leaf_frame(entry);
	if (place.level > 1) {
		if (huge_is_transparent(m, mm, place))
			zap_transparent(m, mm, place);
		else
			zap_hugetlb(m, mm, place);
		return;
	}
	entry_set(m, place, 0);
	if (is_zero_frame(m, frame)) {
		if (folio_has(m, frame, FOLIO_KSM))
			m->ksm_zero--;
		return;
	}
	hand_over(m, entry, frame);
	mm_of(m, mm)->rss[folio_rss_kind(m, frame)]--;
	frame_unmap(m, frame);
}

bool entry_is_armed(const struct area *area, uint64_t entry)
{
	if (!area->uffd || area_is_anonymous(area))
		return false;
	return leaf_is_present(entry)
		       ? (entry & VM_PTE_LINUX_UFFD_WP) != 0
		       : entry_is_swapped(entry) && (entry & SWAP_ENTRY_UFFD_WP) != 0;
}

void zap_page(struct vm_machine *m, uint32_t area, struct place place)
{
	const bool armed =
		place.level == 1 && entry_is_armed(area_of(m, area), entry_get(m, place));

	zap_entry(m, area_of(m, area)->mm, place);
	if (!armed)
		return;
	rule_obey(m, RULE_COW_UFFD_WP_OUTLIVES_PAGE);
	entry_set(m, place, swap_entry_make(SWAP_TYPE_MARKER, MARKER_UFFD_WP));
}

void zap_range(struct vm_machine *m, uint32_t area, uint64_t start, uint64_t end, enum zap what)
{
	const uint32_t mm = area_of(m, area)->mm;
	struct cursor cursor = cursor_over(start, end);

	huge_split_at(m, mm, start);
	huge_split_at(m, mm, end);
	while (cursor_next(m, mm, &cursor)) {
		const uint64_t entry = entry_get(m, cursor.at);

		const uint64_t marker = entry_marker(entry);

		/* linux:6.13:mm/memory.c:zap_nonpresent_ptes: markers of files and guards stay */
		if (what == ZAP_PAGES && ((marker & MARKER_GUARD) != 0 ||
						 (marker != 0 && area_of(m, area)->object != NONE)))
			continue;
		if (what == ZAP_FILE_PAGES &&
			(!leaf_is_present(entry) ||
				folio_has(m, leaf_frame(entry), FOLIO_ANONYMOUS)))
			continue;
		if (what == ZAP_EVERYTHING)
			zap_entry(m, mm, cursor.at);
		else
			zap_page(m, area, cursor.at);
		cursor.at.table = NONE; /* the table may have gone with a huge leaf */
	}
}
