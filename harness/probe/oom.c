/* SPDX-License-Identifier: Apache-2.0 */
#include "probe/oom.h"

#include <inttypes.h>
#include <string.h>

static const char *const inputs[] = {"ram", "swap", "anonymous", "file", "shared", "swapped",
	"tables", "adjustment", "cpus-used"};

#define INPUTS_COUNT   (sizeof(inputs) / sizeof(inputs[0]))
#define COUNTERS_COUNT 4

/* The counters that the killer reads cheaply: resident of three kinds, and swapped. */
static const char *const counters[COUNTERS_COUNT] = {"anonymous", "file", "shared", "swapped"};

static struct moving in_pages(struct moving kib)
{
	return (struct moving){
		.lowest = (int64_t)vm_kib_to_pages_floor((uint64_t)kib.lowest),
		.highest = (int64_t)vm_kib_to_pages_floor((uint64_t)kib.highest),
	};
}

struct score_inputs {
	struct moving points, tables, total, adjustment;
	int64_t lag_pages;
};

static bool take(const struct vm_model *model, const struct vm_host *host,
	const struct probe_readings *readings, const char *place, struct score_inputs *taken)
{
	struct moving ram, swap, cpus, counter;

	if (!moving_of(readings, "ram", place, &ram) ||
		!moving_of(readings, "swap", place, &swap) ||
		!moving_of(readings, "tables", place, &taken->tables) ||
		!moving_of(readings, "adjustment", place, &taken->adjustment) ||
		!moving_of(readings, "cpus-used", "", &cpus))
		return false;
	const int64_t lag_pages = (int64_t)vm_oom_counter_lag_pages(
		&model->behaviours, host->cpus_online, (uint32_t)cpus.highest);
	taken->points = (struct moving){0, 0};
	taken->lag_pages = lag_pages;
	for (size_t i = 0; i < COUNTERS_COUNT; i++) {
		if (!moving_of(readings, counters[i], place, &counter))
			return false;
		counter = in_pages(counter);
		/* Where there is no swap, its counter was never counted up nor down. */
		const bool unused = i == COUNTERS_COUNT - 1 && swap.highest == 0;
		const int64_t lag = unused ? 0 : lag_pages;
		/* A reading below zero is taken as zero. */
		taken->points.lowest += counter.lowest > lag ? counter.lowest - lag : 0;
		taken->points.highest += counter.highest + lag;
	}
	taken->tables = in_pages(taken->tables);
	ram = in_pages(ram);
	swap = in_pages(swap);
	taken->total = (struct moving){ram.lowest + swap.lowest, ram.highest + swap.highest};
	return true;
}

static int64_t score_of(const struct vm_model *model, const struct score_about *about,
	const struct score_inputs *taken, bool highest, int64_t total_pages)
{
	const struct vm_oom_inputs asked = {
		.resident_pages =
			(uint64_t)(highest ? taken->points.highest : taken->points.lowest),
		.table_pages = (uint64_t)(highest ? taken->tables.highest : taken->tables.lowest),
		.adjustment = highest ? taken->adjustment.highest : taken->adjustment.lowest,
		.total_pages = (uint64_t)total_pages,
		.admin = about->admin,
		.in_vfork = about->in_vfork,
	};

	return vm_oom_score(&model->behaviours, &asked);
}

static const char *cite_of(const struct vm_model *model)
{
	switch (model->behaviours.oom_score_scale) {
	case VM_OOM_SCORE_PER_MILLE:
		return "wut";
	case VM_OOM_SCORE_TWO_THIRDS:
		break;
	}
	return "linux:6.12:mm/oom_kill.c:oom_badness";
}

static const char *because_of(const struct vm_model *model)
{
	switch (model->behaviours.oom_score_scale) {
	case VM_OOM_SCORE_PER_MILLE:
		return "resident, swapped and table pages in thousandths of RAM and swap, plus the "
		       "adjustment, within 0 and 1000";
	case VM_OOM_SCORE_TWO_THIRDS:
		break;
	}
	return "(1000 + badness in thousandths of RAM and swap) * 2/3; badness is resident, "
	       "swapped "
	       "and table pages plus the adjustment times a thousandth of RAM and swap";
}

bool predict_score(const struct vm_model *model, const struct vm_host *host,
	const struct probe_readings *readings, const char *place, const struct score_about *about,
	struct vm_predictions *predictions)
{
	struct score_inputs taken;
	struct vm_prediction prediction = {
		.claim = about->claim,
		.quantity = "score",
		.at = place,
		.unit = VM_UNIT_SCORE,
		.because = because_of(model),
		.cite = cite_of(model),
	};

	if (!take(model, host, readings, place, &taken))
		return false;
	/* Which end of the total gives the lower score depends on the sign of the badness. */
	const int64_t ends[] = {
		score_of(model, about, &taken, false, taken.total.lowest),
		score_of(model, about, &taken, false, taken.total.highest),
		score_of(model, about, &taken, true, taken.total.lowest),
		score_of(model, about, &taken, true, taken.total.highest),
	};
	struct moving span = {ends[0], ends[0]};
	for (size_t i = 1; i < sizeof(ends) / sizeof(ends[0]); i++) {
		span.lowest = ends[i] < span.lowest ? ends[i] : span.lowest;
		span.highest = ends[i] > span.highest ? ends[i] : span.highest;
	}
	if (span.lowest != span.highest && taken.lag_pages != 0)
		prediction.because = predict_sentence(predictions,
			"%s; the killer reads each counter up to %" PRId64
			" pages early or late, and the step of the score lies in between",
			because_of(model), taken.lag_pages);
	predict_moving(predictions, &prediction, span, 1);
	return true;
}

void predict_scores(const struct vm_model *model, const struct vm_host *host,
	const struct probe_readings *readings, const struct score_about *about,
	struct vm_predictions *predictions)
{
	bool predicted = false;

	for (size_t i = 0; i < readings->count; i++)
		if (strcmp(readings->items[i].quantity, "score") == 0)
			predicted |= predict_score(
				model, host, readings, readings->items[i].at, about, predictions);
	if (!predicted)
		predict_rule(predictions,
			&(struct vm_prediction){
				.claim = about->claim,
				.quantity = "score",
				.at = "*",
				.unit = VM_UNIT_SCORE,
				.because = because_of(model),
				.cite = cite_of(model),
			},
			inputs, INPUTS_COUNT);
}

static int64_t badness_of(const struct vm_model *model, const struct score_inputs *taken,
	bool highest, uint64_t total_pages, bool *killable)
{
	const struct vm_oom_inputs asked = {
		.resident_pages =
			(uint64_t)(highest ? taken->points.highest : taken->points.lowest),
		.table_pages = (uint64_t)(highest ? taken->tables.highest : taken->tables.lowest),
		.adjustment = highest ? taken->adjustment.highest : taken->adjustment.lowest,
		.total_pages = total_pages,
	};
	int64_t badness_pages = 0;

	*killable = vm_oom_badness(&model->behaviours, &asked, &badness_pages);
	return badness_pages;
}

bool oom_candidate_of(const struct vm_model *model, const struct vm_host *host,
	const struct probe_readings *readings, const char *place, uint64_t total_pages,
	struct vm_oom_candidate *candidate)
{
	struct score_inputs taken;

	if (!take(model, host, readings, place, &taken))
		return false;
	candidate->lowest_pages =
		badness_of(model, &taken, false, total_pages, &candidate->killable);
	candidate->highest_pages =
		badness_of(model, &taken, true, total_pages, &candidate->killable);
	return true;
}
