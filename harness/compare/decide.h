/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Did a time change between two records? The unit is the launch: samples within one share its
 * layout, and comparing them calls every other pair of identical programs different. Times are
 * compared by their logarithms, so that what comes out is a ratio.
 *
 * A change is what is significant (over all rows together, by Benjamini and Hochberg) and larger
 * than the floor. The floor is what two halves of nothing differ by: launches of one record, drawn
 * twice, with the interval of their shift. What lies within it wholly is unchanged.
 */
#ifndef COMPARE_DECIDE_H
#define COMPARE_DECIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The share of wrong alarms among all alarms that is put up with. */
#define DECIDE_DISCOVERY 0.05
/* Of intervals, and of the floor: how often each may be missed. */
#define DECIDE_ERROR 0.05

enum decide_answer { DECIDE_CHANGED, DECIDE_UNCHANGED, DECIDE_INCONCLUSIVE };

struct decide_side {
	size_t count;	      /* launches */
	const double *values; /* one a launch, above 0 */
};

/* All of the second part are factors: 1.05 is five percent slower. */
struct decide_row {
	struct decide_side before, after;
	struct decide_side same; /* of another record of what before is of; count 0: none */

	enum decide_answer answer;
	double ratio;
	bool has_interval; /* false: too few launches */
	double low, high;
	double p, adjusted;
	double floor;	   /* at most this much, either way, is noise */
	double detectable; /* a slowdown of this much is found in 95 of 100 such comparisons */
	unsigned launches_wanted; /* of each side, to decide; 0: decided, or no number would */
};

/* Fills the second part of all rows. Every side has a launch at least. */
void decide_rows(struct decide_row *rows, size_t count, uint64_t seed);

#endif
