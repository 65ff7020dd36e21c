/* SPDX-License-Identifier: Apache-2.0 */
/* mmconform model buddy, slab, fit: allocators, operation by operation, drawn. */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/message.h"
#include "model/model.h"
#include "vm/buddy.h"
#include "vm/fit.h"
#include "vm/random.h"
#include "vm/slab.h"

#define OPERATIONS_LIMIT 512
#define NAMES		 26
#define DRAWN_COLUMNS	 64

/* "+30" takes 30 and names it by the next letter; "-A" gives it back. */
struct operation {
	const char *text;
	bool takes;
	uint64_t amount;
	unsigned name;
};

struct options {
	struct model_output_options output;
	uint64_t units, max_order;
	enum vm_fit_policy fit;
	uint64_t random_operations, seed;
	struct vm_slab_config slab;
	size_t operations_count;
	struct operation operations[OPERATIONS_LIMIT];
	unsigned names;
};

static error_t parse_operation(struct options *options, const struct argp_state *state, char *text)
{
	struct operation operation = {.text = text, .takes = text[0] == '+'};

	if (options->operations_count == OPERATIONS_LIMIT)
		return command_refuse(state, "more than %d operations", OPERATIONS_LIMIT);
	if (operation.takes) {
		const error_t error = model_number(
			state, "operation", text + 1, 1, UINT64_C(1) << 40, &operation.amount);
		if (error != 0)
			return error;
		if (options->names == NAMES)
			return command_refuse(state, "more than %d allocations", NAMES);
		operation.name = options->names++;
	} else {
		if (text[0] != '-' || !isupper((unsigned char)text[1]) || text[2] != '\0')
			return command_refuse(state, "\"%s\" is neither +AMOUNT nor -NAME", text);
		operation.name = (unsigned)(text[1] - 'A');
	}
	options->operations[options->operations_count++] = operation;
	return 0;
}

enum { OPTION_RANDOM = 0x200, OPTION_SEED, OPTION_TEXTBOOK };

static error_t parse_common(int key, char *argument, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &options->output;
		return 0;
	case OPTION_RANDOM:
		return model_number(
			state, "--random", argument, 1, 100000000, &options->random_operations);
	case OPTION_SEED:
		return model_number(state, "--seed", argument, 0, UINT64_MAX, &options->seed);
	case ARGP_KEY_ARG:
		/* "-A" would be an option: arguments come after "--", or behind the first +. */
		return parse_operation(options, state, argument);
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_child children[] = {{.argp = &model_output_argp}, {0}};

/* Operations of the command line, or drawn: half of them give back what is held. */
struct source {
	const struct options *options;
	uint64_t next, random;
	uint64_t most; /* drawn amounts are 1 to most */
	bool held[NAMES];
	char text[8];
};

static bool next_operation(struct source *source, struct operation *operation)
{
	const struct options *options = source->options;

	if (options->random_operations == 0) {
		if (source->next == options->operations_count)
			return false;
		*operation = options->operations[source->next++];
		return true;
	}
	if (source->next++ == options->random_operations)
		return false;
	const unsigned name = (unsigned)vm_random_below(&source->random, NAMES);
	*operation = (struct operation){.text = source->text,
		.takes = !source->held[name],
		.amount = 1 + vm_random_below(&source->random, source->most),
		.name = name};
	(void)snprintf(source->text, sizeof(source->text), "%c%c", operation->takes ? '+' : '-',
		(int)('A' + name));
	return true;
}

static bool refuse_operation(const struct operation *operation)
{
	message("\"%s\": nothing of that name is allocated", operation->text);
	return false;
}

/* Blocks as runs of their letter, free ones as dots with a bar at each boundary. */
static void draw_buddy(
	const struct vm_buddy *buddy, const struct options *options, const uint32_t first_of[NAMES])
{
	const uint32_t a_character =
		(uint32_t)(options->units / DRAWN_COLUMNS + (options->units % DRAWN_COLUMNS != 0));
	uint32_t at = 0;

	(void)fputs("  |", stdout);
	while (at < options->units) {
		const struct vm_buddy_block block = vm_buddy_block_at(buddy, at);
		int letter = block.free ? '.' : '?';
		for (unsigned name = 0; name < NAMES; name++)
			if (!block.free && first_of[name] == at)
				letter = (int)('A' + name);
		for (uint32_t i = 0; i < UINT32_C(1) << block.order; i++)
			if ((at + i) % a_character == 0)
				(void)putchar(letter);
		(void)putchar('|');
		at += UINT32_C(1) << block.order;
	}
	(void)fputs("  free:", stdout);
	for (unsigned order = (unsigned)options->max_order + 1; order-- > 0;)
		if (vm_buddy_free_blocks(buddy, order) != 0)
			(void)printf(" %" PRIu32 " of %" PRIu32, vm_buddy_free_blocks(buddy, order),
				UINT32_C(1) << order);
	(void)putchar('\n');
}

static error_t parse_buddy(int key, char *argument, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case 'n':
		return model_number(state, "--units", argument, 1, 1 << 24, &options->units);
	case 'O':
		return model_number(state, "--max-order", argument, 0, 24, &options->max_order);
	default:
		return parse_common(key, argument, state);
	}
}

