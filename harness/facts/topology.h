/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A sentence on the machine. It is made where the machine is and travels as text: hwloc trusts the
 * XML that it reads, and a captured folder is not to be trusted.
 */
#ifndef FACTS_TOPOLOGY_H
#define FACTS_TOPOLOGY_H

#include <hwloc.h>

#include "base/pool.h"

/* "1 package, 2 cores, 2 threads, 1 node, L1d 48 KiB, L2 1024 KiB, L3 32768 KiB" */
const char *topology_sentence(struct pool *pool, hwloc_topology_t topology);

#endif
