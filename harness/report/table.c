/* SPDX-License-Identifier: Apache-2.0 */
#include "report/table.h"

#include <libsmartcols.h>
#include <stdlib.h>
#include <string.h>

#include "report/style.h"
#include "suite/cases.h"
#include "suite/claims.h"

enum column {
	COLUMN_CLAIM,
	COLUMN_CASES,
	COLUMN_VERDICT,
	COLUMN_TEXTBOOK,
	COLUMN_EXPECTED,
	COLUMN_OBSERVED,
	COLUMN_LIMIT,
};

/* Verdicts of one claim by one check that came out alike. */
struct row {
	const struct record_verdict *first;
	size_t order; /* of the first in the judgement */
	size_t cases;
};

static int by_chapter(const void *left, const void *right)
{
	const struct row *a = left, *b = right;
	const size_t a_chapter = claim_chapter_order(a->first->claim);
	const size_t b_chapter = claim_chapter_order(b->first->claim);

	if (a_chapter != b_chapter)
		return a_chapter < b_chapter ? -1 : 1;
	const int order = strcmp(a->first->claim, b->first->claim);
	if (order != 0)
		return order;
	return (a->order > b->order) - (a->order < b->order);
}

static bool alike(const struct record_verdict *a, const struct record_verdict *b)
{
	return strcmp(a->claim, b->claim) == 0 && strcmp(a->probe, b->probe) == 0 &&
	       strcmp(a->kind, b->kind) == 0 && strcmp(a->verdict, b->verdict) == 0 &&
	       strcmp(a->textbook, b->textbook) == 0;
}

static struct row *fold(
	struct pool *pool, const struct judgement *judgement, bool every_case, size_t *count)
{
	struct row *rows = pool_take(pool, judgement->count * sizeof(*rows));

	*count = 0;
	for (size_t i = 0; i < judgement->count; i++) {
		const struct record_verdict *verdict = &judgement->verdicts[i];
		size_t at = every_case ? *count : 0;
		while (at < *count && !alike(rows[at].first, verdict))
			at++;
		if (at == *count)
			rows[(*count)++] = (struct row){.first = verdict, .order = i};
		rows[at].cases++;
	}
	if (*count > 1)
		qsort(rows, *count, sizeof(*rows), by_chapter);
	return rows;
}

static void set_text(struct libscols_line *line, enum column column, const char *text)
{
	(void)scols_line_set_data(line, column, text);
}

static void set_word(struct libscols_line *line, enum column column, const char *word)
{
	set_text(line, column, word);
	(void)scols_cell_set_color(scols_line_get_cell(line, column), style_of_word(word));
}

/* What is shown beside the claim: the check where it has another name, and the case. */
static const char *name_of(struct pool *pool, const struct row *row, bool every_case)
{
	const struct record_verdict *verdict = row->first;
	const char *id = case_id(pool, verdict->kind, verdict->probe, &verdict->parameters);

	if (every_case)
		return pool_format(
			pool, "  %s %s", verdict->claim, strcmp(id, verdict->claim) == 0 ? "" : id);
	if (strcmp(verdict->probe, verdict->claim) != 0)
		return pool_format(pool, "  %s (%s)", verdict->claim, verdict->probe);
	return pool_format(pool, "  %s", verdict->claim);
}

static void fill(struct pool *pool, struct libscols_line *line, const struct row *row,
	const struct table_options *options)
{
	const struct record_verdict *verdict = row->first;
	const bool nothing_observed = verdict->observed[0] == '\0';
	/* A row of many cases shows one of them: the column says how many there are. */
	const char *example = row->cases > 1 ? "e.g. " : "";

	set_text(line, COLUMN_CLAIM, name_of(pool, row, options->every_case));
	set_text(line, COLUMN_CASES, pool_format(pool, "%zu", row->cases));
	set_word(line, COLUMN_VERDICT, verdict->verdict);
	set_word(line, COLUMN_TEXTBOOK, verdict->textbook);
	if (!nothing_observed)
		set_text(line, COLUMN_EXPECTED,
			pool_format(pool, "%s%s", example, verdict->expected));
	set_text(line, COLUMN_OBSERVED, nothing_observed ? verdict->because : verdict->observed);
}

static void add_chapter(struct libscols_table *table, const char *claim)
{
	struct libscols_line *line = scols_table_new_line(table, NULL);
	const char *title = claim_chapter(claim);

	set_text(line, COLUMN_CLAIM, title != NULL ? title : "Other");
	(void)scols_cell_set_color(scols_line_get_cell(line, COLUMN_CLAIM), "bold");
}

static struct libscols_table *new_table(const struct table_options *options)
{
	static const struct {
		const char *name;
		double width;
		int flags;
	} columns[] = {
		[COLUMN_CLAIM] = {"CLAIM", 0.3, 0},
		[COLUMN_CASES] = {"CASES", 5, SCOLS_FL_RIGHT},
		[COLUMN_VERDICT] = {"VERDICT", 9, 0},
		[COLUMN_TEXTBOOK] = {"TEXTBOOK", 8, 0},
		[COLUMN_EXPECTED] = {"EXPECTED", 0.3, SCOLS_FL_TRUNC},
		[COLUMN_OBSERVED] = {"MEASURED", 0.2, SCOLS_FL_TRUNC},
	};
	struct libscols_table *table = scols_new_table();

	if (table == NULL)
		abort();
	for (size_t i = 0; i < COLUMN_LIMIT; i++)
		(void)scols_table_new_column(
			table, columns[i].name, columns[i].width, columns[i].flags);
	(void)scols_table_enable_colors(table, options->colour);
	(void)scols_table_enable_noheadings(table, 0);
	if (options->width == 0)
		(void)scols_table_set_termforce(table, SCOLS_TERMFORCE_NEVER);
	else
		(void)scols_table_set_termforce(table, SCOLS_TERMFORCE_ALWAYS);
	if (options->width != 0)
		(void)scols_table_set_termwidth(table, options->width);
	return table;
}

void table_print(
	FILE *stream, const struct judgement *judgement, const struct table_options *options)
{
	struct pool POOL_DROPS pool = {0};
	size_t count = 0, chapter = SIZE_MAX;
	const struct row *rows = fold(&pool, judgement, options->every_case, &count);
	struct libscols_table *table = new_table(options);

	(void)scols_table_set_stream(table, stream);
	for (size_t i = 0; i < count; i++) {
		const char *claim = rows[i].first->claim;
		if (claim_chapter_order(claim) != chapter)
			add_chapter(table, claim);
		chapter = claim_chapter_order(claim);
		fill(&pool, scols_table_new_line(table, NULL), &rows[i], options);
	}
	(void)scols_print_table(table);
	scols_unref_table(table);
}
