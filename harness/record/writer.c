/* SPDX-License-Identifier: Apache-2.0 */
#include "record/writer.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/message.h"
#include "base/owner.h"

#define UNNAMED "the temporary record"

static const char *name_of(const struct record_writer *writer)
{
	return writer->path != NULL ? writer->path : UNNAMED;
}

static int create_unnamed(void)
{
	const char *folder = getenv("TMPDIR");

	if (folder == NULL || folder[0] == '\0')
		folder = "/tmp";
	const int descriptor = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (descriptor >= 0)
		return descriptor;
	/* Some file systems have no files without a name. */
	struct pool POOL_DROPS pool = {0};
	char *path = (char *)pool_format(&pool, "%s/mmconform-XXXXXX", folder);
	const int named = mkostemp(path, O_CLOEXEC);
	if (named >= 0)
		(void)unlink(path);
	return named;
}

int record_create(struct record_writer *writer, const char *path, FILE *mirror)
{
	*writer = (struct record_writer){.path = path, .mirror = mirror};
	record_hash_start(&writer->hash);
	writer->descriptor = path == NULL ? create_unnamed()
					  : open(path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0644);
	if (writer->descriptor < 0) {
		const int error = errno;
		message("%s: %s", name_of(writer), strerror(error));
		return -error;
	}
	if (path != NULL)
		owner_as_folder(writer->descriptor, path);
	return 0;
}

int record_go_on(struct record_writer *writer, const char *path, const struct record_hash *hash,
	size_t length_bytes, int64_t lines_count, FILE *mirror)
{
	*writer = (struct record_writer){
		.path = path,
		.mirror = mirror,
		.hash = *hash,
		.length_bytes = length_bytes,
		.lines_count = lines_count,
	};
	writer->descriptor = open(path, O_RDWR | O_CLOEXEC);
	if (writer->descriptor < 0 || ftruncate(writer->descriptor, (off_t)length_bytes) != 0 ||
		lseek(writer->descriptor, 0, SEEK_END) < 0) {
		const int error = errno;
		message("%s: %s", path, strerror(error));
		record_close(writer);
		return -error;
	}
	return 0;
}

static int write_all(int descriptor, const char *bytes, size_t length_bytes)
{
	while (length_bytes != 0) {
		const ssize_t wrote_bytes = write(descriptor, bytes, length_bytes);
		if (wrote_bytes < 0 && errno == EINTR)
			continue;
		if (wrote_bytes < 0)
			return errno;
		bytes += wrote_bytes;
		length_bytes -= (size_t)wrote_bytes;
	}
	return 0;
}

static bool fail(struct record_writer *writer, int error)
{
	if (!writer->failed)
		message("%s: %s; it ends with its last whole line", name_of(writer),
			strerror(error));
	writer->failed = true;
	/* What was half written goes, so that the rest can be resumed. */
	if (ftruncate(writer->descriptor, (off_t)writer->length_bytes) == 0)
		(void)lseek(writer->descriptor, 0, SEEK_END);
	return false;
}

static bool mirror(struct record_writer *writer, const struct buffer *text)
{
	if (writer->mirror == NULL)
		return true;
	(void)fwrite(text->bytes, 1, text->length_bytes, writer->mirror);
	if (fflush(writer->mirror) == 0)
		return true;
	message("standard output: %s", strerror(errno));
	writer->mirror = NULL;
	writer->failed = true;
	return false;
}

static bool write_lines(
	struct record_writer *writer, const struct record_line *lines, size_t count, bool through)
{
	struct buffer BUFFER_DROPS text = {0};

	if (writer->failed)
		return false;
	for (size_t i = 0; i < count; i++) {
		struct pool POOL_DROPS pool = {0};
		const char *line = record_encode(&pool, &lines[i]);
		if (line == NULL)
			return fail(writer, EILSEQ);
		buffer_add(&text, line, strlen(line));
	}
	int error = write_all(writer->descriptor, text.bytes, text.length_bytes);
	if (error == 0 && through && writer->path != NULL && fdatasync(writer->descriptor) != 0 &&
		errno != EINVAL)
		error = errno;
	if (error != 0)
		return fail(writer, error);
	record_hash_add(&writer->hash, text.bytes, text.length_bytes);
	writer->length_bytes += text.length_bytes;
	writer->lines_count += (int64_t)count;
	return mirror(writer, &text);
}

bool record_write(struct record_writer *writer, const struct record_line *lines, size_t count)
{
	return write_lines(writer, lines, count, false);
}

bool record_write_through(
	struct record_writer *writer, const struct record_line *lines, size_t count)
{
	return write_lines(writer, lines, count, true);
}

void record_close(struct record_writer *writer)
{
	if (writer->descriptor >= 0)
		(void)close(writer->descriptor);
	writer->descriptor = -1;
}
