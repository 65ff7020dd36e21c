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

/* A case as the record sealed it: the claims that were predicted, whatever the check shows today.
 */
struct sealed_case {
	const struct record_prediction *first;
	struct check_case check_case;
	size_t claims_count;
	const char **claims;
};

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
static struct record_verdict blank(const struct sealed_case *sealed, const char *claim)
{
	return (struct record_verdict){
		.claim = claim,
		.probe = sealed->first->probe,
		.kind = sealed->first->kind,
		.parameters = sealed->first->parameters,
		.textbook = "silent",
		.reading = "open",
		.expected = "",
		.observed = "",
		.textbook_expected = "",
		.because = "",
		.cite = "",
	};
}

static void add_without_evidence(struct judge *judge, const struct sealed_case *sealed,
	enum verdict word, const struct record_trial *trial, const char *because)
{
	for (size_t i = 0; i < sealed->claims_count; i++) {
		struct record_verdict verdict = blank(sealed, sealed->claims[i]);
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
		if (strcmp(case_id(&pool, prediction->kind, prediction->probe,
				   &prediction->parameters),
			    id) != 0)
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
	const struct sealed_case *sealed;
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
	asking->sealed->check_case.check->kind->judge(
		&asking->sealed->check_case, &model, &evidence, findings);
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
	const struct check_kind *kind = asking->sealed->check_case.check->kind;
	const bool textbook_broken =
		theirs->outcome == CHECK_BROKEN && ours->outcome != CHECK_BROKEN;
	const enum check_outcome outcome = textbook_broken ? CHECK_BROKEN : ours->outcome;
	struct record_verdict verdict = blank(asking->sealed, ours->claim);
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
	if (ours->exactness.pages != 0) {
		struct record_exactness *exactness =
			pool_take(asking->evidence.pool, sizeof(*exactness));
		*exactness = ours->exactness;
		verdict.exactness = exactness;
		verdict.exactness_count = 1;
	}
	add_verdict(asking->judge, &verdict);
}

static void judge_claims(const struct asking *asking)
{
	struct check_findings linux, textbook;

	ask(asking, VM_MODEL_LINUX, NULL, &linux);
	ask(asking, VM_MODEL_TEXTBOOK, NULL, &textbook);
	for (size_t i = 0; i < asking->sealed->claims_count; i++) {
		const char *claim = asking->sealed->claims[i];
		const struct check_finding *ours = finding_for(&linux, claim);
		const struct check_finding *theirs = finding_for(&textbook, claim);
		if (ours != NULL && theirs != NULL) {
			add_judged(asking, ours, theirs);
			continue;
		}
		struct record_verdict verdict = blank(asking->sealed, claim);
		verdict.verdict = verdict_word(VERDICT_ERROR);
		verdict.because = "the check finds nothing for a claim that was sealed";
		add_verdict(asking->judge, &verdict);
	}
}

static void judge_evidence(struct judge *judge, const struct sealed_case *sealed,
	const struct record_launch **launches, size_t count)
{
	struct pool *pool = judge->judgement->pool;
	struct check_trial *trials = pool_take(pool, count * sizeof(*trials));
	struct vm_host host;

	case_host(&sealed->check_case, &judge->facts, &host);
	host_as_measured(&host, &launches[0]->trial);
	for (size_t i = 0; i < count; i++)
		trials[i] = (struct check_trial){
			.trial = &launches[i]->trial,
			.observations_count = launches[i]->observations_count,
			.observations = launches[i]->observations,
		};
	const struct asking asking = {
		.judge = judge,
		.sealed = sealed,
		.evidence =
			{
				.pool = pool,
				.host = &host,
				.script = script_of(judge->record, sealed->first->probe),
				.trials_count = count,
				.trials = trials,
			},
	};
	judge_claims(&asking);
}

static void judge_launches(struct judge *judge, const struct sealed_case *sealed,
	const struct record_launch **launches, size_t count)
{
	const char *id = sealed->check_case.id;

	/* An interrupted run has cases that it did not come to: they have no verdict. */
	if (count == 0) {
		if (judge->record->has_summary && judge->record->summary.complete)
			add_without_evidence(judge, sealed, VERDICT_ERROR, NULL,
				"the record has no trial of this case");
		return;
	}
	for (size_t i = 0; i < count; i++) {
		const struct record_trial *trial = &launches[i]->trial;
		const char *defect = defect_of(judge, id, trial);
		if (defect != NULL) {
			add_without_evidence(judge, sealed, VERDICT_ERROR, NULL, defect);
			return;
		}
		if (trial->end == RECORD_TRIAL_UNMET) {
			add_without_evidence(judge, sealed, VERDICT_SKIP, trial,
				trial->why != NULL ? trial->why : "");
			return;
		}
	}
	judge_evidence(judge, sealed, launches, count);
}

/*
 * The kernel's own word that something is wrong with it: no model ever predicts that. A finding
 * that deviates by itself says more, and stays.
 */
static void hear_complaints(struct judge *judge, size_t first_verdict,
	const struct record_launch **launches, size_t count)
{
	const char *complaint = NULL;

	for (size_t i = 0; i < count && complaint == NULL; i++)
		if (launches[i]->trial.complaints_count != 0)
			complaint = launches[i]->trial.complaints[0];
	for (size_t i = first_verdict; i < judge->judgement->count && complaint != NULL; i++) {
		struct record_verdict *verdict = &judge->judgement->verdicts[i];
		if (strcmp(verdict->verdict, verdict_word(VERDICT_DEVIATION)) == 0)
			continue;
		verdict->verdict = verdict_word(VERDICT_DEVIATION);
		verdict->reading = "unexplained";
		verdict->expected = "a kernel that finds nothing wrong with itself";
		verdict->observed = complaint;
		verdict->because = "the guest does nothing else: the complaint is about this case";
		verdict->cite = "";
	}
}

static void judge_case(struct judge *judge, const struct sealed_case *sealed)
{
	const size_t first_verdict = judge->judgement->count;
	size_t count = 0;
	const struct record_launch **launches = launches_of(judge, sealed->check_case.id, &count);

	judge_launches(judge, sealed, launches, count);
	hear_complaints(judge, first_verdict, launches, count);
}

/* --- all cases ------------------------------------------------------------------------------- */

static bool is_of_case(const struct record_prediction *prediction, const char *id)
{
	struct pool POOL_DROPS pool = {0};

	return strcmp(case_id(&pool, prediction->kind, prediction->probe, &prediction->parameters),
		       id) == 0;
}

/* The claims of the case that starts at index, and where the next one starts. */
static size_t seal_of(struct judge *judge, size_t index, struct sealed_case *sealed)
{
	const struct record *record = judge->record;
	struct pool *pool = judge->judgement->pool;
	const struct record_prediction *first = &record->predictions[index];
	const char *id = case_id(pool, first->kind, first->probe, &first->parameters);

	*sealed = (struct sealed_case){.first = first};
	for (; index < record->predictions_count; index++) {
		const struct record_prediction *prediction = &record->predictions[index];
		if (!is_of_case(prediction, id))
			break;
		/* One line a model: the claims are counted by those of the first. */
		if (strcmp(prediction->model, first->model) != 0)
			continue;
		sealed->claims = pool_grow(
			pool, sealed->claims, sealed->claims_count, sizeof(sealed->claims[0]));
		sealed->claims[sealed->claims_count++] = prediction->claim;
	}
	return index;
}

static void judge_sealed(struct judge *judge, struct sealed_case *sealed)
{
	struct pool *pool = judge->judgement->pool;
	const struct check *check =
		check_named(judge->options->checks, sealed->first->kind, sealed->first->probe);
	const char *why = pool_format(pool, "this program has no check %s", sealed->first->probe);

	if (check != NULL &&
		case_of_record(pool, check, &sealed->first->parameters, &sealed->check_case, &why))
		judge_case(judge, sealed);
	else
		add_without_evidence(judge, sealed, VERDICT_ERROR, NULL, why);
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
	for (size_t i = 0; i < record->predictions_count;) {
		struct sealed_case sealed;
		i = seal_of(&judge, i, &sealed);
		judge_sealed(&judge, &sealed);
	}
	if (options->known != NULL)
		ageing_apply(options->known, record->facts, options->today, judgement);
	for (size_t i = 0; i < judgement->count; i++)
		judgement->tally[verdict_of_word(judgement->verdicts[i].verdict)]++;
	return true;
}
