/* SPDX-License-Identifier: Apache-2.0 */
#include "report/sheet_write.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "report/sheet_text.h"
#include "report/text.h"
#include "report/xml.h"

/* A table of more rows may break between pages. */
#define ROWS_OF_A_PAGE 30
/* A column of longer texts is one of paragraphs. */
#define CHARACTERS_OF_A_WORD 22

const char sheet_formats[] = "latex, markdown, csv, html, macros or pgfplots";

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
				sheet_latex_cell(pool, sheet, i, k),
				sheet_cell_mark(pool, sheet, i, sheet->columns[k].name),
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
				macro_name(pool, sheet, i, k), sheet_latex_cell(pool, sheet, i, k),
				sheet_cell_mark(pool, sheet, i, sheet->columns[k].name),
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
		for (size_t k = 0; k + 1 < sheet->columns_count; k++)
			(void)fprintf(
				stream, " %s |", text_markdown(pool, sheet->rows[i].cells[k]));
		(void)fprintf(stream, " %s %s |",
			text_markdown(pool, sheet->rows[i].cells[sheet->columns_count - 1]),
			sheet_markdown_mark(pool, sheet, i));
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
			xml_raw(&xml,
				pool_format(pool, "<!--mm %s %s-->",
					sheet_cell_mark(pool, sheet, i, sheet->columns[k].name),
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
		text_csv(pool, pool_format(pool, "mm %s %s", sheet_row_mark(pool, sheet, row),
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

static void write_plot(FILE *stream, struct pool *pool, const struct sheet *sheet)
{
	(void)fprintf(stream, "%% mmconform tables --table %s --format pgfplots\n", sheet->name);
	for (size_t k = 0; k < sheet->columns_count; k++)
		(void)fprintf(stream, "%s%s", k == 0 ? "" : " ", sheet->columns[k].name);
	for (size_t i = 0; i < sheet->rows_count; i++) {
		(void)fprintf(stream, "\n%%mm %s %s\n", sheet_row_mark(pool, sheet, i),
			sheet->rows[i].record);
		for (size_t k = 0; k < sheet->columns_count; k++)
			(void)fprintf(stream, "%s%s", k == 0 ? "" : " ",
				sheet_plot_cell(pool, sheet, i, k));
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
