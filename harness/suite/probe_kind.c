/* SPDX-License-Identifier: Apache-2.0 */
/* The kind "probe": what is coded in probes/, launched in a trial executable. */
#include <assert.h>
#include <inttypes.h>

#include "judge/compare.h"
#include "suite/check.h"

#define USUAL_DEADLINE_S 10

static int load(const char *suites_folder, struct check_list *list)
{
	(void)suites_folder;
	for (size_t i = 0; i < probe_count(); i++) {
		const struct probe *probe = probe_at(i);
		check_list_add(
			list, &(struct check){
				      .kind = &check_kind_probe,
				      .name = probe->name,
				      .claims = probe->claims,
				      .question = probe->question,
				      .method = probe->method,
				      .threats = probe->threats,
				      .by_hand = probe->by_hand,
				      .parameters_count = probe->parameters_count,
				      .parameters = probe->parameters,
				      .needs = &probe->needs,
				      .timed = probe->kind == PROBE_TIMED,
				      .launches = probe->launches != 0 ? probe->launches : 1,
				      .deadline_s = probe->deadline_s != 0 ? probe->deadline_s
									   : USUAL_DEADLINE_S,
				      .of_kind = probe,
			      });
	}
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

static void payload(
	const struct check_case *check_case, struct pool *pool, struct check_payload *started_with)
{
	const struct probe_arguments *arguments = &check_case->arguments;
	const char **texts = pool_take(pool, (arguments->count + 2) * sizeof(*texts));

	texts[0] = "probe";
	texts[1] = check_case->check->name;
	for (size_t i = 0; i < arguments->count; i++)
		texts[i + 2] = pool_format(
			pool, "%s=%" PRId64, arguments->parameters[i].name, arguments->values[i]);
	*started_with = (struct check_payload){
		.arguments_count = arguments->count + 2,
		.arguments = texts,
	};
}

const struct check_kind check_kind_probe = {
	.name = "probe",
	.load = load,
	.suits = suits,
	.predict = predict,
	.payload = payload,
	.judge = compare_case,
};
