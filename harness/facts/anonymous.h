/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What of a captured file may leave the host. These are lists of what may pass, never of what may
 * not: a path that no row names stays behind, tables of numbers under the kernel's own names pass
 * as they are, and what a user, a distributor or a vendor can write into passes in known parts
 * only.
 */
#ifndef FACTS_ANONYMOUS_H
#define FACTS_ANONYMOUS_H

#include <stdbool.h>

#include "base/pool.h"
#include "kernel/text.h"

/* The folders of the memory groups and of their mounts, as every anonymous host has them. */
#define ANONYMOUS_GROUP	   "group"
#define ANONYMOUS_POINT_V1 "sys/fs/cgroup/memory"
#define ANONYMOUS_POINT_V2 "sys/fs/cgroup"

/* False: the file stays behind. Otherwise *text is what passes of it. */
bool anonymous_text(struct pool *pool, const char *path, struct kernel_text *text);

/* The release without what a builder puts behind the number. */
const char *anonymous_release(struct pool *pool, struct kernel_text release);

#endif
