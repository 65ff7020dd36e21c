/* SPDX-License-Identifier: Apache-2.0 */
#include "compare/decide.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "base/pool.h"
#include "judge/statistics.h"
#include "vm/random.h"

/* Of each side, with itself. */
#define RESAMPLES 100
/* Of a slowdown of the detectable size: what is not found. */
#define MISSED 0.05
/* Beyond this a quieter machine is the better advice. */
#define LAUNCHES_WANTED_MOST 1000

struct logarithms {
	size_t count;
	double *values;
};

static struct logarithms logarithms_of(struct pool *pool, const struct decide_side *side)
{
	struct logarithms logs = {
		.count = side->count,
		.values = pool_take(pool, side->count * sizeof(double)),
	};

	assert(side->count != 0);
	for (size_t i = 0; i < side->count; i++) {
		assert(side->values[i] > 0);
		logs.values[i] = log(side->values[i]);
	}
	return logs;
}

/* How far from nothing the interval reaches; without one, for ever. */
static double reach_of(const struct statistics_shifted *shifted)
{
	if (!shifted->interval.known)
		return INFINITY;
	return fmax(fabs(shifted->interval.low), fabs(shifted->interval.high));
}

static int by_size(const void *left, const void *right)
{
	const double a = *(const double *)left, b = *(const double *)right;

	return (a > b) - (a < b);
}

static double quantile(double *values, size_t count, double share)
{
	qsort(values, count, sizeof(*values), by_size);
	const size_t index = (size_t)ceil(share * (double)count) - 1;
	return values[index];
}

/* What is known of noise: from launches of one record, never from the two together. */
struct noise {
	size_t count;
	double reaches[2 * RESAMPLES], shifts[2 * RESAMPLES];
};

static void draw(
	const struct logarithms *from, double *values, size_t count, uint64_t *random_state)
{
	for (size_t i = 0; i < count; i++)
		values[i] = from->values[vm_random_below(random_state, from->count)];
}

static void resample(struct noise *noise, const struct logarithms *from,
	const struct decide_row *row, size_t rank, uint64_t *random_state)
{
	struct pool POOL_DROPS pool = {0};
	double *before = pool_take(&pool, row->before.count * sizeof(double));
	double *after = pool_take(&pool, row->after.count * sizeof(double));

	for (size_t i = 0; i < RESAMPLES; i++) {
		draw(from, before, row->before.count, random_state);
		draw(from, after, row->after.count, random_state);
		const struct statistics_shifted shifted = statistics_shift_at(
			before, row->before.count, after, row->after.count, rank);
		noise->reaches[noise->count] = reach_of(&shifted);
		noise->shifts[noise->count++] = fabs(shifted.shift);
	}
}

static bool has_ties(const struct logarithms *a, const struct logarithms *b)
{
	struct pool POOL_DROPS pool = {0};
	const size_t count = a->count + b->count;
	double *both = pool_take(&pool, count * sizeof(*both));

	for (size_t i = 0; i < count; i++)
		both[i] = i < a->count ? a->values[i] : b->values[i - a->count];
	qsort(both, count, sizeof(*both), by_size);
	for (size_t i = 1; i < count; i++)
		if (both[i] == both[i - 1])
			return true;
	return false;
}

static double p_of(const struct logarithms *a, const struct logarithms *b, uint64_t seed)
{
	return has_ties(a, b)
		       ? statistics_permutation(a->values, a->count, b->values, b->count, seed)
		       : statistics_mann_whitney(a->values, a->count, b->values, b->count);
}

/*
 * What is found: more than the floor, and more than significance over all rows asks of the one that
 * is to be found among others that did not change.
 */
static double detectable_of(double floor, double deviation, size_t rows_count)
{
	const double significant =
		statistics_normal_above(DECIDE_DISCOVERY / (2 * (double)rows_count)) * deviation;

	return fmax(floor, significant) + statistics_normal_above(MISSED) * deviation;
}

