/* SPDX-License-Identifier: Apache-2.0 */
/* mmconform model table-size and inverted: what tables cost. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/message.h"
#include "model/model.h"
#include "vm/replace.h"
#include "vm/tables.h"

#define RANGES_LIMIT 256

struct options {
	struct model_output_options output;
	uint64_t virtual_bits, page_shift, entry_bytes, frames;
	bool flat;
	enum vm_paging paging;
	unsigned leaf_shift;
	size_t ranges_count;
	struct vm_table_range ranges[RANGES_LIMIT];
};

static int by_first(const void *left, const void *right)
{
	const struct vm_table_range *a = left, *b = right;

	return (a->first > b->first) - (a->first < b->first);
}

/* START+LENGTH */
static error_t parse_range(struct options *options, const struct argp_state *state, char *argument)
{
	char *plus = strchr(argument, '+');
	uint64_t first, length;

	if (plus == NULL)
		return command_refuse(state, "\"%s\" is no START+LENGTH", argument);
	if (options->ranges_count == RANGES_LIMIT)
		return command_refuse(state, "more than %d ranges", RANGES_LIMIT);
	*plus = '\0';
	error_t error = model_number(state, "start", argument, 0, UINT64_MAX, &first);
	if (error == 0)
		error = model_number(state, "length", plus + 1, 1, UINT64_MAX, &length);
	if (error != 0)
		return error;
	if (first > UINT64_MAX - (length - 1))
		return command_refuse(state, "a range goes beyond the last address");
	options->ranges[options->ranges_count++] =
		(struct vm_table_range){first, first + length - 1};
	return 0;
}

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &options->output;
		return 0;
	case 'b':
		options->flat = true;
		return model_number(
			state, "--virtual-bits", argument, 12, 64, &options->virtual_bits);
	case 's':
		return model_number(state, "--page-shift", argument, 0, 40, &options->page_shift);
	case 'e':
		return model_number(state, "--entry-bytes", argument, 1, 64, &options->entry_bytes);
	case 'f':
		return model_number(
			state, "--frames", argument, 1, UINT64_C(1) << 52, &options->frames);
	case 'm':
		for (options->paging = 0; options->paging < VM_PAGING_LIMIT; options->paging++)
			if (strcmp(vm_paging_shape(options->paging)->name, argument) == 0)
				return 0;
		return command_refuse(
			state, "--mode: \"%s\" is none of ia32, pae, 4-level, 5-level", argument);
	case 'l':
		if (model_page_shift(argument, &options->leaf_shift))
			return 0;
		return command_refuse(state, "--leaf: 4k, 2m or 1g, not \"%s\"", argument);
	case ARGP_KEY_ARG:
		return parse_range(options, state, argument);
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option argp_options[] = {
	{"virtual-bits", 'b', "N", 0, "A flat table for addresses of so many bits", 1},
	{"page-shift", 's', "N", 0, "Flat: log2 of the page (12)", 1},
	{"entry-bytes", 'e', "N", 0, "Flat and inverted: bytes of an entry (8)", 1},
	{"mode", 'm', "MODE", 0, "For ranges: ia32, pae, 4-level, 5-level (4-level)", 2},
	{"leaf", 'l', "4k|2m|1g", 0, "For ranges: size of the pages (4k)", 2},
	{"frames", 'f', "N", 0, "An inverted table for so many frames", 3},
	{0},
};

static const struct argp_child children[] = {{.argp = &model_output_argp}, {0}};

static const struct argp argp = {
	.options = argp_options,
	.parser = parse_option,
	.args_doc = "[START+LENGTH...]",
	.children = children,
	.doc = "Computes what page tables cost: flat, inverted, or hierarchical for mapped "
	       "ranges.\v"
	       "4 MiB and 32 PiB, as the course says:\n"
	       "  mmconform model table-size -b 32 -e 4\n"
	       "  mmconform model table-size -b 64\n"
	       "1 GiB in pages of 4 KiB, 2 MiB and 1 GiB:\n"
	       "  mmconform model table-size -l 4k 1G+1G",
};

static const struct sheet_column columns[] = {
	{"table", true}, {"level", false}, {"tables", false}, {"entries", false}, {"bytes", false}};

static void row(struct sheet *sheet, const char *table, uint64_t level, uint64_t tables,
	uint64_t entries, uint64_t size_bytes)
{
	const struct sheet_cell cells[] = {SHEET_WORD(table), SHEET_NUMBER(level),
		SHEET_NUMBER(tables), SHEET_NUMBER(entries), SHEET_NUMBER(size_bytes)};

	sheet_row(sheet, cells);
}

