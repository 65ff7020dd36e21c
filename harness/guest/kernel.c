/* SPDX-License-Identifier: Apache-2.0 */
#include "guest/kernel.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Offsets in the real-mode header of a bzImage: kernel-doc:arch/x86/boot.rst. */
#define BOOT_MAGIC_OFFSET   0x202
#define BOOT_VERSION_OFFSET 0x20e
#define BOOT_SECTOR_BYTES   0x200

bool guest_kernel_release(const char *image, char *release, size_t release_bytes)
{
	unsigned char header[0x220];
	uint16_t text_offset;
	const int file = open(image, O_RDONLY | O_CLOEXEC);

	if (file < 0)
		return false;
	bool found = pread(file, header, sizeof(header), 0) == (ssize_t)sizeof(header) &&
		     memcmp(header + BOOT_MAGIC_OFFSET, "HdrS", 4) == 0;
	if (found) {
		memcpy(&text_offset, header + BOOT_VERSION_OFFSET, sizeof(text_offset));
		const ssize_t length =
			pread(file, release, release_bytes - 1, text_offset + BOOT_SECTOR_BYTES);
		found = length > 0;
		release[found ? length : 0] = '\0';
		/* "6.1.0-56-amd64 (debian-kernel@...) #1 SMP": the release is the first word. */
		release[strcspn(release, " ")] = '\0';
	}
	(void)close(file);
	return found;
}

static bool is_file(const char *path)
{
	struct stat status;

	return stat(path, &status) == 0 && S_ISREG(status.st_mode);
}

static bool is_folder(const char *path)
{
	struct stat status;

	return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

/* Configuration and modules lie beside the image in the usual places, or they are not known. */
static void find_companions(struct guest_kernel *kernel, const char *root)
{
	(void)snprintf(
		kernel->config, sizeof(kernel->config), "%s/boot/config-%s", root, kernel->release);
	if (!is_file(kernel->config))
		kernel->config[0] = '\0';
	(void)snprintf(kernel->modules, sizeof(kernel->modules), "%s/lib/modules/%s", root,
		kernel->release);
	if (!is_folder(kernel->modules))
		kernel->modules[0] = '\0';
}

static bool from_image(struct guest_kernel *kernel, const char *path, const char *root, char *why,
	size_t why_bytes)
{
	(void)snprintf(kernel->image, sizeof(kernel->image), "%s", path);
	if (!guest_kernel_release(path, kernel->release, sizeof(kernel->release))) {
		(void)snprintf(
			why, why_bytes, "%s: not a bzImage (no HdrS in its set-up header)", path);
		return false;
	}
	find_companions(kernel, root);
	return true;
}

/* Runs a program with its output thrown away; returns whether it exited with 0. */
static bool run_quietly(const char *folder, char *const arguments[])
{
	int status = 0;
	const pid_t child = fork();

	if (child < 0)
		return false;
	if (child == 0) {
		const int null = open("/dev/null", O_RDWR);
		if (null < 0 || chdir(folder) != 0 || dup2(null, STDIN_FILENO) < 0 ||
			dup2(null, STDOUT_FILENO) < 0 || dup2(null, STDERR_FILENO) < 0)
			_exit(127);
		(void)execvp(arguments[0], arguments);
		_exit(127);
	}
	while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
	}
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* Makes folder and its parents. */
static bool make_folders(const char *folder)
{
	char path[PATH_MAX];

	(void)snprintf(path, sizeof(path), "%s", folder);
	for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		(void)mkdir(path, 0755);
		*slash = '/';
	}
	return mkdir(path, 0755) == 0 || is_folder(path);
}

/* A package name is what Debian allows: no slash, so it cannot lead out of the cache. */
static bool is_package_name(const char *name)
{
	for (const char *c = name; *c != '\0'; c++)
		if (!isalnum((unsigned char)*c) && strchr("+-.", *c) == NULL)
			return false;
	return strncmp(name, "linux-image-", strlen("linux-image-")) == 0;
}

