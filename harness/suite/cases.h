/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From checks to cases: the product of all choices of all parameters and of the values drawn with
 * the seed, less what does not suit this host, in a stable order.
 */
#ifndef SUITE_CASES_H
#define SUITE_CASES_H

#include <stdint.h>

#include "suite/check.h"

/* Replaces the choices of one parameter of one check. */
struct case_override {
	const char *check, *parameter;
	size_t values_count;
	const int64_t *values;
};

struct case_options {
	const struct vm_host *host;
	uint64_t seed;
	unsigned drawn_most; /* values drawn for a parameter, at most */
	unsigned cases_most; /* of one check; more are thinned out by the seed. 0: all */
	size_t overrides_count;
	const struct case_override *overrides;
};

struct case_list {
	struct pool *pool;
	size_t count;
	struct check_case *items;
};

/* check must outlive the list. */
void cases_expand(
	const struct check *check, const struct case_options *options, struct case_list *cases);

/*
 * The case that a record names by the parameters it wrote. False, and why, when today's check has
 * other parameters.
 */
bool case_of_record(struct pool *pool, const struct check *check,
	const struct record_parameters *parameters, struct check_case *check_case,
	const char **why);

/* Whether one of its knobs is to be held at a value while it runs. */
bool case_holds_knob(const struct check_case *check_case);

/* The parameters of a case as records write them. */
struct record_parameters case_parameters(struct pool *pool, const struct check_case *check_case);

/*
 * "demand.first-touch[pages=64]", and "scenario:demand.first-touch[pages=64]" for what is no probe:
 * checks of different kinds may have one name.
 */
const char *case_id(struct pool *pool, const char *kind, const char *check,
	const struct record_parameters *parameters);

#endif
