/* SPDX-License-Identifier: Apache-2.0 */
/* Figures drawn by gnuplot as SVG: one process for all of them, whose bytes depend on nothing but
 * the script. */
#ifndef REPORT_PLOT_H
#define REPORT_PLOT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/pool.h"

struct plot {
	const char *name;     /* letters and digits: prefixes the ids inside the SVG */
	const char *commands; /* of gnuplot, from data to plot */
	size_t rows_count;    /* of its key, or in it: what needs room */
	const char *svg;      /* filled */
};

/* Draws them all. False after one message. */
__attribute__((warn_unused_result)) bool plot_draw(
	struct pool *pool, struct plot *plots, size_t count);

/*
 * A text as gnuplot takes it between quotes: it runs commands in backquotes and reads escapes, so
 * nothing but letters, digits, blanks and a few signs comes through. "%", a format to it, is said.
 */
const char *plot_label(struct pool *pool, const char *text);

#endif
