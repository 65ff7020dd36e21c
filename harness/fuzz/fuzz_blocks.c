/* SPDX-License-Identifier: Apache-2.0 */
/* buddyinfo, pagetypeinfo and slabinfo. */
#include <stdlib.h>

#include "kernel/blocks.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
	const struct kernel_text text = {.bytes = (const char *)data, .length_bytes = size_bytes};
	struct kernel_lines lines = kernel_lines_of(text);
	struct kernel_pagetypes pagetypes;
	struct kernel_pagetype_row row;
	struct kernel_buddy_row buddy;
	struct kernel_slab_row slab;
	struct kernel_error error;

	while (kernel_buddyinfo_next(&lines, &buddy, &error) > 0) {
		if (buddy.orders_count == 0 || buddy.orders_count > KERNEL_ORDERS_LIMIT)
			abort();
	}
	if (kernel_pagetypeinfo_begin(text, &pagetypes, &error) == 0) {
		while (kernel_pagetypeinfo_next(&pagetypes, &row, &error) > 0) {
			if (row.count == 0 || row.count > KERNEL_ORDERS_LIMIT)
				abort();
		}
	}
	lines = kernel_lines_of(text);
	while (kernel_slabinfo_next(&lines, &slab, &error) > 0) {
		if (slab.name.length_bytes == 0)
			abort();
	}
	return 0;
}