static const struct argp_option buddy_argp_options[] = {
	{"units", 'n', "N", 0, "Memory: pages, bytes, whatever is divided (64)", 1},
	{"max-order", 'O', "N", 0, "Blocks are of at most 2^N units (as large as memory)", 1},
	{"random", OPTION_RANDOM, "N", 0, "So many drawn operations, and only the outcome", 2},
	{"seed", OPTION_SEED, "N", 0, "Of the drawn operations (1)", 2},
	{0},
};

static const struct argp buddy_argp = {
	.options = buddy_argp_options,
	.parser = parse_buddy,
	.args_doc = "+UNITS... -- -NAME...",
	.children = children,
	.doc = "The buddy allocator: +8 takes 8 units and names them A, then B; -A frees them.\v"
	       "The course's example, and 129 bytes in a block of 256:\n"
	       "  mmconform model buddy -- +8 -A\n"
	       "  mmconform model buddy -n 1024 -- +129",
};

static const struct sheet_column buddy_columns[] = {{"operation", true}, {"first", true},
	{"block_units", false}, {"waste_units", false}, {"splits", false}, {"merges", false},
	{"free_units", false}, {"largest_free_units", false}};

static uint32_t largest_free(const struct vm_buddy *buddy, const struct options *options)
{
	for (unsigned order = (unsigned)options->max_order + 1; order-- > 0;)
		if (vm_buddy_free_blocks(buddy, order) != 0)
			return UINT32_C(1) << order;
	return 0;
}

static void buddy_row(struct sheet *sheet, const struct vm_buddy *buddy,
	const struct options *options, const struct operation *operation, uint32_t first)
{
	const struct vm_buddy_counts *counts = vm_buddy_counts(buddy);
	const uint64_t block =
		operation->takes ? UINT64_C(1) << vm_buddy_order_for(operation->amount) : 0;
	char first_text[16] = "none";

	if (first != VM_BUDDY_NONE)
		(void)snprintf(first_text, sizeof(first_text), "%" PRIu32, first);
	const struct sheet_cell cells[] = {SHEET_WORD(operation->text), SHEET_WORD(first_text),
		SHEET_NUMBER(block), SHEET_NUMBER(operation->takes ? block - operation->amount : 0),
		SHEET_NUMBER(counts->splits), SHEET_NUMBER(counts->merges),
		SHEET_NUMBER(counts->free_units), SHEET_NUMBER(largest_free(buddy, options))};
	sheet_row(sheet, cells);
}

static bool run_buddy(const struct options *options, struct vm_buddy *buddy)
{
	const bool drawn = options->output.format == SHEET_TEXT && options->random_operations == 0;
	struct source source = {
		.options = options, .random = options->seed, .most = options->units / 8 + 1};
	uint32_t first_of[NAMES];
	struct operation operation;
	struct sheet sheet = {.table = NULL};

	memset(first_of, UINT8_MAX, sizeof(first_of));
	if (!drawn)
		sheet_open(&sheet, options->output.format, buddy_columns, 8);
	else
		draw_buddy(buddy, options, first_of);
	while (next_operation(&source, &operation)) {
		uint32_t *first = &first_of[operation.name];
		const uint32_t before = *first;
		if (operation.takes)
			*first = vm_buddy_allocate(buddy, vm_buddy_order_for(operation.amount));
		else if (*first == VM_BUDDY_NONE || !vm_buddy_free(buddy, *first))
			return refuse_operation(&operation);
		else
			*first = VM_BUDDY_NONE;
		source.held[operation.name] = *first != VM_BUDDY_NONE;
		if (drawn) {
			(void)printf("%s%s\n", operation.text,
				operation.takes && *first == VM_BUDDY_NONE
					? ": no block is large enough"
					: "");
			draw_buddy(buddy, options, first_of);
		} else {
			buddy_row(&sheet, buddy, options, &operation,
				operation.takes ? *first : before);
		}
	}
	sheet_close(&sheet);
	return true;
}

