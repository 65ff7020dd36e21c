/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buffer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SMALLEST_BYTES ((size_t)8 << 10)

void buffer_add(struct buffer *buffer, const char *bytes, size_t length_bytes)
{
	const size_t needed_bytes = buffer->length_bytes + length_bytes + 1;

	if (needed_bytes > buffer->capacity_bytes) {
		size_t capacity_bytes = buffer->capacity_bytes * 2;
		if (capacity_bytes < SMALLEST_BYTES)
			capacity_bytes = SMALLEST_BYTES;
		if (capacity_bytes < needed_bytes)
			capacity_bytes = needed_bytes;
		char *grown =
			needed_bytes > length_bytes ? realloc(buffer->bytes, capacity_bytes) : NULL;
		if (grown == NULL) {
			(void)fputs("mmconform: out of memory\n", stderr);
			abort();
		}
		buffer->bytes = grown;
		buffer->capacity_bytes = capacity_bytes;
	}
	memcpy(buffer->bytes + buffer->length_bytes, bytes, length_bytes);
	buffer->length_bytes += length_bytes;
	buffer->bytes[buffer->length_bytes] = '\0';
}

void buffer_drop(struct buffer *buffer)
{
	free(buffer->bytes);
	*buffer = (struct buffer){0};
}
