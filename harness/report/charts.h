/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Observations that are a picture, and are no times: figures of one trial over its clock
 * ("elapsed", and vectors as long) or over its looks ("series" at "free", and counters at other
 * places), with the marks "min", "low" and "high" across; misses over sizes ("misses-lru" at "64"),
 * and which pages are still there ("resident", a truth value a page).
 */
#ifndef REPORT_CHARTS_H
#define REPORT_CHARTS_H

#include "report/outcome.h"

struct chart_line {
	const char *name;
	size_t count;
	const double *x, *y;
	bool is_events; /* points where something happened, and no line */
};

struct chart_level {
	const char *name;
	double value;
};

/* Pages in a row, and the runs of them that are there. */
struct chart_row {
	const char *name;
	size_t pages_count, resident_count;
	size_t runs_count;
	const double *first, *last; /* of each run */
};

struct chart {
	const char *claim, *title, *see, *summary;
	const char *x_label, *y_label;
	bool wide_x;   /* sizes that a logarithm shows */
	bool is_ratio; /* y is from 0 to 1 */
	size_t lines_count;
	const struct chart_line *lines;
	size_t levels_count;
	const struct chart_level *levels; /* drawn across: watermarks */
	size_t rows_count;
	const struct chart_row *rows; /* instead of lines */
};

struct chart_list {
	size_t count;
	const struct chart *items;
};

struct chart_list charts_of(struct pool *pool, const struct record *record);

#endif
