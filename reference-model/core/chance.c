/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/chance.h"

#include "core/arithmetic.h"

/* ln(1e13) and ln(2e13), rounded up: the probability of one false alarm, for one side and two. */
#define LOG_ONE_SIDE_MILLI  29934
#define LOG_TWO_SIDES_MILLI 30627

/* paper: Hoeffding 1963: n throws lie t or more off with probability at most exp(-2 t t / n) */
static uint64_t distance(uint64_t n, uint64_t log_milli)
{
	return square_root(n * log_milli / 2000) + 1;
}

struct vm_chance vm_chance_heads(uint64_t n)
{
	const uint64_t off = smaller(distance(n, LOG_TWO_SIDES_MILLI), n / 2);

	return (struct vm_chance){n / 2 - off, (n + 1) / 2 + off};
}

/* The smallest number of places that at least `share_milli` of n values would fill. */
static uint64_t places(uint64_t share_milli, uint64_t n, uint64_t count)
{
	VM_ASSERT(count <= UINT64_C(1) << 34 && n <= UINT64_C(1) << 20);
	/* In two steps, so that nothing overflows; rounded up. */
	return count / n * (share_milli / 1000 + 1) +
	       (count % n * (share_milli / 1000 + 1) + n - 1) / n;
}

struct vm_chance vm_chance_rank(uint64_t n, uint64_t rank, uint64_t count)
{
	VM_ASSERT(n != 0 && rank >= 1 && rank <= n && count != 0);
	/* All n above a share p of the places: (1 - p)^n, at most exp(-n p). */
	const uint64_t end_milli = LOG_ONE_SIDE_MILLI;
	const uint64_t off_milli = distance(n, LOG_ONE_SIDE_MILLI) * 1000;
	const uint64_t above_milli = rank == 1 ? end_milli : (rank - 1) * 1000 + off_milli;
	const uint64_t below_milli = rank == n ? end_milli : (n - rank) * 1000 + off_milli;
	struct vm_chance chance = {0, count - 1};

	if (above_milli < n * 1000)
		chance.highest = smaller(places(above_milli, n, count), count - 1);
	if (below_milli < n * 1000) {
		const uint64_t kept = places(below_milli, n, count);
		chance.lowest = kept < count ? count - 1 - kept : 0;
	}
	return chance;
}

/* log2(1e13), rounded up, and how many binary digits such logarithms have behind the point. */
#define LOGARITHM_DIGITS   16
#define LOGARITHM_ONE_SIDE 2830177

/* log2, rounded down to 16 binary digits behind the point: one digit a squaring. */
static uint64_t logarithm(uint64_t value)
{
	VM_ASSERT(value != 0);
	const uint64_t whole = last_set_bit(value) - 1;
	/* 1 to 2, with 31 digits behind the point; what is cut off makes it smaller. */
	uint64_t mantissa = whole > 31 ? value >> (whole - 31) : value << (31 - whole);
	uint64_t result = whole;

	for (unsigned digit = 0; digit < LOGARITHM_DIGITS; digit++) {
		mantissa = mantissa * mantissa >> 31;
		const uint64_t over = mantissa >> 32;
		mantissa >>= over;
		result = result << 1 | over;
	}
	return result;
}

/*
 * Each value repeats an earlier one with probability at most i / count, whatever came before; so c
 * of them do with probability at most m^c / c!, where m = n (n - 1) / 2 / count is the sum of
 * these.
 */
struct vm_chance vm_chance_repeated(uint64_t n, uint64_t count)
{
	const uint64_t pairs = n * (n - 1) / 2;
	struct vm_chance chance = {n > count ? n - count : 0, n == 0 ? 0 : n - 1};
	int64_t unlikely = 0; /* -log2 of m^c / c!, never too large */

	VM_ASSERT(count != 0 && n <= UINT64_C(1) << 20);
	if (pairs == 0)
		return chance;
	const int64_t sum = (int64_t)logarithm(pairs) + 1 - (int64_t)logarithm(count);
	for (uint64_t c = 1; c < n; c++) {
		unlikely += (int64_t)logarithm(c) - sum;
		if (unlikely >= LOGARITHM_ONE_SIDE) {
			chance.highest = larger(c - 1, chance.lowest);
			break;
		}
	}
	return chance;
}
