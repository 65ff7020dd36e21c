/* SPDX-License-Identifier: Apache-2.0 */
#include "suite/cover.h"

#include <string.h>

struct wanted {
	const char *claim;
	unsigned checks; /* so many more */
};

struct covering {
	const struct cover *cover;
	size_t count;
	struct wanted *wanted;
};

static struct wanted *wanted_of(const struct covering *covering, const char *claim)
{
	for (size_t i = 0; i < covering->count; i++)
		if (strcmp(covering->wanted[i].claim, claim) == 0)
			return &covering->wanted[i];
	return NULL;
}

static void want(struct pool *pool, struct covering *covering, const struct check *check)
{
	for (const char *const *claim = check->claims; *claim != NULL; claim++) {
		if (!pattern_found(covering->cover->claims, *claim) ||
			wanted_of(covering, *claim) != NULL)
			continue;
		covering->wanted = pool_grow(
			pool, covering->wanted, covering->count, sizeof(covering->wanted[0]));
		covering->wanted[covering->count++] =
			(struct wanted){*claim, covering->cover->most};
	}
}

static size_t gain_of(const struct covering *covering, const struct check *check)
{
	size_t gain = 0;

	for (const char *const *claim = check->claims; *claim != NULL; claim++) {
		const struct wanted *wanted = wanted_of(covering, *claim);
		gain += wanted != NULL && wanted->checks != 0;
	}
	return gain;
}

static void take(const struct covering *covering, const struct check *check)
{
	for (const char *const *claim = check->claims; *claim != NULL; claim++) {
		struct wanted *wanted = wanted_of(covering, *claim);
		if (wanted != NULL && wanted->checks != 0)
			wanted->checks--;
	}
}

/* False when no candidate shows anything that is still wanted. */
static bool take_best(const struct covering *covering, bool only_able, bool *taken)
{
	const struct cover *cover = covering->cover;
	size_t best = 0, most = 0;

	for (size_t i = 0; i < cover->checks->count; i++) {
		if (!cover->candidates[i] || taken[i] || (only_able && !cover->able[i]))
			continue;
		const size_t gain = gain_of(covering, &cover->checks->items[i]);
		best = gain > most ? i : best;
		most = gain > most ? gain : most;
	}
	if (most == 0)
		return false;
	take(covering, &cover->checks->items[best]);
	taken[best] = true;
	return true;
}

void cover_claims(struct pool *pool, const struct cover *cover, bool *taken)
{
	struct covering covering = {.cover = cover};

	for (size_t i = 0; i < cover->checks->count; i++) {
		taken[i] = false;
		if (cover->candidates[i])
			want(pool, &covering, &cover->checks->items[i]);
	}
	while (take_best(&covering, true, taken))
		;
	while (take_best(&covering, false, taken))
		;
}
