/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a record of the kernel's log. */
#include <assert.h>

#include "kernel/log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
	const struct kernel_text text = {.bytes = (const char *)data, .length_bytes = size_bytes};
	struct kernel_log_record record;
	const struct kernel_log_columns columns = {
		.resident = 3, .tables = 4, .swapped = 5, .adjustment = 6};
	struct kernel_log_columns found;
	struct kernel_log_candidate candidate;
	struct kernel_error error;
	struct kernel_text constraint;
	uint64_t process = 0;

	if (kernel_log_parse(text, &record, &error) == 0) {
		assert(record.level < 8);
		assert(kernel_log_complaint(&record) < KERNEL_COMPLAINT_LIMIT);
		(void)kernel_log_killed(&record, &process);
		(void)kernel_log_constraint(&record, &constraint);
		(void)kernel_log_columns(&record, &found);
		(void)kernel_log_candidate(&record, &columns, &candidate);
	}
	return 0;
}
