/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One number out of several short windows, on a machine where others move the same counter: what
 * more than half of the windows show. Without such a majority there is no observation.
 */
#ifndef TRIAL_MAJORITY_H
#define TRIAL_MAJORITY_H

#include <stddef.h>
#include <stdint.h>

/* Ends the trial as unmet when no value has the majority. */
int64_t majority_of(const int64_t *values, size_t count, const char *counter);

#endif
