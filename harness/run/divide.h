/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A run in a guest need not be alone with its launches: once it is sealed, its machine can be
 * cloned, and each clone launches its share of the cases.
 */
#ifndef RUN_DIVIDE_H
#define RUN_DIVIDE_H

#include "run/plan.h"

struct share {
	unsigned part, parts; /* 0 of 1: all of it */
};

/*
 * The share of the machine that returns: of most at the most, and of one where a clone would cost
 * more than it brings, or would disturb what is timed.
 */
struct share divide_launches(const struct plan *plan, unsigned most);

/* Neighbours in the plan are alike and take as long as each other: they are dealt out in turn. */
static inline bool is_shared(const struct share *share, size_t case_index)
{
	return case_index % share->parts == share->part;
}

#endif
