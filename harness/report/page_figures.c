/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A figure for each case that the clock measured: its quantities over their places, medians over
 * launches with their intervals, and the knee that each model predicts as a band. Places that are
 * words are bars. What has no time but the same places in several trials is no figure.
 */
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "report/charts.h"
#include "report/curves.h"
#include "report/page.h"
#include "report/plot.h"

/* Wider ranges than this need a logarithm to be seen. */
#define RANGE_OF_A_LINEAR_X 16
#define RANGE_OF_A_LINEAR_Y 60

/* More places than these are a line with a band, and get ticks of their own choice. */
#define PLACES_WITH_MARKS 12

/* Names of more places than these lean over. */
#define PLACES_SIDE_BY_SIDE 6

#define NS_PER_S 1e9

#define LINUX_COLOUR	"#1f77b4"
#define TEXTBOOK_COLOUR "#d4802a"

struct figure {
	const char *claim, *record, *summary;
	struct plot plot;
};

struct figures {
	struct page *page;
	size_t count;
	struct figure *items;
};

static void add(struct buffer *buffer, const char *text)
{
	buffer_add(buffer, text, strlen(text));
}

static void add_figure(struct figures *figures, size_t outcome, const char *claim,
	const char *summary, struct buffer *commands)
{
	struct page *page = figures->page;

	figures->items =
		pool_grow(page->pool, figures->items, figures->count, sizeof(figures->items[0]));
	figures->items[figures->count] = (struct figure){
		.claim = claim,
		.record = page->labels[outcome],
		.summary = summary,
		.plot = {.name = pool_format(page->pool, "f%zu", figures->count),
			.commands = pool_text(page->pool, commands->bytes)},
	};
	figures->count++;
	buffer_drop(commands);
}

/* --- what the clock measured ----------------------------------------------------------------- */

static void put_data(
	struct page *page, struct buffer *script, const struct curve *curve, size_t number)
{
	add(script, pool_format(page->pool, "$d%zu << EOD\n", number));
	for (size_t i = 0; i < curve->points_count; i++) {
		const struct curve_point *point = &curve->points[i];
		add(script,
			pool_format(page->pool, "%.17g %.17g %.17g %.17g \"%s\"\n", point->place,
				point->median_ns / NS_PER_S, point->low_ns / NS_PER_S,
				point->high_ns / NS_PER_S, plot_label(page->pool, point->at)));
	}
	add(script, "EOD\n");
}

struct range {
	double low, high;
};

static void widen(struct range *range, double value)
{
	if (value > 0 && (range->low == 0 || value < range->low))
		range->low = value;
	if (value > range->high)
		range->high = value;
}

static bool is_wide(const struct range *range, double most)
{
	return range->low > 0 && range->high / range->low > most;
}

/* A few places are ticks by their own names. */
static void put_ticks(struct page *page, struct buffer *script, const struct curve *curve)
{
	if (curve->points_count > PLACES_WITH_MARKS)
		return;
	for (size_t i = 0; i < curve->points_count; i++)
		add(script, pool_format(page->pool, "%s'%s' %.17g", i == 0 ? "set xtics (" : ", ",
				    plot_label(page->pool, curve->points[i].at),
				    curve->points[i].place));
	add(script, ")\n");
}

static void put_axes(
	struct page *page, struct buffer *script, const struct curve *curves, size_t count)
{
	struct range x = {0}, y = {0};

	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < curves[i].points_count; k++) {
			widen(&x, curves[i].points[k].place);
			widen(&y, curves[i].points[k].low_ns);
			widen(&y, curves[i].points[k].high_ns);
		}
	add(script, "set grid ytics lc rgb '#999999' lw 0.4\nset border 3\nset tics nomirror\n"
		    "set key outside below horizontal\nset ylabel 'time of a batch'\n");
	if (is_wide(&y, RANGE_OF_A_LINEAR_Y))
		add(script, "set logscale y\nset format y '%.0s %cs'\n");
	else
		add(script, "set yrange [0:*]\nset format y '%.1s %cs'\n");
	if (!curves[0].numeric) {
		size_t most = 0;
		for (size_t i = 0; i < count; i++)
			if (curves[i].points_count > most)
				most = curves[i].points_count;
		add(script, pool_format(page->pool, "set xrange [-0.5:%g]\n%s", (double)most - 0.5,
				    most > PLACES_SIDE_BY_SIDE ? "set xtics rotate by -35\n" : ""));
		return;
	}
	if (is_wide(&x, RANGE_OF_A_LINEAR_X))
		add(script, "set logscale x 2\n");
	add(script, strcmp(curves[0].unit, "bytes") == 0 ? "set xlabel 'memory'\n"
							 : "set xlabel 'count'\n");
	put_ticks(page, script, &curves[0]);
}

