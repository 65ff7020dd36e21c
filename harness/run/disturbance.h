/* SPDX-License-Identifier: Apache-2.0 */
/* What else the machine did while a trial ran: counters read before and after it. */
#ifndef RUN_DISTURBANCE_H
#define RUN_DISTURBANCE_H

#include <stdint.h>
#include <sys/resource.h>

#include "run/launch.h"

struct disturbance_counters {
	int64_t value[LAUNCH_DISTURBANCE_LIMIT]; /* -1: the kernel does not have it */
};

/* cpu: whose stolen time counts; negative: that of all. */
void disturbance_read(int cpu, struct disturbance_counters *counters);

/* The differences, with what the trial's own usage tells. */
void disturbance_between(const struct disturbance_counters *before,
	const struct disturbance_counters *after, const struct rusage *usage,
	int64_t disturbance[LAUNCH_DISTURBANCE_LIMIT]);

#endif
