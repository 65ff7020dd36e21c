/* SPDX-License-Identifier: Apache-2.0 */
/* Which requests bring pages in before they are touched, and which only promise to. */
#include <errno.h>
#include <sys/mman.h>

#include "probe/probe.h"
#include "probe/shape.h"
#include "timed/cost.h"
#include "timed/memory.h"
#include "timed/order.h"
#include "trial/trial.h"
#include "vm/model.h"

#define CLAIM	"demand.prefault"
#define PAGES	256
#define BATCHES 3

enum way {
	WAY_POPULATE_WRITE,
	WAY_LOCK,
	WAY_POPULATE_READ, /* the page of zeros: a write faults again */
	WAY_WILL_NEED,	   /* nothing is behind anonymous memory that could be read ahead */
	WAY_LIMIT,
};

static const char *const places[WAY_LIMIT] = {
	[WAY_POPULATE_WRITE] = "populate-write",
	[WAY_LOCK] = "lock",
	[WAY_POPULATE_READ] = "populate-read",
	[WAY_WILL_NEED] = "will-need",
};

/* ---- what the models say ---- */

static const struct {
	int64_t faults;
	const char *because, *cite;
} ways[WAY_LIMIT] = {
	[WAY_POPULATE_WRITE] = {0, "each page is faulted in for writing before the call returns",
		"linux:6.12:mm/madvise.c:madvise_populate"},
	[WAY_LOCK] = {0, "locked memory is populated, for writing where it may be written",
		"linux:6.12:mm/gup.c:populate_vma_page_range"},
	[WAY_POPULATE_READ] = {PAGES,
		"a fault for reading maps the page of zeros, and a write to it faults once more",
		"linux:6.12:mm/memory.c:do_wp_page"},
	[WAY_WILL_NEED] = {PAGES, "of anonymous memory only what is in swap is read ahead",
		"linux:6.12:mm/madvise.c:madvise_willneed"},
};

/* These two ways are the first of the list: a sweep of their own. */
#define PREFAULTING 2

static void predict(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	const struct shape_claim all = {predictions, CLAIM, WAY_LIMIT, places};
	const struct shape_claim prefaulting = {predictions, CLAIM, PREFAULTING, places};

	(void)model, (void)host, (void)arguments, (void)readings;
	for (size_t i = 0; i < WAY_LIMIT; i++)
		predict_each(&all, "touch-faults", places[i], ways[i].faults, BATCHES,
			ways[i].because, ways[i].cite);
	predict_shape(&prefaulting, "touch", VM_SHAPE_BELOW, "touch-fresh",
		"the access finds its page mapped instead of trapping",
		"linux:6.12:mm/memory.c:handle_mm_fault");
	predict_shape(&prefaulting, "touch", VM_SHAPE_BELOW, "request",
		"the request has paid for the faults that the accesses are spared",
		"linux:6.12:mm/gup.c:populate_vma_page_range");
}

static bool suits(const struct vm_host *host, const struct probe_arguments *arguments)
{
	(void)arguments;
	return (host->capabilities & VM_CAPABILITY_IPC_LOCK) != 0 ||
	       host->memlock_limit_bytes >= vm_pages_to_bytes(PAGES);
}

/* ---- what the kernel does ---- */

struct batch {
	int64_t request_ns, touch_ns, faults;
};

static void populate(char *memory, int advice)
{
	const int result = madvise(memory, vm_pages_to_bytes(PAGES), advice);

	if (result != 0 && errno == EINVAL)
		unmet("the kernel does not know MADV_POPULATE_READ and MADV_POPULATE_WRITE",
			"a kernel from 5.14 on");
	MUST(result == 0);
}

static void request(char *memory, enum way way)
{
	const size_t length_bytes = vm_pages_to_bytes(PAGES);

	switch (way) {
	case WAY_POPULATE_WRITE:
		populate(memory, MADV_POPULATE_WRITE);
		break;
	case WAY_LOCK:
		MUST(mlock(memory, length_bytes) == 0);
		break;
	case WAY_POPULATE_READ:
		populate(memory, MADV_POPULATE_READ);
		break;
	case WAY_WILL_NEED:
		/* Refused by kernels without swap: then there is nothing to be read ahead at all.
		 */
		(void)madvise(memory, length_bytes, MADV_WILLNEED);
		break;
	case WAY_LIMIT:
		break;
	}
}

static struct batch touch_after(enum way way)
{
	char *memory = memory_small(vm_pages_to_bytes(PAGES));
	struct batch batch;

	batch.request_ns = cost_cpu_ns();
	request(memory, way);
	batch.request_ns = cost_cpu_ns() - batch.request_ns;
	const int64_t before = cost_minor_faults();
	batch.touch_ns = cost_cpu_ns();
	memory_write(memory, vm_pages_to_bytes(PAGES));
	batch.touch_ns = cost_cpu_ns() - batch.touch_ns;
	batch.faults = cost_minor_faults() - before;
	MUST(munmap(memory, vm_pages_to_bytes(PAGES)) == 0);
	return batch;
}

static void time_way(enum way way)
{
	const char *const at = places[way];
	int64_t touch_ns[BATCHES] = {0}, fresh_ns[BATCHES] = {0}, request_ns[BATCHES] = {0},
		faults[BATCHES] = {0};

	for (size_t i = 0; i < BATCHES; i++) {
		const struct batch batch = touch_after(way);
		touch_ns[i] = batch.touch_ns;
		request_ns[i] = batch.request_ns;
		faults[i] = batch.faults;
		/* No request at all. */
		fresh_ns[i] = touch_after(WAY_LIMIT).touch_ns;
	}
	observe_values("touch", at, touch_ns, BATCHES, VM_UNIT_NS, "CPU time");
	observe_values("touch-fresh", at, fresh_ns, BATCHES, VM_UNIT_NS, "CPU time");
	observe_values("request", at, request_ns, BATCHES, VM_UNIT_NS, "CPU time");
	observe_values("touch-faults", at, faults, BATCHES, VM_UNIT_COUNT, "getrusage");
}

static void measure(const struct probe_arguments *arguments)
{
	uint64_t state = trial_seed();
	size_t order[WAY_LIMIT];

	(void)arguments;
	order_shuffle(order, WAY_LIMIT, &state);
	for (size_t i = 0; i < WAY_LIMIT; i++)
		time_way((enum way)order[i]);
}

static const char *const claims[] = {CLAIM, NULL};

PROBE(prefault_ways) = {
	.name = "demand.prefault-ways",
	.kind = PROBE_TIMED,
	.claims = claims,
	.question = "Which requests spare later accesses their faults?",
	.method = "CPU time and faults of writing to each of 256 pages after MADV_POPULATE_WRITE, "
		  "mlock, MADV_POPULATE_READ and MADV_WILLNEED; time of the request, and of the "
		  "same writes without any.",
	.threats = "A busy neighbour: CPU time. Huge pages: advised against, and the faults are "
		   "counted.",
	.by_hand = "perf stat -e minor-faults stress-ng --vm 1 --vm-populate -t 1",
	.needs = {.memory_bytes = 64 * VM_MIB_BYTES},
	.deadline_s = 20,
	.suits = suits,
	.predict = PREDICTS(predict),
	.measure = MEASURES_TIMED(measure),
};
