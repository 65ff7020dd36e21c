/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Written pages as the kernel tracks them: userfaultfd's asynchronous write protection, and
 * PAGEMAP_SCAN, which reports what was written since it was protected and protects it again.
 */
#ifndef TRIAL_TRACKING_H
#define TRIAL_TRACKING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of this process: a descriptor, or -errno where the kernel does not have it. */
int tracking_open(void);

/* 0 or -errno. */
int tracking_register(int tracker, uint64_t start, uint64_t length_bytes);
int tracking_unregister(int tracker, uint64_t start, uint64_t length_bytes);

/* linux:6.12:include/uapi/linux/fs.h:page_region */
struct tracking_region {
	uint64_t start, end, categories;
};

enum tracking_category { TRACKING_WRITTEN = 2, TRACKING_PRESENT = 8 };

/*
 * The regions of the category, in order; with protect, what was reported is protected again.
 * How many regions, or -errno. Only those that fit into regions are reported.
 */
struct tracking_scan {
	int pagemap; /* /proc/PID/pagemap, open */
	uint64_t start, length_bytes;
	enum tracking_category category;
	bool protect;
	size_t regions_limit;
	struct tracking_region *regions;
};
int64_t tracking_scan(const struct tracking_scan *scan);

#endif
