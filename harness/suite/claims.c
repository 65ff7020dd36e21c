/* SPDX-License-Identifier: Apache-2.0 */
#include "suite/claims.h"

#include <string.h>

#include "base/message.h"
#include "suite/yaml.h"

struct claims_file {
	struct claim *claims;
	size_t claims_count;
};

static const cyaml_schema_field_t claim_fields[] = {
	YAML_TEXT(struct claim, id),
	YAML_TEXT(struct claim, statement),
	CYAML_FIELD_SEQUENCE(
		"checks", CYAML_FLAG_POINTER, struct claim, checks, &yaml_text, 1, CYAML_UNLIMITED),
	CYAML_FIELD_SEQUENCE("sources", CYAML_FLAG_POINTER, struct claim, sources, &yaml_text, 1,
		CYAML_UNLIMITED),
	YAML_MAY_TEXT(struct claim, textbook),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t claim_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct claim, claim_fields),
};

static const cyaml_schema_field_t file_fields[] = {
	CYAML_FIELD_SEQUENCE("claims", CYAML_FLAG_POINTER, struct claims_file, claims,
		&claim_schema, 1, CYAML_UNLIMITED),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t file_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct claims_file, file_fields),
};

static const struct {
	const char *prefix, *title;
} chapters[] = {
	{"xlate", "Address translation"},
	{"tlb", "TLB"},
	{"demand", "Demand paging and faults"},
	{"area", "Areas of the address space"},
	{"cow", "Fork and copy-on-write"},
	{"account", "Accounting"},
	{"frame", "Frames"},
	{"overcommit", "Overcommit"},
	{"oom", "Out of memory"},
	{"reclaim", "Reclaim and replacement in Linux"},
	{"cache", "Page cache"},
	{"policy", "Replacement policies"},
	{"alloc", "Allocators and fragmentation"},
	{"hier", "Memory hierarchy"},
	{"ckpt", "Checkpointing"},
};

#define CHAPTERS_COUNT (sizeof(chapters) / sizeof(chapters[0]))

size_t claim_chapter_order(const char *id)
{
	const char *dot = strchr(id, '.');
	size_t i = 0;

	while (i < CHAPTERS_COUNT &&
		(dot == NULL || strlen(chapters[i].prefix) != (size_t)(dot - id) ||
			strncmp(chapters[i].prefix, id, (size_t)(dot - id)) != 0))
		i++;
	return i;
}

const char *claim_chapter(const char *id)
{
	const size_t order = claim_chapter_order(id);

	return order < CHAPTERS_COUNT ? chapters[order].title : NULL;
}

static bool is_sound(const char *path, const struct claim_list *claims, size_t index)
{
	const struct claim *claim = &claims->items[index];

	if (claim_chapter(claim->id) == NULL) {
		message("%s: claim %s is of no chapter", path, claim->id);
		return false;
	}
	for (size_t i = 0; i < claim->checks_count; i++)
		if (strlen(claim->checks[i]) != 1 ||
			strchr(CLAIM_LETTERS, claim->checks[i][0]) == NULL) {
			message("%s: claim %s: \"%s\" is no letter of %s", path, claim->id,
				claim->checks[i], CLAIM_LETTERS);
			return false;
		}
	for (size_t i = 0; i < index; i++)
		if (strcmp(claims->items[i].id, claim->id) == 0) {
			message("%s: claim %s is there twice", path, claim->id);
			return false;
		}
	return true;
}

bool claims_load(struct pool *pool, const char *path, struct claim_list *claims)
{
	void *data = NULL;

	if (!yaml_load(pool, path, &file_schema, &data))
		return false;
	const struct claims_file *loaded = data;
	*claims = (struct claim_list){loaded->claims_count, loaded->claims};
	for (size_t i = 0; i < claims->count; i++)
		if (!is_sound(path, claims, i))
			return false;
	return true;
}

const struct claim *claim_named(const struct claim_list *claims, const char *id)
{
	for (size_t i = 0; i < claims->count; i++)
		if (strcmp(claims->items[i].id, id) == 0)
			return &claims->items[i];
	return NULL;
}

static bool wants(const struct claim *claim, char letter)
{
	for (size_t i = 0; i < claim->checks_count; i++)
		if (claim->checks[i][0] == letter)
			return true;
	return false;
}

bool claim_declared(const struct claim *claim, const struct check *check)
{
	for (const char *const *id = check->claims; *id != NULL; id++)
		if (strcmp(*id, claim->id) == 0)
			return true;
	return false;
}

/*
 * The kind of a check says its letter, but for a probe that counts: that says itself what it is, or
 * is a formula where the claim has one, or else a trace, a thing for guests, or a scenario that no
 * script can say.
 */
bool claim_shown(const struct claim *claim, const struct check *check, char letter)
{
	static const char counted[] = "FTVS";

	if (!claim_declared(claim, check))
		return false;
	const bool said = check->letters != NULL && strchr(check->letters, letter) != NULL;

	if (check->kind->model_only)
		return letter == 'M' || said;
	if (check->kind->script != NULL)
		return letter == 'S';
	if (check->timed)
		return letter == 'B';
	if (check->letters != NULL)
		return said;
	for (const char *first = counted; *first != '\0'; first++)
		if (wants(claim, *first))
			return letter == *first;
	return letter == 'F';
}

bool claims_known(const struct claim_list *claims, const struct check_list *checks)
{
	for (size_t i = 0; i < checks->count; i++)
		for (const char *const *id = checks->items[i].claims; *id != NULL; id++)
			if (claim_named(claims, *id) == NULL) {
				message("check %s declares the claim %s, which is not in the "
					"catalogue",
					checks->items[i].name, *id);
				return false;
			}
	return true;
}
