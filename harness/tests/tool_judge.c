/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Judges records by the linux model alone, case by case, and ends at the first that differs: what
 * scenario_mutants.sh and formula_mutants.sh ask of each wrong model. usage: tool_judge RECORD...
 */
#include <stdio.h>
#include <string.h>

#include "judge/host.h"
#include "judge/predict.h"
#include "record/reader.h"
#include "suite/cases.h"
#include "suite/data.h"
#include "suite/kinds.h"

enum answer { AGREES, DIFFERS, CANNOT_SAY };

struct tool {
	struct pool pool;
	struct record record;
	struct check_list checks;
	struct vm_host facts;
	size_t judged, silent, stale;
};

static const char *script_of(const struct record *record, const char *check)
{
	for (size_t i = 0; i < record->scripts_count; i++)
		if (strcmp(record->scripts[i].check, check) == 0)
			return record->scripts[i].text;
	return NULL;
}

static const struct record_launch *launch_of(const struct record *record, const char *id)
{
	for (size_t i = 0; i < record->launches_count; i++)
		if (strcmp(record->launches[i].id, id) == 0)
			return &record->launches[i];
	return NULL;
}

static enum answer judge_case(struct tool *tool, const struct record_prediction *sealed)
{
	POOL_DROPS struct pool pool = {0};
	const char *id = case_id(&pool, sealed->kind, sealed->probe, &sealed->parameters);
	const struct record_launch *launch = launch_of(&tool->record, id);
	const struct check *check = check_named(&tool->checks, sealed->kind, sealed->probe);
	struct check_findings findings = {.pool = &pool};
	struct check_case check_case;
	struct vm_host host;
	const char *why = "";

	if (launch == NULL || launch->trial.end != RECORD_TRIAL_OBSERVED)
		return CANNOT_SAY;
	if (check == NULL ||
		!case_of_record(&pool, check, &sealed->parameters, &check_case, &why)) {
		(void)printf("%s: the record is out of date: %s\n", id,
			check == NULL ? "no such check" : why);
		tool->stale++;
		return CANNOT_SAY;
	}
	case_host(&check_case, &tool->facts, &host);
	host_as_measured(&host, &launch->trial);
	const struct vm_model model = vm_model_for(VM_MODEL_LINUX, &host);
	const struct check_trial trial = {
		&launch->trial, launch->observations_count, launch->observations};
	const struct check_evidence evidence = {
		.pool = &pool,
		.host = &host,
		.script = script_of(&tool->record, sealed->probe),
		.trials_count = 1,
		.trials = &trial,
	};
	check->kind->judge(&check_case, &model, &evidence, &findings);
	tool->judged++;
	for (size_t i = 0; i < findings.count; i++) {
		const struct check_finding *finding = &findings.items[i];
		tool->silent += finding->outcome == CHECK_SILENT;
		if (finding->outcome != CHECK_DIFFERS && finding->outcome != CHECK_BROKEN)
			continue;
		(void)printf("%s: %s, not %s\n", id, finding->expected, finding->observed);
		return DIFFERS;
	}
	return AGREES;
}

static enum answer judge_file(struct tool *tool, const char *path)
{
	const char *last = "";
	enum answer answer = AGREES;

	if (!record_read(&tool->record, path, RECORD_ENDED) ||
		!host_of_facts(tool->record.facts, path, &tool->facts))
		return CANNOT_SAY;
	for (size_t i = 0; i < tool->record.predictions_count && answer != DIFFERS; i++) {
		const struct record_prediction *sealed = &tool->record.predictions[i];
		const char *id =
			case_id(&tool->pool, sealed->kind, sealed->probe, &sealed->parameters);
		if (strcmp(id, last) != 0)
			answer = judge_case(tool, sealed);
		last = id;
	}
	record_drop(&tool->record);
	return answer;
}

int main(int argc, char **argv)
{
	static struct tool tool;
	enum answer answer = AGREES;

	tool.checks.pool = &tool.pool;
	if (!checks_load(data_path(&tool.pool, "suites"), &tool.checks))
		return CANNOT_SAY;
	for (int i = 1; i < argc && answer != DIFFERS; i++)
		answer = judge_file(&tool, argv[i]);
	if (answer != DIFFERS)
		(void)printf("%zu cases agree, with %zu claims silent\n", tool.judged, tool.silent);
	pool_drop(&tool.pool);
	return answer == DIFFERS ? 1 : tool.judged == 0 || tool.stale != 0 ? CANNOT_SAY : 0;
}
