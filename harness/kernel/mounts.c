/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/mounts.h"

#include <limits.h>
#include <string.h>

static bool device_of(struct kernel_text word, struct kernel_mount *mount)
{
	const size_t colon = kernel_text_find(word, ':');
	const struct kernel_text major = {.bytes = word.bytes, .length_bytes = colon};

	return colon != word.length_bytes && kernel_text_decimal(major, &mount->device_major) &&
	       kernel_text_decimal(kernel_text_after(word, colon + 1), &mount->device_minor);
}

/* "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue" */
static bool mount_of_line(struct kernel_text line, struct kernel_mount *mount)
{
	struct kernel_text word;
	uint64_t number = 0, parent = 0;

	if (!kernel_number_next(&line, &number) || !kernel_number_next(&line, &parent))
		return false;
	if (!kernel_word_next(&line, &word) || !device_of(word, mount))
		return false;
	if (!kernel_word_next(&line, &mount->root) ||
		!kernel_word_next(&line, &mount->mount_point) ||
		!kernel_word_next(&line, &mount->options))
		return false;
	do {
		if (!kernel_word_next(&line, &word))
			return false;
	} while (!kernel_text_is(word, "-"));
	if (!kernel_word_next(&line, &mount->type))
		return false;
	/* A source may be empty, then two blanks follow each other: split by single blanks. */
	if (line.length_bytes != 0)
		line = kernel_text_after(line, 1);
	const size_t blank = kernel_text_find(line, ' ');
	mount->source = (struct kernel_text){.bytes = line.bytes, .length_bytes = blank};
	if (blank == line.length_bytes)
		return false;
	mount->super_options = kernel_text_after(line, blank + 1);
	return true;
}

int kernel_mountinfo_next(
	struct kernel_lines *lines, struct kernel_mount *mount, struct kernel_error *error)
{
	struct kernel_text line;
	const int got = kernel_line_next(lines, &line, error);

	if (got > 0 && !mount_of_line(line, mount))
		return kernel_fail(error, lines->line, "not a mount");
	return got;
}

bool kernel_option_has(struct kernel_text options, const char *word)
{
	while (options.length_bytes != 0) {
		const size_t length_bytes = kernel_text_find(options, ',');
		const struct kernel_text option = {
			.bytes = options.bytes, .length_bytes = length_bytes};

		if (kernel_text_is(option, word))
			return true;
		options = kernel_text_after(
			options, length_bytes + (length_bytes < options.length_bytes));
	}
	return false;
}

static bool octal_escape(struct kernel_text text, char *byte)
{
	unsigned value = 0;

	if (text.length_bytes < 4 || text.bytes[0] != '\\')
		return false;
	for (size_t i = 1; i < 4; i++) {
		if (text.bytes[i] < '0' || text.bytes[i] > '7')
			return false;
		value = value * 8 + (unsigned)(text.bytes[i] - '0');
	}
	if (value > UCHAR_MAX || value == 0)
		return false;
	*byte = (char)value;
	return true;
}

bool kernel_unescape(struct kernel_text text, char *buffer, size_t capacity_bytes)
{
	size_t used_bytes = 0;

	while (text.length_bytes != 0) {
		char byte = text.bytes[0];
		const bool escaped = octal_escape(text, &byte);

		if (used_bytes + 1 >= capacity_bytes)
			return false;
		buffer[used_bytes++] = byte;
		text = kernel_text_after(text, escaped ? 4 : 1);
	}
	if (capacity_bytes == 0)
		return false;
	buffer[used_bytes] = '\0';
	return true;
}

/* Length of the mount point if the path lies on or below it, else 0. */
static size_t covers(struct kernel_text mount_point, const char *path)
{
	char folder[PATH_MAX];

	if (!kernel_unescape(mount_point, folder, sizeof(folder)))
		return 0;
	const size_t length_bytes = strlen(folder);
	if (strcmp(folder, "/") == 0)
		return 1;
	if (strncmp(path, folder, length_bytes) != 0 ||
		(path[length_bytes] != '\0' && path[length_bytes] != '/'))
		return 0;
	return length_bytes;
}

int kernel_mount_of_path(struct kernel_text mountinfo, const char *path, struct kernel_mount *mount,
	struct kernel_error *error)
{
	struct kernel_lines lines = kernel_lines_of(mountinfo);
	struct kernel_mount candidate;
	size_t longest = 0;
	int got;

	while ((got = kernel_mountinfo_next(&lines, &candidate, error)) > 0) {
		const size_t length_bytes = covers(candidate.mount_point, path);

		/* A later mount on the same point hides the earlier. */
		if (length_bytes != 0 && length_bytes >= longest) {
			longest = length_bytes;
			*mount = candidate;
		}
	}
	return got < 0 ? got : longest != 0;
}

