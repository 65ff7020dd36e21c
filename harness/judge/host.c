/* SPDX-License-Identifier: Apache-2.0 */
#include "judge/host.h"

#include <stdlib.h>
#include <string.h>

#include "base/message.h"
#include "base/pool.h"
#include "facts/facts.h"

bool host_of_facts(const char *facts, const char *path, struct vm_host *host)
{
	struct pool POOL_DROPS pool = {0};
	struct facts read;
	const char *why = NULL;

	if (!facts_from_json(&pool, facts, strlen(facts), &read, &why)) {
		message("%s:2: facts: %s", path, why);
		return false;
	}
	*host = read.host;
	return true;
}

void host_as_measured(struct vm_host *host, const struct record_trial *trial)
{
	for (size_t i = 0; i < trial->settings_count; i++) {
		const struct record_setting *setting = &trial->settings[i];
		char *end = NULL;
		/* Masks read as hexadecimal. */
		const int base = strncmp(setting->value, "0x", 2) == 0 ? 16 : 10;
		int64_t value = strtoll(setting->value, &end, base);
		/* A choice is written as its word, for people. */
		if (end == setting->value || *end != '\0')
			value = facts_choice(setting->knob, setting->value);
		(void)facts_with_knob(host, setting->knob, value);
	}
}
