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

#endif
