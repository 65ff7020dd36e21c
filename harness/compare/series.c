/* SPDX-License-Identifier: Apache-2.0 */
#include "compare/series.h"

#include <stdlib.h>
#include <string.h>

#include "judge/exclude.h"
#include "judge/shape.h"
#include "judge/text.h"
#include "suite/cases.h"

/* A figure of nothing cannot be a ratio's part: the clocks count whole nanoseconds. */
#define LEAST_NS 1.0

/* How a quantity of a case was predicted, as far as comparing has to know. */
struct expectation {
	const char *id, *quantity, *at;
	bool by_value; /* one value or sequence: launches agree, or the record deviates */
	bool is_knee;  /* a curve of which only its knee was predicted, or the control beside it */
};

struct gathering {
	struct pool *pool;
	size_t expectations_count;
	struct expectation *expectations;
};

static int compare_keys(const char *const a[3], const char *const b[3])
{
	int order = strcmp(a[0], b[0]);

	for (size_t i = 1; i < 3 && order == 0; i++)
		order = strcmp(a[i], b[i]);
	return order;
}

static int by_expectation(const void *left, const void *right)
{
	const struct expectation *a = left, *b = right;

	return compare_keys((const char *const[]){a->id, a->quantity, a->at},
		(const char *const[]){b->id, b->quantity, b->at});
}

static int by_key(const void *left, const void *right)
{
	const struct series *a = left, *b = right;

	return compare_keys((const char *const[]){a->id, a->quantity, a->at},
		(const char *const[]){b->id, b->quantity, b->at});
}

/* --- what was predicted ---------------------------------------------------------------------- */

static void expect(struct gathering *gathering, const struct expectation *expectation)
{
	gathering->expectations = pool_grow(gathering->pool, gathering->expectations,
		gathering->expectations_count, sizeof(*expectation));
	gathering->expectations[gathering->expectations_count++] = *expectation;
}

static void gather_expectations(struct gathering *gathering, const struct record *record)
{
	for (size_t i = 0; i < record->predictions_count; i++) {
		const struct record_prediction *prediction = &record->predictions[i];
		if (strcmp(prediction->model, "linux") != 0)
			continue;
		const char *id = case_id(gathering->pool, prediction->kind, prediction->probe,
			&prediction->parameters);
		for (size_t k = 0; k < prediction->expect_count; k++) {
			const struct record_expect *item = &prediction->expect[k];
			const bool is_knee =
				item->shape != NULL && (strcmp(item->shape, "knee") == 0 ||
							       strcmp(item->shape, "reach") == 0);
			const bool by_value =
				strcmp(item->form, "exact") == 0 || strcmp(item->form, "set") == 0;
			expect(gathering, &(struct expectation){
						  id, item->quantity, item->at, by_value, is_knee});
			if (is_knee && item->other != NULL)
				expect(gathering, &(struct expectation){
							  id, item->other, item->at, false, true});
		}
	}
	if (gathering->expectations_count > 1)
		qsort(gathering->expectations, gathering->expectations_count,
			sizeof(struct expectation), by_expectation);
}

static const struct expectation *expectation_of(
	const struct gathering *gathering, const char *id, const char *quantity, const char *at)
{
	const struct expectation wanted = {.id = id, .quantity = quantity, .at = at};

	return gathering->expectations_count == 0
		       ? NULL
		       : bsearch(&wanted, gathering->expectations, gathering->expectations_count,
				 sizeof(wanted), by_expectation);
}

/* --- what was observed ----------------------------------------------------------------------- */

/* One launch's contribution, before all of one key are put together. */
struct point {
	struct series series; /* count 1, or 0 when the launch is left out */
	size_t launch;
	double figure;
};

struct points {
	struct gathering *gathering;
	size_t count;
	struct point *items;
};

