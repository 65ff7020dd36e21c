/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a record says of a quantity over its launches: figures where it was timed, the readings
 * themselves where it was counted. Two records are compared, and many are shown, by these.
 */
#ifndef COMPARE_SERIES_H
#define COMPARE_SERIES_H

#include <stdbool.h>
#include <stddef.h>

#include "record/reader.h"

struct series {
	const char *id; /* of the case */
	const char *quantity, *at;
	enum vm_unit unit;
	bool timed;
	/* Timed: a figure for each launch that was used, and how many a declared rule left out. */
	size_t count, left_out_count;
	double *figures;
	/* Counted, and predicted by value: what all launches read, "64 pages". */
	const char *reading;
};

/* Sorted by case, quantity and place. */
struct series_list {
	struct pool *pool;
	size_t count;
	struct series *items;
};

/* Texts of the record are used, not copied. */
void series_of_record(struct pool *pool, const struct record *record, struct series_list *list);

/* Of the same case, quantity, place and unit, or NULL. */
const struct series *series_find(const struct series_list *list, const struct series *like);

#endif
