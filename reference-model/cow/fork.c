/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/fork.h"

#include "vm/base.h"

/* Whether an area's tables are copied at all: linux:6.12:mm/memory.c:vma_needs_copy, or osn. */
static bool copies(const struct vm_behaviours *behaviours, enum vm_fork_memory memory)
{
	switch (behaviours->fork_copies) {
	case VM_FORK_COPIES_ALL:
		return true;
	case VM_FORK_COPIES_ANONYMOUS_AREAS:
		return memory == VM_FORK_PRIVATE_TOUCHED;
	}
	VM_ASSERT(false);
	return false;
}

uint64_t vm_fork_tables_copied(
	const struct vm_behaviours *behaviours, enum vm_fork_memory memory, uint64_t length_bytes)
{
	VM_ASSERT(vm_is_aligned(length_bytes, VM_HUGE_2M_BYTES));
	/* A table is made at the first touch below it: what was not touched has none. */
	if (memory == VM_FORK_PRIVATE_UNTOUCHED || !copies(behaviours, memory))
		return 0;
	return length_bytes / VM_HUGE_2M_BYTES;
}
