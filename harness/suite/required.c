/* SPDX-License-Identifier: Apache-2.0 */
#include "suite/required.h"

#include "base/message.h"
#include "base/pattern.h"
#include "suite/yaml.h"

static const cyaml_schema_field_t entry_fields[] = {
	YAML_TEXT(struct required_entry, claim),
	YAML_MAY_TEXT(struct required_entry, cases),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t entry = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct required_entry, entry_fields),
};

static const cyaml_schema_field_t file_fields[] = {
	YAML_TEXT(struct required_list, host),
	CYAML_FIELD_SEQUENCE("required", CYAML_FLAG_POINTER, struct required_list, required, &entry,
		1, CYAML_UNLIMITED),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t file = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct required_list, file_fields),
};

bool required_load(struct pool *pool, const char *path, struct required_list *list)
{
	void *data = NULL;

	if (!yaml_load(pool, path, &file, &data))
		return false;
	*list = *(const struct required_list *)data;
	for (size_t i = 0; i < list->required_count; i++) {
		const struct required_entry *item = &list->required[i];
		const char *why = NULL;
		if (item->cases == NULL)
			continue;
		struct pattern PATTERN_DROPS *pattern = pattern_compile(item->cases, &why);
		if (pattern == NULL) {
			message("%s: claim %s: cases: \"%s\": %s", path, item->claim, item->cases,
				why);
			return false;
		}
	}
	return true;
}
