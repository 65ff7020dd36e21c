/* SPDX-License-Identifier: Apache-2.0 */
#include "trial/files.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "kernel/values.h"
#include "trial/trial.h"

bool kernel_file_try_open(const char *path, size_t capacity_bytes, struct kernel_file *file)
{
	const int descriptor = open(path, O_RDONLY | O_CLOEXEC);

	if (descriptor < 0)
		return false;
	char *bytes = mmap(NULL, capacity_bytes, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	MUST(bytes != MAP_FAILED);
	*file = (struct kernel_file){
		.path = path,
		.descriptor = descriptor,
		.bytes = bytes,
		.capacity_bytes = capacity_bytes,
	};
	return true;
}

struct kernel_file kernel_file_open(const char *path, size_t capacity_bytes)
{
	struct kernel_file file;

	if (!kernel_file_try_open(path, capacity_bytes, &file))
		broken("%s: %s", path, strerror(errno));
	return file;
}

static size_t read_whole(const char *path, int descriptor, char *bytes, size_t capacity_bytes)
{
	size_t length_bytes = 0;

	/* The kernel ends a read where its own buffer ends: a short one is not the end. */
	for (;;) {
		const ssize_t got = pread(descriptor, bytes + length_bytes,
			capacity_bytes - length_bytes, (off_t)length_bytes);
		if (got < 0)
			broken("%s: %s", path, strerror(errno));
		length_bytes += (size_t)got;
		if (got == 0)
			return length_bytes;
		if (length_bytes == capacity_bytes)
			broken("%s: longer than %zu bytes", path, capacity_bytes);
	}
}

struct kernel_text kernel_file_read(const struct kernel_file *file)
{
	return (struct kernel_text){
		.bytes = file->bytes,
		.length_bytes =
			read_whole(file->path, file->descriptor, file->bytes, file->capacity_bytes),
	};
}

struct kernel_text kernel_small_text_at(const char *path, char *bytes, size_t capacity_bytes)
{
	const int descriptor = open(path, O_RDONLY | O_CLOEXEC);

	if (descriptor < 0)
		broken("%s: %s", path, strerror(errno));
	const size_t length_bytes = read_whole(path, descriptor, bytes, capacity_bytes);
	MUST(close(descriptor) == 0);
	return (struct kernel_text){.bytes = bytes, .length_bytes = length_bytes};
}

bool started_with(const char *prefix)
{
	static char bytes[KERNEL_FILE_USUAL_BYTES];
	struct kernel_text rest = kernel_small_text_at("/proc/cmdline", bytes, sizeof(bytes)), word;

	while (kernel_word_next(&rest, &word))
		if (kernel_text_starts(word, prefix))
			return true;
	return false;
}

int64_t kernel_file_number(const struct kernel_file *file)
{
	int64_t value = 0;

	if (!kernel_text_signed(kernel_text_trimmed(kernel_file_read(file)), &value))
		broken("%s: not a number", file->path);
	return value;
}

void kernel_file_close(struct kernel_file *file)
{
	MUST(close(file->descriptor) == 0);
	MUST(munmap(file->bytes, file->capacity_bytes) == 0);
}

int64_t kernel_number_at(const char *path)
{
	struct kernel_file file = kernel_file_open(path, (size_t)VM_PAGE_BYTES);
	const int64_t value = kernel_file_number(&file);

	kernel_file_close(&file);
	return value;
}

int kernel_write(const char *path, const char *text)
{
	const int descriptor = open(path, O_WRONLY | O_CLOEXEC);

	if (descriptor < 0)
		return errno;
	const ssize_t written = write(descriptor, text, strlen(text));
	const int why = written < 0 ? errno : 0;
	MUST(close(descriptor) == 0);
	return why;
}

/* Newer than the C library's headers; uapi/linux/memfd.h */
#define NOT_EXECUTABLE 0x0008U
#define EXECUTABLE     0x0010U

int disk_file(void)
{
	char name[] = "file-XXXXXX";
	struct statfs system;
	const int file = mkstemp(name);

	MUST(file >= 0 && unlink(name) == 0);
	MUST(fstatfs(file, &system) == 0);
	if (system.f_type == TMPFS_MAGIC || system.f_type == RAMFS_MAGIC)
		unmet("the folder for temporary files is in memory",
			"TMPDIR on a disk (a guest has one by itself)");
	return file;
}

int memory_file(bool executable)
{
	int file = memfd_create("mmconform", executable ? EXECUTABLE : NOT_EXECUTABLE);

	if (file < 0 && errno == EINVAL)
		file = memfd_create("mmconform", 0);
	MUST(file >= 0);
	return file;
}

int64_t kernel_meminfo_value(struct kernel_text text, const char *name)
{
	uint64_t value = 0;

	if (!kernel_meminfo_find(text, name, &value))
		broken("meminfo has no %s", name);
	return (int64_t)value;
}

int64_t kernel_vmstat_value(struct kernel_text text, const char *name)
{
	uint64_t value = 0;

	if (!kernel_vmstat_find(text, name, &value))
		broken("vmstat has no %s", name);
	return (int64_t)value;
}

void small_pages(void *memory, size_t length_bytes)
{
	MUST(madvise(memory, length_bytes, MADV_NOHUGEPAGE) == 0 || errno == EINVAL);
}

bool swap_is_synchronous(void)
{
	char text[1024] = "";
	const int descriptor = open("/proc/swaps", O_RDONLY | O_CLOEXEC);
	const ssize_t length_bytes = descriptor < 0 ? -1 : read(descriptor, text, sizeof(text) - 1);
	size_t devices = 0;

	if (descriptor >= 0)
		(void)close(descriptor);
	/* A line of titles, then one a device. */
	for (const char *at = length_bytes > 0 ? strchr(text, '\n') : NULL;
		at != NULL && at[1] != '\0'; at = strchr(at + 1, '\n')) {
		if (strncmp(at + 1, "/dev/zram", 9) != 0 && strncmp(at + 1, "/dev/ram", 8) != 0)
			return false;
		devices++;
	}
	return devices != 0;
}
