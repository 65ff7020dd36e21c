/* SPDX-License-Identifier: Apache-2.0 */
#include "facts/anonymous.h"

#include <fnmatch.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "facts/ask.h"
#include "kernel/areas.h"
#include "kernel/blocks.h"
#include "kernel/mounts.h"
#include "kernel/system.h"

/* Ids of users are numbers, and numbers name people where accounts are numbered. */
#define ANONYMOUS_ID "1000"

/* Writes what passes of the text. */
typedef void filter(struct pool *pool, struct kernel_text text, FILE *stream);

static void put_line(FILE *stream, struct kernel_text line)
{
	(void)fprintf(stream, "%.*s\n", (int)line.length_bytes, line.bytes);
}

/* Lines of the text; one that does not end is none. */
static bool next_line(struct kernel_lines *lines, struct kernel_text *line)
{
	struct kernel_error error;

	return kernel_line_next(lines, line, &error) > 0;
}

static bool is_among(struct kernel_text word, const char *const *words)
{
	for (size_t i = 0; words[i] != NULL; i++) {
		if (kernel_text_is(word, words[i]))
			return true;
	}
	return false;
}

/* The part before the byte, without blanks around. */
static struct kernel_text before(struct kernel_text text, char byte)
{
	text.length_bytes = kernel_text_find(text, byte);
	return kernel_text_trimmed(text);
}

const char *anonymous_release(struct pool *pool, struct kernel_text release)
{
	size_t length_bytes = 0;

	while (length_bytes < release.length_bytes &&
		strchr("0123456789.", release.bytes[length_bytes]) != NULL &&
		release.bytes[length_bytes] != '\0')
		length_bytes++;
	return pool_text_of(pool, release.bytes, length_bytes);
}

static void filter_release(struct pool *pool, struct kernel_text text, FILE *stream)
{
	(void)fprintf(stream, "%s\n", anonymous_release(pool, text));
}

/* The patch level alone: who built it where stands beside it. */
static void filter_version(struct pool *pool, struct kernel_text text, FILE *stream)
{
	struct kernel_text rest = kernel_version_of_debian(text), word;

	if (kernel_word_next(&rest, &word))
		(void)fprintf(stream, "Debian %s\n", anonymous_release(pool, word));
}

static void filter_signature(struct pool *pool, struct kernel_text text, FILE *stream)
{
	struct kernel_text rest = kernel_text_trimmed(text), word;

	while (kernel_word_next(&rest, &word))
		(void)fprintf(stream, "%s ", anonymous_release(pool, word));
	(void)fputc('\n', stream);
}

/* Parameters of the kernel that memory management listens to, and what their values are made of. */
static void filter_cmdline(struct pool *pool, struct kernel_text text, FILE *stream)
{
	static const char *const keys[] = {"cgroup.memory", "cgroup_disable", "cgroup_enable",
		"cma", "default_hugepagesz", "hugepages", "hugepagesz", "hugetlb_cma",
		"hugetlb_free_vmemmap", "init_on_alloc", "init_on_free", "kernelcore",
		"lru_gen_enabled", "maxcpus", "mem", "memhp_default_state", "mitigations",
		"movable_node", "movablecore", "nokaslr", "nopti", "norandmaps", "nosmp", "nr_cpus",
		"numa", "numa_balancing", "page_alloc.shuffle", "page_owner", "page_poison", "pti",
		"slab_max_order", "slab_nomerge", "slub_max_order", "slub_min_objects",
		"stack_guard_gap", "swapaccount", "sysctl.vm.min_free_kbytes",
		"transparent_hugepage", "transparent_hugepage_shmem", "vdso", "vm_debug",
		"vsyscall", "zswap.enabled", NULL};
	struct kernel_text rest = text, word;
	const char *separator = "";

	(void)pool;
	while (kernel_word_next(&rest, &word)) {
		if (!is_among(before(word, '='), keys))
			continue;
		(void)fprintf(stream, "%s%.*s", separator, (int)word.length_bytes, word.bytes);
		separator = " ";
	}
	(void)fputc('\n', stream);
}

/* Letters, digits and underscores: what the kernel's own names are made of. */
static bool is_name(struct kernel_text text)
{
	for (size_t i = 0; i < text.length_bytes; i++) {
		const char byte = text.bytes[i];

		if (byte != '_' && !(byte >= '0' && byte <= '9') && !(byte >= 'A' && byte <= 'Z') &&
			!(byte >= 'a' && byte <= 'z'))
			return false;
	}
	return text.length_bytes != 0;
}

