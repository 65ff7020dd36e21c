/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the live side saw, as it comes: groups of words, from the lines of a record or from the
 * stream of a trial that is still running. Whatever comes is checked here, once: a trial may be
 * broken, and a record may have been edited.
 */
#ifndef SCENARIO_SEEN_H
#define SCENARIO_SEEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/pool.h"
#include "record/line.h"
#include "scenario/wire.h"

struct seen_group {
	enum live_kind kind;
	uint32_t process, step;
	size_t count;
	const uint64_t *words;
};

struct seen {
	size_t count;
	struct seen_group *groups; /* steps never decrease */
};

/* False, and why: not what the live side of a scenario says. */
bool seen_in_observations(struct pool *pool, const struct record_observation *observations,
	size_t observations_count, struct seen *seen, const char **why);

/* The shape of a group: how many words it may have, runs inside their group. */
bool seen_group_is_sound(const struct seen_group *group);

#endif
