/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/eliminate.h"

#define MILLIONTHS INT64_C(1000000)

/* The first fills, the second settles what least recently used makes of it, the third counts. */
#define TURNS 3

static bool walk(
	void *context, uint16_t space, const struct vm_access *access, struct vm_tlb_page *page)
{
	const struct vm_pattern_page *visited = context;

	(void)space;
	*page = (struct vm_tlb_page){
		.physical = vm_align_down(access->address, UINT64_C(1) << visited->page_shift),
		.page_shift = visited->page_shift,
		.rights = {.user = true, .writable = true},
	};
	return true;
}

int64_t vm_tlb_pattern_misses(const struct vm_tlb_config *config, const struct vm_pattern *pattern,
	struct vm_arena *arena)
{
	const struct vm_mmu mmu = {.paging = config->paging, .physical_bits = 52};
	const size_t mark = arena->used_bytes;
	struct vm_tlb *tlb = vm_tlb_create(config, arena);
	uint64_t before = 0;

	VM_ASSERT(tlb != NULL && pattern->count != 0);
	for (unsigned turn = 0; turn < TURNS; turn++) {
		before = vm_tlb_counts(tlb)->walks;
		for (size_t i = 0; i < pattern->count; i++) {
			struct vm_pattern_page page = pattern->pages[i];
			const struct vm_access access = {.address = page.address, .user = true};
			(void)vm_tlb_access(tlb, &mmu, &access, walk, &page);
		}
	}
	const uint64_t missed = vm_tlb_counts(tlb)->walks - before;
	arena->used_bytes = mark;
	return (int64_t)missed * MILLIONTHS / (int64_t)pattern->count;
}

struct range {
	int64_t least, most;
};

static struct range range_of(const int64_t *values, size_t count)
{
	struct range range = {values[0], values[0]};

	for (size_t i = 1; i < count; i++) {
		range.least = values[i] < range.least ? values[i] : range.least;
		range.most = values[i] > range.most ? values[i] : range.most;
	}
	return range;
}

/* Where the value lies between least and most, in millionths; nothing lies in no range. */
static int64_t height(int64_t value, const struct range *range)
{
	if (range->most == range->least)
		return 0;
	return (value - range->least) * MILLIONTHS / (range->most - range->least);
}

static bool contradicts(const int64_t *misses, const int64_t *costs, size_t count)
{
	const struct range missed = range_of(misses, count), cost = range_of(costs, count);

	/* All patterns cost the same: nothing was learnt. */
	if (cost.least == cost.most)
		return false;
	for (size_t i = 0; i < count; i++) {
		const int64_t apart = height(misses[i], &missed) - height(costs[i], &cost);
		if (2 * apart > MILLIONTHS || -2 * apart > MILLIONTHS)
			return true;
	}
	return false;
}

void vm_tlb_eliminate(const struct vm_tlb_config *candidates, size_t candidates_count,
	const struct vm_pattern *patterns, const int64_t *costs, size_t patterns_count,
	bool *survives, struct vm_arena *arena)
{
	const size_t mark = arena->used_bytes;
	int64_t *misses = vm_arena_take(arena, patterns_count * sizeof(*misses), _Alignof(int64_t));

	VM_ASSERT(misses != NULL && patterns_count != 0);
	for (size_t i = 0; i < candidates_count; i++) {
		for (size_t k = 0; k < patterns_count; k++)
			misses[k] = vm_tlb_pattern_misses(&candidates[i], &patterns[k], arena);
		survives[i] = !contradicts(misses, costs, patterns_count);
	}
	arena->used_bytes = mark;
}
