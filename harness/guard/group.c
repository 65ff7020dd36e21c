/* SPDX-License-Identifier: Apache-2.0 */
#include "guard/group.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "guard/seam.h"
#include "kernel/mounts.h"
#include "kernel/values.h"

#define MOUNTINFO_BYTES ((size_t)1 << 20)
#define FILE_BYTES	((size_t)16 << 10)
#define PROCESSES_BYTES ((size_t)32 << 10)
#define WORD_BYTES	32

/* The member file of a group, as a path without root. */
static int member_path(const char *folder, const char *file, char path[PATH_MAX])
{
	const int length = snprintf(path, PATH_MAX, "%s/%s", folder, file);

	return length < 0 || length >= PATH_MAX ? -ENAMETOOLONG : 0;
}

static ssize_t read_member(
	const char *root, const char *folder, const char *file, char *text, size_t capacity_bytes)
{
	char path[PATH_MAX];
	const int failed = member_path(folder, file, path);

	return failed != 0 ? failed : seam_read_text(root, path, text, capacity_bytes);
}

static int write_member(const char *root, const char *folder, const char *file, const char *text)
{
	char path[PATH_MAX];
	const int failed = member_path(folder, file, path);

	return failed != 0 ? failed : seam_write_text(root, path, text);
}

static bool has_member(const char *root, const char *folder, const char *file)
{
	char path[PATH_MAX];

	return member_path(folder, file, path) == 0 && seam_exists(root, path);
}

/* Whether the list of controllers in the file has memory. */
static bool lists_memory(const char *root, const char *folder, const char *file)
{
	char text[FILE_BYTES];
	struct kernel_text rest, word;

	if (read_member(root, folder, file, text, sizeof(text)) < 0)
		return false;
	rest = kernel_text_of(text);
	while (kernel_word_next(&rest, &word))
		if (kernel_text_is(word, "memory"))
			return true;
	return false;
}

static bool may_write(const char *root, const char *folder)
{
	char path[PATH_MAX];

	return snprintf(path, sizeof(path), "%s%s", root, folder) < PATH_MAX &&
	       access(path, W_OK) == 0;
}

