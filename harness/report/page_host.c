/* SPDX-License-Identifier: Apache-2.0 */
/* Which machines: six lines each, and a drawing of what an address passes on its way. */
#include <inttypes.h>
#include <string.h>

#include "facts/facts.h"
#include "report/header.h"
#include "report/machine_figures.h"
#include "report/page.h"
#include "vm/reach.h"
#include "vm/units.h"

#define ROW_HEIGHT  46
#define GAP	    8
#define WIDTH	    480
#define LINE_HEIGHT 15

void page_hosts(struct page *page)
{
	struct xml *xml = page->xml;
	struct header_line lines[HEADER_LINES_COUNT];
	const size_t count = page->outcomes->count;

	xml_start(xml, "section", "id", "host", NULL);
	xml_element(xml, "h2", count == 1 ? "Host" : "Hosts", NULL);
	xml_start(xml, "div", "class", count == 1 ? "beside" : "scroll", NULL);
	xml_start(xml, "table", "class", "hosts", NULL);
	for (size_t line = 0; line < HEADER_LINES_COUNT; line++) {
		xml_start(xml, "tr", NULL);
		for (size_t i = 0; i < count; i++) {
			const size_t filled =
				header_lines(page->pool, page->outcomes->items[i].record, lines);
			if (i == 0)
				xml_element(xml, "th", filled != 0 ? lines[line].name : "", "scope",
					"row", NULL);
			xml_element(xml, "td", filled != 0 ? lines[line].text : "not known", NULL);
		}
		xml_end(xml);
	}
	xml_end(xml);
	if (count == 1)
		page_machine(page, &page->outcomes->items[0]);
	xml_end(xml);
	xml_end(xml);
}

/* --- the drawing ----------------------------------------------------------------------------- */

struct drawing {
	struct page *page;
	struct machine_figures figures;
	int top; /* of the row that is being drawn */
};

static const char *pixels(struct page *page, int value)
{
	return pool_format(page->pool, "%d", value);
}

static size_t lines_of(const char *text)
{
	size_t count = text[0] != '\0';

	for (; *text != '\0'; text++)
		count += *text == '\n';
	return count;
}

/* A name, and below it in small print a line or two. */
static void box(struct drawing *drawing, int left, int width, int height, const char *kind,
	const char *above, const char *below)
{
	struct page *page = drawing->page;
	struct xml *xml = page->xml;
	const char *middle = pixels(page, left + width / 2);
	const int lines = (int)lines_of(below);
	int y = drawing->top + (height - LINE_HEIGHT * lines) / 2 + 5;

	xml_start(xml, "rect", "class", kind, "x", pixels(page, left), "y",
		pixels(page, drawing->top), "width", pixels(page, width), "height",
		pixels(page, height), "rx", "4", NULL);
	xml_end(xml);
	xml_element(xml, "text", above, "x", middle, "y", pixels(page, y), NULL);
	for (int i = 0; i < lines; i++) {
		const size_t length = strcspn(below, "\n");
		y += LINE_HEIGHT;
		xml_element(xml, "text", pool_text_of(page->pool, below, length), "class", "small",
			"x", middle, "y", pixels(page, y), NULL);
		below += length + (below[length] == '\n');
	}
}

/* Boxes of equal width in one row, as high as the one of most lines. */
static void row(struct drawing *drawing, const char *kind, size_t count, const char *const above[],
	const char *const below[])
{
	const int width = (WIDTH - GAP * ((int)count - 1)) / (int)count;
	int height = ROW_HEIGHT - GAP;

	for (size_t i = 0; i < count; i++)
		if (lines_of(below[i]) > 1)
			height = ROW_HEIGHT - GAP + LINE_HEIGHT;
	for (size_t i = 0; i < count; i++)
		box(drawing, (int)i * (width + GAP), width, height, kind, above[i], below[i]);
	drawing->top += height + GAP;
}

/* "128 entries" and "reach 512 KiB", or "128 or 4096 entries" where nobody says which. */
static const char *entries_text(
	struct pool *pool, const struct vm_tlb_fact *candidates, size_t count, uint64_t page_bytes)
{
	const bool small = page_bytes == VM_PAGE_BYTES;
	const char *entries = "", *reach = "";

	for (size_t i = 0; i < count; i++) {
		const char * or = i == 0 ? "" : " or ";
		const uint64_t bytes = candidates[i].entries * page_bytes;
		entries = pool_format(pool, "%s%s%u", entries, or, (unsigned)candidates[i].entries);
		reach = pool_format(pool, "%s%s%" PRIu64, reach, or, bytes >> (small ? 10 : 20));
	}
	return pool_format(pool, "%s entries\nreach %s %s", entries, reach, small ? "KiB" : "MiB");
}

/* Data TLBs of a level, a box a page size: what the processor says that it has. */
static size_t tlbs_of(struct pool *pool, const struct vm_host *host, unsigned level,
	const char *above[3], const char *below[3])
{
	static const char *const names[] = {"4 KiB", "2 MiB", "1 GiB"};
	const unsigned bits_a_level = 9;
	uint64_t page_bytes = VM_PAGE_BYTES;
	size_t filled = 0;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++, page_bytes <<= bits_a_level) {
		struct vm_tlb_fact candidates[VM_TLB_CANDIDATES_LIMIT];
		const size_t count = vm_tlb_candidates(host, level, page_bytes, candidates);
		if (count == 0)
			continue;
		above[filled] = pool_format(pool, "L%u data TLB, %s", level, names[i]);
		below[filled++] = entries_text(pool, candidates, count, page_bytes);
	}
	return filled;
}

