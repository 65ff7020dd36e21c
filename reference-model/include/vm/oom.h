/* SPDX-License-Identifier: Apache-2.0 */
/* How bad a process is in the eyes of the OOM killer, and the score that /proc shows of it. */
#ifndef VM_OOM_H
#define VM_OOM_H

#include <stddef.h>

#include "vm/behaviours.h"

#define VM_OOM_ADJUSTMENT_LOWEST  (-1000) /* never chosen */
#define VM_OOM_ADJUSTMENT_HIGHEST 1000

struct vm_oom_inputs {
	uint64_t resident_pages; /* file, anonymous and shared */
	uint64_t swapped_pages;
	uint64_t table_pages;
	int64_t adjustment;   /* oom_score_adj */
	uint64_t total_pages; /* RAM + swap */
	bool admin;	      /* CAP_SYS_ADMIN */
	bool in_vfork;	      /* still in its parent's memory */
};

/* False: it is never chosen, and badness is untouched. */
bool vm_oom_badness(const struct vm_behaviours *behaviours, const struct vm_oom_inputs *inputs,
	int64_t *badness_pages);

/* One that the killer looks at, with the span that its badness is known to lie in. */
struct vm_oom_candidate {
	bool killable;
	int64_t lowest_pages, highest_pages;
};

/*
 * Marks those that may be chosen, candidates being in the order in which the killer comes by them:
 * the worst one, and of equal ones the last. Returns how many are marked.
 */
size_t vm_oom_victims(const struct vm_oom_candidate *candidates, size_t count, bool *may_be_chosen);

/* /proc/pid/oom_score */
int64_t vm_oom_score(const struct vm_behaviours *behaviours, const struct vm_oom_inputs *inputs);

/*
 * How far the killer's reading of one resident or swapped counter may lie from the true sum, up or
 * down: each CPU that ran the process keeps back less than one batch. Nothing where
 * /proc/pid/status shows the same reading.
 */
uint64_t vm_oom_counter_lag_pages(
	const struct vm_behaviours *behaviours, uint32_t cpus_online, uint32_t cpus_used);

/*
 * How far what status and statm show of one counter may lie from the true sum, of a process that
 * has unmapped something since its last fault.
 */
uint64_t vm_status_counter_lag_pages(
	const struct vm_behaviours *behaviours, uint32_t cpus_online, uint32_t cpus_used);

#endif
