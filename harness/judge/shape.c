/* SPDX-License-Identifier: Apache-2.0 */
#include "judge/shape.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "judge/exclude.h"
#include "judge/statistics.h"

const unsigned shape_looks[SHAPE_LOOKS_COUNT] = {12, 18, 30, 60};

/* What nearer means: closer to the claim's curve than to its rival's, so the middle decides. */
#define HALF		  0.5
#define PLATEAU_LEAST	  5
#define DEPARTURE_SPREADS 5
#define DEPARTURE_RUN	  5
/* Launches that show a cycle to fit: a disturbed control may make one of them. */
#define PROOFS 3

/* A figure of a launch, and where its median over launches must lie. */
struct figure {
	const char *name;
	double low, high;
	bool is_knee;	    /* what shares the processor moves it down, and never up */
	double refused_low; /* of a knee: no sharing explains what lies below this */
	double *values;	    /* one a launch */
};

struct figures {
	struct pool *pool;
	const struct shape_sweep *sweep, *other;
	size_t count;
	struct figure *items;
};

static const double *curve_of(const struct shape_sweep *sweep, size_t launch)
{
	return sweep->medians + launch * sweep->places_count;
}

static struct figure *add(struct figures *figures, const char *name, double low, double high)
{
	figures->items =
		pool_grow(figures->pool, figures->items, figures->count, sizeof(*figures->items));
	struct figure *figure = &figures->items[figures->count++];
	*figure = (struct figure){
		.name = name,
		.low = low,
		.high = high,
		.values = pool_take(figures->pool, figures->sweep->launches_count * sizeof(double)),
	};
	return figure;
}

static double rise_of(const struct shape_sweep *sweep, size_t launch)
{
	const double *curve = curve_of(sweep, launch);

	return curve[sweep->places_count - 1] - curve[0];
}

static void add_rise(struct figures *figures, const struct shape_sweep *sweep, const char *name)
{
	struct figure *figure = add(figures, name, 0, INFINITY);

	for (size_t i = 0; i < sweep->launches_count; i++)
		figure->values[i] = rise_of(sweep, i);
}

static double share(double part, double whole)
{
	/* Of nothing, nothing is a share: it lies in no range. */
	return whole == 0 ? INFINITY : part / whole;
}

/* The whole rise, as a share of the rise that the other quantity shows. */
static void add_share_of_rise(struct figures *figures)
{
	struct figure *figure = add(figures, "rise, as a share of the other's", HALF, INFINITY);

	for (size_t i = 0; i < figures->sweep->launches_count; i++)
		figure->values[i] = share(rise_of(figures->sweep, i), rise_of(figures->other, i));
}

/* Each place's rise over the first, as a share of the rise that the other quantity shows. */
static void add_flat(struct figures *figures, const char *const *places)
{
	const struct shape_sweep *sweep = figures->sweep;

	add_rise(figures, figures->other, "rise of the other");
	for (size_t place = 1; place < sweep->places_count; place++) {
		struct figure *figure = add(figures,
			pool_format(figures->pool, "rise to %s, as a share of the other's",
				places[place]),
			-HALF, HALF);
		for (size_t i = 0; i < sweep->launches_count; i++) {
			const double *curve = curve_of(sweep, i);
			figure->values[i] =
				share(curve[place] - curve[0], rise_of(figures->other, i));
		}
	}
}

static void add_rises(struct figures *figures, const char *const *places)
{
	for (size_t place = 1; place < figures->sweep->places_count; place++) {
		struct figure *figure = add(figures,
			pool_format(figures->pool, "step to %s", places[place]), 0, INFINITY);
		for (size_t i = 0; i < figures->sweep->launches_count; i++) {
			const double *curve = curve_of(figures->sweep, i);
			figure->values[i] = curve[place] - curve[place - 1];
		}
	}
}

/* How fast the rise over the first place grows with the regressor's, as a power of it. */
static double power_between(double rise, double next_rise, double ratio)
{
	if (rise <= 0)
		return next_rise > 0 ? INFINITY : 0;
	return next_rise <= 0 ? -INFINITY : log(next_rise / rise) / log(ratio);
}

static void add_proportional(
	struct figures *figures, const struct vm_prediction *prediction, const char *const *places)
{
	const int64_t *regressor = prediction->values;

