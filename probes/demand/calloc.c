/* SPDX-License-Identifier: Apache-2.0 */
/* calloc of a large block asks the kernel for zeros; malloc and memset make them by hand. */
#include <malloc.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "probe/probe.h"
#include "probe/shape.h"
#include "timed/cost.h"
#include "timed/order.h"
#include "trial/trial.h"
#include "vm/model.h"

static const char *const places[] = {"256 KiB", "4 MiB", "32 MiB"};
static const size_t lengths_bytes[] = {256 * VM_KIB_BYTES, 4 * VM_MIB_BYTES, 32 * VM_MIB_BYTES};

#define PLACES_COUNT (sizeof(places) / sizeof(places[0]))

/* Below the threshold for own mappings: what calloc gives was somebody's before. */
static const char *const small_places[] = {"1 KiB", "16 KiB", "64 KiB"};
static const size_t small_lengths_bytes[] = {VM_KIB_BYTES, 16 * VM_KIB_BYTES, 64 * VM_KIB_BYTES};

#define SMALL_COUNT (sizeof(small_places) / sizeof(small_places[0]))

#define BATCHES 5
#define CLAIM	"demand.calloc-vs-memset"

/* So large that clearing takes up to half a second: once is enough. */
static const char *const large_places[] = {"64 MiB", "256 MiB", "1 GiB"};
static const size_t large_lengths_bytes[] = {64 * VM_MIB_BYTES, 256 * VM_MIB_BYTES, VM_GIB_BYTES};

#define LARGE_COUNT   (sizeof(large_places) / sizeof(large_places[0]))
#define LARGE_BATCHES 1
#define AT_1_GIB      "1 GiB"

/* ---- what the models say ---- */

/* The block and its header of two words begin at a page: one page more than the block has. */
static void predict_faults(const struct shape_claim *claim, const char *quantity, const char *at,
	int64_t faults, const char *because)
{
	predict_each(claim, quantity, at, faults,
		claim->places == large_places ? LARGE_BATCHES : BATCHES, because,
		"glibc:2.36:malloc/malloc.c:sysmalloc_mmap");
}

/* Blocks in mappings of their own. */
static void predict_mapped(const struct shape_claim *claim, const size_t *lengths)
{
	for (size_t i = 0; i < claim->places_count; i++) {
		predict_faults(claim, "calloc-faults", claim->places[i], 1,
			"only the header is written, in front of the block");
		predict_faults(claim, "malloc-memset-faults", claim->places[i],
			1 + (int64_t)vm_bytes_to_pages_ceil(lengths[i]),
			"memset touches every page of the block, and the header moves it into one "
			"more");
	}
	predict_shape(claim, "calloc", VM_SHAPE_BELOW, "malloc-memset",
		"a block of its own mapping is zero when it comes, so calloc writes nothing",
		"linux:6.12:mm/memory.c:do_anonymous_page");
	predict_shape(claim, "calloc", VM_SHAPE_FLAT, "malloc-memset",
		"mmap records an area of any length at the same cost; each page is paid for when "
		"it is touched",
		"linux:6.12:mm/mmap.c:do_mmap");
}

static void predict(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	const struct shape_claim claim = {predictions, CLAIM, PLACES_COUNT, places};

	(void)model, (void)host, (void)arguments, (void)readings;
	predict_mapped(&claim, lengths_bytes);
	for (size_t i = 0; i < SMALL_COUNT; i++) {
		predict_faults(&claim, "calloc-faults", small_places[i], 0,
			"below the threshold a block is used again: calloc has to clear it by "
			"hand");
		predict_faults(&claim, "malloc-memset-faults", small_places[i], 0,
			"below the threshold a block is used again, with the pages it has");
	}
}

/* Strict overcommit and limits refuse what this asks for. */
static bool may_have_much(const struct vm_host *host, const struct probe_arguments *arguments)
{
	const int64_t strict = 2;

	(void)arguments;
	return vm_host_knob(host, VM_KNOB_OVERCOMMIT_MEMORY, 0) != strict &&
	       host->address_space_limit_bytes == UINT64_MAX;
}

