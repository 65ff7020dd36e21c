/* SPDX-License-Identifier: Apache-2.0 */
#include "suite/random.h"

#include <assert.h>

struct random_stream random_stream_named(uint64_t seed, const char *name)
{
	/* FNV-1a over the name, so that equal seeds give each name its own stream. */
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (const char *at = name; *at != '\0'; at++)
		hash = (hash ^ (unsigned char)*at) * UINT64_C(0x100000001b3);
	struct random_stream stream = {seed ^ hash};
	return (struct random_stream){random_next(&stream)};
}

uint64_t random_next(struct random_stream *stream)
{
	uint64_t mixed = stream->state += UINT64_C(0x9e3779b97f4a7c15);

	mixed = (mixed ^ (mixed >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	mixed = (mixed ^ (mixed >> 27)) * UINT64_C(0x94d049bb133111eb);
	return mixed ^ (mixed >> 31);
}

uint64_t random_below(struct random_stream *stream, uint64_t limit)
{
	assert(limit != 0);
	/* 2^64 modulo limit: as many of the smallest numbers are one too many. */
	const uint64_t surplus = -limit % limit;
	uint64_t number = random_next(stream);

	while (number < surplus)
		number = random_next(stream);
	return number % limit;
}

void random_order(struct random_stream *stream, size_t *order, size_t count)
{
	for (size_t i = 0; i < count; i++)
		order[i] = i;
	for (size_t i = count; i > 1; i--) {
		const size_t other = (size_t)random_below(stream, i);
		const size_t kept = order[i - 1];
		order[i - 1] = order[other];
		order[other] = kept;
	}
}
