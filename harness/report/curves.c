/* SPDX-License-Identifier: Apache-2.0 */
#include "report/curves.h"

#include <stdlib.h>
#include <string.h>

#include "judge/exclude.h"
#include "judge/shape.h"
#include "judge/statistics.h"

/* Words stand behind all numbers. */
#define PLACE_OF_WORDS 1e18

/* One curve in the making. */
struct draft {
	struct curve curve;
	struct curve_point *points;
};

struct drafts {
	struct pool *pool;
	size_t count;
	struct draft *items;
};

bool curve_place(const char *at, double *place, bool *is_bytes)
{
	static const struct {
		const char *unit;
		double bytes;
	} units[] = {
		{" bytes", 1},
		{" KiB", (double)(1 << 10)},
		{" MiB", (double)(1 << 20)},
		{" GiB", (double)(1 << 30)},
	};
	char *end = NULL;
	const double number = strtod(at, &end);

	if (end == at || number < 0 || strspn(at, "0123456789.") == 0)
		return false;
	*is_bytes = *end != '\0';
	*place = number;
	if (!*is_bytes)
		return true;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (strcmp(end, units[i].unit) == 0) {
			*place = number * units[i].bytes;
			return true;
		}
	return false;
}

static const char *claim_of(const struct record *record, const struct record_launch *launch)
{
	for (size_t i = 0; i < record->verdicts_count; i++)
		if (strcmp(record->verdicts[i].probe, launch->trial.probe) == 0 &&
			strcmp(record->verdicts[i].kind, launch->trial.kind) == 0)
			return record->verdicts[i].claim;
	return launch->trial.probe;
}

/* "batch": how many operations each time of the trial is for. */
static int64_t batch_of(const struct record_launch *launch)
{
	for (size_t i = 0; i < launch->observations_count; i++)
		if (strcmp(launch->observations[i].quantity, "batch") == 0 &&
			launch->observations[i].unit == VM_UNIT_COUNT &&
			launch->observations[i].values_count == 1 &&
			launch->observations[i].values[0] > 0)
			return launch->observations[i].values[0];
	return 1;
}

static struct draft *draft_for(struct drafts *drafts, const struct record *record,
	const struct record_launch *launch, const char *quantity)
{
	for (size_t i = 0; i < drafts->count; i++)
		if (strcmp(drafts->items[i].curve.quantity, quantity) == 0 &&
			strcmp(drafts->items[i].curve.case_id, launch->id) == 0)
			return &drafts->items[i];
	drafts->items =
		pool_grow(drafts->pool, drafts->items, drafts->count, sizeof(drafts->items[0]));
	drafts->items[drafts->count] = (struct draft){
		.curve = {.case_id = launch->id,
			.probe = launch->trial.probe,
			.batch = batch_of(launch),
			.claim = claim_of(record, launch),
			.quantity = quantity,
			.unit = "",
			.numeric = true},
	};
	return &drafts->items[drafts->count++];
}

static struct curve_point *point_for(struct pool *pool, struct draft *draft, const char *at)
{
	struct curve *curve = &draft->curve;
	bool is_bytes = false;

	for (size_t i = 0; i < curve->points_count; i++)
		if (strcmp(draft->points[i].at, at) == 0)
			return &draft->points[i];
	draft->points = pool_grow(pool, draft->points, curve->points_count, sizeof(*draft->points));
	struct curve_point *point = &draft->points[curve->points_count++];
	*point = (struct curve_point){.at = at};
	if (!curve_place(at, &point->place, &is_bytes)) {
		curve->numeric = false;
		point->place = PLACE_OF_WORDS;
	} else if (is_bytes)
		curve->unit = "bytes";
	return point;
}

/* Where a knee is looked for, a launch's figure of a place is another one. */
static bool has_knee(const struct record *record, const char *probe)
{
	for (size_t i = 0; i < record->predictions_count; i++)
		for (size_t k = 0; k < record->predictions[i].expect_count; k++) {
			const struct record_expect *expect = &record->predictions[i].expect[k];
			if (strcmp(record->predictions[i].probe, probe) == 0 &&
				expect->shape != NULL && strcmp(expect->shape, "knee") == 0)
				return true;
		}
	return false;
}

static void take(struct drafts *drafts, const struct record *record,
	const struct record_launch *launch, const struct record_observation *observation)
{
	struct draft *draft = draft_for(drafts, record, launch, observation->quantity);
	struct curve_point *point = point_for(drafts->pool, draft, observation->at);
	const bool knee = has_knee(record, launch->trial.probe);
	double *launches = pool_grow(
		drafts->pool, point->launches_ns, point->launches_count, sizeof(*launches));
	launches[point->launches_count++] =
		shape_figure(drafts->pool, knee ? VM_SHAPE_KNEE : VM_SHAPE_NONE, observation);
	point->launches_ns = launches;
}

static int by_place(const void *left, const void *right)
{
	const struct curve_point *a = left, *b = right;

	return (a->place > b->place) - (a->place < b->place);
}

/* In the order in which a prediction names them. */
static void order_words(const struct record *record, struct draft *draft)
{
	for (size_t i = 0; i < record->predictions_count; i++)
		for (size_t k = 0; k < record->predictions[i].expect_count; k++) {
			const struct record_expect *expect = &record->predictions[i].expect[k];
			if (strcmp(expect->quantity, draft->curve.quantity) != 0)
				continue;
			for (size_t p = 0; p < draft->curve.points_count; p++)
				for (size_t n = 0; n < expect->inputs_count; n++)
					if (draft->points[p].place >= PLACE_OF_WORDS &&
						strcmp(expect->inputs[n], draft->points[p].at) == 0)
						draft->points[p].place =
							PLACE_OF_WORDS * (double)(n + 2);
		}
}

static void finish(const struct record *record, struct draft *draft)
{
	struct curve *curve = &draft->curve;

	if (!curve->numeric)
		order_words(record, draft);
	qsort(draft->points, curve->points_count, sizeof(*draft->points), by_place);
	for (size_t i = 0; i < curve->points_count && !curve->numeric; i++)
		draft->points[i].place = (double)i;
	for (size_t i = 0; i < curve->points_count; i++) {
		struct curve_point *point = &draft->points[i];
		const struct statistics_interval interval = statistics_median_interval(
			point->launches_ns, point->launches_count, CURVES_ERROR);
		point->median_ns = statistics_median(point->launches_ns, point->launches_count);
		point->low_ns = interval.known ? interval.low : point->median_ns;
		point->high_ns = interval.known ? interval.high : point->median_ns;
	}
	curve->points = draft->points;
}

struct curve_list curves_of(struct pool *pool, const struct record *record)
{
	struct drafts drafts = {.pool = pool};

	for (size_t i = 0; i < record->launches_count; i++) {
		const struct record_launch *launch = &record->launches[i];
		if (exclude_rule(&launch->trial) != NULL)
			continue;
		for (size_t k = 0; k < launch->observations_count; k++)
			if (launch->observations[k].unit == VM_UNIT_NS &&
				launch->observations[k].values_count != 0)
				take(&drafts, record, launch, &launch->observations[k]);
	}
	struct curve *curves = pool_take(pool, (drafts.count + 1) * sizeof(*curves));
	for (size_t i = 0; i < drafts.count; i++) {
		finish(record, &drafts.items[i]);
		curves[i] = drafts.items[i].curve;
	}
	return (struct curve_list){drafts.count, curves};
}
