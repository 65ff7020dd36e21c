/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Outcomes in the formats of others: -o FORMAT=PATH. A format is one writer and one row in
 * output.c; PATH - is standard output. Files appear whole or not at all.
 */
#ifndef REPORT_OUTPUT_H
#define REPORT_OUTPUT_H

#include <stdbool.h>
#include <stdio.h>

#include "judge/judge.h"
#include "record/reader.h"

/* What a writer is given. */
struct outcome {
	const struct record *record;
	const struct judgement *judgement;
	const struct record_summary *summary;
};

struct output_format {
	const char *name; /* "record" */
	/* False when something else than writing the stream failed, after one message. */
	bool (*write)(FILE *stream, const struct outcome *outcome);
};

struct output {
	const struct output_format *format;
	const char *path;
};

struct output_list {
	size_t count;
	struct output *items;
};

/* Adds what "FORMAT=PATH" asks for. NULL, or why not. */
const char *output_add(struct pool *pool, struct output_list *outputs, const char *text);

/* Writes them all. False after a message for each that failed. */
bool output_write(const struct output_list *outputs, const struct record *record,
	const struct judgement *judgement, const struct record_summary *summary);

#endif
