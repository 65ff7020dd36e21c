/* SPDX-License-Identifier: Apache-2.0 */
/* The YAML files of the suite, from anybody: read or refused, never a crash. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "suite/claims.h"
#include "suite/known.h"
#include "suite/required.h"
#include "suite/suite.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
	static int quiet;
	struct pool POOL_DROPS pool = {0};
	const struct check_list checks = {.pool = &pool};
	struct claim_list claims;
	struct known_list known;
	struct required_list required;
	struct suite suite;
	char path[64];
	const int descriptor = memfd_create("suite", MFD_CLOEXEC);

	if (quiet == 0)
		quiet = freopen("/dev/null", "w", stderr) != NULL;
	if (descriptor < 0 || write(descriptor, data, size_bytes) != (ssize_t)size_bytes)
		abort();
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", descriptor);
	(void)!claims_load(&pool, path, &claims);
	(void)!known_load(&pool, path, &known);
	(void)!required_load(&pool, path, &required);
	(void)!suite_load(&pool, path, &checks, &suite);
	(void)close(descriptor);
	return 0;
}
