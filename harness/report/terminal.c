/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/drawing.h"
#include "report/header.h"
#include "report/outcome.h"
#include "report/report.h"
#include "report/style.h"
#include "report/table.h"
#include "suite/cases.h"

/* Deviations of one claim that are printed in full; the table has a row for the others. */
#define SHOWN_OF_A_CLAIM 3

struct report {
	struct pool pool;
	const struct record *record;
	const struct judgement *judgement;
	const struct record_summary *summary;
	bool verbose, colour;
	size_t width;
};

static void item(const struct report *report, const char *name, const char *text)
{
	const size_t indent = 13;
	struct pool POOL_DROPS pool = {0};

	if (text[0] == '\0')
		return;
	(void)printf("  %-10s ", name);
	/* The first line stands behind the name, the others below it. */
	char *wrapped = NULL;
	size_t wrapped_bytes = 0;
	FILE *stream = open_memstream(&wrapped, &wrapped_bytes);
	if (stream == NULL)
		return;
	style_wrap(stream, style_plain(&pool, text), indent, report->width);
	(void)fclose(stream);
	(void)fputs(wrapped + indent, stdout);
	free(wrapped);
}

static void print_in_full(struct report *report, const struct record_verdict *verdict)
{
	(void)printf("\n%s  %s\n", style_paint(&report->pool, verdict->verdict, report->colour),
		style_bold(&report->pool,
			style_plain(&report->pool, case_id(&report->pool, verdict->kind,
							   verdict->probe, &verdict->parameters)),
			report->colour));
	if (strcmp(verdict->probe, verdict->claim) != 0)
		item(report, "claim", verdict->claim);
	item(report, "linux", verdict->expected);
	item(report, "textbook", verdict->textbook_expected);
	item(report, "measured", verdict->observed);
	item(report, "exactness", outcome_exactness(&report->pool, verdict));
	item(report, "because", verdict->because);
	item(report, "cite", verdict->cite);
	item(report, "reading", strcmp(verdict->reading, "open") == 0 ? "" : verdict->reading);
	for (size_t i = 0; i < verdict->known_count; i++)
		item(report, "known",
			pool_format(&report->pool, "%s (%s, until %s)", verdict->known[i].reason,
				verdict->known[i].link, verdict->known[i].expires));
	item(report, "again",
		outcome_again(&report->pool, &report->record->header, verdict->claim));
}

/* How many verdicts before this one are of the same claim and came out the same way. */
static size_t alike_before(const struct report *report, size_t index)
{
	const struct record_verdict *verdicts = report->judgement->verdicts;
	size_t count = 0;

	for (size_t i = 0; i < index; i++)
		count += strcmp(verdicts[i].claim, verdicts[index].claim) == 0 &&
			 strcmp(verdicts[i].verdict, verdicts[index].verdict) == 0 &&
			 strcmp(verdicts[i].reading, verdicts[index].reading) == 0;
	return count;
}

static void print_all_in_full(struct report *report, enum verdict wanted)
{
	const char *word = verdict_word(wanted);

	for (size_t i = 0; i < report->judgement->count; i++) {
		const struct record_verdict *verdict = &report->judgement->verdicts[i];
		if (strcmp(verdict->verdict, word) != 0)
			continue;
		const size_t before = alike_before(report, i);
		if (before < SHOWN_OF_A_CLAIM || report->verbose)
			print_in_full(report, verdict);
		else if (before == SHOWN_OF_A_CLAIM)
			(void)printf("\n  more of %s: run with --verbose\n",
				style_plain(&report->pool, verdict->claim));
	}
}

/* Each requirement once, with how many verdicts wait for it. */
static void print_skips(struct report *report)
{
	const struct judgement *judgement = report->judgement;
	struct pool *pool = &report->pool;
	const struct record_unmet **seen = NULL;
	size_t *waiting = NULL, count = 0;

	for (size_t i = 0; i < judgement->count; i++)
		for (size_t k = 0; k < judgement->verdicts[i].unmet_count; k++) {
			const struct record_unmet *unmet = &judgement->verdicts[i].unmet[k];
			size_t at = 0;
			while (at < count && (strcmp(seen[at]->supply, unmet->supply) != 0 ||
						     strcmp(seen[at]->value, unmet->value) != 0))
				at++;
			if (at == count) {
				seen = pool_grow(pool, seen, count, sizeof(*seen));
				waiting = pool_grow(pool, waiting, count, sizeof(*waiting));
				waiting[count] = 0;
				seen[count++] = unmet;
			}
			waiting[at]++;
		}
	if (count != 0)
		(void)printf("\n%s\n", style_bold(pool, "Skipped", report->colour));
	for (size_t i = 0; i < count; i++) {
		(void)printf("  %zu wait for %s: %s\n", waiting[i],
			style_plain(pool, seen[i]->requirement), style_plain(pool, seen[i]->value));
		item(report, "", seen[i]->supply);
	}
}

