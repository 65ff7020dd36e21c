/* SPDX-License-Identifier: Apache-2.0 */
/* linux:6.12:mm/huge_memory.c */
#include "demand/huge.h"

#include "area/area.h"
#include "frame/frame.h"
#include "frame/swap.h"
#include "machine/contents.h"
#include "machine/outcome.h"

static uint32_t huge_zero_frame(struct vm_machine *m)
{
	if (m->huge_zero == NONE) {
		m->huge_zero = folio_take(m, HUGE_ORDER);
		if (m->huge_zero == NONE)
			return NONE;
		m->frames_in_use -= HUGE_PAGES; /* nobody's */
		folio_set(m, m->huge_zero, FOLIO_HUGE_ZERO);
		count_event(m, VM_EVENT_THP_ZERO_ALLOC);
	}
	return m->huge_zero;
}

bool huge_is_transparent(const struct vm_machine *m, uint32_t mm, struct place place)
{
	const uint64_t leaf = entry_get(m, place);

	(void)mm;
	return place.level == 2 && leaf_is_present(leaf) &&
	       !folio_has(m, leaf_frame(leaf), FOLIO_HUGETLB);
}

static void install_huge(
	struct vm_machine *m, const struct fault *fault, struct place place, uint32_t head)
{
	const struct area *area = area_of(m, fault->area);
	const uint64_t leaf =
		leaf_for_write(m, area, leaf_make(leaf_protection(m, area), head, true));

	folio_map_whole(m, head);
	if ((area->flags & VM_AREA(LOCKED)) != 0)
		folio_set(m, head, FOLIO_MLOCKED);
	mm_of(m, fault->mm)->rss[RSS_ANON] += HUGE_PAGES;
	entry_set(m, place, leaf);
}

/* linux:6.12:mm/huge_memory.c:do_huge_pmd_anonymous_page */
bool huge_fault(struct vm_machine *m, struct fault *fault)
{
	const struct area *area = area_of(m, fault->area);
	const uint64_t start = vm_align_down(fault->address, VM_HUGE_2M_BYTES);
	const struct place place = place_make(m, fault->mm, start, 2);

	family_prepare(m, fault->area);
	if (!fault->write && vm_host_knob(&m->host, VM_KNOB_THP_USE_ZERO_PAGE, 1) != 0) {
		const uint32_t zero = huge_zero_frame(m);
		if (zero == NONE || !table_deposit(m, fault->mm, place))
			return false;
		rule_obey(m, RULE_DEMAND_HUGE_ZERO);
		entry_set(m, place, leaf_make(leaf_protection(m, area), zero, true));
		return true;
	}
	if (choose(m, VM_FREEDOM_NO_HUGE_FRAME)) {
		count_event(m, VM_EVENT_THP_FAULT_FALLBACK);
		return false;
	}
	const uint32_t head = anonymous_take(m, HUGE_ORDER, area_page_index(area, start));
	if (head == NONE || !table_deposit(m, fault->mm, place))
		return false;
	rule_obey(m, RULE_DEMAND_HUGE_AT_FAULT);
	count_event(m, VM_EVENT_THP_FAULT_ALLOC);
	install_huge(m, fault, place, head);
	return true;
}

static void split_zero(struct vm_machine *m, uint32_t mm, uint32_t area, struct place place)
{
	const uint64_t old = entry_get(m, place);
	uint64_t leaf = leaf_make(
		leaf_protection(m, area_of(m, area)) | VM_PTE_LINUX_SPECIAL, ZERO_FRAME, false);

	leaf |= old & VM_PTE_LINUX_UFFD_WP;
	entry_set(m, place, 0);
	table_withdraw_into(m, mm, place);
	for (uint64_t i = 0; i < HUGE_PAGES; i++)
		entry_set(m, place_of(m, mm, place.address + vm_pages_to_bytes(i)), leaf);
}

