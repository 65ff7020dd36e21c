/* SPDX-License-Identifier: Apache-2.0 */
/* Curves of one record as the commands of a figure: data, axes, the knees that models predict. */
#ifndef REPORT_CURVE_PLOT_H
#define REPORT_CURVE_PLOT_H

#include "report/curves.h"

struct curve_plot_line {
	const struct curve *curve;
	const char *name; /* as the figure's key has it */
};

struct curve_plot {
	const struct record *record; /* where the predictions are */
	const char *x, *y;	     /* what the axes are; NULL: what the curves say */
	size_t lines_count;
	const struct curve_plot_line *lines; /* one at least; all of numbers, or all of words */
};

/* In the pool. */
const char *curve_plot_commands(struct pool *pool, const struct curve_plot *plot);

#endif
