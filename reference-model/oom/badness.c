/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/oom.h"

#include "core/arithmetic.h"

#define SCORE_WHOLE	     1000
#define ADMIN_BONUS	     30
#define COUNTER_BATCH_LOWEST 32

/* linux:6.12:mm/oom_kill.c:oom_badness */
bool vm_oom_badness(const struct vm_behaviours *behaviours, const struct vm_oom_inputs *inputs,
	int64_t *badness_pages)
{
	const int64_t points =
		(int64_t)(inputs->resident_pages + inputs->swapped_pages + inputs->table_pages);
	const int64_t unit_pages = (int64_t)(inputs->total_pages / SCORE_WHOLE);

	(void)behaviours;
	if (inputs->adjustment == VM_OOM_ADJUSTMENT_LOWEST || inputs->in_vfork)
		return false;
	*badness_pages = points + inputs->adjustment * unit_pages;
	return true;
}

/* linux:6.12:mm/oom_kill.c:oom_evaluate_task */
size_t vm_oom_victims(const struct vm_oom_candidate *candidates, size_t count, bool *may_be_chosen)
{
	size_t chosen_count = 0;

	for (size_t i = 0; i < count; i++) {
		may_be_chosen[i] = candidates[i].killable;
		for (size_t j = 0; j < count; j++) {
			const bool surely_worse =
				j > i ? candidates[j].lowest_pages >= candidates[i].highest_pages
				      : candidates[j].lowest_pages > candidates[i].highest_pages;
			if (j != i && candidates[j].killable && surely_worse)
				may_be_chosen[i] = false;
		}
		chosen_count += may_be_chosen[i];
	}
	return chosen_count;
}

/* The teaching: a share in thousandths, and then the adjustment. */
static int64_t share_score(
	const struct vm_behaviours *behaviours, const struct vm_oom_inputs *inputs)
{
	const uint64_t points =
		inputs->resident_pages + inputs->swapped_pages + inputs->table_pages;
	int64_t score = (int64_t)(points * SCORE_WHOLE / inputs->total_pages);

	switch (behaviours->oom_admin_bonus) {
	case VM_OOM_ADMIN_BONUS_THIRTY:
		score -= inputs->admin ? ADMIN_BONUS : 0;
		break;
	case VM_OOM_ADMIN_BONUS_NONE:
		break;
	}
	score += inputs->adjustment;
	if (score < 0)
		return 0;
	return score > SCORE_WHOLE ? SCORE_WHOLE : score;
}

/* linux:6.12:fs/proc/base.c:proc_oom_score */
int64_t vm_oom_score(const struct vm_behaviours *behaviours, const struct vm_oom_inputs *inputs)
{
	int64_t badness_pages = 0;

	VM_ASSERT(inputs->total_pages != 0);
	if (!vm_oom_badness(behaviours, inputs, &badness_pages))
		return 0;
	switch (behaviours->oom_score_scale) {
	case VM_OOM_SCORE_PER_MILLE:
		return share_score(behaviours, inputs);
	case VM_OOM_SCORE_TWO_THIRDS:
		/* Both divisions round towards zero, also from below. */
		return (SCORE_WHOLE + badness_pages * SCORE_WHOLE / (int64_t)inputs->total_pages) *
		       2 / 3;
	}
	VM_ASSERT(false);
	return 0;
}

/* linux:6.12:include/linux/percpu_counter.h:percpu_counter_add; lib/percpu_counter.c:
 * compute_batch_value */
static uint64_t held_back_pages(uint32_t cpus_online, uint32_t cpus_used)
{
	const uint64_t batch = larger(UINT64_C(2) * cpus_online, COUNTER_BATCH_LOWEST);

	return (batch - 1) * cpus_used;
}

uint64_t vm_oom_counter_lag_pages(
	const struct vm_behaviours *behaviours, uint32_t cpus_online, uint32_t cpus_used)
{
	switch (behaviours->status_counters) {
	case VM_STATUS_COUNTERS_CACHED_BY_TASK:
	case VM_STATUS_COUNTERS_CHEAP:
		return 0;
	case VM_STATUS_COUNTERS_SUMMED:
		return held_back_pages(cpus_online, cpus_used);
	}
	VM_ASSERT(false);
	return 0;
}

/* linux:6.1:mm/memory.c:add_mm_rss_vec: a task that unmaps gives up what it has cached */
uint64_t vm_status_counter_lag_pages(
	const struct vm_behaviours *behaviours, uint32_t cpus_online, uint32_t cpus_used)
{
	switch (behaviours->status_counters) {
	case VM_STATUS_COUNTERS_CHEAP:
		return held_back_pages(cpus_online, cpus_used);
	case VM_STATUS_COUNTERS_CACHED_BY_TASK:
	case VM_STATUS_COUNTERS_SUMMED:
		return 0;
	}
	VM_ASSERT(false);
	return 0;
}
