/* SPDX-License-Identifier: Apache-2.0 */
/* A page that is in swap costs a fault that waits for the device; a fresh one does not. */
#include <sys/mman.h>
#include <sys/resource.h>

#include "probe/probe.h"
#include "probe/shape.h"
#include "timed/cost.h"
#include "timed/memory.h"
#include "timed/order.h"
#include "trial/trial.h"
#include "vm/model.h"

#define CLAIM	   "demand.fault-is-costly"
#define PAGES	   64
#define BATCHES	   2
#define SWAP_BYTES (64 * VM_MIB_BYTES)

static const char *const places[] = {"fresh", "swapped"};

#define PLACES_COUNT (sizeof(places) / sizeof(places[0]))

/* ---- what the models say ---- */

static void predict(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	const struct shape_claim claim = {predictions, CLAIM, PLACES_COUNT, places};

	(void)model, (void)host, (void)arguments, (void)readings;
	for (size_t i = 0; i < PLACES_COUNT; i++)
		predict_each(&claim, "faults", places[i], PAGES, BATCHES,
			"each entry is filled by a fault of its own, whether or not the page was "
			"read ahead",
			"linux:6.12:mm/memory.c:do_swap_page");
	predict_each(&claim, "major-faults", places[0], 0, BATCHES,
		"nothing has to be read for a fresh page",
		"linux:6.12:mm/memory.c:do_anonymous_page");
	predict_shape(&claim, "touch", VM_SHAPE_RISES, NULL,
		"a page that is in swap is looked up and read from the device; a fresh one is "
		"cleared, and no more",
		"linux:6.12:mm/memory.c:do_swap_page");
}

/* ---- what the kernel does ---- */

struct field {
	bool swapped;
	char *memory;
	size_t batch;
	int64_t faults[BATCHES], major_faults[BATCHES];
};

/*
 * The advice is no order: a page that somebody holds just then stays for the next time. And where
 * the device takes its time, pages stay in the swap cache when they are written.
 */
#define ATTEMPTS 64

static bool is_all_gone(char *memory)
{
	unsigned char in_core[PAGES];

	MUST(mincore(memory, vm_pages_to_bytes(PAGES), in_core) == 0);
	for (size_t page = 0; page < PAGES; page++)
		if ((in_core[page] & 1) != 0)
			return false;
	return true;
}

static void swap_out(char *memory)
{
	for (unsigned i = 0; i < ATTEMPTS; i++) {
		MUST(madvise(memory, vm_pages_to_bytes(PAGES), MADV_PAGEOUT) == 0);
		if (is_all_gone(memory))
			return;
	}
	unmet("pages stay in the swap cache: the swap device writes later",
		"swap on zram, which is written at once");
}

static struct rusage usage_now(void)
{
	struct rusage usage;

	MUST(getrusage(RUSAGE_SELF, &usage) == 0);
	return usage;
}

static int64_t touch(void *context)
{
	struct field *field = context;
	char *memory = memory_small(vm_pages_to_bytes(PAGES));

	if (field->swapped) {
		memory_write(memory, vm_pages_to_bytes(PAGES));
		swap_out(memory);
	}
	const struct rusage before = usage_now();
	int64_t elapsed_ns = cost_cpu_ns();
	memory_write(memory, vm_pages_to_bytes(PAGES));
	elapsed_ns = cost_cpu_ns() - elapsed_ns;
	const struct rusage after = usage_now();
	field->major_faults[field->batch] = after.ru_majflt - before.ru_majflt;
	field->faults[field->batch] =
		after.ru_minflt - before.ru_minflt + field->major_faults[field->batch];
	field->batch++;
	MUST(munmap(memory, vm_pages_to_bytes(PAGES)) == 0);
	return elapsed_ns;
}

static void measure(const struct probe_arguments *arguments)
{
	uint64_t state = trial_seed();
	size_t order[PLACES_COUNT];

	(void)arguments;
	order_shuffle(order, PLACES_COUNT, &state);
	for (size_t i = 0; i < PLACES_COUNT; i++) {
		struct field field = {.swapped = order[i] == 1};
		const struct cost_plan plan = {
			.name = "touch",
			.body = touch,
			.context = &field,
			.witness = "CPU time",
			.batches = BATCHES,
			.faults = field.faults,
		};
		const char *at = places[order[i]];
		cost_observe(&plan, "touch", "faults", at);
		observe_values("major-faults", at, field.major_faults, BATCHES, VM_UNIT_COUNT,
			"getrusage");
	}
}

static const char *const claims[] = {CLAIM, NULL};

PROBE(swap_fault) = {
	.name = "reclaim.swap-fault",
	.kind = PROBE_TIMED,
	.claims = claims,
	.question = "What does touching a page cost that is in swap?",
	.method = "Write a byte to each of 64 pages, fresh and after MADV_PAGEOUT; faults are "
		  "counted beside the time, and mincore says that all pages are gone.",
	.threats = "A busy neighbour: CPU time, without the wait for the device. Pages of zeros "
		   "are not written to swap: each has a byte that is none. Reading "
		   "ahead makes major faults minor ones: only their sum is predicted.",
	.by_hand = "perf trace -F maj --no-syscalls stress-ng --vm 1 --vm-madvise pageout -t 5",
	.needs = {.memory_bytes = 64 * VM_MIB_BYTES, .swap_bytes = SWAP_BYTES},
	.deadline_s = 20,
	.predict = PREDICTS(predict),
	.measure = MEASURES_TIMED(measure),
};
