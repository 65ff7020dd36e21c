/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records made by hand for the tests of the judge: checks that predict what a test says, trials
 * that report what a test says, one record in a temporary file, and its judgement.
 */
#ifndef TESTS_JUDGING_H
#define TESTS_JUDGING_H

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "facts/facts.h"
#include "judge/compare.h"
#include "judge/judge.h"
#include "judge/sealed.h"
#include "record/version.h"
#include "record/writer.h"
#include "suite/cases.h"

#define CLAIM	 "demand.first-touch"
#define QUANTITY "minor-faults"

/* What the two models say; a test sets it before it seals, and may change it before it judges. */
struct saying {
	enum vm_form form;
	size_t values_count;
	int64_t values[6];
	const char *quantity;
	const char *input; /* a rule over this reading: predicts twice its value */
	bool nothing;	   /* says nothing at all of the claim */
	enum vm_unit unit; /* counts, where nothing else is said */
};

static struct saying says[VM_MODEL_LIMIT];

static void predict_said(const struct check_case *check_case, const struct vm_model *model,
	const struct vm_host *host, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	const struct saying *saying = &says[model->id];
	struct vm_prediction prediction = {
		.claim = check_case->check->claims[0],
		.quantity = saying->quantity != NULL ? saying->quantity : QUANTITY,
		.at = "",
		.unit = saying->unit,
		.form = saying->form,
		.values_count = saying->values_count,
		.values = saying->values,
		.because = "the test says so",
		.cite = "epita",
	};
	int64_t doubled = 0;

	(void)host;
	if (saying->nothing)
		return;
	if (saying->input != NULL) {
		const struct probe_reading *reading = probe_reading_of(readings, saying->input, "");
		prediction.form = reading != NULL ? VM_FORM_EXACT : VM_FORM_RULE;
		prediction.values_count = reading != NULL ? 1 : 0;
		doubled = reading != NULL ? reading->values[0] * 2 : 0;
		prediction.values = &doubled;
		prediction.inputs_count = reading != NULL ? 0 : 1;
		prediction.inputs = &saying->input;
	}
	vm_predict(predictions, &prediction);
}

static const struct check_kind kind_said = {
	.name = "probe",
	.predict = predict_said,
	.judge = compare_case,
};

static const struct check_kind kind_model_said = {
	.name = "model",
	.model_only = true,
	.predict = predict_said,
	.judge = compare_case,
};

static void judge_undecided(const struct check_case *check_case, const struct vm_model *model,
	const struct check_evidence *evidence, struct check_findings *findings)
{
	(void)model, (void)evidence;
	check_find(findings, &(struct check_finding){
				     .claim = check_case->check->claims[0],
				     .outcome = CHECK_INCONCLUSIVE,
				     .expected = "flat",
				     .observed = "too noisy",
				     .because = "its interval covers both",
				     .cite = "",
			     });
}

static const struct check_kind kind_undecided = {
	.name = "probe",
	.predict = predict_said,
	.judge = judge_undecided,
};

/* One record in the making. */
struct bench {
	struct pool pool;
	struct check_list checks;
	struct check_case check_case;
	struct record_writer writer;
	struct record record;
	struct judgement judgement;
	struct known_list known;
	int64_t trials;
	bool exchange;
	const char *model; /* digest to write; NULL: this program's */
};

static void bench_open(struct bench *bench, const struct check_kind *kind)
{
	static const char *const claims[] = {CLAIM, NULL};
	static const struct probe_needs needs;

	*bench = (struct bench){.checks = {.pool = &bench->pool}};
	check_list_add(&bench->checks, &(struct check){
					       .kind = kind,
					       .name = CLAIM,
					       .claims = claims,
					       .needs = &needs,
					       .launches = 1,
				       });
	bench->check_case = (struct check_case){.check = &bench->checks.items[0], .id = CLAIM};
	assert_int_equal(record_create(&bench->writer, NULL, NULL), 0);
}

static void bench_write(struct bench *bench, const struct record_line *line)
{
	assert_true(record_write(&bench->writer, line, 1));
}

/* A host without any feature or knob. */
static struct facts bare_facts(void)
{
	struct facts facts = {
		.host = {.page_table_levels = 4, .cpus_online = 1, .cpus_possible = 1},
	};

