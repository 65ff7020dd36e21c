/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A check is what shows a claim: a coded probe, a scenario, or something that only the model can
 * show. A check with one value for each of its parameters is a case. This is what the three
 * kinds of checks have in common, and all that suite, run, judge and report know of them.
 *
 * A kind loads its checks (load), says which cases make sense (suits), what a model expects
 * (predict), what to launch (payload), and how one model judges what was seen (judge). It decides
 * no verdict: judge/ asks it once for each of the two models and puts the answers together.
 */
#ifndef SUITE_CHECK_H
#define SUITE_CHECK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/pool.h"
#include "probe/probe.h"
#include "record/line.h"
#include "vm/model.h"
#include "vm/prediction.h"

struct check_kind;

/* Texts are for list, explain, the report and the man page; NULL where there is nothing to say. */
struct check {
	const struct check_kind *kind;
	const char *name;	   /* "cow.fork-shares": unique over all kinds */
	const char *const *claims; /* ids of the catalogue, NULL-ended, at least one */
	const char *question, *method, *threats, *by_hand;
	size_t parameters_count;
	const struct probe_parameter *parameters;
	const struct probe_needs *needs; /* never NULL */
	const char *letters;		 /* as in struct probe */
	bool timed;
	bool lengthy;	   /* left out by profiles that limit cases, unless asked for */
	unsigned launches; /* at least 1 */
	unsigned deadline_s;
	bool randomize_layout, own_score; /* as in struct probe */
	const void *of_kind; /* the probe, the parsed scenario, the model's demonstration */
};

struct check_list {
	struct pool *pool;
	size_t count;
	struct check *items;
};

void check_list_add(struct check_list *list, const struct check *check);

struct check_case {
	const struct check *check;
	const char *id; /* "demand.first-touch[pages=64]", unique and stable */
	struct probe_arguments arguments;
};

/* What the trial executable is started with, after its name: arguments, and text for its stdin. */
struct check_payload {
	size_t arguments_count;
	const char *const *arguments;
	const char *input; /* NULL: none */
	size_t input_bytes;
};

/* The observations of a case that the model shows by itself. */
struct check_shown {
	struct pool *pool;
	size_t count;
	struct record_observation *items;
};

/* One launch and what it reported, in the order in which it was reported. */
struct check_trial {
	const struct record_trial *trial;
	size_t observations_count;
	const struct record_observation *observations;
};

/* All that a judge may know: everything here comes out of the record. */
struct check_evidence {
	struct pool *pool;	    /* for the texts of the findings */
	const struct vm_host *host; /* facts, with the knobs that the case sets put in */
	const char *script;	    /* sealed text of the scenario, or NULL */
	const char *about;	    /* only this of all that is predicted; NULL: everything */
	size_t trials_count;
	const struct check_trial *trials;
};

/* What one model makes of the evidence for one claim. */
enum check_outcome {
	CHECK_AGREES,
	CHECK_DIFFERS,
	CHECK_SILENT,	    /* the model does not speak of it; because says why */
	CHECK_INCONCLUSIVE, /* the measurement's own quality gate failed */
	CHECK_BROKEN,	    /* observation missing, instrument in doubt, demonstration failed */
};

struct check_finding {
	const char *claim;
	enum check_outcome outcome;
	const char *expected, *observed; /* short texts for people; "" where there is none */
	const char *because, *cite;
	/* What the finding is about, where a case has many predictions: a quantity and a place, a
	 * step. The other model is then asked about the same. NULL: about everything. */
	const char *about;
	/* Of pages that were predicted one by one; no pages: there were none such. */
	struct record_exactness exactness;
};

struct check_findings {
	struct pool *pool;
	size_t count;
	struct check_finding *items;
};

void check_find(struct check_findings *findings, const struct check_finding *finding);

struct check_kind {
	const char *name; /* "probe", "scenario", "model", as records spell it */
	/* An agreement is written "model", a difference "error": the kernel had no part in it. */
	bool model_only;
	/*
	 * Adds all checks of this kind. suites_folder is where the data lies. Returns 0, or a
	 * negative errno after one message on stderr (file, line, reason).
	 */
	int (*load)(const char *suites_folder, struct check_list *list);
	/* NULL: every case suits. */
	bool (*suits)(const struct check *check, const struct vm_host *host,
		const struct probe_arguments *arguments);
	/*
	 * As probe.predict: without readings before the trials, where what depends on moving inputs
	 * or on the sequence of steps is VM_FORM_RULE naming them.
	 */
	void (*predict)(const struct check_case *check_case, const struct vm_model *model,
		const struct vm_host *host, const struct probe_readings *readings,
		struct vm_predictions *predictions);
	/* The text that the record keeps and the seal covers, or NULL. NULL function: none. */
	const char *(*script)(const struct check *check);
	/* What to launch, with a seed of its own; NULL for a kind that shows by itself. */
	void (*payload)(const struct check_case *check_case, uint64_t seed, struct pool *pool,
		struct check_payload *payload);
	/* Instead of a launch: works its figures out in this process, after the seal. */
	void (*show)(const struct check_case *check_case, const struct vm_host *host,
		struct check_shown *shown);
	/*
	 * One finding for each claim of the check. What was unmet, broken, overdue, or measured
	 * while facts moved never comes here: judge/ deals with it. A death comes here only if the
	 * model speaks of the quantity "termination".
	 */
	void (*judge)(const struct check_case *check_case, const struct vm_model *model,
		const struct check_evidence *evidence, struct check_findings *findings);
};

/* One row for each in kinds.c. */
extern const struct check_kind check_kind_probe;
extern const struct check_kind check_kind_scenario;
extern const struct check_kind check_kind_model;

#endif
