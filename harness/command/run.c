/* SPDX-License-Identifier: Apache-2.0 */
/* mmconform run: measure this host, judge what was measured, report it. */
#include "run/run.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/message.h"
#include "command/command.h"
#include "command/guest.h"
#include "report/output.h"
#include "report/report.h"
#include "run/status.h"
#include "suite/required.h"

enum run_option {
	OPTION_ALLOW = 'a',
	OPTION_CLAIM = 'c',
	OPTION_JSON = 'j',
	OPTION_DRY_RUN = 'n',
	OPTION_OUTPUT = 'o',
	OPTION_PROFILE = 'p',
	OPTION_RECORD = 'r',
	OPTION_SEED = 's',
	OPTION_VERBOSE = 'v',
	OPTION_SET = 0x100,
	OPTION_RESUME,
	OPTION_UNJUDGED,
	OPTION_PARTS,
	OPTION_BASELINE,
	OPTION_REQUIRE,
	OPTION_ANONYMOUS,
};

static const struct argp_option argp_options[] = {
	{NULL, 0, NULL, 0, "What is run:", 1},
	{"claim", OPTION_CLAIM, "PCRE2", 0, "Only checks with a claim like this", 1},
	{"profile", OPTION_PROFILE, "NAME", 0, "Budget: quick, standard (default), thorough", 1},
	{"seed", OPTION_SEED, "NUMBER", 0, "Decides what is drawn, and the order of trials", 1},
	{"dry-run", OPTION_DRY_RUN, NULL, 0, "Show the cases, and run none", 1},
	{NULL, 0, NULL, 0, "What may be disturbed:", 2},
	{"allow", OPTION_ALLOW, "LIST", 0, "settings, pressure (in a memory group of its own)", 2},
	{"set", OPTION_SET, "KNOB=VALUE", 0, "Hold a setting during the run; put back after it", 2},
	{NULL, 0, NULL, 0, "What is kept and reported:", 3},
	{"record", OPTION_RECORD, "FILE", 0,
		"Keep the record in a new file; - writes its lines to standard output", 3},
	{"resume", OPTION_RESUME, NULL, 0, "Go on with the run that --record names", 3},
	{"anonymous", OPTION_ANONYMOUS, NULL, 0, "Keep nothing in it that names the host", 3},
	{"output", OPTION_OUTPUT, "FORMAT=PATH", 0,
		"Write the outcome in another format too; may be given more than once", 3},
	{"json", OPTION_JSON, NULL, 0, "Print the record's lines instead of the report", 3},
	{"verbose", OPTION_VERBOSE, NULL, 0, "A row for each case in the table", 3},
	/* What a guest's harness is told: emulated, judging takes longer than measuring. */
	{"unjudged", OPTION_UNJUDGED, NULL, OPTION_HIDDEN, NULL, 3},
	{"parts", OPTION_PARTS, "N", OPTION_HIDDEN, NULL, 3},
	{NULL, 0, NULL, 0, "What it is held against:", 4},
	{"baseline", OPTION_BASELINE, "RECORD", 0,
		"Fail when a verdict is worse than in this record; takes its seed", 4},
	{"require", OPTION_REQUIRE, "FILE", 0, "Fail when a claim of this list does not pass", 4},
	{0},
};

struct given {
	struct pool *pool;
	struct run_options options;
	struct report_options report;
	struct output_list outputs;
	const char *baseline_path, *require_path;
	struct record baseline;
	struct required_list required;
	struct guest_request guest;
	bool has_suite, has_seed;
};

static error_t take_allow(const struct argp_state *state, struct given *given, const char *list)
{
	char *rest = (char *)pool_text(given->pool, list), *word = NULL;

	while ((word = strsep(&rest, ",")) != NULL) {
		if (strcmp(word, "settings") == 0)
			given->options.allow_settings = true;
		else if (strcmp(word, "pressure") == 0)
			given->options.allow_pressure = true;
		else
			return command_refuse(
				state, "--allow: \"%s\" is neither settings nor pressure", word);
	}
	return 0;
}

static error_t take_setting(const struct argp_state *state, struct given *given, const char *text)
{
	const char *equals = strchr(text, '=');

	if (equals == NULL || equals == text || equals[1] == '\0')
		return command_refuse(state, "--set: \"%s\" is not KNOB=VALUE", text);
	struct run_setting *settings = pool_grow(given->pool, given->options.settings,
		given->options.settings_count, sizeof(*settings));
	settings[given->options.settings_count++] = (struct run_setting){
		.knob = pool_text_of(given->pool, text, (size_t)(equals - text)),
		.value = equals + 1,
	};
	given->options.settings = settings;
	return 0;
}

static error_t take_seed(const struct argp_state *state, struct given *given, const char *text)
{
	char *end = NULL;

	errno = 0;
	given->options.seed = strtoull(text, &end, 0);
	given->has_seed = true;
	if (errno != 0 || end == text || *end != '\0' || text[0] == '-')
		return command_refuse(state, "--seed: \"%s\" is not a number", text);
	return 0;
}

static error_t take_output(const struct argp_state *state, struct given *given, const char *text)
{
	const char *why = output_add(given->pool, &given->outputs, text);

	return why == NULL ? 0 : command_refuse(state, "--output: %s", why);
}

static error_t take_record(struct given *given, const char *path)
{
	if (strcmp(path, "-") == 0)
		given->options.lines = true;
	else
		given->options.record_path = path;
	return 0;
}

