/* SPDX-License-Identifier: Apache-2.0 */
/* The kind "scenario": each file below suites/scenarios/CHAPTER is a check. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/message.h"
#include "run/launch.h"
#include "scenario/lockstep.h"
#include "scenario/trial.h"
#include "suite/check.h"

#define SUFFIX	   ".scenario"
#define DEADLINE_S 60

static int add_file(
	const char *chapter, const char *path, const char *file, struct check_list *list)
{
	struct scenario *scenario = pool_take(list->pool, sizeof(*scenario));
	const size_t stem_bytes = strlen(file) - strlen(SUFFIX);

	if (!scenario_load(list->pool, path, scenario))
		return -EINVAL;
	const char *stem = pool_text_of(list->pool, file, stem_bytes);
	check_list_add(list,
		&(struct check){
			.kind = &check_kind_scenario,
			.name = pool_format(list->pool, "%s.%s", chapter, stem),
			.claims = scenario->claims,
			.question = scenario->purpose,
			.method = "The same operations on the model and on processes of this host; "
				  "after each of them everything that can be observed is compared.",
			.by_hand = pool_format(list->pool, "mmconform scenario %s", path),
			.parameters_count = scenario->parameters_count,
			.parameters = scenario->parameters,
			.needs = &scenario->needs,
			.launches = 1,
			.deadline_s = DEADLINE_S,
			.of_kind = scenario,
		});
	return 0;
}

static bool is_scenario(const char *name)
{
	const size_t length = strlen(name), suffix = strlen(SUFFIX);

	return name[0] != '.' && length > suffix && strcmp(name + length - suffix, SUFFIX) == 0;
}

static int add_chapter(const char *folder, const char *chapter, struct check_list *list)
{
	const char *path = pool_format(list->pool, "%s/%s", folder, chapter);
	struct dirent **entries = NULL;
	const int count = scandir(path, &entries, NULL, alphasort);
	int result = 0;

	/* A file among the chapters is none. */
	if (count < 0)
		return errno == ENOTDIR ? 0 : -errno;
	for (int i = 0; i < count; i++) {
		const char *name = entries[i]->d_name;
		if (result == 0 && is_scenario(name))
			result = add_file(
				chapter, pool_format(list->pool, "%s/%s", path, name), name, list);
		free(entries[i]);
	}
	free(entries);
	return result;
}

static int load(const char *suites_folder, struct check_list *list)
{
	const char *folder = pool_format(list->pool, "%s/scenarios", suites_folder);
	struct dirent **entries = NULL;
	const int count = scandir(folder, &entries, NULL, alphasort);
	int result = 0;

	/* Own data folders need no scenarios. */
	if (count < 0 && errno == ENOENT)
		return 0;
	if (count < 0) {
		message("%s: %s", folder, strerror(errno));
		return -EINVAL;
	}
	for (int i = 0; i < count; i++) {
		if (result == 0 && entries[i]->d_name[0] != '.')
			result = add_chapter(folder, entries[i]->d_name, list);
		free(entries[i]);
	}
	free(entries);
	return result;
}

/* What a model says of a scenario is a state after every step: the record keeps script and facts.
 */
static void predict(const struct check_case *check_case, const struct vm_model *model,
	const struct vm_host *host, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	static const char *const inputs[] = {"start", "result"};
	const struct check *check = check_case->check;

	(void)model, (void)host, (void)readings;
	for (size_t i = 0; check->claims[i] != NULL; i++)
		vm_predict(predictions,
			&(struct vm_prediction){
				.claim = check->claims[i],
				.quantity = "steps",
				.at = "",
				.unit = VM_UNIT_COUNT,
				.form = VM_FORM_RULE,
				.inputs_count = sizeof(inputs) / sizeof(inputs[0]),
				.inputs = inputs,
				.because = "the machine does the script's operations from the "
					   "executor's figures at the start; addresses that the "
					   "kernel chose are put in",
				.cite = "kernel-doc:admin-guide/mm/concepts.rst",
			});
}

static const char *script_text(const struct check *check)
{
	const struct scenario *scenario = check->of_kind;

	return scenario->text;
}

static void payload(const struct check_case *check_case, uint64_t seed, struct pool *pool,
	struct check_payload *started_with)
{
	const char **arguments = pool_take(pool, 2 * sizeof(*arguments));
	struct script script;
	struct scenario_error error;

	(void)seed; /* values are drawn before: nothing here is random */
	/* Every case of it was compiled when it was loaded; drawn values lie between the ends. */
	if (!scenario_compile(pool, check_case->check->of_kind, check_case->arguments.values,
		    &script, &error)) {
		message("%s: line %u: %s", check_case->id, error.line, error.reason);
		script = (struct script){0};
	}
	arguments[0] = "scenario";
	arguments[1] = check_case->check->name;
	*started_with = (struct check_payload){.arguments_count = 2, .arguments = arguments};
	started_with->input = scenario_input(
		pool, &script, LIVE_LINES, &scenario_looks, &started_with->input_bytes);
}

static void find(const struct check_case *check_case, struct check_findings *findings,
	const struct check_finding *finding)
{
	for (size_t i = 0; check_case->check->claims[i] != NULL; i++) {
		struct check_finding of_claim = *finding;
		of_claim.claim = check_case->check->claims[i];
		check_find(findings, &of_claim);
	}
}

