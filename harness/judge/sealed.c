/* SPDX-License-Identifier: Apache-2.0 */
#include "judge/sealed.h"

#include <string.h>

#include "base/message.h"
#include "record/version.h"
#include "suite/cases.h"
#include "suite/kinds.h"

static struct record_expect expect_of(struct pool *pool, const struct vm_prediction *prediction)
{
	int64_t *values = pool_take(pool, prediction->values_count * sizeof(*values));
	const char **inputs = pool_take(pool, prediction->inputs_count * sizeof(*inputs));

	for (size_t i = 0; i < prediction->values_count; i++)
		values[i] = prediction->values[i];
	for (size_t i = 0; i < prediction->inputs_count; i++)
		inputs[i] = pool_text(pool, prediction->inputs[i]);
	return (struct record_expect){
		.quantity = pool_text(pool, prediction->quantity),
		.at = pool_text(pool, prediction->at),
		.unit = prediction->unit,
		.form = prediction_form_word(prediction->form),
		.shape = prediction->form == VM_FORM_SHAPE
				 ? prediction_shape_word(prediction->shape)
				 : NULL,
		.other = prediction->other != NULL ? pool_text(pool, prediction->other) : NULL,
		.values_count = prediction->values_count,
		.values = values,
		.inputs_count = prediction->inputs_count,
		.inputs = inputs,
		.because = pool_text(pool, prediction->because),
		.cite = pool_text(pool, prediction->cite),
	};
}

/* One line: what this model says of this claim. */
static struct record_prediction line_of(struct pool *pool, const struct check_case *check_case,
	const char *claim, const char *model, const struct vm_predictions *predictions)
{
	struct record_expect *expect = pool_take(pool, predictions->count * sizeof(*expect));
	size_t count = 0;

	for (size_t i = 0; i < predictions->count; i++)
		if (strcmp(predictions->items[i].claim, claim) == 0)
			expect[count++] = expect_of(pool, &predictions->items[i]);
	return (struct record_prediction){
		.claim = claim,
		.probe = check_case->check->name,
		.kind = check_case->check->kind->name,
		.model = model,
		.parameters = case_parameters(pool, check_case),
		.expect_count = count,
		.expect = expect,
	};
}

void sealed_predictions(struct pool *pool, struct prediction_room *room,
	const struct check_case *check_case, const struct vm_host *facts,
	struct record_prediction **predictions, size_t *count)
{
	const struct probe_readings none = {0};
	struct vm_host host;

	case_host(check_case, facts, &host);
	for (int id = 0; id < VM_MODEL_LIMIT; id++) {
		const char *model = vm_model_for((enum vm_model_id)id, &host).name;
		struct vm_predictions made;
		predict_case(room, check_case, (enum vm_model_id)id, &host, &none, &made);
		for (const char *const *claim = check_case->check->claims; *claim != NULL;
			claim++) {
			*predictions =
				pool_grow(pool, *predictions, *count, sizeof((*predictions)[0]));
			(*predictions)[(*count)++] =
				line_of(pool, check_case, *claim, model, &made);
		}
	}
}

static bool same_line(const struct record_prediction *a, const struct record_prediction *b)
{
	struct pool POOL_DROPS pool = {0};
	const struct record_line left = {.type = RECORD_TYPE_PREDICTION, .prediction = *a};
	const struct record_line right = {.type = RECORD_TYPE_PREDICTION, .prediction = *b};
	const char *left_text = record_encode(&pool, &left);
	const char *right_text = record_encode(&pool, &right);

	return left_text != NULL && right_text != NULL && strcmp(left_text, right_text) == 0;
}

struct recheck {
	const struct record *record;
	const struct check_list *checks;
	const struct vm_host *facts;
	struct prediction_room room;
};

/* Whether today's model seals the same line; checks that are gone are another matter. */
static bool holds(struct recheck *recheck, const struct record_prediction *sealed)
{
	struct pool POOL_DROPS pool = {0};
	const struct check *check = check_named(recheck->checks, sealed->kind, sealed->probe);
	struct record_prediction *today = NULL;
	struct check_case check_case;
	const char *why = NULL;
	size_t count = 0;

	if (check == NULL || !case_of_record(&pool, check, &sealed->parameters, &check_case, &why))
		return false;
	sealed_predictions(&pool, &recheck->room, &check_case, recheck->facts, &today, &count);
	for (size_t i = 0; i < count; i++)
		if (strcmp(today[i].claim, sealed->claim) == 0 &&
			strcmp(today[i].model, sealed->model) == 0)
			return same_line(&today[i], sealed);
	return false;
}

bool sealed_still_hold(const struct record *record, const struct check_list *checks,
	const struct vm_host *facts, struct judgement *judgement)
{
	struct recheck recheck = {.record = record, .checks = checks, .facts = facts};
	const struct record_prediction *first = NULL;
	size_t changed_count = 0;

	for (size_t i = 0; i < record->predictions_count; i++)
		if (!holds(&recheck, &record->predictions[i])) {
			changed_count++;
			first = first == NULL ? &record->predictions[i] : first;
		}
	prediction_room_drop(&recheck.room);
	if (changed_count == 0)
		return true;
	const char *id = case_id(judgement->pool, first->kind, first->probe, &first->parameters);
	if (strcmp(record->header.model, record_model_digest) == 0) {
		message("%s: the model that sealed it (%s) makes another prediction today for %s; "
			"it was changed, or the model is not deterministic",
			record->path, record_model_digest, id);
		return false;
	}
	judgement_note(judgement,
		"sealed by model %s, judged by model %s: %zu of %zu predictions are others now, "
		"first %s",
		record->header.model, record_model_digest, changed_count, record->predictions_count,
		id);
	return true;
}
