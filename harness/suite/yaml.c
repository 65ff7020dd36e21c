/* SPDX-License-Identifier: Apache-2.0 */
#include "suite/yaml.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <yaml.h>

#include "base/buffer.h"
#include "base/message.h"

#define FILE_BYTES_MOST ((size_t)4 << 20)

const cyaml_schema_value_t yaml_text = {
	CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char *, 0, YAML_TEXT_BYTES_MOST),
};

/* libcyaml says what is wrong in several lines; the first is the reason, the second has a line. */
struct complaint {
	char reason[256];
	unsigned long line;
};

__attribute__((format(printf, 3, 0))) static void listen(
	cyaml_log_t level, void *context, const char *format, va_list arguments)
{
	struct complaint *complaint = context;
	char text[512];

	(void)level;
	(void)vsnprintf(text, sizeof(text), format, arguments);
	const char *place = strstr(text, "(line: ");
	if (place != NULL && complaint->line == 0)
		complaint->line = strtoul(place + strlen("(line: "), NULL, 10);
	const char *start = strncmp(text, "Load: ", 6) == 0 ? text + 6 : text;
	if (complaint->reason[0] == '\0' && place == NULL) {
		(void)snprintf(complaint->reason, sizeof(complaint->reason), "%.*s",
			(int)strcspn(start, "\n"), start);
	}
}

/* realloc over the pool: the size is kept before the block, freeing is the pool's. */
static void *take(void *context, void *old, size_t size_bytes)
{
	struct pool *pool = context;
	size_t *header = NULL;

	if (size_bytes == 0)
		return NULL;
	/* Two words, so that the block keeps the alignment of the pool. */
	header = pool_take(pool, 2 * sizeof(*header) + size_bytes);
	header[0] = size_bytes;
	if (old != NULL) {
		const size_t old_bytes = ((size_t *)old)[-2];
		memcpy(header + 2, old, old_bytes < size_bytes ? old_bytes : size_bytes);
	}
	return header + 2;
}

static bool refuse(const char *path, size_t line, const char *reason)
{
	message("%s:%zu: %s", path, line, reason);
	return false;
}

/* Syntax first, by libyaml alone: it knows the very line. */
static bool check_syntax(const char *path, const char *bytes, size_t length_bytes)
{
	yaml_parser_t parser;
	yaml_event_t event;
	bool good = true, more = true;
	unsigned documents = 0;

	if (yaml_parser_initialize(&parser) == 0)
		abort();
	yaml_parser_set_input_string(&parser, (const unsigned char *)bytes, length_bytes);
	while (good && more) {
		if (yaml_parser_parse(&parser, &event) == 0) {
			good = refuse(path, parser.problem_mark.line + 1,
				parser.problem != NULL ? parser.problem : "not YAML");
			break;
		}
		more = event.type != YAML_STREAM_END_EVENT;
		documents += event.type == YAML_DOCUMENT_START_EVENT;
		if (documents > 1)
			good = refuse(path, event.start_mark.line + 1, "a second document");
		yaml_event_delete(&event);
	}
	yaml_parser_delete(&parser);
	return good && (documents == 1 || refuse(path, 1, "the file is empty"));
}

/* libcyaml gives the line of the mapping; an unexpected key stands there or below it. */
static unsigned long line_of_key(
	const char *bytes, size_t length_bytes, unsigned long line, const char *key)
{
	const char *at = bytes, *end = bytes + length_bytes;
	const size_t key_bytes = strlen(key);

	for (unsigned long number = 1; at < end; number++) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		const char *stop = newline != NULL ? newline : end;
		const char *word = at;
		while (word < stop && (*word == ' ' || *word == '-'))
			word++;
		if (number >= line && (size_t)(stop - word) > key_bytes &&
			memcmp(word, key, key_bytes) == 0 && word[key_bytes] == ':')
			return number;
		at = stop + 1;
	}
	return line;
}

bool yaml_load_bytes(struct pool *pool, const char *path, const char *bytes, size_t length_bytes,
	const cyaml_schema_value_t *schema, void **data)
{
	static const char unexpected[] = "Unexpected key: ";
	struct complaint complaint = {0};
	const cyaml_config_t config = {
		.log_fn = listen,
		.log_ctx = &complaint,
		.log_level = CYAML_LOG_ERROR,
		.mem_fn = take,
		.mem_ctx = pool,
		.flags = CYAML_CFG_NO_ALIAS,
	};

	if (length_bytes == 0)
		return refuse(path, 1, "the file is empty");
	if (length_bytes > FILE_BYTES_MOST)
		return refuse(path, 1, "the file is too large");
	if (!check_syntax(path, bytes, length_bytes))
		return false;
	const cyaml_err_t error =
		cyaml_load_data((const uint8_t *)bytes, length_bytes, &config, schema, data, NULL);
	if (error == CYAML_OK)
		return true;
	if (complaint.reason[0] == '\0')
		(void)snprintf(
			complaint.reason, sizeof(complaint.reason), "%s", cyaml_strerror(error));
	if (complaint.line == 0)
		complaint.line = 1;
	if (strncmp(complaint.reason, unexpected, strlen(unexpected)) == 0)
		complaint.line = line_of_key(
			bytes, length_bytes, complaint.line, complaint.reason + strlen(unexpected));
	return refuse(path, complaint.line, complaint.reason);
}

static int read_file(const char *path, struct buffer *buffer)
{
	char chunk[1 << 14];
	ssize_t got_bytes = 0;
	const int descriptor = open(path, O_RDONLY | O_CLOEXEC);

	if (descriptor < 0)
		return -errno;
	do {
		got_bytes = read(descriptor, chunk, sizeof(chunk));
		if (got_bytes > 0)
			buffer_add(buffer, chunk, (size_t)got_bytes);
	} while ((got_bytes > 0 && buffer->length_bytes <= FILE_BYTES_MOST) ||
		 (got_bytes < 0 && errno == EINTR));
	const int error = got_bytes < 0 ? errno : 0;
	(void)close(descriptor);
	return -error;
}

bool yaml_load(struct pool *pool, const char *path, const cyaml_schema_value_t *schema, void **data)
{
	struct buffer BUFFER_DROPS text = {0};
	const int error = read_file(path, &text);

	if (error != 0) {
		message("%s: %s", path, strerror(-error));
		return false;
	}
	return yaml_load_bytes(pool, path, text.bytes, text.length_bytes, schema, data);
}
