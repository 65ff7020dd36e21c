/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where thrashing begins: the largest working set of which a second pass takes no fault, in a
 * memory group of its own, with swap.
 *
 * It would miss a kernel that reclaims the wrong pages once it has to: here it only has to be late
 * enough.
 */
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "probe/moving.h"
#include "probe/probe.h"
#include "probe/shape.h"
#include "timed/cost.h"
#include "timed/memory.h"
#include "timed/order.h"
#include "trial/memory_group.h"
#include "trial/trial.h"
#include "vm/model.h"

#define CLAIM "reclaim.thrashing"

/* Of the group; the program itself is charged to it as well. */
#define LIMIT_BYTES (8 * VM_MIB_BYTES)
#define SWAP_BYTES  (64 * VM_MIB_BYTES)

#define PAGES_FEWEST ((size_t)1216)
#define PAGES_STEP   ((size_t)64)
#define PLACES_COUNT ((size_t)17)
#define NAME_BYTES   8

static size_t pages_at(size_t place)
{
	return PAGES_FEWEST + place * PAGES_STEP;
}

/* ---- what the models say ---- */

/* linux:6.12:include/linux/memcontrol.h:MEMCG_CHARGE_BATCH: pages that a processor takes at once.
 */
#define CHARGE_BATCH 64

static void predict_knee(struct vm_predictions *predictions, const char *quantity,
	enum vm_unit unit, const int64_t knee[2], const char *const *places)
{
	vm_predict(predictions,
		&(struct vm_prediction){
			.claim = CLAIM,
			.quantity = quantity,
			.at = "",
			.unit = unit,
			.form = VM_FORM_SHAPE,
			.shape = VM_SHAPE_KNEE,
			.values_count = 2,
			.values = knee,
			.inputs_count = PLACES_COUNT,
			.inputs = places,
			.because =
				"what fits beside the program, its tables and what each processor "
				"has charged in advance stays; more than the limit never does",
			.cite = "linux:6.12:mm/memcontrol.c:try_charge_memcg",
		});
}

static void predict(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	static const char *const inputs[] = {"charged"};
	static const struct vm_prediction rule = {
		.claim = CLAIM,
		.quantity = "pass-faults",
		.at = "",
		.unit = VM_UNIT_COUNT,
		.because = "the knee lies where the set, beside what the group is charged for "
			   "already, meets the limit",
		.cite = "linux:6.12:mm/memcontrol.c:try_charge_memcg",
	};
	const int64_t limit_pages = (int64_t)vm_bytes_to_pages_floor(LIMIT_BYTES);
	const char *places[PLACES_COUNT];
	struct moving charged;

	(void)model, (void)arguments;
	if (!moving_of(readings, "charged", "", &charged)) {
		predict_rule(predictions, &rule, inputs, 1);
		return;
	}
	for (size_t i = 0; i < PLACES_COUNT; i++) {
		char *name = vm_arena_take(predictions->arena, NAME_BYTES, 1);
		VM_ASSERT(name != NULL);
		(void)snprintf(name, NAME_BYTES, "%zu", pages_at(i));
		places[i] = name;
	}
	/* Places are some pages apart: the one before the least may be the last that fits. */
	const int64_t tables = 1 + limit_pages / (int64_t)(VM_HUGE_2M_BYTES / VM_PAGE_BYTES);
	const int64_t knee[] = {limit_pages - charged.highest - tables -
					CHARGE_BATCH * (int64_t)host->cpus_online -
					(int64_t)PAGES_STEP,
		limit_pages};
	predict_knee(predictions, "pass-faults", VM_UNIT_COUNT, knee, places);
	predict_knee(predictions, "pass", VM_UNIT_NS, knee, places);
}

/* ---- what the kernel does ---- */

#define PASSES 1

static int64_t faults(void)
{
	struct rusage usage;

	MUST(getrusage(RUSAGE_SELF, &usage) == 0);
	return usage.ru_minflt + usage.ru_majflt;
}

static void time_set(size_t place)
{
	const size_t length_bytes = vm_pages_to_bytes(pages_at(place));
	char *memory = memory_small(length_bytes), at[NAME_BYTES];
	int64_t pass_ns[PASSES], pass_faults[PASSES];

	(void)snprintf(at, sizeof(at), "%zu", pages_at(place));
	memory_write(memory, length_bytes);
	for (size_t i = 0; i < PASSES; i++) {
		const int64_t before = faults(), started_ns = cost_cpu_ns();
		memory_write(memory, length_bytes);
		pass_ns[i] = cost_cpu_ns() - started_ns;
		pass_faults[i] = faults() - before;
	}
	observe_values("pass", at, pass_ns, PASSES, VM_UNIT_NS, "CPU time");
	observe_values("pass-faults", at, pass_faults, PASSES, VM_UNIT_COUNT, "getrusage");
	MUST(munmap(memory, length_bytes) == 0);
}

static void measure(const struct probe_arguments *arguments)
{
	uint64_t state = trial_seed();
	size_t order[PLACES_COUNT];
	int64_t charged_pages[PLACES_COUNT];
	const struct memory_group own = memory_group_own();

	(void)arguments;
	order_shuffle(order, PLACES_COUNT, &state);
	for (size_t i = 0; i < PLACES_COUNT; i++) {
		charged_pages[i] = memory_group_usage_pages(&own);
		time_set(order[i]);
	}
	observe_values(
		"charged", "", charged_pages, PLACES_COUNT, VM_UNIT_PAGES, "the group's usage");
}

static const char *const claims[] = {CLAIM, NULL};

PROBE(thrashing_knee) = {
	.name = "reclaim.thrashing-knee",
	.kind = PROBE_TIMED,
	.claims = claims,
	.question = "How large may a working set be before passes over it begin to fault?",
	.method = "Write each page of 1216 to 2240 pages in a memory group of 2048, and once more; "
		  "CPU time and faults of the second pass, and what the group is charged for "
		  "without the set.",
	.threats = "Swap on a slow disk: CPU time. The program is charged as well: the group's "
		   "usage is read before each set.",
	.by_hand = "systemd-run -p MemoryMax=8M stress-ng --vm 1 --vm-bytes 9m --vm-keep --metrics",
	.needs = {.memory_bytes = 128 * VM_MIB_BYTES,
		.allow_pressure = true,
		.group_limit_bytes = LIMIT_BYTES,
		.swap_bytes = SWAP_BYTES},
	.deadline_s = 30,
	.predict = PREDICTS(predict),
	.measure = MEASURES_TIMED(measure),
};
