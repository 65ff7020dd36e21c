/* SPDX-License-Identifier: Apache-2.0 */
/* How many pages a translation buffer holds at once: the knee of a chase through n pages. */
#ifndef VM_REACH_H
#define VM_REACH_H

#include "vm/base.h"
#include "vm/behaviours.h"
#include "vm/host.h"

/*
 * The largest n for which n pages, visited in turn, are all still there when their turn comes
 * again. least and most differ where pages share sets: pages in a row fill all sets evenly (most),
 * pages that fall into sets by chance overflow one long before (least). Which of the two a
 * processor is nearer to depends on how it computes the set, and that is not said anywhere.
 */
struct vm_reach {
	bool known; /* false: CPUID does not describe such a buffer */
	uint32_t least_pages, most_pages;
	/* The fewest with which more than half of the loads miss, whichever way pages lie. */
	uint32_t half_pages;
};

/* Data pages of 4 KiB. The arena is used and given back. */
struct vm_reach vm_tlb_reach(const struct vm_behaviours *behaviours, const struct vm_host *host,
	unsigned level, struct vm_arena *arena);

/*
 * The first level for code, of 4 KiB pages. half_pages holds for whatever way it has of driving
 * pages out.
 */
struct vm_reach vm_tlb_code_reach(
	const struct vm_behaviours *behaviours, const struct vm_host *host, struct vm_arena *arena);

/* Of one buffer, as a description or a candidate for one has it. */
struct vm_reach vm_tlb_reach_of(const struct vm_tlb_fact *array, struct vm_arena *arena);

/*
 * What the buffer for data pages of that size may be, from what CPUID says: nothing, or one
 * description, or two. AMD's second level counts in 32s from family 1Ah on where a bit says so, and
 * a hypervisor may hide the bit: then either may be true, and measuring has to tell.
 */
#define VM_TLB_CANDIDATES_LIMIT 2
size_t vm_tlb_candidates(const struct vm_host *host, unsigned level, uint64_t page_bytes,
	struct vm_tlb_fact candidates[VM_TLB_CANDIDATES_LIMIT]);

/* What the kernel lists as the size of the buffers, in pages of 4 KiB; 0: it lists none. */
uint32_t vm_tlb_listed_pages(const struct vm_behaviours *behaviours, const struct vm_host *host);

#endif
