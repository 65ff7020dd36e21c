/* SPDX-License-Identifier: Apache-2.0 */
#include "trial/majority.h"

#include <stdio.h>

#include "trial/trial.h"

int64_t majority_of(const int64_t *values, size_t count, const char *counter)
{
	char reason[160];

	for (size_t i = 0; i < count; i++) {
		size_t same = 0;
		for (size_t j = 0; j < count; j++)
			same += values[j] == values[i];
		if (2 * same > count)
			return values[i];
	}
	(void)snprintf(reason, sizeof(reason),
		"others move %s too fast: no majority of %zu windows agrees", counter, count);
	unmet(reason, "a machine with less going on, or a guest");
}
