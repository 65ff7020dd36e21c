/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lines of a record and of a trial's pipe: one encoder, one decoder. A line is a JSON object
 * with a "type"; record.schema.json publishes the same shapes, and a test holds the two together.
 *
 * Numbers are 64-bit integers, never fractions: records must compare equal. This file and what it
 * includes is all that the trial executable needs of the record.
 */
#ifndef RECORD_LINE_H
#define RECORD_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/pool.h"
#include "vm/units.h"

#define RECORD_FORMAT	       "mmconform-record"
#define RECORD_VERSION	       1
#define RECORD_LINE_BYTES_MOST ((size_t)4 << 20)
#define RECORD_DEPTH_MOST      16

#define RECORD_TYPES(X)             \
	X(HEADER, header)           \
	X(FACTS, facts)             \
	X(SCRIPT, script)           \
	X(PREDICTION, prediction)   \
	X(SEALED, sealed)           \
	X(TRIAL, trial)             \
	X(OBSERVATION, observation) \
	X(VERDICT, verdict)         \
	X(SUMMARY, summary)         \
	X(HELLO, hello)             \
	X(BROKEN, broken)           \
	X(UNMET, unmet)             \
	X(DONE, done)

enum record_type {
#define RECORD_TYPE_ENUMERATOR(name, word) RECORD_TYPE_##name,
	RECORD_TYPES(RECORD_TYPE_ENUMERATOR)
#undef RECORD_TYPE_ENUMERATOR
		RECORD_TYPE_LIMIT,
};

/* How a trial ended. Words as records spell them: record_trial_end_word. */
enum record_trial_end {
	RECORD_TRIAL_OBSERVED,
	RECORD_TRIAL_UNMET,  /* not launched: requirements are missing */
	RECORD_TRIAL_BROKEN, /* said so itself, or its lines cannot be trusted */
	RECORD_TRIAL_OVERDUE,
	RECORD_TRIAL_DIED,
	RECORD_TRIAL_END_LIMIT,
};

/* One value of a case's parameters; label is set where the value is a kind, and is what is written.
 */
struct record_parameter {
	const char *name;
	const char *label;
	int64_t value;
};

struct record_parameters {
	size_t count;
	const struct record_parameter *items;
};

/* The first line. started is UTC, "2026-01-31T12:00:00Z". */
struct record_header {
	const char *format;
	int64_t version;
	const char *program; /* version of mmconform */
	const char *model;   /* digest of the model's and the probes' sources */
	const char *started;
	const char *suite, *profile;
	const char *selection; /* the PCRE2 of --claim, or NULL */
	uint64_t seed;	       /* written as text: JSON readers lose bits above 2^53 */
	size_t allow_count;
	const char *const *allow;
	bool anonymous;
};

/* The host facts as harness/facts writes and reads them. */
struct record_facts {
	const char *host; /* the text of a JSON object */
};

/* The text of a scenario that this record ran, so that judging needs nothing but the record. */
struct record_script {
	const char *check;
	const char *text;
};

/* vm_prediction as read back; form and shape by their words. */
struct record_expect {
	const char *quantity, *at;
	enum vm_unit unit;
	const char *form, *shape, *other;
	size_t values_count;
	const int64_t *values;
	size_t inputs_count;
	const char *const *inputs;
	const char *because, *cite;
};

/* What one model says of one claim in one case. probe is the name of the check, of any kind. */
struct record_prediction {
	const char *claim, *probe, *kind, *model;
	struct record_parameters parameters;
	size_t expect_count;
	const struct record_expect *expect;
};

/* SHA-256 over the bytes of all lines before this one, newlines included. */
struct record_sealed {
	const char *sha256;
	int64_t lines;
};

struct record_unmet {
	const char *requirement, *value, *supply;
};

struct record_setting {
	const char *knob, *value;
};

/* What disturbed a launch, counted over it. */
struct record_disturbance {
	const char *name;
	int64_t count;
};

