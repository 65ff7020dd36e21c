/* SPDX-License-Identifier: Apache-2.0 */
/* The harness's clock: nanoseconds that never go back, for deadlines and durations. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

#define CLOCK_NS_IN_S  UINT64_C(1000000000)
#define CLOCK_NS_IN_MS UINT64_C(1000000)

static inline uint64_t clock_now_ns(void)
{
	struct timespec now;

	/* It cannot fail: the clock is always there, and the memory is ours. */
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * CLOCK_NS_IN_S + (uint64_t)now.tv_nsec;
}

#endif
