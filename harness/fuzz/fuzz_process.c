/* SPDX-License-Identifier: Apache-2.0 */
/* status, statm, stat and limits of a process. */
#include <stdlib.h>

#include "kernel/process.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
	const struct kernel_text text = {.bytes = (const char *)data, .length_bytes = size_bytes};
	struct kernel_status status;
	struct kernel_statm statm;
	struct kernel_stat stat;
	struct kernel_limit limit;
	struct kernel_error error;

	if (kernel_status_parse(text, &status, &error) == 0 && status.name.bytes == NULL)
		abort();
	(void)kernel_statm_parse(text, &statm, &error);
	if (kernel_stat_parse(text, &stat, &error) == 0 && stat.name.length_bytes >= size_bytes)
		abort();
	(void)kernel_limits_find(text, "Max stack size", &limit, &error);
	return 0;
}
