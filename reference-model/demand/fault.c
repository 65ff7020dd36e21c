/* SPDX-License-Identifier: Apache-2.0 */
#include "demand/fault.h"

#include "area/area.h"
#include "cow/cow.h"
#include "demand/huge.h"
#include "frame/frame.h"
#include "frame/swap.h"
#include "machine/contents.h"
#include "machine/outcome.h"

uint64_t leaf_for_write(const struct vm_machine *m, const struct area *area, uint64_t leaf)
{
	leaf = leaf_make_dirty(m, leaf);
	return (area->flags & VM_AREA(WRITE)) != 0 ? leaf_make_writable(leaf) : leaf;
}

uint64_t leaf_with_marker(const struct vm_machine *m, uint64_t leaf, uint64_t old_entry)
{
	if ((entry_marker(old_entry) & MARKER_UFFD_WP) == 0)
		return leaf;
	return leaf_write_protect(m, leaf | VM_PTE_LINUX_UFFD_WP);
}

static enum fault_result map_zero_page(
	struct vm_machine *m, const struct fault *fault, struct place place)
{
	const struct area *area = area_of(m, fault->area);
	const uint64_t old = entry_get(m, place);

	rule_obey(m, RULE_DEMAND_ZERO_PAGE_READ);
	const uint64_t leaf =
		leaf_make(leaf_protection(m, area) | VM_PTE_LINUX_SPECIAL, ZERO_FRAME, false);
	entry_set(m, place, leaf_with_marker(m, leaf, old));
	return FAULT_DONE;
}

/* linux:6.12:mm/memory.c:do_anonymous_page */
enum fault_result fault_anonymous(struct vm_machine *m, struct fault *fault)
{
	const struct area *area = area_of(m, fault->area);
	const struct place place = place_make(m, fault->mm, fault->address, 1);

	if (place.table == NONE)
		return FAULT_NO_ROOM;
	if (!fault->write)
		return map_zero_page(m, fault, place);
	rule_obey(m, RULE_DEMAND_FIRST_TOUCH);
	family_prepare(m, fault->area);
	const uint32_t frame = anonymous_take(m, 0, area_page_index(area, fault->address));
	if (frame == NONE)
		return FAULT_NO_ROOM;
	const uint64_t old = entry_get(m, place);
	uint64_t leaf = leaf_make(leaf_protection(m, area), frame, false);
	if ((area->flags & VM_AREA(WRITE)) != 0)
		leaf = leaf_for_write(m, area, leaf);
	frame_map(m, frame);
	if ((area->flags & VM_AREA(LOCKED)) != 0)
		folio_set(m, frame, FOLIO_MLOCKED);
	if ((area->flags & VM_AREA(DROPPABLE)) != 0)
		folio_clear(m, frame, FOLIO_SWAP_BACKED);
	mm_of(m, fault->mm)->rss[RSS_ANON]++;
	entry_set(m, place, leaf_with_marker(m, leaf, old));
	return FAULT_DONE;
}

/* An entry that is there but was not enough: accessed, dirty or write access is missing. */
static enum fault_result fault_present(
	struct vm_machine *m, struct fault *fault, struct place place)
{
	const uint64_t leaf = entry_get(m, place);

	if (fault->write && !leaf_is_writable(leaf))
		return fault_write_protected(m, fault, place);
	uint64_t young = leaf | VM_PTE_ACCESSED;
	if (fault->write)
		young = leaf_make_dirty(m, young);
	entry_set(m, place, young);
	return FAULT_DONE;
}

static enum fault_result fault_missing(struct vm_machine *m, struct fault *fault)
{
	const struct area *area = area_of(m, fault->area);

	return area_is_anonymous(area) ? fault_anonymous(m, fault) : fault_file(m, fault);
}

static enum fault_result fault_marker(struct vm_machine *m, struct fault *fault, struct place place)
{
	const uint64_t marker = entry_marker(entry_get(m, place));

