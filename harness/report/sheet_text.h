/* SPDX-License-Identifier: Apache-2.0 */
/* How a cell is written in each format, and the marks that say where it is from. */
#ifndef REPORT_SHEET_TEXT_H
#define REPORT_SHEET_TEXT_H

#include "report/sheet.h"

/* "claims/oom.score/measured", "claims/oom.score": nothing in it ends a comment of any format. */
const char *sheet_cell_mark(
	struct pool *pool, const struct sheet *sheet, size_t row, const char *column);
const char *sheet_row_mark(struct pool *pool, const struct sheet *sheet, size_t row);

/* The comment at the end of a row in Markdown, where one in each cell would hide the table. */
const char *sheet_markdown_mark(struct pool *pool, const struct sheet *sheet, size_t row);

const char *sheet_latex_cell(
	struct pool *pool, const struct sheet *sheet, size_t row, size_t column);
const char *sheet_plot_cell(
	struct pool *pool, const struct sheet *sheet, size_t row, size_t column);

#endif
