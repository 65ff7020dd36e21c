/* SPDX-License-Identifier: Apache-2.0 */
/* The claims: where records differ, what the textbook says, every claim by chapter and by lecture.
 */
#include <inttypes.h>
#include <string.h>

#include "report/page.h"
#include "suite/cases.h"

void page_term(struct page *page, const char *name, const char *text)
{
	if (text[0] == '\0')
		return;
	xml_element(page->xml, "dt", name, NULL);
	xml_element(page->xml, "dd", text, NULL);
}

void page_code_term(struct page *page, const char *name, const char *text)
{
	xml_element(page->xml, "dt", name, NULL);
	xml_start(page->xml, "dd", NULL);
	xml_element(page->xml, "code", text, NULL);
	xml_end(page->xml);
}

const char *page_statement(const struct page *page, const char *claim)
{
	const struct claim *found = claim_named(&page->claims, claim);

	return found != NULL ? found->statement : "";
}

const char *page_case_id(struct page *page, const struct record_verdict *verdict)
{
	return case_id(page->pool, verdict->kind, verdict->probe, &verdict->parameters);
}

/* --- several records ------------------------------------------------------------------------- */

static const char *word_of(const struct claim_digest *digest)
{
	return digest == NULL ? "" : verdict_word(digest->verdict);
}

static bool is_alike(const struct claim_digest *a, const struct claim_digest *b)
{
	return a->verdict == b->verdict && (a->departs_count != 0) == (b->departs_count != 0);
}

/* A record that has nothing on a claim does not differ in it. */
static bool differs(const struct page *page, const char *claim)
{
	const struct claim_digest *first = NULL;

	for (size_t i = 0; i < page->outcomes->count; i++) {
		const struct claim_digest *digest = digest_named(&page->digests[i], claim);
		if (digest == NULL)
			continue;
		if (first != NULL && !is_alike(first, digest))
			return true;
		first = digest;
	}
	return false;
}

static bool is_in_all(const struct page *page, const char *claim)
{
	for (size_t i = 0; i < page->outcomes->count; i++)
		if (digest_named(&page->digests[i], claim) == NULL)
			return false;
	return true;
}

/* Claims of all records, each once: those of the first, then what the others have beside them. */
static size_t all_claims(struct page *page, const char ***claims)
{
	size_t count = 0, most = 1;

	for (size_t i = 0; i < page->outcomes->count; i++)
		most += page->digests[i].count;
	*claims = pool_take(page->pool, most * sizeof(char *));
	for (size_t i = 0; i < page->outcomes->count; i++)
		for (size_t k = 0; k < page->digests[i].count; k++) {
			const char *claim = page->digests[i].items[k].claim;
			bool seen = false;
			for (size_t before = 0; before < i && !seen; before++)
				seen = digest_named(&page->digests[before], claim) != NULL;
			if (!seen)
				(*claims)[count++] = claim;
		}
	return count;
}

static void put_beside(struct page *page, const char *claim)
{
	xml_start(page->xml, "tr", NULL);
	xml_start(page->xml, "th", "scope", "row", NULL);
	page_claim_link(page, claim);
	xml_end(page->xml);
	for (size_t i = 0; i < page->outcomes->count; i++) {
		const struct claim_digest *digest = digest_named(&page->digests[i], claim);
		xml_start(page->xml, "td", NULL);
		if (digest != NULL) {
			page_word(page, word_of(digest));
			if (digest->departs_count != 0)
				xml_element(page->xml, "small", "textbook differs", NULL);
			if (page->outcomes->count <= PAGE_RECORDS_IN_FULL &&
				digest->shown->observed[0] != '\0')
				xml_element(page->xml, "p", digest->shown->observed, NULL);
			else if (page->outcomes->count <= PAGE_RECORDS_IN_FULL)
				xml_element(page->xml, "p", digest->shown->because, NULL);
		} else
			xml_element(page->xml, "small", "not in this record", NULL);
		xml_end(page->xml);
	}
	xml_end(page->xml);
}

static void put_labels(struct page *page, const char *first)
{
	xml_start(page->xml, "tr", NULL);
	xml_element(page->xml, "th", first, NULL);
	for (size_t i = 0; i < page->outcomes->count; i++)
		xml_element(page->xml, "th", page->labels[i], "scope", "col", NULL);
	xml_end(page->xml);
}

