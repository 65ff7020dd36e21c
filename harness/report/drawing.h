/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the clock measured as pictures of characters: the machine, and a bar a place, longer by the
 * logarithm.
 */
#ifndef REPORT_DRAWING_H
#define REPORT_DRAWING_H

#include <stdio.h>

#include "record/reader.h"

void drawing_print(FILE *stream, const struct record *record);

#endif
