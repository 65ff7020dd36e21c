/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The predictions that were sealed before the run beside those that the model makes today. Another
 * model may say something else, and that is noted; the same model may not.
 */
#ifndef JUDGE_SEALED_H
#define JUDGE_SEALED_H

#include "judge/judge.h"
#include "judge/predict.h"

/* The prediction lines of a case: one a claim and model, linux first. Everything in the pool. */
void sealed_predictions(struct pool *pool, struct prediction_room *room,
	const struct check_case *check_case, const struct vm_host *facts,
	struct record_prediction **predictions, size_t *count);

/* False after one message when the same model would seal something else. */
__attribute__((warn_unused_result)) bool sealed_still_hold(const struct record *record,
	const struct check_list *checks, const struct vm_host *facts, struct judgement *judgement);

#endif
