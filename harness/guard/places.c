/* SPDX-License-Identifier: Apache-2.0 */
#include "guard/places.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/message.h"
#include "guard/seam.h"

#define ROOT_RUN   "/run/mmconform"
#define LINE_BYTES 512

static int format_place(char place[PLACE_BYTES], const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static int format_place(char place[PLACE_BYTES], const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	const int length = vsnprintf(place, PLACE_BYTES, format, arguments);
	va_end(arguments);
	return length < 0 || length >= PLACE_BYTES ? -ENAMETOOLONG : 0;
}

/* Without privileges nothing of ours survives a reboot, so one folder does. */
static int find_user_folders(struct places *places)
{
	const char *const runtime = getenv("XDG_RUNTIME_DIR");
	const int failed =
		runtime != NULL && runtime[0] == '/'
			? format_place(places->run, "%s/mmconform", runtime)
			: format_place(places->run, "/tmp/mmconform-%u", (unsigned)geteuid());

	return failed != 0 ? failed : format_place(places->state, "%s", places->run);
}

/* Whether there is such a folder, and not in memory, where a swap file makes no sense. */
static bool is_on_disk(const char *root, const char *path)
{
	struct statfs status;
	char joined[PATH_MAX];

	(void)snprintf(joined, sizeof(joined), "%s%s", root, path);
	return statfs(joined, &status) == 0 && status.f_type != TMPFS_MAGIC &&
	       status.f_type != RAMFS_MAGIC && status.f_type != OVERLAYFS_SUPER_MAGIC;
}

/* A live system or a guest has its root in memory, and perhaps a disk at /var/tmp. */
static int find_root_folders(struct places *places)
{
	const int failed = format_place(places->run, "%s", ROOT_RUN);

	if (failed != 0)
		return failed;
	if (!is_on_disk(places->root, "/var/lib") && is_on_disk(places->root, "/var/tmp"))
		return format_place(places->state, "/var/tmp/mmconform");
	if (seam_exists(places->root, "/var/lib"))
		return format_place(places->state, "/var/lib/mmconform");
	/* Nothing here outlives a reboot. */
	return format_place(places->state, "%s", ROOT_RUN);
}

int places_find(const struct guard_options *options, struct places *places)
{
	char boot[64];

	*places = (struct places){
		.root = options->root, .say = options->say, .context = options->context};
	int failed = geteuid() == 0 ? find_root_folders(places) : find_user_folders(places);
	if (failed == 0)
		failed = format_place(places->journal, "%s/journal", places->run);
	if (failed != 0)
		return failed;
	const ssize_t length_bytes =
		seam_read_text(places->root, "/proc/sys/kernel/random/boot_id", boot, sizeof(boot));
	if (length_bytes < 0)
		return (int)length_bytes;
	boot[strcspn(boot, "\n")] = '\0';
	if (strlen(boot) != JOURNAL_BOOT_BYTES - 1)
		return -EBADMSG;
	memcpy(places->boot, boot, JOURNAL_BOOT_BYTES);
	return 0;
}

int places_make(const struct places *places, const char *folder)
{
	struct stat status;
	int failed = seam_make_folder(places->root, folder, 0755);

	if (failed != 0 && failed != -EEXIST)
		return failed;
	const int descriptor =
		seam_open(places->root, folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
	if (descriptor < 0)
		return descriptor;
	failed = seam_stat(descriptor, folder, &status);
	seam_close(descriptor, folder);
	if (failed != 0)
		return failed;
	if (status.st_uid != geteuid() || (status.st_mode & 0022) != 0) {
		places_say(places, "%s%s is not ours alone to write (owner %u, mode %03o): refused",
			places->root, folder, (unsigned)status.st_uid,
			(unsigned)status.st_mode & 0777);
		return -EPERM;
	}
	return 0;
}

void places_say(const struct places *places, const char *format, ...)
{
	char line[LINE_BYTES];
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	if (places->say != NULL)
		places->say(places->context, line);
	else
		message("%s", line);
}
