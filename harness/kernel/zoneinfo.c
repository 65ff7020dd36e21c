/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/zoneinfo.h"

#include <string.h>

/* What a line is, by how the kernel indents it. */
enum part { PART_ZONE, PART_NODE_STATS, PART_PAGES, PART_STATS, PART_PAGESETS, PART_TAIL };

struct parser {
	struct kernel_lines lines;
	struct kernel_error *error;
	struct kernel_zoneinfo *zoneinfo;
	struct kernel_zone *zone;
	enum part part;
	unsigned fields; /* bits of the fields of "pages" seen */
	unsigned tails;	 /* bits of node_unreclaimable and start_pfn seen */
};

struct field {
	const char *name;
	size_t offset;
};

#define FIELD(word, member)                                \
	{                                                  \
		word, offsetof(struct kernel_zone, member) \
	}
static const struct field fields[] = {
	FIELD("free", free_pages),
	FIELD("min", min_pages),
	FIELD("low", low_pages),
	FIELD("high", high_pages),
	FIELD("spanned", spanned_pages),
	FIELD("present", present_pages),
	FIELD("managed", managed_pages),
	/* From here on a kernel may lack them. */
	FIELD("boost", boost_pages),
	FIELD("promo", promo_pages),
	FIELD("cma", cma_pages),
};
#undef FIELD

#define FIELDS_COUNT	(sizeof(fields) / sizeof(fields[0]))
#define FIELDS_REQUIRED ((1U << 7) - 1)
#define FIELD_PROMO	(1U << 8)

static int fail(struct parser *parser, const char *reason)
{
	return kernel_fail(parser->error, parser->lines.line, "%s", reason);
}

/* The lines from the first one given to the end of the last one given. */
static void extend(struct kernel_text *span, struct kernel_text line)
{
	if (span->length_bytes == 0)
		span->bytes = line.bytes;
	span->length_bytes = (size_t)(line.bytes - span->bytes) + line.length_bytes + 1;
}

static int zone_begin(struct parser *parser, struct kernel_text line)
{
	struct kernel_text rest = kernel_text_after(line, strlen("Node ")), word;
	const size_t comma = kernel_text_find(rest, ',');
	struct kernel_text number = {.bytes = rest.bytes, .length_bytes = comma};

	if (parser->zoneinfo->count == KERNEL_ZONES_LIMIT)
		return fail(parser, "more zones than this program holds");
	struct kernel_zone *zone = &parser->zoneinfo->zone[parser->zoneinfo->count];
	*zone = (struct kernel_zone){0};
	if (!kernel_text_decimal(number, &zone->node) || comma == rest.length_bytes)
		return fail(parser, "no node number");
	rest = kernel_text_after(rest, comma + 1);
	if (!kernel_word_next(&rest, &word) || !kernel_text_is(word, "zone") ||
		!kernel_word_next(&rest, &word) ||
		!kernel_text_copy(word, zone->name, sizeof(zone->name)) ||
		kernel_word_next(&rest, &word))
		return fail(parser, "not \"Node N, zone NAME\"");
	parser->zone = zone;
	parser->zoneinfo->count++;
	parser->part = PART_ZONE;
	parser->fields = 0;
	parser->tails = 0;
	return 0;
}

/* A zone is whole when the next one or the end comes. */
static int zone_end(struct parser *parser)
{
	if (parser->zone == NULL)
		return 0;
	if ((parser->fields & FIELDS_REQUIRED) != FIELDS_REQUIRED ||
		parser->zone->protection_count == 0)
		return fail(parser, "the zone before lacks one of its marks or sizes");
	/* linux:6.12:include/linux/mmzone.h:populated_zone */
	if (parser->zone->populated != (parser->zone->present_pages != 0))
		return fail(parser, "the zone before has pages and no counters, or the reverse");
	if (parser->zone->populated && (parser->tails != 3 || parser->zone->pagesets_count == 0))
		return fail(parser, "the zone before lacks its pagesets or its start_pfn");
	parser->zone->has_promo = (parser->fields & FIELD_PROMO) != 0;
	return 0;
}

