/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mmconform scenario FILE: a table with a row for each step: what the two models say, what this
 * host did, and whether the linux model was right.
 */
#include <inttypes.h>
#include <libsmartcols.h>
#include <stdlib.h>
#include <string.h>

#include "base/message.h"
#include "command/command.h"
#include "facts/facts.h"
#include "scenario/coverage.h"
#include "scenario/summary.h"
#include "scenario/trial.h"
#include "suite/data.h"
#include "suite/kinds.h"

#define GIVEN_LIMIT SCENARIO_PARAMETERS_LIMIT

enum key { KEY_DRAW = 256, KEY_MODEL_ONLY, KEY_WORKSHEET, KEY_FACTS, KEY_COVERAGE };

struct options {
	const char *file, *facts;
	bool draw, model_only, worksheet, coverage;
	size_t given_count;
	const char *given[GIVEN_LIMIT];
};

static const struct argp_option option_rows[] = {
	{"parameter", 'p', "NAME=VALUE", 0, "A value for a parameter; else its first choice", 0},
	{"draw", KEY_DRAW, NULL, 0, "Draw the address spaces after every step", 0},
	{"model-only", KEY_MODEL_ONLY, NULL, 0, "Run nothing: what the models say", 0},
	{"worksheet", KEY_WORKSHEET, NULL, 0,
		"Leave predictions and measurements blank, to be filled in by hand", 0},
	{"facts", KEY_FACTS, "DIR", 0, "Of a captured host; with --model-only", 0},
	{"coverage", KEY_COVERAGE, NULL, 0,
		"Which rules of the model the scenarios of the suites reach; takes no FILE", 0},
	{0},
};

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case 'p':
		if (options->given_count == GIVEN_LIMIT)
			return command_refuse(state, "more values than a scenario has parameters");
		options->given[options->given_count++] = argument;
		return 0;
	case KEY_DRAW:
		options->draw = true;
		return 0;
	case KEY_MODEL_ONLY:
		options->model_only = true;
		return 0;
	case KEY_WORKSHEET:
		options->worksheet = true;
		return 0;
	case KEY_COVERAGE:
		options->coverage = true;
		options->model_only = true;
		return 0;
	case KEY_FACTS:
		options->facts = argument;
		return 0;
	case ARGP_KEY_ARG:
		if (options->file != NULL)
			return command_refuse(state, "\"%s\" is one argument too many", argument);
		options->file = argument;
		return 0;
	case ARGP_KEY_END:
		if (options->coverage != (options->file == NULL))
			return command_refuse(state,
				options->coverage ? "--coverage takes no FILE" : "which scenario?");
		if (options->facts != NULL && !options->model_only)
			return command_refuse(state, "--facts goes with --model-only");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = option_rows,
	.parser = parse_option,
	.args_doc = "FILE",
	.doc = "Runs a scenario on both models and on this host, step by step.",
};

/* ---- values of parameters ---- */

static bool value_of(const struct probe_parameter *parameter, const char *text, int64_t *value)
{
	char *end = NULL;

	for (size_t i = 0; parameter->labels != NULL && i < parameter->choices_count; i++)
		if (strcmp(parameter->labels[i], text) == 0) {
			*value = parameter->choices[i];
			return true;
		}
	*value = strtoll(text, &end, 10);
	if (parameter->labels != NULL || end == text || *end != '\0')
		return false;
	for (size_t i = 0; i < parameter->choices_count; i++)
		if (parameter->choices[i] == *value)
			return true;
	return parameter->drawn > 0 && *value >= parameter->lowest && *value <= parameter->highest;
}

static bool take_given(const struct scenario *scenario, const char *given, int64_t *values)
{
	const char *equals = strchr(given, '=');
	const size_t length = equals == NULL ? 0 : (size_t)(equals - given);

	for (size_t i = 0; i < scenario->parameters_count && length != 0; i++) {
		const struct probe_parameter *parameter = &scenario->parameters[i];
		if (strlen(parameter->name) == length &&
			strncmp(parameter->name, given, length) == 0)
			return value_of(parameter, equals + 1, &values[i]);
	}
	return false;
}

