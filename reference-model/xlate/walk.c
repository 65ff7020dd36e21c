/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The walk: intel-sdm:3A:4.6 (rights), 4.7 (error code), 4.8 (accessed and dirty);
 * amd-apm:2:5.6 agrees but for the time at which upper accessed bits are set.
 */
#include "vm/walk.h"

#include "vm/base.h"

/* What an entry does to the rights gathered so far. The pointers at the top of PAE say nothing. */
static void narrow_rights(struct vm_rights *rights, const struct vm_mmu *mmu, uint64_t entry)
{
	const bool set = (entry & VM_PTE_USER) != 0;

	rights->user = rights->user && (mmu->user_bit == VM_USER_BIT_SET_IS_USER ? set : !set);
	rights->writable = rights->writable && (entry & VM_PTE_WRITABLE) != 0;
	if (mmu->paging != VM_PAGING_IA32 && mmu->no_execute)
		rights->executable = rights->executable && (entry & VM_PTE_NO_EXECUTE) == 0;
}

static bool key_denies(
	const struct vm_mmu *mmu, const struct vm_rights *rights, const struct vm_access *access)
{
	const bool long_mode = mmu->paging == VM_PAGING_LEVEL4 || mmu->paging == VM_PAGING_LEVEL5;
	const bool access_disabled = (mmu->pkru >> (2 * rights->key) & 1) != 0;
	const bool write_disabled = (mmu->pkru >> (2 * rights->key + 1) & 1) != 0;

	if (!long_mode || !mmu->protection_keys || !rights->user || access->kind == VM_ACCESS_FETCH)
		return false;
	if (access_disabled)
		return true;
	return write_disabled && access->kind == VM_ACCESS_WRITE &&
	       (access->user || mmu->write_protect);
}

static bool mode_allows(
	const struct vm_mmu *mmu, const struct vm_rights *rights, const struct vm_access *access)
{
	if (access->user && !rights->user)
		return false;
	if (access->kind == VM_ACCESS_FETCH) {
		if (!access->user && rights->user && mmu->smep)
			return false;
		return rights->executable;
	}
	if (!access->user && rights->user && mmu->smap &&
		(access->implicit || !mmu->alignment_check))
		return false;
	if (access->kind == VM_ACCESS_READ)
		return true;
	return rights->writable || (!access->user && !mmu->write_protect);
}

/* The fetch bit is only reported where fetches can be denied (intel-sdm:3A:4.7). */
static uint32_t access_bits(const struct vm_mmu *mmu, const struct vm_access *access)
{
	const bool can_deny_fetch = (mmu->no_execute && mmu->paging != VM_PAGING_IA32) || mmu->smep;
	uint32_t bits = access->user ? VM_FAULT_USER : 0;

	if (access->kind == VM_ACCESS_WRITE)
		bits |= VM_FAULT_WRITE;
	if (access->kind == VM_ACCESS_FETCH && can_deny_fetch)
		bits |= VM_FAULT_FETCH;
	return bits;
}

bool vm_rights_allow(const struct vm_mmu *mmu, const struct vm_rights *rights,
	const struct vm_access *access, uint32_t *error_code)
{
	const bool denied_by_key = key_denies(mmu, rights, access);

	if (mode_allows(mmu, rights, access) && !denied_by_key)
		return true;
	*error_code =
		VM_FAULT_PROTECTION | access_bits(mmu, access) | (denied_by_key ? VM_FAULT_KEY : 0);
	return false;
}

static bool is_leaf(const struct vm_mmu *mmu, unsigned level, uint64_t entry)
{
	const struct vm_paging_shape *shape = vm_paging_shape(mmu->paging);

	if (level == 1)
		return true;
	if (mmu->large_leaf == VM_LARGE_LEAF_TAKEN_FOR_TABLE || (entry & VM_PTE_LARGE) == 0)
		return false;
	if (mmu->paging == VM_PAGING_IA32)
		return mmu->large_pages;
	return level <= shape->largest_leaf_level && (level != 3 || mmu->page_1g);
}

static void end_with_fault(struct vm_walk *walk, unsigned level, uint32_t error_code)
{
	walk->outcome = VM_WALK_PAGE_FAULT;
	walk->error_code = error_code;
	walk->fault_level = (uint8_t)level;
}

