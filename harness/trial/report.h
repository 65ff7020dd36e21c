/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The frame of a trial around what trial.h offers: the buffer is made ready before measuring and
 * written out as lines afterwards.
 */
#ifndef TRIAL_REPORT_H
#define TRIAL_REPORT_H

#include <stddef.h>
#include <stdint.h>

#include "vm/units.h"

/*
 * Takes descriptor 3, or standard output where there is none (a trial started by hand). subject:
 * what hello names.
 */
void report_open(const char *subject, uint64_t seed);

/* Makes buffer, stack and code present, so that what measures here takes no fault for them. */
void report_populate(void);

/* An observation written at once, when all is measured: for more than the buffer holds. */
void report_now(const char *quantity, const char *at, const int64_t *values, size_t values_count,
	enum vm_unit unit, const char *witness);

/* In a process that will never report: its copy of the buffer is no memory of its own any more. */
void report_leave(void);

/* How many observations there are: none are allowed before measure(). */
size_t report_observations_count(void);

/* Writes hello, the observations and done, or whatever ended the trial early; and exits. */
_Noreturn void report_close(void);

#endif
