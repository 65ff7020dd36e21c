/* SPDX-License-Identifier: Apache-2.0 */
#include "run/ending.h"

static bool write_verdicts(struct record_writer *writer, const struct judgement *judgement)
{
	for (size_t i = 0; i < judgement->count; i++) {
		const struct record_line line = {
			.type = RECORD_TYPE_VERDICT, .verdict = judgement->verdicts[i]};
		if (!record_write(writer, &line, 1))
			return false;
	}
	return true;
}

bool ending_write(struct record_writer *writer, const struct judgement *judgement,
	struct record_summary *summary)
{
	struct record_count *counts = pool_take(judgement->pool, VERDICT_LIMIT * sizeof(*counts));
	char *sha256 = pool_take(judgement->pool, RECORD_HASH_CHARACTERS + 1);

	for (int i = 0; i < VERDICT_LIMIT; i++)
		counts[i] = (struct record_count){
			verdict_word((enum verdict)i), (int64_t)judgement->tally[i]};
	summary->counts_count = VERDICT_LIMIT;
	summary->counts = counts;
	summary->notes_count = judgement->notes_count;
	summary->notes = judgement->notes;
	if (!write_verdicts(writer, judgement))
		return false;
	record_hash_text(&writer->hash, sha256);
	summary->sha256 = sha256;
	const struct record_line line = {.type = RECORD_TYPE_SUMMARY, .summary = *summary};
	return record_write_through(writer, &line, 1);
}
