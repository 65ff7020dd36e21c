/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Observations that are a picture, and are no times: figures of one trial over its clock
 * ("elapsed", and vectors as long), misses over sizes ("misses-lru" at "64"), and what survived
 * ("survivors-hot" at a number of pages).
 */
#ifndef REPORT_CHARTS_H
#define REPORT_CHARTS_H

#include "report/outcome.h"

struct chart_line {
	const char *name;
	size_t count;
	const double *x, *y;
};

struct chart_level {
	const char *name;
	double value;
};

struct chart {
	const char *claim, *summary;
	const char *x_label, *y_label;
	bool wide_x;
	size_t lines_count;
	const struct chart_line *lines;
	size_t levels_count;
	const struct chart_level *levels; /* drawn across: watermarks */
};

struct chart_list {
	size_t count;
	const struct chart *items;
};

struct chart_list charts_of(struct pool *pool, const struct record *record);

#endif
