/* SPDX-License-Identifier: Apache-2.0 */
/* mmconform model walk: x86 tables built for a few mappings, and one access walked and drawn. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/message.h"
#include "base/pool.h"
#include "model/model.h"
#include "vm/walk.h"

#define MAPPINGS_LIMIT 64
#define ACCESSES_LIMIT 64
/* Tables lie in a small memory of their own; mapped frames need none. */
#define MEMORY_PAGES 1024
/* Where the host of a nested walk keeps the guest's tables: anywhere but at the same address. */
#define HOST_OFFSET_BYTES (64 * VM_HUGE_1G_BYTES)

struct mapping {
	uint64_t address, target, flags;
	unsigned shift;
};

struct options {
	struct model_output_options output;
	struct vm_mmu mmu;
	bool nested;
	size_t mappings_count, accesses_count;
	struct mapping mappings[MAPPINGS_LIMIT];
	struct vm_access accesses[ACCESSES_LIMIT];
};

struct memory {
	unsigned char *bytes;
	uint64_t base, used_bytes;
};

enum {
	OPTION_BITS = 0x200,
	OPTION_NO_WP,
	OPTION_NO_NX,
	OPTION_SMEP,
	OPTION_SMAP,
	OPTION_AC,
	OPTION_PKRU,
	OPTION_NO_1G,
	OPTION_NESTED,
	OPTION_USER_BIT,
	OPTION_NO_LARGE,
	OPTION_LATE
};

/* Flags of a mapping: w u x (executable) g a d, and kN for a key. Without x a page has NX. */
static bool parse_flags(const char *at, uint64_t *flags)
{
	*flags = VM_PTE_PRESENT | VM_PTE_NO_EXECUTE;
	for (; *at != '\0'; at++) {
		switch (*at) {
		case 'r':
			break;
		case 'w':
			*flags |= VM_PTE_WRITABLE;
			break;
		case 'u':
			*flags |= VM_PTE_USER;
			break;
		case 'x':
			*flags &= ~VM_PTE_NO_EXECUTE;
			break;
		case 'g':
			*flags |= VM_PTE_GLOBAL;
			break;
		case 'a':
			*flags |= VM_PTE_ACCESSED;
			break;
		case 'd':
			*flags |= VM_PTE_DIRTY;
			break;
		case '-':
			*flags &= ~VM_PTE_PRESENT;
			break;
		case 'k': {
			char *end;
			const unsigned long key = strtoul(at + 1, &end, 10);
			if (end == at + 1 || key > 15)
				return false;
			*flags |= (uint64_t)key << VM_PTE_KEY_SHIFT;
			at = end - 1;
			break;
		}
		default:
			return false;
		}
	}
	return true;
}

/* ADDRESS=FRAME[,FLAGS[,SIZE]] */
static error_t parse_mapping(struct options *options, const struct argp_state *state, char *text)
{
	struct mapping mapping = {.shift = VM_PAGE_SHIFT};
	char *rest = NULL;
	const char *pair = strtok_r(text, ",", &rest);
	const char *flags = strtok_r(NULL, ",", &rest);
	const char *size = strtok_r(NULL, ",", &rest);
	char *equals = pair == NULL ? NULL : strchr(pair, '=');
	uint64_t size_bytes = VM_PAGE_BYTES;

	if (equals == NULL || rest == NULL || *rest != '\0')
		return command_refuse(state, "--map: ADDRESS=PHYSICAL[,FLAGS[,SIZE]]");
	*equals = '\0';
	error_t error = model_number(state, "--map", pair, 0, UINT64_MAX, &mapping.address);
	if (error == 0)
		error = model_number(state, "--map", equals + 1, 0,
			(UINT64_C(1) << VM_PTE_ADDRESS_BITS) - 1, &mapping.target);
	if (error == 0 && size != NULL)
		error = model_number(
			state, "--map", size, VM_PAGE_BYTES, VM_HUGE_1G_BYTES, &size_bytes);
	if (error != 0)
		return error;
	if (!parse_flags(flags == NULL ? "wu" : flags, &mapping.flags))
		return command_refuse(state, "--map: flags are of r w u x g a d - kN");
	if (options->mappings_count == MAPPINGS_LIMIT)
		return command_refuse(state, "more than %d mappings", MAPPINGS_LIMIT);
	mapping.shift = (unsigned)__builtin_ctzll(size_bytes);
	options->mappings[options->mappings_count++] = mapping;
	return 0;
}

