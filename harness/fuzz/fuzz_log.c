/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a record of the kernel's log. */
#include <assert.h>

#include "kernel/log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
	const struct kernel_text text = {.bytes = (const char *)data, .length_bytes = size_bytes};
	struct kernel_log_record record;
	struct kernel_error error;

	if (kernel_log_parse(text, &record, &error) == 0) {
		assert(record.level < 8);
		assert(kernel_log_complaint(&record) < KERNEL_COMPLAINT_LIMIT);
	}
	return 0;
}
