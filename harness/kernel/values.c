/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/values.h"

#include <string.h>

/* The line's parts, or why it is none. with_colon is the form of meminfo. */
static const char *value_of_line(
	struct kernel_text line, bool with_colon, struct kernel_value *value)
{
	struct kernel_text rest = line, word;

	*value = (struct kernel_value){0};
	if (!kernel_word_next(&rest, &value->name))
		return "an empty line";
	if (with_colon) {
		if (value->name.bytes[value->name.length_bytes - 1] != ':')
			return "no colon behind the name";
		value->name.length_bytes--;
	}
	if (!kernel_number_next(&rest, &value->value))
		return "no number behind the name";
	if (!kernel_word_next(&rest, &word))
		return NULL;
	value->kib = with_colon && kernel_text_is(word, "kB");
	if (!value->kib || kernel_word_next(&rest, &word))
		return "something behind the number";
	return NULL;
}

static int values_parse(struct kernel_text text, bool with_colon, struct kernel_values *values,
	struct kernel_error *error)
{
	struct kernel_lines lines = kernel_lines_of(text);
	struct kernel_text line;
	int got;

	values->count = 0;
	while ((got = kernel_line_next(&lines, &line, error)) > 0) {
		if (values->count == KERNEL_VALUES_LIMIT)
			return kernel_fail(
				error, lines.line, "more than %d values", KERNEL_VALUES_LIMIT);
		const char *wrong =
			value_of_line(line, with_colon, &values->items[values->count++]);
		if (wrong != NULL)
			return kernel_fail(error, lines.line, "%s", wrong);
	}
	if (got == 0 && values->count == 0)
		return kernel_fail(error, 0, "empty");
	return got;
}

int kernel_meminfo_parse(
	struct kernel_text text, struct kernel_values *values, struct kernel_error *error)
{
	return values_parse(text, true, values, error);
}

int kernel_vmstat_parse(
	struct kernel_text text, struct kernel_values *values, struct kernel_error *error)
{
	return values_parse(text, false, values, error);
}

bool kernel_values_find(const struct kernel_values *values, const char *name, uint64_t *value)
{
	for (size_t i = 0; i < values->count; i++) {
		if (kernel_text_is(values->items[i].name, name)) {
			*value = values->items[i].value;
			return true;
		}
	}
	return false;
}

static bool find_in_text(
	struct kernel_text text, const char *name, bool with_colon, uint64_t *value)
{
	const size_t name_bytes = strlen(name);

	while (text.length_bytes != 0) {
		const size_t length_bytes = kernel_text_find(text, '\n');
		struct kernel_text line = {.bytes = text.bytes, .length_bytes = length_bytes};

		text = kernel_text_after(text, length_bytes + (length_bytes < text.length_bytes));
		if (!kernel_text_starts(line, name) || line.length_bytes == name_bytes)
			continue;
		line = kernel_text_after(line, name_bytes);
		if (line.bytes[0] != (with_colon ? ':' : ' '))
			continue;
		line = kernel_text_after(line, 1);
		return kernel_number_next(&line, value);
	}
	return false;
}

bool kernel_vmstat_find(struct kernel_text text, const char *name, uint64_t *value)
{
	return find_in_text(text, name, false, value);
}

bool kernel_meminfo_find(struct kernel_text text, const char *name, uint64_t *value)
{
	return find_in_text(text, name, true, value);
}
