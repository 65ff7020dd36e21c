/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which of several descriptions of translation buffers cannot be true, from what patterns of
 * accesses cost. Each description says how often each pattern misses; a description is struck out
 * when a pattern that it says is more of a miss than of a hit costs like a hit, or the other way
 * round. The middle decides, between the cheapest pattern and the dearest; so the true one always
 * survives, as long as a hit on the second level costs less than half of a walk.
 */
#ifndef VM_ELIMINATE_H
#define VM_ELIMINATE_H

#include "vm/tlb.h"

/* A pattern: pages of one size or of several, visited in this order, again and again. */
struct vm_pattern_page {
	uint64_t address;
	uint8_t page_shift;
};

struct vm_pattern {
	size_t count;
	const struct vm_pattern_page *pages;
};

/*
 * costs: of a turn through each pattern, each divided by its accesses; any unit. survives gets an
 * answer for each candidate. The arena is used and given back.
 */
void vm_tlb_eliminate(const struct vm_tlb_config *candidates, size_t candidates_count,
	const struct vm_pattern *patterns, const int64_t *costs, size_t patterns_count,
	bool *survives, struct vm_arena *arena);

/* Walks in a turn that follows another, in millionths of its accesses. */
int64_t vm_tlb_pattern_misses(const struct vm_tlb_config *config, const struct vm_pattern *pattern,
	struct vm_arena *arena);

#endif
