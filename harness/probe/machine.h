/* SPDX-License-Identifier: Apache-2.0 */
/* An abstract machine for a prediction about a page or two: what it does is beyond doubt. */
#ifndef PROBE_MACHINE_H
#define PROBE_MACHINE_H

#include "vm/base.h"
#include "vm/machine.h"
#include "vm/model.h"

/*
 * One process runs; a second, two files, swap that is written at once and one huge page of each
 * size are there. Lives in the arena; addresses are those of the host's table levels.
 */
struct vm_machine *probe_machine(
	const struct vm_model *model, const struct vm_host *host, struct vm_arena *arena);

/* The machine must speak of it and grant it: anything else is a mistake of the probe. */
struct vm_outcome probe_perform(struct vm_machine *machine, struct vm_operation operation);

#endif