/* linux:6.12:mm/huge_memory.c:__split_huge_pmd_locked: the folio stays whole. */
void huge_split(struct vm_machine *m, uint32_t mm, uint32_t area, struct place place)
{
	const uint64_t old = entry_get(m, place);
	const uint32_t head = leaf_frame(old);

	count_event(m, VM_EVENT_THP_SPLIT_PMD);
	rule_obey(m, RULE_DEMAND_HUGE_SPLIT);
	if (is_zero_frame(m, head)) {
		split_zero(m, mm, area, place);
		return;
	}
	if (leaf_is_dirty(old))
		folio_set(m, head, FOLIO_DIRTY);
	uint64_t leaf = leaf_make(leaf_protection(m, area_of(m, area)), head, false);
	if (leaf_is_writable(old))
		leaf = leaf_make_writable(leaf);
	if ((old & VM_PTE_ACCESSED) == 0)
		leaf &= ~VM_PTE_ACCESSED;
	if (leaf_is_dirty(old))
		leaf = leaf_make_dirty(m, leaf);
	leaf |= old & (VM_PTE_LINUX_SOFT_DIRTY | VM_PTE_LINUX_UFFD_WP);
	const bool exclusive = frame_of(m, head)->exclusive;
	entry_set(m, place, 0);
	table_withdraw_into(m, mm, place);
	for (uint32_t i = 0; i < HUGE_PAGES; i++) {
		const struct place small = place_of(m, mm, place.address + vm_pages_to_bytes(i));
		entry_set(m, small, leaf_set_frame(leaf, head + i));
		frame_map(m, head + i);
		frame_of(m, head + i)->exclusive = exclusive;
	}
	folio_unmap_whole(m, head);
}

void huge_split_at(struct vm_machine *m, uint32_t mm, uint64_t address)
{
	const struct place place = place_of(m, mm, address);

	if (place.level != 2 || place.address == address || entry_get(m, place) == 0 ||
		!huge_is_transparent(m, mm, place))
		return;
	/* The area may end here already; the leaf lies in the one that holds its start. */
	huge_split(m, mm, area_holding(m, mm, place.address), place);
}

/* linux:6.12:mm/huge_memory.c:do_huge_pmd_wp_page; do_huge_zero_wp_pmd since 6.13 */
bool huge_write_protected(struct vm_machine *m, struct fault *fault, struct place place)
{
	const struct area *area = area_of(m, fault->area);
	const uint64_t leaf = entry_get(m, place);
	const uint32_t head = leaf_frame(leaf);

	/* linux:6.12:mm/memory.c:wp_huge_pmd: small entries tell which page was written */
	if (area->uffd && (leaf & VM_PTE_LINUX_UFFD_WP) != 0 && !fault->unshare) {
		huge_split(m, fault->mm, fault->area, place);
		return false;
	}
	if (is_zero_frame(m, head)) {
		const uint32_t fresh = has(m, VM_FEATURE_HUGE_ZERO_WRITE_ALLOCATES) &&
						       !choose(m, VM_FREEDOM_NO_HUGE_FRAME)
					       ? anonymous_take(m, HUGE_ORDER,
							 area_page_index(area, place.address))
					       : NONE;
		if (fresh != NONE) {
			rule_obey(m, RULE_DEMAND_HUGE_ZERO_WRITE);
			count_event(m, VM_EVENT_THP_FAULT_ALLOC);
			entry_set(m, place, 0);
			install_huge(m, fault, place, fresh);
			return true;
		}
		huge_split(m, fault->mm, fault->area, place);
		return false;
	}
	if (!frame_of(m, head)->exclusive && folio_references(m, head) != 1) {
		huge_split(m, fault->mm, fault->area, place);
		return false;
	}
	rule_obey(m, RULE_COW_HUGE_REUSE);
	frame_of(m, head)->exclusive = true;
	if (!fault->unshare)
		entry_set(m, place, leaf_for_write(m, area, leaf | VM_PTE_ACCESSED));
	return true;
}

