/* SPDX-License-Identifier: Apache-2.0 */
/* mmconform model tlb: translation buffers on a reference string. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/message.h"
#include "model/model.h"
#include "vm/replace.h"
#include "vm/tlb.h"

struct options {
	struct model_output_options output;
	struct model_string_options string;
	struct vm_tlb_config config;
	struct vm_tlb_fact arrays[VM_TLB_ARRAYS_LIMIT];
	struct vm_tlb_costs costs;
	unsigned page_shift;
	uint64_t spaces, switch_every;
};

enum {
	OPTION_ASID = 0x200,
	OPTION_SPACES,
	OPTION_EVERY,
	OPTION_NESTED,
	OPTION_STRUCTURE,
	OPTION_SEED,
	OPTION_COSTS,
	OPTION_MODE
};

/* TYPE:LEVEL:SIZES:ENTRIES[:WAYS], sizes as 4k+2m; no ways: fully associative. */
static error_t parse_array(struct options *options, const struct argp_state *state, char *text)
{
	static const char *const types[] = {
		[VM_TLB_DATA] = "data", [VM_TLB_CODE] = "code", [VM_TLB_UNIFIED] = "unified"};
	char *rest = NULL, *sizes_rest = NULL;
	const char *type = strtok_r(text, ":", &rest);
	const char *level_text = strtok_r(NULL, ":", &rest);
	char *sizes = strtok_r(NULL, ":", &rest);
	const char *entries_text = strtok_r(NULL, ":", &rest);
	const char *ways_text = strtok_r(NULL, ":", &rest);
	struct vm_tlb_fact fact = {.type = VM_TLB_DATA};
	uint64_t level, entries, ways = 0;

	if (entries_text == NULL)
		return command_refuse(state, "--array: TYPE:LEVEL:SIZES:ENTRIES[:WAYS]");
	while (fact.type <= VM_TLB_UNIFIED && strcmp(types[fact.type], type) != 0)
		fact.type++;
	if (fact.type > VM_TLB_UNIFIED)
		return command_refuse(
			state, "--array: \"%s\" is none of data, code, unified", type);
	error_t error = model_number(state, "--array level", level_text, 1, 2, &level);
	if (error == 0)
		error = model_number(state, "--array entries", entries_text, 1, 1 << 20, &entries);
	if (error == 0 && ways_text != NULL)
		error = model_number(state, "--array ways", ways_text, 1, 1 << 20, &ways);
	if (error != 0)
		return error;
	for (const char *size = strtok_r(sizes, "+", &sizes_rest); size != NULL;
		size = strtok_r(NULL, "+", &sizes_rest)) {
		unsigned shift;
		if (!model_page_shift(size, &shift))
			return command_refuse(state, "--array: a page is 4k, 2m or 1g");
		fact.pages_mask |= UINT64_C(1) << shift;
	}
	if (options->config.arrays_count == VM_TLB_ARRAYS_LIMIT)
		return command_refuse(state, "more than %d arrays", VM_TLB_ARRAYS_LIMIT);
	fact.level = (uint8_t)level;
	fact.entries = (uint32_t)entries;
	fact.ways = (uint32_t)ways;
	options->arrays[options->config.arrays_count++] = fact;
	return 0;
}

/* "2=32,3=16": entries of the cache of table pointers at each level. */
static error_t parse_structures(struct options *options, const struct argp_state *state, char *list)
{
	char *rest = NULL;

	for (char *word = strtok_r(list, ",", &rest); word != NULL;
		word = strtok_r(NULL, ",", &rest)) {
		char *equals = strchr(word, '=');
		uint64_t level, entries;
		if (equals == NULL)
			return command_refuse(state, "--structure-caches: LEVEL=ENTRIES,...");
		*equals = '\0';
		error_t error = model_number(
			state, "--structure-caches", word, 2, VM_PAGING_LEVELS_LIMIT, &level);
		if (error == 0)
			error = model_number(
				state, "--structure-caches", equals + 1, 0, 65536, &entries);
		if (error != 0)
			return error;
		options->config.structure_entries[level] = (uint32_t)entries;
	}
	return 0;
}

/* LEVEL-1,LEVEL-2,REFERENCE,MEMORY in picoseconds. */
static error_t parse_costs(struct options *options, const struct argp_state *state, char *list)
{
	uint64_t *const values[] = {&options->costs.level_1_ps, &options->costs.level_2_ps,
		&options->costs.walk_reference_ps, &options->costs.memory_ps};
	char *rest = NULL;
	const char *word = strtok_r(list, ",", &rest);

	for (size_t i = 0; i < 4; i++, word = strtok_r(NULL, ",", &rest)) {
		if (word == NULL)
			return command_refuse(
				state, "--costs: LEVEL-1,LEVEL-2,REFERENCE,MEMORY in ps");
		const error_t error =
			model_number(state, "--costs", word, 0, 1000000000, values[i]);
		if (error != 0)
			return error;
	}
	return 0;
}

