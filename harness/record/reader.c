/* SPDX-License-Identifier: Apache-2.0 */
#include "record/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/message.h"
#include "base/unpack.h"
#include "suite/cases.h"

/* Which types may follow; the order is what the run writes. */
enum stage {
	AT_HEADER,
	AT_FACTS,
	AT_PREDICTIONS,
	AT_TRIALS,
	AT_OBSERVATIONS,
	AT_VERDICTS,
	AT_END,
};

struct reading {
	struct record *record;
	enum record_wanted wanted;
	enum stage stage;
	struct record_hash hash; /* of all lines before this one */
	size_t length_bytes;
	int64_t line_number;
	int64_t owed; /* observations that the last trial announced and that are to come */
	struct record_observation *observations;
};

static bool refuse(const struct reading *reading, const char *reason)
{
	message("%s:%" PRId64 ": %s", reading->record->path, reading->line_number, reason);
	return false;
}

static bool take_header(struct reading *reading, const struct record_header *header)
{
	struct record *record = reading->record;

	if (strcmp(header->format, RECORD_FORMAT) != 0)
		return refuse(reading, "not a record of mmconform");
	if (header->version != RECORD_VERSION)
		return refuse(
			reading, pool_format(&record->pool,
					 "record of version %" PRId64 ", this program reads %d",
					 header->version, RECORD_VERSION));
	record->header = *header;
	reading->stage = AT_FACTS;
	return true;
}

/* Where a resumed run would go on. */
static void mark(struct reading *reading)
{
	reading->record->launched_bytes = reading->length_bytes;
	reading->record->launched_lines = reading->line_number;
	reading->record->launched_hash = reading->hash;
}

static bool hash_is(const struct reading *reading, const char *text)
{
	char own[RECORD_HASH_CHARACTERS + 1];

	record_hash_text(&reading->hash, own);
	return strcmp(own, text) == 0;
}

static bool take_seal(struct reading *reading, const struct record_sealed *sealed)
{
	if (sealed->lines != reading->line_number - 1 || !hash_is(reading, sealed->sha256))
		return refuse(reading,
			"the seal does not match: a line before it was changed after the run");
	reading->record->is_sealed = true;
	reading->record->sealed = *sealed;
	reading->stage = AT_TRIALS;
	return true;
}

static bool take_prediction(struct reading *reading, const struct record_line *line)
{
	struct record *record = reading->record;

	if (line->type == RECORD_TYPE_SCRIPT) {
		record->scripts = pool_grow(&record->pool, record->scripts, record->scripts_count,
			sizeof(record->scripts[0]));
		record->scripts[record->scripts_count++] = line->script;
		return true;
	}
	record->predictions = pool_grow(&record->pool, record->predictions,
		record->predictions_count, sizeof(record->predictions[0]));
	record->predictions[record->predictions_count++] = line->prediction;
	return true;
}

static bool take_trial(struct reading *reading, const struct record_trial *trial)
{
	struct record *record = reading->record;

	if (trial->observations_count < 0)
		return refuse(reading, "\"observations\" is negative");
	record->launches = pool_grow(&record->pool, record->launches, record->launches_count,
		sizeof(record->launches[0]));
	record->launches[record->launches_count++] = (struct record_launch){
		.trial = *trial,
		.id = case_id(&record->pool, trial->kind, trial->probe, &trial->parameters),
	};
	reading->owed = trial->observations_count;
	reading->observations = NULL;
	reading->stage = reading->owed == 0 ? AT_TRIALS : AT_OBSERVATIONS;
	return true;
}

static bool take_observation(struct reading *reading, const struct record_observation *observation)
{
	struct record *record = reading->record;
	struct record_launch *launch = &record->launches[record->launches_count - 1];

	if (observation->trial != launch->trial.number)
		return refuse(reading, "an observation of another trial");
	reading->observations = pool_grow(&record->pool, reading->observations,
		launch->observations_count, sizeof(*observation));
	reading->observations[launch->observations_count++] = *observation;
	launch->observations = reading->observations;
	if (--reading->owed == 0)
		reading->stage = AT_TRIALS;
	return true;
}

