/* SPDX-License-Identifier: Apache-2.0 */
/* Faults of many threads at once: each costs what it costs alone. */
#include <pthread.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "probe/probe.h"
#include "probe/shape.h"
#include "timed/cost.h"
#include "timed/cpus.h"
#include "timed/memory.h"
#include "timed/order.h"
#include "trial/trial.h"
#include "vm/model.h"

#define CLAIM	     "hier.parallel"
#define BATCHES	     3
#define PAGES	     1024
#define THREADS_MOST 4

static const char *const places[] = {"1", "2", "4"};
static const int64_t threads_counts[] = {1, 2, 4};

#define PLACES_COUNT (sizeof(places) / sizeof(places[0]))

/* ---- what the models say ---- */

static void predict(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	const struct shape_claim claim = {predictions, CLAIM, PLACES_COUNT, places};

	(void)model, (void)host, (void)arguments, (void)readings;
	for (size_t i = 0; i < PLACES_COUNT; i++)
		predict_each(&claim, "faults", places[i], threads_counts[i] * PAGES, BATCHES,
			"each fresh page takes a fault, whoever touches the others",
			"linux:6.12:mm/memory.c:do_anonymous_page");
	predict_growth(&claim, "touch", VM_SHAPE_PROPORTIONAL, NULL, threads_counts,
		"faults take their area's lock or the address space's for reading: they do not "
		"wait for each other, so all of them cost as much as each",
		"linux:6.12:mm/memory.c:lock_vma_under_rcu");
}

/* ---- what the kernel does ---- */

struct thread {
	pthread_t id;
	pthread_barrier_t *start;
	char *memory;
	int64_t elapsed_ns, faults;
};

static int64_t faults_of_thread(void)
{
	struct rusage usage;

	MUST(getrusage(RUSAGE_THREAD, &usage) == 0);
	return usage.ru_minflt;
}

static void *touch(void *context)
{
	struct thread *thread = context;

	/* The stack's pages and the calls' are there before anything is counted. */
	thread->elapsed_ns = cost_thread_ns();
	thread->faults = faults_of_thread();
	(void)pthread_barrier_wait(thread->start);
	const int64_t before = faults_of_thread(), started_ns = cost_thread_ns();
	memory_write(thread->memory, vm_pages_to_bytes(PAGES));
	thread->elapsed_ns = cost_thread_ns() - started_ns;
	thread->faults = faults_of_thread() - before;
	return NULL;
}

struct field {
	size_t threads_count, batch;
	int64_t faults[BATCHES];
};

/* Processor time of the touches alone, of all threads together. */
static int64_t touch_at_once(void *context)
{
	static struct thread threads[THREADS_MOST];
	struct field *field = context;
	pthread_barrier_t start;
	int64_t elapsed_ns = 0, faults = 0;

	MUST(pthread_barrier_init(&start, NULL, (unsigned)field->threads_count) == 0);
	for (size_t i = 0; i < field->threads_count; i++) {
		threads[i].start = &start;
		threads[i].memory = memory_small(vm_pages_to_bytes(PAGES));
		MUST(pthread_create(&threads[i].id, NULL, touch, &threads[i]) == 0);
	}
	for (size_t i = 0; i < field->threads_count; i++) {
		MUST(pthread_join(threads[i].id, NULL) == 0);
		MUST(munmap(threads[i].memory, vm_pages_to_bytes(PAGES)) == 0);
		elapsed_ns += threads[i].elapsed_ns;
		faults += threads[i].faults;
	}
	MUST(pthread_barrier_destroy(&start) == 0);
	field->faults[field->batch++] = faults;
	return elapsed_ns;
}

static void measure(const struct probe_arguments *arguments)
{
	uint64_t state = trial_seed();
	size_t order[PLACES_COUNT];

	(void)arguments;
	/* As many as there are; one is enough to go on with. */
	(void)cpus_allow_all();
	order_shuffle(order, PLACES_COUNT, &state);
	for (size_t i = 0; i < PLACES_COUNT; i++) {
		struct field field = {.threads_count = (size_t)threads_counts[order[i]]};
		const struct cost_plan plan = {
			.name = "touch",
			.body = touch_at_once,
			.context = &field,
			.witness = "CPU time",
			.batches = BATCHES,
			.faults = field.faults,
		};
		cost_observe(&plan, "touch", "faults", places[order[i]]);
	}
}

static const char *const claims[] = {CLAIM, NULL};

PROBE(parallel) = {
	.name = CLAIM,
	.kind = PROBE_TIMED,
	.claims = claims,
	.question = "Do faults of several threads at once cost more than one after another?",
	.method = "CPU time of 1, 2 and 4 threads of one process that each write 1024 fresh pages "
		  "of an area of their own at the same time; the faults are counted.",
	.threats = "Fewer processors than threads, or busy ones: CPU time, not the clock's; what "
		   "spins for a lock shows in it.",
	.by_hand = "will-it-scale page_fault1_threads; perf bench mem",
	.needs = {.memory_bytes = 64 * VM_MIB_BYTES},
	.deadline_s = 20,
	.predict = PREDICTS(predict),
	.measure = MEASURES_TIMED(measure),
};
