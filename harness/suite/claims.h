/* SPDX-License-Identifier: Apache-2.0 */
/* The catalogue of claims (suites/claims.yaml), and which of it is shown by which check. */
#ifndef SUITE_CLAIMS_H
#define SUITE_CLAIMS_H

#include <stdbool.h>
#include <stddef.h>

#include "suite/check.h"

/* How a claim is shown; the file explains the letters. */
#define CLAIM_LETTERS "SFBTVM"

struct claim {
	const char *id; /* "cow.writer-pays" */
	const char *statement;
	size_t checks_count;
	const char *const *checks; /* letters, one a text */
	size_t sources_count;
	const char *const *sources;
	const char *textbook; /* what a source says instead; NULL: the same */
};

struct claim_list {
	size_t count;
	const struct claim *items; /* in the order of the file: by chapter */
};

/* False after one message: file, line, reason. */
__attribute__((warn_unused_result)) bool claims_load(
	struct pool *pool, const char *path, struct claim_list *claims);

/* NULL when there is none. */
const struct claim *claim_named(const struct claim_list *claims, const char *id);

/* "Address translation" for any id that starts with "xlate."; NULL for an unknown chapter. */
const char *claim_chapter(const char *id);
/* The place of its chapter in the order of the course; unknown ones are last. */
size_t claim_chapter_order(const char *id);

/* Whether the check declares the claim. */
bool claim_declared(const struct claim *claim, const struct check *check);
/* Whether the check shows the claim in the way of that letter. */
bool claim_shown(const struct claim *claim, const struct check *check, char letter);

/* Whether all claims that checks declare are in the catalogue; one message for the first not. */
__attribute__((warn_unused_result)) bool claims_known(
	const struct claim_list *claims, const struct check_list *checks);

#endif
