/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows of numbers and words, on their way out: as a table for people, as JSON Lines, or as CSV.
 * JSON Lines and CSV are written row by row; a table when it is closed, since widths need all rows.
 */
#ifndef MODEL_SHEET_H
#define MODEL_SHEET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum sheet_format { SHEET_TEXT, SHEET_JSON, SHEET_CSV, SHEET_FORMAT_LIMIT };

#define SHEET_COLUMNS_LIMIT 24

/* text: the column holds words; else numbers. */
struct sheet_column {
	const char *name;
	bool text;
};

struct sheet {
	enum sheet_format format;
	size_t columns_count;
	const struct sheet_column *columns;
	void *table; /* of libsmartcols */
};

/* A cell of a text column has a text, of a number column a number; text "" is an empty cell. */
struct sheet_cell {
	const char *text;
	uint64_t number;
};

#define SHEET_NUMBER(value) ((struct sheet_cell){NULL, (value)})
#define SHEET_WORD(word)    ((struct sheet_cell){(word), 0})

void sheet_open(struct sheet *sheet, enum sheet_format format, const struct sheet_column *columns,
	size_t columns_count);
/* One cell for each column. */
void sheet_row(struct sheet *sheet, const struct sheet_cell *cells);
/* Writes what is left to stdout. */
void sheet_close(struct sheet *sheet);

#endif