/* Options whose names hold one of these words, built in or a number: no module, no text. */
static void filter_config(struct pool *pool, struct kernel_text text, FILE *stream)
{
	static const char *const words[] = {"ANON", "ASLR", "BALLOON", "CACHESTAT", "CGROUP", "CMA",
		"COMPACT", "COMPAT_BRK", "DAMON", "FOLIO", "HIGHMEM", "HUGE", "HZ", "INIT_ON",
		"KASAN", "KFENCE", "KSM", "LDT", "LEVEL", "LRU", "MEM", "MIGRAT", "MMAP", "MMU",
		"MODIFY", "NR_CPUS", "NUMA", "PAGE", "PER_VMA", "PREEMPT", "PSI", "PTE",
		"PT_RECLAIM", "RANDOM", "SHMEM", "SLAB", "SLUB", "SMP", "SPARSE", "STACK", "SWAP",
		"THP", "TLB", "TRANSPARENT", "TMPFS", "USERFAULTFD", "VDSO", "VM", "VSYSCALL",
		"ZONE", "64BIT", NULL};
	struct kernel_lines lines = kernel_lines_of(text);
	struct kernel_text line;

	while (next_line(&lines, &line)) {
		const struct kernel_text name = {
			.bytes = line.bytes, .length_bytes = kernel_text_find(line, '=')};
		uint64_t number = 0;

		if (!kernel_text_starts(line, "CONFIG_") || !is_name(name) ||
			name.length_bytes == line.length_bytes)
			continue;
		const struct kernel_text value = kernel_text_after(line, name.length_bytes + 1);
		if (!kernel_text_is(value, "y") && !kernel_text_decimal(value, &number) &&
			!kernel_text_hexadecimal(value, &number))
			continue;
		const char *copied = pool_text_of(pool, name.bytes, name.length_bytes);
		for (size_t i = 0; words[i] != NULL; i++) {
			if (strstr(copied, words[i]) != NULL) {
				put_line(stream, line);
				break;
			}
		}
	}
}

/* The first processor's description, and that there are others. */
static void filter_cpuinfo(struct pool *pool, struct kernel_text text, FILE *stream)
{
	static const char *const keys[] = {"processor", "vendor_id", "cpu family", "model",
		"model name", "stepping", "microcode", "cache size", "siblings", "cpu cores",
		"flags", "bugs", "TLB size", "clflush size", "cache_alignment", "address sizes",
		NULL};
	struct kernel_lines lines = kernel_lines_of(text);
	struct kernel_text line;
	size_t processors = 0;

	(void)pool;
	while (next_line(&lines, &line)) {
		const struct kernel_text key = before(line, ':');

		processors += kernel_text_is(key, "processor");
		if (kernel_text_is(key, "processor") || (processors == 1 && is_among(key, keys)))
			put_line(stream, line);
	}
}

/* "[stack]" and its like pass, also without the names that programs give to areas. */
static const char *area_name(struct kernel_text name)
{
	static const char *const kernels_own[] = {"[heap]", "[stack]", "[vdso]", "[vvar]",
		"[vvar_vclock]", "[vsyscall]", "[rollup]", "[uprobes]", NULL};

	for (size_t i = 0; kernels_own[i] != NULL; i++) {
		if (kernel_text_is(name, kernels_own[i]))
			return kernels_own[i];
	}
	if (name.length_bytes == 0)
		return "";
	return name.bytes[0] == '[' ? "[anon]" : "/file";
}

/* "Rss:  64 kB" under a name of the kernel's, and flags of two letters. */
static void put_figure(struct kernel_text line, FILE *stream)
{
	const struct kernel_text name = before(line, ':');
	struct kernel_text rest = kernel_text_after(line, kernel_text_find(line, ':') + 1), word;
	uint64_t value = 0;

	if (kernel_text_is(name, "VmFlags")) {
		(void)fputs("VmFlags:", stream);
		while (kernel_word_next(&rest, &word)) {
			if (word.length_bytes == 2)
				(void)fprintf(stream, " %.*s", 2, word.bytes);
		}
		(void)fputs(" \n", stream);
		return;
	}
	if (!kernel_number_next(&rest, &value))
		return;
	const bool counted =
		kernel_text_is(name, "THPeligible") || kernel_text_is(name, "ProtectionKey");
	for (enum kernel_smaps_field field = 0; !counted && field < KERNEL_SMAPS_LIMIT; field++) {
		if (kernel_text_is(name, kernel_smaps_word(field)))
			(void)fprintf(stream, "%s: %llu kB\n", kernel_smaps_word(field),
				(unsigned long long)value);
	}
	if (counted)
		(void)fprintf(stream, "%.*s: %llu\n", (int)name.length_bytes, name.bytes,
			(unsigned long long)value);
}

