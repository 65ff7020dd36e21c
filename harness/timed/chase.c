/* SPDX-License-Identifier: Apache-2.0 */
#include "timed/chase.h"

#include <emmintrin.h>

#include "timed/cost.h"
#include "trial/trial.h"
#include "vm/random.h"

/*
 * One cycle through all nodes, every such cycle as likely as another: a permutation drawn in the
 * ordinary way may fall into several cycles, and the chase would see only one of them.
 */
void *chase_link(
	chase_place *place, void *context, size_t count, size_t *order, uint64_t *random_state)
{
	MUST(count > 1);
	for (size_t i = 0; i < count; i++)
		order[i] = i;
	for (size_t i = count - 1; i > 0; i--) {
		const size_t other = vm_random_below(random_state, i), held = order[i];
		order[i] = order[other];
		order[other] = held;
	}
	/* Sattolo's permutation is itself the cycle: node i points to node order[i]. */
	for (size_t i = 0; i < count; i++)
		*(void **)place(context, i) = place(context, order[i]);
	return place(context, 0);
}

#define STEP  node = *(void *volatile *)node;
#define STEPS STEP STEP STEP STEP

int64_t chase_run(void *start, size_t steps)
{
	void *node = start;
	const int64_t started_ns = cost_now_ns();

	for (size_t i = 0; i < steps; i += CHASE_UNROLLED) {
		STEPS STEPS STEPS STEPS
	}
	const int64_t elapsed_ns = cost_now_ns() - started_ns;
	/* The last address is used, so that no load is for nothing. */
	MUST(node != NULL);
	return elapsed_ns;
}

int64_t chase_run_flushed(char *memory, void *start, size_t lines)
{
	for (size_t i = 0; i < lines; i++)
		_mm_clflush(memory + i * CHASE_LINE_BYTES);
	_mm_mfence();
	return chase_run(start, lines);
}
