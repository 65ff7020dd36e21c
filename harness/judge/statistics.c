/* SPDX-License-Identifier: Apache-2.0 */
#include "judge/statistics.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/pool.h"
#include "vm/random.h"

/* For a normal distribution the median absolute deviation is 1/1.4826 of its standard deviation. */
#define SPREAD_OF_NORMAL 1.4826

static double *room(struct pool *pool, size_t count)
{
	return pool_take(pool, count * sizeof(double));
}

static int by_size(const void *left, const void *right)
{
	const double a = *(const double *)left, b = *(const double *)right;

	return (a > b) - (a < b);
}

static double *sorted(struct pool *pool, const double *values, size_t count)
{
	double *copy = room(pool, count);

	memcpy(copy, values, count * sizeof(*copy));
	qsort(copy, count, sizeof(*copy), by_size);
	return copy;
}

static double median_of_sorted(const double *values, size_t count)
{
	return count % 2 == 1 ? values[count / 2]
			      : values[count / 2 - 1] / 2 + values[count / 2] / 2;
}

double statistics_median(const double *values, size_t count)
{
	struct pool POOL_DROPS pool = {0};
	double *order = sorted(&pool, values, count);

	assert(count != 0);
	return median_of_sorted(order, count);
}

double statistics_spread(const double *values, size_t count)
{
	struct pool POOL_DROPS pool = {0};
	double *distances = room(&pool, count);
	const double middle = statistics_median(values, count);

	for (size_t i = 0; i < count; i++)
		distances[i] = fabs(values[i] - middle);
	return SPREAD_OF_NORMAL * statistics_median(distances, count);
}

/*
 * The median lies below the k-th smallest of n values only if fewer than k of them lie below it:
 * the lower tail of a binomial with one half. The largest k whose two tails stay within the error.
 */
struct statistics_interval statistics_median_interval(
	const double *values, size_t count, double error)
{
	struct pool POOL_DROPS pool = {0};
	double *order = sorted(&pool, values, count);
	const double n = (double)count;
	double tail = 0, log_choose = 0;
	size_t k = 0;

	while (k < count / 2 + 1) {
		const double i = (double)k;
		const double next = tail + exp(log_choose - n * log(2));
		if (2 * next > error)
			break;
		tail = next;
		log_choose += log(n - i) - log(i + 1);
		k++;
	}
	if (k == 0)
		return (struct statistics_interval){.known = false};
	return (struct statistics_interval){order[k - 1], order[count - k], true};
}

static double *differences(
	struct pool *pool, const double *a, size_t a_count, const double *b, size_t b_count)
{
	double *all = room(pool, a_count * b_count);

	for (size_t i = 0; i < a_count; i++)
		for (size_t j = 0; j < b_count; j++)
			all[i * b_count + j] = b[j] - a[i];
	qsort(all, a_count * b_count, sizeof(*all), by_size);
	return all;
}

double statistics_shift(const double *a, size_t a_count, const double *b, size_t b_count)
{
	struct pool POOL_DROPS pool = {0};
	double *all = differences(&pool, a, a_count, b, b_count);

	return median_of_sorted(all, a_count * b_count);
}

/*
 * How probable each value of U is when both samples come from one distribution: the number of
 * subsets of {1..a+b} of size a by their sum, over all. distribution has a * b + 1 members.
 */
static void distribution_of_u(size_t a_count, size_t b_count, double *distribution)
{
	struct pool POOL_DROPS pool = {0};
	const size_t largest = a_count * b_count;
	/* ways[i][u]: i members chosen so far, with U of u; shares of all subsets, never counts. */
	double *ways = room(&pool, (a_count + 1) * (largest + 1));

	ways[0] = 1;
	for (size_t member = 1; member <= a_count + b_count; member++)
		for (size_t i = member < a_count ? member : a_count; i > 0; i--) {
			/* The i-th chosen, standing at this place, has member - i others before it.
			 */
			const size_t before = member - i;
			if (before > b_count)
				continue;
			for (size_t u = before; u <= largest; u++)
				ways[i * (largest + 1) + u] +=
					ways[(i - 1) * (largest + 1) + u - before];
		}
	double all = 0;
	for (size_t u = 0; u <= largest; u++)
		all += ways[a_count * (largest + 1) + u];
	for (size_t u = 0; u <= largest; u++)
		distribution[u] = ways[a_count * (largest + 1) + u] / all;
}

size_t statistics_shift_rank(size_t a_count, size_t b_count, double error)
{
	struct pool POOL_DROPS pool = {0};
	const size_t pairs = a_count * b_count;
	double *distribution = room(&pool, pairs + 1);
	double tail = 0;
	size_t k = 0;

	distribution_of_u(a_count, b_count, distribution);
	while (k < pairs && 2 * (tail + distribution[k]) <= error)
		tail += distribution[k++];
	return k;
}

