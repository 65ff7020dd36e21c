/* SPDX-License-Identifier: Apache-2.0 */
/* The writers behind -o FORMAT=PATH, one a file; output.c has the table. */
#ifndef REPORT_FORMATS_H
#define REPORT_FORMATS_H

#include "report/output.h"

/* google-benchmark's JSON: an entry for each launch of what the clock measured. */
bool gbench_output(FILE *stream, const struct outcome_list *outcomes);
/* One self-contained page. */
bool html_output(FILE *stream, const struct outcome_list *outcomes);
/* The dialect of JUnit that strict readers take too. */
bool junit_output(FILE *stream, const struct outcome_list *outcomes);
/* KernelCI's common report database, schema 5.3. */
bool kcidb_output(FILE *stream, const struct outcome_list *outcomes);
/* The kernel's own TAP, nested: chapter, claim, case. */
bool ktap_output(FILE *stream, const struct outcome_list *outcomes);
/* A summary to be read on a page of a CI job. */
bool markdown_output(FILE *stream, const struct outcome_list *outcomes);
/* The lines of the record, with the verdicts of this judgement. */
bool record_output(FILE *stream, const struct outcome_list *outcomes);
/* TAP 13, flat. */
bool tap_output(FILE *stream, const struct outcome_list *outcomes);

#endif