/* ADDRESS[:r|w|x][s] : s is the supervisor */
static error_t parse_access(struct options *options, const struct argp_state *state, char *text)
{
	char *colon = strchr(text, ':');
	struct vm_access access = {.kind = VM_ACCESS_READ, .user = true};

	if (options->accesses_count == ACCESSES_LIMIT)
		return command_refuse(state, "more than %d accesses", ACCESSES_LIMIT);
	if (colon != NULL)
		*colon = '\0';
	for (const char *at = colon == NULL ? "" : colon + 1; *at != '\0'; at++) {
		if (*at == 's')
			access.user = false;
		else if (*at == 'w')
			access.kind = VM_ACCESS_WRITE;
		else if (*at == 'x')
			access.kind = VM_ACCESS_FETCH;
		else if (*at != 'r')
			return command_refuse(state, "an access is ADDRESS[:r|w|x][s]");
	}
	const error_t error = model_number(state, "address", text, 0, UINT64_MAX, &access.address);
	if (error == 0)
		options->accesses[options->accesses_count++] = access;
	return error;
}

static error_t parse_register(
	int key, const char *argument, struct argp_state *state, struct vm_mmu *mmu)
{
	uint64_t number = 0;
	error_t error;

	switch (key) {
	case OPTION_BITS:
		error = model_number(state, "--physical-bits", argument, 32, 52, &number);
		mmu->physical_bits = (uint8_t)number;
		return error;
	case OPTION_PKRU:
		error = model_number(state, "--pkru", argument, 0, UINT32_MAX, &number);
		mmu->pkru = (uint32_t)number;
		mmu->protection_keys = true;
		return error;
	case OPTION_NO_WP:
		mmu->write_protect = false;
		return 0;
	case OPTION_NO_NX:
		mmu->no_execute = false;
		return 0;
	case OPTION_SMEP:
		mmu->smep = true;
		return 0;
	case OPTION_SMAP:
		mmu->smap = true;
		return 0;
	case OPTION_AC:
		mmu->alignment_check = true;
		return 0;
	case OPTION_NO_1G:
		mmu->page_1g = false;
		return 0;
	case OPTION_USER_BIT:
		mmu->user_bit = VM_USER_BIT_CLEAR_IS_USER;
		return 0;
	case OPTION_NO_LARGE:
		mmu->large_leaf = VM_LARGE_LEAF_TAKEN_FOR_TABLE;
		return 0;
	case OPTION_LATE:
		mmu->accessed_update = VM_ACCESSED_IF_ALLOWED;
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
		return 0;
	case 'm':
		for (enum vm_paging i = 0; i < VM_PAGING_LIMIT; i++)
			if (strcmp(vm_paging_shape(i)->name, argument) == 0) {
				options->mmu.paging = i;
				return 0;
			}
		return command_refuse(
			state, "--mode: \"%s\" is none of ia32, pae, 4-level, 5-level", argument);
	case 'M':
		return parse_mapping(options, state, argument);
	case OPTION_NESTED:
		options->nested = true;
		return 0;
	case ARGP_KEY_ARG:
		return parse_access(options, state, argument);
	case ARGP_KEY_NO_ARGS:
		return command_refuse(state, "which access? ADDRESS[:r|w|x][s]");
	default:
		return parse_register(key, argument, state, &options->mmu);
	}
}

