/* SPDX-License-Identifier: Apache-2.0 */
#include "judge/exclude.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/*
 * Work of other kinds that the kernel did inside the system calls and faults of a launch, so that
 * its times are times of something else. Being interrupted is no reason: a neighbour is what
 * medians, minima and processor time are for, and on a busy machine everybody has one.
 */
static const struct {
	const char *disturbance, *sentence;
} rules[] = {
	{"allocation-stall", "an allocation had to reclaim memory itself"},
	{"compact-stall", "an allocation had to compact memory itself"},
	{"swapped-out", "pages were swapped out meanwhile"},
};

/* Where reclaim is what is timed, it is no disturbance. */
static bool is_about_reclaim(const struct record_trial *trial)
{
	static const char chapter[] = "reclaim.";

	return strncmp(trial->probe, chapter, sizeof(chapter) - 1) == 0;
}

const char *exclude_rule(const struct record_trial *trial)
{
	if (is_about_reclaim(trial))
		return NULL;
	for (size_t i = 0; i < trial->disturbances_count; i++)
		for (size_t rule = 0; rule < sizeof(rules) / sizeof(rules[0]); rule++)
			if (strcmp(trial->disturbances[i].name, rules[rule].disturbance) == 0 &&
				trial->disturbances[i].count > 0)
				return rules[rule].sentence;
	return NULL;
}
