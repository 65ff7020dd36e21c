/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JUnit's XML in the dialect that all readers take: a suite a chapter, no attribute that a strict
 * schema refuses, decimal times, every name unique, and each reason both as message and as text,
 * because some readers show only the one and some only the other.
 */
#include <inttypes.h>
#include <string.h>

#include "facts/facts.h"
#include "report/formats.h"
#include "report/xml.h"
#include "suite/cases.h"
#include "suite/claims.h"

#define US_PER_S  INT64_C(1000000)
#define US_PER_MS INT64_C(1000)

struct counts {
	size_t tests, failures, errors, skipped;
	int64_t duration_us;
};

static const char *id_of(struct pool *pool, const struct record_verdict *verdict)
{
	return case_id(pool, verdict->kind, verdict->probe, &verdict->parameters);
}

/* A case that shows several claims took its time once: its first claim has it. */
static int64_t duration_us(
	struct pool *pool, const struct outcome *outcome, const struct record_verdict *verdict)
{
	const struct record *record = outcome->record;
	const char *id = id_of(pool, verdict);
	const struct record_verdict *first = outcome->judgement->verdicts;
	int64_t sum_us = 0;

	while (strcmp(first->probe, verdict->probe) != 0 || strcmp(first->kind, verdict->kind) != 0)
		first++;
	if (strcmp(first->claim, verdict->claim) != 0)
		return 0;
	for (size_t i = 0; i < record->launches_count; i++)
		if (strcmp(record->launches[i].id, id) == 0)
			sum_us += record->launches[i].trial.duration_us;
	return sum_us;
}

static void count(struct counts *counts, enum verdict verdict)
{
	counts->tests++;
	switch (verdict) {
	case VERDICT_PASS:
	case VERDICT_MODEL:
	case VERDICT_KNOWN:
		return;
	case VERDICT_DEVIATION:
		counts->failures++;
		return;
	case VERDICT_ERROR:
		counts->errors++;
		return;
	case VERDICT_INCONCLUSIVE:
	case VERDICT_SKIP:
	case VERDICT_SILENT:
	case VERDICT_LIMIT:
		counts->skipped++;
		return;
	}
}

static const char *number(struct xml *xml, size_t value)
{
	return pool_format(&xml->pool, "%zu", value);
}

static const char *seconds(struct xml *xml, int64_t us)
{
	return pool_format(
		&xml->pool, "%" PRId64 ".%03" PRId64, us / US_PER_S, us % US_PER_S / US_PER_MS);
}

static const char *story(
	struct xml *xml, const struct outcome *outcome, const struct record_verdict *verdict)
{
	return pool_format(&xml->pool,
		"linux: %s; textbook: %s; measured: %s; because: %s; cite: %s; again: %s",
		verdict->expected, verdict->textbook_expected, verdict->observed, verdict->because,
		verdict->cite, outcome_again(&xml->pool, &outcome->record->header, verdict->claim));
}

static void put_result(
	struct xml *xml, const struct outcome *outcome, const struct record_verdict *verdict)
{
	const char *reason = pool_format(&xml->pool, "%s: %s", verdict->verdict, verdict->because);

	switch (verdict_of_word(verdict->verdict)) {
	case VERDICT_PASS:
	case VERDICT_MODEL:
		return;
	case VERDICT_DEVIATION:
		xml_element(xml, "failure", story(xml, outcome, verdict), "type", "deviation",
			"message",
			pool_format(&xml->pool, "linux: %s; measured: %s", verdict->expected,
				verdict->observed),
			NULL);
		return;
	case VERDICT_ERROR:
		xml_element(xml, "error", story(xml, outcome, verdict), "type", "error", "message",
			verdict->because, NULL);
		return;
	case VERDICT_KNOWN:
		xml_element(xml, "system-out",
			pool_format(&xml->pool, "known deviation: %s; %s",
				verdict->known_count != 0 ? verdict->known[0].reason : "",
				story(xml, outcome, verdict)),
			NULL);
		return;
	case VERDICT_INCONCLUSIVE:
	case VERDICT_SKIP:
	case VERDICT_SILENT:
	case VERDICT_LIMIT:
		xml_element(xml, "skipped", reason, "message", reason, NULL);
		return;
	}
}

