/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One run at a time on a host, whoever runs: settings and counters are the whole host's.
 *
 * The lock is a name in the abstract namespace of Unix sockets, listened on. Any user can take it,
 * nobody needs a writable folder, it cannot be left behind, a child (the keeper) can inherit it,
 * the kernel tells who holds it, and who waits is told when it goes: a connection to it hangs up.
 * A lock file does only half of this where one run is root's and the other is not.
 */
#ifndef GUARD_LOCK_H
#define GUARD_LOCK_H

#include "guard/places.h"

/*
 * A descriptor that holds the lock, or a negative errno; -EBUSY with who holds it said: at once if
 * it is a run that lives, after wait_ms if it is the keeper of one that died.
 */
int lock_take(const struct places *places, unsigned wait_ms);

#endif