/*
 * epita: "about 100 times" at 1 GiB. Of powers of ten it is the one that is meant: from the middle
 * to the one below to the middle to the one above, as ratios have their middles.
 */
static void predict_large(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	const struct shape_claim claim = {predictions, CLAIM, LARGE_COUNT, large_places};
	static const int64_t about_100[] = {32, 316};
	int64_t pages[LARGE_COUNT];

	(void)host, (void)arguments, (void)readings;
	predict_mapped(&claim, large_lengths_bytes);
	for (size_t i = 0; i < LARGE_COUNT; i++)
		pages[i] = (int64_t)vm_bytes_to_pages_ceil(large_lengths_bytes[i]);
	predict_growth(&claim, "malloc-memset", VM_SHAPE_PROPORTIONAL, NULL, pages,
		"each page is faulted in and cleared, by the kernel and then by hand",
		"linux:6.12:mm/memory.c:do_anonymous_page");
	if (model->id == VM_MODEL_TEXTBOOK)
		vm_predict(predictions,
			&(struct vm_prediction){
				.claim = CLAIM,
				.quantity = "ratio",
				.at = AT_1_GIB,
				.unit = VM_UNIT_COUNT,
				.form = VM_FORM_WITHIN,
				.values_count = 2,
				.values = about_100,
				.because = "calloc is about 100 times as fast at 1 GiB",
				.cite = "epita",
			});
}

/* ---- what the kernel does ---- */

/* Called through memory: the compiler turns malloc and memset that it sees through into calloc. */
static void *(*volatile const set_memory)(void *memory, int byte, size_t length_bytes) = memset;

static int64_t time_block(size_t length_bytes, bool by_hand)
{
	const int64_t started_ns = cost_cpu_ns();
	void *block = by_hand ? malloc(length_bytes) : calloc(1, length_bytes);

	MUST(block != NULL);
	if (by_hand)
		(void)set_memory(block, 0, length_bytes);
	const int64_t elapsed_ns = cost_cpu_ns() - started_ns;
	free(block);
	return elapsed_ns;
}

static int64_t time_calloc(void *context)
{
	return time_block(*(const size_t *)context, false);
}

static int64_t time_malloc(void *context)
{
	return time_block(*(const size_t *)context, true);
}

static void time_it(const char *quantity, const char *faults_quantity, const char *at,
	size_t length_bytes, cost_body *body)
{
	const struct cost_plan plan = {
		.name = quantity,
		.body = body,
		.context = &length_bytes,
		.witness = "CPU time",
		.warm_ups = 1,
		.batches = BATCHES,
	};

	cost_observe(&plan, quantity, faults_quantity, at);
}

static void time_both(const char *at, size_t length_bytes)
{
	time_it("calloc", "calloc-faults", at, length_bytes, time_calloc);
	time_it("malloc-memset", "malloc-memset-faults", at, length_bytes, time_malloc);
}

/* Nobody advises for the allocator. Without huge pages in the kernel the call does nothing. */
static void only_small_pages(void)
{
	(void)prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
}

/* So much more than the largest small block that what others take of it does not matter. */
static void warm_heap(void)
{
	enum { BLOCKS = 4 };
	const size_t largest_bytes = small_lengths_bytes[SMALL_COUNT - 1];
	void *blocks[BLOCKS];

	for (size_t i = 0; i < BLOCKS; i++) {
		blocks[i] = malloc(largest_bytes);
		MUST(blocks[i] != NULL);
		(void)set_memory(blocks[i], 1, largest_bytes);
	}
	for (size_t i = 0; i < BLOCKS; i++)
		free(blocks[i]);
}

