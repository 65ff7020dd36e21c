/* SPDX-License-Identifier: Apache-2.0 */
#include "facts/ask.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <hwloc.h>
#include <limits.h>
#include <linux/userfaultfd.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <zlib.h>

#include "base/folder.h"
#include "facts/cpuid.h"
#include "facts/topology.h"
#include "kernel/monitors.h"
#include "kernel/mounts.h"
#include "vm/units.h"

/*
 * Numbers of calls younger than the headers that we build with; they are ABI.
 * linux:6.12:arch/x86/entry/syscalls/syscall_64.tbl, include/uapi/asm-generic/mman-common.h,
 * include/uapi/linux/fs.h; MADV_GUARD_INSTALL came with 6.13.
 */
#define CALL_IO_URING_SETUP 425
#define CALL_MEMFD_SECRET   447
#define CALL_CACHESTAT	    451
#define CALL_MSEAL	    462
#define ASK_GET_MDWE	    66 /* PR_GET_MDWE, since 6.3 */
#define ADVICE_GUARD	    102
#define MAP_KIND_DROPPABLE  0x08
#define IOCTL_PAGEMAP_SCAN  _IOWR('f', 16, uint64_t[12])
#define IOCTL_AREA_QUERY    _IOWR('f', 17, uint64_t[13])

/* A stream into memory; its text goes into the source when it is closed. */
struct writing {
	FILE *stream;
	char *text;
	size_t length_bytes;
};

static struct writing *writing_open(struct writing *writing)
{
	writing->stream = open_memstream(&writing->text, &writing->length_bytes);
	if (writing->stream == NULL)
		abort();
	return writing;
}

static void writing_put(struct facts_source *source, const char *path, struct writing *writing)
{
	if (fclose(writing->stream) != 0)
		abort();
	source_put(source, path, 0,
		(struct kernel_text){
			.bytes = pool_text_of(source->pool, writing->text, writing->length_bytes),
			.length_bytes = writing->length_bytes,
		});
	free(writing->text);
}

/* 0 or an errno, and where the call gives one, a value. */
struct answer {
	int error;
	uint64_t value;
};

static struct answer answer_of(long result)
{
	return (struct answer){.error = result < 0 ? errno : 0};
}

/* What decides is whether the kernel knows the request at all. */
static struct answer ioctl_of(const char *path, unsigned long request)
{
	const int descriptor = open(path, O_RDONLY | O_CLOEXEC);

	if (descriptor < 0)
		return answer_of(-1);
	const struct answer answer = answer_of(ioctl(descriptor, request, NULL));
	(void)close(descriptor);
	return answer;
}

static struct answer try_pagemap_scan(void)
{
	return ioctl_of("/proc/self/pagemap", IOCTL_PAGEMAP_SCAN);
}

static struct answer try_area_query(void)
{
	return ioctl_of("/proc/self/maps", IOCTL_AREA_QUERY);
}

static struct answer try_cachestat(void)
{
	return answer_of(syscall(CALL_CACHESTAT, -1, NULL, NULL, 0));
}

static struct answer try_mseal(void)
{
	/* Flags must be zero, so that nothing is sealed. */
	return answer_of(syscall(CALL_MSEAL, 0, 0, 1));
}

static struct answer try_memfd_secret(void)
{
	const int descriptor = (int)syscall(CALL_MEMFD_SECRET, O_CLOEXEC);
	const struct answer answer = answer_of(descriptor);

	if (descriptor >= 0)
		(void)close(descriptor);
	return answer;
}

/* No entries: whoever may make a ring is told of the mistake. */
static struct answer try_io_uring(void)
{
	return answer_of(syscall(CALL_IO_URING_SETUP, 0, NULL));
}

static struct answer try_mdwe(void)
{
	return answer_of(prctl(ASK_GET_MDWE, 0, 0, 0, 0));
}

static struct answer try_guard(void)
{
	/* No bytes: known advice succeeds, unknown advice is refused first. */
	return answer_of(madvise(NULL, 0, ADVICE_GUARD));
}

static struct answer try_droppable(void)
{
	void *area = mmap(NULL, VM_PAGE_BYTES, PROT_READ | PROT_WRITE,
		MAP_KIND_DROPPABLE | MAP_ANONYMOUS, -1, 0);

