/* SPDX-License-Identifier: Apache-2.0 */
/* How each entry of the journal is undone, and which entries may be obeyed at all. */
#ifndef GUARD_UNDO_H
#define GUARD_UNDO_H

#include <stdbool.h>

#include "guard/journal.h"
#include "guard/places.h"
#include "guard/why.h"

/* -EINVAL with a reason for an entry that we never write: an unknown knob, a foreign path. */
int undo_check(const struct places *places, const struct undo *undo, char why[WHY_BYTES]);

/* Whether it outlives a reboot. The kernel forgets the rest. */
bool undo_is_lasting(const struct undo *undo);

/*
 * Undoes it; what is undone already, or was never done, is no failure. Otherwise a negative errno
 * with a reason, and it can be tried again.
 */
int undo_do(const struct places *places, const struct undo *undo, char why[WHY_BYTES]);

/* Removes what lies in the state folder; nothing there may outlive a run. */
int undo_sweep(const struct places *places);

#endif
