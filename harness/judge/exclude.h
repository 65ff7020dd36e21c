/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which launches of a timed case say nothing of what they timed. Nothing is left out for being far
 * from the others: only by a rule that was declared before, over counters that the record holds
 * beside the samples, and how many were left out is always shown.
 */
#ifndef JUDGE_EXCLUDE_H
#define JUDGE_EXCLUDE_H

#include "record/line.h"

/* The rule that leaves this launch out, as a sentence for people, or NULL. */
const char *exclude_rule(const struct record_trial *trial);

#endif