static int protection_line(struct parser *parser, struct kernel_text rest)
{
	struct kernel_zone *zone = parser->zone;

	rest = kernel_text_trimmed(rest);
	if (!kernel_text_starts(rest, "(") || rest.bytes[rest.length_bytes - 1] != ')')
		return fail(parser, "protection without parentheses");
	rest = kernel_text_after(rest, 1);
	rest.length_bytes--;
	zone->protection_count = 0;
	while (rest.length_bytes != 0) {
		const size_t length_bytes = kernel_text_find(rest, ',');
		struct kernel_text number = {.bytes = rest.bytes, .length_bytes = length_bytes};

		if (zone->protection_count == KERNEL_ZONE_PROTECTION_LIMIT ||
			!kernel_text_decimal(kernel_text_trimmed(number),
				&zone->protection_pages[zone->protection_count]))
			return fail(parser, "protection is not a short list of numbers");
		zone->protection_count++;
		rest = kernel_text_after(rest, length_bytes + (length_bytes < rest.length_bytes));
	}
	return zone->protection_count == 0 ? fail(parser, "protection is empty") : 0;
}

static int pages_line(struct parser *parser, struct kernel_text line)
{
	struct kernel_text rest = line, word;
	uint64_t value = 0;

	(void)kernel_word_next(&rest, &word);
	if (kernel_text_is(word, "protection:"))
		return protection_line(parser, rest);
	if (!kernel_number_next(&rest, &value) || kernel_text_trimmed(rest).length_bytes != 0)
		return fail(parser, "no number behind the name");
	for (size_t i = 0; i < FIELDS_COUNT; i++) {
		if (kernel_text_is(word, fields[i].name)) {
			memcpy((char *)parser->zone + fields[i].offset, &value, sizeof(value));
			parser->fields |= 1U << i;
		}
	}
	return 0;
}

static int stat_line(struct parser *parser, struct kernel_text line)
{
	struct kernel_text rest = line, word;
	uint64_t value = 0;

	if (!kernel_word_next(&rest, &word) || !kernel_number_next(&rest, &value) ||
		kernel_text_trimmed(rest).length_bytes != 0)
		return fail(parser, "not \"name value\"");
	switch (parser->part) {
	case PART_NODE_STATS:
		extend(&parser->zone->node_stats, line);
		return 0;
	case PART_PAGES:
	case PART_STATS:
		parser->part = PART_STATS;
		parser->zone->populated = true;
		extend(&parser->zone->zone_stats, line);
		return 0;
	case PART_ZONE:
	case PART_PAGESETS:
	case PART_TAIL:
		break;
	}
	return fail(parser, "a counter out of place");
}

/* "name: value" with the name given or, if NULL, any. */
static bool colon_value(struct kernel_text line, const char *name, uint64_t *value)
{
	const size_t colon = kernel_text_find(line, ':');
	const struct kernel_text key = kernel_text_trimmed(
		(struct kernel_text){.bytes = line.bytes, .length_bytes = colon});

	if (colon == line.length_bytes || (name != NULL && !kernel_text_is(key, name)))
		return false;
	return kernel_text_decimal(kernel_text_trimmed(kernel_text_after(line, colon + 1)), value);
}

static int pageset_line(struct parser *parser, struct kernel_text line)
{
	uint64_t value = 0;

	if (parser->part != PART_PAGESETS || !colon_value(line, NULL, &value))
		return fail(parser, "not a line of a pageset");
	if (colon_value(line, "cpu", &value))
		parser->zone->pagesets_count++;
	else if (parser->zone->pagesets_count == 0)
		return fail(parser, "a pageset without its CPU");
	extend(&parser->zone->pagesets, line);
	return 0;
}

/* Lines indented by two blanks open a part or end the zone. */
static int outer_line(struct parser *parser, struct kernel_text line)
{
	const struct kernel_text inner = kernel_text_trimmed(line);
	uint64_t value = 0;

	if (kernel_text_is(inner, "per-node stats")) {
		parser->part = PART_NODE_STATS;
		return 0;
	}
	if (kernel_text_starts(inner, "pages ")) {
		parser->part = PART_PAGES;
		return pages_line(parser, kernel_text_after(inner, strlen("pages ")));
	}
	if (kernel_text_is(inner, "pagesets")) {
		parser->part = PART_PAGESETS;
		parser->zone->populated = true;
		return 0;
	}
	if (kernel_text_starts(inner, "vm stats threshold:"))
		return pageset_line(parser, line);
	if (!colon_value(line, NULL, &value))
		return fail(parser, "not a line of zoneinfo");
	parser->part = PART_TAIL;
	if (colon_value(line, "start_pfn", &parser->zone->start_frame))
		parser->tails |= 1;
	if (colon_value(line, "node_unreclaimable", &parser->zone->node_unreclaimable))
		parser->tails |= 2;
	return 0;
}

