/* SPDX-License-Identifier: Apache-2.0 */
#include "report/outcome.h"

#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <threads.h>
#include <unistd.h>

#include "suite/claims.h"

#define ID_CHARACTERS 12
#define THREADS_MOST  16

/* --- reading --------------------------------------------------------------------------------- */

static struct judgement judgement_of(struct pool *pool, const struct record *record)
{
	struct judgement judgement = {
		.pool = pool,
		.count = record->verdicts_count,
		.verdicts = record->verdicts,
	};

	for (size_t i = 0; i < record->summary.notes_count; i++)
		judgement_note(&judgement, "%s", record->summary.notes[i]);
	for (size_t i = 0; i < judgement.count; i++) {
		const enum verdict verdict = verdict_of_word(judgement.verdicts[i].verdict);
		if (verdict != VERDICT_LIMIT)
			judgement.tally[verdict]++;
	}
	return judgement;
}

/* Records are independent, and large: they are read by as many threads as there are processors. */
struct readers {
	const struct outcome_request *request;
	struct record *records;
	bool *good;
	atomic_size_t next;
};

static int read_some(void *argument)
{
	struct readers *readers = argument;
	const struct outcome_request *request = readers->request;
	size_t i = 0;

	while ((i = atomic_fetch_add(&readers->next, 1)) < request->paths_count)
		readers->good[i] = record_read(&readers->records[i], request->paths[i],
			request->whole		      ? RECORD_ENDED
			: i < request->observed_count ? RECORD_REPORTED
						      : RECORD_VERDICTS);
	return 0;
}

static bool read_all(
	struct pool *pool, const struct outcome_request *request, struct record *records)
{
	struct readers readers = {
		.request = request,
		.records = records,
		.good = pool_take(pool, request->paths_count * sizeof(bool)),
	};
	thrd_t threads[THREADS_MOST];
	const long processors = sysconf(_SC_NPROCESSORS_ONLN);
	size_t count = 0;
	bool good = true;

	/* This thread is one of them; where no other can be made it reads all. */
	while (count < THREADS_MOST && (long)count + 1 < processors &&
		count + 1 < request->paths_count &&
		thrd_create(&threads[count], read_some, &readers) == thrd_success)
		count++;
	(void)read_some(&readers);
	for (size_t i = 0; i < count; i++)
		(void)thrd_join(threads[i], NULL);
	for (size_t i = 0; i < request->paths_count; i++)
		good = good && readers.good[i];
	return good;
}

bool outcomes_read(
	struct pool *pool, const struct outcome_request *request, struct outcome_list *outcomes)
{
	struct outcome *items = pool_take(pool, request->paths_count * sizeof(*items));
	struct record *records = pool_take(pool, request->paths_count * sizeof(*records));
	struct judgement *judgements = pool_take(pool, request->paths_count * sizeof(*judgements));
	struct errata_list errata = {0};

	*outcomes = (struct outcome_list){.items = items};
	if (!errata_load(pool, request->errata_path, &errata))
		return false;
	const bool good = read_all(pool, request, records);
	for (size_t i = 0; i < request->paths_count; i++) {
		judgements[i] = judgement_of(pool, &records[i]);
		errata_apply(&errata, &records[i], &judgements[i]);
		records[i].summary.notes_count = judgements[i].notes_count;
		records[i].summary.notes = judgements[i].notes;
		items[i] = (struct outcome){&records[i], &judgements[i], &records[i].summary};
	}
	outcomes->count = request->paths_count;
	return good;
}

void outcomes_drop(const struct outcome_list *outcomes)
{
	/* What was read here was taken from a pool of ours, not const. */
	for (size_t i = 0; i < outcomes->count; i++)
		record_drop((struct record *)outcomes->items[i].record);
}

/* --- putting together ------------------------------------------------------------------------ */

/* What a reader must know first is first: a claim that passed in one case and was skipped in
 * another has passed. */
static unsigned rank(enum verdict verdict)
{
	switch (verdict) {
	case VERDICT_DEVIATION:
		return 0;
	case VERDICT_ERROR:
		return 1;
	case VERDICT_KNOWN:
		return 2;
	case VERDICT_INCONCLUSIVE:
		return 3;
	case VERDICT_PASS:
		return 4;
	case VERDICT_MODEL:
		return 5;
	case VERDICT_SKIP:
		return 6;
	case VERDICT_SILENT:
	case VERDICT_LIMIT:
		break;
	}
	return 7;
}

