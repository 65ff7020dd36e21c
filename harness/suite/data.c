/* SPDX-License-Identifier: Apache-2.0 */
#include "suite/data.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *data_folder(struct pool *pool)
{
	const char *named = getenv("MMCONFORM_DATA");
	char program[PATH_MAX];

	if (named != NULL && named[0] != '\0')
		return named;
	const ssize_t length = readlink("/proc/self/exe", program, sizeof(program) - 1);
	/* Without /proc nothing of this suite works; the message then names this folder. */
	if (length <= 0)
		return "/usr/share/mmconform";
	program[length] = '\0';
	const size_t build_length = strlen(MMCONFORM_BUILD_DIR);
	if (strncmp(program, MMCONFORM_BUILD_DIR, build_length) == 0 &&
		program[build_length] == '/' && access(MMCONFORM_SOURCE_DIR "/suites", R_OK) == 0)
		return MMCONFORM_SOURCE_DIR;
	*strrchr(program, '/') = '\0';
	return pool_format(pool, "%s/../share/mmconform", program);
}

const char *data_path(struct pool *pool, const char *name)
{
	return pool_format(pool, "%s/%s", data_folder(pool), name);
}