static struct counts count_all(struct pool *pool, const struct outcome *outcome,
	const struct claim_digest *digests, size_t digests_count)
{
	struct counts counts = {0};

	for (size_t i = 0; i < digests_count; i++)
		for (size_t k = 0; k < digests[i].members_count; k++) {
			const struct record_verdict *verdict = digests[i].members[k];
			count(&counts, verdict_of_word(verdict->verdict));
			counts.duration_us += duration_us(pool, outcome, verdict);
		}
	return counts;
}

static void put_claim(struct xml *xml, const struct outcome *outcome, const char *package,
	const struct claim_digest *digest)
{
	for (size_t i = 0; i < digest->members_count; i++) {
		const struct record_verdict *verdict = digest->members[i];
		xml_start(xml, "testcase", "classname",
			pool_format(&xml->pool, "%s.%s", package, verdict->claim), "name",
			id_of(&xml->pool, verdict), "time",
			seconds(xml, duration_us(&xml->pool, outcome, verdict)), NULL);
		put_result(xml, outcome, verdict);
		xml_end(xml);
	}
}

static void put_chapter(struct xml *xml, const struct outcome *outcome, const char *package,
	const struct claim_digest *digests, size_t digests_count)
{
	const struct counts counts = count_all(&xml->pool, outcome, digests, digests_count);
	const char *title = claim_chapter(digests[0].claim);
	const char *started = outcome->record->header.started;

	xml_start(xml, "testsuite", "name", title != NULL ? title : "Other", "package", package,
		"tests", number(xml, counts.tests), "failures", number(xml, counts.failures),
		"errors", number(xml, counts.errors), "skipped", number(xml, counts.skipped),
		"time", seconds(xml, counts.duration_us), "timestamp",
		/* Strict readers want no zone; it is UTC. */
		pool_text_of(&xml->pool, started, strcspn(started, "Z")), NULL);
	for (size_t i = 0; i < digests_count; i++)
		put_claim(xml, outcome, package, &digests[i]);
	xml_end(xml);
}

static void put_outcome(struct xml *xml, const struct outcome *outcome, bool is_only)
{
	const struct digest_list digests = digest_of(&xml->pool, outcome->judgement);
	const char *package = "mmconform";
	size_t from = 0;

	if (!is_only)
		package = pool_format(&xml->pool, "mmconform-%s", outcome_id(&xml->pool, outcome));
	for (size_t at = 1; at <= digests.count; at++) {
		if (at < digests.count && claim_chapter_order(digests.items[at].claim) ==
						  claim_chapter_order(digests.items[from].claim))
			continue;
		put_chapter(xml, outcome, package, &digests.items[from], at - from);
		from = at;
	}
}

bool junit_output(FILE *stream, const struct outcome_list *outcomes)
{
	struct counts all = {0};
	struct xml xml;

	xml_open(&xml);
	for (size_t i = 0; i < outcomes->count; i++) {
		const struct outcome *outcome = &outcomes->items[i];
		for (size_t k = 0; k < outcome->judgement->count; k++)
			count(&all, verdict_of_word(outcome->judgement->verdicts[k].verdict));
		all.duration_us += outcome->summary->duration_ms * US_PER_MS;
	}
	xml_raw(&xml, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
	xml_start(&xml, "testsuites", "name", "mmconform", "tests", number(&xml, all.tests),
		"failures", number(&xml, all.failures), "errors", number(&xml, all.errors), "time",
		seconds(&xml, all.duration_us), NULL);
	for (size_t i = 0; i < outcomes->count; i++)
		put_outcome(&xml, &outcomes->items[i], outcomes->count == 1);
	xml_end(&xml);
	xml_raw(&xml, "\n");
	return xml_close(&xml, stream);
}
