/* SPDX-License-Identifier: Apache-2.0 */
/* The captured hosts of results/hosts: each is read, and says of itself what is known of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "facts/facts.h"
#include "kernel/values.h"
#include "kernel/zoneinfo.h"

struct host {
	const char *name;
	unsigned minor, cpus, nodes, levels, cgroup_version, thp;
	enum vm_cpu_vendor vendor;
	bool has_movable_zone;
};

static const struct host hosts[] = {
	{"zen5-6.18-2cpu-24g", 18, 2, 1, 4, 1, VM_THP_MADVISE, VM_CPU_AMD, false},
	{"guest-6.1-1cpu-512m", 1, 1, 1, 4, 2, VM_THP_NEVER, VM_CPU_AMD, false},
	{"guest-6.1-2cpu-3g-2nodes-movable", 1, 2, 2, 4, 2, VM_THP_ALWAYS, VM_CPU_AMD, true},
	{"guest-6.1-16cpu-2g-skylake", 1, 16, 1, 4, 2, VM_THP_ALWAYS, VM_CPU_INTEL, false},
	{"guest-6.1-64cpu-4g", 1, 64, 1, 4, 2, VM_THP_ALWAYS, VM_CPU_AMD, false},
	{"guest-6.12-1cpu-1g-5level", 12, 1, 1, 5, 2, VM_THP_ALWAYS, VM_CPU_AMD, false},
	{"guest-6.12-2cpu-3g-movable", 12, 2, 1, 4, 2, VM_THP_NEVER, VM_CPU_AMD, true},
	{"guest-6.12-4cpu-4g-2nodes", 12, 4, 2, 4, 2, VM_THP_ALWAYS, VM_CPU_AMD, false},
	{"guest-6.12-16cpu-8g-milan", 12, 16, 1, 4, 2, VM_THP_ALWAYS, VM_CPU_AMD, false},
	{"guest-6.12-64cpu-8g", 12, 64, 1, 4, 2, VM_THP_ALWAYS, VM_CPU_AMD, false},
};

#define HOSTS_COUNT (sizeof(hosts) / sizeof(hosts[0]))

static const char *folder_of(struct pool *pool, const struct host *host)
{
	return pool_format(pool, SOURCE_DIR "/results/hosts/%s", host->name);
}

static void facts_of(struct pool *pool, const struct host *host, struct facts *facts)
{
	struct facts_error error;

	if (facts_read_captured(pool, folder_of(pool, host), facts, &error) < 0)
		fail_msg("%s", error.text);
}

static void every_host_is_what_its_name_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < HOSTS_COUNT; i++) {
		POOL_DROPS struct pool pool = {0};
		struct facts facts;

		facts_of(&pool, &hosts[i], &facts);
		assert_int_equal(facts.host.kernel_major, 6);
		assert_int_equal(facts.host.kernel_minor, hosts[i].minor);
		assert_int_equal(facts.host.cpus_online, hosts[i].cpus);
		assert_int_equal(facts.host.nodes_online, hosts[i].nodes);
		assert_int_equal(facts.host.page_table_levels, hosts[i].levels);
		assert_int_equal(facts.host.cgroup_version, hosts[i].cgroup_version);
		assert_int_equal(facts.host.knob[VM_KNOB_THP_ENABLED].value, hosts[i].thp);
		assert_int_equal(facts.host.cpu.vendor, hosts[i].vendor);
		assert_int_equal(vm_host_has(&facts.host, VM_FEATURE_NUMA), hosts[i].nodes > 1);
		assert_int_equal(
			vm_host_has(&facts.host, VM_FEATURE_FIVE_LEVEL), hosts[i].levels == 5);
		assert_true(vm_host_has(&facts.host, VM_FEATURE_FRAME_NUMBERS));
	}
}

/* What each series of kernels has, as their histories tell. */
static const struct {
	enum vm_feature feature;
	bool in_6_1, in_6_12, in_6_18;
} histories[] = {
	{VM_FEATURE_THP, true, true, true},
	{VM_FEATURE_MAPLE_TREE, true, true, true},
	{VM_FEATURE_ANON_EXCLUSIVE, true, true, true},
	{VM_FEATURE_CACHESTAT, false, true, true},
	{VM_FEATURE_KSM_ZERO_PAGES, false, true, true},
	{VM_FEATURE_PAGEMAP_SCAN, false, true, true},
	{VM_FEATURE_PROCMAP_QUERY, false, true, true},
	{VM_FEATURE_UFFD_WP_ASYNC, false, true, true},
	{VM_FEATURE_MTHP, false, true, true},
	{VM_FEATURE_MSEAL, false, true, true},
	{VM_FEATURE_MDWE, false, true, true},
	{VM_FEATURE_DROPPABLE, false, true, true},
	{VM_FEATURE_MOVABLE_MIN_CLAMP, false, true, true},
	{VM_FEATURE_PCP_HIGH_MIN, false, true, true},
	{VM_FEATURE_RSS_EXACT_STATUS, false, true, true},
	{VM_FEATURE_SWAP_ZEROMAP, false, true, true},
	{VM_FEATURE_GUARD_REGIONS, false, false, true},
	{VM_FEATURE_PT_RECLAIM, false, false, true},
	{VM_FEATURE_HUGE_ZERO_WRITE_ALLOCATES, false, false, true},
	{VM_FEATURE_MREMAP_MOVES_MANY, false, false, true},
	{VM_FEATURE_PROTECT_BATCHES, false, false, true},
	{VM_FEATURE_TABLE_SHARE_COUNT, false, true, true},
	{VM_FEATURE_HUGETLB_CACHED_BY_PAGE, false, true, true},
};

