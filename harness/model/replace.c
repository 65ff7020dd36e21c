/* SPDX-License-Identifier: Apache-2.0 */
/* mmconform model replace: page replacement, counted, drawn, swept over sizes. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/message.h"
#include "model/draw.h"
#include "model/model.h"
#include "vm/curve.h"
#include "vm/random.h"
#include "vm/replace.h"

#define SIZES_LIMIT    64
#define ANOMALY_PAGES  7
#define ANOMALY_LENGTH 24
#define ANOMALY_TRIES  UINT64_C(2000000)

enum {
	OPTION_GAP = 0x200,
	OPTION_POOL,
	OPTION_PERIOD,
	OPTION_WINDOW,
	OPTION_SEED,
	OPTION_USE,
	OPTION_THIRDS,
	OPTION_BATCH,
	OPTION_NO_DISTANCE,
	OPTION_CLEAR,
	OPTION_CURVE,
	OPTION_RESIDENT,
	OPTION_ANOMALY
};

enum what { COUNTS, DRAWING, CURVE, RESIDENT, ANOMALY };

struct options {
	struct model_output_options output;
	struct model_string_options string;
	enum what what;
	bool policies[VM_POLICY_LIMIT];
	bool any_policy;
	size_t sizes_count;
	uint32_t sizes[SIZES_LIMIT];
	uint64_t every; /* RESIDENT: rows */
	struct vm_replace_config config;
};

static error_t parse_policies(struct options *options, const struct argp_state *state, char *list)
{
	char *rest = NULL;

	for (char *word = strtok_r(list, ",", &rest); word != NULL;
		word = strtok_r(NULL, ",", &rest)) {
		const enum vm_policy policy = vm_policy_of(word);
		options->any_policy = true;
		if (strcmp(word, "all") == 0)
			memset(options->policies, true, sizeof(options->policies));
		else if (policy == VM_POLICY_LIMIT)
			return command_refuse(state, "no policy \"%s\"", word);
		else
			options->policies[policy] = true;
	}
	return 0;
}

/* "3", "3,4", "1-10". */
static error_t parse_sizes(struct options *options, const struct argp_state *state, char *list)
{
	char *rest = NULL;

	options->sizes_count = 0;
	for (char *word = strtok_r(list, ",", &rest); word != NULL;
		word = strtok_r(NULL, ",", &rest)) {
		char *dash = strchr(word, '-');
		uint64_t first, last;
		if (dash != NULL)
			*dash = '\0';
		error_t error = model_number(
			state, "--frames", word, 1, VM_REFERENCE_PAGES_LIMIT - 1, &first);
		last = first;
		if (error == 0 && dash != NULL)
			error = model_number(state, "--frames", dash + 1, first,
				VM_REFERENCE_PAGES_LIMIT - 1, &last);
		if (error != 0)
			return error;
		for (uint64_t size = first; size <= last; size++) {
			if (options->sizes_count == SIZES_LIMIT)
				return command_refuse(
					state, "--frames: more than %d sizes", SIZES_LIMIT);
			options->sizes[options->sizes_count++] = (uint32_t)size;
		}
	}
	return 0;
}

