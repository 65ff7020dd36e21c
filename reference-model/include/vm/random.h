/* SPDX-License-Identifier: Apache-2.0 */
/* A seeded generator for simulated chance: splitmix64 (paper:Steele 2014). */
#ifndef VM_RANDOM_H
#define VM_RANDOM_H

#include <stdint.h>

static inline uint64_t vm_random_next(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

/* Below limit, which is at least 1; unbiased: what falls beyond the last whole multiple is drawn
 * again. */
static inline uint64_t vm_random_below(uint64_t *state, uint64_t limit)
{
	const uint64_t excess = (UINT64_MAX % limit + 1) % limit;
	uint64_t value;

	do {
		value = vm_random_next(state);
	} while (value > UINT64_MAX - excess);
	return value % limit;
}

#endif