/* ---- the table ---- */

enum column {
	COLUMN_STEP,
	COLUMN_TEXT,
	COLUMN_LINUX,
	COLUMN_TEXTBOOK,
	COLUMN_SEEN,
	COLUMN_VERDICT
};

struct table {
	struct libscols_table *lines;
	const char *verdict;
};

static struct libscols_table *new_table(bool worksheet)
{
	static const char *const titles[] = {
		"STEP", "OPERATION", "LINUX", "TEXTBOOK", "MEASURED", "VERDICT"};
	static const char *const blanks[] = {
		"STEP", "OPERATION", "MY PREDICTION", "", "MEASURED", ""};
	struct libscols_table *lines = scols_new_table();

	if (lines == NULL)
		abort();
	for (size_t i = 0; i < sizeof(titles) / sizeof(titles[0]); i++) {
		const double width = worksheet && (i == COLUMN_LINUX || i == COLUMN_SEEN) ? 30 : 0;
		if (scols_table_new_column(lines, worksheet ? blanks[i] : titles[i], width,
			    i == COLUMN_STEP ? SCOLS_FL_RIGHT : 0) == NULL)
			abort();
	}
	return lines;
}

static void put(struct libscols_line *line, enum column column, const char *text)
{
	if (scols_line_set_data(line, column, text) != 0)
		abort();
}

/* One model beside what was seen, and what its processes were like before this step. */
struct side {
	struct lockstep lockstep;
	struct summary before[LIVE_PROCESSES_LIMIT];
};

static const char *step_of_machine(struct pool *pool, struct side *side, uint32_t actor)
{
	const struct summary now = summary_of_machine(&side->lockstep);
	const char *text = summary_text(pool, side->lockstep.script, &side->before[actor], &now);
	const struct vm_operation *o = &side->lockstep.script->operations[side->lockstep.step - 1];

	side->before[actor] = now;
	/* A child begins with what its parent has copied, not with nothing. */
	if (o->kind == VM_OP_FORK &&
		vm_machine_process(side->lockstep.machine, o->other) == VM_PROCESS_RUNNING)
		lockstep_counters_of(
			side->lockstep.machine, o->other, side->before[o->other].counters);
	return text;
}

static const char *step_as_seen(
	struct pool *pool, const struct lockstep *l, struct summary *before, uint32_t actor)
{
	const struct summary now = summary_of_seen(l);
	const char *text = summary_text(pool, l->script, &before[actor], &now);
	const struct vm_operation *o = &l->script->operations[l->step - 1];

	before[actor] = now;
	if (o->kind == VM_OP_FORK && o->other < LIVE_PROCESSES_LIMIT &&
		l->state[o->other][LIVE_COUNTERS].count == LIVE_COUNTER_LIMIT)
		memcpy(before[o->other].counters, l->state[o->other][LIVE_COUNTERS].words,
			sizeof(before[0].counters));
	return text;
}

static const char *verdict_of(const struct lockstep *l, size_t differences)
{
	if (l->silent_step != 0)
		return "silent";
	if (differences == 0)
		return "pass";
	return l->differences[l->differences_count - 1].depends_on != 0 ? "blocked" : "deviation";
}

struct presentation {
	struct pool *pool;
	const struct options *options;
	const struct scenario *scenario;
	const struct script *script;
	const struct seen *seen; /* NULL: nothing was run */
	struct side sides[VM_MODEL_LIMIT];
	struct summary seen_before[LIVE_PROCESSES_LIMIT];
	size_t seen_at;
};

