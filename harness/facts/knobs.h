/* SPDX-License-Identifier: Apache-2.0 */
/* Where the knobs of vm/host.h are, in which form, and which of them move together. */
#ifndef FACTS_KNOBS_H
#define FACTS_KNOBS_H

#include "facts/source.h"
#include "vm/host.h"

/* The file of the knob, relative to the root. */
const char *knob_path(struct pool *pool, enum vm_knob knob);
/* Absent where there is no such file, or it holds a word that this program does not know. */
struct vm_knob_fact knob_read(struct facts_source *source, enum vm_knob knob);
/* The value as people read it: the word of a bracketed choice, else the number; "absent". */
const char *knob_show(struct pool *pool, enum vm_knob knob, struct vm_knob_fact fact);
/* The knob of that name, or VM_KNOB_LIMIT. */
enum vm_knob knob_named(const char *name);

#endif
