/* SPDX-License-Identifier: Apache-2.0 */
#include "scenario/lockstep.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scenario/reason.h"
#include "scenario/words.h"
#include "vm/oom.h"

#define BYTES_LIMIT	 ((size_t)1 << 20)
#define CHOICES_TRIED	 6
#define OWN_STEPS_LIMIT	 64
#define OWN_MISSES_LIMIT 200
#define CHECKPOINT_STEPS 32
/* Room for what a scenario swaps out, where it asks for swap. */
#define SWAP_PAGES UINT64_C(65536)
/* exec's leftovers and brk aside, this is where areas may lie: one page below 2^47. */
#define MMAP_TOP UINT64_C(0x7ffffffff000)

void lockstep_usual_start(const struct probe_needs *needs, uint64_t start[LIVE_START_LIMIT])
{
	memset(start, 0, LIVE_START_LIMIT * sizeof(start[0]));
	start[LIVE_START_AREAS] = 12;
	start[LIVE_START_TOTAL_PAGES] = 1000;
	start[LIVE_START_BREAK] = LIVE_BREAK_ADDRESS;
	start[LIVE_START_SURFACES] = LIVE_SURFACES_ALL;
	start[LIVE_START_RAM_PAGES] = vm_bytes_to_pages_floor(8 * VM_GIB_BYTES);
	if (needs->swap_bytes != 0)
		start[LIVE_START_SWAP_PAGES] = SWAP_PAGES;
	start[LIVE_START_SWAP_SYNCHRONOUS] = 1;
	start[LIVE_START_HUGE_2M_TOTAL] = needs->huge_2m_pages;
	start[LIVE_START_HUGE_2M_FREE] = needs->huge_2m_pages;
	start[LIVE_START_HUGE_1G_TOTAL] = needs->huge_1g_pages;
	start[LIVE_START_HUGE_1G_FREE] = needs->huge_1g_pages;
}

/* Words of LIVE_START: what is free, and from the total on what else there is to a pool. */
static struct vm_huge_pool pool_at(uint64_t free_pages, const uint64_t *words)
{
	return (struct vm_huge_pool){
		.total = words[0] > free_pages ? words[0] : free_pages,
		.free = free_pages,
		.reserved = words[1],
		.surplus = words[2],
	};
}

void lockstep_setup(const struct vm_host *host, const uint64_t start[LIVE_START_LIMIT],
	struct vm_machine_setup *setup)
{
	*setup = (struct vm_machine_setup){
		.limits = vm_machine_limits_usual(),
		.ram_pages = start[LIVE_START_RAM_PAGES],
		.swap_pages = start[LIVE_START_SWAP_PAGES],
		.swap_synchronous = start[LIVE_START_SWAP_SYNCHRONOUS] != 0,
		.break_address = start[LIVE_START_BREAK],
		.mmap_top = MMAP_TOP,
		.huge_2m =
			pool_at(start[LIVE_START_HUGE_2M_FREE], start + LIVE_START_HUGE_2M_TOTAL),
		.huge_2m_overcommit_pages = start[LIVE_START_HUGE_2M_OVERCOMMIT],
		.huge_1g =
			pool_at(start[LIVE_START_HUGE_1G_FREE], start + LIVE_START_HUGE_1G_TOTAL),
		.huge_1g_overcommit_pages = start[LIVE_START_HUGE_1G_OVERCOMMIT],
		.disk_large_folios = vm_host_has(host, VM_FEATURE_LARGE_FOLIO_FILES),
		.readahead_pages = start[LIVE_START_READAHEAD_PAGES] == LIVE_ABSENT
					   ? VM_READAHEAD_UNKNOWN
					   : (uint32_t)start[LIVE_START_READAHEAD_PAGES],
		.huge_choice_unknown = vm_host_has(host, VM_FEATURE_THP) &&
				       !host->knob[VM_KNOB_THP_ENABLED].present,
		.areas_at_start = (uint32_t)start[LIVE_START_AREAS],
		.total_pages_at_start = start[LIVE_START_TOTAL_PAGES],
	};
}

/* ---- misses ---- */

bool lockstep_miss(struct lockstep *l, uint64_t address)
{
	l->misses++;
	if (address != 0)
		l->miss_address = address;
	return !l->quiet;
}

