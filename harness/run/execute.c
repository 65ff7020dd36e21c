/* SPDX-License-Identifier: Apache-2.0 */
#include "run/execute.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "judge/judge.h"
#include "judge/shape.h"
#include "run/attempt.h"
#include "run/launch.h"
#include "run/progress.h"
#include "run/stop.h"
#include "suite/date.h"
#include "suite/random.h"

/* How often each case is to be launched; timed ones are given more while they are undecided. */
struct schedule {
	struct execution *execution;
	struct progress progress;
	unsigned *launches; /* by case */
	bool has_pools;	    /* what timed cases need of the pools of huge pages is held */
};

/* Whether a resumed record has this launch, or says that the case cannot be run. */
static bool is_done(const struct execution *execution, const char *id, unsigned number)
{
	for (size_t i = 0; execution->before != NULL && i < execution->before->launches_count;
		i++) {
		const struct record_launch *launch = &execution->before->launches[i];
		if (strcmp(launch->id, id) == 0 && (launch->trial.launch == (int64_t)number ||
							   launch->trial.end == RECORD_TRIAL_UNMET))
			return true;
	}
	return false;
}

/* The reason to stop before the next launch, or NULL. */
static const char *stopping(const struct execution *execution)
{
	struct pollfd keeper = {.fd = guard_descriptor(execution->guard), .events = POLLIN};
	const char *signal = stop_came(execution->stop);

	if (signal != NULL)
		return signal;
	if (keeper.fd >= 0 && poll(&keeper, 1, 0) > 0)
		return "the settings guard's keeper was killed";
	return NULL;
}

static bool launch_case(struct schedule *schedule, size_t index, unsigned number)
{
	struct execution *execution = schedule->execution;
	const struct check_case *check_case = &execution->plan->cases.items[index];

	execution->stopped_by = stopping(execution);
	if (execution->stopped_by != NULL)
		return true;
	progress_case(&schedule->progress, check_case->id);
	if (is_done(execution, check_case->id, number))
		return true;
	const int error = attempt_case(execution, check_case, number);
	if (error == -ECANCELED)
		execution->stopped_by = stopping(execution);
	/* The guard has said what; nothing can be measured on it. */
	if (error == -EUCLEAN)
		execution->stopped_by = "a setting could not be put back";
	/* It may hold what others wait for. */
	if (error == -ETIMEDOUT)
		execution->stopped_by = "a trial could not be killed";
	return error == 0 || execution->stopped_by != NULL;
}

static bool has_pool(struct guard *guard, uint64_t page_bytes, unsigned pages)
{
	return pages == 0 || guard_huge_pages(guard, page_bytes, pages) == 0;
}

/*
 * Rounds in which only timed cases are left take huge pages once, and keep them to the end of the
 * run: a huge page that goes back to the kernel goes on to a hypervisor that takes free pages
 * (linux:6.12:mm/page_reporting.c:page_reporting_process), and each launch would wait until it is
 * backed again. Where they are refused, each case asks for itself and says why there are none.
 */
static void keep_pools(struct schedule *schedule, unsigned number)
{
	const struct execution *execution = schedule->execution;
	const struct plan *plan = execution->plan;
	unsigned pages_2m = 0, pages_1g = 0;

	if (schedule->has_pools || !execution->options->allow_settings)
		return;
	for (size_t i = 0; i < plan->cases.count; i++) {
		const struct check *check = plan->cases.items[i].check;
		if (schedule->launches[i] < number)
			continue;
		if (!check->timed)
			return;
		if (check->needs->huge_2m_pages > pages_2m)
			pages_2m = check->needs->huge_2m_pages;
		if (check->needs->huge_1g_pages > pages_1g)
			pages_1g = check->needs->huge_1g_pages;
	}
	schedule->has_pools = has_pool(execution->guard, VM_HUGE_2M_BYTES, pages_2m) &&
			      has_pool(execution->guard, VM_HUGE_1G_BYTES, pages_1g);
}

/* In an order of its own, so that drift over time cannot pass for a shape. */
static bool launch_round(
	struct schedule *schedule, struct random_stream *stream, size_t *order, unsigned number)
{
	const struct plan *plan = schedule->execution->plan;
	bool good = true;

	keep_pools(schedule, number);
	random_order(stream, order, plan->cases.count);
	for (size_t i = 0; i < plan->cases.count && good; i++) {
		const unsigned launches = schedule->launches[order[i]];
		if (launches < number || schedule->execution->stopped_by != NULL)
			continue;
		good = launch_case(schedule, order[i], number);
	}
	return good;
}