/* "5:memory:/a" of v1, "0::/a" of v2; a path may hold colons. */
static bool group_of_line(
	struct kernel_text line, struct kernel_text *controllers, struct kernel_text *path)
{
	const size_t first = kernel_text_find(line, ':');
	uint64_t hierarchy = 0;

	if (first == line.length_bytes ||
		!kernel_text_decimal(
			(struct kernel_text){.bytes = line.bytes, .length_bytes = first},
			&hierarchy))
		return false;
	line = kernel_text_after(line, first + 1);
	const size_t second = kernel_text_find(line, ':');
	if (second == line.length_bytes)
		return false;
	*controllers = (struct kernel_text){.bytes = line.bytes, .length_bytes = second};
	*path = kernel_text_after(line, second + 1);
	return kernel_text_starts(*path, "/");
}

/* Which version the process's groups speak for, and its path there; 0 without any. */
static int own_group(
	struct kernel_text cgroup, struct kernel_memory_group *group, struct kernel_error *error)
{
	struct kernel_lines lines = kernel_lines_of(cgroup);
	struct kernel_text line, controllers = {0}, path = {0};
	int got;

	while ((got = kernel_line_next(&lines, &line, error)) > 0) {
		if (!group_of_line(line, &controllers, &path))
			return kernel_fail(error, lines.line, "not \"number:controllers:/path\"");
		if (kernel_option_has(controllers, "memory")) {
			group->version = 1;
			group->path = path;
			return 0;
		}
		if (controllers.length_bytes == 0) {
			group->version = 2;
			group->path = path;
		}
	}
	return got;
}

int kernel_memory_group_find(struct kernel_text cgroup, struct kernel_text mountinfo,
	struct kernel_memory_group *group, struct kernel_error *error)
{
	struct kernel_lines lines = kernel_lines_of(mountinfo);
	struct kernel_mount mount = {0};
	bool mounted = false;
	int got;

	*group = (struct kernel_memory_group){0};
	const int result = own_group(cgroup, group, error);
	if (result < 0)
		return result;
	while ((got = kernel_mountinfo_next(&lines, &mount, error)) > 0) {
		const bool wanted =
			group->version == 1
				? kernel_text_is(mount.type, "cgroup") &&
					  kernel_option_has(mount.super_options, "memory")
				: group->version == 2 && kernel_text_is(mount.type, "cgroup2");

		if (!wanted)
			continue;
		group->mount_point = mount.mount_point;
		group->mount_root = mount.root;
		mounted = true;
	}
	if (got == 0 && !mounted)
		group->version = 0;
	return got;
}

bool kernel_memory_group_folder(
	const struct kernel_memory_group *group, char *buffer, size_t capacity_bytes)
{
	char root[PATH_MAX];
	struct kernel_text below = group->path;

	if (group->version == 0 || !kernel_unescape(group->mount_root, root, sizeof(root)) ||
		!kernel_unescape(group->mount_point, buffer, capacity_bytes))
		return false;
	/* In a container the mount shows a part of the tree, and a path may lie outside of it. */
	if (strcmp(root, "/") != 0) {
		if (!kernel_text_starts(below, root))
			return false;
		below = kernel_text_after(below, strlen(root));
		if (below.length_bytes != 0 && below.bytes[0] != '/')
			return false;
	}
	if (kernel_text_is(below, "/"))
		below = kernel_text_after(below, 1);
	if (kernel_text_starts(below, "/.."))
		return false;
	const size_t used_bytes = strlen(buffer);
	return kernel_text_copy(below, buffer + used_bytes, capacity_bytes - used_bytes);
}

int kernel_swaps_next(
	struct kernel_lines *lines, struct kernel_swap *swap, struct kernel_error *error)
{
	struct kernel_text line, word;
	int got = kernel_line_next(lines, &line, error);

	if (lines->line == 1) {
		if (got > 0 && !kernel_text_starts(line, "Filename"))
			return kernel_fail(error, 1, "no names of columns");
		if (got > 0)
			got = kernel_line_next(lines, &line, error);
	}
	if (got <= 0)
		return got;
	*swap = (struct kernel_swap){0};
	if (!kernel_word_next(&line, &swap->path) || !kernel_word_next(&line, &word) ||
		!kernel_number_next(&line, &swap->size_kib) ||
		!kernel_number_next(&line, &swap->used_kib))
		return kernel_fail(error, lines->line, "not a swap area");
	swap->is_partition = kernel_text_is(word, "partition");
	if (!kernel_word_next(&line, &word) || !kernel_text_signed(word, &swap->priority))
		return kernel_fail(error, lines->line, "not a swap area's priority");
	return 1;
}
