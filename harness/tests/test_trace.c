/* SPDX-License-Identifier: Apache-2.0 */
/* Reference strings: every format, every way in which a file can be wrong, every generator. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "trace/trace.h"
#include "vm/replace.h"
#include "vm/units.h"

static const struct trace_options options = {.page_shift = VM_PAGE_SHIFT, .most_references = 1000};

static bool read_bytes(
	struct trace *trace, const void *bytes, size_t size_bytes, enum trace_format format)
{
	FILE *stream = fmemopen((void *)bytes, size_bytes, "rb");

	assert_non_null(stream);
	const bool read = trace_read(trace, stream, "test", format, &options);
	(void)fclose(stream);
	return read;
}

static void expect(const struct trace *trace, const uint64_t *pages, size_t count)
{
	assert_int_equal(trace->count, count);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(
			trace->intern.keys[vm_reference_page(trace->references[i])], pages[i]);
}

static void numbers_are_read_with_their_writes(void **state)
{
	(void)state;
	struct trace TRACE_DROPS trace = {0};
	static const char text[] = "# a comment\n1\n0x10w 3r,4\r\n\n5 # end";
	static const uint64_t pages[] = {1, 16, 3, 4, 5};

	assert_true(read_bytes(&trace, text, sizeof(text) - 1, TRACE_NUMBERS));
	expect(&trace, pages, 5);
	assert_true(vm_reference_writes(trace.references[1]));
	assert_false(vm_reference_writes(trace.references[2]));
}

static void lackey_is_read_with_pages_it_crosses(void **state)
{
	(void)state;
	struct trace TRACE_DROPS trace = {0};
	static const char text[] = "==7== Lackey, an example Valgrind tool\n"
				   "I  04001090,3\n L 1ffefff7e0,8\n S 00000fff,2\n M 00003000,4\n";
	static const uint64_t pages[] = {0x1ffefff, 0, 1, 3};

	assert_true(read_bytes(&trace, text, sizeof(text) - 1, TRACE_LACKEY));
	expect(&trace, pages, 4);
	assert_false(vm_reference_writes(trace.references[0]));
	assert_true(vm_reference_writes(trace.references[1]));
	assert_true(vm_reference_writes(trace.references[3]));
}

static void binaries_are_little_endian_records(void **state)
{
	(void)state;
	static const unsigned char u32[] = {1, 0, 0, 0, 0, 1, 0, 0};
	static const unsigned char u64[] = {1, 0, 0, 0, 0, 0, 0, 1};
	static const unsigned char oracle[24] = {9, 9, 9, 9, 7, 0, 0, 0, 0, 0, 0, 0, 1};
	static const uint64_t pages_32[] = {1, 256};
	static const uint64_t pages_64[] = {UINT64_C(0x0100000000000001)};
	static const uint64_t pages_oracle[] = {7};
	struct trace TRACE_DROPS a = {0};
	struct trace TRACE_DROPS b = {0};
	struct trace TRACE_DROPS c = {0};

	assert_true(read_bytes(&a, u32, sizeof(u32), TRACE_U32));
	expect(&a, pages_32, 2);
	assert_true(read_bytes(&b, u64, sizeof(u64), TRACE_U64));
	expect(&b, pages_64, 1);
	assert_true(read_bytes(&c, oracle, sizeof(oracle), TRACE_ORACLE));
	expect(&c, pages_oracle, 1);
}

static void wrong_files_are_refused(void **state)
{
	(void)state;
	static const struct {
		enum trace_format format;
		const char *text;
		size_t size_bytes;
	} rows[] = {
		{TRACE_NUMBERS, "1\n2\nx\n", 6},
		{TRACE_NUMBERS, "-1\n", 3},
		{TRACE_NUMBERS, "1x\n", 3},
		{TRACE_NUMBERS, "99999999999999999999\n", 21},
		{TRACE_NUMBERS, "1\0002\n", 4},
		{TRACE_NUMBERS, "# nothing\n", 10},
		{TRACE_U32, "abcde", 5},
		{TRACE_U64, "abc", 3},
		{TRACE_ORACLE, "abcdefghabcdefghabcdefg", 23},
		{TRACE_LACKEY, "hello\n", 6},
		{TRACE_LACKEY, "I\n", 2},
		{TRACE_LACKEY, " \n", 2},
		{TRACE_LACKEY, " L", 2},
		{TRACE_LACKEY, " L 12\n", 6},
		{TRACE_LACKEY, " L ,8\n", 6},
		{TRACE_LACKEY, " L 12,8 9\n", 10},
		{TRACE_LACKEY, " L 12,0\n", 8},
		{TRACE_LACKEY, " L 12,123456\n", 13},
		{TRACE_LACKEY, " L ffffffffffffffff,8\n", 22},
		{TRACE_LACKEY, " L fffffffffffffffff,8\n", 23},
		{TRACE_LACKEY, "==7== only talk\n", 16},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct trace TRACE_DROPS trace = {0};
		assert_false(read_bytes(&trace, rows[i].text, rows[i].size_bytes, rows[i].format));
	}
	struct trace TRACE_DROPS trace = {0};
	assert_false(trace_read_file(&trace, "/nonexistent", TRACE_NUMBERS, &options));
	assert_false(trace_read_file(&trace, "/", TRACE_U32, &options));
}

static void long_lines_and_long_strings_are_refused(void **state)
{
	(void)state;
	char text[3000];
	struct trace TRACE_DROPS a = {0};
	struct trace TRACE_DROPS b = {0};

	memset(text, ' ', sizeof(text));
	assert_false(read_bytes(&a, text, sizeof(text), TRACE_NUMBERS));
	for (size_t i = 0; i < sizeof(text); i += 2)
		memcpy(text + i, "1\n", 2);
	assert_false(read_bytes(&b, text, sizeof(text), TRACE_NUMBERS));
	assert_int_equal(b.count, options.most_references);
}

static void generators_keep_their_promises(void **state)
{
	(void)state;
	struct trace TRACE_DROPS loop = {0};
	struct trace TRACE_DROPS scan = {0};
	struct trace TRACE_DROPS hot = {0};
	struct trace TRACE_DROPS zipf = {0};
	struct trace TRACE_DROPS again = {0};
	uint64_t in_hot = 0, first = 0;

	assert_true(trace_generate(&loop, "loop:pages=7,count=70", &options));
	assert_int_equal(trace_pages(&loop), 7);
	assert_true(trace_generate(&scan, "scan:count=100", &options));
	assert_int_equal(trace_pages(&scan), 100);
	assert_true(trace_generate(&hot, "hot:pages=100,count=1000,writes=50", &options));
	for (size_t i = 0; i < hot.count; i++)
		in_hot += hot.intern.keys[vm_reference_page(hot.references[i])] < 20;
	/* 800 expected of 1000; a standard deviation is 12.6, and the seed is fixed. */
	assert_in_range(in_hot, 740, 860);
	assert_true(trace_generate(&zipf, "zipf:pages=100,count=1000,exponent=1", &options));
	assert_true(trace_generate(&again, "zipf:pages=100,count=1000,exponent=1", &options));
	assert_memory_equal(zipf.references, again.references, zipf.count * sizeof(uint32_t));
	for (size_t i = 0; i < zipf.count; i++)
		first += zipf.intern.keys[vm_reference_page(zipf.references[i])] == 0;
	/* 1 / (1 + 1/2 + ... + 1/100) is 0.193. */
	assert_in_range(first, 150, 240);
}

