/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Predictions over inputs that move. A trial reads its inputs several times around the results; the
 * readings come as one observation with several values. Where they agree, the prediction is exact;
 * where they do not, it is the interval that the rule spans between the ends, and says so.
 */
#ifndef PROBE_MOVING_H
#define PROBE_MOVING_H

#include "probe/probe.h"
#include "vm/prediction.h"

struct moving {
	int64_t lowest, highest;
};

/* The span of a reading's values. False, and no change, when there is no such reading. */
bool moving_of(const struct probe_readings *readings, const char *quantity, const char *at,
	struct moving *span);

/*
 * Predicts about->quantity as values_count values that are all in the span: exactly if its ends are
 * one. The other fields of about are taken as they are.
 */
void predict_moving(struct vm_predictions *predictions, const struct vm_prediction *about,
	struct moving span, size_t values_count);

/* Before the trials: the rule, with the names of the inputs that judge will put in. */
void predict_rule(struct vm_predictions *predictions, const struct vm_prediction *about,
	const char *const *inputs, size_t inputs_count);

/*
 * How many of so many pages may be gone though nobody was short of memory: single ones, where DAMON
 * runs, whose schemes take what is idle; fewer than half, so that most of them decide. Elsewhere
 * none: linux:6.12:mm/damon/paddr.c:damon_pa_pageout.
 */
int64_t monitor_may_take_pages(const struct vm_host *host, int64_t pages);

/*
 * Whether the limit of a group makes anybody swap: with swappiness 0 never, whatever is to come. A
 * group of version 1 has a swappiness of its own: linux:6.12:mm/vmscan.c:get_scan_count.
 */
static inline bool group_limit_swaps(const struct vm_host *host)
{
	return host->cgroup_version == 1 || vm_host_knob(host, VM_KNOB_SWAPPINESS, 60) != 0;
}

/* A sentence in the list's own memory, so that numbers of this host can be put into it. */
const char *predict_sentence(struct vm_predictions *predictions, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
