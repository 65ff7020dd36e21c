/* SPDX-License-Identifier: Apache-2.0 */
/* mountinfo, cgroup and swaps; the input's halves serve as the two files that go together. */
#include <stdlib.h>
#include <string.h>

#include "kernel/mounts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
	const struct kernel_text text = {.bytes = (const char *)data, .length_bytes = size_bytes};
	struct kernel_text first = text;
	struct kernel_memory_group group;
	struct kernel_mount mount;
	struct kernel_swap swap;
	struct kernel_error error;
	char folder[64];

	/* A NUL divides, where there is one. */
	first.length_bytes = kernel_text_find(text, '\0');
	const struct kernel_text second = kernel_text_after(text, first.length_bytes);
	(void)kernel_mount_of_path(text, "/tmp/x", &mount, &error);
	const struct kernel_text other =
		second.length_bytes == 0 ? text : kernel_text_after(second, 1);
	if (kernel_memory_group_find(first, other, &group, &error) == 0 &&
		kernel_memory_group_folder(&group, folder, sizeof(folder)) &&
		strlen(folder) >= sizeof(folder))
		abort();
	struct kernel_lines lines = kernel_lines_of(text);
	while (kernel_swaps_next(&lines, &swap, &error) > 0)
		continue;
	if (kernel_unescape(text, folder, sizeof(folder)) && strlen(folder) > size_bytes)
		abort();
	return 0;
}
