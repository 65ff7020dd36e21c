/* SPDX-License-Identifier: Apache-2.0 */
/* mmconform facts: what the models are told about this host, or about a captured one. */
#include <stdio.h>
#include <string.h>

#include "base/message.h"
#include "command/command.h"
#include "command/guest.h"
#include "facts/facts.h"
#include "facts/knobs.h"

enum facts_option {
	OPTION_JSON = 'j',
	OPTION_CAPTURE = 'c',
	OPTION_FACTS = 'f',
	OPTION_ANONYMOUS = 'a',
};

static const struct argp_option argp_options[] = {
	{"json", OPTION_JSON, NULL, 0, "One line, as the facts line of a record", 0},
	{"capture", OPTION_CAPTURE, "FOLDER", 0,
		"Keep what the facts come from in a new folder (-: as a stream on standard output)",
		0},
	{"facts", OPTION_FACTS, "FOLDER", 0, "The host that was captured there, not this one", 0},
	{"anonymous", OPTION_ANONYMOUS, NULL, 0, "Capture nothing that names the host", 0},
	{0},
};

struct given {
	const char *capture, *captured;
	struct guest_request guest;
	bool json, anonymous;
};

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
	struct given *given = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &given->guest;
		return 0;
	case OPTION_JSON:
		given->json = true;
		return 0;
	case OPTION_CAPTURE:
		given->capture = argument;
		return 0;
	case OPTION_FACTS:
		given->captured = argument;
		return 0;
	case OPTION_ANONYMOUS:
		given->anonymous = true;
		return 0;
	case ARGP_KEY_ARG:
		return command_refuse(state, "\"%s\" is one argument too many", argument);
	case ARGP_KEY_END:
		if (given->anonymous && given->capture == NULL)
			return command_refuse(state, "--anonymous is for --capture");
		if (given->captured != NULL && given->guest.kernel != NULL)
			return command_refuse(state, "--facts and --guest are two hosts");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_child children[] = {{.argp = &guest_argp}, {0}};

static const struct argp argp = {
	.options = argp_options,
	.parser = parse_option,
	.children = children,
	.doc = "Shows the host facts: all that a prediction may depend on, and where each feature "
	       "was seen.",
};

static void print_texts(const struct facts *facts)
{
	for (int i = 0; i < FACTS_TEXT_LIMIT; i++)
		if (facts->text[i] != NULL && facts->text[i][0] != '\0')
			(void)printf(
				"%-28s %s\n", facts_text_word((enum facts_text)i), facts->text[i]);
}

static void print_facts(struct pool *pool, const struct facts *facts)
{
	const struct vm_host *host = &facts->host;

	print_texts(facts);
	(void)printf("%-28s %u online, %u possible, %u node%s\n", "cpus", host->cpus_online,
		host->cpus_possible, host->nodes_online, host->nodes_online == 1 ? "" : "s");
	(void)printf("%-28s %u levels, %u virtual and %u physical bits\n", "page tables",
		(unsigned)host->page_table_levels, (unsigned)host->cpu.virtual_bits,
		(unsigned)host->cpu.physical_bits);
	for (int i = 0; i < VM_KNOB_LIMIT; i++)
		if (host->knob[i].present)
			(void)printf("%-28s %s\n", vm_knob_word((enum vm_knob)i),
				knob_show(pool, (enum vm_knob)i, host->knob[i]));
	for (int i = 0; i < VM_FEATURE_LIMIT; i++)
		(void)printf("%-28s %-3s (%s)\n", vm_feature_word((enum vm_feature)i),
			host->feature[i].present ? "yes" : "no",
			host->feature[i].evidence == VM_EVIDENCE_NONE ? "could not be seen"
								      : facts->surface[i]);
}

/* The same command in a guest: what it prints is printed here, its capture unpacked here. */
static enum exit_status facts_of_guest(struct pool *pool, const struct given *given)
{
	static char verb[] = "facts", json[] = "--json", stream[] = "--capture=-";
	static char anonymous[] = "--anonymous";
	char *arguments[4] = {verb};
	struct facts_error error;
	const char *output;
	size_t output_bytes = 0, count = 1;

	if (given->capture != NULL)
		arguments[count++] = stream;
	else if (given->json)
		arguments[count++] = json;
	if (given->anonymous)
		arguments[count++] = anonymous;
	const enum exit_status status =
		ask_guest(&given->guest, arguments, pool, &output, &output_bytes);
	if (status != EXIT_CONFORMS)
		return status;
	if (given->capture == NULL || strcmp(given->capture, "-") == 0) {
		(void)fwrite(output, 1, output_bytes, stdout);
	} else if (facts_unpack(output, output_bytes, given->capture, &error) != 0) {
		message("%s", error.text);
		return EXIT_MISUSED;
	}
	return EXIT_CONFORMS;
}

static int capture(const struct given *given, struct facts_error *error)
{
	if (given->captured != NULL)
		return facts_capture_captured(
			given->captured, given->capture, given->anonymous, error);
	if (strcmp(given->capture, "-") == 0)
		return facts_capture_stream(stdout, given->anonymous, error);
	return facts_capture_live(given->capture, given->anonymous, error);
}

int command_facts(int argc, char **argv)
{
	struct pool POOL_DROPS pool = {0};
	struct given given = {0};
	struct facts facts;
	struct facts_error error;

	if (!command_parse(&argp, argc, argv, &given))
		return EXIT_MISUSED;
	if (given.guest.kernel != NULL)
		return (int)facts_of_guest(&pool, &given);
	const int failed = given.captured != NULL
				   ? facts_read_captured(&pool, given.captured, &facts, &error)
				   : facts_read_live(&pool, &facts, &error);
	if (failed != 0) {
		message("%s", error.text);
		return given.captured != NULL ? EXIT_MISUSED : EXIT_DEFECTIVE;
	}
	if (given.capture != NULL && capture(&given, &error) != 0) {
		message("%s", error.text);
		return EXIT_MISUSED;
	}
	if (given.json)
		(void)printf("{\"type\":\"facts\",\"host\":%s}\n", facts_to_json(&pool, &facts));
	else if (given.capture == NULL)
		print_facts(&pool, &facts);
	return EXIT_CONFORMS;
}
