/* SPDX-License-Identifier: Apache-2.0 */
/* mmconform history: one claim's quantities over records, oldest first. */
#include <jansson.h>
#include <libsmartcols.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/message.h"
#include "command/command.h"
#include "compare/series.h"
#include "judge/statistics.h"
#include "report/style.h"

enum history_option {
	OPTION_JSON = 'j',
	OPTION_QUANTITY = 'q',
};

static const struct argp_option argp_options[] = {
	{"quantity", OPTION_QUANTITY, "NAME", 0, "Only this quantity", 0},
	{"json", OPTION_JSON, NULL, 0, "One JSON object a row", 0},
	{0},
};

/* Of a median's interval. */
#define ERROR 0.05

struct given {
	struct pool *pool;
	const char *claim, *quantity;
	size_t paths_count;
	const char **paths;
	bool lines;
};

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
	struct given *given = state->input;

	switch (key) {
	case OPTION_JSON:
		given->lines = true;
		return 0;
	case OPTION_QUANTITY:
		given->quantity = argument;
		return 0;
	case ARGP_KEY_ARG:
		if (given->claim == NULL) {
			given->claim = argument;
			return 0;
		}
		given->paths = pool_grow(
			given->pool, given->paths, given->paths_count, sizeof(*given->paths));
		given->paths[given->paths_count++] = argument;
		return 0;
	case ARGP_KEY_END:
		return given->paths_count != 0
			       ? 0
			       : command_refuse(state, "which claim, and which records?");
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = argp_options,
	.parser = parse_option,
	.args_doc = "CLAIM RECORD...",
	.doc = "Shows what was timed and counted for one claim, a row for each record in the order "
	       "in which they were made: the median of its launches with its interval.",
};

/* One record, as far as this claim is in it. */
struct chapter {
	struct record record;
	struct series_list list;
};

/* Whether a case shows the claim: by what was sealed for it. */
static bool shows(const struct record *record, const char *claim, const char *id)
{
	for (size_t i = 0; i < record->launches_count; i++) {
		const struct record_trial *trial = &record->launches[i].trial;
		if (strcmp(record->launches[i].id, id) != 0)
			continue;
		for (size_t k = 0; k < record->predictions_count; k++)
			if (strcmp(record->predictions[k].claim, claim) == 0 &&
				strcmp(record->predictions[k].probe, trial->probe) == 0 &&
				strcmp(record->predictions[k].kind, trial->kind) == 0)
				return true;
		return false;
	}
	return false;
}

/* Oldest first; records of one second stay as they were given. */
static int by_start(const void *left, const void *right)
{
	const struct chapter *const *a = left, *const *b = right;
	const int order = strcmp((*a)->record.header.started, (*b)->record.header.started);

	return order != 0 ? order : (*a > *b) - (*a < *b);
}

static void print_line(const struct chapter *chapter, const struct series *series, double median,
	const struct statistics_interval *interval)
{
	json_t *object = json_pack("{s:s,s:s,s:s,s:s,s:s,s:s?,s:I}", "record", chapter->record.path,
		"started", chapter->record.header.started, "case", series->id, "quantity",
		series->quantity, "at", series->at, "reading", series->reading, "launches",
		(json_int_t)series->count);

	if (series->timed) {
		(void)json_object_set_new(object, "median-ns", json_integer(llround(median)));
		if (interval->known) {
			(void)json_object_set_new(
				object, "low-ns", json_integer(llround(interval->low)));
			(void)json_object_set_new(
				object, "high-ns", json_integer(llround(interval->high)));
		}
	}
	char *text = json_dumps(object, JSON_COMPACT);
	(void)puts(text != NULL ? text : "{}");
	free(text);
	json_decref(object);
}