static void filter_smaps(struct pool *pool, struct kernel_text text, FILE *stream)
{
	struct kernel_lines lines = kernel_lines_of(text);
	struct kernel_text line;

	(void)pool;
	while (next_line(&lines, &line)) {
		struct kernel_lines single = {.rest = {line.bytes, line.length_bytes + 1}};
		struct kernel_area area;
		struct kernel_error error;

		/* Devices and inodes say which build of which library it is: gone. */
		if (kernel_maps_next(&single, &area, &error) == 1)
			(void)fprintf(stream, "%llx-%llx %c%c%c%c %08llx 00:00 %d %s\n",
				(unsigned long long)area.start, (unsigned long long)area.end,
				area.read ? 'r' : '-', area.write ? 'w' : '-',
				area.execute ? 'x' : '-', area.shared ? 's' : 'p',
				(unsigned long long)area.offset_bytes, area.inode != 0,
				area_name(area.name));
		else if (kernel_text_find(line, ':') != line.length_bytes)
			put_figure(line, stream);
	}
}

static void filter_status(struct pool *pool, struct kernel_text text, FILE *stream)
{
	static const char *const keys[] = {"Pid", "Threads", "CapInh", "CapPrm", "CapEff", "CapBnd",
		"CapAmb", "THP_enabled", "CoreDumping", "NoNewPrivs", "Seccomp", "Seccomp_filters",
		"Cpus_allowed_list", "Mems_allowed_list", "voluntary_ctxt_switches",
		"nonvoluntary_ctxt_switches", "HugetlbPages", NULL};
	struct kernel_lines lines = kernel_lines_of(text);
	struct kernel_text line;

	(void)pool;
	while (next_line(&lines, &line)) {
		const struct kernel_text key = before(line, ':');
		const struct kernel_text value = kernel_text_trimmed(kernel_text_after(
			line, kernel_text_find(line, ':') +
				      (kernel_text_find(line, ':') < line.length_bytes)));

		if (kernel_text_is(key, "Name"))
			(void)fputs("Name:\tmmconform\n", stream);
		else if (kernel_text_is(key, "Uid") || kernel_text_is(key, "Gid"))
			(void)fprintf(stream, "%.*s:\t%s\n", (int)key.length_bytes, key.bytes,
				kernel_text_starts(value, "0\t0") ? "0\t0\t0\t0"
								  : ANONYMOUS_ID
					"\t" ANONYMOUS_ID "\t" ANONYMOUS_ID "\t" ANONYMOUS_ID);
		else if (is_among(key, keys) || kernel_text_starts(key, "Vm") ||
			 kernel_text_starts(key, "Rss"))
			put_line(stream, line);
	}
}

/* A map of ids that is not one to one tells who we are outside. */
static void filter_uid_map(struct pool *pool, struct kernel_text text, FILE *stream)
{
	struct kernel_text rest = text;
	uint64_t inside = 0, outside = 0, count = 0;

	(void)pool;
	if (kernel_number_next(&rest, &inside) && kernel_number_next(&rest, &outside) &&
		kernel_number_next(&rest, &count) && inside == 0 && outside == 0)
		(void)fprintf(stream, "0 0 %llu\n", (unsigned long long)count);
	else
		(void)fputs("0 " ANONYMOUS_ID " 1\n", stream);
}

static void filter_stat(struct pool *pool, struct kernel_text text, FILE *stream)
{
	size_t close = text.length_bytes;

	(void)pool;
	while (close != 0 && text.bytes[close - 1] != ')')
		close--;
	const struct kernel_text rest = kernel_text_after(text, close);
	(void)fprintf(stream, "1 (mmconform)%.*s", (int)rest.length_bytes, rest.bytes);
}

static const char *const controllers_known[] = {"blkio", "cpu", "cpuacct", "cpuset", "devices",
	"freezer", "hugetlb", "io", "memory", "misc", "net_cls", "net_prio", "perf_event", "pids",
	"rdma", "dmem", NULL};

