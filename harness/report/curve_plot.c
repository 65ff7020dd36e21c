/* SPDX-License-Identifier: Apache-2.0 */
#include "report/curve_plot.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <string.h>

#include "base/buffer.h"
#include "judge/text.h"
#include "report/plot.h"

/* Wider ranges than this need a logarithm to be seen. */
#define RANGE_OF_A_LINEAR_X 16
#define RANGE_OF_A_LINEAR_Y 60

/* More places than these are a line with a band, and get ticks of their own choice. */
#define PLACES_WITH_MARKS 13

/* Names of more places than these lean over. */
#define PLACES_SIDE_BY_SIDE 6

/* What is left free beside the outermost places, of the width. */
#define MARGIN 0.03

#define NS_PER_S 1e9

/* Up to where a knee is named: above the plateau that it ends. */
#define LABEL_HEIGHT 0.98

#define TEXTBOOK_COLOUR "#d4802a"

struct range {
	double low, high;
};

/* A figure in the making: its commands, and the names of its places where these are words. */
struct making {
	struct pool *pool;
	const struct curve_plot *plot;
	struct buffer commands;
	bool numeric;
	size_t places_count;
	const char **places;
};

__attribute__((format(printf, 2, 3))) static void add(
	struct making *making, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	const char *text = pool_format_list(making->pool, format, arguments);
	va_end(arguments);
	buffer_add(&making->commands, text, strlen(text));
}

/* --- places ---------------------------------------------------------------------------------- */

static size_t place_index(const struct making *making, const char *at)
{
	size_t i = 0;

	while (i < making->places_count && strcmp(making->places[i], at) != 0)
		i++;
	return i;
}

/* Where places are words, curves may have different ones: each word is one place. */
static void gather_places(struct making *making)
{
	for (size_t i = 0; i < making->plot->lines_count; i++) {
		const struct curve *curve = making->plot->lines[i].curve;
		making->numeric = making->numeric && curve->numeric;
		for (size_t k = 0; k < curve->points_count; k++) {
			const char *at = curve->points[k].at;
			if (place_index(making, at) < making->places_count)
				continue;
			making->places = pool_grow(making->pool, making->places,
				making->places_count, sizeof(making->places[0]));
			making->places[making->places_count++] = at;
		}
	}
}

static double place_of(const struct making *making, const struct curve_point *point)
{
	return making->numeric ? point->place : (double)place_index(making, point->at);
}

static double seconds(const struct curve *curve, double ns)
{
	return ns / NS_PER_S / (double)curve->batch;
}

static void put_data(struct making *making, size_t number)
{
	const struct curve *curve = making->plot->lines[number].curve;

	add(making, "$d%zu << EOD\n", number);
	for (size_t i = 0; i < curve->points_count; i++) {
		const struct curve_point *point = &curve->points[i];
		add(making, "%.17g %.17g %.17g %.17g\n", place_of(making, point),
			seconds(curve, point->median_ns), seconds(curve, point->low_ns),
			seconds(curve, point->high_ns));
	}
	add(making, "EOD\n");
}

/* --- axes ------------------------------------------------------------------------------------ */

static void widen(struct range *range, double value)
{
	if (value > 0 && (range->low <= 0 || value < range->low))
		range->low = value;
	if (value > range->high)
		range->high = value;
}

static bool is_wide(const struct range *range, double most)
{
	return range->low > 0 && range->high / range->low > most;
}

static void put_y_axis(struct making *making)
{
	const struct curve_plot *plot = making->plot;
	struct range y = {0};

	for (size_t i = 0; i < plot->lines_count; i++)
		for (size_t k = 0; k < plot->lines[i].curve->points_count; k++) {
			const struct curve_point *point = &plot->lines[i].curve->points[k];
			widen(&y, seconds(plot->lines[i].curve, point->low_ns));
			widen(&y, seconds(plot->lines[i].curve, point->high_ns));
		}
	add(making, "set ylabel '%s'\n",
		plot_label(making->pool, plot->y != NULL		    ? plot->y
					 : plot->lines[0].curve->batch == 1 ? "time of a batch"
									    : "time of one"));
	add(making, is_wide(&y, RANGE_OF_A_LINEAR_Y)
			    ? "set logscale y\nset format y '%%.0s %%cs'\n"
			    : "set yrange [0:*]\nset format y '%%.1s %%cs'\n");
}

static void put_ticks(struct making *making)
{
	if (making->places_count > PLACES_WITH_MARKS)
		return;
	for (size_t i = 0; i < making->places_count; i++) {
		double place = (double)i;
		bool is_bytes = false;
		if (making->numeric && !curve_place(making->places[i], &place, &is_bytes))
			continue;
		add(making, "%s'%s' %.17g", i == 0 ? "set xtics (" : ", ",
			plot_label(making->pool, making->places[i]), place);
	}
	add(making, ")%s\n", making->places_count > PLACES_SIDE_BY_SIDE ? " rotate by -35" : "");
}

