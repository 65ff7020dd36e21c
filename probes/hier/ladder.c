/* SPDX-License-Identifier: Apache-2.0 */
/* The ladder from the first cache to the disk: the larger, the slower. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "probe/probe.h"
#include "probe/shape.h"
#include "timed/caches.h"
#include "timed/chase.h"
#include "timed/cost.h"
#include "timed/memory.h"
#include "timed/order.h"
#include "trial/trial.h"
#include "vm/model.h"
#include "vm/random.h"

#define CLAIM "hier.ladder"

#define LONGEST_BYTES (8 * VM_MIB_BYTES)

/* A footprint a place; "memory" is a footprint whose lines were flushed from every cache. */
static const struct {
	const char *at;
	uint64_t bytes;
} places[] = {
	{"16 KiB", 16 * VM_KIB_BYTES},
	{"32 KiB", 32 * VM_KIB_BYTES},
	{"64 KiB", 64 * VM_KIB_BYTES},
	{"128 KiB", 128 * VM_KIB_BYTES},
	{"256 KiB", 256 * VM_KIB_BYTES},
	{"512 KiB", 512 * VM_KIB_BYTES},
	{"1 MiB", VM_MIB_BYTES},
	{"2 MiB", 2 * VM_MIB_BYTES},
	{"4 MiB", 4 * VM_MIB_BYTES},
	{"8 MiB", LONGEST_BYTES},
};

#define PLACES_COUNT (sizeof(places) / sizeof(places[0]))
#define AT_MEMORY    "memory"
#define AT_STORAGE   "storage"

/* What is observed is the time of so many accesses: whole nanoseconds say little of one. */
#define ACCESSES 1024

/* ---- what the models say ---- */

/*
 * Rungs that are a processor's own: every first cache holds 16 KiB and none 256 KiB, which every
 * second one holds. The third is everybody's: neighbours leave so little of it that a cycle through
 * 4 MiB may take as long as memory, and of that the order says nothing.
 */
static const char *const rungs[] = {"16 KiB", "256 KiB", AT_MEMORY, AT_STORAGE};
static const char *const huge_rungs[] = {"16 KiB", "256 KiB", AT_MEMORY};

#define RUNGS_COUNT	 (sizeof(rungs) / sizeof(rungs[0]))
#define HUGE_RUNGS_COUNT (sizeof(huge_rungs) / sizeof(huge_rungs[0]))

/* osn: "cache 1-40 ns, memory 80-140 ns, SSD 10-40 us"; the figures of that slide, for each. */
static void predict_ranges(struct vm_predictions *predictions)
{
	static const struct {
		const char *at;
		int64_t least_ns, most_ns;
	} ranges[] = {
		{"16 KiB", 1, 40},
		{"256 KiB", 1, 40},
		{AT_MEMORY, 80, 140},
		{AT_STORAGE, 10000, 40000},
	};

	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
		vm_predict(predictions,
			&(struct vm_prediction){
				.claim = CLAIM,
				.quantity = "loads-1024",
				.at = ranges[i].at,
				.unit = VM_UNIT_NS,
				.form = VM_FORM_WITHIN,
				.values_count = 2,
				.values = (const int64_t[]){ranges[i].least_ns * ACCESSES,
					ranges[i].most_ns * ACCESSES},
				.because = "the slide's figure for one access, for 1024",
				.cite = "osn",
			});
}

static void predict(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	const struct vm_knob_fact *thp = &host->knob[VM_KNOB_THP_ENABLED];
	const struct shape_claim small = {predictions, CLAIM, RUNGS_COUNT, rungs};
	const struct shape_claim huge = {predictions, CLAIM, HUGE_RUNGS_COUNT, huge_rungs};
	static const char because[] =
		"what is larger lies farther away, and is asked when all before it have missed";

	(void)arguments, (void)readings;
	predict_shape(&small, "loads-1024", VM_SHAPE_RISES, NULL, because, "osn");
	if (thp->present && thp->value != VM_THP_NEVER)
		predict_shape(&huge, "loads-1024-huge", VM_SHAPE_RISES, NULL, because, "osn");
	if (model->id == VM_MODEL_TEXTBOOK)
		predict_ranges(predictions);
}

/* ---- what the machine does ---- */

#define STEPS	(CHASE_UNROLLED * 512)
#define BATCHES 3
#define READS	8
/* Apart by more than any read-ahead of the device takes with it. */
#define FILE_BYTES (2 * VM_MIB_BYTES)

static void *line_in(void *context, size_t index)
{
	return (char *)context + index * CHASE_LINE_BYTES;
}

struct cycle {
	char *memory;
	size_t lines;
	uint64_t *random_state;
};

/*
 * From another node of the cycle each time: the nodes that a batch visits must be those that the
 * whole cycle has driven as far away as it does, not those of the batch before.
 */
static int64_t follow(void *context)
{
	const struct cycle *cycle = context;
	const size_t first = vm_random_below(cycle->random_state, cycle->lines);

	return chase_run(cycle->memory + first * CHASE_LINE_BYTES, STEPS);
}

static int64_t per_accesses(int64_t elapsed_ns, size_t accesses)
{
	return elapsed_ns * ACCESSES / (int64_t)accesses;
}

static void observe_samples(const char *quantity, const char *at, struct cost_samples *samples)
{
	for (size_t i = 0; i < samples->count; i++)
		samples->elapsed_ns[i] = per_accesses(samples->elapsed_ns[i], STEPS);
	observe_values(quantity, at, samples->elapsed_ns, samples->count, VM_UNIT_NS,
		"CLOCK_MONOTONIC_RAW");
}

