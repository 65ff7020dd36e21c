/* SPDX-License-Identifier: Apache-2.0 */
/* A text that grows. Without memory the program stops, as with a pool. */
#ifndef BASE_BUFFER_H
#define BASE_BUFFER_H

#include <stddef.h>

struct buffer {
	char *bytes; /* NUL-terminated once anything was added; NULL before */
	size_t length_bytes, capacity_bytes;
};

void buffer_add(struct buffer *buffer, const char *bytes, size_t length_bytes);
void buffer_drop(struct buffer *buffer);

#define BUFFER_DROPS __attribute__((cleanup(buffer_drop)))

#endif
