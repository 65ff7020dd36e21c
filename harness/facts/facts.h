/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Host facts: all that the model may depend on (struct vm_host), with descriptive texts, from the
 * live machine or from a captured folder. Whichever it was, the same code derives the same facts.
 *
 * What this host lacks is absent, never an error: a file that is not there or not readable, a
 * container without /sys, a kernel without a feature. An error is what cannot be believed: a
 * required file missing, cut off, or not what it says.
 */
#ifndef FACTS_FACTS_H
#define FACTS_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/pool.h"
#include "vm/host.h"

struct probe_needs;

/* Texts for people; no prediction depends on one. The second word is how records spell it. */
#define FACTS_TEXTS(X)                                                                       \
	X(RELEASE, "kernel-release")                                                         \
	X(CPU_NAME, "cpu-name")                                                              \
	X(MICROCODE, "microcode")                                                            \
	X(HYPERVISOR, "hypervisor")                                                          \
	X(CLOCKSOURCE, "clocksource")                                                        \
	X(TOPOLOGY, "topology") /* "1 package, 2 cores, 2 threads, 1 node; L1d 48 KiB..." */ \
	X(WORK_FILESYSTEM, "work-filesystem")                                                \
	X(TEMPORARY_FILESYSTEM, "temporary-filesystem")                                      \
	X(MEMORY_GROUP, "memory-group") /* the folder of our own group */                    \
	X(CONTAINER, "container")	/* what shows that it is one, or "no" */

enum facts_text {
#define FACTS_TEXT_ENUMERATOR(name, word) FACTS_TEXT_##name,
	FACTS_TEXTS(FACTS_TEXT_ENUMERATOR)
#undef FACTS_TEXT_ENUMERATOR
		FACTS_TEXT_LIMIT,
};

struct facts {
	struct vm_host host;
	uint64_t memory_kib, swap_kib;	       /* MemTotal and SwapTotal when read: they move */
	const char *text[FACTS_TEXT_LIMIT];    /* "" where unknown; printable ASCII */
	const char *surface[VM_FEATURE_LIMIT]; /* where it was seen whether the feature is there */
};

/* One line: FILE[:LINE]: reason. */
struct facts_error {
	char text[384];
};

/* 0, or a negative errno with the error filled. Texts live in the pool. */
__attribute__((warn_unused_result)) int facts_read_live(
	struct pool *pool, struct facts *facts, struct facts_error *error);
__attribute__((warn_unused_result)) int facts_read_captured(
	struct pool *pool, const char *folder, struct facts *facts, struct facts_error *error);

/*
 * Captures what the facts come from, raw, so that a later model may ask it other questions, and the
 * kernel's own figures that check the formulas. The folder must not exist or be empty. Anonymous:
 * nothing that names the host, its users, its places or its disks.
 */
__attribute__((warn_unused_result)) int facts_capture_live(
	const char *folder, bool anonymous, struct facts_error *error);
/* The same from a captured folder: to make an existing capture anonymous. */
__attribute__((warn_unused_result)) int facts_capture_captured(
	const char *from, const char *folder, bool anonymous, struct facts_error *error);

/* A capture as one stream of bytes, for where no folder can be kept, and the folder made of it. */
__attribute__((warn_unused_result)) int facts_capture_stream(
	FILE *stream, bool anonymous, struct facts_error *error);
__attribute__((warn_unused_result)) int facts_unpack(
	const char *bytes, size_t length_bytes, const char *folder, struct facts_error *error);

/* One file of a captured folder (or of the live host), raw: what tests of formulas compare with. */
__attribute__((warn_unused_result)) int facts_file_captured(struct pool *pool, const char *folder,
	const char *path, const char **text, size_t *length_bytes, struct facts_error *error);

/* The text of a JSON object, one line, and back. Hostile input gives false and *why. */
const char *facts_to_json(struct pool *pool, const struct facts *facts);
bool facts_from_json(struct pool *pool, const char *text, size_t length_bytes, struct facts *facts,
	const char **why);

/*
 * The host as it is while the guard holds the knob: its value, and what the kernel changes along
 * with it (writing a ratio zeroes the rival figure in kbytes or bytes). value is the index for
 * bracketed choices. False if the model knows no such knob, which then changes no fact.
 */
bool facts_with_knob(struct vm_host *host, const char *knob, int64_t value);

/* The index of a bracketed choice's word as knobs hold it, or -1: facts_choice("thp.enabled",
 * "never"). */
int64_t facts_choice(const char *knob, const char *word);

/* A fact that is not what it was. before and after are as records show them. */
struct facts_change {
	const char *name; /* "vm.min_free_kbytes", "cpus-online" */
	const char *before, *after;
};

/*
 * Reads again, from the live machine, every fact that must not move while a case is measured, and
 * lists what is not as expected (the facts with the knobs put in that the guard holds). Called
 * before and after each case: costs about 40 small reads. *changes is in the pool.
 */
__attribute__((warn_unused_result)) int facts_moved(struct pool *pool,
	const struct vm_host *expected, struct facts_change **changes, size_t *changes_count,
	struct facts_error *error);

/* How a feature is established: the table of detectors, for the check that none shares an
 * observation with a claim. A feature has one or more rows, asked in order. */
struct facts_detector {
	enum vm_feature feature;
	enum vm_evidence evidence;
	const char *witness;  /* "config", "file", "names", "call", "cpu-flag", "release" */
	const char *quantity; /* the option, path, name, call, flag, release */
};

size_t facts_detector_count(void);
struct facts_detector facts_detector_at(struct pool *pool, size_t index);

/*
 * Whether an observation of that quantity by that witness ("/proc/vmstat", "smaps") reads what a
 * detector reads: then a broken kernel would explain itself away.
 */
bool facts_detector_shares(const char *witness, const char *quantity);

/* A requirement of a check, and what this host has to offer. */
struct facts_requirement {
	const char *requirement; /* "root", "feature thp", "2 MiB huge pages: 8" */
	bool met;
	const char *value;  /* as read: "uid 1000", "3 free" */
	const char *source; /* where it was read */
	const char *supply; /* the command that would supply it, or why nothing can */
};

/* What a case needs, unmet ones only if so asked; allow says what the user gave (--allow). */
struct facts_allowed {
	bool settings, pressure;
};
__attribute__((warn_unused_result)) int facts_requirements(struct pool *pool,
	const struct facts *facts, const struct probe_needs *needs,
	const struct facts_allowed *allowed, bool unmet_only,
	struct facts_requirement **requirements, size_t *count, struct facts_error *error);

/* Every kind of requirement that there is, on this host. */
__attribute__((warn_unused_result)) int facts_doctor(struct pool *pool, const struct facts *facts,
	const struct facts_allowed *allowed, struct facts_requirement **requirements, size_t *count,
	struct facts_error *error);

const char *facts_text_word(enum facts_text text);
const char *facts_evidence_word(enum vm_evidence evidence);

/* Takes out of the texts what names the host: what an anonymous capture leaves out as well. */
void facts_make_anonymous(struct pool *pool, struct facts *facts);

#endif