static error_t parse_parameter(
	int key, const char *argument, struct argp_state *state, struct vm_replace_config *config)
{
	uint64_t number = 0;
	error_t error = 0;

	switch (key) {
	case OPTION_GAP:
		error = model_number(state, "--gap", argument, 0, UINT32_MAX, &number);
		config->hand_gap_frames = (uint32_t)number;
		return error;
	case OPTION_POOL:
		error = model_number(state, "--pool", argument, 1, UINT32_MAX, &number);
		config->pool_frames = (uint32_t)number;
		return error;
	case OPTION_PERIOD:
		return model_number(
			state, "--period", argument, 0, UINT64_MAX, &config->period_references);
	case OPTION_WINDOW:
		return model_number(
			state, "--window", argument, 1, UINT32_MAX, &config->window_references);
	case OPTION_SEED:
		return model_number(state, "--seed", argument, 0, UINT64_MAX, &config->seed);
	case OPTION_BATCH:
		error = model_number(state, "--batch", argument, 1, UINT32_MAX, &number);
		config->reclaim_batch_frames = (uint32_t)number;
		return error;
	case OPTION_USE:
		if (strcmp(argument, "read") != 0 && strcmp(argument, "mapped") != 0)
			return command_refuse(state, "--use: read or mapped, not \"%s\"", argument);
		config->use = argument[0] == 'r' ? VM_USE_READ : VM_USE_MAPPED;
		return 0;
	case OPTION_THIRDS:
		config->balance = VM_LIST_BALANCE_THIRDS;
		return 0;
	case OPTION_NO_DISTANCE:
		config->rival = VM_LIST_RIVAL_NO_REFAULT_ACTIVATION;
		return 0;
	case OPTION_CLEAR:
		config->load_leaves_bit_clear = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &options->output;
		state->child_inputs[1] = &options->string;
		return 0;
	case 'p':
		return parse_policies(options, state, argument);
	case 'n':
		return parse_sizes(options, state, argument);
	case 'd':
		options->what = DRAWING;
		return 0;
	case OPTION_CURVE:
		options->what = CURVE;
		return 0;
	case OPTION_RESIDENT:
		options->what = RESIDENT;
		return model_number(state, "--resident", argument, 1, UINT64_MAX, &options->every);
	case OPTION_ANOMALY:
		options->what = ANOMALY;
		return 0;
	case ARGP_KEY_ARG:
		return command_refuse(state, "\"%s\" is one argument too many", argument);
	default:
		return parse_parameter(key, argument, state, &options->config);
	}
}

static const struct argp_option argp_options[] = {
	{"policy", 'p', "LIST", 0,
		"all, or some of opt fifo lru lru-stamps clock second-chance two-handed "
		"dirty-clock "
		"random buffering nru lfu ageing working-set wsclock pff two-list generations",
		1},
	{"frames", 'n', "LIST", 0, "Sizes of memory: 3, or 3,4, or 1-10 (3)", 1},
	{"draw", 'd', NULL, 0, "Draw the frame table, reference by reference", 2},
	{"curve", OPTION_CURVE, NULL, 0, "Misses of LRU (or OPT) for all sizes from one pass", 2},
	{"resident", OPTION_RESIDENT, "N", 0, "Resident set after each N references", 2},
	{"find-anomaly", OPTION_ANOMALY, NULL, 0,
		"Look for a string on which the policy faults more with more frames, and draw it",
		2},
	{"gap", OPTION_GAP, "FRAMES", 0, "two-handed: between the hands", 3},
	{"pool", OPTION_POOL, "FRAMES", 0, "buffering: of the frames, kept free (1)", 3},
	{"period", OPTION_PERIOD, "N", 0, "nru, lfu, ageing: references between clearings", 3},
	{"window", OPTION_WINDOW, "N", 0, "working-set, wsclock, pff: references (10)", 3},
	{"seed", OPTION_SEED, "N", 0, "random, nru, find-anomaly (1)", 3},
	{"clear-on-load", OPTION_CLEAR, NULL, 0, "clocks: loading a page is no use of it", 3},
	{"use", OPTION_USE, "read|mapped", 0, "two-list, generations: how pages are used", 3},
	{"thirds", OPTION_THIRDS, NULL, 0, "two-list: balance in thirds, as the course has it", 3},
	{"batch", OPTION_BATCH, "FRAMES", 0, "two-list, generations: freed at once (1)", 3},
	{"no-refault-distance", OPTION_NO_DISTANCE, NULL, 0, "two-list: forget what was evicted",
		3},
	{0},
};

static const struct argp_child children[] = {
	{.argp = &model_output_argp}, {.argp = &model_string_argp}, {0}};

