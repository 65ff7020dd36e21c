/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "trial/live.h"

void live_flush(void)
{
	const unsigned char *next = (const unsigned char *)live->output;
	size_t left_bytes = live->output_count * sizeof(live->output[0]);

	while (left_bytes != 0) {
		const ssize_t written_bytes = write(live->output_descriptor, next, left_bytes);
		if (written_bytes < 0 && errno == EINTR)
			continue;
		/* Nobody is listening any more: there is nothing left to do this for. */
		if (written_bytes < 0)
			live_broken("writing observations: errno %d", errno);
		next += written_bytes;
		left_bytes -= (size_t)written_bytes;
	}
	live->output_count = 0;
}

static void put(uint64_t word)
{
	if (live->output_count == LIVE_OUTPUT_WORDS)
		live_flush();
	live->output[live->output_count++] = word;
}

void live_send(enum live_kind kind, const uint64_t *words, size_t count)
{
	put(live_heading(kind, live_self, live->step, count));
	if (count <= LIVE_OUTPUT_WORDS - live->output_count) {
		memcpy(live->output + live->output_count, words, count * sizeof(*words));
		live->output_count += count;
		return;
	}
	for (size_t i = 0; i < count; i++)
		put(words[i]);
}

/* Each step is a bijection of the sum and mixes high bits into low ones: 64 good bits. */
static uint64_t digest_of(const uint64_t *words, size_t count)
{
	uint64_t digest = count;

	for (size_t i = 0; i < count; i++) {
		digest = (digest ^ words[i]) * UINT64_C(0x9e3779b97f4a7c15);
		digest ^= digest >> 29;
	}
	return digest;
}

void live_send_state(enum live_kind kind, const uint64_t *words, size_t count)
{
	struct live_last *last = &live->processes[live_self].last[kind];
	const uint64_t digest = digest_of(words, count);

	if (last->known && last->count == count && last->digest == digest)
		return;
	*last = (struct live_last){.known = true, .count = count, .digest = digest};
	live_send(kind, words, count);
}

uint64_t live_number_from(int descriptor, uint64_t otherwise)
{
	char text[64] = "";
	const ssize_t length_bytes =
		descriptor < 0 ? -1 : pread(descriptor, text, sizeof(text) - 1, 0);
	char *end = NULL;

	if (length_bytes <= 0)
		return otherwise;
	const uint64_t value = strtoull(text, &end, 10);
	return end == text ? otherwise : value;
}

uint64_t live_number_in(const char *path, uint64_t otherwise)
{
	const int descriptor = open(path, O_RDONLY | O_CLOEXEC);
	const uint64_t value = live_number_from(descriptor, otherwise);

	if (descriptor >= 0)
		(void)close(descriptor);
	return value;
}
