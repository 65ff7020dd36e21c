/* SPDX-License-Identifier: Apache-2.0 */
#include "report/plot.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/message.h"

const char *plot_label(struct pool *pool, const char *text)
{
	static const char percent[] = "percent";
	struct buffer BUFFER_DROPS buffer = {0};

	for (; *text != '\0'; text++) {
		const bool comes_through =
			isascii(*text) &&
			(isalnum((unsigned char)*text) || strchr(" -_.,:/+()=", *text) != NULL);
		if (*text == '%')
			buffer_add(&buffer, percent, strlen(percent));
		else
			buffer_add(&buffer, comes_through ? text : "?", 1);
	}
	return pool_text(pool, buffer.bytes != NULL ? buffer.bytes : "");
}

/* Of a picture, in pixels, and what each row in it or below it adds. */
#define WIDTH	   640
#define HEIGHT	   (size_t)340
#define ROW_HEIGHT (size_t)20

/* --- gnuplot --------------------------------------------------------------------------------- */

/* Its version's fonts and its locale would be in the bytes. */
static const char preamble[] =
	"set decimalsign '.'\n"
	/* Told apart by colour-blind eyes, and on white as on black. */
	"set linetype 1 lc rgb '#7d5ba6'\nset linetype 2 lc rgb '#2a8f5d'\n"
	"set linetype 3 lc rgb '#b0413e'\nset linetype 4 lc rgb '#3b76af'\n"
	"set linetype 5 lc rgb '#a07c10'\nset linetype 6 lc rgb '#7a7a7a'\n"
	"set linetype 7 lc rgb '#c2569b'\nset linetype 8 lc rgb '#1e9aa8'\n"
	"set grid ytics lc rgb '#999999' lw 0.4\nset border 3\nset tics nomirror\n"
	"set key outside below horizontal\n"
	"set terminal svg dynamic noenhanced font 'sans-serif,15' linewidth 1.2 size ";

static int run(FILE *script)
{
	char *const arguments[] = {"gnuplot", "-d", NULL};
	char *const environment[] = {"LC_ALL=C", "PATH=/usr/local/bin:/usr/bin:/bin", NULL};
	posix_spawn_file_actions_t actions;
	pid_t child = 0;
	int status = 0;

	(void)posix_spawn_file_actions_init(&actions);
	(void)posix_spawn_file_actions_adddup2(&actions, fileno(script), STDIN_FILENO);
	(void)posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	const int error =
		posix_spawnp(&child, arguments[0], &actions, NULL, arguments, environment);
	(void)posix_spawn_file_actions_destroy(&actions);
	if (error != 0)
		return error;
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		continue;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : EPROTO;
}

/*
 * Ink is the page's: black turns with it from light to dark. A group whose pen is white (an empty
 * rectangle) would make the ink of all texts in it white.
 */
static const char *recolour(struct pool *pool, const char *svg)
{
	static const char *const inks[][2] = {
		{"'black'", "\"currentColor\""},
		{"\"black\"", "\"currentColor\""},
		{"rgb(  0,   0,   0)", "currentColor"},
		{" color=\"white\"", " color=\"currentColor\""},
	};
	struct buffer BUFFER_DROPS buffer = {0};

	while (*svg != '\0') {
		const char *text = svg;
		size_t length = 1, text_length = 1;
		for (size_t i = 0; i < sizeof(inks) / sizeof(inks[0]); i++)
			if (strncmp(svg, inks[i][0], strlen(inks[i][0])) == 0) {
				length = strlen(inks[i][0]);
				text = inks[i][1];
				text_length = strlen(text);
			}
		buffer_add(&buffer, text, text_length);
		svg += length;
	}
	return pool_text(pool, buffer.bytes != NULL ? buffer.bytes : "");
}

/* Which gnuplot drew it is no part of a page: what draws alike makes the same bytes. */
static const char *without_origin(struct pool *pool, const char *svg)
{
	static const char end_mark[] = "</desc>";
	const char *start = strstr(svg, "<desc>");
	const char *end = start != NULL ? strstr(start, end_mark) : NULL;

	if (end == NULL)
		return svg;
	return pool_format(pool, "%s%s", pool_text_of(pool, svg, (size_t)(start - svg)),
		end + strlen(end_mark));
}

static bool read_svg(struct pool *pool, const char *path, struct plot *plot)
{
	struct buffer BUFFER_DROPS text = {0};
	FILE *stream = fopen(path, "re");
	char chunk[1 << 14];
	size_t got_bytes = 0;

	if (stream == NULL) {
		message("gnuplot drew nothing for %s", plot->name);
		return false;
	}
	while ((got_bytes = fread(chunk, 1, sizeof(chunk), stream)) != 0)
		buffer_add(&text, chunk, got_bytes);
	(void)fclose(stream);
	/* The prologue is for a file of its own. */
	const char *start = text.bytes != NULL ? strstr(text.bytes, "<svg") : NULL;
	if (start == NULL) {
		message("gnuplot drew no figure for %s", plot->name);
		return false;
	}
	plot->svg = recolour(pool, without_origin(pool, start));
	return true;
}

static bool draw_in(struct pool *pool, const char *folder, struct plot *plots, size_t count)
{
	FILE *script = tmpfile();
	bool good = script != NULL;

	for (size_t i = 0; i < count && good; i++)
		good = fprintf(script,
			       "reset\n%s%d,%zu name '%s'\nset output '%s/%zu.svg'\n%s\nset "
			       "output\n",
			       preamble, WIDTH, HEIGHT + ROW_HEIGHT * plots[i].rows_count,
			       plots[i].name, folder, i, plots[i].commands) > 0;
	if (!good || fflush(script) != 0 || fseek(script, 0, SEEK_SET) != 0) {
		message("the script for gnuplot: %s", strerror(errno));
		return false;
	}
	const int error = run(script);
	(void)fclose(script);
	if (error != 0)
		message("gnuplot, which draws the figures: %s",
			error == EPROTO ? "it failed" : strerror(error));
	for (size_t i = 0; i < count; i++) {
		const char *path = pool_format(pool, "%s/%zu.svg", folder, i);
		good = good && error == 0 && read_svg(pool, path, &plots[i]);
		(void)unlink(path);
	}
	return good && error == 0;
}

bool plot_draw(struct pool *pool, struct plot *plots, size_t count)
{
	char folder[] = "/tmp/mmconform-plot-XXXXXX";

	if (count == 0)
		return true;
	if (mkdtemp(folder) == NULL) {
		message("%s: %s", folder, strerror(errno));
		return false;
	}
	const bool good = draw_in(pool, folder, plots, count);
	(void)rmdir(folder);
	return good;
}
