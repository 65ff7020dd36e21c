/* SPDX-License-Identifier: Apache-2.0 */
#include "guard/journal.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <nettle/sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "guard/seam.h"

#define HEADER_WORD	   "mmconform-journal"
#define FORMAT_VERSION	   1
#define FILE_LIMIT_BYTES   ((size_t)4 << 20)
#define ESCAPED_BYTES(raw) (3 * (raw) + 2)
#define LINE_BYTES	   ((size_t)8192)

_Static_assert(LINE_BYTES > ESCAPED_BYTES(UNDO_NAME_BYTES) * 2 + ESCAPED_BYTES(GUARD_VALUE_BYTES) +
				    JOURNAL_SUM_BYTES + 32,
	"the longest line fits");

const char *undo_kind_word(enum undo_kind kind)
{
	static const char *const words[] = {
#define UNDO_WORD(name, word) word,
		UNDO_KINDS(UNDO_WORD)
#undef UNDO_WORD
	};

	return words[kind];
}

/* The first half of SHA-256 over the sum before and the line. Against damage, not against forgers:
 * those are kept out by the file's owner and mode. */
static void sum_after(
	const char *before, const char *line, size_t length_bytes, char sum[JOURNAL_SUM_BYTES])
{
	uint8_t digest[SHA256_DIGEST_SIZE];
	struct sha256_ctx context;

	sha256_init(&context);
	sha256_update(&context, strlen(before), (const uint8_t *)before);
	sha256_update(&context, length_bytes, (const uint8_t *)line);
	sha256_digest(&context, sizeof(digest), digest);
	for (size_t i = 0; i < (JOURNAL_SUM_BYTES - 1) / 2; i++)
		(void)snprintf(sum + 2 * i, 3, "%02x", digest[i]);
}

/* "=" and the text with everything but plain letters, digits and path characters as %XX. */
static size_t escape(const char *text, char *escaped)
{
	size_t used_bytes = 0;

	escaped[used_bytes++] = '=';
	for (; *text != '\0'; text++) {
		const unsigned char byte = (unsigned char)*text;

		if (isalnum(byte) || strchr("/._+:,@-", byte) != NULL)
			escaped[used_bytes++] = (char)byte;
		else
			used_bytes += (size_t)snprintf(escaped + used_bytes, 4, "%%%02x", byte);
	}
	escaped[used_bytes] = '\0';
	return used_bytes;
}

static bool unescape(struct kernel_text text, char *raw, size_t capacity_bytes)
{
	size_t used_bytes = 0;

	if (!kernel_text_starts(text, "="))
		return false;
	for (size_t i = 1; i < text.length_bytes; i++) {
		uint64_t byte = (unsigned char)text.bytes[i];

		if (byte == '%') {
			if (text.length_bytes - i < 3 ||
				!kernel_text_hexadecimal(
					(struct kernel_text){
						.bytes = text.bytes + i + 1, .length_bytes = 2},
					&byte) ||
				byte == 0)
				return false;
			i += 2;
		}
		if (used_bytes + 1 >= capacity_bytes)
			return false;
		raw[used_bytes++] = (char)byte;
	}
	raw[used_bytes] = '\0';
	return true;
}

/* Takes the sum off the end of the line and compares it. */
static bool sum_is_right(
	struct kernel_text line, const char *before, struct kernel_text *body, char *sum)
{
	if (line.length_bytes <= JOURNAL_SUM_BYTES)
		return false;
	const size_t body_bytes = line.length_bytes - JOURNAL_SUM_BYTES;
	*body = (struct kernel_text){.bytes = line.bytes, .length_bytes = body_bytes};
	if (line.bytes[body_bytes] != ' ')
		return false;
	sum_after(before, line.bytes, body_bytes, sum);
	return kernel_text_is(kernel_text_after(line, body_bytes + 1), sum);
}

static int parse_header(
	struct kernel_text body, struct journal_content *content, struct kernel_error *error)
{
	struct kernel_text word;
	uint64_t version = 0;

	if (!kernel_word_next(&body, &word) || !kernel_text_is(word, HEADER_WORD))
		return kernel_fail(error, 1, "this is no journal of mmconform");
	if (!kernel_number_next(&body, &version) || version != FORMAT_VERSION)
		return kernel_fail(error, 1, "a journal of another version of mmconform");
	if (!kernel_word_next(&body, &word) || word.length_bytes != JOURNAL_BOOT_BYTES - 1 ||
		!kernel_text_copy(word, content->boot, sizeof(content->boot)) ||
		!kernel_number_next(&body, &content->pid))
		return kernel_fail(error, 1, "the header lacks the boot or the process");
	return 0;
}

