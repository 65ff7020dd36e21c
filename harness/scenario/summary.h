/* SPDX-License-Identifier: Apache-2.0 */
/* A step in a few words, the same words for what a model says and what was measured. */
#ifndef SCENARIO_SUMMARY_H
#define SCENARIO_SUMMARY_H

#include "scenario/lockstep.h"

struct summary {
	bool known;	 /* false: the model does not speak of it, or nothing was seen */
	bool gone;	 /* the process that acted is no more */
	bool has_result; /* a system call */
	int64_t result;
	uint64_t signal[LIVE_SIGNAL_LIMIT];
	uint64_t minor_faults, major_faults;
	uint64_t counters[LIVE_COUNTER_LIMIT]; /* of the acting process */
};

/* After lockstep_step, of the machine, and of what was seen. */
struct summary summary_of_machine(const struct lockstep *lockstep);
struct summary summary_of_seen(const struct lockstep *lockstep);

/* "2 faults, anonymous +8 KiB, tables +12 KiB"; before: the same process's last summary. */
const char *summary_text(struct pool *pool, const struct script *script,
	const struct summary *before, const struct summary *summary);

void lockstep_counters_of(
	const struct vm_machine *machine, uint32_t process, uint64_t kib[LIVE_COUNTER_LIMIT]);

/* The address spaces as a text picture: areas, and for each page its frame. */
const char *summary_draw(struct pool *pool, const struct lockstep *lockstep);

#endif
