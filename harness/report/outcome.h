/* SPDX-License-Identifier: Apache-2.0 */
/* What is reported: a record with its verdicts, fresh from the judge or as the record has them. */
#ifndef REPORT_OUTCOME_H
#define REPORT_OUTCOME_H

#include <stdbool.h>

#include "judge/errata.h"
#include "judge/judge.h"
#include "record/reader.h"

struct outcome {
	const struct record *record;
	const struct judgement *judgement;
	const struct record_summary *summary;
};

struct outcome_list {
	size_t count;
	const struct outcome *items; /* in the order of the command line */
};

/* Verdicts of one claim in one outcome, put together. */
struct claim_digest {
	const char *claim;
	size_t tally[VERDICT_LIMIT];
	size_t cases_count, departs_count;
	enum verdict verdict; /* what a reader has to know first: one deviation makes it one */
	/* Stands for the others: of that verdict, and where the textbook differs if it does. */
	const struct record_verdict *shown;
	size_t members_count;
	const struct record_verdict *const *members;
};

struct digest_list {
	size_t count;
	const struct claim_digest *items; /* by chapter, then by name */
};

/* Which records, and how. */
struct outcome_request {
	size_t paths_count;
	const char *const *paths;
	const char *errata_path;
	bool whole;	       /* with what no report shows */
	size_t observed_count; /* of so many records what figures are drawn from, too */
};

/*
 * Reads records for a report, with the verdicts that they hold; errata have been applied. All in
 * the pool but the records, which the caller drops with outcomes_drop, also after a failure. False
 * after one message.
 */
__attribute__((warn_unused_result)) bool outcomes_read(
	struct pool *pool, const struct outcome_request *request, struct outcome_list *outcomes);

void outcomes_drop(const struct outcome_list *outcomes);

struct digest_list digest_of(struct pool *pool, const struct judgement *judgement);

/* NULL when the outcome has nothing on the claim. */
const struct claim_digest *digest_named(const struct digest_list *digests, const char *claim);

/*
 * The case that teaches where the textbook differs; what stands for all where it does not. One of a
 * probe is about the claim alone; the first difference in a scenario may be about something else.
 */
const struct record_verdict *digest_lesson(const struct claim_digest *digest);

/* The one command that shows the same again: the claim's cases with the same draws. */
const char *outcome_again(struct pool *pool, const struct record_header *header, const char *claim);

/*
 * What linux says beside a textbook that differs. A scenario is many figures, and the one that the
 * textbook misses is among those that agree.
 */
const char *outcome_expected(struct pool *pool, const struct record_verdict *verdict);

/*
 * By how much a single measured number is off what linux says, a number or an interval: "1 more".
 * Empty where no subtraction says it.
 */
const char *outcome_distance(struct pool *pool, const struct record_verdict *verdict);

/*
 * "97.2 % of 2304 pages right, 97.2 % decided": of pages that were predicted one by one, how many
 * came out so, and of how many the model allows one answer only. Empty where there were none.
 */
const char *outcome_exactness(struct pool *pool, const struct record_verdict *verdict);

/* "97.2": never more than it is. */
const char *outcome_percent(struct pool *pool, int64_t part, int64_t whole);

/* Why it is so: the verdict's mechanism, or of a scenario what it is there to show. */
const char *outcome_because(
	struct pool *pool, const struct record *record, const struct record_verdict *verdict);

/* The text of a verdict's scenario; NULL where there is none. */
const char *outcome_script(const struct record *record, const struct record_verdict *verdict);

/* The first characters of the record's own hash: which record a figure is from. */
const char *outcome_id(struct pool *pool, const struct outcome *outcome);

#endif
