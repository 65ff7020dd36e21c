/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Figures: what the clock measured, as the captions put it together, medians over launches with
 * their intervals; what moved over time; which pages survived; misses by size. What is timed and in
 * no caption is a figure a case.
 */
#include <string.h>

#include "base/buffer.h"
#include "report/captions.h"
#include "report/charts.h"
#include "report/curve_plot.h"
#include "report/page.h"
#include "report/plot.h"
#include "suite/data.h"

#define CAPTIONS_FILE "suites/report/figures.yaml"

/* Points closer together than this need no marks. */
#define POINTS_WITH_MARKS 40

struct figure {
	const char *claim, *record, *title, *see, *summary;
	struct plot plot;
};

struct figures {
	struct page *page;
	struct caption_list captions;
	size_t count;
	struct figure *items;
	bool drawn; /* false: there are some, and gnuplot is not there */
};

static void add_figure(struct figures *figures, size_t outcome, const struct figure *figure)
{
	struct page *page = figures->page;

	figures->items =
		pool_grow(page->pool, figures->items, figures->count, sizeof(figures->items[0]));
	struct figure *added = &figures->items[figures->count];
	*added = *figure;
	added->record = page->labels[outcome];
	added->plot.name = pool_format(page->pool, "f%zu", figures->count);
	figures->count++;
}

/* --- what the clock measured ----------------------------------------------------------------- */

static const char *interval_text(struct page *page, const struct curve *curve)
{
	size_t least = curve->points[0].launches_count;

	for (size_t i = 1; i < curve->points_count; i++)
		if (curve->points[i].launches_count < least)
			least = curve->points[i].launches_count;
	return pool_format(page->pool,
		"Medians of %zu launches or more, with intervals of the median at 95 %% or better.",
		least);
}

static void draw_curves(struct figures *figures, size_t outcome, const struct caption *caption,
	const struct curve_plot *plot)
{
	struct page *page = figures->page;
	const struct curve *first = plot->lines[0].curve;

	add_figure(figures, outcome,
		&(struct figure){
			.claim = first->claim,
			.title = caption != NULL ? caption->title : first->case_id,
			.see = caption != NULL ? caption->see : "",
			.summary = interval_text(page, first),
			.plot = {.commands = curve_plot_commands(page->pool, plot),
				.rows_count = plot->lines_count},
		});
}

/* The first case of the check that has the quantity. */
static const struct curve *curve_for(
	const struct curve_list *curves, const struct caption_line *line)
{
	for (size_t i = 0; i < curves->count; i++)
		if (strcmp(curves->items[i].probe, line->probe) == 0 &&
			strcmp(curves->items[i].quantity, line->quantity) == 0 &&
			curves->items[i].points_count > 1)
			return &curves->items[i];
	return NULL;
}

static bool is_captioned(const struct figures *figures, const char *probe)
{
	for (size_t i = 0; i < figures->captions.count; i++)
		for (size_t k = 0; k < figures->captions.items[i].lines_count; k++)
			if (strcmp(figures->captions.items[i].lines[k].probe, probe) == 0)
				return true;
	return false;
}

static void take_caption(struct figures *figures, size_t outcome, const struct caption *caption,
	const struct curve_list *curves)
{
	struct page *page = figures->page;
	struct curve_plot_line *lines =
		pool_take(page->pool, caption->lines_count * sizeof(*lines));
	struct curve_plot plot = {
		.record = page->outcomes->items[outcome].record,
		.x = caption->x,
		.y = caption->y,
		.lines = lines,
	};

	for (size_t i = 0; i < caption->lines_count; i++) {
		const struct curve *curve = curve_for(curves, &caption->lines[i]);
		if (curve != NULL)
			lines[plot.lines_count++] =
				(struct curve_plot_line){curve, caption->lines[i].name};
	}
	if (plot.lines_count != 0)
		draw_curves(figures, outcome, caption, &plot);
}

