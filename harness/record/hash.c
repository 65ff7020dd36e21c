/* SPDX-License-Identifier: Apache-2.0 */
#include "record/hash.h"

#include <stdint.h>

#include <nettle/base16.h>

void record_hash_start(struct record_hash *hash)
{
	sha256_init(&hash->state);
}

void record_hash_add(struct record_hash *hash, const char *bytes, size_t length_bytes)
{
	sha256_update(&hash->state, length_bytes, (const uint8_t *)bytes);
}

void record_hash_text(const struct record_hash *hash, char text[RECORD_HASH_CHARACTERS + 1])
{
	struct sha256_ctx copy = hash->state;
	uint8_t digest[SHA256_DIGEST_SIZE];

	sha256_digest(&copy, sizeof(digest), digest);
	base16_encode_update(text, sizeof(digest), digest);
	text[RECORD_HASH_CHARACTERS] = '\0';
}
