/* SPDX-License-Identifier: Apache-2.0 */
/* meminfo and vmstat. What the short way finds, the way through the whole table finds as well. */
#include <stdlib.h>

#include "kernel/values.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
	static struct kernel_values values;
	struct kernel_error error;
	uint64_t value = 0, otherwise = 0;
	const struct kernel_text text = {.bytes = (const char *)data, .length_bytes = size_bytes};

	const bool in_meminfo = kernel_meminfo_find(text, "MemFree", &otherwise);
	if (kernel_meminfo_parse(text, &values, &error) == 0 && in_meminfo &&
		!kernel_values_find(&values, "MemFree", &value))
		abort();
	const bool in_vmstat = kernel_vmstat_find(text, "pgfault", &otherwise);
	if (kernel_vmstat_parse(text, &values, &error) == 0 && in_vmstat &&
		!kernel_values_find(&values, "pgfault", &value))
		abort();
	return 0;
}
