/* SPDX-License-Identifier: Apache-2.0 */
#include "timed/cost.h"

#include <sys/resource.h>
#include <time.h>

#include "timed/engine.h"
#include "trial/trial.h"

#define NS_IN_S 1000000000

/* One measurement under way. */
struct measurement {
	const struct cost_plan *plan;
	struct cost_samples *samples;
	size_t run_count; /* bodies run; reported samples follow them */
	int64_t timed_ns[COST_BATCHES_LIMIT];
};

static int64_t read_clock_ns(clockid_t clock)
{
	struct timespec now;

	MUST(clock_gettime(clock, &now) == 0);
	return (int64_t)now.tv_sec * NS_IN_S + now.tv_nsec;
}

int64_t cost_now_ns(void)
{
	return read_clock_ns(CLOCK_MONOTONIC_RAW);
}

int64_t cost_cpu_ns(void)
{
	return read_clock_ns(CLOCK_PROCESS_CPUTIME_ID);
}

int64_t cost_thread_ns(void)
{
	return read_clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

int64_t cost_minor_faults(void)
{
	struct rusage usage;

	(void)getrusage(RUSAGE_SELF, &usage);
	return usage.ru_minflt;
}

static int64_t run_batch(void *context)
{
	struct measurement *measurement = context;

	if (measurement->run_count == measurement->plan->batches)
		broken("google-benchmark runs more batches than it was asked for");
	const size_t batch = measurement->run_count++;
	const int64_t faults_before = cost_minor_faults();
	measurement->timed_ns[batch] = measurement->plan->body(measurement->plan->context);
	measurement->samples->minor_faults[batch] = cost_minor_faults() - faults_before;
	return measurement->timed_ns[batch];
}

static void take_sample(void *context, int64_t elapsed_ns)
{
	struct measurement *measurement = context;
	const size_t batch = measurement->samples->count;

	/* It carries seconds as a double: a batch of days would lose its last nanoseconds. */
	if (batch >= measurement->run_count || elapsed_ns != measurement->timed_ns[batch])
		broken("google-benchmark reports %lld ns for batch %zu", (long long)elapsed_ns,
			batch);
	measurement->samples->elapsed_ns[batch] = elapsed_ns;
	measurement->samples->count++;
}

void cost_measure(const struct cost_plan *plan, struct cost_samples *samples)
{
	struct measurement measurement = {.plan = plan, .samples = samples};

	MUST(plan->batches > 0 && plan->batches <= COST_BATCHES_LIMIT);
	*samples = (struct cost_samples){0};
	for (unsigned i = 0; i < plan->warm_ups; i++)
		(void)plan->body(plan->context);
	const int reported =
		engine_run(plan->name, plan->batches, run_batch, take_sample, &measurement);
	if (reported < 0 || (unsigned)reported != plan->batches)
		broken("google-benchmark reported %d of %u batches", reported, plan->batches);
}

void cost_observe(const struct cost_plan *plan, const char *quantity, const char *faults_quantity,
	const char *at)
{
	/* Large, and one at a time: not on a stack that forks copy. */
	static struct cost_samples samples;

	cost_measure(plan, &samples);
	observe_values(quantity, at, samples.elapsed_ns, samples.count, VM_UNIT_NS, plan->witness);
	observe_values(faults_quantity, at,
		plan->faults != NULL ? plan->faults : samples.minor_faults, samples.count,
		VM_UNIT_COUNT, "getrusage");
}
