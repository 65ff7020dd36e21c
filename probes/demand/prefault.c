/* SPDX-License-Identifier: Apache-2.0 */
/* Pre-faulting moves the cost of faults to map time, and makes it smaller. */
#include <sys/mman.h>

#include "probe/probe.h"
#include "timed/cost.h"
#include "timed/order.h"
#include "trial/trial.h"
#include "vm/model.h"
#include "vm/prediction.h"

static const char *const places[] = {"1 MiB", "4 MiB", "8 MiB"};
static const uint64_t lengths_bytes[] = {VM_MIB_BYTES, 4 * VM_MIB_BYTES, 8 * VM_MIB_BYTES};

#define PLACES_COUNT (sizeof(places) / sizeof(places[0]))
#define BATCHES	     3
#define CLAIM	     "demand.prefault"

/* ---- what the models say ---- */

static void predict_below(struct vm_predictions *predictions, const char *quantity,
	const char *other, const char *because, const char *cite)
{
	vm_predict(predictions, &(struct vm_prediction){
					.claim = CLAIM,
					.quantity = quantity,
					.at = "",
					.unit = VM_UNIT_NS,
					.form = VM_FORM_SHAPE,
					.shape = VM_SHAPE_BELOW,
					.other = other,
					.inputs_count = PLACES_COUNT,
					.inputs = places,
					.because = because,
					.cite = cite,
				});
}

static void predict(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	static const int64_t none[BATCHES] = {0};

	(void)model, (void)host, (void)arguments, (void)readings;
	for (size_t i = 0; i < PLACES_COUNT; i++)
		vm_predict(predictions,
			&(struct vm_prediction){
				.claim = CLAIM,
				.quantity = "touch-populated-faults",
				.at = places[i],
				.unit = VM_UNIT_COUNT,
				.form = VM_FORM_EXACT,
				.values_count = BATCHES,
				.values = none,
				.because = "every page was mapped before mmap returned",
				.cite = "linux:6.12:mm/gup.c:populate_vma_page_range",
			});
	predict_below(predictions, "touch-populated", "touch-fresh",
		"the access finds its page mapped instead of trapping",
		"linux:6.12:mm/memory.c:handle_mm_fault");
	predict_below(predictions, "map-fresh", "map-populated",
		"mmap only promises; with MAP_POPULATE it also finds the frames",
		"linux:6.12:mm/gup.c:__mm_populate");
}

/* ---- what the kernel does ---- */

struct field {
	size_t length_bytes;
	int flags;
	int64_t mapped_ns; /* of the last batch */
};

static int64_t touch(char *memory, size_t length_bytes)
{
	const int64_t started_ns = cost_cpu_ns();

	for (size_t i = 0; i < length_bytes; i += VM_PAGE_BYTES)
		((volatile char *)memory)[i] = 1;
	return cost_cpu_ns() - started_ns;
}

static char *map(const struct field *field, int64_t *elapsed_ns)
{
	const int64_t started_ns = cost_cpu_ns();
	char *memory = mmap(NULL, field->length_bytes, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | field->flags, -1, 0);

	*elapsed_ns = cost_cpu_ns() - started_ns;
	MUST(memory != MAP_FAILED);
	return memory;
}

static int64_t time_map(void *context)
{
	const struct field *field = context;
	int64_t elapsed_ns = 0;

	MUST(munmap(map(field, &elapsed_ns), field->length_bytes) == 0);
	return elapsed_ns;
}

/* The mapping lives over all batches where it is populated; a fresh one is mapped for each. */
static int64_t time_touch_fresh(void *context)
{
	const struct field *field = context;
	int64_t ignored_ns = 0;
	char *memory = map(field, &ignored_ns);
	const int64_t elapsed_ns = touch(memory, field->length_bytes);

	MUST(munmap(memory, field->length_bytes) == 0);
	return elapsed_ns;
}

struct populated {
	char *memory[BATCHES];
	size_t length_bytes, next;
};

static int64_t time_touch_populated(void *context)
{
	struct populated *populated = context;

	return touch(populated->memory[populated->next++], populated->length_bytes);
}

static void time_it(const char *quantity, const char *faults_quantity, const char *at,
	cost_body *body, void *context)
{
	const struct cost_plan plan = {
		.name = quantity,
		.body = body,
		.context = context,
		.witness = "CPU time",
		.batches = BATCHES,
	};

	cost_observe(&plan, quantity, faults_quantity, at);
}

/* Mapped before, so that the faults counted are those of the touches alone. */
static void measure_populated(const struct field *field, const char *at)
{
	struct populated populated = {.length_bytes = field->length_bytes};
	int64_t ignored_ns = 0;

	for (size_t i = 0; i < BATCHES; i++)
		populated.memory[i] = map(field, &ignored_ns);
	time_it("touch-populated", "touch-populated-faults", at, time_touch_populated, &populated);
	for (size_t i = 0; i < BATCHES; i++)
		MUST(munmap(populated.memory[i], field->length_bytes) == 0);
}

static void measure(const struct probe_arguments *arguments)
{
	uint64_t state = trial_seed();
	size_t order[PLACES_COUNT];

	(void)arguments;
	order_shuffle(order, PLACES_COUNT, &state);
	for (size_t i = 0; i < PLACES_COUNT; i++) {
		const size_t place = order[i];
		struct field field = {.length_bytes = lengths_bytes[place]};
		time_it("map-fresh", "map-fresh-faults", places[place], time_map, &field);
		time_it("touch-fresh", "touch-fresh-faults", places[place], time_touch_fresh,
			&field);
		field.flags = MAP_POPULATE;
		time_it("map-populated", "map-populated-faults", places[place], time_map, &field);
		measure_populated(&field, places[place]);
	}
}

static const char *const claims[] = {CLAIM, NULL};

PROBE(prefault) = {
	.name = CLAIM,
	.kind = PROBE_TIMED,
	.claims = claims,
	.question = "Where does MAP_POPULATE put the cost of faults?",
	.method = "CPU time of mmap and of touching each page, with and without MAP_POPULATE, over "
		  "1, 4 and 8 MiB; the faults of the touches are counted.",
	.threats = "A busy neighbour: CPU time, not the clock's. A kernel short of memory may "
		   "populate "
		   "less than all: the faults counted show it.",
	.by_hand = "perf stat -e minor-faults stress-ng --mmap 1 --mmap-bytes 16m -t 1",
	.needs = {.memory_bytes = 128 * VM_MIB_BYTES},
	.deadline_s = 20,
	.predict = PREDICTS(predict),
	.measure = MEASURES_TIMED(measure),
};
