/* SPDX-License-Identifier: Apache-2.0 */
/* A load from memory of another node takes longer than one from the processor's own. */
#include <linux/mempolicy.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "probe/probe.h"
#include "probe/shape.h"
#include "timed/chase.h"
#include "timed/cost.h"
#include "timed/memory.h"
#include "timed/order.h"
#include "trial/trial.h"
#include "vm/model.h"

#define CLAIM "hier.numa"

static const char *const places[] = {"local", "remote"};

#define PLACES_COUNT (sizeof(places) / sizeof(places[0]))

/* ---- what the models say ---- */

static void predict(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	const struct shape_claim claim = {predictions, CLAIM, PLACES_COUNT, places};

	(void)model, (void)arguments, (void)readings;
	if (host->cpu.hypervisor) {
		predict_silence(&claim, "loads",
			"a guest's nodes need not be nodes of the machine that it runs on",
			"intel-sdm:2A:3.3:cpuid");
		return;
	}
	predict_shape(&claim, "loads", VM_SHAPE_RISES, NULL,
		"a line of another node comes over the link between them",
		"linux:6.12:include/linux/topology.h:node_distance");
}

/* ---- what the machine does ---- */

#define LINES	   (CHASE_UNROLLED * 512)
#define BATCHES	   5
#define NODES_MOST 64

struct flushed {
	char *memory;
	void *start;
};

static void *line_in(void *context, size_t index)
{
	return (char *)context + index * CHASE_LINE_BYTES;
}

static int64_t follow(void *context)
{
	const struct flushed *flushed = context;

	return chase_run_flushed(flushed->memory, flushed->start, LINES);
}

static char *map_on(unsigned node)
{
	const size_t length_bytes = LINES * CHASE_LINE_BYTES;
	const unsigned long nodes = 1UL << node;
	char *memory = memory_small(length_bytes);

	MUST(syscall(SYS_mbind, memory, length_bytes, MPOL_BIND, &nodes, 8 * sizeof(nodes), 0UL) ==
		0);
	memory_write(memory, length_bytes);
	return memory;
}

/* A node that may be used and is not the processor's own. */
static unsigned another_node(unsigned own)
{
	unsigned long allowed = 0;

	MUST(syscall(SYS_get_mempolicy, NULL, &allowed, 8 * sizeof(allowed), NULL,
		     MPOL_F_MEMS_ALLOWED) == 0);
	for (unsigned node = NODES_MOST; node-- > 0;)
		if (node != own && (allowed & 1UL << node) != 0)
			return node;
	unmet("all memory that may be used is of one node", "run on a machine with two nodes");
}

static void measure(const struct probe_arguments *arguments)
{
	static size_t turn[LINES];
	uint64_t state = trial_seed();
	unsigned nodes[PLACES_COUNT] = {0};
	size_t order[PLACES_COUNT];

	(void)arguments;
	MUST(getcpu(NULL, &nodes[0]) == 0);
	nodes[1] = another_node(nodes[0]);
	order_shuffle(order, PLACES_COUNT, &state);
	for (size_t i = 0; i < PLACES_COUNT; i++) {
		struct flushed flushed = {.memory = map_on(nodes[order[i]])};
		flushed.start = chase_link(line_in, flushed.memory, LINES, turn, &state);
		const struct cost_plan plan = {
			.name = "loads",
			.body = follow,
			.context = &flushed,
			.witness = "CLOCK_MONOTONIC_RAW",
			.warm_ups = 1,
			.batches = BATCHES,
		};
		cost_observe(&plan, "loads", "loads-faults", places[order[i]]);
	}
}

static const char *const claims[] = {CLAIM, NULL};

PROBE(numa_cost) = {
	.name = "hier.numa-cost",
	.kind = PROBE_TIMED,
	.claims = claims,
	.question = "Does a load from another node's memory take longer?",
	.method = "Chase pointers through lines that were flushed from all caches, in memory bound "
		  "to the processor's own node and to another one.",
	.threats = "Caches: flushed before each turn. A guest's nodes may be made up: there the "
		   "model is silent. Balancing moves pages to who uses them: they are bound.",
	.by_hand = "numactl -N 0 -m 1 PROGRAM; numactl -N 0 -m 0 PROGRAM",
	.needs = {.features_count = 1, .features = {VM_FEATURE_NUMA}},
	.deadline_s = 10,
	.predict = PREDICTS(predict),
	.measure = MEASURES_TIMED(measure),
};