int model_buddy(int argc, char **argv)
{
	struct options options = {.units = 64, .max_order = UINT64_MAX, .seed = 1};

	if (!command_parse(&buddy_argp, argc, argv, &options))
		return EXIT_MISUSED;
	if (options.max_order == UINT64_MAX)
		options.max_order = vm_buddy_order_for(options.units);
	struct vm_arena ARENA_DROPS arena = model_arena(vm_buddy_bytes((uint32_t)options.units));
	struct vm_buddy *buddy =
		vm_buddy_create((uint32_t)options.units, (unsigned)options.max_order, &arena);
	if (buddy == NULL)
		abort();
	return run_buddy(&options, buddy) ? EXIT_CONFORMS : EXIT_MISUSED;
}

static const char *const fit_words[VM_FIT_LIMIT] = {
	[VM_FIT_BEST] = "best",
	[VM_FIT_WORST] = "worst",
	[VM_FIT_FIRST] = "first",
	[VM_FIT_NEXT] = "next",
};

static error_t parse_fit(int key, char *argument, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case 'n':
		return model_number(
			state, "--units", argument, 1, UINT64_C(1) << 40, &options->units);
	case 'p':
		for (options->fit = 0; options->fit < VM_FIT_LIMIT; options->fit++)
			if (strcmp(fit_words[options->fit], argument) == 0)
				return 0;
		return command_refuse(state, "--policy: best, worst, first or next");
	default:
		return parse_common(key, argument, state);
	}
}

static const struct argp_option fit_argp_options[] = {
	{"units", 'n', "N", 0, "Size of memory (64)", 1},
	{"policy", 'p', "best|worst|first|next", 0,
		"Which hole is taken (all four, if drawn at random)", 1},
	{"random", OPTION_RANDOM, "N", 0, "So many drawn operations, for each policy", 2},
	{"seed", OPTION_SEED, "N", 0, "Of the drawn operations (1)", 2},
	{0},
};

static const struct argp fit_argp = {
	.options = fit_argp_options,
	.parser = parse_fit,
	.args_doc = "+UNITS... -- -NAME...",
	.children = children,
	.doc = "Contiguous allocation from holes: +30 takes 30 units and names them A; -A frees "
	       "them.\v"
	       "  mmconform model fit -p best -- +20 +10 +20 -A -C +15\n"
	       "Fragmentation over time, all four:\n"
	       "  mmconform model fit -n 1000 --random 10000",
};

static void draw_fit(const struct vm_fit *fit, uint64_t units)
{
	const uint64_t a_character = units / DRAWN_COLUMNS + (units % DRAWN_COLUMNS != 0);
	const struct vm_fit_state state = vm_fit_state(fit);
	struct vm_fit_piece piece;

	(void)fputs("  |", stdout);
	for (uint32_t i = 0; vm_fit_piece(fit, i, &piece); i++)
		for (uint64_t at = 0; at < piece.units; at++)
			if ((piece.first + at) % a_character == 0)
				(void)putchar(piece.free ? '.' : (int)('A' + piece.tag));
	(void)printf("|  free %" PRIu64 " in %" PRIu32 " holes, largest %" PRIu64 "\n",
		state.free_units, state.holes, state.largest_hole_units);
}

static const struct sheet_column fit_columns[] = {{"policy", true}, {"operations", false},
	{"failures", false}, {"failures_with_room", false}, {"holes_looked_at", false},
	{"holes", false}, {"free_units", false}, {"largest_hole", false},
	{"external_fragmentation_per_mille", false}};

