/* SPDX-License-Identifier: Apache-2.0 */
#include "facts/derive.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "facts/ask.h"
#include "facts/cpuid.h"
#include "facts/features.h"
#include "facts/knobs.h"
#include "kernel/lists.h"
#include "kernel/mounts.h"
#include "kernel/process.h"
#include "kernel/system.h"
#include "kernel/values.h"

static const char *const text_words[] = {
#define TEXT_WORD(name, word) [FACTS_TEXT_##name] = (word),
	FACTS_TEXTS(TEXT_WORD)
#undef TEXT_WORD
};

const char *facts_text_word(enum facts_text text)
{
	return text_words[text];
}

const char *facts_evidence_word(enum vm_evidence evidence)
{
	switch (evidence) {
	case VM_EVIDENCE_NONE:
		return "none";
	case VM_EVIDENCE_CONFIG:
		return "config";
	case VM_EVIDENCE_SURFACE:
		return "surface";
	case VM_EVIDENCE_CPUID:
		return "cpuid";
	case VM_EVIDENCE_VERSION:
		return "version";
	}
	return "none";
}

/* Printable ASCII, so that a text can go into any report as it is. */
static const char *clean(struct pool *pool, struct kernel_text text)
{
	char buffer[256];

	(void)kernel_text_copy(kernel_text_trimmed(text), buffer, sizeof(buffer));
	for (size_t i = 0; buffer[i] != '\0'; i++) {
		if (buffer[i] < ' ' || buffer[i] > '~')
			buffer[i] = '?';
	}
	return pool_text(pool, buffer);
}

/* A file without which nothing can be said at all. */
static int required(struct facts_source *source, const char *path, struct kernel_text *text)
{
	const struct source_text got = source_read(source, path);

	*text = got.text;
	if (got.error == 0)
		return 0;
	return source_fail_plainly(
		source, got.error, "%s/%s: %s", source->root, path, strerror(-got.error));
}

static const char *optional_line(struct facts_source *source, const char *path)
{
	const struct source_text got = source_read(source, path);

	return got.error == 0 ? clean(source->pool, got.text) : "";
}

/* How many a list of CPUs or nodes counts; otherwise where there is no such file. */
static uint32_t count_in_list(struct facts_source *source, const char *path, uint32_t otherwise)
{
	const struct source_text got = source_read(source, path);
	struct kernel_ranges ranges;
	struct kernel_error error;

	if (got.error != 0)
		return otherwise;
	if (kernel_ranges_parse(got.text, &ranges, &error) < 0) {
		(void)source_fail(source, path, &error);
		return otherwise;
	}
	return ranges.count == 0 ? otherwise : (uint32_t)ranges.count;
}

/* Bits of linux:6.12:include/uapi/linux/capability.h */
static const struct {
	unsigned bit;
	uint32_t capability;
	bool in_user_namespace; /* is worth something there as well */
} capabilities[] = {
	{21, VM_CAPABILITY_SYS_ADMIN, false},
	{17, VM_CAPABILITY_SYS_RAWIO, false},
	{14, VM_CAPABILITY_IPC_LOCK, false},
	{24, VM_CAPABILITY_SYS_RESOURCE, false},
	{19, VM_CAPABILITY_SYS_PTRACE, true},
	{23, VM_CAPABILITY_SYS_NICE, false},
};

/*
 * Root of a user namespace has all capabilities over what belongs to it, and none that the memory
 * management asks of the initial one. There ids are mapped one to one, all of them.
 */
static bool in_initial_user_namespace(struct facts_source *source)
{
	const struct source_text got = source_read(source, "proc/self/uid_map");
	struct kernel_text rest = got.text;
	uint64_t inside = 1, outside = 1, count = 0;

	if (got.error != 0)
		return true; /* a kernel without user namespaces */
	return kernel_number_next(&rest, &inside) && kernel_number_next(&rest, &outside) &&
	       kernel_number_next(&rest, &count) && inside == 0 && outside == 0 &&
	       count >= UINT32_MAX;
}

static int derive_rights(struct facts_source *source, struct vm_host *host)
{
	struct kernel_text text;
	struct kernel_status status;
	struct kernel_error error;

	if (required(source, "proc/self/status", &text) < 0)
		return source->failed;
	if (kernel_status_parse(text, &status, &error) < 0)
		return source_fail(source, "proc/self/status", &error);
	const bool initial = in_initial_user_namespace(source);
	host->capabilities = 0;
	for (size_t i = 0; i < sizeof(capabilities) / sizeof(capabilities[0]); i++) {
		if ((status.capabilities_effective >> capabilities[i].bit & 1) != 0 &&
			(initial || capabilities[i].in_user_namespace))
			host->capabilities |= capabilities[i].capability;
	}
	return 0;
}

