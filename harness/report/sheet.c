/* SPDX-License-Identifier: Apache-2.0 */
#include "report/sheet.h"

#include <inttypes.h>
#include <string.h>

#include "facts/facts.h"
#include "report/curves.h"
#include "suite/cases.h"
#include "vm/reach.h"
#include "vm/units.h"

const char *const sheet_names[] = {"chapters", "lectures", "textbook", "page-sizes", "kernels",
	"claims", "curves", "exactness", NULL};

struct making {
	const struct sheet_source *source;
	struct pool *pool;
	struct sheet *sheet;
	struct sheet_row *rows;
};

static void set_columns(struct making *making, size_t count, const struct sheet_column *columns)
{
	making->sheet->columns_count = count;
	making->sheet->columns = columns;
}

#define SET_COLUMNS(making, columns) \
	set_columns(making, sizeof(columns) / sizeof((columns)[0]), columns)

/* cells: as many as there are columns. */
static void add_row(
	struct making *making, const char *key, const char *record, const char *const *cells)
{
	struct sheet *sheet = making->sheet;
	const char **copy = pool_take(making->pool, sheet->columns_count * sizeof(char *));

	memcpy(copy, cells, sheet->columns_count * sizeof(char *));
	making->rows =
		pool_grow(making->pool, making->rows, sheet->rows_count, sizeof(making->rows[0]));
	making->rows[sheet->rows_count++] = (struct sheet_row){key, copy, record};
	sheet->rows = making->rows;
}

static const char *number(struct making *making, size_t value)
{
	return pool_format(making->pool, "%zu", value);
}

static bool read_facts(struct making *making, const struct outcome *outcome, struct facts *facts)
{
	const char *text = outcome->record->facts, *why = NULL;

	return facts_from_json(making->pool, text, strlen(text), facts, &why);
}

/* With several records a row's key has the record in it. */
static const char *key_of(struct making *making, const struct outcome *outcome, const char *key)
{
	return making->source->outcomes->count == 1
		       ? key
		       : pool_format(making->pool, "%s@%s", key, outcome_id(making->pool, outcome));
}

/* --- by chapter ------------------------------------------------------------------------------ */

static const struct sheet_column chapter_columns[] = {
	{"chapter", "Chapter", false},
	{"claims", "Claims", true},
	{"cases", "Cases", true},
	{"pass", "Pass", true},
	{"deviation", "Deviation", true},
	{"known", "Known", true},
	{"inconclusive", "Inconclusive", true},
	{"skip", "Skip", true},
	{"error", "Error", true},
	{"model", "Model", true},
	{"textbook", "Textbook differs", true},
};

static void add_chapter(struct making *making, const struct outcome *outcome,
	const struct claim_digest *digests, size_t count)
{
	const char *claim = digests[0].claim, *title = claim_chapter(claim);
	size_t tally[VERDICT_LIMIT] = {0}, cases = 0, departs = 0;

	for (size_t i = 0; i < count; i++) {
		for (int k = 0; k < VERDICT_LIMIT; k++)
			tally[k] += digests[i].tally[k];
		cases += digests[i].cases_count;
		departs += digests[i].departs_count != 0;
	}
	const char *cells[] = {title != NULL ? title : "Other", number(making, count),
		number(making, cases), number(making, tally[VERDICT_PASS]),
		number(making, tally[VERDICT_DEVIATION]), number(making, tally[VERDICT_KNOWN]),
		number(making, tally[VERDICT_INCONCLUSIVE]), number(making, tally[VERDICT_SKIP]),
		number(making, tally[VERDICT_ERROR]), number(making, tally[VERDICT_MODEL]),
		number(making, departs)};
	add_row(making,
		key_of(making, outcome, pool_text_of(making->pool, claim, strcspn(claim, "."))),
		outcome_id(making->pool, outcome), cells);
}

static void make_chapters(struct making *making, const struct outcome *outcome)
{
	const struct digest_list digests = digest_of(making->pool, outcome->judgement);
	size_t from = 0;

	SET_COLUMNS(making, chapter_columns);
	for (size_t at = 1; at <= digests.count; at++)
		if (at == digests.count || claim_chapter_order(digests.items[at].claim) !=
						   claim_chapter_order(digests.items[from].claim)) {
			add_chapter(making, outcome, &digests.items[from], at - from);
			from = at;
		}
}

/* --- by lecture ------------------------------------------------------------------------------ */

