/* SPDX-License-Identifier: Apache-2.0 */
/* A summary for the page of a CI job or a merge request: what needs a reader, then the chapters. */
#include <string.h>

#include "report/formats.h"
#include "report/header.h"
#include "report/text.h"
#include "suite/cases.h"
#include "suite/claims.h"

static void put_cell(FILE *stream, struct pool *pool, const char *text)
{
	(void)fprintf(stream, " %s |", text_markdown(pool, text));
}

static void put_row(FILE *stream, struct pool *pool, size_t count, const char *const *cells)
{
	(void)fputc('|', stream);
	for (size_t i = 0; i < count; i++)
		put_cell(stream, pool, cells[i]);
	(void)fputc('\n', stream);
}

static void put_host(FILE *stream, struct pool *pool, const struct record *record)
{
	struct header_line lines[HEADER_LINES_COUNT];
	const size_t count = header_lines(pool, record, lines);

	(void)fputs("| host | |\n|---|---|\n", stream);
	for (size_t i = 0; i < count; i++)
		put_row(stream, pool, 2, (const char *const[]){lines[i].name, lines[i].text});
	(void)fputc('\n', stream);
}

/* What a person has to look at: a heading and an item a verdict, its figures below it. */
static void put_wrong(FILE *stream, struct pool *pool, const struct outcome *outcome,
	const struct record_verdict *verdict)
{
	const struct {
		const char *name, *text;
	} parts[] = {
		{"linux", verdict->expected},
		{"textbook", verdict->textbook_expected},
		{"measured", verdict->observed},
		{"because", verdict->because},
		{"cite", verdict->cite},
		{"again", outcome_again(pool, &outcome->record->header, verdict->claim)},
	};

	(void)fprintf(stream, "- **%s** %s, %s\n", text_markdown(pool, verdict->verdict),
		text_markdown(pool, verdict->claim),
		text_markdown(
			pool, case_id(pool, verdict->kind, verdict->probe, &verdict->parameters)));
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (parts[i].text[0] != '\0')
			(void)fprintf(stream, "  - %s: %s\n", parts[i].name,
				text_markdown(pool, parts[i].text));
}

static void put_all_wrong(FILE *stream, struct pool *pool, const struct outcome *outcome)
{
	static const enum verdict wanted[] = {VERDICT_DEVIATION, VERDICT_ERROR, VERDICT_KNOWN};
	bool any = false;

	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		for (size_t k = 0; k < outcome->judgement->count; k++) {
			const struct record_verdict *verdict = &outcome->judgement->verdicts[k];
			if (verdict_of_word(verdict->verdict) != wanted[i])
				continue;
			any = true;
			put_wrong(stream, pool, outcome, verdict);
		}
	if (any)
		(void)fputc('\n', stream);
}

static void put_chapters(FILE *stream, struct pool *pool, const struct outcome *outcome)
{
	const struct digest_list digests = digest_of(pool, outcome->judgement);
	size_t from = 0;

	(void)fputs("| chapter | claims | cases | pass | deviation | textbook differs |\n"
		    "|---|---:|---:|---:|---:|---:|\n",
		stream);
	for (size_t at = 1; at <= digests.count; at++) {
		const char *title = claim_chapter(digests.items[from].claim);
		size_t cases = 0, pass = 0, deviations = 0, departs = 0;
		if (at < digests.count && claim_chapter_order(digests.items[at].claim) ==
						  claim_chapter_order(digests.items[from].claim))
			continue;
		for (size_t i = from; i < at; i++) {
			cases += digests.items[i].cases_count;
			pass += digests.items[i].tally[VERDICT_PASS];
			deviations += digests.items[i].tally[VERDICT_DEVIATION];
			departs += digests.items[i].departs_count != 0;
		}
		(void)fprintf(stream, "| %s | %zu | %zu | %zu | %zu | %zu |\n",
			text_markdown(pool, title != NULL ? title : "Other"), at - from, cases,
			pass, deviations, departs);
		from = at;
	}
	(void)fputc('\n', stream);
}

static void put_notes(FILE *stream, struct pool *pool, const struct record_summary *summary)
{
	for (size_t i = 0; i < summary->notes_count; i++)
		(void)fprintf(stream, "- note: %s\n", text_markdown(pool, summary->notes[i]));
	for (size_t i = 0; i < summary->kernel_log_count; i++)
		(void)fprintf(stream, "- the kernel said: %s\n",
			text_markdown(pool, summary->kernel_log[i]));
	if (summary->notes_count + summary->kernel_log_count != 0)
		(void)fputc('\n', stream);
}

bool markdown_output(FILE *stream, const struct outcome_list *outcomes)
{
	for (size_t i = 0; i < outcomes->count; i++) {
		const struct outcome *outcome = &outcomes->items[i];
		struct pool POOL_DROPS pool = {0};
		(void)fprintf(stream, "## mmconform: %s\n\n",
			text_markdown(&pool, header_verdict_line(&pool, outcome->judgement,
						     outcome->summary, false)));
		put_all_wrong(stream, &pool, outcome);
		put_host(stream, &pool, outcome->record);
		put_chapters(stream, &pool, outcome);
		put_notes(stream, &pool, outcome->summary);
	}
	return true;
}
