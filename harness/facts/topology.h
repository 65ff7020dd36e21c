/* SPDX-License-Identifier: Apache-2.0 */
/* A sentence on the machine out of hwloc's XML. */
#ifndef FACTS_TOPOLOGY_H
#define FACTS_TOPOLOGY_H

#include "base/pool.h"
#include "kernel/text.h"

/* "" where the text is no topology. */
const char *topology_sentence(struct pool *pool, struct kernel_text xml);

#endif