static void time_place(const char *quantity, const char *at, uint64_t length_bytes, char *memory,
	size_t *order, uint64_t *random_state)
{
	static struct cost_samples samples;
	const size_t lines = (size_t)length_bytes / CHASE_LINE_BYTES;
	struct cycle cycle = {memory, lines, random_state};
	void *start = chase_link(line_in, memory, lines, order, random_state);
	const struct cost_plan plan = {
		.name = quantity,
		.body = follow,
		.context = &cycle,
		.batches = BATCHES,
	};

	/* Linking touched every line; once more, so that what fits lies where it will lie. */
	(void)chase_run(start, lines < STEPS ? STEPS : lines);
	cost_measure(&plan, &samples);
	observe_samples(quantity, at, &samples);
}

struct flushed {
	char *memory;
	void *start;
};

static int64_t follow_flushed(void *context)
{
	const struct flushed *flushed = context;

	return chase_run_flushed(flushed->memory, flushed->start, STEPS);
}

static void time_memory(const char *quantity, char *memory, size_t *order, uint64_t *random_state)
{
	static struct cost_samples samples;
	struct flushed flushed = {memory, chase_link(line_in, memory, STEPS, order, random_state)};
	const struct cost_plan plan = {
		.name = quantity,
		.body = follow_flushed,
		.context = &flushed,
		.warm_ups = 1,
		.batches = BATCHES,
	};

	cost_measure(&plan, &samples);
	observe_samples(quantity, AT_MEMORY, &samples);
}

static void time_storage(uint64_t *random_state)
{
	const int file = memory_disk_file(FILE_BYTES);
	int64_t elapsed_ns[READS];
	void *block = NULL;

	if (fcntl(file, F_SETFL, O_DIRECT) != 0)
		unmet("files cannot be read past the page cache where trials have their folder",
			"set TMPDIR to a folder on a disk, not in memory");
	MUST(posix_memalign(&block, VM_PAGE_BYTES, VM_PAGE_BYTES) == 0);
	memset(block, 1, VM_PAGE_BYTES);
	for (size_t i = 0; i < READS; i++) {
		const uint64_t page =
			vm_random_below(random_state, vm_bytes_to_pages_floor(FILE_BYTES));
		const int64_t started_ns = cost_now_ns();
		MUST(pread(file, block, VM_PAGE_BYTES, (off_t)vm_pages_to_bytes(page)) ==
			(ssize_t)VM_PAGE_BYTES);
		elapsed_ns[i] = per_accesses(cost_now_ns() - started_ns, 1);
	}
	observe_values(
		"loads-1024", AT_STORAGE, elapsed_ns, READS, VM_UNIT_NS, "CLOCK_MONOTONIC_RAW");
}

/* Half of each cache that there is: it lies in that one, and in none before it. */
static void time_caches(const char *quantity, const struct caches *caches, char *memory,
	size_t *order, uint64_t *random_state)
{
	static const char *const names[CACHES_LEVELS] = {"L1", "L2", "L3"};

	for (size_t level = 0; level < CACHES_LEVELS; level++) {
		const uint64_t half_bytes = caches->bytes[level] / 2;
		const uint64_t used_bytes = half_bytes < LONGEST_BYTES ? half_bytes : LONGEST_BYTES;
		if (used_bytes != 0)
			time_place(quantity, names[level], used_bytes, memory, order, random_state);
	}
}

static void measure(const struct probe_arguments *arguments)
{
	static size_t order[LONGEST_BYTES / CHASE_LINE_BYTES];
	static const char *const quantities[] = {"loads-1024", "loads-1024-huge"};
	uint64_t state = trial_seed();
	size_t turn[PLACES_COUNT];

	(void)arguments;
	const struct caches caches = caches_find();
	time_storage(&state);
	for (size_t size = 0; size < 2; size++) {
		char *memory = memory_touched(LONGEST_BYTES, size == 1);
		/* No huge page to be had: this launch says nothing of them. */
		if (memory == NULL)
			continue;
		time_memory(quantities[size], memory, order, &state);
		order_shuffle(turn, PLACES_COUNT, &state);
		for (size_t i = 0; i < PLACES_COUNT; i++)
			time_place(quantities[size], places[turn[i]].at, places[turn[i]].bytes,
				memory, order, &state);
		time_caches(quantities[size], &caches, memory, order, &state);
	}
}

static const char *const claims[] = {CLAIM, NULL};

PROBE(ladder) = {
	.name = CLAIM,
	.kind = PROBE_TIMED,
	.claims = claims,
	.question = "How long does an access take, from the first cache to the disk?",
	.method =
		"Chase pointers through every line of 16 KiB to 8 MiB, and of half of each cache "
		"that hwloc finds, in random order, in pages of 4 KiB and of 2 MiB; through lines "
		"flushed from all caches; and read 4 KiB from the "
		"disk past the page cache. Each figure is of 1024 accesses.",
	.threats =
		"Prefetchers: a random cycle. Translation: huge pages beside small ones, faults "
		"counted. A neighbour in the shared cache: the order of rungs far apart is judged, "
		"never a figure. A host that caches the guest's disk: its time is the path's.",
	.by_hand = "lstopo-no-graphics --of console; ioping -D -c 8 .",
	.needs = {.memory_bytes = 128 * VM_MIB_BYTES},
	.deadline_s = 20,
	.predict = PREDICTS(predict),
	.measure = MEASURES_TIMED(measure),
};
