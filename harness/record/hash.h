/* SPDX-License-Identifier: Apache-2.0 */
/* The hash of a record's seals: SHA-256 over the bytes so far, and on from there. */
#ifndef RECORD_HASH_H
#define RECORD_HASH_H

#include <stddef.h>

#include <nettle/sha2.h>

#define RECORD_HASH_CHARACTERS (2UL * SHA256_DIGEST_SIZE)

struct record_hash {
	struct sha256_ctx state;
};

void record_hash_start(struct record_hash *hash);
void record_hash_add(struct record_hash *hash, const char *bytes, size_t length_bytes);
/* In hexadecimal; the hash can go on afterwards. */
void record_hash_text(const struct record_hash *hash, char text[RECORD_HASH_CHARACTERS + 1]);

#endif