static error_t parse_replacement(
	struct options *options, const struct argp_state *state, const char *word)
{
	static const char *const words[] = {
		[VM_TLB_LRU] = "lru", [VM_TLB_PSEUDO_LRU] = "plru", [VM_TLB_RANDOM] = "random"};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(words[i], word) == 0) {
			options->config.replacement = (enum vm_tlb_replacement)i;
			return 0;
		}
	return command_refuse(state, "--replacement: \"%s\" is none of lru, plru, random", word);
}

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
	struct options *options = state->input;
	unsigned host_shift;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &options->output;
		state->child_inputs[1] = &options->string;
		return 0;
	case 'a':
		return parse_array(options, state, argument);
	case 'R':
		return parse_replacement(options, state, argument);
	case 's':
		if (model_page_shift(argument, &options->page_shift))
			return 0;
		return command_refuse(state, "--page: 4k, 2m or 1g, not \"%s\"", argument);
	case OPTION_ASID:
		options->config.address_space_ids = true;
		return 0;
	case OPTION_SPACES:
		return model_number(state, "--spaces", argument, 1, UINT16_MAX, &options->spaces);
	case OPTION_EVERY:
		return model_number(
			state, "--switch-every", argument, 1, UINT64_MAX, &options->switch_every);
	case OPTION_NESTED:
		if (!model_page_shift(argument, &host_shift))
			return command_refuse(state, "--nested: host pages of 4k, 2m or 1g");
		options->config.nested = true;
		options->config.host_page_shift = (uint8_t)host_shift;
		return 0;
	case OPTION_STRUCTURE:
		return parse_structures(options, state, argument);
	case OPTION_SEED:
		return model_number(
			state, "--seed", argument, 0, UINT64_MAX, &options->config.seed);
	case OPTION_COSTS:
		return parse_costs(options, state, argument);
	case OPTION_MODE:
		for (enum vm_paging i = 0; i < VM_PAGING_LIMIT; i++)
			if (strcmp(vm_paging_shape(i)->name, argument) == 0) {
				options->config.paging = i;
				return 0;
			}
		return command_refuse(state, "--mode: ia32, pae, 4-level or 5-level");
	case ARGP_KEY_ARG:
		return command_refuse(state, "\"%s\" is one argument too many", argument);
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option argp_options[] = {
	{"array", 'a', "TYPE:LEVEL:SIZES:ENTRIES[:WAYS]", 0,
		"data, code or unified; level 1 or 2; sizes as 4k+2m. Without any: the course's "
		"Core i7, "
		"64 data, 128 code, 512 second-level entries",
		1},
	{"replacement", 'R', "lru|plru|random", 0, "Within a set (lru)", 1},
	{"page", 's', "4k|2m|1g", 0, "The program's pages (4k); the string counts 4 KiB pages", 1},
	{"asid", OPTION_ASID, NULL, 0, "Entries carry the address space: no flush at a switch", 2},
	{"spaces", OPTION_SPACES, "N", 0, "Address spaces that take turns (1)", 2},
	{"switch-every", OPTION_EVERY, "N", 0, "References between switches (1000)", 2},
	{"mode", OPTION_MODE, "MODE", 0, "Tables walked: ia32, pae, 4-level, 5-level (4-level)", 3},
	{"structure-caches", OPTION_STRUCTURE, "LEVEL=ENTRIES,...", 0, "E.g. 2=32,3=16", 3},
	{"nested", OPTION_NESTED, "4k|2m|1g", 0, "Under a host with four levels and such pages", 3},
	{"seed", OPTION_SEED, "N", 0, "Of random replacement (0)", 3},
	{"costs", OPTION_COSTS, "L1,L2,REFERENCE,MEMORY", 0,
		"Picoseconds, for the effective access time (500,2500,20000,100000)", 3},
	{0},
};

static const struct argp_child children[] = {
	{.argp = &model_output_argp}, {.argp = &model_string_argp}, {0}};

static const struct argp argp = {
	.options = argp_options,
	.parser = parse_option,
	.children = children,
	.doc = "Simulates translation buffers: hits, misses, references of the walks, reach, "
	       "time.\v"
	       "The same string in small and in large pages:\n"
	       "  mmconform model tlb -g uniform:pages=100000,count=1000000\n"
	       "  mmconform model tlb --page 2m -g uniform:pages=100000,count=1000000",
};

/* Every space maps everything; frames differ by space, so that a wrong hit would show. */
static bool walk(
	void *context, uint16_t space, const struct vm_access *access, struct vm_tlb_page *page)
{
	const struct options *options = context;

	*page = (struct vm_tlb_page){
		.physical = vm_align_down(access->address, UINT64_C(1) << options->page_shift) ^
			    (uint64_t)space << 46,
		.page_shift = (uint8_t)options->page_shift,
		.rights = {.user = true, .writable = true, .executable = true},
	};
	return true;
}

