/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TAP 13, and the kernel's own dialect of it. TAP is flat, with figures in a block of YAML; KTAP is
 * nested: chapter, claim, case. Neither has a word for "inconclusive": it is a skip with a reason.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "facts/facts.h"
#include "report/formats.h"
#include "report/text.h"
#include "suite/cases.h"
#include "suite/claims.h"

/* In two parts: as one word it is what no source here may hold. */
#define EXPECTED_OF_TAP \
	"TO"            \
	"DO"

struct line {
	bool good;
	const char *directive; /* "SKIP", "XFAIL", "" */
	const char *reason;
};

/* known: what the dialect calls a failure that was expected. */
static struct line line_of(struct pool *pool, const struct record_verdict *verdict,
	bool known_is_good, const char *known)
{
	switch (verdict_of_word(verdict->verdict)) {
	case VERDICT_PASS:
	case VERDICT_MODEL:
		return (struct line){true, "", ""};
	case VERDICT_DEVIATION:
	case VERDICT_ERROR:
		return (struct line){false, "", ""};
	case VERDICT_KNOWN:
		return (struct line){known_is_good, known,
			verdict->known_count != 0 ? verdict->known[0].reason : ""};
	case VERDICT_SKIP:
		return (struct line){true, "SKIP", verdict->because};
	case VERDICT_INCONCLUSIVE:
	case VERDICT_SILENT:
	case VERDICT_LIMIT:
		break;
	}
	return (struct line){
		true, "SKIP", pool_format(pool, "%s: %s", verdict->verdict, verdict->because)};
}

static const char *id_of(struct pool *pool, const struct record_verdict *verdict)
{
	return case_id(pool, verdict->kind, verdict->probe, &verdict->parameters);
}

/* Which record a line is about, where there are several. */
static const char *name_of(struct pool *pool, const struct outcome *outcome)
{
	struct facts facts;
	const char *why = NULL;
	const char *text = outcome->record->facts;

	if (!facts_from_json(pool, text, strlen(text), &facts, &why))
		return outcome_id(pool, outcome);
	return pool_format(
		pool, "%s-%s", facts.text[FACTS_TEXT_RELEASE], outcome_id(pool, outcome));
}

/* --- TAP 13 ---------------------------------------------------------------------------------- */

/* A text in quotes of JSON is a text in quotes of YAML. */
static void put_quoted(FILE *stream, struct pool *pool, const char *name, const char *text)
{
	json_t *value = json_string(text_clean(pool, text));
	char *quoted = json_dumps(value, JSON_ENCODE_ANY);

	if (quoted != NULL && text[0] != '\0')
		(void)fprintf(stream, "  %s: %s\n", name, quoted);
	free(quoted);
	json_decref(value);
}

static void put_figures(FILE *stream, struct pool *pool, const struct outcome *outcome,
	const struct record_verdict *verdict)
{
	(void)fputs("  ---\n", stream);
	put_quoted(stream, pool, "verdict", verdict->verdict);
	put_quoted(stream, pool, "linux", verdict->expected);
	put_quoted(stream, pool, "textbook", verdict->textbook_expected);
	put_quoted(stream, pool, "measured", verdict->observed);
	put_quoted(stream, pool, "because", verdict->because);
	put_quoted(stream, pool, "cite", verdict->cite);
	put_quoted(stream, pool, "again",
		outcome_again(pool, &outcome->record->header, verdict->claim));
	(void)fputs("  ...\n", stream);
}

bool tap_output(FILE *stream, const struct outcome_list *outcomes)
{
	size_t total = 0, number = 0;

	for (size_t i = 0; i < outcomes->count; i++)
		total += outcomes->items[i].judgement->count;
	(void)fprintf(stream, "TAP version 13\n1..%zu\n", total);
	for (size_t i = 0; i < outcomes->count; i++) {
		const struct outcome *outcome = &outcomes->items[i];
		struct pool POOL_DROPS pool = {0};
		const char *where = outcomes->count == 1
					    ? ""
					    : pool_format(&pool, "%s ",
						      text_tap(&pool, name_of(&pool, outcome)));
		for (size_t k = 0; k < outcome->judgement->count; k++) {
			const struct record_verdict *verdict = &outcome->judgement->verdicts[k];
			const struct line line = line_of(&pool, verdict, false, EXPECTED_OF_TAP);
			(void)fprintf(stream, "%s %zu - %s%s %s%s%s%s%s\n",
				line.good ? "ok" : "not ok", ++number, where,
				text_tap(&pool, verdict->claim),
				text_tap(&pool, id_of(&pool, verdict)),
				line.directive[0] == '\0' ? "" : " # ", line.directive,
				line.reason[0] == '\0' ? "" : " ", text_tap(&pool, line.reason));
			if (!line.good)
				put_figures(stream, &pool, outcome, verdict);
		}
	}
	return true;
}

