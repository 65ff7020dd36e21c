/* SPDX-License-Identifier: Apache-2.0 */
/* mmconform judge: today's model over a record of whenever and wherever. */
#include "base/message.h"
#include "command/command.h"
#include "judge/again.h"
#include "report/output.h"
#include "report/report.h"
#include "run/status.h"

enum judge_option {
	OPTION_JSON = 'j',
	OPTION_OUTPUT = 'o',
	OPTION_VERBOSE = 'v',
	OPTION_EXCHANGE = 'x',
};

static const struct argp_option argp_options[] = {
	{"json", OPTION_JSON, NULL, 0, "Print verdict lines instead of the report", 0},
	{"output", OPTION_OUTPUT, "FORMAT=PATH", 0,
		"Write the outcome in another format too; may be given more than once", 0},
	{"verbose", OPTION_VERBOSE, NULL, 0, "A row for each case in the table", 0},
	{"exchange", OPTION_EXCHANGE, NULL, 0,
		"Let the two models answer in each other's place: what they disagree on turns "
		"round, and nothing else",
		0},
	{0},
};

struct given {
	struct pool *pool;
	const char *path;
	bool lines, exchange;
	struct report_options report;
	struct output_list outputs;
};

static error_t take_output(const struct argp_state *state, struct given *given, const char *text)
{
	const char *why = output_add(given->pool, &given->outputs, text);

	return why == NULL ? 0 : command_refuse(state, "--output: %s", why);
}

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
	struct given *given = state->input;

	switch (key) {
	case OPTION_JSON:
		given->lines = true;
		return 0;
	case OPTION_OUTPUT:
		return take_output(state, given, argument);
	case OPTION_VERBOSE:
		given->report.verbose = true;
		return 0;
	case OPTION_EXCHANGE:
		given->exchange = true;
		return 0;
	case ARGP_KEY_ARG:
		if (given->path != NULL)
			return command_refuse(state, "\"%s\" is one argument too many", argument);
		given->path = argument;
		return 0;
	case ARGP_KEY_END:
		return given->path != NULL ? 0 : command_refuse(state, "which record?");
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = argp_options,
	.parser = parse_option,
	.args_doc = "RECORD",
	.doc = "Judges a record again with the models of this program, on whatever machine; - is "
	       "standard input.",
};

static void print_lines(const struct judgement *judgement)
{
	for (size_t i = 0; i < judgement->count; i++) {
		struct pool POOL_DROPS pool = {0};
		const struct record_line line = {
			.type = RECORD_TYPE_VERDICT, .verdict = judgement->verdicts[i]};
		const char *text = record_encode(&pool, &line);
		(void)fputs(text != NULL ? text : "", stdout);
	}
}

int command_judge(int argc, char **argv)
{
	struct pool POOL_DROPS pool = {0};
	struct given given = {.pool = &pool};
	struct judged judged = {.pool = &pool};

	if (!command_parse(&argp, argc, argv, &given))
		return EXIT_MISUSED;
	enum exit_status status = judge_again(-1, given.path, given.exchange, &judged);
	if (status == EXIT_CONFORMS) {
		status = status_of(&judged.judgement, &judged.summary);
		if (given.lines)
			print_lines(&judged.judgement);
		else if (!output_takes_stdout(&given.outputs))
			report_terminal(
				&judged.record, &judged.judgement, &judged.summary, &given.report);
		const struct outcome outcome = {&judged.record, &judged.judgement, &judged.summary};
		if (!output_write(&given.outputs, &(struct outcome_list){1, &outcome}))
			status = status_worse(status, EXIT_DEFECTIVE);
	}
	record_drop(&judged.record);
	return (int)status;
}