static const struct argp argp = {
	.options = argp_options,
	.parser = parse_option,
	.children = children,
	.doc = "Simulates page replacement on a reference string.\v"
	       "Belady's string, drawn for three and four frames:\n"
	       "  mmconform model replace -p fifo -n 3,4 --draw -r \"1 2 3 4 1 2 5 1 2 3 4 5\"\n"
	       "In a drawing + is a set reference bit, ! a dirty page, > the hand, * a fault.",
};

/* The configuration for one policy and size on this string; false after a message. */
static bool configure(const struct options *options, const struct trace *trace,
	enum vm_policy policy, uint32_t frames, struct vm_replace_config *config)
{
	const bool unlimited = policy == VM_POLICY_WORKING_SET || policy == VM_POLICY_PFF;

	*config = options->config;
	config->policy = policy;
	config->pages = trace_pages(trace);
	config->frames = unlimited ? config->pages : frames;
	config->future = trace->references;
	config->future_count = policy == VM_POLICY_OPT ? trace->count : 0;
	if (config->hand_gap_frames == 0 && policy == VM_POLICY_TWO_HANDED)
		config->hand_gap_frames = frames / 2;
	const char *problem = vm_replace_config_problem(config);
	if (problem != NULL)
		message("%s with %" PRIu32 " frames: %s", vm_policy_word(policy), frames, problem);
	return problem == NULL;
}

static const struct sheet_column count_columns[] = {
	{"policy", true},
	{"frames", false},
	{"references", false},
	{"faults", false},
	{"cold", false},
	{"misses_per_million", false},
	{"evictions", false},
	{"write_backs", false},
	{"transfers", false},
	{"critical", false},
	{"taken_back", false},
	{"pointer_updates", false},
	{"scanned", false},
	{"activations", false},
	{"refault_activations", false},
	{"resident_mean", false},
	{"resident_peak", false},
};

static void count_row(struct sheet *sheet, enum vm_policy policy, uint32_t frames,
	const struct vm_replace_counts *c)
{
	const uint64_t references = c->references == 0 ? 1 : c->references;
	const struct sheet_cell cells[] = {
		SHEET_WORD(vm_policy_word(policy)),
		SHEET_NUMBER(frames),
		SHEET_NUMBER(c->references),
		SHEET_NUMBER(c->faults),
		SHEET_NUMBER(c->cold_faults),
		SHEET_NUMBER(c->faults * 1000000 / references),
		SHEET_NUMBER(c->evictions),
		SHEET_NUMBER(c->write_backs),
		SHEET_NUMBER(c->transfers),
		SHEET_NUMBER(c->critical_transfers),
		SHEET_NUMBER(c->taken_back),
		SHEET_NUMBER(c->pointer_updates),
		SHEET_NUMBER(c->scanned),
		SHEET_NUMBER(c->activations),
		SHEET_NUMBER(c->refault_activations),
		SHEET_NUMBER(c->resident_sum / references),
		SHEET_NUMBER(c->resident_peak),
	};

	sheet_row(sheet, cells);
}

static struct vm_replace *create(const struct vm_replace_config *config, struct vm_arena *arena)
{
	*arena = model_arena(vm_replace_bytes(config));
	struct vm_replace *replace = vm_replace_create(config, arena);
	if (replace == NULL)
		abort();
	return replace;
}

static bool show_counts(const struct options *options, const struct trace *trace)
{
	struct sheet sheet;
	bool done = true;

	sheet_open(&sheet, options->output.format, count_columns,
		sizeof(count_columns) / sizeof(count_columns[0]));
	for (enum vm_policy policy = 0; policy < VM_POLICY_LIMIT; policy++)
		for (size_t i = 0; i < options->sizes_count && options->policies[policy]; i++) {
			struct vm_replace_config config;
			struct vm_arena ARENA_DROPS arena = {0};
			if (!configure(options, trace, policy, options->sizes[i], &config)) {
				done = false;
				continue;
			}
			struct vm_replace *replace = create(&config, &arena);
			vm_replace_run(replace, trace->references, trace->count);
			count_row(&sheet, policy, config.frames, vm_replace_counts(replace));
		}
	sheet_close(&sheet);
	return done;
}

