/* SPDX-License-Identifier: Apache-2.0 */
/* What an operation says to its caller. */
#ifndef MACHINE_OUTCOME_H
#define MACHINE_OUTCOME_H

#include "machine/state.h"

static inline void outcome_fail(struct vm_machine *m, int32_t error)
{
	m->outcome->errno_count = 1;
	m->outcome->errnos[0] = error;
}

/* 0 is success. */
static inline void outcome_error(struct vm_machine *m, int32_t error)
{
	if (error != 0)
		outcome_fail(m, error);
}

static inline void outcome_silent(struct vm_machine *m, const char *reason)
{
	m->outcome->silent = reason;
}

/*
 * Whether this release does it. Where only a release between two known ones would tell, nothing is
 * said of the outcome, and the newer kernel's way is gone on with.
 */
static inline bool outcome_depends(struct vm_machine *m, enum vm_known known, const char *reason)
{
	if (known == VM_UNKNOWN)
		outcome_silent(m, reason);
	return known != VM_KNOWN_NOT;
}

#endif