static bool take_verdict(struct reading *reading, const struct record_verdict *verdict)
{
	struct record *record = reading->record;

	record->verdicts = pool_grow(&record->pool, record->verdicts, record->verdicts_count,
		sizeof(record->verdicts[0]));
	record->verdicts[record->verdicts_count++] = *verdict;
	reading->stage = AT_VERDICTS;
	return true;
}

static bool take_summary(struct reading *reading, const struct record_summary *summary)
{
	if (!hash_is(reading, summary->sha256))
		return refuse(reading, "the hash of the summary does not match: the record was "
				       "changed after the run");
	reading->record->has_summary = true;
	reading->record->summary = *summary;
	reading->stage = AT_END;
	return true;
}

static bool take_line(struct reading *reading, const struct record_line *line)
{
	const enum stage stage = reading->stage;

	switch (line->type) {
	case RECORD_TYPE_HEADER:
		if (stage == AT_HEADER)
			return take_header(reading, &line->header);
		break;
	case RECORD_TYPE_FACTS:
		if (stage != AT_FACTS)
			break;
		reading->record->facts = line->facts.host;
		reading->stage = AT_PREDICTIONS;
		return true;
	case RECORD_TYPE_SCRIPT:
	case RECORD_TYPE_PREDICTION:
		if (stage == AT_PREDICTIONS)
			return take_prediction(reading, line);
		break;
	case RECORD_TYPE_SEALED:
		if (stage == AT_PREDICTIONS)
			return take_seal(reading, &line->sealed);
		break;
	case RECORD_TYPE_TRIAL:
		if (stage == AT_TRIALS)
			return take_trial(reading, &line->trial);
		break;
	case RECORD_TYPE_OBSERVATION:
		if (stage == AT_OBSERVATIONS)
			return take_observation(reading, &line->observation);
		break;
	case RECORD_TYPE_VERDICT:
		if (stage == AT_TRIALS || stage == AT_VERDICTS)
			return take_verdict(reading, &line->verdict);
		break;
	case RECORD_TYPE_SUMMARY:
		if (stage == AT_TRIALS || stage == AT_VERDICTS)
			return take_summary(reading, &line->summary);
		break;
	case RECORD_TYPE_HELLO:
	case RECORD_TYPE_BROKEN:
	case RECORD_TYPE_UNMET:
	case RECORD_TYPE_DONE:
	case RECORD_TYPE_LIMIT:
		break;
	}
	return refuse(
		reading, pool_format(&reading->record->pool, "a \"%s\" line has no place here",
				 record_type_word(line->type)));
}

static bool starts_with(const char *text, size_t length_bytes, const char *start)
{
	return length_bytes >= strlen(start) && memcmp(text, start, strlen(start)) == 0;
}

static bool has_shape(const char *text, size_t length_bytes)
{
	static const char shape[] = "\"form\":\"shape\"";

	return memmem(text, length_bytes, shape, strlen(shape)) != NULL;
}

/*
 * What a report has no use for is most of a record: what scenarios saw, and predictions of anything
 * but a shape. Those lines count and are hashed, and no more. Quotes inside a text are escaped, so
 * the words below are found nowhere but where they mean this.
 */
static bool is_passed_over(const struct reading *reading, const char *text, size_t length_bytes)
{
	const struct record *record = reading->record;
	const bool only_verdicts = reading->wanted == RECORD_VERDICTS;

	if (reading->wanted != RECORD_REPORTED && !only_verdicts)
		return false;
	if (reading->stage == AT_OBSERVATIONS)
		return starts_with(text, length_bytes, "{\"type\":\"observation\"") &&
		       (only_verdicts ||
			       strcmp(record->launches[record->launches_count - 1].trial.kind,
				       "scenario") == 0);
	return reading->stage == AT_PREDICTIONS &&
	       starts_with(text, length_bytes, "{\"type\":\"prediction\"") &&
	       (only_verdicts || !has_shape(text, length_bytes));
}

static void pass_over(struct reading *reading)
{
	if (reading->stage == AT_OBSERVATIONS && --reading->owed == 0)
		reading->stage = AT_TRIALS;
}

/* One line with its newline. */
static bool read_line(struct reading *reading, const char *text, size_t length_bytes)
{
	struct record_line line;
	const char *why = NULL;

	reading->line_number++;
	if (is_passed_over(reading, text, length_bytes))
		pass_over(reading);
	else if (!record_decode(&reading->record->pool, text, length_bytes, &line, &why))
		return refuse(reading, why);
	else if (!take_line(reading, &line))
		return false;
	record_hash_add(&reading->hash, text, length_bytes);
	reading->length_bytes += length_bytes;
	if (reading->stage == AT_TRIALS)
		mark(reading);
	return true;
}

