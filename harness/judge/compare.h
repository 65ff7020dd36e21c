/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was observed beside what one model predicts, quantity by quantity, by the form of the
 * prediction. Every launch must agree, and every witness of a quantity.
 */
#ifndef JUDGE_COMPARE_H
#define JUDGE_COMPARE_H

#include "suite/check.h"

/* The judge function of kinds whose predictions are values: check_kind.judge. */
void compare_case(const struct check_case *check_case, const struct vm_model *model,
	const struct check_evidence *evidence, struct check_findings *findings);

/* What a trial observed, as predict() takes it. */
struct probe_readings compare_readings(struct pool *pool, const struct check_trial *trial);

#endif
