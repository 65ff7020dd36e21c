/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Verdicts from a record, and from nothing else: today's model over the record's facts and
 * observations, on whatever machine. Both models judge every claim, through the same functions.
 */
#ifndef JUDGE_JUDGE_H
#define JUDGE_JUDGE_H

#include <stdbool.h>

#include "record/reader.h"
#include "suite/check.h"
#include "suite/known.h"

#define VERDICTS(X)                     \
	X(PASS, "pass")                 \
	X(DEVIATION, "deviation")       \
	X(KNOWN, "known")               \
	X(INCONCLUSIVE, "inconclusive") \
	X(SKIP, "skip")                 \
	X(ERROR, "error")               \
	X(MODEL, "model")               \
	X(SILENT, "silent")

enum verdict {
#define VERDICT_ENUMERATOR(name, word) VERDICT_##name,
	VERDICTS(VERDICT_ENUMERATOR)
#undef VERDICT_ENUMERATOR
		VERDICT_LIMIT,
};

const char *verdict_word(enum verdict verdict);
/* VERDICT_LIMIT when it is none. */
enum verdict verdict_of_word(const char *word);

struct judge_options {
	const struct check_list *checks;
	const struct known_list *known; /* NULL: none */
	const char *today;		/* "2026-01-31", for the expiry of known deviations */
	/* The fillings change places: what they disagree on must turn round, and nothing else. */
	bool exchange;
};

struct judgement {
	struct pool *pool;
	size_t count;
	struct record_verdict *verdicts; /* in the order of the record's predictions */
	size_t tally[VERDICT_LIMIT];
	size_t notes_count;
	const char **notes; /* known deviations that aged, predictions of another model */
};

void judgement_note(struct judgement *judgement, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * False after one message when the record cannot be judged: facts that cannot be read, or sealed
 * predictions that the same model does not make today.
 */
__attribute__((warn_unused_result)) bool judge_record(const struct record *record,
	const struct judge_options *options, struct judgement *judgement);

#endif
