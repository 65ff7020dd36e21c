/* SPDX-License-Identifier: Apache-2.0 */
#include "guard/undo.h"

#include <assert.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "guard/group.h"
#include "guard/knob.h"
#include "guard/seam.h"
#include "guard/why.h"
#include "guard/zram.h"
#include "kernel/mounts.h"

#define MOUNTINFO_BYTES	 ((size_t)1 << 20)
#define KILL_DEADLINE_MS 5000

static bool is_plain_word(const char *word)
{
	if (*word == '\0' || *word == '.')
		return false;
	for (; *word != '\0'; word++)
		if (!isalnum((unsigned char)*word) && strchr("._-", *word) == NULL)
			return false;
	return true;
}

/* A plain name directly in the folder. */
static bool lies_in(const char *path, const char *folder)
{
	const size_t length_bytes = strlen(folder);

	return strncmp(path, folder, length_bytes) == 0 && path[length_bytes] == '/' &&
	       is_plain_word(path + length_bytes + 1);
}

/* A folder of a group hierarchy; ours by its name, unless any group will do. */
static bool is_group(const struct places *places, const char *path, bool ours)
{
	char *const mountinfo = malloc(MOUNTINFO_BYTES);
	const char *const slash = strrchr(path, '/');
	struct kernel_error error;
	struct kernel_mount mount;
	bool legal = false;

	if (mountinfo != NULL && path[0] == '/' && strstr(path, "/../") == NULL &&
		(!ours || strncmp(slash + 1, "mmconform-", strlen("mmconform-")) == 0) &&
		strcmp(slash, "/..") != 0 &&
		seam_read_text(places->root, "/proc/self/mountinfo", mountinfo, MOUNTINFO_BYTES) >=
			0)
		legal = kernel_mount_of_path(kernel_text_of(mountinfo), path, &mount, &error) ==
				1 &&
			(kernel_text_is(mount.type, "cgroup") ||
				kernel_text_is(mount.type, "cgroup2"));
	free(mountinfo);
	return legal;
}

static int check_setting(const struct places *places, const struct undo *undo, char why[WHY_BYTES])
{
	struct knob_instance instance;

	if (!knob_find(undo->name, &instance)) {
		return why_say(why, -EINVAL, "there is no knob %.80s", undo->name);
	}
	const int failed = knob_check(places->root, &instance, undo->old, false, why);
	if (failed != 0)
		return failed;
	/* What stands beside a knob is a number, whatever the knob is. */
	for (const char *byte = undo->beside; *byte != '\0'; byte++)
		if (!isdigit((unsigned char)*byte)) {
			return why_say(why, -EINVAL, "%.80s: illegal value %.40s beside it",
				undo->name, undo->beside);
		}
	return 0;
}

static bool is_legal(const struct places *places, const struct undo *undo)
{
	unsigned device = 0;
	char folder[PLACE_BYTES + 32];

	switch (undo->kind) {
	case UNDO_SETTING:
		return true; /* check_setting() */
	case UNDO_GROUP:
		return is_group(places, undo->name, true);
	case UNDO_VACATED:
		return is_group(places, undo->name, true) && is_group(places, undo->old, false);
	case UNDO_HANDED:
		return is_group(places, undo->name, false);
	case UNDO_MOUNT:
		return lies_in(undo->name, places->run);
	case UNDO_INSTANCE:
		(void)snprintf(folder, sizeof(folder), "%s/tracing/instances", places->run);
		return lies_in(undo->name, folder);
	case UNDO_SWAP:
		return lies_in(undo->name, places->state) || zram_of_path(undo->name, &device);
	case UNDO_ZRAM:
		return zram_of_number(undo->name, &device);
	case UNDO_ZRAM_NEW:
		return zram_set_is_legal(undo->name);
	case UNDO_FILE:
	case UNDO_FOLDER:
		return lies_in(undo->name, places->state) || lies_in(undo->name, places->run);
	case UNDO_KIND_LIMIT:
		break;
	}
	assert(false && "every kind is checked");
	return false;
}

