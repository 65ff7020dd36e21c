/* SPDX-License-Identifier: Apache-2.0 */
/* What needs a reader: a line under the verdict, and each deviation with everything known of it. */
#include <string.h>

#include "report/page.h"

/* Deviations of one claim that are shown in full; the claim's own row has the others. */
#define SHOWN_OF_A_CLAIM 3

/* Claims that are named under the verdict. */
#define SHORTLIST_MOST 8

/* Line by line: what is not one line in a record is not one line here. */
static void put_script(struct page *page, const char *script)
{
	xml_start(page->xml, "details", NULL);
	xml_element(page->xml, "summary", "the scenario", NULL);
	xml_start(page->xml, "pre", NULL);
	for (const char *at = script; *at != '\0';) {
		const size_t length = strcspn(at, "\n");
		xml_text(page->xml, pool_text_of(page->pool, at, length));
		xml_raw(page->xml, "\n");
		at += length + (at[length] == '\n');
	}
	xml_end(page->xml);
	xml_end(page->xml);
}

static void put_known(struct page *page, const struct record_verdict *verdict)
{
	for (size_t i = 0; i < verdict->known_count; i++)
		page_term(page, "known",
			pool_format(page->pool, "%s (%s, until %s)", verdict->known[i].reason,
				verdict->known[i].link, verdict->known[i].expires));
}

/* One case may show several claims: it is told once, under all of them. */
static bool same_story(const struct record_verdict *a, const struct record_verdict *b)
{
	return strcmp(a->probe, b->probe) == 0 && strcmp(a->kind, b->kind) == 0 &&
	       strcmp(a->verdict, b->verdict) == 0 && strcmp(a->expected, b->expected) == 0 &&
	       strcmp(a->observed, b->observed) == 0 && strcmp(a->because, b->because) == 0;
}

static void put_heading(struct page *page, size_t index, const struct record_verdict *verdict)
{
	const struct judgement *judgement = page->outcomes->items[index].judgement;
	struct xml *xml = page->xml;

	xml_start(xml, "h3", NULL);
	page_word(page, verdict->verdict);
	xml_text(xml, " ");
	page_claim_link(page, verdict->claim);
	for (size_t i = 0; i < judgement->count; i++) {
		const struct record_verdict *other = &judgement->verdicts[i];
		if (strcmp(other->claim, verdict->claim) == 0 || !same_story(other, verdict) ||
			strcmp(page_case_id(page, other), page_case_id(page, verdict)) != 0)
			continue;
		xml_text(xml, ", ");
		page_claim_link(page, other->claim);
	}
	if (page->outcomes->count > 1)
		xml_element(xml, "small", page->labels[index], NULL);
	xml_end(xml);
}

static void put_measured(struct page *page, const struct record_verdict *verdict)
{
	const char *distance = outcome_distance(page->pool, verdict);

	if (verdict->observed[0] == '\0')
		return;
	xml_element(page->xml, "dt", "measured", NULL);
	xml_start(page->xml, "dd", NULL);
	xml_element(page->xml, "strong", verdict->observed, NULL);
	if (distance[0] != '\0')
		xml_element(page->xml, "em",
			pool_format(page->pool, "%s than linux says", distance), NULL);
	xml_end(page->xml);
}

/* What a reader who has never seen the program does next. */
static const char *what_to_do(const struct record_verdict *verdict)
{
	switch (verdict_of_word(verdict->verdict)) {
	case VERDICT_DEVIATION:
		return strcmp(verdict->reading, "mismodelled") == 0
			       ? "Run the command below. If it comes again: the textbook is right "
				 "here and the linux model is not, so the model has an error, or "
				 "this kernel does what no kernel did that it was made from. Hold "
				 "it against another kernel (run --guest) and report the record."
			       : "Run the command below. If it comes again, neither model explains "
				 "this kernel: hold it against another one (run --guest), and "
				 "report it to whoever builds the kernel, with the record. What is "
				 "known and accepted belongs into suites/known.yaml.";
	case VERDICT_ERROR:
		return "Nothing is said about the kernel: the check itself failed. Run the command "
		       "below; if it fails again, report it with the record.";
	case VERDICT_KNOWN:
		return "Nothing: it is listed as known, and does not fail the run until then.";
	case VERDICT_PASS:
	case VERDICT_INCONCLUSIVE:
	case VERDICT_SKIP:
	case VERDICT_MODEL:
	case VERDICT_SILENT:
	case VERDICT_LIMIT:
		break;
	}
	return "";
}

