/* SPDX-License-Identifier: Apache-2.0 */
#include "guard/zram.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "guard/seam.h"
#include "kernel/text.h"

#define DEVICES_LIMIT	 256
#define CONTROL		 "/sys/class/zram-control/"
#define PATH_BYTES	 64
#define BUSY_DEADLINE_MS 2000
#define BUSY_LOOK_MS	 10

bool zram_of_number(const char *text, unsigned *device)
{
	uint64_t number = 0;

	if (!kernel_text_decimal(kernel_text_of(text), &number) || number >= DEVICES_LIMIT)
		return false;
	*device = (unsigned)number;
	return true;
}

bool zram_of_path(const char *path, unsigned *device)
{
	static const char begin[] = "/dev/zram";

	return strncmp(path, begin, sizeof(begin) - 1) == 0 &&
	       zram_of_number(path + sizeof(begin) - 1, device);
}

static bool is_there(const char *root, unsigned device)
{
	char path[PATH_BYTES];

	(void)snprintf(path, sizeof(path), "/sys/block/zram%u", device);
	return seam_exists(root, path);
}

void zram_set(const char *root, char *set, size_t capacity_bytes)
{
	size_t used_bytes = 0;

	set[0] = '\0';
	for (unsigned device = 0; device < DEVICES_LIMIT; device++)
		if (is_there(root, device) && used_bytes + 5 < capacity_bytes)
			used_bytes += (size_t)snprintf(
				set + used_bytes, capacity_bytes - used_bytes, "%u,", device);
}

bool zram_set_is_legal(const char *set)
{
	return strspn(set, "0123456789,") == strlen(set);
}

static bool set_has(const char *set, unsigned device)
{
	char word[16];

	/* Every number is followed by a comma, and all but the first come after one. */
	(void)snprintf(word, sizeof(word), "%u,", device);
	for (const char *at = strstr(set, word); at != NULL; at = strstr(at + 1, word))
		if (at == set || at[-1] == ',')
			return true;
	return false;
}

int zram_add(const char *root, unsigned *device)
{
	char text[16];
	const ssize_t length_bytes = seam_read_text(root, CONTROL "hot_add", text, sizeof(text));

	if (length_bytes < 0)
		return (int)length_bytes;
	text[strcspn(text, "\n")] = '\0';
	return zram_of_number(text, device) ? 0 : -EBADMSG;
}

int zram_set_size(const char *root, unsigned device, uint64_t size_bytes)
{
	char path[PATH_BYTES], text[32];

	(void)snprintf(path, sizeof(path), "/sys/block/zram%u/disksize", device);
	(void)snprintf(text, sizeof(text), "%" PRIu64, size_bytes);
	return seam_write_text(root, path, text);
}

/*
 * udev opens every new block device to look at it, at a time of its own choosing and without
 * telling anybody when it is done. So "busy" is asked again, up to a deadline.
 */
int zram_remove(const char *root, const char *number)
{
	unsigned device = 0;
	int failed = -EBUSY;

	if (!zram_of_number(number, &device))
		return -EINVAL;
	for (unsigned waited_ms = 0; failed == -EBUSY && waited_ms < BUSY_DEADLINE_MS;
		waited_ms += BUSY_LOOK_MS) {
		if (!is_there(root, device))
			return 0;
		failed = seam_write_text(root, CONTROL "hot_remove", number);
		if (failed == -EBUSY)
			(void)poll(NULL, 0, BUSY_LOOK_MS);
	}
	return failed;
}

int zram_remove_new(const char *root, const char *set)
{
	for (unsigned device = 0; device < DEVICES_LIMIT; device++) {
		char path[PATH_BYTES], text[32];

		if (!is_there(root, device) || set_has(set, device))
			continue;
		(void)snprintf(path, sizeof(path), "/sys/block/zram%u/disksize", device);
		if (seam_read_text(root, path, text, sizeof(text)) < 0 || strcmp(text, "0\n") != 0)
			continue;
		(void)snprintf(text, sizeof(text), "%u", device);
		const int failed = zram_remove(root, text);
		if (failed != 0)
			return failed;
	}
	return 0;
}
