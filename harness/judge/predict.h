/* SPDX-License-Identifier: Apache-2.0 */
/* Asking a model about a case: the same call before the trials, in judgement, and in explain. */
#ifndef JUDGE_PREDICT_H
#define JUDGE_PREDICT_H

#include "suite/check.h"

/* Memory for one answer at a time; kept from call to call. All zeros is a room not yet built. */
struct prediction_room {
	unsigned char *bytes;
};

void prediction_room_drop(struct prediction_room *room);

/* The host as it is while the case runs: its facts, with the knobs that the case sets put in. */
void case_host(
	const struct check_case *check_case, const struct vm_host *facts, struct vm_host *host);

/* host is that of case_host. The answer lies in the room until the next call. */
void predict_case(struct prediction_room *room, const struct check_case *check_case,
	enum vm_model_id model, const struct vm_host *host, const struct probe_readings *readings,
	struct vm_predictions *predictions);

const char *prediction_form_word(enum vm_form form);
const char *prediction_shape_word(enum vm_shape shape);

#endif