static struct check_finding finding_of(const struct lockstep *l, struct pool *pool)
{
	const struct script_step *steps = l->script->steps;

	if (l->differences_count != 0) {
		const struct difference *first = &l->differences[0];
		const char *where = pool_format(pool, "%s of %s after step %u (%s)", first->where,
			first->process < l->script->processes_count
				? l->script->processes[first->process]
				: "nobody",
			first->step, first->step == 0 ? "start" : steps[first->step - 1].text);
		return (struct check_finding){
			.outcome = CHECK_DIFFERS,
			.expected = pool_format(pool, "%s: %s", where, first->expected),
			.observed = pool_text(pool, first->observed),
			.because = first->because,
			.cite = first->cite,
		};
	}
	if (l->silent_step != 0)
		return (struct check_finding){
			.outcome = CHECK_SILENT,
			.expected = "",
			.observed = "",
			.because = pool_format(pool, "step %u (%s): %s", l->silent_step,
				steps[l->silent_step - 1].text, l->silent_why),
			.cite = "",
		};
	return (struct check_finding){
		.outcome = CHECK_AGREES,
		.expected = pool_format(pool, "%zu figures in %zu steps", l->comparisons_count,
			l->script->operations_count),
		.observed = "all of them",
		.because = "",
		.cite = "",
	};
}

static bool was_disturbed(const struct record_trial *trial, enum launch_disturbance disturbance)
{
	const char *name = launch_disturbance_word(disturbance);

	for (size_t i = 0; i < trial->disturbances_count; i++)
		if (strcmp(trial->disturbances[i].name, name) == 0)
			return trial->disturbances[i].count > 0;
	return false;
}

/*
 * A fault may find no free block for a huge page, but the kernel counts that. One that never takes
 * huge pages, though it may, would be explained away.
 */
static void ask_for_count(const struct lockstep *lockstep, const struct record_trial *trial,
	struct check_finding *finding)
{
	if (finding->outcome != CHECK_AGREES || lockstep->freedoms[VM_FREEDOM_NO_HUGE_FRAME] == 0 ||
		was_disturbed(trial, LAUNCH_THP_FAULT_FALLBACK))
		return;
	*finding = (struct check_finding){
		.outcome = CHECK_DIFFERS,
		.expected = "a huge page at a fault, or one more in thp_fault_fallback",
		.observed = "small pages, and thp_fault_fallback as it was",
		.because =
			"an area that may have huge pages gets one at the first fault; where there "
			"is no free block for it, that is counted",
		.cite = "linux:6.12:mm/huge_memory.c:do_huge_pmd_anonymous_page",
	};
}

static const char *judge_trial(const struct check_case *check_case, const struct vm_model *model,
	const struct check_evidence *evidence, const struct check_trial *trial,
	struct check_finding *finding)
{
	POOL_DROPS struct pool pool = {0};
	struct scenario scenario;
	struct scenario_error error;
	struct script script;
	struct lockstep lockstep;
	struct seen seen;
	uint64_t start[LIVE_START_LIMIT] = {0}; /* an older record has fewer words */
	const char *why = "";

	if (!scenario_read(&pool, evidence->script, strlen(evidence->script), &scenario, &error) ||
		scenario.parameters_count != check_case->arguments.count ||
		!scenario_compile(&pool, &scenario, check_case->arguments.values, &script, &error))
		return "the script of the record is not one of this program's language";
	if (!seen_in_observations(
		    &pool, trial->observations, trial->observations_count, &seen, &why))
		return pool_text(evidence->pool, why);
	if (seen.count == 0 || seen.groups[0].kind != LIVE_START)
		return "nothing was seen of the start";
	memcpy(start, seen.groups[0].words, seen.groups[0].count * sizeof(start[0]));
	lockstep_begin(&lockstep, &pool, &script, model, evidence->host, start);
	lockstep.first_only = true;
	const bool ran = lockstep_run(&lockstep, &seen, &why);
	if (ran) {
		*finding = finding_of(&lockstep, evidence->pool);
		ask_for_count(&lockstep, trial->trial, finding);
	} else {
		why = pool_text(evidence->pool, why);
	}
	lockstep_end(&lockstep);
	return ran ? NULL : why;
}

static void judge(const struct check_case *check_case, const struct vm_model *model,
	const struct check_evidence *evidence, struct check_findings *findings)
{
	struct check_finding finding = {.outcome = CHECK_BROKEN};
	const char *broken = evidence->script == NULL ? "the record holds no script" : NULL;

	/* Every launch must agree; the first that does not is told. */
	for (size_t i = 0; i < evidence->trials_count && broken == NULL; i++) {
		broken = judge_trial(check_case, model, evidence, &evidence->trials[i], &finding);
		if (broken == NULL && finding.outcome != CHECK_AGREES)
			break;
	}
	if (broken != NULL || evidence->trials_count == 0)
		finding = (struct check_finding){
			.outcome = CHECK_BROKEN,
			.expected = "",
			.observed = "",
			.because = broken != NULL ? broken : "nothing was launched",
			.cite = "",
		};
	find(check_case, findings, &finding);
}

const struct check_kind check_kind_scenario = {
	.name = "scenario",
	.load = load,
	.predict = predict,
	.script = script_text,
	.payload = payload,
	.judge = judge,
};
