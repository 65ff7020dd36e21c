/* SPDX-License-Identifier: Apache-2.0 */
#include "report/sheet_write.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "report/text.h"
#include "report/xml.h"

/* A table of more rows may break between pages. */
#define ROWS_OF_A_PAGE 30
/* A column of longer texts is one of paragraphs. */
#define CHARACTERS_OF_A_WORD 22

const char sheet_formats[] = "latex, markdown, csv, html, macros or pgfplots";

/* --- marks ----------------------------------------------------------------------------------- */

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

static const char *cell_mark(
	struct pool *pool, const struct sheet *sheet, size_t row, const char *column)
{
	return pool_format(
		pool, "%s/%s/%s", sheet->name, mark_part(pool, sheet->rows[row].key), column);
}

static const char *row_mark(struct pool *pool, const struct sheet *sheet, size_t row)
{
	return pool_format(pool, "%s/%s", sheet->name, mark_part(pool, sheet->rows[row].key));
}

/* --- LaTeX ----------------------------------------------------------------------------------- */

/* Digits before and after the point, at most, for siunitx. */
static const char *number_format(struct pool *pool, const struct sheet *sheet, size_t column)
{
	size_t before = 1, after = 0;

	for (size_t i = 0; i < sheet->rows_count; i++) {
		const char *cell = sheet->rows[i].cells[column];
		const size_t whole = strspn(cell, "0123456789");
		const size_t rest = cell[whole] == '.' ? strspn(cell + whole + 1, "0123456789") : 0;
		before = whole > before ? whole : before;
		after = rest > after ? rest : after;
	}
	return pool_format(pool, "S[table-format=%zu.%zu]", before, after);
}

static size_t longest(const struct sheet *sheet, size_t column)
{
	size_t length = 0;

	for (size_t i = 0; i < sheet->rows_count; i++)
		if (strlen(sheet->rows[i].cells[column]) > length)
			length = strlen(sheet->rows[i].cells[column]);
	return length;
}

