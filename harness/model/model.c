/* SPDX-License-Identifier: Apache-2.0 */
#include "model/model.h"

#include <stdio.h>
#include <string.h>

#include "base/message.h"
#include "base/pool.h"

static const struct model_verb verbs[] = {
	{"translate", "one table, pages of any size: the course's worked example", model_translate},
	{"walk", "the tables of x86, level by level, for one access", model_walk},
	{"table-size", "what flat, hierarchical and inverted tables cost", model_table_size},
	{"inverted", "probes of an inverted table, linear and hashed", model_inverted},
	{"segment", "selector and offset through a descriptor", model_segment},
	{"relocate", "base and limit: growth, moves, compaction", model_relocate},
	{"lowmem", "what a 32-bit kernel maps of its memory", model_lowmem},
	{"tlb", "translation buffers on a reference string", model_tlb},
	{"replace", "page replacement on a reference string", model_replace},
	{"programs", "several programs in one memory: thrashing, balance set, swapping",
		model_programs},
	{"buddy", "the buddy allocator, drawn", model_buddy},
	{"slab", "caches of equal objects, drawn", model_slab},
	{"fit", "best, worst, first and next fit, drawn", model_fit},
	{"checkpoint", "full and incremental checkpoints, pre-copy migration", model_checkpoint},
	{"string", "writes a reference string in another format", model_string},
	{NULL, NULL, NULL},
};

struct chosen {
	int index;
	const char *verb; /* argv[index]; NULL: none */
};

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
	struct chosen *chosen = state->input;

	if (key == ARGP_KEY_INIT) {
		state->err_stream = NULL;
		return 0;
	}
	if (key != ARGP_KEY_ARG)
		return ARGP_ERR_UNKNOWN;
	chosen->index = state->next - 1;
	chosen->verb = argument;
	state->next = state->argc;
	return 0;
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
	for (const struct model_verb *verb = verbs; verb->name != NULL; verb++)
		(void)fprintf(stream, "  %-10s %s\n", verb->name, verb->summary);
	(void)fputs("\nmmconform model VERB --help says more.", stream);
	(void)fclose(stream);
	return list;
}

static const struct argp argp = {
	.parser = parse_option,
	.args_doc = "VERB [ARGUMENTS]",
	.doc = "The simulators of the reference model: what the course draws, for any "
	       "input.\vVerbs:",
	.help_filter = add_verbs,
};

int command_model(int argc, char **argv)
{
	struct pool POOL_DROPS pool = {0};
	struct chosen chosen = {0};

	if (argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &chosen) != 0)
		return EXIT_MISUSED;
	if (chosen.verb == NULL) {
		message("which simulator? mmconform model --help lists them");
		return EXIT_MISUSED;
	}
	argv += chosen.index;
	for (const struct model_verb *verb = verbs; verb->name != NULL; verb++)
		if (strcmp(verb->name, chosen.verb) == 0) {
			argv[0] = (char *)pool_format(&pool, "mmconform model %s", verb->name);
			return verb->run(argc - chosen.index, argv);
		}
	message("no simulator \"%s\"; mmconform model --help lists them", chosen.verb);
	return EXIT_MISUSED;
}
