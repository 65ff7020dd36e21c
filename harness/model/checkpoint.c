/* SPDX-License-Identifier: Apache-2.0 */
/* mmconform model checkpoint: full and incremental checkpoints, and pre-copy migration. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/message.h"
#include "model/model.h"
#include "vm/checkpoint.h"
#include "vm/replace.h"

#define CHECKPOINTS_LIMIT 100000

struct options {
	struct model_output_options output;
	struct model_string_options string;
	uint64_t pages, every;
	bool precopy;
	uint64_t writable, copy_rate, write_rate, stop, rounds, seed;
};

enum {
	OPTION_PRECOPY = 0x200,
	OPTION_WRITABLE,
	OPTION_COPY,
	OPTION_WRITE,
	OPTION_STOP,
	OPTION_ROUNDS,
	OPTION_SEED
};

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &options->output;
		state->child_inputs[1] = &options->string;
		return 0;
	case 'n':
		return model_number(state, "--pages", argument, 1, 1 << 28, &options->pages);
	case 'e':
		return model_number(state, "--every", argument, 1, UINT64_MAX, &options->every);
	case OPTION_PRECOPY:
		options->precopy = true;
		return 0;
	case OPTION_WRITABLE:
		return model_number(state, "--writable", argument, 0, 1 << 28, &options->writable);
	case OPTION_COPY:
		return model_number(
			state, "--copy-rate", argument, 1, UINT32_MAX, &options->copy_rate);
	case OPTION_WRITE:
		return model_number(
			state, "--write-rate", argument, 0, UINT32_MAX, &options->write_rate);
	case OPTION_STOP:
		return model_number(state, "--stop", argument, 0, UINT32_MAX, &options->stop);
	case OPTION_ROUNDS:
		return model_number(state, "--rounds", argument, 1, 10000, &options->rounds);
	case OPTION_SEED:
		return model_number(state, "--seed", argument, 0, UINT64_MAX, &options->seed);
	case ARGP_KEY_ARG:
		return command_refuse(state, "\"%s\" is one argument too many", argument);
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option argp_options[] = {
	{"pages", 'n', "N", 0, "Memory of the program (as many as the string names; 10000)", 1},
	{"every", 'e', "N", 0, "References between checkpoints (1000)", 1},
	{"precopy", OPTION_PRECOPY, NULL, 0, "Live migration instead of checkpoints", 2},
	{"writable", OPTION_WRITABLE, "N", 0, "Pages that are written (all)", 2},
	{"copy-rate", OPTION_COPY, "N", 0, "Pages copied a second (1000)", 2},
	{"write-rate", OPTION_WRITE, "N", 0, "Writes a second, at random (500)", 2},
	{"stop", OPTION_STOP, "N", 0, "Stop the program when so few pages are left (50)", 2},
	{"rounds", OPTION_ROUNDS, "N", 0, "At most so many rounds (30)", 2},
	{"seed", OPTION_SEED, "N", 0, "Of the writes (1)", 2},
	{0},
};

static const struct argp_child children[] = {
	{.argp = &model_output_argp}, {.argp = &model_string_argp}, {0}};

static const struct argp argp = {
	.options = argp_options,
	.parser = parse_option,
	.children = children,
	.doc = "What checkpoints copy, and how pre-copy converges.\v"
	       "  mmconform model checkpoint -g hot:pages=1000,count=10000,writes=30\n"
	       "  mmconform model checkpoint --precopy --write-rate 500\n"
	       "  mmconform model checkpoint --precopy --write-rate 2000",
};

/* Replays the string; contents are the moments of the writes. */
static bool show_checkpoints(const struct options *options, const struct trace *trace)
{
	static const struct sheet_column columns[] = {{"checkpoint", false}, {"full_pages", false},
		{"incremental_pages", false}, {"write_faults", false}};
	const uint32_t pages = options->pages == 0 ? trace_pages(trace) : (uint32_t)options->pages;
	const uint64_t checkpoints = trace->count / options->every + 2;
	struct vm_checkpoint_cost cost;
	struct sheet sheet;
	uint64_t faults = 0;

	if (pages < trace_pages(trace) || checkpoints > CHECKPOINTS_LIMIT ||
		trace->count > UINT32_MAX) {
		message("checkpoint: the string names more pages than there are, or makes too many "
			"checkpoints");
		return false;
	}
	struct vm_arena ARENA_DROPS arena = model_arena(
		vm_checkpoint_bytes(pages, (uint32_t)checkpoints, (uint32_t)trace->count));
	struct vm_checkpoint *memory =
		vm_checkpoint_create(pages, (uint32_t)checkpoints, (uint32_t)trace->count, &arena);
	if (memory == NULL)
		abort();
	sheet_open(&sheet, options->output.format, columns, 4);
	for (size_t i = 0; i <= trace->count; i++) {
		if (i % options->every == 0 || i == trace->count) {
			if (!vm_checkpoint_take(memory, &cost))
				abort();
			const struct sheet_cell cells[] = {SHEET_NUMBER(i / options->every),
				SHEET_NUMBER(cost.full_pages), SHEET_NUMBER(cost.incremental_pages),
				SHEET_NUMBER(faults)};
			sheet_row(&sheet, cells);
			faults = 0;
		}
		if (i < trace->count && vm_reference_writes(trace->references[i]))
			faults += vm_checkpoint_write(
				memory, vm_reference_page(trace->references[i]), i + 1);
	}
	sheet_close(&sheet);
	return true;
}

