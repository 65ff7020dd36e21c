/* SPDX-License-Identifier: Apache-2.0 */
#include "run/attempt.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/message.h"
#include "judge/host.h"
#include "judge/predict.h"
#include "run/launch.h"
#include "suite/random.h"

#define NS_PER_US INT64_C(1000)
#define MS_PER_S  1000U
/* Settings that a case may hold itself or find moved along with one that it holds. */
#define SETTINGS_MOST 64

/* One case while it is run. */
struct trying {
	struct execution *execution;
	struct pool pool;
	const struct check_case *check_case;
	struct record_trial trial; /* what all launches of this case have in common */
	struct vm_host expected;   /* what the facts must be while it is launched */
	size_t settings_count;
	struct record_setting settings[SETTINGS_MOST];
	const char *join[2];
	char join_path[PATH_MAX];
	/* What a launch left to be written once everything is put back. */
	bool launched;
	size_t observations_count;
	const struct record_observation *observations;
};

/* --- writing --------------------------------------------------------------------------------- */

static bool write_trial(struct trying *trying, struct record_trial *trial,
	const struct record_observation *observations, size_t count)
{
	struct record_line *lines = pool_take(&trying->pool, (count + 1) * sizeof(*lines));

	const struct share *share = &trying->execution->share;

	/* No two launches of a run have one number. */
	trial->number = trying->execution->trials_count++ * share->parts + share->part + 1;
	trial->observations_count = (int64_t)count;
	lines[0] = (struct record_line){.type = RECORD_TYPE_TRIAL, .trial = *trial};
	for (size_t i = 0; i < count; i++) {
		lines[i + 1] = (struct record_line){
			.type = RECORD_TYPE_OBSERVATION,
			.observation = observations[i],
		};
		lines[i + 1].observation.trial = trial->number;
	}
	return record_write_through(trying->execution->writer, lines, count + 1);
}

static bool write_unmet(
	struct trying *trying, const struct record_unmet *unmet, size_t count, const char *why)
{
	struct record_trial trial = trying->trial;

	trial.end = RECORD_TRIAL_UNMET;
	trial.why = why;
	trial.unmet_count = count;
	trial.unmet = unmet;
	return write_trial(trying, &trial, NULL, 0);
}

/* --- requirements ---------------------------------------------------------------------------- */

struct unmet_list {
	struct pool *pool;
	size_t count;
	struct record_unmet *items;
};

static void add_unmet(
	struct unmet_list *list, const char *requirement, const char *value, const char *supply)
{
	list->items = pool_grow(list->pool, list->items, list->count, sizeof(list->items[0]));
	list->items[list->count++] = (struct record_unmet){requirement, value, supply};
}

/* Whether the case puts this parameter's knob to something that it is not already. */
static bool changes_knob(const struct trying *trying, size_t index)
{
	const struct probe_arguments *arguments = &trying->check_case->arguments;
	const char *knob = arguments->parameters[index].knob;

	if (knob == NULL || arguments->values[index] == PROBE_AS_IS)
		return false;
	for (int i = 0; i < VM_KNOB_LIMIT; i++) {
		const struct vm_knob_fact *fact = &trying->execution->facts->host.knob[i];
		if (strcmp(vm_knob_word((enum vm_knob)i), knob) == 0)
			return !fact->present || fact->value != arguments->values[index];
	}
	return true;
}

static const char *setting_text(struct trying *trying, size_t index)
{
	const struct probe_arguments *arguments = &trying->check_case->arguments;
	const char *label = NULL;

	if (arguments->parameters[index].labels != NULL)
		label = probe_argument_label(arguments, arguments->parameters[index].name);
	return label != NULL ? label
			     : pool_format(&trying->pool, "%" PRId64, arguments->values[index]);
}

/* Everything that is unmet, not only the first. */
static bool list_unmet(struct trying *trying, struct unmet_list *list)
{
	const struct execution *execution = trying->execution;
	const struct run_options *options = execution->options;
	const struct facts_allowed allowed = {options->allow_settings, options->allow_pressure};
	const struct probe_arguments *arguments = &trying->check_case->arguments;
	struct facts_requirement *requirements = NULL;
	struct facts_error error;
	size_t count = 0;

	if (facts_requirements(&trying->pool, execution->facts, trying->check_case->check->needs,
		    &allowed, true, &requirements, &count, &error) != 0) {
		message("%s", error.text);
		return false;
	}
	for (size_t i = 0; i < count; i++)
		add_unmet(list, requirements[i].requirement, requirements[i].value,
			requirements[i].supply);
	for (size_t i = 0; i < arguments->count; i++)
		if (!options->allow_settings && changes_knob(trying, i))
			add_unmet(list,
				pool_format(&trying->pool, "%s = %s", arguments->parameters[i].knob,
					setting_text(trying, i)),
				"settings may not be changed", "mmconform run --allow settings");
	return true;
}