static int derive_limits(struct facts_source *source, struct vm_host *host)
{
	static const char path[] = "proc/self/limits";
	struct kernel_text text;
	struct kernel_limit limit;
	struct kernel_error error;
	const struct {
		const char *name;
		uint64_t *bytes;
	} limits[] = {
		{"Max stack size", &host->stack_limit_bytes},
		{"Max locked memory", &host->memlock_limit_bytes},
		{"Max address space", &host->address_space_limit_bytes},
	};

	if (required(source, path, &text) < 0)
		return source->failed;
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		if (kernel_limits_find(text, limits[i].name, &limit, &error) < 0)
			return source_fail(source, path, &error);
		*limits[i].bytes = limit.soft;
	}
	return 0;
}

/* Version 2 has the memory controller only where its list says so. */
static bool hands_memory_down(struct facts_source *source, const struct kernel_memory_group *group)
{
	char point[PATH_MAX];

	if (!kernel_unescape(group->mount_point, point, sizeof(point)) || point[0] != '/')
		return false;
	const struct source_text got =
		source_read(source, pool_format(source->pool, "%s/cgroup.controllers", point + 1));
	struct kernel_text rest = got.text, word;
	while (got.error == 0 && kernel_word_next(&rest, &word)) {
		if (kernel_text_is(word, "memory"))
			return true;
	}
	return false;
}

static int derive_group(struct facts_source *source, struct vm_host *host, const char **folder)
{
	const struct source_text cgroup = source_read(source, "proc/self/cgroup");
	const struct source_text mountinfo = source_read(source, "proc/self/mountinfo");
	struct kernel_memory_group group;
	struct kernel_error error;
	char path[PATH_MAX];

	host->cgroup_version = 0;
	*folder = "";
	if (cgroup.error != 0 || mountinfo.error != 0)
		return 0;
	if (kernel_memory_group_find(cgroup.text, mountinfo.text, &group, &error) < 0)
		return source_fail(source, "proc/self/cgroup", &error);
	if (group.version == 2 && !hands_memory_down(source, &group))
		group.version = 0;
	host->cgroup_version = (uint8_t)group.version;
	if (kernel_memory_group_folder(&group, path, sizeof(path)))
		*folder = clean(source->pool, kernel_text_of(path));
	return 0;
}

int derive_again(struct facts_source *source, struct vm_host *host)
{
	const char *folder;

	for (enum vm_knob knob = 0; knob < VM_KNOB_LIMIT; knob++)
		host->knob[knob] = knob_read(source, knob);
	host->cpus_online = count_in_list(source, "sys/devices/system/cpu/online", 0);
	host->nodes_online = count_in_list(source, "sys/devices/system/node/online", 1);
	if (derive_rights(source, host) == 0 && derive_limits(source, host) == 0)
		(void)derive_group(source, host, &folder);
	return source->failed;
}

static int derive_cpu(struct facts_source *source, struct facts *facts)
{
	struct kernel_text text;
	struct cpuid_leaves leaves;
	struct kernel_error error;
	char name[CPUID_NAME_BYTES];

	if (required(source, ASK_CPUID, &text) < 0)
		return source->failed;
	if (cpuid_parse(text, &leaves, &error) < 0)
		return source_fail(source, ASK_CPUID, &error);
	cpuid_decode(&leaves, &facts->host.cpu);
	cpuid_name(&leaves, name);
	facts->text[FACTS_TEXT_CPU_NAME] = pool_text(source->pool, name);
	cpuid_hypervisor(&leaves, name);
	facts->text[FACTS_TEXT_HYPERVISOR] = !facts->host.cpu.hypervisor ? "none"
					     : name[0] == '\0'		 ? "without a name"
							       : pool_text(source->pool, name);
	return 0;
}

static int derive_release(
	struct facts_source *source, struct facts *facts, struct kernel_release *release)
{
	static const char path[] = "proc/sys/kernel/osrelease";
	struct kernel_text text;
	struct kernel_error error;

	if (required(source, path, &text) < 0)
		return source->failed;
	if (kernel_release_parse(text, release, &error) < 0)
		return source_fail(source, path, &error);
	const struct source_text version = source_read(source, "proc/version");
	const struct source_text signature = source_read(source, "proc/version_signature");
	if (version.error == 0)
		kernel_release_refine(kernel_version_of_debian(version.text), release);
	if (signature.error == 0) /* Ubuntu: "Ubuntu 6.8.0-45.45-generic 6.8.12" */
		kernel_release_refine(signature.text, release);
	facts->text[FACTS_TEXT_RELEASE] = clean(source->pool, text);
	facts->host.kernel_major = (uint16_t)release->major;
	facts->host.kernel_minor = (uint16_t)release->minor;
	facts->host.kernel_patch = (uint16_t)release->patch;
	return 0;
}

