/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exploration: random operations on model and kernel in lockstep; a difference is shrunk to the
 * shortest script that still shows it, as a scenario and as a program in C that needs nothing else.
 */
#ifndef SCENARIO_EXPLORE_H
#define SCENARIO_EXPLORE_H

#include "scenario/generate.h"
#include "scenario/lockstep.h"

/* What lies where an operation acts. */
#define EXPLORE_PLACES(X)               \
	X(NOTHING, "no area")           \
	X(PRIVATE, "private")           \
	X(SHARED, "shared")             \
	X(PRIVATE_FILE, "private file") \
	X(SHARED_FILE, "shared file")   \
	X(SECRET, "secret memory")      \
	X(HEAP, "heap")                 \
	X(ELSEWHERE, "file or process only")

enum explore_place {
#define EXPLORE_ENUMERATOR(name, word) EXPLORE_##name,
	EXPLORE_PLACES(EXPLORE_ENUMERATOR)
#undef EXPLORE_ENUMERATOR
		EXPLORE_PLACE_LIMIT,
};

/* Success, a signal, or an errno. */
#define EXPLORE_SUCCESS	 0
#define EXPLORE_SIGSEGV	 1
#define EXPLORE_SIGBUS	 2
#define EXPLORE_ERRNO(n) (2 + (n))
#define EXPLORE_OUTCOMES 132

struct explore_coverage {
	uint64_t met[VM_OP_LIMIT][EXPLORE_PLACE_LIMIT][EXPLORE_OUTCOMES];
	uint64_t rule_hits[1024];
	uint64_t freedoms[VM_FREEDOM_LIMIT], step_freedoms[VM_OP_LIMIT];
	/* Operations for which the model allows more than one errno, and how many it allows. */
	uint64_t open_outcomes, open_errnos;
	uint64_t silent; /* operations left out because the model does not speak of them */
};

struct explore_options {
	const struct vm_host *host;
	const struct vm_model *model;
	uint64_t seed, operations;
	uint32_t processes, chapters;
	uint32_t areas_most; /* that a process may have at a time, or 0 */
	bool shrinks;
	bool prefers_rare; /* what was met seldom comes more often, at the price of speed */
};

/* How large the process that acted was after each step. */
struct explore_extent {
	uint64_t steps;
	uint64_t areas, areas_most; /* in all, and at a time */
	uint64_t pages, pages_most; /* resident */
};

struct explore_result {
	uint64_t operations, scripts, comparisons;
	struct explore_extent extent;
	double cpu_s; /* of both sides */
	struct explore_coverage coverage;
	/* The first difference, if there is one. */
	bool differs;
	struct difference difference;
	const char *others; /* what else differs in that step, a line each */
	uint64_t found_in_script;
	size_t operations_before_shrinking;
	size_t shortest_count;
	struct vm_operation *shortest;
	const char *scenario, *reproducer;
};

/* False, and why: the instrument broke, or the trial could not be started. */
bool explore(struct pool *pool, const struct explore_options *options,
	struct explore_result *result, const char **why);

/* A stand-alone program that does these operations and prints what the kernel shows. */
const char *reproducer_write(struct pool *pool, const struct vm_operation *operations,
	size_t operations_count, const struct difference *difference);

const char *explore_place_word(enum explore_place place);

#endif