static const struct sheet_column lecture_columns[] = {
	{"lecture", "Lecture", false},
	{"claims", "Claims taught", true},
	{"measured", "Measured", true},
	{"agree", "Kernel as taught", true},
	{"differ", "Textbook differs", true},
	{"deviation", "Deviation", true},
};

static bool teaches(const struct claim *claim, const char *lecture)
{
	for (size_t i = 0; i < claim->sources_count; i++)
		if (strcmp(claim->sources[i], lecture) == 0)
			return true;
	return false;
}

static void add_lecture(struct making *making, const struct outcome *outcome,
	const struct digest_list *digests, const char *lecture)
{
	const struct claim_list *claims = &making->source->claims;
	size_t taught = 0, measured = 0, differ = 0, deviate = 0;

	for (size_t i = 0; i < claims->count; i++) {
		const struct claim_digest *digest = digest_named(digests, claims->items[i].id);
		if (!teaches(&claims->items[i], lecture))
			continue;
		taught++;
		if (digest == NULL || digest->verdict == VERDICT_SKIP)
			continue;
		measured++;
		differ += digest->departs_count != 0;
		deviate += digest->tally[VERDICT_DEVIATION] != 0;
	}
	const char *cells[] = {lecture, number(making, taught), number(making, measured),
		number(making, measured - differ - deviate), number(making, differ),
		number(making, deviate)};
	add_row(making, key_of(making, outcome, lecture), outcome_id(making->pool, outcome), cells);
}

static void make_lectures(struct making *making, const struct outcome *outcome)
{
	static const char *const lectures[] = {"epita", "gios", "lmm", "wut", "osn", "kernel"};
	const struct digest_list digests = digest_of(making->pool, outcome->judgement);

	SET_COLUMNS(making, lecture_columns);
	for (size_t i = 0; i < sizeof(lectures) / sizeof(lectures[0]); i++)
		add_lecture(making, outcome, &digests, lectures[i]);
}

/* --- claims, and where the textbook differs -------------------------------------------------- */

static const struct sheet_column claim_columns[] = {
	{"claim", "Claim", false},
	{"verdict", "Verdict", false},
	{"textbook", "Textbook", false},
	{"cases", "Cases", true},
	{"taught", "Textbook says", false},
	{"expected", "Linux model", false},
	{"measured", "Measured", false},
	{"because", "Why", false},
	{"cite", "Source", false},
	{"statement", "Statement", false},
};

static void make_claims(struct making *making, const struct outcome *outcome, bool departing)
{
	const struct digest_list digests = digest_of(making->pool, outcome->judgement);

	SET_COLUMNS(making, claim_columns);
	for (size_t i = 0; i < digests.count; i++) {
		const struct claim_digest *digest = &digests.items[i];
		const struct record_verdict *verdict =
			departing ? digest_lesson(digest) : digest->shown;
		const struct claim *claim = claim_named(&making->source->claims, digest->claim);
		if (departing && digest->departs_count == 0)
			continue;
		const char *cells[] = {digest->claim, verdict_word(digest->verdict),
			digest->departs_count != 0 ? "differs" : verdict->textbook,
			number(making, digest->cases_count), verdict->textbook_expected,
			departing ? outcome_expected(making->pool, verdict) : verdict->expected,
			verdict->observed, outcome_because(making->pool, outcome->record, verdict),
			verdict->cite, claim != NULL ? claim->statement : ""};
		add_row(making, key_of(making, outcome, digest->claim),
			outcome_id(making->pool, outcome), cells);
	}
}

/* --- page sizes ------------------------------------------------------------------------------ */

static const struct sheet_column size_columns[] = {
	{"page", "Page size", false},
	{"levels", "Tables walked", true},
	{"first", "L1 TLB entries", true},
	{"first-reach", "L1 reach [MiB]", true},
	{"second", "L2 TLB entries", false},
	{"second-reach", "L2 reach [MiB]", false},
};

static const char *mib(struct making *making, uint64_t bytes)
{
	const uint64_t tenths = bytes * 10 >> 20;

	return pool_format(making->pool, "%" PRIu64 ".%" PRIu64, tenths / 10, tenths % 10);
}

