/* SPDX-License-Identifier: Apache-2.0 */
#include "judge/judge.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "judge/ageing.h"
#include "judge/host.h"
#include "judge/predict.h"
#include "judge/sealed.h"
#include "suite/cases.h"
#include "suite/kinds.h"

struct judge {
	const struct record *record;
	const struct judge_options *options;
	struct judgement *judgement;
	struct vm_host facts;
	size_t launches_count;
	const struct record_launch **launches; /* sorted by case, then by number */
};

const char *verdict_word(enum verdict verdict)
{
	static const char *const words[] = {
#define VERDICT_ROW(name, word) word,
		VERDICTS(VERDICT_ROW)
#undef VERDICT_ROW
	};

	assert(verdict < VERDICT_LIMIT);
	return words[verdict];
}

enum verdict verdict_of_word(const char *word)
{
	for (int i = 0; i < VERDICT_LIMIT; i++)
		if (strcmp(verdict_word((enum verdict)i), word) == 0)
			return (enum verdict)i;
	return VERDICT_LIMIT;
}

void judgement_note(struct judgement *judgement, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	judgement->notes = pool_grow(judgement->pool, judgement->notes, judgement->notes_count,
		sizeof(judgement->notes[0]));
	judgement->notes[judgement->notes_count++] =
		pool_format_list(judgement->pool, format, arguments);
	va_end(arguments);
}

/* --- putting two findings together ----------------------------------------------------------- */

static enum verdict verdict_of(const struct check_kind *kind, enum check_outcome outcome)
{
	switch (outcome) {
	case CHECK_AGREES:
		return kind->model_only ? VERDICT_MODEL : VERDICT_PASS;
	case CHECK_DIFFERS:
		return kind->model_only ? VERDICT_ERROR : VERDICT_DEVIATION;
	case CHECK_SILENT:
		return VERDICT_SILENT;
	case CHECK_INCONCLUSIVE:
		return VERDICT_INCONCLUSIVE;
	case CHECK_BROKEN:
		break;
	}
	return VERDICT_ERROR;
}

static const char *textbook_of(enum check_outcome outcome)
{
	switch (outcome) {
	case CHECK_AGREES:
		return "agrees";
	case CHECK_DIFFERS:
		return "differs";
	case CHECK_SILENT:
	case CHECK_INCONCLUSIVE:
	case CHECK_BROKEN:
		break;
	}
	return "silent";
}

/* What the two answers together say: who is to learn something from it. */
static const char *reading_of(enum check_outcome linux, enum check_outcome textbook)
{
	if (textbook == CHECK_AGREES && linux == CHECK_AGREES)
		return "agreed";
	if (textbook == CHECK_DIFFERS && linux == CHECK_AGREES)
		return "departs";
	if (textbook == CHECK_AGREES && linux == CHECK_DIFFERS)
		return "mismodelled";
	if (textbook == CHECK_DIFFERS && linux == CHECK_DIFFERS)
		return "unexplained";
	return "open";
}

static void add_verdict(struct judge *judge, const struct record_verdict *verdict)
{
	struct judgement *judgement = judge->judgement;

	judgement->verdicts = pool_grow(judgement->pool, judgement->verdicts, judgement->count,
		sizeof(judgement->verdicts[0]));
	judgement->verdicts[judgement->count++] = *verdict;
}

/* A verdict of which nothing is known but the case: the caller fills in what it knows. */
static struct record_verdict blank(const struct check_case *check_case,
	const struct record_parameters *parameters, const char *claim)
{
	return (struct record_verdict){
		.claim = claim,
		.probe = check_case->check->name,
		.kind = check_case->check->kind->name,
		.parameters = *parameters,
		.textbook = "silent",
		.reading = "open",
		.expected = "",
		.observed = "",
		.textbook_expected = "",
		.because = "",
		.cite = "",
	};
}

