/* SPDX-License-Identifier: Apache-2.0 */
/* Facts out of a record of somebody else: what was read once reads the same again. */
#include <stdlib.h>
#include <string.h>

#include "facts/facts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
	POOL_DROPS struct pool pool = {0};
	struct facts facts, again;
	const char *why = NULL;

	if (!facts_from_json(&pool, (const char *)data, size_bytes, &facts, &why)) {
		if (why == NULL || why[0] == '\0')
			abort();
		return 0;
	}
	const char *text = facts_to_json(&pool, &facts);
	if (!facts_from_json(&pool, text, strlen(text), &again, &why) ||
		strcmp(facts_to_json(&pool, &again), text) != 0)
		abort();
	return 0;
}
