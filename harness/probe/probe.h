/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a probe declares. One probe is one file below probes/, compiled twice: into mmconform, where
 * its predict() asks the model, and into the trial executable, where its measure() touches the
 * kernel. Neither sees the other: the program never measures, and no trial knows an expected value.
 *
 * Documentation is in the fields: list, explain, the report and the man page print these sentences.
 */
#ifndef PROBE_PROBE_H
#define PROBE_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vm/host.h"
#include "vm/units.h"

struct check_shown;
struct vm_model;
struct vm_predictions;

#define PROBE_CHOICES_LIMIT 16

/*
 * One parameter. A case of the probe is one value for each; cases are the product of all choices,
 * less what suits() refuses. drawn > 0 adds as many values drawn from [lowest, highest] in steps of
 * step with the run's seed, so that nothing can be fitted. With labels the value is an index.
 */
struct probe_parameter {
	const char *name;
	enum vm_unit unit;
	unsigned drawn;
	size_t choices_count;
	int64_t choices[PROBE_CHOICES_LIMIT];
	const char *const *labels; /* choices_count words, for parameters that are kinds */
	int64_t lowest, highest, step;
	/* A knob as the settings guard names it ("vm.min_free_kbytes"), held at the value (or at
	 * the label, for bracketed choices) while the case runs. PROBE_AS_IS leaves it alone. */
	const char *knob;
	/* The knob is only where it starts from: another one makes the kernel move it. */
	bool kernel_moves_on;
};

#define PROBE_AS_IS INT64_MIN

/* What a case needs; everything unmet is listed with the value read and the way to supply it. */
struct probe_needs {
	bool root;
	uint32_t capabilities; /* VM_CAPABILITY_* */
	size_t features_count;
	enum vm_feature features[6];
	bool allow_pressure; /* an own memory group that is filled up */
	bool ksm;	     /* runs ksmd; the guard puts ksm.run back */
	bool processor;	     /* a real one: an emulator does not do it as processors do */
	bool own_machine;    /* the whole machine is: no option allows that but --guest */
	uint64_t memory_bytes;
	unsigned huge_2m_pages, huge_1g_pages; /* taken into the pool by the guard */
	bool huge_2m_varies, huge_1g_varies;   /* resizes the pool; the guard puts it back */
	uint64_t swap_bytes;	    /* a swap file made by the guard, unless there is swap */
	uint64_t group_limit_bytes; /* an own memory group with this limit; 0: none needed */
};

/* The values of one case. */
struct probe_arguments {
	size_t count;
	const struct probe_parameter *parameters;
	const int64_t *values;
};

int64_t probe_argument(const struct probe_arguments *arguments, const char *name);
const char *probe_argument_label(const struct probe_arguments *arguments, const char *name);

/* An observed quantity as predict() gets it when judge puts moving inputs into a rule. */
struct probe_reading {
	const char *quantity;
	const char *at;
	size_t values_count;
	const int64_t *values;
};

struct probe_readings {
	size_t count;
	const struct probe_reading *items;
};

/* The reading, or NULL; at is "" where there is but one place. */
const struct probe_reading *probe_reading_of(
	const struct probe_readings *readings, const char *quantity, const char *at);

enum probe_kind {
	PROBE_EXACT, /* counts and states: one launch decides, all launches must agree */
	PROBE_TIMED, /* medians over launches; runs in the timed trial executable */
	PROBE_MODEL, /* only the model can show it: show() instead of measure(), no trial */
};

struct probe {
	const char *name; /* "cow.fork-shares": the first word names the chapter and the folder */
	enum probe_kind kind;
	const char *const *claims; /* ids of the catalogue, NULL-ended */
	const char *letters;  /* how it shows them, in the catalogue's letters; NULL: by its kind */
	const char *question; /* a sentence with a question mark */
	const char *method;   /* what measure() does, in a sentence or two */
	const char *threats;  /* what could make the number wrong, and the remedy */
	const char *by_hand;  /* shell lines that show the same without mmconform */
	size_t parameters_count;
	const struct probe_parameter *parameters;
	struct probe_needs needs;
	unsigned launches; /* exact probes: how often each case is launched; 0 is 1 */
	unsigned deadline_s;
	bool lengthy;	       /* seconds a launch: not for a quick profile */
	bool randomize_layout; /* a claim on addresses: they are else the same in all launches */
	bool own_score;	       /* a claim on oom_score: the trial is else offered first */
	/* A case that makes no sense on this host is refused here, before it becomes a case. */
	bool (*suits)(const struct vm_host *host, const struct probe_arguments *arguments);
	/*
	 * Called once for each model, before any trial, with readings->count == 0: what depends on
	 * moving inputs is then predicted as VM_FORM_RULE with their names. Judge calls it again
	 * with the readings of the trial, and every rule must come out as a value.
	 */
	void (*predict)(const struct vm_model *model, const struct vm_host *host,
		const struct probe_arguments *arguments, const struct probe_readings *readings,
		struct vm_predictions *predictions);
	/* A known zero and a known non-zero in the same process: broken() when the instrument lies.
	 */
	void (*control)(const struct probe_arguments *arguments);
	void (*measure)(const struct probe_arguments *arguments);
	/*
	 * PROBE_MODEL: gives the figures that the prediction is held against (probe/show.h): those
	 * that the course prints, and those that come out another way. Runs in the program.
	 */
	void (*show)(const struct vm_host *host, const struct probe_arguments *arguments,
		struct check_shown *shown);
};

/*
 * Registration. Each half compiles away in the other executable: the compiler checks both, the
 * arm not taken is dropped, and with it every symbol that only that half refers to.
 */
#ifdef MMCONFORM_TRIAL
#define PREDICTS(function) (1 ? 0 : (function))
#define SHOWS(function)	   PREDICTS(function)
#define MEASURES(function) (function)
#else
#define PREDICTS(function) (function)
#define SHOWS(function)	   PREDICTS(function)
#define MEASURES(function) (1 ? 0 : (function))
#endif

/* Timed probes measure in the timed trial executable alone: google-benchmark is in no other. */
#ifdef MMCONFORM_TRIAL_TIMED
#define MEASURES_TIMED(function) MEASURES(function)
#else
#define MEASURES_TIMED(function) (1 ? 0 : (function))
#endif

#define PROBE(identifier)                                               \
	static const struct probe identifier;                           \
	static const struct probe *const identifier##_entry             \
		__attribute__((section("probes"), used)) = &identifier; \
	static const struct probe identifier

/* All probes of this executable, sorted by name. */
size_t probe_count(void);
const struct probe *probe_at(size_t index);
const struct probe *probe_by_name(const char *name);

#endif