static int parse_undo(
	struct kernel_text body, unsigned line, struct undo *undo, struct kernel_error *error)
{
	struct kernel_text word;
	size_t kind = 0;

	if (!kernel_word_next(&body, &word))
		return kernel_fail(error, line, "an empty line");
	while (kind < UNDO_KIND_LIMIT &&
		!kernel_text_is(word, undo_kind_word((enum undo_kind)kind)))
		kind++;
	if (kind == UNDO_KIND_LIMIT)
		return kernel_fail(error, line, "unknown kind of change");
	*undo = (struct undo){.kind = (enum undo_kind)kind};
	if (!kernel_word_next(&body, &word) || !unescape(word, undo->name, sizeof(undo->name)) ||
		!kernel_word_next(&body, &word) || !unescape(word, undo->old, sizeof(undo->old)) ||
		!kernel_word_next(&body, &word) ||
		!unescape(word, undo->beside, sizeof(undo->beside)) ||
		kernel_word_next(&body, &word))
		return kernel_fail(error, line, "not three values of a legal length");
	return 0;
}

/* Room for one more undo, and for the mark of the end behind it; doubled at powers of two. */
static int make_room(struct journal_content *content)
{
	const size_t room = content->count == 0 ? 1 : 2 * content->count;

	if ((content->count & (content->count - 1)) != 0)
		return 0;
	struct undo *const undos = realloc(content->undos, room * sizeof(*undos));
	if (undos != NULL)
		content->undos = undos;
	struct journal_mark *const marks = realloc(content->marks, (room + 1) * sizeof(*marks));
	if (marks != NULL)
		content->marks = marks;
	return undos == NULL || marks == NULL ? -ENOMEM : 0;
}

static void mark_line(struct journal_mark *mark, uint64_t offset_bytes, const char *sum)
{
	mark->offset_bytes = offset_bytes;
	memcpy(mark->sum, sum, sizeof(mark->sum));
}

static int parse_lines(
	struct kernel_text text, struct journal_content *content, struct kernel_error *error)
{
	struct kernel_lines lines = kernel_lines_of(text);
	struct kernel_text line, body;
	char sum[JOURNAL_SUM_BYTES] = "";
	int failed = make_room(content);

	while (failed == 0 && kernel_line_next(&lines, &line, error) == 1) {
		char before[JOURNAL_SUM_BYTES];

		memcpy(before, sum, sizeof(before));
		if (!sum_is_right(line, before, &body, sum))
			return kernel_fail(error, lines.line, "the line was changed or damaged");
		if (lines.line == 1) {
			failed = parse_header(body, content, error);
		} else if (content->count == JOURNAL_UNDOS_LIMIT) {
			return kernel_fail(error, lines.line, "more changes than a run can make");
		} else {
			failed = make_room(content);
			if (failed == 0)
				failed = parse_undo(
					body, lines.line, &content->undos[content->count], error);
			content->count += failed == 0;
		}
		if (failed == 0)
			mark_line(&content->marks[content->count],
				(uint64_t)(lines.rest.bytes - text.bytes), sum);
	}
	return failed;
}

/* A journal that was cut short while its header was written: it announces nothing. */
static bool is_torn_header(struct kernel_text text)
{
	static const char begin[] = HEADER_WORD " ";
	const size_t compared_bytes =
		text.length_bytes < sizeof(begin) - 1 ? text.length_bytes : sizeof(begin) - 1;

	return memchr(text.bytes, '\n', text.length_bytes) == NULL &&
	       memcmp(text.bytes, begin, compared_bytes) == 0;
}

int journal_parse(
	struct kernel_text text, struct journal_content *content, struct kernel_error *error)
{
	static const char nothing[JOURNAL_SUM_BYTES] = "";

	*content = (struct journal_content){0};
	*error = (struct kernel_error){0};

	if (text.length_bytes == 0 || is_torn_header(text)) {
		content->torn = true;
		const int failed = make_room(content);
		if (failed == 0)
			mark_line(&content->marks[0], 0, nothing);
		return failed;
	}
	if (memchr(text.bytes, '\n', text.length_bytes) == NULL)
		return kernel_fail(error, 1, "this is no journal of mmconform"), -EBADMSG;
	/* What stands behind the last newline was being written when everything stopped. */
	while (text.bytes[text.length_bytes - 1] != '\n') {
		text.length_bytes--;
		content->torn = true;
	}
	const int failed = parse_lines(text, content, error);
	if (failed != 0)
		journal_drop(content);
	return failed == -EINVAL ? -EBADMSG : failed;
}

void journal_drop(struct journal_content *content)
{
	free(content->undos);
	free(content->marks);
	*content = (struct journal_content){0};
}

