/* SPDX-License-Identifier: Apache-2.0 */
/* The parsers of the kernel's tables: real text of several kernels, and text that must be refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/areas.h"
#include "kernel/pagemap.h"
#include "kernel/process.h"
#include "kernel/values.h"
#include "kernel/zoneinfo.h"

static char buffer[1 << 20];

static struct kernel_text file_text(const char *path)
{
	FILE *file = fopen(path, "rb");

	assert_non_null(file);
	const size_t length_bytes = fread(buffer, 1, sizeof(buffer), file);
	assert_true(length_bytes < sizeof(buffer));
	(void)fclose(file);
	return (struct kernel_text){.bytes = buffer, .length_bytes = length_bytes};
}

static struct kernel_text corpus(const char *name)
{
	char path[512];

	(void)snprintf(path, sizeof(path), SOURCE_DIR "/harness/fuzz/corpus/%s", name);
	return file_text(path);
}

static void zoneinfo_of_this_kernel_is_read_whole(void **state)
{
	static struct kernel_zoneinfo zoneinfo;
	struct kernel_error error;
	uint64_t value = 0;

	(void)state;
	assert_int_equal(kernel_zoneinfo_parse(corpus("zoneinfo/6.18"), &zoneinfo, &error), 0);
	assert_int_equal(zoneinfo.count, 5);
	const struct kernel_zone *dma = kernel_zone_find(&zoneinfo, 0, "DMA");
	assert_non_null(dma);
	assert_true(dma->populated && dma->has_promo);
	assert_int_equal(dma->min_pages, 46);
	assert_int_equal(dma->promo_pages, 79);
	assert_int_equal(dma->managed_pages, 3840);
	assert_int_equal(dma->protection_count, 5);
	assert_int_equal(dma->protection_pages[1], 3019);
	assert_int_equal(dma->start_frame, 1);
	assert_int_equal(dma->pagesets_count, 2);
	assert_true(kernel_zone_node_stat(dma, "nr_active_file", &value));
	assert_true(kernel_zone_stat(dma, "nr_free_pages", &value));
	assert_int_equal(value, dma->free_pages);
	assert_false(kernel_zone_stat(dma, "nr_free", &value));

	const struct kernel_zone *dma32 = kernel_zone_find(&zoneinfo, 0, "DMA32");
	assert_non_null(dma32);
	assert_false(kernel_zone_node_stat(dma32, "nr_active_file", &value));
	const struct kernel_pageset second = kernel_zone_pageset(dma32, 1);
	assert_int_equal(second.cpu, 1);
	assert_int_equal(second.batch_pages, 63);
	assert_true(second.has_high_limits);
	assert_int_equal(second.high_min_pages, 5832);
	assert_int_equal(second.high_max_pages, 48307);
	assert_int_equal(second.stats_threshold, 24);

	const struct kernel_zone *movable = kernel_zone_find(&zoneinfo, 0, "Movable");
	assert_non_null(movable);
	assert_false(movable->populated);
	assert_int_equal(movable->min_pages, 32);
	assert_null(kernel_zone_find(&zoneinfo, 1, "DMA"));
}

/* Wherever the text is cut, the answer is an error, never half a zone: except between zones. */
static void zoneinfo_cut_anywhere_is_refused(void **state)
{
	static struct kernel_zoneinfo zoneinfo;
	struct kernel_error error;
	const struct kernel_text whole = corpus("zoneinfo/6.18");

	(void)state;
	for (size_t length_bytes = 0; length_bytes < whole.length_bytes; length_bytes++) {
		const struct kernel_text cut = {.bytes = whole.bytes, .length_bytes = length_bytes};
		const bool between =
			strncmp(whole.bytes + length_bytes, "Node ", 5) == 0 && length_bytes != 0;
		/* The tail's two lines and the last pageset line come before the zone is whole. */
		const int result = kernel_zoneinfo_parse(cut, &zoneinfo, &error);
		if ((result == 0) != between)
			fail_msg("cut after %zu bytes: %d", length_bytes, result);
	}
}

static void values_are_found_by_whole_name(void **state)
{
	static struct kernel_values values;
	struct kernel_error error;
	uint64_t value = 0;
	struct kernel_text text = corpus("values/meminfo-6.18");

	(void)state;
	assert_int_equal(kernel_meminfo_parse(text, &values, &error), 0);
	assert_true(kernel_values_find(&values, "MemTotal", &value));
	assert_int_equal(value, 24684092);
	assert_true(values.items[0].kib);
	assert_false(kernel_values_find(&values, "Mem", &value));
	assert_true(kernel_meminfo_find(text, "HugePages_Total", &value));
	assert_int_equal(value, 0);
	assert_false(kernel_meminfo_find(text, "HugePages", &value));
	text = corpus("values/vmstat-6.18");
	assert_int_equal(kernel_vmstat_parse(text, &values, &error), 0);
	assert_true(kernel_values_find(&values, "pgfault", &value));
	const uint64_t parsed = value;
	assert_true(kernel_vmstat_find(text, "pgfault", &value));
	assert_int_equal(parsed, value);
	assert_false(kernel_vmstat_find(text, "pgfaul", &value));
}