static bool is_whole(enum record_wanted wanted)
{
	return wanted == RECORD_ENDED || wanted == RECORD_REPORTED || wanted == RECORD_VERDICTS;
}

/* The file ended. rest_bytes of a line without its newline were left. */
static bool check_end(struct reading *reading, size_t rest_bytes)
{
	static const char hint[] = "mmconform run --resume --record goes on with such a record";
	const struct record *record = reading->record;

	reading->line_number++;
	if (reading->wanted != RECORD_RESUMABLE && rest_bytes != 0)
		return refuse(reading,
			pool_format(&reading->record->pool, "the last line is cut off; %s", hint));
	if (reading->stage == AT_HEADER)
		return refuse(reading, "the record is empty");
	if (!record->is_sealed)
		return refuse(reading, "the record ends before its seal: nothing was measured");
	if (is_whole(reading->wanted) && !record->has_summary)
		return refuse(reading, pool_format(&reading->record->pool,
					       "the record has no summary: the run did not "
					       "end; %s",
					       hint));
	if (reading->wanted == RECORD_RUNNING && reading->stage != AT_TRIALS)
		return refuse(reading, "the record does not end with a whole trial");
	return true;
}

/* A resumed run takes what is whole: the launch whose observations are missing is not. */
static void drop_partial_launch(struct reading *reading)
{
	struct record *record = reading->record;

	if (reading->owed != 0)
		record->launches_count--;
}

/* Takes the whole lines out of the front of the text. */
static bool take_lines(struct reading *reading, struct buffer *text)
{
	char *start = text->bytes, *newline = NULL;
	size_t held_bytes = text->length_bytes;

	while ((newline = memchr(start, '\n', held_bytes)) != NULL) {
		const size_t length_bytes = (size_t)(newline - start) + 1;
		if (!read_line(reading, start, length_bytes))
			return false;
		start += length_bytes;
		held_bytes -= length_bytes;
	}
	memmove(text->bytes, start, held_bytes);
	text->length_bytes = held_bytes;
	if (held_bytes <= RECORD_LINE_BYTES_MOST)
		return true;
	reading->line_number++;
	return refuse(reading, "the line is too long");
}

static bool read_lines(struct reading *reading, int descriptor)
{
	struct buffer BUFFER_DROPS text = {0};
	struct unpack UNPACK_CLOSES *unpack = unpack_open(descriptor);
	char chunk[1 << 16];

	for (;;) {
		const char *why = NULL;
		const ssize_t got_bytes = unpack_read(unpack, chunk, sizeof(chunk), &why);
		if (got_bytes < 0)
			return refuse(reading, why);
		if (reading->wanted == RECORD_RESUMABLE && unpack_is_packed(unpack))
			return refuse(reading, "a compressed record cannot be gone on with");
		if (got_bytes == 0)
			return check_end(reading, text.length_bytes);
		buffer_add(&text, chunk, (size_t)got_bytes);
		if (!take_lines(reading, &text))
			return false;
	}
}

bool record_read_file(
	struct record *record, int descriptor, const char *path, enum record_wanted wanted)
{
	struct reading reading = {.record = record, .wanted = wanted};

	*record = (struct record){.path = path};
	record_hash_start(&reading.hash);
	if (!read_lines(&reading, descriptor)) {
		record_drop(record);
		return false;
	}
	drop_partial_launch(&reading);
	return true;
}

bool record_read(struct record *record, const char *path, enum record_wanted wanted)
{
	if (strcmp(path, "-") == 0)
		return record_read_file(record, STDIN_FILENO, "standard input", wanted);
	const int descriptor = open(path, O_RDONLY | O_CLOEXEC);
	if (descriptor < 0) {
		message("%s: %s", path, strerror(errno));
		return false;
	}
	const bool good = record_read_file(record, descriptor, path, wanted);
	(void)close(descriptor);
	return good;
}

void record_drop(struct record *record)
{
	pool_drop(&record->pool);
	*record = (struct record){0};
}
