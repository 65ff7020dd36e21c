/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The frame of a trial around what trial.h offers: the buffer is made ready before measuring and
 * written out as lines afterwards.
 */
#ifndef TRIAL_REPORT_H
#define TRIAL_REPORT_H

#include <stddef.h>
#include <stdint.h>

/*
 * Takes descriptor 3, or standard output where there is none (a trial started by hand), and makes
 * buffer and stack present. subject: what hello names.
 */
void report_open(const char *subject, uint64_t seed);

/* In a process that will never report: its copy of the buffer is no memory of its own any more. */
void report_leave(void);

/* How many observations there are: none are allowed before measure(). */
size_t report_observations_count(void);

/* Writes hello, the observations and done, or whatever ended the trial early; and exits. */
_Noreturn void report_close(void);

#endif