static bool hierarchical(struct options *options, struct sheet *sheet)
{
	const struct vm_paging_shape *shape = vm_paging_shape(options->paging);
	uint64_t tables[VM_PAGING_LEVELS_LIMIT + 1], leaves = 0;
	unsigned leaf_level = 1;

	while (leaf_level < shape->levels &&
		vm_level_shift(shape, leaf_level) < options->leaf_shift)
		leaf_level++;
	if (leaf_level > shape->largest_leaf_level ||
		vm_level_shift(shape, leaf_level) != options->leaf_shift) {
		message("%s has no pages of this size", shape->name);
		return false;
	}
	qsort(options->ranges, options->ranges_count, sizeof(options->ranges[0]), by_first);
	for (size_t i = 0; i < options->ranges_count; i++) {
		const struct vm_table_range *range = &options->ranges[i];
		if (range->last >> (shape->virtual_bits - 1) >> 1 != 0 ||
			(i != 0 && range->first <= range[-1].last)) {
			message("ranges overlap, or lie beyond %u bits", shape->virtual_bits);
			return false;
		}
		leaves += (range->last >> options->leaf_shift) -
			  (range->first >> options->leaf_shift) + 1;
	}
	const uint64_t size_bytes = vm_hierarchical_tables(
		shape, options->ranges, options->ranges_count, leaf_level, tables);
	for (unsigned level = shape->levels; level >= leaf_level; level--)
		row(sheet, shape->name, level, tables[level], level == leaf_level ? leaves : 0,
			tables[level] * vm_level_table_bytes(shape, level));
	row(sheet, "all levels", 0, 0, leaves, size_bytes);
	return true;
}

int model_table_size(int argc, char **argv)
{
	struct options options = {.page_shift = VM_PAGE_SHIFT,
		.entry_bytes = 8,
		.paging = VM_PAGING_LEVEL4,
		.leaf_shift = VM_PAGE_SHIFT};
	struct sheet sheet;
	bool done = true;

	if (!command_parse(&argp, argc, argv, &options))
		return EXIT_MISUSED;
	if (!options.flat && options.frames == 0 && options.ranges_count == 0) {
		message("which table? --virtual-bits, --frames, or ranges");
		return EXIT_MISUSED;
	}
	if (options.flat && options.page_shift > options.virtual_bits) {
		message("a page is larger than the address space");
		return EXIT_MISUSED;
	}
	sheet_open(&sheet, options.output.format, columns, 5);
	if (options.flat) {
		const uint64_t size_bytes = vm_flat_table_bytes((unsigned)options.virtual_bits,
			(unsigned)options.page_shift, (unsigned)options.entry_bytes);
		row(&sheet, "flat", 1, 1, size_bytes / options.entry_bytes, size_bytes);
	}
	if (options.frames != 0)
		row(&sheet, "inverted", 1, 1, options.frames,
			vm_inverted_table_bytes(options.frames, (unsigned)options.entry_bytes));
	if (options.ranges_count != 0)
		done = hierarchical(&options, &sheet);
	sheet_close(&sheet);
	return done ? EXIT_CONFORMS : EXIT_MISUSED;
}

struct inverted_options {
	struct model_output_options output;
	struct model_string_options string;
	uint64_t frames, buckets, processes, tlb_entries;
};