static const struct argp_option argp_options[] = {
	{"mode", 'm', "MODE", 0, "ia32, pae, 4-level, 5-level (4-level)", 1},
	{"map", 'M', "ADDRESS=PHYSICAL[,FLAGS[,SIZE]]", 0,
		"A page; flags of r w u x g a d - (absent) kN (key); wu without", 1},
	{"nested", OPTION_NESTED, NULL, 0, "The tables are a guest's, in four levels of a host", 1},
	{"physical-bits", OPTION_BITS, "N", 0, "MAXPHYADDR (48)", 2},
	{"no-wp", OPTION_NO_WP, NULL, 0, "CR0.WP clear", 2},
	{"no-nx", OPTION_NO_NX, NULL, 0, "EFER.NXE clear: bit 63 is reserved", 2},
	{"smep", OPTION_SMEP, NULL, 0, "CR4.SMEP", 2},
	{"smap", OPTION_SMAP, NULL, 0, "CR4.SMAP", 2},
	{"ac", OPTION_AC, NULL, 0, "RFLAGS.AC", 2},
	{"pkru", OPTION_PKRU, "N", 0, "Protection keys on, with this register", 2},
	{"no-1g", OPTION_NO_1G, NULL, 0, "The processor has no pages of 1 GiB", 2},
	{"late-accessed", OPTION_LATE, NULL, 0, "Upper accessed bits only if the access is allowed",
		2},
	{"user-bit-as-printed", OPTION_USER_BIT, NULL, 0, "One source: U/S 0 is user", 3},
	{"walker-as-printed", OPTION_NO_LARGE, NULL, 0, "The lecture's walker: no large leaves", 3},
	{0},
};

static const struct argp_child children[] = {{.argp = &model_output_argp}, {0}};

static const struct argp argp = {
	.options = argp_options,
	.parser = parse_option,
	.args_doc = "ADDRESS[:r|w|x][s]...",
	.children = children,
	.doc = "Builds tables for the mappings and walks them as the processor does.\v"
	       "A write to a read-only page:\n"
	       "  mmconform model walk --map 0x400000=0x5000,u 0x400123:w",
};

static bool load(void *context, uint64_t address, unsigned entry_bytes, uint64_t *value)
{
	const struct memory *memory = context;
	const uint64_t offset = address - memory->base;

	if (address < memory->base || offset > vm_pages_to_bytes(MEMORY_PAGES) - entry_bytes)
		return false;
	*value = 0;
	memcpy(value, memory->bytes + offset, entry_bytes);
	return true;
}

static void store(void *context, uint64_t address, unsigned entry_bytes, uint64_t value)
{
	const struct memory *memory = context;

	memcpy(memory->bytes + (address - memory->base), &value, entry_bytes);
}

static bool take_frame(void *context, unsigned level, uint64_t *address)
{
	struct memory *memory = context;

	(void)level;
	if (memory->used_bytes == vm_pages_to_bytes(MEMORY_PAGES))
		return false;
	*address = memory->base + memory->used_bytes;
	memory->used_bytes += VM_PAGE_BYTES;
	return true;
}

static struct vm_physical over(struct memory *memory)
{
	return (struct vm_physical){memory, load, store};
}

static bool build(const struct options *options, const struct vm_mmu *mmu, struct memory *memory)
{
	static const char *const reasons[] = {
		[VM_MAP_NO_FRAME] = "too many tables",
		[VM_MAP_NO_MEMORY] = "a table lies outside memory",
		[VM_MAP_IS_LARGE] = "a larger page is in the way",
		[VM_MAP_IS_TABLE] = "smaller pages are in the way",
		[VM_MAP_MISALIGNED] = "not aligned to the page",
		[VM_MAP_NOT_POSSIBLE] = "this mode has no such page there",
	};
	const struct vm_paging_shape *shape = vm_paging_shape(mmu->paging);
	const struct vm_physical physical = over(memory);

	for (size_t i = 0; i < options->mappings_count; i++) {
		const struct mapping *mapping = &options->mappings[i];
		const uint64_t flags = mmu->paging == VM_PAGING_IA32 ? mapping->flags & UINT32_MAX
								     : mapping->flags;
		unsigned level = 1;
		while (level < shape->levels && vm_level_shift(shape, level) < mapping->shift)
			level++;
		const enum vm_map_outcome outcome =
			vm_level_shift(shape, level) != mapping->shift
				? VM_MAP_NOT_POSSIBLE
				: vm_map_page(mmu, &physical, take_frame, memory, mapping->address,
					  mapping->target, level, flags);
		if (outcome != VM_MAP_DONE) {
			message("--map 0x%" PRIx64 ": %s", mapping->address, reasons[outcome]);
			return false;
		}
	}
	return true;
}

