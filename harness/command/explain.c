/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mmconform explain: a claim, where it is taught, what both models make of it on this host with its
 * numbers put in, how it is measured, and how to see it by hand.
 */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/message.h"
#include "command/command.h"
#include "facts/facts.h"
#include "judge/compare.h"
#include "judge/predict.h"
#include "judge/text.h"
#include "report/style.h"
#include "run/launch.h"
#include "suite/cases.h"
#include "suite/claims.h"
#include "suite/data.h"
#include "suite/kinds.h"

#define INDENT		   2
#define PREDICTIONS_SHOWN  4
#define WIDTH_OF_NO_SCREEN 100
#define MS_PER_S	   1000U

enum explain_option {
	OPTION_FACTS = 'f',
};

static const struct argp_option argp_options[] = {
	{"facts", OPTION_FACTS, "FOLDER", 0, "The host that was captured there, not this one", 0},
	{0},
};

struct explaining {
	struct pool *pool;
	const char *claim_id, *captured;
	struct facts facts;
	struct check_list checks;
	struct claim_list claims;
	struct prediction_room room;
	bool colour;
	size_t width;
};

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
	struct explaining *explaining = state->input;

	switch (key) {
	case OPTION_FACTS:
		explaining->captured = argument;
		return 0;
	case ARGP_KEY_ARG:
		if (explaining->claim_id != NULL)
			return command_refuse(state, "\"%s\" is one argument too many", argument);
		explaining->claim_id = argument;
		return 0;
	case ARGP_KEY_END:
		return explaining->claim_id != NULL ? 0 : command_refuse(state, "which claim?");
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = argp_options,
	.parser = parse_option,
	.args_doc = "CLAIM",
	.doc = "Explains a claim: its sources, the rules of both models with this host's numbers, "
	       "how it is measured, how to reproduce it by hand.",
};

static void heading(const struct explaining *explaining, const char *text)
{
	(void)printf("\n%s\n", style_bold(explaining->pool, text, explaining->colour));
}

static void paragraph(const struct explaining *explaining, const char *text)
{
	style_wrap(stdout, text, INDENT, explaining->width);
}

static const char *joined(struct pool *pool, const char *const *texts, size_t count)
{
	const char *line = "";

	for (size_t i = 0; i < count; i++)
		line = pool_format(pool, "%s%s%s", line, i == 0 ? "" : ", ", texts[i]);
	return line;
}

static void print_claim(const struct explaining *explaining, const struct claim *claim)
{
	(void)printf("%s  (%s)\n", style_bold(explaining->pool, claim->id, explaining->colour),
		claim_chapter(claim->id));
	paragraph(explaining, claim->statement);
	if (claim->textbook != NULL) {
		heading(explaining, "The textbook, taken literally");
		paragraph(explaining, claim->textbook);
	}
	heading(explaining, "Taught in");
	paragraph(explaining, joined(explaining->pool, claim->sources, claim->sources_count));
}

static void print_prediction(
	struct explaining *explaining, const struct vm_prediction *prediction, const char *model)
{
	const bool placed = prediction->at[0] != '\0';
	const char *text = prediction->form == VM_FORM_SILENT
				   ? "says nothing"
				   : prediction_text(explaining->pool, prediction);

	paragraph(explaining,
		pool_format(explaining->pool, "%-9s %s%s%s%s: %s", model, prediction->quantity,
			placed ? "[" : "", prediction->at, placed ? "]" : "", text));
	style_wrap(stdout, prediction->because, INDENT + 10, explaining->width);
	style_wrap(stdout, prediction->cite, INDENT + 10, explaining->width);
}

/*
 * Rules over moving inputs get this host's numbers from one launch, where the case needs nothing
 * that this host has not, and no setting held. No readings otherwise: the rule is shown then.
 */
static struct probe_readings readings_of(
	struct explaining *explaining, const struct check_case *check_case)
{
	const struct check *check = check_case->check;
	const struct facts_allowed nothing = {0};
	struct facts_requirement *unmet = NULL;
	struct facts_error error;
	struct check_payload payload;
	struct launch_result result;
	char executable[PATH_MAX];
	size_t unmet_count = 0;

	if (explaining->captured != NULL || case_holds_knob(check_case) ||
		check->kind->payload == NULL || check->timed || check->kind->script != NULL ||
		facts_requirements(explaining->pool, &explaining->facts, check->needs, &nothing,
			true, &unmet, &unmet_count, &error) != 0 ||
		unmet_count != 0 ||
		launch_executable("mmconform-trial", executable, sizeof(executable)) != 0)
		return (struct probe_readings){0};
	check->kind->payload(check_case, 1, explaining->pool, &payload);
	const char **arguments =
		pool_take(explaining->pool, (payload.arguments_count + 1) * sizeof(*arguments));
	for (size_t i = 0; i < payload.arguments_count; i++)
		arguments[i] = payload.arguments[i];
	const struct launch launch = {
		.executable = executable,
		.arguments = arguments,
		.subject = check->name,
		.deadline_ms = check->deadline_s * MS_PER_S,
		.randomize_layout = check->randomize_layout,
		.own_score = check->own_score,
	};
	if (launch_trial(&launch, explaining->pool, &result) != 0 ||
		result.end != RECORD_TRIAL_OBSERVED)
		return (struct probe_readings){0};
	const struct check_trial trial = {
		.observations_count = result.observations_count,
		.observations = result.observations,
	};
	return compare_readings(explaining->pool, &trial);
}

