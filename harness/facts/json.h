/* SPDX-License-Identifier: Apache-2.0 */
/* The fields of facts as JSON spells them; a test holds the table against the struct. */
#ifndef FACTS_JSON_H
#define FACTS_JSON_H

#include <stddef.h>

/* An unsigned integer (or bool) of struct facts, by where it lies. */
struct json_field {
	const char *group; /* the object it is in, or NULL for the outermost */
	const char *name;
	size_t offset, size_bytes;
	/* a limit of UINT64_MAX is null; what came later may be missing */
	enum { JSON_NUMBER, JSON_FLAG, JSON_LIMIT, JSON_LATER } form;
};

extern const struct json_field json_fields[];
extern const size_t json_fields_count;

#endif
