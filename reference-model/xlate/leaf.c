/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Leaves and swap entries, bit by bit: linux:6.12:arch/x86/include/asm/pgtable_types.h and
 * pgtable_64.h.
 */
#include "area/area.h"
#include "xlate/tree.h"

/* What pte_modify keeps: frame, accessed, dirty and the software bits. */
#define KEPT_BITS                                                                              \
	(VM_PTE_ADDRESS_MASK | VM_PTE_WRITE_THROUGH | VM_PTE_CACHE_DISABLE | VM_PTE_ACCESSED | \
		VM_PTE_DIRTY | VM_PTE_LINUX_SPECIAL | VM_PTE_LINUX_UFFD_WP |                   \
		VM_PTE_LINUX_SOFT_DIRTY | VM_PTE_LINUX_SAVED_DIRTY)

#define SWAP_TYPE_SHIFT	  59
#define SWAP_OFFSET_SHIFT 14
#define SWAP_TYPE_BITS	  5

uint64_t leaf_protection(const struct vm_machine *m, const struct area *area)
{
	const uint32_t access = area->flags & (VM_AREA(READ) | VM_AREA(WRITE) | VM_AREA(EXEC));
	uint64_t protection = VM_PTE_ACCESSED;

	if (access == 0)
		return protection | VM_PTE_GLOBAL; /* _PAGE_PROTNONE is bit 8 of what is absent */
	protection |= VM_PTE_PRESENT | VM_PTE_USER;
	if ((access & VM_AREA(EXEC)) == 0)
		protection |= VM_PTE_NO_EXECUTE;
	if ((access & VM_AREA(WRITE)) != 0 && (area->flags & VM_AREA(SHARED)) != 0 &&
		!area_wants_write_notify(m, area))
		protection |= VM_PTE_WRITABLE;
	return protection;
}

/* An absent entry holds its frame inverted, so that speculation finds no memory there (L1TF). */
static uint64_t inverted_if_absent(uint64_t leaf)
{
	return leaf != 0 && (leaf & VM_PTE_PRESENT) == 0 ? VM_PTE_ADDRESS_MASK : 0;
}

uint32_t leaf_frame(uint64_t leaf)
{
	return (uint32_t)vm_bytes_to_pages_floor(
		(leaf ^ inverted_if_absent(leaf)) & VM_PTE_ADDRESS_MASK);
}

uint64_t leaf_set_frame(uint64_t leaf, uint32_t frame)
{
	const uint64_t address = vm_pages_to_bytes(frame) ^ inverted_if_absent(leaf);

	return (leaf & ~VM_PTE_ADDRESS_MASK) | (address & VM_PTE_ADDRESS_MASK);
}

uint64_t leaf_make(uint64_t protection, uint32_t frame, bool huge)
{
	return leaf_set_frame(protection | (huge ? VM_PTE_LARGE : 0), frame);
}

/* A dirty leaf that loses the write bit keeps its dirtiness in software (since 6.6): hardware
 * reads "read-only and dirty" as a shadow stack. */
static uint64_t save_dirty(const struct vm_machine *m, uint64_t leaf)
{
	if (!m->behaviours.saved_dirty || leaf_is_writable(leaf) || (leaf & VM_PTE_DIRTY) == 0)
		return leaf;
	return (leaf & ~VM_PTE_DIRTY) | VM_PTE_LINUX_SAVED_DIRTY;
}

static uint64_t restore_dirty(uint64_t leaf)
{
	if ((leaf & VM_PTE_LINUX_SAVED_DIRTY) == 0)
		return leaf;
	return (leaf & ~VM_PTE_LINUX_SAVED_DIRTY) | VM_PTE_DIRTY;
}

uint64_t leaf_modify(const struct vm_machine *m, uint64_t leaf, uint64_t protection)
{
	const uint64_t large = leaf & VM_PTE_LARGE;
	const uint32_t frame = leaf_frame(leaf);
	uint64_t modified = (leaf & KEPT_BITS & ~VM_PTE_ADDRESS_MASK) |
			    (protection & ~(KEPT_BITS & ~VM_PTE_ADDRESS_MASK)) | large;

	/* A protection says "accessed"; whether the page was is kept. */
	modified = leaf_set_frame(modified, frame);
	return leaf_is_writable(modified) ? restore_dirty(modified) : save_dirty(m, modified);
}

uint64_t leaf_write_protect(const struct vm_machine *m, uint64_t leaf)
{
	return save_dirty(m, leaf & ~VM_PTE_WRITABLE);
}

uint64_t leaf_make_writable(uint64_t leaf)
{
	return restore_dirty(leaf | VM_PTE_WRITABLE);
}

uint64_t leaf_make_dirty(const struct vm_machine *m, uint64_t leaf)
{
	const uint64_t soft = has(m, VM_FEATURE_SOFT_DIRTY) ? VM_PTE_LINUX_SOFT_DIRTY : 0;

	return save_dirty(m, leaf | VM_PTE_DIRTY | soft);
}

uint64_t leaf_make_clean(uint64_t leaf)
{
	return leaf & ~(VM_PTE_DIRTY | VM_PTE_LINUX_SAVED_DIRTY);
}

bool leaf_is_dirty(uint64_t leaf)
{
	return (leaf & (VM_PTE_DIRTY | VM_PTE_LINUX_SAVED_DIRTY)) != 0;
}

uint64_t swap_entry_make(unsigned type, uint64_t offset)
{
	return (~offset << SWAP_OFFSET_SHIFT >> SWAP_TYPE_BITS) |
	       ((uint64_t)type << SWAP_TYPE_SHIFT);
}

unsigned swap_entry_type(uint64_t entry)
{
	return (unsigned)(entry >> SWAP_TYPE_SHIFT);
}

uint64_t swap_entry_offset(uint64_t entry)
{
	return ~entry << SWAP_TYPE_BITS >> SWAP_OFFSET_SHIFT;
}

bool entry_is_swapped(uint64_t entry)
{
	return entry != 0 && !leaf_is_present(entry) && swap_entry_type(entry) != SWAP_TYPE_MARKER;
}

uint64_t entry_marker(uint64_t entry)
{
	if (entry == 0 || leaf_is_present(entry) || swap_entry_type(entry) != SWAP_TYPE_MARKER)
		return 0;
	return swap_entry_offset(entry);
}
