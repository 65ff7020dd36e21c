/* SPDX-License-Identifier: Apache-2.0 */
/* mmconform model string: reference strings from one format into another. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/message.h"
#include "model/model.h"
#include "vm/replace.h"

struct options {
	struct model_string_options string;
	enum trace_format to;
};

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &options->string;
		return 0;
	case 't':
		options->to = trace_format_of(argument);
		if (options->to != TRACE_FORMAT_LIMIT && options->to != TRACE_LACKEY)
			return 0;
		return command_refuse(state, "--to: numbers, u32, u64 or oracle");
	case ARGP_KEY_ARG:
		return command_refuse(state, "\"%s\" is one argument too many", argument);
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option argp_options[] = {
	{"to", 't', "numbers|u32|u64|oracle", 0, "Format written to stdout (numbers)", 1},
	{0},
};

static const struct argp_child children[] = {{.argp = &model_string_argp}, {0}};

static const struct argp argp = {
	.options = argp_options,
	.parser = parse_option,
	.children = children,
	.doc = "Writes a reference string to stdout, in another format.\v"
	       "  mmconform model string -g zipf:pages=1000000,count=20000000 --to oracle > "
	       "zipf.bin",
};

static void put_little_endian(uint64_t value, size_t size_bytes)
{
	for (size_t i = 0; i < size_bytes; i++)
		(void)putchar((int)(value >> (8 * i) & UINT8_MAX));
}

/* libCacheSim counts objects by bytes: one each. -1: never used again. */
static void put_oracle(const struct trace *trace)
{
	uint64_t *next_use = malloc(trace->count * sizeof(*next_use));
	uint64_t *seen_at = malloc(trace_pages(trace) * sizeof(*seen_at));

	if (next_use == NULL || seen_at == NULL)
		abort();
	memset(seen_at, UINT8_MAX, trace_pages(trace) * sizeof(*seen_at));
	for (size_t i = trace->count; i-- > 0;) {
		const uint32_t page = vm_reference_page(trace->references[i]);
		next_use[i] = seen_at[page];
		seen_at[page] = i;
	}
	for (size_t i = 0; i < trace->count; i++) {
		put_little_endian(i & UINT32_MAX, 4);
		put_little_endian(trace->intern.keys[vm_reference_page(trace->references[i])], 8);
		put_little_endian(1, 4);
		put_little_endian(next_use[i], 8);
	}
	free(next_use);
	free(seen_at);
}

static bool put_all(const struct trace *trace, enum trace_format to)
{
	if (to == TRACE_ORACLE) {
		put_oracle(trace);
		return true;
	}
	for (size_t i = 0; i < trace->count; i++) {
		const uint32_t reference = trace->references[i];
		const uint64_t page = trace->intern.keys[vm_reference_page(reference)];
		if (to == TRACE_U32 && page > UINT32_MAX) {
			message("string: page %" PRIu64 " does not fit 32 bits", page);
			return false;
		}
		if (to == TRACE_NUMBERS)
			(void)printf(
				"%" PRIu64 "%s\n", page, vm_reference_writes(reference) ? "w" : "");
		else
			put_little_endian(page, to == TRACE_U32 ? 4 : 8);
	}
	return true;
}

int model_string(int argc, char **argv)
{
	struct trace TRACE_DROPS trace = {0};
	struct options options = {.string = MODEL_STRING_DEFAULTS, .to = TRACE_NUMBERS};

	if (!command_parse(&argp, argc, argv, &options))
		return EXIT_MISUSED;
	if (!model_load_string(&options.string, &trace) || !put_all(&trace, options.to))
		return EXIT_MISUSED;
	if (fflush(stdout) != 0 || ferror(stdout)) {
		message("string: stdout cannot be written");
		return EXIT_DEFECTIVE;
	}
	return EXIT_CONFORMS;
}
