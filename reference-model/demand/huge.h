/* SPDX-License-Identifier: Apache-2.0 */
/* Transparent huge pages: at fault, split, collapse; and hugetlb's reservations. */
#ifndef DEMAND_HUGE_H
#define DEMAND_HUGE_H

#include "demand/fault.h"

/* A 2 MiB page for the whole aligned range, zeros or fresh; false: fall back to small pages. */
bool huge_fault(struct vm_machine *m, struct fault *fault);
/* A write to a huge leaf that is read-only; false: it was split, go on with small pages. */
bool huge_write_protected(struct vm_machine *m, struct fault *fault, struct place place);
/* The huge leaf becomes 512 small ones over the same frames. */
void huge_split(struct vm_machine *m, uint32_t mm, uint32_t area, struct place place);
/* Splits a huge leaf that address lies inside of, unless it starts there. */
void huge_split_at(struct vm_machine *m, uint32_t mm, uint64_t address);
bool huge_is_transparent(const struct vm_machine *m, uint32_t mm, struct place place);
/* khugepaged or MADV_COLLAPSE: 0 or an errno. */
int32_t huge_collapse(struct vm_machine *m, uint32_t area, uint64_t start, bool by_advice);

/* hugetlb.c */
struct vm_huge_pool *hugetlb_pool(struct vm_machine *m, uint32_t object);
/* Reserves for a new mapping; false: ENOMEM. */
bool hugetlb_reserve(struct vm_machine *m, uint32_t object, const struct area *area);
/* The area's range goes: reservations that only it held are given back. */
void hugetlb_restore_reserve(
	struct vm_machine *m, const struct area *area, uint64_t address, uint32_t head);
/* The entry goes, and nothing is said of reservations. */
void hugetlb_unmap(struct vm_machine *m, uint32_t mm, struct place place);
/* A reservation that nobody can use any more; surplus pages that stood for it go. */
void hugetlb_give_up(struct vm_machine *m, uint32_t object, struct entry *entry);
/* VM_OP_POOL */
void operation_pool(struct vm_machine *m);
void hugetlb_unreserve(struct vm_machine *m, const struct area *area, uint64_t start, uint64_t end);

#endif
