/* SPDX-License-Identifier: Apache-2.0 */
/* Which memory there is, and how the kernel's linear mapping of it is counted. */
#ifndef TRIAL_RAM_H
#define TRIAL_RAM_H

#include <stdint.h>

#include "trial/files.h"

/* Ends the trial as unmet where the command line has the mapping made of small pages on purpose. */
void mapping_must_be_plain(void);

/*
 * "ram-first" and "ram-end", a frame of each range; returns the end of the last. Ends the trial as
 * unmet where they are hidden, or what is no RAM may be in the mapping.
 */
uint64_t observe_ram(void);

/* The pages of the linear mapping by size, and how many of a size were split, or made again. */
enum mapping_page { MAPPING_SMALL, MAPPING_LARGE, MAPPING_GIANT, MAPPING_PAGES };

struct mapping_count {
	int64_t kib[MAPPING_PAGES], splits[MAPPING_PAGES], collapses[MAPPING_PAGES];
};

/* Not one moment: whoever needs that reads until two agree. */
struct mapping_count mapping_read(
	const struct kernel_file *meminfo, const struct kernel_file *vmstat);

#endif
