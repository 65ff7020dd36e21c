/* SPDX-License-Identifier: Apache-2.0 */
/*
 * YAML files of the suite: typed by a libcyaml schema, everything in one pool, and one message with
 * file, line and reason for what is wrong. No aliases, one document, a limit on size.
 */
#ifndef SUITE_YAML_H
#define SUITE_YAML_H

#include <cyaml/cyaml.h>
#include <stdbool.h>

#include "base/pool.h"

/* schema: of a mapping with CYAML_FLAG_POINTER. *data is the mapping, in the pool. */
__attribute__((warn_unused_result)) bool yaml_load(
	struct pool *pool, const char *path, const cyaml_schema_value_t *schema, void **data);

/* The same for bytes in memory, which path names in messages. */
__attribute__((warn_unused_result)) bool yaml_load_bytes(struct pool *pool, const char *path,
	const char *bytes, size_t length_bytes, const cyaml_schema_value_t *schema, void **data);

/* A text that must be there and not be empty: YAML_TEXT(struct known_entry, claim). */
#define YAML_TEXT(type, member) \
	CYAML_FIELD_STRING_PTR(#member, CYAML_FLAG_POINTER, type, member, 1, YAML_TEXT_BYTES_MOST)
#define YAML_MAY_TEXT(type, member)                                                                \
	CYAML_FIELD_STRING_PTR(#member, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, type, member, 1, \
		YAML_TEXT_BYTES_MOST)
#define YAML_TEXT_BYTES_MOST 8000

/* The schema of an element in a list of texts. */
extern const cyaml_schema_value_t yaml_text;

#endif
