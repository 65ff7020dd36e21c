/* SPDX-License-Identifier: Apache-2.0 */
#include "machine/walk.h"

#include "xlate/tree.h"

struct table_memory {
	const struct vm_machine *machine;
};

static uint64_t *entry_at(const struct vm_machine *m, uint64_t address)
{
	const uint64_t frame = vm_bytes_to_pages_floor(address);

	if (frame < TABLE_FRAMES_AT || frame - TABLE_FRAMES_AT >= m->tables.high)
		return NULL;
	struct table *table = &tables_of(m)[frame - TABLE_FRAMES_AT];
	return &table->entry[(address & (VM_PAGE_BYTES - 1)) / sizeof(uint64_t)];
}

static bool load_entry(void *context, uint64_t address, unsigned entry_bytes, uint64_t *value)
{
	const struct table_memory *memory = context;
	const uint64_t *entry = entry_at(memory->machine, address);

	VM_ASSERT(entry_bytes == sizeof(uint64_t));
	if (entry == NULL)
		return false;
	*value = *entry;
	return true;
}

static void store_entry(void *context, uint64_t address, unsigned entry_bytes, uint64_t value)
{
	const struct table_memory *memory = context;

	VM_ASSERT(entry_bytes == sizeof(uint64_t));
	*entry_at(memory->machine, address) = value;
}

static void store_nothing(void *context, uint64_t address, unsigned entry_bytes, uint64_t value)
{
	(void)context;
	(void)address;
	(void)entry_bytes;
	(void)value;
}

static struct vm_mmu mmu_of(const struct vm_machine *m, uint32_t mm)
{
	struct vm_mmu mmu = m->mmu;

	mmu.root = vm_pages_to_bytes((uint64_t)TABLE_FRAMES_AT + mm_of(m, mm)->root);
	return mmu;
}

struct vm_walk walk_access(
	struct vm_machine *m, uint32_t mm, uint64_t address, enum vm_access_kind kind)
{
	struct table_memory memory = {.machine = m};
	const struct vm_physical physical = {
		.context = &memory, .load = load_entry, .store = store_entry};
	const struct vm_access access = {.address = address, .kind = kind, .user = true};
	const struct vm_mmu mmu = mmu_of(m, mm);

	return vm_walk(&mmu, &physical, &access);
}

struct vm_walk vm_machine_walk(
	const struct vm_machine *machine, uint32_t process, const struct vm_access *access)
{
	struct table_memory memory = {.machine = machine};
	const struct vm_physical physical = {
		.context = &memory, .load = load_entry, .store = store_nothing};
	struct vm_mmu mmu = mmu_of(machine, processes_of(machine)[process].mm);

	/* What the reader of the tables takes a large leaf for is the teaching's to say. */
	mmu.large_leaf = machine->behaviours.large_leaf;
	mmu.user_bit = machine->behaviours.user_bit;
	return vm_walk(&mmu, &physical, access);
}
