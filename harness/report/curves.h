/* SPDX-License-Identifier: Apache-2.0 */
/* What the clock measured: a median a launch, and over the launches a median with its interval. */
#ifndef REPORT_CURVES_H
#define REPORT_CURVES_H

#include "report/outcome.h"

/* The interval of a median misses it with this probability at most. */
#define CURVES_ERROR 0.05

struct curve_point {
	const char *at; /* as observed: "96", "4 MiB", "minor" */
	double place;	/* its number in the unit's base, or its order, where it is a word */
	size_t launches_count;
	const double *launches_ns; /* medians, in the order of the launches */
	double median_ns, low_ns, high_ns;
};

/* One quantity of one case over its places. */
struct curve {
	const char *case_id, *probe, *claim, *quantity;
	int64_t batch;	  /* operations that a time is for, where the trial says it; or 1 */
	bool numeric;	  /* all places are numbers */
	const char *unit; /* of the places: "bytes", "" */
	size_t points_count;
	const struct curve_point *points; /* by place */
};

struct curve_list {
	size_t count;
	const struct curve *items; /* in the order of the record */
};

struct curve_list curves_of(struct pool *pool, const struct record *record);

/* "4 MiB" is 4194304, "96" is 96; false when it is no number. */
bool curve_place(const char *at, double *place, bool *is_bytes);

#endif
