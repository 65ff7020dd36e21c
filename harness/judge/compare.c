/* SPDX-License-Identifier: Apache-2.0 */
#include "judge/compare.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "judge/predict.h"
#include "judge/shape.h"
#include "judge/text.h"

/* What is known so far of one claim under one model; a worse outcome replaces a better one. */
struct standing {
	const char *claim;
	size_t agreed_count;
	bool any;
	struct check_finding finding;
	struct record_exactness exactness; /* of all of them together */
};

struct judging {
	struct pool *pool;
	struct prediction_room room;
	const struct check_case *check_case;
	const struct vm_model *model;
	const struct check_evidence *evidence;
	const struct check_trial *trial; /* the one being judged */
	size_t standings_count;
	struct standing *standings;
};

/* --- does one reading agree with one prediction? --------------------------------------------- */

static int by_value(const void *left, const void *right)
{
	const int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;

	return (a > b) - (a < b);
}

static bool same_values(const int64_t *a, size_t a_count, const int64_t *b, size_t b_count)
{
	return a_count == b_count && (a_count == 0 || memcmp(a, b, a_count * sizeof(int64_t)) == 0);
}

static const int64_t *sorted(struct pool *pool, const int64_t *values, size_t count)
{
	int64_t *copy = pool_take(pool, count * sizeof(*copy));

	if (count != 0) {
		memcpy(copy, values, count * sizeof(*copy));
		qsort(copy, count, sizeof(*copy), by_value);
	}
	return copy;
}

static bool is_among(const struct vm_prediction *prediction, int64_t value)
{
	for (size_t i = 0; i < prediction->values_count; i++)
		if (prediction->values[i] == value)
			return true;
	return false;
}

/* One interval for all values, or one for each. */
static bool is_within(const struct vm_prediction *prediction, size_t index, int64_t value)
{
	const int64_t *interval =
		&prediction->values[prediction->values_count == 2 ? 0 : 2 * index];

	return interval[0] <= value && value <= interval[1];
}

static bool most_are_within(
	const struct vm_prediction *prediction, const int64_t *observed, size_t observed_count)
{
	size_t within = 0;

	if (prediction->values_count != 2 * observed_count)
		return false;
	for (size_t i = 0; i < observed_count; i++)
		within += is_within(prediction, i, observed[i]);
	return 2 * within > observed_count;
}

/*
 * Of pages, each with an answer of its own, resident or not: where both are allowed nothing was
 * decided.
 */
static struct record_exactness exactness_of(
	const struct vm_prediction *prediction, const struct record_observation *observation)
{
	const size_t count = observation->values_count;
	struct record_exactness exactness = {0};

	if (strcmp(prediction->quantity, "resident") != 0 || prediction->unit != VM_UNIT_BOOL ||
		(prediction->form != VM_FORM_WITHIN && prediction->form != VM_FORM_MOSTLY) ||
		prediction->values_count != 2 * count)
		return exactness;
	exactness.pages = (int64_t)count;
	for (size_t i = 0; i < count; i++) {
		const bool is_decided = prediction->values[2 * i] == prediction->values[2 * i + 1];
		exactness.decided += is_decided;
		exactness.right += is_decided && is_within(prediction, i, observation->values[i]);
	}
	return exactness;
}

/* For the forms that are values; rules, shapes and silence never come here. */
static bool allows(struct pool *pool, const struct vm_prediction *prediction,
	const struct record_observation *observation)
{
	const int64_t *predicted = prediction->values, *observed = observation->values;
	const size_t predicted_count = prediction->values_count,
		     observed_count = observation->values_count;

	if (prediction->form == VM_FORM_EXACT)
		return same_values(predicted, predicted_count, observed, observed_count);
	if (prediction->form == VM_FORM_SET)
		return same_values(sorted(pool, predicted, predicted_count), predicted_count,
			sorted(pool, observed, observed_count), observed_count);
	if (prediction->form == VM_FORM_MOSTLY)
		return most_are_within(prediction, observed, observed_count);
	if (prediction->form == VM_FORM_WITHIN && predicted_count != 2 &&
		predicted_count != 2 * observed_count)
		return false;
	for (size_t i = 0; i < observed_count; i++)
		if (prediction->form == VM_FORM_AMONG ? !is_among(prediction, observed[i])
						      : !is_within(prediction, i, observed[i]))
			return false;
	/* No value at all is nothing that lies in an interval. */
	return observed_count != 0;
}

