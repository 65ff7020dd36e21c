/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/base.h"

void *memset(void *, int, size_t);
void *memcpy(void *restrict, const void *restrict, size_t);

void *vm_arena_take(struct vm_arena *arena, size_t size_bytes, size_t alignment)
{
	VM_ASSERT(alignment != 0 && (alignment & (alignment - 1)) == 0);
	/* The address is aligned, not the offset: the caller's memory may start anywhere. */
	const uintptr_t next = (uintptr_t)arena->base + arena->used_bytes;
	const size_t padding_bytes = (size_t)(-next & (alignment - 1));
	const size_t free_bytes = arena->size_bytes - arena->used_bytes;

	if (padding_bytes > free_bytes || size_bytes > free_bytes - padding_bytes)
		return NULL;
	void *taken = arena->base + arena->used_bytes + padding_bytes;
	arena->used_bytes += padding_bytes + size_bytes;
	return memset(taken, 0, size_bytes);
}

const char *vm_arena_text(struct vm_arena *arena, const char *text)
{
	size_t length = 0;

	while (text[length] != '\0')
		length++;
	char *copy = vm_arena_take(arena, length + 1, 1);
	if (copy == NULL)
		return NULL;
	return memcpy(copy, text, length + 1);
}
