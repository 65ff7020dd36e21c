/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a change would starve the host: what the kernel would keep from its programs, worked out
 * before the write from meminfo, and weighed against an eighth of the memory, which stays theirs.
 */
#ifndef GUARD_HEADROOM_H
#define GUARD_HEADROOM_H

#include <stdint.h>

#include "guard/knob.h"
#include "guard/why.h"

/*
 * 0, -ENOMEM with a reason, or another negative errno when it cannot be told. old is the value now
 * in force.
 */
int headroom_before(const char *root, const struct knob_instance *instance, const char *old,
	const char *value, char why[WHY_BYTES]);
/* After the write, for what only the kernel can add up. */
int headroom_after(const char *root, const struct knob_instance *instance, char why[WHY_BYTES]);
/* For memory that we take otherwise: a compressed swap device. */
int headroom_for(const char *root, uint64_t bytes, const char *what, char why[WHY_BYTES]);

#endif
