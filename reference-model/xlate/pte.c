/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/pte.h"

#include "vm/base.h"
#include "vm/walk.h"

/* The largest physical address that a 4 MiB leaf of a two-level table can hold (PSE-36). */
#define PSE36_ADDRESS_BITS 40
#define PSE36_FIELD_SHIFT  13
#define LARGE_4M_SHIFT	   22
#define IA32_ADDRESS_BITS  32

static const struct vm_paging_shape shapes[VM_PAGING_LIMIT] = {
	[VM_PAGING_IA32] = {"ia32", 2, 4, 32, 10, 10, 2},
	[VM_PAGING_PAE] = {"pae", 3, 8, 32, 9, 2, 2},
	[VM_PAGING_LEVEL4] = {"4-level", 4, 8, 48, 9, 9, 3},
	[VM_PAGING_LEVEL5] = {"5-level", 5, 8, 57, 9, 9, 3},
};

const struct vm_paging_shape *vm_paging_shape(enum vm_paging paging)
{
	VM_ASSERT(paging < VM_PAGING_LIMIT);
	return &shapes[paging];
}

bool vm_is_canonical(enum vm_paging paging, uint64_t address)
{
	const unsigned bits = vm_paging_shape(paging)->virtual_bits;
	const uint64_t above = address >> (bits - 1);

	if (bits == IA32_ADDRESS_BITS)
		return address >> bits == 0;
	return above == 0 || above == UINT64_MAX >> (bits - 1);
}

static uint64_t bits_between(unsigned low, unsigned end)
{
	const uint64_t below_end = end >= 64 ? UINT64_MAX : (UINT64_C(1) << end) - 1;

	return low >= end ? 0 : below_end & ~((UINT64_C(1) << low) - 1);
}

/* intel-sdm:3A:table 4-4: bits 13 to 20 of a 4 MiB leaf hold address bits 32 to 39. */
static uint64_t reserved_in_ia32(const struct vm_mmu *mmu, unsigned level, uint64_t entry)
{
	const unsigned bits =
		mmu->physical_bits < PSE36_ADDRESS_BITS ? mmu->physical_bits : PSE36_ADDRESS_BITS;
	const unsigned held = bits > IA32_ADDRESS_BITS ? bits - IA32_ADDRESS_BITS : 0;

	if (level == 1 || !mmu->large_pages || (entry & VM_PTE_LARGE) == 0)
		return 0;
	return bits_between(PSE36_FIELD_SHIFT + held, LARGE_4M_SHIFT);
}

/* intel-sdm:3A:table 4-8: the four pointers at the top have their own format. */
static uint64_t reserved_in_pae_pointer(const struct vm_mmu *mmu)
{
	return VM_PTE_WRITABLE | VM_PTE_USER | bits_between(5, 9) |
	       bits_between(mmu->physical_bits, 64);
}

uint64_t vm_pte_reserved_mask(const struct vm_mmu *mmu, unsigned level, uint64_t entry)
{
	const struct vm_paging_shape *shape = vm_paging_shape(mmu->paging);
	const bool no_leaf_here =
		level > shape->largest_leaf_level || (level == 3 && !mmu->page_1g);
	uint64_t mask = bits_between(mmu->physical_bits, VM_PTE_ADDRESS_BITS);

	if (mmu->paging == VM_PAGING_IA32)
		return reserved_in_ia32(mmu, level, entry);
	if (mmu->paging == VM_PAGING_PAE) {
		if (level == 3)
			return reserved_in_pae_pointer(mmu);
		mask |= bits_between(VM_PTE_ADDRESS_BITS, 63);
	}
	if (!mmu->no_execute)
		mask |= VM_PTE_NO_EXECUTE;
	if (level > 1 && no_leaf_here)
		mask |= VM_PTE_LARGE;
	else if (level > 1 && (entry & VM_PTE_LARGE) != 0)
		mask |= bits_between(VM_PAGE_SHIFT + 1, vm_level_shift(shape, level));
	return mask;
}

uint64_t vm_pte_address(enum vm_paging paging, unsigned level, uint64_t entry)
{
	const struct vm_paging_shape *shape = vm_paging_shape(paging);
	const bool is_large = level > 1 && (entry & VM_PTE_LARGE) != 0;
	uint64_t address = entry & VM_PTE_ADDRESS_MASK;

	if (!is_large)
		return paging == VM_PAGING_IA32 ? address & UINT32_MAX : address;
	if (paging == VM_PAGING_IA32) {
		const uint64_t high = bits_between(0, PSE36_ADDRESS_BITS - IA32_ADDRESS_BITS) &
				      entry >> PSE36_FIELD_SHIFT;
		return (entry & bits_between(LARGE_4M_SHIFT, IA32_ADDRESS_BITS)) |
		       high << IA32_ADDRESS_BITS;
	}
	return vm_align_down(address, UINT64_C(1) << vm_level_shift(shape, level));
}

uint64_t vm_pte_with_address(enum vm_paging paging, unsigned level, bool is_large, uint64_t address)
{
	const unsigned shift =
		is_large ? vm_level_shift(vm_paging_shape(paging), level) : VM_PAGE_SHIFT;

	VM_ASSERT(vm_is_aligned(address, UINT64_C(1) << shift));
	if (paging == VM_PAGING_IA32 && is_large)
		return (address & UINT32_MAX) |
		       (address >> IA32_ADDRESS_BITS) << PSE36_FIELD_SHIFT | VM_PTE_LARGE;
	return address | (is_large ? VM_PTE_LARGE : 0);
}