static void nonsense_generators_are_refused(void **state)
{
	(void)state;
	static const char *const texts[] = {"", "zip", "zipf:pages", "zipf:pages=", "zipf:pages=0",
		"zipf:pages=1x", "zipf:pages=-1", "zipf:nothing=1", "zipf:exponent=nan",
		"zipf:exponent=-1", "zipf:pages=1001", "uniform:count=1001", "phases:pages=5,hot=6",
		"hot:part=100", "loop:,"};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct trace TRACE_DROPS trace = {0};
		assert_false(trace_generate(&trace, texts[i], &options));
	}
}

static void many_pages_grow_the_numbering(void **state)
{
	(void)state;
	struct trace TRACE_DROPS trace = {0};

	for (uint64_t i = 0; i < 100000; i++)
		assert_true(trace_add(&trace, i << 32, false));
	assert_int_equal(trace_pages(&trace), 100000);
	assert_true(trace_add(&trace, UINT64_C(77) << 32, true));
	assert_int_equal(trace.references[100000], 77 | VM_REFERENCE_WRITES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_read_with_their_writes),
		cmocka_unit_test(lackey_is_read_with_pages_it_crosses),
		cmocka_unit_test(binaries_are_little_endian_records),
		cmocka_unit_test(wrong_files_are_refused),
		cmocka_unit_test(long_lines_and_long_strings_are_refused),
		cmocka_unit_test(generators_keep_their_promises),
		cmocka_unit_test(nonsense_generators_are_refused),
		cmocka_unit_test(many_pages_grow_the_numbering),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
