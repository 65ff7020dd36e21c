/* SPDX-License-Identifier: Apache-2.0 */
/* mmconform facts: what the models are told about this host, or about a captured one. */
#include <stdio.h>
#include <string.h>

#include "base/message.h"
#include "command/command.h"
#include "facts/facts.h"

enum facts_option {
	OPTION_JSON = 'j',
	OPTION_CAPTURE = 'c',
	OPTION_FACTS = 'f',
	OPTION_ANONYMOUS = 'a',
};

static const struct argp_option argp_options[] = {
	{"json", OPTION_JSON, NULL, 0, "One line, as the facts line of a record", 0},
	{"capture", OPTION_CAPTURE, "FOLDER", 0, "Keep what the facts come from in a new folder",
		0},
	{"facts", OPTION_FACTS, "FOLDER", 0, "The host that was captured there, not this one", 0},
	{"anonymous", OPTION_ANONYMOUS, NULL, 0, "Capture nothing that names the host", 0},
	{0},
};

struct given {
	const char *capture, *captured;
	bool json, anonymous;
};

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
	struct given *given = state->input;

	switch (key) {
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
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = argp_options,
	.parser = parse_option,
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

static void print_facts(const struct facts *facts)
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
			(void)printf("%-28s %lld\n", vm_knob_word((enum vm_knob)i),
				(long long)host->knob[i].value);
	for (int i = 0; i < VM_FEATURE_LIMIT; i++)
		(void)printf("%-28s %-3s (%s: %s)\n", vm_feature_word((enum vm_feature)i),
			host->feature[i].present ? "yes" : "no",
			facts_evidence_word(host->feature[i].evidence),
			facts->surface[i] != NULL ? facts->surface[i] : "not looked at");
}

int command_facts(int argc, char **argv)
{
	struct pool POOL_DROPS pool = {0};
	struct given given = {0};
	struct facts facts;
	struct facts_error error;

	if (!command_parse(&argp, argc, argv, &given))
		return EXIT_MISUSED;
	const int failed = given.captured != NULL
				   ? facts_read_captured(&pool, given.captured, &facts, &error)
				   : facts_read_live(&pool, &facts, &error);
	if (failed != 0) {
		message("%s", error.text);
		return given.captured != NULL ? EXIT_MISUSED : EXIT_DEFECTIVE;
	}
	if (given.capture != NULL &&
		(given.captured != NULL ? facts_capture_captured(given.captured, given.capture,
						  given.anonymous, &error)
					: facts_capture_live(
						  given.capture, given.anonymous, &error)) != 0) {
		message("%s", error.text);
		return EXIT_MISUSED;
	}
	if (given.json)
		(void)printf("{\"type\":\"facts\",\"host\":%s}\n", facts_to_json(&pool, &facts));
	else if (given.capture == NULL)
		print_facts(&facts);
	return EXIT_CONFORMS;
}