static error_t parse_inverted(int key, char *argument, struct argp_state *state)
{
	struct inverted_options *options = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &options->output;
		state->child_inputs[1] = &options->string;
		return 0;
	case 'n':
		return model_number(state, "--frames", argument, 1, 1 << 24, &options->frames);
	case 'b':
		if (model_number(state, "--buckets", argument, 1, 1 << 24, &options->buckets) != 0)
			return EINVAL;
		if ((options->buckets & (options->buckets - 1)) == 0)
			return 0;
		return command_refuse(state, "--buckets: a power of two, not \"%s\"", argument);
	case 'p':
		return model_number(state, "--processes", argument, 1, 65535, &options->processes);
	case 't':
		return model_number(state, "--tlb", argument, 1, 65536, &options->tlb_entries);
	case ARGP_KEY_ARG:
		return command_refuse(state, "\"%s\" is one argument too many", argument);
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option inverted_argp_options[] = {
	{"frames", 'n', "N", 0, "Frames, one entry each (64)", 1},
	{"buckets", 'b', "N", 0, "Anchors of the hashed table, a power of two (64)", 1},
	{"processes", 'p', "N", 0, "References go to these in turn, ten at a time (1)", 1},
	{"tlb", 't', "N", 0, "Entries of a TLB in front (16)", 1},
	{0},
};

static const struct argp_child inverted_children[] = {
	{.argp = &model_output_argp}, {.argp = &model_string_argp}, {0}};

static const struct argp inverted_argp = {
	.options = inverted_argp_options,
	.parser = parse_inverted,
	.children = inverted_children,
	.doc = "Looks references up in an inverted table, linear and hashed, frames by FIFO.",
};

/* Looks one page up, and maps it into the next frame in turn when it is not there. */
static uint32_t look_up(
	struct vm_inverted *table, uint32_t process, uint32_t page, uint32_t *hand, uint32_t frames)
{
	uint32_t probes;

	if (vm_inverted_find(table, process, page, &probes) == UINT32_MAX) {
		vm_inverted_map(table, *hand, process, page);
		*hand = (*hand + 1) % frames;
	}
	return probes;
}

#define REFERENCES_A_TURN 10

/* The TLB in front: least recently used of so many (process, page) pairs. */
static bool in_tlb(struct vm_replace *tlb, uint32_t process, uint32_t page, uint32_t pages)
{
	struct vm_replace_event event;

	vm_replace_reference(tlb, process * pages + page, &event);
	return !event.fault;
}

static void run_inverted(const struct inverted_options *options, const struct trace *trace,
	enum vm_inverted_search search, struct sheet *sheet)
{
	const uint32_t frames = (uint32_t)options->frames, pages = trace_pages(trace);
	const struct vm_replace_config tlb_config = {
		.policy = VM_POLICY_LRU,
		.pages = pages * (uint32_t)options->processes,
		.frames = (uint32_t)options->tlb_entries,
	};
	struct vm_arena ARENA_DROPS arena =
		model_arena(vm_inverted_bytes(frames, (uint32_t)options->buckets) +
			    vm_replace_bytes(&tlb_config));
	struct vm_inverted *table =
		vm_inverted_create(search, frames, (uint32_t)options->buckets, &arena);
	struct vm_replace *tlb = vm_replace_create(&tlb_config, &arena);
	uint64_t probes = 0, probes_behind_tlb = 0, misses = 0;
	const uint64_t references = trace->count != 0 ? trace->count : 1;
	uint32_t hand = 0;

	for (size_t i = 0; i < trace->count; i++) {
		const uint32_t process = (uint32_t)(i / REFERENCES_A_TURN % options->processes);
		const uint32_t page = vm_reference_page(trace->references[i]);
		const bool hit = in_tlb(tlb, process, page, pages);
		const uint32_t cost = look_up(table, process, page, &hand, frames);
		probes += cost;
		probes_behind_tlb += hit ? 0 : cost;
		misses += !hit;
	}
	const struct sheet_cell cells[] = {
		SHEET_WORD(search == VM_INVERTED_LINEAR ? "linear" : "hashed"),
		SHEET_NUMBER(trace->count), SHEET_NUMBER(probes),
		SHEET_NUMBER(probes * 1000 / references), SHEET_NUMBER(misses),
		SHEET_NUMBER(probes_behind_tlb)};
	sheet_row(sheet, cells);
}

int model_inverted(int argc, char **argv)
{
	static const struct sheet_column inverted_columns[] = {{"search", true},
		{"references", false}, {"probes", false}, {"probes_per_thousand", false},
		{"tlb_misses", false}, {"probes_behind_tlb", false}};
	struct trace TRACE_DROPS trace = {0};
	struct inverted_options options = {.string = MODEL_STRING_DEFAULTS,
		.frames = 64,
		.buckets = 64,
		.processes = 1,
		.tlb_entries = 16};
	struct sheet sheet;

	if (!command_parse(&inverted_argp, argc, argv, &options) ||
		!model_load_string(&options.string, &trace))
		return EXIT_MISUSED;
	if ((uint64_t)trace_pages(&trace) * options.processes >= VM_REFERENCE_PAGES_LIMIT) {
		message("too many pages times processes");
		return EXIT_MISUSED;
	}
	sheet_open(&sheet, options.output.format, inverted_columns, 6);
	run_inverted(&options, &trace, VM_INVERTED_LINEAR, &sheet);
	run_inverted(&options, &trace, VM_INVERTED_HASHED, &sheet);
	sheet_close(&sheet);
	return EXIT_CONFORMS;
}