/* --- settings -------------------------------------------------------------------------------- */

static void note_setting(struct trying *trying, const char *knob, const char *value)
{
	assert(trying->settings_count < SETTINGS_MOST);
	trying->settings[trying->settings_count++] =
		(struct record_setting){knob, pool_text(&trying->pool, value)};
}

/* 0, or the guard's refusal, whose sentence guard_why() has. */
static int hold_knobs(struct trying *trying)
{
	const struct probe_arguments *arguments = &trying->check_case->arguments;
	char in_force[GUARD_VALUE_BYTES];

	for (size_t i = 0; i < arguments->count; i++) {
		if (!changes_knob(trying, i))
			continue;
		const char *knob = arguments->parameters[i].knob;
		const int error = guard_hold(
			trying->execution->guard, knob, setting_text(trying, i), in_force);
		if (error != 0)
			return error;
		note_setting(trying, knob, in_force);
		if (arguments->parameters[i].kernel_moves_on)
			guard_let_go(trying->execution->guard, knob);
	}
	return 0;
}

/*
 * A trial that runs wild ends at the limit of memory, and at that of swap, where the kernel has
 * one: the host's swap is not for it either.
 */
static int join_group(struct trying *trying, const struct probe_needs *needs)
{
	const uint64_t limit_bytes = needs->group_limit_bytes;
	struct group group;
	int error = guard_group(trying->execution->guard, "trial", &group);

	if (error == 0)
		error = group_limit(&group, limit_bytes);
	if (error != 0)
		return error;
	error = group_swap_limit(&group, needs->swap_bytes != 0 ? needs->swap_bytes : limit_bytes);
	if (error != 0 && error != -ENOENT && error != -EOPNOTSUPP)
		return error;
	group_join_path(&group, trying->join_path, sizeof(trying->join_path));
	trying->join[0] = trying->join_path;
	return 0;
}

/*
 * A compressed device where there is one: it is written before the call returns, so that no page is
 * in flight in the swap cache when the trial looks. A file needs nothing of the kernel.
 */
static int hold_swap(struct guard *guard, uint64_t size_bytes)
{
	const size_t mark = guard_mark(guard);
	unsigned device = 0;

	/* Reading hot_add makes a device even where /sys is read-only, and nothing takes it away.
	 */
	if (access("/sys/class/zram-control/hot_remove", W_OK) == 0 &&
		guard_swap_zram(guard, size_bytes, &device) == 0)
		return 0;
	const int failed = guard_release_to(guard, mark);
	return failed != 0 ? failed : guard_swap_file(guard, size_bytes);
}

static int hold(struct trying *trying)
{
	const struct probe_needs *needs = trying->check_case->check->needs;
	struct guard *guard = trying->execution->guard;
	int error = hold_knobs(trying);

	if (error == 0 && needs->huge_2m_pages != 0)
		error = guard_huge_pages(guard, VM_HUGE_2M_BYTES, needs->huge_2m_pages);
	if (error == 0 && needs->huge_1g_pages != 0)
		error = guard_huge_pages(guard, VM_HUGE_1G_BYTES, needs->huge_1g_pages);
	if (error == 0 && needs->huge_2m_varies)
		error = guard_huge_pages_vary(guard, VM_HUGE_2M_BYTES);
	if (error == 0 && needs->huge_1g_varies)
		error = guard_huge_pages_vary(guard, VM_HUGE_1G_BYTES);
	if (error == 0 && needs->swap_bytes != 0 && trying->execution->facts->swap_kib == 0)
		error = hold_swap(guard, needs->swap_bytes);
	if (error == 0 && needs->ksm) {
		char in_force[GUARD_VALUE_BYTES];
		error = guard_hold(guard, vm_knob_word(VM_KNOB_KSM_RUN), "0", in_force);
	}
	if (error == 0 && needs->group_limit_bytes != 0)
		error = join_group(trying, needs);
	return error;
}

static bool is_knob(const char *name)
{
	for (int i = 0; i < VM_KNOB_LIMIT; i++)
		if (strcmp(vm_knob_word((enum vm_knob)i), name) == 0)
			return true;
	return false;
}

static bool read_changes(struct trying *trying, struct facts_change **changes, size_t *count)
{
	struct facts_error error;

	if (facts_moved(&trying->pool, &trying->expected, changes, count, &error) == 0)
		return true;
	message("%s", error.text);
	return false;
}

