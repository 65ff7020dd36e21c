/* SPDX-License-Identifier: Apache-2.0 */
/* The other parsers of kernel text: lists, mounts and groups, allocators' tables, configuration. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/blocks.h"
#include "kernel/lists.h"
#include "kernel/mounts.h"
#include "kernel/system.h"

static char buffer[1 << 20];

static struct kernel_text corpus(const char *name)
{
	char path[512];

	(void)snprintf(path, sizeof(path), SOURCE_DIR "/harness/fuzz/corpus/%s", name);
	FILE *file = fopen(path, "rb");
	assert_non_null(file);
	const size_t length_bytes = fread(buffer, 1, sizeof(buffer), file);
	assert_true(length_bytes < sizeof(buffer));
	(void)fclose(file);
	return (struct kernel_text){.bytes = buffer, .length_bytes = length_bytes};
}

static void integers_choices_and_ranges(void **state)
{
	struct kernel_error error;
	struct kernel_choice choice;
	struct kernel_ranges ranges;
	int64_t value = 0;
	uint64_t values[5], next = 0, member = 0;
	size_t count = 0;

	(void)state;
	assert_int_equal(kernel_integer_parse(kernel_text_of("-1\n"), &value, &error), 0);
	assert_int_equal(value, -1);
	assert_int_equal(kernel_integer_parse(kernel_text_of("0x0007\n"), &value, &error), 0);
	assert_int_equal(value, 7);
	assert_int_equal(
		kernel_integer_parse(kernel_text_of("-9223372036854775808\n"), &value, &error), 0);
	assert_true(value == INT64_MIN);
	assert_true(
		kernel_integer_parse(kernel_text_of("9223372036854775808\n"), &value, &error) < 0);
	assert_true(kernel_integer_parse(kernel_text_of("7"), &value, &error) < 0);
	assert_true(kernel_integer_parse(kernel_text_of("7\n8\n"), &value, &error) < 0);
	assert_true(kernel_integer_parse(kernel_text_of(""), &value, &error) < 0);

	assert_int_equal(
		kernel_integers_parse(corpus("lists/reserve"), 5, values, &count, &error), 0);
	assert_int_equal(count, 5);
	assert_int_equal(values[2], 32);
	assert_true(
		kernel_integers_parse(kernel_text_of("1 2 3\n"), 2, values, &count, &error) < 0);

	assert_int_equal(kernel_choice_parse(corpus("lists/thp"), &choice, &error), 0);
	assert_int_equal(choice.count, 3);
	assert_true(kernel_text_is(choice.words[choice.chosen], "madvise"));
	assert_true(kernel_choice_parse(kernel_text_of("a b\n"), &choice, &error) < 0);
	assert_true(kernel_choice_parse(kernel_text_of("[a] [b]\n"), &choice, &error) < 0);
	assert_true(kernel_choice_parse(kernel_text_of("[a b\n"), &choice, &error) < 0);
	assert_true(kernel_choice_parse(kernel_text_of("[]\n"), &choice, &error) < 0);

	assert_int_equal(kernel_ranges_parse(kernel_text_of("0-2,5,7-8\n"), &ranges, &error), 0);
	assert_int_equal(ranges.count, 6);
	assert_int_equal(ranges.highest, 8);
	static const uint64_t members[] = {0, 1, 2, 5, 7, 8};
	for (size_t i = 0; i < 6; i++) {
		assert_true(kernel_ranges_next(&ranges, &next, &member));
		assert_int_equal(member, members[i]);
	}
	assert_false(kernel_ranges_next(&ranges, &next, &member));
	assert_int_equal(kernel_ranges_parse(kernel_text_of("\n"), &ranges, &error), 0);
	assert_int_equal(ranges.count, 0);
	static const char *const wrong[] = {
		"3-1\n", "1,1\n", "1,\n", ",1\n", "a\n", "1-\n", "0-18446744073709551615\n"};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_true(kernel_ranges_parse(kernel_text_of(wrong[i]), &ranges, &error) < 0);
}

static void memory_group_of(
	const char *cgroup, const char *mountinfo, unsigned version, const char *expected_folder)
{
	struct kernel_memory_group group;
	struct kernel_error error;
	char folder[256];

	assert_int_equal(kernel_memory_group_find(
				 kernel_text_of(cgroup), kernel_text_of(mountinfo), &group, &error),
		0);
	assert_int_equal(group.version, version);
	const bool found = kernel_memory_group_folder(&group, folder, sizeof(folder));
	assert_int_equal(found, expected_folder != NULL);
	if (found)
		assert_string_equal(folder, expected_folder);
}

#define V1_MOUNT "35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
#define V2_MOUNT "41 31 0:38 / /sys/fs/cgroup/unified rw shared:9 - cgroup2 cgroup2 rw\n"

static void memory_groups(void **state)
{
	(void)state;
	/* A hybrid: the controller is in its own hierarchy, so the unified one has it not. */
	memory_group_of("4:memory:/a/b\n0::/\n", V2_MOUNT V1_MOUNT, 1, "/sys/fs/cgroup/memory/a/b");
	memory_group_of("4:cpu,memory:/\n", V1_MOUNT, 1, "/sys/fs/cgroup/memory");
	memory_group_of(
		"0::/user.slice/a:b\n", V2_MOUNT, 2, "/sys/fs/cgroup/unified/user.slice/a:b");
	/* A container: only its part is mounted. */
	memory_group_of("0::/docker/x/job\n",
		"1 2 0:3 /docker/x /sys/fs/cgroup ro - cgroup2 cgroup rw\n", 2,
		"/sys/fs/cgroup/job");
	memory_group_of("0::/docker/xy\n",
		"1 2 0:3 /docker/x /sys/fs/cgroup ro - cgroup2 cgroup rw\n", 2, NULL);
	memory_group_of("0::/../x\n", V2_MOUNT, 2, NULL);
	memory_group_of("4:memory:/\n", V2_MOUNT, 0, NULL);
	memory_group_of("", V2_MOUNT, 0, NULL);
	memory_group_of(
		"0::/\n", "1 2 0:3 / /with\\040blank ro - cgroup2 cgroup rw\n", 2, "/with blank");
}