/* The knees that the two models predict for a quantity of the case. */
static void put_knees(struct page *page, struct buffer *script, const struct record *record,
	const char *probe, const struct curve *curve)
{
	for (size_t i = 0; i < record->predictions_count; i++) {
		const struct record_prediction *prediction = &record->predictions[i];
		const bool is_linux = strcmp(prediction->model, "linux") == 0;
		if (strcmp(prediction->probe, probe) != 0)
			continue;
		for (size_t k = 0; k < prediction->expect_count; k++) {
			const struct record_expect *expect = &prediction->expect[k];
			if (expect->shape == NULL || strcmp(expect->shape, "knee") != 0 ||
				strcmp(expect->quantity, curve->quantity) != 0 ||
				expect->values_count != 2)
				continue;
			const double low = (double)expect->values[0];
			const double high = (double)expect->values[1];
			add(script, pool_format(page->pool,
					    "set object rectangle from %.17g, graph 0 to %.17g, "
					    "graph 1 "
					    "behind fc rgb '%s' fs solid 0.25 noborder\n"
					    "set label '%s: knee at %.17g' at %.17g, graph 0.5 "
					    "rotate by 90 "
					    "tc rgb '%s' offset -0.6,0\n",
					    low - 0.5, high + 0.5,
					    is_linux ? LINUX_COLOUR : TEXTBOOK_COLOUR,
					    is_linux ? "linux" : "textbook", high, low,
					    is_linux ? LINUX_COLOUR : TEXTBOOK_COLOUR));
		}
	}
}

static void put_curves(
	struct page *page, struct buffer *script, const struct curve *curves, size_t count)
{
	const double width = 0.8 / (double)count;

	for (size_t i = 0; i < count; i++) {
		const char *title = plot_label(page->pool, curves[i].quantity);
		add(script, i == 0 ? "plot " : ", ");
		if (curves[i].numeric && curves[i].points_count > PLACES_WITH_MARKS)
			add(script,
				pool_format(page->pool,
					"$d%zu using 1:3:4 with filledcurves lt %zu fs transparent "
					"solid 0.25 notitle, $d%zu using 1:2 with lines lt %zu "
					"lw 2 title '%s'",
					i, i + 1, i, i + 1, title));
		else if (curves[i].numeric)
			add(script,
				pool_format(page->pool,
					"$d%zu using 1:2:3:4 with yerrorlines lt %zu pt 7 ps 0.6 "
					"title '%s'",
					i, i + 1, title));
		else
			add(script, pool_format(page->pool,
					    "$d%zu using ($1+%.17g):2:3:4:(%.17g):xtic(5) with "
					    "boxerrorbars lt %zu fs solid 0.5 title '%s'",
					    i, ((double)i - (double)(count - 1) / 2) * width, width,
					    i + 1, title));
	}
	add(script, "\n");
}

static const char *interval_text(struct page *page, const struct curve *curve)
{
	size_t least = curve->points[0].launches_count;

	for (size_t i = 1; i < curve->points_count; i++)
		if (curve->points[i].launches_count < least)
			least = curve->points[i].launches_count;
	return pool_format(page->pool,
		"Medians of %zu launches or more, with intervals of the "
		"median at 95 %% or better.",
		least);
}

static void take_curves(struct figures *figures, size_t outcome)
{
	struct page *page = figures->page;
	const struct record *record = page->outcomes->items[outcome].record;
	const struct curve_list curves = curves_of(page->pool, record);

	for (size_t at = 0, length = 0; at < curves.count; at += length) {
		struct buffer script = {0};
		const struct curve *first = &curves.items[at];
		length = 1;
		while (at + length < curves.count &&
			strcmp(first[length].case_id, first->case_id) == 0)
			length++;
		if (first->points_count < 2)
			continue;
		for (size_t i = 0; i < length; i++)
			put_data(page, &script, &first[i], i);
		put_axes(page, &script, first, length);
		for (size_t i = 0; i < length; i++)
			put_knees(page, &script, record,
				pool_text_of(
					page->pool, first->case_id, strcspn(first->case_id, "[")),
				&first[i]);
		put_curves(page, &script, first, length);
		add_figure(figures, outcome, first->claim, interval_text(page, first), &script);
	}
}