/* One launch of one case, written when it is over, and followed by its observations. */
struct record_trial {
	int64_t number;
	const char *probe, *kind;
	struct record_parameters parameters;
	int64_t launch;
	enum record_trial_end end;
	const char *why; /* NULL when observed */
	int64_t signal;	 /* that killed it, or 0 */
	int64_t duration_us;
	size_t unmet_count;
	const struct record_unmet *unmet;
	size_t settings_count;
	const struct record_setting *settings; /* as they read back while the trial ran */
	size_t moved_count;
	const char *const *moved; /* facts that changed around this trial */
	size_t complaints_count;
	const char *const *complaints; /* of the kernel, over what this trial did */
	size_t disturbances_count;
	const struct record_disturbance *disturbances; /* those that were not 0 */
	int64_t observations_count;
};

struct record_observation {
	int64_t trial; /* left out on the pipe: the harness numbers trials */
	const char *quantity, *at;
	size_t values_count;
	const int64_t *values;
	enum vm_unit unit;
	const char *witness;
};

struct record_known {
	const char *reason, *link, *expires;
};

/* Of what was predicted page by page: how much the model knew, and how much of that was so. */
struct record_exactness {
	int64_t pages;	 /* each at each look */
	int64_t decided; /* the model allows one answer only: its own bound on what it gets right */
	int64_t right;	 /* of these, those that came out so */
};

struct record_verdict {
	const char *claim, *probe, *kind;
	struct record_parameters parameters;
	const char *verdict, *textbook, *reading;
	const char *expected, *observed, *textbook_expected;
	const char *because, *cite;
	size_t unmet_count;
	const struct record_unmet *unmet;
	size_t known_count; /* 0 or 1 */
	const struct record_known *known;
	size_t exactness_count; /* 0 or 1 */
	const struct record_exactness *exactness;
};

struct record_count {
	const char *verdict;
	int64_t count;
};

/* The last line. sha256 covers all lines before it, so an edited observation is noticed. */
struct record_summary {
	bool complete;
	const char *stopped_by; /* why a partial record is partial, or NULL */
	size_t counts_count;
	const struct record_count *counts;
	int64_t trials, duration_ms;
	int64_t machines; /* clones of a guest that shared the launches; 0: there were none */
	int64_t taint_before, taint_after; /* -1: not readable */
	size_t kernel_log_count;
	const char *const *kernel_log; /* warnings that appeared during the run */
	size_t notes_count;
	const char *const *notes; /* known deviations that no longer occur, changed models, ... */
	const char *sha256;
};

/* What a trial says first, on trouble, and last. */
struct record_hello {
	int64_t protocol;
	const char *subject; /* the probe or scenario it was asked for */
};

struct record_broken {
	const char *file; /* NULL, with line 0, where it is no place in a source */
	int64_t line;
	const char *reason;
};

/* A need that shows only inside the trial: no huge page to be had, a call that is forbidden. */
struct record_unmet_inside {
	const char *reason, *remedy;
};

struct record_done {
	int64_t observations; /* how many lines it sent: a lost line is noticed */
};

struct record_line {
	enum record_type type;
	union {
		struct record_header header;
		struct record_facts facts;
		struct record_script script;
		struct record_prediction prediction;
		struct record_sealed sealed;
		struct record_trial trial;
		struct record_observation observation;
		struct record_verdict verdict;
		struct record_summary summary;
		struct record_hello hello;
		struct record_broken broken;
		struct record_unmet_inside unmet;
		struct record_done done;
	};
};

/* One line, newline at the end, in the pool. NULL when a text is no valid UTF-8. */
const char *record_encode(struct pool *pool, const struct record_line *line);

/*
 * Reads one line (with or without its newline) into the pool. On failure returns false, and *why
 * names the field and the reason; *line is untouched then.
 */
bool record_decode(struct pool *pool, const char *text, size_t length_bytes,
	struct record_line *line, const char **why);

const char *record_type_word(enum record_type type);
const char *record_trial_end_word(enum record_trial_end end);

#endif