static void put_difference_table(struct page *page, size_t count, const char *const *claims)
{
	xml_start(page->xml, "div", "class", "scroll", NULL);
	xml_start(page->xml, "table", NULL);
	put_labels(page, "claim");
	for (size_t i = 0; i < count; i++)
		if (differs(page, claims[i]))
			put_beside(page, claims[i]);
	xml_end(page->xml);
	xml_end(page->xml);
}

void page_differences(struct page *page)
{
	const char **claims = NULL;
	size_t shown = 0, partial = 0;

	if (page->outcomes->count == 1)
		return;
	const size_t count = all_claims(page, &claims);
	xml_start(page->xml, "section", "id", "differences", NULL);
	xml_element(page->xml, "h2", "Where the records differ", NULL);
	for (size_t i = 0; i < count; i++) {
		shown += differs(page, claims[i]);
		partial += !is_in_all(page, claims[i]);
	}
	xml_element(page->xml, "p",
		pool_format(page->pool,
			"%zu of %zu claims differ in verdict or textbook; the others came out "
			"alike wherever they are in a record. %zu are not in all %zu records.",
			shown, count, partial, page->outcomes->count),
		NULL);
	if (shown != 0)
		put_difference_table(page, count, claims);
	xml_end(page->xml);
}

/* --- textbook -------------------------------------------------------------------------------- */

/* The claim and its sentence, then what the three say. */
static void put_lesson(struct page *page, size_t index, const struct claim_digest *digest)
{
	const struct record_verdict *verdict = digest_lesson(digest);
	const struct record *record = page->outcomes->items[index].record;
	const struct claim *claim = claim_named(&page->claims, digest->claim);
	struct xml *xml = page->xml;

	xml_start(xml, "tbody", NULL);
	xml_start(xml, "tr", NULL);
	xml_start(xml, "th", "colspan", "4", "scope", "rowgroup", NULL);
	page_claim_link(page, digest->claim);
	xml_text(xml, " ");
	xml_element(xml, "span", claim != NULL ? claim->statement : "", NULL);
	if (page->outcomes->count > 1)
		xml_element(xml, "small", page->labels[index], NULL);
	xml_end(xml);
	xml_end(xml);
	xml_start(xml, "tr", NULL);
	xml_start(xml, "td", "data-name", "textbook", NULL);
	xml_text(xml, verdict->textbook_expected);
	if (claim != NULL && claim->textbook != NULL)
		xml_element(xml, "p", claim->textbook, NULL);
	xml_end(xml);
	xml_element(xml, "td", outcome_expected(page->pool, verdict), "data-name", "linux", NULL);
	xml_element(xml, "td", verdict->observed, "data-name", "measured", NULL);
	xml_element(
		xml, "td", outcome_because(page->pool, record, verdict), "data-name", "why", NULL);
	xml_end(xml);
	xml_end(xml);
}

/* With several records the first one that departs teaches it. */
static bool is_taught_before(const struct page *page, size_t index, const char *claim)
{
	for (size_t before = 0; before < index; before++) {
		const struct claim_digest *other = digest_named(&page->digests[before], claim);
		if (other != NULL && other->departs_count != 0)
			return true;
	}
	return false;
}

void page_lessons(struct page *page)
{
	static const char *const names[] = {"the textbook says", "linux should", "measured", "why"};
	struct xml *xml = page->xml;
	size_t count = 0;

	xml_start(xml, "section", "id", "textbook", NULL);
	xml_element(xml, "h2", "Textbook against this machine", NULL);
	xml_element(xml, "p",
		"Where the teaching, taken literally, says something else than the kernel does, "
		"and the kernel does what its own model says. One case stands for each claim.",
		NULL);
	xml_start(xml, "div", "class", "scroll", NULL);
	xml_start(xml, "table", "class", "lessons", NULL);
	xml_start(xml, "thead", NULL);
	xml_start(xml, "tr", NULL);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		xml_element(xml, "th", names[i], "scope", "col", NULL);
	xml_end(xml);
	xml_end(xml);
	for (size_t i = 0; i < page->outcomes->count; i++)
		for (size_t k = 0; k < page->digests[i].count; k++) {
			const struct claim_digest *digest = &page->digests[i].items[k];
			if (digest->departs_count == 0 || is_taught_before(page, i, digest->claim))
				continue;
			put_lesson(page, i, digest);
			count++;
		}
	xml_end(xml);
	xml_end(xml);
	if (count == 0)
		xml_element(xml, "p", "No claim of this record.", NULL);
	xml_end(xml);
}

