/* SPDX-License-Identifier: Apache-2.0 */
#include "command/command.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/pool.h"

const struct command commands[] = {
	{"run", "measure this host and judge it against the two models", command_run},
	{"list", "the claims, and the checks that show them", command_list},
	{"explain", "a claim: sources, rules with this host's numbers, how to see it",
		command_explain},
	{"facts", "what the models are told about this host", command_facts},
	{"doctor", "what can be measured here, and what would allow more", command_doctor},
	{"judge", "judge a record again with today's models", command_judge},
	{"compare", "what changed between two records or more", command_compare},
	{"history", "what was timed for one claim, over records", command_history},
	{"report", "records as a page, for CI, side by side", command_report},
	{"tables", "tables of records for documents, and whether they still hold", command_tables},
	{"restore", "put back the settings that a killed run left changed", command_restore},
	{"scenario", "one scenario, step by step, on both models and this host", command_scenario},
	{"explore", "random operations on model and host, until they differ", command_explore},
	{"model", "the simulators of the reference model", command_model},
	{NULL, NULL, NULL},
};

/* The verb's parser as a child of this one, which keeps argp's own second line off stderr. */
static error_t parse_option(int key, char *argument, struct argp_state *state)
{
	(void)argument;
	if (key != ARGP_KEY_INIT)
		return ARGP_ERR_UNKNOWN;
	state->child_inputs[0] = state->input;
	state->err_stream = NULL;
	return 0;
}

bool command_parse(const struct argp *argp, int argc, char **argv, void *input)
{
	const struct argp_child children[] = {{.argp = argp}, {0}};
	const struct argp outer = {
		.parser = parse_option,
		.doc = argp->doc,
		.children = children,
	};

	return argp_parse(&outer, argc, argv, 0, NULL, input) == 0;
}

error_t command_refuse(const struct argp_state *state, const char *format, ...)
{
	struct pool POOL_DROPS pool = {0};
	va_list arguments;

	va_start(arguments, format);
	(void)fprintf(stderr, "%s: %s\n", state->name, pool_format_list(&pool, format, arguments));
	va_end(arguments);
	return EINVAL;
}

error_t command_number(const struct argp_state *state, const char *option, const char *text,
	unsigned lowest, unsigned highest, unsigned *number)
{
	char *end = NULL;

	errno = 0;
	const unsigned long value = strtoul(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || text[0] == '-' || value < lowest ||
		value > highest)
		return command_refuse(state, "%s: \"%s\" is not a number from %u to %u", option,
			text, lowest, highest);
	*number = (unsigned)value;
	return 0;
}
