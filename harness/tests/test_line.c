/* SPDX-License-Identifier: Apache-2.0 */
/* The encoder and the decoder are one: what is written reads back, and what is wrong is named. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "record/line.h"

static void check_round_trip(const char *text)
{
	struct pool pool = {0};
	struct record_line line;
	const char *why = NULL;

	if (!record_decode(&pool, text, strlen(text), &line, &why))
		fail_msg("%s: %s", text, why);
	assert_string_equal(record_encode(&pool, &line), text);
	pool_drop(&pool);
}

static void lines_read_back_as_written(void **state)
{
	static const char *const lines[] = {
		"{\"type\":\"header\",\"format\":\"mmconform-record\",\"version\":1,"
		"\"program\":\"0.1.0\",\"model\":\"abc\",\"started\":\"2026-01-31T12:00:00Z\","
		"\"suite\":\"exact\",\"profile\":\"quick\",\"selection\":\"cow.*\","
		"\"seed\":\"18446744073709551615\",\"allow\":[\"settings\"],\"anonymous\":false}\n",
		"{\"type\":\"facts\",\"host\":{\"kernel\":{\"release\":\"6.1\"}}}\n",
		"{\"type\":\"script\",\"check\":\"cow.x\",\"text\":\"map a\\n\"}\n",
		"{\"type\":\"prediction\",\"claim\":\"demand.first-touch\",\"probe\":\"demand.x\","
		"\"kind\":\"probe\",\"model\":\"linux\",\"parameters\":{\"pages\":64,\"page\":"
		"\"2M\"},"
		"\"expect\":[{\"quantity\":\"minor-faults\",\"at\":\"\",\"unit\":\"count\","
		"\"form\":\"exact\",\"values\":[64],\"because\":\"b\",\"cite\":\"c\"},"
		"{\"quantity\":\"low\",\"at\":\"DMA\",\"unit\":\"pages\",\"form\":\"rule\","
		"\"inputs\":[\"min\"],\"because\":\"b\",\"cite\":\"c\"}]}\n",
		"{\"type\":\"sealed\",\"sha256\":\"00\",\"lines\":4}\n",
		"{\"type\":\"trial\",\"number\":1,\"probe\":\"demand.x\",\"kind\":\"probe\","
		"\"parameters\":{},\"launch\":1,\"end\":\"unmet\",\"why\":\"w\",\"signal\":0,"
		"\"duration_us\":12,\"unmet\":[{\"requirement\":\"r\",\"value\":\"v\","
		"\"supply\":\"s\"}],\"settings\":[{\"knob\":\"vm.x\",\"value\":\"1\"}],"
		"\"moved\":[\"thp.enabled\"],\"observations\":0}\n",
		"{\"type\":\"observation\",\"trial\":1,\"quantity\":\"minor-faults\",\"at\":\"\","
		"\"values\":[9223372036854775807,-9223372036854775808],\"unit\":\"count\","
		"\"witness\":\"getrusage\"}\n",
		"{\"type\":\"verdict\",\"claim\":\"c\",\"probe\":\"p\",\"kind\":\"probe\","
		"\"parameters\":{},\"verdict\":\"pass\",\"textbook\":\"agrees\","
		"\"reading\":\"agreed\",\"expected\":\"64\",\"observed\":\"64\","
		"\"textbook_expected\":\"64\",\"because\":\"b\",\"cite\":\"c\","
		"\"known\":[{\"reason\":\"r\",\"link\":\"l\",\"expires\":\"2027-01-01\"}],"
		"\"exactness\":[{\"pages\":9,\"decided\":8,\"right\":7}]}\n",
		"{\"type\":\"summary\",\"complete\":true,\"counts\":[{\"verdict\":\"pass\","
		"\"count\":1}],\"trials\":1,\"duration_ms\":5,\"taint_before\":0,"
		"\"taint_after\":0,\"kernel_log\":[],\"notes\":[],\"sha256\":\"00\"}\n",
		"{\"type\":\"hello\",\"protocol\":1,\"subject\":\"demand.x\"}\n",
		("{\"type\":\"broken\",\"file\":\"a.c\",\"line\":7,\"reason\":\"a \\\"quoted\\\" "
		 "reason\"}\n"),
		"{\"type\":\"unmet\",\"reason\":\"r\",\"remedy\":\"m\"}\n",
		"{\"type\":\"done\",\"observations\":3}\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		check_round_trip(lines[i]);
}

static void check_refused(const char *text, size_t length_bytes, const char *reason)
{
	struct pool pool = {0};
	struct record_line line = {.type = RECORD_TYPE_LIMIT};
	const char *why = NULL;

	assert_false(record_decode(&pool, text, length_bytes, &line, &why));
	assert_int_equal(line.type, RECORD_TYPE_LIMIT);
	if (strstr(why, reason) == NULL)
		fail_msg("%.60s: said \"%s\", not \"%s\"", text, why, reason);
	pool_drop(&pool);
}

static void wrong_lines_are_refused_with_a_reason(void **state)
{
	static const struct {
		const char *text, *reason;
	} lines[] = {
		{"", "no JSON object"},
		{"[1]", "\"type\" is missing"},
		{"{\"type\":1}", "\"type\" is missing"},
		{"{\"type\":\"huh\"}", "not one of the types"},
		{"{\"type\":\"done\"}", "\"observations\" is missing"},
		{"{\"type\":\"done\",\"observations\":1.0}", "not an integer"},
		{"{\"type\":\"done\",\"observations\":true}", "must be an integer"},
		{"{\"type\":\"done\",\"observations\":9223372036854775808}", "no JSON object"},
		{"{\"type\":\"done\",\"observations\":1,\"observations\":1}", "duplicate"},
		{"{\"type\":\"done\",\"observations\":1,\"more\":1}", "\"more\" is not a field"},
		{"{\"type\":\"broken\",\"reason\":\"\xff\"}", "unable to decode"},
		{"{\"type\":\"broken\",\"reason\":\"\\u0000\"}", "no JSON object"},
		{"{\"type\":\"done\",\"observations\":1}x", "no JSON object"},
		{"{\"type\":\"done\",\"observ", "no JSON object"},
		{"{\"type\":\"facts\",\"host\":[]}", "\"host\" must be an object"},
		{"{\"type\":\"facts\",\"host\":{\"a\":[0.5]}}", "not an integer"},
		{"{\"type\":\"observation\",\"quantity\":\"q\",\"at\":\"\",\"values\":[\"1\"],"
		 "\"unit\":\"count\",\"witness\":\"w\"}",
			"array of integers"},
		{"{\"type\":\"observation\",\"quantity\":\"q\",\"at\":\"\",\"values\":[],"
		 "\"unit\":\"furlongs\",\"witness\":\"w\"}",
			"\"unit\" is not one of the words"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		check_refused(lines[i].text, strlen(lines[i].text), lines[i].reason);
}

static void depth_and_length_are_limited(void **state)
{
	static char text[RECORD_LINE_BYTES_MOST + 2];
	const size_t depth = 64;
	size_t length = 0;

	(void)state;
	length = (size_t)snprintf(text, sizeof(text), "{\"type\":\"facts\",\"host\":{\"a\":");
	memset(text + length, '[', depth);
	memset(text + length + depth, ']', depth);
	memcpy(text + length + 2 * depth, "}}", 3);
	check_refused(text, strlen(text), "nested too deeply");
	memset(text, ' ', sizeof(text));
	check_refused(text, sizeof(text), "at most");
}

static void invalid_text_is_not_written(void **state)
{
	struct pool pool = {0};
	const struct record_line line = {.type = RECORD_TYPE_BROKEN, .broken = {.reason = "\xff"}};

	(void)state;
	assert_null(record_encode(&pool, &line));
	pool_drop(&pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_read_back_as_written),
		cmocka_unit_test(wrong_lines_are_refused_with_a_reason),
		cmocka_unit_test(depth_and_length_are_limited),
		cmocka_unit_test(invalid_text_is_not_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
