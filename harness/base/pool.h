/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that lives together dies together: texts and arrays of one record, one file, one run.
 * Nothing is freed one by one. A pool never returns NULL; without memory the program stops.
 */
#ifndef BASE_POOL_H
#define BASE_POOL_H

#include <stdarg.h>
#include <stddef.h>

struct pool_chunk;

/* All zeros is an empty pool. */
struct pool {
	struct pool_chunk *chunk;
};

/* Zeroed, aligned for anything. */
void *pool_take(struct pool *pool, size_t size_bytes);
const char *pool_text(struct pool *pool, const char *text);
const char *pool_text_of(struct pool *pool, const char *text, size_t length_bytes);
const char *pool_format(struct pool *pool, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
const char *pool_format_list(struct pool *pool, const char *format, va_list arguments)
	__attribute__((format(printf, 2, 0)));
void pool_drop(struct pool *pool);

/*
 * Room for one more item of an array of the pool: the array is moved to twice its size when count
 * is a power of two, so an array that grows through this alone needs no capacity beside it.
 */
void *pool_grow(struct pool *pool, const void *items, size_t count, size_t item_bytes);

#define POOL_DROPS __attribute__((cleanup(pool_drop)))

#endif
