/* SPDX-License-Identifier: Apache-2.0 */
#include "report/drawing.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "facts/facts.h"
#include "report/curves.h"
#include "report/machine_figures.h"
#include "report/style.h"

#define BAR_CHARACTERS 40
/* A curve of more places is one for a page: every so many are left out here. */
#define ROWS_MOST 24

static int by_median(const void *left, const void *right)
{
	const struct curve_point *a = left, *b = right;

	return (a->median_ns > b->median_ns) - (a->median_ns < b->median_ns);
}

static const char *time_text(struct pool *pool, double ns)
{
	if (ns >= 1e9)
		return pool_format(pool, "%.2f s", ns / 1e9);
	if (ns >= 1e6)
		return pool_format(pool, "%.2f ms", ns / 1e6);
	if (ns >= 1e3)
		return pool_format(pool, "%.2f us", ns / 1e3);
	return pool_format(pool, "%.0f ns", ns);
}

/* From one sign for the least to all for the most; times of nothing have none. */
static size_t bar_of(double ns, double least, double most)
{
	if (ns <= 0)
		return 0;
	if (most <= least)
		return 1;
	return 1 + (size_t)lround((BAR_CHARACTERS - 1) * log(ns / least) / log(most / least));
}

static void draw(FILE *stream, struct pool *pool, const struct curve *curve)
{
	static const char bar[] = "########################################";
	struct curve_point *points = pool_take(pool, curve->points_count * sizeof(*points));
	const size_t step = 1 + (curve->points_count - 1) / ROWS_MOST;
	double least = INFINITY, most = 0;

	memcpy(points, curve->points, curve->points_count * sizeof(*points));
	/* Places that are words have no order of their own: the ladder is climbed by time. */
	if (!curve->numeric)
		qsort(points, curve->points_count, sizeof(*points), by_median);
	for (size_t i = 0; i < curve->points_count; i++) {
		if (points[i].median_ns > 0)
			least = fmin(least, points[i].median_ns);
		most = fmax(most, points[i].median_ns);
	}
	(void)fprintf(stream, "\n%s %s\n", style_plain(pool, curve->case_id),
		style_plain(pool, curve->quantity));
	for (size_t i = 0; i < curve->points_count; i += step)
		(void)fprintf(stream, "  %12s %11s  %.*s\n", style_plain(pool, points[i].at),
			time_text(pool, points[i].median_ns),
			(int)bar_of(points[i].median_ns, least, most), bar);
}

#define PART_CHARACTERS 44

static void draw_edge(FILE *stream)
{
	(void)fprintf(stream, "  +%.*s+\n", PART_CHARACTERS,
		"--------------------------------------------");
}

static void draw_part(FILE *stream, const char *name, const char *size, const char *time)
{
	if (time == NULL)
		return;
	(void)fprintf(stream, "  | %-12s%14s%16s |\n", name, size, time);
	draw_edge(stream);
}

/* What an access passes on its way, and what it takes to come so far. */
static void draw_machine(FILE *stream, struct pool *pool, const struct record *record)
{
	struct machine_cache caches[MACHINE_CACHES_LIMIT];
	struct machine_figures figures;
	struct facts facts;
	const char *why = NULL;

	if (!machine_figures_of(pool, record, &figures) || figures.count == 0 ||
		!facts_from_json(pool, record->facts, strlen(record->facts), &facts, &why))
		return;
	const size_t count =
		machine_caches(pool, facts.text[FACTS_TEXT_TOPOLOGY], &figures, caches);
	(void)fprintf(stream, "\nThe machine: what one access takes\n");
	draw_edge(stream);
	draw_part(
		stream, "second TLB", "more than L1", machine_figure_text(&figures, "second TLB"));
	draw_part(stream, "walk", "more than that", machine_figure_text(&figures, "walk"));
	for (size_t i = 0; i < count; i++)
		draw_part(stream, style_plain(pool, caches[i].name),
			style_plain(pool, caches[i].size), caches[i].time);
	draw_part(stream, "memory",
		pool_format(pool, "%llu MiB", (unsigned long long)(facts.memory_kib >> 10)),
		machine_figure_text(&figures, "memory"));
	draw_part(stream, "storage", "", machine_figure_text(&figures, "storage"));
}

void drawing_print(FILE *stream, const struct record *record)
{
	struct pool POOL_DROPS pool = {0};
	const struct curve_list curves = curves_of(&pool, record);

	draw_machine(stream, &pool, record);

	for (size_t i = 0; i < curves.count; i++)
		if (curves.items[i].points_count > 1)
			draw(stream, &pool, &curves.items[i]);
}
