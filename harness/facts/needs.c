/* SPDX-License-Identifier: Apache-2.0 */
/* What a check requires, what this host has of it, and what would supply the rest. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/guest_paths.h"
#include "facts/derive.h"
#include "facts/facts.h"
#include "facts/source.h"
#include "kernel/lists.h"
#include "kernel/process.h"
#include "kernel/values.h"
#include "probe/probe.h"
#include "vm/units.h"

struct listing {
	struct pool *pool;
	struct facts_source source; /* live: what can be supplied moves */
	const struct facts *facts;
	const struct facts_allowed *allowed;
	bool unmet_only;
	uint64_t user; /* effective */
	struct facts_requirement *items;
	size_t count;
};

static void list(struct listing *listing, struct facts_requirement requirement)
{
	if (requirement.met && listing->unmet_only)
		return;
	listing->items =
		pool_grow(listing->pool, listing->items, listing->count, sizeof(*listing->items));
	listing->items[listing->count++] = requirement;
}

static void need_root(struct listing *listing)
{
	list(listing, (struct facts_requirement){
			      .requirement = "root",
			      .met = listing->user == 0,
			      .value = pool_format(
				      listing->pool, "uid %llu", (unsigned long long)listing->user),
			      .source = "/proc/self/status",
			      .supply = "run it again with sudo",
		      });
}

static const struct {
	enum vm_capability capability;
	const char *name;
} capabilities[] = {
	{VM_CAPABILITY_SYS_ADMIN, "CAP_SYS_ADMIN"},
	{VM_CAPABILITY_SYS_RAWIO, "CAP_SYS_RAWIO"},
	{VM_CAPABILITY_IPC_LOCK, "CAP_IPC_LOCK"},
	{VM_CAPABILITY_SYS_RESOURCE, "CAP_SYS_RESOURCE"},
	{VM_CAPABILITY_SYS_PTRACE, "CAP_SYS_PTRACE"},
	{VM_CAPABILITY_SYS_NICE, "CAP_SYS_NICE"},
};

static void need_capabilities(struct listing *listing, uint32_t wanted)
{
	for (size_t i = 0; i < sizeof(capabilities) / sizeof(capabilities[0]); i++) {
		const uint32_t bit = capabilities[i].capability;
		const bool met = (listing->facts->host.capabilities & bit) != 0;

		if ((wanted & bit) == 0)
			continue;
		list(listing,
			(struct facts_requirement){
				.requirement = capabilities[i].name,
				.met = met,
				.value = met ? "in force" : "not in force",
				.source = "/proc/self/status and uid_map",
				.supply = listing->user == 0 ? pool_format(listing->pool,
								       "outside of the container, "
								       "or with %s granted to it",
								       capabilities[i].name)
							     : "run it again with sudo",
			});
	}
}

/* The word by which the last detector of the feature would say yes. */
static const char *supply_of_feature(struct pool *pool, enum vm_feature feature)
{
	const char *supply = "nothing on this host supplies it";

	for (size_t i = 0; i < facts_detector_count(); i++) {
		const struct facts_detector detector = facts_detector_at(pool, i);

		if (detector.feature != feature)
			continue;
		if (strcmp(detector.witness, "config") == 0)
			supply = pool_format(pool,
				"a kernel built with %s=y (mmconform run --guest)",
				detector.quantity);
		else if (strcmp(detector.witness, "release") == 0)
			supply = pool_format(pool,
				"a kernel from %s on (mmconform run --guest KERNEL)",
				detector.quantity);
		else if (strcmp(detector.witness, "cpu-flag") == 0)
			supply = pool_format(pool, "a processor with %s in use", detector.quantity);
		else if (strcmp(detector.witness, "file") == 0)
			supply = pool_format(pool, "a kernel with /%s", detector.quantity);
	}
	return supply;
}

