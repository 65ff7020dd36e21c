/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sheets as LaTeX, Markdown, CSV, HTML, macros and pgfplots data. Each cell carries its provenance
 * in a comment, "mm TABLE/ROW/COLUMN RECORD"; where a line is to be read or has no room for
 * comments (Markdown, CSV, pgfplots) it carries one for its cells, "mm TABLE/ROW RECORD". By these
 * marks a document that holds cells is held against records.
 */
#ifndef REPORT_SHEET_WRITE_H
#define REPORT_SHEET_WRITE_H

#include <stdio.h>

#include "report/sheet.h"

/* False when there is no such format. */
bool sheet_write(FILE *stream, struct pool *pool, const struct sheet *sheet, const char *format);

/* "latex, markdown, ...". */
extern const char sheet_formats[];

/*
 * Holds every cell that a mark in the text is of against the sheets, and prints PATH:LINE: CELL:
 * why for each that is stale or that no sheet has. Returns how many; *cells_count: of how many.
 */
size_t sheet_verify(FILE *stream, struct pool *pool, const struct sheet *sheets,
	size_t sheets_count, const char *path, const char *text, size_t *cells_count);

#endif
