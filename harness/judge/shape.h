/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Does a timed quantity move along its sweep as the model says? In three ways: it does, it does
 * not, or these launches cannot tell. vm/prediction.h says what each shape means.
 *
 * Each shape is a list of figures with the range in which each must lie. A launch gives one value a
 * figure; the launches give the figure's median an interval without assumption on distributions. A
 * shape holds when every interval lies inside its range, and is refused when one lies outside.
 */
#ifndef JUDGE_SHAPE_H
#define JUDGE_SHAPE_H

#include <stddef.h>

#include "base/pool.h"
#include "suite/check.h"
#include "vm/prediction.h"

/*
 * How often a shape may come out wrongly, over all looks: it holds with at most this probability
 * when a figure's true median lies outside of its range, and is refused with at most this
 * probability when all lie inside.
 */
#define SHAPE_ERROR 0.01

/*
 * Launches are added and looked at on this schedule, whatever was seen; the error is divided by the
 * number of looks, so that looking more than once does not make it larger.
 */
#define SHAPE_LOOKS_COUNT 4
extern const unsigned shape_looks[SHAPE_LOOKS_COUNT];

/* The medians of each launch at each place: launch by launch, places in order. */
struct shape_sweep {
	size_t launches_count, places_count;
	const double *medians;
};

enum shape_answer { SHAPE_HOLDS, SHAPE_REFUSED, SHAPE_OPEN };

struct shape_decision {
	enum shape_answer answer;
	const char *observed; /* the figure that decided, with its interval */
};

/*
 * other: the sweep of the quantity named by prediction->other; not used where that is NULL.
 * places: what the places are called; for KNEE they begin with the numbers that values are in.
 */
struct shape_decision shape_decide(struct pool *pool, const struct vm_prediction *prediction,
	const struct shape_sweep *sweep, const struct shape_sweep *other);

/*
 * The same from the evidence of a case: a figure a launch. Launches that a declared rule leaves out
 * (judge/exclude.h) are not asked; when they are more than half, nothing is decided.
 */
enum check_outcome shape_judge(struct pool *pool, const struct vm_prediction *prediction,
	const struct check_evidence *evidence, const char **observed);

/*
 * What a launch says of a place. The hardware's latency, which is what a knee lies in, is the least
 * of its samples: what disturbs a chase only adds to it. What the kernel does varies by itself, so
 * elsewhere the median speaks. values_count is at least 1.
 */
double shape_figure(
	struct pool *pool, enum vm_shape shape, const struct record_observation *samples);

/*
 * Where a curve over cycles of numbers[i] things leaves its first plateau: the index of the last
 * place on it. The places after it lie, five in a row or to the end, above the plateau by the
 * height that one miss a turn gives, and by five times the plateau's own spread.
 */
size_t shape_knee(const double *curve, const double *numbers, size_t count);

/* The last place before five in a row, or all to the end, at twice the height of the first five. */
size_t shape_reach(const double *curve, size_t count);

#endif
