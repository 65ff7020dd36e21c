/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every part of the model stands on: the trap, and memory handed over by the caller.
 *
 * The library makes no system call, reads no clock, keeps no global and allocates nothing: it is
 * total or silent. A broken precondition of ours ends in the trap, always compiled in.
 */
#ifndef VM_BASE_H
#define VM_BASE_H

#include <stddef.h>
#include <stdint.h>

#define VM_ASSERT(condition)              \
	do {                              \
		if (!(condition))         \
			__builtin_trap(); \
	} while (0)

/*
 * A bump allocator over memory of the caller. Nothing is freed one by one; the caller resets or
 * drops the whole. vm_arena_take returns zeroed memory, or NULL when it is used up.
 */
struct vm_arena {
	unsigned char *base;
	size_t size_bytes;
	size_t used_bytes;
};

static inline struct vm_arena vm_arena_over(void *memory, size_t size_bytes)
{
	return (struct vm_arena){.base = memory, .size_bytes = size_bytes};
}

/* alignment is a power of two. */
void *vm_arena_take(struct vm_arena *arena, size_t size_bytes, size_t alignment);

/* The text copied into the arena, or NULL when it does not fit. */
const char *vm_arena_text(struct vm_arena *arena, const char *text);

#endif