static void features_follow_the_history_of_kernels(void **state)
{
	(void)state;
	for (size_t i = 0; i < HOSTS_COUNT; i++) {
		POOL_DROPS struct pool pool = {0};
		struct facts facts;

		facts_of(&pool, &hosts[i], &facts);
		for (size_t j = 0; j < sizeof(histories) / sizeof(histories[0]); j++) {
			const bool expected = hosts[i].minor == 1    ? histories[j].in_6_1
					      : hosts[i].minor == 12 ? histories[j].in_6_12
								     : histories[j].in_6_18;
			if (vm_host_has(&facts.host, histories[j].feature) != expected)
				fail_msg("%s: %s is %s (%s)", hosts[i].name,
					vm_feature_word(histories[j].feature),
					expected ? "not seen" : "seen",
					facts.surface[histories[j].feature]);
		}
	}
}

static struct kernel_text file_of(struct pool *pool, const struct host *host, const char *path)
{
	struct facts_error error;
	struct kernel_text text = {0};

	if (facts_file_captured(
		    pool, folder_of(pool, host), path, &text.bytes, &text.length_bytes, &error) < 0)
		fail_msg("%s", error.text);
	return text;
}

/* The kernel's own figures are in one pass with the facts: they fit each other. */
static void figures_are_captured_with_the_facts(void **state)
{
	static struct kernel_zoneinfo zoneinfo;
	static struct kernel_values vmstat;

	(void)state;
	for (size_t i = 0; i < HOSTS_COUNT; i++) {
		POOL_DROPS struct pool pool = {0};
		struct facts facts;
		struct kernel_error error;
		uint64_t managed_pages = 0, count = 0, movable_pages = 0;

		facts_of(&pool, &hosts[i], &facts);
		assert_int_equal(kernel_zoneinfo_parse(file_of(&pool, &hosts[i], "proc/zoneinfo"),
					 &zoneinfo, &error),
			0);
		for (size_t z = 0; z < zoneinfo.count; z++) {
			const struct kernel_zone *zone = &zoneinfo.zone[z];
			managed_pages += zone->managed_pages;
			if (strcmp(zone->name, "Movable") == 0)
				movable_pages += zone->managed_pages;
			assert_true(!zone->populated || zone->pagesets_count == hosts[i].cpus);
		}
		/* The host's kernel hands its memory to the zones only as it is needed, a change
		 * of its vendor's: there the zones held less than MemTotal says. */
		if (hosts[i].minor == 18)
			assert_true(vm_pages_to_kib(managed_pages) <= facts.memory_kib);
		else
			assert_int_equal(vm_pages_to_kib(managed_pages), facts.memory_kib);
		assert_int_equal(movable_pages != 0, hosts[i].has_movable_zone);
		assert_int_equal(kernel_vmstat_parse(
					 file_of(&pool, &hosts[i], "proc/vmstat"), &vmstat, &error),
			0);
		assert_true(kernel_values_find(&vmstat, "nr_dirty_threshold", &count));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_host_is_what_its_name_says),
		cmocka_unit_test(features_follow_the_history_of_kernels),
		cmocka_unit_test(figures_are_captured_with_the_facts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