/*
 * What the kernel moved along with the knobs that are held (huge pages off lowers
 * min_free_kbytes) is how things are for this case: noted, and expected from here on.
 */
static bool settle(struct trying *trying)
{
	struct facts_change *changes = NULL;
	size_t count = 0;

	case_host(trying->check_case, &trying->execution->facts->host, &trying->expected);
	if (trying->settings_count != 0 && !read_changes(trying, &changes, &count))
		return false;
	for (size_t i = 0; i < count; i++)
		if (is_knob(changes[i].name) && trying->settings_count < SETTINGS_MOST)
			note_setting(trying, changes[i].name, changes[i].after);
	trying->trial.settings_count = trying->settings_count;
	trying->trial.settings = trying->settings;
	host_as_measured(&trying->expected, &trying->trial);
	return true;
}

static bool list_moved(struct trying *trying, struct record_trial *trial)
{
	struct facts_change *changes = NULL;
	size_t count = 0;

	if (!read_changes(trying, &changes, &count))
		return false;
	const char **moved = pool_take(&trying->pool, count * sizeof(*moved));
	for (size_t i = 0; i < count; i++)
		moved[i] = pool_format(&trying->pool, "%s: %s became %s", changes[i].name,
			changes[i].before, changes[i].after);
	trial->moved_count = count;
	trial->moved = moved;
	return true;
}

/* --- launching ------------------------------------------------------------------------------- */

static void list_disturbances(
	struct trying *trying, const struct launch_result *result, struct record_trial *trial)
{
	struct record_disturbance *items =
		pool_take(&trying->pool, LAUNCH_DISTURBANCE_LIMIT * sizeof(*items));
	size_t count = 0;

	for (int i = 0; i < LAUNCH_DISTURBANCE_LIMIT; i++)
		if (result->disturbance[i] > 0)
			items[count++] = (struct record_disturbance){
				launch_disturbance_word((enum launch_disturbance)i),
				result->disturbance[i],
			};
	trial->disturbances_count = count;
	trial->disturbances = items;
}

static struct record_trial trial_of(
	struct trying *trying, unsigned number, const struct launch_result *result)
{
	struct record_trial trial = trying->trial;
	struct pool *pool = &trying->pool;

	trial.launch = number;
	trial.end = result->end;
	trial.duration_us = (int64_t)result->elapsed_ns / NS_PER_US;
	trial.signal = result->end_signal;
	trial.why = result->why;
	if (trial.why != NULL && result->error_text[0] != '\0')
		trial.why = pool_format(pool, "%s (%s)", result->why, result->error_text);
	if (trial.end == RECORD_TRIAL_UNMET) {
		struct record_unmet *unmet = pool_take(pool, sizeof(*unmet));
		*unmet = (struct record_unmet){
			result->why, "seen by the trial itself", result->remedy};
		trial.unmet_count = 1;
		trial.unmet = unmet;
	}
	list_disturbances(trying, result, &trial);
	return trial;
}

static uint64_t seed_of(const struct trying *trying, unsigned number)
{
	struct random_stream stream =
		random_stream_named(trying->execution->options->seed, trying->check_case->id);
	uint64_t seed = 0;

	for (unsigned i = 0; i < number; i++)
		seed = random_next(&stream);
	return seed;
}

/* 0, -ECANCELED when the run is being stopped, -ETIMEDOUT when what was launched cannot be killed,
 * or another -errno after one message. */
static int launch_once(struct trying *trying, unsigned number)
{
	const struct check *check = trying->check_case->check;
	struct check_payload payload;
	struct launch_result result = {0};
	char executable[PATH_MAX];

	check->kind->payload(trying->check_case, seed_of(trying, number), &trying->pool, &payload);
	const char **arguments =
		pool_take(&trying->pool, (payload.arguments_count + 1) * sizeof(*arguments));
	for (size_t i = 0; i < payload.arguments_count; i++)
		arguments[i] = payload.arguments[i];
	int error = launch_executable(check->timed ? "mmconform-trial-timed" : "mmconform-trial",
		executable, sizeof(executable));
	const struct launch launch = {
		.executable = executable,
		.arguments = arguments,
		.subject = check->name,
		.deadline_ms = check->deadline_s * MS_PER_S,
		.input = payload.input,
		.input_bytes = payload.input_bytes,
		.randomize_layout = check->randomize_layout || check->timed,
		.own_score = check->own_score,
		.join = trying->join[0] != NULL ? trying->join : NULL,
		.stop_descriptor = trying->execution->stop,
	};
	if (error == 0)
		error = launch_trial(&launch, &trying->pool, &result);
	if (error == -ECANCELED)
		return error;
	if (error != 0 && error != -ETIMEDOUT) {
		message("%s cannot be launched: %s", check->name, strerror(-error));
		return error;
	}
	trying->trial = trial_of(trying, number, &result);
	trying->observations = result.observations;
	trying->observations_count = result.observations_count;
	trying->launched = true;
	return list_moved(trying, &trying->trial) ? error : -EIO;
}

