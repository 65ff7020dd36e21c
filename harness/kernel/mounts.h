/* SPDX-License-Identifier: Apache-2.0 */
/* Where things are: mountinfo, the memory controller's group of a process, swap areas. */
#ifndef KERNEL_MOUNTS_H
#define KERNEL_MOUNTS_H

#include "kernel/text.h"

/* linux:6.12:fs/proc_namespace.c:show_mountinfo. Spans are escaped as the kernel does (\040). */
struct kernel_mount {
	uint64_t device_major, device_minor;
	struct kernel_text root; /* the folder of the file system that is mounted */
	struct kernel_text mount_point;
	struct kernel_text options, super_options; /* comma-separated */
	struct kernel_text type, source;
};

/* 1 and a mount, 0 at the end, -EINVAL; the cursor starts as kernel_lines_of(text). */
int kernel_mountinfo_next(
	struct kernel_lines *lines, struct kernel_mount *mount, struct kernel_error *error);

/* Whether a comma-separated list has the word. */
bool kernel_option_has(struct kernel_text options, const char *word);

/* Undoes the escapes; false when it does not fit. */
bool kernel_unescape(struct kernel_text text, char *buffer, size_t capacity_bytes);

/*
 * The mount that the absolute path lies on: the last one of the longest matching mount points.
 * 1, 0 when there is none, -EINVAL.
 */
int kernel_mount_of_path(struct kernel_text mountinfo, const char *path, struct kernel_mount *mount,
	struct kernel_error *error);

/* The group of a process in the hierarchy that has the memory controller. */
struct kernel_memory_group {
	/* 1: the controller is mounted in a hierarchy of its own; 2: there is a unified hierarchy,
	 * and its cgroup.controllers says whether memory is in it; 0: neither. */
	unsigned version;
	struct kernel_text mount_point, mount_root; /* escaped */
	struct kernel_text path; /* of the group within the hierarchy, not escaped */
};

/* From /proc/pid/cgroup and /proc/pid/mountinfo. */
int kernel_memory_group_find(struct kernel_text cgroup, struct kernel_text mountinfo,
	struct kernel_memory_group *group, struct kernel_error *error);

/* The group's folder, or false when it lies outside of what is mounted, or does not fit. */
bool kernel_memory_group_folder(
	const struct kernel_memory_group *group, char *buffer, size_t capacity_bytes);

/* linux:6.12:mm/swapfile.c:swap_show */
struct kernel_swap {
	struct kernel_text path; /* escaped */
	bool is_partition;
	uint64_t size_kib, used_kib;
	int64_t priority;
};

int kernel_swaps_next(
	struct kernel_lines *lines, struct kernel_swap *swap, struct kernel_error *error);

#endif
