/* SPDX-License-Identifier: Apache-2.0 */
#include "report/style.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define RESET "\033[0m"
#define BOLD  "\033[1m"

static const struct {
	const char *word, *name, *sequence;
} colours[] = {
	{"pass", "green", "\033[32m"},
	{"model", "green", "\033[32m"},
	{"deviation", "lightred", "\033[91m"},
	{"short:", "lightred", "\033[91m"},
	{"error", "lightmagenta", "\033[95m"},
	{"known", "yellow", "\033[33m"},
	{"inconclusive", "yellow", "\033[33m"},
	{"differs", "yellow", "\033[33m"},
	{"skip", "cyan", "\033[36m"},
	{"silent", "darkgray", "\033[90m"},
};

#define COLOURS_COUNT (sizeof(colours) / sizeof(colours[0]))

static bool is_set(const char *name)
{
	const char *value = getenv(name);

	return value != NULL && value[0] != '\0';
}

bool style_has_colour(FILE *stream)
{
	const char *terminal = getenv("TERM");

	if (is_set("NO_COLOR"))
		return false;
	if (is_set("FORCE_COLOR") || is_set("CLICOLOR_FORCE"))
		return true;
	return isatty(fileno(stream)) == 1 && terminal != NULL && strcmp(terminal, "dumb") != 0;
}

static size_t colour_of(const char *word)
{
	size_t i = 0;

	while (i < COLOURS_COUNT && strcmp(colours[i].word, word) != 0)
		i++;
	return i;
}

const char *style_of_word(const char *word)
{
	const size_t i = colour_of(word);

	return i < COLOURS_COUNT ? colours[i].name : NULL;
}

const char *style_paint(struct pool *pool, const char *word, bool colour)
{
	const size_t i = colour_of(word);

	if (!colour || i == COLOURS_COUNT)
		return word;
	return pool_format(pool, "%s%s" RESET, colours[i].sequence, word);
}

const char *style_bold(struct pool *pool, const char *text, bool colour)
{
	return colour ? pool_format(pool, BOLD "%s" RESET, text) : text;
}

const char *style_plain(struct pool *pool, const char *text)
{
	char *copy = (char *)pool_text(pool, text);

	for (char *at = copy; *at != '\0'; at++)
		if ((unsigned char)*at < ' ' || *at == 0x7f)
			*at = '?';
	return copy;
}

size_t style_width(FILE *stream)
{
	struct winsize size;

	if (ioctl(fileno(stream), TIOCGWINSZ, &size) == 0 && size.ws_col > 1)
		return size.ws_col;
	return 0;
}

/* How much of the text fits into a line: up to a blank, or a whole word that is too long. */
static size_t fitting(const char *text, size_t room)
{
	const size_t length = strlen(text);
	size_t end = room;

	if (length <= room)
		return length;
	while (end > 0 && text[end] != ' ')
		end--;
	return end > 0 ? end : strcspn(text, " ");
}

void style_wrap(FILE *stream, const char *text, size_t indent, size_t width)
{
	const size_t least = 20;
	const size_t room = width == 0 ? SIZE_MAX : width < indent + least ? least : width - indent;

	do {
		const size_t length = fitting(text, room);
		(void)fprintf(stream, "%*s%.*s\n", (int)indent, "", (int)length, text);
		text += length;
		text += strspn(text, " ");
	} while (*text != '\0');
}
