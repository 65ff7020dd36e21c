/* SPDX-License-Identifier: Apache-2.0 */
/* Building tables: what a kernel does before the walker can find anything. */
#include "vm/base.h"
#include "vm/walk.h"

static bool level_may_hold(const struct vm_mmu *mmu, unsigned level)
{
	const struct vm_paging_shape *shape = vm_paging_shape(mmu->paging);

	if (level < 2)
		return level == 1;
	if (mmu->paging == VM_PAGING_IA32 && !mmu->large_pages)
		return false;
	return level <= shape->largest_leaf_level && (level != 3 || mmu->page_1g);
}

static uint64_t table_flags(const struct vm_mmu *mmu, unsigned level)
{
	if (mmu->paging == VM_PAGING_PAE && level == 3)
		return VM_PTE_PRESENT;
	if (mmu->user_bit == VM_USER_BIT_CLEAR_IS_USER)
		return VM_PTE_PRESENT | VM_PTE_WRITABLE;
	return VM_PTE_PRESENT | VM_PTE_WRITABLE | VM_PTE_USER;
}

static enum vm_map_outcome make_table(const struct vm_mmu *mmu, const struct vm_physical *physical,
	vm_frame_function *frame, void *frame_context, unsigned level, uint64_t entry_address,
	uint64_t *entry)
{
	uint64_t table;

	if (!frame(frame_context, level - 1, &table))
		return VM_MAP_NO_FRAME;
	*entry = vm_pte_with_address(mmu->paging, level, false, table) | table_flags(mmu, level);
	physical->store(physical->context, entry_address, vm_paging_shape(mmu->paging)->entry_bytes,
		*entry);
	return VM_MAP_DONE;
}

enum vm_map_outcome vm_map_page(const struct vm_mmu *mmu, const struct vm_physical *physical,
	vm_frame_function *frame, void *frame_context, uint64_t address, uint64_t target,
	unsigned level, uint64_t flags)
{
	const struct vm_paging_shape *shape = vm_paging_shape(mmu->paging);
	uint64_t table = mmu->root;

	if (!level_may_hold(mmu, level) || !vm_is_canonical(mmu->paging, address))
		return VM_MAP_NOT_POSSIBLE;
	const uint64_t page_bytes = UINT64_C(1) << vm_level_shift(shape, level);
	if (!vm_is_aligned(address, page_bytes) || !vm_is_aligned(target, page_bytes))
		return VM_MAP_MISALIGNED;
	for (unsigned at = shape->levels;; at--) {
		const unsigned index = vm_level_index(shape, at, address);
		const uint64_t entry_address = table + (uint64_t)index * shape->entry_bytes;
		uint64_t entry;

		if (!physical->load(physical->context, entry_address, shape->entry_bytes, &entry))
			return VM_MAP_NO_MEMORY;
		const bool is_present = (entry & VM_PTE_PRESENT) != 0;
		const bool is_large = at > 1 && (entry & VM_PTE_LARGE) != 0;
		if (at == level) {
			if (level > 1 && is_present && !is_large)
				return VM_MAP_IS_TABLE;
			physical->store(physical->context, entry_address, shape->entry_bytes,
				vm_pte_with_address(mmu->paging, level, level > 1, target) | flags);
			return VM_MAP_DONE;
		}
		if (is_present && is_large)
			return VM_MAP_IS_LARGE;
		if (!is_present) {
			const enum vm_map_outcome made = make_table(
				mmu, physical, frame, frame_context, at, entry_address, &entry);
			if (made != VM_MAP_DONE)
				return made;
		}
		table = vm_pte_address(mmu->paging, 1, entry);
	}
}
