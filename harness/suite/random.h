/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random numbers that a seed decides, and nothing else: SplitMix64 (Steele, Lea, Flood: "Fast
 * splittable pseudorandom number generators", 2014). A stream has a name, so that what is drawn for
 * one check does not depend on which other checks are run.
 */
#ifndef SUITE_RANDOM_H
#define SUITE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

struct random_stream {
	uint64_t state;
};

struct random_stream random_stream_named(uint64_t seed, const char *name);
uint64_t random_next(struct random_stream *stream);

/* Uniform below limit, which is not 0: draws again where the remainder would favour small values.
 */
uint64_t random_below(struct random_stream *stream, uint64_t limit);

/* A permutation of 0 .. count - 1 (Fisher and Yates). */
void random_order(struct random_stream *stream, size_t *order, size_t count);

#endif