/* The folder's entry has to be on the disk as well as the file. */
static int sync_folder(const char *root, const char *path)
{
	char folder[PATH_MAX];
	const char *const slash = strrchr(path, '/');

	(void)snprintf(folder, sizeof(folder), "%.*s", (int)(slash - path), path);
	const int descriptor = seam_open(root, folder, O_RDONLY | O_DIRECTORY, 0);
	if (descriptor < 0)
		return descriptor;
	const int failed = seam_sync(descriptor, folder);
	seam_close(descriptor, folder);
	return failed;
}

int journal_create(struct journal *journal, const char *root, const char *path, const char *boot)
{
	char line[LINE_BYTES];

	*journal = (struct journal){.root = root, .path = path, .file = -1};
	int length = snprintf(
		line, sizeof(line), HEADER_WORD " %d %s %d", FORMAT_VERSION, boot, (int)getpid());
	sum_after("", line, (size_t)length, journal->sum);
	length += snprintf(line + length, sizeof(line) - (size_t)length, " %s\n", journal->sum);

	const int file = seam_open(root, path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
	if (file < 0)
		return file;
	int failed = seam_write(file, path, line, (size_t)length);
	if (failed == 0)
		failed = seam_sync(file, path);
	if (failed == 0)
		failed = sync_folder(root, path);
	if (failed != 0) {
		seam_close(file, path);
		/* Should this fail too, a header alone is left, which asks for nothing. */
		(void)seam_unlink(root, path);
		return failed;
	}
	journal->file = file;
	journal->length_bytes = (uint64_t)length;
	return 0;
}

static size_t format_undo(const struct undo *undo, const char *before, char line[LINE_BYTES],
	char sum[JOURNAL_SUM_BYTES])
{
	char name[ESCAPED_BYTES(UNDO_NAME_BYTES)], old[ESCAPED_BYTES(UNDO_NAME_BYTES)];
	char beside[ESCAPED_BYTES(GUARD_VALUE_BYTES)];

	(void)escape(undo->name, name);
	(void)escape(undo->old, old);
	(void)escape(undo->beside, beside);
	const int body = snprintf(
		line, LINE_BYTES, "%s %s %s %s", undo_kind_word(undo->kind), name, old, beside);
	sum_after(before, line, (size_t)body, sum);
	return (size_t)body +
	       (size_t)snprintf(line + body, LINE_BYTES - (size_t)body, " %s\n", sum);
}

static int append_lines(struct journal *journal, const struct undo *undos, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		char line[LINE_BYTES], sum[JOURNAL_SUM_BYTES];
		const size_t length_bytes = format_undo(&undos[i], journal->sum, line, sum);

		mark_line(&journal->marks[journal->count], journal->length_bytes, journal->sum);
		const int failed = seam_write(journal->file, journal->path, line, length_bytes);
		if (failed != 0)
			return failed;
		memcpy(journal->sum, sum, sizeof(sum));
		journal->length_bytes += length_bytes;
		journal->count++;
	}
	return 0;
}

/* After a failure: nothing of the lines from there on stays, as far as that can be had. */
static void take_back(struct journal *journal, size_t count)
{
	const struct journal_mark *const mark = &journal->marks[count];

	journal->broken = seam_truncate(journal->file, journal->path, mark->offset_bytes) != 0 ||
			  lseek(journal->file, (off_t)mark->offset_bytes, SEEK_SET) < 0;
	memcpy(journal->sum, mark->sum, sizeof(journal->sum));
	journal->length_bytes = mark->offset_bytes;
	journal->count = count;
}

int journal_append(struct journal *journal, const struct undo *undos, size_t count)
{
	const size_t before = journal->count;

	if (journal->broken)
		return -EIO;
	if (before + count > JOURNAL_UNDOS_LIMIT)
		return -ENOSPC;
	struct journal_mark *const grown =
		realloc(journal->marks, (before + count) * sizeof(*grown));
	if (grown == NULL)
		return -ENOMEM;
	journal->marks = grown;
	int failed = append_lines(journal, undos, count);
	if (failed == 0)
		failed = seam_sync(journal->file, journal->path);
	/* Lines that cannot even be cut off do no harm: they undo what has not been done. */
	if (failed != 0)
		take_back(journal, before);
	return failed;
}

int journal_cut(struct journal *journal, size_t count)
{
	if (count >= journal->count)
		return 0;
	const struct journal_mark *const mark = &journal->marks[count];
	const int failed = seam_truncate(journal->file, journal->path, mark->offset_bytes);
	if (failed != 0)
		return failed;
	if (lseek(journal->file, (off_t)mark->offset_bytes, SEEK_SET) < 0)
		return -errno;
	memcpy(journal->sum, mark->sum, sizeof(journal->sum));
	journal->length_bytes = mark->offset_bytes;
	journal->count = count;
	return 0;
}

