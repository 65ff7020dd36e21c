/* SPDX-License-Identifier: Apache-2.0 */
/* mmconform model segment, relocate, lowmem: what came before paging, and beside it. */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/message.h"
#include "model/model.h"
#include "vm/segment.h"
#include "vm/tables.h"

#define TABLE_LIMIT	 64
#define ACCESSES_LIMIT	 64
#define PAGES_LIMIT	 8192
#define OPERATIONS_LIMIT 256
#define PROGRAMS	 26

struct access {
	struct vm_selector selector;
	uint32_t offset;
	enum vm_access_kind kind;
};

struct segment_options {
	struct model_output_options output;
	struct vm_descriptor global[TABLE_LIMIT], local[TABLE_LIMIT];
	uint32_t global_count, local_count;
	uint64_t privilege;
	size_t accesses_count;
	struct access accesses[ACCESSES_LIMIT];
	uint64_t page_bytes;
	size_t pages_count;
	uint64_t frames[PAGES_LIMIT];
};

/* Flags: r w x (code) s (stack) p (limit in pages) - (absent), and the privilege as a digit. */
static bool parse_flags(const char *at, struct vm_descriptor *descriptor)
{
	descriptor->present = true;
	descriptor->privilege = 3;
	for (; *at != '\0'; at++) {
		if (*at == 'w')
			descriptor->writable = true;
		else if (*at == 'r')
			descriptor->readable = true;
		else if (*at == 'x')
			descriptor->type = VM_SEGMENT_CODE;
		else if (*at == 's')
			descriptor->type = VM_SEGMENT_STACK;
		else if (*at == 'p')
			descriptor->limit_in_pages = true;
		else if (*at == '-')
			descriptor->present = false;
		else if (*at >= '0' && *at <= '3')
			descriptor->privilege = (uint8_t)(*at - '0');
		else
			return false;
	}
	return true;
}

/* INDEX=BASE:LIMIT[:FLAGS] */
static error_t parse_descriptor(
	const struct argp_state *state, char *text, struct vm_descriptor *table, uint32_t *count)
{
	char *rest = NULL;
	const char *index_text = strtok_r(text, "=", &rest);
	const char *base_text = strtok_r(NULL, ":", &rest);
	const char *limit_text = strtok_r(NULL, ":", &rest);
	const char *flags = strtok_r(NULL, ":", &rest);
	uint64_t index, base, limit;

	if (index_text == NULL || base_text == NULL || limit_text == NULL)
		return command_refuse(state, "a descriptor is INDEX=BASE:LIMIT[:FLAGS]");
	error_t error = model_number(state, "index", index_text, 0, TABLE_LIMIT - 1, &index);
	if (error == 0)
		error = model_number(state, "base", base_text, 0, UINT32_MAX, &base);
	if (error == 0)
		error = model_number(state, "limit", limit_text, 0, UINT32_MAX, &limit);
	if (error != 0)
		return error;
	table[index] = (struct vm_descriptor){.base = (uint32_t)base, .limit = (uint32_t)limit};
	if (!parse_flags(flags == NULL ? "w" : flags, &table[index]))
		return command_refuse(state, "flags are of r w x s p - and a privilege 0 to 3");
	/* 20 bits of limit, in bytes or in pages. */
	if (limit > UINT32_C(0xfffff))
		return command_refuse(state, "a limit has 20 bits: 0xfffff at most, p for pages");
	if (index >= *count)
		*count = (uint32_t)index + 1;
	return 0;
}

/* [g|l]INDEX:OFFSET[:r|w|x] */
static error_t parse_access(
	struct segment_options *options, const struct argp_state *state, char *text)
{
	char *rest = NULL;
	const char *selector = strtok_r(text, ":", &rest);
	const char *offset_text = strtok_r(NULL, ":", &rest);
	const char *kind = strtok_r(NULL, ":", &rest);
	struct access access = {.kind = VM_ACCESS_READ};
	uint64_t index, offset;

	if (selector == NULL || offset_text == NULL || (selector[0] != 'g' && selector[0] != 'l'))
		return command_refuse(state, "an access is gINDEX:OFFSET[:r|w|x], or lINDEX...");
	error_t error =
		model_number(state, "selector", selector + 1, 0, VM_DESCRIPTORS_LIMIT - 1, &index);
	if (error == 0)
		error = model_number(state, "offset", offset_text, 0, UINT32_MAX, &offset);
	if (error != 0)
		return error;
	if (options->accesses_count == ACCESSES_LIMIT)
		return command_refuse(state, "more than %d accesses", ACCESSES_LIMIT);
	if (kind != NULL && strcmp(kind, "w") == 0)
		access.kind = VM_ACCESS_WRITE;
	else if (kind != NULL && strcmp(kind, "x") == 0)
		access.kind = VM_ACCESS_FETCH;
	access.selector = (struct vm_selector){.index = (uint16_t)index,
		.local = selector[0] == 'l',
		.privilege = (uint8_t)options->privilege};
	access.offset = (uint32_t)offset;
	options->accesses[options->accesses_count++] = access;
	return 0;
}

