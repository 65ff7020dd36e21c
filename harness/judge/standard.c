/* SPDX-License-Identifier: Apache-2.0 */
#include "judge/standard.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/pattern.h"
#include "suite/cases.h"

__attribute__((format(printf, 2, 3))) static void fall_short(
	struct shortfalls *shortfalls, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	shortfalls->items = pool_grow(
		shortfalls->pool, shortfalls->items, shortfalls->count, sizeof(const char *));
	shortfalls->items[shortfalls->count++] =
		pool_format_list(shortfalls->pool, format, arguments);
	va_end(arguments);
}

/* --- required passes ------------------------------------------------------------------------- */

static bool is_good(const struct record_verdict *verdict)
{
	const enum verdict word = verdict_of_word(verdict->verdict);

	return word == VERDICT_PASS || word == VERDICT_MODEL;
}

static void require(const struct required_entry *entry, const struct judgement *judgement,
	struct shortfalls *shortfalls)
{
	const char *why = NULL;
	struct pattern PATTERN_DROPS *pattern =
		pattern_compile(entry->cases != NULL ? entry->cases : "", &why);
	const struct record_verdict *first_bad = NULL;
	size_t good = 0, bad = 0;

	for (size_t i = 0; i < judgement->count; i++) {
		const struct record_verdict *verdict = &judgement->verdicts[i];
		struct pool POOL_DROPS pool = {0};
		if (strcmp(verdict->claim, entry->claim) != 0 ||
			!pattern_found(pattern, case_id(&pool, verdict->kind, verdict->probe,
							&verdict->parameters)))
			continue;
		good += is_good(verdict);
		bad += !is_good(verdict);
		first_bad = !is_good(verdict) && first_bad == NULL ? verdict : first_bad;
	}
	if (first_bad != NULL)
		fall_short(shortfalls, "%s has to pass: %zu of %zu do not, first %s: %s",
			entry->claim, bad, good + bad,
			case_id(shortfalls->pool, first_bad->kind, first_bad->probe,
				&first_bad->parameters),
			first_bad->verdict);
	else if (good == 0)
		fall_short(shortfalls, "%s has to pass, and was not run", entry->claim);
}

void standard_require(const struct required_list *list, const struct judgement *judgement,
	struct shortfalls *shortfalls)
{
	for (size_t i = 0; i < list->required_count; i++)
		require(&list->required[i], judgement, shortfalls);
}

/* --- an earlier record ----------------------------------------------------------------------- */

static unsigned badness(const char *word)
{
	switch (verdict_of_word(word)) {
	case VERDICT_PASS:
	case VERDICT_MODEL:
		return 0;
	case VERDICT_KNOWN:
		return 1;
	case VERDICT_SILENT:
	case VERDICT_SKIP:
	case VERDICT_INCONCLUSIVE:
		return 2;
	case VERDICT_DEVIATION:
		return 3;
	case VERDICT_ERROR:
	case VERDICT_LIMIT:
		break;
	}
	return 4;
}

/* A verdict with the text that it is found by. */
struct keyed {
	const char *key;
	const struct record_verdict *verdict;
};

static int by_key(const void *left, const void *right)
{
	return strcmp(((const struct keyed *)left)->key, ((const struct keyed *)right)->key);
}

static const char *key_of(struct pool *pool, const struct record_verdict *verdict)
{
	return pool_format(pool, "%s %s", verdict->claim,
		case_id(pool, verdict->kind, verdict->probe, &verdict->parameters));
}

static void hold_against(const struct record_verdict *before, const struct record_verdict *now,
	struct shortfalls *shortfalls)
{
	const char *id =
		case_id(shortfalls->pool, before->kind, before->probe, &before->parameters);

	if (now == NULL && badness(before->verdict) < badness("error"))
		fall_short(shortfalls, "%s of %s was %s and was not run", id, before->claim,
			before->verdict);
	else if (now != NULL && badness(now->verdict) > badness(before->verdict))
		fall_short(shortfalls, "%s of %s was %s and is %s", id, before->claim,
			before->verdict, now->verdict);
}

static void hold_all(const struct record *before, const struct pattern *selected, bool wants_all,
	const struct judgement *judgement, struct shortfalls *shortfalls)
{
	struct pool POOL_DROPS pool = {0};
	struct keyed *now = pool_take(&pool, judgement->count * sizeof(*now));

	for (size_t i = 0; i < judgement->count; i++)
		now[i] = (struct keyed){
			key_of(&pool, &judgement->verdicts[i]), &judgement->verdicts[i]};
	if (judgement->count > 1)
		qsort(now, judgement->count, sizeof(*now), by_key);
	for (size_t i = 0; i < before->verdicts_count; i++) {
		const struct record_verdict *verdict = &before->verdicts[i];
		if (selected != NULL && !pattern_found(selected, verdict->claim))
			continue;
		const struct keyed wanted = {key_of(&pool, verdict), verdict};
		const struct keyed *found =
			bsearch(&wanted, now, judgement->count, sizeof(*now), by_key);
		if (found != NULL || wants_all)
			hold_against(verdict, found != NULL ? found->verdict : NULL, shortfalls);
	}
}

void standard_baseline(const struct record *baseline, const char *selection,
	const struct judgement *judgement, struct shortfalls *shortfalls)
{
	const char *why = NULL;
	struct pattern PATTERN_DROPS *pattern =
		pattern_compile(selection != NULL ? selection : "", &why);

	hold_all(baseline, pattern, true, judgement, shortfalls);
}

void standard_compare(const struct record *before, const struct judgement *judgement,
	struct shortfalls *shortfalls)
{
	hold_all(before, NULL, false, judgement, shortfalls);
}
