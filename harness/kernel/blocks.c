/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/blocks.h"

#include <string.h>

/* "Node 0, zone   Normal" and what stands behind. Names of zones have no blank. */
static bool node_and_zone(struct kernel_text *rest, uint64_t *node, struct kernel_text *zone)
{
	struct kernel_text word;

	if (!kernel_word_next(rest, &word) || !kernel_text_is(word, "Node"))
		return false;
	if (!kernel_word_next(rest, &word) || word.bytes[word.length_bytes - 1] != ',')
		return false;
	word.length_bytes--;
	return kernel_text_decimal(word, node) && kernel_word_next(rest, &word) &&
	       kernel_text_is(word, "zone") && kernel_word_next(rest, zone);
}

int kernel_buddyinfo_next(
	struct kernel_lines *lines, struct kernel_buddy_row *row, struct kernel_error *error)
{
	struct kernel_text line, word;
	const int got = kernel_line_next(lines, &line, error);

	if (got <= 0)
		return got;
	*row = (struct kernel_buddy_row){0};
	if (!node_and_zone(&line, &row->node, &row->zone))
		return kernel_fail(error, lines->line, "not \"Node N, zone NAME\"");
	while (kernel_word_next(&line, &word)) {
		if (row->orders_count == KERNEL_ORDERS_LIMIT ||
			!kernel_text_decimal(word, &row->free_blocks[row->orders_count]))
			return kernel_fail(error, lines->line, "not a short list of numbers");
		row->orders_count++;
	}
	return row->orders_count == 0 ? kernel_fail(error, lines->line, "no orders") : 1;
}

static bool header_number(struct kernel_text line, const char *name, uint64_t *value)
{
	return kernel_text_starts(line, name) &&
	       kernel_text_decimal(
		       kernel_text_trimmed(kernel_text_after(line, strlen(name))), value);
}

int kernel_pagetypeinfo_begin(
	struct kernel_text text, struct kernel_pagetypes *pagetypes, struct kernel_error *error)
{
	struct kernel_text line;

	*pagetypes = (struct kernel_pagetypes){.lines = kernel_lines_of(text)};
	if (kernel_line_next(&pagetypes->lines, &line, error) <= 0 ||
		!header_number(line, "Page block order:", &pagetypes->block_order) ||
		kernel_line_next(&pagetypes->lines, &line, error) <= 0 ||
		!header_number(line, "Pages per block:", &pagetypes->block_pages))
		return kernel_fail(error, pagetypes->lines.line, "not the head of pagetypeinfo");
	return 0;
}

static bool types_of_header(struct kernel_text rest, struct kernel_pagetypes *pagetypes)
{
	pagetypes->types_count = 0;
	while (pagetypes->types_count < KERNEL_TYPES_LIMIT &&
		kernel_word_next(&rest, &pagetypes->types[pagetypes->types_count]))
		pagetypes->types_count++;
	return kernel_text_trimmed(rest).length_bytes == 0;
}

/* ", type    Unmovable" behind the zone: the zone's word took the comma along. */
static bool type_of_row(struct kernel_text *rest, struct kernel_pagetype_row *row)
{
	struct kernel_text word;

	if (row->zone.bytes[row->zone.length_bytes - 1] != ',')
		return false;
	row->zone.length_bytes--;
	return kernel_word_next(rest, &word) && kernel_text_is(word, "type") &&
	       kernel_word_next(rest, &row->type);
}

static bool pagetype_row(struct kernel_text line, struct kernel_pagetype_row *row)
{
	struct kernel_text word;

	if (!node_and_zone(&line, &row->node, &row->zone))
		return false;
	if (!row->counts_blocks && !type_of_row(&line, row))
		return false;
	while (kernel_word_next(&line, &word)) {
		if (row->count == KERNEL_ORDERS_LIMIT)
			return false;
		if (word.bytes[0] == '>') {
			row->at_least |= UINT64_C(1) << row->count;
			word = kernel_text_after(word, 1);
			/* "> 12": blanks may stand between. */
			if (word.length_bytes == 0 && !kernel_word_next(&line, &word))
				return false;
		}
		if (!kernel_text_decimal(word, &row->values[row->count]))
			return false;
		row->count++;
	}
	return row->count != 0;
}