void lockstep_differ(struct lockstep *l, enum live_kind kind, uint32_t process, const char *where,
	const char *expected, const char *observed)
{
	if (l->differences_count == LOCKSTEP_DIFFERENCES_LIMIT)
		return;
	/* What was wrong before and is wrong in the same way now has been told. */
	for (size_t i = 0; i < l->differences_count; i++) {
		const struct difference *told = &l->differences[i];
		if (told->kind == kind && told->process == process &&
			strcmp(told->where, where) == 0 && strcmp(told->expected, expected) == 0 &&
			strcmp(told->observed, observed) == 0)
			return;
	}
	if (l->first_difference_step == 0)
		l->first_difference_step = l->step;
	const struct vm_rule *rule = reason_for(l->machine, kind, where);
	l->differences[l->differences_count++] = (struct difference){
		.step = l->step,
		.process = process,
		.kind = kind,
		.where = where,
		.expected = expected,
		.observed = observed,
		.because = rule == NULL ? "" : rule->because,
		.cite = rule == NULL ? "" : rule->cite,
		.depends_on = l->first_difference_step == l->step ? 0 : l->first_difference_step,
	};
}

/* ---- the operation's own answer ---- */

static const char *result_in_words(struct pool *pool, int64_t result)
{
	const char *word = result < 0 ? word_for(error_words, (uint64_t)-result) : NULL;

	if (word != NULL)
		return word;
	return pool_format(pool, result < 0 ? "errno %lld" : "%lld",
		(long long)(result < 0 ? -result : result));
}

static const char *answer_in_words(struct pool *pool, const struct vm_outcome *outcome)
{
	const char *words = "";

	if (outcome->errno_count == 0)
		return result_in_words(pool, outcome->result);
	for (uint32_t i = 0; i < outcome->errno_count; i++)
		words = pool_format(pool, "%s%s%s", words, i == 0 ? "" : " or ",
			result_in_words(pool, -(int64_t)outcome->errnos[i]));
	return words;
}

static void compare_result(struct lockstep *l, uint32_t process)
{
	const struct vm_outcome *outcome = &l->outcome;
	const int64_t seen = (int64_t)l->event[LIVE_RESULT].words[0];
	bool fits = outcome->errno_count == 0 && outcome->result == seen;

	for (uint32_t i = 0; i < outcome->errno_count; i++)
		fits = fits || seen == -(int64_t)outcome->errnos[i];
	l->comparisons_count++;
	if (!fits && lockstep_miss(l, 0))
		lockstep_differ(l, LIVE_RESULT, process, "result",
			answer_in_words(l->pool, outcome), result_in_words(l->pool, seen));
}

static const char *signal_in_words(struct lockstep *l, uint64_t number, uint64_t code,
	uint64_t address, uint64_t bits, bool bits_known, uint64_t trap)
{
	if (number == 0)
		return "no signal";
	return pool_format(l->pool, "signal %llu code %lld at %s, trap %llu%s",
		(unsigned long long)number, (long long)code,
		script_place(l->pool, l->script, address), (unsigned long long)trap,
		bits_known ? pool_format(l->pool, ", error bits %#llx", (unsigned long long)bits)
			   : "");
}

static void compare_signal(struct lockstep *l, uint32_t process)
{
	static const uint64_t none[LIVE_SIGNAL_LIMIT];
	const uint64_t *seen = l->has_event[LIVE_SIGNAL] ? l->event[LIVE_SIGNAL].words : none;
	const struct vm_outcome *outcome = &l->outcome;
	const uint64_t number = (uint64_t)(int64_t)outcome->signal.number;
	const uint64_t code = (uint64_t)(int64_t)outcome->signal.code;
	const bool fits =
		number == seen[LIVE_SIGNAL_NUMBER] &&
		(number == 0 || (code == seen[LIVE_SIGNAL_CODE] &&
					outcome->signal.address == seen[LIVE_SIGNAL_ADDRESS] &&
					outcome->signal.trap == seen[LIVE_SIGNAL_TRAP] &&
					(!outcome->signal.error_bits_known ||
						outcome->signal.error_bits ==
							seen[LIVE_SIGNAL_ERROR_BITS])));

	l->comparisons_count++;
	if (!fits && lockstep_miss(l, 0))
		lockstep_differ(l, LIVE_SIGNAL, process, "signal",
			signal_in_words(l, number, code, outcome->signal.address,
				outcome->signal.error_bits, outcome->signal.error_bits_known,
				outcome->signal.trap),
			signal_in_words(l, seen[LIVE_SIGNAL_NUMBER], seen[LIVE_SIGNAL_CODE],
				seen[LIVE_SIGNAL_ADDRESS], seen[LIVE_SIGNAL_ERROR_BITS],
				outcome->signal.error_bits_known, seen[LIVE_SIGNAL_TRAP]));
}

