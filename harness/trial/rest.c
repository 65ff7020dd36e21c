/* SPDX-License-Identifier: Apache-2.0 */
#include "trial/rest.h"

#include <stdint.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "trial/trial.h"

#define MS_PER_S  1000L
#define NS_PER_MS 1000000L

void rest_ms(unsigned milliseconds)
{
	const int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	const struct itimerspec once = {.it_value = {.tv_sec = milliseconds / MS_PER_S,
						.tv_nsec = milliseconds % MS_PER_S * NS_PER_MS}};
	uint64_t expirations = 0;

	MUST(timer >= 0 && timerfd_settime(timer, 0, &once, NULL) == 0);
	MUST(read(timer, &expirations, sizeof(expirations)) == (ssize_t)sizeof(expirations));
	MUST(close(timer) == 0);
}
