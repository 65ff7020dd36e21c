/* SPDX-License-Identifier: Apache-2.0 */
/* A finished record, of whenever and wherever, judged by the models of this program. */
#ifndef JUDGE_AGAIN_H
#define JUDGE_AGAIN_H

#include "base/exit.h"
#include "judge/judge.h"

/* What there is to report. */
struct judged {
	struct pool *pool;
	struct record record; /* dropped by the caller */
	struct judgement judgement;
	struct record_summary summary; /* the record's, with the notes of this judgement */
};

/*
 * descriptor: open at the record's start, or -1 for path itself ("-": standard input). exchange:
 * as in judge_options. EXIT_CONFORMS when it is judged, whatever the verdicts; else after one
 * message EXIT_MISUSED for a record that does not hold, EXIT_DEFECTIVE for trouble of our own.
 */
__attribute__((warn_unused_result)) enum exit_status judge_again(
	int descriptor, const char *path, bool exchange, struct judged *judged);

/*
 * The same for what there is of a record that breaks off behind its seal, because of stopped_by:
 * what had no trial yet has no verdict.
 */
__attribute__((warn_unused_result)) enum exit_status judge_partial(
	int descriptor, const char *path, const char *stopped_by, struct judged *judged);

#endif
