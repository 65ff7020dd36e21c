/* SPDX-License-Identifier: Apache-2.0 */
/* Records that are cut off, edited, out of order or hostile, and disks that are full. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zstd.h>

#include "base/buffer.h"
#include "record/join.h"
#include "record/reader.h"
#include "record/writer.h"

#define HEADER                                                                                  \
	"{\"type\":\"header\",\"format\":\"mmconform-record\",\"version\":1,\"program\":\"1\"," \
	"\"model\":\"m\",\"started\":\"2026-01-31T12:00:00Z\",\"suite\":\"exact\","             \
	"\"profile\":\"quick\",\"seed\":\"1\",\"allow\":[],\"anonymous\":false}\n"
#define FACTS "{\"type\":\"facts\",\"host\":{}}\n"
#define PREDICTION                                                                         \
	"{\"type\":\"prediction\",\"claim\":\"a.b\",\"probe\":\"a.b\",\"kind\":\"probe\"," \
	"\"model\":\"linux\",\"parameters\":{},\"expect\":[]}\n"
#define TRIAL(number, observations)                                                       \
	"{\"type\":\"trial\",\"number\":" number ",\"probe\":\"a.b\",\"kind\":\"probe\"," \
	"\"parameters\":{},\"launch\":" number ",\"end\":\"observed\",\"signal\":0,"      \
	"\"duration_us\":1,\"observations\":" observations "}\n"
#define OBSERVATION(trial)                                                              \
	"{\"type\":\"observation\",\"trial\":" trial ",\"quantity\":\"q\",\"at\":\"\"," \
	"\"values\":[1],\"unit\":\"count\",\"witness\":\"w\"}\n"

/* A record as text, whose seals are put in as it is written. */
struct draft {
	struct buffer text;
	struct record_hash hash;
	int64_t lines;
};

static void start(struct draft *draft)
{
	*draft = (struct draft){0};
	record_hash_start(&draft->hash);
}

static void add(struct draft *draft, const char *text)
{
	buffer_add(&draft->text, text, strlen(text));
	record_hash_add(&draft->hash, text, strlen(text));
	for (const char *at = text; (at = strchr(at, '\n')) != NULL; at++)
		draft->lines++;
}

static void seal(struct draft *draft)
{
	char hash[RECORD_HASH_CHARACTERS + 1], line[200];

	record_hash_text(&draft->hash, hash);
	(void)snprintf(line, sizeof(line),
		"{\"type\":\"sealed\",\"sha256\":\"%s\",\"lines\":%lld}\n", hash,
		(long long)draft->lines);
	add(draft, line);
}

/* more: fields that are not in every summary. */
static void sum_up_with(struct draft *draft, const char *more)
{
	char hash[RECORD_HASH_CHARACTERS + 1], line[400];

	record_hash_text(&draft->hash, hash);
	(void)snprintf(line, sizeof(line),
		"{\"type\":\"summary\",\"complete\":true,\"counts\":[],\"trials\":1,%s"
		"\"notes\":[],\"sha256\":\"%s\"}\n",
		more, hash);
	add(draft, line);
}

static void sum_up(struct draft *draft)
{
	sum_up_with(draft, "\"duration_ms\":1,\"taint_before\":0,\"taint_after\":0,"
			   "\"kernel_log\":[],");
}

/* Header to summary, with one trial of two observations. */
static void whole(struct draft *draft)
{
	start(draft);
	add(draft, HEADER FACTS PREDICTION);
	seal(draft);
	add(draft, TRIAL("1", "2") OBSERVATION("1") OBSERVATION("1"));
	sum_up(draft);
}

/* A descriptor from which the bytes can be read. */
static int file_of(const char *bytes, size_t length_bytes)
{
	const int descriptor = open("/tmp", O_TMPFILE | O_RDWR, 0600);

	assert_true(descriptor >= 0);
	assert_int_equal(write(descriptor, bytes, length_bytes), length_bytes);
	assert_int_equal(lseek(descriptor, 0, SEEK_SET), 0);
	return descriptor;
}

static bool reads(
	struct record *record, const char *bytes, size_t length_bytes, enum record_wanted wanted)
{
	const int descriptor = file_of(bytes, length_bytes);
	const bool good = record_read_file(record, descriptor, "test.jsonl", wanted);