static void compare_bytes(struct lockstep *l, uint32_t process)
{
	const struct seen_group *seen = &l->event[LIVE_BYTES];
	const size_t count =
		l->outcome.out_count < BYTES_LIMIT ? l->outcome.out_count : BYTES_LIMIT;
	size_t at = 0;

	l->comparisons_count += count;
	for (size_t i = 0; i < seen->count; i += 2)
		for (uint64_t k = 0; k < seen->words[i + 1]; k++, at++) {
			if (at < count && l->bytes[at] == seen->words[i])
				continue;
			if (!lockstep_miss(l, 0))
				return;
			lockstep_differ(l, LIVE_BYTES, process,
				pool_format(l->pool, "byte %zu", at),
				at < count ? pool_format(l->pool, "%u", l->bytes[at]) : "no more",
				pool_format(l->pool, "%llu", (unsigned long long)seen->words[i]));
			return;
		}
	if (at < count && lockstep_miss(l, 0))
		lockstep_differ(l, LIVE_BYTES, process, "number of bytes",
			pool_format(l->pool, "%zu", count), pool_format(l->pool, "%zu", at));
}

/* ---- a step ---- */

static void compare_all(struct lockstep *l)
{
	l->misses = 0;
	l->miss_address = 0;
	l->miss_file = VM_NO_FILE;
	pairs_retry(&l->frames);
	pairs_retry(&l->slots);
	if (l->step != 0) {
		const uint32_t actor = l->script->operations[l->step - 1].process;
		if (l->has_event[LIVE_RESULT])
			compare_result(l, actor);
		if (l->has_event[LIVE_BYTES])
			compare_bytes(l, actor);
		compare_signal(l, actor);
	}
	for (uint32_t i = 0; i < LIVE_PROCESSES_LIMIT; i++) {
		const bool runs = vm_machine_process(l->machine, i) == VM_PROCESS_RUNNING;
		if (runs && l->has_faults[i])
			lockstep_compare_process(l, i);
		else if (runs != l->has_faults[i] && lockstep_miss(l, 0))
			lockstep_differ(l, LIVE_FAULTS, i, "process", runs ? "running" : "gone",
				runs ? "gone" : "running");
	}
}

static void do_operation(struct lockstep *l, uint32_t step, uint32_t decisions)
{
	struct vm_operation operation = l->script->operations[step - 1];

	operation.decisions = decisions;
	operation.out = l->bytes;
	operation.out_size = BYTES_LIMIT;
	if (l->has_event[LIVE_RESULT] && step == l->step &&
		(operation.kind == VM_OP_MAP || operation.kind == VM_OP_REMAP) &&
		(int64_t)l->event[LIVE_RESULT].words[0] > 0)
		operation.placed_address = l->event[LIVE_RESULT].words[0];
	vm_machine_do(l->machine, &operation, &l->outcome);
}

/* The machine as it was before this step. */
static void go_back(struct lockstep *l)
{
	struct vm_outcome outcome = l->outcome;

	vm_machine_copy(l->machine, l->before);
	for (uint32_t step = l->before_step + 1; step < l->step; step++)
		do_operation(l, step, l->decisions[step]);
	l->outcome = outcome;
}

static size_t misses_with(struct lockstep *l, uint32_t decisions)
{
	go_back(l);
	do_operation(l, l->step, decisions);
	compare_all(l);
	return l->misses;
}

/* One branch after the other, and whatever explains something is kept: for many that do not
 * hang together. */
