/* SPDX-License-Identifier: Apache-2.0 */
#include "trial/memory_group.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kernel/mounts.h"
#include "kernel/values.h"
#include "trial/files.h"
#include "trial/trial.h"

#define NAME_BYTES 64

/* Where a trial lives in version 2, which has no processes in a group that has children. */
#define LEAF "trial"

static void path_of(const struct memory_group *group, const char *file, char path[PATH_MAX])
{
	const int length = snprintf(path, PATH_MAX, "%s/%s", group->folder, file);

	MUST(length > 0 && length < PATH_MAX);
}

int memory_group_write(const struct memory_group *group, const char *file, const char *text)
{
	char path[PATH_MAX];

	path_of(group, file, path);
	return kernel_write(path, text);
}

bool memory_group_has(const struct memory_group *group, const char *file)
{
	char path[PATH_MAX];

	path_of(group, file, path);
	return access(path, F_OK) == 0;
}

struct kernel_text memory_group_read(const struct memory_group *group, const char *file)
{
	static char text[1 << 14];
	char path[PATH_MAX];

	path_of(group, file, path);
	return kernel_small_text_at(path, text, sizeof(text));
}

struct kernel_file memory_group_open(
	const struct memory_group *group, const char *file, char path[PATH_MAX])
{
	path_of(group, file, path);
	return kernel_file_open(path, KERNEL_FILE_USUAL_BYTES);
}

static void hand_down(const struct memory_group *group)
{
	const int why = memory_group_write(group, "cgroup.subtree_control", "+memory");

	if (why != 0)
		broken("memory cannot be handed down: %s", strerror(why));
}

struct memory_group memory_group_own(void)
{
	static char cgroup[1 << 14], mountinfo[1 << 17];
	struct kernel_memory_group found;
	struct kernel_error error;
	struct memory_group own;

	if (kernel_memory_group_find(
		    kernel_small_text_at("/proc/self/cgroup", cgroup, sizeof(cgroup)),
		    kernel_small_text_at("/proc/self/mountinfo", mountinfo, sizeof(mountinfo)),
		    &found, &error) != 0)
		broken("groups: line %u: %s", error.line, error.reason);
	MUST(found.version != 0);
	own.version = found.version;
	MUST(kernel_memory_group_folder(&found, own.folder, sizeof(own.folder)));
	if (own.version == 2) {
		(void)memory_group_below(&own, LEAF, false);
		memory_group_leave(&own);
		hand_down(&own);
	}
	return own;
}

struct memory_group memory_group_below(
	const struct memory_group *parent, const char *name, bool has_children)
{
	struct memory_group group = {.version = parent->version};

	path_of(parent, name, group.folder);
	if (mkdir(group.folder, 0755) != 0)
		broken("the group %s cannot be made: %s", name, strerror(errno));
	if (has_children && group.version == 2)
		hand_down(&group);
	return group;
}

void memory_group_remove(const struct memory_group *group)
{
	/* A process that ended a moment ago may still be on its way out of the group. */
	while (rmdir(group->folder) != 0)
		if (errno != EBUSY)
			broken("%s cannot be removed: %s", group->folder, strerror(errno));
}

void memory_group_enter(const struct memory_group *group, pid_t process)
{
	char text[NAME_BYTES];

	(void)snprintf(text, sizeof(text), "%d", process);
	const int why = memory_group_write(group, "cgroup.procs", text);
	if (why != 0)
		broken("%s/cgroup.procs: %s", group->folder, strerror(why));
}

void memory_group_leave(const struct memory_group *own)
{
	struct memory_group home = *own;

	if (own->version == 2)
		path_of(own, LEAF, home.folder);
	memory_group_enter(&home, 0);
}

static const char *limit_file(const struct memory_group *group, enum group_limit limit)
{
	const bool first = group->version == 1;

	switch (limit) {
	case GROUP_LIMIT_MEMORY:
		return first ? "memory.limit_in_bytes" : "memory.max";
	case GROUP_LIMIT_SWAP:
		return first ? "memory.memsw.limit_in_bytes" : "memory.swap.max";
	case GROUP_LIMIT_HIGH:
		return first ? NULL : "memory.high";
	case GROUP_LIMIT_LOW:
		return first ? NULL : "memory.low";
	case GROUP_LIMIT_MIN:
		return first ? NULL : "memory.min";
	case GROUP_LIMIT_SOFT:
		return first ? "memory.soft_limit_in_bytes" : NULL;
	}
	return NULL;
}

