/* SPDX-License-Identifier: Apache-2.0 */
/* What minor faults of each kind cost, and how many there are of them. */
#include <sys/mman.h>
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

#define CLAIM	"demand.fault-is-costly"
#define BATCHES 3

static const char *const places[] = {"64", "256", "1024"};
static const int64_t pages_counts[] = {64, 256, 1024};

#define PLACES_COUNT (sizeof(places) / sizeof(places[0]))

enum kind {
	KIND_FRESH,	 /* written first */
	KIND_ZERO,	 /* read first: the shared page of zeros */
	KIND_AFTER_ZERO, /* then written */
	KIND_COPY,	 /* written while a child shares it */
	KIND_TAKE_OVER,	 /* written when the child is gone */
	KIND_LIMIT,
};

static const struct {
	const char *quantity, *faults_quantity, *because, *cite;
} kinds[KIND_LIMIT] = {
	[KIND_FRESH] = {"fresh", "fresh-faults", "each page is allocated and cleared when written",
		"linux:6.12:mm/memory.c:do_anonymous_page"},
	[KIND_ZERO] = {"zero", "zero-faults", "each entry is made to map the page of zeros",
		"linux:6.12:mm/memory.c:do_anonymous_page"},
	[KIND_AFTER_ZERO] = {"after-zero", "after-zero-faults",
		"a write to the page of zeros faults once more",
		"linux:6.12:mm/memory.c:do_wp_page"},
	[KIND_COPY] = {"copy", "copy-faults", "a shared page is copied when it is written",
		"linux:6.12:mm/memory.c:wp_page_copy"},
	[KIND_TAKE_OVER] = {"take-over", "take-over-faults",
		"the last owner takes a page over, but has to fault for it",
		"linux:6.12:mm/memory.c:wp_page_reuse"},
};

/* ---- what the models say ---- */

static void predict(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	const struct shape_claim claim = {predictions, CLAIM, PLACES_COUNT, places};

	(void)model, (void)host, (void)arguments, (void)readings;
	for (size_t kind = 0; kind < KIND_LIMIT; kind++) {
		for (size_t i = 0; i < PLACES_COUNT; i++)
			predict_each(&claim, kinds[kind].faults_quantity, places[i],
				pages_counts[i], BATCHES, kinds[kind].because, kinds[kind].cite);
		predict_growth(&claim, kinds[kind].quantity, VM_SHAPE_PROPORTIONAL, NULL,
			pages_counts, kinds[kind].because, kinds[kind].cite);
	}
	predict_shape(&claim, "zero", VM_SHAPE_BELOW, "fresh",
		"for a read no page is allocated, and none is cleared",
		"linux:6.12:mm/memory.c:do_anonymous_page");
	predict_shape(&claim, "take-over", VM_SHAPE_BELOW, "copy",
		"nothing is allocated and nothing copied", "linux:6.12:mm/memory.c:wp_page_reuse");
}

/* ---- what the kernel does ---- */

struct field {
	enum kind kind;
	size_t length_bytes, batch;
	int64_t faults[BATCHES];
};

/* A child that has the pages until its pipe closes. */
struct sharer {
	pid_t child;
	int keeps;
};

static struct sharer share(void)
{
	int pipes[2];
	char byte;

	MUST(pipe(pipes) == 0);
	const pid_t child = fork();
	MUST(child >= 0);
	if (child == 0) {
		(void)close(pipes[1]);
		_exit(read(pipes[0], &byte, 1) == 0 ? 0 : 1);
	}
	MUST(close(pipes[0]) == 0);
	return (struct sharer){child, pipes[1]};
}

static void end_sharing(const struct sharer *sharer)
{
	int status = 0;

	MUST(close(sharer->keeps) == 0);
	MUST(waitpid(sharer->child, &status, 0) == sharer->child && status == 0);
}

static int64_t touch_one_kind(void *context)
{
	struct field *field = context;
	char *memory = memory_small(field->length_bytes);
	const bool is_shared = field->kind == KIND_COPY || field->kind == KIND_TAKE_OVER;
	struct sharer sharer = {0};

	if (field->kind == KIND_AFTER_ZERO)
		memory_read(memory, field->length_bytes);
	if (is_shared) {
		memory_write(memory, field->length_bytes);
		sharer = share();
	}
	if (field->kind == KIND_TAKE_OVER)
		end_sharing(&sharer);
	/* Stack and data are copied as well after a fork, before anything is counted. */
	int64_t elapsed_ns = cost_cpu_ns(), before = cost_minor_faults();
	field->faults[field->batch] = before;
	before = cost_minor_faults();
	elapsed_ns = cost_cpu_ns();
	if (field->kind == KIND_ZERO)
		memory_read(memory, field->length_bytes);
	else
		memory_write(memory, field->length_bytes);
	elapsed_ns = cost_cpu_ns() - elapsed_ns;
	field->faults[field->batch++] = cost_minor_faults() - before;
	if (field->kind == KIND_COPY)
		end_sharing(&sharer);
	MUST(munmap(memory, field->length_bytes) == 0);
	return elapsed_ns;
}

static void time_it(struct field *field, enum kind kind, size_t place)
{
	const struct cost_plan plan = {
		.name = kinds[kind].quantity,
		.body = touch_one_kind,
		.context = field,
		.witness = "CPU time",
		.batches = BATCHES,
		.faults = field->faults,
	};

	field->kind = kind;
	field->length_bytes = vm_pages_to_bytes((uint64_t)pages_counts[place]);
	field->batch = 0;
	cost_observe(&plan, kinds[kind].quantity, kinds[kind].faults_quantity, places[place]);
}

static void measure(const struct probe_arguments *arguments)
{
	static struct field field;
	uint64_t state = trial_seed();
	size_t order[KIND_LIMIT * PLACES_COUNT];

	(void)arguments;
	rseq_leave();
	order_shuffle(order, KIND_LIMIT * PLACES_COUNT, &state);
	for (size_t i = 0; i < KIND_LIMIT * PLACES_COUNT; i++)
		time_it(&field, (enum kind)(order[i] / PLACES_COUNT), order[i] % PLACES_COUNT);
}

static const char *const claims[] = {CLAIM, NULL};

PROBE(fault_kinds) = {
	.name = "demand.fault-kinds",
	.kind = PROBE_TIMED,
	.claims = claims,
	.question = "What do minor faults cost, by what the kernel has to do for them?",
	.method = "CPU time and faults of touching 64 to 1024 pages: fresh, read as zeros, written "
		  "after that, shared with a child, and left behind by it.",
	.threats = "A busy neighbour: CPU time. A wrong size of page: huge ones are advised "
		   "against, and the faults are counted. Pages of the program that are shared "
		   "too: they are written before anything is counted.",
	.by_hand = "perf stat -e minor-faults stress-ng --fault 1 -t 1",
	.needs = {.memory_bytes = 64 * VM_MIB_BYTES},
	.deadline_s = 20,
	.predict = PREDICTS(predict),
	.measure = MEASURES_TIMED(measure),
};