	(void)close(descriptor);
	return good;
}

/* What is said on stderr from listen_to_stderr() to check_said(). */
struct hearing {
	int kept, heard;
};

static struct hearing listen_to_stderr(void)
{
	const struct hearing hearing = {dup(STDERR_FILENO), file_of("", 0)};

	assert_true(dup2(hearing.heard, STDERR_FILENO) >= 0);
	return hearing;
}

static void check_said(struct hearing hearing, const char *message)
{
	char said[1024] = {0};

	(void)fflush(stderr);
	(void)dup2(hearing.kept, STDERR_FILENO);
	(void)close(hearing.kept);
	assert_true(pread(hearing.heard, said, sizeof(said) - 1, 0) >= 0);
	(void)close(hearing.heard);
	if (strstr(said, message) == NULL)
		fail_msg("said \"%s\", not \"%s\"", said, message);
	/* One line, and no more. */
	assert_non_null(strchr(said, '\n'));
	assert_string_equal(strchr(said, '\n'), "\n");
}

/* What the reader says of a record that it refuses. */
static void check_refused(
	const char *bytes, size_t length_bytes, enum record_wanted wanted, const char *message)
{
	struct record record;
	const struct hearing hearing = listen_to_stderr();
	const bool good = reads(&record, bytes, length_bytes, wanted);

	check_said(hearing, message);
	if (good)
		record_drop(&record);
	assert_false(good);
}

static void a_whole_record_is_read(void **state)
{
	struct draft draft;
	struct record record;

	(void)state;
	whole(&draft);
	assert_true(reads(&record, draft.text.bytes, draft.text.length_bytes, RECORD_ENDED));
	assert_int_equal(record.launches_count, 1);
	assert_int_equal(record.launches[0].observations_count, 2);
	assert_string_equal(record.launches[0].id, "a.b");
	assert_true(record.is_sealed && record.has_summary);
	record_drop(&record);
	buffer_drop(&draft.text);
}

/* Every record that is cut off anywhere is refused, and resumable exactly behind its seal. */
static void a_record_cut_off_anywhere_is_refused(void **state)
{
	struct draft draft;
	struct record record;

	(void)state;
	whole(&draft);
	const char *sealed = strstr(draft.text.bytes, "{\"type\":\"trial\"");
	const size_t sealed_bytes = (size_t)(sealed - draft.text.bytes);
	for (size_t length = 0; length < draft.text.length_bytes; length++) {
		const bool ended = reads(&record, draft.text.bytes, length, RECORD_ENDED);
		assert_false(ended);
		const bool resumable = reads(&record, draft.text.bytes, length, RECORD_RESUMABLE);
		assert_int_equal(resumable, length >= sealed_bytes);
		if (!resumable)
			continue;
		/* What is gone on from is whole: the seal, or the trial with all observations. */
		assert_int_equal(draft.text.bytes[record.launched_bytes - 1], '\n');
		assert_true(record.launches_count == 0
				    ? record.launched_bytes == sealed_bytes
				    : record.launches[0].observations_count == 2);
		record_drop(&record);
	}
	buffer_drop(&draft.text);
}

/* One changed digit anywhere: the seal or the summary's hash notices. */
static void a_record_edited_anywhere_is_refused(void **state)
{
	struct draft draft;
	struct record record;

	(void)state;
	whole(&draft);
	for (size_t i = 0; i < draft.text.length_bytes; i++) {
		if (draft.text.bytes[i] < '0' || draft.text.bytes[i] > '8')
			continue;
		draft.text.bytes[i]++;
		/* The summary's own numbers are behind its hash; everything else is before it. */
		const bool in_summary =
			&draft.text.bytes[i] > strstr(draft.text.bytes, "\"summary\"") &&
			&draft.text.bytes[i] < strstr(draft.text.bytes, "\"notes\"");
		if (!in_summary)
			assert_false(reads(
				&record, draft.text.bytes, draft.text.length_bytes, RECORD_ENDED));
		draft.text.bytes[i]--;
	}
	buffer_drop(&draft.text);
}

