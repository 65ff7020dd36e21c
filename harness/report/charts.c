/* SPDX-License-Identifier: Apache-2.0 */
#include "report/charts.h"

#include <string.h>

#include "report/curves.h"
#include "vm/units.h"

#define NS_PER_MS    1e6
#define SIZES_SPREAD 8

struct gathering {
	struct pool *pool;
	const struct record *record;
	size_t count;
	struct chart *items;
};

static const char *claim_of(const struct record *record, const struct record_launch *launch)
{
	for (size_t i = 0; i < record->verdicts_count; i++)
		if (strcmp(record->verdicts[i].probe, launch->trial.probe) == 0 &&
			strcmp(record->verdicts[i].kind, launch->trial.kind) == 0)
			return record->verdicts[i].claim;
	return launch->trial.probe;
}

static void keep(struct gathering *gathering, const struct chart *chart)
{
	gathering->items = pool_grow(
		gathering->pool, gathering->items, gathering->count, sizeof(gathering->items[0]));
	gathering->items[gathering->count++] = *chart;
}

static double *doubles(
	struct pool *pool, const struct record_observation *observation, double scale)
{
	double *values = pool_take(pool, observation->values_count * sizeof(*values));

	for (size_t i = 0; i < observation->values_count; i++)
		values[i] = (double)observation->values[i] * scale;
	return values;
}

static const char *line_name(struct pool *pool, const struct record_observation *observation)
{
	return observation->at[0] == '\0'
		       ? observation->quantity
		       : pool_format(pool, "%s, %s", observation->quantity, observation->at);
}

static void add_line(struct pool *pool, struct chart *chart, const struct chart_line *line)
{
	struct chart_line *lines =
		pool_grow(pool, chart->lines, chart->lines_count, sizeof(*lines));

	lines[chart->lines_count++] = *line;
	chart->lines = lines;
}

/* --- over the clock of a trial --------------------------------------------------------------- */

static const struct record_observation *clock_of(const struct record_launch *launch)
{
	for (size_t i = 0; i < launch->observations_count; i++)
		if (strcmp(launch->observations[i].quantity, "elapsed") == 0 &&
			launch->observations[i].unit == VM_UNIT_NS &&
			launch->observations[i].values_count > 1)
			return &launch->observations[i];
	return NULL;
}

static bool is_mark(const char *quantity)
{
	return strcmp(quantity, "min") == 0 || strcmp(quantity, "low") == 0 ||
	       strcmp(quantity, "high") == 0;
}

static void add_level(
	struct pool *pool, struct chart *chart, const struct record_observation *observation)
{
	struct chart_level *levels =
		pool_grow(pool, chart->levels, chart->levels_count, sizeof(*levels));

	levels[chart->levels_count++] =
		(struct chart_level){line_name(pool, observation), (double)observation->values[0]};
	chart->levels = levels;
}

static void name_watermarks(struct chart *chart)
{
	if (chart->levels_count == 0)
		return;
	chart->title = "Free pages against the watermarks";
	chart->see = "kswapd wakes below low and works up to high; who allocates at min has to "
		     "reclaim for itself.";
}

static void take_clock(struct gathering *gathering, const struct record_launch *launch)
{
	const struct record_observation *clock = clock_of(launch);
	struct chart chart = {
		.claim = claim_of(gathering->record, launch),
		.title = "Over the time of a trial",
		.see = "",
		.x_label = "time in the trial, ms",
		.y_label = "",
		.summary = pool_format(gathering->pool, "One trial of %s.", launch->id),
	};

	if (clock == NULL)
		return;
	const double *x = doubles(gathering->pool, clock, 1 / NS_PER_MS);
	for (size_t i = 0; i < launch->observations_count; i++) {
		const struct record_observation *item = &launch->observations[i];
		if (item == clock || item->values_count == 0)
			continue;
		if (is_mark(item->quantity))
			add_level(gathering->pool, &chart, item);
		else if (item->values_count == clock->values_count) {
			chart.y_label = vm_unit_word(item->unit);
			add_line(gathering->pool, &chart,
				&(struct chart_line){line_name(gathering->pool, item),
					item->values_count, x, doubles(gathering->pool, item, 1),
					false});
		}
	}
	name_watermarks(&chart);
	if (chart.lines_count != 0)
		keep(gathering, &chart);
}

