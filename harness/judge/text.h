/* SPDX-License-Identifier: Apache-2.0 */
/* Values and predictions as people read them. */
#ifndef JUDGE_TEXT_H
#define JUDGE_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/pool.h"
#include "vm/prediction.h"

/* "64 pages", "3 5 9", "0x7f00000ff000", "SIGSEGV". */
const char *values_text(struct pool *pool, const int64_t *values, size_t count, enum vm_unit unit);

/* "64 pages", "12 to 14 pages", "one of 0 1". */
const char *prediction_text(struct pool *pool, const struct vm_prediction *prediction);

/*
 * Back from the text of a verdict, for a picture of it: "chase: knee from 1293 to 4337". False, and
 * knee untouched, when the text is not of the quantity's knee.
 */
bool prediction_text_knee(const char *text, const char *quantity, int64_t knee[2]);

#endif