int journal_adopt(struct journal *journal, const char *root, const char *path,
	struct journal_content *content)
{
	*journal = (struct journal){.root = root, .path = path, .file = -1};
	const int file = seam_open(root, path, O_WRONLY | O_NOFOLLOW, 0);

	if (file < 0)
		return file;
	journal->file = file;
	journal->count = content->count;
	journal->marks = content->marks;
	content->marks = NULL;
	/* Takes a torn line off, and stands at the end. */
	take_back(journal, content->count);
	return journal->broken ? -EIO : 0;
}

int journal_replace(
	struct journal *journal, const char *boot, const struct undo *undos, size_t count)
{
	char path[PATH_MAX];
	struct journal fresh;

	(void)snprintf(path, sizeof(path), "%s.new", journal->path);
	/* One may be left of an earlier try that was killed. */
	int failed = seam_unlink(journal->root, path);
	if (failed == 0 || failed == -ENOENT)
		failed = journal_create(&fresh, journal->root, path, boot);
	if (failed != 0)
		return failed;
	failed = count == 0 ? 0 : journal_append(&fresh, undos, count);
	if (failed == 0)
		failed = seam_rename(journal->root, path, journal->path);
	if (failed != 0) {
		(void)seam_unlink(journal->root, path);
		journal_close(&fresh);
		return failed;
	}
	fresh.path = journal->path;
	journal_close(journal);
	*journal = fresh;
	return sync_folder(journal->root, journal->path);
}

int journal_remove(struct journal *journal)
{
	const int failed = seam_unlink(journal->root, journal->path);

	if (failed == 0 || failed == -ENOENT) {
		journal_close(journal);
		return 0;
	}
	return failed;
}

void journal_close(struct journal *journal)
{
	if (journal->file >= 0)
		seam_close(journal->file, journal->path);
	free(journal->marks);
	*journal = (struct journal){.file = -1};
}

static int check_owner(int file, const char *path, size_t *size_bytes, struct kernel_error *error)
{
	struct stat status;
	const int failed = seam_stat(file, path, &status);

	if (failed != 0)
		return failed;
	if (!S_ISREG(status.st_mode))
		return kernel_fail(error, 0, "it is no plain file");
	if (status.st_uid != geteuid())
		return kernel_fail(error, 0, "it belongs to user %u, and we are %u",
			(unsigned)status.st_uid, (unsigned)geteuid());
	if ((status.st_mode & 0077) != 0)
		return kernel_fail(error, 0, "others may read or write it (mode %03o)",
			(unsigned)status.st_mode & 0777);
	if (status.st_nlink != 1)
		return kernel_fail(error, 0, "it has another name as well");
	if ((uint64_t)status.st_size > FILE_LIMIT_BYTES)
		return kernel_fail(error, 0, "it is longer than any journal");
	*size_bytes = (size_t)status.st_size;
	return 0;
}

static int read_whole(int file, const char *path, char *text, size_t size_bytes, size_t *got_bytes)
{
	ssize_t got = 1;

	*got_bytes = 0;
	while (got != 0 && *got_bytes < size_bytes) {
		got = seam_read(file, path, text + *got_bytes, size_bytes - *got_bytes);
		if (got < 0)
			return (int)got;
		*got_bytes += (size_t)got;
	}
	return 0;
}

int journal_load(const char *root, const char *path, struct journal_content *content,
	struct kernel_error *error)
{
	/* A pipe or a device planted there must not hold us up. */
	const int file = seam_open(root, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);
	size_t size_bytes = 0, got_bytes = 0;

	*error = (struct kernel_error){0};
	if (file == -ENOENT)
		return -ENOENT;
	if (file < 0) {
		(void)kernel_fail(error, 0, "%s", strerror(-file));
		return file;
	}
	int failed = check_owner(file, path, &size_bytes, error);
	char *const text = failed == 0 ? malloc(size_bytes + 1) : NULL;
	if (failed == 0)
		failed = text == NULL ? -ENOMEM
				      : read_whole(file, path, text, size_bytes, &got_bytes);
	seam_close(file, path);
	if (failed == 0)
		failed = journal_parse(
			(struct kernel_text){.bytes = text, .length_bytes = got_bytes}, content,
			error);
	free(text);
	if (failed != 0 && error->reason[0] == '\0')
		(void)kernel_fail(error, 0, "%s", strerror(-failed));
	return failed == -EINVAL ? -EBADMSG : failed;
}