static const struct {
	enum vm_feature feature;
	const char *supply;
} supplies[] = {
	{VM_FEATURE_NUMA, "mmconform run --guest KERNEL --guest-nodes 2"},
	{VM_FEATURE_FIVE_LEVEL, "mmconform run --guest KERNEL --guest-levels 5"},
	{VM_FEATURE_FRAME_NUMBERS, "run it again with sudo, outside of a container"},
	{VM_FEATURE_MEMCG, "mount the memory controller, or boot with cgroup_enable=memory"},
	{VM_FEATURE_PSI, "boot with psi=1"},
	{VM_FEATURE_PAGE_TABLE_ISOLATION, "boot with pti=on"},
	{VM_FEATURE_TRANSLATION_ORACLE, "mmconform run --guest KERNEL"},
};

static void need_feature(struct listing *listing, enum vm_feature feature)
{
	const struct vm_feature_fact fact = listing->facts->host.feature[feature];
	const char *supply = supply_of_feature(listing->pool, feature);

	for (size_t i = 0; i < sizeof(supplies) / sizeof(supplies[0]); i++) {
		if (supplies[i].feature == feature)
			supply = supplies[i].supply;
	}
	list(listing, (struct facts_requirement){
			      .requirement = pool_format(
				      listing->pool, "feature %s", vm_feature_word(feature)),
			      .met = fact.present,
			      .value = fact.present			   ? "present"
				       : fact.evidence == VM_EVIDENCE_NONE ? "could not be seen"
									   : "absent",
			      .source = listing->facts->surface[feature],
			      .supply = supply,
		      });
}

static void need_allowed(struct listing *listing, const char *word, bool given)
{
	list(listing, (struct facts_requirement){
			      .requirement = pool_format(listing->pool, "permission: %s", word),
			      .met = given,
			      .value = given ? "given" : "not given",
			      .source = "the command line",
			      .supply = pool_format(listing->pool, "--allow %s", word),
		      });
}

/* A figure of meminfo in KiB; 0 where there is none. */
static uint64_t meminfo(struct listing *listing, const char *name)
{
	const struct source_text got = source_read(&listing->source, "proc/meminfo");
	uint64_t value = 0;

	if (got.error == 0)
		(void)kernel_meminfo_find(got.text, name, &value);
	return value;
}

static void need_memory(struct listing *listing, uint64_t wanted_bytes)
{
	const uint64_t available_bytes = vm_kib_to_bytes(meminfo(listing, "MemAvailable"));

	list(listing, (struct facts_requirement){
			      .requirement = pool_format(listing->pool, "%llu MiB of memory",
				      (unsigned long long)(wanted_bytes / VM_MIB_BYTES)),
			      .met = available_bytes >= wanted_bytes,
			      .value = pool_format(listing->pool, "%llu MiB available",
				      (unsigned long long)(available_bytes / VM_MIB_BYTES)),
			      .source = "/proc/meminfo",
			      .supply = "end other programs, or run it in a larger guest",
		      });
}

static uint64_t number_in(struct listing *listing, const char *path)
{
	const struct source_text got = source_read(&listing->source, path);
	struct kernel_error error;
	int64_t value = 0;

	if (got.error != 0 || kernel_integer_parse(got.text, &value, &error) < 0 || value < 0)
		return 0;
	return (uint64_t)value;
}

/* What the guard may take into the pool, it supplies itself. */
static void need_huge_pages(
	struct listing *listing, const char *size, unsigned wanted_pages, bool has_pool)
{
	struct pool *pool = listing->pool;
	const char *folder = pool_format(pool, "sys/kernel/mm/hugepages/hugepages-%s", size);
	const uint64_t free_pages =
		number_in(listing, pool_format(pool, "%s/free_hugepages", folder));
	const uint64_t reserved_pages =
		number_in(listing, pool_format(pool, "%s/resv_hugepages", folder));
	const uint64_t there_pages = free_pages > reserved_pages ? free_pages - reserved_pages : 0;
	const bool taken = listing->allowed->settings && listing->user == 0 && has_pool;

