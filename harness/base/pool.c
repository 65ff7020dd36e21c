/* SPDX-License-Identifier: Apache-2.0 */
#include "base/pool.h"

#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct pool_chunk {
	struct pool_chunk *next;
	size_t size_bytes, used_bytes;
	alignas(max_align_t) unsigned char bytes[];
};

#define CHUNK_BYTES ((size_t)1 << 16)

void *pool_take(struct pool *pool, size_t size_bytes)
{
	const size_t step = alignof(max_align_t);
	const size_t rounded_bytes = (size_bytes + step - 1) / step * step;
	struct pool_chunk *chunk = pool->chunk;

	if (chunk == NULL || chunk->size_bytes - chunk->used_bytes < rounded_bytes) {
		const size_t room_bytes = rounded_bytes > CHUNK_BYTES ? rounded_bytes : CHUNK_BYTES;
		chunk = rounded_bytes < size_bytes ? NULL : calloc(1, sizeof(*chunk) + room_bytes);
		if (chunk == NULL) {
			(void)fputs("mmconform: out of memory\n", stderr);
			abort();
		}
		chunk->size_bytes = room_bytes;
		chunk->next = pool->chunk;
		pool->chunk = chunk;
	}
	void *taken = chunk->bytes + chunk->used_bytes;
	chunk->used_bytes += rounded_bytes;
	return taken;
}

const char *pool_text_of(struct pool *pool, const char *text, size_t length_bytes)
{
	char *copy = pool_take(pool, length_bytes + 1);

	memcpy(copy, text, length_bytes);
	return copy;
}

const char *pool_text(struct pool *pool, const char *text)
{
	return pool_text_of(pool, text, strlen(text));
}

const char *pool_format_list(struct pool *pool, const char *format, va_list arguments)
{
	va_list again;

	va_copy(again, arguments);
	const int length = vsnprintf(NULL, 0, format, again);
	va_end(again);
	if (length < 0)
		abort();
	char *text = pool_take(pool, (size_t)length + 1);
	(void)vsnprintf(text, (size_t)length + 1, format, arguments);
	return text;
}

const char *pool_format(struct pool *pool, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	const char *text = pool_format_list(pool, format, arguments);
	va_end(arguments);
	return text;
}

void *pool_grow(struct pool *pool, const void *items, size_t count, size_t item_bytes)
{
	const size_t least = 8;

	if (count != 0 && (count < least || (count & (count - 1)) != 0))
		return (void *)items;
	const size_t capacity = count == 0 ? least : count * 2;
	void *moved = pool_take(pool, capacity * item_bytes);
	if (count != 0)
		memcpy(moved, items, count * item_bytes);
	return moved;
}

void pool_drop(struct pool *pool)
{
	while (pool->chunk != NULL) {
		struct pool_chunk *next = pool->chunk->next;
		free(pool->chunk);
		pool->chunk = next;
	}
}
