/* SPDX-License-Identifier: Apache-2.0 */
/* What guard.c and resource.c share. */
#ifndef GUARD_INTERNAL_H
#define GUARD_INTERNAL_H

#include "guard/guard.h"
#include "guard/keeper.h"
#include "guard/places.h"
#include "guard/stack.h"
#include "guard/undo.h"
#include "guard/why.h"

struct guard {
	struct places places;
	bool changes, dry_run;
	bool ended; /* the keeper was killed: everything is back and nothing more is held */
	int lock;
	struct keeper keeper;
	struct stack stack;
	char why[WHY_BYTES];
};

/* Sets why and returns the answer, so that a function can return it. */
int guard_refuse(struct guard *guard, int answer, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * Before any change: whether we may, and whether the keeper is alive. If it was killed, everything
 * is put back here and now.
 */
int guard_ready(struct guard *guard);

/* Journals one change that is about to be made. */
int guard_announce(struct guard *guard, enum undo_kind kind, const char *name, const char *old);

/* After a failure: undoes what was announced since, keeping the answer and its sentence. */
int guard_retreat(struct guard *guard, size_t mark, int answer);

#endif
