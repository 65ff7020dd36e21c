/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes of a file that may be compressed: what starts like zstd is unpacked on the way. */
#ifndef BASE_UNPACK_H
#define BASE_UNPACK_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct unpack;

/* Reads from the descriptor, which stays the caller's. */
struct unpack *unpack_open(int descriptor);

/*
 * Up to room_bytes more bytes; 0 at the end; -1, and *why (static), when the file cannot be read,
 * is damaged or cut off, or unpacks to more than any record has.
 */
ssize_t unpack_read(struct unpack *unpack, char *bytes, size_t room_bytes, const char **why);

/* Whether what was read was compressed; known after the first read. */
bool unpack_is_packed(const struct unpack *unpack);

void unpack_close(struct unpack **unpack);

#define UNPACK_CLOSES __attribute__((cleanup(unpack_close)))

#endif