/* --- by chapter ------------------------------------------------------------------------------ */

/* Cases that came out alike in words and texts are one row. */
static bool same_row(const struct record_verdict *a, const struct record_verdict *b)
{
	return strcmp(a->verdict, b->verdict) == 0 && strcmp(a->textbook, b->textbook) == 0 &&
	       strcmp(a->probe, b->probe) == 0 && strcmp(a->kind, b->kind) == 0 &&
	       strcmp(a->expected, b->expected) == 0 && strcmp(a->observed, b->observed) == 0 &&
	       strcmp(a->because, b->because) == 0;
}

static void put_case(struct page *page, const struct record_verdict *verdict, size_t alike)
{
	struct xml *xml = page->xml;

	xml_start(xml, "tr", NULL);
	xml_start(xml, "td", NULL);
	page_word(page, verdict->verdict);
	xml_end(xml);
	xml_start(xml, "td", NULL);
	xml_text(xml, page_case_id(page, verdict));
	if (alike > 1)
		xml_element(xml, "small", pool_format(page->pool, "and %zu more", alike - 1), NULL);
	xml_end(xml);
	xml_element(xml, "td", verdict->expected, NULL);
	xml_start(xml, "td", NULL);
	xml_text(xml, verdict->observed[0] != '\0' ? verdict->observed : verdict->because);
	if (verdict->exactness_count != 0)
		xml_element(xml, "small", outcome_exactness(page->pool, verdict), NULL);
	xml_end(xml);
	xml_end(xml);
}

static void put_cases(struct page *page, const struct claim_digest *digest)
{
	struct xml *xml = page->xml;

	xml_start(xml, "div", "class", "scroll", NULL);
	xml_start(xml, "table", "class", "cases", NULL);
	xml_raw(xml, "<tr><th>verdict</th><th>case</th><th>expected</th><th>measured</th></tr>");
	for (size_t i = 0; i < digest->members_count; i++) {
		size_t alike = 0;
		bool first = true;
		for (size_t k = 0; k < digest->members_count; k++) {
			const bool same = same_row(digest->members[i], digest->members[k]);
			alike += same;
			first = first && !(same && k < i);
		}
		if (first)
			put_case(page, digest->members[i], alike);
	}
	xml_end(xml);
	xml_end(xml);
}

static const char *sources_of(struct page *page, const struct claim *claim)
{
	const char *text = "";

	for (size_t i = 0; claim != NULL && i < claim->sources_count; i++)
		text = pool_format(
			page->pool, "%s%s%s", text, i == 0 ? "" : " ", claim->sources[i]);
	return text;
}

static void put_claim_body(struct page *page, const char *id, const struct claim *claim)
{
	xml_start(page->xml, "dl", NULL);
	if (claim != NULL && claim->textbook != NULL)
		page_term(page, "a source says", claim->textbook);
	page_term(page, "taught by", sources_of(page, claim));
	for (size_t i = 0; i < page->outcomes->count; i++) {
		const struct claim_digest *digest = digest_named(&page->digests[i], id);
		if (digest == NULL)
			continue;
		const char *name = page->outcomes->count == 1 ? "" : page->labels[i];
		page_term(page, pool_format(page->pool, "%s mechanism", name),
			digest->shown->because);
		page_term(page, pool_format(page->pool, "%s source", name), digest->shown->cite);
	}
	page_code_term(page, "run it",
		outcome_again(page->pool, &page->outcomes->items[0].record->header, id));
	xml_end(page->xml);
	for (size_t i = 0; i < page->outcomes->count; i++) {
		const struct claim_digest *digest = digest_named(&page->digests[i], id);
		if (digest == NULL || page->outcomes->count > PAGE_RECORDS_IN_FULL)
			continue;
		if (page->outcomes->count > 1)
			xml_element(page->xml, "h4", page->labels[i], NULL);
		put_cases(page, digest);
	}
}

