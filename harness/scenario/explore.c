/* SPDX-License-Identifier: Apache-2.0 */
#include "scenario/explore.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "scenario/stream.h"
#include "scenario/words.h"

/* A script with forks is short: there are only so many processes in one. */
#define STEPS_ALONE	4000
#define STEPS_FORKED	400
#define ATTEMPTS_LIMIT	600
#define OTHERS_TOLD	6
#define RARE_CANDIDATES 40
/* Both ends of a range, and of where it moves to. */
#define AREAS_ADDED	4
#define BYTES_OUT_LIMIT ((size_t)1 << 16)

static const char *const process_names[LIVE_PROCESSES_LIMIT] = {
	"main", "p1", "p2", "p3", "p4", "p5", "p6", "p7"};
static const char *const file_names[LIVE_FILES_LIMIT] = {"f0", "f1", "f2", "f3", "f4", "f5", "f6",
	"f7", "f8", "f9", "f10", "f11", "f12", "f13", "f14", "f15"};

const char *explore_place_word(enum explore_place place)
{
#define PLACE_WORD(name, word) word,
	static const char *const words[] = {EXPLORE_PLACES(PLACE_WORD)};
#undef PLACE_WORD

	return words[place];
}

static const struct live_looks usual_looks = {
	.always = LIVE_SURFACES_FAST,
	.seldom = LIVE_SURFACES_ALL,
	.seldom_every = 64,
};

/* ---- one script ---- */

static void make_script(
	struct pool *pool, struct vm_operation *operations, size_t count, struct script *script)
{
	struct script_area *areas = pool_take(pool, 2 * sizeof(*areas));

	*script = (struct script){
		.operations_count = count,
		.operations = operations,
		.steps = pool_take(pool, (count + 1) * sizeof(*script->steps)),
		.areas_count = 2,
		.areas = areas,
		.processes_count = LIVE_PROCESSES_LIMIT,
		.files_count = LIVE_FILES_LIMIT,
	};
	areas[0] = (struct script_area){"arena", LIVE_ARENA_START, LIVE_ARENA_BYTES / 2};
	areas[1] = (struct script_area){"heap", LIVE_BREAK_ADDRESS, VM_GIB_BYTES};
	memcpy(script->processes, process_names, sizeof(process_names));
	memcpy(script->files, file_names, sizeof(file_names));
	for (size_t i = 0; i < count; i++)
		script->steps[i] = (struct script_step){
			(unsigned)i + 1, operation_words[operations[i].kind].word};
}

struct attempt {
	bool differs;
	struct difference difference; /* texts in the pool of the attempt */
	const char *others;	      /* what else differs in that step, a line each */
	size_t steps;		      /* done when the difference showed */
	uint64_t comparisons;
	struct explore_extent extent;
	uint64_t freedoms[VM_FREEDOM_LIMIT], step_freedoms[VM_OP_LIMIT];
	uint64_t start[LIVE_START_LIMIT];
};

static const char *others_of(const struct lockstep *l)
{
	const char *text = "";

	for (size_t i = 1; i < l->differences_count && i < OTHERS_TOLD; i++) {
		const struct difference *d = &l->differences[i];
		text = pool_format(l->pool, "%s  and %s of process %u: %s, not %s\n", text,
			d->where, d->process, d->observed, d->expected);
	}
	return text;
}

static void measure_extent(const struct lockstep *l, struct explore_extent *extent)
{
	const uint32_t actor = l->script->operations[l->step - 1].process;
	const uint64_t areas = vm_machine_area_count(l->machine, actor);
	struct vm_counters counters;

	vm_machine_counters(l->machine, actor, &counters);
	const uint64_t pages =
		counters.anonymous_pages + counters.file_pages + counters.shmem_pages;
	extent->steps++;
	extent->areas += areas;
	extent->pages += pages;
	extent->areas_most = areas > extent->areas_most ? areas : extent->areas_most;
	extent->pages_most = pages > extent->pages_most ? pages : extent->pages_most;
}

static void add_extent(struct explore_extent *all, const struct explore_extent *one)
{
	all->steps += one->steps;
	all->areas += one->areas;
	all->pages += one->pages;
	all->areas_most = one->areas_most > all->areas_most ? one->areas_most : all->areas_most;
	all->pages_most = one->pages_most > all->pages_most ? one->pages_most : all->pages_most;
}

