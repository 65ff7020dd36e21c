/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Errata: records, or some of their claims, that were found void after they were made. A record is
 * never edited; every report takes out what an erratum says, and says so.
 */
#ifndef JUDGE_ERRATA_H
#define JUDGE_ERRATA_H

#include <stdbool.h>

#include "judge/judge.h"

/* Where the project keeps its own, for data_path(). */
#define ERRATA_FILE "results/errata.yaml"

struct erratum {
	const char *record; /* the hash in its summary, in full */
	const char *claims; /* PCRE2 over claims */
	const char *reason, *link;
};

struct errata_list {
	size_t count;
	const struct erratum *items;
};

/* All in the pool. False after one message: file, line, reason. */
__attribute__((warn_unused_result)) bool errata_load(
	struct pool *pool, const char *path, struct errata_list *list);

/* Verdicts that are void become skips with the erratum's reason, and a note says how many. */
void errata_apply(
	const struct errata_list *errata, const struct record *record, struct judgement *judgement);

#endif
