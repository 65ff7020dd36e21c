/* SPDX-License-Identifier: Apache-2.0 */
/* How many page tables fork copies: what its cost follows. */
#ifndef VM_FORK_H
#define VM_FORK_H

#include "vm/base.h"
#include "vm/behaviours.h"
#include "vm/host.h"

enum vm_fork_memory {
	VM_FORK_PRIVATE_TOUCHED,   /* anonymous, every 4 KiB page written */
	VM_FORK_PRIVATE_UNTOUCHED, /* mapped, and no more */
	VM_FORK_SHARED_TOUCHED,	   /* shared memory, every page written */
	VM_FORK_FILE_TOUCHED,	   /* a file, privately mapped, every page read */
};

/*
 * The tables of the child, of all levels, as the machine leaves them after mapping, touching and
 * forking: memory that starts where a table of the lowest level begins. The arena is used and given
 * back.
 */
uint64_t vm_fork_tables_copied(const struct vm_behaviours *behaviours, const struct vm_host *host,
	enum vm_fork_memory memory, uint64_t length_bytes, struct vm_arena *arena);

#endif
