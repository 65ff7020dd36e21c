/* SPDX-License-Identifier: Apache-2.0 */
/* In which frame a page of ours lies. */
#ifndef TRIAL_FRAMES_H
#define TRIAL_FRAMES_H

#include <stddef.h>
#include <stdint.h>

/* The descriptor of our own pagemap. */
int frames_open(void);
/* The page must be present, and we may see frame numbers. */
uint64_t frame_of(int pagemap, const void *address);
/* The same of so many pages from there on, in one call. */
void frames_of(int pagemap, const void *address, size_t count, uint64_t *frames);

#endif