static bool follow(struct lockstep *l, struct stream *stream, struct attempt *attempt)
{
	const struct seen_group *groups;
	size_t count;

	for (uint32_t step = 1; step <= l->script->operations_count; step++) {
		if (!stream_step(stream, step, &groups, &count)) {
			/* After the last process is gone there is nobody left to look. */
			if (stream->reason[0] == '\0' && step == l->script->operations_count)
				return true;
			if (stream->reason[0] == '\0')
				(void)snprintf(stream->reason, sizeof(stream->reason),
					"nothing was seen after step %u", step - 1);
			return false;
		}
		if (lockstep_step(l, step, groups, count) != 0) {
			attempt->differs = true;
			attempt->steps = step;
			attempt->difference = l->differences[0];
			attempt->others = others_of(l);
			return true;
		}
		measure_extent(l, &attempt->extent);
	}
	return true;
}

/* Runs a script on both sides until the first difference. */
static bool attempt_script(struct pool *pool, const struct explore_options *options,
	const struct script *script, const struct live_looks *looks, struct attempt *attempt,
	const char **why)
{
	struct lockstep *lockstep = pool_take(pool, sizeof(*lockstep));
	struct stream stream;
	const struct seen_group *groups;
	size_t count;

	*attempt = (struct attempt){0};
	const int error = stream_open(&stream, script, looks);
	if (error != 0) {
		*why = strerror(-error);
		return false;
	}
	bool followed = false;
	if (stream_step(&stream, 0, &groups, &count) && groups[0].kind == LIVE_START) {
		memcpy(attempt->start, groups[0].words, sizeof(attempt->start));
		lockstep_begin(
			lockstep, pool, script, options->model, options->host, attempt->start);
		(void)lockstep_step(lockstep, 0, groups, count);
		followed = follow(lockstep, &stream, attempt);
		attempt->comparisons = lockstep->comparisons_count;
		memcpy(attempt->freedoms, lockstep->freedoms, sizeof(attempt->freedoms));
		memcpy(attempt->step_freedoms, lockstep->step_freedoms,
			sizeof(attempt->step_freedoms));
		lockstep_end(lockstep);
	}
	const bool sound = stream_close(&stream);
	if (!sound || !followed)
		*why = pool_format(
			pool, "%s", sound ? "the live side did not start" : stream.reason);
	return sound && followed;
}

/* ---- what a script is made of: only what the model speaks of, counted ---- */

struct filter {
	struct vm_machine *machine, *ahead; /* ahead: for what is only tried */
	unsigned char *bytes;
	uint32_t areas_most;
	struct explore_coverage *coverage;
};

static enum explore_place place_of(const struct vm_machine *machine, const struct vm_operation *o)
{
	const bool remote = o->kind == VM_OP_REMOTE_READ || o->kind == VM_OP_REMOTE_WRITE ||
			    o->kind == VM_OP_MEM_READ || o->kind == VM_OP_MEM_WRITE ||
			    o->kind == VM_OP_POKE || o->kind == VM_OP_PROCESS_ADVISE;
	const uint32_t process = remote ? o->other : o->process;
	struct vm_area_view view;

	if (o->address < LIVE_ARENA_START)
		return EXPLORE_ELSEWHERE;
	if (o->address >= LIVE_BREAK_ADDRESS)
		return EXPLORE_HEAP;
	if (!vm_machine_area_at(machine, process, o->address, &view))
		return EXPLORE_NOTHING;
	const bool shared = (view.flags & VM_AREA(MAY_SHARE)) != 0;
	struct vm_file_view file = {.exists = false};
	if (view.file != VM_NO_FILE)
		vm_machine_file(machine, view.file, &file);
	if (file.exists && file.kind == VM_FILE_SECRET)
		return EXPLORE_SECRET;
	if (view.file != VM_NO_FILE)
		return shared ? EXPLORE_SHARED_FILE : EXPLORE_PRIVATE_FILE;
	return shared ? EXPLORE_SHARED : EXPLORE_PRIVATE;
}

static size_t outcome_of(const struct vm_outcome *outcome)
{
	if (outcome->errno_count != 0)
		return EXPLORE_ERRNO((size_t)outcome->errnos[0]);
	if (outcome->signal.number == VM_SIGBUS)
		return EXPLORE_SIGBUS;
	return outcome->signal.number != 0 ? EXPLORE_SIGSEGV : EXPLORE_SUCCESS;
}

