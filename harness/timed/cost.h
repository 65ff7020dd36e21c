/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cost_measure(): the one door to google-benchmark, for probes that time something. The body runs
 * one batch and says how long the part took that is meant (manual time), so that set-up and
 * clean-up are outside; every batch comes back as a sample, with what disturbed it beside it.
 *
 * Only the timed trial executable has it: a probe that calls it is PROBE_TIMED, and names its
 * measure() in MEASURES_TIMED().
 */
#ifndef TIMED_COST_H
#define TIMED_COST_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define COST_BATCHES_LIMIT 64

/* One batch; returns its nanoseconds. May end the trial by broken(). */
typedef int64_t cost_body(void *context);

struct cost_plan {
	const char *name; /* for google-benchmark's registry */
	cost_body *body;
	void *context;
	const char *witness; /* the clock that the body reads */
	unsigned warm_ups;   /* batches that are run first and not kept */
	unsigned batches;    /* 1 to COST_BATCHES_LIMIT */
	/* One a batch, counted by the body in the part that it times; NULL: all that it takes. */
	const int64_t *faults;
};

/* The samples, in the order in which they were taken. */
struct cost_samples {
	size_t count;
	int64_t elapsed_ns[COST_BATCHES_LIMIT];
	int64_t minor_faults[COST_BATCHES_LIMIT]; /* of this process while the body ran */
};

/* Runs the plan; broken() when the engine does not do what was asked. */
void cost_measure(const struct cost_plan *plan, struct cost_samples *samples);

/*
 * The same, observed: all samples under the quantity at the place, and their faults under
 * faults_quantity.
 */
void cost_observe(const struct cost_plan *plan, const char *quantity, const char *faults_quantity,
	const char *at);

/* CLOCK_MONOTONIC_RAW: steady, and not slewed by NTP while a batch runs. */
int64_t cost_now_ns(void);

/*
 * The processor time of this process: for work of the kernel on our behalf, which a neighbour on
 * the same processor interrupts but does not make longer.
 */
int64_t cost_cpu_ns(void);
/* The same of the calling thread alone. */
int64_t cost_thread_ns(void);

/* The minor faults of this process so far. */
int64_t cost_minor_faults(void);

#ifdef __cplusplus
}
#endif

#endif
