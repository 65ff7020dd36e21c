/* SPDX-License-Identifier: Apache-2.0 */
/* What a hostile trial may write: any bytes, in lines. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "run/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
	POOL_DROPS struct pool pool = {NULL};
	struct wire wire = {.pool = &pool, .subject = "fuzz"};
	const char *text = (const char *)data;
	bool was_garbled = false;

	while (size_bytes != 0) {
		const char *newline = memchr(text, '\n', size_bytes);
		const size_t length_bytes = newline == NULL ? size_bytes : (size_t)(newline - text);
		wire_line(&wire, text, length_bytes);
		/* Garbled is for good, and has its reason; so has everything that is no
		 * observation. */
		assert(!was_garbled || wire.state == WIRE_GARBLED);
		was_garbled = wire.state == WIRE_GARBLED;
		assert(wire.state <= WIRE_DONE || wire.reason != NULL);
		assert(wire.observations_count == 0 || wire.state != WIRE_SILENT);
		const size_t taken_bytes = length_bytes + (newline != NULL);
		text += taken_bytes;
		size_bytes -= taken_bytes;
	}
	return 0;
}