static void draw_tlbs(struct drawing *drawing, const struct vm_host *host)
{
	for (unsigned level = 1; level <= 2; level++) {
		const char *above[3], *below[3];
		const size_t count = tlbs_of(drawing->page->pool, host, level, above, below);
		if (count != 0)
			row(drawing, "tlb", count, above, below);
	}
}

static void draw_tables(struct drawing *drawing, const struct vm_host *host)
{
	static const char *const names[] = {"PGD", "P4D", "PUD", "PMD", "PTE", "page"};
	static const char *const bits[] = {
		"bits 48-56", "bits 39-47", "bits 30-38", "bits 21-29", "bits 12-20", "bits 0-11"};
	const char *above[6], *below[6];
	size_t count = 0;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (i == 0 && host->page_table_levels == 4)
			continue;
		above[count] = i == 1 && host->page_table_levels == 4 ? "PGD" : names[i];
		below[count++] = bits[i];
	}
	row(drawing, "walk", count, above, below);
}

/* With a time where one was measured: "48 KiB, 1.1 ns". */
static const char *with_time(struct pool *pool, const char *text, const char *time)
{
	if (time == NULL)
		return text;
	return text[0] == '\0' ? time : pool_format(pool, "%s, %s", text, time);
}

static void draw_caches(struct drawing *drawing, const char *topology)
{
	struct pool *pool = drawing->page->pool;
	struct machine_cache caches[MACHINE_CACHES_LIMIT];
	const char *above[MACHINE_CACHES_LIMIT], *below[MACHINE_CACHES_LIMIT];
	const size_t count = machine_caches(pool, topology, &drawing->figures, caches);

	for (size_t i = 0; i < count; i++) {
		above[i] = pool_format(pool, "%s cache", caches[i].name);
		below[i] = with_time(pool, caches[i].size, caches[i].time);
	}
	if (count != 0)
		row(drawing, "cache", count, above, below);
}

static void draw_memory(struct drawing *drawing, const struct facts *facts)
{
	struct pool *pool = drawing->page->pool;
	const char *storage = machine_figure_text(&drawing->figures, "storage");
	const char *above[] = {
		pool_format(pool, "memory %" PRIu64 " MiB", facts->memory_kib >> 10),
		facts->swap_kib == 0
			? "no swap"
			: pool_format(pool, "swap %" PRIu64 " MiB", facts->swap_kib >> 10),
		"storage",
	};
	const char *below[] = {
		with_time(pool,
			pool_format(pool, "%u node%s", (unsigned)facts->host.nodes_online,
				facts->host.nodes_online == 1 ? "" : "s"),
			machine_figure_text(&drawing->figures, "memory")),
		"",
		storage,
	};

	row(drawing, "memory", storage == NULL ? 2 : 3, above, below);
}

/* What a translation takes that the first level of the TLB does not have. */
static const char *misses_text(struct drawing *drawing)
{
	const char *second = machine_figure_text(&drawing->figures, "second TLB");
	const char *walk = machine_figure_text(&drawing->figures, "walk");

	return second == NULL || walk == NULL
		       ? ""
		       : pool_format(drawing->page->pool,
				 "\nfrom the second TLB in %s more, by a walk in another %s",
				 second, walk);
}

static int height_of(struct drawing *drawing, const struct vm_host *host, const char *topology)
{
	struct pool *pool = drawing->page->pool;
	const char *above[3], *below[3];
	int height = ROW_HEIGHT * (3 + (strstr(topology, " L1") != NULL));

	if (misses_text(drawing)[0] != '\0')
		height += LINE_HEIGHT;

	for (unsigned level = 1; level <= 2; level++)
		if (tlbs_of(pool, host, level, above, below) != 0)
			height += ROW_HEIGHT + LINE_HEIGHT;
	return height;
}

void page_machine(struct page *page, const struct outcome *outcome)
{
	const char *text = outcome->record->facts, *why = NULL;
	struct facts facts;
	struct drawing drawing = {.page = page};

	if (!facts_from_json(page->pool, text, strlen(text), &facts, &why) ||
		!machine_figures_of(page->pool, outcome->record, &drawing.figures))
		return;
	const char *topology = facts.text[FACTS_TEXT_TOPOLOGY];
	const char *cpus = pool_format(page->pool, "%u CPU%s", (unsigned)facts.host.cpus_online,
		facts.host.cpus_online == 1 ? "" : "s");
	const char *addresses = pool_format(page->pool, "%u virtual, %u physical address bits%s",
		(unsigned)facts.host.cpu.virtual_bits, (unsigned)facts.host.cpu.physical_bits,
		misses_text(&drawing));
	xml_start(page->xml, "svg", "class", "machine", "role", "img", "aria-label",
		"The machine: CPUs, TLBs, page tables, caches, memory", "viewBox",
		pool_format(
			page->pool, "0 0 %d %d", WIDTH, height_of(&drawing, &facts.host, topology)),
		NULL);
	row(&drawing, "cpu", 1, &cpus, &addresses);
	draw_tlbs(&drawing, &facts.host);
	draw_tables(&drawing, &facts.host);
	draw_caches(&drawing, topology);
	draw_memory(&drawing, &facts);
	xml_end(page->xml);
}