/* Pages of the range as a collapse finds them. */
struct collapse_view {
	uint32_t empty, zero, shared, swapped, other;
	bool writable;
};

static struct collapse_view collapse_look(const struct vm_machine *m, uint32_t mm, uint64_t start)
{
	struct collapse_view view = {0};

	for (uint64_t i = 0; i < HUGE_PAGES; i++) {
		const struct place place = place_of(m, mm, start + vm_pages_to_bytes(i));
		const uint64_t entry = place.level == 1 ? entry_get(m, place) : 0;

		if (entry == 0) {
			view.empty++;
		} else if (!leaf_is_present(entry)) {
			if (entry_is_swapped(entry))
				view.swapped++;
			else
				view.other++;
		} else if (is_zero_frame(m, leaf_frame(entry))) {
			view.zero++;
		} else {
			view.writable |= leaf_is_writable(entry);
			if (frame_map_count(m, leaf_frame(entry)) > 1)
				view.shared++;
			if (!folio_has(m, leaf_frame(entry), FOLIO_ANONYMOUS))
				view.other++;
		}
	}
	return view;
}

static void collapse_copy(struct vm_machine *m, uint32_t mm, uint64_t start, uint32_t head)
{
	for (uint32_t i = 0; i < HUGE_PAGES; i++) {
		const struct place place = place_of(m, mm, start + vm_pages_to_bytes(i));
		const uint64_t entry = entry_get(m, place);

		if (entry == 0)
			continue;
		/* linux:6.12:mm/khugepaged.c:__collapse_huge_page_swapin */
		if (entry_is_swapped(entry))
			contents_copy(m, &frame_of(m, head + i)->contents,
				slots_of(m)[entry_slot(entry)].contents);
		else if (!is_zero_frame(m, leaf_frame(entry)))
			frame_copy(m, head + i, leaf_frame(entry));
		zap_entry(m, mm, place);
	}
}

/* linux:6.12:mm/khugepaged.c:hpage_collapse_scan_pmd, collapse_huge_page */
int32_t huge_collapse(struct vm_machine *m, uint32_t area_number, uint64_t start, bool by_advice)
{
	const struct area *area = area_of(m, area_number);
	const uint32_t mm = area->mm;
	struct place place = place_of(m, mm, start);

	if (place.level == 2 && entry_get(m, place) != 0)
		return is_zero_frame(m, leaf_frame(entry_get(m, place))) ? VM_EINVAL : 0;
	const struct collapse_view view = collapse_look(m, mm, start);
	/* Where no page has to be writable, advice makes a huge page of nothing, too; the daemon
	 * wants one that was used. */
	const bool worth_it = !has(m, VM_FEATURE_COLLAPSE_READ_ONLY)
				      ? view.writable
				      : by_advice || view.empty + view.zero != HUGE_PAGES;
	if (place.level != 1 || area->family == NONE || view.other != 0 || !worth_it)
		return VM_EINVAL;
	if (m->pipe_count != 0) {
		outcome_silent(m, "whether pages that are collapsed lie in a pipe");
		return VM_EINVAL;
	}
	const uint32_t head = anonymous_take(m, HUGE_ORDER, area_page_index(area, start));
	if (head == NONE)
		return VM_ENOMEM;
	rule_obey(m, RULE_DEMAND_COLLAPSE);
	count_event(m, VM_EVENT_THP_COLLAPSE_ALLOC);
	collapse_copy(m, mm, start, head);
	const struct place above = {.table = place_parent(m, mm, start),
		.index = (uint16_t)((start / VM_HUGE_2M_BYTES) % TABLE_ENTRIES),
		.level = 2,
		.address = start};
	table_to_deposit(m, mm, above);
	const struct fault fault = {.mm = mm, .area = area_number, .address = start};
	install_huge(m, &fault, above, head);
	return 0;
}
