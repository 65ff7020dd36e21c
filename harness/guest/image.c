/* SPDX-License-Identifier: Apache-2.0 */
#include "guest/image.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

/* Members and their names are padded to four bytes: kernel-doc:driver-api/early-userspace. */
#define CPIO_ALIGNMENT 4

static int write_all(int descriptor, const void *bytes, size_t size_bytes)
{
	const char *next = bytes;

	while (size_bytes != 0) {
		const ssize_t written = write(descriptor, next, size_bytes);
		if (written < 0) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		next += written;
		size_bytes -= (size_t)written;
	}
	return 0;
}

static int write_padding(struct image *image)
{
	static const char zeros[CPIO_ALIGNMENT];
	const off_t at = lseek(image->descriptor, 0, SEEK_CUR);

	if (at < 0)
		return -errno;
	return write_all(image->descriptor, zeros, (size_t)(-at & (CPIO_ALIGNMENT - 1)));
}

static int write_header(struct image *image, const char *path, unsigned mode, size_t size_bytes)
{
	char header[128];

	/* The archive has no leading slash; names count their terminator. */
	while (*path == '/')
		path++;
	if (size_bytes > UINT32_MAX)
		return -EFBIG;
	const size_t name_bytes = strlen(path) + 1;
	const int length = snprintf(header, sizeof(header),
		"070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X", image->next_inode++,
		mode, 0U, 0U, 1U, 0U, (unsigned)size_bytes, 0U, 0U, 0U, 0U, (unsigned)name_bytes,
		0U);
	int error = write_all(image->descriptor, header, (size_t)length);
	if (error == 0)
		error = write_all(image->descriptor, path, name_bytes);
	return error == 0 ? write_padding(image) : error;
}

int image_open(struct image *image)
{
	*image = (struct image){.next_inode = 1};
	image->descriptor = memfd_create("mmconform-initramfs", MFD_CLOEXEC);
	return image->descriptor < 0 ? -errno : 0;
}

void image_close(struct image *image)
{
	if (image->descriptor >= 0)
		(void)close(image->descriptor);
	image->descriptor = -1;
}

int image_add_folder(struct image *image, const char *path)
{
	return write_header(image, path, S_IFDIR | 0755, 0);
}

int image_add_text(struct image *image, const char *path, const void *bytes, size_t size_bytes)
{
	int error = write_header(image, path, S_IFREG | 0644, size_bytes);

	if (error == 0)
		error = write_all(image->descriptor, bytes, size_bytes);
	return error == 0 ? write_padding(image) : error;
}

/* A folder may come twice in an archive: the kernel passes over one that is there already. */
static int add_parents(struct image *image, const char *path)
{
	char parent[PATH_MAX];

	for (const char *slash = strchr(path + 1, '/'); slash != NULL;
		slash = strchr(slash + 1, '/')) {
		const size_t length = (size_t)(slash - path);
		if (length >= sizeof(parent))
			return -ENAMETOOLONG;
		memcpy(parent, path, length);
		parent[length] = '\0';
		const int error = image_add_folder(image, parent);
		if (error != 0)
			return error;
	}
	return 0;
}

static int copy_contents(struct image *image, int from, size_t size_bytes)
{
	while (size_bytes != 0) {
		const ssize_t copied = sendfile(image->descriptor, from, NULL, size_bytes);
		if (copied < 0)
			return -errno;
		if (copied == 0)
			return -EIO; /* the file became shorter while it was read */
		size_bytes -= (size_t)copied;
	}
	return write_padding(image);
}

int image_add_file(struct image *image, const char *path, const char *source)
{
	struct stat status;
	const int from = open(source, O_RDONLY | O_CLOEXEC);

	if (from < 0)
		return -errno;
	int error = fstat(from, &status) == 0 ? add_parents(image, path) : -errno;
	if (error == 0)
		error = write_header(
			image, path, S_IFREG | (status.st_mode & 0777), (size_t)status.st_size);
	if (error == 0)
		error = copy_contents(image, from, (size_t)status.st_size);
	(void)close(from);
	return error;
}

static bool is_hidden(const char *name)
{
	return name[0] == '.';
}

int image_add_tree(struct image *image, const char *path, const char *source)
{
	struct dirent **entries = NULL;
	int error = add_parents(image, path);

	if (error == 0)
		error = image_add_folder(image, path);
	const int count = scandir(source, &entries, NULL, alphasort);
	if (count < 0)
		return -errno;
	for (int i = 0; i < count; i++) {
		char inside[PATH_MAX], outside[PATH_MAX];
		const char *name = entries[i]->d_name;
		struct stat status;

		(void)snprintf(inside, sizeof(inside), "%s/%s", path, name);
		(void)snprintf(outside, sizeof(outside), "%s/%s", source, name);
		if (error == 0 && !is_hidden(name) && stat(outside, &status) == 0) {
			if (S_ISDIR(status.st_mode))
				error = image_add_tree(image, inside, outside);
			else if (S_ISREG(status.st_mode))
				error = image_add_file(image, inside, outside);
		}
		free(entries[i]);
	}
	free(entries);
	return error;
}

int image_finish(struct image *image)
{
	const int error = write_header(image, "TRAILER!!!", 0, 0);

	if (error != 0)
		return error;
	return lseek(image->descriptor, 0, SEEK_SET) < 0 ? -errno : 0;
}
