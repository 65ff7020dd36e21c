/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/lists.h"

int kernel_integer_parse(struct kernel_text text, int64_t *value, struct kernel_error *error)
{
	struct kernel_lines lines = kernel_lines_of(text);
	struct kernel_text line;
	uint64_t bits = 0;
	const int got = kernel_line_next(&lines, &line, error);

	if (got < 0)
		return got;
	if (got == 0 || lines.rest.length_bytes != 0)
		return kernel_fail(error, lines.line, "not one line");
	line = kernel_text_trimmed(line);
	if (kernel_text_starts(line, "0x") && kernel_text_hexadecimal(line, &bits) &&
		bits <= INT64_MAX) {
		*value = (int64_t)bits;
		return 0;
	}
	return kernel_text_signed(line, value) ? 0 : kernel_fail(error, 1, "not a number");
}

int kernel_integers_parse(struct kernel_text text, size_t limit, uint64_t *values, size_t *count,
	struct kernel_error *error)
{
	struct kernel_lines lines = kernel_lines_of(text);
	struct kernel_text line, word;
	const int got = kernel_line_next(&lines, &line, error);

	*count = 0;
	if (got < 0)
		return got;
	if (got == 0 || lines.rest.length_bytes != 0)
		return kernel_fail(error, lines.line, "not one line");
	while (kernel_word_next(&line, &word)) {
		if (*count == limit)
			return kernel_fail(error, 1, "more than %zu numbers", limit);
		if (!kernel_text_decimal(word, &values[*count]))
			return kernel_fail(error, 1, "not a list of numbers");
		(*count)++;
	}
	return *count == 0 ? kernel_fail(error, 1, "no number") : 0;
}

int kernel_choice_parse(
	struct kernel_text text, struct kernel_choice *choice, struct kernel_error *error)
{
	struct kernel_lines lines = kernel_lines_of(text);
	struct kernel_text line, word;
	size_t brackets = 0;
	const int got = kernel_line_next(&lines, &line, error);

	*choice = (struct kernel_choice){0};
	if (got < 0)
		return got;
	if (got == 0 || lines.rest.length_bytes != 0)
		return kernel_fail(error, lines.line, "not one line");
	while (kernel_word_next(&line, &word)) {
		if (choice->count == KERNEL_CHOICES_LIMIT)
			return kernel_fail(error, 1, "more than %d words", KERNEL_CHOICES_LIMIT);
		if (word.bytes[0] == '[') {
			if (word.length_bytes < 3 || word.bytes[word.length_bytes - 1] != ']')
				return kernel_fail(error, 1, "a bracket that does not close");
			word = kernel_text_after(word, 1);
			word.length_bytes--;
			choice->chosen = choice->count;
			brackets++;
		}
		choice->words[choice->count++] = word;
	}
	return brackets == 1 ? 0 : kernel_fail(error, 1, "not one word in brackets");
}

/* Takes "4" or "4-7" out of the front. */
static bool range_next(struct kernel_text *rest, uint64_t *first, uint64_t *last)
{
	const size_t length_bytes = kernel_text_find(*rest, ',');
	struct kernel_text range = {.bytes = rest->bytes, .length_bytes = length_bytes};
	const size_t dash = kernel_text_find(range, '-');
	const struct kernel_text begin = {.bytes = range.bytes, .length_bytes = dash};

	if (length_bytes + 1 == rest->length_bytes)
		return false; /* a comma at the end */
	*rest = kernel_text_after(*rest, length_bytes + (length_bytes < rest->length_bytes));
	if (!kernel_text_decimal(begin, first))
		return false;
	if (dash == range.length_bytes) {
		*last = *first;
		return true;
	}
	return kernel_text_decimal(kernel_text_after(range, dash + 1), last) && *first <= *last;
}

int kernel_ranges_parse(
	struct kernel_text text, struct kernel_ranges *ranges, struct kernel_error *error)
{
	struct kernel_lines lines = kernel_lines_of(text);
	struct kernel_text line;
	uint64_t first = 0, last = 0;
	const int got = kernel_line_next(&lines, &line, error);

	*ranges = (struct kernel_ranges){0};
	if (got < 0)
		return got;
	if (got == 0 || lines.rest.length_bytes != 0)
		return kernel_fail(error, lines.line, "not one line");
	line = kernel_text_trimmed(line);
	ranges->text = line;
	while (line.length_bytes != 0) {
		if (!range_next(&line, &first, &last) ||
			(ranges->count != 0 && first <= ranges->highest) || last >= UINT32_MAX)
			return kernel_fail(error, 1, "not an ascending list of ranges");
		ranges->count += last - first + 1;
		ranges->highest = last;
	}
	return 0;
}

bool kernel_ranges_next(const struct kernel_ranges *ranges, uint64_t *next, uint64_t *member)
{
	struct kernel_text rest = ranges->text;
	uint64_t first = 0, last = 0;

	while (rest.length_bytes != 0 && range_next(&rest, &first, &last)) {
		if (*next > last)
			continue;
		*member = *next < first ? first : *next;
		*next = *member + 1;
		return true;
	}
	return false;
}