	if ((marker & MARKER_GUARD) != 0) {
		rule_obey(m, RULE_DEMAND_GUARD);
		return FAULT_NO_AREA;
	}
	/* The area is not registered any more: the marker goes, and the access comes again. */
	if (!area_of(m, fault->area)->uffd) {
		entry_set(m, place, 0);
		return FAULT_DONE;
	}
	return fault_missing(m, fault);
}

/* linux:6.12:mm/memory.c:__handle_mm_fault, handle_pte_fault */
static enum fault_result fault_dispatch(struct vm_machine *m, struct fault *fault)
{
	const struct area *area = area_of(m, fault->area);

	if (area_is_hugetlb(area))
		return fault_hugetlb(m, fault);
	/* The tables above the lowest come first, whatever becomes of the fault. */
	struct place place = place_of(m, fault->mm, fault->address);
	if (place.level > 2)
		place = place_make(m, fault->mm, fault->address, 2);
	if (place.table == NONE)
		return FAULT_NO_ROOM;
	uint64_t entry = entry_get(m, place);
	if (place.level == 2 && entry == 0 && area_huge_allowed(m, area, fault->address)) {
		if (huge_fault(m, fault))
			return FAULT_DONE;
		place = place_of(m, fault->mm, fault->address);
	}
	if (place.level == 2 && leaf_is_present(entry)) {
		if (!fault->write || leaf_is_writable(entry))
			return fault_present(m, fault, place);
		if (huge_write_protected(m, fault, place))
			return FAULT_DONE;
		place = place_of(m, fault->mm, fault->address);
		entry = entry_get(m, place);
	}
	if (place.level > 1 || entry == 0)
		return fault_missing(m, fault);
	if (entry_marker(entry) != 0)
		return fault_marker(m, fault, place);
	if (!leaf_is_present(entry))
		return fault_swapped(m, fault, place);
	return fault_present(m, fault, place);
}

/* linux:6.12:mm/memory.c:mm_account_fault: only completed faults are counted, for the caller. */
enum fault_result fault_handle(struct vm_machine *m, struct fault *fault)
{
	const enum fault_result result = fault_dispatch(m, fault);

	if (result != FAULT_DONE)
		return result;
	struct process *charged = &processes_of(m)[fault->process];
	if (fault->tried || (fault->major && (!fault->restarted || fault->at_once))) {
		rule_obey(m, RULE_DEMAND_MAJOR);
		charged->major_faults++;
		m->outcome->major_faults++;
	} else {
		charged->minor_faults++;
		m->outcome->minor_faults++;
	}
	return FAULT_DONE;
}

/*
 * linux:6.12:mm/swap_state.c:swap_vma_readahead: what is read through the swap cache comes with its
 * neighbours in the area, as many as page-cluster and the hits so far let; with 0 it comes alone.
 */
static bool brings_neighbours(const struct vm_machine *m, const struct fault *fault)
{
	const struct vm_knob_fact *cluster = &m->host.knob[VM_KNOB_PAGE_CLUSTER];
	const struct area *area = area_of(m, fault->area);
	const uint64_t table = vm_align_down(fault->address, VM_HUGE_2M_BYTES);
	struct cursor cursor = cursor_over(area->start > table ? area->start : table,
		area->end < table + VM_HUGE_2M_BYTES ? area->end : table + VM_HUGE_2M_BYTES);

	if (cluster->present && cluster->value == 0)
		return false;
	while (cursor_next(m, fault->mm, &cursor))
		if (entry_is_swapped(entry_get(m, cursor.at)) &&
			cursor.at.address != vm_align_down(fault->address, VM_PAGE_BYTES))
			return true;
	return false;
}

