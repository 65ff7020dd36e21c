/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What KernelCI's common database takes, schema 5.3: a checkout and a build a kernel, a test a
 * verdict. Sending it is for who has the right to; this is a file.
 */
#include <ctype.h>
#include <jansson.h>
#include <string.h>

#include "facts/facts.h"
#include "report/formats.h"
#include "report/text.h"
#include "suite/cases.h"

#define ORIGIN "mmconform"

struct report {
	json_t *checkouts, *builds, *tests;
};

static const char *status_of_verdict(const char *word)
{
	switch (verdict_of_word(word)) {
	case VERDICT_PASS:
		return "PASS";
	case VERDICT_DEVIATION:
	case VERDICT_KNOWN:
		return "FAIL";
	case VERDICT_INCONCLUSIVE:
		return "MISS";
	case VERDICT_SKIP:
		return "SKIP";
	case VERDICT_ERROR:
		return "ERROR";
	case VERDICT_MODEL:
	case VERDICT_SILENT:
	case VERDICT_LIMIT:
		break;
	}
	return "DONE";
}

/* A part of a dotted path: letters, digits, minus and underscore. */
static const char *part(struct pool *pool, const char *text)
{
	char *copy = (char *)pool_text(pool, text);

	for (char *at = copy; *at != '\0'; at++)
		if (!isalnum((unsigned char)*at) && *at != '-')
			*at = '_';
	return copy[0] == '\0' ? "_" : copy;
}

/* "mmconform.chapter.claim.case_pages_64_". */
static const char *path_of(struct pool *pool, const struct record_verdict *verdict)
{
	const size_t dot = strcspn(verdict->claim, ".");
	const char *chapter = pool_text_of(pool, verdict->claim, dot);
	const char *rest = verdict->claim + dot + (verdict->claim[dot] == '.');

	return pool_format(pool, "mmconform.%s.%s.%s", part(pool, chapter), part(pool, rest),
		part(pool, case_id(pool, verdict->kind, verdict->probe, &verdict->parameters)));
}

static const char *fact(struct pool *pool, const struct record *record, enum facts_text text)
{
	struct facts facts;
	const char *why = NULL;

	if (!facts_from_json(pool, record->facts, strlen(record->facts), &facts, &why))
		return "not known";
	return text_clean(pool, facts.text[text]);
}

static bool has_id(const json_t *list, const char *id)
{
	for (size_t i = 0; i < json_array_size(list); i++)
		if (strcmp(json_string_value(json_object_get(json_array_get(list, i), "id")), id) ==
			0)
			return true;
	return false;
}

static void add_kernel(struct report *report, const char *id, const char *release)
{
	if (has_id(report->checkouts, id))
		return;
	json_array_append_new(report->checkouts,
		json_pack("{s:s, s:s, s:s}", "id", id, "origin", ORIGIN, "comment", release));
	json_array_append_new(report->builds,
		json_pack("{s:s, s:s, s:s, s:s, s:s}", "id", id, "origin", ORIGIN, "checkout_id",
			id, "architecture", "x86_64", "comment", release));
}

static json_t *test_of(struct pool *pool, const struct outcome *outcome, size_t index,
	const char *build, const char *cpu)
{
	const struct record_verdict *verdict = &outcome->judgement->verdicts[index];
	const char *record = outcome_id(pool, outcome);

	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:{s:s}, s:{s:s, s:s, s:s, s:s, s:s, s:s, "
			 "s:s, s:s}}",
		"id", pool_format(pool, ORIGIN ":%s:%zu", record, index), "origin", ORIGIN,
		"build_id", build, "path", path_of(pool, verdict), "status",
		status_of_verdict(verdict->verdict), "start_time",
		text_clean(pool, outcome->record->header.started), "environment", "comment", cpu,
		"misc", "verdict", text_clean(pool, verdict->verdict), "textbook",
		text_clean(pool, verdict->textbook), "expected",
		text_clean(pool, verdict->expected), "observed",
		text_clean(pool, verdict->observed), "because", text_clean(pool, verdict->because),
		"cite", text_clean(pool, verdict->cite), "again",
		text_clean(pool, outcome_again(pool, &outcome->record->header, verdict->claim)),
		"record", record);
}

static void add_outcome(struct report *report, const struct outcome *outcome)
{
	struct pool POOL_DROPS pool = {0};
	const char *release = fact(&pool, outcome->record, FACTS_TEXT_RELEASE);
	const char *cpu = fact(&pool, outcome->record, FACTS_TEXT_CPU_NAME);
	const char *id = pool_format(&pool, ORIGIN ":%s", release);

	add_kernel(report, id, release);
	for (size_t i = 0; i < outcome->judgement->count; i++)
		json_array_append_new(report->tests, test_of(&pool, outcome, i, id, cpu));
}

bool kcidb_output(FILE *stream, const struct outcome_list *outcomes)
{
	struct report report = {json_array(), json_array(), json_array()};

	for (size_t i = 0; i < outcomes->count; i++)
		add_outcome(&report, &outcomes->items[i]);
	json_t *root = json_pack("{s:{s:i, s:i}, s:o, s:o, s:o, s:[], s:[]}", "version", "major", 5,
		"minor", 3, "checkouts", report.checkouts, "builds", report.builds, "tests",
		report.tests, "issues", "incidents");
	const bool good = root != NULL && json_dumpf(root, stream, JSON_INDENT(1)) == 0;

	(void)fputc('\n', stream);
	json_decref(root);
	return good;
}
