/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's side of page tables: bit-exact entries, tables allocated when the first entry below
 * them is needed and freed as Linux frees them. Reading them as the processor does is vm/walk.h.
 */
#ifndef XLATE_TREE_H
#define XLATE_TREE_H

#include "machine/state.h"

/* An entry of a table, found from the root of an address space. */
struct place {
	uint32_t table; /* NONE: no table of that level is there */
	uint16_t index;
	uint8_t level;
	uint64_t address; /* first that the entry maps */
};

/* Bits of an area's leaves, without frame: vm_page_prot. */
uint64_t leaf_protection(const struct vm_machine *m, const struct area *area);
uint64_t leaf_make(uint64_t protection, uint32_t frame, bool huge);
uint64_t leaf_modify(const struct vm_machine *m, uint64_t leaf, uint64_t protection);
uint64_t leaf_write_protect(const struct vm_machine *m, uint64_t leaf);
uint64_t leaf_make_writable(uint64_t leaf);
uint64_t leaf_make_dirty(const struct vm_machine *m, uint64_t leaf);
uint64_t leaf_make_clean(uint64_t leaf);
bool leaf_is_dirty(uint64_t leaf);
uint32_t leaf_frame(uint64_t leaf);
uint64_t leaf_set_frame(uint64_t leaf, uint32_t frame);

/* Present to the kernel: the processor may still refuse it (PROT_NONE). */
static inline bool leaf_is_present(uint64_t leaf)
{
	return (leaf & (VM_PTE_PRESENT | VM_PTE_GLOBAL)) != 0;
}

static inline bool leaf_is_writable(uint64_t leaf)
{
	return (leaf & VM_PTE_WRITABLE) != 0;
}

/* Entries that are neither present nor empty. */
enum swap_type_special { SWAP_TYPE_MARKER = 31 };
enum marker_bit { MARKER_UFFD_WP = 1, MARKER_GUARD = 4 };

#define SWAP_ENTRY_SOFT_DIRTY (UINT64_C(1) << 1)
#define SWAP_ENTRY_UFFD_WP    (UINT64_C(1) << 2)
#define SWAP_ENTRY_EXCLUSIVE  (UINT64_C(1) << 3)

uint64_t swap_entry_make(unsigned type, uint64_t offset);
unsigned swap_entry_type(uint64_t entry);
uint64_t swap_entry_offset(uint64_t entry);
bool entry_is_swapped(uint64_t entry);
/* MARKER_* bits, or 0. */
uint64_t entry_marker(uint64_t entry);

uint64_t level_bytes(unsigned level);

uint64_t entry_get(const struct vm_machine *m, struct place place);
void entry_set(struct vm_machine *m, struct place place, uint64_t value);

bool stale_get(const struct vm_machine *m, struct place place);
void stale_set(struct vm_machine *m, struct place place, bool stale);

/* The entry at which a walk ends: a leaf of any size, a lowest entry, or an empty upper one. */
struct place place_of(const struct vm_machine *m, uint32_t mm, uint64_t address);

/* The table of level 2 on the way to address, which has a lower one below it. */
uint32_t place_parent(const struct vm_machine *m, uint32_t mm, uint64_t address);

/* The entry of that level, making the tables above it; table NONE if there is no room. */
struct place place_make(struct vm_machine *m, uint32_t mm, uint64_t address, unsigned level);

bool mm_start_tables(struct vm_machine *m, uint32_t mm);
void mm_drop_root(struct vm_machine *m, uint32_t mm);

/* Walks all entries that are not empty and lie in [address, end): leaves, swap entries, markers. */
struct cursor {
	uint64_t next, end;
	struct place at;
};

static inline struct cursor cursor_over(uint64_t start, uint64_t end)
{
	return (struct cursor){.next = start, .end = end, .at = {.table = NONE}};
}

bool cursor_next(const struct vm_machine *m, uint32_t mm, struct cursor *cursor);

/* free_pgd_range: tables under [start, end) that no neighbour below floor or above ceiling needs.
 */
void tables_free(struct vm_machine *m, uint32_t mm, uint64_t start, uint64_t end, uint64_t floor,
	uint64_t ceiling);

/* Frees the lowest table of that 2 MiB range if it is there and empty. */
bool table_free_if_empty(struct vm_machine *m, uint32_t mm, uint64_t address);

/* Tables kept beside a huge leaf, so that splitting it cannot fail. */
bool table_deposit(struct vm_machine *m, uint32_t mm, struct place huge);
/* The huge leaf is replaced by a deposited table; the leaf must have been cleared. */
void table_withdraw_into(struct vm_machine *m, uint32_t mm, struct place huge);
void table_withdraw_and_free(struct vm_machine *m, uint32_t mm, struct place huge);
/* The lowest table that stands there becomes a deposit: the range gets a huge leaf. */
void table_to_deposit(struct vm_machine *m, uint32_t mm, struct place huge);

/* A huge leaf moves with its deposited table. */
void huge_leaf_move(struct vm_machine *m, struct place from, struct place to);

/* mremap: the whole table under that entry moves, if there is one and the target is empty. */
bool table_move(struct vm_machine *m, uint32_t mm, uint64_t from, uint64_t to, unsigned level);

#endif
