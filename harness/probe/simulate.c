/* SPDX-License-Identifier: Apache-2.0 */
#include "probe/simulate.h"

#include <stdlib.h>

#include "vm/random.h"

void predict_values(struct vm_predictions *predictions, const char *claim, const char *quantity,
	const int64_t *values, size_t values_count, enum vm_unit unit, const char *because,
	const char *cite)
{
	vm_predict(predictions, &(struct vm_prediction){
					.claim = claim,
					.quantity = quantity,
					.at = "",
					.unit = unit,
					.form = VM_FORM_EXACT,
					.values_count = values_count,
					.values = values,
					.because = because,
					.cite = cite,
				});
}

void predict_value(struct vm_predictions *predictions, const char *claim, const char *quantity,
	int64_t value, enum vm_unit unit, const char *because, const char *cite)
{
	predict_values(predictions, claim, quantity, &value, 1, unit, because, cite);
}

struct vm_arena simulate_arena(size_t size_bytes)
{
	void *memory = calloc(1, size_bytes);

	if (memory == NULL)
		abort();
	return vm_arena_over(memory, size_bytes);
}

void simulate_arena_drop(struct vm_arena *arena)
{
	free(arena->base);
}

void simulate_string(uint64_t *random, uint32_t *references, size_t count, uint32_t pages)
{
	for (size_t i = 0; i < count; i++) {
		const bool near = vm_random_below(random, 3) != 0;
		references[i] = (uint32_t)vm_random_below(random, near ? (pages + 2) / 3 : pages);
		if (vm_random_below(random, 5) == 0)
			references[i] |= VM_REFERENCE_WRITES;
	}
}

struct vm_replace_counts simulate_replace(
	const struct vm_replace_config *config, const uint32_t *references, size_t count)
{
	struct vm_arena SIMULATE_ARENA arena = simulate_arena(vm_replace_bytes(config));
	struct vm_replace *replace = vm_replace_create(config, &arena);

	vm_replace_run(replace, references, count);
	return *vm_replace_counts(replace);
}

uint64_t simulate_faults(enum vm_policy policy, uint32_t pages, uint32_t frames,
	const uint32_t *references, size_t count)
{
	const struct vm_replace_config config = {
		.policy = policy,
		.pages = pages,
		.frames = frames,
		.future = references,
		.future_count = policy == VM_POLICY_OPT ? count : 0,
		.seed = 1,
		.hand_gap_frames = frames / 2,
		.period_references = 8,
		.window_references = 8,
	};

	return simulate_replace(&config, references, count).faults;
}
