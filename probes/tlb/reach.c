/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How far the second level of the data TLB reaches, and what it costs to go beyond: pages of 4 KiB,
 * and pages of 2 MiB and 1 GiB as aliases of one page, each alias with a cache line of its own.
 */
#include <linux/memfd.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "probe/probe.h"
#include "probe/shape.h"
#include "timed/chase.h"
#include "timed/cost.h"
#include "timed/memory.h"
#include "timed/order.h"
#include "trial/trial.h"
#include "vm/eliminate.h"
#include "vm/model.h"
#include "vm/reach.h"

#define CLAIM "tlb.reach"

/*
 * Beyond every first level of today, then a tenth more from place to place: a second level of some
 * thousand entries leaves its plateau between two of them.
 */
#define PAGES_FEWEST 192
#define PAGES_MOST   10240
#define PLACES_LIMIT 64
#define NAME_BYTES   8

/* A footprint that any first level holds, one beyond it, and one beyond every second level. */
#define AT_FIRST  "32"
#define AT_SECOND "512"
#define AT_BEYOND "10240"
static const char *const levels[] = {AT_FIRST, AT_SECOND, AT_BEYOND};
static const size_t level_pages[] = {32, 512, PAGES_MOST};

#define LEVELS_COUNT (sizeof(levels) / sizeof(levels[0]))

struct sweep {
	size_t count;
	size_t pages[PLACES_LIMIT];
	char names[PLACES_LIMIT][NAME_BYTES];
};

static void fill_sweep(struct sweep *sweep)
{
	sweep->count = 0;
	for (size_t pages = PAGES_FEWEST; sweep->count < PLACES_LIMIT; pages += pages / 10) {
		const size_t used = pages < PAGES_MOST ? pages : PAGES_MOST;
		sweep->pages[sweep->count] = used;
		(void)snprintf(sweep->names[sweep->count++], NAME_BYTES, "%zu", used);
		if (used == PAGES_MOST)
			break;
	}
}

/* ---- what the models say ---- */

enum size { SIZE_4K, SIZE_2M, SIZE_1G };

static const uint64_t page_bytes[] = {VM_PAGE_BYTES, VM_HUGE_2M_BYTES, VM_HUGE_1G_BYTES};

struct question {
	const struct vm_model *model;
	const struct vm_host *host;
	const struct probe_readings *readings;
	struct shape_claim claim; /* over the sweep */
	const struct sweep *sweep;
	enum size size;
};

static int64_t least_of(const struct probe_reading *reading)
{
	int64_t least = reading->values[0];

	for (size_t i = 1; i < reading->values_count; i++)
		least = reading->values[i] < least ? reading->values[i] : least;
	return least;
}

/* What a turn costs above its control, at each place; false when one was not read. */
static bool read_costs(const struct question *question, int64_t *costs)
{
	for (size_t i = 0; i < question->sweep->count; i++) {
		const char *at = question->sweep->names[i];
		const struct probe_reading *chase =
			probe_reading_of(question->readings, "chase", at);
		const struct probe_reading *packed =
			probe_reading_of(question->readings, "packed", at);
		if (chase == NULL || packed == NULL)
			return false;
		costs[i] = least_of(chase) - least_of(packed);
	}
	return true;
}

/*
 * The page that a TLB entry stands for. Under a hypervisor that backs a large page by small ones an
 * entry covers no more than one of these: then loads that share their place within the large page
 * share a set, and take longer than those that do not.
 */
static uint64_t entry_bytes(const struct question *question)
{
	const struct probe_reading *same = probe_reading_of(question->readings, "same-place", ""),
				   *spread = probe_reading_of(question->readings, "spread", "");
	int64_t longer = 0;

	if (question->size == SIZE_4K || same == NULL || spread == NULL ||
		same->values_count != spread->values_count)
		return page_bytes[question->size];
	for (size_t i = 0; i < same->values_count; i++)
		longer += same->values[i] > spread->values[i] ? 1 : -1;
	return longer > 0 ? VM_PAGE_BYTES : page_bytes[question->size];
}

/*
 * Which places are asked: a walk costs more the more tables there are to keep in the caches, so
 * just beyond a buffer's end it is far from what it is at the end of the sweep. Few pages and the
 * most are told apart all the same, and units that differ by 32 ask for no more.
 */
#define FEW_PAGES 1024

