/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What Linux keeps in an entry of the last level that the processor does not look into, and how
 * /proc/PID/pagemap shows it.
 */
#ifndef VM_LINUX_ENTRY_H
#define VM_LINUX_ENTRY_H

#include <stdbool.h>
#include <stdint.h>

enum vm_entry_content {
	VM_ENTRY_EMPTY,
	VM_ENTRY_PRESENT,
	VM_ENTRY_NO_ACCESS, /* PROT_NONE: the frame is there, for the kernel alone */
	VM_ENTRY_SWAPPED,   /* a place in swap, or a marker */
};

struct vm_entry_view {
	enum vm_entry_content content;
	uint64_t address; /* physical, where there is a frame */
	unsigned type;	  /* of the swap area, */
	uint64_t offset;  /* and the place in it */
};

struct vm_entry_view vm_entry_decode(uint64_t entry, unsigned level);

/* The lowest 55 bits of pagemap for the page that lies index small pages into the leaf. */
uint64_t vm_entry_pagemap_frame(const struct vm_entry_view *view, uint64_t index);
/* Bits 62 and 63: 2 for a frame, 1 for a place, 0 for neither. */
unsigned vm_entry_pagemap_state(const struct vm_entry_view *view);

#endif