static int zone_line(struct parser *parser, struct kernel_text line)
{
	size_t indent = 0;

	while (indent < line.length_bytes && line.bytes[indent] == ' ')
		indent++;
	if (parser->zone == NULL)
		return fail(parser, "not \"Node N, zone NAME\"");
	if (indent == 2)
		return outer_line(parser, line);
	if (indent == 6)
		return stat_line(parser, line);
	if (indent == 8 && parser->part == PART_PAGES)
		return pages_line(parser, line);
	return pageset_line(parser, line);
}

int kernel_zoneinfo_parse(
	struct kernel_text text, struct kernel_zoneinfo *zoneinfo, struct kernel_error *error)
{
	struct parser parser = {
		.lines = kernel_lines_of(text),
		.error = error,
		.zoneinfo = zoneinfo,
	};
	struct kernel_text line;
	int got;

	zoneinfo->count = 0;
	while ((got = kernel_line_next(&parser.lines, &line, error)) > 0) {
		int result;

		if (kernel_text_starts(line, "Node ")) {
			result = zone_end(&parser);
			if (result == 0)
				result = zone_begin(&parser, line);
		} else {
			result = zone_line(&parser, line);
		}
		if (result < 0)
			return result;
	}
	if (got < 0)
		return got;
	if (zoneinfo->count == 0)
		return kernel_fail(error, 0, "empty");
	return zone_end(&parser);
}

static bool stat_find(struct kernel_text stats, const char *name, uint64_t *value)
{
	struct kernel_lines lines = kernel_lines_of(stats);
	struct kernel_error error;
	struct kernel_text line, word;

	while (kernel_line_next(&lines, &line, &error) > 0) {
		(void)kernel_word_next(&line, &word);
		if (kernel_text_is(word, name))
			return kernel_number_next(&line, value);
	}
	return false;
}

bool kernel_zone_stat(const struct kernel_zone *zone, const char *name, uint64_t *value)
{
	return stat_find(zone->zone_stats, name, value);
}

bool kernel_zone_node_stat(const struct kernel_zone *zone, const char *name, uint64_t *value)
{
	return stat_find(zone->node_stats, name, value);
}

struct kernel_pageset kernel_zone_pageset(const struct kernel_zone *zone, size_t index)
{
	struct kernel_lines lines = kernel_lines_of(zone->pagesets);
	struct kernel_pageset pageset = {0};
	struct kernel_error error;
	struct kernel_text line;
	uint64_t cpu = 0;
	size_t seen = 0;

	while (kernel_line_next(&lines, &line, &error) > 0) {
		if (colon_value(line, "cpu", &cpu)) {
			if (seen++ == index)
				pageset.cpu = cpu;
			continue;
		}
		if (seen != index + 1)
			continue;
		(void)colon_value(line, "count", &pageset.count_pages);
		(void)colon_value(line, "high", &pageset.high_pages);
		(void)colon_value(line, "batch", &pageset.batch_pages);
		if (colon_value(line, "high_min", &pageset.high_min_pages))
			pageset.has_high_limits = true;
		(void)colon_value(line, "high_max", &pageset.high_max_pages);
		(void)colon_value(line, "vm stats threshold", &pageset.stats_threshold);
	}
	return pageset;
}

const struct kernel_zone *kernel_zone_find(
	const struct kernel_zoneinfo *zoneinfo, uint64_t node, const char *name)
{
	for (size_t i = 0; i < zoneinfo->count; i++) {
		if (zoneinfo->zone[i].node == node && strcmp(zoneinfo->zone[i].name, name) == 0)
			return &zoneinfo->zone[i];
	}
	return NULL;
}