/* The one image in folder/boot, whatever release it is. */
static bool only_image_below(const char *folder, char *image, size_t image_bytes)
{
	char list[PATH_MAX];

	(void)snprintf(list, sizeof(list), "%s/boot/vmlinuz-%s", folder,
		strrchr(folder, '/') + 1 + strlen("linux-image-"));
	(void)snprintf(image, image_bytes, "%s", list);
	return is_file(image);
}

/* Since 6.19 Debian's image is an empty package, whose parts have names of their own. */
static bool download(const char *folder, const char *name)
{
	static const char *const parts[] = {"linux-base-", "linux-binary-", "linux-modules-"};
	char *image[] = {"apt-get", "download", "-q", (char *)name, NULL};

	if (!run_quietly(folder, image))
		return false;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		char part[PATH_MAX];
		char *known[] = {"apt-get", "download", "--print-uris", part, NULL};
		char *get[] = {"apt-get", "download", "-q", part, NULL};

		(void)snprintf(part, sizeof(part), "%s%s", parts[i], name + strlen("linux-image-"));
		if (run_quietly("/", known) && !run_quietly(folder, get))
			return false;
	}
	return true;
}

static bool from_package(struct guest_kernel *kernel, const char *name, const char *cache,
	char *why, size_t why_bytes)
{
	char folder[PATH_MAX], part[PATH_MAX], image[PATH_MAX];

	if ((size_t)snprintf(folder, sizeof(folder), "%s/%s", cache, name) >= sizeof(folder) ||
		(size_t)snprintf(part, sizeof(part), "%s/%s.part", cache, name) >= sizeof(part)) {
		(void)snprintf(why, why_bytes, "%s: the cache's path is too long", cache);
		return false;
	}
	if (!only_image_below(folder, image, sizeof(image))) {
		char *unpack[] = {"sh", "-ec",
			"for d in ./linux-*.deb; do dpkg-deb -x \"$d\" . && rm \"$d\"; done\n"
			"if [ -d usr/lib/modules ]; then mkdir -p lib; mv usr/lib/modules lib/; "
			"fi\n"
			"for r in lib/modules/*; do\n"
			"	if [ -f \"$r/vmlinuz\" ]; then\n"
			"		mkdir -p boot\n"
			"		mv \"$r/vmlinuz\" \"boot/vmlinuz-${r##*/}\"\n"
			"	fi\n"
			"	if [ -d \"$r\" ]; then depmod -b . \"${r##*/}\"; fi\n"
			"done",
			NULL};
		char *drop[] = {"rm", "-rf", part, NULL};

		/* Unpacked beside its place and renamed: a cache entry is whole or not there. */
		(void)run_quietly("/", drop);
		if (!make_folders(part) || !download(part, name) || !run_quietly(part, unpack) ||
			rename(part, folder) != 0) {
			(void)run_quietly("/", drop);
			(void)snprintf(why, why_bytes,
				"%s: no such package can be downloaded and unpacked "
				"(apt-get download %s)",
				name, name);
			return false;
		}
	}
	if (!only_image_below(folder, image, sizeof(image))) {
		(void)snprintf(why, why_bytes, "%s: holds no boot/vmlinuz of its own name", name);
		return false;
	}
	return from_image(kernel, image, folder, why, why_bytes);
}

