/* SPDX-License-Identifier: Apache-2.0 */
/* Readers of reference strings. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/message.h"
#include "trace/trace.h"
#include "vm/units.h"

/* A line longer than this is no line of a trace. */
#define LINE_LIMIT_BYTES 1000U

struct reader {
	struct trace *trace;
	FILE *stream;
	const char *name;
	const struct trace_options *options;
	uint64_t line; /* of text; from 1 */
};

static bool add(struct reader *reader, uint64_t page, bool writes)
{
	const uint64_t most = reader->options->most_references;

	if (reader->trace->count >= most) {
		message("%s: more than %llu references: raise --most, or cut the trace",
			reader->name, (unsigned long long)most);
		return false;
	}
	if (!trace_add(reader->trace, page, writes)) {
		message("%s: more than 2^30 different pages", reader->name);
		return false;
	}
	return true;
}

static bool refuse_line(const struct reader *reader, const char *reason, const char *at)
{
	if (at != NULL && *at != '\0')
		message("%s:%llu: %s at \"%.20s\"", reader->name, (unsigned long long)reader->line,
			reason, at);
	else
		message("%s:%llu: %s", reader->name, (unsigned long long)reader->line, reason);
	return false;
}

/* One line without its newline. Returns 1, 0 at the end, -1 after a message. */
static int next_line(struct reader *reader, char line[static LINE_LIMIT_BYTES])
{
	size_t length = 0;
	int c;

	reader->line++;
	while ((c = getc(reader->stream)) != EOF && c != '\n') {
		if (c == '\0') {
			(void)refuse_line(reader, "a zero byte: this is no text", NULL);
			return -1;
		}
		if (length == LINE_LIMIT_BYTES - 1) {
			(void)refuse_line(reader, "the line is too long for a trace", NULL);
			return -1;
		}
		line[length++] = (char)c;
	}
	if (ferror(reader->stream)) {
		message("%s: %s", reader->name, strerror(errno));
		return -1;
	}
	if (length != 0 && line[length - 1] == '\r')
		length--;
	line[length] = '\0';
	return c != EOF || length != 0;
}

/* Numbers with anything blank or a comma between; "17w" is a write of page 17. */
static bool numbers_of_line(struct reader *reader, const char *at)
{
	for (;;) {
		char *end;

		at += strspn(at, " \t,;");
		if (*at == '\0' || *at == '#')
			return true;
		if (!isdigit((unsigned char)*at))
			return refuse_line(reader, "a page number was expected", at);
		errno = 0;
		const unsigned long long page = strtoull(at, &end, 0);
		if (errno == ERANGE)
			return refuse_line(reader, "the number does not fit 64 bits", at);
		const bool writes = *end == 'w' || *end == 'W';
		end += writes || *end == 'r' || *end == 'R';
		if (*end != '\0' && strchr(" \t,;#", *end) == NULL)
			return refuse_line(reader, "a page number was expected", at);
		if (!add(reader, page, writes))
			return false;
		at = end;
	}
}

/* Every page that the access touches; a size that wraps round is nonsense. */
static bool add_access(struct reader *reader, uint64_t address, uint64_t size_bytes, bool writes)
{
	const unsigned shift = reader->options->page_shift;

	if (size_bytes == 0 || size_bytes > VM_PAGE_BYTES || address > UINT64_MAX - size_bytes)
		return refuse_line(reader, "the size of the access makes no sense", NULL);
	const uint64_t last = (address + size_bytes - 1) >> shift;
	for (uint64_t page = address >> shift; page <= last; page++)
		if (!add(reader, page, writes))
			return false;
	return true;
}

/*
 * "I  04001090,3", " L 1ffefff7e0,8", " S ...", " M ...": fetch, load, store, both. What valgrind
 * itself says begins with == and its process number; what the program says should not be here.
 */
