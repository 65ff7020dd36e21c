/* SPDX-License-Identifier: Apache-2.0 */
/* maps and smaps: an area that was accepted is one. */
#include <stdlib.h>

#include "kernel/areas.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
	const struct kernel_text text = {.bytes = (const char *)data, .length_bytes = size_bytes};
	struct kernel_lines lines = kernel_lines_of(text);
	struct kernel_smaps_area smaps;
	struct kernel_area area;
	struct kernel_error error;

	while (kernel_maps_next(&lines, &area, &error) > 0) {
		if (area.start >= area.end || area.name.length_bytes > size_bytes)
			abort();
	}
	lines = kernel_lines_of(text);
	while (kernel_smaps_next(&lines, &smaps, &error) > 0) {
		if ((smaps.has_value >> KERNEL_SMAPS_RSS & 1) == 0)
			abort();
	}
	lines = kernel_lines_of(text);
	kernel_smaps_skip(&lines, size_bytes);
	if (lines.rest.length_bytes > size_bytes)
		abort();
	return 0;
}