static bool show_drawings(const struct options *options, const struct trace *trace)
{
	for (enum vm_policy policy = 0; policy < VM_POLICY_LIMIT; policy++)
		for (size_t i = 0; i < options->sizes_count && options->policies[policy]; i++) {
			struct vm_replace_config config;
			if (!configure(options, trace, policy, options->sizes[i], &config) ||
				!draw_replacement(&config, trace))
				return false;
		}
	return true;
}

static bool show_resident(const struct options *options, const struct trace *trace)
{
	static const struct sheet_column columns[] = {
		{"policy", true}, {"references", false}, {"faults", false}, {"resident", false}};
	struct sheet sheet;

	sheet_open(&sheet, options->output.format, columns, 4);
	for (enum vm_policy policy = 0; policy < VM_POLICY_LIMIT; policy++) {
		struct vm_replace_config config;
		struct vm_arena ARENA_DROPS arena = {0};
		if (!options->policies[policy])
			continue;
		if (!configure(options, trace, policy, options->sizes[0], &config))
			return false;
		struct vm_replace *replace = create(&config, &arena);
		for (size_t at = 0; at < trace->count; at += options->every) {
			const size_t left = trace->count - at;
			vm_replace_run(replace, trace->references + at,
				left < options->every ? left : options->every);
			const struct vm_replace_counts *counts = vm_replace_counts(replace);
			const struct sheet_cell cells[] = {SHEET_WORD(vm_policy_word(policy)),
				SHEET_NUMBER(counts->references), SHEET_NUMBER(counts->faults),
				SHEET_NUMBER(counts->resident)};
			sheet_row(&sheet, cells);
		}
	}
	sheet_close(&sheet);
	return true;
}

/* Rows where the number of misses changes: between them the curve is flat. */
static void curve_rows(struct sheet *sheet, const char *policy, uint64_t cold,
	const uint64_t *distances, uint32_t pages, uint64_t references)
{
	uint64_t misses = references;

	for (uint32_t frames = 1; frames <= pages; frames++) {
		misses -= distances[frames - 1];
		if (distances[frames - 1] == 0 && frames != 1 && frames != pages)
			continue;
		const struct sheet_cell cells[] = {SHEET_WORD(policy), SHEET_NUMBER(frames),
			SHEET_NUMBER(misses), SHEET_NUMBER(cold),
			SHEET_NUMBER(misses * 1000000 / references)};
		sheet_row(sheet, cells);
	}
}

static bool show_curve(const struct options *options, const struct trace *trace)
{
	static const struct sheet_column columns[] = {{"policy", true}, {"frames", false},
		{"faults", false}, {"cold", false}, {"misses_per_million", false}};
	const uint32_t pages = trace_pages(trace);
	struct sheet sheet;

	for (enum vm_policy policy = 0; policy < VM_POLICY_LIMIT; policy++)
		if (options->policies[policy] && policy != VM_POLICY_LRU &&
			policy != VM_POLICY_OPT) {
			message("--curve: %s is no stack algorithm; use --frames",
				vm_policy_word(policy));
			return false;
		}
	sheet_open(&sheet, options->output.format, columns, 5);
	if (options->policies[VM_POLICY_LRU]) {
		struct vm_arena ARENA_DROPS arena = model_arena(vm_curve_bytes(pages));
		struct vm_curve *curve = vm_curve_create(pages, &arena);
		if (curve == NULL)
			abort();
		vm_curve_run(curve, trace->references, trace->count);
		curve_rows(&sheet, "lru", vm_curve_cold(curve), vm_curve_distances(curve), pages,
			trace->count);
	}
	if (options->policies[VM_POLICY_OPT]) {
		const size_t distances_bytes = pages * sizeof(uint64_t);
		struct vm_arena ARENA_DROPS arena =
			model_arena(vm_curve_opt_bytes(pages, trace->count) + distances_bytes);
		uint64_t *distances = vm_arena_take(&arena, distances_bytes, _Alignof(uint64_t));
		const uint64_t cold =
			vm_curve_opt(trace->references, trace->count, pages, distances, &arena);
		curve_rows(&sheet, "opt", cold, distances, pages, trace->count);
	}
	sheet_close(&sheet);
	return true;
}