/* Whether the device's slot must be read, or a copy is still in memory. */
static uint32_t frame_from_slot(struct vm_machine *m, struct fault *fault, uint32_t slot)
{
	const struct area *area = area_of(m, fault->area);
	const uint32_t cached = slots_of(m)[slot].frame;

	if (cached != NONE) {
		rule_obey(m, RULE_FRAME_SWAP_CACHE);
		return cached;
	}
	const uint32_t frame = anonymous_take(m, 0, area_page_index(area, fault->address));
	if (frame == NONE)
		return NONE;
	fault->major = true;
	fault->at_once = m->setup.swap_synchronous;
	frame_of(m, frame)->exclusive = false;
	contents_copy(m, &frame_of(m, frame)->contents, slots_of(m)[slot].contents);
	count_event(m, slots_of(m)[slot].zero ? VM_EVENT_SWAP_IN_ZERO : VM_EVENT_SWAP_IN);
	/* Since 7.0 it is read alone, however many share it; before, only what one has. */
	const bool at_once = m->setup.swap_synchronous &&
			     (m->behaviours.swap_in_cached || slots_of(m)[slot].count == 1);
	if (!at_once || m->behaviours.swap_in_cached) {
		if (!at_once && brings_neighbours(m, fault))
			outcome_silent(m, "which neighbours come along from swap (page-cluster)");
		folio_set(m, frame, FOLIO_SWAP_CACHE);
		folio_of(m, frame)->slot = slot;
		slots_of(m)[slot].frame = frame;
	}
	return frame;
}

/* linux:6.12:mm/internal.h:pte_needs_soft_dirty_wp; 6.1 lets the writer in and marks it */
static bool waits_for_soft_dirty(const struct vm_machine *m, const struct area *area, uint64_t leaf)
{
	return has(m, VM_FEATURE_SOFT_DIRTY) && m->behaviours.swap_in_writable &&
	       (area->flags & VM_AREA(SOFT_DIRTY)) == 0 && (leaf & VM_PTE_LINUX_SOFT_DIRTY) == 0;
}

/* linux:6.12:mm/memory.c:do_swap_page */
enum fault_result fault_swapped(struct vm_machine *m, struct fault *fault, struct place place)
{
	const struct area *area = area_of(m, fault->area);
	const uint64_t entry = entry_get(m, place);
	const uint32_t slot = entry_slot(entry);

	rule_obey(m, RULE_FRAME_SWAP_IN);
	family_prepare(m, fault->area);
	const uint32_t frame = frame_from_slot(m, fault, slot);
	if (frame == NONE)
		return FAULT_NO_ROOM;
	bool exclusive = (entry & SWAP_ENTRY_EXCLUSIVE) != 0;
	entry_set(m, place, 0);
	frame_map(m, frame);
	slot_release(m, slot);
	if (folio_has(m, frame, FOLIO_SWAP_CACHE) && slots_of(m)[slot].count == 0) {
		swap_cache_remove(m, frame);
		if (m->behaviours.swap_in_cached)
			folio_set(m, frame, FOLIO_DIRTY);
	}
	if (!m->behaviours.swap_in_shared && !folio_has(m, frame, FOLIO_KSM) &&
		folio_references(m, frame) == 1)
		exclusive = true;
	frame_of(m, frame)->exclusive = exclusive;
	mm_of(m, fault->mm)->rss[RSS_SWAP]--;
	mm_of(m, fault->mm)->rss[RSS_ANON]++;
	/* It goes on the list without its area being asked: a locked area's page has no mark until
	 * reclaim meets it. */
	uint64_t leaf = leaf_make(leaf_protection(m, area), frame, false);
	if ((entry & SWAP_ENTRY_SOFT_DIRTY) != 0)
		leaf |= VM_PTE_LINUX_SOFT_DIRTY;
	if ((entry & SWAP_ENTRY_UFFD_WP) != 0)
		leaf |= VM_PTE_LINUX_UFFD_WP;
	else if (exclusive && (area->flags & VM_AREA(WRITE)) != 0 &&
		 (fault->write || m->behaviours.swap_in_writable) &&
		 !waits_for_soft_dirty(m, area, leaf))
		leaf = leaf_make_writable(fault->write ? leaf_make_dirty(m, leaf) : leaf);
	entry_set(m, place, leaf);
	/* In the same fault: a writer that does not own the page copies it now. */
	if (fault->write && !leaf_is_writable(leaf))
		return fault_write_protected(m, fault, place);
	return FAULT_DONE;
}
