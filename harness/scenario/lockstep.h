/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The same script on the machine of the model, and what the live side saw, compared after every
 * step. The machine runs here; the live side has run already, or is running ahead.
 *
 * Where the kernel is free, the freedom has a name: a choice that the operation met, or a step of
 * the kernel's own. When nothing else explains a difference, these are tried, and counted.
 */
#ifndef SCENARIO_LOCKSTEP_H
#define SCENARIO_LOCKSTEP_H

#include "scenario/language.h"
#include "scenario/pairs.h"
#include "scenario/seen.h"
#include "vm/model.h"

#define LOCKSTEP_DIFFERENCES_LIMIT 200
#define LOCKSTEP_VIEWS_LIMIT	   512 /* as the usual limits of the machine */

struct difference {
	uint32_t step, process;
	enum live_kind kind;
	const char *where;
	const char *expected, *observed;
	const char *because, *cite; /* the rule of the model that the figure hangs on */
	uint32_t depends_on;	    /* step of an earlier difference, or 0 */
};

struct lockstep {
	struct pool *pool;
	const struct script *script;
	struct vm_machine *machine;
	struct vm_machine *before; /* a checkpoint, as it was after before_step */
	struct vm_machine *spare;  /* what is put back when an explanation does not hold */
	uint32_t before_step;
	uint32_t *decisions;	   /* taken in each step */
	unsigned char *bytes;	   /* what the model says was read */
	struct vm_outcome outcome; /* of the step */
	uint32_t step;
	/* Copies: what did not change is not sent again, and the sender's buffer moves on. */
	struct seen_group state[LIVE_PROCESSES_LIMIT][LIVE_KIND_LIMIT];
	size_t room[LIVE_PROCESSES_LIMIT][LIVE_KIND_LIMIT]; /* words that a copy has room for */
	struct seen_group event[LIVE_KIND_LIMIT];	    /* RESULT, SIGNAL, BYTES of this step */
	bool has_event[LIVE_KIND_LIMIT];
	bool has_faults[LIVE_PROCESSES_LIMIT];
	struct pairs frames, slots;
	/* Files whose write-back was begun by a call that does not wait for it: FILE_DROP. */
	bool in_flight[LIVE_FILES_LIMIT];
	bool written_back; /* in this step, by the kernel's own write-back */
	bool monitored;	   /* the host has threads that may take pages away */
	bool pools_compared;
	/* Pages that a resident figure may be late by: what the CPU held back at the start, and
	 * now. */
	uint64_t late_pages;
	bool first_only; /* lockstep_run ends at the first difference, which is not searched for
			    long */
	bool quiet;	 /* count only */
	size_t misses;	 /* of the comparison under way */
	uint64_t miss_address; /* a place of the last miss that has one, else 0 */
	uint32_t miss_file;    /* the same of a page of a file or shared memory, else VM_NO_FILE */
	uint64_t miss_page;
	/* Areas that the machine has, of the process that is compared. */
	size_t views_count;
	struct vm_area_view views[LOCKSTEP_VIEWS_LIMIT];
	uint32_t first_difference_step;
	size_t differences_count, comparisons_count;
	struct difference differences[LOCKSTEP_DIFFERENCES_LIMIT];
	uint32_t silent_step; /* first step that the model does not speak of, or 0 */
	const char *silent_why;
	uint64_t freedoms[VM_FREEDOM_LIMIT]; /* how often each explained something */
	uint64_t step_freedoms[VM_OP_LIMIT];
};

/* The machine as the model has it before the first step. start: the words of LIVE_START. */
void lockstep_setup(const struct vm_host *host, const uint64_t start[LIVE_START_LIMIT],
	struct vm_machine_setup *setup);
/* Stands in for LIVE_START where nothing was run: a process that has all that is needed. */
void lockstep_usual_start(const struct probe_needs *needs, uint64_t start[LIVE_START_LIMIT]);

void lockstep_begin(struct lockstep *lockstep, struct pool *pool, const struct script *script,
	const struct vm_model *model, const struct vm_host *host,
	const uint64_t start[LIVE_START_LIMIT]);
void lockstep_end(struct lockstep *lockstep);

/*
 * Step 0 compares the beginning. groups: all that was seen in this step. With no groups the machine
 * runs alone. Returns the number of differences that the step shows.
 */
size_t lockstep_step(struct lockstep *lockstep, uint32_t step, const struct seen_group *groups,
	size_t groups_count);

/* All of it. False, and why, when what was seen is not of this script. */
bool lockstep_run(struct lockstep *lockstep, const struct seen *seen, const char **why);

/* ---- surfaces.c: compares the state of one process, or what belongs to none ---- */

void lockstep_compare_process(struct lockstep *lockstep, uint32_t process);
void lockstep_compare_files(struct lockstep *lockstep, uint32_t process);
void lockstep_compare_pools(struct lockstep *lockstep, uint32_t process);

/* Counts a miss; true when a text of it is wanted. */
bool lockstep_miss(struct lockstep *lockstep, uint64_t address);
void lockstep_differ(struct lockstep *lockstep, enum live_kind kind, uint32_t process,
	const char *where, const char *expected, const char *observed);

#endif
