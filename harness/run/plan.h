/* SPDX-License-Identifier: Apache-2.0 */
/* What a run is going to do: its checks and cases, chosen, expanded and in the order of reports. */
#ifndef RUN_PLAN_H
#define RUN_PLAN_H

#include "facts/facts.h"
#include "record/writer.h"
#include "run/run.h"
#include "suite/cases.h"
#include "suite/claims.h"
#include "suite/suite.h"

struct plan {
	struct pool *pool;
	struct suite suite;
	const struct suite_profile *profile;
	struct check_list checks; /* all that there are */
	struct claim_list claims;
	struct case_list cases;
};

/* The suite and the checks, before the facts are read. EXIT_CONFORMS, or what to end with. */
__attribute__((warn_unused_result)) enum exit_status plan_load(
	struct plan *plan, const struct run_options *options);

/* The cases on this host. EXIT_MISUSED when the selection fits no claim. */
__attribute__((warn_unused_result)) enum exit_status plan_expand(
	struct plan *plan, const struct run_options *options, const struct facts *facts);

/* Header, facts, scripts, predictions, seal: on the disk when it returns true. */
__attribute__((warn_unused_result)) bool plan_seal(const struct plan *plan,
	const struct run_options *options, const char *facts, const struct vm_host *host,
	struct record_writer *writer);

/* How often a case is launched. */
unsigned plan_launches(const struct plan *plan, const struct check *check);

#endif
