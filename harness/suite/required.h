/* SPDX-License-Identifier: Apache-2.0 */
/* What must pass where: a list of claims that a run is held against with --require. */
#ifndef SUITE_REQUIRED_H
#define SUITE_REQUIRED_H

#include <stdbool.h>
#include <stddef.h>

#include "base/pool.h"

struct required_entry {
	const char *claim;
	const char *cases; /* PCRE2 over the ids of the cases that count; NULL: all of them */
};

struct required_list {
	const char *host; /* which host it is about, for people */
	size_t required_count;
	const struct required_entry *required;
};

/* False after one message: file, line, reason. */
__attribute__((warn_unused_result)) bool required_load(
	struct pool *pool, const char *path, struct required_list *list);

#endif
