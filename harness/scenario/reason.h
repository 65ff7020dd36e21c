/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why the model expects a figure: of the rules that a step obeyed the last one that can have moved
 * it.
 */
#ifndef SCENARIO_REASON_H
#define SCENARIO_REASON_H

#include "scenario/wire.h"
#include "vm/machine.h"

/* where: the figure's place or name, as a difference has it. NULL where no rule was obeyed. */
const struct vm_rule *reason_for(
	const struct vm_machine *machine, enum live_kind kind, const char *where);

#endif