static void measure(const struct probe_arguments *arguments)
{
	uint64_t state = trial_seed();
	size_t order[PLACES_COUNT];

	(void)arguments;
	/* Freeing a block of a mapping of its own raises the threshold above it, once it may. */
	MUST(mallopt(M_MMAP_THRESHOLD, (int)lengths_bytes[0]) == 1);
	/* Nor is the heap given back, of which the small blocks come. */
	MUST(mallopt(M_TRIM_THRESHOLD, (int)VM_GIB_BYTES) == 1);
	only_small_pages();
	order_shuffle(order, PLACES_COUNT, &state);
	for (size_t i = 0; i < PLACES_COUNT; i++)
		time_both(places[order[i]], lengths_bytes[order[i]]);
	/* Not before: a large block comes of the heap where that has room for it. */
	warm_heap();
	for (size_t i = 0; i < SMALL_COUNT; i++)
		time_both(small_places[i], small_lengths_bytes[i]);
}

/* One block of each kind; faults as those of smaller blocks are counted. */
static int64_t time_large(
	const char *quantity, const char *faults_quantity, size_t place, bool by_hand)
{
	const int64_t before = cost_minor_faults();
	const int64_t elapsed_ns = time_block(large_lengths_bytes[place], by_hand);
	const int64_t faults = cost_minor_faults() - before;

	observe_at(quantity, large_places[place], elapsed_ns, VM_UNIT_NS, "CPU time");
	observe_at(faults_quantity, large_places[place], faults, VM_UNIT_COUNT, "getrusage");
	return elapsed_ns;
}

static void measure_large(const struct probe_arguments *arguments)
{
	uint64_t state = trial_seed();
	size_t order[LARGE_COUNT];

	(void)arguments;
	MUST(mallopt(M_MMAP_THRESHOLD, (int)lengths_bytes[0]) == 1);
	only_small_pages();
	/* What the first call of each brings into memory is nobody's cost. */
	(void)time_block(lengths_bytes[0], false);
	(void)time_block(lengths_bytes[0], true);
	order_shuffle(order, LARGE_COUNT, &state);
	for (size_t i = 0; i < LARGE_COUNT; i++) {
		const size_t place = order[i];
		const int64_t calloc_ns = time_large("calloc", "calloc-faults", place, false);
		const int64_t memset_ns =
			time_large("malloc-memset", "malloc-memset-faults", place, true);
		if (large_lengths_bytes[place] == VM_GIB_BYTES)
			observe_at("ratio", AT_1_GIB, memset_ns / calloc_ns, VM_UNIT_COUNT,
				"CPU time");
	}
}

static const char *const claims[] = {CLAIM, NULL};

PROBE(calloc_cost) = {
	.name = CLAIM,
	.kind = PROBE_TIMED,
	.claims = claims,
	.question = "Is calloc of a large block cheaper than malloc and memset?",
	.method =
		"CPU time of calloc, and of malloc with memset, of 256 KiB, 4 MiB and 32 MiB, each "
		"block in a mapping of its own, and of 1 to 64 KiB, which are used again; the "
		"faults "
		"are counted.",
	.threats = "A block that was used before would have to be cleared: the threshold for own "
		   "mappings is frozen. The compiler may join malloc and memset into calloc: the "
		   "call goes through memory.",
	.by_hand = "ltrace -c -e calloc+memset PROGRAM",
	.needs = {.memory_bytes = 64 * VM_MIB_BYTES},
	.deadline_s = 20,
	.predict = PREDICTS(predict),
	.measure = MEASURES_TIMED(measure),
};

PROBE(calloc_large) = {
	.name = "demand.calloc-large",
	.kind = PROBE_TIMED,
	.claims = claims,
	.question = "How much cheaper is calloc at 64 MiB to 1 GiB?",
	.method =
		"CPU time and faults of calloc, and of malloc with memset, of 64 MiB, 256 MiB and "
		"1 GiB, each block in a mapping of its own; and how many times one takes the "
		"other.",
	.threats = "A short machine: so much memory has to be free. The compiler may join malloc "
		   "and memset into calloc: the call goes through memory.",
	.by_hand = "ltrace -c -e calloc+memset PROGRAM",
	.needs = {.memory_bytes = 2 * VM_GIB_BYTES},
	.lengthy = true,
	.suits = may_have_much,
	.deadline_s = 30,
	.predict = PREDICTS(predict_large),
	.measure = MEASURES_TIMED(measure_large),
};