static bool is_asked(const struct sweep *sweep, size_t place)
{
	return sweep->pages[place] <= FEW_PAGES || place + 1 == sweep->count;
}

/* Pages in a row, in turn: what each place of the sweep is to a translation buffer. */
static void strike_out(const struct question *question, const struct vm_tlb_fact *facts,
	size_t count, const int64_t *costs, bool *survives)
{
	struct vm_arena *arena = question->claim.predictions->arena;
	struct vm_tlb_config configs[VM_TLB_CANDIDATES_LIMIT];
	struct vm_tlb_fact arrays[VM_TLB_CANDIDATES_LIMIT];
	struct vm_pattern patterns[PLACES_LIMIT];
	int64_t pattern_costs[PLACES_LIMIT];
	size_t patterns_count = 0;
	const size_t mark = arena->used_bytes;
	struct vm_pattern_page *pages =
		vm_arena_take(arena, PAGES_MOST * sizeof(*pages), _Alignof(struct vm_pattern_page));

	VM_ASSERT(pages != NULL);
	for (size_t i = 0; i < PAGES_MOST; i++)
		pages[i] = (struct vm_pattern_page){vm_pages_to_bytes(i), VM_PAGE_SHIFT};
	for (size_t i = 0; i < question->sweep->count; i++) {
		if (!is_asked(question->sweep, i))
			continue;
		patterns[patterns_count] = (struct vm_pattern){question->sweep->pages[i], pages};
		pattern_costs[patterns_count++] = costs[i];
	}
	for (size_t i = 0; i < count; i++) {
		arrays[i] = facts[i];
		arrays[i].level = 1;
		arrays[i].pages_mask = VM_PAGE_BYTES;
		configs[i] = (struct vm_tlb_config){
			.arrays_count = 1,
			.arrays = &arrays[i],
			.replacement = VM_TLB_LRU,
			.paging = VM_PAGING_LEVEL4,
		};
	}
	vm_tlb_eliminate(configs, count, patterns, pattern_costs, patterns_count, survives, arena);
	arena->used_bytes = mark;
}

static void predict_rule(const struct question *question)
{
	static const char *const inputs[] = {"chase", "packed"};
	static const char *const sized[] = {"chase", "packed", "same-place", "spread"};
	const bool is_small = question->size == SIZE_4K;

	vm_predict(question->claim.predictions,
		&(struct vm_prediction){
			.claim = CLAIM,
			.quantity = "chase",
			.at = "",
			.unit = VM_UNIT_NS,
			.form = VM_FORM_RULE,
			.inputs_count = is_small ? sizeof(inputs) / sizeof(inputs[0])
						 : sizeof(sized) / sizeof(sized[0]),
			.inputs = is_small ? inputs : sized,
			.because =
				"the knee lies where the second level ends that CPUID describes, "
				"in the unit that the costs do not strike out, for entries of "
				"the size that the hypervisor leaves",
			.cite = "amd-apm:3:E.4.5:Fn8000_0006",
		});
}

/* The hull of the reaches of those that the costs do not strike out. */
static void predict_knee(const struct question *question)
{
	struct vm_arena *arena = question->claim.predictions->arena;
	struct vm_tlb_fact candidates[VM_TLB_CANDIDATES_LIMIT];
	bool survives[VM_TLB_CANDIDATES_LIMIT] = {true, true};
	int64_t costs[PLACES_LIMIT], knee[2] = {INT64_MAX, 0};
	const bool is_read = read_costs(question, costs);
	const size_t count =
		vm_tlb_candidates(question->host, 2, entry_bytes(question), candidates);

	/* Which size of entry is asked about is only known once it was measured. */
	if (!is_read && question->size != SIZE_4K &&
		vm_tlb_candidates(question->host, 2, VM_PAGE_BYTES, candidates) != 0) {
		predict_rule(question);
		return;
	}

	if (count == 0) {
		predict_silence(&question->claim, "chase",
			"CPUID describes no second level for pages of this size",
			"amd-apm:3:E.4.5:Fn8000_0006");
		return;
	}
	if (!is_read) {
		predict_rule(question);
		return;
	}
	if (count > 1)
		strike_out(question, candidates, count, costs, survives);
	for (size_t i = 0; i < count; i++) {
		if (!survives[i])
			continue;
		const struct vm_reach reach = vm_tlb_reach_of(&candidates[i], arena);
		knee[0] = reach.least_pages < knee[0] ? reach.least_pages : knee[0];
		knee[1] = reach.half_pages > knee[1] ? reach.half_pages : knee[1];
	}
	if (knee[1] == 0 || knee[0] < PAGES_FEWEST || knee[1] >= PAGES_MOST) {
		predict_silence(&question->claim, "chase",
			"no description that the costs leave standing ends within the sweep",
			"amd-apm:3:E.4.5:Fn8000_0006");
		return;
	}
	vm_predict(question->claim.predictions,
		&(struct vm_prediction){
			.claim = CLAIM,
			.quantity = "chase",
			.at = "",
			.unit = VM_UNIT_NS,
			.form = VM_FORM_SHAPE,
			.shape = VM_SHAPE_REACH,
			.other = "packed",
			.values_count = 2,
			.values = knee,
			.inputs_count = question->claim.places_count,
			.inputs = question->claim.places,
			.because =
				"pages in a row fill all sets evenly, pages by chance overflow one "
				"before: which of the two a processor is nearer to, nobody says",
			.cite = "amd-apm:3:E.4.5:Fn8000_0006",
		});
}

