/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Policies that look at the reference bits now and then: not recently used (four classes), least
 * frequently used with halving, and ageing with a shift register. A period counts references.
 */
#include "policy/core.h"
#include "vm/random.h"

static bool period_ends(const struct vm_replace *replace)
{
	const uint64_t period = replace->config.period_references;

	return period != 0 && replace->counts.references % period == 0;
}

static void set_referenced(struct vm_replace *replace, uint32_t frame)
{
	replace->flags[frame] |= VM_FRAME_REFERENCED;
}

static size_t nru_bytes(const struct vm_replace_config *config)
{
	(void)config;
	return 0;
}

static bool nru_create(struct vm_replace *replace, struct vm_arena *arena)
{
	(void)replace, (void)arena;
	return true;
}

/* 0: neither used nor dirty; 1: dirty; 2: used; 3: both. */
static unsigned class_of(const struct vm_replace *replace, uint32_t frame)
{
	const uint8_t flags = replace->flags[frame];

	return ((flags & VM_FRAME_REFERENCED) != 0 ? 2U : 0U) +
	       ((flags & VM_FRAME_DIRTY) != 0 ? 1U : 0U);
}

static uint32_t any_of_the_lowest_class(struct vm_replace *replace)
{
	uint32_t members[4] = {0};
	unsigned lowest = 0;

	for (uint32_t frame = 0; frame < replace->config.frames; frame++)
		members[class_of(replace, frame)]++;
	while (members[lowest] == 0)
		lowest++;
	uint64_t drawn = vm_random_below(&replace->random, members[lowest]);
	uint32_t frame = 0;
	for (;; frame++)
		if (class_of(replace, frame) == lowest && drawn-- == 0)
			break;
	replace->counts.scanned += replace->config.frames;
	return frame;
}

static const struct hooks nru = {set_referenced, any_of_the_lowest_class, set_referenced};

static void reference_nru(
	struct vm_replace *replace, uint32_t reference, struct vm_replace_event *event)
{
	core_reference(replace, reference, event, nru);
	if (!period_ends(replace))
		return;
	for (uint32_t frame = 0; frame < replace->config.frames; frame++)
		replace->flags[frame] &= (uint8_t)~VM_FRAME_REFERENCED;
}

const struct policy policy_nru = {nru_bytes, nru_create, reference_nru, core_run_slowly};

struct use {
	uint64_t loaded; /* moment: of equal counts the one loaded first goes */
	uint32_t count;
};

static size_t uses_bytes(const struct vm_replace_config *config)
{
	return config->frames * sizeof(struct use) + _Alignof(struct use);
}

static bool uses_create(struct vm_replace *replace, struct vm_arena *arena)
{
	replace->state = vm_arena_take(
		arena, replace->config.frames * sizeof(struct use), _Alignof(struct use));
	return replace->state != NULL;
}

static void count_use(struct vm_replace *replace, uint32_t frame)
{
	struct use *uses = replace->state;

	if (uses[frame].count < UINT32_MAX)
		uses[frame].count++;
}

static void first_use(struct vm_replace *replace, uint32_t frame)
{
	struct use *uses = replace->state;

	uses[frame] = (struct use){.loaded = replace->counts.references, .count = 1};
}

static uint32_t least_count(struct vm_replace *replace)
{
	const struct use *uses = replace->state;
	uint32_t least = 0;

	for (uint32_t frame = 1; frame < replace->config.frames; frame++)
		if (uses[frame].count < uses[least].count ||
			(uses[frame].count == uses[least].count &&
				uses[frame].loaded < uses[least].loaded))
			least = frame;
	replace->counts.scanned += replace->config.frames;
	return least;
}

static const struct hooks lfu = {count_use, least_count, first_use};

static void reference_lfu(
	struct vm_replace *replace, uint32_t reference, struct vm_replace_event *event)
{
	struct use *uses = replace->state;

	core_reference(replace, reference, event, lfu);
	if (!period_ends(replace))
		return;
	for (uint32_t frame = 0; frame < replace->frames_used; frame++)
		uses[frame].count /= 2;
}

const struct policy policy_lfu = {uses_bytes, uses_create, reference_lfu, core_run_slowly};

/* Ageing: count is the register; the bit of the period that ends comes in from the left. */
static void first_period(struct vm_replace *replace, uint32_t frame)
{
	struct use *uses = replace->state;

	uses[frame] = (struct use){.loaded = replace->counts.references};
	set_referenced(replace, frame);
}

static const struct hooks ageing = {set_referenced, least_count, first_period};

static void reference_ageing(
	struct vm_replace *replace, uint32_t reference, struct vm_replace_event *event)
{
	struct use *uses = replace->state;

	core_reference(replace, reference, event, ageing);
	if (!period_ends(replace))
		return;
	for (uint32_t frame = 0; frame < replace->frames_used; frame++) {
		const bool was_used = (replace->flags[frame] & VM_FRAME_REFERENCED) != 0;
		uses[frame].count = uses[frame].count >> 1 | (was_used ? UINT32_C(1) << 31 : 0);
		replace->flags[frame] &= (uint8_t)~VM_FRAME_REFERENCED;
	}
}

const struct policy policy_ageing = {uses_bytes, uses_create, reference_ageing, core_run_slowly};
