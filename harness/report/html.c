/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One self-contained page: styles, script and figures are in it, and nothing is fetched. Without
 * its script everything is there to be read; the script finds and filters.
 */
#include <errno.h>
#include <string.h>

#include "base/buffer.h"
#include "base/message.h"
#include "facts/facts.h"
#include "report/formats.h"
#include "report/header.h"
#include "report/page.h"
#include "report/text.h"
#include "suite/data.h"

static const char *file_text(struct pool *pool, const char *name)
{
	const char *path = data_path(pool, name);
	struct buffer BUFFER_DROPS text = {0};
	FILE *stream = fopen(path, "re");
	char chunk[1 << 14];
	size_t got_bytes = 0;

	if (stream == NULL) {
		message("%s: %s", path, strerror(errno));
		return NULL;
	}
	while ((got_bytes = fread(chunk, 1, sizeof(chunk), stream)) != 0)
		buffer_add(&text, chunk, got_bytes);
	(void)fclose(stream);
	return pool_text(pool, text.bytes != NULL ? text.bytes : "");
}

void page_word(struct page *page, const char *word)
{
	xml_element(
		page->xml, "span", word, "class", pool_format(page->pool, "word %s", word), NULL);
}

void page_claim_link(struct page *page, const char *claim)
{
	xml_element(page->xml, "a", claim, "class", "claim-id", "href",
		pool_format(page->pool, "#%s", claim), NULL);
}

/* A second record of one kernel is told by its suite, and by its hash where that is the same. */
static const char *told_apart(struct pool *pool, const struct outcome_list *outcomes,
	const char *const *labels, size_t index)
{
	const struct outcome *outcome = &outcomes->items[index];
	const char *label = labels[index][0] == '\0' ? outcome_id(pool, outcome)
						     : pool_format(pool, "%s %s", labels[index],
							       outcome->record->header.suite);

	for (size_t i = 0; i < index; i++)
		if (strcmp(label, labels[i]) == 0)
			return pool_format(pool, "%s (%s)", label, outcome_id(pool, outcome));
	return label;
}

/* The kernel's release, and where two records have the same, which record. */
static const char *const *labels_of(struct pool *pool, const struct outcome_list *outcomes)
{
	const char **labels = pool_take(pool, (outcomes->count + 1) * sizeof(char *));

	for (size_t i = 0; i < outcomes->count; i++) {
		const struct outcome *outcome = &outcomes->items[i];
		const char *text = outcome->record->facts, *why = NULL;
		struct facts facts;
		labels[i] = facts_from_json(pool, text, strlen(text), &facts, &why)
				    ? facts.text[FACTS_TEXT_RELEASE]
				    : "";
		for (size_t k = 0; k < i; k++)
			if (labels[i][0] == '\0' || strcmp(labels[i], labels[k]) == 0) {
				labels[i] = told_apart(pool, outcomes, labels, i);
				break;
			}
	}
	return labels;
}

static void put_head(struct page *page, const char *title, const char *style)
{
	struct xml *xml = page->xml;

	xml_raw(xml, "<!DOCTYPE html>\n");
	xml_start(xml, "html", "lang", "en", NULL);
	xml_start(xml, "head", NULL);
	xml_raw(xml, "<meta charset=\"utf-8\">\n<meta name=\"viewport\" "
		     "content=\"width=device-width, initial-scale=1\">\n"
		     "<meta name=\"color-scheme\" content=\"light dark\">\n");
	xml_element(xml, "title", title, NULL);
	xml_raw(xml, "\n<style>\n");
	xml_raw(xml, style);
	xml_raw(xml, "</style>\n");
	xml_end(xml);
}

static const char *sentence(struct page *page, const struct outcome *outcome)
{
	return header_verdict_line(page->pool, outcome->judgement, outcome->summary, false);
}

/* One sentence that needs no legend, then the counts. */
static void put_verdict(struct page *page, size_t index)
{
	const struct outcome *outcome = &page->outcomes->items[index];
	const size_t *tally = outcome->judgement->tally;
	const bool good = tally[VERDICT_DEVIATION] == 0 && tally[VERDICT_ERROR] == 0 &&
			  outcome->summary->kernel_log_count == 0 && outcome->summary->complete;
	const char *said =
		tally[VERDICT_DEVIATION] != 0 ? "deviates from what its own model says"
		: tally[VERDICT_ERROR] != 0   ? "could not be judged everywhere: the suite failed"
		: !outcome->summary->complete ? "did what its model says as far as the run came"
		: outcome->summary->kernel_log_count != 0
			? "does what its model says, but the kernel complained"
			: "does what its model says";

	xml_start(page->xml, "p", "class", good ? "verdict good" : "verdict bad", NULL);
	xml_element(page->xml, "strong",
		pool_format(page->pool, "Linux %s %s.", page->labels[index], said), NULL);
	xml_text(page->xml, " ");
	xml_element(page->xml, "span", sentence(page, outcome), "class", "counts", NULL);
	xml_end(page->xml);
	page_shortlist(page, index);
}