static void put_card(struct page *page, size_t index, const struct record_verdict *verdict)
{
	const struct outcome *outcome = &page->outcomes->items[index];
	const char *script = outcome_script(outcome->record, verdict);
	const char *statement = page_statement(page, verdict->claim);
	struct xml *xml = page->xml;

	xml_start(xml, "article", "class", pool_format(page->pool, "card %s", verdict->verdict),
		NULL);
	put_heading(page, index, verdict);
	if (statement[0] != '\0')
		xml_element(xml, "p", statement, NULL);
	xml_start(xml, "dl", NULL);
	put_measured(page, verdict);
	page_term(page, "linux says", verdict->expected);
	page_term(page, "textbook says", verdict->textbook_expected);
	page_term(page, "because", outcome_because(page->pool, outcome->record, verdict));
	page_term(page, "source", verdict->cite);
	page_term(page, "case", page_case_id(page, verdict));
	put_known(page, verdict);
	page_term(page, "what to do", what_to_do(verdict));
	page_code_term(page, "see it again",
		outcome_again(page->pool, &outcome->record->header, verdict->claim));
	xml_end(xml);
	if (script != NULL)
		put_script(page, script);
	xml_end(xml);
}

/* Stories of one verdict, each once, in the order of the chapters. */
static size_t put_cards(struct page *page, size_t index, enum verdict wanted)
{
	const struct digest_list *digests = &page->digests[index];
	const struct record_verdict **told = NULL;
	size_t told_count = 0;

	for (size_t i = 0; i < digests->count; i++) {
		const struct claim_digest *digest = &digests->items[i];
		size_t shown = 0, left = 0;
		for (size_t k = 0; k < digest->members_count; k++) {
			const struct record_verdict *verdict = digest->members[k];
			size_t at = 0;
			if (verdict_of_word(verdict->verdict) != wanted)
				continue;
			while (at < told_count && !same_story(told[at], verdict))
				at++;
			if (at < told_count || shown == SHOWN_OF_A_CLAIM) {
				left += at == told_count;
				continue;
			}
			told = pool_grow(page->pool, told, told_count, sizeof(*told));
			told[told_count++] = verdict;
			put_card(page, index, verdict);
			shown++;
		}
		if (left != 0)
			xml_element(page->xml, "p",
				pool_format(page->pool, "%zu more cases of %s: see its row below.",
					left, digest->claim),
				NULL);
	}
	return told_count;
}

void page_deviations(struct page *page)
{
	static const enum verdict wanted[] = {VERDICT_DEVIATION, VERDICT_ERROR, VERDICT_KNOWN};
	size_t count = 0;

	xml_start(page->xml, "section", "id", "deviations", NULL);
	xml_element(page->xml, "h2", "Deviations", NULL);
	for (size_t k = 0; k < sizeof(wanted) / sizeof(wanted[0]); k++)
		for (size_t i = 0; i < page->outcomes->count; i++)
			count += put_cards(page, i, wanted[k]);
	if (count == 0)
		xml_element(page->xml, "p",
			"None: wherever the linux model speaks, the kernel does what it says.",
			NULL);
	xml_end(page->xml);
}

/* --- the short list -------------------------------------------------------------------------- */

static bool needs_a_reader(const struct claim_digest *digest)
{
	return digest->verdict == VERDICT_DEVIATION || digest->verdict == VERDICT_ERROR;
}

static void put_short(struct page *page, const struct claim_digest *digest)
{
	const struct record_verdict *shown = digest->shown;
	const char *distance = outcome_distance(page->pool, shown);
	struct xml *xml = page->xml;

	xml_start(xml, "li", NULL);
	page_word(page, shown->verdict);
	xml_text(xml, " ");
	page_claim_link(page, digest->claim);
	if (digest->verdict == VERDICT_DEVIATION)
		xml_text(xml,
			pool_format(page->pool, ": measured %s, linux says %s%s%s", shown->observed,
				shown->expected, distance[0] == '\0' ? "" : ": ", distance));
	else
		xml_text(xml, pool_format(page->pool, ": %s", shown->because));
	xml_end(xml);
}

void page_shortlist(struct page *page, size_t index)
{
	const struct digest_list *digests = &page->digests[index];
	size_t count = 0;

	for (size_t i = 0; i < digests->count; i++) {
		if (!needs_a_reader(&digests->items[i]))
			continue;
		if (count == 0)
			xml_start(page->xml, "ul", "class", "shortlist", NULL);
		if (count++ < SHORTLIST_MOST)
			put_short(page, &digests->items[i]);
	}
	if (count > SHORTLIST_MOST)
		xml_element(page->xml, "li",
			pool_format(page->pool, "and %zu more claims", count - SHORTLIST_MOST),
			NULL);
	if (count != 0)
		xml_end(page->xml);
}
