/* SPDX-License-Identifier: Apache-2.0 */
#include "report/output.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/message.h"
#include "base/owner.h"
#include "report/formats.h"
#include "report/page.h"

static const struct output_format formats[] = {
	{.name = "gbench", .write = gbench_output, .one_only = true, .observed_count = 1},
	{.name = "html", .write = html_output, .observed_count = PAGE_RECORDS_IN_FULL},
	{.name = "junit", .write = junit_output},
	{.name = "kcidb", .write = kcidb_output},
	{.name = "ktap", .write = ktap_output},
	{.name = "markdown", .write = markdown_output},
	{.name = "record", .write = record_output, .one_only = true, .whole = true},
	{.name = "tap", .write = tap_output},
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

const char *output_names(struct pool *pool)
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
		return pool_format(pool, "\"%.*s\" is no format: %s", (int)(equals - text), text,
			output_names(pool));
	outputs->items = pool_grow(pool, outputs->items, outputs->count, sizeof(outputs->items[0]));
	outputs->items[outputs->count++] = (struct output){format, equals + 1};
	return NULL;
}

bool output_needs_whole(const struct output_list *outputs)
{
	for (size_t i = 0; i < outputs->count; i++)
		if (outputs->items[i].format->whole)
			return true;
	return false;
}

size_t output_observed_count(const struct output_list *outputs)
{
	size_t count = 0;

	for (size_t i = 0; i < outputs->count; i++)
		if (outputs->items[i].format->observed_count > count)
			count = outputs->items[i].format->observed_count;
	return count;
}

bool output_takes_stdout(const struct output_list *outputs)
{
	for (size_t i = 0; i < outputs->count; i++)
		if (strcmp(outputs->items[i].path, "-") == 0)
			return true;
	return false;
}

static bool write_file(const struct output *output, const struct outcome_list *outcomes)
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
	bool good = output->format->write(stream, outcomes);
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

static bool write_one(const struct output *output, const struct outcome_list *outcomes)
{
	if (output->format->one_only && outcomes->count != 1) {
		message("%s: the format %s takes one record", output->path, output->format->name);
		return false;
	}
	if (strcmp(output->path, "-") != 0)
		return write_file(output, outcomes);
	return output->format->write(stdout, outcomes) && fflush(stdout) == 0;
}

bool output_write(const struct output_list *outputs, const struct outcome_list *outcomes)
{
	bool good = true;

	for (size_t i = 0; i < outputs->count; i++)
		good = write_one(&outputs->items[i], outcomes) && good;
	return good;
}

void output_tell(const struct output_list *outputs, FILE *stream)
{
	for (size_t i = 0; i < outputs->count; i++)
		if (strcmp(outputs->items[i].path, "-") != 0)
			(void)fprintf(stream, "Written: %s to %s\n", outputs->items[i].format->name,
				outputs->items[i].path);
}
