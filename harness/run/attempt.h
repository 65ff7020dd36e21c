/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One launch of one case: what it needs is looked at, its settings are held, it is launched, what
 * came of it is written, and everything is put back.
 */
#ifndef RUN_ATTEMPT_H
#define RUN_ATTEMPT_H

#include "run/execute.h"

/*
 * number: of the launch, from 1. 0 when it is written, whatever became of it; -ECANCELED when the
 * run is being stopped and nothing was written; another -errno after one message: the run ends.
 */
__attribute__((warn_unused_result)) int attempt_case(
	struct execution *execution, const struct check_case *check_case, unsigned number);

#endif