int undo_check(const struct places *places, const struct undo *undo, char why[WHY_BYTES])
{
	if (undo->kind == UNDO_SETTING)
		return check_setting(places, undo, why);
	if (is_legal(places, undo))
		return 0;
	return why_say(why, -EINVAL, "%s %.160s is nothing that we make",
		undo_kind_word(undo->kind), undo->name);
}

bool undo_is_lasting(const struct undo *undo)
{
	return undo->kind == UNDO_FILE || undo->kind == UNDO_FOLDER;
}

static int undo_setting(const struct places *places, const struct undo *undo, char why[WHY_BYTES])
{
	struct knob_instance instance;
	char now[GUARD_VALUE_BYTES];

	if (!knob_find(undo->name, &instance))
		return -EINVAL;
	/* Somebody else's change in the meantime is lost, since what we found is what we leave: say
	 * so, that it can be made again. */
	if (undo->left[0] != '\0' && knob_value(places->root, &instance, now) == 0 &&
		!knob_same(&instance, now, undo->left) && !knob_same(&instance, now, undo->old))
		places_say(places,
			"%s was changed by someone else: found %s, we had left %s; back "
			"to %s",
			undo->name, now, undo->left, undo->old);
	return knob_put_back(places->root, &instance, undo->old, undo->beside, why);
}

/* What trials made below our group: no deeper than this. */
#define GROUPS_DEPTH_LIMIT 4

static int remove_groups(const struct places *places, const char *path, unsigned depth);

