/* SPDX-License-Identifier: Apache-2.0 */
/* Colour where it is wanted: never the only sign of anything. */
#ifndef REPORT_STYLE_H
#define REPORT_STYLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/pool.h"

/*
 * Whether this stream gets colours: a terminal that is not dumb, and NO_COLOR unset or empty.
 * FORCE_COLOR and CLICOLOR_FORCE turn it on elsewhere; NO_COLOR is the stronger word.
 */
bool style_has_colour(FILE *stream);

/* The name of a colour for libsmartcols, or NULL for none, by the word of a verdict or textbook. */
const char *style_of_word(const char *word);

/* The word in its colour, or bare. */
const char *style_paint(struct pool *pool, const char *word, bool colour);
const char *style_bold(struct pool *pool, const char *text, bool colour);

/* Text of somebody else's record: control characters come out as '?'. */
const char *style_plain(struct pool *pool, const char *text);

/* Columns of the stream's terminal, or 0 when it is none. */
size_t style_width(FILE *stream);

/* Prints text in lines of at most width (0: no limit), each behind indent spaces. */
void style_wrap(FILE *stream, const char *text, size_t indent, size_t width);

#endif
