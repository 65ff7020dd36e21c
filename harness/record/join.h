/* SPDX-License-Identifier: Apache-2.0 */
/* One record of several that clones of one machine made, each of its part of the launches. */
#ifndef RECORD_JOIN_H
#define RECORD_JOIN_H

#include <stdbool.h>
#include <stddef.h>

/*
 * All records are whole, and are the same up to the seal. The launches of the others come behind
 * those of the first, and one summary of all behind them. False after one message; the
 * first then ends with its last launch, or as it was.
 */
__attribute__((warn_unused_result)) bool record_join(
	int descriptor, const char *path, const int *others, size_t others_count);

#endif