static void predict_size(enum size size, const struct vm_model *model, const struct vm_host *host,
	const struct probe_readings *readings, struct vm_predictions *predictions)
{
	struct sweep *sweep = vm_arena_take(predictions->arena, sizeof(*sweep), _Alignof(size_t));
	const char *places[PLACES_LIMIT];
	const struct shape_claim walks = {predictions, "xlate.walk-refs", LEVELS_COUNT, levels};
	const struct shape_claim taught = {predictions, CLAIM, LEVELS_COUNT, levels};

	VM_ASSERT(sweep != NULL);
	fill_sweep(sweep);
	for (size_t i = 0; i < sweep->count; i++)
		places[i] = sweep->names[i];
	const struct question question = {
		model, host, readings, {predictions, CLAIM, sweep->count, places}, sweep, size};

	predict_shape(&walks, "excess", VM_SHAPE_RISES, NULL,
		"the first level costs nothing beside the load, the second some cycles, and a walk "
		"loads entries from memory",
		"intel-sdm:3A:4.10.2:tlb");
	if (model->behaviours.tlb_geometry == VM_TLB_GEOMETRY_CPUID)
		predict_knee(&question);
	else
		predict_shape(&taught, "excess", VM_SHAPE_RISES, NULL,
			"reach is entries times page size, and beyond it each access pays for a "
			"walk",
			"gios");
}

static void predict_4k(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	(void)arguments;
	predict_size(SIZE_4K, model, host, readings, predictions);
}

static void predict_2m(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	(void)arguments;
	predict_size(SIZE_2M, model, host, readings, predictions);
}

static void predict_1g(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	(void)arguments;
	predict_size(SIZE_1G, model, host, readings, predictions);
}

/* ---- what the processor does ---- */

#define STEPS	       (CHASE_UNROLLED * 640)
#define ROUNDS	       3
#define LINES_PER_PAGE (VM_PAGE_BYTES / CHASE_LINE_BYTES)
/* Of a large page as many small ones are used as the smallest large page has. */
#define SUBPAGES ((size_t)(VM_HUGE_2M_BYTES / VM_PAGE_BYTES))

struct field {
	enum size size;
	char *pages;  /* as many as the longest chase has, of this size or aliases of one */
	char *packed; /* the same lines packed into few pages */
	size_t *order;
	size_t subpages[LINES_PER_PAGE][SUBPAGES]; /* by line, each in an order of its own */
	uint64_t random_state;
};

/*
 * An own line for each page, the lines in turn. Where all pages are one, those with the same line
 * lie in different small pages of it, drawn by chance: any order would be one that the processor's
 * choice of a set could like or dislike.
 */
static void *in_pages(void *context, size_t index)
{
	const struct field *field = context;
	const size_t line = index % LINES_PER_PAGE;
	const size_t subpage = field->size == SIZE_4K
				       ? 0
				       : field->subpages[line][index / LINES_PER_PAGE % SUBPAGES];

	return field->pages + index * page_bytes[field->size] + vm_pages_to_bytes(subpage) +
	       line * CHASE_LINE_BYTES;
}