/* --- findings -------------------------------------------------------------------------------- */

static unsigned weight(enum check_outcome outcome)
{
	switch (outcome) {
	case CHECK_SILENT:
		return 0;
	case CHECK_AGREES:
		return 1;
	case CHECK_INCONCLUSIVE:
		return 2;
	case CHECK_DIFFERS:
		return 3;
	case CHECK_BROKEN:
		break;
	}
	return 4;
}

static void stand(struct standing *standing, const struct check_finding *finding)
{
	if (!standing->any || weight(finding->outcome) > weight(standing->finding.outcome))
		standing->finding = *finding;
	standing->any = true;
	standing->agreed_count += finding->outcome == CHECK_AGREES;
	standing->exactness.pages += finding->exactness.pages;
	standing->exactness.decided += finding->exactness.decided;
	standing->exactness.right += finding->exactness.right;
}

/* "low[node 0 Normal]" */
static const char *name_of(struct pool *pool, const struct vm_prediction *prediction)
{
	if (prediction->at[0] == '\0')
		return pool_text(pool, prediction->quantity);
	return pool_format(pool, "%s[%s]", prediction->quantity, prediction->at);
}

static struct check_finding finding_of(const struct judging *judging,
	const struct vm_prediction *prediction, enum check_outcome outcome, const char *observed)
{
	const char *name = name_of(judging->pool, prediction);

	/* The prediction lies in the room, which the next question overwrites. */
	return (struct check_finding){
		.claim = pool_text(judging->pool, prediction->claim),
		.outcome = outcome,
		.expected = pool_format(
			judging->pool, "%s: %s", name, prediction_text(judging->pool, prediction)),
		.observed = observed,
		.because = pool_text(judging->pool, prediction->because),
		.cite = pool_text(judging->pool, prediction->cite),
		.about = name,
	};
}

static const char *observed_text(
	const struct judging *judging, const struct record_observation *observation)
{
	const char *text = values_text(
		judging->pool, observation->values, observation->values_count, observation->unit);

	if (judging->evidence->trials_count == 1)
		return pool_format(judging->pool, "%s (%s)", text, observation->witness);
	return pool_format(judging->pool, "%s (%s, launch %" PRId64 ")", text, observation->witness,
		judging->trial->trial->launch);
}

static struct check_finding compare_values(
	const struct judging *judging, const struct vm_prediction *prediction)
{
	const struct record_observation *seen = NULL;
	bool agrees = true;

	for (size_t i = 0; agrees && i < judging->trial->observations_count; i++) {
		const struct record_observation *observation = &judging->trial->observations[i];
		if (strcmp(observation->quantity, prediction->quantity) != 0 ||
			strcmp(observation->at, prediction->at) != 0)
			continue;
		if (observation->unit != prediction->unit)
			return finding_of(judging, prediction, CHECK_BROKEN,
				pool_format(judging->pool, "observed in %s, predicted in %s",
					vm_unit_word(observation->unit),
					vm_unit_word(prediction->unit)));
		seen = observation;
		agrees = allows(judging->pool, prediction, observation);
	}
	if (seen == NULL)
		return finding_of(judging, prediction, CHECK_BROKEN, "not observed");
	struct check_finding finding = finding_of(judging, prediction,
		agrees ? CHECK_AGREES : CHECK_DIFFERS, observed_text(judging, seen));
	finding.exactness = exactness_of(prediction, seen);
	return finding;
}

static struct check_finding compare(
	const struct judging *judging, const struct vm_prediction *prediction)
{
	switch (prediction->form) {
	case VM_FORM_EXACT:
	case VM_FORM_SET:
	case VM_FORM_AMONG:
	case VM_FORM_WITHIN:
	case VM_FORM_MOSTLY:
		return compare_values(judging, prediction);
	case VM_FORM_RULE:
		return finding_of(judging, prediction, CHECK_BROKEN,
			"an input of the rule is not among the observations");
	case VM_FORM_SHAPE: /* asks all launches together: judge_shapes() */
	case VM_FORM_SILENT:
		break;
	}
	return finding_of(judging, prediction, CHECK_SILENT, "");
}

