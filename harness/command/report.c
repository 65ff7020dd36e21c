/* SPDX-License-Identifier: Apache-2.0 */
/* mmconform report: records in the formats of others, and as a page; from the records alone. */
#include "report/report.h"
#include "base/pool.h"
#include "command/command.h"
#include "report/output.h"
#include "suite/data.h"

enum report_option {
	OPTION_OUTPUT = 'o',
	OPTION_VERBOSE = 'v',
	OPTION_ERRATA = 0x100,
};

static const struct argp_option argp_options[] = {
	{"output", OPTION_OUTPUT, "FORMAT=PATH", 0,
		"gbench, html, junit, kcidb, ktap, markdown, record or tap; - is standard output; "
		"may be given more than once",
		0},
	{"errata", OPTION_ERRATA, "FILE", 0, "Void records and claims, instead of the project's",
		0},
	{"verbose", OPTION_VERBOSE, NULL, 0, "A row for each case in the table", 0},
	{0},
};

struct given {
	struct pool *pool;
	size_t paths_count;
	const char **paths;
	const char *errata_path;
	struct report_options report;
	struct output_list outputs;
};

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
	struct given *given = state->input;
	const char *why = NULL;

	switch (key) {
	case OPTION_OUTPUT:
		why = output_add(given->pool, &given->outputs, argument);
		return why == NULL ? 0 : command_refuse(state, "--output: %s", why);
	case OPTION_ERRATA:
		given->errata_path = argument;
		return 0;
	case OPTION_VERBOSE:
		given->report.verbose = true;
		return 0;
	case ARGP_KEY_ARG:
		given->paths = pool_grow(
			given->pool, given->paths, given->paths_count, sizeof(given->paths[0]));
		given->paths[given->paths_count++] = argument;
		return 0;
	case ARGP_KEY_END:
		return given->paths_count != 0 ? 0 : command_refuse(state, "which record?");
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = argp_options,
	.parser = parse_option,
	.args_doc = "RECORD...",
	.doc = "Shows records with the verdicts that they hold, compressed ones too; several side "
	       "by side. Without --output on the terminal.",
};

int command_report(int argc, char **argv)
{
	struct pool POOL_DROPS pool = {0};
	struct given given = {.pool = &pool, .errata_path = data_path(&pool, ERRATA_FILE)};
	struct outcome_list outcomes = {0};
	int status = EXIT_CONFORMS;

	if (!command_parse(&argp, argc, argv, &given))
		return EXIT_MISUSED;
	const struct outcome_request request = {
		.paths_count = given.paths_count,
		.paths = given.paths,
		.errata_path = given.errata_path,
		.whole = output_needs_whole(&given.outputs),
		/* On the terminal --verbose draws what was timed. */
		.observed_count = given.outputs.count != 0 ? output_observed_count(&given.outputs)
							   : given.paths_count,
	};
	if (!outcomes_read(&pool, &request, &outcomes))
		status = EXIT_MISUSED;
	else if (given.outputs.count != 0)
		status = output_write(&given.outputs, &outcomes) ? EXIT_CONFORMS : EXIT_DEFECTIVE;
	for (size_t i = 0;
		i < outcomes.count && given.outputs.count == 0 && status == EXIT_CONFORMS; i++)
		report_terminal(outcomes.items[i].record, outcomes.items[i].judgement,
			outcomes.items[i].summary, &given.report);
	outcomes_drop(&outcomes);
	return status;
}