struct statistics_shifted statistics_shift_at(
	const double *a, size_t a_count, const double *b, size_t b_count, size_t rank)
{
	struct pool POOL_DROPS pool = {0};
	const size_t pairs = a_count * b_count;
	const double *all = differences(&pool, a, a_count, b, b_count);
	struct statistics_shifted shifted = {.shift = median_of_sorted(all, pairs)};

	if (rank != 0)
		shifted.interval = (struct statistics_interval){
			all[rank - 1], all[pairs - rank], .known = true};
	return shifted;
}

struct statistics_interval statistics_shift_interval(
	const double *a, size_t a_count, const double *b, size_t b_count, double error)
{
	return statistics_shift_at(
		a, a_count, b, b_count, statistics_shift_rank(a_count, b_count, error))
		.interval;
}

/* U of the first sample, ties counting one half; whether there are any, and their correction. */
static double u_of(
	const double *a, size_t a_count, const double *b, size_t b_count, double *tie_correction)
{
	struct pool POOL_DROPS pool = {0};
	const size_t count = a_count + b_count;
	double *both = room(&pool, count);
	double u = 0;

	for (size_t i = 0; i < a_count; i++)
		for (size_t j = 0; j < b_count; j++)
			u += a[i] > b[j] ? 1 : a[i] == b[j] ? 0.5 : 0;
	memcpy(both, a, a_count * sizeof(*both));
	memcpy(both + a_count, b, b_count * sizeof(*both));
	qsort(both, count, sizeof(*both), by_size);
	*tie_correction = 0;
	for (size_t i = 0, run = 1; i < count; i += run) {
		for (run = 1; i + run < count && both[i + run] == both[i];)
			run++;
		const double t = (double)run;
		*tie_correction += t * t * t - t;
	}
	return u;
}

static double exact_p(double u, size_t a_count, size_t b_count)
{
	struct pool POOL_DROPS pool = {0};
	double *distribution = room(&pool, a_count * b_count + 1);
	const double pairs = (double)(a_count * b_count);
	const double larger = u > pairs - u ? u : pairs - u;
	double tail = 0;

	distribution_of_u(a_count, b_count, distribution);
	for (size_t i = (size_t)larger; i <= a_count * b_count; i++)
		tail += distribution[i];
	return fmin(1, 2 * tail);
}

double statistics_mann_whitney(const double *a, size_t a_count, const double *b, size_t b_count)
{
	const double n = (double)a_count, m = (double)b_count, all = n + m;
	double ties = 0;
	const double u = u_of(a, a_count, b, b_count, &ties);

	if (ties == 0 && a_count <= STATISTICS_EXACT_LIMIT && b_count <= STATISTICS_EXACT_LIMIT)
		return exact_p(u, a_count, b_count);
	const double variance = n * m / 12 * (all + 1 - ties / (all * (all - 1)));
	if (variance == 0)
		return 1;
	const double z = (fabs(u - n * m / 2) - 0.5) / sqrt(variance);
	return fmin(1, erfc(z / sqrt(2)));
}

/* --- dealing out --- */

/* The values of both sides by rank, ties sharing the middle of their ranks; a's come first. */
static double *ranks_of(
	struct pool *pool, const double *a, size_t a_count, const double *b, size_t b_count)
{
	const size_t count = a_count + b_count;
	double *both = room(pool, count), *ranks = room(pool, count);

	memcpy(both, a, a_count * sizeof(*both));
	memcpy(both + a_count, b, b_count * sizeof(*both));
	for (size_t i = 0; i < count; i++) {
		size_t below = 0, same = 0;
		for (size_t j = 0; j < count; j++) {
			below += both[j] < both[i];
			same += both[j] == both[i];
		}
		ranks[i] = (double)below + ((double)same + 1) / 2;
	}
	return ranks;
}

/* How many ways there are to choose, or more than the limit. */
static double ways_to_choose(size_t from, size_t chosen)
{
	double ways = 1;

	for (size_t i = 1; i <= chosen && ways <= STATISTICS_DEALS_LIMIT; i++)
		ways = ways * (double)(from - chosen + i) / (double)i;
	return ways;
}

struct dealing {
	const double *ranks;
	size_t count, hand;
	double middle,
		seen; /* of the sum of a hand, and how far from it the one that was seen is */
	double far, all;
};

static void count_deal(struct dealing *dealing, double sum)
{
	/* Sums of halves: exact, whatever their order. */
	dealing->far += fabs(sum - dealing->middle) >= dealing->seen;
	dealing->all += 1;
}

/* Each hand once: combinations of indexes in order. */
static void deal_all(struct dealing *dealing, struct pool *pool)
{
	const size_t hand = dealing->hand, count = dealing->count;
	size_t *chosen = pool_take(pool, (hand + 1) * sizeof(*chosen));

	for (size_t i = 0; i < hand; i++)
		chosen[i] = i;
	for (;;) {
		double sum = 0;
		for (size_t i = 0; i < hand; i++)
			sum += dealing->ranks[chosen[i]];
		count_deal(dealing, sum);
		size_t last = hand;
		while (last > 0 && chosen[last - 1] == count - hand + last - 1)
			last--;
		if (last == 0)
			return;
		chosen[last - 1]++;
		for (size_t i = last; i < hand; i++)
			chosen[i] = chosen[i - 1] + 1;
	}
}

