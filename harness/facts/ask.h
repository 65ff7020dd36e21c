/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What no file of the kernel says: CPUID, which calls exist, the topology, the file systems of the
 * places we work in. Found out by asking, and written down as texts below "mmconform/", which a
 * capture keeps.
 */
#ifndef FACTS_ASK_H
#define FACTS_ASK_H

#include "facts/source.h"

#define ASK_CPUID    "mmconform/cpuid"	      /* cpuid.h */
#define ASK_CALLS    "mmconform/calls"	      /* NAME ERRNO VALUE a line */
#define ASK_CONFIG   "mmconform/config"	      /* the kernel's configuration, inflated */
#define ASK_PLACES   "mmconform/places"	      /* "work ext4", "temporary tmpfs" */
#define ASK_MACHINE  "mmconform/topology"     /* a sentence: topology.h */
#define ASK_TOPOLOGY "mmconform/topology.xml" /* hwloc's */
#define ASK_MARKS    "mmconform/container"    /* what shows that this is a container */
#define ASK_MONITORS "mmconform/monitors"     /* the threads of DAMON, one a line */

/* Puts all of them into a live source. */
void ask_all(struct facts_source *source);

#endif
