/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two or more records side by side: what was counted must be the same, what was timed is decided by
 * compare/decide.h, and no verdict may have become worse. Everything is held against the first.
 */
#ifndef COMPARE_COMPARE_H
#define COMPARE_COMPARE_H

#include "compare/decide.h"
#include "compare/series.h"
#include "judge/standard.h"

/* One timed quantity in two records. */
struct compare_time {
	const struct series *before, *after;
	size_t record; /* index of after's, from 1 */
	struct decide_row decision;
};

/* One counted quantity that is not what it was. */
struct compare_count {
	const struct series *before, *after;
	size_t record;
};

struct comparison {
	struct pool *pool;
	size_t times_count;
	struct compare_time *times;
	size_t counts_same, counts_changed;
	struct compare_count *counts;
	/* In one of the records alone: nothing can be said of them. */
	size_t unmatched;
	struct shortfalls verdicts; /* that became worse, "LABEL: ..." */
};

/* records[0] is what the others are held against. same: another record of the first's, or NULL. */
void compare_records(struct pool *pool, const struct record *const *records, size_t records_count,
	const struct record *same, uint64_t seed, struct comparison *comparison);

/* One record with itself, every other launch against those between: nothing should come out. */
void compare_halves(struct pool *pool, const struct record *record, uint64_t seed,
	struct comparison *comparison);

/* Whether a time became longer, or a verdict worse. */
bool compare_is_worse(const struct comparison *comparison);
size_t compare_tally(const struct comparison *comparison, enum decide_answer answer);

/* What two hosts differ in. */
struct compare_difference {
	const char *name, *before, *after;
	bool unlike; /* another machine, not another kernel or setting of it */
};

/* NULL after one message when facts cannot be read. */
struct compare_difference *compare_hosts(
	struct pool *pool, const struct record *before, const struct record *after, size_t *count);

#endif
