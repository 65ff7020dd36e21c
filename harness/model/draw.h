/* SPDX-License-Identifier: Apache-2.0 */
/* Drawings in text, as a lecture puts them on the board. */
#ifndef MODEL_DRAW_H
#define MODEL_DRAW_H

#include "trace/trace.h"
#include "vm/replace.h"

/* The frame table: a row a frame, a column a reference. False after a message if it is too large.
 */
bool draw_replacement(const struct vm_replace_config *config, const struct trace *trace);

#endif