static void wrong_records_are_named_with_line_and_reason(void **state)
{
	static const struct {
		const char *before, *after;
		const char *message;
	} rows[] = {
		{"", NULL, "test.jsonl:1: the record is empty"},
		{"\n", NULL, "test.jsonl:1: no JSON object"},
		{FACTS, NULL, "test.jsonl:1: a \"facts\" line has no place here"},
		{HEADER HEADER, NULL, "test.jsonl:2: a \"header\" line has no place here"},
		{HEADER FACTS PREDICTION, NULL, "ends before its seal"},
		{HEADER FACTS PREDICTION TRIAL("1", "0"), NULL, "test.jsonl:4: a \"trial\""},
		{HEADER FACTS, "", "has no summary"},
		{HEADER FACTS, OBSERVATION("1"), "test.jsonl:4: a \"observation\""},
		{HEADER FACTS, TRIAL("1", "1") TRIAL("2", "0"), "test.jsonl:5: a \"trial\""},
		{HEADER FACTS, TRIAL("1", "1") OBSERVATION("2"), "of another trial"},
		{HEADER FACTS, TRIAL("1", "-1"), "\"observations\" is negative"},
		{HEADER FACTS, PREDICTION, "test.jsonl:4: a \"prediction\""},
		{HEADER FACTS, "{\"type\":\"done\",\"observations\":0}\n", "a \"done\" line"},
		{HEADER FACTS, "{\"type\":\"broken\",\"reason\":\"\033[31m\"}\n",
			"test.jsonl:4: no JSON object"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct draft draft;
		start(&draft);
		add(&draft, rows[i].before);
		if (rows[i].after != NULL) {
			seal(&draft);
			add(&draft, rows[i].after);
		}
		check_refused(
			draft.text.bytes, draft.text.length_bytes, RECORD_ENDED, rows[i].message);
		buffer_drop(&draft.text);
	}
}

static void a_forged_seal_is_refused(void **state)
{
	struct draft draft;

	(void)state;
	start(&draft);
	add(&draft, HEADER FACTS PREDICTION);
	add(&draft,
		"{\"type\":\"sealed\",\"sha256\":\"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934c"
		"a495991b7852b855\",\"lines\":3}\n");
	sum_up(&draft);
	check_refused(draft.text.bytes, draft.text.length_bytes, RECORD_ENDED,
		"test.jsonl:4: the seal does not match");
	buffer_drop(&draft.text);
}

static void a_line_without_end_is_refused(void **state)
{
	const size_t length = RECORD_LINE_BYTES_MOST + 100;
	char *text = malloc(length);

	(void)state;
	assert_non_null(text);
	memset(text, ' ', length);
	check_refused(text, length, RECORD_ENDED, "test.jsonl:1: the line is too long");
	free(text);
}

/* --- writing --------------------------------------------------------------------------------- */

static const struct record_line observation = {
	.type = RECORD_TYPE_OBSERVATION,
	.observation = {.trial = 1, .quantity = "q", .at = "", .witness = "w"},
};

/* The limit on the size of files stands for a full disk: the write that crosses it is cut. */
static void a_full_disk_leaves_whole_lines(void **state)
{
	const struct rlimit full = {.rlim_cur = 500, .rlim_max = RLIM_INFINITY};
	const struct rlimit none = {.rlim_cur = RLIM_INFINITY, .rlim_max = RLIM_INFINITY};
	struct record_writer writer;
	char text[600] = {0};
	unsigned written = 0;

	(void)state;
	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(record_create(&writer, NULL, NULL), 0);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &full), 0);
	while (record_write(&writer, &observation, 1))
		written++;
	assert_false(record_write(&writer, &observation, 1));
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
	assert_true(written > 1);
	const ssize_t length = pread(writer.descriptor, text, sizeof(text), 0);
	assert_int_equal(length, writer.length_bytes);
	assert_int_equal(text[length - 1], '\n');
	record_close(&writer);
}

static void what_exists_is_not_replaced(void **state)
{
	char path[] = "/tmp/mmconform-test-XXXXXX";
	struct record_writer writer;
	const int descriptor = mkstemp(path);

	(void)state;
	assert_true(descriptor >= 0);
	assert_int_equal(record_create(&writer, path, NULL), -EEXIST);
	(void)close(descriptor);
	(void)unlink(path);
	assert_int_equal(record_create(&writer, "/nowhere/at/all", NULL), -ENOENT);
}

