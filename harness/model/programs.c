/* SPDX-License-Identifier: Apache-2.0 */
/* mmconform model programs: several programs in one memory. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/message.h"
#include "base/pool.h"
#include "model/model.h"
#include "vm/programs.h"
#include "vm/replace.h"

#define PROGRAMS_LIMIT 64

struct options {
	struct model_output_options output;
	struct trace_options trace;
	size_t kinds_count;
	const char *kinds[PROGRAMS_LIMIT];
	uint64_t copies, frames, curve;
	struct vm_programs_config config;
};

enum { OPTION_CURVE = 0x200 };

static error_t choose(const struct argp_state *state, const char *option, const char *word,
	const char *const *words, size_t count, unsigned *chosen)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(words[i], word) == 0) {
			*chosen = (unsigned)i;
			return 0;
		}
	return command_refuse(state, "%s: there is no \"%s\"", option, word);
}

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
	static const char *const scopes[] = {
		[VM_SCOPE_GLOBAL] = "global", [VM_SCOPE_LOCAL] = "local"};
	static const char *const admissions[] = {[VM_ADMIT_ALL] = "all",
		[VM_ADMIT_BALANCE_SET] = "balance-set",
		[VM_ADMIT_WHOLE] = "swapping"};
	struct options *options = state->input;
	unsigned chosen = 0;
	error_t error;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &options->output;
		return 0;
	case 'g':
		if (options->kinds_count == PROGRAMS_LIMIT)
			return command_refuse(state, "more than %d programs", PROGRAMS_LIMIT);
		options->kinds[options->kinds_count++] = argument;
		return 0;
	case 'c':
		return model_number(
			state, "--copies", argument, 1, PROGRAMS_LIMIT, &options->copies);
	case 'n':
		return model_number(state, "--frames", argument, 1, 1 << 24, &options->frames);
	case 's':
		error = choose(state, "--scope", argument, scopes, 2, &chosen);
		options->config.scope = (enum vm_scope)chosen;
		return error;
	case 'a':
		error = choose(state, "--admit", argument, admissions, 3, &chosen);
		options->config.admission = (enum vm_admission)chosen;
		return error;
	case 't':
		return model_number(state, "--transfer", argument, 0, 1000000000,
			&options->config.transfer_ticks);
	case 'q':
		return model_number(state, "--quantum", argument, 1, UINT64_MAX,
			&options->config.quantum_references);
	case 'w':
		return model_number(state, "--window", argument, 1, UINT64_MAX,
			&options->config.window_references);
	case 'S':
		return model_number(
			state, "--stay", argument, 0, UINT64_MAX, &options->config.stay_references);
	case OPTION_CURVE:
		return model_number(state, "--curve", argument, 1, PROGRAMS_LIMIT, &options->curve);
	case ARGP_KEY_ARG:
		return command_refuse(state, "\"%s\" is one argument too many", argument);
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option argp_options[] = {
	{"generate", 'g', "KIND:NAME=VALUE,...", 0,
		"A program; may be given several times. uniform, zipf, loop, scan, phases, hot", 1},
	{"copies", 'c', "N", 0, "Of each program, with their own seeds (1)", 1},
	{"frames", 'n', "N", 0, "Memory (64)", 1},
	{"scope", 's', "global|local", 0, "Whose page is the victim (global)", 2},
	{"admit", 'a', "all|balance-set|swapping", 0, "Who may be in memory (all)", 2},
	{"transfer", 't', "TICKS", 0, "Of the device for a page; a reference is one tick (100)", 3},
	{"quantum", 'q', "N", 0, "References until the next program's turn (100)", 3},
	{"window", 'w', "N", 0, "balance-set: the working set's window (1000)", 3},
	{"stay", 'S', "N", 0, "swapping: references until a waiting program may come (10000)", 3},
	{"curve", OPTION_CURVE, "N", 0, "One row for 1 to N copies: the thrashing curve", 4},
	{0},
};

static const struct argp_child children[] = {{.argp = &model_output_argp}, {0}};

static const struct argp argp = {
	.options = argp_options,
	.parser = parse_option,
	.children = children,
	.doc = "Runs several programs in one memory, one processor, one paging device; LRU.\v"
	       "The thrashing curve, and the same under a balance set:\n"
	       "  mmconform model programs -g phases:pages=40,count=20000,hot=12 -n 64 --curve 10\n"
	       "  mmconform model programs -g phases:pages=40,count=20000,hot=12 -n 64 --curve 10 "
	       "\\\n"
	       "      --admit balance-set",
};

static const struct sheet_column columns[] = {{"programs", false}, {"faults", false},
	{"transfers", false}, {"ticks", false}, {"busy_ticks", false}, {"busy_per_mille", false}};

static const struct sheet_column each_columns[] = {{"program", true}, {"references", false},
	{"faults", false}, {"transfers", false}, {"swapped_out", false}, {"swapped_in", false},
	{"ended_at", false}};

struct run {
	struct vm_program programs[PROGRAMS_LIMIT];
	struct vm_program_result each[PROGRAMS_LIMIT];
	const char *names[PROGRAMS_LIMIT];
	struct trace traces[PROGRAMS_LIMIT];
	size_t count;
};

static void run_drop(struct run *run)
{
	for (size_t i = 0; i < run->count; i++)
		trace_drop(&run->traces[i]);
}

/* Each copy its own seed, so that copies do not march in step. */
static bool load(const struct options *options, struct pool *pool, uint64_t copies, struct run *run)
{
	for (size_t kind = 0; kind < options->kinds_count; kind++)
		for (uint64_t copy = 0; copy < copies; copy++) {
			const char *what = options->kinds[kind];
			if (run->count == PROGRAMS_LIMIT) {
				message("more than %d programs", PROGRAMS_LIMIT);
				return false;
			}
			struct trace *trace = &run->traces[run->count];
			run->names[run->count] = pool_format(pool, "%s%sseed=%" PRIu64, what,
				strchr(what, ':') == NULL ? ":" : ",", copy + 1);
			if (!trace_generate(trace, copies == 1 ? what : run->names[run->count],
				    &options->trace))
				return false;
			run->programs[run->count++] = (struct vm_program){
				trace->references, trace->count, trace_pages(trace)};
		}
	return true;
}

