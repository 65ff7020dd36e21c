/* SPDX-License-Identifier: Apache-2.0 */
#include "compare/compare.h"

#include <math.h>
#include <string.h>

#include "judge/judge.h"

static void add_time(struct comparison *comparison, const struct compare_time *time)
{
	comparison->times = pool_grow(
		comparison->pool, comparison->times, comparison->times_count, sizeof(*time));
	comparison->times[comparison->times_count++] = *time;
}

static void add_count(struct comparison *comparison, const struct series *before,
	const struct series *after, size_t record)
{
	if (strcmp(before->reading, after->reading) == 0) {
		comparison->counts_same++;
		return;
	}
	comparison->counts = pool_grow(comparison->pool, comparison->counts,
		comparison->counts_changed, sizeof(comparison->counts[0]));
	comparison->counts[comparison->counts_changed++] =
		(struct compare_count){before, after, record};
}

static struct decide_side side_of(const struct series *series)
{
	return series == NULL ? (struct decide_side){0}
			      : (struct decide_side){series->count, series->figures};
}

static void match(struct comparison *comparison, const struct series_list *first,
	const struct series_list *other, const struct series_list *same, size_t record)
{
	size_t matched = 0;

	for (size_t i = 0; i < first->count; i++) {
		const struct series *before = &first->items[i];
		const struct series *after = series_find(other, before);
		const bool comparable =
			after != NULL && after->timed == before->timed &&
			(!before->timed || (before->count != 0 && after->count != 0));
		if (!comparable)
			continue;
		matched++;
		if (before->timed)
			add_time(comparison,
				&(struct compare_time){
					.before = before,
					.after = after,
					.record = record,
					.decision = {.before = side_of(before),
						.after = side_of(after),
						.same = side_of(series_find(same, before))},
				});
		else
			add_count(comparison, before, after, record);
	}
	comparison->unmatched += first->count + other->count - 2 * matched;
}

static void decide(struct comparison *comparison, uint64_t seed)
{
	struct decide_row *rows =
		pool_take(comparison->pool, comparison->times_count * sizeof(*rows));

	for (size_t i = 0; i < comparison->times_count; i++)
		rows[i] = comparison->times[i].decision;
	decide_rows(rows, comparison->times_count, seed);
	for (size_t i = 0; i < comparison->times_count; i++)
		comparison->times[i].decision = rows[i];
}

void compare_records(struct pool *pool, const struct record *const *records, size_t records_count,
	const struct record *same, uint64_t seed, struct comparison *comparison)
{
	struct series_list *lists = pool_take(pool, records_count * sizeof(*lists));
	struct series_list same_list = {.pool = pool};

	*comparison = (struct comparison){.pool = pool, .verdicts = {.pool = pool}};
	if (same != NULL)
		series_of_record(pool, same, &same_list);
	for (size_t i = 0; i < records_count; i++)
		series_of_record(pool, records[i], &lists[i]);
	for (size_t i = 1; i < records_count; i++) {
		const struct judgement judgement = {
			.pool = pool,
			.count = records[i]->verdicts_count,
			.verdicts = records[i]->verdicts,
		};
		match(comparison, &lists[0], &lists[i], &same_list, i);
		/* What was not run in one of them is unmatched; it is no worse verdict. */
		standard_compare(records[0], &judgement, &comparison->verdicts);
	}
	decide(comparison, seed);
}

/* The launches of even or odd places, as a series of its own. */
static struct series half_of(struct pool *pool, const struct series *whole, size_t first)
{
	struct series half = *whole;

	half.figures = pool_take(pool, whole->count * sizeof(double));
	half.count = 0;
	for (size_t i = first; i < whole->count; i += 2)
		half.figures[half.count++] = whole->figures[i];
	return half;
}

void compare_halves(struct pool *pool, const struct record *record, uint64_t seed,
	struct comparison *comparison)
{
	struct series_list whole, halves[2] = {{.pool = pool}, {.pool = pool}};
	const struct series_list none = {.pool = pool};

	*comparison = (struct comparison){.pool = pool, .verdicts = {.pool = pool}};
	series_of_record(pool, record, &whole);
	for (size_t side = 0; side < 2; side++) {
		halves[side].count = whole.count;
		halves[side].items = pool_take(pool, whole.count * sizeof(struct series));
		for (size_t i = 0; i < whole.count; i++)
			halves[side].items[i] = half_of(pool, &whole.items[i], side);
	}
	match(comparison, &halves[0], &halves[1], &none, 1);
	decide(comparison, seed);
}

bool compare_is_worse(const struct comparison *comparison)
{
	for (size_t i = 0; i < comparison->times_count; i++)
		if (comparison->times[i].decision.answer == DECIDE_CHANGED &&
			comparison->times[i].decision.ratio > 1)
			return true;
	return comparison->verdicts.count != 0;
}

size_t compare_tally(const struct comparison *comparison, enum decide_answer answer)
{
	size_t count = 0;

	for (size_t i = 0; i < comparison->times_count; i++)
		count += comparison->times[i].decision.answer == answer;
	return count;
}