/* Does the operation on a model alone. */
static void do_alone(const struct filter *filter, struct vm_machine *machine,
	const struct vm_operation *operation, struct vm_outcome *outcome)
{
	struct vm_operation o = *operation;

	o.out = filter->bytes;
	o.out_size = BYTES_OUT_LIMIT;
	vm_machine_do(machine, &o, outcome);
}

/* What was met of this so far, or UINT64_MAX where the model is silent. */
static uint64_t times_met(
	const struct filter *filter, enum explore_place place, const struct vm_operation *o)
{
	struct vm_outcome outcome;

	vm_machine_copy(filter->ahead, filter->machine);
	do_alone(filter, filter->ahead, o, &outcome);
	const size_t answer = outcome_of(&outcome);
	return outcome.silent != NULL || answer >= EXPLORE_OUTCOMES
		       ? UINT64_MAX
		       : filter->coverage->met[o->kind][place][answer];
}

/* Of a few operations that might come next the one that was met most seldom, two times in three. */
static struct vm_operation next_operation(
	const struct filter *filter, struct generator *generator, bool prefers_rare)
{
	const struct generator before = *generator;
	struct vm_operation best = generate_next(generator);

	if (!prefers_rare || generate_is_planned(&before) ||
		random_below(&generator->random, 3) == 0)
		return best;
	struct generator after = *generator;
	uint64_t least = times_met(filter, place_of(filter->machine, &best), &best);
	for (int i = 1; i < RARE_CANDIDATES && least != 0; i++) {
		struct generator other = before;
		other.random = generator->random;
		const struct vm_operation o = generate_unusual(&other);
		generator->random = other.random;
		const uint64_t met = times_met(filter, place_of(filter->machine, &o), &o);
		if (met < least) {
			least = met;
			best = o;
			after = other;
		}
	}
	after.random = generator->random;
	*generator = after;
	return best;
}

/* Few operations make more than so many areas: only near the limit they are tried before. */
static bool finds_room(const struct filter *filter, const struct vm_operation *o)
{
	const size_t areas = vm_machine_area_count(filter->machine, o->process);
	struct vm_outcome outcome;

	if (filter->areas_most == 0 || areas + AREAS_ADDED < filter->areas_most)
		return true;
	vm_machine_copy(filter->ahead, filter->machine);
	do_alone(filter, filter->ahead, o, &outcome);
	return vm_machine_area_count(filter->ahead, o->process) <= filter->areas_most;
}

/* Does the operation on the model alone, and counts it; false where the model is silent. */
static bool admit(struct filter *filter, const struct vm_operation *o)
{
	struct vm_outcome outcome;
	const enum explore_place place = place_of(filter->machine, o);

	do_alone(filter, filter->machine, o, &outcome);
	if (outcome.silent != NULL) {
		filter->coverage->silent++;
		return false;
	}
	const size_t answer = outcome_of(&outcome);
	if (answer < EXPLORE_OUTCOMES)
		filter->coverage->met[o->kind][place][answer]++;
	if (outcome.errno_count > 1) {
		filter->coverage->open_outcomes++;
		filter->coverage->open_errnos += outcome.errno_count;
	}
	return true;
}

static void count_rules(const struct vm_machine *machine, struct explore_coverage *coverage)
{
	size_t count;

	(void)vm_machine_rules(&count);
	for (size_t i = 0; i < count && i < sizeof(coverage->rule_hits) / sizeof(uint64_t); i++)
		coverage->rule_hits[i] += vm_machine_rule_hits(machine, i);
}

static struct vm_machine *make_machine(
	const struct explore_options *options, const uint64_t start[LIVE_START_LIMIT])
{
	struct vm_machine_setup setup;

	lockstep_setup(options->host, start, &setup);
	const size_t size_bytes = vm_machine_size_bytes(&setup.limits);
	void *memory = calloc(1, size_bytes);
	struct vm_machine *machine =
		memory == NULL ? NULL
			       : vm_machine_create(options->host, &options->model->behaviours,
					 &setup, memory, size_bytes);
	if (machine == NULL)
		abort();
	return machine;
}

