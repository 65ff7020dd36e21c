/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A run, in the one direction that the data has: facts, predictions, seal, trials, judgement,
 * record. Judgement reads back the record that was written, and nothing else.
 */
#ifndef RUN_RUN_H
#define RUN_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/exit.h"
#include "judge/judge.h"
#include "record/reader.h"

struct run_setting {
	const char *knob, *value;
};

struct run_options {
	const char *suite, *profile;
	const char *selection;	 /* PCRE2 over claims, or NULL */
	const char *record_path; /* NULL: only for this run */
	bool allow_settings, allow_pressure;
	size_t settings_count;
	const struct run_setting *settings; /* held for the whole run */
	uint64_t seed;
	bool dry_run, resume;
	bool lines;	/* the record's lines on standard output */
	bool unjudged;	/* end with a summary of no verdicts */
	unsigned parts; /* a guest's launches may be shared by so many clones of it; 0: they may not
			 */
	bool anonymous; /* the record names neither the host's build nor its groups */
};

/* What a run leaves to be reported. */
struct run_result {
	struct pool *pool;
	struct record record; /* as read back; dropped by the caller */
	struct judgement judgement;
	struct record_summary summary;
	bool judged; /* false: nothing to report, the status says why */
};

/* Messages are out when it returns. */
enum exit_status run_suite(const struct run_options *options, struct run_result *result);

#endif
