/* SPDX-License-Identifier: Apache-2.0 */
/* mmconform list: the checks there are, by chapter, and the claims that they show. */
#include <stdio.h>

#include "command/command.h"
#include "suite/data.h"
#include "suite/kinds.h"

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
	if (key != ARGP_KEY_ARG)
		return ARGP_ERR_UNKNOWN;
	return command_refuse(state, "\"%s\" is one argument too many", argument);
}

static const struct argp argp = {
	.parser = parse_option,
	.doc = "Lists the checks, and the claims that they show.",
};

int command_list(int argc, char **argv)
{
	struct pool POOL_DROPS pool = {0};
	struct check_list checks = {.pool = &pool};

	if (!command_parse(&argp, argc, argv, NULL))
		return EXIT_MISUSED;
	if (!checks_load(data_path(&pool, "suites"), &checks))
		return EXIT_MISUSED;
	for (size_t i = 0; i < checks.count; i++)
		(void)printf("%-30s %-9s %s\n", checks.items[i].name, checks.items[i].kind->name,
			checks.items[i].question);
	return EXIT_CONFORMS;
}
