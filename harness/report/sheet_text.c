/* SPDX-License-Identifier: Apache-2.0 */
#include "report/sheet_text.h"

#include <ctype.h>
#include <string.h>

#include "base/buffer.h"
#include "report/text.h"

/* Nothing that ends a comment anywhere: no two minus signs in a row, no blank, no bracket. */
static const char *mark_part(struct pool *pool, const char *text)
{
	char *copy = (char *)pool_text(pool, text);

	for (char *at = copy; *at != '\0'; at++) {
		const bool plain = isascii(*at) && isalnum((unsigned char)*at);
		if ((!plain && strchr("._:=,@[]-", *at) == NULL) ||
			(*at == '-' && (at == copy || at[-1] == '-')))
			*at = '_';
	}
	return copy;
}

const char *sheet_cell_mark(
	struct pool *pool, const struct sheet *sheet, size_t row, const char *column)
{
	return pool_format(
		pool, "%s/%s/%s", sheet->name, mark_part(pool, sheet->rows[row].key), column);
}

const char *sheet_row_mark(struct pool *pool, const struct sheet *sheet, size_t row)
{
	return pool_format(pool, "%s/%s", sheet->name, mark_part(pool, sheet->rows[row].key));
}

/* Where a long word may break: after a dot, a minus, an underscore. */
static const char *breakable(struct pool *pool, const char *text)
{
	struct buffer buffer = {0};

	for (const char *at = text; *at != '\0'; at++) {
		buffer_add(&buffer, at, 1);
		if (strchr(".-_/:,", *at) != NULL && at[1] != '\0' && at[1] != ' ' && at[1] != '}')
			buffer_add(&buffer, "\\allowbreak{}", strlen("\\allowbreak{}"));
	}
	const char *copy = pool_text(pool, buffer.bytes != NULL ? buffer.bytes : "");
	buffer_drop(&buffer);
	return copy;
}

const char *sheet_latex_cell(
	struct pool *pool, const struct sheet *sheet, size_t row, size_t column)
{
	const char *text = text_latex(pool, sheet->rows[row].cells[column]);

	return sheet->columns[column].numeric ? text : breakable(pool, text);
}

/* Blanks separate columns there, and a bare % or # starts a comment. */
const char *sheet_plot_cell(struct pool *pool, const struct sheet *sheet, size_t row, size_t column)
{
	const char *text = sheet->rows[row].cells[column];

	if (sheet->columns[column].numeric)
		return text[0] == '\0' ? "nan" : text_clean(pool, text);
	return pool_format(pool, "{%s}", text_latex(pool, text));
}

const char *sheet_markdown_mark(struct pool *pool, const struct sheet *sheet, size_t row)
{
	return pool_format(
		pool, "<!--mm %s %s-->", sheet_row_mark(pool, sheet, row), sheet->rows[row].record);
}