static void add_without_evidence(struct judge *judge, const struct check_case *check_case,
	const struct record_parameters *parameters, enum verdict word,
	const struct record_trial *trial, const char *because)
{
	for (const char *const *claim = check_case->check->claims; *claim != NULL; claim++) {
		struct record_verdict verdict = blank(check_case, parameters, *claim);
		verdict.verdict = verdict_word(word);
		verdict.because = because;
		if (trial != NULL) {
			verdict.unmet_count = trial->unmet_count;
			verdict.unmet = trial->unmet;
		}
		add_verdict(judge, &verdict);
	}
}

static const struct check_finding *finding_for(
	const struct check_findings *findings, const char *claim)
{
	for (size_t i = 0; i < findings->count; i++)
		if (strcmp(findings->items[i].claim, claim) == 0)
			return &findings->items[i];
	return NULL;
}

/* --- evidence -------------------------------------------------------------------------------- */

static int by_case(const void *left, const void *right)
{
	const struct record_launch *const *a = left, *const *b = right;
	const int order = strcmp((*a)->id, (*b)->id);

	if (order != 0)
		return order;
	return ((*a)->trial.number > (*b)->trial.number) -
	       ((*a)->trial.number < (*b)->trial.number);
}

static void sort_launches(struct judge *judge)
{
	const struct record *record = judge->record;

	judge->launches_count = record->launches_count;
	judge->launches = pool_take(
		judge->judgement->pool, record->launches_count * sizeof(judge->launches[0]));
	for (size_t i = 0; i < record->launches_count; i++)
		judge->launches[i] = &record->launches[i];
	if (judge->launches_count > 1)
		qsort(judge->launches, judge->launches_count, sizeof(judge->launches[0]), by_case);
}

