/* SPDX-License-Identifier: Apache-2.0 */
#include "record/join.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/message.h"
#include "record/hash.h"
#include "record/line.h"

/* A record as it lies in its file. */
struct part {
	const char *bytes;
	size_t size_bytes;
	size_t sealed_bytes;   /* up to its seal, the seal included */
	size_t launched_bytes; /* up to its summary */
	struct record_summary summary;
};

static bool map(struct part *part, int descriptor)
{
	struct stat status;

	if (fstat(descriptor, &status) != 0 || status.st_size == 0)
		return false;
	void *bytes = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, descriptor, 0);
	if (bytes == MAP_FAILED)
		return false;
	part->bytes = bytes;
	part->size_bytes = (size_t)status.st_size;
	return true;
}

/* Where its seal ends and its summary begins. Returns what is wrong with it, or NULL. */
static const char *find_parts(struct pool *pool, struct part *part)
{
	static const char seal[] = "\n{\"type\":\"sealed\"";
	const char *why = "the record ends before its seal: nothing was measured";
	const char *sealed = memmem(part->bytes, part->size_bytes, seal, strlen(seal));
	struct record_line line;

	if (sealed == NULL)
		return why;
	const char *end = part->bytes + part->size_bytes;
	const char *after = memchr(sealed + 1, '\n', (size_t)(end - sealed - 1));
	if (after == NULL)
		return why;
	part->sealed_bytes = (size_t)(after + 1 - part->bytes);
	const char *before = memrchr(part->bytes, '\n', part->size_bytes - 1);
	part->launched_bytes = (size_t)(before + 1 - part->bytes);
	if (!record_decode(pool, before + 1, (size_t)(end - before - 1), &line, &why))
		return why;
	if (line.type != RECORD_TYPE_SUMMARY)
		return "the record has no summary: the run did not end";
	part->summary = line.summary;
	return NULL;
}

static const char *const *both(struct pool *pool, const char *const *texts, size_t *count,
	const char *const *more, size_t more_count)
{
	const char **all = pool_take(pool, (*count + more_count) * sizeof(*all));

	for (size_t i = 0; i < *count; i++)
		all[i] = texts[i];
	for (size_t i = 0; i < more_count; i++)
		all[*count + i] = more[i];
	*count += more_count;
	return all;
}

/* They ran side by side. */
static void add_summary(
	struct pool *pool, struct record_summary *sum, const struct record_summary *other)
{
	sum->complete = sum->complete && other->complete;
	if (sum->stopped_by == NULL)
		sum->stopped_by = other->stopped_by;
	sum->machines++;
	sum->trials += other->trials;
	if (other->duration_ms > sum->duration_ms)
		sum->duration_ms = other->duration_ms;
	/* Each bit is a reason, and -1, not readable, is all of them. */
	sum->taint_after |= other->taint_after;
	sum->kernel_log = both(pool, sum->kernel_log, &sum->kernel_log_count, other->kernel_log,
		other->kernel_log_count);
	sum->notes = both(pool, sum->notes, &sum->notes_count, other->notes, other->notes_count);
}

static bool put(int descriptor, const char *bytes, size_t size_bytes, struct record_hash *hash)
{
	record_hash_add(hash, bytes, size_bytes);
	while (size_bytes != 0) {
		const ssize_t wrote = write(descriptor, bytes, size_bytes);
		if (wrote < 0 && errno != EINTR)
			return false;
		bytes += wrote > 0 ? wrote : 0;
		size_bytes -= wrote > 0 ? (size_t)wrote : 0;
	}
	return true;
}

static bool refuse(const char *path, const char *why)
{
	message("%s: %s", path, why);
	return false;
}

static bool write_joined(struct pool *pool, int descriptor, const struct part *parts, size_t count,
	struct record_line *line)
{
	char *sha256 = pool_take(pool, RECORD_HASH_CHARACTERS + 1);
	struct record_hash hash;
	bool good = lseek(descriptor, (off_t)parts[0].launched_bytes, SEEK_SET) >= 0;

	record_hash_start(&hash);
	record_hash_add(&hash, parts[0].bytes, parts[0].launched_bytes);
	for (size_t i = 1; i < count && good; i++)
		good = put(descriptor, parts[i].bytes + parts[i].sealed_bytes,
			parts[i].launched_bytes - parts[i].sealed_bytes, &hash);
	record_hash_text(&hash, sha256);
	line->summary.sha256 = sha256;
	const char *text = record_encode(pool, line);
	return good && put(descriptor, text, strlen(text), &hash);
}

static bool join(struct pool *pool, int descriptor, const char *path, struct part *parts,
	const int *others, size_t others_count)
{
	struct record_line line = {.type = RECORD_TYPE_SUMMARY};
	const char *why = NULL;

	for (size_t i = 0; i <= others_count; i++) {
		if (!map(&parts[i], i == 0 ? descriptor : others[i - 1]))
			return refuse(path, "a clone has brought out nothing");
		why = find_parts(pool, &parts[i]);
		if (why != NULL)
			return refuse(path, why);
		if (parts[i].sealed_bytes != parts[0].sealed_bytes ||
			memcmp(parts[i].bytes, parts[0].bytes, parts[0].sealed_bytes) != 0)
			return refuse(path, "a clone has other predictions than its original");
		if (i == 0) {
			line.summary = parts[0].summary;
			line.summary.machines = 1;
		} else {
			add_summary(pool, &line.summary, &parts[i].summary);
		}
	}
	if (write_joined(pool, descriptor, parts, others_count + 1, &line))
		return true;
	const int error = errno;
	(void)ftruncate(descriptor, (off_t)parts[0].launched_bytes);
	return refuse(path, strerror(error));
}

bool record_join(int descriptor, const char *path, const int *others, size_t others_count)
{
	struct pool POOL_DROPS pool = {0};
	struct part *parts = pool_take(&pool, (others_count + 1) * sizeof(*parts));
	const bool joined = join(&pool, descriptor, path, parts, others, others_count);

	for (size_t i = 0; i <= others_count; i++)
		if (parts[i].bytes != NULL)
			(void)munmap((void *)(uintptr_t)parts[i].bytes, parts[i].size_bytes);
	return joined;
}
