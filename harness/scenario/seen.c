/* SPDX-License-Identifier: Apache-2.0 */
#include "scenario/seen.h"

#include <stdlib.h>
#include <string.h>

#define KIND_WORD(name, word, witness) word,
static const char *const kind_words[] = {LIVE_KINDS(KIND_WORD)};
#undef KIND_WORD

static bool runs_are_sound(const uint64_t *words, size_t count)
{
	for (size_t at = 0; at < count;) {
		if (count - at < 2 || live_run_values(words[at + 1]) > count - at - 2)
			return false;
		at += 2 + (size_t)live_run_values(words[at + 1]);
	}
	return true;
}

static bool frames_are_sound(const uint64_t *words, size_t count)
{
	size_t at = 0;

	while (at < count)
		at += (words[at] & LIVE_FRAMES_REPEAT) != 0 ? LIVE_FRAMES_WORDS_REPEAT
							    : LIVE_FRAMES_WORDS;
	return at == count;
}

bool seen_group_is_sound(const struct seen_group *group)
{
	const size_t count = group->count;

	if (group->process >= LIVE_PROCESSES_LIMIT || group->step > LIVE_OPERATIONS_LIMIT)
		return false;
	switch (group->kind) {
	case LIVE_START:
		return count == LIVE_START_LIMIT || count == LIVE_START_LEAST;
	case LIVE_RESULT:
		return count == 1;
	case LIVE_SIGNAL:
		return count == LIVE_SIGNAL_LIMIT;
	case LIVE_BYTES:
		return count % 2 == 0;
	case LIVE_AREAS:
		return count % LIVE_AREA_LIMIT == 0;
	case LIVE_PAGES:
	case LIVE_CORE:
		return runs_are_sound(group->words, count);
	case LIVE_SIZES:
		return count == LIVE_SIZE_LIMIT;
	case LIVE_COUNTERS:
		return count == LIVE_COUNTER_LIMIT;
	case LIVE_SMAPS:
		return count % LIVE_SMAPS_LIMIT == 0;
	case LIVE_FRAMES:
		return frames_are_sound(group->words, count);
	case LIVE_FILES:
		return count % LIVE_FILE_LIMIT == 0;
	case LIVE_CACHE:
		return count % LIVE_CACHE_LIMIT == 0;
	case LIVE_POOLS:
		return count == LIVE_POOLS_LIMIT;
	case LIVE_FAULTS:
		return count == LIVE_FAULTS_LIMIT;
	case LIVE_KIND_LIMIT:
		break;
	}
	return false;
}

static bool kind_of(const char *quantity, enum live_kind *kind)
{
	for (unsigned i = 0; i < LIVE_KIND_LIMIT; i++)
		if (strcmp(kind_words[i], quantity) == 0) {
			*kind = (enum live_kind)i;
			return true;
		}
	return false;
}

/* "STEP/PROCESS" */
static bool read_place(const char *at, struct seen_group *group)
{
	char *end = NULL;

	if (*at < '0' || *at > '9')
		return false;
	const unsigned long step = strtoul(at, &end, 10);
	if (*end != '/' || end[1] < '0' || end[1] > '9')
		return false;
	const unsigned long process = strtoul(end + 1, &end, 10);
	group->step = (uint32_t)step;
	group->process = (uint32_t)process;
	return *end == '\0' && step <= UINT32_MAX && process <= UINT32_MAX;
}

bool seen_in_observations(struct pool *pool, const struct record_observation *observations,
	size_t observations_count, struct seen *seen, const char **why)
{
	struct seen_group *groups = pool_take(pool, (observations_count + 1) * sizeof(groups[0]));

	for (size_t i = 0; i < observations_count; i++) {
		const struct record_observation *observation = &observations[i];
		struct seen_group *group = &groups[i];
		if (!kind_of(observation->quantity, &group->kind)) {
			*why = pool_format(pool, "no surface of a scenario is called '%s'",
				observation->quantity);
			return false;
		}
		uint64_t *words =
			pool_take(pool, (observation->values_count + 1) * sizeof(words[0]));
		group->count = observation->values_count == 0 ? 0 : observation->values_count - 1;
		for (size_t k = 0; k < group->count; k++)
			words[k] = (uint64_t)observation->values[k + 1];
		group->words = words;
		if (!read_place(observation->at, group) || observation->values_count == 0 ||
			(uint64_t)observation->values[0] != group->count ||
			!seen_group_is_sound(group) ||
			(i > 0 && group->step < groups[i - 1].step)) {
			*why = pool_format(pool, "'%s' at '%s' is not what a live scenario says",
				observation->quantity, observation->at);
			return false;
		}
	}
	*seen = (struct seen){observations_count, groups};
	return true;
}