static const char *flags_of(struct pool *pool, uint64_t entry)
{
	return pool_format(pool, "%s%s%s%s%s%s%s", (entry & VM_PTE_PRESENT) != 0 ? "P" : "-",
		(entry & VM_PTE_WRITABLE) != 0 ? "W" : "-", (entry & VM_PTE_USER) != 0 ? "U" : "-",
		(entry & VM_PTE_ACCESSED) != 0 ? "A" : "-", (entry & VM_PTE_DIRTY) != 0 ? "D" : "-",
		(entry & VM_PTE_LARGE) != 0 ? "L" : "-",
		(entry & VM_PTE_NO_EXECUTE) != 0 ? "N" : "-");
}

static const char *outcome_of(struct pool *pool, const struct vm_walk *walk)
{
	switch (walk->outcome) {
	case VM_WALK_TRANSLATED:
		return pool_format(pool, "physical 0x%" PRIx64, walk->physical);
	case VM_WALK_PAGE_FAULT:
		return pool_format(pool, "page fault, error code 0x%" PRIx32 " (%s%s%s%s%s%s)",
			walk->error_code,
			(walk->error_code & VM_FAULT_PROTECTION) != 0 ? "protection"
								      : "not present",
			(walk->error_code & VM_FAULT_WRITE) != 0 ? ", write" : "",
			(walk->error_code & VM_FAULT_USER) != 0 ? ", user" : ", supervisor",
			(walk->error_code & VM_FAULT_RESERVED) != 0 ? ", reserved bit" : "",
			(walk->error_code & VM_FAULT_FETCH) != 0 ? ", fetch" : "",
			(walk->error_code & VM_FAULT_KEY) != 0 ? ", key" : "");
	case VM_WALK_GENERAL_PROTECTION:
		return "general protection: not canonical, or a reserved bit in a PAE pointer";
	case VM_WALK_NO_MEMORY:
		return "a table lies where there is no memory";
	}
	return "";
}

static void draw(const struct vm_access *access, const struct vm_walk *walk, uint64_t references)
{
	static const char *const kinds[] = {"read", "write", "fetch"};
	struct pool POOL_DROPS pool = {0};

	(void)printf("%s of 0x%" PRIx64 " by the %s\n", kinds[access->kind], access->address,
		access->user ? "user" : "supervisor");
	for (unsigned i = 0; i < walk->steps_count; i++) {
		const struct vm_walk_step *step = &walk->steps[i];
		(void)printf("%*slevel %u  [%3u] at 0x%08" PRIx64 "  0x%016" PRIx64 "  %s%s%s\n",
			(int)(2 * i), "", step->level, step->index, step->entry_address,
			step->before, flags_of(&pool, step->before),
			step->after != step->before ? " -> " : "",
			step->after != step->before ? flags_of(&pool, step->after) : "");
	}
	(void)printf(
		"  => %s; %" PRIu64 " memory references\n\n", outcome_of(&pool, walk), references);
}

static const struct sheet_column columns[] = {{"address", true}, {"access", true},
	{"outcome", true}, {"error_code", false}, {"physical", true}, {"page_bytes", false},
	{"fault_level", false}, {"references", false}};

static void row(struct sheet *sheet, const struct vm_access *access, const struct vm_walk *walk,
	uint64_t references)
{
	static const char *const outcomes[] = {
		"translated", "page-fault", "general-protection", "no-memory"};
	static const char *const kinds[] = {"read", "write", "fetch"};
	struct pool POOL_DROPS pool = {0};
	const struct sheet_cell cells[] = {
		SHEET_WORD(pool_format(&pool, "0x%" PRIx64, access->address)),
		SHEET_WORD(pool_format(&pool, "%s by %s", kinds[access->kind],
			access->user ? "user" : "supervisor")),
		SHEET_WORD(outcomes[walk->outcome]), SHEET_NUMBER(walk->error_code),
		SHEET_WORD(walk->outcome == VM_WALK_TRANSLATED
				   ? pool_format(&pool, "0x%" PRIx64, walk->physical)
				   : ""),
		SHEET_NUMBER(walk->page_shift == 0 ? 0 : UINT64_C(1) << walk->page_shift),
		SHEET_NUMBER(walk->fault_level), SHEET_NUMBER(references)};

	sheet_row(sheet, cells);
}

