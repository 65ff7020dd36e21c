/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "report/sheet_text.h"
#include "report/sheet_write.h"
#include "report/text.h"
#include "report/xml.h"

/* A mark in the text: what it names, which record, and where. */
struct mark {
	const char *start; /* at its "mm " */
	const char *name, *record;
	size_t line;
};

/* A document on its way through the sheets. */
struct verification {
	struct pool *pool;
	FILE *stream; /* where stale cells are named */
	const char *path, *text;
	size_t cells_count, stale_count;
};

static bool read_mark(struct pool *pool, const char *start, struct mark *mark)
{
	const char *name = start + strlen("mm ");
	const size_t name_length = strcspn(name, " \n\"");
	const char *record = name + name_length;

	if (*record != ' ' || memchr(name, '/', name_length) == NULL)
		return false;
	record++;
	*mark = (struct mark){
		.start = start,
		.name = pool_text_of(pool, name, name_length),
		.record = pool_text_of(pool, record, strspn(record, "0123456789abcdef")),
	};
	return true;
}

static bool ends_with(const char *text, const char *end, const char *what)
{
	const size_t length = strlen(what);

	return (size_t)(end - text) >= length && memcmp(end - length, what, length) == 0;
}

/* Whether the text has this cell right before the mark, behind something that ends another. */
static bool cell_stands(const char *text, const char *start, const char *infix, const char *cell,
	const char *borders)
{
	const char *expected = start - strlen(infix) - strlen(cell);

	return expected >= text && memcmp(expected, cell, strlen(cell)) == 0 &&
	       (expected == text || strchr(borders, expected[-1]) != NULL);
}

/* --- a mark of one cell ---------------------------------------------------------------------- */

static bool cell_is_current(struct pool *pool, const struct sheet *sheet, size_t row, size_t column,
	const char *text, const char *start)
{
	const char *latex = sheet_latex_cell(pool, sheet, row, column);

	if (ends_with(text, start, "} %"))
		if (cell_stands(text, start, "} %", latex, "{"))
			return true;
	if (ends_with(text, start, " %"))
		return cell_stands(text, start, " %", latex, " \n");
	struct xml xml;
	char *rendered = NULL;
	size_t rendered_bytes = 0;
	FILE *stream = open_memstream(&rendered, &rendered_bytes);
	if (stream == NULL)
		return false;
	xml_open(&xml);
	xml_text(&xml, sheet->rows[row].cells[column]);
	const bool good = xml_close(&xml, stream);
	(void)fclose(stream);
	const bool stands = good && cell_stands(text, start, "<!--", rendered, ">");
	free(rendered);
	return stands;
}

static void say_stale(struct verification *verification, const struct mark *mark,
	const char *column, const char *why)
{
	(void)fprintf(verification->stream, "%s:%zu: %s%s%s: %s\n", verification->path, mark->line,
		mark->name, column[0] == '\0' ? "" : "/", column, why);
	verification->stale_count++;
}

static const char *now_text(struct pool *pool, const char *cell)
{
	return pool_format(pool, "is \"%s\" now", text_clean(pool, cell));
}

/* --- a mark of a row ------------------------------------------------------------------------- */

static const char *line_start(const char *text, const char *at)
{
	while (at > text && at[-1] != '\n')
		at--;
	return at;
}

/* The next cell of a line of a Markdown table, behind its border; NULL at the end of the line. */
static const char *next_cell(struct pool *pool, const char **at)
{
	const char *start = *at + strspn(*at, " "), *end = start;

	if (*start == '\n' || *start == '\0')
		return NULL;
	while (*end != '|' && *end != '\n' && *end != '\0')
		end += *end == '\\' && end[1] != '\0' ? 2 : 1;
	*at = *end == '|' ? end + 1 : end;
	while (end > start && end[-1] == ' ')
		end--;
	return pool_text_of(pool, start, (size_t)(end - start));
}

static size_t column_titled(struct pool *pool, const struct sheet *sheet, const char *title)
{
	size_t k = 0;

	while (k < sheet->columns_count &&
		strcmp(text_markdown(pool, sheet->columns[k].title), title) != 0)
		k++;
	return k;
}

/* The line above the one of minus signs, which is above all rows. */
static const char *head_of(const char *text, const char *line)
{
	while (line > text && strncmp(line, "|---", strlen("|---")) != 0)
		line = line_start(text, line - 1);
	return line > text ? line_start(text, line - 1) : line;
}

static const char *without_end(struct pool *pool, const char *text, const char *end)
{
	size_t length = strlen(text);

	if (ends_with(text, text + length, end))
		length -= strlen(end);
	while (length > 0 && text[length - 1] == ' ')
		length--;
	return pool_text_of(pool, text, length);
}