static const char *column_types(struct pool *pool, const struct sheet *sheet)
{
	const char *types = "";
	size_t wide = 0;

	for (size_t k = 0; k < sheet->columns_count; k++)
		wide += !sheet->columns[k].numeric && longest(sheet, k) > CHARACTERS_OF_A_WORD;
	for (size_t k = 0; k < sheet->columns_count; k++)
		if (sheet->columns[k].numeric)
			types = pool_format(pool, "%s%s", types, number_format(pool, sheet, k));
		else if (longest(sheet, k) > CHARACTERS_OF_A_WORD)
			types = pool_format(pool,
				"%s>{\\raggedright\\arraybackslash}p{%.2f\\linewidth}", types,
				0.9 / (double)(sheet->columns_count > wide ? wide + 1 : wide));
		else
			types = pool_format(pool, "%sl", types);
	return types;
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

static const char *latex_cell(
	struct pool *pool, const struct sheet *sheet, size_t row, size_t column)
{
	const char *text = text_latex(pool, sheet->rows[row].cells[column]);

	return sheet->columns[column].numeric ? text : breakable(pool, text);
}

static void write_latex(FILE *stream, struct pool *pool, const struct sheet *sheet)
{
	const bool is_long = sheet->rows_count > ROWS_OF_A_PAGE;
	const char *environment = is_long ? "longtable" : "tabular";

	(void)fprintf(stream,
		"%% mmconform tables --table %s --format latex; needs array, booktabs, siunitx, "
		"textcomp%s\n\\begin{%s}{%s}\n\\toprule\n",
		sheet->name, is_long ? ", longtable" : "", environment, column_types(pool, sheet));
	for (size_t k = 0; k < sheet->columns_count; k++)
		(void)fprintf(stream, "%s{%s}\n", k == 0 ? "" : "& ",
			text_latex(pool, sheet->columns[k].title));
	(void)fprintf(stream, "\\\\\n\\midrule\n%s", is_long ? "\\endhead\n" : "");
	for (size_t i = 0; i < sheet->rows_count; i++) {
		for (size_t k = 0; k < sheet->columns_count; k++)
			(void)fprintf(stream, "%s%s %%mm %s %s\n", k == 0 ? "" : "& ",
				latex_cell(pool, sheet, i, k),
				cell_mark(pool, sheet, i, sheet->columns[k].name),
				sheet->rows[i].record);
		(void)fputs("\\\\\n", stream);
	}
	(void)fprintf(stream, "\\bottomrule\n\\end{%s}\n", environment);
}

/* Names of macros are letters: "a.first-b" and "measured" make mmAFirstBMeasured. */
static const char *macro_name(
	struct pool *pool, const struct sheet *sheet, size_t row, size_t column)
{
	static const char *const digits[] = {
		"Zero", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine"};
	const char *text =
		pool_format(pool, "%s.%s", sheet->rows[row].key, sheet->columns[column].name);
	const char *name = "mm";
	bool starts = true;

	for (const char *at = text; *at != '\0'; at++) {
		const unsigned char byte = (unsigned char)*at;
		if (isascii(byte) && isalpha(byte))
			name = pool_format(pool, "%s%c", name, starts ? toupper(byte) : byte);
		else if (isascii(byte) && isdigit(byte))
			name = pool_format(pool, "%s%s", name, digits[byte - '0']);
		starts = !(isascii(byte) && isalpha(byte));
	}
	return name;
}

static void write_macros(FILE *stream, struct pool *pool, const struct sheet *sheet)
{
	(void)fprintf(stream, "%% mmconform tables --table %s --format macros\n", sheet->name);
	for (size_t i = 0; i < sheet->rows_count; i++)
		for (size_t k = 0; k < sheet->columns_count; k++)
			(void)fprintf(stream, "\\newcommand{\\%s}{%s} %%mm %s %s\n",
				macro_name(pool, sheet, i, k), latex_cell(pool, sheet, i, k),
				cell_mark(pool, sheet, i, sheet->columns[k].name),
				sheet->rows[i].record);
}

/* --- Markdown, HTML -------------------------------------------------------------------------- */

static void write_markdown(FILE *stream, struct pool *pool, const struct sheet *sheet)
{
	(void)fputc('|', stream);
	for (size_t k = 0; k < sheet->columns_count; k++)
		(void)fprintf(stream, " %s |", text_markdown(pool, sheet->columns[k].title));
	(void)fputs("\n|", stream);
	for (size_t k = 0; k < sheet->columns_count; k++)
		(void)fputs(sheet->columns[k].numeric ? "---:|" : "---|", stream);
	for (size_t i = 0; i < sheet->rows_count; i++) {
		(void)fputs("\n|", stream);
		for (size_t k = 0; k < sheet->columns_count; k++)
			(void)fprintf(stream, " %s <!--mm %s %s--> |",
				text_markdown(pool, sheet->rows[i].cells[k]),
				cell_mark(pool, sheet, i, sheet->columns[k].name),
				sheet->rows[i].record);
	}
	(void)fputc('\n', stream);
}

static bool write_html(FILE *stream, struct pool *pool, const struct sheet *sheet)
{
	struct xml xml;

	xml_open(&xml);
	xml_start(&xml, "table", "class", pool_format(pool, "mmconform %s", sheet->name), NULL);
	xml_start(&xml, "thead", NULL);
	xml_start(&xml, "tr", NULL);
	for (size_t k = 0; k < sheet->columns_count; k++)
		xml_element(&xml, "th", sheet->columns[k].title, "scope", "col", NULL);
	xml_end(&xml);
	xml_end(&xml);
	xml_start(&xml, "tbody", NULL);
	for (size_t i = 0; i < sheet->rows_count; i++) {
		xml_start(&xml, "tr", NULL);
		for (size_t k = 0; k < sheet->columns_count; k++) {
			xml_start(&xml, "td", NULL);
			xml_text(&xml, sheet->rows[i].cells[k]);
			xml_raw(&xml, pool_format(pool, "<!--mm %s %s-->",
					      cell_mark(pool, sheet, i, sheet->columns[k].name),
					      sheet->rows[i].record));
			xml_end(&xml);
		}
		xml_end(&xml);
		xml_raw(&xml, "\n");
	}
	xml_end(&xml);
	xml_end(&xml);
	xml_raw(&xml, "\n");
	return xml_close(&xml, stream);
}

/* --- CSV, pgfplots: a mark a line ------------------------------------------------------------ */

static const char *csv_line(struct pool *pool, const struct sheet *sheet, size_t row)
{
	const char *line = "";

	for (size_t k = 0; k < sheet->columns_count; k++)
		line = pool_format(pool, "%s%s,", line, text_csv(pool, sheet->rows[row].cells[k]));
	return pool_format(pool, "%s%s", line,
		text_csv(pool, pool_format(pool, "mm %s %s", row_mark(pool, sheet, row),
				       sheet->rows[row].record)));
}

static void write_csv(FILE *stream, struct pool *pool, const struct sheet *sheet)
{
	for (size_t k = 0; k < sheet->columns_count; k++)
		(void)fprintf(stream, "%s,", text_csv(pool, sheet->columns[k].name));
	(void)fputs("provenance\r\n", stream);
	for (size_t i = 0; i < sheet->rows_count; i++)
		(void)fprintf(stream, "%s\r\n", csv_line(pool, sheet, i));
}

/* Blanks separate columns there, and a bare % or # starts a comment. */
static const char *plot_cell(
	struct pool *pool, const struct sheet *sheet, size_t row, size_t column)
{
	const char *text = sheet->rows[row].cells[column];

	if (sheet->columns[column].numeric)
		return text[0] == '\0' ? "nan" : text_clean(pool, text);
	return pool_format(pool, "{%s}", text_latex(pool, text));
}

static void write_plot(FILE *stream, struct pool *pool, const struct sheet *sheet)
{
	(void)fprintf(stream, "%% mmconform tables --table %s --format pgfplots\n", sheet->name);
	for (size_t k = 0; k < sheet->columns_count; k++)
		(void)fprintf(stream, "%s%s", k == 0 ? "" : " ", sheet->columns[k].name);
	for (size_t i = 0; i < sheet->rows_count; i++) {
		(void)fprintf(
			stream, "\n%%mm %s %s\n", row_mark(pool, sheet, i), sheet->rows[i].record);
		for (size_t k = 0; k < sheet->columns_count; k++)
			(void)fprintf(
				stream, "%s%s", k == 0 ? "" : " ", plot_cell(pool, sheet, i, k));
	}
	(void)fputc('\n', stream);
}

bool sheet_write(FILE *stream, struct pool *pool, const struct sheet *sheet, const char *format)
{
	if (strcmp(format, "latex") == 0)
		write_latex(stream, pool, sheet);
	else if (strcmp(format, "macros") == 0)
		write_macros(stream, pool, sheet);
	else if (strcmp(format, "markdown") == 0)
		write_markdown(stream, pool, sheet);
	else if (strcmp(format, "html") == 0)
		return write_html(stream, pool, sheet);
	else if (strcmp(format, "csv") == 0)
		write_csv(stream, pool, sheet);
	else if (strcmp(format, "pgfplots") == 0)
		write_plot(stream, pool, sheet);
	else
		return false;
	return true;
}

/* --- a document held against records --------------------------------------------------------- */

/* A mark in the text: what it names, which record, and where. */
struct mark {
	const char *start; /* at its "mm " */
	const char *name, *record;
	size_t line;
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

static bool cell_is_current(struct pool *pool, const struct sheet *sheet, size_t row, size_t column,
	const char *text, const char *start)
{
	const char *cell = sheet->rows[row].cells[column];
	const char *latex = latex_cell(pool, sheet, row, column);

	if (ends_with(text, start, "} %"))
		if (cell_stands(text, start, "} %", latex, "{"))
			return true;
	if (ends_with(text, start, " %"))
		return cell_stands(text, start, " %", latex, " \n");
	if (ends_with(text, start, " <!--"))
		return cell_stands(text, start, " <!--", text_markdown(pool, cell), " ");
	struct xml xml;
	char *rendered = NULL;
	size_t rendered_bytes = 0;
	FILE *stream = open_memstream(&rendered, &rendered_bytes);
	if (stream == NULL)
		return false;
	xml_open(&xml);
	xml_text(&xml, cell);
	const bool good = xml_close(&xml, stream);
	(void)fclose(stream);
	const bool stands = good && cell_stands(text, start, "<!--", rendered, ">");
	free(rendered);
	return stands;
}

/* The line around a mark of a line, or behind it where the mark is a line of its own. */
static bool row_is_current(struct pool *pool, const struct sheet *sheet, size_t row,
	const char *text, const char *start)
{
	const char *line = start;
	const char *wanted = csv_line(pool, sheet, row);

	while (line > text && line[-1] != '\n')
		line--;
	if (*line == '%') {
		line += strcspn(line, "\n");
		line += *line == '\n';
		wanted = "";
		for (size_t k = 0; k < sheet->columns_count; k++)
			wanted = pool_format(pool, "%s%s%s", wanted, k == 0 ? "" : " ",
				plot_cell(pool, sheet, row, k));
	}
	return strncmp(line, wanted, strlen(wanted)) == 0 &&
	       strchr("\r\n", line[strlen(wanted)]) != NULL;
}

/* NULL when the mark stands; else why not. */
static const char *why_stale(struct pool *pool, const struct sheet *sheets, size_t sheets_count,
	const struct mark *mark, const char *text)
{
	for (size_t s = 0; s < sheets_count; s++) {
		const struct sheet *sheet = &sheets[s];
		for (size_t i = 0; i < sheet->rows_count; i++) {
			const char *row = row_mark(pool, sheet, i);
			const size_t length = strlen(row);
			if (strncmp(mark->name, row, length) != 0)
				continue;
			if (mark->name[length] == '\0')
				return strcmp(mark->record, sheet->rows[i].record) != 0
					       ? "is of another record"
				       : row_is_current(pool, sheet, i, text, mark->start)
					       ? NULL
					       : "has other values now";
			for (size_t k = 0; k < sheet->columns_count; k++) {
				if (strcmp(mark->name,
					    cell_mark(pool, sheet, i, sheet->columns[k].name)) != 0)
					continue;
				if (strcmp(mark->record, sheet->rows[i].record) != 0)
					return "is of another record";
				return cell_is_current(pool, sheet, i, k, text, mark->start)
					       ? NULL
					       : pool_format(pool, "is \"%s\" now",
							 text_clean(pool, sheet->rows[i].cells[k]));
			}
		}
	}
	return "these records have no such cell";
}

size_t sheet_verify(FILE *stream, struct pool *pool, const struct sheet *sheets,
	size_t sheets_count, const char *path, const char *text, size_t *marks_count)
{
	size_t line = 1, stale = 0;

	*marks_count = 0;
	for (const char *at = text; *at != '\0'; at++) {
		struct mark mark;
		line += *at == '\n';
		if (strncmp(at, "mm ", strlen("mm ")) != 0 || at == text ||
			strchr("%-,\"", at[-1]) == NULL || !read_mark(pool, at, &mark))
			continue;
		(*marks_count)++;
		const char *why = why_stale(pool, sheets, sheets_count, &mark, text);
		if (why == NULL)
			continue;
		(void)fprintf(stream, "%s:%zu: %s: %s\n", path, line, mark.name, why);
		stale++;
	}
	return stale;
}
