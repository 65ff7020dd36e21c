/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pointer chase: one dependent load after another, each in another page, in one random cycle
 * through all of them. What it takes is latency, and nothing but the caches and translation buffers
 * that it is laid out for can make it shorter.
 */
#ifndef TIMED_CHASE_H
#define TIMED_CHASE_H

#include <stddef.h>
#include <stdint.h>

#define CHASE_LINE_BYTES ((size_t)64)

/* Where the i-th node of a chase lies. */
typedef void *chase_place(void *context, size_t index);

/* Links count nodes into one cycle (Sattolo's algorithm) and returns where to start. */
void *chase_link(
	chase_place *place, void *context, size_t count, size_t *order, uint64_t *random_state);

/* Follows the cycle for so many steps, a multiple of CHASE_UNROLLED; nanoseconds. */
#define CHASE_UNROLLED ((size_t)16)
int64_t chase_run(void *start, size_t steps);

/*
 * One turn through so many lines in a row from memory on, after they left all caches: each load
 * goes to memory, and no prefetcher guesses the order.
 */
int64_t chase_run_flushed(char *memory, void *start, size_t lines);

#endif
