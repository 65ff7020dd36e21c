/* SPDX-License-Identifier: Apache-2.0 */
#include "base/unpack.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <zstd.h>

/* A thousand times the record of a default run: a small file that unpacks to more is no record. */
#define UNPACKED_BYTES_MOST ((uint64_t)16 << 30)

struct unpack {
	int descriptor;
	ZSTD_DStream *stream; /* NULL: the bytes are as they are */
	bool inside;	      /* of a frame that has not ended */
	bool ended;
	uint64_t unpacked_bytes;
	ZSTD_inBuffer input;
	char bytes[1 << 16]; /* what input reads from */
};

struct unpack *unpack_open(int descriptor)
{
	struct unpack *unpack = calloc(1, sizeof(*unpack));

	if (unpack == NULL) {
		(void)fputs("mmconform: out of memory\n", stderr);
		abort();
	}
	unpack->descriptor = descriptor;
	unpack->input.src = unpack->bytes;
	return unpack;
}

/* The next bytes of the file, behind those that are held. False, and *why, on an error. */
static bool fill(struct unpack *unpack, const char **why)
{
	ssize_t got_bytes = 0;

	do
		got_bytes = read(unpack->descriptor, unpack->bytes + unpack->input.size,
			sizeof(unpack->bytes) - unpack->input.size);
	while (got_bytes < 0 && errno == EINTR);
	if (got_bytes < 0) {
		*why = strerror(errno);
		return false;
	}
	unpack->ended = got_bytes == 0;
	unpack->input.size += (size_t)got_bytes;
	return true;
}

/* The first four bytes say what it is. */
static bool look(struct unpack *unpack, const char **why)
{
	static const unsigned char magic[] = {0x28, 0xb5, 0x2f, 0xfd};

	while (unpack->input.size < sizeof(magic) && !unpack->ended)
		if (!fill(unpack, why))
			return false;
	if (unpack->input.size >= sizeof(magic) && memcmp(unpack->bytes, magic, sizeof(magic)) == 0)
		unpack->stream = ZSTD_createDStream();
	return true;
}

/* More input when there is none left. False, and *why, on an error. */
static bool refill(struct unpack *unpack, const char **why)
{
	if (unpack->input.pos < unpack->input.size || unpack->ended)
		return true;
	unpack->input.pos = unpack->input.size = 0;
	return fill(unpack, why);
}

static ssize_t copy(struct unpack *unpack, char *bytes, size_t room_bytes)
{
	const size_t held_bytes = unpack->input.size - unpack->input.pos;
	const size_t length_bytes = held_bytes < room_bytes ? held_bytes : room_bytes;

	memcpy(bytes, unpack->bytes + unpack->input.pos, length_bytes);
	unpack->input.pos += length_bytes;
	return (ssize_t)length_bytes;
}

static ssize_t decompress(struct unpack *unpack, char *bytes, size_t room_bytes, const char **why)
{
	ZSTD_outBuffer output = {bytes, room_bytes, 0};

	while (output.pos == 0) {
		if (!refill(unpack, why))
			return -1;
		if (unpack->ended && unpack->input.pos == unpack->input.size) {
			*why = "the compressed file is cut off";
			return unpack->inside ? -1 : 0;
		}
		const size_t left = ZSTD_decompressStream(unpack->stream, &output, &unpack->input);
		if (ZSTD_isError(left)) {
			*why = "the compressed file is damaged";
			return -1;
		}
		unpack->inside = left != 0;
	}
	unpack->unpacked_bytes += output.pos;
	if (unpack->unpacked_bytes <= UNPACKED_BYTES_MOST)
		return (ssize_t)output.pos;
	*why = "the compressed file unpacks to more than a record has";
	return -1;
}

ssize_t unpack_read(struct unpack *unpack, char *bytes, size_t room_bytes, const char **why)
{
	if (unpack->input.size == 0 && !unpack->ended && !look(unpack, why))
		return -1;
	if (unpack->stream != NULL)
		return decompress(unpack, bytes, room_bytes, why);
	return refill(unpack, why) ? copy(unpack, bytes, room_bytes) : -1;
}

bool unpack_is_packed(const struct unpack *unpack)
{
	return unpack->stream != NULL;
}

void unpack_close(struct unpack **unpack)
{
	if (*unpack != NULL)
		(void)ZSTD_freeDStream((*unpack)->stream);
	free(*unpack);
	*unpack = NULL;
}