static void *in_lines(void *context, size_t index)
{
	const struct field *field = context;

	return field->packed + index * CHASE_LINE_BYTES;
}

/* All in one small page of every large one: words, as it has fewer lines than there are pages. */
static void *in_one_place(void *context, size_t index)
{
	const struct field *field = context;

	return field->pages + index * page_bytes[field->size] + index * sizeof(void *);
}

static int64_t time_chase(struct field *field, chase_place *place, size_t count)
{
	void *start = chase_link(place, field, count, field->order, &field->random_state);
	const size_t turn = vm_align_up(count, CHASE_UNROLLED);

	(void)chase_run(start, turn);
	return chase_run(start, STEPS);
}

struct pair {
	int64_t chase_ns[ROUNDS], packed_ns[ROUNDS];
};

static int64_t least_ns(const int64_t samples_ns[ROUNDS])
{
	int64_t least = samples_ns[0];

	for (size_t i = 1; i < ROUNDS; i++)
		least = samples_ns[i] < least ? samples_ns[i] : least;
	return least;
}

static void time_pair(struct field *field, size_t pages, size_t round, struct pair *pair)
{
	pair->chase_ns[round] = time_chase(field, in_pages, pages);
	pair->packed_ns[round] = time_chase(field, in_lines, pages);
}

/* All places once a round, in random order, each beside its control. */
static void time_sweep(struct field *field, const struct sweep *sweep)
{
	static struct pair places[PLACES_LIMIT], rungs[LEVELS_COUNT];
	size_t turn[PLACES_LIMIT];

	for (size_t round = 0; round < ROUNDS; round++) {
		order_shuffle(turn, sweep->count, &field->random_state);
		for (size_t i = 0; i < sweep->count; i++)
			time_pair(field, sweep->pages[turn[i]], round, &places[turn[i]]);
		for (size_t i = 0; i < LEVELS_COUNT; i++)
			time_pair(field, level_pages[i], round, &rungs[i]);
	}
	observe("batch", (int64_t)STEPS, VM_UNIT_COUNT, "program");
	for (size_t i = 0; i < sweep->count; i++) {
		observe_values("chase", sweep->names[i], places[i].chase_ns, ROUNDS, VM_UNIT_NS,
			"CLOCK_MONOTONIC_RAW");
		observe_values("packed", sweep->names[i], places[i].packed_ns, ROUNDS, VM_UNIT_NS,
			"CLOCK_MONOTONIC_RAW");
	}
	/* What disturbs a chase only adds to it: the least of each, not the least difference. */
	for (size_t i = 0; i < LEVELS_COUNT; i++)
		observe_at("excess", levels[i],
			least_ns(rungs[i].chase_ns) - least_ns(rungs[i].packed_ns), VM_UNIT_NS,
			"CLOCK_MONOTONIC_RAW");
}

/* As many pages as a first level does not hold, and a small page has words for. */
#define GRANULES 448

static void time_granularity(struct field *field)
{
	int64_t same_ns[ROUNDS], spread_ns[ROUNDS];

	for (size_t round = 0; round < ROUNDS; round++) {
		same_ns[round] = time_chase(field, in_one_place, GRANULES);
		spread_ns[round] = time_chase(field, in_pages, GRANULES);
	}
	observe_values("same-place", "", same_ns, ROUNDS, VM_UNIT_NS, "CLOCK_MONOTONIC_RAW");
	observe_values("spread", "", spread_ns, ROUNDS, VM_UNIT_NS, "CLOCK_MONOTONIC_RAW");
}