/* How exact the model is where it says of each page whether it survives. */
static void print_exactness(struct report *report)
{
	struct pool *pool = &report->pool;
	bool any = false;

	for (size_t i = 0; i < report->judgement->count; i++) {
		const struct record_verdict *verdict = &report->judgement->verdicts[i];
		if (verdict->exactness_count == 0)
			continue;
		if (!any)
			(void)printf("\n%s\n\n",
				style_bold(pool, "Pages predicted one by one", report->colour));
		any = true;
		(void)printf("  %s: %s\n",
			style_plain(pool,
				case_id(pool, verdict->kind, verdict->probe, &verdict->parameters)),
			outcome_exactness(pool, verdict));
	}
}

static bool is_lesson(const struct record_verdict *verdict)
{
	return strcmp(verdict->reading, "departs") == 0;
}

/* One row a claim: what a teacher wants to know. */
static void print_lessons(struct report *report)
{
	bool any = false;

	for (size_t i = 0; i < report->judgement->count; i++) {
		const struct record_verdict *verdict = &report->judgement->verdicts[i];
		if (!is_lesson(verdict) || alike_before(report, i) != 0)
			continue;
		if (!any)
			(void)printf("\n%s\n", style_bold(&report->pool,
						       "Where the textbook differs and Linux does "
						       "what its model says",
						       report->colour));
		any = true;
		(void)printf("\n  %s\n", style_plain(&report->pool, verdict->claim));
		item(report, "  textbook", verdict->textbook_expected);
		item(report, "  linux", verdict->expected);
		item(report, "  measured", verdict->observed);
		item(report, "  because", verdict->because);
	}
}

static void print_shortfalls(struct report *report, const struct shortfalls *shortfalls)
{
	for (size_t i = 0; i < shortfalls->count; i++)
		(void)printf("%s%s %s\n", i == 0 ? "\n" : "",
			style_paint(&report->pool, "short:", report->colour),
			style_plain(&report->pool, shortfalls->items[i]));
}

static void print_notes(struct report *report)
{
	const struct record_summary *summary = report->summary;

	for (size_t i = 0; i < summary->notes_count; i++)
		(void)printf("\nnote: %s\n", style_plain(&report->pool, summary->notes[i]));
	for (size_t i = 0; i < summary->kernel_log_count; i++)
		(void)printf("%sthe kernel said: %s\n", i == 0 ? "\n" : "",
			style_plain(&report->pool, summary->kernel_log[i]));
	if (summary->taint_before != summary->taint_after)
		(void)printf("\nthe kernel's taint was %" PRId64 " and is %" PRId64 "\n",
			summary->taint_before, summary->taint_after);
}

void report_terminal(const struct record *record, const struct judgement *judgement,
	const struct record_summary *summary, const struct report_options *options)
{
	struct report report = {
		.record = record,
		.judgement = judgement,
		.summary = summary,
		.verbose = options->verbose,
		.colour = style_has_colour(stdout),
		.width = style_width(stdout),
	};
	const struct table_options table = {options->verbose, report.colour, report.width};

	(void)printf(
		"%s\n\n", header_verdict_line(&report.pool, judgement, summary, report.colour));
	header_print(stdout, record);
	print_shortfalls(&report, &options->shortfalls);
	print_all_in_full(&report, VERDICT_DEVIATION);
	print_all_in_full(&report, VERDICT_ERROR);
	print_all_in_full(&report, VERDICT_KNOWN);
	(void)putchar('\n');
	table_print(stdout, judgement, &table);
	if (report.verbose) {
		print_exactness(&report);
		drawing_print(stdout, record);
	}
	print_skips(&report);
	print_lessons(&report);
	print_notes(&report);
	pool_drop(&report.pool);
}
