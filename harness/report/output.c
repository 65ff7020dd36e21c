/* SPDX-License-Identifier: Apache-2.0 */
#include "report/output.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/message.h"
#include "base/owner.h"
#include "report/record.h"

static const struct output_format formats[] = {
	{"record", record_output},
};

#define FORMATS_COUNT (sizeof(formats) / sizeof(formats[0]))

static const struct output_format *format_named(const char *name, size_t length)
{
	for (size_t i = 0; i < FORMATS_COUNT; i++)
		if (strlen(formats[i].name) == length &&
			strncmp(formats[i].name, name, length) == 0)
			return &formats[i];
	return NULL;
}

static const char *names(struct pool *pool)
{
	const char *text = "";

	for (size_t i = 0; i < FORMATS_COUNT; i++)
		text = pool_format(pool, "%s%s%s", text, i == 0 ? "" : ", ", formats[i].name);
	return text;
}

const char *output_add(struct pool *pool, struct output_list *outputs, const char *text)
{
	const char *equals = strchr(text, '=');

	if (equals == NULL || equals[1] == '\0')
		return pool_format(pool, "\"%s\" is not FORMAT=PATH", text);
	const struct output_format *format = format_named(text, (size_t)(equals - text));
	if (format == NULL)
		return pool_format(
			pool, "\"%.*s\" is no format: %s", (int)(equals - text), text, names(pool));
	outputs->items = pool_grow(pool, outputs->items, outputs->count, sizeof(outputs->items[0]));
	outputs->items[outputs->count++] = (struct output){format, equals + 1};
	return NULL;
}

static bool write_file(const struct output *output, const struct outcome *outcome)
{
	struct pool POOL_DROPS pool = {0};
	char *partial = (char *)pool_format(&pool, "%s.XXXXXX", output->path);
	const int descriptor = mkstemp(partial);
	FILE *stream = descriptor >= 0 ? fdopen(descriptor, "w") : NULL;

	if (stream == NULL) {
		message("%s: %s", output->path, strerror(errno));
		return false;
	}
	owner_as_folder(descriptor, output->path);
	bool good = output->format->write(stream, outcome);
	if (fflush(stream) != 0 || ferror(stream) != 0 || fchmod(descriptor, 0644) != 0) {
		message("%s: %s", output->path, strerror(errno));
		good = false;
	}
	(void)fclose(stream);
	if (good && rename(partial, output->path) != 0) {
		message("%s: %s", output->path, strerror(errno));
		good = false;
	}
	if (!good)
		(void)unlink(partial);
	return good;
}

bool output_write(const struct output_list *outputs, const struct record *record,
	const struct judgement *judgement, const struct record_summary *summary)
{
	const struct outcome outcome = {record, judgement, summary};
	bool good = true;

	for (size_t i = 0; i < outputs->count; i++) {
		const struct output *output = &outputs->items[i];
		if (strcmp(output->path, "-") == 0)
			good = output->format->write(stdout, &outcome) && good;
		else
			good = write_file(output, &outcome) && good;
	}
	return good;
}