/* A generator that was told of an operation that was then left out would believe in its child. */
static size_t fill_script(struct pool *pool, const struct explore_options *options,
	const uint64_t start[LIVE_START_LIMIT], struct generator *generator,
	struct vm_operation *operations, size_t wanted, struct explore_coverage *coverage)
{
	size_t count = 0;
	struct filter filter = {
		.machine = make_machine(options, start),
		.ahead = make_machine(options, start),
		.bytes = pool_take(pool, BYTES_OUT_LIMIT),
		.areas_most = options->areas_most,
		.coverage = coverage,
	};

	for (size_t tries = 0; count < wanted && tries < 2 * wanted; tries++) {
		struct generator before = *generator;
		const struct vm_operation o =
			next_operation(&filter, generator, options->prefers_rare);
		if (finds_room(&filter, &o) && admit(&filter, &o)) {
			operations[count++] = o;
		} else {
			before.random = generator->random;
			*generator = before;
			generate_forget_plan(generator);
		}
	}
	count_rules(filter.machine, coverage);
	free(filter.machine);
	free(filter.ahead);
	return count;
}

/* ---- shrinking ---- */

struct shrinker {
	struct pool *pool;
	const struct explore_options *options;
	enum live_kind kind; /* of the difference: another one is another story */
	unsigned attempts;
	size_t count;
	struct vm_operation *operations; /* the shortest that still differs */
	struct difference difference;
	const char *others;
};

static bool still_differs(struct shrinker *s, struct vm_operation *operations, size_t count)
{
	POOL_DROPS struct pool pool = {0};
	/* What else might differ is another story: only the surface in question is read more often
	 * than usual. */
	const struct live_looks looks = {.always = LIVE_SURFACES_FAST | UINT32_C(1) << s->kind};
	struct attempt attempt;
	struct script script;
	const char *why;

	if (count == 0 || s->attempts++ >= ATTEMPTS_LIMIT)
		return false;
	make_script(&pool, operations, count, &script);
	if (!attempt_script(&pool, s->options, &script, &looks, &attempt, &why) ||
		!attempt.differs || attempt.difference.kind != s->kind)
		return false;
	memcpy(s->operations, operations, attempt.steps * sizeof(*operations));
	s->count = attempt.steps;
	s->difference = attempt.difference;
	s->difference.where = pool_text(s->pool, attempt.difference.where);
	s->difference.expected = pool_text(s->pool, attempt.difference.expected);
	s->difference.observed = pool_text(s->pool, attempt.difference.observed);
	s->others = pool_text(s->pool, attempt.others);
	return true;
}

/* Without the operations from first on, so many of them. */
static bool try_without(struct shrinker *s, struct vm_operation *room, size_t first, size_t length)
{
	size_t kept = first;

	memcpy(room, s->operations, first * sizeof(*room));
	for (size_t i = first + length; i < s->count; i++)
		room[kept++] = s->operations[i];
	return still_differs(s, room, generate_mend(room, kept));
}

static bool try_simpler(struct shrinker *s, struct vm_operation *room, size_t index)
{
	struct vm_operation *o = &room[index];

	memcpy(room, s->operations, s->count * sizeof(*room));
	if (o->length <= VM_PAGE_BYTES || o->kind == VM_OP_FILE_CREATE)
		return false;
	o->length = VM_PAGE_BYTES;
	if (o->kind == VM_OP_REMAP && o->new_length > VM_PAGE_BYTES)
		o->new_length = VM_PAGE_BYTES;
	return still_differs(s, room, s->count);
}

static void shrink(struct shrinker *s)
{
	struct vm_operation *room = pool_take(s->pool, s->count * sizeof(*room));

	for (size_t length = s->count / 2; length > 0;) {
		bool shorter = false;
		for (size_t first = 0; first < s->count;) {
			const size_t left = s->count - first;
			if (try_without(s, room, first, length < left ? length : left))
				shorter = true;
			else
				first += length;
		}
		if (length == 1 && !shorter)
			break;
		length = length > 1 ? length / 2 : 1;
	}
	for (size_t i = 0; i < s->count; i++)
		(void)try_simpler(s, room, i);
}