static void present_step(struct presentation *p, struct libscols_table *lines, uint32_t step)
{
	const size_t first = p->seen_at;
	size_t differences[VM_MODEL_LIMIT];

	while (p->seen != NULL && p->seen_at < p->seen->count &&
		p->seen->groups[p->seen_at].step == step)
		p->seen_at++;
	for (unsigned i = 0; i < VM_MODEL_LIMIT; i++)
		differences[i] = lockstep_step(&p->sides[i].lockstep, step,
			p->seen == NULL ? NULL : p->seen->groups + first, p->seen_at - first);
	if (step == 0)
		return;
	struct libscols_line *line = scols_table_new_line(lines, NULL);
	if (line == NULL)
		abort();
	const uint32_t actor = p->script->operations[step - 1].process;
	put(line, COLUMN_STEP, pool_format(p->pool, "%u", step));
	put(line, COLUMN_TEXT, p->script->steps[step - 1].text);
	if (p->options->worksheet)
		return;
	put(line, COLUMN_LINUX, step_of_machine(p->pool, &p->sides[VM_MODEL_LINUX], actor));
	put(line, COLUMN_TEXTBOOK, step_of_machine(p->pool, &p->sides[VM_MODEL_TEXTBOOK], actor));
	if (p->seen == NULL)
		return;
	const struct lockstep *l = &p->sides[VM_MODEL_LINUX].lockstep;
	put(line, COLUMN_SEEN, step_as_seen(p->pool, l, p->seen_before, actor));
	put(line, COLUMN_VERDICT, verdict_of(l, differences[VM_MODEL_LINUX]));
}

static void tell_differences(const struct presentation *p)
{
	const struct lockstep *l = &p->sides[VM_MODEL_LINUX].lockstep;

	for (size_t i = 0; i < l->differences_count; i++) {
		const struct difference *d = &l->differences[i];
		const bool known = d->process < p->script->processes_count;
		(void)printf("\nstep %u, %s, %s: the model says %s, the kernel shows %s%s\n",
			d->step, known ? p->script->processes[d->process] : "nobody", d->where,
			d->expected, d->observed,
			d->depends_on == 0 ? "" : " (follows from an earlier step)");
		if (*d->because != '\0')
			(void)printf("    %s\n    %s\n", d->because, d->cite);
	}
	if (l->silent_step != 0)
		(void)printf("\nthe model is silent from step %u on: %s\n", l->silent_step,
			l->silent_why);
	for (unsigned i = 0; i < VM_FREEDOM_LIMIT; i++)
		if (l->freedoms[i] != 0)
			(void)printf("freedom taken by the kernel: %s, %" PRIu64 " times\n",
				vm_freedom_word((enum vm_freedom)i), l->freedoms[i]);
	for (unsigned i = 0; i < VM_OP_LIMIT; i++)
		if (l->step_freedoms[i] != 0)
			(void)printf("step of the kernel's own: %s, %" PRIu64 " times\n",
				vm_operation_word((enum vm_operation_kind)i), l->step_freedoms[i]);
}

static int present(struct presentation *p, const struct vm_host *host)
{
	struct libscols_table *lines = new_table(p->options->worksheet);
	uint64_t start[LIVE_START_LIMIT];

	lockstep_usual_start(&p->scenario->needs, start);
	if (p->seen != NULL)
		memcpy(start, p->seen->groups[0].words, sizeof(start));
	for (unsigned i = 0; i < VM_MODEL_LIMIT; i++) {
		const struct vm_model model = vm_model_for((enum vm_model_id)i, host);
		lockstep_begin(&p->sides[i].lockstep, p->pool, p->script, &model, host, start);
	}
	for (uint32_t step = 0; step <= p->script->operations_count; step++) {
		present_step(p, lines, step);
		if (p->options->draw && step != 0)
			(void)printf("after step %u: %s\n%s\n", step,
				p->script->steps[step - 1].text,
				summary_draw(p->pool, &p->sides[VM_MODEL_LINUX].lockstep));
	}
	(void)scols_print_table(lines);
	scols_unref_table(lines);
	tell_differences(p);
	const size_t differences = p->sides[VM_MODEL_LINUX].lockstep.differences_count;
	for (unsigned i = 0; i < VM_MODEL_LIMIT; i++)
		lockstep_end(&p->sides[i].lockstep);
	return differences == 0 ? EXIT_CONFORMS : EXIT_DEVIATES;
}