static void put_claim(struct page *page, const char *id)
{
	const struct claim *claim = claim_named(&page->claims, id);
	struct xml *xml = page->xml;
	const char *words = "";
	size_t cases = 0;
	bool departs = false;

	for (size_t i = 0; i < page->outcomes->count; i++) {
		const struct claim_digest *digest = digest_named(&page->digests[i], id);
		words = pool_format(page->pool, "%s %s", words, word_of(digest));
		cases += digest != NULL ? digest->cases_count : 0;
		departs = departs || (digest != NULL && digest->departs_count != 0);
	}
	xml_start(xml, "details", "class", "claim", "id", id, "data-words", words, "data-textbook",
		departs ? "differs" : "agrees", "data-sources", sources_of(page, claim), NULL);
	xml_start(xml, "summary", NULL);
	for (size_t i = 0; i < page->outcomes->count; i++)
		page_word(page, word_of(digest_named(&page->digests[i], id)));
	xml_text(xml, " ");
	xml_element(xml, "b", id, NULL);
	if (departs)
		xml_element(xml, "span", "textbook differs", "class", "word differs", NULL);
	xml_element(xml, "small",
		pool_format(page->pool, "%zu case%s", cases, cases == 1 ? "" : "s"), NULL);
	xml_element(xml, "p", claim != NULL ? claim->statement : "", NULL);
	xml_end(xml);
	put_claim_body(page, id, claim);
	xml_end(xml);
}

static void put_controls(struct page *page)
{
	struct xml *xml = page->xml;

	/* Shown by the script, which is what makes them do anything. */
	xml_start(xml, "form", "id", "find", "hidden", "hidden", NULL);
	xml_raw(xml, "<input type=\"search\" id=\"words\" placeholder=\"search claims and cases\" "
		     "aria-label=\"search\"/>");
	xml_start(xml, "select", "id", "verdict", "aria-label", "verdict", NULL);
	xml_element(xml, "option", "every verdict", "value", "", NULL);
	for (int i = 0; i < VERDICT_LIMIT; i++)
		xml_element(xml, "option", verdict_word((enum verdict)i), "value",
			verdict_word((enum verdict)i), NULL);
	xml_end(xml);
	xml_raw(xml, "<select id=\"source\" aria-label=\"lecture\"><option value=\"\">every lecture"
		     "</option><option>epita</option><option>gios</option><option>lmm</option>"
		     "<option>wut</option><option>osn</option><option>kernel</option></select>"
		     "<label><input type=\"checkbox\" id=\"lessons\"/> textbook differs</label>"
		     "<output id=\"shown\"></output>");
	xml_end(xml);
}

void page_chapters(struct page *page)
{
	const char **claims = NULL;
	const size_t count = all_claims(page, &claims);
	struct xml *xml = page->xml;

	xml_start(xml, "section", "id", "claims", NULL);
	xml_element(xml, "h2", "All claims, by chapter", NULL);
	put_controls(page);
	for (size_t chapter = 0;; chapter++) {
		const char *title = NULL;
		bool later = false;
		for (size_t i = 0; i < count; i++) {
			const size_t order = claim_chapter_order(claims[i]);
			later = later || order > chapter;
			if (order != chapter)
				continue;
			if (title == NULL) {
				title = claim_chapter(claims[i]);
				xml_element(xml, "h3", title != NULL ? title : "Other", NULL);
				title = "";
			}
			put_claim(page, claims[i]);
		}
		if (!later)
			break;
	}
	xml_end(xml);
}

/* --- by lecture ------------------------------------------------------------------------------ */

static const struct {
	const char *source, *title;
} lectures[] = {
	{"epita", "Operating Systems: Memory Management (EPITA)"},
	{"gios", "GIOS, part 3 lesson 2: Memory Management"},
	{"lmm", "Linux Memory Management"},
	{"wut", "Virtual Memory, Operating Systems 2 (Warsaw)"},
	{"osn", "OS Notes: Memory Management"},
	{"kernel", "Kernel source and documentation"},
};

static bool teaches(const struct claim *claim, const char *source)
{
	for (size_t i = 0; i < claim->sources_count; i++)
		if (strcmp(claim->sources[i], source) == 0)
			return true;
	return false;
}