	list(listing, (struct facts_requirement){
			      .requirement = pool_format(
				      pool, "%u huge pages of %s in the pool", wanted_pages, size),
			      .met = there_pages >= wanted_pages || taken,
			      .value = has_pool ? pool_format(pool, "%llu free",
							  (unsigned long long)there_pages)
						: "no pool of this size",
			      .source = pool_format(pool, "/%s/free_hugepages", folder),
			      .supply = pool_format(pool,
				      "--allow settings as root, or: echo %u >/%s/nr_hugepages",
				      wanted_pages, folder),
		      });
}

static void need_swap(struct listing *listing, uint64_t wanted_bytes)
{
	const uint64_t free_bytes = vm_kib_to_bytes(meminfo(listing, "SwapFree"));
	const bool taken = listing->allowed->settings && listing->user == 0 &&
			   vm_host_has(&listing->facts->host, VM_FEATURE_SWAP);

	list(listing, (struct facts_requirement){
			      .requirement = pool_format(listing->pool, "%llu MiB of swap",
				      (unsigned long long)(wanted_bytes / VM_MIB_BYTES)),
			      .met = free_bytes >= wanted_bytes || taken,
			      .value = pool_format(listing->pool, "%llu MiB free",
				      (unsigned long long)(free_bytes / VM_MIB_BYTES)),
			      .source = "/proc/meminfo",
			      .supply = "--allow settings as root, or: mkswap and swapon of a file",
		      });
}

static void need_group(struct listing *listing)
{
	const char *folder = listing->facts->text[FACTS_TEXT_MEMORY_GROUP];
	const unsigned version = listing->facts->host.cgroup_version;
	const bool writable = folder[0] == '/' && access(folder, W_OK) == 0;
	const char *why = version == 0	      ? "no memory controller"
			  : folder[0] == '\0' ? "our group is not mounted here"
			  : writable	      ? "writable"
					      : "not writable";

	list(listing, (struct facts_requirement){
			      .requirement = "an own memory group",
			      .met = version != 0 && writable,
			      .value = version == 0 ? why
						    : pool_format(listing->pool, "version %u, %s",
							      version, why),
			      .source = folder[0] == '\0' ? "/proc/self/cgroup" : folder,
			      .supply = version == 0 ? "mount the memory controller, or boot with "
						       "cgroup_enable=memory"
						     : "run it again with sudo, where "
						       "/sys/fs/cgroup is writable",
		      });
}

/*
 * What drains a whole machine runs only where it is ours: in a guest whose first process is the
 * suite's own, started with the arguments that it was given. No option makes a host look so.
 */
static void need_own_machine(struct listing *listing)
{
	char first[sizeof(GUEST_INIT_PATH) + 1];
	const ssize_t length = readlink("/proc/1/exe", first, sizeof(first) - 1);

	first[length < 0 ? 0 : length] = '\0';
	const bool is_guest =
		strcmp(first, GUEST_INIT_PATH) == 0 && access(GUEST_ARGUMENTS_PATH, F_OK) == 0;
	list(listing, (struct facts_requirement){
			      .requirement = "a machine of our own",
			      .met = is_guest,
			      .value = is_guest ? "a guest" : "a host",
			      .source = "/proc/1/exe",
			      .supply = "mmconform run --guest KERNEL",
		      });
}

/* An emulator's times are its own, and it ends a program that runs in segments of its own. */
static void need_processor(struct listing *listing)
{
	const char *hypervisor = listing->facts->text[FACTS_TEXT_HYPERVISOR];
	const bool is_emulated = strncmp(hypervisor, "TCG", strlen("TCG")) == 0;

	list(listing, (struct facts_requirement){
			      .requirement = "a processor that is not emulated",
			      .met = !is_emulated,
			      .value = is_emulated ? "QEMU TCG" : "a processor",
			      .source = "CPUID 0x40000000",
			      .supply = "run it on the machine itself",
		      });
}

/* Scenarios write to it themselves, also where the run holds it at the value that it has. */
static void need_ksm(struct listing *listing)
{
	static const char path[] = "/sys/kernel/mm/ksm/run";

	need_allowed(listing, "settings", listing->allowed->settings);
	if (!vm_host_has(&listing->facts->host, VM_FEATURE_KSM))
		return;
	const bool met = access(path, W_OK) == 0;
	list(listing, (struct facts_requirement){
			      .requirement = "ksm.run",
			      .met = met,
			      .value = met ? "writable" : strerror(errno),
			      .source = path,
			      .supply = "root, and a writable /sys",
		      });
}

