/* SPDX-License-Identifier: Apache-2.0 */
#include "frame/swap.h"

#include "frame/frame.h"
#include "machine/contents.h"

uint64_t slot_entry(uint32_t slot)
{
	return swap_entry_make(0, (uint64_t)slot + 1);
}

uint32_t entry_slot(uint64_t entry)
{
	return (uint32_t)swap_entry_offset(entry) - 1;
}

uint32_t slot_take(struct vm_machine *m, uint32_t frame)
{
	uint32_t slot = m->slots.free;

	if (slot != NONE)
		m->slots.free = slots_of(m)[slot].next;
	else
		slot = pool_extend(&m->slots);
	if (slot == NONE)
		return NONE;
	struct slot *taken = &slots_of(m)[slot];
	*taken = (struct slot){.contents = NONE, .frame = NONE, .next = NONE, .used = true};
	contents_copy(m, &taken->contents, frame_of(m, frame)->contents);
	/* linux:6.12:mm/page_io.c:swap_writepage: pages of zeros cost a bit, not a write */
	taken->zero = has(m, VM_FEATURE_SWAP_ZEROMAP) && frame_is_zero(m, frame);
	count_event(m, taken->zero ? VM_EVENT_SWAP_OUT_ZERO : VM_EVENT_SWAP_OUT);
	m->slots_in_use++;
	return slot;
}

void slot_name(struct vm_machine *m, uint32_t slot)
{
	slots_of(m)[slot].count++;
}

static void slot_free(struct vm_machine *m, uint32_t slot)
{
	struct slot *freed = &slots_of(m)[slot];

	contents_free(m, &freed->contents);
	freed->used = false;
	freed->next = m->slots.free;
	m->slots.free = slot;
	m->slots_in_use--;
}

void swap_cache_remove(struct vm_machine *m, uint32_t frame)
{
	struct frame *folio = folio_of(m, frame);
	const uint32_t slot = folio->slot;

	folio_clear(m, frame, FOLIO_SWAP_CACHE);
	folio->slot = NONE;
	slots_of(m)[slot].frame = NONE;
	if (slots_of(m)[slot].count == 0)
		slot_free(m, slot);
}

void slot_release(struct vm_machine *m, uint32_t slot)
{
	struct slot *released = &slots_of(m)[slot];

	if (released->count > 0)
		released->count--;
	if (released->count != 0)
		return;
	if (released->frame == NONE) {
		slot_free(m, slot);
		return;
	}
	const uint32_t frame = released->frame;
	/* A cached page that nobody maps goes with its slot (free_swap_and_cache). */
	if (folio_of(m, frame)->maps == 0) {
		swap_cache_remove(m, frame);
		folio_free_if_unused(m, frame);
	}
}

/*
 * linux:6.12:mm/rmap.c:try_to_unmap_one: the entry names the slot, and remembers whether the page
 * was exclusive.
 */
bool swap_out_page(struct vm_machine *m, uint32_t mm, struct place place)
{
	const uint64_t leaf = entry_get(m, place);
	const uint32_t frame = leaf_frame(leaf);

	if (m->setup.swap_pages <= m->slots_in_use)
		return false;
	if (frame_map_count(m, frame) != 1 || folio_pages(m, frame) != 1)
		return false;
	uint32_t slot = folio_of(m, frame)->slot;
	if (slot == NONE) {
		slot = slot_take(m, frame);
	} else { /* still in the swap cache: written again if it was rewritten */
		contents_copy(m, &slots_of(m)[slot].contents, frame_of(m, frame)->contents);
		if (leaf_is_dirty(leaf) || folio_has(m, frame, FOLIO_DIRTY))
			count_event(m, VM_EVENT_SWAP_OUT);
	}
	if (slot == NONE)
		return false;
	rule_obey(m, RULE_FRAME_SWAP_OUT);
	slot_name(m, slot);
	uint64_t entry = slot_entry(slot);
	if (frame_of(m, frame)->exclusive)
		entry |= SWAP_ENTRY_EXCLUSIVE;
	if ((leaf & VM_PTE_LINUX_SOFT_DIRTY) != 0)
		entry |= SWAP_ENTRY_SOFT_DIRTY;
	if ((leaf & VM_PTE_LINUX_UFFD_WP) != 0)
		entry |= SWAP_ENTRY_UFFD_WP;
	entry_set(m, place, entry);
	mm_of(m, mm)->rss[RSS_ANON]--;
	mm_of(m, mm)->rss[RSS_SWAP]++;
	if (folio_has(m, frame, FOLIO_SWAP_CACHE)) {
		folio_clear(m, frame, FOLIO_SWAP_CACHE);
		folio_of(m, frame)->slot = NONE;
		slots_of(m)[slot].frame = NONE;
	}
	frame_unmap(m, frame);
	return true;
}