/* A word for the claim over all records: the first of them that has it. */
static const struct claim_digest *any_digest(const struct page *page, const char *claim)
{
	const struct claim_digest *digest = NULL;

	for (size_t i = 0; i < page->outcomes->count && digest == NULL; i++)
		digest = digest_named(&page->digests[i], claim);
	return digest;
}

static void put_lecture(struct page *page, const char *source, const char *title)
{
	struct xml *xml = page->xml;
	size_t taught = 0, shown = 0, departs = 0;

	for (size_t i = 0; i < page->claims.count; i++) {
		const struct claim *claim = &page->claims.items[i];
		const struct claim_digest *digest = any_digest(page, claim->id);
		if (!teaches(claim, source))
			continue;
		taught++;
		shown += digest != NULL && digest->verdict != VERDICT_SKIP;
		departs += digest != NULL && digest->departs_count != 0;
	}
	xml_start(xml, "details", "class", "lecture", NULL);
	xml_start(xml, "summary", NULL);
	xml_element(xml, "b", title, NULL);
	xml_element(xml, "small",
		pool_format(page->pool, "%s: %zu claims, %zu measured, textbook differs in %zu",
			source, taught, shown, departs),
		NULL);
	xml_end(xml);
	xml_start(xml, "ul", NULL);
	for (size_t i = 0; i < page->claims.count; i++) {
		const struct claim *claim = &page->claims.items[i];
		const struct claim_digest *digest = any_digest(page, claim->id);
		if (!teaches(claim, source))
			continue;
		xml_start(xml, "li", NULL);
		if (digest != NULL) {
			page_word(page, word_of(digest));
			page_claim_link(page, claim->id);
		} else {
			xml_element(xml, "b", claim->id, NULL);
			xml_element(xml, "small", "not in this record", NULL);
		}
		xml_end(xml);
	}
	xml_end(xml);
	xml_end(xml);
}

void page_lectures(struct page *page)
{
	xml_start(page->xml, "section", "id", "lectures", NULL);
	xml_element(page->xml, "h2", "By lecture", NULL);
	for (size_t i = 0; i < sizeof(lectures) / sizeof(lectures[0]); i++)
		put_lecture(page, lectures[i].source, lectures[i].title);
	xml_end(page->xml);
}

/* --- skips ----------------------------------------------------------------------------------- */

void page_skips(struct page *page)
{
	const struct judgement *judgement = page->outcomes->items[0].judgement;
	const struct record_unmet **seen = NULL;
	size_t *waiting = NULL, count = 0;
	struct xml *xml = page->xml;

	for (size_t i = 0; i < judgement->count; i++)
		for (size_t k = 0; k < judgement->verdicts[i].unmet_count; k++) {
			const struct record_unmet *unmet = &judgement->verdicts[i].unmet[k];
			size_t at = 0;
			while (at < count && (strcmp(seen[at]->supply, unmet->supply) != 0 ||
						     strcmp(seen[at]->value, unmet->value) != 0))
				at++;
			if (at == count) {
				seen = pool_grow(page->pool, seen, count, sizeof(*seen));
				waiting = pool_grow(page->pool, waiting, count, sizeof(*waiting));
				waiting[count] = 0;
				seen[count++] = unmet;
			}
			waiting[at]++;
		}
	xml_start(xml, "section", "id", "skipped", NULL);
	xml_element(xml, "h2",
		page->outcomes->count == 1
			? "Not measured"
			: pool_format(page->pool, "Not measured in %s", page->labels[0]),
		NULL);
	xml_start(xml, "ul", NULL);
	for (size_t i = 0; i < count; i++) {
		xml_start(xml, "li", NULL);
		xml_text(xml, pool_format(page->pool, "%zu case%s for %s (%s): ", waiting[i],
				      waiting[i] == 1 ? " waits" : "s wait", seen[i]->requirement,
				      seen[i]->value));
		xml_element(xml, "code", seen[i]->supply, NULL);
		xml_end(xml);
	}
	xml_end(xml);
	if (count == 0)
		xml_element(xml, "p", "Nothing was left out.", NULL);
	xml_end(xml);
}
