/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers, lists of numbers, bracketed choices, lists of CPUs. */
#include <stdlib.h>

#include "kernel/lists.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
	const struct kernel_text text = {.bytes = (const char *)data, .length_bytes = size_bytes};
	struct kernel_ranges ranges;
	struct kernel_choice choice;
	struct kernel_error error;
	uint64_t values[4], next = 0, member = 0, members = 0;
	size_t count = 0;
	int64_t value = 0;

	(void)kernel_integer_parse(text, &value, &error);
	if (kernel_integers_parse(text, 4, values, &count, &error) == 0 && count == 0)
		abort();
	if (kernel_choice_parse(text, &choice, &error) == 0 && choice.chosen >= choice.count)
		abort();
	if (kernel_ranges_parse(text, &ranges, &error) < 0)
		return 0;
	/* Long ranges are legal and need not be walked to the end. */
	while (members < 1000 && kernel_ranges_next(&ranges, &next, &member)) {
		members++;
		if (member > ranges.highest)
			abort();
	}
	if (ranges.count < 1000 && members != ranges.count)
		abort();
	return 0;
}
