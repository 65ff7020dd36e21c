/* SPDX-License-Identifier: Apache-2.0 */
#include "suite/known.h"

#include <string.h>

#include "base/message.h"
#include "base/pattern.h"
#include "suite/date.h"
#include "suite/yaml.h"

struct known_file {
	struct known_entry *known;
	size_t known_count;
};

static const cyaml_schema_field_t condition_fields[] = {
	YAML_TEXT(struct known_condition, fact),
	YAML_TEXT(struct known_condition, matches),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t condition = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct known_condition, condition_fields),
};

static const cyaml_schema_field_t entry_fields[] = {
	YAML_TEXT(struct known_entry, claim),
	CYAML_FIELD_SEQUENCE("when", CYAML_FLAG_POINTER, struct known_entry, when, &condition, 0,
		CYAML_UNLIMITED),
	YAML_TEXT(struct known_entry, signature),
	YAML_TEXT(struct known_entry, reason),
	YAML_TEXT(struct known_entry, link),
	YAML_TEXT(struct known_entry, expires),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t entry = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct known_entry, entry_fields),
};

static const cyaml_schema_field_t file_fields[] = {
	CYAML_FIELD_SEQUENCE(
		"known", CYAML_FLAG_POINTER, struct known_file, known, &entry, 0, CYAML_UNLIMITED),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t file = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct known_file, file_fields),
};

static bool is_pattern(const char *path, const char *claim, const char *text)
{
	const char *why = NULL;
	struct pattern PATTERN_DROPS *pattern = pattern_compile(text, &why);

	if (pattern == NULL)
		message("%s: entry for %s: pattern \"%s\": %s", path, claim, text, why);
	return pattern != NULL;
}

static bool is_sound(const char *path, const struct known_entry *item)
{
	if (!is_pattern(path, item->claim, item->signature))
		return false;
	for (size_t i = 0; i < item->when_count; i++)
		if (!is_pattern(path, item->claim, item->when[i].matches))
			return false;
	if (!date_is_valid(item->expires)) {
		message("%s: entry for %s: expires: \"%s\" is no date like 2027-06-30", path,
			item->claim, item->expires);
		return false;
	}
	return true;
}

bool known_load(struct pool *pool, const char *path, struct known_list *list)
{
	void *data = NULL;

	if (!yaml_load(pool, path, &file, &data))
		return false;
	const struct known_file *loaded = data;
	for (size_t i = 0; i < loaded->known_count; i++)
		if (!is_sound(path, &loaded->known[i]))
			return false;
	*list = (struct known_list){loaded->known_count, loaded->known};
	return true;
}
