/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory groups of a trial's own, below the one that the guard made for it: that one has a limit,
 * so whatever a trial fills up, the host does not notice. The guard removes what is left of them.
 *
 * Where the two versions of the interface have one thing under two names, it has one name here.
 */
#ifndef TRIAL_MEMORY_GROUP_H
#define TRIAL_MEMORY_GROUP_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "kernel/text.h"
#include "trial/files.h"

struct memory_group {
	unsigned version; /* 1 or 2 */
	char folder[PATH_MAX];
};

#define MEMORY_GROUP_UNLIMITED INT64_MAX

/* Our own one. In version 2 the trial moves to a leaf of it first, so that it may have children. */
struct memory_group memory_group_own(void);
/* A new group. With children: groups can be made below it, and no process may be in it. */
struct memory_group memory_group_below(
	const struct memory_group *parent, const char *name, bool has_children);
/* No process is in it any more. What it held is charged to its parent. */
void memory_group_remove(const struct memory_group *group);

/* Moves a process; 0 is the caller. What it was charged for stays where it was charged. */
void memory_group_enter(const struct memory_group *group, pid_t process);

/* Back to our own one, or to the leaf of it that we were in. */
void memory_group_leave(const struct memory_group *own);

enum group_limit {
	GROUP_LIMIT_MEMORY,
	GROUP_LIMIT_SWAP, /* of swap alone; in version 1 set it after the limit of memory */
	GROUP_LIMIT_HIGH, /* version 2 */
	GROUP_LIMIT_LOW,  /* version 2 */
	GROUP_LIMIT_MIN,  /* version 2 */
	GROUP_LIMIT_SOFT, /* version 1 */
};

/* 0 or the errno: some limits are refused when what is there does not fit. */
int memory_group_limit(const struct memory_group *group, enum group_limit limit, int64_t pages);

/* Whether the kernel limits the swap of groups at all. */
bool memory_group_limits_swap(const struct memory_group *group);
/* Version 1. */
int64_t memory_group_soft_limit_pages(const struct memory_group *group);
/* Version 1: the most that memory and swap ever were together. How often they met their limit is
 * counted no more: "page_counter: track failcnt only for legacy cgroups" (6.15) forgot them. */
int64_t memory_group_most_of_both_pages(const struct memory_group *group);
/* Its limit, and the swap that it may take: what the OOM killer sets sizes in it beside. */
int64_t memory_group_capacity_pages(const struct memory_group *group);
int64_t memory_group_usage_pages(const struct memory_group *group);
/* What the kernel keeps for the group in pages of its own. */
int64_t memory_group_kernel_pages(const struct memory_group *group);
/* Processes killed in it for want of memory; version 2 counts those below as well. */
int64_t memory_group_kills(const struct memory_group *group);
/* How often a charge met the limit. */
int64_t memory_group_failures(const struct memory_group *group);
/* A line of memory.events; version 2. */
int64_t memory_group_event(const struct memory_group *group, const char *name);
/* A line of memory.stat, by the name that it has in each version. */
int64_t memory_group_stat(
	const struct memory_group *group, const char *name_v1, const char *name_v2);

/* A file of the group: its text is valid until the next one is read. */
struct kernel_text memory_group_read(const struct memory_group *group, const char *file);
/* Opened once, for reading again and again; path must outlive it. */
struct kernel_file memory_group_open(
	const struct memory_group *group, const char *file, char path[PATH_MAX]);
bool memory_group_has(const struct memory_group *group, const char *file);
/* 0 or the errno. */
int memory_group_write(const struct memory_group *group, const char *file, const char *text);

#endif
