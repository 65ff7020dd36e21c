/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/monitors.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Without the newline; false if there is no such process any more. */
static bool thread_name(const char *process, char *name, size_t size_bytes)
{
	char path[64];

	if (snprintf(path, sizeof(path), "/proc/%s/comm", process) >= (int)sizeof(path))
		return false;
	FILE *stream = fopen(path, "re");
	if (stream == NULL)
		return false;
	const bool is_read = fgets(name, (int)size_bytes, stream) != NULL;
	(void)fclose(stream);
	if (is_read)
		name[strcspn(name, "\n")] = '\0';
	return is_read;
}

bool monitors_find(struct monitor *monitors, size_t limit, size_t *count)
{
	char name[sizeof(monitors->name)] = "";
	const struct dirent *entry;

	*count = 0;
	if (!thread_name("2", name, sizeof(name)) || strcmp(name, "kthreadd") != 0)
		return false;
	DIR *folder = opendir("/proc");
	if (folder == NULL)
		return false;
	while ((entry = readdir(folder)) != NULL) {
		if (entry->d_name[0] < '0' || entry->d_name[0] > '9' ||
			!thread_name(entry->d_name, name, sizeof(name)) ||
			strncmp(name, "kdamond.", strlen("kdamond.")) != 0)
			continue;
		if (*count < limit) {
			monitors[*count].thread = (pid_t)strtol(entry->d_name, NULL, 10);
			memcpy(monitors[*count].name, name, sizeof(name));
		}
		(*count)++;
	}
	(void)closedir(folder);
	return true;
}