static uint32_t choose_each(struct lockstep *l, uint32_t count)
{
	uint32_t decisions = 0;
	size_t least = l->misses;

	for (uint32_t i = 0; i < count && least != 0; i++) {
		const size_t misses = misses_with(l, decisions | UINT32_C(1) << i);
		if (misses < least)
			decisions |= UINT32_C(1) << i;
		least = misses < least ? misses : least;
	}
	return decisions;
}

/* All branches together, for few that hang together: one may lead to another. */
static uint32_t choose_together(struct lockstep *l, uint32_t count)
{
	uint32_t most = count < CHOICES_TRIED ? count : CHOICES_TRIED;

	for (uint32_t decisions = 1; decisions < UINT32_C(1) << most; decisions++) {
		if (misses_with(l, decisions) == 0)
			return decisions;
		if (l->outcome.choice_count > most)
			most = l->outcome.choice_count < CHOICES_TRIED ? l->outcome.choice_count
								       : CHOICES_TRIED;
	}
	return 0;
}

/* Does the kernel take another branch where it may? */
static bool try_choices(struct lockstep *l)
{
	const uint32_t count = l->outcome.choice_count < VM_OUTCOME_CHOICES
				       ? l->outcome.choice_count
				       : VM_OUTCOME_CHOICES;
	uint32_t decisions = choose_each(l, count);

	if (misses_with(l, decisions) != 0)
		decisions = choose_together(l, count);
	if (misses_with(l, decisions) != 0) {
		(void)misses_with(l, 0);
		return false;
	}
	for (uint32_t i = 0; i < l->outcome.choice_count && i < VM_OUTCOME_CHOICES; i++)
		if ((decisions >> i & 1) != 0)
			l->freedoms[l->outcome.choices[i]]++;
	l->decisions[l->step] = decisions;
	return true;
}

/* What the kernel may do by itself; whole: to all of a file, not to the page of the last miss. */
struct own_kind {
	enum vm_operation_kind kind;
	bool whole;
};

static uint32_t any_running(const struct lockstep *l)
{
	uint32_t process = 0;

	while (process < LIVE_PROCESSES_LIMIT &&
		vm_machine_process(l->machine, process) != VM_PROCESS_RUNNING)
		process++;
	return process;
}

/*
 * An own step of the kernel about the index-th file, or about the place where the last miss was, in
 * the index-th process.
 */
static bool own_step(const struct lockstep *l, const struct own_kind *kind, uint32_t index,
	struct vm_operation *own)
{
	struct vm_file_view file;

	*own = (struct vm_operation){
		.kind = kind->kind, .process = any_running(l), .other = index, .file = VM_NO_FILE};
	if (kind->kind == VM_OP_STEP_EVICT) {
		own->file = l->miss_file;
		own->offset = vm_pages_to_bytes(l->miss_page);
		return index == 0 && l->miss_file != VM_NO_FILE;
	}
	if (kind->kind != VM_OP_STEP_WRITE_BACK) {
		own->address = l->miss_address;
		return l->miss_address != 0 && index < LIVE_PROCESSES_LIMIT &&
		       vm_machine_process(l->machine, index) == VM_PROCESS_RUNNING;
	}
	if (index >= l->script->files_count || (!kind->whole && l->miss_file != index))
		return false;
	vm_machine_file(l->machine, index, &file);
	own->file = index;
	own->offset = kind->whole ? 0 : vm_pages_to_bytes(l->miss_page);
	own->length = kind->whole ? file.size_bytes : VM_PAGE_BYTES;
	return file.exists && file.dirty_pages != 0;
}

/* How many pages of the file the kernel showed as dirty; LIVE_ABSENT: it did not say. */
static uint64_t dirty_seen(const struct lockstep *l, uint32_t file)
{
	for (uint32_t i = 0; i < LIVE_PROCESSES_LIMIT; i++) {
		const struct seen_group *seen = &l->state[i][LIVE_FILES];
		for (size_t at = 0; l->has_faults[i] && at < seen->count; at += LIVE_FILE_LIMIT)
			if (seen->words[at + LIVE_FILE_INDEX] == file)
				return seen->words[at + LIVE_FILE_DIRTY];
	}
	return LIVE_ABSENT;
}

