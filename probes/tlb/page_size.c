/* SPDX-License-Identifier: Apache-2.0 */
/* Larger pages pay: the same loads over the same bytes take less time. */
#include <sys/mman.h>
#include <sys/resource.h>

#include "probe/probe.h"
#include "timed/chase.h"
#include "timed/cost.h"
#include "timed/order.h"
#include "trial/trial.h"
#include "vm/model.h"
#include "vm/prediction.h"

static const char *const places[] = {"32 MiB", "64 MiB"};
static const uint64_t lengths_bytes[] = {32 * VM_MIB_BYTES, 64 * VM_MIB_BYTES};

#define PLACES_COUNT   (sizeof(places) / sizeof(places[0]))
#define LONGEST_PAGES  (64 * VM_MIB_BYTES / VM_PAGE_BYTES)
#define LINES_PER_PAGE (VM_PAGE_BYTES / CHASE_LINE_BYTES)
#define STEPS	       (CHASE_UNROLLED * 2048)
#define BATCHES	       7

/* ---- what the models say ---- */

static void predict(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	const struct vm_knob_fact *thp = &host->knob[VM_KNOB_THP_ENABLED];

	(void)model, (void)arguments, (void)readings;
	vm_predict(predictions,
		&(struct vm_prediction){
			.claim = "tlb.page-size-pays",
			.quantity = "huge",
			.at = "",
			.unit = VM_UNIT_NS,
			.form = thp->present && thp->value != VM_THP_NEVER ? VM_FORM_SHAPE
									   : VM_FORM_SILENT,
			.shape = VM_SHAPE_BELOW,
			.other = "small",
			.inputs_count = PLACES_COUNT,
			.inputs = places,
			.because = "an entry of 2 MiB stands for 512 of 4 KiB, and a walk to it is "
				   "one reference shorter",
			.cite = "lmm",
		});
}

/* ---- what the processor does ---- */

/* One load in each 4 KiB, the lines in turn, whatever the size of the page around it. */
static void *place_in(void *context, size_t index)
{
	return (char *)context + vm_pages_to_bytes(index) +
	       index % LINES_PER_PAGE * CHASE_LINE_BYTES;
}

static char *map_touched(size_t length_bytes, bool huge)
{
	const size_t mapped_bytes = length_bytes + VM_HUGE_2M_BYTES;
	char *mapped = mmap(
		NULL, mapped_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct rusage before, after;

	MUST(mapped != MAP_FAILED);
	char *start = (char *)vm_align_up((uint64_t)mapped, VM_HUGE_2M_BYTES);
	MUST(madvise(mapped, mapped_bytes, huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE) == 0);
	MUST(getrusage(RUSAGE_SELF, &before) == 0);
	for (size_t i = 0; i < length_bytes; i += VM_PAGE_BYTES)
		((volatile char *)start)[i] = 1;
	MUST(getrusage(RUSAGE_SELF, &after) == 0);
	/* One fault a page says which size the pages have. */
	const uint64_t faults = (uint64_t)(after.ru_minflt - before.ru_minflt);
	return faults == length_bytes / (huge ? VM_HUGE_2M_BYTES : VM_PAGE_BYTES) ? start : NULL;
}

static int64_t follow(void *context)
{
	const int64_t started_ns = cost_cpu_ns();

	(void)chase_run(context, STEPS);
	return cost_cpu_ns() - started_ns;
}

static void time_chase(
	const char *quantity, const char *faults_quantity, size_t place, uint64_t *random_state)
{
	static size_t order[LONGEST_PAGES];
	char *start = map_touched(lengths_bytes[place], quantity[0] == 'h');
	struct cost_plan plan = {
		.name = quantity,
		.body = follow,
		.witness = "CPU time",
		.warm_ups = 1,
		.batches = BATCHES,
	};

	/* No huge page to be had: this launch says nothing of them. */
	if (start == NULL)
		return;
	plan.context = chase_link(place_in, start,
		(size_t)vm_bytes_to_pages_floor(lengths_bytes[place]), order, random_state);
	cost_observe(&plan, quantity, faults_quantity, places[place]);
}

static void measure(const struct probe_arguments *arguments)
{
	uint64_t state = trial_seed();
	size_t order[PLACES_COUNT];

	(void)arguments;
	order_shuffle(order, PLACES_COUNT, &state);
	for (size_t i = 0; i < PLACES_COUNT; i++) {
		time_chase("small", "small-faults", order[i], &state);
		time_chase("huge", "huge-faults", order[i], &state);
	}
}

static const char *const claims[] = {"tlb.page-size-pays", NULL};

PROBE(page_size) = {
	.name = "tlb.page-size-pays",
	.kind = PROBE_TIMED,
	.claims = claims,
	.question = "Are loads over the same bytes faster with larger pages?",
	.method =
		"Chase pointers through 32 and 64 MiB, one load in each 4 KiB in random order, in "
		"pages of 4 KiB and of 2 MiB.",
	.threats = "A busy neighbour: CPU time, not the clock's. Another page size "
		   "than asked for: one fault a page is counted. Cache conflicts: "
		   "the same lines in both. Under a hypervisor an entry may cover less than 2 MiB: "
		   "the walk is still shorter.",
	.by_hand = "stress-ng --vm 1 --vm-bytes 32m --vm-madvise hugepage --metrics -t 5",
	.needs = {.memory_bytes = 256 * VM_MIB_BYTES},
	.deadline_s = 20,
	.predict = PREDICTS(predict),
	.measure = MEASURES_TIMED(measure),
};