/* --- what is wrong with the kernel itself ---------------------------------------------------- */

static void complain(struct trying *trying, const char *text)
{
	struct record_trial *trial = &trying->trial;
	const char **texts = pool_grow(
		&trying->pool, trial->complaints, trial->complaints_count, sizeof(*texts));

	texts[trial->complaints_count++] = text;
	trial->complaints = texts;
}

static bool is_about_itself(enum kernel_complaint complaint)
{
	return complaint == KERNEL_COMPLAINT_CORRUPTION || complaint == KERNEL_COMPLAINT_BUG ||
	       complaint == KERNEL_COMPLAINT_OOPS || complaint == KERNEL_COMPLAINT_WARNING;
}

/*
 * A guest of ours does nothing but the trial: what its kernel complains of meanwhile, and what it
 * does not let be put back, is the answer to what was asked of it. On a host it may be anybody's.
 */
static void list_complaints(struct trying *trying, bool restored)
{
	struct execution *execution = trying->execution;
	const size_t heard = execution->log->lines_count;

	if (!vm_host_has(&execution->facts->host, VM_FEATURE_TRANSLATION_ORACLE))
		return;
	watch_look(execution->watch, execution->log_pool, execution->log);
	for (size_t i = heard; i < execution->log->lines_count; i++)
		if (is_about_itself(execution->log->lines[i].complaint))
			complain(trying, execution->log->lines[i].text);
	if (!restored)
		complain(trying, "a setting of this case could not be put back");
}

/* What only the model can show needs no process. */
static int show_once(struct trying *trying)
{
	struct check_shown shown = {.pool = &trying->pool};
	struct record_trial trial = trying->trial;
	struct timespec before, after;

	(void)clock_gettime(CLOCK_MONOTONIC, &before);
	trying->check_case->check->kind->show(
		trying->check_case, &trying->execution->facts->host, &shown);
	(void)clock_gettime(CLOCK_MONOTONIC, &after);
	trial.launch = 1;
	trial.duration_us = ((int64_t)after.tv_sec - before.tv_sec) * INT64_C(1000000) +
			    (after.tv_nsec - before.tv_nsec) / NS_PER_US;
	return write_trial(trying, &trial, shown.items, shown.count) ? 0 : -EIO;
}

static int launch_held(struct trying *trying, unsigned number)
{
	const size_t mark = guard_mark(trying->execution->guard);
	int error = hold(trying);

	if (error != 0) {
		const char *why = pool_text(&trying->pool, guard_why(trying->execution->guard));
		struct record_unmet *unmet = pool_take(&trying->pool, sizeof(*unmet));
		*unmet = (struct record_unmet){
			"what the case has to set up", why, "see mmconform doctor"};
		error = write_unmet(trying, unmet, 1, why) ? 0 : -EIO;
	} else {
		error = settle(trying) ? launch_once(trying, number) : -EIO;
	}
	const bool restored = guard_release_to(trying->execution->guard, mark) == 0;
	if (trying->launched) {
		list_complaints(trying, restored);
		if (!write_trial(trying, &trying->trial, trying->observations,
			    trying->observations_count))
			error = -EIO;
	}
	return restored || error != 0 ? error : -EUCLEAN;
}

int attempt_case(struct execution *execution, const struct check_case *check_case, unsigned number)
{
	struct trying trying = {
		.execution = execution,
		.check_case = check_case,
	};
	struct unmet_list unmet = {.pool = &trying.pool};
	int error = 0;

	trying.trial = (struct record_trial){
		.probe = check_case->check->name,
		.kind = check_case->check->kind->name,
		.parameters = case_parameters(&trying.pool, check_case),
		.launch = number,
	};
	if (!list_unmet(&trying, &unmet))
		error = -EIO;
	else if (unmet.count != 0)
		error = write_unmet(&trying, unmet.items, unmet.count, unmet.items[0].requirement)
				? 0
				: -EIO;
	else if (check_case->check->kind->payload == NULL)
		error = show_once(&trying);
	else
		error = launch_held(&trying, number);
	pool_drop(&trying.pool);
	return error;
}
