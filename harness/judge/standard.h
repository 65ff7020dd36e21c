/* SPDX-License-Identifier: Apache-2.0 */
/* A judgement held against what was asked for: a list of required passes, an earlier record. */
#ifndef JUDGE_STANDARD_H
#define JUDGE_STANDARD_H

#include "judge/judge.h"
#include "suite/required.h"

/* What falls short, a sentence each. */
struct shortfalls {
	struct pool *pool;
	size_t count;
	const char **items;
};

/* Each claim has a case that passed, and no case that counts did anything else. */
void standard_require(const struct required_list *list, const struct judgement *judgement,
	struct shortfalls *shortfalls);

/*
 * No case that the baseline has is worse than there; a pass that became skip or inconclusive is.
 * selection: PCRE2 over claims that this run was confined to, or NULL.
 */
void standard_baseline(const struct record *baseline, const char *selection,
	const struct judgement *judgement, struct shortfalls *shortfalls);

/* The same of what both have: what was not run is nobody's shortfall. */
void standard_compare(const struct record *before, const struct judgement *judgement,
	struct shortfalls *shortfalls);

#endif