/* --- what moved over time, and counts over sizes --------------------------------------------- */

static void put_chart(struct page *page, struct buffer *script, const struct chart *chart)
{
	for (size_t i = 0; i < chart->lines_count; i++) {
		const struct chart_line *line = &chart->lines[i];
		add(script, pool_format(page->pool, "$d%zu << EOD\n", i));
		for (size_t k = 0; k < line->count; k++)
			add(script,
				pool_format(page->pool, "%.17g %.17g\n", line->x[k], line->y[k]));
		add(script, "EOD\n");
	}
	add(script,
		pool_format(page->pool,
			"set grid ytics lc rgb '#999999' lw 0.4\nset border 3\nset tics nomirror\n"
			"set key outside below horizontal\nset xlabel '%s'\nset ylabel '%s'\n"
			"set yrange [0:*]\nset format y '%%.1s%%c'\n%s",
			plot_label(page->pool, chart->x_label),
			plot_label(page->pool, chart->y_label),
			chart->wide_x ? "set logscale x 2\n" : ""));
	for (size_t i = 0; i < chart->levels_count; i++)
		add(script,
			pool_format(page->pool,
				"set arrow from graph 0, first %.17g to graph 1, first %.17g "
				"nohead "
				"dt 2 lw 1.2\nset label '%s' at graph 1, first %.17g right offset "
				"0,0.5\n",
				chart->levels[i].value, chart->levels[i].value,
				plot_label(page->pool, chart->levels[i].name),
				chart->levels[i].value));
	for (size_t i = 0; i < chart->lines_count; i++)
		add(script,
			pool_format(page->pool, "%s$d%zu using 1:2 with %s lt %zu lw 2 title '%s'",
				i == 0 ? "plot " : ", ", i,
				chart->lines[i].count > 40 ? "lines" : "linespoints pt 7 ps 0.6",
				i + 1, plot_label(page->pool, chart->lines[i].name)));
	add(script, "\n");
}

static void take_charts(struct figures *figures, size_t outcome)
{
	struct page *page = figures->page;
	const struct chart_list list = charts_of(page->pool, page->outcomes->items[outcome].record);

	for (size_t i = 0; i < list.count; i++) {
		struct buffer script = {0};
		put_chart(page, &script, &list.items[i]);
		add_figure(figures, outcome, list.items[i].claim, list.items[i].summary, &script);
	}
}

/* --- the section ----------------------------------------------------------------------------- */

static void put_figure(struct page *page, const struct figure *figure)
{
	struct xml *xml = page->xml;
	const struct claim *claim = claim_named(&page->claims, figure->claim);

	xml_start(xml, "figure", NULL);
	xml_raw(xml, figure->plot.svg);
	xml_start(xml, "figcaption", NULL);
	page_claim_link(page, figure->claim);
	if (page->outcomes->count > 1)
		xml_element(xml, "small", figure->record, NULL);
	xml_text(xml, " ");
	xml_text(xml, claim != NULL ? claim->statement : "");
	xml_element(xml, "small", figure->summary, NULL);
	xml_end(xml);
	xml_end(xml);
}

bool page_figures(struct page *page)
{
	struct figures figures = {.page = page};

	for (size_t i = 0; i < page->outcomes->count && i < PAGE_RECORDS_IN_FULL; i++) {
		take_curves(&figures, i);
		take_charts(&figures, i);
	}
	if (figures.count == 0)
		return true;
	struct plot *plots = pool_take(page->pool, figures.count * sizeof(*plots));
	for (size_t i = 0; i < figures.count; i++)
		plots[i] = figures.items[i].plot;
	const bool good = plot_draw(page->pool, plots, figures.count);
	xml_start(page->xml, "section", "id", "figures", NULL);
	xml_element(page->xml, "h2", "Figures", NULL);
	xml_start(page->xml, "div", "class", "figures", NULL);
	for (size_t i = 0; i < figures.count && good; i++) {
		figures.items[i].plot = plots[i];
		put_figure(page, &figures.items[i]);
	}
	xml_end(page->xml);
	if (page->outcomes->count > PAGE_RECORDS_IN_FULL)
		xml_element(page->xml, "p",
			pool_format(page->pool, "Of the first %d records.", PAGE_RECORDS_IN_FULL),
			NULL);
	xml_end(page->xml);
	return good;
}