/* The first line of the table says which columns it has. */
static void verify_markdown(struct verification *verification, const struct sheet *sheet,
	size_t row, const struct mark *mark)
{
	struct pool *pool = verification->pool;
	const char *own = sheet_markdown_mark(pool, sheet, row);
	const char *line = line_start(verification->text, mark->start);
	const char *head = head_of(verification->text, line), *title = NULL;

	for (line++, head++; (title = next_cell(pool, &head)) != NULL;) {
		const size_t column = column_titled(pool, sheet, title);
		const char *found = next_cell(pool, &line);
		verification->cells_count++;
		if (found == NULL)
			found = "";
		if (column == sheet->columns_count) {
			say_stale(verification, mark, title, "these records have no such cell");
			continue;
		}
		const char *cell = text_markdown(pool, sheet->rows[row].cells[column]);
		if (strcmp(without_end(pool, found, own), cell) != 0)
			say_stale(verification, mark, sheet->columns[column].name,
				now_text(pool, sheet->rows[row].cells[column]));
	}
}

/* Behind a field of CSV, quotes and all, or of pgfplots data, where braces hold blanks. */
static const char *field_end(const char *at, char separator)
{
	bool quoted = false;
	size_t depth = 0;

	for (; *at != '\0' && *at != '\r' && *at != '\n'; at++) {
		if (*at == separator && !quoted && depth == 0)
			break;
		if (separator == ',')
			quoted ^= *at == '"';
		else if (*at == '\\' && at[1] != '\0')
			at++;
		else if (*at == '{')
			depth++;
		else if (*at == '}' && depth > 0)
			depth--;
	}
	return at;
}

/* The line around the mark, or behind it where the mark is a line of its own: field by field. */
static void verify_line(struct verification *verification, const struct sheet *sheet, size_t row,
	const char *line, const struct mark *mark)
{
	struct pool *pool = verification->pool;
	const char separator = *line == '%' ? ' ' : ',';

	if (separator == ' ') {
		line += strcspn(line, "\n");
		line += *line == '\n';
	}
	for (size_t k = 0; k < sheet->columns_count; k++) {
		const char *end = field_end(line, separator);
		const char *wanted = separator == ' ' ? sheet_plot_cell(pool, sheet, row, k)
						      : text_csv(pool, sheet->rows[row].cells[k]);
		verification->cells_count++;
		if (strcmp(pool_text_of(pool, line, (size_t)(end - line)), wanted) != 0)
			say_stale(verification, mark, sheet->columns[k].name,
				now_text(pool, sheet->rows[row].cells[k]));
		line = end + (*end == separator);
	}
	const bool is_over = separator == ' ' ? strchr("\r\n", *line) != NULL
					      : line <= mark->start && mark->start - line <= 1;
	if (!is_over)
		say_stale(verification, mark, "", "has other columns than these");
}

static void verify_row(struct verification *verification, const struct sheet *sheet, size_t row,
	const struct mark *mark)
{
	const char *line = line_start(verification->text, mark->start);

	if (strcmp(mark->record, sheet->rows[row].record) != 0)
		say_stale(verification, mark, "", "is of another record");
	else if (*line == '|')
		verify_markdown(verification, sheet, row, mark);
	else
		verify_line(verification, sheet, row, line, mark);
}

static void verify_cell(struct verification *verification, const struct sheet *sheet, size_t row,
	size_t column, const struct mark *mark)
{
	verification->cells_count++;
	if (strcmp(mark->record, sheet->rows[row].record) != 0)
		say_stale(verification, mark, "", "is of another record");
	else if (!cell_is_current(
			 verification->pool, sheet, row, column, verification->text, mark->start))
		say_stale(verification, mark, "",
			now_text(verification->pool, sheet->rows[row].cells[column]));
}

/* False when the mark is of another sheet, or of none. */
static bool verify_in(
	struct verification *verification, const struct sheet *sheet, const struct mark *mark)
{
	for (size_t i = 0; i < sheet->rows_count; i++) {
		const char *row = sheet_row_mark(verification->pool, sheet, i);
		if (strncmp(mark->name, row, strlen(row)) != 0)
			continue;
		if (mark->name[strlen(row)] == '\0') {
			verify_row(verification, sheet, i, mark);
			return true;
		}
		for (size_t k = 0; k < sheet->columns_count; k++)
			if (strcmp(mark->name, sheet_cell_mark(verification->pool, sheet, i,
						       sheet->columns[k].name)) == 0) {
				verify_cell(verification, sheet, i, k, mark);
				return true;
			}
	}
	return false;
}

size_t sheet_verify(FILE *stream, struct pool *pool, const struct sheet *sheets,
	size_t sheets_count, const char *path, const char *text, size_t *cells_count)
{
	struct verification verification = {
		.pool = pool, .stream = stream, .path = path, .text = text};
	struct mark mark;
	size_t line = 1;

	for (const char *at = text; *at != '\0'; at++) {
		line += *at == '\n';
		if (strncmp(at, "mm ", strlen("mm ")) != 0 || at == text ||
			strchr("%-,\"", at[-1]) == NULL || !read_mark(pool, at, &mark))
			continue;
		bool found = false;
		mark.line = line;
		for (size_t i = 0; i < sheets_count && !found; i++)
			found = verify_in(&verification, &sheets[i], &mark);
		if (found)
			continue;
		verification.cells_count++;
		say_stale(&verification, &mark, "", "these records have no such cell");
	}
	*cells_count = verification.cells_count;
	return verification.stale_count;
}
