/* SPDX-License-Identifier: Apache-2.0 */
/* The end of a record: the verdicts, and the summary that counts them and seals everything. */
#ifndef RUN_ENDING_H
#define RUN_ENDING_H

#include <stdbool.h>

#include "judge/judge.h"
#include "record/writer.h"

/*
 * Puts counts and notes of the judgement into the summary, and its hash, and writes all of it. A
 * record that is to be judged elsewhere ends with a judgement of nothing. False after one message.
 */
__attribute__((warn_unused_result)) bool ending_write(struct record_writer *writer,
	const struct judgement *judgement, struct record_summary *summary);

#endif