static bool access_of_line(struct reader *reader, const char *line)
{
	static const char *const kinds[] = {"I ", " L ", " S ", " M "};
	bool known = false;
	char *end;

	if (line[0] == '\0' || strncmp(line, "==", 2) == 0)
		return true;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		known = known || strncmp(line, kinds[i], strlen(kinds[i])) == 0;
	if (!known)
		return refuse_line(reader, "neither I, L, S nor M of lackey", line);
	const char kind = line[line[0] == ' ' ? 1 : 0];
	const char *at = line + 2 + strspn(line + 2, " ");
	if (!isxdigit((unsigned char)*at))
		return refuse_line(reader, "an address in hexadecimal was expected", at);
	errno = 0;
	const unsigned long long address = strtoull(at, &end, 16);
	if (errno == ERANGE || *end != ',' || !isdigit((unsigned char)end[1]))
		return refuse_line(reader, "an address, a comma and a size were expected", at);
	const unsigned long long size_bytes = strtoull(end + 1, &end, 10);
	if (*end != '\0')
		return refuse_line(reader, "something behind the size", end);
	if (kind == 'I' && !reader->options->instructions)
		return true;
	return add_access(reader, address, size_bytes, kind == 'S' || kind == 'M');
}

static bool read_lines(struct reader *reader, bool (*parse)(struct reader *, const char *))
{
	char line[LINE_LIMIT_BYTES];
	int got;

	while ((got = next_line(reader, line)) == 1)
		if (!parse(reader, line))
			return false;
	return got == 0;
}

static uint64_t little_endian(const unsigned char *bytes, size_t size_bytes)
{
	uint64_t value = 0;

	for (size_t i = size_bytes; i-- > 0;)
		value = value << 8 | bytes[i];
	return value;
}

/* Where the page number lies in a record, and how long both are. */
struct record_shape {
	size_t record_bytes, offset_bytes, number_bytes;
};

static bool read_records(struct reader *reader, struct record_shape shape)
{
	unsigned char record[32];
	uint64_t offset_bytes = 0;
	size_t got;

	while ((got = fread(record, 1, shape.record_bytes, reader->stream)) == shape.record_bytes) {
		const uint64_t page =
			little_endian(record + shape.offset_bytes, shape.number_bytes);
		if (!add(reader, page, false))
			return false;
		offset_bytes += got;
	}
	if (ferror(reader->stream)) {
		message("%s: %s", reader->name, strerror(errno));
		return false;
	}
	if (got != 0) {
		message("%s: at byte %llu: the last record has %zu of %zu bytes: the file is cut",
			reader->name, (unsigned long long)offset_bytes, got, shape.record_bytes);
		return false;
	}
	return true;
}

bool trace_read(struct trace *trace, FILE *stream, const char *name, enum trace_format format,
	const struct trace_options *options)
{
	struct reader reader = {.trace = trace, .stream = stream, .name = name, .options = options};
	bool read = false;

	switch (format) {
	case TRACE_NUMBERS:
		read = read_lines(&reader, numbers_of_line);
		break;
	case TRACE_LACKEY:
		read = read_lines(&reader, access_of_line);
		break;
	case TRACE_U32:
		read = read_records(&reader, (struct record_shape){4, 0, 4});
		break;
	case TRACE_U64:
		read = read_records(&reader, (struct record_shape){8, 0, 8});
		break;
	case TRACE_ORACLE:
		read = read_records(&reader, (struct record_shape){24, 4, 8});
		break;
	case TRACE_FORMAT_LIMIT:
		break;
	}
	if (read && trace->count == 0) {
		message("%s: no reference in it", name);
		return false;
	}
	return read;
}

bool trace_read_file(struct trace *trace, const char *path, enum trace_format format,
	const struct trace_options *options)
{
	if (strcmp(path, "-") == 0)
		return trace_read(trace, stdin, "stdin", format, options);
	FILE *stream = fopen(path, "rb");
	if (stream == NULL) {
		message("%s: %s", path, strerror(errno));
		return false;
	}
	const bool read = trace_read(trace, stream, path, format, options);
	(void)fclose(stream);
	return read;
}

bool trace_read_text(struct trace *trace, const char *text, const struct trace_options *options)
{
	struct reader reader = {
		.trace = trace, .name = "references", .options = options, .line = 1};

	if (!numbers_of_line(&reader, text))
		return false;
	if (trace->count == 0) {
		message("references: no page number in \"%.40s\"", text);
		return false;
	}
	return true;
}
