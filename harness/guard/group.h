/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory groups behind one interface: cgroup v1's memory hierarchy and the unified hierarchy (v2).
 *
 * Where the memory controller is mounted, whether we may make a group, and where, is found from
 * mountinfo and /proc/self/cgroup, so nested groups, containers, cgroup namespaces and read-only
 * mounts are all the same case: a place, or the reason why there is none. That is a skip, never an
 * error. Groups are made and removed by the guard (guard.h), so that none is left behind.
 */
#ifndef GUARD_GROUP_H
#define GUARD_GROUP_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define GROUP_REASON_BYTES 256
#define GROUP_UNLIMITED	   UINT64_MAX

/* Where groups can be made. Paths are as the host sees them, without the root of tests. */
struct group_place {
	unsigned version; /* 1, 2, or 0: nowhere, and reason says why */
	char folder[PATH_MAX];
	char reason[GROUP_REASON_BYTES];
	/* v2: the folder's group has to hand the controller down first, ... */
	bool enables;
	/* ... and our own processes have to leave it before it may (no internal processes). */
	bool vacates;
};

struct group {
	const char *root; /* before every path; "" on this host */
	unsigned version;
	char folder[PATH_MAX];
};

void group_place_find(const char *root, struct group_place *place);

/*
 * Limits in bytes, GROUP_UNLIMITED for none. 0 or a negative errno; -ENOENT or -EOPNOTSUPP where
 * this version or kernel has no such limit. swap_limit is of swap alone: v1 counts memory and swap
 * together, so there the memory limit has to be set before it.
 */
__attribute__((warn_unused_result)) int group_limit(
	const struct group *group, uint64_t limit_bytes);
__attribute__((warn_unused_result)) int group_swap_limit(
	const struct group *group, uint64_t limit_bytes);
__attribute__((warn_unused_result)) int group_high(const struct group *group, uint64_t limit_bytes);
__attribute__((warn_unused_result)) int group_swappiness(
	const struct group *group, unsigned swappiness);
__attribute__((warn_unused_result)) int group_oom_together(
	const struct group *group, bool together);

/* Moves a process in, with all its threads; pid 0 is the caller. */
__attribute__((warn_unused_result)) int group_add(const struct group *group, pid_t pid);
/* The file to write "0" to before exec, for launch.join. */
void group_join_path(const struct group *group, char *path, size_t capacity_bytes);

__attribute__((warn_unused_result)) int group_usage(const struct group *group, uint64_t *bytes);
__attribute__((warn_unused_result)) int group_limit_in_force(
	const struct group *group, uint64_t *bytes);
/* A line of memory.stat ("anon", "rss": the names differ between the versions). */
__attribute__((warn_unused_result)) int group_stat(
	const struct group *group, const char *name, uint64_t *value);

/* Counted since the group was made. Where a version does not count something it is absent. */
struct group_events {
	bool has_oom, has_oom_kill, has_failures;
	uint64_t oom;	   /* times that the group was out of memory (v2) */
	uint64_t oom_kill; /* processes killed for it */
	uint64_t failures; /* times that a charge met the limit: v1 failcnt, v2 "max" */
};

__attribute__((warn_unused_result)) int group_events(
	const struct group *group, struct group_events *events);

/* Kills every process in the group and waits, at most deadline_ms, until they are gone. */
__attribute__((warn_unused_result)) int group_kill(const struct group *group, unsigned deadline_ms);

#endif
