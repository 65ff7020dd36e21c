/* SPDX-License-Identifier: Apache-2.0 */
#include "judge/ageing.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/pattern.h"
#include "suite/cases.h"

/* RFC 6901 without its escapes, which no fact needs: "/knobs/vm.swappiness". NULL: not there. */
static const json_t *fact_at(const json_t *facts, struct pool *pool, const char *pointer)
{
	char *rest = (char *)pool_text(pool, pointer), *name = NULL;

	while (facts != NULL && (name = strsep(&rest, "/")) != NULL) {
		if (name[0] == '\0')
			continue;
		if (json_is_array(facts)) {
			char *end = NULL;
			const unsigned long index = strtoul(name, &end, 10);
			facts = *end == '\0' ? json_array_get(facts, index) : NULL;
		} else {
			facts = json_object_get(facts, name);
		}
	}
	return facts;
}

static const char *fact_text(struct pool *pool, const json_t *fact)
{
	if (json_is_string(fact))
		return json_string_value(fact);
	if (json_is_integer(fact))
		return pool_format(pool, "%" PRId64, (int64_t)json_integer_value(fact));
	if (json_is_boolean(fact))
		return json_is_true(fact) ? "true" : "false";
	return NULL;
}

static bool found(const char *pattern_text, const char *subject)
{
	const char *why = NULL;
	struct pattern PATTERN_DROPS *pattern = pattern_compile(pattern_text, &why);

	return pattern != NULL && pattern_found(pattern, subject);
}

/* Whether the entry speaks of this host. */
static bool concerns(const struct known_entry *entry, const json_t *facts)
{
	struct pool POOL_DROPS pool = {0};

	for (size_t i = 0; i < entry->when_count; i++) {
		const json_t *fact = fact_at(facts, &pool, entry->when[i].fact);
		const char *text = fact != NULL ? fact_text(&pool, fact) : NULL;
		if (text == NULL || !found(entry->when[i].matches, text))
			return false;
	}
	return true;
}

static bool bears_signature(const struct known_entry *entry, const struct record_verdict *verdict)
{
	struct pool POOL_DROPS pool = {0};

	return found(entry->signature,
		pool_format(&pool, "%s: expected %s, observed %s",
			case_id(&pool, verdict->kind, verdict->probe, &verdict->parameters),
			verdict->expected, verdict->observed));
}

struct ageing {
	size_t known, otherwise, passed;
};

static void apply_entry(
	const struct known_entry *entry, const char *today, struct judgement *judgement)
{
	struct ageing ageing = {0};
	const bool expired = strncmp(entry->expires, today, strlen(entry->expires)) < 0;

	for (size_t i = 0; i < judgement->count; i++) {
		struct record_verdict *verdict = &judgement->verdicts[i];
		if (strcmp(verdict->claim, entry->claim) != 0)
			continue;
		ageing.passed += strcmp(verdict->verdict, "pass") == 0;
		if (strcmp(verdict->verdict, "deviation") != 0)
			continue;
		if (!bears_signature(entry, verdict)) {
			ageing.otherwise++;
			continue;
		}
		ageing.known++;
		if (expired)
			continue;
		struct record_known *known = pool_take(judgement->pool, sizeof(*known));
		*known = (struct record_known){entry->reason, entry->link, entry->expires};
		verdict->verdict = verdict_word(VERDICT_KNOWN);
		verdict->known_count = 1;
		verdict->known = known;
	}
	if (ageing.known != 0 && expired)
		judgement_note(judgement, "known deviation of %s expired on %s: %s", entry->claim,
			entry->expires, entry->reason);
	else if (ageing.known == 0 && ageing.otherwise != 0)
		judgement_note(judgement, "known deviation of %s has changed: %s", entry->claim,
			entry->reason);
	else if (ageing.known == 0 && ageing.passed != 0)
		judgement_note(judgement, "known deviation of %s no longer occurs: %s",
			entry->claim, entry->reason);
}

void ageing_apply(const struct known_list *known, const char *facts, const char *today,
	struct judgement *judgement)
{
	json_t *object = json_loads(facts, JSON_REJECT_DUPLICATES, NULL);

	for (size_t i = 0; i < known->count; i++)
		if (concerns(&known->items[i], object))
			apply_entry(&known->items[i], today, judgement);
	json_decref(object);
}