struct refused {
	const char *text;
	unsigned line;
	const char *reason;
};

static void broken_values_are_refused_with_line_and_reason(void **state)
{
	static struct kernel_values values;
	static const struct refused meminfo[] = {
		{"", 0, "empty"},
		{"MemTotal: 12 kB", 1, "cut off"},
		{"MemTotal: 12 kB\nMemFree 1 kB\n", 2, "no colon"},
		{"MemTotal: 12 kB\n\n", 2, "empty line"},
		{"MemTotal: twelve kB\n", 1, "no number"},
		{"MemTotal: -1 kB\n", 1, "no number"},
		{"MemTotal: 18446744073709551616 kB\n", 1, "no number"},
		{"MemTotal: 12 MB\n", 1, "behind the number"},
		{"MemTotal: 12 kB kB\n", 1, "behind the number"},
	};
	struct kernel_error error;

	(void)state;
	for (size_t i = 0; i < sizeof(meminfo) / sizeof(meminfo[0]); i++) {
		assert_true(
			kernel_meminfo_parse(kernel_text_of(meminfo[i].text), &values, &error) < 0);
		assert_int_equal(error.line, meminfo[i].line);
		assert_non_null(strstr(error.reason, meminfo[i].reason));
	}
	assert_true(kernel_vmstat_parse(kernel_text_of("pgfault 12 kB\n"), &values, &error) < 0);
}

static void areas_of_smaps_equal_those_of_maps(void **state)
{
	struct kernel_lines lines = kernel_lines_of(corpus("areas/smaps-6.18"));
	struct kernel_smaps_area smaps;
	struct kernel_error error;
	size_t areas = 0;
	bool stack = false;

	(void)state;
	while (kernel_smaps_next(&lines, &smaps, &error) == 1) {
		areas++;
		assert_true(smaps.has_flags);
		/* The two say the same of rights; a shared mapping has neither p nor a missing ms.
		 */
		assert_int_equal(smaps.area.read, smaps.flags >> KERNEL_AREA_FLAG_READ & 1);
		assert_int_equal(smaps.area.write, smaps.flags >> KERNEL_AREA_FLAG_WRITE & 1);
		assert_int_equal(smaps.area.execute, smaps.flags >> KERNEL_AREA_FLAG_EXEC & 1);
		assert_int_equal(smaps.value_kib[KERNEL_SMAPS_SIZE],
			(smaps.area.end - smaps.area.start) / 1024);
		if (kernel_text_is(smaps.area.name, "[stack]")) {
			stack = true;
			assert_true(smaps.flags >> KERNEL_AREA_FLAG_GROWS_DOWN & 1);
		}
	}
	assert_true(stack);
	assert_int_equal(lines.rest.length_bytes, 0);
	assert_true(areas > 10);
}

/* What is skipped to is what reading every area comes to. */
static void areas_of_smaps_are_skipped_by_address(void **state)
{
	const struct kernel_text whole = corpus("areas/smaps-6.18");
	struct kernel_lines every = kernel_lines_of(whole);
	struct kernel_smaps_area area, found;
	struct kernel_error error;

	(void)state;
	while (kernel_smaps_next(&every, &area, &error) == 1) {
		struct kernel_lines lines = kernel_lines_of(whole);
		kernel_smaps_skip(&lines, area.area.start);
		assert_int_equal(kernel_smaps_next(&lines, &found, &error), 1);
		assert_int_equal(found.area.start, area.area.start);
		assert_int_equal(
			found.value_kib[KERNEL_SMAPS_RSS], area.value_kib[KERNEL_SMAPS_RSS]);
		/* From the middle of an area it is the next one. */
		lines = kernel_lines_of(whole);
		kernel_smaps_skip(&lines, area.area.start + 1);
		const int more = kernel_smaps_next(&lines, &found, &error);
		assert_true(more == 0 || (more == 1 && found.area.start > area.area.start));
	}
}

static void smaps_rollup_is_one_area(void **state)
{
	struct kernel_lines lines = kernel_lines_of(corpus("areas/rollup-6.18"));
	struct kernel_smaps_area smaps;
	struct kernel_error error;

	(void)state;
	assert_int_equal(kernel_smaps_next(&lines, &smaps, &error), 1);
	assert_true(kernel_text_is(smaps.area.name, "[rollup]"));
	assert_true(smaps.has_value >> KERNEL_SMAPS_PSS_ANON & 1);
	assert_false(smaps.has_flags);
	assert_int_equal(kernel_smaps_next(&lines, &smaps, &error), 0);
}