	if (area == MAP_FAILED)
		return answer_of(-1);
	return answer_of(munmap(area, VM_PAGE_BYTES));
}

/* Nobody traces us: whether protections are minded by who reads what is his own. */
static struct answer try_mem_forced(void)
{
	char byte;
	void *area = mmap(NULL, VM_PAGE_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	const int file = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
	struct answer answer = answer_of(-1);

	if (area != MAP_FAILED && file >= 0)
		answer = answer_of(pread(file, &byte, 1, (off_t)(uintptr_t)area) == 1 ? 0 : -1);
	if (file >= 0)
		(void)close(file);
	if (area != MAP_FAILED)
		(void)munmap(area, VM_PAGE_BYTES);
	return answer;
}

static struct answer try_modify_ldt(void)
{
	return answer_of(syscall(SYS_modify_ldt, 0, NULL, 0));
}

/* The value is the mask of features that the kernel offers. */
static struct answer try_userfaultfd(void)
{
	const int descriptor = (int)syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY);

	if (descriptor < 0)
		return answer_of(-1);
	struct uffdio_api api = {.api = UFFD_API};
	struct answer answer = answer_of(ioctl(descriptor, UFFDIO_API, &api));
	if (answer.error == 0)
		answer.value = api.features;
	(void)close(descriptor);
	return answer;
}

static const struct {
	const char *name;
	struct answer (*attempt)(void);
} attempts[] = {
	{"pagemap-scan", try_pagemap_scan},
	{"procmap-query", try_area_query},
	{"cachestat", try_cachestat},
	{"mseal", try_mseal},
	{"memfd-secret", try_memfd_secret},
	{"io-uring", try_io_uring},
	{"mdwe", try_mdwe},
	{"guard-install", try_guard},
	{"map-droppable", try_droppable},
	{"modify-ldt", try_modify_ldt},
	{"mem-forced", try_mem_forced},
	{"userfaultfd", try_userfaultfd},
};

static void ask_calls(struct facts_source *source)
{
	struct writing writing;
	FILE *stream = writing_open(&writing)->stream;

	for (size_t i = 0; i < sizeof(attempts) / sizeof(attempts[0]); i++) {
		const struct answer answer = attempts[i].attempt();

		(void)fprintf(stream, "%s %d %llu\n", attempts[i].name, answer.error,
			(unsigned long long)answer.value);
	}
	writing_put(source, ASK_CALLS, &writing);
}

static void ask_cpuid(struct facts_source *source)
{
	struct cpuid_leaves leaves;
	struct writing writing;

	cpuid_ask(&leaves);
	cpuid_print(writing_open(&writing)->stream, &leaves);
	writing_put(source, ASK_CPUID, &writing);
}

static void print_place(
	FILE *stream, struct kernel_text mountinfo, const char *word, const char *folder)
{
	struct kernel_mount mount;
	struct kernel_error error;
	char resolved[PATH_MAX];

	if (realpath(folder, resolved) == NULL ||
		kernel_mount_of_path(mountinfo, resolved, &mount, &error) != 1)
		return;
	(void)fprintf(stream, "%s %.*s\n", word, (int)mount.type.length_bytes, mount.type.bytes);
}

static void ask_places(struct facts_source *source)
{
	const struct source_text mountinfo = source_read(source, "proc/self/mountinfo");
	struct writing writing;
	FILE *stream = writing_open(&writing)->stream;

	if (mountinfo.error == 0) {
		print_place(stream, mountinfo.text, "work", folder_for_trials());
		print_place(stream, mountinfo.text, "temporary", "/tmp");
	}
	writing_put(source, ASK_PLACES, &writing);
}

/* Files and variables that container engines leave for those who ask. */
static void ask_marks(struct facts_source *source)
{
	static const char *const files[] = {
		"/.dockerenv", "/run/.containerenv", "/run/systemd/container"};
	struct writing writing;
	FILE *stream = writing_open(&writing)->stream;

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		if (access(files[i], F_OK) == 0)
			(void)fprintf(stream, "%s\n", files[i]);
	}
	if (getenv("container") != NULL || getenv("KUBERNETES_SERVICE_HOST") != NULL)
		(void)fputs("environment\n", stream);
	writing_put(source, ASK_MARKS, &writing);
}

