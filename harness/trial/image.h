/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's image of its memory, /proc/kcore: where it shows a frame through the linear mapping.
 *
 * Its own text is in it once more, under other addresses, and of that mapping the part that was
 * freed after the start is taken away where tables are isolated: there it shows zeros, whatever the
 * frame's new owner wrote. linux:6.12:arch/x86/mm/init.c:free_kernel_image_pages
 */
#ifndef TRIAL_IMAGE_H
#define TRIAL_IMAGE_H

#include <stdint.h>
#include <sys/types.h>

/* Ends the trial as unmet where there is none. */
int image_open(void);
/* The offset of the frame's first byte. */
off_t image_place_of(int image, uint64_t frame);
/* How far from its frames the linear mapping lies, in bytes. */
uint64_t image_distance(int image);
/* The addresses of the kernel's own text and data in their second mapping. */
void image_text(int image, uint64_t *start, uint64_t *end);

#endif
