/* SPDX-License-Identifier: Apache-2.0 */
#include "report/captions.h"

#include "suite/yaml.h"

struct captions_file {
	struct caption *figures;
	size_t figures_count;
};

static const cyaml_schema_field_t line_fields[] = {
	YAML_TEXT(struct caption_line, probe),
	YAML_TEXT(struct caption_line, quantity),
	YAML_TEXT(struct caption_line, name),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t line = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct caption_line, line_fields),
};

static const cyaml_schema_field_t caption_fields[] = {
	YAML_TEXT(struct caption, title),
	YAML_TEXT(struct caption, x),
	YAML_TEXT(struct caption, y),
	YAML_TEXT(struct caption, see),
	CYAML_FIELD_SEQUENCE(
		"lines", CYAML_FLAG_POINTER, struct caption, lines, &line, 1, CYAML_UNLIMITED),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t caption = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct caption, caption_fields),
};

static const cyaml_schema_field_t file_fields[] = {
	CYAML_FIELD_SEQUENCE("figures", CYAML_FLAG_POINTER, struct captions_file, figures, &caption,
		1, CYAML_UNLIMITED),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t file = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct captions_file, file_fields),
};

bool captions_load(struct pool *pool, const char *path, struct caption_list *captions)
{
	void *data = NULL;

	if (!yaml_load(pool, path, &file, &data))
		return false;
	const struct captions_file *loaded = data;
	*captions = (struct caption_list){loaded->figures_count, loaded->figures};
	return true;
}