	if (prediction->other != NULL) {
		add_rise(figures, figures->other, "rise of the other");
		add_share_of_rise(figures);
	} else {
		add_rise(figures, figures->sweep, "rise");
	}
	for (size_t place = 1; place + 1 < figures->sweep->places_count; place++) {
		struct figure *figure = add(figures,
			pool_format(figures->pool, "growth from %s to %s, as a power",
				places[place], places[place + 1]),
			HALF, 1 + HALF);
		const double ratio = (double)(regressor[place + 1] - regressor[0]) /
				     (double)(regressor[place] - regressor[0]);
		for (size_t i = 0; i < figures->sweep->launches_count; i++) {
			const double *curve = curve_of(figures->sweep, i);
			figure->values[i] = power_between(
				curve[place] - curve[0], curve[place + 1] - curve[0], ratio);
		}
	}
}

static void add_logarithmic(
	struct figures *figures, const struct vm_prediction *prediction, const char *const *places)
{
	const int64_t *regressor = prediction->values;

	for (size_t place = 1; place < figures->sweep->places_count; place++) {
		struct figure *figure = add(figures,
			pool_format(figures->pool, "growth from %s to %s, as a power",
				places[place - 1], places[place]),
			-HALF, HALF);
		const double ratio = (double)regressor[place] / (double)regressor[place - 1];
		for (size_t i = 0; i < figures->sweep->launches_count; i++) {
			const double *curve = curve_of(figures->sweep, i);
			figure->values[i] = power_between(curve[place - 1], curve[place], ratio);
		}
	}
}

static void add_step(
	struct figures *figures, const struct vm_prediction *prediction, const char *const *places)
{
	const size_t last = figures->sweep->places_count - 1;

	add_rise(figures, figures->sweep, "rise");
	for (size_t place = 1; place < last; place++) {
		const double line = (double)place / (double)last;
		const bool is_low = (int64_t)place <= prediction->values[0];
		const double level = is_low ? 0 : 1;
		/* Half-way to where a straight line would be, and as far to the other side. */
		const double reach = HALF * fabs(line - level);
		struct figure *figure = add(figures,
			pool_format(figures->pool, "height at %s, as a share of the step",
				places[place]),
			level - reach, level + reach);
		for (size_t i = 0; i < figures->sweep->launches_count; i++) {
			const double *curve = curve_of(figures->sweep, i);
			figure->values[i] = (curve[place] - curve[0]) / rise_of(figures->sweep, i);
		}
	}
}

static void add_below(struct figures *figures, const char *const *places)
{
	for (size_t place = 0; place < figures->sweep->places_count; place++) {
		struct figure *figure = add(figures,
			pool_format(figures->pool, "distance below the other at %s", places[place]),
			0, INFINITY);
		for (size_t i = 0; i < figures->sweep->launches_count; i++)
			figure->values[i] = curve_of(figures->other, i)[place] -
					    curve_of(figures->sweep, i)[place];
	}
}

size_t shape_knee(const double *curve, const double *numbers, size_t count)
{
	const size_t end = count > PLATEAU_LEAST ? PLATEAU_LEAST : count;
	const double final = statistics_median(curve + count - end, end);

	for (size_t place = PLATEAU_LEAST; place < count; place++) {
		const double level = statistics_median(curve, place);
		const double spread = DEPARTURE_SPREADS * statistics_spread(curve, place);
		size_t above = 0;
		while (above < DEPARTURE_RUN && place + above < count) {
			const double miss = (final - level) / numbers[place + above];
			if (curve[place + above] <= level + (miss > spread ? miss : spread))
				break;
			above++;
		}
		if (above == DEPARTURE_RUN || (above != 0 && place + above == count))
			return place - 1;
	}
	return count - 1;
}

size_t shape_reach(const double *curve, size_t count)
{
	const size_t begin = count > PLATEAU_LEAST ? PLATEAU_LEAST : count;
	const double twice = 2 * statistics_median(curve, begin);

	for (size_t place = begin; place < count; place++) {
		size_t above = 0;
		while (above < DEPARTURE_RUN && place + above < count &&
			curve[place + above] > twice)
			above++;
		if (above == DEPARTURE_RUN || (above != 0 && place + above == count))
			return place - 1;
	}
	return count - 1;
}

/*
 * A cycle through more is never faster, and what disturbs a chase only adds to it: so no place can
 * really be higher than the lowest that was seen at it or at any place after it.
 */
static void lower_to_what_follows(const double *curve, size_t count, double *lowered)
{
	double least = INFINITY;

	for (size_t place = count; place > 0; place--) {
		least = fmin(least, curve[place - 1]);
		lowered[place - 1] = least;
	}
}

static void add_knee(
	struct figures *figures, const struct vm_prediction *prediction, const char *const *places)
{
	/* Places are whole numbers: half of one to each side takes in the ends themselves. */
	struct figure *figure = add(figures, "last place on the plateau",
		(double)prediction->values[0] - HALF, (double)prediction->values[1] + HALF);
	/* A second level is shared in halves where a sibling thread has its own. */
	figure->is_knee = true;
	figure->refused_low =
		prediction->shape == VM_SHAPE_REACH ? HALF * figure->low : figure->low;