static void print_model(struct explaining *explaining, const struct check_case *check_case,
	const char *claim, enum vm_model_id model, const struct probe_readings *readings)
{
	struct vm_predictions predictions;
	struct vm_host host;
	size_t shown = 0, more = 0;

	case_host(check_case, &explaining->facts.host, &host);
	predict_case(&explaining->room, check_case, model, &host, readings, &predictions);
	for (size_t i = 0; i < predictions.count; i++) {
		if (strcmp(predictions.items[i].claim, claim) != 0)
			continue;
		if (shown++ < PREDICTIONS_SHOWN)
			print_prediction(
				explaining, &predictions.items[i], vm_model_for(model, &host).name);
		else
			more++;
	}
	if (more != 0)
		paragraph(explaining,
			pool_format(explaining->pool, "          and %zu more like these", more));
}

/* The first case that holds no setting, if there is one. */
static const struct check_case *quietest(const struct case_list *cases)
{
	for (size_t i = 0; i < cases->count; i++)
		if (!case_holds_knob(&cases->items[i]))
			return &cases->items[i];
	return &cases->items[0];
}

/* Shell lines are not wrapped, so that they can be copied. */
static void print_lines(const char *text)
{
	while (*text != '\0') {
		const size_t length = strcspn(text, "\n");
		(void)printf("%*s%.*s\n", INDENT, "", (int)length, text);
		text += length;
		text += *text == '\n';
	}
}

static void print_check(struct explaining *explaining, const struct check *check, const char *claim)
{
	const struct case_options options = {.host = &explaining->facts.host};
	struct case_list cases = {.pool = explaining->pool};

	heading(explaining, pool_format(explaining->pool, "Shown by the %s %s", check->kind->name,
				    check->name));
	paragraph(explaining, check->question);
	paragraph(explaining, check->method);
	cases_expand(check, &options, &cases);
	if (cases.count != 0) {
		const struct check_case *shown = quietest(&cases);
		const struct probe_readings readings = readings_of(explaining, shown);
		heading(explaining, pool_format(explaining->pool,
					    "What the models say on this host of %s", shown->id));
		print_model(explaining, shown, claim, VM_MODEL_LINUX, &readings);
		print_model(explaining, shown, claim, VM_MODEL_TEXTBOOK, &readings);
	}
	if (check->threats != NULL) {
		heading(explaining, "What could make it wrong");
		paragraph(explaining, check->threats);
	}
	if (check->by_hand != NULL) {
		heading(explaining, "By hand");
		print_lines(check->by_hand);
	}
}

static bool load(struct explaining *explaining)
{
	struct facts_error error;
	struct pool *pool = explaining->pool;
	const int failed = explaining->captured != NULL
				   ? facts_read_captured(
					     pool, explaining->captured, &explaining->facts, &error)
				   : facts_read_live(pool, &explaining->facts, &error);

	if (failed != 0) {
		message("%s", error.text);
		return false;
	}
	explaining->checks = (struct check_list){.pool = pool};
	return checks_load(data_path(pool, "suites"), &explaining->checks) &&
	       claims_load(pool, data_path(pool, "suites/claims.yaml"), &explaining->claims);
}

static void print_checks(struct explaining *explaining, const struct claim *claim)
{
	size_t count = 0;

	for (size_t i = 0; i < explaining->checks.count; i++)
		if (claim_declared(claim, &explaining->checks.items[i])) {
			print_check(explaining, &explaining->checks.items[i], claim->id);
			count++;
		}
	if (count == 0)
		(void)puts("\nNo check shows it yet.");
	else
		(void)printf("\nmmconform run all --claim '^%s$'\n", claim->id);
}

int command_explain(int argc, char **argv)
{
	struct pool POOL_DROPS pool = {0};
	struct explaining explaining = {.pool = &pool};

	if (!command_parse(&argp, argc, argv, &explaining))
		return EXIT_MISUSED;
	if (!load(&explaining))
		return EXIT_DEFECTIVE;
	const struct claim *claim = claim_named(&explaining.claims, explaining.claim_id);
	if (claim == NULL) {
		message("no claim \"%s\"; mmconform list has them all", explaining.claim_id);
		return EXIT_MISUSED;
	}
	explaining.colour = style_has_colour(stdout);
	explaining.width = style_width(stdout);
	if (explaining.width == 0 || explaining.width > WIDTH_OF_NO_SCREEN)
		explaining.width = WIDTH_OF_NO_SCREEN;
	print_claim(&explaining, claim);
	print_checks(&explaining, claim);
	prediction_room_drop(&explaining.room);
	return EXIT_CONFORMS;
}