static int by_claim(const void *left, const void *right)
{
	const struct record_verdict *a = *(const struct record_verdict *const *)left;
	const struct record_verdict *b = *(const struct record_verdict *const *)right;
	const size_t a_chapter = claim_chapter_order(a->claim);
	const size_t b_chapter = claim_chapter_order(b->claim);

	if (a_chapter != b_chapter)
		return a_chapter < b_chapter ? -1 : 1;
	const int order = strcmp(a->claim, b->claim);
	if (order != 0)
		return order;
	return (a > b) - (a < b); /* as the record has them */
}

static bool departs(const struct record_verdict *verdict)
{
	return strcmp(verdict->reading, "departs") == 0;
}

static void put_in(struct claim_digest *digest, const struct record_verdict *verdict)
{
	const enum verdict word = verdict_of_word(verdict->verdict);
	const bool first = digest->cases_count == 0;

	if (word != VERDICT_LIMIT)
		digest->tally[word]++;
	digest->cases_count++;
	digest->members_count++;
	digest->departs_count += departs(verdict);
	if (first || rank(word) < rank(digest->verdict) ||
		(word == digest->verdict && departs(verdict) && !departs(digest->shown))) {
		digest->verdict = word;
		digest->shown = verdict;
	}
}

struct digest_list digest_of(struct pool *pool, const struct judgement *judgement)
{
	const struct record_verdict **sorted =
		pool_take(pool, (judgement->count + 1) * sizeof(struct record_verdict *));
	struct claim_digest *digests = pool_take(pool, (judgement->count + 1) * sizeof(*digests));
	struct digest_list list = {.items = digests};

	for (size_t i = 0; i < judgement->count; i++)
		sorted[i] = &judgement->verdicts[i];
	if (judgement->count > 1)
		qsort(sorted, judgement->count, sizeof(*sorted), by_claim);
	for (size_t i = 0; i < judgement->count; i++) {
		if (i == 0 || strcmp(sorted[i]->claim, sorted[i - 1]->claim) != 0)
			digests[list.count++] = (struct claim_digest){
				.claim = sorted[i]->claim, .members = &sorted[i]};
		put_in(&digests[list.count - 1], sorted[i]);
	}
	return list;
}

const struct claim_digest *digest_named(const struct digest_list *digests, const char *claim)
{
	for (size_t i = 0; i < digests->count; i++)
		if (strcmp(digests->items[i].claim, claim) == 0)
			return &digests->items[i];
	return NULL;
}

const struct record_verdict *digest_lesson(const struct claim_digest *digest)
{
	const struct record_verdict *found = NULL;

	for (size_t i = 0; i < digest->members_count; i++) {
		const struct record_verdict *member = digest->members[i];
		if (!departs(member))
			continue;
		if (strcmp(member->kind, "scenario") != 0)
			return member;
		found = found == NULL ? member : found;
	}
	return found != NULL ? found : digest->shown;
}

/* A record may come from anybody, and the command is there to be pasted into a shell. */
static const char *shell_word(struct pool *pool, const char *text)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				    "._/-";
	const char *word = "'";

	if (text[0] != '\0' && text[0] != '-' && strspn(text, plain) == strlen(text))
		return text;
	for (; *text != '\0'; text++)
		word = *text == '\'' ? pool_format(pool, "%s'\\''", word)
				     : pool_format(pool, "%s%c", word, *text);
	return pool_format(pool, "%s'", word);
}

/* The pattern that means this claim and no other. */
static const char *pattern_of(struct pool *pool, const char *claim)
{
	const char *pattern = "^";

	for (; *claim != '\0'; claim++)
		pattern = pool_format(pool, "%s%s%c", pattern,
			strchr("\\^$.[]|()?*+{}", *claim) != NULL ? "\\" : "", *claim);
	return pool_format(pool, "%s$", pattern);
}

