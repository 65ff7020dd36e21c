/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/linux_entry.h"

#include "vm/pte.h"

/* linux:6.12:arch/x86/include/asm/pgtable_64.h: | type 59-63 | ~offset 9-58 | flags 0-8 | */
#define SWAP_TYPE_BITS	  5
#define SWAP_OFFSET_FIRST 9
/* linux:6.12:fs/proc/task_mmu.c:pte_to_pagemap_entry: the offset stands above the type. */
#define PAGEMAP_TYPE_BITS 5

/* A PROT_NONE entry has this bit where the processor, seeing nothing present, looks no further. */
#define NO_ACCESS VM_PTE_GLOBAL

struct vm_entry_view vm_entry_decode(uint64_t entry, unsigned level)
{
	struct vm_entry_view view = {.content = VM_ENTRY_EMPTY};

	if ((entry & VM_PTE_PRESENT) != 0) {
		view.content = VM_ENTRY_PRESENT;
		view.address = vm_pte_address(VM_PAGING_LEVEL4, level, entry);
	} else if ((entry & NO_ACCESS) != 0) {
		/* The frame number is inverted, so that a processor that speculates past the
		 * missing bit finds no memory there. */
		view.content = VM_ENTRY_NO_ACCESS;
		view.address = vm_pte_address(VM_PAGING_LEVEL4, level, entry ^ VM_PTE_ADDRESS_MASK);
	} else if (entry != 0) {
		view.content = VM_ENTRY_SWAPPED;
		view.type = (unsigned)(entry >> (64 - SWAP_TYPE_BITS));
		view.offset = ~entry << SWAP_TYPE_BITS >> (SWAP_OFFSET_FIRST + SWAP_TYPE_BITS);
	}
	return view;
}

uint64_t vm_entry_pagemap_frame(const struct vm_entry_view *view, uint64_t index)
{
	switch (view->content) {
	case VM_ENTRY_PRESENT:
	case VM_ENTRY_NO_ACCESS:
		return view->address / VM_PAGE_BYTES + index;
	case VM_ENTRY_SWAPPED:
		return view->type | view->offset << PAGEMAP_TYPE_BITS;
	case VM_ENTRY_EMPTY:
		break;
	}
	return 0;
}

unsigned vm_entry_pagemap_state(const struct vm_entry_view *view)
{
	switch (view->content) {
	case VM_ENTRY_PRESENT:
	case VM_ENTRY_NO_ACCESS:
		return 2;
	case VM_ENTRY_SWAPPED:
		return 1;
	case VM_ENTRY_EMPTY:
		break;
	}
	return 0;
}
