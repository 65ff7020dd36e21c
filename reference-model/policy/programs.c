/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/programs.h"

#include "policy/links.h"
#include "vm/replace.h"

enum program_state { READY, BLOCKED, OUT, ENDED };

struct page {
	uint64_t used_at; /* by the program's own references, plus 1 */
	bool resident, dirty;
};

struct program {
	enum program_state state;
	size_t position;
	uint64_t ready_at, came_at; /* ticks; own references when last admitted */
	uint32_t first_page;	    /* in the arrays over all programs */
	uint32_t resident;
	uint32_t working_set; /* when it was last looked at */
	uint32_t list;	      /* head of the LRU list that its pages are in */
};

struct machine {
	const struct vm_programs_config *config;
	struct vm_programs_result *result;
	struct vm_program_result *each;
	struct program *programs;
	struct page *pages;
	uint32_t *owner_of; /* by page: its program */
	struct links *links;
	uint64_t now, device_free_at;
	uint32_t used_frames;
	size_t turn;
};

const char *vm_programs_problem(const struct vm_programs_config *config)
{
	uint64_t pages = 0;

	if (config->programs_count == 0 || config->programs_count > UINT16_MAX)
		return "there must be 1 to 65535 programs";
	if (config->frames == 0 || config->quantum_references == 0)
		return "there must be at least one frame, and one reference in a quantum";
	if (config->scope == VM_SCOPE_LOCAL && config->frames < config->programs_count)
		return "every program needs at least one frame";
	if (config->admission == VM_ADMIT_BALANCE_SET && config->window_references == 0)
		return "the window of the working set must not be empty";
	for (size_t i = 0; i < config->programs_count; i++) {
		pages += config->programs[i].pages;
		if (config->admission == VM_ADMIT_WHOLE &&
			config->programs[i].pages > config->frames)
			return "a program is larger than the memory: swapped whole, it can never "
			       "run";
	}
	return pages >= UINT32_MAX / 2 ? "too many pages" : NULL;
}

static size_t all_pages(const struct vm_programs_config *config)
{
	size_t pages = 0;

	for (size_t i = 0; i < config->programs_count; i++)
		pages += config->programs[i].pages;
	return pages;
}

size_t vm_programs_bytes(const struct vm_programs_config *config)
{
	const size_t pages = all_pages(config), programs = config->programs_count;

	return programs * sizeof(struct program) +
	       pages * (sizeof(struct page) + sizeof(uint32_t)) +
	       (pages + programs) * sizeof(struct links) + 5 * _Alignof(max_align_t);
}

/* The device serves one transfer after the other; returns when it has done these. */
static uint64_t transfer(struct machine *machine, size_t program, uint64_t pages)
{
	const uint64_t ticks = pages * machine->config->transfer_ticks;
	const uint64_t start =
		machine->device_free_at > machine->now ? machine->device_free_at : machine->now;

	machine->device_free_at = start + ticks;
	machine->result->device_ticks += ticks;
	machine->result->transfers += pages;
	machine->each[program].transfers += pages;
	return machine->device_free_at;
}

/* Returns whether the page has to be written. */
static bool drop_page(struct machine *machine, uint32_t number)
{
	struct page *page = &machine->pages[number];
	const bool dirty = page->dirty;

	links_remove(machine->links, number);
	page->resident = page->dirty = false;
	machine->programs[machine->owner_of[number]].resident--;
	machine->used_frames--;
	return dirty;
}

static void add_page(struct machine *machine, struct program *program, uint32_t number)
{
	machine->pages[number].resident = true;
	links_add_first(machine->links, program->list, number);
	program->resident++;
	machine->used_frames++;
}

/* What one program may have: its share, or all. */
static bool must_replace(const struct machine *machine, const struct program *program)
{
	const struct vm_programs_config *config = machine->config;

	switch (config->scope) {
	case VM_SCOPE_GLOBAL:
		return machine->used_frames == config->frames;
	case VM_SCOPE_LOCAL:
		return program->resident >= config->frames / config->programs_count;
	}
	return true;
}

static uint32_t working_set_of(const struct machine *machine, size_t index)
{
	const struct program *program = &machine->programs[index];
	uint32_t size = 0;

	for (uint32_t i = 0; i < machine->config->programs[index].pages; i++) {
		const uint64_t used_at = machine->pages[program->first_page + i].used_at;
		size += used_at != 0 &&
			program->position - (used_at - 1) <= machine->config->window_references;
	}
	return size;
}