static void run(struct options *options, const struct trace *trace, struct vm_tlb *tlb)
{
	const struct vm_mmu mmu = {
		.paging = options->config.paging, .physical_bits = 52, .write_protect = true};
	const uint64_t address_mask =
		(UINT64_C(1) << (vm_paging_shape(mmu.paging)->virtual_bits - 1)) - 1;

	for (size_t i = 0; i < trace->count; i++) {
		const uint32_t reference = trace->references[i];
		const uint64_t page = trace->intern.keys[vm_reference_page(reference)];
		const struct vm_access access = {
			.address = vm_pages_to_bytes(page) & address_mask,
			.kind = vm_reference_writes(reference) ? VM_ACCESS_WRITE : VM_ACCESS_READ,
			.user = true,
		};
		if (options->spaces > 1 && i % options->switch_every == 0)
			vm_tlb_switch(tlb, (uint16_t)(i / options->switch_every % options->spaces));
		(void)vm_tlb_access(tlb, &mmu, &access, walk, options);
	}
}

static uint64_t reach_of(const struct options *options)
{
	uint64_t reach_bytes = 0;

	for (size_t i = 0; i < options->config.arrays_count; i++) {
		const struct vm_tlb_fact *fact = &options->arrays[i];
		const bool serves = fact->type != VM_TLB_CODE &&
				    (fact->pages_mask >> options->page_shift & 1) != 0;
		const uint64_t reach = vm_tlb_reach_bytes(fact, options->page_shift);
		if (serves && reach > reach_bytes)
			reach_bytes = reach;
	}
	return reach_bytes;
}

static const struct sheet_column columns[] = {{"accesses", false}, {"level_1_hits", false},
	{"level_2_hits", false}, {"walks", false}, {"dirty_walks", false},
	{"walk_references", false}, {"references_a_full_walk", false}, {"structure_hits", false},
	{"misses_per_million", false}, {"flushes", false}, {"reach_bytes", false},
	{"mean_access_ps", false}};

static void report(const struct options *options, const struct vm_tlb_counts *counts)
{
	struct sheet sheet;
	const struct sheet_cell cells[] = {SHEET_NUMBER(counts->accesses),
		SHEET_NUMBER(counts->level_1_hits), SHEET_NUMBER(counts->level_2_hits),
		SHEET_NUMBER(counts->walks), SHEET_NUMBER(counts->dirty_walks),
		SHEET_NUMBER(counts->walk_references),
		SHEET_NUMBER(vm_tlb_walk_references(&options->config, options->page_shift)),
		SHEET_NUMBER(counts->structure_hits),
		SHEET_NUMBER(counts->walks * 1000000 / counts->accesses),
		SHEET_NUMBER(counts->flushes), SHEET_NUMBER(reach_of(options)),
		SHEET_NUMBER(vm_tlb_time_ps(counts, &options->costs) / counts->accesses)};

	sheet_open(&sheet, options->output.format, columns, sizeof(columns) / sizeof(columns[0]));
	sheet_row(&sheet, cells);
	sheet_close(&sheet);
}

int model_tlb(int argc, char **argv)
{
	/* gios: a Core i7. A size in the mask is the bit with its number of bytes. */
	static const struct vm_tlb_fact core_i7[] = {
		{VM_TLB_DATA, 1, VM_PAGE_BYTES | VM_HUGE_2M_BYTES, 64, 4},
		{VM_TLB_CODE, 1, VM_PAGE_BYTES, 128, 4},
		{VM_TLB_UNIFIED, 2, VM_PAGE_BYTES, 512, 4},
	};
	struct trace TRACE_DROPS trace = {0};
	struct options options = {.string = MODEL_STRING_DEFAULTS,
		.config = {.paging = VM_PAGING_LEVEL4, .host_paging = VM_PAGING_LEVEL4},
		.costs = {500, 2500, 20000, 100000},
		.page_shift = VM_PAGE_SHIFT,
		.spaces = 1,
		.switch_every = 1000};

	if (!command_parse(&argp, argc, argv, &options))
		return EXIT_MISUSED;
	if (options.config.arrays_count == 0) {
		memcpy(options.arrays, core_i7, sizeof(core_i7));
		options.config.arrays_count = sizeof(core_i7) / sizeof(core_i7[0]);
	}
	options.config.arrays = options.arrays;
	const char *problem = vm_tlb_config_problem(&options.config);
	if (problem != NULL) {
		message("tlb: %s", problem);
		return EXIT_MISUSED;
	}
	if (!model_load_string(&options.string, &trace))
		return EXIT_MISUSED;
	struct vm_arena ARENA_DROPS arena = model_arena(vm_tlb_bytes(&options.config));
	struct vm_tlb *tlb = vm_tlb_create(&options.config, &arena);
	if (tlb == NULL)
		abort();
	run(&options, &trace, tlb);
	report(&options, vm_tlb_counts(tlb));
	return EXIT_CONFORMS;
}
