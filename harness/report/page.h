/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of the HTML page, one file each; html.c puts them in order. */
#ifndef REPORT_PAGE_H
#define REPORT_PAGE_H

#include "report/outcome.h"
#include "report/xml.h"
#include "suite/claims.h"

/* Records of which every case is shown; of more, a claim is a row with a word for each record. */
#define PAGE_RECORDS_IN_FULL 4

struct figures;

struct page {
	struct xml *xml;
	struct pool *pool;
	const struct outcome_list *outcomes;
	const struct digest_list *digests; /* by outcome */
	const char *const *labels;	   /* by outcome: "6.18.44" */
	struct claim_list claims;
	struct figures *figures; /* once they are drawn */
};

/* Six lines a record and a picture of the first one's machine. */
void page_hosts(struct page *page);
/* The machine of one record as a drawing: TLBs, page tables, caches, memory. */
void page_machine(struct page *page, const struct outcome *outcome);

/* Below the sentence of a record: which claims deviate or failed, and by how much, a line each. */
void page_shortlist(struct page *page, size_t index);
/* What needs a reader: deviations, errors and known deviations in full. */
void page_deviations(struct page *page);
/* Several records: claims that did not come out alike. */
void page_differences(struct page *page);
void page_lessons(struct page *page);
void page_chapters(struct page *page);
void page_lectures(struct page *page);
/* What was not measured, and what would allow it. */
void page_skips(struct page *page);

/* Before anything else asks for them. False after one message: their captions cannot be read. */
bool page_figures_draw(struct page *page);
bool page_has_figures(const struct page *page);
void page_figures(struct page *page);

/* A word of a verdict or of the textbook's column, in its colour. */
void page_word(struct page *page, const char *word);
/* A link to the claim on this page. */
void page_claim_link(struct page *page, const char *claim);

/* A name and what it is, in a list; nothing for an empty text. */
void page_term(struct page *page, const char *name, const char *text);
void page_code_term(struct page *page, const char *name, const char *text);

/* The sentence of the catalogue, or nothing. */
const char *page_statement(const struct page *page, const char *claim);

const char *page_case_id(struct page *page, const struct record_verdict *verdict);

#endif