/* The launches of a case: a run in the sorted array. */
static const struct record_launch **launches_of(
	const struct judge *judge, const char *id, size_t *count)
{
	size_t low = 0, high = judge->launches_count;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;
		if (strcmp(judge->launches[middle]->id, id) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	*count = 0;
	while (low + *count < judge->launches_count &&
		strcmp(judge->launches[low + *count]->id, id) == 0)
		(*count)++;
	return judge->launches + low;
}

static const char *script_of(const struct record *record, const char *check)
{
	for (size_t i = 0; i < record->scripts_count; i++)
		if (strcmp(record->scripts[i].check, check) == 0)
			return record->scripts[i].text;
	return NULL;
}

/* Whether the case's sealed predictions speak of how the trial ends. */
static bool expects_an_end(const struct judge *judge, const char *id)
{
	for (size_t i = 0; i < judge->record->predictions_count; i++) {
		const struct record_prediction *prediction = &judge->record->predictions[i];
		struct pool POOL_DROPS pool = {0};
		if (strcmp(case_id(&pool, prediction->probe, &prediction->parameters), id) != 0)
			continue;
		for (size_t k = 0; k < prediction->expect_count; k++)
			if (strcmp(prediction->expect[k].quantity, "termination") == 0)
				return true;
	}
	return false;
}

/* Why a launch cannot be judged, or NULL. */
static const char *defect_of(struct judge *judge, const char *id, const struct record_trial *trial)
{
	struct pool *pool = judge->judgement->pool;
	const char *why = trial->why != NULL ? trial->why : "";

	if (trial->moved_count != 0)
		return pool_format(pool, "a fact moved while it was measured: %s", trial->moved[0]);
	switch (trial->end) {
	case RECORD_TRIAL_BROKEN:
		return pool_format(pool, "the trial is broken: %s", why);
	case RECORD_TRIAL_OVERDUE:
		return pool_format(pool, "the trial was overdue: %s", why);
	case RECORD_TRIAL_DIED:
		if (!expects_an_end(judge, id))
			return pool_format(pool, "the trial died: %s", why);
		break;
	case RECORD_TRIAL_OBSERVED:
	case RECORD_TRIAL_UNMET:
	case RECORD_TRIAL_END_LIMIT:
		break;
	}
	return NULL;
}

/* A case with its evidence, and how the two models are asked about it. */
struct asking {
	struct judge *judge;
	const struct check_case *check_case;
	const struct record_parameters *parameters;
	struct check_evidence evidence;
};

static void ask(const struct asking *asking, enum vm_model_id id, const char *about,
	struct check_findings *findings)
{
	struct check_evidence evidence = asking->evidence;

	/* With the fillings exchanged, each model answers in the other's place. */
	if (asking->judge->options->exchange)
		id = id == VM_MODEL_LINUX ? VM_MODEL_TEXTBOOK : VM_MODEL_LINUX;
	const struct vm_model model = vm_model_for(id, evidence.host);
	evidence.about = about;
	*findings = (struct check_findings){.pool = evidence.pool};
	asking->check_case->check->kind->judge(asking->check_case, &model, &evidence, findings);
}

/* What the other model says of the very thing that a finding is about. */
static const struct check_finding *same_thing(const struct asking *asking, enum vm_model_id id,
	const struct check_finding *about, const struct check_finding *otherwise)
{
	struct check_findings findings;

	if (about->about == NULL)
		return otherwise;
	ask(asking, id, about->about, &findings);
	const struct check_finding *found = finding_for(&findings, about->claim);
	return found != NULL && found->expected[0] != '\0' ? found : otherwise;
}

static void add_judged(const struct asking *asking, const struct check_finding *ours,
	const struct check_finding *theirs)
{
	const struct check_kind *kind = asking->check_case->check->kind;
	const bool textbook_broken =
		theirs->outcome == CHECK_BROKEN && ours->outcome != CHECK_BROKEN;
	const enum check_outcome outcome = textbook_broken ? CHECK_BROKEN : ours->outcome;
	struct record_verdict verdict = blank(asking->check_case, asking->parameters, ours->claim);
	const struct check_finding *shown = textbook_broken ? theirs : ours;
	const struct check_finding *beside = theirs;

	verdict.observed = shown->observed;
	if (outcome == CHECK_AGREES && theirs->outcome == CHECK_DIFFERS) {
		shown = same_thing(asking, VM_MODEL_LINUX, theirs, ours);
		verdict.observed = theirs->observed;
	} else if (outcome == CHECK_DIFFERS) {
		beside = same_thing(asking, VM_MODEL_TEXTBOOK, ours, theirs);
	}
	verdict.verdict = verdict_word(verdict_of(kind, outcome));
	verdict.textbook = textbook_of(theirs->outcome);
	verdict.reading = reading_of(outcome, theirs->outcome);
	verdict.expected = shown->expected;
	verdict.textbook_expected = beside->expected;
	verdict.because = shown->because;
	verdict.cite = shown->cite;
	add_verdict(asking->judge, &verdict);
}

static void judge_claims(const struct asking *asking)
{
	struct check_findings linux, textbook;

	ask(asking, VM_MODEL_LINUX, NULL, &linux);
	ask(asking, VM_MODEL_TEXTBOOK, NULL, &textbook);
	for (const char *const *claim = asking->check_case->check->claims; *claim != NULL;
		claim++) {
		const struct check_finding *ours = finding_for(&linux, *claim);
		const struct check_finding *theirs = finding_for(&textbook, *claim);
		if (ours != NULL && theirs != NULL) {
			add_judged(asking, ours, theirs);
			continue;
		}
		struct record_verdict verdict =
			blank(asking->check_case, asking->parameters, *claim);
		verdict.verdict = verdict_word(VERDICT_ERROR);
		verdict.because = "the check found nothing for a claim that it declares";
		add_verdict(asking->judge, &verdict);
	}
}

static void judge_evidence(struct judge *judge, const struct check_case *check_case,
	const struct record_parameters *parameters, const struct record_launch **launches,
	size_t count)
{
	struct pool *pool = judge->judgement->pool;
	struct check_trial *trials = pool_take(pool, count * sizeof(*trials));
	struct vm_host host;

	case_host(check_case, &judge->facts, &host);
	host_as_measured(&host, &launches[0]->trial);
	for (size_t i = 0; i < count; i++)
		trials[i] = (struct check_trial){
			.trial = &launches[i]->trial,
			.observations_count = launches[i]->observations_count,
			.observations = launches[i]->observations,
		};
	const struct asking asking = {
		.judge = judge,
		.check_case = check_case,
		.parameters = parameters,
		.evidence =
			{
				.pool = pool,
				.host = &host,
				.script = script_of(judge->record, check_case->check->name),
				.trials_count = count,
				.trials = trials,
			},
	};
	judge_claims(&asking);
}

static void judge_case(struct judge *judge, const struct check_case *check_case,
	const struct record_parameters *parameters)
{
	size_t count = 0;
	const struct record_launch **launches = launches_of(judge, check_case->id, &count);

	/* An interrupted run has cases that it did not come to: they have no verdict. */
	if (count == 0) {
		if (!judge->record->has_summary || judge->record->summary.complete)
			add_without_evidence(judge, check_case, parameters, VERDICT_ERROR, NULL,
				"the record has no trial of this case");
		return;
	}
	for (size_t i = 0; i < count; i++) {
		const struct record_trial *trial = &launches[i]->trial;
		const char *defect = defect_of(judge, check_case->id, trial);
		if (defect != NULL) {
			add_without_evidence(
				judge, check_case, parameters, VERDICT_ERROR, NULL, defect);
			return;
		}
		if (trial->end == RECORD_TRIAL_UNMET) {
			add_without_evidence(judge, check_case, parameters, VERDICT_SKIP, trial,
				trial->why != NULL ? trial->why : "");
			return;
		}
	}
	judge_evidence(judge, check_case, parameters, launches, count);
}

/* --- all cases ------------------------------------------------------------------------------- */

/* A check or a parameter that this program no longer has: said as an error of the suite. */
static void judge_unknown(
	struct judge *judge, const struct record_prediction *prediction, const char *why)
{
	add_verdict(judge, &(struct record_verdict){
				   .claim = prediction->claim,
				   .probe = prediction->probe,
				   .kind = prediction->kind,
				   .parameters = prediction->parameters,
				   .verdict = verdict_word(VERDICT_ERROR),
				   .textbook = "silent",
				   .reading = "open",
				   .expected = "",
				   .observed = "",
				   .textbook_expected = "",
				   .because = why,
				   .cite = "",
			   });
}

static void judge_prediction(struct judge *judge, const struct record_prediction *prediction)
{
	struct pool *pool = judge->judgement->pool;
	const struct check *check = check_named(judge->options->checks, prediction->probe);
	struct check_case check_case;
	const char *why = NULL;

	if (check == NULL) {
		judge_unknown(judge, prediction,
			pool_format(pool, "this program has no check %s", prediction->probe));
		return;
	}
	if (!case_of_record(pool, check, &prediction->parameters, &check_case, &why)) {
		judge_unknown(judge, prediction, why);
		return;
	}
	judge_case(judge, &check_case, &prediction->parameters);
}

/* Predictions of one case follow each other: one a claim and model. */
static bool starts_a_case(const struct record *record, size_t index)
{
	struct pool POOL_DROPS pool = {0};
	const struct record_prediction *this = &record->predictions[index];

	if (index == 0)
		return true;
	const struct record_prediction *before = &record->predictions[index - 1];
	return strcmp(case_id(&pool, this->probe, &this->parameters),
		       case_id(&pool, before->probe, &before->parameters)) != 0;
}

bool judge_record(const struct record *record, const struct judge_options *options,
	struct judgement *judgement)
{
	struct judge judge = {.record = record, .options = options, .judgement = judgement};

	if (!host_of_facts(record->facts, record->path, &judge.facts))
		return false;
	if (!options->exchange &&
		!sealed_still_hold(record, options->checks, &judge.facts, judgement))
		return false;
	sort_launches(&judge);
	for (size_t i = 0; i < record->predictions_count; i++)
		if (starts_a_case(record, i))
			judge_prediction(&judge, &record->predictions[i]);
	if (options->known != NULL)
		ageing_apply(options->known, record->facts, options->today, judgement);
	for (size_t i = 0; i < judgement->count; i++)
		judgement->tally[verdict_of_word(judgement->verdicts[i].verdict)]++;
	return true;
}
