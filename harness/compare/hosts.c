/* SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/message.h"
#include "compare/compare.h"

/*
 * Facts that make it another machine: what the processor is and how many there are. Its kernel, its
 * settings and its memory as the kernel counts it are what records are compared for.
 */
static const char *const of_the_machine[] = {"cpu.vendor", "cpu.family", "cpu.model",
	"cpu.stepping", "cpus-online", "cpus-possible", "nodes-online", "texts.cpu-name",
	"texts.hypervisor"};

struct differences {
	struct pool *pool;
	size_t count;
	struct compare_difference *items;
};

static bool is_of_the_machine(const char *name)
{
	for (size_t i = 0; i < sizeof(of_the_machine) / sizeof(of_the_machine[0]); i++)
		if (strcmp(name, of_the_machine[i]) == 0)
			return true;
	return false;
}

static const char *text_of(struct pool *pool, const json_t *value)
{
	if (value == NULL)
		return "absent";
	if (json_is_string(value))
		return pool_text(pool, json_string_value(value));
	char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_SORT_KEYS);
	const char *kept = pool_text(pool, text != NULL ? text : "");
	free(text);
	return kept;
}

static void differ(struct differences *differences, const char *name, const json_t *before,
	const json_t *after)
{
	differences->items = pool_grow(differences->pool, differences->items, differences->count,
		sizeof(differences->items[0]));
	differences->items[differences->count++] = (struct compare_difference){
		.name = name,
		.before = text_of(differences->pool, before),
		.after = text_of(differences->pool, after),
		.unlike = is_of_the_machine(name),
	};
}

/* Facts are objects in objects, two deep: what a feature's presence was seen by is no difference.
 */
static void walk(struct differences *differences, const char *prefix, const json_t *before,
	const json_t *after)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)before, key, value)
	{
		const json_t *other = json_object_get(after, key);
		const char *name = pool_format(differences->pool, "%s%s", prefix, key);
		const bool is_feature = strcmp(prefix, "features.") == 0;
		if (is_feature && json_object_get(value, "present") != NULL &&
			json_equal(json_object_get(value, "present"),
				json_object_get(other, "present")))
			continue;
		if (json_is_object(value) && json_is_object(other) && !is_feature)
			walk(differences, pool_format(differences->pool, "%s.", name), value,
				other);
		else if (!json_equal(value, other))
			differ(differences, name, value, other);
	}
	json_object_foreach((json_t *)after, key, value) if (json_object_get(before, key) == NULL)
		differ(differences, pool_format(differences->pool, "%s%s", prefix, key), NULL,
			value);
}

static json_t *facts_of(const struct record *record)
{
	json_error_t error;
	json_t *facts = json_loads(record->facts, 0, &error);

	if (facts == NULL || !json_is_object(facts))
		message("%s:2: facts: %s", record->path, facts == NULL ? error.text : "no object");
	return facts;
}

struct compare_difference *compare_hosts(
	struct pool *pool, const struct record *before, const struct record *after, size_t *count)
{
	json_t *facts = facts_of(before), *others = facts_of(after);
	struct differences differences = {.pool = pool};
	const bool both = json_is_object(facts) && json_is_object(others);

	if (both)
		walk(&differences, "", facts, others);
	json_decref(facts);
	json_decref(others);
	*count = differences.count;
	/* Alike hosts have no difference, and that is no failure. */
	return differences.count != 0 ? differences.items
	       : both		      ? pool_take(pool, sizeof(struct compare_difference))
				      : NULL;
}
