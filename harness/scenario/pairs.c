/* SPDX-License-Identifier: Apache-2.0 */
#include "scenario/pairs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS_AT_FIRST ((size_t)1024)

static struct pairs_slot *take_slots(size_t count)
{
	struct pairs_slot *slots = calloc(count, sizeof(*slots));

	if (slots == NULL) {
		(void)fputs("mmconform: out of memory\n", stderr);
		abort();
	}
	return slots;
}

static struct pairs_slot *slot_of(const struct pairs_side *side, uint64_t key)
{
	/* Fibonacci hashing: frames come in long sequences. */
	size_t at = (size_t)(key * UINT64_C(0x9e3779b97f4a7c15) >> 20) & (side->slots_count - 1);

	while (side->slots[at].epoch == side->epoch && side->slots[at].key != key)
		at = (at + 1) & (side->slots_count - 1);
	return &side->slots[at];
}

static bool find(const struct pairs_side *side, uint64_t key, uint64_t *value)
{
	const struct pairs_slot *slot = slot_of(side, key);

	if (slot->epoch != side->epoch)
		return false;
	*value = slot->value;
	return true;
}

static void put(struct pairs_side *side, uint64_t key, uint64_t value)
{
	if (side->used_count * 2 >= side->slots_count) {
		struct pairs_side larger = *side;
		larger.slots_count *= 2;
		larger.slots = take_slots(larger.slots_count);
		for (size_t i = 0; i < side->slots_count; i++)
			if (side->slots[i].epoch == side->epoch)
				*slot_of(&larger, side->slots[i].key) = side->slots[i];
		free(side->slots);
		*side = larger;
	}
	*slot_of(side, key) = (struct pairs_slot){key, value, side->epoch};
	side->used_count++;
}

static void start_side(struct pairs_side *side)
{
	*side = (struct pairs_side){SLOTS_AT_FIRST, 0, 1, take_slots(SLOTS_AT_FIRST)};
}

static void renew_side(struct pairs_side *side)
{
	side->used_count = 0;
	/* After 2^32 epochs old slots would look new. */
	if (++side->epoch == 0) {
		memset(side->slots, 0, side->slots_count * sizeof(*side->slots));
		side->epoch = 1;
	}
}

void pairs_start(struct pairs *pairs)
{
	start_side(&pairs->of_model[0]);
	start_side(&pairs->of_model[1]);
	start_side(&pairs->of_kernel);
	pairs->now = 0;
}

void pairs_drop(struct pairs *pairs)
{
	free(pairs->of_model[0].slots);
	free(pairs->of_model[1].slots);
	free(pairs->of_kernel.slots);
}

void pairs_renew(struct pairs *pairs)
{
	pairs->now ^= 1;
	pairs_retry(pairs);
}

void pairs_retry(struct pairs *pairs)
{
	renew_side(&pairs->of_model[pairs->now]);
	renew_side(&pairs->of_kernel);
}

enum pairs_answer pairs_relate(
	struct pairs *pairs, uint64_t of_model, uint64_t of_kernel, uint64_t *other)
{
	struct pairs_side *now = &pairs->of_model[pairs->now];

	if (find(now, of_model, other))
		return *other == of_kernel ? PAIRS_FITS : PAIRS_MODEL_ELSEWHERE;
	if (find(&pairs->of_kernel, of_kernel, other))
		return PAIRS_KERNEL_ELSEWHERE;
	put(now, of_model, of_kernel);
	put(&pairs->of_kernel, of_kernel, of_model);
	if (find(&pairs->of_model[pairs->now ^ 1], of_model, other) && *other != of_kernel)
		return PAIRS_MOVED;
	return PAIRS_FITS;
}
