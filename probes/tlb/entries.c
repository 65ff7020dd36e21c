/* SPDX-License-Identifier: Apache-2.0 */
/* How many 4 KiB pages the first-level data TLB holds: exactly what CPUID says. */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "probe/probe.h"
#include "probe/shape.h"
#include "timed/chase.h"
#include "timed/cost.h"
#include "timed/order.h"
#include "trial/files.h"
#include "trial/trial.h"
#include "vm/model.h"
#include "vm/reach.h"

/* Every number of pages from the fewest: first levels of today hold 32 to 96. */
#define PAGES_FEWEST ((size_t)16)
#define PAGES_MOST   ((size_t)131)
#define PLACES_COUNT (PAGES_MOST - PAGES_FEWEST + 1)
#define NAME_BYTES   4

/*
 * The naive chain, for teaching: a load at the same place of every page. Those share a set of the
 * first cache, which has 8 to 16 ways, so it "finds" a buffer of so many entries.
 */
#define NAIVE_FEWEST ((size_t)2)
#define NAIVE_MOST   ((size_t)32)
#define NAIVE_COUNT  (NAIVE_MOST - NAIVE_FEWEST + 1)

/* ---- what the models say ---- */

/* The numbers from fewest on, as words. */
static void name_places(
	struct vm_predictions *predictions, const char **places, size_t fewest, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		char *name = vm_arena_take(predictions->arena, NAME_BYTES, 1);
		VM_ASSERT(name != NULL);
		(void)snprintf(name, NAME_BYTES, "%zu", fewest + i);
		places[i] = name;
	}
}

/* The teaching takes what the naive chain shows for the buffer; so many entries are far away. */
static void predict_naive(const struct vm_model *model, const struct vm_host *host,
	const struct vm_reach *reach, struct vm_predictions *predictions)
{
	const bool taught = model->behaviours.tlb_geometry == VM_TLB_GEOMETRY_CORE_I7;
	const int64_t last = taught ? reach->least_pages : host->cpu.level1_data_ways;
	const int64_t knee[] = {last, last};
	const char *places[NAIVE_COUNT];
	const struct shape_claim claim = {predictions, "tlb.entries", NAIVE_COUNT, places};

	if (last == 0 || (!taught && last >= (int64_t)NAIVE_MOST)) {
		predict_silence(&claim, "naive",
			"CPUID does not describe the first-level data cache of this host",
			"amd-apm:3:E.4.15:Fn8000_001D");
		return;
	}
	name_places(predictions, places, NAIVE_FEWEST, NAIVE_COUNT);
	vm_predict(predictions,
		&(struct vm_prediction){
			.claim = "tlb.entries",
			.quantity = "naive",
			.at = "",
			.unit = VM_UNIT_NS,
			.form = VM_FORM_SHAPE,
			.shape = VM_SHAPE_KNEE,
			.values_count = 2,
			.values = knee,
			.inputs_count = NAIVE_COUNT,
			.inputs = places,
			.because = taught ? "a load in each page takes an entry, and nothing else"
					  : "loads at one place of every page share a set of the "
					    "first cache: its ways end long before the entries do",
			.cite = taught ? "gios" : "amd-apm:3:E.4.15:Fn8000_001D",
		});
}

static void predict(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	const struct vm_reach reach = vm_tlb_reach(&model->behaviours, host, 1, predictions->arena);
	const int64_t knee[] = {reach.least_pages, reach.most_pages};
	const char *places[PLACES_COUNT];

	const struct shape_claim claim = {predictions, "tlb.entries", PLACES_COUNT, places};

	(void)arguments, (void)readings;
	if (!reach.known) {
		predict_silence(&claim, "chase",
			"CPUID does not describe the first-level data TLB of this host",
			"amd-apm:3:E.4.4:Fn8000_0005");
		return;
	}
	name_places(predictions, places, PAGES_FEWEST, PLACES_COUNT);
	vm_predict(predictions,
		&(struct vm_prediction){
			.claim = "tlb.entries",
			.quantity = "chase",
			.at = "",
			.unit = VM_UNIT_NS,
			.form = VM_FORM_SHAPE,
			.shape = VM_SHAPE_KNEE,
			.other = "packed",
			.values_count = 2,
			.values = knee,
			.inputs_count = PLACES_COUNT,
			.inputs = places,
			.because = "a cycle through as many pages as the buffer has entries never "
				   "misses; through one more, it misses in each turn",
			.cite = "amd-apm:3:E.4.4:Fn8000_0005",
		});
	predict_naive(model, host, &reach, predictions);
}

/* ---- what the processor does ---- */

#define STEPS	       (CHASE_UNROLLED * 1024)
#define ROUNDS	       12
#define LINES_PER_PAGE (VM_PAGE_BYTES / CHASE_LINE_BYTES)

/* One chain's samples, place by place: a round adds one to each. */
struct samples {
	size_t fewest, places_count;
	int64_t elapsed_ns[PLACES_COUNT][ROUNDS];
	int64_t minor_faults[PLACES_COUNT][ROUNDS];
};

struct field {
	char *pages;  /* a node a page, the lines of the pages in turn */
	char *packed; /* as many nodes, a line apart: the same cache lines, hardly any page */
};

static void *in_pages(void *context, size_t index)
{
	const struct field *field = context;

	return field->pages + vm_pages_to_bytes(index) + index % LINES_PER_PAGE * CHASE_LINE_BYTES;
}

