/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The statistics that no packaged C library has, free of assumptions on distributions. Each is
 * checked against vectors that scipy or a formula of another kind gave (tests/vectors/).
 */
#ifndef JUDGE_STATISTICS_H
#define JUDGE_STATISTICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct statistics_interval {
	double low, high;
	bool known; /* false: too few values for the asked confidence */
};

/* count is at least 1 everywhere; the order of the values is the caller's and stays. */
double statistics_median(const double *values, size_t count);

/*
 * The interval of the median by order statistics: it misses the median of whatever distribution the
 * values come from with a probability of at most error. n values can give 2^(1-n) at best.
 */
struct statistics_interval statistics_median_interval(
	const double *values, size_t count, double error);

/* The median absolute deviation from the median, times 1.4826: the spread of a normal core. */
double statistics_spread(const double *values, size_t count);

/* Hodges and Lehmann: the median of all differences b - a. */
double statistics_shift(const double *a, size_t a_count, const double *b, size_t b_count);

/* Its interval, from the exact distribution of Mann and Whitney's U (Moses). Ties widen it. */
struct statistics_interval statistics_shift_interval(
	const double *a, size_t a_count, const double *b, size_t b_count, double error);

/*
 * The rank of that interval's ends among the ordered differences, counted from 1 and from either
 * end; 0: too few values. It depends on nothing but the counts, so that who resamples asks once.
 */
size_t statistics_shift_rank(size_t a_count, size_t b_count, double error);

/* Both with a rank in hand. known is false for rank 0, and shift is there all the same. */
struct statistics_shifted {
	double shift;
	struct statistics_interval interval;
};
struct statistics_shifted statistics_shift_at(
	const double *a, size_t a_count, const double *b, size_t b_count, size_t rank);

/*
 * Mann and Whitney's test, two-sided: exact without ties and up to STATISTICS_EXACT_LIMIT values a
 * side, else normal with correction for ties and continuity.
 */
#define STATISTICS_EXACT_LIMIT 60
double statistics_mann_whitney(const double *a, size_t a_count, const double *b, size_t b_count);

/*
 * The same question where values tie: how many of the ways to deal the values out to the two sides
 * give a U as far from its middle as this one. All ways are dealt while they are at most
 * STATISTICS_DEALS_LIMIT; beyond that as many as STATISTICS_DEALS, which the seed decides, and the
 * deal that was seen counts among them, so that the p value is never too small.
 */
#define STATISTICS_DEALS_LIMIT 20000
#define STATISTICS_DEALS       10000
double statistics_permutation(
	const double *a, size_t a_count, const double *b, size_t b_count, uint64_t seed);

/* The z that a normal variable exceeds with this probability, from 0 to one half. */
double statistics_normal_above(double probability);

/* A figure of a sample, for the bootstrap. */
typedef double statistics_figure(const double *values, size_t count);

/* The percentile interval over resamples that the seed decides. */
struct statistics_interval statistics_bootstrap(const double *values, size_t count,
	statistics_figure *figure, unsigned resamples, uint64_t seed, double error);

/* The non-decreasing sequence nearest to the values in squares (pool adjacent violators). */
void statistics_isotonic(const double *values, size_t count, double *fitted);

/* Benjamini and Hochberg: p values adjusted so that adjusted <= q keeps the false discovery rate.
 */
void statistics_adjust(const double *p, size_t count, double *adjusted);

#endif
