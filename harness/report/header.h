/* SPDX-License-Identifier: Apache-2.0 */
/* The verdict line, and the six lines that say which host and which run it is about. */
#ifndef REPORT_HEADER_H
#define REPORT_HEADER_H

#include <stdio.h>

#include "judge/judge.h"
#include "record/reader.h"

/* "0 deviations, 0 errors: 212 pass, 3 skip - 4.1 s". */
const char *header_verdict_line(struct pool *pool, const struct judgement *judgement,
	const struct record_summary *summary, bool colour);

/* The six lines that say which host and which run it is. */
#define HEADER_LINES_COUNT 6

struct header_line {
	const char *name, *text;
};

/* How many were filled: none when the facts cannot be read. */
size_t header_lines(struct pool *pool, const struct record *record,
	struct header_line lines[HEADER_LINES_COUNT]);

void header_print(FILE *stream, const struct record *record);

#endif
