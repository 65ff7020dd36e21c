/* SPDX-License-Identifier: Apache-2.0 */
/* Known deviations applied to verdicts, and what has become of each entry. */
#ifndef JUDGE_AGEING_H
#define JUDGE_AGEING_H

#include "judge/judge.h"

/*
 * A deviation that an entry describes becomes "known". An entry whose claim passed everywhere no
 * longer occurs; one whose claim deviates in another way has changed; one past its date has
 * expired: these leave the verdicts as they are, and a note.
 */
void ageing_apply(const struct known_list *known, const char *facts, const char *today,
	struct judgement *judgement);

#endif