/* --- over the looks of a trial --------------------------------------------------------------- */

/* Where the counter is higher than at the look before: the line's points there. */
static void add_events(struct pool *pool, struct chart *chart, const struct chart_line *line,
	const struct record_observation *counter)
{
	double *x = pool_take(pool, (line->count + 1) * sizeof(*x));
	double *y = pool_take(pool, (line->count + 1) * sizeof(*y));
	size_t count = 0;

	for (size_t i = 1; i < line->count; i++)
		if (counter->values[i] > counter->values[i - 1]) {
			x[count] = line->x[i];
			y[count++] = line->y[i];
		}
	if (count != 0)
		add_line(pool, chart, &(struct chart_line){counter->at, count, x, y, true});
}

static const struct record_observation *free_series_of(const struct record_launch *launch)
{
	for (size_t i = 0; i < launch->observations_count; i++)
		if (strcmp(launch->observations[i].quantity, "series") == 0 &&
			launch->observations[i].unit == VM_UNIT_PAGES &&
			launch->observations[i].values_count > 1)
			return &launch->observations[i];
	return NULL;
}

static void take_series(struct gathering *gathering, const struct record_launch *launch)
{
	struct pool *pool = gathering->pool;
	const struct record_observation *series = free_series_of(launch);
	struct chart chart = {
		.claim = claim_of(gathering->record, launch),
		.title = "Over the looks of a trial",
		.see = "",
		.x_label = "looks, in the order of time",
		.y_label = "pages",
		.summary = pool_format(pool, "One trial of %s.", launch->id),
	};

	if (series == NULL)
		return;
	double *x = pool_take(pool, series->values_count * sizeof(*x));
	for (size_t i = 0; i < series->values_count; i++)
		x[i] = (double)i;
	const struct chart_line line = {
		series->at, series->values_count, x, doubles(pool, series, 1), false};
	add_line(pool, &chart, &line);
	for (size_t i = 0; i < launch->observations_count; i++) {
		const struct record_observation *item = &launch->observations[i];
		if (is_mark(item->quantity) && item->values_count != 0)
			add_level(pool, &chart, item);
		else if (strcmp(item->quantity, "series") == 0 && item->unit == VM_UNIT_COUNT &&
			 item->values_count == line.count)
			add_events(pool, &chart, &line, item);
	}
	name_watermarks(&chart);
	keep(gathering, &chart);
}

/* --- which pages are still there ------------------------------------------------------------- */

static struct chart_row row_of(struct pool *pool, const struct record_observation *item)
{
	double *first = pool_take(pool, (item->values_count + 1) * sizeof(*first));
	double *last = pool_take(pool, (item->values_count + 1) * sizeof(*last));
	struct chart_row row = {.pages_count = item->values_count, .first = first, .last = last};

	for (size_t i = 0; i < item->values_count; i++) {
		if (item->values[i] == 0)
			continue;
		row.resident_count++;
		if (i == 0 || item->values[i - 1] == 0)
			first[row.runs_count++] = (double)i;
		last[row.runs_count - 1] = (double)(i + 1);
	}
	row.name =
		pool_format(pool, "%s, %zu of %zu", item->at, row.resident_count, row.pages_count);
	return row;
}

static void take_residents(struct gathering *gathering, const struct record_launch *launch)
{
	struct pool *pool = gathering->pool;
	struct chart_row *rows = NULL;
	struct chart chart = {
		.claim = claim_of(gathering->record, launch),
		.title = pool_format(pool, "Which pages survive: %s", launch->id),
		.see = "Filled: still in memory at that look. What was used once goes before what "
		       "was used again.",
		.x_label = "page",
		.y_label = "",
		.summary = "One trial.",
	};

	for (size_t i = 0; i < launch->observations_count; i++) {
		const struct record_observation *item = &launch->observations[i];
		if (strcmp(item->quantity, "resident") != 0 || item->unit != VM_UNIT_BOOL ||
			item->values_count < 2)
			continue;
		rows = pool_grow(pool, rows, chart.rows_count, sizeof(*rows));
		rows[chart.rows_count++] = row_of(pool, item);
	}
	chart.rows = rows;
	if (chart.rows_count != 0)
		keep(gathering, &chart);
}

