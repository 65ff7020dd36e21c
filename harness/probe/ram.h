/* SPDX-License-Identifier: Apache-2.0 */
/* The ranges of RAM in a trial's readings, as the model wants them. The trial's half: trial/ram.h.
 */
#ifndef PROBE_RAM_H
#define PROBE_RAM_H

#include "probe/probe.h"
#include "vm/direct.h"

#define MEMORY_RANGES_LIMIT 64

struct memory_ranges {
	size_t count;
	struct vm_memory_range range[MEMORY_RANGES_LIMIT];
};

/* False: not among the readings, or they do not belong together. */
bool memory_ranges_of(const struct probe_readings *readings, struct memory_ranges *ranges);

#endif
