/* SPDX-License-Identifier: Apache-2.0 */
/* The table of all verdicts: by chapter, cases with one outcome folded into a row. */
#ifndef REPORT_TABLE_H
#define REPORT_TABLE_H

#include <stdbool.h>
#include <stdio.h>

#include "judge/judge.h"

struct table_options {
	bool every_case;
	bool colour;
	size_t width; /* 0: as wide as need be */
};

void table_print(
	FILE *stream, const struct judgement *judgement, const struct table_options *options);

#endif
