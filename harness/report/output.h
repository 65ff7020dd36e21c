/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Outcomes in the formats of others: -o FORMAT=PATH. A format is one writer and one row in
 * output.c; PATH - is standard output. Files appear whole or not at all.
 */
#ifndef REPORT_OUTPUT_H
#define REPORT_OUTPUT_H

#include <stdbool.h>
#include <stdio.h>

#include "report/outcome.h"

struct output_format {
	const char *name; /* "record" */
	/* False when something else than writing the stream failed, after one message. */
	bool (*write)(FILE *stream, const struct outcome_list *outcomes);
	bool one_only;	       /* has no words for several records */
	bool whole;	       /* needs every line of the record */
	size_t observed_count; /* draws or lists what was observed, of so many records */
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

/* "html, record, ..." */
const char *output_names(struct pool *pool);

/* Whether one of them needs every line of the record. */
bool output_needs_whole(const struct output_list *outputs);

/* Of how many records one of them needs the observations. */
size_t output_observed_count(const struct output_list *outputs);

/* Whether one goes to standard output, where nothing else then belongs. */
bool output_takes_stdout(const struct output_list *outputs);

/* Writes them all. False after a message for each that failed. */
bool output_write(const struct output_list *outputs, const struct outcome_list *outcomes);

/* "Written: html to report.html", a line for each file. */
void output_tell(const struct output_list *outputs, FILE *stream);

#endif
