/* SPDX-License-Identifier: Apache-2.0 */
/* Where things are mounted, and in which groups a process is. */
#ifndef KERNEL_MOUNTS_H
#define KERNEL_MOUNTS_H

#include "kernel/text.h"

/* A line of /proc/PID/mountinfo. root, point and source are escaped (\040 for a blank). */
struct kernel_mount {
	struct kernel_text root;  /* of the file system, as far as this mount shows it */
	struct kernel_text point; /* where */
	struct kernel_text type, source, super_options;
	bool read_only; /* the mount or the file system */
};

int kernel_mount_parse(
	struct kernel_text line, struct kernel_mount *mount, struct kernel_error *error);
/* false: does not fit. */
bool kernel_mount_unescape(struct kernel_text text, char *buffer, size_t capacity_bytes);
/* Whether the comma-separated list holds the word. */
bool kernel_list_has(struct kernel_text list, const char *word);

/* A line of /proc/PID/cgroup: "4:memory:/a/b", "0::/a/b". */
struct kernel_cgroup {
	uint64_t hierarchy; /* 0: the unified one */
	struct kernel_text controllers, path;
};

int kernel_cgroup_parse(
	struct kernel_text line, struct kernel_cgroup *cgroup, struct kernel_error *error);

#endif