static void mounts(void **state)
{
	struct kernel_mount mount;
	struct kernel_error error;
	struct kernel_memory_group group;
	const struct kernel_text text =
		kernel_text_of("1 0 8:1 / / rw - ext4 /dev/sda1 rw\n"
			       "2 1 8:2 / /home rw - xfs /dev/sda2 rw\n"
			       "3 1 0:4 / /home rw master:1 propagate_from:2 - tmpfs  rw\n"
			       "4 1 8:3 / /homework rw - btrfs /dev/sda3 rw\n");

	(void)state;
	assert_int_equal(kernel_mount_of_path(text, "/home/a", &mount, &error), 1);
	assert_true(kernel_text_is(mount.type, "tmpfs"));
	assert_int_equal(mount.source.length_bytes, 0);
	assert_true(kernel_text_is(mount.super_options, "rw"));
	assert_int_equal(kernel_mount_of_path(text, "/homew", &mount, &error), 1);
	assert_true(kernel_text_is(mount.type, "ext4"));
	assert_int_equal(kernel_mount_of_path(text, "/homework", &mount, &error), 1);
	assert_true(kernel_text_is(mount.type, "btrfs"));
	assert_int_equal(kernel_mount_of_path(kernel_text_of(""), "/", &mount, &error), 0);
	assert_true(
		kernel_memory_group_find(kernel_text_of("memory:/\n"), text, &group, &error) < 0);
	assert_int_equal(error.line, 1);
	assert_true(kernel_mount_of_path(
			    kernel_text_of("1 0 8:1 / / rw ext4\n"), "/", &mount, &error) < 0);
	char name[8];
	assert_true(kernel_unescape(kernel_text_of("a\\040\\134\\9"), name, sizeof(name)));
	assert_string_equal(name, "a \\\\9");
	assert_false(kernel_unescape(kernel_text_of("12345678"), name, sizeof(name)));
}

