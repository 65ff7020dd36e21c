/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/areas.h"

static const char *const smaps_words[] = {
#define SMAPS_WORD(name, word) [KERNEL_SMAPS_##name] = (word),
	KERNEL_SMAPS_FIELDS(SMAPS_WORD)
#undef SMAPS_WORD
};

static const char *const flag_letters[] = {
#define FLAG_LETTERS(name, letters) [KERNEL_AREA_FLAG_##name] = (letters),
	KERNEL_AREA_FLAGS(FLAG_LETTERS)
#undef FLAG_LETTERS
};

const char *kernel_smaps_word(enum kernel_smaps_field field)
{
	return smaps_words[field];
}

const char *kernel_area_flag_letters(enum kernel_area_flag flag)
{
	return flag_letters[flag];
}

/* Takes "AB" out of "ABsCD..." where the separator s ends AB. */
static bool hexadecimal_until(struct kernel_text *rest, char separator, uint64_t *value)
{
	const size_t length_bytes = kernel_text_find(*rest, separator);
	const struct kernel_text part = {.bytes = rest->bytes, .length_bytes = length_bytes};

	if (length_bytes == rest->length_bytes || !kernel_text_hexadecimal(part, value))
		return false;
	*rest = kernel_text_after(*rest, length_bytes + 1);
	return true;
}

static bool permissions(struct kernel_text word, struct kernel_area *area)
{
	static const char letters[] = "rwx";
	bool *const given[] = {&area->read, &area->write, &area->execute};

	if (word.length_bytes != 4)
		return false;
	for (size_t i = 0; i < 3; i++) {
		if (word.bytes[i] != letters[i] && word.bytes[i] != '-')
			return false;
		*given[i] = word.bytes[i] == letters[i];
	}
	area->shared = word.bytes[3] == 's';
	return area->shared || word.bytes[3] == 'p';
}

/* "560dd3b9c000-560dd3b9e000 r--p 00000000 fe:00 247498     /usr/bin/head" */
static bool area_of_line(struct kernel_text line, struct kernel_area *area)
{
	struct kernel_text word;

	if (!hexadecimal_until(&line, '-', &area->start) ||
		!hexadecimal_until(&line, ' ', &area->end) || area->start >= area->end)
		return false;
	if (!kernel_word_next(&line, &word) || !permissions(word, area))
		return false;
	if (!kernel_word_next(&line, &word) || !kernel_text_hexadecimal(word, &area->offset_bytes))
		return false;
	if (!kernel_word_next(&line, &word) ||
		!hexadecimal_until(&word, ':', &area->device_major) ||
		!kernel_text_hexadecimal(word, &area->device_minor))
		return false;
	if (!kernel_number_next(&line, &area->inode))
		return false;
	/* The kernel pads with blanks; a path may begin with one, but is absolute or in brackets.
	 */
	while (line.length_bytes != 0 && line.bytes[0] == ' ')
		line = kernel_text_after(line, 1);
	area->name = line;
	return true;
}

int kernel_maps_next(
	struct kernel_lines *lines, struct kernel_area *area, struct kernel_error *error)
{
	struct kernel_text line;
	const int got = kernel_line_next(lines, &line, error);

	if (got > 0 && !area_of_line(line, area))
		return kernel_fail(error, lines->line, "not an area");
	return got;
}

static void flags_of_line(struct kernel_text rest, struct kernel_smaps_area *area)
{
	struct kernel_text word;

	area->has_flags = true;
	area->flags_text = kernel_text_trimmed(rest);
	while (kernel_word_next(&rest, &word)) {
		for (size_t i = 0; i < KERNEL_AREA_FLAG_LIMIT; i++) {
			if (kernel_text_is(word, flag_letters[i])) {
				area->flags |= UINT64_C(1) << i;
				break;
			}
		}
	}
}

/* next: the field that the kernel prints behind the one before, where the search begins. */
static const char *figure_of_line(struct kernel_text name, struct kernel_text rest,
	struct kernel_smaps_area *area, size_t *next)
{
	struct kernel_text word;
	uint64_t value = 0;

	if (kernel_text_is(name, "VmFlags")) {
		flags_of_line(rest, area);
		return NULL;
	}
	if (!kernel_number_next(&rest, &value))
		return "no number behind the name";
	if (kernel_text_is(name, "THPeligible")) {
		area->has_thp_eligible = true;
		area->thp_eligible = value != 0;
	} else if (kernel_text_is(name, "ProtectionKey")) {
		area->has_protection_key = true;
		area->protection_key = value;
	} else if (!kernel_word_next(&rest, &word) || !kernel_text_is(word, "kB")) {
		return "no kB behind the number";
	}
	if (kernel_text_trimmed(rest).length_bytes != 0)
		return "something behind the number";
	for (size_t i = 0; i < KERNEL_SMAPS_LIMIT; i++) {
		const size_t field = (*next + i) % KERNEL_SMAPS_LIMIT;
		if (kernel_text_is(name, smaps_words[field])) {
			area->value_kib[field] = value;
			area->has_value |= UINT64_C(1) << field;
			*next = field + 1;
			break;
		}
	}
	return NULL;
}

/* A figure has its colon before the first blank; the line of an area has a blank before. */
static bool is_figure(struct kernel_text line, struct kernel_text *name, struct kernel_text *rest)
{
	const size_t colon = kernel_text_find(line, ':');

	if (colon == line.length_bytes || colon > kernel_text_find(line, ' '))
		return false;
	*name = (struct kernel_text){.bytes = line.bytes, .length_bytes = colon};
	*rest = kernel_text_after(line, colon + 1);
	return true;
}

int kernel_smaps_next(
	struct kernel_lines *lines, struct kernel_smaps_area *area, struct kernel_error *error)
{
	struct kernel_text line, name, rest;
	size_t next = 0;
	int got;

	*area = (struct kernel_smaps_area){0};
	got = kernel_maps_next(lines, &area->area, error);
	if (got <= 0)
		return got;
	for (;;) {
		struct kernel_lines before = *lines;

		got = kernel_line_next(lines, &line, error);
		if (got < 0)
			return got;
		if (got == 0 || !is_figure(line, &name, &rest)) {
			*lines = before;
			break;
		}
		const char *wrong = figure_of_line(name, rest, area, &next);
		if (wrong != NULL)
			return kernel_fail(error, lines->line, "%s", wrong);
	}
	if ((area->has_value & UINT64_C(1) << KERNEL_SMAPS_RSS) == 0)
		return kernel_fail(error, lines->line, "an area without figures: cut off, or maps");
	return 1;
}

/* The names of figures begin with a capital, addresses with a digit as the kernel prints them. */
static bool begins_area(struct kernel_text line, uint64_t address)
{
	const struct kernel_text start = {
		.bytes = line.bytes,
		.length_bytes = kernel_text_find(line, '-'),
	};
	uint64_t found = 0;

	return line.length_bytes != 0 && (line.bytes[0] < 'A' || line.bytes[0] > 'Z') &&
	       kernel_text_hexadecimal(start, &found) && found >= address;
}

void kernel_smaps_skip(struct kernel_lines *lines, uint64_t address)
{
	struct kernel_lines next = *lines;
	struct kernel_text line;
	struct kernel_error error;

	while (kernel_line_next(&next, &line, &error) > 0 && !begins_area(line, address))
		*lines = next;
}