/* Entries and reach of a level. A hypervisor may leave two answers open: then both are given. */
static void describe_level(struct making *making, const struct vm_host *host, unsigned level,
	uint64_t page_bytes, const char *cells[2])
{
	struct vm_tlb_fact candidates[VM_TLB_CANDIDATES_LIMIT];
	const size_t count = vm_tlb_candidates(host, level, page_bytes, candidates);

	cells[0] = cells[1] = "";
	for (size_t i = 0; i < count; i++) {
		const char *before = i == 0 ? "" : " or ";
		const uint64_t entries = candidates[i].entries;
		cells[0] = pool_format(making->pool, "%s%s%" PRIu64, cells[0], before, entries);
		cells[1] = pool_format(making->pool, "%s%s%s", cells[1], before,
			mib(making, entries * page_bytes));
	}
}

static void make_sizes(struct making *making, const struct outcome *outcome)
{
	static const char *const names[] = {"4 KiB", "2 MiB", "1 GiB"};
	const unsigned bits_a_level = 9;
	uint64_t page_bytes = VM_PAGE_BYTES;
	struct facts facts;

	SET_COLUMNS(making, size_columns);
	if (!read_facts(making, outcome, &facts))
		return;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++, page_bytes <<= bits_a_level) {
		const char *cells[6] = {names[i], number(making, facts.host.page_table_levels - i)};
		describe_level(making, &facts.host, 1, page_bytes, &cells[2]);
		describe_level(making, &facts.host, 2, page_bytes, &cells[4]);
		add_row(making, key_of(making, outcome, names[i]),
			outcome_id(making->pool, outcome), cells);
	}
}

/* --- kernels side by side -------------------------------------------------------------------- */

static const struct sheet_column kernel_columns[] = {
	{"kernel", "Kernel", false},
	{"cpu", "CPU", false},
	{"memory", "Memory [MiB]", true},
	{"suite", "Suite", false},
	{"claims", "Claims", true},
	{"pass", "Pass", true},
	{"deviation", "Deviation", true},
	{"inconclusive", "Inconclusive", true},
	{"skip", "Skip", true},
	{"error", "Error", true},
	{"model", "Model", true},
	{"textbook", "Textbook differs", true},
};

static void make_kernel(struct making *making, const struct outcome *outcome)
{
	const struct digest_list digests = digest_of(making->pool, outcome->judgement);
	const size_t *tally = outcome->judgement->tally;
	const char *id = outcome_id(making->pool, outcome);
	size_t departs = 0;
	struct facts facts;

	SET_COLUMNS(making, kernel_columns);
	if (!read_facts(making, outcome, &facts))
		return;
	for (size_t i = 0; i < digests.count; i++)
		departs += digests.items[i].departs_count != 0;
	const char *cells[] = {facts.text[FACTS_TEXT_RELEASE], facts.text[FACTS_TEXT_CPU_NAME],
		number(making, facts.memory_kib >> 10),
		pool_format(making->pool, "%s, %s", outcome->record->header.suite,
			outcome->record->header.profile),
		number(making, digests.count), number(making, tally[VERDICT_PASS]),
		number(making, tally[VERDICT_DEVIATION]),
		number(making, tally[VERDICT_INCONCLUSIVE]), number(making, tally[VERDICT_SKIP]),
		number(making, tally[VERDICT_ERROR]), number(making, tally[VERDICT_MODEL]),
		number(making, departs)};
	add_row(making, id, id, cells);
}

/* --- what the clock measured ----------------------------------------------------------------- */

static const struct sheet_column curve_columns[] = {
	{"case", "Case", false},
	{"quantity", "Quantity", false},
	{"at", "Place", false},
	{"x", "x", true},
	{"median", "Median [ns]", true},
	{"low", "Low [ns]", true},
	{"high", "High [ns]", true},
	{"launches", "Launches", true},
};

static void make_curves(struct making *making, const struct outcome *outcome)
{
	const struct curve_list curves = curves_of(making->pool, outcome->record);

	SET_COLUMNS(making, curve_columns);
	for (size_t i = 0; i < curves.count; i++)
		for (size_t k = 0; k < curves.items[i].points_count; k++) {
			const struct curve *curve = &curves.items[i];
			const struct curve_point *point = &curve->points[k];
			const char *cells[] = {curve->case_id, curve->quantity, point->at,
				pool_format(making->pool, "%.17g", point->place),
				pool_format(making->pool, "%.0f", point->median_ns),
				pool_format(making->pool, "%.0f", point->low_ns),
				pool_format(making->pool, "%.0f", point->high_ns),
				number(making, point->launches_count)};
			add_row(making,
				key_of(making, outcome,
					pool_format(making->pool, "%s/%s/%s", curve->case_id,
						curve->quantity, point->at)),
				outcome_id(making->pool, outcome), cells);
		}
}

