/* SPDX-License-Identifier: Apache-2.0 */
/* mmconform model translate, table-size, inverted: translation as the course draws it. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/message.h"
#include "model/model.h"
#include "vm/tables.h"

#define ENTRIES_LIMIT	65536
#define ADDRESSES_LIMIT 256

struct options {
	struct model_output_options output;
	uint64_t page_bytes, physical_bytes;
	enum vm_example_formula formula;
	size_t entries_count;
	uint64_t *frames; /* ENTRIES_LIMIT of them */
	size_t addresses_count;
	uint64_t addresses[ADDRESSES_LIMIT];
};

/* "0=2,1=5": page = frame. */
static error_t parse_table(struct options *options, const struct argp_state *state, char *list)
{
	char *rest = NULL;

	for (char *word = strtok_r(list, ",", &rest); word != NULL;
		word = strtok_r(NULL, ",", &rest)) {
		char *equals = strchr(word, '=');
		uint64_t page, frame;
		if (equals == NULL)
			return command_refuse(state, "--table: \"%s\" is no PAGE=FRAME", word);
		*equals = '\0';
		error_t error = model_number(state, "--table", word, 0, ENTRIES_LIMIT - 1, &page);
		if (error == 0)
			error = model_number(
				state, "--table", equals + 1, 0, UINT64_MAX / 2, &frame);
		if (error != 0)
			return error;
		options->frames[page] = frame;
		if (page >= options->entries_count)
			options->entries_count = page + 1;
	}
	return 0;
}

enum { OPTION_FORMULA = 0x200 };

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &options->output;
		return 0;
	case 's':
		return model_number(
			state, "--page-size", argument, 1, UINT32_MAX, &options->page_bytes);
	case 'P':
		return model_number(
			state, "--physical", argument, 1, UINT64_MAX, &options->physical_bytes);
	case 't':
		return parse_table(options, state, argument);
	case OPTION_FORMULA:
		options->formula = VM_EXAMPLE_FRAME_PLUS_OFFSET;
		return 0;
	case ARGP_KEY_ARG:
		if (options->addresses_count == ADDRESSES_LIMIT)
			return command_refuse(state, "more than %d addresses", ADDRESSES_LIMIT);
		return model_number(state, "address", argument, 0, UINT64_MAX,
			&options->addresses[options->addresses_count++]);
	case ARGP_KEY_NO_ARGS:
		return command_refuse(state, "which address?");
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option argp_options[] = {
	{"page-size", 's', "BYTES", 0, "Any number, not only powers of two (4K)", 1},
	{"table", 't', "PAGE=FRAME,...", 0, "The page table; pages left out are absent", 1},
	{"physical", 'P', "BYTES", 0, "Size of physical memory", 1},
	{"printed-formula", OPTION_FORMULA, NULL, 0,
		"The formula printed beside the course's example: frame + offset", 1},
	{0},
};

static const struct argp_child children[] = {{.argp = &model_output_argp}, {0}};

static const struct argp argp = {
	.options = argp_options,
	.parser = parse_option,
	.args_doc = "ADDRESS...",
	.children = children,
	.doc = "Translates addresses through one table.\v"
	       "The course's worked example, 241 to 561:\n"
	       "  mmconform model translate -s 64 -P 1024 -t 0=2,1=5,2=1,3=8 241",
};

static const char *outcome_word(enum vm_single_outcome outcome)
{
	switch (outcome) {
	case VM_SINGLE_TRANSLATED:
		return "translated";
	case VM_SINGLE_BEYOND_TABLE:
		return "beyond the table";
	case VM_SINGLE_ABSENT:
		return "not present";
	case VM_SINGLE_BEYOND_MEMORY:
		return "beyond physical memory";
	}
	return "";
}

int model_translate(int argc, char **argv)
{
	static const struct sheet_column columns[] = {{"virtual", false}, {"page", false},
		{"offset", false}, {"frame", true}, {"physical", true}, {"outcome", true}};
	struct vm_arena ARENA_DROPS arena = model_arena(ENTRIES_LIMIT * sizeof(uint64_t));
	struct options options = {.page_bytes = VM_PAGE_BYTES, .frames = (uint64_t *)arena.base};
	struct sheet sheet;

	memset(options.frames, UINT8_MAX, ENTRIES_LIMIT * sizeof(uint64_t));
	if (!command_parse(&argp, argc, argv, &options))
		return EXIT_MISUSED;
	const struct vm_single_level table = {
		.page_bytes = options.page_bytes,
		.physical_bytes = options.physical_bytes,
		.pages_count = options.entries_count,
		.frames = options.frames,
		.formula = options.formula,
	};
	sheet_open(&sheet, options.output.format, columns, 6);
	for (size_t i = 0; i < options.addresses_count; i++) {
		const struct vm_single_result result =
			vm_single_translate(&table, options.addresses[i]);
		char frame[24] = "", physical[24] = "";
		if (result.outcome == VM_SINGLE_TRANSLATED ||
			result.outcome == VM_SINGLE_BEYOND_MEMORY) {
			(void)snprintf(frame, sizeof(frame), "%" PRIu64, result.frame);
			(void)snprintf(physical, sizeof(physical), "%" PRIu64, result.physical);
		}
		const struct sheet_cell cells[] = {SHEET_NUMBER(options.addresses[i]),
			SHEET_NUMBER(result.page), SHEET_NUMBER(result.offset_bytes),
			SHEET_WORD(frame), SHEET_WORD(physical),
			SHEET_WORD(outcome_word(result.outcome))};
		sheet_row(&sheet, cells);
	}
	sheet_close(&sheet);
	return EXIT_CONFORMS;
}
