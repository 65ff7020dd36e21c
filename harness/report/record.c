/* SPDX-License-Identifier: Apache-2.0 */
#include "report/formats.h"

#include <string.h>

#include "base/message.h"

/* Lines on their way out; the summary carries the hash of all before it. */
struct lines {
	FILE *stream;
	struct record_hash hash;
	bool good;
};

static void put(struct lines *lines, const struct record_line *line)
{
	struct pool POOL_DROPS pool = {0};
	const char *text = record_encode(&pool, line);

	if (text == NULL) {
		if (lines->good)
			message("a text of the record is no valid UTF-8");
		lines->good = false;
		return;
	}
	record_hash_add(&lines->hash, text, strlen(text));
	(void)fputs(text, lines->stream);
}

static void put_sealed_part(struct lines *lines, const struct record *record)
{
	put(lines, &(struct record_line){.type = RECORD_TYPE_HEADER, .header = record->header});
	put(lines,
		&(struct record_line){.type = RECORD_TYPE_FACTS, .facts = {.host = record->facts}});
	for (size_t i = 0; i < record->scripts_count; i++)
		put(lines, &(struct record_line){
				   .type = RECORD_TYPE_SCRIPT, .script = record->scripts[i]});
	for (size_t i = 0; i < record->predictions_count; i++)
		put(lines, &(struct record_line){.type = RECORD_TYPE_PREDICTION,
				   .prediction = record->predictions[i]});
	put(lines, &(struct record_line){.type = RECORD_TYPE_SEALED, .sealed = record->sealed});
}

static void put_launches(struct lines *lines, const struct record *record)
{
	for (size_t i = 0; i < record->launches_count; i++) {
		const struct record_launch *launch = &record->launches[i];
		put(lines,
			&(struct record_line){.type = RECORD_TYPE_TRIAL, .trial = launch->trial});
		for (size_t k = 0; k < launch->observations_count; k++)
			put(lines, &(struct record_line){
					   .type = RECORD_TYPE_OBSERVATION,
					   .observation = launch->observations[k],
				   });
	}
}

bool record_output(FILE *stream, const struct outcome_list *outcomes)
{
	const struct outcome *outcome = &outcomes->items[0];
	struct lines lines = {.stream = stream, .good = true};
	struct record_summary summary = *outcome->summary;
	char sha256[RECORD_HASH_CHARACTERS + 1];

	record_hash_start(&lines.hash);
	put_sealed_part(&lines, outcome->record);
	put_launches(&lines, outcome->record);
	for (size_t i = 0; i < outcome->judgement->count; i++)
		put(&lines, &(struct record_line){
				    .type = RECORD_TYPE_VERDICT,
				    .verdict = outcome->judgement->verdicts[i],
			    });
	record_hash_text(&lines.hash, sha256);
	summary.sha256 = sha256;
	put(&lines, &(struct record_line){.type = RECORD_TYPE_SUMMARY, .summary = summary});
	return lines.good;
}