static void *at_one_place(void *context, size_t index)
{
	const struct field *field = context;

	return field->pages + vm_pages_to_bytes(index);
}

static void *in_lines(void *context, size_t index)
{
	const struct field *field = context;

	return field->packed + index * CHASE_LINE_BYTES;
}

static char *map_small_pages(size_t pages_count)
{
	const size_t length_bytes = vm_pages_to_bytes(pages_count);
	char *memory = mmap(
		NULL, length_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	MUST(memory != MAP_FAILED);
	small_pages(memory, length_bytes);
	return memory;
}

/* In random order: neighbours in frames of a row could share an entry. */
static void touch(char *memory, size_t pages_count, size_t *order, uint64_t *state)
{
	order_shuffle(order, pages_count, state);
	for (size_t i = 0; i < pages_count; i++)
		((volatile char *)memory)[vm_pages_to_bytes(order[i])] = 1;
}

static int64_t follow(void *context)
{
	return chase_run(context, STEPS);
}

static void sample(struct samples *samples, size_t place, size_t round, void *start)
{
	const struct cost_plan plan = {
		.name = "chase",
		.body = follow,
		.context = start,
		.batches = 1,
	};
	struct cost_samples taken;

	/* Two turns and more through the longest cycle, so that all that fits is there. */
	(void)chase_run(start, vm_align_up(2 * PAGES_MOST, CHASE_UNROLLED));
	cost_measure(&plan, &taken);
	samples->elapsed_ns[place][round] = taken.elapsed_ns[0];
	samples->minor_faults[place][round] = taken.minor_faults[0];
}

static void observe_samples(
	const struct samples *samples, const char *quantity, const char *faults_quantity)
{
	for (size_t place = 0; place < samples->places_count; place++) {
		char at[NAME_BYTES];
		(void)snprintf(at, sizeof(at), "%zu", samples->fewest + place);
		observe_values(quantity, at, samples->elapsed_ns[place], ROUNDS, VM_UNIT_NS,
			"CLOCK_MONOTONIC_RAW");
		observe_values(faults_quantity, at, samples->minor_faults[place], ROUNDS,
			VM_UNIT_COUNT, "getrusage");
	}
}

static void sample_naive(
	struct samples *naive, size_t round, struct field *field, size_t *order, uint64_t *state)
{
	size_t places[NAIVE_COUNT];

	order_shuffle(places, NAIVE_COUNT, state);
	for (size_t i = 0; i < NAIVE_COUNT; i++)
		sample(naive, places[i], round,
			chase_link(at_one_place, field, NAIVE_FEWEST + places[i], order, state));
}

/*
 * All places once a round, in random order, each beside its control. So the samples of a place are
 * spread over the whole launch: a neighbour's burst hits some of each place, not all of one.
 */
static void measure(const struct probe_arguments *arguments)
{
	/* One launch, one measurement: too large for the stack that was made present. */
	static struct samples chase = {PAGES_FEWEST, PLACES_COUNT, {{0}}, {{0}}},
			      packed = {PAGES_FEWEST, PLACES_COUNT, {{0}}, {{0}}},
			      naive = {NAIVE_FEWEST, NAIVE_COUNT, {{0}}, {{0}}};
	size_t places[PLACES_COUNT], order[PAGES_MOST];
	uint64_t state = trial_seed();
	struct field field = {
		.pages = map_small_pages(PAGES_MOST),
		.packed = map_small_pages(vm_bytes_to_pages_ceil(PAGES_MOST * CHASE_LINE_BYTES)),
	};

	(void)arguments;
	touch(field.pages, PAGES_MOST, order, &state);
	memset(field.packed, 1, PAGES_MOST * CHASE_LINE_BYTES);
	for (size_t round = 0; round < ROUNDS; round++) {
		order_shuffle(places, PLACES_COUNT, &state);
		for (size_t i = 0; i < PLACES_COUNT; i++) {
			const size_t count = PAGES_FEWEST + places[i];
			sample(&chase, places[i], round,
				chase_link(in_pages, &field, count, order, &state));
			sample(&packed, places[i], round,
				chase_link(in_lines, &field, count, order, &state));
		}
		sample_naive(&naive, round, &field, order, &state);
	}
	observe("batch", (int64_t)STEPS, VM_UNIT_COUNT, "program");
	observe_samples(&chase, "chase", "chase-faults");
	observe_samples(&packed, "packed", "packed-faults");
	observe_samples(&naive, "naive", "naive-faults");
}

static const char *const claims[] = {"tlb.entries", NULL};

PROBE(tlb_entries) = {
	.name = "tlb.entries",
	.kind = PROBE_TIMED,
	.claims = claims,
	.question = "How many 4 KiB pages does the first-level data TLB hold?",
	.method =
		"Chase pointers through 16 to 131 pages in one random cycle, one load a page; the "
		"same number of lines packed into few pages is subtracted. Beside it the naive "
		"chain, with its loads at one place of every page.",
	.threats =
		"Eight ways of the first cache: a load at the same offset of every page would show "
		"its associativity, so lines rotate. Prefetchers: a random cycle. Coalesced "
		"entries: frames are taken in random order. The clock's rate: the control is "
		"measured beside. A thread on the sibling shares the buffer.",
	.by_hand = "cpuid -1 -l 0x80000005",
	.deadline_s = 10,
	.predict = PREDICTS(predict),
	.measure = MEASURES_TIMED(measure),
};
