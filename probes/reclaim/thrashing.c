/* SPDX-License-Identifier: Apache-2.0 */
/* A working set that does not fit: what a pass over it costs, and what the page does that was one
 * too many. In a memory group of its own, with swap. */
#include <sys/mman.h>
#include <sys/resource.h>

#include "probe/probe.h"
#include "probe/shape.h"
#include "timed/cost.h"
#include "timed/memory.h"
#include "timed/order.h"
#include "trial/trial.h"
#include "vm/model.h"

/* Of the group; the program itself is charged to it as well. */
#define LIMIT_BYTES (16 * VM_MIB_BYTES)
#define SWAP_BYTES  (64 * VM_MIB_BYTES)
#define PASSES	    1

/* Two that fit with the program beside them, and two that do not: of each page the cost is shown.
 */
#define AT_FITS	   "50 %"
#define AT_EXCEEDS "200 %"
static const char *const places[] = {"25 %", AT_FITS, "150 %", AT_EXCEEDS};
static const size_t shares_of_100[] = {25, 50, 150, 200};

#define PLACES_COUNT (sizeof(places) / sizeof(places[0]))

static size_t set_bytes(size_t place)
{
	return (size_t)LIMIT_BYTES / 100 * shares_of_100[place] / VM_PAGE_BYTES * VM_PAGE_BYTES;
}

/* ---- what the models say ---- */

/* At least what cannot all be there at once has to come back in each pass. */
static void predict_faults(struct vm_predictions *predictions, size_t place)
{
	const int64_t pages = (int64_t)vm_bytes_to_pages_floor(set_bytes(place));
	const int64_t limit = (int64_t)vm_bytes_to_pages_floor(LIMIT_BYTES);
	int64_t values[2 * PASSES];

	for (size_t i = 0; i < PASSES; i++) {
		values[2 * i] = pages > limit ? pages - limit : 0;
		values[2 * i + 1] = pages > limit ? pages + limit : 0;
	}
	vm_predict(predictions,
		&(struct vm_prediction){
			.claim = "reclaim.thrashing",
			.quantity = "pass-faults",
			.at = places[place],
			.unit = VM_UNIT_COUNT,
			.form = VM_FORM_WITHIN,
			.values_count = 2 * PASSES,
			.values = values,
			.because = "of the set so many pages are in memory as the limit lets, at "
				   "most; "
				   "each other one is a fault, and none is more than one in a "
				   "pass; the "
				   "program's own pages, fewer than the limit, come back as well",
			.cite = "linux:6.12:mm/memcontrol.c:try_charge_memcg",
		});
}

static void predict(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	static const char *const fits_and_not[] = {AT_FITS, AT_EXCEEDS};
	const struct shape_claim thrashing = {predictions, "reclaim.thrashing", 2, fits_and_not};
	const struct shape_claim direct = {predictions, "reclaim.direct", 2, fits_and_not};

	(void)model, (void)host, (void)arguments, (void)readings;
	for (size_t i = 0; i < PLACES_COUNT; i++)
		predict_faults(predictions, i);
	predict_shape(&thrashing, "pass", VM_SHAPE_RISES, NULL,
		"a set that fits is read at the speed of memory, one that does not at that of swap",
		"osn");
	predict_shape(&direct, "first-touch", VM_SHAPE_RISES, NULL,
		"beyond the limit the fault that wants a page has to free one itself first",
		"linux:6.12:mm/memcontrol.c:try_to_free_mem_cgroup_pages");
}

/* ---- what the kernel does ---- */

/* Times are of so many pages: sets of different sizes are compared. */
#define PER_PAGES 1024

static int64_t faults(void)
{
	struct rusage usage;

	MUST(getrusage(RUSAGE_SELF, &usage) == 0);
	return usage.ru_minflt + usage.ru_majflt;
}

static int64_t time_pass(char *memory, size_t length_bytes, int64_t *fault_count)
{
	const int64_t before = faults(), started_ns = cost_cpu_ns();

	memory_write(memory, length_bytes);
	const int64_t elapsed_ns = cost_cpu_ns() - started_ns;
	*fault_count = faults() - before;
	return elapsed_ns * PER_PAGES / (int64_t)vm_bytes_to_pages_floor(length_bytes);
}

static void time_set(size_t place)
{
	const size_t length_bytes = set_bytes(place);
	char *memory = memory_small(length_bytes);
	int64_t pass_ns[PASSES], pass_faults[PASSES], ignored = 0;
	const int64_t first_ns = time_pass(memory, length_bytes, &ignored);

	for (size_t i = 0; i < PASSES; i++)
		pass_ns[i] = time_pass(memory, length_bytes, &pass_faults[i]);
	observe_values("first-touch", places[place], &first_ns, 1, VM_UNIT_NS, "CPU time");
	observe_values("pass", places[place], pass_ns, PASSES, VM_UNIT_NS, "CPU time");
	observe_values(
		"pass-faults", places[place], pass_faults, PASSES, VM_UNIT_COUNT, "getrusage");
	MUST(munmap(memory, length_bytes) == 0);
}

static void measure(const struct probe_arguments *arguments)
{
	uint64_t state = trial_seed();
	size_t order[PLACES_COUNT];

	(void)arguments;
	order_shuffle(order, PLACES_COUNT, &state);
	for (size_t i = 0; i < PLACES_COUNT; i++)
		time_set(order[i]);
}

static const char *const claims[] = {"reclaim.thrashing", "reclaim.direct", NULL};

PROBE(thrashing) = {
	.name = "reclaim.thrashing",
	.kind = PROBE_TIMED,
	.claims = claims,
	.question = "What does a pass over a working set cost that does not fit into memory?",
	.method = "CPU time and faults of writing each page of 25, 50, 150 and 200 percent of a "
		  "memory group's limit, the first time and once more, with swap.",
	.threats = "Swap on a slow disk would show the disk: CPU time, which is the kernel's own "
		   "work. The program is charged as well: sets that fit leave half of the limit.",
	.by_hand = "systemd-run -p MemoryMax=16M stress-ng --vm 1 --vm-bytes 32m --metrics",
	.needs = {.memory_bytes = 128 * VM_MIB_BYTES,
		.allow_pressure = true,
		.group_limit_bytes = LIMIT_BYTES,
		.swap_bytes = SWAP_BYTES},
	.deadline_s = 30,
	.predict = PREDICTS(predict),
	.measure = MEASURES_TIMED(measure),
};
