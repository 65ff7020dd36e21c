/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tables for documents: rows and columns with a text in each cell, made from records alone. A cell
 * knows its place and its records, so that a document can be held against newer ones.
 */
#ifndef REPORT_SHEET_H
#define REPORT_SHEET_H

#include "report/outcome.h"
#include "suite/claims.h"

struct sheet_column {
	const char *name, *title; /* "measured", "Measured" */
	bool numeric;
};

struct sheet_row {
	const char *key; /* of a claim: its id */
	const char *const *cells;
	const char *record; /* outcome_id() of where it is from; "" of several */
};

struct sheet {
	const char *name;
	size_t columns_count;
	const struct sheet_column *columns;
	size_t rows_count;
	const struct sheet_row *rows;
};

/* What sheets are made from. */
struct sheet_source {
	struct pool *pool;
	const struct outcome_list *outcomes;
	struct claim_list claims;
};

/* NULL-ended; those of the ready tables. */
extern const char *const sheet_names[];

/* False when there is none of that name. */
bool sheet_make(const struct sheet_source *source, const char *name, struct sheet *sheet);

/* Only these columns, in this order: "claim,measured". NULL, or the name that the sheet has not. */
const char *sheet_choose(struct pool *pool, struct sheet *sheet, const char *columns);

#endif
