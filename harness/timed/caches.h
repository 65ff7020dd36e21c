/* SPDX-License-Identifier: Apache-2.0 */
/* What caches the processor has, as hwloc finds them: what sizes are worth probing. */
#ifndef TIMED_CACHES_H
#define TIMED_CACHES_H

#include <stdint.h>

#define CACHES_LEVELS 3

/* Of data caches by level from 1; 0 where there is none, or nobody says. */
struct caches {
	uint64_t bytes[CACHES_LEVELS];
};

struct caches caches_find(void);

#endif