static bool simulate(const struct options *options, uint64_t copies, struct sheet *sheet,
	struct run *run, struct pool *pool)
{
	struct vm_programs_config config = options->config;
	struct vm_programs_result result;

	if (!load(options, pool, copies, run))
		return false;
	config.programs = run->programs;
	config.programs_count = run->count;
	config.frames = (uint32_t)options->frames;
	const char *problem = vm_programs_problem(&config);
	if (problem != NULL) {
		message("programs: %s", problem);
		return false;
	}
	struct vm_arena ARENA_DROPS arena = model_arena(vm_programs_bytes(&config));
	if (!vm_programs_run(&config, &result, run->each, &arena))
		abort();
	const uint64_t ticks = result.ticks == 0 ? 1 : result.ticks;
	const struct sheet_cell cells[] = {SHEET_NUMBER(run->count), SHEET_NUMBER(result.faults),
		SHEET_NUMBER(result.transfers), SHEET_NUMBER(result.ticks),
		SHEET_NUMBER(result.busy_ticks), SHEET_NUMBER(result.busy_ticks * 1000 / ticks)};
	sheet_row(sheet, cells);
	return true;
}

static void show_each(const struct options *options, const struct run *run)
{
	struct sheet sheet;

	sheet_open(&sheet, options->output.format, each_columns, 7);
	for (size_t i = 0; i < run->count; i++) {
		const struct vm_program_result *each = &run->each[i];
		const struct sheet_cell cells[] = {SHEET_WORD(run->names[i]),
			SHEET_NUMBER(run->programs[i].count), SHEET_NUMBER(each->faults),
			SHEET_NUMBER(each->transfers), SHEET_NUMBER(each->swapped_out),
			SHEET_NUMBER(each->swapped_in), SHEET_NUMBER(each->ended_at_ticks)};
		sheet_row(&sheet, cells);
	}
	sheet_close(&sheet);
}

int model_programs(int argc, char **argv)
{
	struct pool POOL_DROPS pool = {0};
	struct options options = {.trace = {.most_references = TRACE_MOST_REFERENCES},
		.copies = 1,
		.frames = 64,
		.config = {.transfer_ticks = 100,
			.quantum_references = 100,
			.window_references = 1000,
			.stay_references = 10000}};
	struct sheet sheet;
	bool done = true;

	if (!command_parse(&argp, argc, argv, &options))
		return EXIT_MISUSED;
	if (options.kinds_count == 0) {
		message("which programs? --generate");
		return EXIT_MISUSED;
	}
	sheet_open(&sheet, options.output.format, columns, 6);
	const uint64_t last = options.curve != 0 ? options.curve : options.copies;
	for (uint64_t copies = options.curve != 0 ? 1 : last; copies <= last && done; copies++) {
		struct run run = {.count = 0};
		done = simulate(&options, copies, &sheet, &run, &pool);
		if (done && options.curve == 0) {
			sheet_close(&sheet);
			show_each(&options, &run);
		}
		run_drop(&run);
	}
	sheet_close(&sheet);
	return done ? EXIT_CONFORMS : EXIT_MISUSED;
}
