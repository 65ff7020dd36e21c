/* SPDX-License-Identifier: Apache-2.0 */
#include "record/hash.h"

#include <stdint.h>

void record_hash_start(struct record_hash *hash)
{
	SHA256Init(&hash->state);
}

void record_hash_add(struct record_hash *hash, const char *bytes, size_t length_bytes)
{
	SHA256Update(&hash->state, (const uint8_t *)bytes, length_bytes);
}

void record_hash_text(const struct record_hash *hash, char text[RECORD_HASH_CHARACTERS + 1])
{
	SHA2_CTX copy = hash->state;

	(void)SHA256End(&copy, text);
}
