/* SPDX-License-Identifier: Apache-2.0 */
#include "judge/again.h"

#include <string.h>

#include "judge/errata.h"
#include "suite/cases.h"
#include "suite/data.h"
#include "suite/date.h"
#include "suite/kinds.h"

/* Verdicts that are others than the record has: the models or their rules have changed. */
static void note_changes(const struct record *record, struct judgement *judgement)
{
	const size_t count = record->verdicts_count < judgement->count ? record->verdicts_count
								       : judgement->count;
	size_t changed = 0, first = 0;

	for (size_t i = 0; i < count; i++)
		if (strcmp(record->verdicts[i].verdict, judgement->verdicts[i].verdict) != 0) {
			first = changed == 0 ? i : first;
			changed++;
		}
	if (changed != 0)
		judgement_note(judgement,
			"%zu verdicts are not those of the run; first %s: %s was %s", changed,
			case_id(judgement->pool, judgement->verdicts[first].kind,
				judgement->verdicts[first].probe,
				&judgement->verdicts[first].parameters),
			judgement->verdicts[first].verdict, record->verdicts[first].verdict);
}

/* As it was read: an ended record, or one whose summary was made up. */
static enum exit_status judge_read(struct judged *judged, bool exchange)
{
	struct pool *pool = judged->pool;
	struct check_list checks = {.pool = pool};
	struct known_list known = {0};
	struct errata_list errata = {0};
	const struct judge_options options = {
		.checks = &checks,
		.known = &known,
		.today = date_now(pool),
		.exchange = exchange,
	};

	judged->judgement = (struct judgement){.pool = pool};
	if (!checks_load(data_path(pool, "suites"), &checks) ||
		!known_load(pool, data_path(pool, "suites/known.yaml"), &known) ||
		!errata_load(pool, data_path(pool, ERRATA_FILE), &errata) ||
		!judge_record(&judged->record, &options, &judged->judgement))
		return EXIT_DEFECTIVE;
	if (!exchange)
		note_changes(&judged->record, &judged->judgement);
	errata_apply(&errata, &judged->record, &judged->judgement);
	judged->summary = judged->record.summary;
	judged->summary.notes_count = judged->judgement.notes_count;
	judged->summary.notes = judged->judgement.notes;
	return EXIT_CONFORMS;
}

enum exit_status judge_again(int descriptor, const char *path, bool exchange, struct judged *judged)
{
	const bool good =
		descriptor < 0 ? record_read(&judged->record, path, RECORD_ENDED)
			       : record_read_file(&judged->record, descriptor, path, RECORD_ENDED);

	return good ? judge_read(judged, exchange) : EXIT_MISUSED;
}

enum exit_status judge_partial(
	int descriptor, const char *path, const char *stopped_by, struct judged *judged)
{
	struct record *record = &judged->record;

	if (!record_read_file(record, descriptor, path, RECORD_RESUMABLE))
		return EXIT_MISUSED;
	record->has_summary = true;
	record->summary = (struct record_summary){
		.stopped_by = stopped_by,
		.trials = (int64_t)record->launches_count,
		.taint_before = -1,
		.taint_after = -1,
		.sha256 = "",
	};
	return judge_read(judged, false);
}
