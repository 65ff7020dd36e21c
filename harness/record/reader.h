/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading a record, which may come from anybody: lines in their order, the seal over the
 * predictions, the hash over everything. What does not hold is an error with file, line, reason.
 */
#ifndef RECORD_READER_H
#define RECORD_READER_H

#include <stdbool.h>

#include "record/hash.h"
#include "record/line.h"

struct record_launch {
	struct record_trial trial;
	const char *id; /* of its case: case_id() */
	size_t observations_count;
	const struct record_observation *observations;
};

struct record {
	struct pool pool; /* all that is below */
	const char *path; /* for messages */
	struct record_header header;
	const char *facts; /* the text of a JSON object */
	size_t scripts_count;
	struct record_script *scripts;
	size_t predictions_count;
	struct record_prediction *predictions;
	bool is_sealed;
	struct record_sealed sealed;
	size_t launches_count;
	struct record_launch *launches; /* those that are whole */
	size_t verdicts_count;
	struct record_verdict *verdicts;
	bool has_summary;
	struct record_summary summary;
	/* Up to the last whole launch, or the seal: where a resumed run goes on. */
	size_t launched_bytes;
	int64_t launched_lines;
	struct record_hash launched_hash;
};

enum record_wanted {
	RECORD_ENDED,	  /* with its summary; the hash of the summary is checked */
	RECORD_REPORTED,  /* the same, without what no report shows: predictions of anything but a
			     shape, observations of scenarios */
	RECORD_VERDICTS,  /* the same, without predictions and observations */
	RECORD_RESUMABLE, /* may break off anywhere behind the seal */
	RECORD_RUNNING,	  /* sealed, no summary: the run that writes it is about to judge it */
};

/*
 * path "-" is standard input; what is compressed with zstd is unpacked. False after one message
 * "PATH:LINE: reason"; the record is dropped then. Otherwise the caller drops it.
 */
__attribute__((warn_unused_result)) bool record_read(
	struct record *record, const char *path, enum record_wanted wanted);

/* The same for an open file, from its start. */
__attribute__((warn_unused_result)) bool record_read_file(
	struct record *record, int descriptor, const char *path, enum record_wanted wanted);

void record_drop(struct record *record);

#define RECORD_DROPS __attribute__((cleanup(record_drop)))

#endif
