/* SPDX-License-Identifier: Apache-2.0 */
/* What is still to be undone, in memory and in the journal, and undoing it. */
#ifndef GUARD_STACK_H
#define GUARD_STACK_H

#include "guard/journal.h"
#include "guard/places.h"

struct stack {
	const struct places *places;
	struct journal journal;
	size_t count;
	struct undo *undos;
};

/* On the disk when this returns 0; otherwise as before. */
int stack_push(struct stack *stack, const struct undo *undos, size_t count);

/*
 * Undoes all above the mark, last first. What cannot be undone is said, and stays on the stack and
 * in the journal while the rest goes on: -EUCLEAN.
 */
int stack_pop_to(struct stack *stack, size_t mark);

void stack_drop(struct stack *stack);

/*
 * What a run left, checked: every entry is one that we may obey, and none is of an earlier boot
 * that the reboot has undone. -ENOENT: nothing; -EBADMSG: not one that we may obey, which is said.
 */
int stack_load(const struct places *places, struct journal_content *content);

/*
 * Puts back what the journal says, the journal of whichever run, and removes it; then what a power
 * failure left. undone_count: how many entries there were. -EBADMSG: the journal is not one that we
 * may obey; nothing was done.
 */
int stack_settle(const struct places *places, size_t *undone_count);

#endif
