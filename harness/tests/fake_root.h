/* SPDX-License-Identifier: Apache-2.0 */
/* A folder of plain files that stands for a host, for tests of the settings guard. */
#ifndef TESTS_FAKE_ROOT_H
#define TESTS_FAKE_ROOT_H

#include <ftw.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct fake_root {
	char path[64];
};

static inline void fake_path(const struct fake_root *root, const char *path, char joined[PATH_MAX])
{
	if (snprintf(joined, PATH_MAX, "%s%s", root->path, path) >= PATH_MAX)
		abort();
}

/* Folders on the way are made. */
static inline void fake_write(const struct fake_root *root, const char *path, const char *text)
{
	char joined[PATH_MAX];

	fake_path(root, path, joined);
	for (char *slash = strchr(joined + strlen(root->path) + 1, '/'); slash != NULL;
		slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		(void)mkdir(joined, 0755);
		*slash = '/';
	}
	FILE *file = fopen(joined, "we");
	if (file == NULL || fputs(text, file) < 0 || fclose(file) != 0)
		abort();
}

static inline void fake_read(
	const struct fake_root *root, const char *path, char *text, size_t capacity_bytes)
{
	char joined[PATH_MAX];
	size_t length_bytes = 0;

	fake_path(root, path, joined);
	FILE *file = fopen(joined, "re");
	if (file != NULL) {
		length_bytes = fread(text, 1, capacity_bytes - 1, file);
		(void)fclose(file);
	}
	text[length_bytes] = '\0';
}

static inline bool fake_is(const struct fake_root *root, const char *path, const char *text)
{
	char now[4096];

	fake_read(root, path, now, sizeof(now));
	if (strcmp(now, text) == 0)
		return true;
	(void)fprintf(stderr, "%s is \"%s\", not \"%s\"\n", path, now, text);
	return false;
}

static inline bool fake_has(const struct fake_root *root, const char *path)
{
	char joined[PATH_MAX];

	fake_path(root, path, joined);
	return access(joined, F_OK) == 0;
}

static inline int fake_remove_one(
	const char *path, const struct stat *status, int kind, struct FTW *walk)
{
	(void)status, (void)kind, (void)walk;
	return remove(path);
}

/* With what every host has. */
static inline void fake_begin(struct fake_root *root)
{
	(void)snprintf(root->path, sizeof(root->path), "/dev/shm/mmconform-test-XXXXXX");
	if (mkdtemp(root->path) == NULL)
		abort();
	fake_write(
		root, "/proc/sys/kernel/random/boot_id", "11111111-2222-3333-4444-555555555555\n");
	fake_write(root, "/run/there", "");
	fake_write(root, "/var/lib/there", "");
	fake_write(root, "/proc/meminfo",
		"MemTotal:       16000000 kB\nMemFree:        12000000 kB\n"
		"MemAvailable:   14000000 kB\nSwapTotal:             0 kB\n"
		"SwapFree:              0 kB\nCommitLimit:     8000000 kB\n"
		"Committed_AS:    1000000 kB\nHugetlb:               0 kB\n");
}

static inline void fake_end(struct fake_root *root)
{
	(void)nftw(root->path, fake_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

#endif
