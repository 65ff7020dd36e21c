/* SPDX-License-Identifier: Apache-2.0 */
/* google-benchmark as C sees it; only cost.c asks it. */
#ifndef TIMED_ENGINE_H
#define TIMED_ENGINE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Called once a batch; returns its nanoseconds. */
typedef int64_t engine_body(void *context);
/* Called with the nanoseconds of each repetition that google-benchmark reports. */
typedef void engine_sink(void *context, int64_t elapsed_ns);

/*
 * Runs body `batches` times as repetitions of one iteration each. How many were reported, or -1
 * when google-benchmark refused or threw.
 */
int engine_run(
	const char *name, unsigned batches, engine_body *body, engine_sink *sink, void *context);

#ifdef __cplusplus
}
#endif

#endif
