/* SPDX-License-Identifier: Apache-2.0 */
/* The one walker of x86 (vm/walk.h) over the machine's own tables. */
#ifndef MACHINE_WALK_H
#define MACHINE_WALK_H

#include "machine/state.h"

/* An access that happens: accessed and dirty bits change as the processor changes them. */
struct vm_walk walk_access(
	struct vm_machine *m, uint32_t mm, uint64_t address, enum vm_access_kind kind);

#endif