	const size_t places_count = figures->sweep->places_count;
	double *numbers = pool_take(figures->pool, places_count * sizeof(*numbers));
	double *curve = pool_take(figures->pool, places_count * sizeof(*curve));
	double *control = pool_take(figures->pool, places_count * sizeof(*control));

	for (size_t place = 0; place < places_count; place++)
		numbers[place] = strtod(places[place], NULL);
	for (size_t i = 0; i < figures->sweep->launches_count; i++) {
		lower_to_what_follows(curve_of(figures->sweep, i), places_count, curve);
		if (prediction->other != NULL)
			lower_to_what_follows(curve_of(figures->other, i), places_count, control);
		for (size_t place = 0; place < places_count; place++)
			curve[place] -= control[place];
		const size_t last = prediction->shape == VM_SHAPE_REACH
					    ? shape_reach(curve, places_count)
					    : shape_knee(curve, numbers, places_count);
		figure->values[i] = numbers[last];
	}
}

/* ---- deciding ---- */

static const char *text_of(
	struct pool *pool, const struct figure *figure, const struct statistics_interval *interval)
{
	return pool_format(pool, "%s: %.4g to %.4g", figure->name, interval->low, interval->high);
}

static size_t launches_above(const struct figure *figure, size_t launches)
{
	size_t count = 0;

	for (size_t i = 0; i < launches; i++)
		count += figure->values[i] > figure->low;
	return count;
}

/*
 * That a cycle fits is shown by the launches in which it did: in others somebody else had some of
 * the entries.
 */
static bool lies_inside(
	const struct statistics_interval *interval, const struct figure *figure, size_t launches)
{
	const bool is_above = figure->is_knee ? launches_above(figure, launches) >= PROOFS
					      : interval->low > figure->low;

	return is_above && interval->high < figure->high;
}

/*
 * A buffer that is too small ends at the same place in every launch. What neighbours take differs
 * from launch to launch, so a knee that moves by as much as it is early is no refusal.
 */
static bool lies_below(
	const struct statistics_interval *interval, const struct figure *figure, size_t launches)
{
	if (!figure->is_knee)
		return interval->high <= figure->low;
	return launches_above(figure, launches) == 0 && interval->high <= figure->refused_low &&
	       interval->high - interval->low < figure->low - interval->high;
}

static bool lies_outside(
	const struct statistics_interval *interval, const struct figure *figure, size_t launches)
{
	return lies_below(interval, figure, launches) || interval->low >= figure->high;
}

static struct shape_decision decide(const struct figures *figures)
{
	const size_t launches = figures->sweep->launches_count;
	const double error = SHAPE_ERROR / SHAPE_LOOKS_COUNT;
	struct shape_decision decision = {SHAPE_HOLDS, NULL};

	for (size_t i = 0; i < figures->count; i++) {
		const struct figure *figure = &figures->items[i];
		/* To hold, all must lie inside: each may be tried at the whole error. To be
		 * refused, one outside is enough: they share it. */
		const struct statistics_interval narrow =
			statistics_median_interval(figure->values, launches, error);
		const struct statistics_interval wide = statistics_median_interval(
			figure->values, launches, error / (double)figures->count);
		if (wide.known && lies_outside(&wide, figure, launches))
			return (struct shape_decision){
				SHAPE_REFUSED, text_of(figures->pool, figure, &wide)};
		const bool inside = narrow.known && lies_inside(&narrow, figure, launches);
		if (!inside)
			decision.answer = SHAPE_OPEN;
		if (decision.observed == NULL || (!inside && narrow.known))
			decision.observed = narrow.known
						    ? text_of(figures->pool, figure, &narrow)
						    : pool_format(figures->pool,
							      "%zu launches are too few", launches);
	}
	return decision;
}