static error_t parse_page(
	struct segment_options *options, const struct argp_state *state, char *list)
{
	char *rest = NULL;

	for (char *word = strtok_r(list, ",", &rest); word != NULL;
		word = strtok_r(NULL, ",", &rest)) {
		char *equals = strchr(word, '=');
		uint64_t page, frame;
		if (equals == NULL)
			return command_refuse(state, "--table: \"%s\" is no PAGE=FRAME", word);
		*equals = '\0';
		error_t error = model_number(state, "--table", word, 0, PAGES_LIMIT - 1, &page);
		if (error == 0)
			error = model_number(state, "--table", equals + 1, 0, UINT32_MAX, &frame);
		if (error != 0)
			return error;
		options->frames[page] = frame;
		if (page >= options->pages_count)
			options->pages_count = page + 1;
	}
	return 0;
}

static error_t parse_segment(int key, char *argument, struct argp_state *state)
{
	struct segment_options *options = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &options->output;
		return 0;
	case 'g':
		return parse_descriptor(state, argument, options->global, &options->global_count);
	case 'l':
		return parse_descriptor(state, argument, options->local, &options->local_count);
	case 'c':
		return model_number(state, "--privilege", argument, 0, 3, &options->privilege);
	case 's':
		return model_number(
			state, "--page-size", argument, 1, UINT32_MAX, &options->page_bytes);
	case 't':
		return parse_page(options, state, argument);
	case ARGP_KEY_ARG:
		return parse_access(options, state, argument);
	case ARGP_KEY_NO_ARGS:
		return command_refuse(state, "which access? gINDEX:OFFSET[:r|w|x]");
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option segment_argp_options[] = {
	{"gdt", 'g', "INDEX=BASE:LIMIT[:FLAGS]", 0,
		"A descriptor of the global table; flags of r w x (code) s (stack) p (limit in "
		"pages) "
		"- (absent) and the privilege",
		1},
	{"ldt", 'l', "INDEX=BASE:LIMIT[:FLAGS]", 0, "A descriptor of the local table", 1},
	{"privilege", 'c', "0-3", 0, "Of the running code (3); give it before the accesses", 1},
	{"page-size", 's', "BYTES", 0, "Of the paging behind the segments (4K)", 2},
	{"table", 't', "PAGE=FRAME,...", 0, "Segments plus paging: linear to physical", 2},
	{0},
};

static const struct argp_child children[] = {{.argp = &model_output_argp}, {0}};

static const struct argp segment_argp = {
	.options = segment_argp_options,
	.parser = parse_segment,
	.args_doc = "gINDEX:OFFSET[:r|w|x]...",
	.children = children,
	.doc = "Translates selector and offset through descriptors, and on through a page table.\v"
	       "  mmconform model segment -g 1=0x10000:0xfff:w -t 16=3,17=9 g1:0x20:w g1:0x1000",
};

static const char *outcome_word(enum vm_segment_outcome outcome)
{
	static const char *const words[] = {
		[VM_SEGMENT_ALLOWED] = "allowed",
		[VM_SEGMENT_NULL] = "null selector",
		[VM_SEGMENT_NO_DESCRIPTOR] = "beyond the table",
		[VM_SEGMENT_NOT_PRESENT] = "not present",
		[VM_SEGMENT_PRIVILEGE] = "privilege",
		[VM_SEGMENT_TYPE] = "type",
		[VM_SEGMENT_LIMIT] = "limit",
	};

	return words[outcome];
}

int model_segment(int argc, char **argv)
{
	static const struct sheet_column columns[] = {{"table", true}, {"index", false},
		{"offset", false}, {"outcome", true}, {"linear", false}, {"physical", true}};
	struct segment_options options = {.privilege = 3, .page_bytes = VM_PAGE_BYTES};
	struct sheet sheet;

	memset(options.frames, UINT8_MAX, sizeof(options.frames));
	if (!command_parse(&segment_argp, argc, argv, &options))
		return EXIT_MISUSED;
	const struct vm_descriptor_tables tables = {.global_count = options.global_count,
		.local_count = options.local_count,
		.global = options.global,
		.local = options.local};
	const struct vm_single_level pages = {.page_bytes = options.page_bytes,
		.pages_count = options.pages_count,
		.frames = options.frames};
	sheet_open(&sheet, options.output.format, columns, 6);
	for (size_t i = 0; i < options.accesses_count; i++) {
		const struct access *access = &options.accesses[i];
		const struct vm_segment_result result =
			vm_segment_translate(&tables, access->selector, access->offset, 1,
				access->kind, (uint8_t)options.privilege);
		char physical[32] = "";
		if (result.outcome == VM_SEGMENT_ALLOWED && options.pages_count != 0) {
			const struct vm_single_result page =
				vm_single_translate(&pages, result.linear);
			if (page.outcome == VM_SINGLE_TRANSLATED)
				(void)snprintf(
					physical, sizeof(physical), "%" PRIu64, page.physical);
			else
				(void)snprintf(physical, sizeof(physical), "page fault");
		}
		const struct sheet_cell cells[] = {
			SHEET_WORD(access->selector.local ? "local" : "global"),
			SHEET_NUMBER(access->selector.index), SHEET_NUMBER(access->offset),
			SHEET_WORD(outcome_word(result.outcome)), SHEET_NUMBER(result.linear),
			SHEET_WORD(physical)};
		sheet_row(&sheet, cells);
	}
	sheet_close(&sheet);
	return EXIT_CONFORMS;
}

struct relocate_options {
	struct model_output_options output;
	uint64_t memory;
	size_t operations_count;
	const char *operations[OPERATIONS_LIMIT];
};

static error_t parse_relocate(int key, char *argument, struct argp_state *state)
{
	struct relocate_options *options = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &options->output;
		return 0;
	case 'm':
		return model_number(
			state, "--memory", argument, 1, UINT64_C(1) << 48, &options->memory);
	case ARGP_KEY_ARG:
		if (options->operations_count == OPERATIONS_LIMIT)
			return command_refuse(state, "more than %d operations", OPERATIONS_LIMIT);
		options->operations[options->operations_count++] = argument;
		return 0;
	case ARGP_KEY_NO_ARGS:
		return command_refuse(state, "which operations? A=30 A+10 A@5 A- compact");
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option relocate_argp_options[] = {
	{"memory", 'm', "UNITS", 0, "Size of memory (100)", 1},
	{0},
};

static const struct argp relocate_argp = {
	.options = relocate_argp_options,
	.parser = parse_relocate,
	.args_doc = "OPERATION...",
	.children = children,
	.doc = "Programs A to Z in contiguous memory with a base and a limit register.\v"
	       "A=30 loads A with 30 units, A+10 lets it grow, A@5 translates, A- ends it, "
	       "compact.\n"
	       "  mmconform model relocate A=30 B=30 A+10 A@35 compact A@35",
};

struct step {
	const char *outcome;
	uint64_t moved, physical;
};

/* False where the operation is none. */
static bool relocate_one(struct vm_relocation *memory, const char *operation, struct step *step)
{
	const uint32_t program = (uint32_t)(operation[0] - 'A');
	uint64_t number = 0, base, limit;

	*step = (struct step){.outcome = "done"};
	if (strcmp(operation, "compact") == 0) {
		step->moved = vm_relocation_compact(memory);
		return true;
	}
	if (!isupper((unsigned char)operation[0]) || operation[1] == '\0')
		return false;
	const bool loaded = vm_relocation_registers(memory, program, &base, &limit);
	if (operation[1] == '-' && operation[2] == '\0' && loaded) {
		vm_relocation_end(memory, program);
		return true;
	}
	if (!model_parse_number(operation + 2, &number) || number == 0 ||
		number > UINT64_C(1) << 48)
		return operation[1] == '@' && strcmp(operation + 2, "0") == 0 && loaded &&
		       vm_relocation_translate(memory, program, 0, &step->physical);
	if (operation[1] == '=' && !loaded)
		step->outcome = vm_relocation_load(memory, program, number)
					? "done"
					: "no hole is large enough";
	else if (operation[1] == '+' && loaded)
		step->outcome = vm_relocation_grow(memory, program, limit + number, &step->moved)
					? (step->moved != 0 ? "moved" : "grew in place")
					: "no hole is large enough";
	else if (operation[1] == '@' && loaded)
		step->outcome = vm_relocation_translate(memory, program, number, &step->physical)
					? "translated"
					: "trap: beyond the limit";
	else
		return false;
	return true;
}

/* One character a unit while it fits a line, else one for several. */
static void draw_memory(const struct vm_relocation *memory, uint64_t units)
{
	const uint64_t a_character = units / 64 + (units % 64 != 0);
	struct vm_fit_piece piece;

	(void)fputs("  |", stdout);
	for (uint32_t i = 0; vm_fit_piece(vm_relocation_holes(memory), i, &piece); i++)
		for (uint64_t at = 0; at < piece.units; at++)
			if ((piece.first + at) % a_character == 0)
				(void)putchar(piece.free ? '.' : (int)('A' + piece.tag));
	(void)puts("|");
}

int model_relocate(int argc, char **argv)
{
	static const struct sheet_column columns[] = {{"operation", true}, {"outcome", true},
		{"moved_units", false}, {"physical", false}, {"free_units", false},
		{"largest_hole", false}};
	struct relocate_options options = {.memory = 100};
	struct vm_arena ARENA_DROPS arena = model_arena(vm_relocation_bytes(PROGRAMS));
	struct sheet sheet = {.table = NULL};

	if (!command_parse(&relocate_argp, argc, argv, &options))
		return EXIT_MISUSED;
	struct vm_relocation *memory =
		vm_relocation_create(VM_FIT_FIRST, options.memory, PROGRAMS, &arena);
	const bool text = options.output.format == SHEET_TEXT;
	if (!text)
		sheet_open(&sheet, options.output.format, columns, 6);
	for (size_t i = 0; i < options.operations_count; i++) {
		struct step step;
		if (!relocate_one(memory, options.operations[i], &step)) {
			message("relocate: \"%s\" is none of A=N (not loaded), A+N, A@N, A- "
				"(loaded), compact",
				options.operations[i]);
			return EXIT_MISUSED;
		}
		const struct vm_fit_state state = vm_fit_state(vm_relocation_holes(memory));
		if (text) {
			(void)printf("%-8s %s; moved %" PRIu64 ", physical %" PRIu64
				     ", free %" PRIu64 ", largest hole %" PRIu64 "\n",
				options.operations[i], step.outcome, step.moved, step.physical,
				state.free_units, state.largest_hole_units);
			draw_memory(memory, options.memory);
			continue;
		}
		const struct sheet_cell cells[] = {SHEET_WORD(options.operations[i]),
			SHEET_WORD(step.outcome), SHEET_NUMBER(step.moved),
			SHEET_NUMBER(step.physical), SHEET_NUMBER(state.free_units),
			SHEET_NUMBER(state.largest_hole_units)};
		sheet_row(&sheet, cells);
	}
	sheet_close(&sheet);
	return EXIT_CONFORMS;
}

struct lowmem_options {
	struct model_output_options output;
	uint64_t memory_bytes;
	size_t addresses_count;
	uint64_t addresses[ACCESSES_LIMIT];
};

static error_t parse_lowmem(int key, char *argument, struct argp_state *state)
{
	struct lowmem_options *options = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &options->output;
		return 0;
	case 'm':
		return model_number(
			state, "--memory", argument, 1, UINT64_C(1) << 36, &options->memory_bytes);
	case ARGP_KEY_ARG:
		if (options->addresses_count == ACCESSES_LIMIT)
			return command_refuse(state, "more than %d addresses", ACCESSES_LIMIT);
		return model_number(state, "physical address", argument, 0, UINT64_MAX,
			&options->addresses[options->addresses_count++]);
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option lowmem_argp_options[] = {
	{"memory", 'm', "BYTES", 0, "Physical memory (4G)", 1},
	{0},
};

static const struct argp lowmem_argp = {
	.options = lowmem_argp_options,
	.parser = parse_lowmem,
	.args_doc = "[PHYSICAL-ADDRESS...]",
	.children = children,
	.doc = "What a 32-bit kernel with 3 GiB for programs maps for good, and what only through "
	       "a "
	       "window.",
};

int model_lowmem(int argc, char **argv)
{
	static const struct sheet_column columns[] = {
		{"physical", false}, {"where", true}, {"kernel_address", false}};
	struct lowmem_options options = {.memory_bytes = 4 * VM_GIB_BYTES};
	struct sheet sheet;

	if (!command_parse(&lowmem_argp, argc, argv, &options))
		return EXIT_MISUSED;
	const struct vm_lowmem split = vm_lowmem_split(options.memory_bytes);
	if (options.addresses_count == 0) {
		static const struct sheet_column sizes[] = {{"part", true}, {"bytes", false}};
		sheet_open(&sheet, options.output.format, sizes, 2);
		sheet_row(&sheet, (const struct sheet_cell[]){SHEET_WORD("mapped for good"),
					  SHEET_NUMBER(split.low_bytes)});
		sheet_row(&sheet, (const struct sheet_cell[]){SHEET_WORD("through the window"),
					  SHEET_NUMBER(split.high_bytes)});
		sheet_close(&sheet);
		return EXIT_CONFORMS;
	}
	sheet_open(&sheet, options.output.format, columns, 3);
	for (size_t i = 0; i < options.addresses_count; i++) {
		const uint64_t physical = options.addresses[i];
		uint64_t address = 0;
		const bool low = vm_lowmem_address(options.memory_bytes, physical, &address);
		const char *where = low				      ? "low memory"
				    : physical < options.memory_bytes ? "high memory, by the window"
								      : "no memory";
		const struct sheet_cell cells[] = {
			SHEET_NUMBER(physical), SHEET_WORD(where), SHEET_NUMBER(address)};
		sheet_row(&sheet, cells);
	}
	sheet_close(&sheet);
	return EXIT_CONFORMS;
}