/* --- counts over sizes ----------------------------------------------------------------------- */

/* Adds a point to the line of that name. */
static void add_point(struct pool *pool, struct chart *chart, const char *name, double x, double y)
{
	size_t at = 0;

	while (at < chart->lines_count && strcmp(chart->lines[at].name, name) != 0)
		at++;
	if (at == chart->lines_count)
		add_line(pool, chart, &(struct chart_line){.name = name});
	struct chart_line *line = (struct chart_line *)&chart->lines[at];
	double *xs = pool_grow(pool, line->x, line->count, sizeof(*xs));
	double *ys = pool_grow(pool, line->y, line->count, sizeof(*ys));
	size_t place = line->count;
	for (; place > 0 && xs[place - 1] > x; place--) {
		xs[place] = xs[place - 1];
		ys[place] = ys[place - 1];
	}
	xs[place] = x;
	ys[place] = y;
	line->x = xs;
	line->y = ys;
	line->count++;
}

/* Of cases that differ in what was drawn for them one picture is enough. */
static bool is_kept(const struct gathering *gathering, const struct chart *chart)
{
	for (size_t i = 0; i < gathering->count; i++)
		if (strcmp(gathering->items[i].title, chart->title) == 0 &&
			strcmp(gathering->items[i].claim, chart->claim) == 0)
			return true;
	return false;
}

static double references_of(const struct record_launch *launch)
{
	for (size_t i = 0; i < launch->observations_count; i++)
		if (strcmp(launch->observations[i].quantity, "references") == 0 &&
			launch->observations[i].values_count == 1 &&
			launch->observations[i].values[0] > 0)
			return (double)launch->observations[i].values[0];
	return 1;
}

static void take_misses(struct gathering *gathering, const struct record_launch *launch)
{
	static const char start[] = "misses-";
	const double references = references_of(launch);
	struct chart chart = {
		.claim = claim_of(gathering->record, launch),
		.title = "Misses by size of memory",
		.see = "No policy is below the optimum; where a curve climbs with more frames, "
		       "that is Belady's anomaly.",
		.x_label = "frames",
		.y_label = references > 1 ? "misses a reference" : "misses",
		.is_ratio = references > 1,
		.summary = pool_format(gathering->pool, "One trial of %s.", launch->id),
	};

	for (size_t i = 0; i < launch->observations_count; i++) {
		const struct record_observation *item = &launch->observations[i];
		double place = 0;
		bool is_bytes = false;
		if (strncmp(item->quantity, start, strlen(start)) != 0 || item->values_count == 0 ||
			!curve_place(item->at, &place, &is_bytes))
			continue;
		add_point(gathering->pool, &chart, item->quantity + strlen(start), place,
			(double)item->values[0] / references);
	}
	for (size_t i = 0; i < chart.lines_count; i++) {
		const struct chart_line *line = &chart.lines[i];
		chart.wide_x =
			chart.wide_x ||
			(line->x[0] > 0 && line->x[line->count - 1] / line->x[0] > SIZES_SPREAD);
	}
	if (chart.lines_count != 0 && chart.lines[0].count > 1 && !is_kept(gathering, &chart))
		keep(gathering, &chart);
}

struct chart_list charts_of(struct pool *pool, const struct record *record)
{
	struct gathering gathering = {.pool = pool, .record = record};

	for (size_t i = 0; i < record->launches_count; i++) {
		const struct record_launch *launch = &record->launches[i];
		/* One launch of a case is drawn: the first. */
		if (launch->trial.launch != 1)
			continue;
		take_clock(&gathering, launch);
		take_series(&gathering, launch);
		take_misses(&gathering, launch);
		take_residents(&gathering, launch);
	}
	return (struct chart_list){gathering.count, gathering.items};
}
