/* SPDX-License-Identifier: Apache-2.0 */
#include "facts/source.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Most files hold a word. A file of /proc/sys is asked for no more: the kernel clears a buffer of
 * the size that is asked for, twice a file. linux:6.12:fs/proc/proc_sysctl.c:proc_sys_call_handler
 */
#define FIRST_READ_BYTES ((size_t)1024)

int source_fail_plainly(struct facts_source *source, int code, const char *format, ...)
{
	va_list arguments;

	if (source->failed == 0) {
		source->failed = code;
		va_start(arguments, format);
		(void)vsnprintf(
			source->error->text, sizeof(source->error->text), format, arguments);
		va_end(arguments);
	}
	return source->failed;
}

int source_fail(struct facts_source *source, const char *path, const struct kernel_error *error)
{
	const char *separator = source->root[0] == '\0' || !source->live ? "/" : "";

	if (error->line == 0)
		return source_fail_plainly(source, -EINVAL, "%s%s%s: %s", source->root, separator,
			path, error->reason);
	return source_fail_plainly(source, -EINVAL, "%s%s%s:%u: %s", source->root, separator, path,
		error->line, error->reason);
}

/* Room at the end of the buffer for another read. */
static char *room(char *buffer, size_t *capacity_bytes, size_t used_bytes)
{
	if (used_bytes < *capacity_bytes)
		return buffer;
	*capacity_bytes = *capacity_bytes == 0 ? FIRST_READ_BYTES : *capacity_bytes * 2;
	char *grown = realloc(buffer, *capacity_bytes);
	if (grown == NULL)
		abort();
	return grown;
}

static int slurp_descriptor(struct pool *pool, int descriptor, struct kernel_text *text)
{
	char *buffer = NULL;
	size_t capacity_bytes = 0, used_bytes = 0;
	int result = 0;

	for (;;) {
		buffer = room(buffer, &capacity_bytes, used_bytes);
		const ssize_t got =
			read(descriptor, buffer + used_bytes, capacity_bytes - used_bytes);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			result = -errno;
		if (got <= 0)
			break;
		used_bytes += (size_t)got;
		if (used_bytes > SOURCE_FILE_BYTES_MOST) {
			result = -EFBIG;
			break;
		}
	}
	if (result == 0)
		*text = (struct kernel_text){
			.bytes = pool_text_of(pool, buffer, used_bytes),
			.length_bytes = used_bytes,
		};
	free(buffer);
	return result;
}

int source_slurp(struct pool *pool, const char *path, struct kernel_text *text)
{
	struct stat status;
	/* Not blocking: a hostile folder may hold a pipe under any name. */
	const int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	if (descriptor < 0)
		return -errno;
	int result = 0;
	if (fstat(descriptor, &status) != 0)
		result = -errno;
	else if (!S_ISREG(status.st_mode))
		result = S_ISDIR(status.st_mode) ? -EISDIR : -EINVAL;
	if (result == 0)
		result = slurp_descriptor(pool, descriptor, text);
	(void)close(descriptor);
	return result;
}

static struct source_entry *entry_of(struct facts_source *source, const char *path)
{
	for (size_t i = 0; i < source->entries_count; i++) {
		if (strcmp(source->entries[i].path, path) == 0)
			return &source->entries[i];
	}
	return NULL;
}

static struct source_entry *entry_add(struct facts_source *source, const char *path)
{
	source->entries = pool_grow(
		source->pool, source->entries, source->entries_count, sizeof(*source->entries));
	struct source_entry *entry = &source->entries[source->entries_count++];

	*entry = (struct source_entry){.path = pool_text(source->pool, path)};
	return entry;
}

void source_put(struct facts_source *source, const char *path, int error, struct kernel_text text)
{
	struct source_entry *entry = entry_of(source, path);

	if (entry == NULL)
		entry = entry_add(source, path);
	entry->error = error;
	entry->is_read = true;
	entry->text = text;
	entry->size_bytes = text.length_bytes;
}

/* linux:6.12:include/linux/err.h:MAX_ERRNO */
#define ERRNO_MOST 4095

void source_open_live(
	struct facts_source *source, struct pool *pool, const char *root, struct facts_error *error)
{
	*source = (struct facts_source){
		.pool = pool,
		.live = true,
		.root = pool_text(pool, root),
		.error = error,
	};
	error->text[0] = '\0';
}

/* Relative, without empty parts, "." and "..": it stays below the folder. */
static bool is_plain_path(struct kernel_text path)
{
	if (path.length_bytes == 0 || path.length_bytes >= PATH_MAX ||
		memchr(path.bytes, '\0', path.length_bytes) != NULL)
		return false;
	while (true) {
		const size_t length_bytes = kernel_text_find(path, '/');
		const struct kernel_text part = {.bytes = path.bytes, .length_bytes = length_bytes};

		if (length_bytes == 0 || kernel_text_is(part, ".") || kernel_text_is(part, ".."))
			return false;
		if (length_bytes == path.length_bytes)
			return true;
		path = kernel_text_after(path, length_bytes + 1);
	}
}

bool source_manifest_entry(struct pool *pool, struct kernel_text line, struct source_entry *entry)
{
	struct kernel_text word;
	int64_t size_bytes = 0;

	if (!kernel_word_next(&line, &word) || !kernel_text_signed(word, &size_bytes) ||
		size_bytes > (int64_t)SOURCE_FILE_BYTES_MOST || size_bytes < -ERRNO_MOST ||
		line.length_bytes < 2)
		return false;
	const struct kernel_text path = kernel_text_after(line, 1);
	if (!is_plain_path(path))
		return false;
	*entry = (struct source_entry){
		.path = pool_text_of(pool, path.bytes, path.length_bytes),
		.error = size_bytes < 0 ? (int)size_bytes : 0,
		.size_bytes = size_bytes < 0 ? 0 : (size_t)size_bytes,
		.is_read = size_bytes < 0,
	};
	return true;
}