/* A host that maps the guest's memory of tables, and whatever the mappings lead to. */
static bool build_host(const struct options *options, struct memory *memory,
	struct vm_nested *nested, struct memory *host_tables)
{
	const uint64_t flags = VM_PTE_PRESENT | VM_PTE_WRITABLE | VM_PTE_USER;
	const struct vm_physical physical = over(host_tables);

	nested->host = options->mmu;
	nested->host.paging = VM_PAGING_LEVEL4;
	nested->host.smap = nested->host.smep = nested->host.protection_keys = false;
	(void)take_frame(host_tables, 4, &nested->host.root);
	for (uint64_t page = 0; page < MEMORY_PAGES; page++)
		if (vm_map_page(&nested->host, &physical, take_frame, host_tables,
			    vm_pages_to_bytes(page), memory->base + vm_pages_to_bytes(page), 1,
			    flags) != VM_MAP_DONE)
			return false;
	for (size_t i = 0; i < options->mappings_count; i++) {
		const uint64_t guest = vm_align_down(options->mappings[i].target, VM_PAGE_BYTES);
		if (guest < vm_pages_to_bytes(MEMORY_PAGES))
			continue;
		if (vm_map_page(&nested->host, &physical, take_frame, host_tables, guest,
			    guest + HOST_OFFSET_BYTES, 1, flags) != VM_MAP_DONE) {
			message("the host has no room for 0x%" PRIx64, guest);
			return false;
		}
	}
	return true;
}

/* Host tables and the guest's memory lie in one memory; a load looks into both. */
struct host_memory {
	struct memory guest, tables;
};

static struct memory *part_of(struct host_memory *host, uint64_t address)
{
	return address >= host->tables.base ? &host->tables : &host->guest;
}

static bool load_host(void *context, uint64_t address, unsigned entry_bytes, uint64_t *value)
{
	return load(part_of(context, address), address, entry_bytes, value);
}

static void store_host(void *context, uint64_t address, unsigned entry_bytes, uint64_t value)
{
	store(part_of(context, address), address, entry_bytes, value);
}

static bool walk_all(struct options *options, struct host_memory *host)
{
	struct memory guest_view = host->guest;
	struct vm_nested nested = {.memory = {host, load_host, store_host}};
	struct sheet sheet;

	/* The guest sees its memory from 0 on; the host keeps it elsewhere. */
	guest_view.base = 0;
	(void)take_frame(
		&guest_view, vm_paging_shape(options->mmu.paging)->levels, &options->mmu.root);
	if (!build(options, &options->mmu, &guest_view))
		return false;
	if (options->nested && !build_host(options, &host->guest, &nested, &host->tables))
		return false;
	if (options->output.format != SHEET_TEXT)
		sheet_open(&sheet, options->output.format, columns, 8);
	for (size_t i = 0; i < options->accesses_count; i++) {
		const struct vm_physical physical = over(&guest_view);
		const struct vm_access *access = &options->accesses[i];
		nested.references = 0;
		const struct vm_walk walk = options->nested
						    ? vm_walk_nested(&options->mmu, &nested, access)
						    : vm_walk(&options->mmu, &physical, access);
		const uint64_t references = options->nested ? nested.references : walk.steps_count;
		if (options->output.format == SHEET_TEXT)
			draw(access, &walk, references);
		else
			row(&sheet, access, &walk, references);
	}
	if (options->output.format != SHEET_TEXT)
		sheet_close(&sheet);
	return true;
}

int model_walk(int argc, char **argv)
{
	const size_t half_bytes = vm_pages_to_bytes(MEMORY_PAGES);
	struct vm_arena ARENA_DROPS arena = model_arena(2 * half_bytes);
	struct options options = {.mmu = {.paging = VM_PAGING_LEVEL4,
					  .physical_bits = 48,
					  .write_protect = true,
					  .large_pages = true,
					  .page_1g = true,
					  .no_execute = true}};
	struct host_memory host = {.guest = {.bytes = arena.base, .base = 2 * HOST_OFFSET_BYTES},
		.tables = {.bytes = arena.base + half_bytes, .base = 3 * HOST_OFFSET_BYTES}};

	memset(arena.base, 0, 2 * half_bytes);
	if (!command_parse(&argp, argc, argv, &options))
		return EXIT_MISUSED;
	return walk_all(&options, &host) ? EXIT_CONFORMS : EXIT_MISUSED;
}
