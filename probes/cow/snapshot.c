/* SPDX-License-Identifier: Apache-2.0 */
/* fork as a snapshot: while it is kept, the parent pays for the pages that it writes, and no more.
 */
#include <sys/wait.h>
#include <unistd.h>

#include "probe/probe.h"
#include "probe/shape.h"
#include "timed/cost.h"
#include "timed/memory.h"
#include "timed/order.h"
#include "trial/rseq.h"
#include "trial/trial.h"
#include "vm/model.h"

#define CLAIM	     "cow.snapshot"
#define MAPPED_PAGES (4 * 1024)
#define BATCHES	     3

static const char *const places[] = {"256", "1024", "4096"};
static const int64_t written_pages[] = {256, 1024, 4096};

#define PLACES_COUNT (sizeof(places) / sizeof(places[0]))

/* ---- what the models say ---- */

static void predict(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	const struct shape_claim claim = {predictions, CLAIM, PLACES_COUNT, places};

	(void)model, (void)host, (void)arguments, (void)readings;
	for (size_t i = 0; i < PLACES_COUNT; i++) {
		predict_each(&claim, "kept-faults", places[i], written_pages[i], BATCHES,
			"each page that both still share is copied when it is first written",
			"linux:6.12:mm/memory.c:do_wp_page");
		predict_each(&claim, "dropped-faults", places[i], written_pages[i], BATCHES,
			"the entries are still read-only when the snapshot is gone",
			"linux:6.12:mm/memory.c:do_wp_page");
	}
	predict_growth(&claim, "kept", VM_SHAPE_PROPORTIONAL, NULL, written_pages,
		"a snapshot costs a copy for each page written while it is kept",
		"linux:6.12:mm/memory.c:wp_page_copy");
	predict_shape(&claim, "dropped", VM_SHAPE_BELOW, "kept",
		"without another owner the page is taken over instead of copied",
		"linux:6.12:mm/memory.c:wp_page_reuse");
}

/* ---- what the kernel does ---- */

struct field {
	char *memory;
	size_t written_bytes;
	bool drops; /* the snapshot, before the writes */
	size_t batch;
	int64_t faults[BATCHES];
};

static void end_snapshot(pid_t child, int keeps)
{
	int status = 0;

	MUST(close(keeps) == 0);
	MUST(waitpid(child, &status, 0) == child && status == 0);
}

static int64_t write_beside_snapshot(void *context)
{
	struct field *field = context;
	int pipes[2];
	char byte;

	MUST(pipe(pipes) == 0);
	const pid_t child = fork();
	MUST(child >= 0);
	if (child == 0) {
		/* Until the parent closes its end, or ends. */
		(void)close(pipes[1]);
		_exit(read(pipes[0], &byte, 1) == 0 ? 0 : 1);
	}
	MUST(close(pipes[0]) == 0);
	if (field->drops)
		end_snapshot(child, pipes[1]);
	/* Stack and data are copied as well, before they are counted. */
	field->faults[field->batch] = cost_minor_faults();
	const int64_t before = cost_minor_faults();
	int64_t elapsed_ns = cost_cpu_ns();
	elapsed_ns = cost_cpu_ns();
	memory_write(field->memory, field->written_bytes);
	elapsed_ns = cost_cpu_ns() - elapsed_ns;
	field->faults[field->batch] = cost_minor_faults() - before;
	field->batch++;
	if (!field->drops)
		end_snapshot(child, pipes[1]);
	return elapsed_ns;
}

static void time_it(struct field *field, size_t place, bool drops)
{
	const char *quantity = drops ? "dropped" : "kept";
	const struct cost_plan plan = {
		.name = quantity,
		.body = write_beside_snapshot,
		.context = field,
		.witness = "CPU time",
		.batches = BATCHES,
		.faults = field->faults,
	};

	field->drops = drops;
	field->batch = 0;
	field->written_bytes = vm_pages_to_bytes((uint64_t)written_pages[place]);
	cost_observe(&plan, quantity, drops ? "dropped-faults" : "kept-faults", places[place]);
}

static void measure(const struct probe_arguments *arguments)
{
	static struct field field;
	uint64_t state = trial_seed();
	size_t order[PLACES_COUNT];

	(void)arguments;
	rseq_leave();
	field.memory = memory_touched(vm_pages_to_bytes(MAPPED_PAGES), false);
	MUST(field.memory != NULL);
	order_shuffle(order, PLACES_COUNT, &state);
	for (size_t i = 0; i < PLACES_COUNT; i++) {
		time_it(&field, order[i], false);
		time_it(&field, order[i], true);
	}
}

static const char *const claims[] = {CLAIM, NULL};

PROBE(snapshot) = {
	.name = CLAIM,
	.kind = PROBE_TIMED,
	.claims = claims,
	.question = "What does a snapshot by fork cost the parent that writes on?",
	.method = "CPU time and faults of writing 256, 1024 and 4096 of 4096 pages while a child "
		  "keeps them, and after it is gone.",
	.threats = "A busy neighbour: CPU time, not the clock's. Pages of the program itself are "
		   "shared too: what the measurement uses is written before it is counted.",
	.by_hand = "redis-cli bgsave; grep Private_Dirty /proc/PID/smaps_rollup",
	.needs = {.memory_bytes = 128 * VM_MIB_BYTES},
	.deadline_s = 20,
	.predict = PREDICTS(predict),
	.measure = MEASURES_TIMED(measure),
};
