/* SPDX-License-Identifier: Apache-2.0 */
/* The more local a reference string, the more of it hits: as often as the simulator says. */
#include "probe/probe.h"
#include "probe/shape.h"
#include "timed/chase.h"
#include "timed/cost.h"
#include "timed/memory.h"
#include "timed/order.h"
#include "trial/trial.h"
#include "vm/eliminate.h"
#include "vm/model.h"
#include "vm/random.h"
#include "vm/reach.h"

#define CLAIM "tlb.locality"

/*
 * All strings are as long and use as many cache lines; of one page in HOT_PAGES come so many of the
 * references, and each of the others has a page of its own.
 */
#define REFERENCES     384
#define HOT_PAGES      ((size_t)16)
#define LINES_PER_PAGE (VM_PAGE_BYTES / CHASE_LINE_BYTES)

static const char *const places[] = {"98 %", "75 %", "50 %", "0 %"};
static const size_t hot_references[] = {376, 288, 192, 0};

#define PLACES_COUNT (sizeof(places) / sizeof(places[0]))

/*
 * The page of a reference: a hot one or one of its own. Its line is its number in any case, so that
 * all strings fill the sets of the first cache alike, and it has room for them: then a hot page has
 * to be another one each time its line comes again.
 */
static size_t page_of(size_t index, size_t hot_count)
{
	return index < hot_count ? (index + index / LINES_PER_PAGE) % HOT_PAGES
				 : HOT_PAGES + index - hot_count;
}

/* ---- what the models say ---- */

#define ORDER_SEED 1

/* The references in an order drawn by chance, as the chase visits them. */
static int64_t misses_of(const struct vm_tlb_fact *array, size_t hot_count, struct vm_arena *arena)
{
	const struct vm_tlb_config config = {
		.arrays_count = 1,
		.arrays = array,
		.replacement = VM_TLB_LRU,
		.paging = VM_PAGING_LEVEL4,
	};
	struct vm_pattern_page pages[REFERENCES];
	uint64_t state = ORDER_SEED;

	for (size_t i = 0; i < REFERENCES; i++)
		pages[i] = (struct vm_pattern_page){
			vm_pages_to_bytes(page_of(i, hot_count)), VM_PAGE_SHIFT};
	for (size_t i = REFERENCES; i > 1; i--) {
		const size_t other = vm_random_below(&state, i);
		const struct vm_pattern_page held = pages[i - 1];
		pages[i - 1] = pages[other];
		pages[other] = held;
	}
	const struct vm_pattern pattern = {REFERENCES, pages};
	return vm_tlb_pattern_misses(&config, &pattern, arena);
}

static void predict(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	const struct shape_claim claim = {predictions, CLAIM, PLACES_COUNT, places};
	struct vm_tlb_fact candidates[VM_TLB_CANDIDATES_LIMIT];
	int64_t misses[PLACES_COUNT];

	(void)arguments, (void)readings;
	if (model->behaviours.tlb_geometry != VM_TLB_GEOMETRY_CPUID) {
		predict_shape(&claim, "string", VM_SHAPE_RISES, NULL,
			"the less local the references, the more of them miss", "osn");
		return;
	}
	if (vm_tlb_candidates(host, 1, VM_PAGE_BYTES, candidates) == 0) {
		predict_silence(&claim, "string",
			"CPUID does not describe the first-level data TLB of this host",
			"amd-apm:3:E.4.4:Fn8000_0005");
		return;
	}
	candidates[0].type = VM_TLB_DATA;
	candidates[0].pages_mask = VM_PAGE_BYTES;
	for (size_t i = 0; i < PLACES_COUNT; i++)
		misses[i] = misses_of(&candidates[0], hot_references[i], predictions->arena);
	predict_growth(&claim, "string", VM_SHAPE_PROPORTIONAL, NULL, misses,
		"what a string takes above its loads is the misses that the simulated first level "
		"has with it",
		"amd-apm:3:E.4.4:Fn8000_0005");
}

/* ---- what the processor does ---- */

#define STEPS	(CHASE_UNROLLED * 512)
#define BATCHES 7
#define MAPPED	(HOT_PAGES + REFERENCES)

struct field {
	char *pages;
	size_t hot_count;
};

static void *node_at(void *context, size_t index)
{
	const struct field *field = context;

	return field->pages + vm_pages_to_bytes(page_of(index, field->hot_count)) +
	       index % LINES_PER_PAGE * CHASE_LINE_BYTES;
}

static int64_t follow(void *context)
{
	return chase_run(context, STEPS);
}

static void measure(const struct probe_arguments *arguments)
{
	static size_t order[MAPPED];
	uint64_t state = trial_seed();
	struct field field = {.pages = memory_small(vm_pages_to_bytes(MAPPED))};
	size_t turn[PLACES_COUNT];

	(void)arguments;
	/* In random order: neighbours in frames of a row could share an entry. */
	order_shuffle(order, MAPPED, &state);
	for (size_t i = 0; i < MAPPED; i++)
		((volatile char *)field.pages)[vm_pages_to_bytes(order[i])] = 1;
	order_shuffle(turn, PLACES_COUNT, &state);
	for (size_t i = 0; i < PLACES_COUNT; i++) {
		field.hot_count = hot_references[turn[i]];
		const struct cost_plan plan = {
			.name = "string",
			.body = follow,
			.context = chase_link(node_at, &field, REFERENCES, order, &state),
			.witness = "CLOCK_MONOTONIC_RAW",
			.warm_ups = 1,
			.batches = BATCHES,
		};
		cost_observe(&plan, "string", "string-faults", places[turn[i]]);
	}
}

static const char *const claims[] = {CLAIM, NULL};

PROBE(locality) = {
	.name = CLAIM,
	.kind = PROBE_TIMED,
	.claims = claims,
	.question = "Does a reference string take as much longer as the simulator says it misses?",
	.method = "Chase pointers through 384 references in random order, of which 98, 75, 50 and "
		  "0 percent fall on 16 pages and each other one on a page of its own.",
	.threats = "The cache: all strings have the same number of lines, as evenly spread. "
		   "Coalesced entries: frames are taken in random order.",
	.by_hand = "perf stat -e dTLB-loads,dTLB-load-misses PROGRAM",
	.deadline_s = 10,
	.predict = PREDICTS(predict),
	.measure = MEASURES_TIMED(measure),
};
