/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Known deviations: a claim, a condition on host facts, the signature of what deviates, the reason,
 * a link, and an expiry. An entry ages: it no longer occurs, has changed, or has expired, and each
 * of these is said.
 */
#ifndef SUITE_KNOWN_H
#define SUITE_KNOWN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/pool.h"

/* Where the facts of a host must match for an entry to concern it. */
struct known_condition {
	const char *fact;    /* JSON pointer into the facts: "/kernel/release" */
	const char *matches; /* PCRE2 over the value's text */
};

struct known_entry {
	const char *claim;
	size_t when_count;
	const struct known_condition *when;
	const char *signature; /* PCRE2 over "CASE: expected ..., observed ..." */
	const char *reason, *link;
	const char *expires; /* "2027-06-30" */
};

struct known_list {
	size_t count;
	const struct known_entry *items;
};

/* Everything lives in the pool. False after one message: file, line, reason. */
__attribute__((warn_unused_result)) bool known_load(
	struct pool *pool, const char *path, struct known_list *list);

#endif