static bool read_host(struct pool *pool, const struct options *options, struct facts *facts)
{
	struct facts_error error;
	const int result = options->facts == NULL
				   ? facts_read_live(pool, facts, &error)
				   : facts_read_captured(pool, options->facts, facts, &error);

	if (result != 0)
		message("%s", error.text);
	return result == 0;
}

/* ---- coverage ---- */

static int tell_coverage(struct pool *pool, const struct options *options)
{
	struct check_list checks = {.pool = pool};
	struct coverage *coverage = pool_take(pool, sizeof(*coverage));
	struct facts facts;
	size_t count = 0;

	if (!checks_load(data_path(pool, "suites"), &checks) || !read_host(pool, options, &facts))
		return EXIT_DEFECTIVE;
	coverage_of(pool, &checks, &facts.host, coverage);
	const struct vm_rule *rules = vm_machine_rules(&count);
	(void)printf("%zu of %zu rules are reached by the scenarios\n\n", coverage->reached, count);
	for (size_t i = 0; i < count; i++)
		if (coverage->rules[i].cases != 0)
			(void)printf("%6zu  %-32s %s\n", coverage->rules[i].cases, rules[i].id,
				coverage->rules[i].first);
	for (size_t i = 0; i < count; i++)
		if (coverage->rules[i].cases == 0)
			(void)printf("     -  %-32s %s\n", rules[i].id,
				coverage->rules[i].why != NULL ? coverage->rules[i].why
							       : "nothing known reaches it");
	return coverage->unexplained == 0 ? EXIT_CONFORMS : EXIT_DEVIATES;
}

int command_scenario(int argc, char **argv)
{
	struct pool POOL_DROPS pool = {0};
	struct options options = {0};
	struct scenario scenario;
	struct scenario_error error;
	struct script script;
	struct facts facts;
	struct seen seen;
	int64_t values[SCENARIO_PARAMETERS_LIMIT];
	const char *why = "";

	if (!command_parse(&argp, argc, argv, &options))
		return EXIT_MISUSED;
	if (options.coverage)
		return tell_coverage(&pool, &options);
	if (!scenario_load(&pool, options.file, &scenario))
		return EXIT_MISUSED;
	for (size_t i = 0; i < scenario.parameters_count; i++)
		values[i] = scenario.parameters[i].choices[0];
	for (size_t i = 0; i < options.given_count; i++)
		if (!take_given(&scenario, options.given[i], values)) {
			message("%s: no parameter and value of this scenario", options.given[i]);
			return EXIT_MISUSED;
		}
	if (!scenario_compile(&pool, &scenario, values, &script, &error)) {
		message("%s:%u:%u: %s", options.file, error.line, error.column, error.reason);
		return EXIT_MISUSED;
	}
	if (!read_host(&pool, &options, &facts))
		return EXIT_DEFECTIVE;
	const bool runs = !options.model_only && !options.worksheet;
	if (runs && !scenario_run_here(&pool, options.file, &script, &seen, &why)) {
		message("%s: %s", options.file, why);
		return EXIT_DEFECTIVE;
	}
	struct presentation *presentation = pool_take(&pool, sizeof(*presentation));
	presentation->pool = &pool;
	presentation->options = &options;
	presentation->scenario = &scenario;
	presentation->script = &script;
	presentation->seen = runs ? &seen : NULL;
	(void)printf("%s\n\n", scenario.purpose);
	return present(presentation, &facts.host);
}
