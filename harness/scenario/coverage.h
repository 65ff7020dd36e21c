/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which rules of the machine the scenarios reach, and what would reach the others. The model runs
 * alone, as on this host with every requirement of a scenario supplied.
 */
#ifndef SCENARIO_COVERAGE_H
#define SCENARIO_COVERAGE_H

#include "suite/check.h"
#include "vm/model.h"

#define COVERAGE_RULES_LIMIT 256

struct coverage_rule {
	size_t cases;	   /* that reach it */
	const char *first; /* the first of them, as an id; NULL: none */
	const char *why;   /* where no case does: what would, or NULL if nothing is known */
};

struct coverage {
	size_t rules_count, reached, unexplained;
	struct coverage_rule rules[COVERAGE_RULES_LIMIT];
};

/* Texts live in the pool. */
void coverage_of(struct pool *pool, const struct check_list *checks, const struct vm_host *host,
	struct coverage *coverage);

/* Why no script reaches the rule, or NULL if one might. */
const char *coverage_beyond_scripts(const char *rule);

#endif