/* --- timed cases: looked at on a fixed schedule ---------------------------------------------- */

/* Reads the record as far as it is, and judges that: the same look that judge would take. */
static bool look(struct execution *execution, struct pool *pool, struct judgement *judgement)
{
	struct record RECORD_DROPS record = {0};
	const struct judge_options options = {
		.checks = &execution->plan->checks,
		.today = date_now(pool),
	};

	*judgement = (struct judgement){.pool = pool};
	if (lseek(execution->writer->descriptor, 0, SEEK_SET) < 0 ||
		!record_read_file(&record, execution->writer->descriptor, "the record so far",
			RECORD_RUNNING))
		return false;
	if (!judge_record(&record, &options, judgement))
		return false;
	/* The verdicts' words are static, and their ids are compared before the record goes. */
	for (size_t i = 0; i < judgement->count; i++)
		judgement->verdicts[i].probe = case_id(pool, judgement->verdicts[i].kind,
			judgement->verdicts[i].probe, &judgement->verdicts[i].parameters);
	return true;
}

static bool is_open(const struct judgement *judgement, const char *id)
{
	for (size_t i = 0; i < judgement->count; i++)
		if (strcmp(judgement->verdicts[i].probe, id) == 0 &&
			strcmp(judgement->verdicts[i].verdict,
				verdict_word(VERDICT_INCONCLUSIVE)) == 0)
			return true;
	return false;
}

/* The look that ends with so many launches, from 1; 0: none does. */
static unsigned look_after(unsigned launches)
{
	for (unsigned i = 0; i < SHAPE_LOOKS_COUNT; i++)
		if (shape_looks[i] == launches)
			return i + 1;
	return 0;
}

/* After a look: cases that are open get the launches of the next one, if the budget has one. */
static bool extend(struct schedule *schedule, unsigned number)
{
	const struct plan *plan = schedule->execution->plan;
	const unsigned taken = look_after(number);
	struct pool POOL_DROPS pool = {0};
	struct judgement judgement;
	bool waiting = false;

	for (size_t i = 0; i < plan->cases.count; i++)
		waiting = waiting ||
			  (plan->cases.items[i].check->timed && schedule->launches[i] == number);
	if (!waiting || taken == 0 || taken >= plan->profile->looks ||
		schedule->execution->stopped_by != NULL)
		return true;
	if (!look(schedule->execution, &pool, &judgement))
		return false;
	for (size_t i = 0; i < plan->cases.count; i++) {
		const struct check_case *item = &plan->cases.items[i];
		if (!item->check->timed || schedule->launches[i] != number ||
			!is_open(&judgement, item->id))
			continue;
		schedule->launches[i] = shape_looks[taken];
		schedule->progress.total += shape_looks[taken] - number;
	}
	return true;
}

/* --- all cases ------------------------------------------------------------------------------- */

static bool any_left(const struct schedule *schedule, unsigned number)
{
	for (size_t i = 0; i < schedule->execution->plan->cases.count; i++)
		if (schedule->launches[i] >= number)
			return true;
	return false;
}

static void lay_out(struct schedule *schedule)
{
	const struct plan *plan = schedule->execution->plan;
	size_t total = 0;

	schedule->launches = pool_take(plan->pool, plan->cases.count * sizeof(unsigned));
	for (size_t i = 0; i < plan->cases.count; i++) {
		const struct check *check = plan->cases.items[i].check;
		if (is_shared(&schedule->execution->share, i))
			schedule->launches[i] = plan_launches(plan, check);
		total += schedule->launches[i];
	}
	progress_begin(&schedule->progress, total);
}

bool execute_all(struct execution *execution)
{
	struct schedule schedule = {.execution = execution};
	struct random_stream stream = random_stream_named(execution->options->seed, "order");
	size_t *order =
		pool_take(execution->plan->pool, execution->plan->cases.count * sizeof(*order));
	bool good = true;

	launch_protect_supervisor(
		(execution->facts->host.capabilities & VM_CAPABILITY_IPC_LOCK) != 0);
	lay_out(&schedule);
	for (unsigned number = 1; good && any_left(&schedule, number); number++)
		good = launch_round(&schedule, &stream, order, number) && extend(&schedule, number);
	progress_end(&schedule.progress);
	return good;
}