/* Memory that the program claims while it may run. */
static uint32_t demand_of(const struct machine *machine, size_t index)
{
	switch (machine->config->admission) {
	case VM_ADMIT_ALL:
		return 0;
	case VM_ADMIT_BALANCE_SET:
		return machine->programs[index].working_set;
	case VM_ADMIT_WHOLE:
		return machine->config->programs[index].pages;
	}
	return 0;
}

static uint64_t demand_of_admitted(const struct machine *machine)
{
	uint64_t demand = 0;

	for (size_t i = 0; i < machine->config->programs_count; i++)
		if (machine->programs[i].state == READY || machine->programs[i].state == BLOCKED)
			demand += demand_of(machine, i);
	return demand;
}

static void swap_out(struct machine *machine, size_t index)
{
	struct program *program = &machine->programs[index];
	uint64_t dirty = 0;

	for (uint32_t i = 0; i < machine->config->programs[index].pages; i++)
		if (machine->pages[program->first_page + i].resident)
			dirty += drop_page(machine, program->first_page + i);
	(void)transfer(machine, index, dirty);
	machine->each[index].swapped_out++;
	program->state = OUT;
}

/* Comes in with its working set, or whole: one long transfer. */
static void swap_in(struct machine *machine, size_t index)
{
	struct program *program = &machine->programs[index];
	const bool whole = machine->config->admission == VM_ADMIT_WHOLE;
	uint64_t read = 0;

	for (uint32_t i = 0; i < machine->config->programs[index].pages; i++) {
		const uint32_t number = program->first_page + i;
		const uint64_t used_at = machine->pages[number].used_at;
		const bool wanted = used_at != 0 && program->position - (used_at - 1) <=
							    machine->config->window_references;
		if (machine->pages[number].resident || !(whole || wanted) ||
			must_replace(machine, program))
			continue;
		add_page(machine, program, number);
		read++;
	}
	program->ready_at = transfer(machine, index, read);
	program->came_at = program->position;
	program->state = BLOCKED;
	machine->each[index].swapped_in++;
}

/* Whoever waits and fits comes in, in the order of the programs from this turn on. */
static void admit(struct machine *machine)
{
	const size_t count = machine->config->programs_count;
	bool anyone = false;

	for (size_t i = 0; i < count; i++)
		anyone = anyone || machine->programs[i].state == READY ||
			 machine->programs[i].state == BLOCKED;
	for (size_t i = 0; i < count; i++) {
		const size_t index = (machine->turn + i) % count;
		const uint64_t demand = demand_of_admitted(machine) + demand_of(machine, index);
		if (machine->programs[index].state != OUT ||
			(anyone && demand > machine->config->frames))
			continue;
		swap_in(machine, index);
		anyone = true;
	}
}

static bool somebody_waits(const struct machine *machine)
{
	for (size_t i = 0; i < machine->config->programs_count; i++)
		if (machine->programs[i].state == OUT)
			return true;
	return false;
}

/* Its working set has grown beyond what the others leave: it goes, unless it is alone. */
static bool leaves_balance_set(struct machine *machine, size_t index)
{
	struct program *program = &machine->programs[index];

	program->working_set = working_set_of(machine, index);
	const uint64_t demand = demand_of_admitted(machine);
	if (demand <= machine->config->frames || program->working_set == demand)
		return false;
	swap_out(machine, index);
	return true;
}

/* After its quantum: may the program stay in memory? */
static void reconsider(struct machine *machine, size_t index)
{
	struct program *program = &machine->programs[index];
	const struct vm_programs_config *config = machine->config;

	switch (config->admission) {
	case VM_ADMIT_ALL:
		return;
	case VM_ADMIT_BALANCE_SET:
		(void)leaves_balance_set(machine, index);
		break;
	case VM_ADMIT_WHOLE:
		if (program->position - program->came_at >= config->stay_references &&
			somebody_waits(machine))
			swap_out(machine, index);
		break;
	}
	admit(machine);
}

