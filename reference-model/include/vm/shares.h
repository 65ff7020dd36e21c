/* SPDX-License-Identifier: Apache-2.0 */
/* Sizes of a process as /proc adds them up: what is shared, and what its share is. */
#ifndef VM_SHARES_H
#define VM_SHARES_H

#include "vm/behaviours.h"

/* Pss of an area whose pages are all mapped by so many processes. */
uint64_t vm_pss_kib(const struct vm_behaviours *behaviours, uint64_t pages, uint64_t users);

struct vm_resident_sizes {
	uint64_t anonymous_pages, file_pages, shared_memory_pages;
	uint64_t mapped_by_others_pages; /* of any kind */
};

/* The second and third number of statm: RES and SHR of top. */
uint64_t vm_resident_pages(const struct vm_resident_sizes *sizes);
uint64_t vm_shared_pages(
	const struct vm_behaviours *behaviours, const struct vm_resident_sizes *sizes);

#endif
