/* SPDX-License-Identifier: Apache-2.0 */
#include "run/run.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/message.h"
#include "facts/facts.h"
#include "guard/guard.h"
#include "guard/watch.h"
#include "record/version.h"
#include "run/divide.h"
#include "run/ending.h"
#include "run/execute.h"
#include "run/plan.h"
#include "run/status.h"
#include "run/stop.h"
#include "suite/data.h"
#include "suite/date.h"

#define MS_PER_S       INT64_C(1000)
#define NS_PER_MS      INT64_C(1000000)
#define KEEPER_WAIT_MS 3000
#define TAINT_UNKNOWN  INT64_C(-1)

struct run {
	struct run_options options; /* as given, or as the record to resume has them */
	struct run_result *result;
	struct plan plan;
	struct facts facts;
	struct guard *guard;
	struct watch watch;
	struct watch_report log;
	struct record_writer writer;
	struct record before; /* what a resumed run goes on from */
	bool resumes;
	int64_t started_ms;
};

static int64_t now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * MS_PER_S + now.tv_nsec / NS_PER_MS;
}

/* --- beginning ------------------------------------------------------------------------------- */

static enum exit_status begin_guard(struct run *run)
{
	const struct guard_options options = {
		.root = "",
		.changes = run->options.allow_settings || run->options.allow_pressure,
		.wait_ms = KEEPER_WAIT_MS,
	};
	const int error = guard_begin(&options, &run->guard);

	if (error == 0)
		return EXIT_CONFORMS;
	/* The guard has said what is wrong. */
	return error == -EBUSY ? EXIT_NOTHING : EXIT_DEFECTIVE;
}

/* --set: held for the whole run, before the facts are read. */
static enum exit_status hold_settings(struct run *run)
{
	for (size_t i = 0; i < run->options.settings_count; i++) {
		const struct run_setting *setting = &run->options.settings[i];
		if (guard_hold(run->guard, setting->knob, setting->value, NULL) == 0)
			continue;
		message("--set %s=%s: %s", setting->knob, setting->value, guard_why(run->guard));
		return EXIT_MISUSED;
	}
	return EXIT_CONFORMS;
}

static bool has_allowed(const struct record_header *header, const char *word)
{
	for (size_t i = 0; i < header->allow_count; i++)
		if (strcmp(header->allow[i], word) == 0)
			return true;
	return false;
}

/* A resumed run is the run that was begun: its suite, seed and selection are in the record. */
static enum exit_status take_over(struct run *run)
{
	struct record *before = &run->before;
	const char *path = run->options.record_path;

	if (!record_read(before, path, RECORD_RESUMABLE))
		return EXIT_MISUSED;
	run->resumes = true;
	if (before->has_summary && before->summary.complete) {
		message("%s: this run is complete: there is nothing to go on with", path);
		return EXIT_MISUSED;
	}
	if (strcmp(before->header.model, record_model_digest) != 0) {
		message("%s: sealed by model %s, and this program has %s: a run has one model",
			path, before->header.model, record_model_digest);
		return EXIT_MISUSED;
	}
	run->options.suite = before->header.suite;
	run->options.profile = before->header.profile;
	run->options.selection = before->header.selection;
	run->options.seed = before->header.seed;
	run->options.anonymous = before->header.anonymous;
	if (has_allowed(&before->header, "settings") != run->options.allow_settings ||
		has_allowed(&before->header, "pressure") != run->options.allow_pressure) {
		message("%s: this run was begun with another --allow", path);
		return EXIT_MISUSED;
	}
	return EXIT_CONFORMS;
}

static enum exit_status read_facts(struct run *run)
{
	struct facts_error error;

	if (facts_read_live(run->result->pool, &run->facts, &error) != 0) {
		message("%s", error.text);
		return EXIT_DEFECTIVE;
	}
	return EXIT_CONFORMS;
}

/* The facts that the predictions were made from must be the facts of today. */
static enum exit_status check_same_facts(struct run *run)
{
	struct facts_change *changes = NULL;
	struct facts_error error;
	struct facts sealed;
	const char *why = NULL;
	size_t count = 0;