static bool manifest_line(struct facts_source *source, struct kernel_text line)
{
	struct source_entry entry;

	if (!source_manifest_entry(source->pool, line, &entry))
		return false;
	*entry_add(source, entry.path) = entry;
	return true;
}

static int manifest_read(struct facts_source *source)
{
	struct kernel_text text = {0}, line;
	struct kernel_error error;
	const char *path = pool_format(source->pool, "%s/%s", source->root, SOURCE_MANIFEST);
	int got = source_slurp(source->pool, path, &text);

	if (got < 0)
		return source_fail_plainly(
			source, got, "%s: %s: not a captured folder", path, strerror(-got));
	struct kernel_lines lines = kernel_lines_of(text);
	while ((got = kernel_line_next(&lines, &line, &error)) > 0) {
		const bool fine = lines.line == 1 ? kernel_text_is(line, SOURCE_MANIFEST_HEAD)
						  : manifest_line(source, line);
		if (!fine) {
			(void)kernel_fail(&error, lines.line,
				lines.line == 1 ? "not the manifest of a capture"
						: "not a size and a path");
			return source_fail(source, SOURCE_MANIFEST, &error);
		}
	}
	if (got < 0)
		return source_fail(source, SOURCE_MANIFEST, &error);
	return lines.line == 0 ? source_fail_plainly(source, -EINVAL, "%s: empty", path) : 0;
}

int source_open_captured(struct facts_source *source, struct pool *pool, const char *folder,
	struct facts_error *error)
{
	*source = (struct facts_source){
		.pool = pool,
		.root = pool_text(pool, folder),
		.error = error,
	};
	error->text[0] = '\0';
	return manifest_read(source);
}

static void read_captured(struct facts_source *source, struct source_entry *entry)
{
	const char *path = pool_format(source->pool, "%s/%s", source->root, entry->path);
	const int result = source_slurp(source->pool, path, &entry->text);

	entry->is_read = true;
	entry->error = result;
	if (result < 0) {
		(void)source_fail_plainly(
			source, result, "%s: %s, though it was captured", path, strerror(-result));
		return;
	}
	if (entry->text.length_bytes != entry->size_bytes)
		(void)source_fail_plainly(source, -EINVAL, "%s: %zu bytes, captured were %zu", path,
			entry->text.length_bytes, entry->size_bytes);
}

struct source_text source_read(struct facts_source *source, const char *path)
{
	struct source_entry *entry = entry_of(source, path);

	if (entry == NULL && !source->live)
		return (struct source_text){.error = -ENOENT};
	if (entry == NULL) {
		entry = entry_add(source, path);
		entry->error = source_slurp(source->pool,
			pool_format(source->pool, "%s/%s", source->root, path), &entry->text);
		entry->is_read = true;
		entry->size_bytes = entry->text.length_bytes;
	} else if (!entry->is_read) {
		read_captured(source, entry);
	}
	return (struct source_text){.error = entry->error, .text = entry->text};
}

/* What follows "folder/" in the path, or NULL. */
static const char *below(const char *path, const char *folder)
{
	const size_t length_bytes = strlen(folder);

	if (strncmp(path, folder, length_bytes) != 0 || path[length_bytes] != '/')
		return NULL;
	return path + length_bytes + 1;
}

bool source_exists(struct facts_source *source, const char *path)
{
	if (source->live) {
		const struct source_entry *entry = entry_of(source, path);
		if (entry != NULL && entry->error == 0)
			return true;
		return access(pool_format(source->pool, "%s/%s", source->root, path), F_OK) == 0;
	}
	for (size_t i = 0; i < source->entries_count; i++) {
		const struct source_entry *entry = &source->entries[i];

		if (strcmp(entry->path, path) == 0)
			return entry->error != -ENOENT;
		if (below(entry->path, path) != NULL && entry->error != -ENOENT)
			return true;
	}
	return false;
}

static int by_name(const void *left, const void *right)
{
	return strcmp(*(const char *const *)left, *(const char *const *)right);
}

static size_t list_live(struct facts_source *source, const char *folder, const char ***names)
{
	DIR *stream = opendir(pool_format(source->pool, "%s/%s", source->root, folder));
	size_t count = 0;

	if (stream == NULL)
		return 0;
	for (const struct dirent *item; (item = readdir(stream)) != NULL;) {
		if (item->d_name[0] == '.')
			continue;
		*names = pool_grow(source->pool, *names, count, sizeof(**names));
		(*names)[count++] = pool_text(source->pool, item->d_name);
	}
	(void)closedir(stream);
	return count;
}

static size_t list_captured(struct facts_source *source, const char *folder, const char ***names)
{
	size_t count = 0;

	for (size_t i = 0; i < source->entries_count; i++) {
		const char *rest = below(source->entries[i].path, folder);

		if (rest == NULL || source->entries[i].error == -ENOENT)
			continue;
		*names = pool_grow(source->pool, *names, count, sizeof(**names));
		(*names)[count++] = pool_text_of(source->pool, rest, strcspn(rest, "/"));
	}
	return count;
}

size_t source_list(struct facts_source *source, const char *folder, const char ***names)
{
	size_t kept = 0;

	*names = NULL;
	const size_t count = source->live ? list_live(source, folder, names)
					  : list_captured(source, folder, names);
	if (count == 0)
		return 0;
	qsort(*names, count, sizeof(**names), by_name);
	for (size_t i = 1; i < count; i++) {
		if (strcmp((*names)[kept], (*names)[i]) != 0)
			(*names)[++kept] = (*names)[i];
	}
	return kept + 1;
}
