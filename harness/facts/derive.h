/* SPDX-License-Identifier: Apache-2.0 */
/* From the texts of a source to facts: the one way for live and captured ones. */
#ifndef FACTS_DERIVE_H
#define FACTS_DERIVE_H

#include "facts/facts.h"
#include "facts/source.h"

int derive(struct facts_source *source, struct facts *facts);
/* The part that may be asked again while a run is on: knobs, CPUs, nodes, rights, limits. */
int derive_again(struct facts_source *source, struct vm_host *host);

#endif
