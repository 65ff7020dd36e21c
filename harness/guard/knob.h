/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The settings that the guard knows: where each is, what may be written to it, what else moves when
 * it is written, and how it is put back. Nothing here remembers anything; the journal does.
 */
#ifndef GUARD_KNOB_H
#define GUARD_KNOB_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "guard/guard.h"
#include "guard/why.h"

enum knob_kind {
	KNOB_INTEGER,
	KNOB_LIST,   /* integers; as many as there are */
	KNOB_CHOICE, /* "always [madvise] never" */
	KNOB_WORD,   /* one of knob.words */
	KNOB_MASK,   /* "0x0007" */
	KNOB_POOL,   /* an integer of which less may be granted */
};

/* What has to be weighed before it is changed (headroom.h). */
enum knob_care {
	KNOB_CARE_NONE,
	KNOB_CARE_MIN_FREE,
	KNOB_CARE_SCALE,
	KNOB_CARE_RESERVES, /* weighed after the write: the kernel does the sum */
	KNOB_CARE_COMMITMENT,
	KNOB_CARE_POOL,
};

enum knob_undo {
	KNOB_UNDO_PLAIN,
	KNOB_UNDO_RATIO,     /* beside it: the absolute member, which it zeroes */
	KNOB_UNDO_ABSOLUTE,  /* beside it: the ratio, which it zeroes */
	KNOB_UNDO_KSM_RUN,   /* beside it: how many pages were merged when we came */
	KNOB_UNDO_KSM_EMPTY, /* can be written only while nothing is merged */
};

struct knob {
	const char *name, *path; /* one * in each, or none */
	enum knob_kind kind;
	int64_t lowest, highest;	   /* what the kernel takes */
	int64_t held_lowest, held_highest; /* what we hold; both 0: the same */
	const char *words;		   /* of KNOB_WORD, blank-separated */
	enum knob_undo undo;
	enum knob_care care;
	const char *beside;   /* path of the file that is journalled with it */
	const char *disturbs; /* name of the knob that the kernel moves with it */
	uint64_t page_bytes;  /* of a pool */
	const char *note;
};

#define KNOB_NAME_BYTES 96

/* A knob with its * filled in. */
struct knob_instance {
	const struct knob *knob;
	char name[KNOB_NAME_BYTES];
	char path[256];
};

extern const struct knob knobs[];
extern const size_t knobs_count;

bool knob_find(const char *name, struct knob_instance *instance);

/* The value as it would be written: the chosen word, single blanks, no newline. */
int knob_value(
	const char *root, const struct knob_instance *instance, char value[GUARD_VALUE_BYTES]);
/* Of the file beside it; "" if it has none. */
int knob_value_beside(
	const char *root, const struct knob_instance *instance, char value[GUARD_VALUE_BYTES]);
bool knob_same(const struct knob_instance *instance, const char *left, const char *right);

/* Whether the value may be written: by us (held), or at least by anybody. -EINVAL with a reason. */
int knob_check(const char *root, const struct knob_instance *instance, const char *value, bool held,
	char why[WHY_BYTES]);

/*
 * Puts the value back, if it is not there, and reads it back. Rival members: only the one that was
 * in use is written. 0 or a negative errno with a reason.
 */
int knob_put_back(const char *root, const struct knob_instance *instance, const char *old,
	const char *beside, char why[WHY_BYTES]);

/* The knobs of this host that move with this one; cursor begins at 0. */
bool knob_disturbed_next(const char *root, const struct knob_instance *instance, unsigned *cursor,
	struct knob_instance *disturbed);

#endif
