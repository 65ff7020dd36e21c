/* SPDX-License-Identifier: Apache-2.0 */
/* The report on a terminal: the verdict line first, then what needs a reader, then everything. */
#ifndef REPORT_REPORT_H
#define REPORT_REPORT_H

#include <stdbool.h>

#include "judge/judge.h"
#include "judge/standard.h"
#include "record/reader.h"

struct report_options {
	bool verbose;		      /* a row for each case, and what was timed as a picture */
	struct shortfalls shortfalls; /* of what was asked for */
};

/* On standard output. */
void report_terminal(const struct record *record, const struct judgement *judgement,
	const struct record_summary *summary, const struct report_options *options);

#endif
