/* SPDX-License-Identifier: Apache-2.0 */
#include "facts/capture.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "facts/anonymous.h"
#include "facts/ask.h"
#include "facts/derive.h"
#include "facts/facts.h"
#include "facts/source.h"
#include "kernel/mounts.h"

/*
 * What is captured, in this order: first the kernel's own figures, in one go, because they move and
 * are to be compared with each other. A * is any name, in its place.
 */
static const char *const wanted[] = {
	"proc/zoneinfo",
	"proc/vmstat",
	"proc/iomem",
	"proc/meminfo",
	"proc/buddyinfo",
	"proc/pagetypeinfo",
	"proc/slabinfo",
	"proc/swaps",
	"proc/sys/vm/*",
	"proc/self/smaps",
	"proc/self/smaps_rollup",
	"proc/self/status",
	"proc/self/statm",
	"proc/self/stat",
	"proc/self/oom_score",
	"proc/self/oom_score_adj",
	"proc/self/limits",
	"proc/self/uid_map",
	"proc/self/cgroup",
	"proc/self/mountinfo",
	"proc/cgroups",
	"proc/cmdline",
	"proc/cpuinfo",
	"proc/pressure/memory",
	"proc/sys/kernel/numa_balancing",
	"proc/sys/kernel/osrelease",
	"proc/sys/kernel/pid_max",
	"proc/sys/kernel/randomize_va_space",
	"proc/sys/kernel/threads-max",
	"proc/version",
	"proc/version_signature",
	"sys/block/*/queue/logical_block_size",
	"sys/block/*/queue/read_ahead_kb",
	"sys/block/*/queue/rotational",
	"sys/devices/system/clocksource/clocksource0/available_clocksource",
	"sys/devices/system/clocksource/clocksource0/current_clocksource",
	"sys/devices/system/cpu/online",
	"sys/devices/system/cpu/possible",
	"sys/devices/system/cpu/present",
	"sys/devices/system/cpu/vulnerabilities/meltdown",
	"sys/devices/system/node/has_cpu",
	"sys/devices/system/node/has_memory",
	"sys/devices/system/node/online",
	"sys/devices/system/node/possible",
	"sys/devices/system/node/node*/cpulist",
	"sys/devices/system/node/node*/distance",
	"sys/devices/system/node/node*/meminfo",
	"sys/devices/system/node/node*/hugepages/*/*",
	"sys/kernel/debug/extfrag/*",
	"sys/kernel/debug/fault_around_bytes",
	"sys/kernel/debug/lru_gen",
	"sys/kernel/mm/damon/admin/kdamonds/0/state",
	"sys/kernel/mm/hugepages/*/*",
	"sys/kernel/mm/ksm/*",
	"sys/kernel/mm/lru_gen/*",
	"sys/kernel/mm/numa/*",
	"sys/kernel/mm/swap/*",
	"sys/kernel/mm/transparent_hugepage/*",
	"sys/kernel/mm/transparent_hugepage/hugepages-*/*enabled",
	"sys/kernel/mm/transparent_hugepage/khugepaged/*",
	"sys/kernel/slab/kmalloc-[0-9]*/object_size",
	"sys/kernel/slab/kmalloc-[0-9]*/objs_per_slab",
	"sys/kernel/slab/kmalloc-[0-9]*/order",
	"sys/kernel/slab/kmalloc-[0-9]*/slab_size",
	"sys/module/zswap/parameters/*",
	ASK_CALLS,
	ASK_CONFIG,
	ASK_CPUID,
	ASK_MACHINE,
	ASK_MARKS,
	ASK_MONITORS,
	ASK_PLACES,
	ASK_TOPOLOGY,
};

/* Reading one of these would do something. */
static const char *const untouched[] = {
	"proc/sys/vm/compact_memory", "proc/sys/vm/drop_caches", "proc/sys/vm/stat_refresh"};

struct capture {
	struct facts_source *source;
	/* A folder and its manifest, or one stream of a manifest's lines, each before its file. */
	const char *folder;
	FILE *manifest;
	bool streamed;
	bool anonymous;
	/* Our own memory group and the root of its hierarchy, relative; NULL where there is none.
	 */
	const char *group, *point;
	const char *anonymous_point;
};

static int failed(struct capture *capture, const char *path)
{
	const int code = errno == 0 ? -EIO : -errno;

	return source_fail_plainly(
		capture->source, code, "%s/%s: %s", capture->folder, path, strerror(-code));
}

