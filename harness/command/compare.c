/* SPDX-License-Identifier: Apache-2.0 */
/* mmconform compare: what changed between records, and what can be said of it. */
#include <errno.h>
#include <jansson.h>
#include <libsmartcols.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/message.h"
#include "command/command.h"
#include "compare/compare.h"
#include "report/style.h"

enum compare_option {
	OPTION_JSON = 'j',
	OPTION_VERBOSE = 'v',
	OPTION_UNLIKE = 'u',
	OPTION_SAME = 'S',
	OPTION_HALVES = 'H',
	OPTION_SEED = 's',
};

static const struct argp_option argp_options[] = {
	{"same", OPTION_SAME, "RECORD", 0,
		"Another record of what the first is of: by how much these two differ is noise", 0},
	{"halves", OPTION_HALVES, NULL, 0,
		"Compare every other launch of one record with the rest of it: nothing should come "
		"out",
		0},
	{"unlike", OPTION_UNLIKE, NULL, 0, "Compare different machines", 0},
	{"seed", OPTION_SEED, "NUMBER", 0, "Of the resampling; usual is 1", 0},
	{"json", OPTION_JSON, NULL, 0, "One JSON object a row, ratios in millionths", 0},
	{"verbose", OPTION_VERBOSE, NULL, 0, "Rows that did not change, too", 0},
	{0},
};

#define PPM 1e6

struct given {
	struct pool *pool;
	size_t paths_count;
	const char **paths;
	const char *same;
	uint64_t seed;
	bool lines, verbose, unlike, halves;
};

static error_t take_seed(const struct argp_state *state, struct given *given, const char *text)
{
	char *end = NULL;

	errno = 0;
	given->seed = strtoull(text, &end, 0);
	if (errno != 0 || end == text || *end != '\0' || text[0] == '-')
		return command_refuse(state, "--seed: \"%s\" is not a number", text);
	return 0;
}

static error_t check_together(const struct argp_state *state, const struct given *given)
{
	if (given->halves && given->paths_count != 1)
		return command_refuse(state, "--halves takes one record");
	if (given->halves && given->same != NULL)
		return command_refuse(state, "--halves is not held against a second record");
	if (!given->halves && given->paths_count < 2)
		return command_refuse(state, "which records? Two at least");
	return 0;
}

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
	struct given *given = state->input;

	switch (key) {
	case OPTION_SAME:
		given->same = argument;
		return 0;
	case OPTION_HALVES:
		given->halves = true;
		return 0;
	case OPTION_UNLIKE:
		given->unlike = true;
		return 0;
	case OPTION_SEED:
		return take_seed(state, given, argument);
	case OPTION_JSON:
		given->lines = true;
		return 0;
	case OPTION_VERBOSE:
		given->verbose = true;
		return 0;
	case ARGP_KEY_ARG:
		given->paths = pool_grow(
			given->pool, given->paths, given->paths_count, sizeof(*given->paths));
		given->paths[given->paths_count++] = argument;
		return 0;
	case ARGP_KEY_END:
		return check_together(state, given);
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = argp_options,
	.parser = parse_option,
	.args_doc = "BEFORE AFTER...",
	.doc = "Compares records: counts exactly, times as ratios between launches. Exit status 1 "
	       "when something became worse: a time longer than the noise between equal launches "
	       "allows for, or a verdict. What cannot be decided says how many launches would.",
};

/* --- what is printed ------------------------------------------------------------------------- */

static const char *answer_word(const struct decide_row *row)
{
	switch (row->answer) {
	case DECIDE_CHANGED:
		return row->ratio > 1 ? "slower" : "faster";
	case DECIDE_UNCHANGED:
		return "unchanged";
	case DECIDE_INCONCLUSIVE:
		break;
	}
	return "inconclusive";
}

static const char *percent(struct pool *pool, double ratio)
{
	return pool_format(pool, "%+.1f %%", (ratio - 1) * 100);
}

static const char *interval_text(struct pool *pool, const struct decide_row *row)
{
	if (!row->has_interval)
		return "too few launches";
	return pool_format(pool, "%s to %s", percent(pool, row->low), percent(pool, row->high));
}

static const char *limit_text(struct pool *pool, double ratio)
{
	return isfinite(ratio) ? pool_format(pool, "%.1f %%", (ratio - 1) * 100) : "none";
}