static void deal_some(struct dealing *dealing, struct pool *pool, uint64_t state)
{
	double *cards = room(pool, dealing->count);

	memcpy(cards, dealing->ranks, dealing->count * sizeof(*cards));
	count_deal(dealing, dealing->middle + dealing->seen);
	for (unsigned deal = 0; deal < STATISTICS_DEALS; deal++) {
		double sum = 0;
		for (size_t i = 0; i < dealing->hand; i++) {
			const size_t other = i + vm_random_below(&state, dealing->count - i);
			const double held = cards[i];
			cards[i] = cards[other];
			cards[other] = held;
			sum += cards[i];
		}
		count_deal(dealing, sum);
	}
}

double statistics_permutation(
	const double *a, size_t a_count, const double *b, size_t b_count, uint64_t seed)
{
	struct pool POOL_DROPS pool = {0};
	const size_t count = a_count + b_count;
	struct dealing dealing = {
		.ranks = ranks_of(&pool, a, a_count, b, b_count),
		.count = count,
		.hand = a_count,
		.middle = (double)a_count * (double)(count + 1) / 2,
	};
	double sum = 0;

	for (size_t i = 0; i < a_count; i++)
		sum += dealing.ranks[i];
	dealing.seen = fabs(sum - dealing.middle);
	if (ways_to_choose(count, a_count) <= STATISTICS_DEALS_LIMIT)
		deal_all(&dealing, &pool);
	else
		deal_some(&dealing, &pool, seed);
	return dealing.far / dealing.all;
}

double statistics_normal_above(double probability)
{
	/* Halving an interval of 64 until nothing of a double is left to halve. */
	double low = 0, high = 64;

	for (unsigned i = 0; i < 64; i++) {
		const double middle = (low + high) / 2;
		if (erfc(middle / sqrt(2)) / 2 > probability)
			low = middle;
		else
			high = middle;
	}
	return (low + high) / 2;
}

struct statistics_interval statistics_bootstrap(const double *values, size_t count,
	statistics_figure *figure, unsigned resamples, uint64_t seed, double error)
{
	struct pool POOL_DROPS pool = {0};
	double *figures = room(&pool, resamples);
	double *resample = room(&pool, count);
	uint64_t state = seed;

	for (unsigned i = 0; i < resamples; i++) {
		for (size_t j = 0; j < count; j++)
			resample[j] = values[vm_random_below(&state, count)];
		figures[i] = figure(resample, count);
	}
	qsort(figures, resamples, sizeof(*figures), by_size);
	const size_t cut = (size_t)floor(error / 2 * resamples);
	return (struct statistics_interval){figures[cut], figures[resamples - 1 - cut], true};
}

/* count members before *end become the mean. */
static void spread_mean(double *fitted, size_t *end, double mean, size_t count)
{
	for (size_t i = 0; i < count; i++)
		fitted[--*end] = mean;
}

void statistics_isotonic(const double *values, size_t count, double *fitted)
{
	struct pool POOL_DROPS pool = {0};
	double *weight = room(&pool, count);
	size_t blocks = 0;

	/* fitted holds the means of the blocks so far; a block that falls is joined to the last. */
	for (size_t i = 0; i < count; i++) {
		fitted[blocks] = values[i];
		weight[blocks++] = 1;
		while (blocks > 1 && fitted[blocks - 2] > fitted[blocks - 1]) {
			const double both = weight[blocks - 2] + weight[blocks - 1];
			fitted[blocks - 2] = (fitted[blocks - 2] * weight[blocks - 2] +
						     fitted[blocks - 1] * weight[blocks - 1]) /
					     both;
			weight[blocks - 2] = both;
			blocks--;
		}
	}
	/* Spread out from the end, so that no mean is overwritten before it is used. */
	for (size_t i = count; blocks > 0; blocks--)
		spread_mean(fitted, &i, fitted[blocks - 1], (size_t)weight[blocks - 1]);
}

static int by_pointed_size(const void *left, const void *right)
{
	return by_size(*(const double *const *)left, *(const double *const *)right);
}

void statistics_adjust(const double *p, size_t count, double *adjusted)
{
	struct pool POOL_DROPS pool = {0};
	const double **order = pool_take(&pool, count * sizeof(*order));
	double least = 1;

	for (size_t i = 0; i < count; i++)
		order[i] = &p[i];
	qsort(order, count, sizeof(*order), by_pointed_size);
	for (size_t rank = count; rank > 0; rank--) {
		const double scaled = *order[rank - 1] * (double)count / (double)rank;
		least = fmin(least, scaled);
		adjusted[order[rank - 1] - p] = least;
	}
}