static int64_t number_of(const struct memory_group *group, const char *file)
{
	int64_t value = 0;

	if (!kernel_text_signed(kernel_text_trimmed(memory_group_read(group, file)), &value))
		broken("%s/%s: not a number", group->folder, file);
	return value;
}

int memory_group_limit(const struct memory_group *group, enum group_limit limit, int64_t pages)
{
	const char *file = limit_file(group, limit);
	char text[NAME_BYTES];

	MUST(file != NULL);
	/* Version 1 limits memory and swap together. */
	if (limit == GROUP_LIMIT_SWAP && group->version == 1 && pages != MEMORY_GROUP_UNLIMITED)
		pages += (int64_t)vm_bytes_to_pages_floor(
			(uint64_t)number_of(group, "memory.limit_in_bytes"));
	if (pages == MEMORY_GROUP_UNLIMITED)
		(void)snprintf(text, sizeof(text), "%s", group->version == 1 ? "-1" : "max");
	else
		(void)snprintf(text, sizeof(text), "%" PRIu64, vm_pages_to_bytes((uint64_t)pages));
	/* A kernel without accounting of swap has nothing to limit. */
	if (limit == GROUP_LIMIT_SWAP && !memory_group_limits_swap(group))
		return 0;
	return memory_group_write(group, file, text);
}

bool memory_group_limits_swap(const struct memory_group *group)
{
	return memory_group_has(group, limit_file(group, GROUP_LIMIT_SWAP));
}

int64_t memory_group_soft_limit_pages(const struct memory_group *group)
{
	return (int64_t)vm_bytes_to_pages_floor(
		(uint64_t)number_of(group, limit_file(group, GROUP_LIMIT_SOFT)));
}

int64_t memory_group_most_of_both_pages(const struct memory_group *group)
{
	return (int64_t)vm_bytes_to_pages_floor(
		(uint64_t)number_of(group, "memory.memsw.max_usage_in_bytes"));
}

/* linux:6.12:mm/memcontrol.c:mem_cgroup_get_max. The limit of swap is 0 where there can be one. */
int64_t memory_group_capacity_pages(const struct memory_group *group)
{
	const int64_t limit_pages = (int64_t)vm_bytes_to_pages_floor(
		(uint64_t)number_of(group, limit_file(group, GROUP_LIMIT_MEMORY)));
	static char meminfo[1 << 14];

	if (memory_group_limits_swap(group))
		return limit_pages;
	const int64_t swap_kib = kernel_meminfo_value(
		kernel_small_text_at("/proc/meminfo", meminfo, sizeof(meminfo)), "SwapTotal");
	return limit_pages + (int64_t)vm_kib_to_pages_floor((uint64_t)swap_kib);
}

int64_t memory_group_usage_pages(const struct memory_group *group)
{
	const char *file = group->version == 1 ? "memory.usage_in_bytes" : "memory.current";

	return (int64_t)vm_bytes_to_pages_floor((uint64_t)number_of(group, file));
}

static int64_t value_of(const struct memory_group *group, const char *file, const char *name)
{
	uint64_t value = 0;

	if (!kernel_vmstat_find(memory_group_read(group, file), name, &value))
		broken("%s/%s has no %s", group->folder, file, name);
	return (int64_t)value;
}

int64_t memory_group_kernel_pages(const struct memory_group *group)
{
	const int64_t bytes = group->version == 1 ? number_of(group, "memory.kmem.usage_in_bytes")
						  : value_of(group, "memory.stat", "kernel");

	return (int64_t)vm_bytes_to_pages_floor((uint64_t)bytes);
}

int64_t memory_group_kills(const struct memory_group *group)
{
	return value_of(
		group, group->version == 1 ? "memory.oom_control" : "memory.events", "oom_kill");
}

int64_t memory_group_failures(const struct memory_group *group)
{
	return group->version == 1 ? number_of(group, "memory.failcnt")
				   : value_of(group, "memory.events", "max");
}

int64_t memory_group_event(const struct memory_group *group, const char *name)
{
	return value_of(group, "memory.events", name);
}

int64_t memory_group_stat(
	const struct memory_group *group, const char *name_v1, const char *name_v2)
{
	return value_of(group, "memory.stat", group->version == 1 ? name_v1 : name_v2);
}
