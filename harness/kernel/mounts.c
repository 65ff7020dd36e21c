/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/mounts.h"

#include <string.h>

bool kernel_list_has(struct kernel_text list, const char *word)
{
	while (list.length_bytes != 0) {
		const size_t length_bytes = kernel_text_find(list, ',');
		const struct kernel_text item = {.bytes = list.bytes, .length_bytes = length_bytes};

		if (kernel_text_is(item, word))
			return true;
		list = kernel_text_after(
			list, length_bytes + (length_bytes < list.length_bytes ? 1 : 0));
	}
	return false;
}

int kernel_mount_parse(
	struct kernel_text line, struct kernel_mount *mount, struct kernel_error *error)
{
	struct kernel_text rest = line, word, options;
	uint64_t number = 0;

	if (!kernel_number_next(&rest, &number) || !kernel_number_next(&rest, &number))
		return kernel_fail(error, 0, "a mount has no number or no parent");
	if (!kernel_word_next(&rest, &word) || !kernel_word_next(&rest, &mount->root) ||
		!kernel_word_next(&rest, &mount->point) || !kernel_word_next(&rest, &options))
		return kernel_fail(error, 0, "a mount ends before its options");
	/* Any number of optional fields ("shared:1"), then a hyphen alone. */
	do {
		if (!kernel_word_next(&rest, &word))
			return kernel_fail(error, 0, "a mount has no hyphen after its options");
	} while (!kernel_text_is(word, "-"));
	if (!kernel_word_next(&rest, &mount->type) || !kernel_word_next(&rest, &mount->source) ||
		!kernel_word_next(&rest, &mount->super_options))
		return kernel_fail(error, 0, "a mount ends before its file system's options");
	mount->read_only =
		kernel_list_has(options, "ro") || kernel_list_has(mount->super_options, "ro");
	return 0;
}

static bool is_octal(char byte)
{
	return byte >= '0' && byte <= '7';
}

bool kernel_mount_unescape(struct kernel_text text, char *buffer, size_t capacity_bytes)
{
	size_t at = 0, used_bytes = 0;

	while (at < text.length_bytes) {
		char byte = text.bytes[at];

		if (byte == '\\' && text.length_bytes - at >= 4 && is_octal(text.bytes[at + 1]) &&
			is_octal(text.bytes[at + 2]) && is_octal(text.bytes[at + 3])) {
			byte = (char)(((text.bytes[at + 1] - '0') << 6) |
				      ((text.bytes[at + 2] - '0') << 3) |
				      (text.bytes[at + 3] - '0'));
			at += 3;
		}
		at++;
		if (used_bytes + 1 >= capacity_bytes)
			return false;
		buffer[used_bytes++] = byte;
	}
	buffer[used_bytes] = '\0';
	return true;
}

int kernel_cgroup_parse(
	struct kernel_text line, struct kernel_cgroup *cgroup, struct kernel_error *error)
{
	const size_t first = kernel_text_find(line, ':');

	if (first == line.length_bytes ||
		!kernel_text_decimal(
			(struct kernel_text){.bytes = line.bytes, .length_bytes = first},
			&cgroup->hierarchy))
		return kernel_fail(error, 0, "a group line has no hierarchy number");
	const struct kernel_text rest = kernel_text_after(line, first + 1);
	const size_t second = kernel_text_find(rest, ':');
	if (second == rest.length_bytes)
		return kernel_fail(error, 0, "a group line has no path");
	cgroup->controllers = (struct kernel_text){.bytes = rest.bytes, .length_bytes = second};
	cgroup->path = kernel_text_after(rest, second + 1);
	/* A path outside the namespace's root begins with "/..". */
	if (!kernel_text_starts(cgroup->path, "/"))
		return kernel_fail(error, 0, "a group's path does not begin at the root");
	return 0;
}