static void fit_row(struct sheet *sheet, enum vm_fit_policy policy, uint64_t operations,
	const struct vm_fit *fit)
{
	const struct vm_fit_counts *counts = vm_fit_counts(fit);
	const struct vm_fit_state state = vm_fit_state(fit);
	const uint64_t outside = state.free_units - state.largest_hole_units;
	const struct sheet_cell cells[] = {SHEET_WORD(fit_words[policy]), SHEET_NUMBER(operations),
		SHEET_NUMBER(counts->failures), SHEET_NUMBER(counts->failures_with_room),
		SHEET_NUMBER(counts->looked_at), SHEET_NUMBER(state.holes),
		SHEET_NUMBER(state.free_units), SHEET_NUMBER(state.largest_hole_units),
		SHEET_NUMBER(state.free_units == 0 ? 0 : outside * 1000 / state.free_units)};

	sheet_row(sheet, cells);
}

#define ROWS_OVER_TIME 5

static bool run_fit(const struct options *options, enum vm_fit_policy policy, struct sheet *sheet)
{
	const bool drawn = options->output.format == SHEET_TEXT && options->random_operations == 0;
	const uint64_t every = options->random_operations / ROWS_OVER_TIME + 1;
	struct vm_arena ARENA_DROPS arena = model_arena(vm_fit_bytes(NAMES));
	struct vm_fit *fit = vm_fit_create(policy, options->units, NAMES, &arena);
	struct source source = {
		.options = options, .random = options->seed, .most = options->units / 8 + 1};
	uint64_t first_of[NAMES], done = 0;
	struct operation operation;

	memset(first_of, UINT8_MAX, sizeof(first_of));
	while (next_operation(&source, &operation)) {
		uint64_t *first = &first_of[operation.name];
		if (operation.takes)
			*first = vm_fit_allocate(fit, operation.amount, operation.name);
		else if (*first == VM_FIT_NONE || !vm_fit_free(fit, *first))
			return refuse_operation(&operation);
		else
			*first = VM_FIT_NONE;
		source.held[operation.name] = *first != VM_FIT_NONE;
		if (drawn) {
			(void)printf("%s%s\n", operation.text,
				operation.takes && *first == VM_FIT_NONE
					? ": no hole is large enough"
					: "");
			draw_fit(fit, options->units);
		} else if (++done % every == 0) {
			fit_row(sheet, policy, done, fit);
		}
	}
	if (!drawn)
		fit_row(sheet, policy, done, fit);
	return true;
}

int model_fit(int argc, char **argv)
{
	struct options options = {.units = 64, .fit = VM_FIT_LIMIT, .seed = 1};
	struct sheet sheet = {.table = NULL};
	bool done = true;

	if (!command_parse(&fit_argp, argc, argv, &options))
		return EXIT_MISUSED;
	if (options.output.format != SHEET_TEXT || options.random_operations != 0)
		sheet_open(&sheet, options.output.format, fit_columns,
			sizeof(fit_columns) / sizeof(fit_columns[0]));
	for (enum vm_fit_policy policy = 0; policy < VM_FIT_LIMIT && done; policy++) {
		const bool wanted = options.fit == VM_FIT_LIMIT ? options.random_operations != 0 ||
									  policy == VM_FIT_FIRST
								: policy == options.fit;
		if (wanted)
			done = run_fit(&options, policy, &sheet);
	}
	sheet_close(&sheet);
	return done ? EXIT_CONFORMS : EXIT_MISUSED;
}

