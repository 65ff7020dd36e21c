/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stretches of time in which nobody else ran, on any CPU: what a counter of the whole machine moved
 * by in such a stretch, the trial moved.
 *
 * The evidence is the kernel's own. /proc/stat has the number of context switches so far and the
 * number of tasks that want to run. If all of those were the trial's at one moment, and no switch
 * happened from before that moment until the end, then nobody else ran until the end. Where others
 * always want to run, a thread of the trial sits on each other CPU: each was seen to run after the
 * count was read, and without a switch since, nobody took its place.
 *
 * What is freed late, when no processor can still see it (RCU), is freed in the middle of whatever
 * runs. Where that moves the counter that is watched (late_frees_matter), a stretch in which it
 * happened, which /proc/stat counts too, is not quiet either.
 *
 * For as long as a stretch lasts, some milliseconds, the trial has real-time priority if it may:
 * then others wait for it, not longer than they wait for each other, and stretches are quiet on a
 * busy machine too.
 */
#ifndef TRIAL_QUIET_H
#define TRIAL_QUIET_H

#include <stdbool.h>
#include <stdint.h>

#include "trial/files.h"

struct quiet {
	struct kernel_file stat;
	unsigned others_count; /* CPUs online besides this one */
	unsigned sitters_count;
	int64_t until_ns; /* by CLOCK_MONOTONIC: then it is tried no more */
	uint64_t switches, late_frees;
	bool late_frees_matter; /* set after quiet_open() */
	bool alone;
};

/* Call it first: the sitters' stacks are mapped here. The trial has to be on one CPU. */
void quiet_open(struct quiet *quiet);
void quiet_begin(struct quiet *quiet);
/* With a sitter on each other CPU in any case. Whether there is: begun either way. */
bool quiet_begin_seated(struct quiet *quiet);
/* Calls on each other CPU in turn, in a stretch that was begun with all seated. */
void quiet_on_others(const struct quiet *quiet, void (*call)(void *context), void *context);
/* Whether nobody else has run since quiet_begin(). */
bool quiet_end(struct quiet *quiet);

/* How many quiet stretches make an observation. */
#define QUIET_WANTED 5

/* Asked before each try: ends the trial as unmet when it has tried for long. */
void quiet_try(const struct quiet *quiet, const char *counter);

#endif
