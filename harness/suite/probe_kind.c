/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kinds "probe" and "model": what is coded in probes/. The one is launched in a trial
 * executable; the other is what only the model can show, and works its figures out here.
 */
#include <inttypes.h>

#include "judge/compare.h"
#include "suite/check.h"

#define USUAL_DEADLINE_S 10

static void add(const struct probe *probe, struct check_list *list, const struct check_kind *kind)
{
	struct probe_needs *needs = pool_take(list->pool, sizeof(*needs));

	/* An emulator's times are nothing that a model speaks of. */
	*needs = probe->needs;
	needs->processor |= probe->kind == PROBE_TIMED;
	check_list_add(list,
		&(struct check){
			.kind = kind,
			.name = probe->name,
			.claims = probe->claims,
			.question = probe->question,
			.method = probe->method,
			.threats = probe->threats,
			.by_hand = probe->by_hand,
			.parameters_count = probe->parameters_count,
			.parameters = probe->parameters,
			.needs = needs,
			.timed = probe->kind == PROBE_TIMED,
			.lengthy = probe->lengthy,
			.launches = probe->launches != 0 ? probe->launches : 1,
			.deadline_s = probe->deadline_s != 0 ? probe->deadline_s : USUAL_DEADLINE_S,
			.randomize_layout = probe->randomize_layout,
			.own_score = probe->own_score,
			.letters = probe->letters,
			.of_kind = probe,
		});
}

static int load_probes(const char *suites_folder, struct check_list *list)
{
	(void)suites_folder;
	for (size_t i = 0; i < probe_count(); i++)
		if (probe_at(i)->kind != PROBE_MODEL)
			add(probe_at(i), list, &check_kind_probe);
	return 0;
}

static int load_demonstrations(const char *suites_folder, struct check_list *list)
{
	(void)suites_folder;
	for (size_t i = 0; i < probe_count(); i++)
		if (probe_at(i)->kind == PROBE_MODEL)
			add(probe_at(i), list, &check_kind_model);
	return 0;
}

static bool suits(const struct check *check, const struct vm_host *host,
	const struct probe_arguments *arguments)
{
	const struct probe *probe = check->of_kind;

	return probe->suits == NULL || probe->suits(host, arguments);
}

static void predict(const struct check_case *check_case, const struct vm_model *model,
	const struct vm_host *host, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	const struct probe *probe = check_case->check->of_kind;

	probe->predict(model, host, &check_case->arguments, readings, predictions);
}

static void payload(const struct check_case *check_case, uint64_t seed, struct pool *pool,
	struct check_payload *started_with)
{
	const struct probe_arguments *arguments = &check_case->arguments;
	const size_t before = 4;
	const char **texts = pool_take(pool, (arguments->count + before) * sizeof(*texts));

	texts[0] = "probe";
	texts[1] = check_case->check->name;
	texts[2] = "--seed";
	/* The trial reads a signed number. */
	texts[3] = pool_format(pool, "%" PRIu64, seed & INT64_MAX);
	for (size_t i = 0; i < arguments->count; i++)
		texts[before + i] = pool_format(
			pool, "%s=%" PRId64, arguments->parameters[i].name, arguments->values[i]);
	*started_with = (struct check_payload){
		.arguments_count = before + arguments->count,
		.arguments = texts,
	};
}

static void show(
	const struct check_case *check_case, const struct vm_host *host, struct check_shown *shown)
{
	const struct probe *probe = check_case->check->of_kind;

	probe->show(host, &check_case->arguments, shown);
}

const struct check_kind check_kind_probe = {
	.name = "probe",
	.load = load_probes,
	.suits = suits,
	.predict = predict,
	.payload = payload,
	.judge = compare_case,
};

const struct check_kind check_kind_model = {
	.name = "model",
	.model_only = true,
	.load = load_demonstrations,
	.suits = suits,
	.predict = predict,
	.show = show,
	.judge = compare_case,
};
