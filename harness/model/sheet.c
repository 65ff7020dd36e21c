/* SPDX-License-Identifier: Apache-2.0 */
#include "model/sheet.h"

#include <inttypes.h>
#include <jansson.h>
#include <libsmartcols.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void need(bool done)
{
	if (!done)
		abort();
}

void sheet_open(struct sheet *sheet, enum sheet_format format, const struct sheet_column *columns,
	size_t columns_count)
{
	*sheet = (struct sheet){
		.format = format, .columns_count = columns_count, .columns = columns};
	switch (format) {
	case SHEET_TEXT:
		sheet->table = scols_new_table();
		need(sheet->table != NULL);
		for (size_t i = 0; i < columns_count; i++)
			need(scols_table_new_column(sheet->table, columns[i].name, 0,
				     columns[i].text ? 0 : SCOLS_FL_RIGHT) != NULL);
		break;
	case SHEET_CSV:
		for (size_t i = 0; i < columns_count; i++)
			(void)printf("%s%s", i == 0 ? "" : ",", columns[i].name);
		(void)putchar('\n');
		break;
	case SHEET_JSON:
	case SHEET_FORMAT_LIMIT:
		break;
	}
}

/* Words of ours and file names: quotes are doubled, as RFC 4180 has it. */
static void csv_text(const char *text)
{
	if (strpbrk(text, ",\"\n\r") == NULL) {
		(void)fputs(text, stdout);
		return;
	}
	(void)putchar('"');
	for (; *text != '\0'; text++) {
		if (*text == '"')
			(void)putchar('"');
		(void)putchar(*text);
	}
	(void)putchar('"');
}

static void json_row(const struct sheet *sheet, const struct sheet_cell *cells)
{
	json_t *row = json_object();

	for (size_t i = 0; i < sheet->columns_count; i++)
		need(json_object_set_new(row, sheet->columns[i].name,
			     sheet->columns[i].text
				     ? json_string(cells[i].text)
				     : json_integer((json_int_t)cells[i].number)) == 0);
	need(json_dumpf(row, stdout, JSON_COMPACT) == 0);
	(void)putchar('\n');
	json_decref(row);
}

static void text_row(struct sheet *sheet, const struct sheet_cell *cells)
{
	struct libscols_line *line = scols_table_new_line(sheet->table, NULL);
	char number[24];

	need(line != NULL);
	for (size_t i = 0; i < sheet->columns_count; i++) {
		const char *text = cells[i].text;
		if (!sheet->columns[i].text) {
			(void)snprintf(number, sizeof(number), "%" PRIu64, cells[i].number);
			text = number;
		}
		need(scols_line_set_data(line, i, text) == 0);
	}
}

void sheet_row(struct sheet *sheet, const struct sheet_cell *cells)
{
	switch (sheet->format) {
	case SHEET_TEXT:
		text_row(sheet, cells);
		break;
	case SHEET_JSON:
		json_row(sheet, cells);
		break;
	case SHEET_CSV:
		for (size_t i = 0; i < sheet->columns_count; i++) {
			if (i != 0)
				(void)putchar(',');
			if (sheet->columns[i].text)
				csv_text(cells[i].text);
			else
				(void)printf("%" PRIu64, cells[i].number);
		}
		(void)putchar('\n');
		break;
	case SHEET_FORMAT_LIMIT:
		break;
	}
}

void sheet_close(struct sheet *sheet)
{
	if (sheet->table == NULL)
		return;
	need(scols_print_table(sheet->table) == 0);
	scols_unref_table(sheet->table);
	sheet->table = NULL;
}
