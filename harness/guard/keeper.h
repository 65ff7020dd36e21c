/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keeper: a process that waits for the run to end, however it ends, and puts everything back
 * that the journal still holds. It has a session of its own, blocks every signal that can be
 * blocked, is the last that the kernel kills for memory, and holds the run's lock until it is done.
 */
#ifndef GUARD_KEEPER_H
#define GUARD_KEEPER_H

#include <stdbool.h>
#include <sys/types.h>

#include "guard/places.h"

struct keeper {
	pid_t pid;
	/* Hangs up when the keeper is gone; the keeper's end hangs up when we are. */
	int link;
};

/* Returns once the keeper is ready to keep. */
int keeper_start(const struct places *places, int lock, struct keeper *keeper);
bool keeper_is_alive(const struct keeper *keeper);
/* Nothing is left for it to do: lets it end, and waits for that. */
int keeper_end(struct keeper *keeper);

#endif
