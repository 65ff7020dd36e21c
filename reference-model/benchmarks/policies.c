/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How fast the replacement simulators are, in CPU time on one core, and how their cost grows.
 *
 * policies [MILLIONS [MOST-MILLIONS]]: that many references (20), Zipf 0.8 over a million pages,
 * 100,000 frames; with a second number also 1, 2, 5, 10, ... millions up to it. One JSON line a
 * row: policy, references, misses, ns a reference, millions a second, bytes a page and a frame.
 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "vm/curve.h"
#include "vm/random.h"
#include "vm/replace.h"

#define PAGES	 1000000U
#define FRAMES	 100000U
#define EXPONENT 0.8
#define MILLION	 1000000U
#define SEED	 1

static void *take(size_t size_bytes)
{
	void *memory = malloc(size_bytes);

	if (memory == NULL) {
		perror("malloc");
		exit(EXIT_FAILURE);
	}
	/* Touched beforehand: the kernel's page faults are not the simulator's cost. */
	return memset(memory, 0, size_bytes);
}

/* Inversion of the cumulated weights; ranks are scattered over the page numbers. */
static uint32_t *zipf_references(size_t count)
{
	uint32_t *references = take(count * sizeof(*references));
	double *cumulated = take(PAGES * sizeof(*cumulated));
	uint32_t *page_of_rank = take(PAGES * sizeof(*page_of_rank));
	uint64_t random = SEED;
	double sum = 0;

	for (uint32_t rank = 0; rank < PAGES; rank++) {
		sum += pow(rank + 1, -EXPONENT);
		cumulated[rank] = sum;
		page_of_rank[rank] = rank;
	}
	for (uint32_t rank = PAGES - 1; rank > 0; rank--) {
		const uint32_t other = (uint32_t)vm_random_below(&random, rank + 1);
		const uint32_t page = page_of_rank[rank];
		page_of_rank[rank] = page_of_rank[other];
		page_of_rank[other] = page;
	}
	for (size_t i = 0; i < count; i++) {
		const double drawn = (double)(vm_random_next(&random) >> 11) * 0x1p-53 * sum;
		uint32_t low = 0, high = PAGES - 1;
		while (low < high) {
			const uint32_t middle = low + (high - low) / 2;
			if (cumulated[middle] > drawn)
				high = middle;
			else
				low = middle + 1;
		}
		references[i] = page_of_rank[low];
	}
	free(cumulated);
	free(page_of_rank);
	return references;
}

static double cpu_seconds(void)
{
	struct timespec now;

	if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now) != 0) {
		perror("clock_gettime");
		exit(EXIT_FAILURE);
	}
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void report(
	const char *name, size_t references, uint64_t misses, double seconds, size_t size_bytes)
{
	(void)printf(
		"{\"policy\":\"%s\",\"references\":%zu,\"misses\":%llu,\"ns_a_reference\":%.2f,"
		"\"million_references_a_second\":%.1f,\"bytes\":%zu}\n",
		name, references, (unsigned long long)misses, seconds * 1e9 / (double)references,
		(double)references / seconds * 1e-6, size_bytes);
	(void)fflush(stdout);
}

static void time_policy(enum vm_policy policy, const uint32_t *references, size_t count)
{
	const struct vm_replace_config config = {
		.policy = policy,
		.pages = PAGES,
		.frames = FRAMES,
		.future = references,
		.future_count = policy == VM_POLICY_OPT ? count : 0,
		.seed = SEED,
		.reclaim_batch_frames = 32,
	};
	const size_t size_bytes = vm_replace_bytes(&config);
	struct vm_arena arena = vm_arena_over(take(size_bytes), size_bytes);

	/* OPT looks into the future when it is created: that counts. */
	const double start = cpu_seconds();
	struct vm_replace *replace = vm_replace_create(&config, &arena);
	vm_replace_run(replace, references, count);
	const double seconds = cpu_seconds() - start;
	report(vm_policy_word(policy), count, vm_replace_counts(replace)->faults, seconds,
		size_bytes);
	free(arena.base);
}

static void time_curve(const uint32_t *references, size_t count)
{
	const size_t size_bytes = vm_curve_bytes(PAGES);
	struct vm_arena arena = vm_arena_over(take(size_bytes), size_bytes);
	const double start = cpu_seconds();
	struct vm_curve *curve = vm_curve_create(PAGES, &arena);

	vm_curve_run(curve, references, count);
	const double seconds = cpu_seconds() - start;
	report("lru-curve", count, vm_curve_misses(curve, FRAMES), seconds, size_bytes);
	free(arena.base);
}

static void time_all(const uint32_t *references, size_t count)
{
	static const enum vm_policy policies[] = {VM_POLICY_LRU, VM_POLICY_FIFO, VM_POLICY_CLOCK,
		VM_POLICY_OPT, VM_POLICY_TWO_LIST, VM_POLICY_GENERATIONS};

	for (size_t i = 0; i < sizeof(policies) / sizeof(policies[0]); i++)
		time_policy(policies[i], references, count);
	time_curve(references, count);
}

int main(int argc, char **argv)
{
	const size_t millions = argc > 1 ? strtoul(argv[1], NULL, 10) : 20;
	const size_t most = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;
	static const size_t steps[] = {1, 2, 5, 10, 20, 50, 100};

	if (millions == 0 || argc > 3) {
		(void)fprintf(stderr, "usage: policies [MILLIONS [MOST-MILLIONS]]\n");
		return 2;
	}
	uint32_t *references = zipf_references((millions > most ? millions : most) * MILLION);
	time_all(references, millions * MILLION);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]) && steps[i] <= most; i++)
		time_all(references, steps[i] * MILLION);
	free(references);
	return 0;
}
