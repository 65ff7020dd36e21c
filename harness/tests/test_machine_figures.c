/* SPDX-License-Identifier: Apache-2.0 */
/* What stands on the drawing of the machine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "report/machine_figures.h"

#define RECORD SOURCE_DIR "/results/records/host-6.18-timed.jsonl.zst"

static const struct machine_figure *find(const struct machine_figures *figures, const char *part)
{
	for (size_t i = 0; i < figures->count; i++)
		if (strcmp(figures->items[i].part, part) == 0)
			return &figures->items[i];
	fail_msg("no figure of %s", part);
	return NULL;
}

/* A record of a real machine: each part is farther away than the one before. */
static void test_parts_are_in_order(void **state)
{
	static const char *const parts[] = {"second TLB", "walk", "storage"};
	struct pool POOL_DROPS pool = {0};
	struct record RECORD_DROPS record = {0};
	struct machine_figures figures;

	(void)state;
	assert_true(record_read(&record, RECORD, RECORD_REPORTED));
	assert_true(machine_figures_of(&pool, &record, &figures));
	for (size_t i = 1; i < sizeof(parts) / sizeof(parts[0]); i++)
		assert_true(find(&figures, parts[i - 1])->ns < find(&figures, parts[i])->ns);
	const double memory_ns = find(&figures, "memory")->ns;
	assert_true(memory_ns > 10 && memory_ns < 10000);
	assert_null(machine_figure_text(&figures, "no such part"));
}

static void test_caches_of_a_topology(void **state)
{
	struct pool POOL_DROPS pool = {0};
	struct machine_figure items[] = {{"L1", 1.1, "1.1 ns"}, {"L3", 12, "12.0 ns"}};
	const struct machine_figures figures = {2, items};
	struct machine_cache caches[MACHINE_CACHES_LIMIT];

	(void)state;
	assert_int_equal(
		machine_caches(&pool,
			"1 package, 2 cores, 1 node, L1d 48 KiB, L2 1024 KiB, L3 32768 KiB",
			&figures, caches),
		3);
	assert_string_equal(caches[0].name, "L1d");
	assert_string_equal(caches[0].size, "48 KiB");
	assert_string_equal(caches[0].time, "1.1 ns");
	/* Nobody measured the second one. */
	assert_null(caches[1].time);
	assert_string_equal(caches[2].time, "12.0 ns");
	/* bad_ texts: nothing to be found, and no crash. */
	assert_int_equal(machine_caches(&pool, "", &figures, caches), 0);
	assert_int_equal(machine_caches(&pool, "L1d", &figures, caches), 0);
	assert_int_equal(machine_caches(&pool, ", L9 1 KiB, L", &figures, caches), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parts_are_in_order),
		cmocka_unit_test(test_caches_of_a_topology),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
