/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dense numbers for sparse ones: page numbers of 48 bits become 0, 1, 2... in the order in which
 * they first appear, as the simulators want them.
 */
#ifndef VM_INTERN_H
#define VM_INTERN_H

#include <stdbool.h>

#include "vm/base.h"

#define VM_INTERN_FULL UINT32_MAX

struct vm_intern {
	uint32_t count, limit;
	uint64_t slots_mask;
	uint64_t *keys;	 /* by number, in order of appearance */
	uint32_t *slots; /* number + 1; 0: empty */
};

size_t vm_intern_bytes(uint32_t limit);
/* For up to limit different keys. False when the arena is too small. */
bool vm_intern_create(struct vm_intern *intern, uint32_t limit, struct vm_arena *arena);
/* The key's number, a new one if need be; VM_INTERN_FULL when limit is reached. */
uint32_t vm_intern_number(struct vm_intern *intern, uint64_t key);

#endif
