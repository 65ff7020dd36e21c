/* SPDX-License-Identifier: Apache-2.0 */
/* Checkpoints: copying everything, copying what changed, and copying in rounds while it changes. */
#include <string.h>

#include "probe/probe.h"
#include "probe/shape.h"
#include "timed/cost.h"
#include "timed/memory.h"
#include "timed/order.h"
#include "trial/trial.h"
#include "vm/model.h"
#include "vm/random.h"

#define PAGES	((size_t)4 * 1024)
#define BATCHES 3

/* Pages dirtied since the last checkpoint. */
static const char *const dirty_places[] = {"64", "256", "1024"};
static const int64_t dirty_pages[] = {64, 256, 1024};

#define DIRTY_COUNT (sizeof(dirty_places) / sizeof(dirty_places[0]))

/* Rounds of pre-copying, the last one first: what is left falls from round to round. */
static const char *const rounds[] = {"4", "3", "2", "1"};

#define ROUNDS_COUNT (sizeof(rounds) / sizeof(rounds[0]))

/* ---- what the models say ---- */

static void predict(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	const struct shape_claim copies = {
		predictions, "ckpt.full-copy", DIRTY_COUNT, dirty_places};
	/* The first round of both copies everything: they part from the second on. */
	const struct shape_claim falls = {predictions, "ckpt.precopy", ROUNDS_COUNT, rounds};
	const struct shape_claim later = {predictions, "ckpt.precopy", ROUNDS_COUNT - 1, rounds};

	(void)model, (void)host, (void)arguments, (void)readings;
	predict_growth(&copies, "incremental", VM_SHAPE_PROPORTIONAL, NULL, dirty_pages,
		"what is copied is what was dirtied", "gios");
	predict_shape(&copies, "incremental", VM_SHAPE_BELOW, "full",
		"a full checkpoint copies every page, whether it changed or not", "gios");
	predict_shape(&falls, "slow-writer", VM_SHAPE_RISES, NULL,
		"dirtied at half the rate at which it is copied, half is left after each round",
		"gios");
	predict_shape(&later, "slow-writer", VM_SHAPE_BELOW, "fast-writer",
		"dirtied at twice the rate at which it is copied, everything is left again",
		"gios");
}

/* ---- what the machine does ---- */

struct field {
	char *memory, *image;
	size_t order[PAGES];
	size_t dirty_count; /* the first of the order */
	uint64_t random_state;
};

static void dirty(struct field *field, size_t count)
{
	field->dirty_count = count;
	order_shuffle(field->order, PAGES, &field->random_state);
	for (size_t i = 0; i < count; i++)
		((volatile char *)field->memory)[vm_pages_to_bytes(field->order[i])]++;
}

static int64_t copy_dirty(const struct field *field)
{
	const int64_t started_ns = cost_cpu_ns();

	for (size_t i = 0; i < field->dirty_count; i++) {
		const uint64_t offset = vm_pages_to_bytes(field->order[i]);
		memcpy(field->image + offset, field->memory + offset, VM_PAGE_BYTES);
	}
	return cost_cpu_ns() - started_ns;
}

static int64_t time_incremental(void *context)
{
	struct field *field = context;

	dirty(field, field->dirty_count);
	return copy_dirty(field);
}

static int64_t time_full(void *context)
{
	struct field *field = context;
	const size_t dirtied = field->dirty_count;

	dirty(field, PAGES);
	field->dirty_count = dirtied;
	const int64_t started_ns = cost_cpu_ns();
	memcpy(field->image, field->memory, vm_pages_to_bytes(PAGES));
	return cost_cpu_ns() - started_ns;
}

static void time_copies(struct field *field, size_t place)
{
	struct cost_plan plan = {
		.name = "incremental",
		.body = time_incremental,
		.context = field,
		.witness = "CPU time",
		.warm_ups = 1,
		.batches = BATCHES,
	};

	field->dirty_count = (size_t)dirty_pages[place];
	cost_observe(&plan, "incremental", "incremental-faults", dirty_places[place]);
	plan.name = "full";
	plan.body = time_full;
	cost_observe(&plan, "full", "full-faults", dirty_places[place]);
}

/* The writer's pace is set by what the first round took for all pages; it writes while we copy. */
static void time_rounds(
	struct field *field, const char *quantity, size_t numerator, size_t denominator)
{
	int64_t elapsed_ns[ROUNDS_COUNT];

	dirty(field, PAGES);
	for (size_t round = 0; round < ROUNDS_COUNT; round++) {
		elapsed_ns[round] = copy_dirty(field);
		const size_t written = PAGES * (size_t)elapsed_ns[round] / (size_t)elapsed_ns[0] *
				       numerator / denominator;
		dirty(field, written < PAGES ? written : PAGES);
	}
	for (size_t round = 0; round < ROUNDS_COUNT; round++)
		observe_values(quantity, rounds[ROUNDS_COUNT - 1 - round], &elapsed_ns[round], 1,
			VM_UNIT_NS, "CPU time");
}

static void measure(const struct probe_arguments *arguments)
{
	static struct field field;
	size_t order[DIRTY_COUNT];

	(void)arguments;
	field.random_state = trial_seed();
	field.memory = memory_touched(vm_pages_to_bytes(PAGES), false);
	field.image = memory_touched(vm_pages_to_bytes(PAGES), false);
	MUST(field.memory != NULL && field.image != NULL);
	order_shuffle(order, DIRTY_COUNT, &field.random_state);
	for (size_t i = 0; i < DIRTY_COUNT; i++)
		time_copies(&field, order[i]);
	time_rounds(&field, "slow-writer", 1, 2);
	time_rounds(&field, "fast-writer", 2, 1);
}

static const char *const claims[] = {"ckpt.full-copy", "ckpt.precopy", NULL};

PROBE(copying) = {
	.name = "ckpt.full-copy",
	.kind = PROBE_TIMED,
	.claims = claims,
	.question = "What does a checkpoint cost: of everything, of what changed, in rounds?",
	.method = "CPU time of copying 16 MiB, of copying 64 to 1024 dirtied pages of it, and of "
		  "four rounds that copy what was dirtied during the one before, at half and at "
		  "twice the rate of copying.",
	.threats = "A busy neighbour: CPU time, not the clock's. Which pages are dirty is known "
		   "here: finding them out costs more, and is the scenario's affair.",
	.by_hand = "criu dump --track-mem --prev-images-dir DIR",
	.needs = {.memory_bytes = 128 * VM_MIB_BYTES},
	.deadline_s = 20,
	.predict = PREDICTS(predict),
	.measure = MEASURES_TIMED(measure),
};
