/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How predictions of timed probes are written: shapes over one sweep, and counts that stand beside
 * each sample. Part of the program, not of the trials.
 */
#ifndef PROBE_SHAPE_H
#define PROBE_SHAPE_H

#include "vm/prediction.h"

/* What all shapes of a claim over one sweep have in common. */
struct shape_claim {
	struct vm_predictions *predictions;
	const char *claim;
	size_t places_count;
	const char *const *places;
};

/* other: NULL where the shape needs none. */
void predict_shape(const struct shape_claim *of, const char *quantity, enum vm_shape shape,
	const char *other, const char *because, const char *cite);

/* The same with a regressor: a value a place. */
void predict_growth(const struct shape_claim *of, const char *quantity, enum vm_shape shape,
	const char *other, const int64_t *values, const char *because, const char *cite);

/* A count that every one of so many samples has beside it. A wrong one is no noise. */
void predict_each(const struct shape_claim *of, const char *quantity, const char *at, int64_t value,
	size_t samples_count, const char *because, const char *cite);

/* The claim is not spoken of. */
void predict_silence(
	const struct shape_claim *of, const char *quantity, const char *because, const char *cite);

#endif
