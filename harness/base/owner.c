/* SPDX-License-Identifier: Apache-2.0 */
#include "base/owner.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/pool.h"

void owner_as_folder(int descriptor, const char *path)
{
	struct pool POOL_DROPS pool = {0};
	const char *slash = strrchr(path, '/');
	const char *folder = slash == NULL   ? "."
			     : slash == path ? "/"
					     : pool_text_of(&pool, path, (size_t)(slash - path));
	struct stat status;

	/*
	 * A sticky folder (/tmp) belongs to nobody in particular. Where giving away fails the file
	 * is root's: it is complete, and its folder's owner can still remove it.
	 */
	if (geteuid() != 0 || stat(folder, &status) != 0 || status.st_uid == 0 ||
		(status.st_mode & S_ISVTX) != 0)
		return;
	if (fchown(descriptor, status.st_uid, status.st_gid) != 0)
		return;
}