static const char *launches_text(struct pool *pool, const struct compare_time *time)
{
	const struct decide_row *row = &time->decision;
	const size_t left_out = time->before->left_out_count + time->after->left_out_count;
	const char *text = pool_format(pool, "%zu : %zu", row->before.count, row->after.count);

	if (left_out != 0)
		text = pool_format(pool, "%s, %zu left out", text, left_out);
	if (row->launches_wanted != 0)
		text = pool_format(pool, "%s, %u each would decide", text, row->launches_wanted);
	else if (row->answer == DECIDE_INCONCLUSIVE)
		text = pool_format(pool, "%s, a quieter machine is needed", text);
	return text;
}

static const char *name_of(struct pool *pool, const struct series *series)
{
	return style_plain(pool,
		series->at[0] == '\0'
			? pool_format(pool, "%s %s", series->id, series->quantity)
			: pool_format(pool, "%s %s[%s]", series->id, series->quantity, series->at));
}

static void print_times(const struct given *given, const struct comparison *comparison)
{
	static const char *const columns[] = {"QUANTITY", "IN", "ANSWER", "CHANGE", "INTERVAL",
		"FLOOR", "DETECTABLE", "LAUNCHES"};
	struct libscols_table *table = scols_new_table();

	if (table == NULL)
		abort();
	for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++)
		(void)scols_table_new_column(table, columns[i], 0, 0);
	(void)scols_table_set_stream(table, stdout);
	for (size_t i = 0; i < comparison->times_count; i++) {
		const struct compare_time *time = &comparison->times[i];
		const struct decide_row *row = &time->decision;
		if (row->answer == DECIDE_UNCHANGED && !given->verbose)
			continue;
		struct libscols_line *line = scols_table_new_line(table, NULL);
		const char *const cells[] = {name_of(given->pool, time->before),
			given->halves ? "other half" : given->paths[time->record], answer_word(row),
			percent(given->pool, row->ratio), interval_text(given->pool, row),
			limit_text(given->pool, row->floor),
			limit_text(given->pool, row->detectable), launches_text(given->pool, time)};
		for (size_t k = 0; k < sizeof(cells) / sizeof(cells[0]); k++)
			(void)scols_line_set_data(line, k, cells[k]);
	}
	if (!scols_table_is_empty(table)) {
		(void)putchar('\n');
		(void)scols_print_table(table);
	}
	scols_unref_table(table);
}

static void print_counts(const struct given *given, const struct comparison *comparison)
{
	for (size_t i = 0; i < comparison->counts_changed; i++) {
		const struct compare_count *count = &comparison->counts[i];
		(void)printf("%scount %s: %s, in %s %s\n", i == 0 ? "\n" : "",
			name_of(given->pool, count->before),
			style_plain(given->pool, count->before->reading),
			given->paths[count->record],
			style_plain(given->pool, count->after->reading));
	}
	for (size_t i = 0; i < comparison->verdicts.count; i++)
		(void)printf("%sworse: %s\n", i == 0 ? "\n" : "",
			style_plain(given->pool, comparison->verdicts.items[i]));
}

static void print_summary(const struct comparison *comparison)
{
	size_t slower = 0;

	for (size_t i = 0; i < comparison->times_count; i++)
		slower += comparison->times[i].decision.answer == DECIDE_CHANGED &&
			  comparison->times[i].decision.ratio > 1;
	(void)printf("%zu slower, %zu faster, %zu unchanged within the floor, %zu inconclusive; "
		     "%zu counts the same, %zu changed; %zu verdicts worse",
		slower, compare_tally(comparison, DECIDE_CHANGED) - slower,
		compare_tally(comparison, DECIDE_UNCHANGED),
		compare_tally(comparison, DECIDE_INCONCLUSIVE), comparison->counts_same,
		comparison->counts_changed, comparison->verdicts.count);
	if (comparison->unmatched != 0)
		(void)printf("; %zu only in one record", comparison->unmatched);
	(void)putchar('\n');
}

static json_int_t millionths(double ratio)
{
	return isfinite(ratio) ? (json_int_t)llround(ratio * PPM) : 0;
}

static void print_line(json_t *object)
{
	char *text = object == NULL ? NULL : json_dumps(object, JSON_COMPACT);

	(void)puts(text != NULL ? text : "{}");
	free(text);
	json_decref(object);
}

