/* SPDX-License-Identifier: Apache-2.0 */
/* The exit status of a run, from its verdicts and from how it went. */
#ifndef RUN_STATUS_H
#define RUN_STATUS_H

#include "base/exit.h"
#include "judge/judge.h"

enum exit_status status_of(const struct judgement *judgement, const struct record_summary *summary);

/* Of two: a defect wins over a deviation, and that over a clean run. */
enum exit_status status_worse(enum exit_status a, enum exit_status b);

#endif