static void going_on_takes_off_what_was_half_written(void **state)
{
	char path[] = "/tmp/mmconform-test-XXXXXX";
	const int descriptor = mkstemp(path);
	struct record_writer writer;
	struct record record;
	struct draft draft;

	(void)state;
	start(&draft);
	add(&draft, HEADER FACTS PREDICTION);
	seal(&draft);
	add(&draft, TRIAL("1", "1") OBSERVATION("1") TRIAL("2", "2") OBSERVATION("2"));
	assert_int_equal(write(descriptor, draft.text.bytes, draft.text.length_bytes),
		draft.text.length_bytes);
	assert_int_equal(write(descriptor, "{\"type\":\"obs", 12), 12);
	assert_true(record_read(&record, path, RECORD_RESUMABLE));
	assert_int_equal(record.launches_count, 1);
	assert_int_equal(record_go_on(&writer, path, &record.launched_hash, record.launched_bytes,
				 record.launched_lines, NULL),
		0);
	record_drop(&record);
	assert_true(record_write(&writer,
		&(struct record_line){
			.type = RECORD_TYPE_TRIAL,
			.trial = {.number = 2, .probe = "a.b", .kind = "probe", .launch = 2},
		},
		1));
	record_close(&writer);
	assert_true(record_read(&record, path, RECORD_RUNNING));
	assert_int_equal(record.launches_count, 2);
	record_drop(&record);
	(void)close(descriptor);
	(void)unlink(path);
	buffer_drop(&draft.text);
}

/* Compressed, it is the same record; cut off or damaged anywhere it is none. */
static void a_compressed_record_is_unpacked(void **state)
{
	struct draft draft;
	struct record record;
	char packed[4096];

	(void)state;
	whole(&draft);
	const size_t packed_bytes =
		ZSTD_compress(packed, sizeof(packed), draft.text.bytes, draft.text.length_bytes, 3);
	assert_false(ZSTD_isError(packed_bytes));
	assert_true(reads(&record, packed, packed_bytes, RECORD_ENDED));
	assert_int_equal(record.launches[0].observations_count, 2);
	record_drop(&record);
	for (size_t cut_bytes = 4; cut_bytes < packed_bytes; cut_bytes++)
		check_refused(packed, cut_bytes, RECORD_ENDED, "cut off");
	packed[packed_bytes / 2] ^= 0x55;
	check_refused(packed, packed_bytes, RECORD_ENDED, "test.jsonl:");
	packed[packed_bytes / 2] ^= 0x55;
	check_refused(packed, packed_bytes, RECORD_RESUMABLE, "cannot be gone on with");
	buffer_drop(&draft.text);
}

/* A report passes over what it does not show, and the hash covers it all the same. */
static void a_reported_record_is_hashed_whole(void **state)
{
	static const char wanted[] = "\"quantity\":\"q\"";
	struct draft draft;
	struct record record;

	(void)state;
	start(&draft);
	add(&draft, HEADER FACTS PREDICTION);
	seal(&draft);
	add(&draft, "{\"type\":\"trial\",\"number\":1,\"probe\":\"a.b\",\"kind\":\"scenario\","
		    "\"parameters\":{},\"launch\":1,\"end\":\"observed\",\"signal\":0,"
		    "\"duration_us\":1,\"observations\":1}\n" OBSERVATION("1") TRIAL("2", "1")
			    OBSERVATION("2"));
	sum_up(&draft);
	assert_true(reads(&record, draft.text.bytes, draft.text.length_bytes, RECORD_REPORTED));
	assert_int_equal(record.predictions_count, 0);
	assert_int_equal(record.launches_count, 2);
	assert_int_equal(record.launches[0].observations_count, 0);
	assert_int_equal(record.launches[1].observations_count, 1);
	record_drop(&record);
	memcpy(strstr(draft.text.bytes, wanted), "\"quantity\":\"r\"", strlen(wanted));
	check_refused(draft.text.bytes, draft.text.length_bytes, RECORD_REPORTED,
		"was changed after the run");
	buffer_drop(&draft.text);
}

