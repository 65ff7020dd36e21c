/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a model says of one quantity: strongest form first. A model uses the strongest it can
 * defend. There is no tolerance in percent, and noise never widens a prediction: an interval has
 * a mechanism, and says it.
 */
#ifndef VM_PREDICTION_H
#define VM_PREDICTION_H

#include "vm/base.h"
#include "vm/units.h"

enum vm_form {
	VM_FORM_EXACT, /* this value, or this sequence of values */
	VM_FORM_SET,   /* these values in any order */
	VM_FORM_AMONG, /* one of these values: the mechanism leaves the choice open */
	/* values[0] to values[1], both included, each value observed; or one such pair for each of
	 * them. The mechanism computes the width. */
	VM_FORM_WITHIN,
	/* One such pair for each value observed, and more than half of them lie in theirs: each is
	 * a window of its own, and what the machine's others do inside a window is seen by nobody.
	 */
	VM_FORM_MOSTLY,
	VM_FORM_SHAPE,	/* how a timed quantity moves along a sweep; see vm_shape */
	VM_FORM_RULE,	/* sealed as a rule over named moving inputs; judge puts them in */
	VM_FORM_SILENT, /* the model does not speak of this on this host; because says why */
};

/*
 * How medians over launches move along a sweep. inputs are the places of the sweep, in order, as
 * observations name them (at); values as said below.
 *
 * A shape is held against a rival, and the middle between the two curves decides: that is no
 * tolerance, it is the question which of two mechanisms is nearer. Each is decided over launches,
 * in three ways (harness/judge/shape.h).
 */
enum vm_shape {
	VM_SHAPE_NONE,
	/*
	 * No place is higher than the first. The rival is the rise of the quantity named by other
	 * over the same sweep: every place's rise is nearer to none than to all of that.
	 */
	VM_SHAPE_FLAT,
	/* Each place is higher than the one before. */
	VM_SHAPE_RISES,
	/*
	 * The first place plus a slope times the growth of the regressor; values are the regressor
	 * at each place. The quantity rises, and from place to place its rise over the first grows
	 * as a power of the regressor's that is nearest to 1: the rivals are 0 (each place costs
	 * the same, or a logarithm) and 2 (each unit with each). With other, the rise is nearer to
	 * that of the other than to none.
	 */
	VM_SHAPE_PROPORTIONAL,
	/*
	 * Low up to the place with the index values[0], then high. The rival is the straight line
	 * from the first place to the last: every place is nearer to its level than to the line.
	 */
	VM_SHAPE_STEP,
	/*
	 * A cycle through n things, where n is what the names of the places begin with: the last n
	 * at which all of them are found lies from values[0] to values[1]. From the next place on
	 * at least one of the n is missed in each turn: the curve lies above its plateau by the
	 * n-th part of what it rises in the end. With other, the curve is the distance above that
	 * one: a control of the same loads without the misses. A launch's figure here is the least
	 * of its samples, elsewhere their median. What shares the processor takes entries away and
	 * never gives any: launches that reach values[0] show that so many fit, and an early end
	 * refuses only where it is the same in all.
	 */
	VM_SHAPE_KNEE,
	/*
	 * The same for a buffer in sets, which is left in a ramp: the last n at which the curve is
	 * not twice as far above other as at its beginning lies from values[0] to values[1]. A
	 * thread on the sibling may have half of the buffer: an early end refuses only before half
	 * of values[0].
	 */
	VM_SHAPE_REACH,
	/* Below the quantity named by other, at every place. */
	VM_SHAPE_BELOW,
	/*
	 * Hardly grows: from place to place as a power of values that is nearest to 0. The rival is
	 * 1, a search from the head of a list; a tree's depth is a logarithm, and of any power
	 * less.
	 */
	VM_SHAPE_LOGARITHMIC,
};

struct vm_prediction {
	const char *claim;    /* id in the catalogue */
	const char *quantity; /* the name under which a trial observes it */
	const char *at; /* a zone, a page kind, a place on a sweep; "" when there is but one */
	enum vm_unit unit;
	enum vm_form form;
	enum vm_shape shape;
	const char *other; /* the quantity to compare with; else NULL */
	size_t values_count;
	const int64_t *values;
	size_t inputs_count;
	const char *const *inputs; /* VM_FORM_RULE: the observations that the rule needs;
				      VM_FORM_SHAPE: the places of the sweep */
	const char *because; /* the mechanism, in one sentence, with this host's numbers put in */
	const char *cite;    /* "linux:6.12:mm/page_alloc.c:__setup_per_zone_wmarks" */
};

/* A list that grows in the caller's arena. Running out of it is the caller's mistake: a trap. */
struct vm_predictions {
	struct vm_arena *arena;
	size_t count;
	size_t capacity;
	struct vm_prediction *items;
};

/* Copies values, inputs and the struct into the arena; the texts must outlive the list. */
void vm_predict(struct vm_predictions *list, const struct vm_prediction *prediction);

#endif
