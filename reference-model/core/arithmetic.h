/* SPDX-License-Identifier: Apache-2.0 */
/* The integer arithmetic that the kernel's formulas are made of, with its truncations. */
#ifndef CORE_ARITHMETIC_H
#define CORE_ARITHMETIC_H

#include "vm/base.h"

static inline uint64_t smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static inline uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static inline uint64_t clamped(uint64_t value, uint64_t lowest, uint64_t highest)
{
	return smaller(larger(value, lowest), highest);
}

/* linux:6.12:include/linux/math.h:mult_frac: x * numerator / denominator in two truncated steps */
static inline uint64_t multiplied_fraction(uint64_t x, uint64_t numerator, uint64_t denominator)
{
	return x / denominator * numerator + x % denominator * numerator / denominator;
}

/* linux:6.12:include/asm-generic/bitops/fls.h:fls: 1 for bit 0, 0 for no bit */
static inline uint64_t last_set_bit(uint64_t value)
{
	return value == 0 ? 0 : 64 - (uint64_t)__builtin_clzll(value);
}

static inline uint64_t rounded_down_to_power_of_two(uint64_t value)
{
	VM_ASSERT(value != 0);
	return UINT64_C(1) << (last_set_bit(value) - 1);
}

/* linux:6.12:lib/math/int_sqrt.c:int_sqrt: rounded down */
static inline uint64_t square_root(uint64_t value)
{
	uint64_t root = 0;

	for (uint64_t bit = UINT64_C(1) << 31; bit != 0; bit /= 2)
		if ((root + bit) * (root + bit) <= value)
			root += bit;
	return root;
}

#endif