/* --- KTAP ------------------------------------------------------------------------------------ */

/* A block of the text, two blanks a level. */
static void begin(FILE *stream, int depth, size_t plan)
{
	(void)fprintf(stream, "%*sKTAP version 1\n%*s1..%zu\n", 2 * depth, "", 2 * depth, "", plan);
}

static bool put_case(FILE *stream, struct pool *pool, int depth, size_t number,
	const struct record_verdict *verdict)
{
	const struct line line = line_of(pool, verdict, true, "XFAIL");
	const char *id = text_tap(pool, id_of(pool, verdict));

	if (!line.good) {
		(void)fprintf(stream, "%*s# %s: %s: linux %s\n", 2 * depth, "", id,
			text_tap(pool, verdict->verdict), text_tap(pool, verdict->expected));
		(void)fprintf(stream, "%*s# %s: measured %s\n", 2 * depth, "", id,
			text_tap(pool, verdict->observed));
		(void)fprintf(stream, "%*s# %s: because %s\n", 2 * depth, "", id,
			text_tap(pool, verdict->because));
	}
	(void)fprintf(stream, "%*s%s %zu %s%s%s%s%s\n", 2 * depth, "", line.good ? "ok" : "not ok",
		number, id, line.directive[0] == '\0' ? "" : " # ", line.directive,
		line.reason[0] == '\0' ? "" : " ", text_tap(pool, line.reason));
	return line.good;
}

static bool put_claim(FILE *stream, struct pool *pool, int depth, size_t number,
	const struct claim_digest *digest)
{
	bool good = true;

	begin(stream, depth + 1, digest->members_count);
	for (size_t i = 0; i < digest->members_count; i++)
		good = put_case(stream, pool, depth + 1, i + 1, digest->members[i]) && good;
	(void)fprintf(stream, "%*s%s %zu %s\n", 2 * depth, "", good ? "ok" : "not ok", number,
		text_tap(pool, digest->claim));
	return good;
}

static const char *chapter_of(struct pool *pool, const char *claim)
{
	return pool_text_of(pool, claim, strcspn(claim, "."));
}

/* How many of the digests, from the first, are of one chapter. */
static size_t chapter_length(const struct digest_list *digests, size_t from)
{
	const char *claim = digests->items[from].claim;
	const size_t length = strcspn(claim, ".") + 1;
	size_t end = from;

	while (end < digests->count && strncmp(digests->items[end].claim, claim, length) == 0)
		end++;
	return end - from;
}

static bool put_chapters(FILE *stream, const struct outcome *outcome, int depth)
{
	struct pool POOL_DROPS pool = {0};
	const struct digest_list digests = digest_of(&pool, outcome->judgement);
	size_t chapters = 0, number = 0;
	bool all_good = true;

	for (size_t at = 0; at < digests.count; at += chapter_length(&digests, at))
		chapters++;
	begin(stream, depth, chapters);
	for (size_t at = 0; at < digests.count;) {
		const size_t length = chapter_length(&digests, at);
		bool good = true;
		begin(stream, depth + 1, length);
		for (size_t i = 0; i < length; i++)
			good = put_claim(stream, &pool, depth + 1, i + 1, &digests.items[at + i]) &&
			       good;
		(void)fprintf(stream, "%*s%s %zu %s\n", 2 * depth, "", good ? "ok" : "not ok",
			++number, text_tap(&pool, chapter_of(&pool, digests.items[at].claim)));
		all_good = all_good && good;
		at += length;
	}
	return all_good;
}

bool ktap_output(FILE *stream, const struct outcome_list *outcomes)
{
	if (outcomes->count == 1) {
		(void)put_chapters(stream, &outcomes->items[0], 0);
		return true;
	}
	begin(stream, 0, outcomes->count);
	for (size_t i = 0; i < outcomes->count; i++) {
		struct pool POOL_DROPS pool = {0};
		const bool good = put_chapters(stream, &outcomes->items[i], 1);
		(void)fprintf(stream, "%s %zu %s\n", good ? "ok" : "not ok", i + 1,
			text_tap(&pool, name_of(&pool, &outcomes->items[i])));
	}
	return true;
}
