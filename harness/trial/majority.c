/* SPDX-License-Identifier: Apache-2.0 */
#include "trial/majority.h"

#include <stdio.h>

#include "trial/trial.h"

#define PREVAILS_COUNT 3

static size_t count_of(const int64_t *values, size_t count, int64_t value)
{
	size_t same = 0;

	for (size_t i = 0; i < count; i++)
		same += values[i] == value;
	return same;
}

int64_t majority_of(const int64_t *values, size_t count, const char *counter)
{
	char reason[160];
	size_t most = 0, second = 0;
	int64_t prevailing = 0;

	for (size_t i = 0; i < count; i++) {
		const size_t same = count_of(values, count, values[i]);
		if (same > most) {
			most = same;
			prevailing = values[i];
		}
	}
	for (size_t i = 0; i < count; i++)
		if (values[i] != prevailing && count_of(values, count, values[i]) > second)
			second = count_of(values, count, values[i]);
	if (most >= PREVAILS_COUNT && most >= 2 * second)
		return prevailing;
	(void)snprintf(reason, sizeof(reason),
		"others move %s too fast: in %zu windows no value prevails", counter, count);
	unmet(reason, "a machine with less going on, or a guest");
}