bool guest_kernel_find(struct guest_kernel *kernel, const char *name, const char *cache, char *why,
	size_t why_bytes)
{
	char installed[PATH_MAX], root[PATH_MAX];

	*kernel = (struct guest_kernel){0};
	if (strchr(name, '/') != NULL || is_file(name)) {
		if (!is_file(name)) {
			(void)snprintf(why, why_bytes, "%s: no such file", name);
			return false;
		}
		/* An unpacked package keeps its companions two folders up: ROOT/boot/vmlinuz-X. */
		(void)snprintf(root, sizeof(root), "%s", name);
		for (int up = 0; up < 2; up++) {
			char *slash = strrchr(root, '/');
			if (slash == NULL)
				break;
			*slash = '\0';
		}
		return from_image(kernel, name, root, why, why_bytes);
	}
	(void)snprintf(installed, sizeof(installed), "/boot/vmlinuz-%s", name);
	if (is_file(installed))
		return from_image(kernel, installed, "", why, why_bytes);
	if (is_package_name(name))
		return from_package(kernel, name, cache, why, why_bytes);
	(void)snprintf(why, why_bytes,
		"%s: neither a kernel image, nor a release in /boot, nor a package linux-image-*",
		name);
	return false;
}

/* What the guest can use. Packages since 6.12 compress them: the guest's kernel unpacks those. */
static const char *const wanted_modules[] = {
	"virtio_pci",
	"virtio_blk",
	"crc32c_generic",
	"ext4",
	"loop",
	/* The compressor that zram asks for by its name, up to 6.11; later ones have their own. */
	"lzo-rle",
	"zram",
};

static bool line_is_for(const char *line, const char *module)
{
	char file[NAME_MAX];
	const char *colon = strchr(line, ':');
	const char *base = line;

	if (colon == NULL)
		return false;
	for (const char *c = line; c < colon; c++)
		if (*c == '/')
			base = c + 1;
	(void)snprintf(file, sizeof(file), "%s.ko", module);
	if (strncmp(base, file, strlen(file)) != 0)
		return false;
	const char *suffix = base + strlen(file);
	return suffix == colon || strncmp(suffix, ".xz:", 4) == 0;
}

static size_t add_path(const struct guest_kernel *kernel, const char *name,
	char paths[GUEST_MODULES_LIMIT][PATH_MAX], size_t count)
{
	char path[PATH_MAX];

	if ((size_t)snprintf(path, sizeof(path), "%s/%s", kernel->modules, name) >= sizeof(path))
		return count;
	for (size_t i = 0; i < count; i++)
		if (strcmp(paths[i], path) == 0)
			return count;
	if (count == GUEST_MODULES_LIMIT || !is_file(path))
		return count;
	memcpy(paths[count], path, sizeof(path));
	return count + 1;
}

/* modules.dep lists what a module needs, the last needed first: "a.ko: b.ko c.ko" loads c, b, a. */
static size_t add_with_dependencies(const struct guest_kernel *kernel, char *line,
	char paths[GUEST_MODULES_LIMIT][PATH_MAX], size_t count)
{
	char *words[GUEST_MODULES_LIMIT];
	size_t words_count = 0;
	char *rest = line;

	for (char *word = strtok_r(line, ": \n", &rest);
		word != NULL && words_count < GUEST_MODULES_LIMIT;
		word = strtok_r(NULL, ": \n", &rest))
		words[words_count++] = word;
	while (words_count > 0)
		count = add_path(kernel, words[--words_count], paths, count);
	return count;
}

size_t guest_kernel_modules(
	const struct guest_kernel *kernel, char paths[GUEST_MODULES_LIMIT][PATH_MAX])
{
	size_t count = 0;

	if (kernel->modules[0] == '\0')
		return 0;
	for (size_t i = 0; i < sizeof(wanted_modules) / sizeof(wanted_modules[0]); i++) {
		char dependencies[PATH_MAX + 16];
		char *line = NULL;
		size_t line_bytes = 0;

		(void)snprintf(
			dependencies, sizeof(dependencies), "%s/modules.dep", kernel->modules);
		FILE *file = fopen(dependencies, "re");
		if (file == NULL)
			return count;
		while (getline(&line, &line_bytes, file) > 0)
			if (line_is_for(line, wanted_modules[i]))
				count = add_with_dependencies(kernel, line, paths, count);
		free(line);
		(void)fclose(file);
	}
	return count;
}
