/* SPDX-License-Identifier: Apache-2.0 */
/* A negative errno and the sentence that goes with it, for the caller to report. */
#ifndef GUARD_WHY_H
#define GUARD_WHY_H

#include <stdarg.h>

#define WHY_BYTES 256

/* Writes the sentence, cut to fit, and returns the answer. */
int why_say(char why[WHY_BYTES], int answer, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