static void add_row(struct pool *pool, struct libscols_table *table, const struct chapter *chapter,
	const struct series *series, double first)
{
	struct libscols_line *line = scols_table_new_line(table, NULL);
	const char *name = series->at[0] == '\0'
				   ? series->quantity
				   : pool_format(pool, "%s[%s]", series->quantity, series->at);
	const char *cells[] = {style_plain(pool, pool_format(pool, "%s %s", series->id, name)),
		style_plain(pool, chapter->record.header.started), chapter->record.path, "", "",
		""};

	if (series->timed) {
		const double median = statistics_median(series->figures, series->count);
		const struct statistics_interval interval =
			statistics_median_interval(series->figures, series->count, ERROR);
		cells[3] = pool_format(pool, "%.0f ns", median);
		cells[4] = interval.known
				   ? pool_format(pool, "%.0f to %.0f (%zu launches)", interval.low,
					     interval.high, series->count)
				   : pool_format(pool, "too few launches: %zu", series->count);
		cells[5] =
			first > 0 ? pool_format(pool, "%+.1f %%", (median / first - 1) * 100) : "";
	} else {
		cells[3] = style_plain(pool, series->reading);
	}
	for (size_t i = 0; i < sizeof(cells) / sizeof(cells[0]); i++)
		(void)scols_line_set_data(line, i, cells[i]);
}

/* One quantity over all records: a block of rows. Each block starts where it is first seen. */
static size_t show_quantity(const struct given *given, struct chapter *const *chapters, size_t from,
	const struct series *like, struct libscols_table *table)
{
	double first = 0;
	size_t rows = 0;

	for (size_t i = from; i < given->paths_count; i++) {
		const struct series *series = series_find(&chapters[i]->list, like);
		if (series == NULL || (series->timed && series->count == 0))
			continue;
		rows++;
		if (given->lines) {
			const double median =
				series->timed ? statistics_median(series->figures, series->count)
					      : 0;
			const struct statistics_interval interval =
				series->timed ? statistics_median_interval(
							series->figures, series->count, ERROR)
					      : (struct statistics_interval){0};
			print_line(chapters[i], series, median, &interval);
			continue;
		}
		add_row(given->pool, table, chapters[i], series, first);
		if (first == 0 && series->timed)
			first = statistics_median(series->figures, series->count);
	}
	return rows;
}

static bool seen_before(struct chapter *const *chapters, size_t count, const struct series *series)
{
	for (size_t i = 0; i < count; i++)
		if (series_find(&chapters[i]->list, series) != NULL)
			return true;
	return false;
}

static size_t show_all(
	const struct given *given, struct chapter *const *chapters, struct libscols_table *table)
{
	size_t rows = 0;

	for (size_t i = 0; i < given->paths_count; i++)
		for (size_t k = 0; k < chapters[i]->list.count; k++) {
			const struct series *series = &chapters[i]->list.items[k];
			if ((given->quantity != NULL &&
				    strcmp(given->quantity, series->quantity) != 0) ||
				seen_before(chapters, i, series) ||
				!shows(&chapters[i]->record, given->claim, series->id))
				continue;
			rows += show_quantity(given, chapters, i, series, table);
		}
	return rows;
}

static enum exit_status show(const struct given *given, struct chapter *chapters)
{
	static const char *const columns[] = {
		"QUANTITY", "STARTED", "RECORD", "MEDIAN", "INTERVAL", "SINCE THE FIRST"};
	struct chapter **order = pool_take(given->pool, given->paths_count * sizeof(*order));

	for (size_t i = 0; i < given->paths_count; i++) {
		if (!record_read(&chapters[i].record, given->paths[i], RECORD_ENDED))
			return EXIT_MISUSED;
		series_of_record(given->pool, &chapters[i].record, &chapters[i].list);
		order[i] = &chapters[i];
	}
	qsort(order, given->paths_count, sizeof(*order), by_start);
	struct libscols_table *table = scols_new_table();
	if (table == NULL)
		abort();
	for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++)
		(void)scols_table_new_column(table, columns[i], 0, 0);
	const size_t rows = show_all(given, order, table);
	if (rows == 0)
		message("no record has anything of %s%s%s that was timed or counted", given->claim,
			given->quantity != NULL ? ": " : "",
			given->quantity != NULL ? given->quantity : "");
	else if (!given->lines)
		(void)scols_print_table(table);
	scols_unref_table(table);
	return rows != 0 ? EXIT_CONFORMS : EXIT_NOTHING;
}

int command_history(int argc, char **argv)
{
	struct pool POOL_DROPS pool = {0};
	struct given given = {.pool = &pool};

	if (!command_parse(&argp, argc, argv, &given))
		return EXIT_MISUSED;
	struct chapter *chapters = pool_take(&pool, given.paths_count * sizeof(*chapters));
	const enum exit_status status = show(&given, chapters);
	for (size_t i = 0; i < given.paths_count; i++)
		record_drop(&chapters[i].record);
	return (int)status;
}