static void add_point(struct points *points, const struct record_launch *launch, size_t number,
	const struct record_observation *observation)
{
	struct gathering *gathering = points->gathering;
	const struct expectation *expectation =
		expectation_of(gathering, launch->id, observation->quantity, observation->at);
	const struct expectation *curve =
		expectation_of(gathering, launch->id, observation->quantity, "");
	const bool is_timed = observation->unit == VM_UNIT_NS;
	const bool is_knee = is_timed && curve != NULL && curve->is_knee;

	if (observation->values_count == 0 ||
		(!is_timed && (expectation == NULL || !expectation->by_value)))
		return;
	struct point point = {
		.launch = number,
		.series =
			{
				.id = launch->id,
				.quantity = observation->quantity,
				/* Of a curve the whole is compared: its places are no claims. */
				.at = is_knee ? "" : observation->at,
				.unit = observation->unit,
				.timed = is_timed,
				.count = 1,
			},
	};
	if (is_timed && exclude_rule(&launch->trial) != NULL) {
		point.series.count = 0;
		point.series.left_out_count = 1;
	}
	if (is_timed)
		point.figure = shape_figure(
			gathering->pool, is_knee ? VM_SHAPE_KNEE : VM_SHAPE_NONE, observation);
	else
		point.series.reading = values_text(gathering->pool, observation->values,
			observation->values_count, observation->unit);
	points->items = pool_grow(gathering->pool, points->items, points->count, sizeof(point));
	points->items[points->count++] = point;
}

static int by_point(const void *left, const void *right)
{
	const struct point *a = left, *b = right;
	const int order = by_key(&a->series, &b->series);

	return order != 0 ? order : (a->launch > b->launch) - (a->launch < b->launch);
}

/* Readings that differ between launches stand side by side, each once. */
static const char *join_readings(
	struct pool *pool, const struct points *points, size_t first, size_t end)
{
	const char *joined = points->items[first].series.reading;

	for (size_t i = first + 1; i < end; i++) {
		const char *reading = points->items[i].series.reading;
		size_t earlier = first;
		while (strcmp(points->items[earlier].series.reading, reading) != 0)
			earlier++;
		if (earlier == i)
			joined = pool_format(pool, "%s; %s", joined, reading);
	}
	return joined;
}

/* A figure a launch; the places of a curve are summed up within one. */
static void join_figures(
	struct series *series, const struct points *points, size_t first, size_t end)
{
	size_t launch = SIZE_MAX;

	for (size_t i = first; i < end; i++) {
		const struct point *point = &points->items[i];
		if (point->launch != launch) {
			series->count += point->series.count;
			series->left_out_count += point->series.left_out_count;
		}
		launch = point->launch;
		if (point->series.count != 0)
			series->figures[series->count - 1] += point->figure;
	}
	for (size_t i = 0; i < series->count; i++)
		if (series->figures[i] < LEAST_NS)
			series->figures[i] = LEAST_NS;
}

/* All points of one key, from first; returns the index after them. */
static size_t join(const struct points *points, size_t first, struct series_list *list)
{
	struct series series = points->items[first].series;
	size_t end = first;

	while (end < points->count && by_key(&points->items[end].series, &series) == 0)
		end++;
	series.count = series.left_out_count = 0;
	series.figures = pool_take(list->pool, (end - first) * sizeof(double));
	if (series.timed)
		join_figures(&series, points, first, end);
	else
		series.reading = join_readings(list->pool, points, first, end);
	list->items = pool_grow(list->pool, list->items, list->count, sizeof(series));
	list->items[list->count++] = series;
	return end;
}

void series_of_record(struct pool *pool, const struct record *record, struct series_list *list)
{
	struct gathering gathering = {.pool = pool};
	struct points points = {.gathering = &gathering};

	*list = (struct series_list){.pool = pool};
	gather_expectations(&gathering, record);
	for (size_t i = 0; i < record->launches_count; i++) {
		const struct record_launch *launch = &record->launches[i];
		if (launch->trial.end != RECORD_TRIAL_OBSERVED || launch->trial.moved_count != 0)
			continue;
		for (size_t k = 0; k < launch->observations_count; k++)
			add_point(&points, launch, i, &launch->observations[k]);
	}
	if (points.count > 1)
		qsort(points.items, points.count, sizeof(struct point), by_point);
	for (size_t i = 0; i < points.count;)
		i = join(&points, i, list);
}

const struct series *series_find(const struct series_list *list, const struct series *like)
{
	const struct series *found =
		list->count == 0 ? NULL
				 : bsearch(like, list->items, list->count, sizeof(*like), by_key);

	return found != NULL && found->unit == like->unit ? found : NULL;
}