/* Whether the entry lets the walk go on; PAE pointers are checked when CR3 is loaded. */
static bool entry_is_usable(struct vm_walk *walk, const struct vm_mmu *mmu, unsigned level,
	uint64_t entry, const struct vm_access *access)
{
	if ((entry & VM_PTE_PRESENT) == 0) {
		end_with_fault(walk, level, access_bits(mmu, access));
		return false;
	}
	if ((entry & vm_pte_reserved_mask(mmu, level, entry)) == 0)
		return true;
	end_with_fault(
		walk, level, VM_FAULT_PROTECTION | VM_FAULT_RESERVED | access_bits(mmu, access));
	if (mmu->paging == VM_PAGING_PAE && level == 3) {
		walk->outcome = VM_WALK_GENERAL_PROTECTION;
		walk->error_code = 0;
	}
	return false;
}

static void store_step(const struct vm_mmu *mmu, const struct vm_physical *physical,
	struct vm_walk_step *step, uint64_t bits)
{
	/* The pointers of PAE live in registers and have no accessed bit. */
	if ((mmu->paging == VM_PAGING_PAE && step->level == 3) || (step->after & bits) == bits)
		return;
	step->after |= bits;
	physical->store(physical->context, step->entry_address,
		vm_paging_shape(mmu->paging)->entry_bytes, step->after);
}

/* The page is found: rights, then accessed and dirty, then the address. */
static void finish(struct vm_walk *walk, const struct vm_mmu *mmu,
	const struct vm_physical *physical, const struct vm_access *access)
{
	struct vm_walk_step *leaf = &walk->steps[walk->steps_count - 1];
	const unsigned shift = vm_level_shift(vm_paging_shape(mmu->paging), leaf->level);
	const uint64_t offset = access->address & ((UINT64_C(1) << shift) - 1);
	uint32_t error_code = 0;

	leaf->leaf = true;
	walk->page_shift = (uint8_t)shift;
	walk->rights.key = (uint8_t)((leaf->before & VM_PTE_KEY_MASK) >> VM_PTE_KEY_SHIFT);
	if (!vm_rights_allow(mmu, &walk->rights, access, &error_code)) {
		end_with_fault(walk, leaf->level, error_code);
		return;
	}
	for (unsigned i = 0; i + 1 < walk->steps_count; i++)
		store_step(mmu, physical, &walk->steps[i], VM_PTE_ACCESSED);
	store_step(mmu, physical, leaf,
		VM_PTE_ACCESSED | (access->kind == VM_ACCESS_WRITE ? VM_PTE_DIRTY : 0));
	walk->outcome = VM_WALK_TRANSLATED;
	walk->physical = vm_pte_address(mmu->paging, leaf->level, leaf->before) | offset;
}

struct vm_walk vm_walk(const struct vm_mmu *mmu, const struct vm_physical *physical,
	const struct vm_access *access)
{
	const struct vm_paging_shape *shape = vm_paging_shape(mmu->paging);
	struct vm_walk walk = {.rights = {.user = true, .writable = true, .executable = true}};
	uint64_t table = mmu->root;

	if (!vm_is_canonical(mmu->paging, access->address)) {
		walk.outcome = VM_WALK_GENERAL_PROTECTION;
		return walk;
	}
	for (unsigned level = shape->levels; level > 0; level--) {
		const unsigned index = vm_level_index(shape, level, access->address);
		struct vm_walk_step *step = &walk.steps[walk.steps_count];

		*step = (struct vm_walk_step){
			.level = (uint8_t)level,
			.index = (uint16_t)index,
			.entry_address = table + (uint64_t)index * shape->entry_bytes,
		};
		if (!physical->load(physical->context, step->entry_address, shape->entry_bytes,
			    &step->before)) {
			walk.outcome = VM_WALK_NO_MEMORY;
			walk.fault_level = (uint8_t)level;
			return walk;
		}
		walk.steps_count++;
		step->after = step->before;
		if (!entry_is_usable(&walk, mmu, level, step->before, access))
			return walk;
		if (mmu->paging != VM_PAGING_PAE || level != 3)
			narrow_rights(&walk.rights, mmu, step->before);
		if (is_leaf(mmu, level, step->before))
			break;
		if (mmu->accessed_update == VM_ACCESSED_AS_WALKED)
			store_step(mmu, physical, step, VM_PTE_ACCESSED);
		table = vm_pte_address(mmu->paging, 1, step->before);
	}
	finish(&walk, mmu, physical, access);
	return walk;
}

void vm_mmu_set_behaviours(struct vm_mmu *mmu, const struct vm_behaviours *behaviours)
{
	mmu->user_bit = behaviours->user_bit;
	mmu->large_leaf = behaviours->large_leaf;
}