/* Nothing that this trial reported can be used. */
static void doubt_all(struct judging *judging, const char *observed, const char *because)
{
	for (size_t i = 0; i < judging->standings_count; i++)
		stand(&judging->standings[i], &(struct check_finding){
						      .claim = judging->standings[i].claim,
						      .outcome = CHECK_BROKEN,
						      .expected = "",
						      .observed = observed,
						      .because = because,
						      .cite = "",
					      });
}

/* --- one trial, all trials ------------------------------------------------------------------- */

static int by_surface(const void *left, const void *right)
{
	const struct record_observation *const *a = left, *const *b = right;
	int order = strcmp((*a)->quantity, (*b)->quantity);

	if (order == 0)
		order = strcmp((*a)->at, (*b)->at);
	return order != 0 ? order : strcmp((*a)->witness, (*b)->witness);
}

/*
 * Two readings of one surface that disagree mean a broken instrument. Two surfaces that disagree
 * are the kernel's affair: each is compared with the prediction by itself.
 */
static const struct record_observation *contradiction_in(
	struct pool *pool, const struct check_trial *trial)
{
	const size_t count = trial->observations_count;
	const struct record_observation **order = pool_take(pool, count * sizeof(*order));

	for (size_t i = 0; i < count; i++)
		order[i] = &trial->observations[i];
	if (count > 1)
		qsort(order, count, sizeof(*order), by_surface);
	for (size_t i = 1; i < count; i++)
		if (by_surface(&order[i - 1], &order[i]) == 0 &&
			!same_values(order[i - 1]->values, order[i - 1]->values_count,
				order[i]->values, order[i]->values_count))
			return order[i];
	return NULL;
}

struct probe_readings compare_readings(struct pool *pool, const struct check_trial *trial)
{
	const size_t count = trial->observations_count;
	struct probe_reading *items = pool_take(pool, count * sizeof(*items));

	for (size_t i = 0; i < count; i++)
		items[i] = (struct probe_reading){
			.quantity = trial->observations[i].quantity,
			.at = trial->observations[i].at,
			.values_count = trial->observations[i].values_count,
			.values = trial->observations[i].values,
		};
	return (struct probe_readings){count, items};
}

static struct standing *standing_of(struct judging *judging, const char *claim)
{
	for (size_t i = 0; i < judging->standings_count; i++)
		if (strcmp(judging->standings[i].claim, claim) == 0)
			return &judging->standings[i];
	return NULL;
}

static void take_finding(struct judging *judging, const struct check_finding *finding)
{
	struct standing *standing = standing_of(judging, finding->claim);
	const char *about = judging->evidence->about;

	if (about != NULL && strcmp(about, finding->about) != 0)
		return;
	if (standing != NULL)
		stand(standing, finding);
	else
		doubt_all(judging, finding->claim,
			"the check predicts a claim that it does not declare");
}

static void doubt_contradiction(struct judging *judging)
{
	struct pool *pool = judging->pool;
	const struct record_observation *contradiction = contradiction_in(pool, judging->trial);

	if (contradiction != NULL)
		doubt_all(judging,
			pool_format(pool, "%s was read twice from %s, with two results",
				contradiction->quantity, contradiction->witness),
			"two readings of one surface in one trial disagree");
}

static void judge_trial(struct judging *judging)
{
	const struct probe_readings readings = compare_readings(judging->pool, judging->trial);
	struct vm_predictions predictions;

	predict_case(&judging->room, judging->check_case, judging->model->id,
		judging->evidence->host, &readings, &predictions);
	for (size_t i = 0; i < predictions.count; i++) {
		if (predictions.items[i].form == VM_FORM_SHAPE)
			continue;
		const struct check_finding finding = compare(judging, &predictions.items[i]);
		take_finding(judging, &finding);
	}
}

static int by_place(const void *left, const void *right)
{
	const struct record_observation *const *a = left, *const *b = right;
	const int order = strcmp((*a)->quantity, (*b)->quantity);

	return order != 0 ? order : strcmp((*a)->at, (*b)->at);
}

/* What all launches observed at a place, as one reading: their values behind each other. */
static struct probe_readings readings_of_all(
	struct pool *pool, const struct check_evidence *evidence)
{
	const struct record_observation **order = NULL;
	size_t count = 0;
	struct probe_readings readings = {0};
	struct probe_reading *items = NULL;