static uint64_t faults_of(const struct options *options, const struct trace *trace,
	enum vm_policy policy, uint32_t frames)
{
	struct vm_replace_config config;
	struct vm_arena ARENA_DROPS arena = {0};

	if (!configure(options, trace, policy, frames, &config))
		exit(EXIT_MISUSED);
	struct vm_replace *replace = create(&config, &arena);
	vm_replace_run(replace, trace->references, trace->count);
	return vm_replace_counts(replace)->faults;
}

/* Shortens the string as long as the anomaly stays. */
static void shrink(
	const struct options *options, struct trace *trace, enum vm_policy policy, uint32_t frames)
{
	for (size_t i = trace->count; i-- > 0;) {
		struct trace shorter = {0};
		for (size_t j = 0; j < trace->count; j++)
			if (j != i)
				(void)trace_add(&shorter, trace->references[j], false);
		if (faults_of(options, &shorter, policy, frames + 1) >
			faults_of(options, &shorter, policy, frames)) {
			trace_drop(trace);
			*trace = shorter;
		} else {
			trace_drop(&shorter);
		}
	}
}

static bool find_anomaly(const struct options *options)
{
	const enum vm_policy policy = (enum vm_policy)(
		(const bool *)memchr(options->policies, 1, sizeof(options->policies)) -
		options->policies);
	const uint32_t frames = options->sizes[0];
	uint64_t random = options->config.seed;

	for (uint64_t i = 0; i < ANOMALY_TRIES; i++) {
		struct trace TRACE_DROPS trace = {0};
		for (unsigned j = 0; j < ANOMALY_LENGTH; j++)
			(void)trace_add(&trace, vm_random_below(&random, ANOMALY_PAGES) + 1, false);
		if (faults_of(options, &trace, policy, frames + 1) <=
			faults_of(options, &trace, policy, frames))
			continue;
		struct options both = *options;
		shrink(options, &trace, policy, frames);
		memset(both.policies, false, sizeof(both.policies));
		both.policies[policy] = true;
		both.sizes_count = 2;
		both.sizes[1] = frames + 1;
		return show_drawings(&both, &trace);
	}
	(void)printf("%s: no anomaly between %" PRIu32 " and %" PRIu32 " frames in %" PRIu64
		     " random strings\n",
		vm_policy_word(policy), frames, frames + 1, ANOMALY_TRIES);
	return true;
}

int model_replace(int argc, char **argv)
{
	struct trace TRACE_DROPS trace = {0};
	struct options options = {
		.string = MODEL_STRING_DEFAULTS,
		.sizes_count = 1,
		.sizes = {3},
		.config = {.seed = 1, .pool_frames = 1, .window_references = 10},
	};
	bool done = false;

	if (!command_parse(&argp, argc, argv, &options))
		return EXIT_MISUSED;
	if (!options.any_policy)
		options.policies[options.what == ANOMALY ? VM_POLICY_FIFO : VM_POLICY_LRU] = true;
	if (options.what == ANOMALY)
		return find_anomaly(&options) ? EXIT_CONFORMS : EXIT_MISUSED;
	if (!model_load_string(&options.string, &trace))
		return EXIT_MISUSED;
	switch (options.what) {
	case COUNTS:
		done = show_counts(&options, &trace);
		break;
	case DRAWING:
		done = show_drawings(&options, &trace);
		break;
	case CURVE:
		done = show_curve(&options, &trace);
		break;
	case RESIDENT:
		done = show_resident(&options, &trace);
		break;
	case ANOMALY:
		break;
	}
	return done ? EXIT_CONFORMS : EXIT_MISUSED;
}