static void measure(struct decide_row *row, size_t rows_count, uint64_t seed)
{
	struct pool POOL_DROPS pool = {0};
	const struct logarithms before = logarithms_of(&pool, &row->before);
	const struct logarithms after = logarithms_of(&pool, &row->after);
	const size_t rank = statistics_shift_rank(before.count, after.count, DECIDE_ERROR);
	const struct statistics_shifted shifted =
		statistics_shift_at(before.values, before.count, after.values, after.count, rank);
	struct noise *noise = pool_take(&pool, sizeof(*noise));
	uint64_t state = seed;

	resample(noise, &before, row, rank, &state);
	resample(noise, &after, row, rank, &state);
	double floor = quantile(noise->reaches, noise->count, 1 - DECIDE_ERROR);
	if (row->same.count != 0) {
		const struct logarithms same = logarithms_of(&pool, &row->same);
		const struct statistics_shifted between =
			statistics_shift_at(before.values, before.count, same.values, same.count,
				statistics_shift_rank(before.count, same.count, DECIDE_ERROR));
		floor = fmax(floor, reach_of(&between));
	}
	/* Of a normal variable this share lies within one deviation. */
	const double deviation = quantile(noise->shifts, noise->count, 1 - erfc(1 / sqrt(2)));
	row->ratio = exp(shifted.shift);
	row->has_interval = shifted.interval.known;
	row->low = row->has_interval ? exp(shifted.interval.low) : 0;
	row->high = row->has_interval ? exp(shifted.interval.high) : 0;
	row->p = p_of(&before, &after, vm_random_next(&state));
	row->floor = exp(floor);
	row->detectable = exp(detectable_of(floor, deviation, rows_count));
}

/* The fewest launches of each side with which the smallest p value there is would be enough. */
static unsigned launches_least(size_t rows_count)
{
	double ways = 1;
	unsigned launches = 0;

	while (2 * (double)rows_count / ways > DECIDE_DISCOVERY) {
		launches++;
		ways *= 2 * (2 * (double)launches - 1) / (double)launches;
	}
	return launches;
}

/*
 * Noise falls with the root of the number of launches. A shift that is small beside the floor is
 * most likely none: twice as many show whether it is.
 */
static unsigned launches_wanted(const struct decide_row *row, size_t rows_count)
{
	const size_t fewer =
		row->before.count < row->after.count ? row->before.count : row->after.count;
	const double shift = fabs(log(row->ratio)), least = launches_least(rows_count);
	const double times = 2 * shift < log(row->floor) ? 2 : pow(log(row->detectable) / shift, 2);

	if (!row->has_interval || (double)fewer < least)
		return (unsigned)least;
	const double wanted = ceil((double)fewer * fmax(times, 2));
	return wanted <= LAUNCHES_WANTED_MOST ? (unsigned)wanted : 0;
}

static void answer(struct decide_row *row, size_t rows_count)
{
	const double shift = fabs(log(row->ratio)), floor = log(row->floor);

	if (row->adjusted <= DECIDE_DISCOVERY && shift > floor)
		row->answer = DECIDE_CHANGED;
	else if (row->has_interval && -log(row->low) <= floor && log(row->high) <= floor)
		row->answer = DECIDE_UNCHANGED;
	else
		row->answer = DECIDE_INCONCLUSIVE;
	row->launches_wanted =
		row->answer == DECIDE_INCONCLUSIVE ? launches_wanted(row, rows_count) : 0;
}

void decide_rows(struct decide_row *rows, size_t count, uint64_t seed)
{
	struct pool POOL_DROPS pool = {0};
	double *p = pool_take(&pool, count * sizeof(*p));
	double *adjusted = pool_take(&pool, count * sizeof(*adjusted));
	uint64_t state = seed;

	for (size_t i = 0; i < count; i++) {
		measure(&rows[i], count, vm_random_next(&state));
		p[i] = rows[i].p;
	}
	if (count != 0)
		statistics_adjust(p, count, adjusted);
	for (size_t i = 0; i < count; i++) {
		rows[i].adjusted = adjusted[i];
		answer(&rows[i], count);
	}
}
