/* SPDX-License-Identifier: Apache-2.0 */
#include "report/text.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */
#define WIDE_HASH   "\xef\xbc\x83" /* U+FF03 */

static void add(struct buffer *buffer, const char *text)
{
	buffer_add(buffer, text, strlen(text));
}

static const char *take(struct pool *pool, struct buffer *buffer)
{
	const char *text = pool_text(pool, buffer->bytes != NULL ? buffer->bytes : "");

	buffer_drop(buffer);
	return text;
}

unsigned text_next(const char *text, size_t *length_bytes)
{
	const unsigned char *at = (const unsigned char *)text;
	const size_t length = at[0] < 0x80 ? 1 : at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : 4;
	unsigned character = length == 1 ? at[0] : at[0] & (0x7fU >> length);

	*length_bytes = at[0] == '\0' ? 0 : 1;
	/* The decoder lets nothing but valid UTF-8 in; a wrong byte here counts as a character. */
	for (size_t i = 1; i < length; i++) {
		if ((at[i] & 0xc0) != 0x80)
			return 0xfffd;
		character = character << 6 | (at[i] & 0x3fU);
	}
	if (at[0] != '\0')
		*length_bytes = length;
	return character;
}

/* Controls of C0 and C1, the marks and embeddings of bidirectional text, and no characters. */
static bool is_unseemly(unsigned character)
{
	return character < ' ' || (character >= 0x7f && character <= 0x9f) ||
	       (character >= 0x200b && character <= 0x200f) ||
	       (character >= 0x2028 && character <= 0x202e) ||
	       (character >= 0x2060 && character <= 0x206f) || character == 0xfeff ||
	       (character & 0xfffe) == 0xfffe || (character >= 0xfdd0 && character <= 0xfdef);
}

const char *text_clean(struct pool *pool, const char *text)
{
	struct buffer buffer = {0};
	size_t length_bytes = 0;

	for (; *text != '\0'; text += length_bytes) {
		const unsigned character = text_next(text, &length_bytes);
		if (character == '\n' || character == '\t' || character == '\r')
			add(&buffer, " ");
		else if (is_unseemly(character))
			add(&buffer, REPLACEMENT);
		else
			buffer_add(&buffer, text, length_bytes);
	}
	return take(pool, &buffer);
}

/* One character of ASCII, and what stands for it. */
struct replacement {
	char character;
	const char *text;
};

static const char *replace(struct pool *pool, const char *text, const struct replacement *table)
{
	struct buffer buffer = {0};

	for (const char *at = text_clean(pool, text); *at != '\0'; at++) {
		const struct replacement *item = table;
		while (item->text != NULL && item->character != *at)
			item++;
		if (item->text != NULL)
			add(&buffer, item->text);
		else
			buffer_add(&buffer, at, 1);
	}
	return take(pool, &buffer);
}

const char *text_tap(struct pool *pool, const char *text)
{
	static const struct replacement table[] = {{'#', WIDE_HASH}, {0, NULL}};

	return replace(pool, text, table);
}

const char *text_markdown(struct pool *pool, const char *text)
{
	static const struct replacement table[] = {
		{'\\', "\\\\"},
		{'`', "\\`"},
		{'*', "\\*"},
		{'_', "\\_"},
		{'[', "\\["},
		{']', "\\]"},
		{'|', "\\|"},
		{'~', "\\~"},
		{'#', "\\#"},
		{'!', "\\!"},
		{'$', "\\$"},
		{'<', "&lt;"},
		{'>', "&gt;"},
		{'&', "&amp;"},
		{'@', "&#64;"},
		{0, NULL},
	};

	return replace(pool, text, table);
}

static bool has_latin(unsigned character)
{
	return character >= 0xa0 && character <= 0x17f;
}

/* What T1 fonts under utf8 lack. */
static const char *spell_out(struct pool *pool, const char *text)
{
	struct buffer buffer = {0};
	size_t length_bytes = 0;

	for (; *text != '\0'; text += length_bytes) {
		const unsigned character = text_next(text, &length_bytes);
		if (character < 0x80 || has_latin(character))
			buffer_add(&buffer, text, length_bytes);
		else
			add(&buffer, pool_format(pool, "U+%04X", character));
	}
	return take(pool, &buffer);
}

const char *text_latex(struct pool *pool, const char *text)
{
	static const struct replacement table[] = {
		{'\\', "\\textbackslash{}"},
		{'{', "\\{"},
		{'}', "\\}"},
		{'$', "\\$"},
		{'&', "\\&"},
		{'#', "\\#"},
		{'%', "\\%"},
		{'_', "\\_"},
		{'~', "\\textasciitilde{}"},
		{'^', "\\textasciicircum{}"},
		{'<', "\\textless{}"},
		{'>', "\\textgreater{}"},
		{'|', "\\textbar{}"},
		{'"', "\\textquotedbl{}"},
		{'\'', "\\textquotesingle{}"},
		{'`', "\\textasciigrave{}"},
		{'-', "{-}"},
		{'[', "{[}"},
		{']', "{]}"},
		{'*', "{*}"},
		{0, NULL},
	};

	return replace(pool, spell_out(pool, text_clean(pool, text)), table);
}

const char *text_csv(struct pool *pool, const char *text)
{
	static const struct replacement table[] = {{'"', "\"\""}, {0, NULL}};
	const char *clean = text_clean(pool, text);
	char *end = NULL;

	(void)strtod(clean, &end);
	const bool is_number = clean[0] != '\0' && *end == '\0';
	const bool is_formula = !is_number && clean[0] != '\0' && strchr("=+-@", clean[0]) != NULL;

	if (!is_formula && strpbrk(clean, "\",;") == NULL)
		return clean;
	return pool_format(pool, "\"%s%s\"", is_formula ? "'" : "", replace(pool, clean, table));
}