static void put_x_axis(struct making *making)
{
	const struct curve_plot *plot = making->plot;
	struct range x = {0};

	if (plot->x != NULL)
		add(making, "set xlabel '%s'\n", plot_label(making->pool, plot->x));
	put_ticks(making);
	if (!making->numeric) {
		add(making, "set xrange [-0.5:%g]\n", (double)making->places_count - 0.5);
		return;
	}
	for (size_t i = 0; i < plot->lines_count; i++)
		for (size_t k = 0; k < plot->lines[i].curve->points_count; k++)
			widen(&x, plot->lines[i].curve->points[k].place);
	if (plot->x == NULL)
		add(making, "set xlabel '%s'\n",
			strcmp(plot->lines[0].curve->unit, "bytes") == 0 ? "memory" : "count");
	if (is_wide(&x, RANGE_OF_A_LINEAR_X)) {
		const double margin = pow(x.high / x.low, MARGIN);
		add(making, "set logscale x 2\nset xrange [%.17g:%.17g]\n", x.low / margin,
			x.high * margin);
	} else {
		const double margin = (x.high - x.low) * MARGIN;
		add(making, "set xrange [%.17g:%.17g]\n", x.low - margin, x.high + margin);
	}
}

/* --- what the models say --------------------------------------------------------------------- */

static void put_knee(
	struct making *making, const char *model, const char *colour, const int64_t knee[2])
{
	const char *where =
		knee[0] == knee[1]
			? pool_format(making->pool, "at %" PRId64, knee[0])
			: pool_format(making->pool, "%" PRId64 " to %" PRId64, knee[0], knee[1]);

	add(making,
		"set object rectangle from %.17g, graph 0 to %.17g, graph 1 behind fc %s fs "
		"transparent solid 0.25 noborder\n"
		"set label '%s: knee %s' at %.17g, graph %.17g right rotate by 90 tc %s offset "
		"-0.6,0\n",
		(double)knee[0] - 0.5, (double)knee[1] + 0.5, colour, model, where, (double)knee[0],
		LABEL_HEIGHT, colour);
}

/* As the verdicts have it: where a rule decided, nothing else in the record does. */
static void put_knees(struct making *making, size_t number)
{
	const struct record *record = making->plot->record;
	const struct curve *curve = making->plot->lines[number].curve;
	const char *colour = pool_format(making->pool, "lt %zu", number + 1);

	for (size_t i = 0; i < record->verdicts_count; i++) {
		const struct record_verdict *verdict = &record->verdicts[i];
		int64_t linux_knee[2] = {-1, -1}, taught[2] = {-1, -1};
		if (strcmp(verdict->probe, curve->probe) != 0)
			continue;
		const bool has_linux =
			prediction_text_knee(verdict->expected, curve->quantity, linux_knee);
		if (has_linux)
			put_knee(making, "linux", colour, linux_knee);
		if (prediction_text_knee(verdict->textbook_expected, curve->quantity, taught) &&
			(taught[0] != linux_knee[0] || taught[1] != linux_knee[1]))
			put_knee(making, "textbook", "rgb '" TEXTBOOK_COLOUR "'", taught);
	}
}

/* --- lines ----------------------------------------------------------------------------------- */

static void put_line(struct making *making, size_t number)
{
	const size_t count = making->plot->lines_count;
	const double width = 0.8 / (double)count;
	const char *title = plot_label(making->pool, making->plot->lines[number].name);

	add(making, number == 0 ? "plot " : ", ");
	if (making->numeric && making->plot->lines[number].curve->points_count > PLACES_WITH_MARKS)
		add(making,
			"$d%zu using 1:3:4 with filledcurves lt %zu fs transparent solid 0.25 "
			"notitle, $d%zu using 1:2 with lines lt %zu lw 2 title '%s'",
			number, number + 1, number, number + 1, title);
	else if (making->numeric)
		add(making, "$d%zu using 1:2:3:4 with yerrorlines lt %zu pt 7 ps 0.6 title '%s'",
			number, number + 1, title);
	else
		add(making,
			"$d%zu using ($1+%.17g):2:3:4:(%.17g) with boxerrorbars lt %zu fs solid "
			"0.5 title '%s'",
			number, ((double)number - (double)(count - 1) / 2) * width, width,
			number + 1, title);
}

const char *curve_plot_commands(struct pool *pool, const struct curve_plot *plot)
{
	struct making making = {.pool = pool, .plot = plot, .numeric = true};

	gather_places(&making);
	for (size_t i = 0; i < plot->lines_count; i++)
		put_data(&making, i);
	put_y_axis(&making);
	put_x_axis(&making);
	for (size_t i = 0; i < plot->lines_count; i++)
		put_knees(&making, i);
	for (size_t i = 0; i < plot->lines_count; i++)
		put_line(&making, i);
	add(&making, "\n");
	const char *commands = pool_text(pool, making.commands.bytes);
	buffer_drop(&making.commands);
	return commands;
}