static error_t take_suite(const struct argp_state *state, struct given *given, const char *name)
{
	if (given->has_suite)
		return command_refuse(state, "\"%s\" is one argument too many", name);
	given->has_suite = true;
	given->options.suite = name;
	return 0;
}

static error_t check_together(const struct argp_state *state, const struct given *given)
{
	const struct run_options *options = &given->options;

	if (given->guest.kernel != NULL && (options->resume || options->dry_run))
		return command_refuse(
			state, "--guest begins a run anew: no --resume, no --dry-run");
	if (options->resume && options->record_path == NULL)
		return command_refuse(state, "--resume needs --record FILE");
	if (options->settings_count != 0 && !options->allow_settings && given->guest.kernel == NULL)
		return command_refuse(state, "--set needs --allow settings");
	return 0;
}

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
	struct given *given = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &given->guest;
		return 0;
	case OPTION_CLAIM:
		given->options.selection = argument;
		return 0;
	case OPTION_PROFILE:
		given->options.profile = argument;
		return 0;
	case OPTION_RECORD:
		return take_record(given, argument);
	case OPTION_ALLOW:
		return take_allow(state, given, argument);
	case OPTION_SET:
		return take_setting(state, given, argument);
	case OPTION_SEED:
		return take_seed(state, given, argument);
	case OPTION_OUTPUT:
		return take_output(state, given, argument);
	case OPTION_BASELINE:
		given->baseline_path = argument;
		return 0;
	case OPTION_REQUIRE:
		given->require_path = argument;
		return 0;
	case OPTION_DRY_RUN:
		given->options.dry_run = true;
		return 0;
	case OPTION_RESUME:
		given->options.resume = true;
		return 0;
	case OPTION_UNJUDGED:
		given->options.unjudged = true;
		return 0;
	case OPTION_PARTS:
		return command_number(
			state, "--parts", argument, 1, GUEST_MACHINES_LIMIT, &given->options.parts);
	case OPTION_ANONYMOUS:
		given->options.anonymous = true;
		return 0;
	case OPTION_JSON:
		given->options.lines = true;
		return 0;
	case OPTION_VERBOSE:
		given->report.verbose = true;
		return 0;
	case ARGP_KEY_ARG:
		return take_suite(state, given, argument);
	case ARGP_KEY_END:
		return check_together(state, given);
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_child children[] = {{.argp = &guest_argp}, {0}};

static const struct argp argp = {
	.options = argp_options,
	.parser = parse_option,
	.children = children,
	.args_doc = "[SUITE]",
	.doc = "Measures this host and judges it against the two models. SUITE is exact (default), "
	       "timed, formulas, all, or a file or folder of your own.",
};

/* Everything that can be wrong with the files named is found before anything is measured. */
static bool read_standards(struct given *given)
{
	struct run_options *options = &given->options;

	if (given->require_path != NULL &&
		!required_load(given->pool, given->require_path, &given->required))
		return false;
	if (given->baseline_path != NULL) {
		if (!record_read(&given->baseline, given->baseline_path, RECORD_ENDED))
			return false;
		/* The same draws, so that the cases are the same. */
		if (!given->has_seed)
			options->seed = given->baseline.header.seed;
		given->has_seed = true;
	}
	if (!given->has_seed && getrandom(&options->seed, sizeof(options->seed), 0) !=
					(ssize_t)sizeof(options->seed)) {
		message("no random seed: %s", strerror(errno));
		return false;
	}
	return true;
}

static enum exit_status hold_against_standards(
	struct given *given, const struct run_result *result, enum exit_status status)
{
	struct shortfalls *shortfalls = &given->report.shortfalls;

	*shortfalls = (struct shortfalls){.pool = given->pool};
	if (given->require_path != NULL)
		standard_require(&given->required, &result->judgement, shortfalls);
	if (given->baseline_path != NULL)
		standard_baseline(
			&given->baseline, given->options.selection, &result->judgement, shortfalls);
	for (size_t i = 0; given->options.lines && i < shortfalls->count; i++)
		message("short: %s", shortfalls->items[i]);
	return shortfalls->count == 0 ? status : status_worse(status, EXIT_DEVIATES);
}

static enum exit_status report(
	struct given *given, const struct run_result *result, enum exit_status status)
{
	const struct outcome outcome = {&result->record, &result->judgement, &result->summary};

	const bool is_for_readers = !given->options.lines && !output_takes_stdout(&given->outputs);

	status = hold_against_standards(given, result, status);
	if (is_for_readers)
		report_terminal(
			&result->record, &result->judgement, &result->summary, &given->report);
	if (!output_write(&given->outputs, &(struct outcome_list){1, &outcome}))
		return status_worse(status, EXIT_DEFECTIVE);
	/* What is found last is found: where to read on. */
	if (is_for_readers && given->outputs.count != 0) {
		(void)fputs("\n", stdout);
		output_tell(&given->outputs, stdout);
	}
	return status;
}

int command_run(int argc, char **argv)
{
	struct pool POOL_DROPS pool = {0};
	struct given given = {
		.pool = &pool,
		.options = {.suite = "exact", .profile = "standard"},
	};
	struct run_result result = {.pool = &pool};

	if (!command_parse(&argp, argc, argv, &given))
		return EXIT_MISUSED;
	if (!read_standards(&given))
		return EXIT_MISUSED;
	enum exit_status status = given.guest.kernel != NULL
					  ? run_in_guest(&given.guest, &given.options, &result)
					  : run_suite(&given.options, &result);
	if (result.judged)
		status = report(&given, &result, status);
	record_drop(&result.record);
	record_drop(&given.baseline);
	return (int)status;
}