/* One huge page at PAGES_MOST addresses. */
static char *map_aliases(size_t bytes, unsigned size_flag)
{
	const int file = memfd_create("aliases", MFD_CLOEXEC | MFD_HUGETLB | size_flag);

	if (file < 0 || ftruncate(file, (off_t)bytes) != 0)
		unmet("the kernel gives no file of huge pages of this size",
			"see mmconform doctor");
	char *reserved = mmap(NULL, bytes * (PAGES_MOST + 1), PROT_NONE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	MUST(reserved != MAP_FAILED);
	char *start = (char *)vm_align_up((uint64_t)reserved, bytes);
	for (size_t i = 0; i < PAGES_MOST; i++) {
		char *alias = start + i * bytes;
		if (mmap(alias, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file, 0) !=
			alias)
			unmet("no huge page is free", "see mmconform doctor");
		*(volatile char *)alias = 1;
	}
	return start;
}

/* In random order: neighbours in frames of a row could share an entry. */
static char *map_pages(struct field *field)
{
	char *memory = memory_small(vm_pages_to_bytes(PAGES_MOST));

	order_shuffle(field->order, PAGES_MOST, &field->random_state);
	for (size_t i = 0; i < PAGES_MOST; i++)
		((volatile char *)memory)[vm_pages_to_bytes(field->order[i])] = 1;
	return memory;
}

static void measure_size(enum size size)
{
	static size_t order[PAGES_MOST];
	static struct sweep sweep;
	static struct field field;

	field.size = size;
	field.order = order;
	field.random_state = trial_seed();
	for (size_t line = 0; line < LINES_PER_PAGE; line++)
		order_shuffle(field.subpages[line], SUBPAGES, &field.random_state);
	fill_sweep(&sweep);
	field.packed = memory_touched(PAGES_MOST * CHASE_LINE_BYTES, false);
	if (size == SIZE_4K)
		field.pages = map_pages(&field);
	else
		field.pages = map_aliases(
			(size_t)page_bytes[size], size == SIZE_2M ? MFD_HUGE_2MB : MFD_HUGE_1GB);
	MUST(field.packed != NULL);
	if (size != SIZE_4K)
		time_granularity(&field);
	time_sweep(&field, &sweep);
}

static void measure_4k(const struct probe_arguments *arguments)
{
	(void)arguments;
	measure_size(SIZE_4K);
}

static void measure_2m(const struct probe_arguments *arguments)
{
	(void)arguments;
	measure_size(SIZE_2M);
}

static void measure_1g(const struct probe_arguments *arguments)
{
	(void)arguments;
	measure_size(SIZE_1G);
}

static const char *const claims[] = {CLAIM, "xlate.walk-refs", NULL};

#define REACH_THREATS                                                                            \
	"A buffer's end and a cache's: the same lines packed into few pages are subtracted. "    \
	"Prefetchers and coalesced entries: a random cycle over frames taken in random order "   \
	"or one page. A unit that the hypervisor hides: descriptions that the costs contradict " \
	"are struck out. Entries smaller than pages, under a hypervisor: loads at one place "    \
	"and at many are compared."

PROBE(reach_4k) = {
	.name = CLAIM,
	.kind = PROBE_TIMED,
	.claims = claims,
	.question = "How many 4 KiB pages does the second-level data TLB hold, and what is a miss?",
	.method = "Chase pointers through 192 to 10240 pages in one random cycle, one load a page, "
		  "beside the same lines packed.",
	.threats = REACH_THREATS,
	.by_hand = "cpuid -1 -l 0x80000006; perf stat -e dTLB-load-misses PROGRAM",
	.needs = {.memory_bytes = 128 * VM_MIB_BYTES},
	.deadline_s = 20,
	.predict = PREDICTS(predict_4k),
	.measure = MEASURES_TIMED(measure_4k),
};

PROBE(reach_2m) = {
	.name = CLAIM "-2m",
	.kind = PROBE_TIMED,
	.claims = claims,
	.question = "How many 2 MiB pages does the second-level data TLB hold?",
	.method = "Chase pointers through up to 10240 aliases of one 2 MiB page, each at a line of "
		  "its own.",
	.threats = REACH_THREATS,
	.by_hand = "cpuid -1 -l 0x80000006",
	.needs = {.memory_bytes = 128 * VM_MIB_BYTES, .huge_2m_pages = 1},
	.deadline_s = 20,
	.predict = PREDICTS(predict_2m),
	.measure = MEASURES_TIMED(measure_2m),
};

PROBE(reach_1g) = {
	.name = CLAIM "-1g",
	.kind = PROBE_TIMED,
	.claims = claims,
	.question = "How many 1 GiB pages does the second-level data TLB hold?",
	.method = "Chase pointers through up to 10240 aliases of one 1 GiB page, each at a line of "
		  "its own.",
	.threats = REACH_THREATS,
	.by_hand = "cpuid -1 -l 0x80000019",
	.needs = {.memory_bytes = 128 * VM_MIB_BYTES, .huge_1g_pages = 1},
	.deadline_s = 20,
	.predict = PREDICTS(predict_1g),
	.measure = MEASURES_TIMED(measure_1g),
};