static void odd_names_of_areas_survive(void **state)
{
	static const char text[] =
		"7f0000000000-7f0000001000 rw-s 00000000 00:01 1024  /memfd:a b: c (deleted)\n"
		"7f0000001000-7f0000002000 ---p 1fffff000 fe:100 18446744073709551615 \n"
		"ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0  [vsyscall]\n";
	struct kernel_lines lines = kernel_lines_of(kernel_text_of(text));
	struct kernel_area area;
	struct kernel_error error;

	(void)state;
	assert_int_equal(kernel_maps_next(&lines, &area, &error), 1);
	assert_true(kernel_text_is(area.name, "/memfd:a b: c (deleted)"));
	assert_true(area.shared && area.read && area.write && !area.execute);
	assert_int_equal(kernel_maps_next(&lines, &area, &error), 1);
	assert_int_equal(area.name.length_bytes, 0);
	assert_int_equal(area.device_minor, 0x100);
	assert_int_equal(area.offset_bytes, 0x1fffff000);
	assert_int_equal(kernel_maps_next(&lines, &area, &error), 1);
	assert_true(area.end == 0xffffffffff601000);
	assert_int_equal(kernel_maps_next(&lines, &area, &error), 0);
}

static void broken_areas_are_refused(void **state)
{
	static const char *const texts[] = {
		"7f00-7e00 rw-p 0 00:00 0\n",
		"7f00 rw-p 0 00:00 0\n",
		"7f00-7f01 rwxz 0 00:00 0\n",
		"7f00-7f01 rwp 0 00:00 0\n",
		"7f00-7f01 rw-p 0 0000 0\n",
		"7f00-7f01 rw-p 0 00:00\n",
		"7f00-7f01 rw-p 0 00:00 x\n",
		"7f00-7f01 rw-p 0 00:00 0",
		"\n",
	};
	struct kernel_area area;
	struct kernel_smaps_area smaps;
	struct kernel_error error;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct kernel_lines lines = kernel_lines_of(kernel_text_of(texts[i]));
		assert_true(kernel_maps_next(&lines, &area, &error) < 0);
		assert_int_equal(error.line, 1);
	}
	struct kernel_lines lines =
		kernel_lines_of(kernel_text_of("7f00-7f01 rw-p 0 00:00 0\nRss: 4 kB\nPss: 4 MB\n"));
	assert_true(kernel_smaps_next(&lines, &smaps, &error) < 0);
	assert_int_equal(error.line, 3);
	lines = kernel_lines_of(kernel_text_of("7f00-7f01 rw-p 0 00:00 0\n"));
	assert_true(kernel_smaps_next(&lines, &smaps, &error) < 0);
}

static void status_of_a_process_and_of_a_kernel_thread(void **state)
{
	struct kernel_status status;
	struct kernel_error error;

	(void)state;
	assert_int_equal(kernel_status_parse(corpus("process/status-6.18"), &status, &error), 0);
	assert_true(kernel_text_is(status.name, "cat"));
	assert_true(status.has_value >> KERNEL_STATUS_VM_PTE & 1);
	assert_int_equal(status.capabilities_effective, 0x1fffeffffff);
	assert_true(kernel_text_is(status.cpus_allowed_list, "0-1"));
	assert_int_equal(
		kernel_status_parse(corpus("process/status-kthread-6.18"), &status, &error), 0);
	assert_int_equal(status.pid, 2);
	assert_int_equal(status.has_value, 0);
	assert_true(
		kernel_status_parse(kernel_text_of("Name:\tx\nPid:\t1\n"), &status, &error) < 0);
	assert_true(
		kernel_status_parse(kernel_text_of("Name:\tx\nVmRSS:\t12\n"), &status, &error) < 0);
	assert_int_equal(error.line, 2);
}

static void stat_survives_a_hostile_name(void **state)
{
	struct kernel_stat stat;
	struct kernel_error error;
	char text[2048];

	(void)state;
	assert_int_equal(kernel_stat_parse(corpus("process/stat-6.18"), &stat, &error), 0);
	assert_true(kernel_text_is(stat.name, "cat"));
	assert_true(stat.code_start < stat.code_end);
	const char *behind = strchr(buffer, ')');
	(void)snprintf(text, sizeof(text), "77 (a) R 1 (\n) 5%s", behind);
	assert_int_equal(kernel_stat_parse(kernel_text_of(text), &stat, &error), 0);
	assert_true(kernel_text_is(stat.name, "a) R 1 (\n) 5"));
	assert_int_equal(stat.pid, 77);
	assert_true(kernel_stat_parse(kernel_text_of("1 (x) S 2 3"), &stat, &error) < 0);
	assert_true(kernel_stat_parse(kernel_text_of("1 x S 2 3"), &stat, &error) < 0);
	assert_true(kernel_stat_parse(kernel_text_of(")("), &stat, &error) < 0);
}

