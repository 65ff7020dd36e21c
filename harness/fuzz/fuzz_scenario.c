/* SPDX-License-Identifier: Apache-2.0 */
/* The language of scenarios: any bytes are a scenario, or a mistake with a line in them. */
#include <stdint.h>
#include <stdlib.h>

#include "scenario/language.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
	POOL_DROPS struct pool pool = {0};
	struct scenario scenario;
	struct scenario_error error = {0};

	if (!scenario_read(&pool, (const char *)data, size_bytes, &scenario, &error) &&
		(error.line == 0 || error.column == 0 || error.reason[0] == '\0'))
		abort();
	return 0;
}
