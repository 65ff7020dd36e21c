/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct kernel_text kernel_text_of(const char *string)
{
	return (struct kernel_text){.bytes = string, .length_bytes = strlen(string)};
}

/* Most comparisons end at the first byte: a loop is faster than two calls, most so emulated. */
bool kernel_text_is(struct kernel_text text, const char *string)
{
	for (size_t i = 0; i < text.length_bytes; i++)
		if (string[i] == '\0' || text.bytes[i] != string[i])
			return false;
	return string[text.length_bytes] == '\0';
}

bool kernel_text_starts(struct kernel_text text, const char *prefix)
{
	const size_t length_bytes = strlen(prefix);

	return text.length_bytes >= length_bytes && memcmp(text.bytes, prefix, length_bytes) == 0;
}

struct kernel_text kernel_text_after(struct kernel_text text, size_t count_bytes)
{
	/* An empty text may have no bytes at all, and nothing may be added to a null pointer. */
	if (count_bytes == 0)
		return text;
	return (struct kernel_text){
		.bytes = text.bytes + count_bytes,
		.length_bytes = text.length_bytes - count_bytes,
	};
}

static bool is_blank(char byte)
{
	return byte == ' ' || byte == '\t' || byte == '\n';
}

struct kernel_text kernel_text_trimmed(struct kernel_text text)
{
	while (text.length_bytes != 0 && is_blank(text.bytes[0]))
		text = kernel_text_after(text, 1);
	while (text.length_bytes != 0 && is_blank(text.bytes[text.length_bytes - 1]))
		text.length_bytes--;
	return text;
}

size_t kernel_text_find(struct kernel_text text, char byte)
{
	const char *found =
		text.length_bytes == 0 ? NULL : memchr(text.bytes, byte, text.length_bytes);

	return found == NULL ? text.length_bytes : (size_t)(found - text.bytes);
}

bool kernel_text_copy(struct kernel_text text, char *buffer, size_t capacity_bytes)
{
	const size_t copied_bytes =
		text.length_bytes < capacity_bytes ? text.length_bytes : capacity_bytes - 1;

	if (copied_bytes != 0)
		memcpy(buffer, text.bytes, copied_bytes);
	buffer[copied_bytes] = '\0';
	return copied_bytes == text.length_bytes;
}

int kernel_fail(struct kernel_error *error, unsigned line, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	error->line = line;
	/* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): clang 14 does not see va_start. */
	(void)vsnprintf(error->reason, sizeof(error->reason), format, arguments);
	va_end(arguments);
	return -EINVAL;
}

static bool digit_of(char byte, unsigned base, unsigned *digit)
{
	if (byte >= '0' && byte <= '9')
		*digit = (unsigned)(byte - '0');
	else if (byte >= 'a' && byte <= 'f')
		*digit = (unsigned)(byte - 'a') + 10;
	else if (byte >= 'A' && byte <= 'F')
		*digit = (unsigned)(byte - 'A') + 10;
	else
		return false;
	return *digit < base;
}

static bool number_of(struct kernel_text text, unsigned base, uint64_t *value)
{
	uint64_t sum = 0;

	if (text.length_bytes == 0)
		return false;
	for (size_t i = 0; i < text.length_bytes; i++) {
		unsigned digit = 0;

		if (!digit_of(text.bytes[i], base, &digit) || sum > (UINT64_MAX - digit) / base)
			return false;
		sum = sum * base + digit;
	}
	*value = sum;
	return true;
}

bool kernel_text_decimal(struct kernel_text text, uint64_t *value)
{
	return number_of(text, 10, value);
}

bool kernel_text_signed(struct kernel_text text, int64_t *value)
{
	uint64_t magnitude = 0;
	const bool negative = kernel_text_starts(text, "-");

	if (!number_of(kernel_text_after(text, negative), 10, &magnitude))
		return false;
	if (magnitude > (uint64_t)INT64_MAX + negative)
		return false;
	*value = negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
	return true;
}

bool kernel_text_hexadecimal(struct kernel_text text, uint64_t *value)
{
	return number_of(
		kernel_text_starts(text, "0x") ? kernel_text_after(text, 2) : text, 16, value);
}

bool kernel_word_next(struct kernel_text *rest, struct kernel_text *word)
{
	size_t blanks = 0, length_bytes = 0;

	while (blanks < rest->length_bytes && is_blank(rest->bytes[blanks]))
		blanks++;
	*rest = kernel_text_after(*rest, blanks);
	while (length_bytes < rest->length_bytes && !is_blank(rest->bytes[length_bytes]))
		length_bytes++;
	*word = (struct kernel_text){.bytes = rest->bytes, .length_bytes = length_bytes};
	*rest = kernel_text_after(*rest, length_bytes);
	return length_bytes != 0;
}

bool kernel_number_next(struct kernel_text *rest, uint64_t *value)
{
	struct kernel_text word;

	return kernel_word_next(rest, &word) && kernel_text_decimal(word, value);
}

struct kernel_lines kernel_lines_of(struct kernel_text text)
{
	return (struct kernel_lines){.rest = text};
}

int kernel_line_next(
	struct kernel_lines *lines, struct kernel_text *line, struct kernel_error *error)
{
	if (lines->rest.length_bytes == 0)
		return 0;
	lines->line++;
	const size_t length_bytes = kernel_text_find(lines->rest, '\n');
	if (length_bytes == lines->rest.length_bytes)
		return kernel_fail(error, lines->line, "cut off: the last line does not end");
	*line = (struct kernel_text){.bytes = lines->rest.bytes, .length_bytes = length_bytes};
	lines->rest = kernel_text_after(lines->rest, length_bytes + 1);
	return 1;
}
