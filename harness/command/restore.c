/* SPDX-License-Identifier: Apache-2.0 */
/* mmconform restore: puts back the settings that a killed run left changed. */
#include <errno.h>
#include <stdio.h>

#include "command/command.h"
#include "guard/guard.h"

#define KEEPER_WAIT_MS 10000

enum restore_option {
	OPTION_DRY_RUN = 'n',
};

static const struct argp_option argp_options[] = {
	{"dry-run", OPTION_DRY_RUN, NULL, 0, "Say what would be put back, and change nothing", 0},
	{0},
};

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
	struct guard_options *options = state->input;

	switch (key) {
	case OPTION_DRY_RUN:
		options->dry_run = true;
		return 0;
	case ARGP_KEY_ARG:
		return command_refuse(state, "\"%s\" is one argument too many", argument);
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = argp_options,
	.parser = parse_option,
	.doc = "Puts back the settings that a killed run left changed, from its journal. Every run "
	       "does this first.",
};

int command_restore(int argc, char **argv)
{
	struct guard_options options = {.root = "", .changes = true, .wait_ms = KEEPER_WAIT_MS};
	size_t count = 0;

	if (!command_parse(&argp, argc, argv, &options))
		return EXIT_MISUSED;
	const int error = guard_restore(&options, &count);
	if (error == -EBUSY)
		return EXIT_NOTHING;
	/* The guard has said what is wrong. */
	if (error != 0)
		return EXIT_DEFECTIVE;
	if (count == 0)
		(void)puts("nothing to put back");
	else
		(void)printf("%zu setting%s put back\n", count, count == 1 ? "" : "s");
	return EXIT_CONFORMS;
}