/*
 * Write-back goes through a file once, from its first page to its last, and what is written to on
 * its way may stay for the next time (linux:6.12:mm/page-writeback.c:tag_pages_for_writeback): so
 * many pages from the first as leave what was seen. All, where no number of pages does. The machine
 * before the step is the spare one.
 */
static void end_where_seen(struct lockstep *l, struct vm_operation *own)
{
	const uint64_t seen = dirty_seen(l, own->file), all_bytes = own->length;
	uint64_t low = 0, high = vm_bytes_to_pages_ceil(all_bytes);
	struct vm_file_view file = {.dirty_pages = LIVE_ABSENT};
	struct vm_outcome outcome;

	if (seen == LIVE_ABSENT)
		return;
	while (low < high) {
		const uint64_t middle = low + (high - low) / 2;

		own->length = vm_pages_to_bytes(middle);
		vm_machine_copy(l->machine, l->spare);
		vm_machine_do(l->machine, own, &outcome);
		vm_machine_file(l->machine, own->file, &file);
		if (file.dirty_pages <= seen)
			high = middle;
		else
			low = middle + 1;
	}
	vm_machine_copy(l->machine, l->spare);
	own->length = low == 0 ? all_bytes : vm_pages_to_bytes(low);
}

/* Whether the step explains something; what it did is taken back if not. */
static bool try_one(struct lockstep *l, const struct own_kind *kind, struct vm_operation *own)
{
	const bool writes = kind->kind == VM_OP_STEP_WRITE_BACK, written_back = l->written_back;
	const size_t misses = l->misses;
	const struct vm_outcome answer = l->outcome;
	const uint32_t miss_file = l->miss_file;
	const uint64_t miss_page = l->miss_page, miss_address = l->miss_address;
	struct vm_outcome outcome;
	bool flying[LIVE_FILES_LIMIT];

	memcpy(flying, l->in_flight, sizeof(flying));
	if (writes) {
		l->in_flight[own->file] = true;
		l->written_back = true;
	}
	vm_machine_copy(l->spare, l->machine);
	if (writes && kind->whole)
		end_where_seen(l, own);
	vm_machine_do(l->machine, own, &outcome);
	l->outcome = answer;
	compare_all(l);
	/* Of a file that was not written as a whole, the pages are found one by one. */
	if (l->misses < misses && !(writes && kind->whole && l->miss_file == own->file)) {
		l->step_freedoms[kind->kind]++;
		return true;
	}
	memcpy(l->in_flight, flying, sizeof(flying));
	l->written_back = written_back;
	vm_machine_copy(l->machine, l->spare);
	l->misses = misses;
	l->miss_file = miss_file;
	l->miss_page = miss_page;
	l->miss_address = miss_address;
	return false;
}

/* What the kernel may do by itself, if it explains something. */
static bool try_own_step(struct lockstep *l)
{
	static const struct own_kind kinds[] = {{VM_OP_STEP_WRITE_BACK, true},
		{VM_OP_STEP_WRITE_BACK, false}, {VM_OP_STEP_EVICT, false},
		{VM_OP_STEP_FREE_LAZY, false}, {VM_OP_STEP_COLLAPSE, true},
		{VM_OP_STEP_SPLIT, false}};
	struct vm_operation own;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		/* The others do not show in hundreds of pages at once. */
		if (l->misses >= OWN_MISSES_LIMIT && !kinds[i].whole)
			continue;
		for (uint32_t k = 0; k < LIVE_FILES_LIMIT; k++)
			if (own_step(l, &kinds[i], k, &own) && try_one(l, &kinds[i], &own))
				return true;
	}
	/* The frames and slots that were paired are those of what the machine says now. */
	compare_all(l);
	return false;
}

/*
 * khugepaged came before the operation: a fork, say, shares the huge page that it made. The frames
 * that the operation met were others than the machine's, and what it left shows them.
 */
static bool try_collapse_before(struct lockstep *l)
{
	const uint64_t address = l->miss_address;

	for (uint32_t k = 0; address != 0 && l->step != 0 && k < LIVE_PROCESSES_LIMIT; k++) {
		const struct vm_operation own = {.kind = VM_OP_STEP_COLLAPSE,
			.process = any_running(l),
			.other = k,
			.address = address,
			.file = VM_NO_FILE};
		struct vm_outcome outcome;
		go_back(l);
		if (vm_machine_process(l->machine, k) != VM_PROCESS_RUNNING)
			continue;
		vm_machine_do(l->machine, &own, &outcome);
		if (outcome.silent != NULL)
			continue;
		do_operation(l, l->step, 0);
		compare_all(l);
		if (l->misses == 0) {
			l->step_freedoms[own.kind]++;
			return true;
		}
	}
	return false;
}

