/* SPDX-License-Identifier: Apache-2.0 */
/* mmconform judge: today's model over a record of whenever and wherever. */
#include <string.h>

#include "base/message.h"
#include "command/command.h"
#include "command/judged.h"
#include "run/status.h"
#include "suite/cases.h"
#include "suite/data.h"
#include "suite/date.h"
#include "suite/kinds.h"

enum judge_option {
	OPTION_JSON = 'j',
	OPTION_VERBOSE = 'v',
	OPTION_EXCHANGE = 'x',
};

static const struct argp_option argp_options[] = {
	{"json", OPTION_JSON, NULL, 0, "Print verdict lines instead of the report", 0},
	{"verbose", OPTION_VERBOSE, NULL, 0, "A row for each case in the table", 0},
	{"exchange", OPTION_EXCHANGE, NULL, 0,
		"Let the two models answer in each other's place: what they disagree on turns "
		"round, and nothing else",
		0},
	{0},
};

struct given {
	const char *path;
	struct judged_options options;
};

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
	struct given *given = state->input;

	switch (key) {
	case OPTION_JSON:
		given->options.lines = true;
		return 0;
	case OPTION_VERBOSE:
		given->options.report.verbose = true;
		return 0;
	case OPTION_EXCHANGE:
		given->options.exchange = true;
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

/* A verdict that is another one than the record has: the models or their rules have changed. */
static void note_changes(const struct record *record, struct judgement *judgement)
{
	const size_t count = record->verdicts_count < judgement->count ? record->verdicts_count
								       : judgement->count;
	size_t changed = 0, first = 0;

	for (size_t i = 0; i < count; i++)
		if (strcmp(record->verdicts[i].verdict, judgement->verdicts[i].verdict) != 0) {
			first = changed == 0 ? i : first;
			changed++;
		}
	if (changed != 0)
		judgement_note(judgement,
			"%zu verdicts are not those of the run; first %s: %s was %s", changed,
			case_id(judgement->pool, judgement->verdicts[first].probe,
				&judgement->verdicts[first].parameters),
			judgement->verdicts[first].verdict, record->verdicts[first].verdict);
}

enum exit_status judged_report(const char *path, const struct judged_options *options)
{
	struct pool POOL_DROPS pool = {0};
	struct record RECORD_DROPS record = {0};
	struct check_list checks = {.pool = &pool};
	struct known_list known = {0};
	struct judgement judgement = {.pool = &pool};
	const struct judge_options judge_options = {
		.checks = &checks,
		.known = &known,
		.today = date_now(&pool),
		.exchange = options->exchange,
	};

	if (!checks_load(data_path(&pool, "suites"), &checks) ||
		!known_load(&pool, data_path(&pool, "suites/known.yaml"), &known))
		return EXIT_DEFECTIVE;
	if (!record_read(&record, path, RECORD_ENDED))
		return EXIT_MISUSED;
	if (!judge_record(&record, &judge_options, &judgement))
		return EXIT_DEFECTIVE;
	if (!options->exchange)
		note_changes(&record, &judgement);
	struct record_summary summary = record.summary;
	summary.notes_count = judgement.notes_count;
	summary.notes = judgement.notes;
	if (options->lines)
		print_lines(&judgement);
	else
		report_terminal(&record, &judgement, &summary, &options->report);
	return status_of(&judgement, &summary);
}

int command_judge(int argc, char **argv)
{
	struct given given = {0};

	if (!command_parse(&argp, argc, argv, &given))
		return EXIT_MISUSED;
	return (int)judged_report(given.path, &given.options);
}