#define MONITORS_LIMIT 16

static void ask_monitors(struct facts_source *source)
{
	struct monitor monitors[MONITORS_LIMIT];
	struct writing writing;
	size_t count;

	if (!monitors_find(monitors, MONITORS_LIMIT, &count))
		return;
	FILE *stream = writing_open(&writing)->stream;
	for (size_t i = 0; i < count && i < MONITORS_LIMIT; i++)
		(void)fprintf(stream, "%s\n", monitors[i].name);
	writing_put(source, ASK_MONITORS, &writing);
}

#define CONFIG_BYTES_MOST ((size_t)4 << 20)

/* gzip, as CONFIG_IKCONFIG_PROC gives it. */
static bool inflate_text(struct pool *pool, struct kernel_text packed, struct kernel_text *text)
{
	z_stream stream = {
		.next_in = (z_const Bytef *)(uintptr_t)packed.bytes,
		.avail_in = (uInt)packed.length_bytes,
	};
	static const int gzip_window_bits = 16 + MAX_WBITS;
	char *bytes = malloc(CONFIG_BYTES_MOST);

	if (bytes == NULL)
		abort();
	stream.next_out = (Bytef *)bytes;
	stream.avail_out = (uInt)CONFIG_BYTES_MOST;
	bool whole = inflateInit2(&stream, gzip_window_bits) == Z_OK;
	if (whole) {
		whole = inflate(&stream, Z_FINISH) == Z_STREAM_END;
		*text = (struct kernel_text){
			.bytes = pool_text_of(pool, bytes, stream.total_out),
			.length_bytes = stream.total_out,
		};
		(void)inflateEnd(&stream);
	}
	free(bytes);
	return whole;
}

/* The configuration comes from the kernel itself, or from where distributions put it. */
static void ask_config(struct facts_source *source)
{
	const struct source_text packed = source_read(source, "proc/config.gz");
	struct kernel_text text = {0};

	if (packed.error == 0 && inflate_text(source->pool, packed.text, &text)) {
		source_put(source, ASK_CONFIG, 0, text);
		return;
	}
	const struct source_text release = source_read(source, "proc/sys/kernel/osrelease");
	if (release.error != 0)
		return;
	const struct kernel_text name = kernel_text_trimmed(release.text);
	/* {before, behind} the release. */
	static const char *const places[][2] = {{"boot/config-", ""}, {"lib/modules/", "/config"},
		{"lib/modules/", "/build/.config"}};
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		const char *path = pool_format(source->pool, "%s%.*s%s", places[i][0],
			(int)name.length_bytes, name.bytes, places[i][1]);
		const struct source_text config = source_read(source, path);

		if (config.error == 0) {
			source_put(source, ASK_CONFIG, 0, config.text);
			return;
		}
	}
	source_put(source, ASK_CONFIG, -ENOENT, (struct kernel_text){0});
}

static void put_text(struct facts_source *source, const char *path, const char *text)
{
	const char *copy = pool_text(source->pool, text);

	source_put(source, path, 0, kernel_text_of(copy));
}

static void ask_topology(struct facts_source *source)
{
	hwloc_topology_t topology;
	char *xml = NULL;
	int length_bytes = 0;

	/* Without it hwloc complains aloud, and finds nothing. */
	if (!source_exists(source, "sys/devices/system/cpu/cpu0/topology") ||
		hwloc_topology_init(&topology) != 0)
		return;
	if (hwloc_topology_load(topology) == 0) {
		put_text(source, ASK_MACHINE,
			pool_format(
				source->pool, "%s\n", topology_sentence(source->pool, topology)));
		if (hwloc_topology_export_xmlbuffer(topology, &xml, &length_bytes, 0) == 0) {
			put_text(source, ASK_TOPOLOGY, xml);
			hwloc_free_xmlbuffer(topology, xml);
		}
	}
	hwloc_topology_destroy(topology);
}

void ask_all(struct facts_source *source)
{
	ask_cpuid(source);
	ask_calls(source);
	ask_config(source);
	ask_places(source);
	ask_marks(source);
	ask_monitors(source);
	ask_topology(source);
}