/* The page comes in; the program is blocked until the device is done. */
static void fault(struct machine *machine, size_t index, uint32_t number)
{
	struct program *program = &machine->programs[index];
	uint64_t transfers = 1;

	machine->each[index].faults++;
	machine->result->faults++;
	if (machine->config->admission == VM_ADMIT_BALANCE_SET &&
		leaves_balance_set(machine, index)) {
		admit(machine);
		return;
	}
	if (must_replace(machine, program))
		transfers += drop_page(machine, machine->links[program->list].before);
	add_page(machine, program, number);
	program->ready_at = transfer(machine, index, transfers);
	program->state = BLOCKED;
}

/* Until a fault, the end of the quantum, or the end. */
static void run_program(struct machine *machine, size_t index)
{
	struct program *program = &machine->programs[index];
	const struct vm_program *script = &machine->config->programs[index];

	for (uint64_t i = 0; i < machine->config->quantum_references; i++) {
		if (program->position == script->count) {
			for (uint32_t j = 0; j < script->pages; j++)
				if (machine->pages[program->first_page + j].resident)
					(void)drop_page(machine, program->first_page + j);
			program->state = ENDED;
			machine->each[index].ended_at_ticks = machine->now;
			admit(machine);
			return;
		}
		const uint32_t reference = script->references[program->position];
		const uint32_t number = program->first_page + vm_reference_page(reference);
		struct page *page = &machine->pages[number];
		VM_ASSERT(vm_reference_page(reference) < script->pages);
		if (!page->resident) {
			fault(machine, index, number);
			return;
		}
		links_remove(machine->links, number);
		links_add_first(machine->links, program->list, number);
		page->used_at = ++program->position;
		page->dirty = page->dirty || vm_reference_writes(reference);
		machine->now++;
		machine->result->busy_ticks++;
	}
	reconsider(machine, index);
}

/* The next ready program after this turn; if all wait for the device, so does the processor. */
static bool next_program(struct machine *machine, size_t *index)
{
	const size_t count = machine->config->programs_count;

	for (;;) {
		uint64_t earliest = UINT64_MAX;
		for (size_t i = 0; i < count; i++) {
			const size_t at = (machine->turn + i) % count;
			struct program *program = &machine->programs[at];
			if (program->state == BLOCKED && program->ready_at <= machine->now)
				program->state = READY;
			if (program->state == READY) {
				*index = at;
				return true;
			}
			if (program->state == BLOCKED && program->ready_at < earliest)
				earliest = program->ready_at;
		}
		if (earliest == UINT64_MAX)
			return false;
		machine->now = earliest;
	}
}

static bool create(struct machine *machine, struct vm_arena *arena)
{
	const struct vm_programs_config *config = machine->config;
	const size_t pages = all_pages(config), programs = config->programs_count;
	uint32_t first_page = 0;

	machine->programs =
		vm_arena_take(arena, programs * sizeof(struct program), _Alignof(struct program));
	machine->pages = vm_arena_take(arena, pages * sizeof(struct page), _Alignof(struct page));
	machine->owner_of = vm_arena_take(arena, pages * sizeof(uint32_t), _Alignof(uint32_t));
	machine->links = vm_arena_take(
		arena, (pages + programs) * sizeof(struct links), _Alignof(struct links));
	if (machine->programs == NULL || machine->pages == NULL || machine->owner_of == NULL ||
		machine->links == NULL)
		return false;
	for (size_t i = 0; i < programs; i++) {
		const uint32_t head = (uint32_t)(pages + i);
		links_make_empty(machine->links, head);
		machine->programs[i] = (struct program){
			.state = config->admission == VM_ADMIT_WHOLE ? OUT : READY,
			.first_page = first_page,
			.list = config->scope == VM_SCOPE_GLOBAL ? (uint32_t)pages : head,
		};
		machine->each[i] = (struct vm_program_result){0};
		for (uint32_t j = 0; j < config->programs[i].pages; j++)
			machine->owner_of[first_page + j] = (uint32_t)i;
		first_page += config->programs[i].pages;
	}
	return true;
}

bool vm_programs_run(const struct vm_programs_config *config, struct vm_programs_result *result,
	struct vm_program_result *each, struct vm_arena *arena)
{
	struct machine machine = {.config = config, .result = result, .each = each};
	size_t index;

	VM_ASSERT(vm_programs_problem(config) == NULL);
	*result = (struct vm_programs_result){0};
	if (!create(&machine, arena))
		return false;
	admit(&machine);
	while (next_program(&machine, &index)) {
		machine.turn = index + 1;
		run_program(&machine, index);
	}
	result->ticks = machine.now;
	return true;
}
