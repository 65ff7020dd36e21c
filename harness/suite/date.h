/* SPDX-License-Identifier: Apache-2.0 */
/* Dates as records and known deviations write them: UTC, ISO 8601; equal length, so text order. */
#ifndef SUITE_DATE_H
#define SUITE_DATE_H

#include <stdbool.h>

#include "base/pool.h"

/* "2026-01-31", a day that exists. */
bool date_is_valid(const char *text);

/* Now, as "2026-01-31T12:00:00Z"; its first ten characters are the date. */
const char *date_now(struct pool *pool);

#endif