struct shape_decision shape_decide(struct pool *pool, const struct vm_prediction *prediction,
	const struct shape_sweep *sweep, const struct shape_sweep *other)
{
	const char *const *places = prediction->inputs;
	struct figures figures = {.pool = pool, .sweep = sweep, .other = other};

	assert(sweep->launches_count != 0 && sweep->places_count >= 2);
	switch (prediction->shape) {
	case VM_SHAPE_FLAT:
		add_flat(&figures, places);
		break;
	case VM_SHAPE_RISES:
		add_rises(&figures, places);
		break;
	case VM_SHAPE_PROPORTIONAL:
		add_proportional(&figures, prediction, places);
		break;
	case VM_SHAPE_STEP:
		add_step(&figures, prediction, places);
		break;
	case VM_SHAPE_KNEE:
	case VM_SHAPE_REACH:
		add_knee(&figures, prediction, places);
		break;
	case VM_SHAPE_BELOW:
		add_below(&figures, places);
		break;
	case VM_SHAPE_LOGARITHMIC:
		add_logarithmic(&figures, prediction, places);
		break;
	case VM_SHAPE_NONE:
		break;
	}
	assert(figures.count != 0);
	struct shape_decision decision = decide(&figures);
	/* Where the other shows no rise, there is nothing to be held against: that is no refusal.
	 */
	if (decision.answer == SHAPE_REFUSED && prediction->other != NULL &&
		(prediction->shape == VM_SHAPE_FLAT ||
			prediction->shape == VM_SHAPE_PROPORTIONAL)) {
		figures.count = 1;
		const struct shape_decision yardstick = decide(&figures);
		if (yardstick.answer != SHAPE_HOLDS)
			return (struct shape_decision){SHAPE_OPEN, yardstick.observed};
	}
	return decision;
}

/* ---- from the evidence of a case ---- */

static const struct record_observation *samples_of(
	const struct check_trial *trial, const char *quantity, const char *at)
{
	for (size_t i = 0; i < trial->observations_count; i++) {
		const struct record_observation *observation = &trial->observations[i];
		if (strcmp(observation->quantity, quantity) == 0 &&
			strcmp(observation->at, at) == 0)
			return observation;
	}
	return NULL;
}

double shape_figure(
	struct pool *pool, enum vm_shape shape, const struct record_observation *samples)
{
	double *values = pool_take(pool, samples->values_count * sizeof(*values));
	double least = INFINITY;

	for (size_t i = 0; i < samples->values_count; i++) {
		values[i] = (double)samples->values[i];
		least = fmin(least, values[i]);
	}
	return shape == VM_SHAPE_KNEE || shape == VM_SHAPE_REACH
		       ? least
		       : statistics_median(values, samples->values_count);
}

/* The medians of one launch; false when it did not observe the quantity at every place. */
static bool curve_in(struct pool *pool, const struct vm_prediction *prediction,
	const char *quantity, const struct check_trial *trial, double *medians)
{
	for (size_t place = 0; place < prediction->inputs_count; place++) {
		const struct record_observation *samples =
			samples_of(trial, quantity, prediction->inputs[place]);
		if (samples == NULL || samples->unit != prediction->unit ||
			samples->values_count == 0)
			return false;
		medians[place] = shape_figure(pool, prediction->shape, samples);
	}
	return true;
}

enum check_outcome shape_judge(struct pool *pool, const struct vm_prediction *prediction,
	const struct check_evidence *evidence, const char **observed)
{
	const size_t places = prediction->inputs_count, trials = evidence->trials_count;
	double *medians = pool_take(pool, trials * places * sizeof(*medians));
	double *others = pool_take(pool, trials * places * sizeof(*others));
	size_t used = 0, left_out = 0;
	const char *rule = NULL;

	/*
	 * A launch to which the kernel refused what a place needs (a huge page) says nothing of
	 * that sweep, and is left out of it; how many were used stands beside the figure.
	 */
	for (size_t trial = 0; trial < trials; trial++) {
		const char *broken_rule = exclude_rule(evidence->trials[trial].trial);
		left_out += broken_rule != NULL;
		rule = broken_rule != NULL ? broken_rule : rule;
		used += broken_rule == NULL &&
			curve_in(pool, prediction, prediction->quantity, &evidence->trials[trial],
				medians + used * places) &&
			(prediction->other == NULL ||
				curve_in(pool, prediction, prediction->other,
					&evidence->trials[trial], others + used * places));
	}
	if (2 * left_out > trials) {
		*observed = pool_format(
			pool, "%zu of %zu launches are left out: %s", left_out, trials, rule);
		return CHECK_INCONCLUSIVE;
	}
	if (used == 0 || places < 2) {
		*observed = "no launch observed it at every place";
		return CHECK_BROKEN;
	}
	const struct shape_sweep sweep = {used, places, medians}, other = {used, places, others};
	const struct shape_decision decision = shape_decide(pool, prediction, &sweep, &other);
	*observed = pool_format(pool, "%s (%zu of %zu launches%s%s%s)", decision.observed, used,
		trials, rule != NULL ? "; left out: " : "", rule != NULL ? rule : "",
		decision.answer == SHAPE_OPEN
			? "; too noisy: a quieter machine or --profile thorough"
			: "");
	switch (decision.answer) {
	case SHAPE_HOLDS:
		return CHECK_AGREES;
	case SHAPE_REFUSED:
		return CHECK_DIFFERS;
	case SHAPE_OPEN:
		break;
	}
	return CHECK_INCONCLUSIVE;
}