	for (size_t i = 0; i < evidence->trials_count; i++)
		for (size_t k = 0; k < evidence->trials[i].observations_count; k++) {
			order = pool_grow(pool, order, count, sizeof(*order));
			order[count++] = &evidence->trials[i].observations[k];
		}
	if (count > 1)
		qsort(order, count, sizeof(*order), by_place);
	for (size_t first = 0, end = 0; first < count; first = end) {
		size_t values_count = 0;
		for (; end < count && by_place(&order[end], &order[first]) == 0; end++)
			values_count += order[end]->values_count;
		int64_t *values = pool_take(pool, values_count * sizeof(*values)), *next = values;
		for (size_t i = first; i < end; i++) {
			memcpy(next, order[i]->values, order[i]->values_count * sizeof(*next));
			next += order[i]->values_count;
		}
		items = pool_grow(pool, items, readings.count, sizeof(*items));
		items[readings.count++] = (struct probe_reading){
			order[first]->quantity, order[first]->at, values_count, values};
	}
	readings.items = items;
	return readings;
}

/*
 * A shape lies in the medians of all launches: no single one has it. Where the shape depends on
 * what was read elsewhere (how large the entries of a translation buffer are, under a hypervisor),
 * it was sealed as a rule, and the readings of all launches decide.
 */
static void predict_from_all(struct judging *judging, struct vm_predictions *predictions)
{
	const struct probe_readings readings = readings_of_all(judging->pool, judging->evidence);

	predict_case(&judging->room, judging->check_case, judging->model->id,
		judging->evidence->host, &readings, predictions);
}

/* Then a launch by itself is asked nothing, and the model need not work out what it says of it. */
static bool only_shapes(struct judging *judging)
{
	struct vm_predictions predictions;

	predict_from_all(judging, &predictions);
	for (size_t i = 0; i < predictions.count; i++)
		if (predictions.items[i].form != VM_FORM_SHAPE)
			return false;
	return predictions.count != 0;
}

static void judge_shapes(struct judging *judging)
{
	struct vm_predictions predictions;

	predict_from_all(judging, &predictions);
	for (size_t i = 0; i < predictions.count; i++) {
		const char *observed = "";
		if (predictions.items[i].form != VM_FORM_SHAPE)
			continue;
		const enum check_outcome outcome = shape_judge(
			judging->pool, &predictions.items[i], judging->evidence, &observed);
		const struct check_finding finding =
			finding_of(judging, &predictions.items[i], outcome, observed);
		take_finding(judging, &finding);
	}
}

static struct check_finding conclusion(struct pool *pool, const struct standing *standing)
{
	struct check_finding finding = standing->finding;

	finding.exactness = standing->exactness;
	if (!standing->any)
		return (struct check_finding){
			.claim = standing->claim,
			.outcome = CHECK_SILENT,
			.expected = "",
			.observed = "",
			.because = "the model says nothing of it",
			.cite = "",
		};
	/* Many quantities agreed: the first is shown, and how many more there were. */
	if (finding.outcome == CHECK_AGREES && standing->agreed_count > 1)
		finding.observed = pool_format(
			pool, "%s and %zu more", finding.observed, standing->agreed_count - 1);
	return finding;
}

void compare_case(const struct check_case *check_case, const struct vm_model *model,
	const struct check_evidence *evidence, struct check_findings *findings)
{
	const char *const *claims = check_case->check->claims;
	struct judging judging = {
		.pool = evidence->pool,
		.check_case = check_case,
		.model = model,
		.evidence = evidence,
	};

	while (claims[judging.standings_count] != NULL)
		judging.standings_count++;
	judging.standings =
		pool_take(judging.pool, judging.standings_count * sizeof(judging.standings[0]));
	for (size_t i = 0; i < judging.standings_count; i++)
		judging.standings[i].claim = claims[i];
	const bool timed = check_case->check->timed;
	const bool asks_launches = !timed || !only_shapes(&judging);
	for (size_t i = 0; i < evidence->trials_count; i++) {
		judging.trial = &evidence->trials[i];
		doubt_contradiction(&judging);
		if (asks_launches)
			judge_trial(&judging);
	}
	if (timed)
		judge_shapes(&judging);
	prediction_room_drop(&judging.room);
	for (size_t i = 0; i < judging.standings_count; i++) {
		const struct check_finding finding =
			conclusion(judging.pool, &judging.standings[i]);
		check_find(findings, &finding);
	}
}