int kernel_pagetypeinfo_next(struct kernel_pagetypes *pagetypes, struct kernel_pagetype_row *row,
	struct kernel_error *error)
{
	static const char free_header[] = "Free pages count per migrate type at order";
	static const char blocks_header[] = "Number of blocks type";
	struct kernel_text line;
	int got;

	while ((got = kernel_line_next(&pagetypes->lines, &line, error)) > 0) {
		if (kernel_text_trimmed(line).length_bytes == 0 ||
			kernel_text_starts(line, free_header))
			continue;
		if (kernel_text_starts(line, blocks_header)) {
			pagetypes->counts_blocks = true;
			line = kernel_text_after(line, strlen(blocks_header));
			if (!types_of_header(line, pagetypes))
				return kernel_fail(error, pagetypes->lines.line, "too many types");
			continue;
		}
		/* With page_owner a third table follows, in the form of the second. */
		if (kernel_text_starts(line, "Number of mixed blocks"))
			return 0;
		*row = (struct kernel_pagetype_row){.counts_blocks = pagetypes->counts_blocks};
		if (!pagetype_row(line, row))
			return kernel_fail(
				error, pagetypes->lines.line, "not a row of pagetypeinfo");
		return 1;
	}
	return got;
}

/* The numbers of a part that begins with its word; NULL in fields: read and dropped. */
static bool numbers_behind(
	struct kernel_text *rest, const char *word, uint64_t *const *fields, size_t count)
{
	struct kernel_text got;
	uint64_t value = 0;

	if (!kernel_word_next(rest, &got) || !kernel_text_is(got, ":"))
		return false;
	if (!kernel_word_next(rest, &got) || !kernel_text_is(got, word))
		return false;
	for (size_t i = 0; i < count; i++) {
		if (!kernel_number_next(rest, &value))
			return false;
		if (fields != NULL && fields[i] != NULL)
			*fields[i] = value;
	}
	return true;
}

/* The last word of the span, taken off it. */
static bool number_before(struct kernel_text *rest, uint64_t *value)
{
	*rest = kernel_text_trimmed(*rest);
	size_t begin = rest->length_bytes;
	while (begin != 0 && rest->bytes[begin - 1] != ' ')
		begin--;
	const struct kernel_text word = kernel_text_after(*rest, begin);
	rest->length_bytes = begin;
	return kernel_text_decimal(word, value);
}

/* Names of caches may hold blanks and colons, so the five numbers are read from their end. */
static bool slab_row(struct kernel_text line, struct kernel_slab_row *row)
{
	static const char tunables[] = " : tunables ";
	const char *found = memmem(line.bytes, line.length_bytes, tunables, sizeof(tunables) - 1);
	uint64_t *const slabs[] = {&row->active_slabs, &row->slabs, NULL};

	if (found == NULL)
		return false;
	struct kernel_text front = {
		.bytes = line.bytes, .length_bytes = (size_t)(found - line.bytes)};
	struct kernel_text rest = kernel_text_after(line, front.length_bytes);
	if (!number_before(&front, &row->pages_per_slab) ||
		!number_before(&front, &row->objects_per_slab) ||
		!number_before(&front, &row->object_bytes) ||
		!number_before(&front, &row->objects) ||
		!number_before(&front, &row->active_objects))
		return false;
	row->name = kernel_text_trimmed(front);
	return row->name.length_bytes != 0 && numbers_behind(&rest, "tunables", NULL, 3) &&
	       numbers_behind(&rest, "slabdata", slabs, 3);
}

int kernel_slabinfo_next(
	struct kernel_lines *lines, struct kernel_slab_row *row, struct kernel_error *error)
{
	struct kernel_text line;
	int got = kernel_line_next(lines, &line, error);

	if (got > 0 && lines->line == 1) {
		if (!kernel_text_starts(line, "slabinfo - version: 2."))
			return kernel_fail(error, 1, "not slabinfo version 2");
		got = kernel_line_next(lines, &line, error);
		if (got > 0 && !kernel_text_starts(line, "# name"))
			return kernel_fail(error, lines->line, "no names of columns");
		if (got > 0)
			got = kernel_line_next(lines, &line, error);
	}
	if (got > 0 && !slab_row(line, row))
		return kernel_fail(error, lines->line, "not a row of slabinfo");
	return got;
}