const char *outcome_again(struct pool *pool, const struct record_header *header, const char *claim)
{
	const char *command = "mmconform run";

	if (strcmp(header->suite, "exact") != 0)
		command = pool_format(pool, "%s %s", command, shell_word(pool, header->suite));
	if (strcmp(header->profile, "standard") != 0)
		command = pool_format(
			pool, "%s --profile %s", command, shell_word(pool, header->profile));
	for (size_t i = 0; i < header->allow_count; i++)
		command = pool_format(pool, "%s%s%s", command, i == 0 ? " --allow " : ",",
			shell_word(pool, header->allow[i]));
	return pool_format(pool, "%s --seed %" PRIu64 " --claim %s", command, header->seed,
		shell_word(pool, pattern_of(pool, claim)));
}

const char *outcome_expected(struct pool *pool, const struct record_verdict *verdict)
{
	if (strcmp(verdict->kind, "scenario") != 0 || !departs(verdict) ||
		strcmp(verdict->verdict, verdict_word(VERDICT_PASS)) != 0)
		return verdict->expected;
	return pool_format(pool, "%s; %s agree", verdict->observed, verdict->expected);
}

/* "score: 667 pages" is 667 to 667, "12 to 14 pages" is that; and nothing behind but a unit. */
static bool span_of(const char *text, long long span[2])
{
	const char *colon = strstr(text, ": ");
	char *end = NULL;

	text = colon != NULL ? colon + strlen(": ") : text;
	errno = 0;
	span[0] = span[1] = strtoll(text, &end, 10);
	if (end == text || errno != 0)
		return false;
	if (strncmp(end, " to ", strlen(" to ")) == 0) {
		text = end + strlen(" to ");
		span[1] = strtoll(text, &end, 10);
		if (end == text || errno != 0 || span[1] < span[0])
			return false;
	}
	return strpbrk(end, "0123456789,;:[{") == NULL;
}

const char *outcome_distance(struct pool *pool, const struct record_verdict *verdict)
{
	const size_t witness_at = strcspn(verdict->observed, "(");
	const char *measured = pool_text_of(pool, verdict->observed, witness_at);
	long long wanted[2], seen[2], apart = 0;

	if (!span_of(verdict->expected, wanted) || !span_of(measured, seen) || seen[0] != seen[1])
		return "";
	if (seen[0] > wanted[1])
		return __builtin_ssubll_overflow(seen[0], wanted[1], &apart)
			       ? ""
			       : pool_format(pool, "%lld more", apart);
	if (seen[0] < wanted[0])
		return __builtin_ssubll_overflow(wanted[0], seen[0], &apart)
			       ? ""
			       : pool_format(pool, "%lld less", apart);
	return "";
}

const char *outcome_percent(struct pool *pool, int64_t part, int64_t whole)
{
	long long thousand_parts = 0;

	if (whole <= 0 || part < 0 || __builtin_smulll_overflow(part, 1000, &thousand_parts))
		return "";
	const long long tenths = thousand_parts / whole;
	return pool_format(pool, "%lld.%lld", tenths / 10, tenths % 10);
}

const char *outcome_exactness(struct pool *pool, const struct record_verdict *verdict)
{
	const struct record_exactness *exactness = verdict->exactness;

	if (verdict->exactness_count == 0)
		return "";
	return pool_format(pool, "%s %% of %" PRId64 " pages right, %s %% decided",
		outcome_percent(pool, exactness->right, exactness->pages), exactness->pages,
		outcome_percent(pool, exactness->decided, exactness->pages));
}

const char *outcome_script(const struct record *record, const struct record_verdict *verdict)
{
	if (strcmp(verdict->kind, "scenario") != 0)
		return NULL;
	for (size_t i = 0; i < record->scripts_count; i++)
		if (strcmp(record->scripts[i].check, verdict->probe) == 0)
			return record->scripts[i].text;
	return NULL;
}

const char *outcome_because(
	struct pool *pool, const struct record *record, const struct record_verdict *verdict)
{
	static const char word[] = "\npurpose ";
	const char *script = outcome_script(record, verdict);
	const char *purpose = script == NULL ? NULL : strstr(script, word);

	if (verdict->because[0] != '\0' || purpose == NULL)
		return verdict->because;
	purpose += strlen(word);
	return pool_text_of(pool, purpose, strcspn(purpose, "\n"));
}

const char *outcome_id(struct pool *pool, const struct outcome *outcome)
{
	const char *sha256 = outcome->summary->sha256;

	return sha256 == NULL ? "" : pool_text_of(pool, sha256, strnlen(sha256, ID_CHARACTERS));
}