	if (!facts_from_json(run->result->pool, run->before.facts, strlen(run->before.facts),
		    &sealed, &why)) {
		message("%s:2: facts: %s", run->before.path, why);
		return EXIT_MISUSED;
	}
	if (facts_moved(run->result->pool, &sealed.host, &changes, &count, &error) != 0) {
		message("%s", error.text);
		return EXIT_DEFECTIVE;
	}
	if (count == 0)
		return EXIT_CONFORMS;
	message("%s: was begun on other facts: %s was %s and is %s", run->before.path,
		changes[0].name, changes[0].before, changes[0].after);
	return EXIT_MISUSED;
}

static enum exit_status open_record(struct run *run)
{
	FILE *mirror = run->options.lines ? stdout : NULL;
	const char *path = run->options.record_path;
	int error = 0;

	if (run->resumes)
		error = record_go_on(&run->writer, path, &run->before.launched_hash,
			run->before.launched_bytes, run->before.launched_lines, mirror);
	else
		error = record_create(&run->writer, path, mirror);
	if (error == 0)
		return EXIT_CONFORMS;
	/* A full disk is not the user's mistake; a wrong path is. */
	return error == -ENOSPC || error == -EIO || error == -EDQUOT ? EXIT_DEFECTIVE
								     : EXIT_MISUSED;
}

static enum exit_status seal(struct run *run)
{
	struct pool POOL_DROPS pool = {0};
	struct facts told = run->facts;

	if (run->resumes)
		return EXIT_CONFORMS;
	/* What the record tells, and no more: trials still need to know which group is ours. */
	if (run->options.anonymous)
		facts_make_anonymous(&pool, &told);
	const char *facts = facts_to_json(&pool, &told);
	return plan_seal(&run->plan, &run->options, facts, &run->facts.host, &run->writer)
		       ? EXIT_CONFORMS
		       : EXIT_DEFECTIVE;
}

static void print_plan(const struct run *run)
{
	for (size_t i = 0; i < run->plan.cases.count; i++) {
		const struct check_case *check_case = &run->plan.cases.items[i];
		const unsigned launches = plan_launches(&run->plan, check_case->check);
		(void)printf("%s: %s%s", check_case->id, check_case->check->kind->name,
			check_case->check->timed ? ", timed" : "");
		if (launches > 1)
			(void)printf(", %u launches", launches);
		for (size_t k = 0; k < check_case->arguments.count; k++)
			if (check_case->arguments.parameters[k].knob != NULL &&
				check_case->arguments.values[k] != PROBE_AS_IS)
				(void)printf(", sets %s", check_case->arguments.parameters[k].knob);
		(void)putchar('\n');
	}
}

/* --- judging --------------------------------------------------------------------------------- */

/*
 * A group that is filled up on purpose runs out of memory, and so does a guest, which is there for
 * that: that is the measurement. On a host it is not, whoever was killed.
 */
static bool is_meant(const struct run *run, const struct watch_line *line)
{
	if (!run->options.allow_pressure)
		return false;
	return line->complaint == KERNEL_COMPLAINT_GROUP_OOM ||
	       (line->complaint == KERNEL_COMPLAINT_OOM &&
		       vm_host_has(&run->facts.host, VM_FEATURE_TRANSLATION_ORACLE) &&
		       strstr(line->text, "(mmconform-trial)") != NULL);
}

static struct record_summary summary_of(struct run *run, const struct execution *execution)
{
	struct pool *pool = run->result->pool;
	struct watch_report *report = &run->log;

	watch_end("", &run->watch, pool, report);
	const char **log = pool_take(pool, report->lines_count * sizeof(*log));
	size_t log_count = 0;
	for (size_t i = 0; i < report->lines_count; i++)
		if (!is_meant(run, &report->lines[i]))
			log[log_count++] = report->lines[i].text;
	if (report->log_overran)
		judgement_note(&run->result->judgement,
			"the kernel's log overran: warnings may have been missed");
	return (struct record_summary){
		.complete = execution->stopped_by == NULL,
		.stopped_by = execution->stopped_by,
		.trials = execution->trials_count,
		.duration_ms = now_ms() - run->started_ms,
		.taint_before =
			report->taint_was_read ? (int64_t)report->taint_before : TAINT_UNKNOWN,
		.taint_after =
			report->taint_was_read ? (int64_t)report->taint_after : TAINT_UNKNOWN,
		.kernel_log_count = log_count,
		.kernel_log = log,
	};
}

/* Reads back what was written, and judges that. */
static enum exit_status judge(struct run *run, const struct execution *execution)
{
	struct run_result *result = run->result;
	struct known_list known = {0};
	const char *path = run->writer.path != NULL ? run->writer.path : "the temporary record";