static error_t parse_slab(int key, char *argument, struct argp_state *state)
{
	struct options *options = state->input;
	uint64_t number = 0;
	error_t error;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &options->output;
		return 0;
	case 's':
		error = model_number(state, "--object", argument, 1, 32768, &number);
		options->slab.object_bytes = (uint32_t)number;
		return error;
	case 'c':
		error = model_number(state, "--cpus", argument, 1, 8192, &number);
		options->slab.cpus = (uint32_t)number;
		return error;
	case 'k':
		options->slab.keep_empty = true;
		return 0;
	case OPTION_TEXTBOOK:
		options->slab.rounding = VM_SLAB_NO_INTERNAL_WASTE;
		return 0;
	case ARGP_KEY_ARG:
		if (options->operations_count == OPERATIONS_LIMIT)
			return command_refuse(state, "more than %d operations", OPERATIONS_LIMIT);
		if (argument[0] != '+' && argument[0] != '-')
			return command_refuse(state, "\"%s\" is neither +N nor -N", argument);
		options->operations[options->operations_count] =
			(struct operation){.text = argument, .takes = argument[0] == '+'};
		return model_number(state, "operation", argument + 1, argument[0] == '+' ? 1 : 0,
			100000, &options->operations[options->operations_count++].amount);
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option slab_argp_options[] = {
	{"object", 's', "BYTES", 0, "Size of an object (100)", 1},
	{"cpus", 'c', "N", 0, "Processors: slabs grow with them (2)", 1},
	{"keep-empty", 'k', NULL, 0, "Empty slabs stay for the next request", 1},
	{"exact", OPTION_TEXTBOOK, NULL, 0,
		"Slots of exactly the size asked for: the course's cache", 1},
	{0},
};

static const struct argp slab_argp = {
	.options = slab_argp_options,
	.parser = parse_slab,
	.args_doc = "+N... -- -OBJECT...",
	.children = children,
	.doc = "A cache of equal objects: +5 takes five, -3 gives object number 3 back.\v"
	       "  mmconform model slab -s 1000 -- +6 -2 +1",
};

static void draw_slabs(const struct vm_slab *slab, const struct options *options, uint32_t objects)
{
	for (uint32_t number = 0; number < options->slab.slabs_limit; number++) {
		if (!vm_slab_exists(slab, number))
			continue;
		(void)printf("  slab %" PRIu32 " |", number);
		for (uint32_t i = 0; i < objects; i++)
			(void)putchar(vm_slab_in_use(slab, number * objects + i) ? '#' : '.');
		(void)puts("|");
	}
}

static bool run_slab(const struct options *options, struct vm_slab *slab, uint32_t objects)
{
	for (size_t i = 0; i < options->operations_count; i++) {
		const struct operation *operation = &options->operations[i];
		bool done = true;
		for (uint64_t n = 0; operation->takes && n < operation->amount && done; n++)
			done = vm_slab_allocate(slab) != VM_SLAB_NONE;
		if (!operation->takes)
			done = vm_slab_free(slab, (uint32_t)operation->amount);
		if (!done) {
			message("\"%s\": %s", operation->text,
				operation->takes ? "no slab is left" : "no such object is in use");
			return false;
		}
		if (options->output.format != SHEET_TEXT)
			continue;
		const struct vm_slab_counts *counts = vm_slab_counts(slab);
		(void)printf(
			"%s: %" PRIu64 " slabs made so far\n", operation->text, counts->misses);
		draw_slabs(slab, options, objects);
	}
	return true;
}

int model_slab(int argc, char **argv)
{
	static const struct sheet_column columns[] = {{"object_bytes", false},
		{"slot_bytes", false}, {"order", false}, {"objects", false},
		{"left_over_bytes", false}, {"waste_an_object_bytes", false}, {"misses", false},
		{"slabs", false}, {"in_use", false}};
	struct options options = {.slab = {.object_bytes = 100,
					  .cpus = 2,
					  .slabs_limit = 64,
					  .rounding = VM_SLAB_SIZE_CLASSES}};
	struct sheet sheet;

	if (!command_parse(&slab_argp, argc, argv, &options))
		return EXIT_MISUSED;
	const struct vm_slab_shape shape = vm_slab_shape(&options.slab);
	if (shape.objects == 0) {
		message("slab: objects of this size get whole pages");
		return EXIT_MISUSED;
	}
	struct vm_arena ARENA_DROPS arena = model_arena(vm_slab_bytes(&options.slab));
	struct vm_slab *slab = vm_slab_create(&options.slab, &arena);
	if (slab == NULL)
		abort();
	if (!run_slab(&options, slab, shape.objects))
		return EXIT_MISUSED;
	const struct vm_slab_counts *counts = vm_slab_counts(slab);
	const struct sheet_cell cells[] = {SHEET_NUMBER(options.slab.object_bytes),
		SHEET_NUMBER(shape.slot_bytes), SHEET_NUMBER(shape.order),
		SHEET_NUMBER(shape.objects), SHEET_NUMBER(shape.left_over_bytes),
		SHEET_NUMBER(shape.waste_an_object_bytes), SHEET_NUMBER(counts->misses),
		SHEET_NUMBER(counts->slabs), SHEET_NUMBER(counts->objects_in_use)};
	sheet_open(&sheet, options.output.format, columns, sizeof(columns) / sizeof(columns[0]));
	sheet_row(&sheet, cells);
	sheet_close(&sheet);
	return EXIT_CONFORMS;
}