/* The listed words of a comma-separated list. */
static void put_known(FILE *stream, struct kernel_text list, const char *const *known)
{
	const char *separator = "";

	while (list.length_bytes != 0) {
		struct kernel_text word = list;

		word.length_bytes = kernel_text_find(list, ',');
		if (is_among(word, known)) {
			(void)fprintf(
				stream, "%s%.*s", separator, (int)word.length_bytes, word.bytes);
			separator = ",";
		}
		list = kernel_text_after(
			list, word.length_bytes + (word.length_bytes < list.length_bytes));
	}
}

static void filter_cgroup(struct pool *pool, struct kernel_text text, FILE *stream)
{
	struct kernel_lines lines = kernel_lines_of(text);
	struct kernel_text line;

	(void)pool;
	while (next_line(&lines, &line)) {
		const struct kernel_text number = before(line, ':');
		const struct kernel_text rest = kernel_text_after(
			line, number.length_bytes + (number.length_bytes < line.length_bytes));
		const struct kernel_text list = before(rest, ':');
		uint64_t hierarchy = 0;

		if (!kernel_text_decimal(number, &hierarchy) ||
			(list.length_bytes != 0 && !is_among(before(list, ','), controllers_known)))
			continue;
		(void)fprintf(stream, "%llu:", (unsigned long long)hierarchy);
		put_known(stream, list, controllers_known);
		const bool at_root = list.length_bytes + 2 == rest.length_bytes;
		(void)fprintf(stream, ":/%s\n", at_root ? "" : ANONYMOUS_GROUP);
	}
}

/* The root's file system, and the mounts of groups under the names that they have everywhere. */
static void filter_mountinfo(struct pool *pool, struct kernel_text text, FILE *stream)
{
	static const char *const types[] = {"bcachefs", "btrfs", "erofs", "ext4", "f2fs", "nfs",
		"overlay", "rootfs", "squashfs", "tmpfs", "virtiofs", "xfs", "zfs", "9p", NULL};
	struct kernel_lines lines = kernel_lines_of(text);
	struct kernel_mount mount;
	struct kernel_error error;

	(void)pool;
	while (kernel_mountinfo_next(&lines, &mount, &error) > 0) {
		if (kernel_text_is(mount.mount_point, "/") && is_among(mount.type, types))
			(void)fprintf(stream, "1 0 0:1 / / rw - %.*s none rw\n",
				(int)mount.type.length_bytes, mount.type.bytes);
		else if (kernel_text_is(mount.type, "cgroup") &&
			 kernel_option_has(mount.super_options, "memory"))
			(void)fputs("1 0 0:2 / /" ANONYMOUS_POINT_V1
				    " rw - cgroup cgroup rw,memory\n",
				stream);
		else if (kernel_text_is(mount.type, "cgroup2"))
			(void)fputs("1 0 0:3 / /" ANONYMOUS_POINT_V2 " rw - cgroup2 cgroup2 rw\n",
				stream);
	}
}

static void filter_swaps(struct pool *pool, struct kernel_text text, FILE *stream)
{
	struct kernel_lines lines = kernel_lines_of(text);
	struct kernel_swap swap;
	struct kernel_error error;
	unsigned count = 0;

	(void)pool;
	(void)fputs("Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n", stream);
	while (kernel_swaps_next(&lines, &swap, &error) > 0)
		(void)fprintf(stream, "/swap%u\t%s\t%llu\t%llu\t%lld\n", count++,
			swap.is_partition ? "partition" : "file", (unsigned long long)swap.size_kib,
			(unsigned long long)swap.used_kib, (long long)swap.priority);
}

/* The caches of memory management itself and of the general allocator. */
static void filter_slabinfo(struct pool *pool, struct kernel_text text, FILE *stream)
{
	static const char *const names[] = {"anon_vma", "anon_vma_chain", "buffer_head", "cred",
		"cred_jar", "dentry", "ext4_inode_cache", "files_cache", "filp", "fs_cache",
		"inode_cache", "kernfs_node_cache", "khugepaged_mm_slot", "ksm_rmap_item",
		"ksm_stable_node", "maple_node", "mm_struct", "names_cache", "page->ptl", "pid",
		"proc_inode_cache", "radix_tree_node", "shmem_inode_cache", "sighand_cache",
		"signal_cache", "task_struct", "vm_area_struct", "vma_lock", NULL};
	struct kernel_lines lines = kernel_lines_of(text);
	struct kernel_slab_row row;
	struct kernel_error error;

	(void)pool;
	(void)fputs("slabinfo - version: 2.1\n# name\n", stream);
	while (kernel_slabinfo_next(&lines, &row, &error) > 0) {
		uint64_t bytes = 0;
		const struct kernel_text size =
			kernel_text_starts(row.name, "kmalloc-")
				? before(kernel_text_after(row.name, strlen("kmalloc-")), 'k')
				: (struct kernel_text){0};

		if (!is_among(row.name, names) && !kernel_text_decimal(size, &bytes))
			continue;
		(void)fprintf(stream,
			"%.*s %llu %llu %llu %llu %llu : tunables 0 0 0 : slabdata %llu %llu 0\n",
			(int)row.name.length_bytes, row.name.bytes,
			(unsigned long long)row.active_objects, (unsigned long long)row.objects,
			(unsigned long long)row.object_bytes,
			(unsigned long long)row.objects_per_slab,
			(unsigned long long)row.pages_per_slab,
			(unsigned long long)row.active_slabs, (unsigned long long)row.slabs);
	}
}

