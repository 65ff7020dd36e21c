/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The trials of a run: for each case what it needs is looked at, its settings are held, it is
 * launched, and what came of it is written. Nothing here knows an expected value.
 */
#ifndef RUN_EXECUTE_H
#define RUN_EXECUTE_H

#include "facts/facts.h"
#include "guard/guard.h"
#include "guard/watch.h"
#include "record/reader.h"
#include "run/divide.h"
#include "run/plan.h"

struct execution {
	const struct plan *plan;
	const struct run_options *options;
	const struct facts *facts;
	struct guard *guard;
	int stop; /* run/stop.h */
	struct record_writer *writer;
	const struct watch *watch; /* of the kernel's log, and what it said so far */
	struct watch_report *log;
	struct pool *log_pool;
	const struct record *before; /* launches that a resumed record has; NULL: none */
	struct share share;	     /* of the launches */
	/* Results. */
	int64_t trials_count;
	const char *stopped_by; /* NULL: everything was run */
};

/* False after one message when the run cannot go on: the record cannot be written. */
__attribute__((warn_unused_result)) bool execute_all(struct execution *execution);

#endif
