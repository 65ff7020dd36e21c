/* SPDX-License-Identifier: Apache-2.0 */
/* What reports read out of verdicts: by how much something is off, and where a knee was expected.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "judge/text.h"
#include "report/outcome.h"

static void a_distance_is_to_the_nearest_that_was_allowed(void **state)
{
	static const struct {
		const char *expected, *observed, *distance;
	} rows[] = {
		{"64 pages", "65 pages (mincore)", "1 more"},
		{"score: 667", "600 (oom_score)", "67 less"},
		{"free: 12 to 14 pages", "20 pages", "6 more"},
		{"free: 12 to 14 pages", "2 pages", "10 less"},
		{"free: 12 to 14 pages", "13 pages", ""},
		{"-3", "-9223372036854775807", "9223372036854775804 less"},
		{"9223372036854775807", "-2", ""},
		{"9223372036854775808", "0", ""},
		{"one of 1 2", "3", ""},
		{"1 2 3", "1 2 4", ""},
		{"0x10", "0x11", ""},
		{"knee at 96", "95", ""},
		{"", "3", ""},
		{"3", "", ""},
		{"\xff: 3", "\xff", ""},
	};
	struct pool POOL_DROPS pool = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct record_verdict verdict = {
			.expected = rows[i].expected, .observed = rows[i].observed};
		assert_string_equal(outcome_distance(&pool, &verdict), rows[i].distance);
	}
}

static void a_knee_is_read_back_from_its_text(void **state)
{
	static const int64_t knees[][2] = {{96, 96}, {1293, 4337}};
	struct pool POOL_DROPS pool = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(knees) / sizeof(knees[0]); i++) {
		const struct vm_prediction prediction = {
			.form = VM_FORM_SHAPE,
			.shape = VM_SHAPE_REACH,
			.values_count = 2,
			.values = knees[i],
		};
		const char *text =
			pool_format(&pool, "chase: %s", prediction_text(&pool, &prediction));
		int64_t knee[2] = {0, 0};
		assert_true(prediction_text_knee(text, "chase", knee));
		assert_memory_equal(knee, knees[i], sizeof(knee));
		assert_false(prediction_text_knee(text, "packed", knee));
		assert_false(prediction_text_knee(text, "chas", knee));
	}
	int64_t untouched[2] = {7, 8};
	assert_false(prediction_text_knee("chase: higher at each place", "chase", untouched));
	assert_false(prediction_text_knee("chase: knee at all", "chase", untouched));
	assert_int_equal(untouched[0], 7);
	assert_int_equal(untouched[1], 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_distance_is_to_the_nearest_that_was_allowed),
		cmocka_unit_test(a_knee_is_read_back_from_its_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