/* The file system's kind without what a daemon in user space adds to it: "fuse.anything". */
static void filter_places(struct pool *pool, struct kernel_text text, FILE *stream)
{
	static const char *const places[] = {"work", "temporary", NULL};
	struct kernel_lines lines = kernel_lines_of(text);
	struct kernel_text line, word, type;

	(void)pool;
	while (next_line(&lines, &line)) {
		if (!kernel_word_next(&line, &word) || !is_among(word, places) ||
			!kernel_word_next(&line, &type))
			continue;
		type = before(type, '.');
		(void)fprintf(stream, "%.*s %.*s\n", (int)word.length_bytes, word.bytes,
			(int)type.length_bytes, type.bytes);
	}
}

/* hwloc writes an element a line. Names and descriptions of things stay here, numbers go. */
static void filter_topology(struct pool *pool, struct kernel_text text, FILE *stream)
{
	static const char *const infos[] = {"Backend", "Architecture", "CPUVendor", "CPUModel",
		"CPUFamilyNumber", "CPUModelNumber", "CPUStepping", "hwlocVersion", NULL};
	static const char info[] = "<info name=\"";
	struct kernel_lines lines = kernel_lines_of(text);
	struct kernel_text line;

	(void)pool;
	while (next_line(&lines, &line)) {
		const struct kernel_text inner = kernel_text_trimmed(line);

		if (kernel_text_starts(inner, info)) {
			if (is_among(
				    before(kernel_text_after(inner, sizeof(info) - 1), '"'), infos))
				put_line(stream, line);
			continue;
		}
		if (kernel_text_starts(inner, "<userdata") ||
			memmem(line.bytes, line.length_bytes, " name=\"", 7) != NULL ||
			memmem(line.bytes, line.length_bytes, " subtype=\"", 10) != NULL)
			continue;
		put_line(stream, line);
	}
}

/* Which memory there is, and nothing of the devices that have the other addresses. */
static void filter_iomem(struct pool *pool, struct kernel_text text, FILE *stream)
{
	struct kernel_lines lines = kernel_lines_of(text);
	struct kernel_resource resource;
	struct kernel_error error;

	(void)pool;
	while (kernel_iomem_next(&lines, &resource, &error) > 0)
		if (!resource.is_child && kernel_text_starts(resource.name, "System RAM"))
			(void)fprintf(stream, "%08" PRIx64 "-%08" PRIx64 " : System RAM\n",
				resource.first, resource.last);
}

struct passing {
	const char *pattern; /* of fnmatch(3), a * does not match a slash */
	filter *filter;	     /* NULL: as it is */
};