static void tell_difference(struct pool *pool, const struct explore_options *options,
	const struct script *script, const struct attempt *attempt, struct explore_result *result)
{
	struct shrinker s = {
		.pool = pool,
		.options = options,
		.kind = attempt->difference.kind,
		.count = attempt->steps,
		.operations = pool_take(pool, attempt->steps * sizeof(*s.operations)),
		.difference = attempt->difference,
		.others = attempt->others,
	};

	memcpy(s.operations, script->operations, s.count * sizeof(*s.operations));
	if (options->shrinks)
		shrink(&s);
	result->differs = true;
	result->difference = s.difference;
	result->others = s.others;
	result->operations_before_shrinking = attempt->steps;
	result->shortest = s.operations;
	result->shortest_count = s.count;
	result->scenario = scenario_write(pool, s.operations, s.count, NULL);
	result->reproducer = reproducer_write(pool, s.operations, s.count, &s.difference);
}

static double cpu_of(int who)
{
	struct rusage usage;

	(void)getrusage(who, &usage);
	return (double)usage.ru_utime.tv_sec + (double)usage.ru_stime.tv_sec +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

/* What the executor is like before the first step: an empty script, as good as. */
static bool find_start(const struct explore_options *options, uint64_t start[LIVE_START_LIMIT],
	struct pool *pool, const char **why)
{
	struct vm_operation nothing = {
		.kind = VM_OP_BREAK, .file = VM_NO_FILE, .other = VM_NO_PROCESS};
	struct script script;
	struct attempt attempt;

	make_script(pool, &nothing, 1, &script);
	if (!attempt_script(pool, options, &script, &usual_looks, &attempt, why))
		return false;
	memcpy(start, attempt.start, sizeof(attempt.start));
	return true;
}

static bool explore_script(struct pool *kept, const struct explore_options *options,
	const uint64_t start[LIVE_START_LIMIT], struct explore_result *result, const char **why)
{
	POOL_DROPS struct pool pool = {0};
	const uint64_t left = options->operations - result->operations;
	const size_t most = options->processes > 1 ? STEPS_FORKED : STEPS_ALONE;
	const size_t wanted = left < most ? (size_t)left : most;
	struct vm_operation *operations = pool_take(&pool, wanted * sizeof(*operations));
	struct generator generator;
	struct script script;
	struct attempt attempt;

	/* Each script has a seed of its own, so that it can be found again without the others. */
	generate_start(&generator, options->host, options->seed * 1000003 + result->scripts,
		options->chapters, options->processes);
	const size_t count = fill_script(
		&pool, options, start, &generator, operations, wanted, &result->coverage);
	if (count == 0) {
		*why = "the model speaks of none of these operations";
		return false;
	}
	make_script(&pool, operations, count, &script);
	if (!attempt_script(&pool, options, &script, &usual_looks, &attempt, why)) {
		*why = pool_text(kept, *why);
		return false;
	}
	result->scripts++;
	result->operations += attempt.differs ? attempt.steps : count;
	result->comparisons += attempt.comparisons;
	add_extent(&result->extent, &attempt.extent);
	for (size_t i = 0; i < VM_FREEDOM_LIMIT; i++)
		result->coverage.freedoms[i] += attempt.freedoms[i];
	for (size_t i = 0; i < VM_OP_LIMIT; i++)
		result->coverage.step_freedoms[i] += attempt.step_freedoms[i];
	if (attempt.differs) {
		result->found_in_script = result->scripts;
		attempt.difference.where = pool_text(kept, attempt.difference.where);
		attempt.difference.expected = pool_text(kept, attempt.difference.expected);
		attempt.difference.observed = pool_text(kept, attempt.difference.observed);
		attempt.others = pool_text(kept, attempt.others);
		tell_difference(kept, options, &script, &attempt, result);
	}
	return true;
}

bool explore(struct pool *pool, const struct explore_options *options,
	struct explore_result *result, const char **why)
{
	uint64_t start[LIVE_START_LIMIT];

	memset(result, 0, sizeof(*result));
	if (!find_start(options, start, pool, why))
		return false;
	const double before = cpu_of(RUSAGE_SELF) + cpu_of(RUSAGE_CHILDREN);
	while (result->operations < options->operations && !result->differs)
		if (!explore_script(pool, options, start, result, why))
			return false;
	result->cpu_s = cpu_of(RUSAGE_SELF) + cpu_of(RUSAGE_CHILDREN) - before;
	return true;
}
