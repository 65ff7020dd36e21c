/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Page-table entries of x86, bit by bit, and the shape of the trees they make.
 *
 * Sources: intel-sdm:3A:4.3-4.5 (formats), amd-apm:2:5.3; linux:6.12:arch/x86/include/asm/
 * pgtable_types.h names the bits that are software's. Entries of two-level IA-32 tables are 4
 * bytes, all others 8; both are held in 64 bits here.
 */
#ifndef VM_PTE_H
#define VM_PTE_H

#include <stdbool.h>
#include <stdint.h>

#include "vm/units.h"

#define VM_PTE_PRESENT	     (UINT64_C(1) << 0)
#define VM_PTE_WRITABLE	     (UINT64_C(1) << 1)
#define VM_PTE_USER	     (UINT64_C(1) << 2)
#define VM_PTE_WRITE_THROUGH (UINT64_C(1) << 3)
#define VM_PTE_CACHE_DISABLE (UINT64_C(1) << 4)
#define VM_PTE_ACCESSED	     (UINT64_C(1) << 5)
#define VM_PTE_DIRTY	     (UINT64_C(1) << 6)
#define VM_PTE_LARGE	     (UINT64_C(1) << 7) /* a leaf above the last level; PAT in the last */
#define VM_PTE_GLOBAL	     (UINT64_C(1) << 8)
#define VM_PTE_LARGE_PAT_BIT 12 /* of large leaves; of others it is bit 7 */
#define VM_PTE_LARGE_PAT     (UINT64_C(1) << VM_PTE_LARGE_PAT_BIT)
#define VM_PTE_NO_EXECUTE    (UINT64_C(1) << 63)
#define VM_PTE_KEY_SHIFT     59
#define VM_PTE_KEY_MASK	     (UINT64_C(15) << VM_PTE_KEY_SHIFT)

/* Bits that the processor ignores and Linux uses (linux:6.12:pgtable_types.h:_PAGE_BIT_*). */
#define VM_PTE_LINUX_SPECIAL	 (UINT64_C(1) << 9)
#define VM_PTE_LINUX_UFFD_WP	 (UINT64_C(1) << 10)
#define VM_PTE_LINUX_SOFT_DIRTY	 (UINT64_C(1) << 11)
#define VM_PTE_LINUX_SAVED_DIRTY (UINT64_C(1) << 58)

/* The format carries 52 bits of physical address; a processor implements what CPUID says. */
#define VM_PTE_ADDRESS_BITS 52
#define VM_PTE_ADDRESS_MASK (((UINT64_C(1) << VM_PTE_ADDRESS_BITS) - 1) & ~(VM_PAGE_BYTES - 1))

#define VM_PAGING_LEVELS_LIMIT 5

enum vm_paging {
	VM_PAGING_IA32,	  /* 10/10/12, entries of 4 bytes */
	VM_PAGING_PAE,	  /* 2/9/9/12, entries of 8 bytes */
	VM_PAGING_LEVEL4, /* 9/9/9/9/12 */
	VM_PAGING_LEVEL5, /* 9/9/9/9/9/12 */
	VM_PAGING_LIMIT,
};

/* How a virtual address is cut up. Level 1 is the last table; levels is the top one. */
struct vm_paging_shape {
	const char *name;
	uint8_t levels;
	uint8_t entry_bytes;
	uint8_t virtual_bits;
	uint8_t index_bits; /* of every level but the top one */
	uint8_t top_index_bits;
	uint8_t largest_leaf_level; /* where the architecture allows a leaf: 2 or 3 */
};

const struct vm_paging_shape *vm_paging_shape(enum vm_paging paging);

/* log2 of the bytes that one entry of the level maps: 12 at level 1. */
static inline unsigned vm_level_shift(const struct vm_paging_shape *shape, unsigned level)
{
	return VM_PAGE_SHIFT + shape->index_bits * (level - 1);
}

static inline unsigned vm_level_index(
	const struct vm_paging_shape *shape, unsigned level, uint64_t address)
{
	const unsigned bits = level == shape->levels ? shape->top_index_bits : shape->index_bits;

	return (unsigned)(address >> vm_level_shift(shape, level)) & ((1U << bits) - 1);
}

/* Bytes of one table of the level: a page, but for the four pointers at the top of PAE. */
static inline uint64_t vm_level_table_bytes(const struct vm_paging_shape *shape, unsigned level)
{
	const unsigned bits = level == shape->levels ? shape->top_index_bits : shape->index_bits;

	return (uint64_t)shape->entry_bytes << bits;
}

/*
 * Where four or five levels are in use, the bits above the top index repeat its highest bit; what
 * lies between the two halves is not addressable. 32-bit modes have no such hole.
 */
bool vm_is_canonical(enum vm_paging paging, uint64_t address);

/* The bits of a present entry that must be zero at this level, for MAXPHYADDR and features. */
struct vm_mmu;
uint64_t vm_pte_reserved_mask(const struct vm_mmu *mmu, unsigned level, uint64_t entry);

/* Physical address in an entry: of the next table, or of the page if it is a leaf. */
uint64_t vm_pte_address(enum vm_paging paging, unsigned level, uint64_t entry);

/* An entry with this address; the address must be aligned to what the entry maps. */
uint64_t vm_pte_with_address(
	enum vm_paging paging, unsigned level, bool is_large, uint64_t address);

#endif