static void swap_areas(void **state)
{
	struct kernel_swap swap;
	struct kernel_error error;
	struct kernel_lines lines = kernel_lines_of(kernel_text_of(
		"Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"
		"/dev/zram0                              partition\t1048572\t\t12\t\t100\n"
		"/swap\\040file                           file\t\t524284\t\t0\t\t-2\n"));

	(void)state;
	assert_int_equal(kernel_swaps_next(&lines, &swap, &error), 1);
	assert_true(swap.is_partition);
	assert_int_equal(swap.priority, 100);
	assert_int_equal(kernel_swaps_next(&lines, &swap, &error), 1);
	assert_false(swap.is_partition);
	assert_int_equal(swap.size_kib, 524284);
	assert_int_equal(swap.priority, -2);
	assert_int_equal(kernel_swaps_next(&lines, &swap, &error), 0);
	lines = kernel_lines_of(corpus("mounts/swaps-none"));
	assert_int_equal(kernel_swaps_next(&lines, &swap, &error), 0);
	lines = kernel_lines_of(kernel_text_of("nonsense\n"));
	assert_true(kernel_swaps_next(&lines, &swap, &error) < 0);
}

/* The two tables of the buddy allocator were taken one after the other and count the same blocks.
 */
static void buddy_tables(void **state)
{
	struct kernel_buddy_row buddy;
	struct kernel_pagetype_row row;
	struct kernel_pagetypes pagetypes;
	struct kernel_error error;
	size_t rows = 0, free_rows = 0, block_rows = 0;
	struct kernel_lines lines = kernel_lines_of(corpus("blocks/buddyinfo-6.18"));

	(void)state;
	while (kernel_buddyinfo_next(&lines, &buddy, &error) == 1) {
		rows++;
		assert_int_equal(buddy.orders_count, 11);
	}
	assert_int_equal(rows, 3);
	assert_int_equal(lines.rest.length_bytes, 0);
	assert_int_equal(
		kernel_pagetypeinfo_begin(corpus("blocks/pagetypeinfo-6.18"), &pagetypes, &error),
		0);
	assert_int_equal(pagetypes.block_order, 9);
	while (kernel_pagetypeinfo_next(&pagetypes, &row, &error) == 1) {
		*(row.counts_blocks ? &block_rows : &free_rows) += 1;
		assert_int_equal(row.count, row.counts_blocks ? 5 : 11);
	}
	assert_int_equal(free_rows, 15);
	assert_int_equal(block_rows, 3);
	assert_true(kernel_text_is(pagetypes.types[1], "Movable"));

	assert_int_equal(kernel_pagetypeinfo_begin(
				 kernel_text_of("Page block order: 9\nPages per block:  512\n"
						"Node    0, zone   Normal, type Movable >100000  "
						"> 5 3\n"),
				 &pagetypes, &error),
		0);
	assert_int_equal(kernel_pagetypeinfo_next(&pagetypes, &row, &error), 1);
	assert_int_equal(row.count, 3);
	assert_int_equal(row.at_least, 3);
	assert_int_equal(row.values[1], 5);
}

static void slabs(void **state)
{
	struct kernel_slab_row row;
	struct kernel_error error;
	bool kmalloc = false;
	struct kernel_lines lines = kernel_lines_of(corpus("blocks/slabinfo-6.18"));

	(void)state;
	while (kernel_slabinfo_next(&lines, &row, &error) == 1) {
		assert_true(row.active_objects <= row.objects);
		if (kernel_text_is(row.name, "kmalloc-192")) {
			kmalloc = true;
			assert_int_equal(row.object_bytes, 192);
			assert_int_equal(row.objects_per_slab, 21);
			assert_int_equal(row.pages_per_slab, 1);
		}
	}
	assert_int_equal(lines.rest.length_bytes, 0);
	assert_true(kmalloc);
	lines = kernel_lines_of(
		kernel_text_of("slabinfo - version: 2.1\n# name\n"
			       "a b(1:c) 1 2 3 4 5 : tunables 0 0 0 : slabdata 6 7 0\n"));
	assert_int_equal(kernel_slabinfo_next(&lines, &row, &error), 1);
	assert_true(kernel_text_is(row.name, "a b(1:c)"));
	assert_int_equal(row.slabs, 7);
	lines = kernel_lines_of(kernel_text_of("slabinfo - version: 1.0\n"));
	assert_true(kernel_slabinfo_next(&lines, &row, &error) < 0);
}