static int remove_groups_below(const struct places *places, const char *path, unsigned depth)
{
	const int descriptor =
		seam_open(places->root, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
	int failed = 0;

	if (descriptor < 0)
		return descriptor;
	DIR *const folder = fdopendir(descriptor);
	if (folder == NULL) {
		seam_close(descriptor, path);
		return -ENOMEM;
	}
	for (struct dirent *entry = readdir(folder); failed == 0 && entry != NULL;
		entry = readdir(folder)) {
		char below[PATH_MAX];

		if (entry->d_type != DT_DIR || strcmp(entry->d_name, ".") == 0 ||
			strcmp(entry->d_name, "..") == 0)
			continue;
		if ((size_t)snprintf(below, sizeof(below), "%s/%s", path, entry->d_name) >=
			sizeof(below))
			failed = -ENAMETOOLONG;
		else
			failed = remove_groups(places, below, depth + 1);
	}
	(void)closedir(folder);
	return failed;
}

/* Processes first: a group that has some cannot be removed, nor one that has groups. */
static int remove_groups(const struct places *places, const char *path, unsigned depth)
{
	struct group group = {.root = places->root};

	if (depth > GROUPS_DEPTH_LIMIT)
		return -ELOOP;
	(void)snprintf(group.folder, sizeof(group.folder), "%s", path);
	int failed = group_kill(&group, KILL_DEADLINE_MS);
	if (failed == 0)
		failed = remove_groups_below(places, path, depth);
	return failed != 0 ? failed : seam_remove_folder(places->root, path);
}

/* The processes that had to leave their group, ourselves and the keeper, go back. */
static int undo_vacated(const struct places *places, const struct undo *undo)
{
	struct group group = {.root = places->root, .version = 2};
	char path[PATH_MAX], text[FILENAME_MAX];
	struct kernel_text rest, word;

	(void)snprintf(group.folder, sizeof(group.folder), "%s", undo->old);
	(void)snprintf(path, sizeof(path), "%s/cgroup.procs", undo->name);
	const ssize_t length_bytes = seam_read_text(places->root, path, text, sizeof(text));
	if (length_bytes < 0)
		return (int)length_bytes;
	rest = kernel_text_of(text);
	while (kernel_word_next(&rest, &word)) {
		uint64_t pid = 0;
		const int failed =
			kernel_text_decimal(word, &pid) ? group_add(&group, (pid_t)pid) : -EBADMSG;
		if (failed != 0 && failed != -ESRCH)
			return failed;
	}
	return seam_remove_folder(places->root, undo->name);
}

static int undo_handed(const struct places *places, const struct undo *undo)
{
	char path[PATH_MAX];

	(void)snprintf(path, sizeof(path), "%s/cgroup.subtree_control", undo->name);
	return seam_write_text(places->root, path, "-memory");
}

/* The folder is ours, and so are the files in it. It has no folders: none of us makes any there. */
static int remove_folder(const struct places *places, const char *path)
{
	const int descriptor =
		seam_open(places->root, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
	int failed = 0;

	if (descriptor < 0)
		return descriptor;
	DIR *const folder = fdopendir(descriptor);
	if (folder == NULL) {
		seam_close(descriptor, path);
		return -ENOMEM;
	}
	for (struct dirent *entry = readdir(folder); failed == 0 && entry != NULL;
		entry = readdir(folder)) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		failed = seam_ask("unlinkat", path);
		if (failed == 0 && unlinkat(dirfd(folder), entry->d_name, 0) != 0)
			failed = -errno;
	}
	(void)closedir(folder);
	return failed != 0 ? failed : seam_remove_folder(places->root, path);
}

/* Answers that mean that there is nothing to undo any more. */
static bool is_gone(enum undo_kind kind, int failed)
{
	if (failed == -ENOENT || failed == -ENODEV)
		return true;
	/* Not in use as swap; not a mount point. */
	return failed == -EINVAL && (kind == UNDO_SWAP || kind == UNDO_MOUNT);
}

int undo_do(const struct places *places, const struct undo *undo, char why[WHY_BYTES])
{
	int failed = -EINVAL;

	switch (undo->kind) {
	case UNDO_SETTING:
		return undo_setting(places, undo, why);
	case UNDO_GROUP:
		failed = remove_groups(places, undo->name, 0);
		break;
	case UNDO_VACATED:
		failed = undo_vacated(places, undo);
		break;
	case UNDO_HANDED:
		failed = undo_handed(places, undo);
		break;
	case UNDO_MOUNT:
		failed = seam_unmount(places->root, undo->name);
		break;
	case UNDO_INSTANCE:
		failed = seam_remove_folder(places->root, undo->name);
		break;
	case UNDO_SWAP:
		failed = seam_swap_off(places->root, undo->name);
		break;
	case UNDO_ZRAM:
		failed = zram_remove(places->root, undo->name);
		break;
	case UNDO_ZRAM_NEW:
		failed = zram_remove_new(places->root, undo->name);
		break;
	case UNDO_FILE:
		failed = seam_unlink(places->root, undo->name);
		break;
	case UNDO_FOLDER:
		failed = remove_folder(places, undo->name);
		break;
	case UNDO_KIND_LIMIT:
		assert(false && "every kind is undone");
	}
	if (failed == 0 || is_gone(undo->kind, failed))
		return 0;
	return why_say(why, failed, "%s %.160s cannot be removed: %s", undo_kind_word(undo->kind),
		undo->name, strerror(-failed));
}

int undo_sweep(const struct places *places)
{
	const int descriptor =
		seam_open(places->root, places->state, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
	int failed = 0;

	if (descriptor < 0)
		return descriptor == -ENOENT ? 0 : descriptor;
	DIR *const folder = fdopendir(descriptor);
	if (folder == NULL) {
		seam_close(descriptor, places->state);
		return -ENOMEM;
	}
	for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
		struct undo undo = {.kind = UNDO_SWAP};
		char why[WHY_BYTES];

		if (!is_plain_word(entry->d_name))
			continue;
		(void)snprintf(undo.name, sizeof(undo.name), "%s/%s", places->state, entry->d_name);
		(void)undo_do(places, &undo, why);
		undo.kind = entry->d_type == DT_DIR ? UNDO_FOLDER : UNDO_FILE;
		const int left = undo_do(places, &undo, why);
		if (left == 0)
			places_say(places, "removed %s, which a killed run had left", undo.name);
		else
			places_say(places, "%s", why);
		failed = failed == 0 ? left : failed;
	}
	(void)closedir(folder);
	return failed;
}