static void no_place(struct group_place *place, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void no_place(struct group_place *place, const char *format, ...)
{
	va_list arguments;

	place->version = 0;
	place->enables = place->vacates = false;
	va_start(arguments, format);
	(void)vsnprintf(place->reason, sizeof(place->reason), format, arguments);
	va_end(arguments);
}

/* Whether we are the only process in the group. */
static bool is_alone(const char *root, const char *folder)
{
	char text[FILE_BYTES];
	struct kernel_text rest, word;
	size_t count = 0;
	bool found = false;

	if (read_member(root, folder, "cgroup.procs", text, sizeof(text)) < 0)
		return false;
	rest = kernel_text_of(text);
	while (kernel_word_next(&rest, &word)) {
		uint64_t pid = 0;
		found = found || (kernel_text_decimal(word, &pid) && pid == (uint64_t)getpid());
		count++;
	}
	return found && count == 1;
}

/* The nearest group above that hands memory down and takes a new group from us. */
static bool find_above(const char *root, const char *mount_point, char folder[PATH_MAX])
{
	char above[PATH_MAX];

	(void)snprintf(above, sizeof(above), "%s", folder);
	while (strlen(above) > strlen(mount_point)) {
		*strrchr(above, '/') = '\0';
		if (strlen(above) < strlen(mount_point))
			return false;
		if (lists_memory(root, above, "cgroup.subtree_control") && may_write(root, above)) {
			memcpy(folder, above, sizeof(above));
			return true;
		}
	}
	return false;
}

/*
 * linux:6.12:kernel/cgroup/cgroup.c:cgroup_vet_subtree_control_enable: a group other than the
 * hierarchy's root hands controllers down only while no process is in it.
 */
static void find_unified(const char *root, const char *mount_point, struct group_place *place)
{
	const bool may = may_write(root, place->folder);

	if (!lists_memory(root, place->folder, "cgroup.controllers")) {
		no_place(place,
			"the memory controller is not handed down to our group %.120s; run in a "
			"group "
			"of its own: systemd-run --scope -p Delegate=yes mmconform ...",
			place->folder);
	} else if (may && lists_memory(root, place->folder, "cgroup.subtree_control")) {
		place->enables = false;
	} else if (may && !has_member(root, place->folder, "cgroup.type")) {
		/* Only the root of the hierarchy has no type. */
		place->enables = true;
	} else if (may && is_alone(root, place->folder)) {
		place->enables = place->vacates = true;
	} else if (!find_above(root, mount_point, place->folder)) {
		no_place(place,
			may ? "other processes live in our group %.120s, so it may not hand the "
			      "memory "
			      "controller down; systemd-run --scope -p Delegate=yes mmconform ..."
			    : "no right to make a group in %.120s; run as root, or systemd-run "
			      "--user "
			      "--scope -p Delegate=yes mmconform ...",
			place->folder);
	}
}

static void find_in(const char *root, struct kernel_text cgroup, struct kernel_text mountinfo,
	struct group_place *place)
{
	struct kernel_memory_group own;
	struct kernel_error error;
	struct kernel_mount mount;
	char mount_point[PATH_MAX];

	if (kernel_memory_group_find(cgroup, mountinfo, &own, &error) != 0) {
		no_place(place, "groups: line %u: %.100s", error.line, error.reason);
		return;
	}
	place->version = own.version;
	if (own.version == 0) {
		no_place(place, "no memory controller is mounted (kernel without CONFIG_MEMCG, "
				"cgroup_disable=memory, or no cgroup file system here)");
		return;
	}
	if (!kernel_memory_group_folder(&own, place->folder, sizeof(place->folder)) ||
		!kernel_unescape(own.mount_point, mount_point, sizeof(mount_point))) {
		no_place(place, "our own memory group lies outside of what is mounted here");
		return;
	}
	if (kernel_mount_of_path(mountinfo, place->folder, &mount, &error) == 1 &&
		(kernel_option_has(mount.options, "ro") ||
			kernel_option_has(mount.super_options, "ro"))) {
		no_place(place,
			"the groups at %.120s are mounted read-only; run outside of the "
			"container, or with the groups writable",
			mount_point);
		return;
	}
	if (own.version == 2)
		find_unified(root, mount_point, place);
	else if (!has_member(root, place->folder, "memory.limit_in_bytes"))
		no_place(place, "%.120s has no memory.limit_in_bytes", place->folder);
	else if (!may_write(root, place->folder))
		no_place(place, "no right to make a group in %.120s; run as root", place->folder);
}

void group_place_find(const char *root, struct group_place *place)
{
	char cgroup[FILE_BYTES];
	char *const mountinfo = malloc(MOUNTINFO_BYTES);

	*place = (struct group_place){0};
	if (mountinfo == NULL ||
		seam_read_text(root, "/proc/self/cgroup", cgroup, sizeof(cgroup)) < 0 ||
		seam_read_text(root, "/proc/self/mountinfo", mountinfo, MOUNTINFO_BYTES) < 0)
		no_place(place, "/proc/self/cgroup or mountinfo cannot be read");
	else
		find_in(root, kernel_text_of(cgroup), kernel_text_of(mountinfo), place);
	free(mountinfo);
}

/* One of two member files, by version; NULL: this version has no such limit. */
static int write_by_version(
	const struct group *group, const char *file_v1, const char *file_v2, const char *text)
{
	const char *const file = group->version == 1 ? file_v1 : file_v2;

	return file == NULL ? -EOPNOTSUPP : write_member(group->root, group->folder, file, text);
}

static int write_bytes(
	const struct group *group, const char *file_v1, const char *file_v2, uint64_t bytes)
{
	char text[WORD_BYTES];

	if (bytes == GROUP_UNLIMITED)
		(void)snprintf(text, sizeof(text), "%s", group->version == 1 ? "-1" : "max");
	else
		(void)snprintf(text, sizeof(text), "%" PRIu64, bytes);
	return write_by_version(group, file_v1, file_v2, text);
}

int group_limit(const struct group *group, uint64_t limit_bytes)
{
	return write_bytes(group, "memory.limit_in_bytes", "memory.max", limit_bytes);
}

int group_swap_limit(const struct group *group, uint64_t limit_bytes)
{
	uint64_t memory_bytes = 0;

	if (group->version == 1 && limit_bytes != GROUP_UNLIMITED) {
		const int failed = group_limit_in_force(group, &memory_bytes);
		if (failed != 0)
			return failed;
		if (memory_bytes == GROUP_UNLIMITED)
			return -EINVAL;
		limit_bytes += memory_bytes;
	}
	return write_bytes(group, "memory.memsw.limit_in_bytes", "memory.swap.max", limit_bytes);
}

int group_high(const struct group *group, uint64_t limit_bytes)
{
	return write_bytes(group, NULL, "memory.high", limit_bytes);
}

int group_swappiness(const struct group *group, unsigned swappiness)
{
	char text[WORD_BYTES];

	(void)snprintf(text, sizeof(text), "%u", swappiness);
	return write_by_version(group, "memory.swappiness", NULL, text);
}

int group_oom_together(const struct group *group, bool together)
{
	return write_by_version(group, NULL, "memory.oom.group", together ? "1" : "0");
}

int group_add(const struct group *group, pid_t pid)
{
	char text[WORD_BYTES];

	(void)snprintf(text, sizeof(text), "%d", (int)pid);
	return write_by_version(group, "cgroup.procs", "cgroup.procs", text);
}

void group_join_path(const struct group *group, char *path, size_t capacity_bytes)
{
	(void)snprintf(path, capacity_bytes, "%s%s/cgroup.procs", group->root, group->folder);
}

static int read_bytes(
	const struct group *group, const char *file_v1, const char *file_v2, uint64_t *bytes)
{
	char text[WORD_BYTES + 1];
	const ssize_t length_bytes = read_member(group->root, group->folder,
		group->version == 1 ? file_v1 : file_v2, text, sizeof(text));

	if (length_bytes < 0)
		return (int)length_bytes;
	const struct kernel_text trimmed = kernel_text_trimmed(kernel_text_of(text));
	if (kernel_text_is(trimmed, "max"))
		*bytes = GROUP_UNLIMITED;
	else if (!kernel_text_decimal(trimmed, bytes))
		return -EBADMSG;
	return 0;
}

int group_usage(const struct group *group, uint64_t *bytes)
{
	return read_bytes(group, "memory.usage_in_bytes", "memory.current", bytes);
}

int group_limit_in_force(const struct group *group, uint64_t *bytes)
{
	const int failed = read_bytes(group, "memory.limit_in_bytes", "memory.max", bytes);

	/* v1 prints the largest counter for "none": LONG_MAX in pages, as bytes
	 * (linux:6.12:include/linux/page_counter.h:PAGE_COUNTER_MAX). */
	if (failed == 0 && *bytes > (uint64_t)INT64_MAX - (uint64_t)sysconf(_SC_PAGESIZE))
		*bytes = GROUP_UNLIMITED;
	return failed;
}

static int read_counter(
	const struct group *group, const char *file, const char *name, bool *has, uint64_t *value)
{
	char text[FILE_BYTES];
	const ssize_t length_bytes =
		read_member(group->root, group->folder, file, text, sizeof(text));

	if (length_bytes < 0)
		return (int)length_bytes;
	*has = kernel_vmstat_find(kernel_text_of(text), name, value);
	return 0;
}

int group_stat(const struct group *group, const char *name, uint64_t *value)
{
	bool has = false;
	const int failed = read_counter(group, "memory.stat", name, &has, value);

	return failed != 0 ? failed : has ? 0 : -ENOENT;
}

int group_events(const struct group *group, struct group_events *events)
{
	int failed = 0;

	*events = (struct group_events){0};
	if (group->version == 1) {
		failed = read_counter(group, "memory.oom_control", "oom_kill",
			&events->has_oom_kill, &events->oom_kill);
		if (failed == 0)
			failed = read_bytes(group, "memory.failcnt", NULL, &events->failures);
		events->has_failures = failed == 0;
		return failed;
	}
	failed = read_counter(group, "memory.events", "oom", &events->has_oom, &events->oom);
	if (failed == 0)
		failed = read_counter(group, "memory.events", "oom_kill", &events->has_oom_kill,
			&events->oom_kill);
	if (failed == 0)
		failed = read_counter(
			group, "memory.events", "max", &events->has_failures, &events->failures);
	return failed;
}

/*
 * One process of the group. The descriptor is taken before the group is asked again whether it
 * still has that number, so that a number used again cannot get somebody else killed.
 */
static int kill_process(const struct group *group, uint64_t pid, uint64_t deadline_ns)
{
	char text[PROCESSES_BYTES];
	const int descriptor = seam_process_open((pid_t)pid);
	bool still = false;

	if (descriptor < 0)
		return descriptor == -ESRCH ? 0 : descriptor;
	if (read_member(group->root, group->folder, "cgroup.procs", text, sizeof(text)) >= 0) {
		struct kernel_text rest = kernel_text_of(text), word;
		uint64_t member = 0;

		while (!still && kernel_word_next(&rest, &word))
			still = kernel_text_decimal(word, &member) && member == pid;
	}
	int failed = still ? seam_process_kill(descriptor) : 0;
	if (failed == 0 && still) {
		const uint64_t now_ns = clock_now_ns();
		struct pollfd ending = {.fd = descriptor, .events = POLLIN};

		/* Readable when it has left its groups and only waits to be reaped. */
		if (now_ns >= deadline_ns ||
			poll(&ending, 1, (int)((deadline_ns - now_ns) / CLOCK_NS_IN_MS)) == 0)
			failed = -ETIMEDOUT;
	}
	(void)close(descriptor);
	return failed == -ESRCH ? 0 : failed;
}

int group_kill(const struct group *group, unsigned deadline_ms)
{
	const uint64_t until_ns = clock_now_ns() + deadline_ms * CLOCK_NS_IN_MS;
	char text[PROCESSES_BYTES];

	/* Again until none is left: while some are killed, others may have forked. */
	for (;;) {
		const ssize_t length_bytes =
			read_member(group->root, group->folder, "cgroup.procs", text, sizeof(text));
		struct kernel_text rest, word;
		size_t killed_count = 0;

		if (length_bytes < 0)
			return length_bytes == -ENOENT || length_bytes == -ENODEV
				       ? 0
				       : (int)length_bytes;
		if (has_member(group->root, group->folder, "cgroup.kill"))
			(void)write_member(group->root, group->folder, "cgroup.kill", "1");
		rest = kernel_text_of(text);
		while (kernel_word_next(&rest, &word)) {
			uint64_t pid = 0;

			/* 0 is a process of a namespace that we cannot see. */
			if (!kernel_text_decimal(word, &pid) || pid == 0 ||
				pid == (uint64_t)getpid())
				return -EBUSY;
			const int failed = kill_process(group, pid, until_ns);
			if (failed != 0)
				return failed;
			killed_count++;
		}
		if (killed_count == 0)
			return 0;
		if (clock_now_ns() > until_ns)
			return -ETIMEDOUT;
	}
}
