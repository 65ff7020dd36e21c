/* SPDX-License-Identifier: Apache-2.0 */
/* Areas: found, split, merged, and the operations on ranges of addresses. */
#ifndef AREA_AREA_H
#define AREA_AREA_H

#include "machine/state.h"
#include "vm/commit.h"

#define ACCESS_FLAGS (VM_AREA(READ) | VM_AREA(WRITE) | VM_AREA(EXEC))
/* Never in the way of a merge, and inherited by what comes of it. */
#define STICKY_FLAGS (VM_AREA(SOFT_DIRTY) | VM_AREA(MAYBE_GUARD))

/* ---- area.c ---- */
uint32_t area_take(struct vm_machine *m);
/* First area that ends above address, or NONE: find_vma. */
uint32_t area_at_or_after(const struct vm_machine *m, uint32_t mm, uint64_t address);
/* The area that holds address, or NONE: vma_lookup. */
uint32_t area_holding(const struct vm_machine *m, uint32_t mm, uint64_t address);
/* Last area that starts below address, or NONE. */
uint32_t area_before(const struct vm_machine *m, uint32_t mm, uint64_t address);
bool area_any_in(const struct vm_machine *m, uint32_t mm, uint64_t start, uint64_t end);
void area_insert(struct vm_machine *m, uint32_t mm, uint32_t area);
/* Takes it out of the list and gives up what it holds. Entries were zapped before. */
void area_remove(struct vm_machine *m, uint32_t area);
/* Cuts at address; returns the upper part. NONE if the machine has no room. */
uint32_t area_split(struct vm_machine *m, uint32_t area, uint64_t address);

uint64_t area_pages(const struct area *area);
uint64_t area_page_index(const struct area *area, uint64_t address);
bool area_is_anonymous(const struct area *area); /* private, without a file */
bool area_is_hugetlb(const struct area *area);
bool area_is_shmem(const struct vm_machine *m, const struct area *area);
bool area_is_secret(const struct vm_machine *m, const struct area *area);
bool area_wants_write_notify(const struct vm_machine *m, const struct area *area);
bool area_accounts(const struct vm_machine *m, uint32_t object, uint32_t flags);
bool area_huge_allowed(const struct vm_machine *m, const struct area *area, uint64_t address);
/* By what is set for the system, and by what was advised. */
bool area_huge_wanted(const struct vm_machine *m, const struct area *area);
uint64_t area_huge_bytes(const struct vm_machine *m, const struct area *area);

void mm_count_area(struct mm *mm, uint32_t flags, int64_t pages);
enum vm_commit_mode commit_mode(const struct vm_machine *m);
bool commit_charge(struct vm_machine *m, uint64_t pages);
void commit_release(struct vm_machine *m, uint64_t pages);
/* vm.max_map_count less the areas there are: mmap needs 0, a split 1, mremap 4. */
int64_t area_headroom(const struct vm_machine *m, uint32_t mm);

/* ---- family.c: anon_vma ---- */
/* Before the first private page: an own family, or that of a fitting neighbour. */
void family_prepare(struct vm_machine *m, uint32_t area);
void family_clone(struct vm_machine *m, uint32_t to, uint32_t from);
void family_fork(struct vm_machine *m, uint32_t child, uint32_t parent);
void family_leave(struct vm_machine *m, uint32_t area);
bool family_is_single(const struct vm_machine *m, const struct area *area);

/* ---- merge.c ---- */
struct merge_wish {
	uint32_t mm;
	uint64_t start, end, page_offset;
	uint32_t flags, object, family;
	bool uffd, read_only_file;
	uint32_t middle;	   /* area that is changed or moved, or NONE for a new one */
	uint32_t copied_from;	   /* mremap: the area that moves */
	enum vm_known keeps_apart; /* from that one, which stays */
	bool only_extend;	   /* brk, stack: the area before only */
};

/* A new range between its neighbours: the area that took it in, or NONE. */
uint32_t merge_new(struct vm_machine *m, const struct merge_wish *wish);
/* [start, end) of an area gets other flags: split, merged with neighbours; NONE: no room. */
uint32_t area_modify(struct vm_machine *m, uint32_t area, uint64_t start, uint64_t end,
	uint32_t flags, bool uffd, int32_t *error);

/* ---- operations; each fills machine->outcome ---- */
void operation_map(struct vm_machine *m);
void operation_unmap(struct vm_machine *m);
void operation_protect(struct vm_machine *m);
void operation_remap(struct vm_machine *m);
void operation_advise(struct vm_machine *m);
void operation_lock(struct vm_machine *m);
void operation_unlock(struct vm_machine *m);
void operation_lock_all(struct vm_machine *m);
void operation_unlock_all(struct vm_machine *m);
void operation_mincore(struct vm_machine *m);
void operation_sync(struct vm_machine *m);
void operation_break(struct vm_machine *m);
void operation_seal(struct vm_machine *m);
void operation_process_advise(struct vm_machine *m);
void operation_deny_write_execute(struct vm_machine *m);

/* What munmap does after its checks; start and end are page-aligned. Negative errno or 0. */
int32_t unmap_range(struct vm_machine *m, uint32_t mm, uint64_t start, uint64_t end);
/* Splits at both ends so that whole areas can go. */
int32_t unmap_split(struct vm_machine *m, uint32_t mm, uint64_t start, uint64_t end);
/* Whether a new area may be put there without a hint's blessing: aligned, below the top, free. */
bool address_is_usable(const struct vm_machine *m, uint64_t address, uint64_t length);
bool mlock_allows(const struct vm_machine *m, const struct mm *mm, uint32_t flags, uint64_t bytes);
bool may_expand(const struct vm_machine *m, const struct mm *mm, uint64_t pages);

/* ---- deny.c: prctl(PR_SET_MDWE) ---- */
/* Whether the process may not have an area that turns from these flags to those: EACCES. */
bool deny_refuses(struct vm_machine *m, uint32_t mm, uint32_t old_flags, uint32_t new_flags);

/* ---- seal.c: mseal ---- */
/* Whether the area is sealed, which refuses unmapping, moving and other rights: EPERM. */
bool seal_refuses(struct vm_machine *m, uint32_t area);
/* The same for advice that throws contents away, of memory that its owner may not write. */
bool seal_refuses_advice(struct vm_machine *m, uint32_t area, int32_t advice);

void protect_entries(struct vm_machine *m, uint32_t area, uint64_t start, uint64_t end);

#endif
