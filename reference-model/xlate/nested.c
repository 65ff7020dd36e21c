/* SPDX-License-Identifier: Apache-2.0 */
/* Tables over tables: each reference of the guest's walk is translated by the host's walk. */
#include "vm/base.h"
#include "vm/walk.h"

static bool translate(struct vm_nested *nested, uint64_t guest_physical, enum vm_access_kind kind,
	uint64_t *host_physical)
{
	/* amd-apm:2:15.25.5: guest page-table references are user accesses of the host's tables. */
	const struct vm_access access = {.address = guest_physical, .kind = kind, .user = true};
	const struct vm_walk walk = vm_walk(&nested->host, &nested->memory, &access);

	nested->references += walk.steps_count;
	if (walk.outcome == VM_WALK_TRANSLATED) {
		*host_physical = walk.physical;
		return true;
	}
	if (!nested->failed)
		nested->failure = walk;
	nested->failed = true;
	return false;
}

static bool load(void *context, uint64_t address, unsigned entry_bytes, uint64_t *value)
{
	struct vm_nested *nested = context;
	uint64_t host_physical;

	if (!translate(nested, address, VM_ACCESS_READ, &host_physical))
		return false;
	nested->references++;
	return nested->memory.load(nested->memory.context, host_physical, entry_bytes, value);
}

static void store(void *context, uint64_t address, unsigned entry_bytes, uint64_t value)
{
	struct vm_nested *nested = context;
	const uint64_t references = nested->references;
	uint64_t host_physical;

	/* The store goes where the load went: the processor does not walk again for it. */
	if (translate(nested, address, VM_ACCESS_WRITE, &host_physical))
		nested->memory.store(nested->memory.context, host_physical, entry_bytes, value);
	nested->references = references;
}

struct vm_physical vm_nested_physical(struct vm_nested *nested)
{
	return (struct vm_physical){.context = nested, .load = load, .store = store};
}

struct vm_walk vm_walk_nested(
	const struct vm_mmu *guest, struct vm_nested *nested, const struct vm_access *access)
{
	const struct vm_physical memory = vm_nested_physical(nested);
	struct vm_walk walk = vm_walk(guest, &memory, access);
	uint64_t host_physical;

	if (walk.outcome != VM_WALK_TRANSLATED)
		return walk;
	if (translate(nested, walk.physical, access->kind, &host_physical))
		walk.physical = host_physical;
	else
		walk.outcome = VM_WALK_NO_MEMORY;
	return walk;
}