	if (!known_load(result->pool, data_path(result->pool, "suites/known.yaml"), &known))
		return EXIT_DEFECTIVE;
	if (lseek(run->writer.descriptor, 0, SEEK_SET) < 0 ||
		!record_read_file(&result->record, run->writer.descriptor, path, RECORD_RUNNING))
		return EXIT_DEFECTIVE;
	result->record.has_summary = true;
	result->record.summary.complete = execution->stopped_by == NULL;
	const struct judge_options options = {
		.checks = &run->plan.checks,
		.known = &known,
		.today = date_now(result->pool),
	};
	result->judgement = (struct judgement){.pool = result->pool};
	if (!judge_record(&result->record, &options, &result->judgement))
		return EXIT_DEFECTIVE;
	result->summary = summary_of(run, execution);
	result->judged = true;
	if (!ending_write(&run->writer, &result->judgement, &result->summary))
		return EXIT_DEFECTIVE;
	return status_of(&result->judgement, &result->summary);
}

/* Somebody else judges: what a guest measured is judged on its host, as far as it came. */
static enum exit_status leave_unjudged(struct run *run, const struct execution *execution)
{
	struct run_result *result = run->result;

	result->judgement = (struct judgement){.pool = result->pool};
	result->summary = summary_of(run, execution);
	return ending_write(&run->writer, &result->judgement, &result->summary) ? EXIT_CONFORMS
										: EXIT_DEFECTIVE;
}

/* --- the way of the data --------------------------------------------------------------------- */

static enum exit_status measure_and_judge(struct run *run)
{
	struct execution execution = {
		.plan = &run->plan,
		.options = &run->options,
		.facts = &run->facts,
		.guard = run->guard,
		.writer = &run->writer,
		.watch = &run->watch,
		.log = &run->log,
		.log_pool = run->result->pool,
		.before = run->resumes ? &run->before : NULL,
		.trials_count = run->resumes ? (int64_t)run->before.launches_count : 0,
		.share = divide_launches(&run->plan, run->options.parts),
	};

	execution.stop = stop_begin();
	if (execution.stop < 0) {
		message("signals cannot be watched: %s", strerror(-execution.stop));
		return EXIT_DEFECTIVE;
	}
	watch_begin("", &run->watch, &run->log);
	const bool measured = execute_all(&execution);
	const int restored = guard_end(run->guard);
	run->guard = NULL;
	/* A signal from here on ends the program: the record can be resumed, and then judges. */
	stop_end(execution.stop);
	if (!measured)
		return EXIT_DEFECTIVE;
	if (run->options.unjudged)
		return leave_unjudged(run, &execution);
	const enum exit_status status = judge(run, &execution);
	return restored == 0 ? status : EXIT_DEFECTIVE;
}

static enum exit_status carry_out(struct run *run)
{
	enum exit_status status = plan_load(&run->plan, &run->options);

	if (status == EXIT_CONFORMS && !run->options.dry_run)
		status = begin_guard(run);
	if (status == EXIT_CONFORMS && !run->options.dry_run)
		status = hold_settings(run);
	if (status == EXIT_CONFORMS)
		status = read_facts(run);
	if (status == EXIT_CONFORMS && run->resumes)
		status = check_same_facts(run);
	if (status == EXIT_CONFORMS)
		status = plan_expand(&run->plan, &run->options, &run->facts);
	if (status != EXIT_CONFORMS)
		return status;
	if (run->options.dry_run) {
		print_plan(run);
		return EXIT_CONFORMS;
	}
	status = open_record(run);
	if (status == EXIT_CONFORMS)
		status = seal(run);
	return status == EXIT_CONFORMS ? measure_and_judge(run) : status;
}

enum exit_status run_suite(const struct run_options *options, struct run_result *result)
{
	struct run run = {
		.options = *options,
		.result = result,
		.plan = {.pool = result->pool},
		.writer = {.descriptor = -1},
		.started_ms = now_ms(),
	};
	enum exit_status status = options->resume ? take_over(&run) : EXIT_CONFORMS;

	if (status == EXIT_CONFORMS)
		status = carry_out(&run);
	record_close(&run.writer);
	if (run.guard != NULL && guard_end(run.guard) != 0)
		status = EXIT_DEFECTIVE;
	if (run.resumes)
		record_drop(&run.before);
	return status;
}
