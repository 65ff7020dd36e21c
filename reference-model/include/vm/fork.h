/* SPDX-License-Identifier: Apache-2.0 */
/* How many page tables fork copies: what its cost follows. */
#ifndef VM_FORK_H
#define VM_FORK_H

#include "vm/behaviours.h"

enum vm_fork_memory {
	VM_FORK_PRIVATE_TOUCHED,   /* anonymous, every 4 KiB page written */
	VM_FORK_PRIVATE_UNTOUCHED, /* mapped, and no more */
	VM_FORK_SHARED_TOUCHED,	   /* shared memory, every page written */
};

/* Tables of the lowest level, for memory that starts where such a table begins. */
uint64_t vm_fork_tables_copied(
	const struct vm_behaviours *behaviours, enum vm_fork_memory memory, uint64_t length_bytes);

#endif