static bool show_precopy(const struct options *options)
{
	static const struct sheet_column columns[] = {{"round", true}, {"copied_pages", false},
		{"writes", false}, {"dirtied_pages", false}};
	const uint32_t pages = options->pages == 0 ? 10000 : (uint32_t)options->pages;
	const struct vm_precopy_config config = {
		.pages = pages,
		.writable_pages =
			options->writable == UINT64_MAX ? pages : (uint32_t)options->writable,
		.copied_a_second = (uint32_t)options->copy_rate,
		.written_a_second = (uint32_t)options->write_rate,
		.stop_pages = (uint32_t)options->stop,
		.rounds_limit = (uint32_t)options->rounds,
		.seed = options->seed,
	};
	struct vm_precopy_result result;
	struct sheet sheet;

	if (config.writable_pages > pages) {
		message("checkpoint: more writable pages than pages");
		return false;
	}
	const size_t rounds_bytes = config.rounds_limit * sizeof(struct vm_precopy_round);
	struct vm_arena ARENA_DROPS arena =
		model_arena(vm_precopy_bytes(&config) + rounds_bytes + _Alignof(max_align_t));
	struct vm_precopy_round *rounds =
		vm_arena_take(&arena, rounds_bytes, _Alignof(struct vm_precopy_round));
	if (!vm_precopy_run(&config, rounds, &result, &arena))
		abort();
	sheet_open(&sheet, options->output.format, columns, 4);
	for (uint32_t i = 0; i < result.rounds; i++) {
		char number[16];
		(void)snprintf(number, sizeof(number), "%" PRIu32, i + 1);
		const struct sheet_cell cells[] = {SHEET_WORD(number),
			SHEET_NUMBER(rounds[i].copied_pages), SHEET_NUMBER(rounds[i].writes),
			SHEET_NUMBER(rounds[i].dirtied_pages)};
		sheet_row(&sheet, cells);
	}
	const struct sheet_cell last[] = {
		SHEET_WORD(result.converged ? "stopped, converged" : "stopped, not converged"),
		SHEET_NUMBER(result.stopped_pages), SHEET_NUMBER(0), SHEET_NUMBER(0)};
	sheet_row(&sheet, last);
	const struct sheet_cell all[] = {SHEET_WORD("in all"), SHEET_NUMBER(result.copied_pages),
		SHEET_NUMBER(0), SHEET_NUMBER(0)};
	sheet_row(&sheet, all);
	sheet_close(&sheet);
	return true;
}

int model_checkpoint(int argc, char **argv)
{
	struct trace TRACE_DROPS trace = {0};
	struct options options = {.string = MODEL_STRING_DEFAULTS,
		.every = 1000,
		.writable = UINT64_MAX,
		.copy_rate = 1000,
		.write_rate = 500,
		.stop = 50,
		.rounds = 30,
		.seed = 1};

	if (!command_parse(&argp, argc, argv, &options))
		return EXIT_MISUSED;
	if (options.precopy)
		return show_precopy(&options) ? EXIT_CONFORMS : EXIT_MISUSED;
	if (!model_load_string(&options.string, &trace))
		return EXIT_MISUSED;
	return show_checkpoints(&options, &trace) ? EXIT_CONFORMS : EXIT_MISUSED;
}