static void configuration_cpuinfo_and_release(void **state)
{
	struct kernel_release release;
	struct kernel_cpuinfo cpuinfo;
	struct kernel_error error;
	struct kernel_text value, text = corpus("system/config-6.18");

	(void)state;
	assert_int_equal(kernel_config_check(text, &error), 0);
	assert_true(kernel_config_is_yes(text, "CONFIG_TRANSPARENT_HUGEPAGE"));
	assert_false(kernel_config_find(text, "CONFIG_TRANSPARENT", &value));
	assert_true(kernel_config_check(kernel_text_of("CONFIG_A=y\nnonsense\n"), &error) < 0);
	assert_int_equal(error.line, 2);
	assert_true(kernel_config_check(kernel_text_of("#\n"), &error) < 0);

	assert_int_equal(kernel_cpuinfo_parse(corpus("system/cpuinfo-amd"), &cpuinfo, &error), 0);
	assert_int_equal(cpuinfo.processors_count, 2);
	assert_true(kernel_text_is(cpuinfo.vendor, "AuthenticAMD"));
	assert_int_equal(cpuinfo.virtual_bits, 48);
	assert_true(kernel_cpuinfo_has(&cpuinfo, "hypervisor"));
	assert_false(kernel_cpuinfo_has(&cpuinfo, "hyper"));

	assert_int_equal(kernel_release_parse(
				 kernel_text_of("6.12.107+deb12-cloud-amd64\n"), &release, &error),
		0);
	assert_int_equal(release.patch, 107);
	assert_int_equal(kernel_release_parse(kernel_text_of("7.0-rc1"), &release, &error), 0);
	assert_int_equal(release.major, 7);
	assert_int_equal(release.patch, 0);
	/* Debian's 6.1 and Ubuntu's kernels have a number of their own in its place. */
	assert_int_equal(
		kernel_release_parse(kernel_text_of("6.1.0-56-amd64\n"), &release, &error), 0);
	kernel_release_refine(
		kernel_version_of_debian(kernel_text_of(
			"Linux version 6.1.0-56-amd64 (gcc-12 (Debian 6.1.999-14) 12.2.0) #1 SMP "
			"PREEMPT_DYNAMIC Debian 6.1.192-2 (2026-11-08)\n")),
		&release);
	assert_int_equal(release.patch, 192);
	kernel_release_refine(kernel_text_of("Ubuntu 6.8.0-45.45-generic 6.8.12\n"), &release);
	assert_int_equal(release.patch, 192);
	release = (struct kernel_release){.major = 6, .minor = 8};
	kernel_release_refine(kernel_text_of("Ubuntu 6.8.0-45.45-generic 6.8.12\n"), &release);
	assert_int_equal(release.patch, 12);
	assert_true(kernel_release_parse(kernel_text_of("six"), &release, &error) < 0);
	assert_true(kernel_release_parse(kernel_text_of("6.1.99999999"), &release, &error) < 0);
}

static void generations(void **state)
{
	struct kernel_generation generation;
	struct kernel_error error;
	struct kernel_generations generations = kernel_lru_gen_of(
		kernel_text_of("memcg     1 /\n node     0\n"
			       "          0      12345      10          20 \n"
			       "          1        100       7           0 \n"
			       "memcg     2 /a b\n node     1\n          4 5 6 7 \n"));

	(void)state;
	assert_int_equal(kernel_lru_gen_next(&generations, &generation, &error), 1);
	assert_int_equal(generation.group, 1);
	assert_int_equal(generation.age_ms, 12345);
	assert_int_equal(generation.file_pages, 20);
	assert_int_equal(kernel_lru_gen_next(&generations, &generation, &error), 1);
	assert_int_equal(generation.generation, 1);
	assert_int_equal(kernel_lru_gen_next(&generations, &generation, &error), 1);
	assert_int_equal(generation.node, 1);
	assert_true(kernel_text_is(generation.group_path, "/a b"));
	assert_int_equal(kernel_lru_gen_next(&generations, &generation, &error), 0);
	generations = kernel_lru_gen_of(kernel_text_of(" 0 1 2 3\n"));
	assert_true(kernel_lru_gen_next(&generations, &generation, &error) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(integers_choices_and_ranges),
		cmocka_unit_test(memory_groups),
		cmocka_unit_test(mounts),
		cmocka_unit_test(swap_areas),
		cmocka_unit_test(buddy_tables),
		cmocka_unit_test(slabs),
		cmocka_unit_test(configuration_cpuinfo_and_release),
		cmocka_unit_test(generations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
