/* SPDX-License-Identifier: Apache-2.0 */
/* Predicting a score from what a trial read around it. The trial's half: trial/oom.h. */
#ifndef PROBE_OOM_H
#define PROBE_OOM_H

#include "probe/moving.h"
#include "vm/model.h"
#include "vm/oom.h"

/* What the readings cannot tell. */
struct score_about {
	const char *claim;
	bool admin, in_vfork;
};

/* The score at one place of the readings, as a value; false when an input is missing. */
bool predict_score(const struct vm_model *model, const struct vm_host *host,
	const struct probe_readings *readings, const char *place, const struct score_about *about,
	struct vm_predictions *predictions);

/* At every place at which a score was observed; before the trials, the rule. */
void predict_scores(const struct vm_model *model, const struct vm_host *host,
	const struct probe_readings *readings, const struct score_about *about,
	struct vm_predictions *predictions);

/*
 * The span of the badness that the killer computes in a memory group of so many pages, from what
 * was read at the place. False when an input is missing.
 */
bool oom_candidate_of(const struct vm_model *model, const struct vm_host *host,
	const struct probe_readings *readings, const char *place, uint64_t total_pages,
	struct vm_oom_candidate *candidate);

#endif