/* Makes the folders above the path, which lies below the capture's. */
static int make_folders(struct capture *capture, const char *path)
{
	for (const char *slash = strchr(path, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
		const char *folder = pool_format(capture->source->pool, "%s/%.*s", capture->folder,
			(int)(slash - path), path);

		if (mkdir(folder, 0777) != 0 && errno != EEXIST)
			return failed(capture, path);
	}
	return 0;
}

static int write_file(struct capture *capture, const char *path, struct kernel_text text)
{
	if (make_folders(capture, path) < 0)
		return capture->source->failed;
	errno = 0;
	FILE *stream =
		fopen(pool_format(capture->source->pool, "%s/%s", capture->folder, path), "wxe");
	if (stream == NULL)
		return failed(capture, path);
	const bool written = fwrite(text.bytes, 1, text.length_bytes, stream) == text.length_bytes;
	if (fclose(stream) != 0 || !written)
		return failed(capture, path);
	return 0;
}

static int put_entry(struct capture *capture, const char *path, struct source_text got)
{
	if (got.error != 0) {
		(void)fprintf(capture->manifest, "%d %s\n", got.error, path);
		return 0;
	}
	(void)fprintf(capture->manifest, "%zu %s\n", got.text.length_bytes, path);
	if (!capture->streamed)
		return write_file(capture, path, got.text);
	(void)fwrite(got.text.bytes, 1, got.text.length_bytes, capture->manifest);
	return 0;
}

/* "folder/rest" as "other/rest"; the path itself where it is not below the folder. */
static const char *moved_below(
	struct pool *pool, const char *path, const char *folder, const char *other)
{
	const size_t length_bytes = strlen(folder);

	if (strncmp(path, folder, length_bytes) != 0 || path[length_bytes] != '/')
		return path;
	return pool_format(pool, "%s%s", other, path + length_bytes);
}

/* The name under which a path of ours passes. */
static const char *anonymous_name(struct capture *capture, const char *path)
{
	struct pool *pool = capture->source->pool;

	if (capture->point == NULL)
		return path;
	if (capture->group != NULL && strcmp(capture->group, capture->point) != 0) {
		const char *moved = moved_below(pool, path, capture->group,
			pool_format(pool, "%s/" ANONYMOUS_GROUP, capture->anonymous_point));
		if (moved != path)
			return moved;
	}
	return moved_below(pool, path, capture->point, capture->anonymous_point);
}

static int capture_path(struct capture *capture, const char *path)
{
	struct source_text got;

	for (size_t i = 0; i < sizeof(untouched) / sizeof(untouched[0]); i++) {
		if (strcmp(path, untouched[i]) == 0)
			return 0;
	}
	got = source_read(capture->source, path);
	if (capture->source->failed != 0)
		return capture->source->failed;
	/* A folder; a captured one has no entry of its own. */
	if (got.error == -EISDIR || (got.error == -ENOENT && source_exists(capture->source, path)))
		return 0;
	if (capture->anonymous) {
		path = anonymous_name(capture, path);
		if (!anonymous_text(capture->source->pool, path, &got.text))
			return 0;
	}
	return put_entry(capture, path, got);
}

/* Goes down a pattern: begin is a folder that exists, rest what is below it. */
static int capture_pattern(struct capture *capture, const char *begin, const char *rest)
{
	struct pool *pool = capture->source->pool;
	const size_t part_bytes = strcspn(rest, "/");
	const char *part = pool_text_of(pool, rest, part_bytes);
	const bool last = rest[part_bytes] == '\0';
	const char **names = NULL;

	if (strpbrk(part, "*[") == NULL) {
		const char *path =
			begin[0] == '\0' ? part : pool_format(pool, "%s/%s", begin, part);
		return last ? capture_path(capture, path)
			    : capture_pattern(capture, path, rest + part_bytes + 1);
	}
	const size_t count = source_list(capture->source, begin, &names);
	for (size_t i = 0; i < count; i++) {
		/* A manifest is lines, and a name with a newline would be two. */
		if (fnmatch(part, names[i], 0) != 0 || strchr(names[i], '\n') != NULL)
			continue;
		const char *path = pool_format(pool, "%s/%s", begin, names[i]);
		const int result = last ? capture_path(capture, path)
					: capture_pattern(capture, path, rest + part_bytes + 1);
		if (result < 0)
			return result;
	}
	return 0;
}

static int capture_group(struct capture *capture)
{
	if (capture->point == NULL)
		return 0;
	const char *points[] = {capture->point, capture->group};
	const bool same = capture->group == NULL || strcmp(capture->group, capture->point) == 0;
	for (size_t i = 0; i < (same ? 1 : 2); i++) {
		const char *folder = points[i];
		int result = capture_pattern(capture, folder, "cgroup.controllers");

		if (result == 0)
			result = capture_pattern(capture, folder, "memory.*");
		if (result < 0)
			return result;
	}
	return 0;
}

/* Where our memory group is, from the same texts as the facts. */
static void find_group(struct capture *capture)
{
	struct facts_source *source = capture->source;
	const struct source_text cgroup = source_read(source, "proc/self/cgroup");
	const struct source_text mountinfo = source_read(source, "proc/self/mountinfo");
	struct kernel_memory_group group;
	struct kernel_error error;
	char path[PATH_MAX];

	if (cgroup.error != 0 || mountinfo.error != 0 ||
		kernel_memory_group_find(cgroup.text, mountinfo.text, &group, &error) < 0 ||
		group.version == 0)
		return;
	capture->anonymous_point = group.version == 1 ? ANONYMOUS_POINT_V1 : ANONYMOUS_POINT_V2;
	if (kernel_unescape(group.mount_point, path, sizeof(path)) && path[0] == '/' &&
		strchr(path, '\n') == NULL)
		capture->point = pool_text(source->pool, path + 1);
	if (kernel_memory_group_folder(&group, path, sizeof(path)) && path[0] == '/' &&
		strchr(path, '\n') == NULL)
		capture->group = pool_text(source->pool, path + 1);
}

static int make_empty_folder(struct facts_source *source, const char *folder)
{
	if (mkdir(folder, 0777) == 0)
		return 0;
	if (errno != EEXIST)
		return source_fail_plainly(source, -errno, "%s: %s", folder, strerror(errno));
	DIR *stream = opendir(folder);
	if (stream == NULL)
		return source_fail_plainly(source, -errno, "%s: %s", folder, strerror(errno));
	bool empty = true;
	for (const struct dirent *item; (item = readdir(stream)) != NULL;)
		empty = empty &&
			(strcmp(item->d_name, ".") == 0 || strcmp(item->d_name, "..") == 0);
	(void)closedir(stream);
	return empty ? 0 : source_fail_plainly(source, -ENOTEMPTY, "%s: is not empty", folder);
}

static int capture_all(struct capture *capture)
{
	int result = 0;

	/* Whoever reads it has the kernel work the zones' reserves out again, from today's sizes.
	 */
	(void)source_read(capture->source, "proc/sys/vm/lowmem_reserve_ratio");
	for (size_t i = 0; result == 0 && i < sizeof(wanted) / sizeof(wanted[0]); i++)
		result = capture_pattern(capture, "", wanted[i]);
	if (result == 0)
		result = capture_group(capture);
	return result;
}

/* Opens the manifest of a capture into a folder, in memory until everything else is there. */
static void manifest_open(struct capture *capture, char **bytes, size_t *length_bytes)
{
	capture->manifest = open_memstream(bytes, length_bytes);
	if (capture->manifest == NULL)
		abort();
	(void)fputs(SOURCE_MANIFEST_HEAD "\n", capture->manifest);
}

/* The manifest is written last, and only if all went well: a folder without one is no capture. */
static int manifest_close(struct capture *capture, int result, char **bytes, const size_t *length)
{
	if (fclose(capture->manifest) != 0)
		abort();
	if (result == 0)
		result = write_file(capture, SOURCE_MANIFEST,
			(struct kernel_text){.bytes = *bytes, .length_bytes = *length});
	free(*bytes);
	return result;
}

static int capture_everything(struct capture *capture)
{
	struct facts facts;

	find_group(capture);
	const int result = capture_all(capture);
	/* What cannot be understood here would not be understood later. */
	return result < 0 ? result : derive(capture->source, &facts);
}

int capture_source(struct facts_source *source, const char *folder, bool anonymous)
{
	struct capture capture = {.source = source, .folder = folder, .anonymous = anonymous};
	char *bytes = NULL;
	size_t length_bytes = 0;

	if (make_empty_folder(source, folder) < 0)
		return source->failed;
	manifest_open(&capture, &bytes, &length_bytes);
	return manifest_close(&capture, capture_everything(&capture), &bytes, &length_bytes);
}

/* Folds the counters of all CPUs; linux:6.12:mm/vmstat.c:vmstat_refresh. Root only. */
static void refresh_counters(void)
{
	const int descriptor = open("/proc/sys/vm/stat_refresh", O_WRONLY | O_CLOEXEC);

	if (descriptor < 0)
		return;
	/* A negative counter answers EINVAL, and is refreshed all the same. */
	if (write(descriptor, "1", 1) != 1)
		errno = 0;
	(void)close(descriptor);
}

int facts_capture_live(const char *folder, bool anonymous, struct facts_error *error)
{
	POOL_DROPS struct pool pool = {0};
	struct facts_source source;

	source_open_live(&source, &pool, "", error);
	ask_all(&source);
	refresh_counters();
	return capture_source(&source, folder, anonymous);
}

int facts_capture_captured(
	const char *from, const char *folder, bool anonymous, struct facts_error *error)
{
	POOL_DROPS struct pool pool = {0};
	struct facts_source source;
	const int result = source_open_captured(&source, &pool, from, error);

	return result < 0 ? result : capture_source(&source, folder, anonymous);
}

#define STREAM_END "end"

int facts_capture_stream(FILE *stream, bool anonymous, struct facts_error *error)
{
	POOL_DROPS struct pool pool = {0};
	struct facts_source source;
	struct capture capture = {
		.source = &source, .manifest = stream, .streamed = true, .anonymous = anonymous};

	source_open_live(&source, &pool, "", error);
	ask_all(&source);
	refresh_counters();
	(void)fputs(SOURCE_MANIFEST_HEAD "\n", stream);
	const int result = capture_everything(&capture);
	if (result < 0)
		return result;
	(void)fputs(STREAM_END "\n", stream);
	errno = 0;
	if (fflush(stream) != 0 || ferror(stream) != 0)
		return source_fail_plainly(&source, -EIO, "the capture could not be written");
	return 0;
}

/* One entry off the front of the stream: 1, 0 at its end, negative where it is none. */
static int unpack_entry(struct capture *capture, struct kernel_text *rest)
{
	const size_t line_bytes = kernel_text_find(*rest, '\n');
	const struct kernel_text line = {.bytes = rest->bytes, .length_bytes = line_bytes};
	struct source_entry entry;

	if (line_bytes == rest->length_bytes)
		return source_fail_plainly(capture->source, -EINVAL, "the capture was cut off");
	*rest = kernel_text_after(*rest, line_bytes + 1);
	if (kernel_text_is(line, STREAM_END))
		return 0;
	if (!source_manifest_entry(capture->source->pool, line, &entry) ||
		entry.size_bytes > rest->length_bytes)
		return source_fail_plainly(
			capture->source, -EINVAL, "what came is no capture, or was cut off");
	struct source_text got = {.error = entry.error,
		.text = {.bytes = rest->bytes, .length_bytes = entry.size_bytes}};
	*rest = kernel_text_after(*rest, entry.size_bytes);
	const int result = put_entry(capture, entry.path, got);
	return result < 0 ? result : 1;
}

int facts_unpack(
	const char *bytes, size_t length_bytes, const char *folder, struct facts_error *error)
{
	POOL_DROPS struct pool pool = {0};
	struct facts_source source;
	struct capture capture = {.source = &source, .folder = folder};
	struct kernel_text rest = {.bytes = bytes, .length_bytes = length_bytes};
	char *manifest = NULL;
	size_t manifest_bytes = 0;
	int result;

	source_open_live(&source, &pool, "", error);
	if (!kernel_text_starts(rest, SOURCE_MANIFEST_HEAD "\n"))
		return source_fail_plainly(&source, -EINVAL, "what came is no capture");
	rest = kernel_text_after(rest, strlen(SOURCE_MANIFEST_HEAD "\n"));
	if (make_empty_folder(&source, folder) < 0)
		return source.failed;
	manifest_open(&capture, &manifest, &manifest_bytes);
	while ((result = unpack_entry(&capture, &rest)) > 0)
		continue;
	return manifest_close(&capture, result, &manifest, &manifest_bytes);
}