/* The machine is a checkpoint of where it is now: an own step of the kernel cannot be replayed. */
static void keep(struct lockstep *l)
{
	vm_machine_copy(l->before, l->machine);
	l->before_step = l->step;
}

static void explain(struct lockstep *l)
{
	l->quiet = true;
	if (l->outcome.choice_count != 0 && try_choices(l))
		return;
	for (int i = 0; i < OWN_STEPS_LIMIT && l->misses != 0; i++)
		if (!try_own_step(l))
			break;
	if (l->misses == 0 || try_collapse_before(l)) {
		keep(l);
		return;
	}
	/* Nothing explains it: the difference is against what the model says first. */
	if (l->step != 0) {
		go_back(l);
		do_operation(l, l->step, 0);
	}
	l->quiet = false;
	compare_all(l);
	keep(l);
}

/* The copy has room for twice as much, so that a growing state is not moved every time. */
static void keep_state(struct lockstep *l, const struct seen_group *group)
{
	struct seen_group *state = &l->state[group->process][group->kind];
	size_t *room = &l->room[group->process][group->kind];
	uint64_t *words = (uint64_t *)(uintptr_t)state->words;

	if (words == NULL || group->count > *room) {
		*room = group->count * 2 + 16;
		words = realloc(words, *room * sizeof(*words));
		if (words == NULL)
			abort();
	}
	if (group->count != 0)
		memcpy(words, group->words, group->count * sizeof(*words));
	*state = *group;
	state->words = words;
}

static void take_groups(struct lockstep *l, const struct seen_group *groups, size_t count)
{
	memset(l->has_event, 0, sizeof(l->has_event));
	memset(l->has_faults, 0, sizeof(l->has_faults));
	for (size_t i = 0; i < count; i++) {
		const struct seen_group *group = &groups[i];
		if (group->kind == LIVE_RESULT || group->kind == LIVE_SIGNAL ||
			group->kind == LIVE_BYTES) {
			l->event[group->kind] = *group;
			l->has_event[group->kind] = true;
		}
		keep_state(l, group);
		if (group->kind == LIVE_FAULTS)
			l->has_faults[group->process] = true;
	}
}

/*
 * POSIX_FADV_DONTNEED starts write-back and does not wait: linux:6.12:mm/fadvise.c:generic_fadvise.
 * What is in flight is open until it was seen to be over, or was waited for.
 */
static void begin_flight(struct lockstep *l)
{
	const struct vm_operation *o = &l->script->operations[l->step - 1];

	if (o->kind == VM_OP_FILE_DROP && o->file < LIVE_FILES_LIMIT)
		l->in_flight[o->file] = true;
	else if (o->kind == VM_OP_FILE_SYNC && o->file < LIVE_FILES_LIMIT)
		l->in_flight[o->file] = false;
}

static void end_flight(struct lockstep *l)
{
	for (uint32_t i = 0; i < LIVE_PROCESSES_LIMIT; i++) {
		const struct seen_group *seen = &l->state[i][LIVE_FILES];
		for (size_t at = 0; l->has_faults[i] && at < seen->count; at += LIVE_FILE_LIMIT) {
			const uint64_t *words = seen->words + at;
			if (words[LIVE_FILE_INDEX] < LIVE_FILES_LIMIT &&
				words[LIVE_FILE_WRITE_BACK] == 0)
				l->in_flight[words[LIVE_FILE_INDEX]] = false;
		}
	}
}

size_t lockstep_step(
	struct lockstep *l, uint32_t step, const struct seen_group *groups, size_t count)
{
	const size_t differences = l->differences_count;