static void put_contents(struct page *page, bool has_figures)
{
	static const struct {
		const char *href, *text;
		bool several, figures;
	} parts[] = {
		{"#host", "Host", false, false},
		{"#differences", "Differences", true, false},
		{"#deviations", "Deviations", false, false},
		{"#textbook", "Textbook against this machine", false, false},
		{"#figures", "Figures", false, true},
		{"#claims", "All claims", false, false},
		{"#lectures", "By lecture", false, false},
		{"#skipped", "Not measured", false, false},
		{"#about", "This record", false, false},
	};

	xml_start(page->xml, "nav", NULL);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if ((parts[i].several && page->outcomes->count == 1) ||
			(parts[i].figures && !has_figures))
			continue;
		xml_element(page->xml, "a", parts[i].text, "href", parts[i].href, NULL);
		xml_text(page->xml, " ");
	}
	xml_end(page->xml);
}

static void put_about(struct page *page)
{
	struct xml *xml = page->xml;

	xml_start(xml, "section", "id", "about", NULL);
	xml_element(xml, "h2", page->outcomes->count == 1 ? "This record" : "These records", NULL);
	xml_element(xml, "p",
		"Predictions were sealed by a hash before the first trial; a verdict reads nothing "
		"but the record. Two models judge every claim: linux decides the verdict, textbook "
		"is the teaching taken literally.",
		NULL);
	for (size_t i = 0; i < page->outcomes->count; i++) {
		const struct outcome *outcome = &page->outcomes->items[i];
		const struct record_summary *summary = outcome->summary;
		xml_element(xml, "p",
			pool_format(page->pool, "%s: record %s, sealed %s, model %s, mmconform %s",
				page->labels[i],
				summary->sha256 != NULL ? summary->sha256 : "not ended",
				outcome->record->sealed.sha256, outcome->record->header.model,
				outcome->record->header.program),
			"class", "hash", NULL);
		for (size_t k = 0; k < summary->notes_count; k++)
			xml_element(xml, "p",
				pool_format(page->pool, "note: %s", summary->notes[k]), NULL);
		for (size_t k = 0; k < summary->kernel_log_count; k++)
			xml_element(xml, "p",
				pool_format(
					page->pool, "the kernel said: %s", summary->kernel_log[k]),
				"class", "log", NULL);
	}
	xml_end(xml);
}

static void put_body(struct page *page, const char *script)
{
	struct xml *xml = page->xml;

	xml_start(xml, "body", NULL);
	xml_start(xml, "header", NULL);
	xml_element(xml, "h1", "mmconform", NULL);
	xml_element(xml, "p", "A reference model of virtual memory beside the live kernel.",
		"class", "motto", NULL);
	for (size_t i = 0; i < page->outcomes->count; i++)
		put_verdict(page, i);
	put_contents(page, page_has_figures(page));
	xml_end(xml);
	xml_start(xml, "main", NULL);
	page_hosts(page);
	page_differences(page);
	page_deviations(page);
	page_lessons(page);
	page_figures(page);
	page_chapters(page);
	page_lectures(page);
	page_skips(page);
	put_about(page);
	xml_end(xml);
	xml_raw(xml, "\n<script>\n");
	xml_raw(xml, script);
	xml_raw(xml, "</script>\n");
	xml_end(xml);
	xml_end(xml);
	xml_raw(xml, "\n");
}

bool html_output(FILE *stream, const struct outcome_list *outcomes)
{
	struct pool POOL_DROPS pool = {0};
	struct digest_list *digests = pool_take(&pool, (outcomes->count + 1) * sizeof(*digests));
	struct xml xml;
	struct page page = {
		.xml = &xml,
		.pool = &pool,
		.outcomes = outcomes,
		.digests = digests,
		.labels = labels_of(&pool, outcomes),
	};
	const char *style = file_text(&pool, "suites/report/page.css");
	const char *script = file_text(&pool, "suites/report/page.js");

	if (style == NULL || script == NULL ||
		!claims_load(&pool, data_path(&pool, "suites/claims.yaml"), &page.claims))
		return false;
	for (size_t i = 0; i < outcomes->count; i++)
		digests[i] = digest_of(&pool, outcomes->items[i].judgement);
	const bool good = page_figures_draw(&page);
	xml_open(&xml);
	put_head(&page,
		outcomes->count == 1
			? pool_format(&pool, "mmconform: Linux %s", page.labels[0])
			: pool_format(&pool, "mmconform: %zu records", outcomes->count),
		style);
	put_body(&page, script);
	return xml_close(&xml, stream) && good;
}
