/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What show() may use: it hands in the figures that a model's prediction is held against. The
 * witness says where a figure comes from: a source of the course that prints it ("osn"), or the
 * other way by which it was worked out ("second implementation", "random strings").
 */
#ifndef PROBE_SHOW_H
#define PROBE_SHOW_H

#include <stddef.h>
#include <stdint.h>

#include "vm/units.h"

struct check_shown;

void show_value(struct check_shown *shown, const char *quantity, int64_t value, enum vm_unit unit,
	const char *witness);
/* Texts must outlive the run; values are copied. */
void show_values(struct check_shown *shown, const char *quantity, const char *at,
	const int64_t *values, size_t values_count, enum vm_unit unit, const char *witness);

#endif
