/* SPDX-License-Identifier: Apache-2.0 */
/* Options and numbers that the verbs of mmconform model share. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/message.h"
#include "model/model.h"
#include "vm/units.h"

bool model_parse_number(const char *text, uint64_t *number)
{
	static const char suffixes[] = "KMGT";
	unsigned shift = 0;
	char *end;

	if (!isdigit((unsigned char)text[0]))
		return false;
	errno = 0;
	const unsigned long long value = strtoull(text, &end, 0);
	if (errno != 0)
		return false;
	if (*end != '\0') {
		const char *suffix = strchr(suffixes, toupper((unsigned char)*end));
		if (suffix == NULL || end[1] != '\0')
			return false;
		shift = 10 * (unsigned)(suffix - suffixes + 1);
	}
	if (value > UINT64_MAX >> shift)
		return false;
	*number = (uint64_t)value << shift;
	return true;
}

error_t model_number(const struct argp_state *state, const char *what, const char *text,
	uint64_t lowest, uint64_t highest, uint64_t *number)
{
	if (model_parse_number(text, number) && *number >= lowest && *number <= highest)
		return 0;
	return command_refuse(state, "%s: \"%s\" is no number from %llu to %llu", what, text,
		(unsigned long long)lowest, (unsigned long long)highest);
}

bool model_page_shift(const char *text, unsigned *shift)
{
	uint64_t bytes;

	if (!model_parse_number(text, &bytes))
		return false;
	if (bytes != VM_PAGE_BYTES && bytes != VM_HUGE_2M_BYTES && bytes != VM_HUGE_1G_BYTES)
		return false;
	*shift = (unsigned)__builtin_ctzll(bytes);
	return true;
}

static error_t parse_output(int key, char *argument, struct argp_state *state)
{
	static const char *const words[SHEET_FORMAT_LIMIT] = {
		[SHEET_TEXT] = "text", [SHEET_JSON] = "json", [SHEET_CSV] = "csv"};
	struct model_output_options *options = state->input;

	switch (key) {
	case 'j':
		options->format = SHEET_JSON;
		return 0;
	case 'o':
		for (enum sheet_format format = 0; format < SHEET_FORMAT_LIMIT; format++)
			if (strcmp(words[format], argument) == 0) {
				options->format = format;
				return 0;
			}
		return command_refuse(
			state, "--format: \"%s\" is none of text, json, csv", argument);
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option output_options[] = {
	{"format", 'o', "text|json|csv", 0, "How rows are written (text)", 90},
	{"json", 'j', NULL, 0, "JSON Lines: the same as --format json", 90},
	{0},
};

const struct argp model_output_argp = {.options = output_options, .parser = parse_output};

enum { OPTION_INSTRUCTIONS = 0x100, OPTION_MOST, OPTION_FORMAT };

static error_t parse_string(int key, char *argument, struct argp_state *state)
{
	struct model_string_options *options = state->input;

	switch (key) {
	case 'r':
		options->inline_text = argument;
		return 0;
	case 'F':
		options->file = argument;
		return 0;
	case 'g':
		options->generator = argument;
		return 0;
	case OPTION_FORMAT:
		options->format = trace_format_of(argument);
		if (options->format != TRACE_FORMAT_LIMIT)
			return 0;
		return command_refuse(state,
			"--file-format: \"%s\" is none of numbers, u32, u64, lackey, oracle",
			argument);
	case OPTION_INSTRUCTIONS:
		options->trace.instructions = true;
		return 0;
	case OPTION_MOST:
		return model_number(state, "--most", argument, 1, UINT64_C(1) << 32,
			&options->trace.most_references);
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option string_options[] = {
	{"references", 'r', "PAGES", 0, "Page numbers, e.g. \"1 2 3w 1\"; w is a write", 80},
	{"file", 'F', "FILE", 0, "Read them from a file; - is stdin", 80},
	{"file-format", OPTION_FORMAT, "FORMAT", 0,
		"numbers (default), u32, u64, lackey (of valgrind), oracle (libCacheSim's "
		"oracleGeneral)",
		80},
	{"generate", 'g', "KIND:NAME=VALUE,...", 0,
		"uniform, zipf, loop, scan, phases, hot; with pages, count, seed, writes (per "
		"cent), "
		"exponent, phases, hot, part, share",
		80},
	{"instructions", OPTION_INSTRUCTIONS, NULL, 0, "lackey: fetches count too", 80},
	{"most", OPTION_MOST, "N", 0, "Refuse longer strings (268435456)", 80},
	{0},
};

const struct argp model_string_argp = {.options = string_options, .parser = parse_string};

bool model_load_string(const struct model_string_options *options, struct trace *trace)
{
	const int given = (options->inline_text != NULL) + (options->file != NULL) +
			  (options->generator != NULL);

	if (given != 1) {
		message("which references? exactly one of --references, --file, --generate");
		return false;
	}
	if (options->inline_text != NULL)
		return trace_read_text(trace, options->inline_text, &options->trace);
	if (options->file != NULL)
		return trace_read_file(trace, options->file, options->format, &options->trace);
	return trace_generate(trace, options->generator, &options->trace);
}

struct vm_arena model_arena(size_t size_bytes)
{
	void *memory = malloc(size_bytes);

	if (memory == NULL) {
		message("no memory for a simulation of %zu bytes", size_bytes);
		exit(EXIT_NOTHING);
	}
	return vm_arena_over(memory, size_bytes);
}

void model_arena_drop(struct vm_arena *arena)
{
	free(arena->base);
}
