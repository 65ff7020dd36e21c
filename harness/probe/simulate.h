/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What checks that only the model can show have in common: predictions of single values, memory
 * for simulators, random reference strings. Part of the program, not of the trials.
 */
#ifndef PROBE_SIMULATE_H
#define PROBE_SIMULATE_H

#include "probe/probe.h"
#include "vm/prediction.h"
#include "vm/replace.h"

/* One exact value, at no place in particular. */
void predict_value(struct vm_predictions *predictions, const char *claim, const char *quantity,
	int64_t value, enum vm_unit unit, const char *because, const char *cite);
void predict_values(struct vm_predictions *predictions, const char *claim, const char *quantity,
	const int64_t *values, size_t values_count, enum vm_unit unit, const char *because,
	const char *cite);

/* Drawn anew for each run, so that no simulator can be fitted to one string. */
#define SIMULATE_SEED_PARAMETER                                                            \
	{                                                                                  \
		.name = "seed", .unit = VM_UNIT_COUNT, .choices_count = 1, .choices = {1}, \
		.lowest = 2, .highest = 1000000000, .step = 1, .drawn = 2,                 \
	}

/* Zeroed memory; ends the program when there is none. */
struct vm_arena simulate_arena(size_t size_bytes);
void simulate_arena_drop(struct vm_arena *arena);
#define SIMULATE_ARENA __attribute__((cleanup(simulate_arena_drop)))

/* Local references and spread ones, a fifth of them writes. */
void simulate_string(uint64_t *random, uint32_t *references, size_t count, uint32_t pages);

struct vm_replace_counts simulate_replace(
	const struct vm_replace_config *config, const uint32_t *references, size_t count);

/* Faults with everything else of the configuration at its usual value. */
uint64_t simulate_faults(enum vm_policy policy, uint32_t pages, uint32_t frames,
	const uint32_t *references, size_t count);

#endif
