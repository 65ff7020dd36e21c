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
	char *copy = (char *)pool_text(pool, text);

	for (char *at = copy; *at != '\0'; at++)
		if (!isascii(*at) ||
			(!isalnum((unsigned char)*at) && strchr(" -_.,:/+()=", *at) == NULL))
			*at = '?';
	return copy;
}

/* --- gnuplot --------------------------------------------------------------------------------- */

/* Its version's fonts and its locale would be in the bytes. */
static const char preamble[] =
	"set decimalsign '.'\n"
	/* Told apart by colour-blind eyes, and on white as on black. */
	"set linetype 1 lc rgb '#7d5ba6'\nset linetype 2 lc rgb '#2a8f5d'\n"
	"set linetype 3 lc rgb '#b0413e'\nset linetype 4 lc rgb '#3b76af'\n"
	"set linetype 5 lc rgb '#a07c10'\nset linetype 6 lc rgb '#7a7a7a'\n"
	"set terminal svg size 640,380 dynamic noenhanced font 'sans-serif,13' linewidth 1.2 name ";

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

/* Ink is the page's: black turns with it from light to dark. */
static const char *recolour(struct pool *pool, const char *svg)
{
	static const char black[] = "'black'", fill[] = "\"black\"", zero[] = "rgb(  0,   0,   0)";
	struct buffer buffer = {0};

	while (*svg != '\0') {
		size_t length = 1;
		const char *text = svg;
		if (strncmp(svg, black, strlen(black)) == 0 ||
			strncmp(svg, fill, strlen(fill)) == 0) {
			length = strlen(black);
			text = "\"currentColor\"";
		} else if (strncmp(svg, zero, strlen(zero)) == 0) {
			length = strlen(zero);
			text = "currentColor";
		}
		buffer_add(&buffer, text, text == svg ? 1 : strlen(text));
		svg += length;
	}
	const char *copy = pool_text(pool, buffer.bytes != NULL ? buffer.bytes : "");
	buffer_drop(&buffer);
	return copy;
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
	plot->svg = recolour(pool, start);
	return true;
}

static bool draw_in(struct pool *pool, const char *folder, struct plot *plots, size_t count)
{
	FILE *script = tmpfile();
	bool good = script != NULL;

	for (size_t i = 0; i < count && good; i++)
		good = fprintf(script, "reset\n%s'%s'\nset output '%s/%zu.svg'\n%s\nset output\n",
			       preamble, plots[i].name, folder, i, plots[i].commands) > 0;
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