	for (size_t i = 0; i < FACTS_TEXT_LIMIT; i++)
		facts.text[i] = "";
	for (size_t i = 0; i < VM_FEATURE_LIMIT; i++)
		facts.surface[i] = "";
	return facts;
}

/* Header, facts, what both models say now, seal. */
static void bench_seal(struct bench *bench)
{
	const struct facts facts = bare_facts();
	struct prediction_room room = {0};
	struct record_prediction *predictions = NULL;
	size_t count = 0;
	char sha256[RECORD_HASH_CHARACTERS + 1];

	bench_write(
		bench, &(struct record_line){
			       .type = RECORD_TYPE_HEADER,
			       .header =
				       {
					       .format = RECORD_FORMAT,
					       .version = RECORD_VERSION,
					       .program = record_program_version,
					       .model = bench->model != NULL ? bench->model
									     : record_model_digest,
					       .started = "2026-01-31T12:00:00Z",
					       .suite = "exact",
					       .profile = "quick",
				       },
		       });
	bench_write(bench, &(struct record_line){
				   .type = RECORD_TYPE_FACTS,
				   .facts = {.host = facts_to_json(&bench->pool, &facts)},
			   });
	sealed_predictions(
		&bench->pool, &room, &bench->check_case, &facts.host, &predictions, &count);
	for (size_t i = 0; i < count; i++)
		bench_write(bench, &(struct record_line){.type = RECORD_TYPE_PREDICTION,
					   .prediction = predictions[i]});
	prediction_room_drop(&room);
	record_hash_text(&bench->writer.hash, sha256);
	bench_write(bench, &(struct record_line){
				   .type = RECORD_TYPE_SEALED,
				   .sealed = {.sha256 = sha256, .lines = bench->writer.lines_count},
			   });
}

static struct record_observation saw(const char *quantity, const char *witness, int64_t value)
{
	int64_t *kept = malloc(sizeof(*kept));

	assert_non_null(kept);
	*kept = value;
	return (struct record_observation){
		.quantity = quantity,
		.at = "",
		.values_count = 1,
		.values = kept,
		.unit = VM_UNIT_COUNT,
		.witness = witness,
	};
}

/* A trial as given, with so many observations; their values are freed. */
static void bench_trial(struct bench *bench, struct record_trial trial,
	struct record_observation *observations, size_t count)
{
	trial.number = ++bench->trials;
	trial.probe = CLAIM;
	trial.kind = bench->check_case.check->kind->name;
	trial.launch = trial.launch != 0 ? trial.launch : bench->trials;
	trial.observations_count = (int64_t)count;
	bench_write(bench, &(struct record_line){.type = RECORD_TYPE_TRIAL, .trial = trial});
	for (size_t i = 0; i < count; i++) {
		observations[i].trial = trial.number;
		bench_write(bench, &(struct record_line){.type = RECORD_TYPE_OBSERVATION,
					   .observation = observations[i]});
		free((void *)observations[i].values);
	}
}

static void bench_saw(struct bench *bench, int64_t value)
{
	struct record_observation observation = saw(QUANTITY, "getrusage", value);

	bench_trial(bench, (struct record_trial){0}, &observation, 1);
}

/* Reads back and judges; false when the record cannot be judged. */
static bool bench_judges(struct bench *bench)
{
	const struct judge_options options = {
		.checks = &bench->checks,
		.known = &bench->known,
		.today = "2026-02-01",
		.exchange = bench->exchange,
	};

	assert_int_equal(lseek(bench->writer.descriptor, 0, SEEK_SET), 0);
	assert_true(
		record_read_file(&bench->record, bench->writer.descriptor, "test", RECORD_RUNNING));
	bench->judgement = (struct judgement){.pool = &bench->pool};
	return judge_record(&bench->record, &options, &bench->judgement);
}

static const struct record_verdict *bench_verdict(struct bench *bench)
{
	assert_true(bench_judges(bench));
	assert_int_equal(bench->judgement.count, 1);
	return &bench->judgement.verdicts[0];
}

static void bench_close(struct bench *bench)
{
	record_close(&bench->writer);
	record_drop(&bench->record);
	pool_drop(&bench->pool);
}

#endif
