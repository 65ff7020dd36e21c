/* SPDX-License-Identifier: Apache-2.0 */
/* Missing pages that a manager in user space puts in place: userfaultfd, from outside. */
#ifndef TRIAL_MISSING_H
#define TRIAL_MISSING_H

#include <stdint.h>

/* The manager of this process's pages there: a descriptor, or -errno where the kernel has none. */
int missing_open(uint64_t start, uint64_t length_bytes);

/* For another process: waits for the first fault, and puts a page of zeros there. 0 or -errno. */
int missing_put(int manager);

#endif