	l->step = step;
	take_groups(l, groups, count);
	memset(&l->outcome, 0, sizeof(l->outcome));
	l->written_back = false;
	if (step != 0) {
		begin_flight(l);
		do_operation(l, step, 0);
	}
	if (l->outcome.silent != NULL && l->silent_step == 0) {
		l->silent_step = step;
		l->silent_why = l->outcome.silent;
	}
	/* What comes after a step that the model does not speak of is not spoken of, either. */
	if (count == 0 || l->silent_step != 0)
		return 0;
	pairs_renew(&l->frames);
	pairs_renew(&l->slots);
	l->quiet = true;
	compare_all(l);
	if (l->misses != 0)
		explain(l);
	if (step - l->before_step >= CHECKPOINT_STEPS)
		keep(l);
	end_flight(l);
	return l->differences_count - differences;
}

static void *take(size_t size_bytes)
{
	/* aligned_alloc wants a multiple of the alignment. */
	void *memory = aligned_alloc(64, (size_t)vm_align_up(size_bytes, 64));

	if (memory == NULL) {
		(void)fputs("mmconform: out of memory\n", stderr);
		abort();
	}
	return memory;
}

static bool uses_pools(const struct script *script)
{
	for (size_t i = 0; i < script->operations_count; i++) {
		const struct vm_operation *o = &script->operations[i];
		if ((o->kind == VM_OP_MAP && (o->flags & VM_MAP_HUGETLB) != 0) ||
			(o->kind == VM_OP_FILE_CREATE && o->file_kind >= VM_FILE_HUGETLB_2M) ||
			o->kind == VM_OP_KSM_RUN || o->kind == VM_OP_POOL)
			return true;
	}
	return false;
}

void lockstep_begin(struct lockstep *l, struct pool *pool, const struct script *script,
	const struct vm_model *model, const struct vm_host *host,
	const uint64_t start[LIVE_START_LIMIT])
{
	struct vm_machine_setup setup;

	lockstep_setup(host, start, &setup);
	const size_t size_bytes = vm_machine_size_bytes(&setup.limits);
	memset(l, 0, sizeof(*l));
	l->pool = pool;
	l->script = script;
	l->machine =
		vm_machine_create(host, &model->behaviours, &setup, take(size_bytes), size_bytes);
	l->before =
		vm_machine_create(host, &model->behaviours, &setup, take(size_bytes), size_bytes);
	l->spare =
		vm_machine_create(host, &model->behaviours, &setup, take(size_bytes), size_bytes);
	l->decisions = calloc(script->operations_count + 1, sizeof(l->decisions[0]));
	l->bytes = take(BYTES_LIMIT);
	if (l->machine == NULL || l->before == NULL || l->spare == NULL || l->decisions == NULL)
		abort();
	l->pools_compared = uses_pools(script);
	l->monitored = vm_host_has(host, VM_FEATURE_ACCESS_MONITORED);
	/* linux:6.2:include/linux/mm.h:get_mm_counter; all processes stay on one CPU */
	if (!vm_host_has(host, VM_FEATURE_RSS_EXACT_STATUS))
		l->late_pages =
			2 * vm_status_counter_lag_pages(&model->behaviours, host->cpus_online, 1);
	pairs_start(&l->frames);
	pairs_start(&l->slots);
}

void lockstep_end(struct lockstep *l)
{
	free(l->machine);
	free(l->before);
	free(l->spare);
	free(l->decisions);
	free(l->bytes);
	for (size_t i = 0; i < LIVE_PROCESSES_LIMIT; i++)
		for (size_t k = 0; k < LIVE_KIND_LIMIT; k++)
			free((void *)(uintptr_t)l->state[i][k].words);
	pairs_drop(&l->frames);
	pairs_drop(&l->slots);
}

bool lockstep_run(struct lockstep *l, const struct seen *seen, const char **why)
{
	size_t at = 0;

	for (uint32_t step = 0; step <= l->script->operations_count; step++) {
		const size_t first = at;
		while (at < seen->count && seen->groups[at].step == step)
			at++;
		if (at == first && step < l->script->operations_count) {
			*why = pool_format(l->pool, "nothing was seen in step %u", step);
			return false;
		}
		if (lockstep_step(l, step, seen->groups + first, at - first) != 0 && l->first_only)
			return true;
	}
	if (at != seen->count) {
		*why = "more was seen than the script has steps";
		return false;
	}
	return true;
}
