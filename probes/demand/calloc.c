/* SPDX-License-Identifier: Apache-2.0 */
/* calloc of a large block asks the kernel for zeros; malloc and memset make them by hand. */
#include <malloc.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "probe/probe.h"
#include "timed/cost.h"
#include "timed/order.h"
#include "trial/trial.h"
#include "vm/model.h"
#include "vm/prediction.h"

static const char *const places[] = {"256 KiB", "4 MiB", "32 MiB"};
static const size_t lengths_bytes[] = {256 * VM_KIB_BYTES, 4 * VM_MIB_BYTES, 32 * VM_MIB_BYTES};

#define PLACES_COUNT (sizeof(places) / sizeof(places[0]))

/* Below the threshold for own mappings: what calloc gives was somebody's before. */
static const char *const small_places[] = {"1 KiB", "16 KiB", "64 KiB"};
static const size_t small_lengths_bytes[] = {VM_KIB_BYTES, 16 * VM_KIB_BYTES, 64 * VM_KIB_BYTES};

#define SMALL_COUNT (sizeof(small_places) / sizeof(small_places[0]))

#define BATCHES 5
#define CLAIM	"demand.calloc-vs-memset"

/* ---- what the models say ---- */

static void predict_shape(struct vm_predictions *predictions, enum vm_shape shape,
	const char *because, const char *cite)
{
	vm_predict(predictions, &(struct vm_prediction){
					.claim = CLAIM,
					.quantity = "calloc",
					.at = "",
					.unit = VM_UNIT_NS,
					.form = VM_FORM_SHAPE,
					.shape = shape,
					.other = "malloc-memset",
					.inputs_count = PLACES_COUNT,
					.inputs = places,
					.because = because,
					.cite = cite,
				});
}

/* The block and its header of two words begin at a page: one page more than the block has. */
static void predict_faults(struct vm_predictions *predictions, const char *quantity, const char *at,
	int64_t faults, const char *because)
{
	int64_t values[BATCHES];

	for (size_t i = 0; i < BATCHES; i++)
		values[i] = faults;
	vm_predict(predictions, &(struct vm_prediction){
					.claim = CLAIM,
					.quantity = quantity,
					.at = at,
					.unit = VM_UNIT_COUNT,
					.form = VM_FORM_EXACT,
					.values_count = BATCHES,
					.values = values,
					.because = because,
					.cite = "glibc:2.36:malloc/malloc.c:sysmalloc_mmap",
				});
}

static void predict(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	(void)model, (void)host, (void)arguments, (void)readings;
	for (size_t i = 0; i < PLACES_COUNT; i++) {
		predict_faults(predictions, "calloc-faults", places[i], 1,
			"only the header is written, in front of the block");
		predict_faults(predictions, "malloc-memset-faults", places[i],
			1 + (int64_t)vm_bytes_to_pages_ceil(lengths_bytes[i]),
			"memset touches every page of the block, and the header moves it into one "
			"more");
	}
	for (size_t i = 0; i < SMALL_COUNT; i++) {
		predict_faults(predictions, "calloc-faults", small_places[i], 0,
			"below the threshold a block is used again: calloc has to clear it by "
			"hand");
		predict_faults(predictions, "malloc-memset-faults", small_places[i], 0,
			"below the threshold a block is used again, with the pages it has");
	}
	predict_shape(predictions, VM_SHAPE_BELOW,
		"a block of its own mapping is zero when it comes, so calloc writes nothing",
		"linux:6.12:mm/memory.c:do_anonymous_page");
	predict_shape(predictions, VM_SHAPE_FLAT,
		"mmap records an area of any length at the same cost; each page is paid for when "
		"it "
		"is touched",
		"linux:6.12:mm/mmap.c:do_mmap");
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

/* So much more than the largest small block that what others take of it does not matter. */
static void warm_heap(void)
{
	enum { BLOCKS = 4 };
	void *blocks[BLOCKS];

	for (size_t i = 0; i < BLOCKS; i++) {
		blocks[i] = malloc(small_lengths_bytes[SMALL_COUNT - 1]);
		MUST(blocks[i] != NULL);
		(void)set_memory(blocks[i], 1, small_lengths_bytes[SMALL_COUNT - 1]);
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
	order_shuffle(order, PLACES_COUNT, &state);
	for (size_t i = 0; i < PLACES_COUNT; i++)
		time_both(places[order[i]], lengths_bytes[order[i]]);
	/* Not before: a large block comes of the heap where that has room for it. */
	warm_heap();
	for (size_t i = 0; i < SMALL_COUNT; i++)
		time_both(small_places[i], small_lengths_bytes[i]);
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