/* --- how exact the model is, page by page ---------------------------------------------------- */

static const struct sheet_column exactness_columns[] = {
	{"kernel", "Kernel", false},
	{"case", "Case", false},
	{"pages", "Pages", true},
	{"decided", "Decided by the model [%]", true},
	{"right", "Predicted right [%]", true},
	{"verdict", "Verdict", false},
};

static void make_exactness(struct making *making, const struct outcome *outcome)
{
	struct pool *pool = making->pool;
	struct facts facts;

	SET_COLUMNS(making, exactness_columns);
	if (!read_facts(making, outcome, &facts))
		return;
	for (size_t i = 0; i < outcome->judgement->count; i++) {
		const struct record_verdict *verdict = &outcome->judgement->verdicts[i];
		const struct record_exactness *exactness = verdict->exactness;
		if (verdict->exactness_count == 0)
			continue;
		const char *id = case_id(pool, verdict->kind, verdict->probe, &verdict->parameters);
		const char *cells[] = {facts.text[FACTS_TEXT_RELEASE], id,
			pool_format(pool, "%" PRId64, exactness->pages),
			outcome_percent(pool, exactness->decided, exactness->pages),
			outcome_percent(pool, exactness->right, exactness->pages),
			verdict->verdict};
		add_row(making,
			key_of(making, outcome, pool_format(pool, "%s/%s", verdict->claim, id)),
			outcome_id(pool, outcome), cells);
	}
}

/* --- all ------------------------------------------------------------------------------------- */

static bool make_one(struct making *making, const char *name, const struct outcome *outcome)
{
	if (strcmp(name, "chapters") == 0)
		make_chapters(making, outcome);
	else if (strcmp(name, "lectures") == 0)
		make_lectures(making, outcome);
	else if (strcmp(name, "textbook") == 0)
		make_claims(making, outcome, true);
	else if (strcmp(name, "page-sizes") == 0)
		make_sizes(making, outcome);
	else if (strcmp(name, "kernels") == 0)
		make_kernel(making, outcome);
	else if (strcmp(name, "claims") == 0)
		make_claims(making, outcome, false);
	else if (strcmp(name, "curves") == 0)
		make_curves(making, outcome);
	else if (strcmp(name, "exactness") == 0)
		make_exactness(making, outcome);
	else
		return false;
	return true;
}

bool sheet_make(const struct sheet_source *source, const char *name, struct sheet *sheet)
{
	struct making making = {.source = source, .pool = source->pool, .sheet = sheet};

	*sheet = (struct sheet){.name = name};
	for (size_t i = 0; i < source->outcomes->count; i++)
		if (!make_one(&making, name, &source->outcomes->items[i]))
			return false;
	return true;
}

static size_t column_named(const struct sheet *sheet, const char *name, size_t length)
{
	size_t at = 0;

	while (at < sheet->columns_count &&
		(strlen(sheet->columns[at].name) != length ||
			strncmp(sheet->columns[at].name, name, length) != 0))
		at++;
	return at;
}

const char *sheet_choose(struct pool *pool, struct sheet *sheet, const char *columns)
{
	struct sheet_column *chosen = NULL;
	struct sheet_row *rows = pool_take(pool, (sheet->rows_count + 1) * sizeof(*rows));
	size_t *places = NULL, count = 0;

	for (const char *at = columns;; at++) {
		const size_t length = strcspn(at, ",");
		const size_t place = column_named(sheet, at, length);
		if (place == sheet->columns_count)
			return pool_text_of(pool, at, length);
		chosen = pool_grow(pool, chosen, count, sizeof(*chosen));
		places = pool_grow(pool, places, count, sizeof(*places));
		chosen[count] = sheet->columns[place];
		places[count++] = place;
		at += length;
		if (*at == '\0')
			break;
	}
	for (size_t i = 0; i < sheet->rows_count; i++) {
		const char **cells = pool_take(pool, count * sizeof(*cells));
		for (size_t k = 0; k < count; k++)
			cells[k] = sheet->rows[i].cells[places[k]];
		rows[i] = (struct sheet_row){sheet->rows[i].key, cells, sheet->rows[i].record};
	}
	sheet->columns = chosen;
	sheet->columns_count = count;
	sheet->rows = rows;
	return NULL;
}
