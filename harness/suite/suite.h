/* SPDX-License-Identifier: Apache-2.0 */
/* Suites: which checks, with which parameters, on which budget. Data, from suites/NAME.yaml. */
#ifndef SUITE_SUITE_H
#define SUITE_SUITE_H

#include <stdbool.h>
#include <stdint.h>

#include "suite/cases.h"

/* Checks that a suite takes: all that match. */
struct suite_choice {
	size_t kinds_count; /* 0: any */
	const char *const *kinds;
	const char *match;  /* PCRE2 over the check's name; NULL: any */
	const char *timing; /* "exact" or "timed"; NULL: both */
};

struct suite_profile {
	const char *name;
	unsigned checks;   /* of one claim, as few as show all claims so often; 0: all */
	unsigned cases;	   /* of one check, at most; 0: all */
	unsigned drawn;	   /* values drawn for a parameter, at most */
	unsigned launches; /* of an exact case, at least */
	unsigned looks;	   /* at timed cases, at most: judge/shape.h */
};

struct suite {
	const char *title;
	size_t checks_count;
	struct suite_choice *checks;
	size_t parameters_count;
	struct case_override *parameters;
	size_t profiles_count;
	struct suite_profile *profiles;
};

/* Whether the name of a suite is a path to one, and not one of the data folder. */
__attribute__((warn_unused_result)) bool suite_is_path(const char *name);

/*
 * name is a suite of the data folder ("exact"), or a path to a file, or to a folder of them. Texts
 * and checks of overrides against the declared parameters: false after one message.
 */
__attribute__((warn_unused_result)) bool suite_load(
	struct pool *pool, const char *name, const struct check_list *checks, struct suite *suite);

bool suite_takes(const struct suite *suite, const struct check *check);

/* NULL after one message that lists the profiles there are. */
const struct suite_profile *suite_profile_named(const struct suite *suite, const char *name);

#endif
