/* SPDX-License-Identifier: Apache-2.0 */
#include "judge/errata.h"

#include <string.h>

#include "base/message.h"
#include "base/pattern.h"
#include "record/hash.h"
#include "suite/yaml.h"

struct errata_file {
	struct erratum *errata;
	size_t errata_count;
};

static const cyaml_schema_field_t erratum_fields[] = {
	YAML_TEXT(struct erratum, record),
	YAML_TEXT(struct erratum, claims),
	YAML_TEXT(struct erratum, reason),
	YAML_TEXT(struct erratum, link),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t erratum = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct erratum, erratum_fields),
};

static const cyaml_schema_field_t file_fields[] = {
	CYAML_FIELD_SEQUENCE("errata", CYAML_FLAG_POINTER, struct errata_file, errata, &erratum, 0,
		CYAML_UNLIMITED),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t file = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct errata_file, file_fields),
};

static bool is_sound(const char *path, const struct erratum *item)
{
	const char *why = NULL;
	struct pattern PATTERN_DROPS *pattern = pattern_compile(item->claims, &why);

	if (pattern == NULL) {
		message("%s: erratum of %s: pattern \"%s\": %s", path, item->record, item->claims,
			why);
		return false;
	}
	if (strspn(item->record, "0123456789abcdef") != RECORD_HASH_CHARACTERS ||
		item->record[RECORD_HASH_CHARACTERS] != '\0') {
		message("%s: erratum of \"%s\": not the SHA-256 of a record", path, item->record);
		return false;
	}
	return true;
}

bool errata_load(struct pool *pool, const char *path, struct errata_list *list)
{
	void *data = NULL;

	if (!yaml_load(pool, path, &file, &data))
		return false;
	const struct errata_file *loaded = data;
	for (size_t i = 0; i < loaded->errata_count; i++)
		if (!is_sound(path, &loaded->errata[i]))
			return false;
	*list = (struct errata_list){loaded->errata_count, loaded->errata};
	return true;
}

static void make_void(
	struct judgement *judgement, struct record_verdict *verdict, const struct erratum *item)
{
	const enum verdict was = verdict_of_word(verdict->verdict);

	if (was != VERDICT_LIMIT)
		judgement->tally[was]--;
	judgement->tally[VERDICT_SKIP]++;
	verdict->verdict = verdict_word(VERDICT_SKIP);
	verdict->textbook = "silent";
	verdict->reading = "open";
	verdict->expected = verdict->observed = verdict->textbook_expected = verdict->cite = "";
	verdict->because = pool_format(judgement->pool, "void: %s (%s)", item->reason, item->link);
	verdict->unmet_count = verdict->known_count = 0;
}

void errata_apply(
	const struct errata_list *errata, const struct record *record, struct judgement *judgement)
{
	for (size_t i = 0; i < errata->count; i++) {
		const struct erratum *item = &errata->items[i];
		const char *why = NULL;
		size_t count = 0;
		if (!record->has_summary || strcmp(record->summary.sha256, item->record) != 0)
			continue;
		struct pattern PATTERN_DROPS *pattern = pattern_compile(item->claims, &why);
		for (size_t k = 0; k < judgement->count; k++)
			if (pattern_found(pattern, judgement->verdicts[k].claim)) {
				make_void(judgement, &judgement->verdicts[k], item);
				count++;
			}
		judgement_note(judgement, "%zu verdicts are void: %s (%s)", count, item->reason,
			item->link);
	}
}