/* Under the names that they were observed by. */
static void take_others(struct figures *figures, size_t outcome, const struct curve_list *curves)
{
	struct page *page = figures->page;

	for (size_t at = 0, length = 0; at < curves->count; at += length) {
		const struct curve *first = &curves->items[at];
		length = 1;
		while (at + length < curves->count &&
			strcmp(first[length].case_id, first->case_id) == 0)
			length++;
		if (first->points_count < 2 || is_captioned(figures, first->probe))
			continue;
		struct curve_plot_line *lines = pool_take(page->pool, length * sizeof(*lines));
		for (size_t i = 0; i < length; i++)
			lines[i] = (struct curve_plot_line){&first[i], first[i].quantity};
		draw_curves(figures, outcome, NULL,
			&(struct curve_plot){
				.record = page->outcomes->items[outcome].record,
				.lines_count = length,
				.lines = lines,
			});
	}
}

static void take_curves(struct figures *figures, size_t outcome)
{
	struct page *page = figures->page;
	const struct curve_list curves =
		curves_of(page->pool, page->outcomes->items[outcome].record);

	for (size_t i = 0; i < figures->captions.count; i++)
		take_caption(figures, outcome, &figures->captions.items[i], &curves);
	take_others(figures, outcome, &curves);
}

/* --- what moved over time, and counts over sizes --------------------------------------------- */

static void add(struct buffer *buffer, const char *text)
{
	buffer_add(buffer, text, strlen(text));
}

static void put_lines(struct page *page, struct buffer *script, const struct chart *chart)
{
	for (size_t i = 0; i < chart->lines_count; i++) {
		const struct chart_line *line = &chart->lines[i];
		add(script, pool_format(page->pool, "$d%zu << EOD\n", i));
		for (size_t k = 0; k < line->count; k++)
			add(script,
				pool_format(page->pool, "%.17g %.17g\n", line->x[k], line->y[k]));
		add(script, "EOD\n");
	}
	add(script, pool_format(page->pool, "set ylabel '%s'\nset yrange [0:*]\n%s%s",
			    plot_label(page->pool, chart->y_label),
			    chart->is_ratio ? "set format y '%.2f'\n" : "set format y '%.1s%c'\n",
			    chart->wide_x ? "set logscale x 2\n" : ""));
	for (size_t i = 0; i < chart->levels_count; i++)
		add(script, pool_format(page->pool,
				    "set arrow from graph 0, first %.17g to graph 1, first %.17g "
				    "nohead dt 2 lw 1.2\n"
				    "set label '%s' at graph 1, first %.17g right offset 0,0.5\n",
				    chart->levels[i].value, chart->levels[i].value,
				    plot_label(page->pool, chart->levels[i].name),
				    chart->levels[i].value));
	for (size_t i = 0; i < chart->lines_count; i++)
		add(script,
			pool_format(page->pool, "%s$d%zu using 1:2 with %s lt %zu lw 2 title '%s'",
				i == 0 ? "plot " : ", ", i,
				chart->lines[i].is_events ? "points pt 7 ps 0.8"
				: chart->lines[i].count > POINTS_WITH_MARKS
					? "lines"
					: "linespoints pt 7 ps 0.6",
				i + 1, plot_label(page->pool, chart->lines[i].name)));
	add(script, "\n");
}

/* A bar a row, the first on top, filled where a page is there. */
static void put_rows(struct page *page, struct buffer *script, const struct chart *chart)
{
	size_t most = 0;

	add(script, "$runs << EOD\n");
	for (size_t i = 0; i < chart->rows_count; i++) {
		const struct chart_row *row = &chart->rows[i];
		most = row->pages_count > most ? row->pages_count : most;
		for (size_t k = 0; k < row->runs_count; k++)
			add(script, pool_format(page->pool, "%.17g %.17g %zu\n", row->first[k],
					    row->last[k], i));
		/* So that a row without a page is data, too. */
		add(script, pool_format(page->pool, "0 0 %zu\n", i));
	}
	add(script, pool_format(page->pool, "EOD\nset xrange [0:%zu]\nset yrange [%g:-0.5]\n", most,
			    (double)chart->rows_count - 0.5));
	/* Names stand above their bars: beside them they would take the room that these need. */
	add(script, "unset grid\nset border 1\nunset ytics\n");
	for (size_t i = 0; i < chart->rows_count; i++)
		add(script, pool_format(page->pool,
				    "set label '%s' at graph 0, first %g\n"
				    "set object rectangle from 0, %g to %zu, %g fs empty border lc "
				    "rgb '#999999'\n",
				    plot_label(page->pool, chart->rows[i].name), (double)i - 0.3,
				    (double)i - 0.1, chart->rows[i].pages_count, (double)i + 0.4));
	add(script, "plot $runs using (($1+$2)/2):3:1:2:($3-0.1):($3+0.4) with boxxyerror lt 4 "
		    "fs solid 0.7 noborder notitle\n");
}

