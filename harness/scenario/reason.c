/* SPDX-License-Identifier: Apache-2.0 */
#include "scenario/reason.h"

#include <string.h>

#define RULES_LIMIT 64

/*
 * Which chapters' rules move a figure: the first row of its kind whose words its place or name
 * begins with. Of what is in no row (results, signals, bytes) any rule may be the reason.
 */
static const struct {
	enum live_kind kind;
	const char *where;
	const char *const chapters[5]; /* NULL-ended */
} movers[] = {
	{LIVE_AREAS, "", {"area.", "cow."}},
	{LIVE_PAGES, "", {"demand.", "cow.", "frame.", "area."}},
	{LIVE_FRAMES, "", {"demand.", "cow.", "frame.", "area."}},
	{LIVE_CORE, "", {"demand.", "frame.", "account."}},
	{LIVE_FAULTS, "", {"demand.", "cow.", "frame."}},
	{LIVE_COUNTERS, "VM_PTE", {"xlate."}},
	{LIVE_COUNTERS, "VM_", {"area."}},
	{LIVE_COUNTERS, "", {"demand.", "cow.", "frame."}},
	{LIVE_SIZES, "", {"demand.", "cow.", "frame.", "area."}},
	{LIVE_SMAPS, "VmFlags", {"area.", "cow."}},
	{LIVE_SMAPS, "", {"demand.", "cow.", "frame.", "area."}},
	{LIVE_FILES, "", {"frame.", "demand."}},
	{LIVE_CACHE, "", {"frame.", "demand."}},
	{LIVE_POOLS, "", {"frame.", "demand.", "cow.", "account."}},
};

static const char *const *chapters_of(enum live_kind kind, const char *where)
{
	for (size_t i = 0; i < sizeof(movers) / sizeof(movers[0]); i++)
		if (movers[i].kind == kind &&
			strncmp(where, movers[i].where, strlen(movers[i].where)) == 0)
			return movers[i].chapters;
	return NULL;
}

static bool is_of(const struct vm_rule *rule, const char *const *chapters)
{
	for (; *chapters != NULL; chapters++)
		if (strncmp(rule->id, *chapters, strlen(*chapters)) == 0)
			return true;
	return false;
}

const struct vm_rule *reason_for(
	const struct vm_machine *machine, enum live_kind kind, const char *where)
{
	uint16_t rules[RULES_LIMIT];
	size_t all_count;
	const struct vm_rule *all = vm_machine_rules(&all_count);
	const size_t count = vm_machine_last_rules(machine, rules, RULES_LIMIT);
	const char *const *chapters = chapters_of(kind, where);

	for (size_t i = count; chapters != NULL && i > 0; i--)
		if (is_of(&all[rules[i - 1]], chapters))
			return &all[rules[i - 1]];
	/* It should not have moved: what the step was about says why. */
	return count == 0 ? NULL : &all[rules[count - 1]];
}