/* A figure of 0 is one that there is not: no ratio is. */
static void print_lines(const struct given *given, const struct comparison *comparison)
{
	for (size_t i = 0; i < comparison->times_count; i++) {
		const struct compare_time *time = &comparison->times[i];
		const struct decide_row *row = &time->decision;
		print_line(json_pack(
			"{s:s,s:s,s:s,s:s,s:s,s:s,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "type",
			"time", "case", time->before->id, "quantity", time->before->quantity, "at",
			time->before->at, "in", given->halves ? "" : given->paths[time->record],
			"answer", answer_word(row), "ratio-ppm", millionths(row->ratio), "low-ppm",
			millionths(row->low), "high-ppm", millionths(row->high), "adjusted-p-ppm",
			millionths(row->adjusted), "floor-ppm", millionths(row->floor),
			"detectable-ppm", millionths(row->detectable), "launches-before",
			(json_int_t)row->before.count, "launches-after",
			(json_int_t)row->after.count, "launches-wanted",
			(json_int_t)row->launches_wanted));
	}
	for (size_t i = 0; i < comparison->counts_changed; i++) {
		const struct compare_count *count = &comparison->counts[i];
		print_line(json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s}", "type", "count", "case",
			count->before->id, "quantity", count->before->quantity, "at",
			count->before->at, "in", given->paths[count->record], "before",
			count->before->reading, "after", count->after->reading));
	}
	for (size_t i = 0; i < comparison->verdicts.count; i++)
		print_line(json_pack(
			"{s:s,s:s}", "type", "verdict", "worse", comparison->verdicts.items[i]));
}

/* --- from the records ------------------------------------------------------------------------ */

static bool read_all(const struct given *given, struct record *records)
{
	for (size_t i = 0; i < given->paths_count; i++)
		if (!record_read(&records[i], given->paths[i], RECORD_ENDED))
			return false;
	return true;
}

/* What the machines differ in, and whether they may be compared at all. */
static bool check_hosts(const struct given *given, const struct record *first,
	const struct record *other, bool must_be_alike)
{
	size_t count = 0;
	const struct compare_difference *items = compare_hosts(given->pool, first, other, &count);

	if (items == NULL)
		return false;
	for (size_t i = 0; i < count; i++) {
		const char *name = style_plain(given->pool, items[i].name);
		const char *before = style_plain(given->pool, items[i].before);
		const char *after = style_plain(given->pool, items[i].after);
		if (items[i].unlike && must_be_alike) {
			message("%s is of another machine than %s: %s was %s and is %s (--unlike "
				"compares them all the same)",
				other->path, first->path, name, before, after);
			return false;
		}
		if (!given->lines)
			(void)printf("  %s: %s, in %s %s\n", name, before, other->path, after);
	}
	if (!given->lines && strcmp(first->header.model, other->header.model) != 0)
		(void)printf("  %s was made by other probes (model %s, not %s): what they time may "
			     "not be the same\n",
			other->path, style_plain(given->pool, other->header.model),
			style_plain(given->pool, first->header.model));
	return true;
}

static enum exit_status compare_given(
	const struct given *given, struct record *records, struct record *same)
{
	const struct record **others = pool_take(given->pool, given->paths_count * sizeof(*others));
	struct comparison comparison;

	if (!read_all(given, records) ||
		(given->same != NULL && !record_read(same, given->same, RECORD_ENDED)))
		return EXIT_MISUSED;
	for (size_t i = 0; i < given->paths_count; i++) {
		others[i] = &records[i];
		if (i != 0 && !check_hosts(given, &records[0], &records[i], !given->unlike))
			return EXIT_MISUSED;
	}
	/* The floor is the first machine's own: nothing makes another one's fit. */
	if (given->same != NULL && !check_hosts(given, &records[0], same, true))
		return EXIT_MISUSED;
	if (given->halves)
		compare_halves(given->pool, &records[0], given->seed, &comparison);
	else
		compare_records(given->pool, others, given->paths_count,
			given->same != NULL ? same : NULL, given->seed, &comparison);
	if (comparison.times_count + comparison.counts_same + comparison.counts_changed == 0) {
		message("the records have nothing in common that could be compared");
		return EXIT_NOTHING;
	}
	if (given->lines) {
		print_lines(given, &comparison);
	} else {
		print_summary(&comparison);
		print_counts(given, &comparison);
		print_times(given, &comparison);
	}
	return compare_is_worse(&comparison) ? EXIT_DEVIATES : EXIT_CONFORMS;
}

int command_compare(int argc, char **argv)
{
	struct pool POOL_DROPS pool = {0};
	struct given given = {.pool = &pool, .seed = 1};
	struct record same = {0};

	if (!command_parse(&argp, argc, argv, &given))
		return EXIT_MISUSED;
	struct record *records = pool_take(&pool, given.paths_count * sizeof(*records));
	const enum exit_status status = compare_given(&given, records, &same);
	for (size_t i = 0; i < given.paths_count; i++)
		record_drop(&records[i]);
	record_drop(&same);
	return (int)status;
}