static void statm_and_limits(void **state)
{
	struct kernel_statm statm;
	struct kernel_limit limit;
	struct kernel_error error;

	(void)state;
	assert_int_equal(kernel_statm_parse(corpus("process/statm-6.18"), &statm, &error), 0);
	assert_true(statm.size_pages > statm.resident_pages);
	assert_true(kernel_statm_parse(kernel_text_of("1 2 3 4 5 6\n"), &statm, &error) < 0);
	assert_true(kernel_statm_parse(kernel_text_of("1 2 3 4 5 6 7"), &statm, &error) < 0);
	const struct kernel_text text = corpus("process/limits-6.18");
	assert_int_equal(kernel_limits_find(text, "Max stack size", &limit, &error), 0);
	assert_int_equal(limit.soft, 8 << 20);
	assert_true(limit.hard == KERNEL_UNLIMITED);
	assert_true(kernel_limits_find(text, "Max nonsense", &limit, &error) < 0);
}

static void pagemap_entries(void **state)
{
	(void)state;
	const struct kernel_pagemap_entry present =
		kernel_pagemap_decode(UINT64_C(0x8100000000123456));
	assert_true(present.present && present.exclusive && !present.swapped);
	assert_int_equal(present.frame, 0x123456);
	/* Type 1, offset 3; then a guard marker: type 31. */
	const struct kernel_pagemap_entry swapped =
		kernel_pagemap_decode(UINT64_C(1) << 62 | 3 << 5 | 1);
	assert_true(swapped.swapped && !swapped.present);
	assert_int_equal(swapped.swap_type, 1);
	assert_int_equal(swapped.swap_offset, 3);
	assert_int_equal(swapped.frame, 0);
	const struct kernel_pagemap_entry guard =
		kernel_pagemap_decode(UINT64_C(0x440000000000009f));
	assert_true(guard.guard);
	assert_int_equal(guard.swap_type, KERNEL_SWAP_TYPE_MARKER);
	assert_string_equal(kernel_page_flag_word(24), "zero-page");
	assert_null(kernel_page_flag_word(27));
	assert_null(kernel_page_flag_word(64));
	assert_true(KERNEL_PAGE_RESERVED == UINT64_C(1) << 32);
}

/* What this very kernel prints now must be readable, whichever kernel it is. */
static void the_live_kernel_is_readable(void **state)
{
	static struct kernel_zoneinfo zoneinfo;
	static struct kernel_values values;
	struct kernel_status status;
	struct kernel_stat stat;
	struct kernel_smaps_area smaps;
	struct kernel_error error;

	(void)state;
	assert_int_equal(kernel_zoneinfo_parse(file_text("/proc/zoneinfo"), &zoneinfo, &error), 0);
	assert_int_equal(kernel_meminfo_parse(file_text("/proc/meminfo"), &values, &error), 0);
	assert_int_equal(kernel_vmstat_parse(file_text("/proc/vmstat"), &values, &error), 0);
	assert_int_equal(kernel_status_parse(file_text("/proc/self/status"), &status, &error), 0);
	assert_int_equal(kernel_stat_parse(file_text("/proc/self/stat"), &stat, &error), 0);
	struct kernel_lines lines = kernel_lines_of(file_text("/proc/self/smaps"));
	int got;
	while ((got = kernel_smaps_next(&lines, &smaps, &error)) > 0)
		assert_true(smaps.has_flags);
	assert_int_equal(got, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(zoneinfo_of_this_kernel_is_read_whole),
		cmocka_unit_test(zoneinfo_cut_anywhere_is_refused),
		cmocka_unit_test(values_are_found_by_whole_name),
		cmocka_unit_test(broken_values_are_refused_with_line_and_reason),
		cmocka_unit_test(areas_of_smaps_equal_those_of_maps),
		cmocka_unit_test(areas_of_smaps_are_skipped_by_address),
		cmocka_unit_test(smaps_rollup_is_one_area),
		cmocka_unit_test(odd_names_of_areas_survive),
		cmocka_unit_test(broken_areas_are_refused),
		cmocka_unit_test(status_of_a_process_and_of_a_kernel_thread),
		cmocka_unit_test(stat_survives_a_hostile_name),
		cmocka_unit_test(statm_and_limits),
		cmocka_unit_test(pagemap_entries),
		cmocka_unit_test(the_live_kernel_is_readable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