static void take_charts(struct figures *figures, size_t outcome)
{
	struct page *page = figures->page;
	const struct chart_list list = charts_of(page->pool, page->outcomes->items[outcome].record);

	for (size_t i = 0; i < list.count; i++) {
		const struct chart *chart = &list.items[i];
		struct buffer BUFFER_DROPS script = {0};
		add(&script, pool_format(page->pool, "set xlabel '%s'\n",
				     plot_label(page->pool, chart->x_label)));
		if (chart->rows_count != 0)
			put_rows(page, &script, chart);
		else
			put_lines(page, &script, chart);
		add_figure(figures, outcome,
			&(struct figure){
				.claim = chart->claim,
				.title = chart->title,
				.see = chart->see,
				.summary = chart->summary,
				.plot = {.commands = pool_text(page->pool, script.bytes),
					.rows_count = chart->lines_count + chart->rows_count},
			});
	}
}

/* --- the section ----------------------------------------------------------------------------- */

static void put_figure(struct page *page, const struct figure *figure)
{
	struct xml *xml = page->xml;
	const struct claim *claim = claim_named(&page->claims, figure->claim);

	xml_start(xml, "figure", NULL);
	xml_start(xml, "h3", NULL);
	xml_text(xml, figure->title);
	if (page->outcomes->count > 1)
		xml_element(xml, "small", figure->record, NULL);
	xml_end(xml);
	xml_raw(xml, figure->plot.svg);
	xml_start(xml, "figcaption", NULL);
	if (figure->see[0] != '\0')
		xml_element(xml, "p", figure->see, NULL);
	xml_start(xml, "p", "class", "dim", NULL);
	page_claim_link(page, figure->claim);
	xml_text(xml, pool_format(page->pool, " %s %s", claim != NULL ? claim->statement : "",
			      figure->summary));
	xml_end(xml);
	xml_end(xml);
	xml_end(xml);
}

bool page_figures_draw(struct page *page)
{
	struct figures *figures = pool_take(page->pool, sizeof(*figures));

	*figures = (struct figures){.page = page};
	page->figures = figures;
	if (!captions_load(page->pool, data_path(page->pool, CAPTIONS_FILE), &figures->captions))
		return false;
	for (size_t i = 0; i < page->outcomes->count && i < PAGE_RECORDS_IN_FULL; i++) {
		take_curves(figures, i);
		take_charts(figures, i);
	}
	struct plot *plots = pool_take(page->pool, (figures->count + 1) * sizeof(*plots));
	for (size_t i = 0; i < figures->count; i++)
		plots[i] = figures->items[i].plot;
	/* After a message: a page without its figures is better than none. */
	figures->drawn = plot_draw(page->pool, plots, figures->count);
	for (size_t i = 0; i < figures->count; i++)
		figures->items[i].plot = plots[i];
	return true;
}

bool page_has_figures(const struct page *page)
{
	return page->figures->count != 0;
}

void page_figures(struct page *page)
{
	if (!page_has_figures(page))
		return;
	xml_start(page->xml, "section", "id", "figures", NULL);
	xml_element(page->xml, "h2", "Figures", NULL);
	xml_start(page->xml, "div", "class", "figures", NULL);
	for (size_t i = 0; i < page->figures->count && page->figures->drawn; i++)
		put_figure(page, &page->figures->items[i]);
	xml_end(page->xml);
	if (!page->figures->drawn)
		xml_element(page->xml, "p",
			pool_format(page->pool,
				"%zu are not drawn: where this page was made there was no gnuplot.",
				page->figures->count),
			NULL);
	else if (page->outcomes->count > PAGE_RECORDS_IN_FULL)
		xml_element(page->xml, "p",
			pool_format(page->pool, "Of the first %d records.", PAGE_RECORDS_IN_FULL),
			NULL);
	xml_end(page->xml);
}