/* The share of a clone: its own trial behind the head of all. */
static int clone_of(const char *head, const char *trial, const char *summary)
{
	struct draft draft;

	start(&draft);
	add(&draft, head);
	seal(&draft);
	add(&draft, trial);
	sum_up_with(&draft, summary);
	const int file = file_of(draft.text.bytes, draft.text.length_bytes);
	buffer_drop(&draft.text);
	return file;
}

#define HEAD HEADER FACTS PREDICTION
#define SUMMARY(duration_ms, taint_after, log)                                            \
	"\"duration_ms\":" duration_ms ",\"taint_before\":0,\"taint_after\":" taint_after \
	",\"kernel_log\":[" log "],"

/* One record of three: all launches, the longest time, every taint, every line of the kernel. */
static void clones_records_are_joined(void **state)
{
	const int first = clone_of(HEAD, TRIAL("1", "2") OBSERVATION("1") OBSERVATION("1"),
		SUMMARY("5", "1", "\"a\""));
	const int others[] = {
		clone_of(HEAD, TRIAL("2", "1") OBSERVATION("2"), SUMMARY("9", "512", "")),
		clone_of(HEAD, TRIAL("3", "0"), SUMMARY("7", "1", "\"b\",\"c\"")),
	};
	struct record record;

	(void)state;
	assert_true(record_join(first, "first.jsonl", others, 2));
	assert_int_equal(lseek(first, 0, SEEK_SET), 0);
	assert_true(record_read_file(&record, first, "first.jsonl", RECORD_ENDED));
	assert_int_equal(record.launches_count, 3);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(record.launches[i].trial.number, i + 1);
		assert_int_equal(record.launches[i].observations_count, 2 - i);
	}
	assert_int_equal(record.summary.machines, 3);
	assert_int_equal(record.summary.trials, 3);
	assert_int_equal(record.summary.duration_ms, 9);
	assert_int_equal(record.summary.taint_after, 513);
	assert_int_equal(record.summary.kernel_log_count, 3);
	assert_string_equal(record.summary.kernel_log[0], "a");
	assert_string_equal(record.summary.kernel_log[2], "c");
	record_drop(&record);
	(void)close(first);
	(void)close(others[0]);
	(void)close(others[1]);
}

static void check_unjoined(int other, const char *message)
{
	const int first = clone_of(HEAD, TRIAL("1", "0"), SUMMARY("1", "0", ""));
	const struct hearing hearing = listen_to_stderr();
	const bool joined = record_join(first, "first.jsonl", &other, 1);

	check_said(hearing, message);
	assert_false(joined);
	(void)close(first);
	(void)close(other);
}

/* What is no clone's, or not all of it, is not made part of anything. */
static void others_records_are_not_joined(void **state)
{
	static const char unsealed[] = HEAD;
	struct draft draft;

	(void)state;
	check_unjoined(file_of("", 0), "first.jsonl: a clone has brought out nothing");
	check_unjoined(file_of(unsealed, strlen(unsealed)), "ends before its seal");
	check_unjoined(clone_of(HEAD PREDICTION, TRIAL("2", "0"), SUMMARY("1", "0", "")),
		"other predictions than its original");
	start(&draft);
	add(&draft, HEAD);
	seal(&draft);
	add(&draft, TRIAL("2", "0"));
	check_unjoined(file_of(draft.text.bytes, draft.text.length_bytes), "no summary");
	buffer_drop(&draft.text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(clones_records_are_joined),
		cmocka_unit_test(others_records_are_not_joined),
		cmocka_unit_test(a_whole_record_is_read),
		cmocka_unit_test(a_record_cut_off_anywhere_is_refused),
		cmocka_unit_test(a_record_edited_anywhere_is_refused),
		cmocka_unit_test(wrong_records_are_named_with_line_and_reason),
		cmocka_unit_test(a_forged_seal_is_refused),
		cmocka_unit_test(a_line_without_end_is_refused),
		cmocka_unit_test(a_full_disk_leaves_whole_lines),
		cmocka_unit_test(what_exists_is_not_replaced),
		cmocka_unit_test(going_on_takes_off_what_was_half_written),
		cmocka_unit_test(a_compressed_record_is_unpacked),
		cmocka_unit_test(a_reported_record_is_hashed_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
