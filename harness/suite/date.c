/* SPDX-License-Identifier: Apache-2.0 */
#include "suite/date.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

bool date_is_valid(const char *text)
{
	struct tm parts = {0};
	char again[16];
	const char *rest = strptime(text, "%Y-%m-%d", &parts);

	/* timegm() makes the 31st of June the 1st of July: a day that exists stays as it is. */
	parts.tm_isdst = 0;
	if (rest == NULL || *rest != '\0' || timegm(&parts) == (time_t)-1)
		return false;
	return strftime(again, sizeof(again), "%Y-%m-%d", &parts) != 0 && strcmp(again, text) == 0;
}

const char *date_now(struct pool *pool)
{
	const time_t now = time(NULL);
	struct tm parts;
	char text[32];

	if (gmtime_r(&now, &parts) == NULL ||
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &parts) == 0)
		abort();
	return pool_text(pool, text);
}
