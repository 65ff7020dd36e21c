/* SPDX-License-Identifier: Apache-2.0 */
/* Trials are pinned to one processor; a claim about several of them says so here. */
#ifndef TIMED_CPUS_H
#define TIMED_CPUS_H

#include <stdbool.h>

/* The calling thread and those that it makes may use all processors there are; how many. */
unsigned cpus_allow_all(void);

/* The calling thread stays on the first of these, or on all but the first. */
void cpus_part(bool first);

#endif