static const struct passing passing[] = {
	{"proc/buddyinfo", NULL},
	{"proc/cgroups", NULL},
	{"proc/cmdline", filter_cmdline},
	{"proc/cpuinfo", filter_cpuinfo},
	{"proc/iomem", filter_iomem},
	{"proc/meminfo", NULL},
	{"proc/pagetypeinfo", NULL},
	{"proc/pressure/memory", NULL},
	{"proc/self/cgroup", filter_cgroup},
	{"proc/self/limits", NULL},
	{"proc/self/mountinfo", filter_mountinfo},
	{"proc/self/oom_score", NULL},
	{"proc/self/oom_score_adj", NULL},
	{"proc/self/smaps", filter_smaps},
	{"proc/self/smaps_rollup", filter_smaps},
	{"proc/self/stat", filter_stat},
	{"proc/self/statm", NULL},
	{"proc/self/status", filter_status},
	{"proc/self/uid_map", filter_uid_map},
	{"proc/slabinfo", filter_slabinfo},
	{"proc/swaps", filter_swaps},
	{"proc/sys/kernel/numa_balancing", NULL},
	{"proc/sys/kernel/osrelease", filter_release},
	{"proc/sys/kernel/pid_max", NULL},
	{"proc/sys/kernel/randomize_va_space", NULL},
	{"proc/sys/kernel/threads-max", NULL},
	{"proc/sys/vm/*", NULL},
	{"proc/version", filter_version},
	{"proc/version_signature", filter_signature},
	{"proc/vmstat", NULL},
	{"proc/zoneinfo", NULL},
	{"sys/block/[shv]d[a-z]/queue/*", NULL},
	{"sys/block/dm-[0-9]*/queue/*", NULL},
	{"sys/block/nvme[0-9]n[0-9]/queue/*", NULL},
	{"sys/block/zram[0-9]/queue/*", NULL},
	{"sys/devices/system/clocksource/clocksource0/*", NULL},
	{"sys/devices/system/cpu/*", NULL},
	{"sys/devices/system/cpu/vulnerabilities/meltdown", NULL},
	{"sys/devices/system/node/*", NULL},
	{"sys/devices/system/node/node*/*", NULL},
	{"sys/devices/system/node/node*/hugepages/*/*", NULL},
	{"sys/fs/cgroup/memory/memory.*", NULL},
	{"sys/fs/cgroup/memory/" ANONYMOUS_GROUP "/memory.*", NULL},
	{"sys/fs/cgroup/memory.*", NULL},
	{"sys/fs/cgroup/cgroup.controllers", NULL},
	{"sys/fs/cgroup/" ANONYMOUS_GROUP "/memory.*", NULL},
	{"sys/fs/cgroup/" ANONYMOUS_GROUP "/cgroup.controllers", NULL},
	{"sys/kernel/debug/extfrag/*", NULL},
	{"sys/kernel/debug/fault_around_bytes", NULL},
	{"sys/kernel/mm/*/*", NULL},
	{"sys/kernel/mm/*/*/*", NULL},
	{"sys/kernel/mm/damon/admin/kdamonds/*/state", NULL},
	{"sys/kernel/slab/kmalloc-[0-9]*/*", NULL},
	{"sys/module/zswap/parameters/*", NULL},
	{ASK_CALLS, NULL},
	{ASK_CONFIG, filter_config},
	{ASK_CPUID, NULL},
	{ASK_MACHINE, NULL},
	{ASK_MARKS, NULL},
	{ASK_MONITORS, NULL},
	{ASK_PLACES, filter_places},
	{ASK_TOPOLOGY, filter_topology},
};

static const struct passing *passing_of(const char *path)
{
	for (size_t i = 0; i < sizeof(passing) / sizeof(passing[0]); i++) {
		if (fnmatch(passing[i].pattern, path, FNM_PATHNAME) == 0)
			return &passing[i];
	}
	return NULL;
}

bool anonymous_text(struct pool *pool, const char *path, struct kernel_text *text)
{
	const struct passing *row = passing_of(path);
	char *bytes = NULL;
	size_t length_bytes = 0;

	if (row == NULL)
		return false;
	if (row->filter == NULL)
		return true;
	FILE *stream = open_memstream(&bytes, &length_bytes);
	if (stream == NULL)
		abort();
	/* Texts have no NUL; what hides behind one could pass differently the second time. */
	struct kernel_text all = *text;
	if (all.length_bytes != 0)
		all.length_bytes = strnlen(all.bytes, all.length_bytes);
	row->filter(pool, all, stream);
	if (fclose(stream) != 0)
		abort();
	*text = (struct kernel_text){
		.bytes = pool_text_of(pool, bytes, length_bytes),
		.length_bytes = length_bytes,
	};
	free(bytes);
	return true;
}

void facts_make_anonymous(struct pool *pool, struct facts *facts)
{
	const char **group = &facts->text[FACTS_TEXT_MEMORY_GROUP];
	const char **release = &facts->text[FACTS_TEXT_RELEASE];

	*release = anonymous_release(pool, kernel_text_of(*release));
	if ((*group)[0] != '\0')
		*group = facts->host.cgroup_version == 1
				 ? "/" ANONYMOUS_POINT_V1 "/" ANONYMOUS_GROUP
				 : "/" ANONYMOUS_POINT_V2 "/" ANONYMOUS_GROUP;
}