static int derive_memory(struct facts_source *source, struct facts *facts)
{
	struct kernel_text text;
	struct kernel_values values;
	struct kernel_error error;

	if (required(source, "proc/meminfo", &text) < 0)
		return source->failed;
	if (kernel_meminfo_parse(text, &values, &error) < 0)
		return source_fail(source, "proc/meminfo", &error);
	if (!kernel_values_find(&values, "MemTotal", &facts->memory_kib))
		return source_fail_plainly(
			source, -EINVAL, "%s/proc/meminfo: no MemTotal", source->root);
	(void)kernel_values_find(&values, "SwapTotal", &facts->swap_kib);
	return 0;
}

/* "work ext4" */
static const char *place(struct facts_source *source, const char *word)
{
	const struct source_text got = source_read(source, ASK_PLACES);
	struct kernel_lines lines = kernel_lines_of(got.text);
	struct kernel_error error;
	struct kernel_text line, first;

	while (got.error == 0 && kernel_line_next(&lines, &line, &error) > 0) {
		if (kernel_word_next(&line, &first) && kernel_text_is(first, word))
			return clean(source->pool, line);
	}
	return "";
}

/* What an engine left, or that our root is no file system of a host. */
static const char *container(struct facts_source *source)
{
	const struct source_text marks = source_read(source, ASK_MARKS);
	const struct source_text mountinfo = source_read(source, "proc/self/mountinfo");
	struct kernel_mount mount;
	struct kernel_error error;

	if (marks.error == 0 && marks.text.length_bytes != 0) {
		const struct kernel_text first = {.bytes = marks.text.bytes,
			.length_bytes = kernel_text_find(marks.text, '\n')};
		return clean(source->pool, first);
	}
	if (mountinfo.error == 0 &&
		kernel_mount_of_path(mountinfo.text, "/", &mount, &error) == 1 &&
		kernel_text_is(mount.type, "overlay"))
		return "overlay root";
	return "no";
}

static void derive_texts(struct facts_source *source, struct facts *facts)
{
	facts->text[FACTS_TEXT_CLOCKSOURCE] = optional_line(
		source, "sys/devices/system/clocksource/clocksource0/current_clocksource");
	facts->text[FACTS_TEXT_WORK_FILESYSTEM] = place(source, "work");
	facts->text[FACTS_TEXT_TEMPORARY_FILESYSTEM] = place(source, "temporary");
	facts->text[FACTS_TEXT_CONTAINER] = container(source);
	facts->text[FACTS_TEXT_TOPOLOGY] = optional_line(source, ASK_MACHINE);
}

static int derive_processors(
	struct facts_source *source, struct facts *facts, struct kernel_cpuinfo *cpuinfo)
{
	struct vm_host *host = &facts->host;
	struct kernel_text text;
	struct kernel_error error;

	if (required(source, "proc/cpuinfo", &text) < 0)
		return source->failed;
	if (kernel_cpuinfo_parse(text, cpuinfo, &error) < 0)
		return source_fail(source, "proc/cpuinfo", &error);
	facts->text[FACTS_TEXT_MICROCODE] = clean(source->pool, cpuinfo->microcode);
	if (host->cpus_online == 0)
		host->cpus_online = (uint32_t)cpuinfo->processors_count;
	host->cpus_present =
		count_in_list(source, "sys/devices/system/cpu/present", host->cpus_online);
	host->cpus_possible =
		count_in_list(source, "sys/devices/system/cpu/possible", host->cpus_online);
	/* The kernel takes the flag away when it runs with four levels all the same. */
	host->page_table_levels = kernel_cpuinfo_has(cpuinfo, "la57") ? 5 : 4;
	return 0;
}

int derive(struct facts_source *source, struct facts *facts)
{
	struct features_view view = {.source = source, .host = &facts->host};

	*facts = (struct facts){0};
	for (size_t i = 0; i < FACTS_TEXT_LIMIT; i++)
		facts->text[i] = "";
	if (derive_release(source, facts, &view.release) < 0 || derive_cpu(source, facts) < 0 ||
		derive_memory(source, facts) < 0 || derive_again(source, &facts->host) < 0 ||
		derive_processors(source, facts, &view.cpuinfo) < 0)
		return source->failed;
	derive_texts(source, facts);
	(void)derive_group(source, &facts->host, &facts->text[FACTS_TEXT_MEMORY_GROUP]);
	view.work_filesystem = facts->text[FACTS_TEXT_WORK_FILESYSTEM];
	features_detect(&view, facts->host.feature, facts->surface);
	return source->failed;
}