static int listing_begin(struct listing *listing, struct facts_error *error)
{
	struct kernel_status status;
	struct kernel_error wrong;

	source_open_live(&listing->source, listing->pool, "", error);
	const struct source_text got = source_read(&listing->source, "proc/self/status");
	if (got.error != 0)
		return source_fail_plainly(
			&listing->source, got.error, "/proc/self/status: %s", strerror(-got.error));
	if (kernel_status_parse(got.text, &status, &wrong) < 0)
		return source_fail(&listing->source, "proc/self/status", &wrong);
	listing->user = status.user_ids[1];
	return 0;
}

static bool has_pool(const struct facts *facts, enum vm_feature feature)
{
	return vm_host_has(&facts->host, feature);
}

int facts_requirements(struct pool *pool, const struct facts *facts,
	const struct probe_needs *needs, const struct facts_allowed *allowed, bool unmet_only,
	struct facts_requirement **requirements, size_t *count, struct facts_error *error)
{
	struct listing listing = {
		.pool = pool, .facts = facts, .allowed = allowed, .unmet_only = unmet_only};
	const int result = listing_begin(&listing, error);

	if (result < 0)
		return result;
	if (needs->root)
		need_root(&listing);
	need_capabilities(&listing, needs->capabilities);
	for (size_t i = 0; i < needs->features_count; i++)
		need_feature(&listing, needs->features[i]);
	if (needs->allow_pressure)
		need_allowed(&listing, "pressure", allowed->pressure);
	if (needs->ksm)
		need_ksm(&listing);
	if (needs->huge_2m_varies || needs->huge_1g_varies)
		need_allowed(&listing, "settings", allowed->settings);
	if (needs->processor)
		need_processor(&listing);
	if (needs->own_machine)
		need_own_machine(&listing);
	if (needs->memory_bytes != 0)
		need_memory(&listing, needs->memory_bytes);
	if (needs->huge_2m_pages != 0)
		need_huge_pages(&listing, "2048kB", needs->huge_2m_pages,
			has_pool(facts, VM_FEATURE_HUGETLB_2M));
	if (needs->huge_1g_pages != 0)
		need_huge_pages(&listing, "1048576kB", needs->huge_1g_pages,
			has_pool(facts, VM_FEATURE_HUGETLB_1G));
	if (needs->swap_bytes != 0)
		need_swap(&listing, needs->swap_bytes);
	if (needs->group_limit_bytes != 0)
		need_group(&listing);
	*requirements = listing.items;
	*count = listing.count;
	return 0;
}

int facts_doctor(struct pool *pool, const struct facts *facts, const struct facts_allowed *allowed,
	struct facts_requirement **requirements, size_t *count, struct facts_error *error)
{
	struct listing listing = {.pool = pool, .facts = facts, .allowed = allowed};
	const int result = listing_begin(&listing, error);

	if (result < 0)
		return result;
	need_root(&listing);
	need_capabilities(&listing, UINT32_MAX);
	need_allowed(&listing, "settings", allowed->settings);
	need_allowed(&listing, "pressure", allowed->pressure);
	need_group(&listing);
	/* One of each: what the largest check wants is said beside the check. */
	need_memory(&listing, VM_GIB_BYTES);
	need_swap(&listing, VM_MIB_BYTES);
	need_huge_pages(&listing, "2048kB", 1, has_pool(facts, VM_FEATURE_HUGETLB_2M));
	need_huge_pages(&listing, "1048576kB", 1, has_pool(facts, VM_FEATURE_HUGETLB_1G));
	for (enum vm_feature feature = 0; feature < VM_FEATURE_LIMIT; feature++)
		need_feature(&listing, feature);
	*requirements = listing.items;
	*count = listing.count;
	return 0;
}
