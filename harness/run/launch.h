/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One trial, from exec to the last of its descendants: started with nothing of ours in it, watched
 * until it ends, and cleaned away. What it wrote comes back as checked observations; how it ended
 * is one of five words, and each but the first has a reason that can be printed:
 *
 *   observed  done came, its count is right, it exited well, and nothing is left behind
 *   unmet     a need that shows only inside the trial is not met
 *   broken    the instrument is in doubt: the trial says so, or what it did does
 *   overdue   killed at its deadline
 *   died      by a signal that the launcher did not send
 */
#ifndef RUN_LAUNCH_H
#define RUN_LAUNCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>

#include "base/pool.h"
#include "record/line.h"

/* What disturbed a launch, as differences over it. Absent counters are -1. */
#define LAUNCH_DISTURBANCES(X)                          \
	X(INVOLUNTARY_SWITCHES, "involuntary-switches") \
	X(MAJOR_FAULTS, "major-faults")                 \
	X(STEAL_TICKS, "steal-ticks")                   \
	X(THP_FAULT_FALLBACK, "thp-fault-fallback")     \
	X(COMPACT_STALL, "compact-stall")               \
	X(ALLOCATION_STALL, "allocation-stall")         \
	X(SWAPPED_OUT, "swapped-out")

enum launch_disturbance {
#define LAUNCH_ENUMERATOR(name, word) LAUNCH_##name,
	LAUNCH_DISTURBANCES(LAUNCH_ENUMERATOR)
#undef LAUNCH_ENUMERATOR
		LAUNCH_DISTURBANCE_LIMIT,
};

const char *launch_disturbance_word(enum launch_disturbance disturbance);

/* Designated initialisers: what is left out has a safe meaning. */
struct launch {
	const char *executable;	      /* path; see launch_executable() */
	const char *const *arguments; /* after the program's name; NULL-ended */
	const char *subject;	      /* what the trial's hello must name */
	unsigned deadline_ms;	      /* 0: 10 s */
	size_t output_limit_bytes;    /* 0: 4 MiB; more on the pipe is a flood */
	const void *input;	      /* what the trial reads on standard input; NULL: /dev/null */
	size_t input_bytes;
	uint64_t address_space_limit_bytes; /* 0: as inherited */
	uint64_t processes_limit;	    /* of the user, not of the trial; 0: as inherited */
	bool any_cpu;			    /* false: pinned to cpu */
	unsigned cpu;
	bool randomize_layout; /* false: personality(ADDR_NO_RANDOMIZE) */
	bool own_score;	       /* a claim on scores sets its own: oom_score_adj stays 0 */
	/* Files to write "0" to before exec, to join memory groups (guard/group.h); NULL-ended. */
	const char *const *join;
	int stop_descriptor; /* readable (a signalfd): the run is being stopped; 0: none */
};

struct launch_result {
	enum record_trial_end end;
	const char *why;    /* NULL when observed, else one sentence */
	const char *remedy; /* when unmet: how the need can be supplied */
	/* Of a trial that died, one: quantity "termination", the signal, witness "wait". */
	size_t observations_count;
	const struct record_observation *observations;
	int exit_status; /* -1 when a signal ended it */
	int end_signal;	 /* 0 when it exited */
	bool core_dumped;
	const char *error_text; /* the last of what it wrote on stderr, "" if nothing */
	uint64_t elapsed_ns;
	struct rusage usage; /* of the trial and what it waited for */
	int64_t disturbance[LAUNCH_DISTURBANCE_LIMIT];
};

/*
 * Runs one trial to its end. All texts of the result live in the pool. 0, or -errno when the
 * launcher itself could not work (no descriptors, no temporary folder); -ECANCELED when the stop
 * descriptor became readable: the trial is then killed and cleaned away as well. Whatever the
 * answer, no descendant of the trial is left when this returns within its deadline and two seconds.
 */
__attribute__((warn_unused_result)) int launch_trial(
	const struct launch *launch, struct pool *pool, struct launch_result *result);

/*
 * The path of a trial executable ("mmconform-trial"): beside the program, as in a build tree, or in
 * ../libexec/mmconform as installed. 0 or -errno.
 */
__attribute__((warn_unused_result)) int launch_executable(
	const char *name, char *path, size_t path_bytes);

/*
 * Keeps the trial executables mapped, and so in memory: reclaim of pages that nobody maps (DAMON's
 * pageout scheme, linux:6.18:mm/damon/paddr.c:damon_pa_pageout) may pick one that a trial maps in
 * the meantime and take it away again, and the instrument then takes faults of its own.
 */
void launch_hold_executables(void);

/*
 * Makes the supervisor fit to outlive its trials: out of the way of the OOM killer and locked in
 * memory, as far as privileges go. may_lock: VM_CAPABILITY_IPC_LOCK is in force; locking under a
 * limit would make later allocations fail instead. Once, before the first launch.
 */
void launch_protect_supervisor(bool may_lock);

#endif
