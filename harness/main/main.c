/* SPDX-License-Identifier: Apache-2.0 */
#include <argp.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/message.h"
#include "base/pool.h"
#include "command/command.h"

const char *argp_program_version = "mmconform " MMCONFORM_VERSION;

struct chosen {
	int index; /* of the verb in argv, or 0 */
};

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
	struct chosen *chosen = state->input;

	(void)argument;
	switch (key) {
	case ARGP_KEY_INIT:
		state->err_stream = NULL;
		return 0;
	case ARGP_KEY_ARG:
		/* The verb and all that follows is the verb's. */
		chosen->index = state->next - 1;
		state->next = state->argc;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static char *add_verbs(int key, const char *text, void *input)
{
	char *list = NULL;
	size_t list_bytes = 0;

	(void)input;
	if (key != ARGP_KEY_HELP_POST_DOC)
		return (char *)text;
	FILE *stream = open_memstream(&list, &list_bytes);
	if (stream == NULL)
		return (char *)text;
	(void)fputs("Verbs:\n", stream);
	for (const struct command *command = commands; command->name != NULL; command++)
		(void)fprintf(stream, "  %-10s %s\n", command->name, command->summary);
	(void)fprintf(stream, "\nmmconform VERB --help says more.");
	(void)fclose(stream);
	return list;
}

static const struct argp argp = {
	.parser = parse_option,
	.args_doc = "VERB [ARGUMENTS]",
	.doc = "Conformance of virtual memory: what a model predicts for this host, what was "
	       "measured, and a verdict.\vVerbs:",
	.help_filter = add_verbs,
};

static int run_verb(int argc, char **argv)
{
	struct pool POOL_DROPS pool = {0};

	for (const struct command *command = commands; command->name != NULL; command++)
		if (strcmp(command->name, argv[0]) == 0) {
			argv[0] = (char *)pool_format(&pool, "mmconform %s", command->name);
			return command->run(argc, argv);
		}
	message("no verb \"%s\"; mmconform --help lists them", argv[0]);
	return EXIT_MISUSED;
}

int main(int argc, char **argv)
{
	struct chosen chosen = {0};

	/* Column widths of the terminal tables; numbers stay in the C locale. */
	(void)setlocale(LC_CTYPE, "");
	argp_err_exit_status = EXIT_MISUSED;
	if (argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &chosen) != 0)
		return EXIT_MISUSED;
	if (chosen.index == 0) {
		message("which verb? mmconform --help lists them");
		return EXIT_MISUSED;
	}
	return run_verb(argc - chosen.index, argv + chosen.index);
}
