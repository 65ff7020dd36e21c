/* SPDX-License-Identifier: Apache-2.0 */
/*
 * First in, first out, and random. Frames fill up in order and are emptied in order, so the queue
 * of FIFO is a hand that goes round: there is nothing to keep.
 */
#include "policy/core.h"
#include "vm/random.h"

static size_t no_state(const struct vm_replace_config *config)
{
	(void)config;
	return 0;
}

static void nothing(struct vm_replace *replace, uint32_t frame)
{
	(void)replace, (void)frame;
}

static bool create(struct vm_replace *replace, struct vm_arena *arena)
{
	(void)arena;
	replace->hand = 0;
	return true;
}

static uint32_t oldest(struct vm_replace *replace)
{
	const uint32_t frame = replace->hand;

	replace->hand = frame + 1 == replace->config.frames ? 0 : frame + 1;
	replace->counts.scanned++;
	return frame;
}

static const struct hooks fifo = {nothing, oldest, nothing};

static void reference_fifo(
	struct vm_replace *replace, uint32_t reference, struct vm_replace_event *event)
{
	core_reference(replace, reference, event, fifo);
}

static void run_fifo(struct vm_replace *replace, const uint32_t *references, size_t count)
{
	core_run(replace, references, count, fifo);
}

const struct policy policy_fifo = {no_state, create, reference_fifo, run_fifo};

static bool create_random(struct vm_replace *replace, struct vm_arena *arena)
{
	(void)replace, (void)arena;
	return true;
}

static uint32_t any(struct vm_replace *replace)
{
	replace->counts.scanned++;
	return (uint32_t)vm_random_below(&replace->random, replace->config.frames);
}

static const struct hooks at_random = {nothing, any, nothing};

static void reference_random(
	struct vm_replace *replace, uint32_t reference, struct vm_replace_event *event)
{
	core_reference(replace, reference, event, at_random);
}

const struct policy policy_random = {no_state, create_random, reference_random, core_run_slowly};
