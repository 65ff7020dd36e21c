/* SPDX-License-Identifier: Apache-2.0 */
/* A record from anybody: read or refused, never a crash, and what is read encodes as it was. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "record/reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes);

static void check_line(const char *text, size_t length_bytes)
{
	struct pool POOL_DROPS pool = {0};
	struct record_line line, again;
	const char *why = NULL;

	if (!record_decode(&pool, text, length_bytes, &line, &why))
		return;
	const char *first = record_encode(&pool, &line);
	if (first == NULL || !record_decode(&pool, first, strlen(first), &again, &why) ||
		strcmp(first, record_encode(&pool, &again)) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
	static int quiet;
	struct record record;
	const int descriptor = memfd_create("record", MFD_CLOEXEC);

	/* The messages of the reader are not what is tested here. */
	if (quiet == 0)
		quiet = freopen("/dev/null", "w", stderr) != NULL;
	if (descriptor < 0 || write(descriptor, data, size_bytes) != (ssize_t)size_bytes)
		abort();
	for (int wanted = RECORD_ENDED; wanted <= RECORD_RUNNING; wanted++) {
		(void)lseek(descriptor, 0, SEEK_SET);
		if (record_read_file(&record, descriptor, "fuzz", (enum record_wanted)wanted))
			record_drop(&record);
	}
	(void)close(descriptor);
	check_line((const char *)data, size_bytes);
	return 0;
}
