/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One number out of several short windows, on a machine where others move the same counter: what is
 * shown at least twice as often as anything else, and three times at least. What others do
 * scatters; what the trial does is the same in every window. Without such a value there is no
 * observation.
 */
#ifndef TRIAL_MAJORITY_H
#define TRIAL_MAJORITY_H

#include <stddef.h>
#include <stdint.h>

/* Ends the trial as unmet when no value prevails. */
int64_t majority_of(const int64_t *values, size_t count, const char *counter);

#endif
