/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether CAP_SYS_ADMIN makes a process look better to the OOM killer.
 *
 * It would miss a bonus that only the killer knows of and /proc does not show: oom.victim.
 */
#include <sys/wait.h>
#include <unistd.h>

#include "probe/moving.h"
#include "probe/oom.h"
#include "probe/probe.h"
#include "trial/oom.h"
#include "trial/privilege.h"
#include "trial/trial.h"
#include "vm/model.h"
#include "vm/prediction.h"

static const struct probe_parameter parameters[] = {
	{
		.name = "adjustment",
		.unit = VM_UNIT_SCORE,
		.choices_count = 3,
		.choices = {100, 700, 1000},
	},
};

static void predict(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	struct score_about about = {.claim = "oom.admin-bonus"};

	(void)arguments;
	if (readings->count == 0) {
		predict_scores(model, host, readings, &about, predictions);
		return;
	}
	(void)predict_score(model, host, readings, "without", &about, predictions);
	about.admin = true;
	(void)predict_score(model, host, readings, "with", &about, predictions);
}

static void observe_child(bool admin)
{
	const pid_t child = fork();
	int status = 0;

	MUST(child >= 0);
	if (child == 0) {
		if (!admin)
			privilege_drop(PRIVILEGE_SYS_ADMIN);
		struct oom_files files = oom_files_open(getpid());
		observe_oom(&files, admin ? "with" : "without");
		_exit(0);
	}
	MUST(waitpid(child, &status, 0) == child && WIFEXITED(status));
}

static void measure(const struct probe_arguments *arguments)
{
	if (!privilege_held(PRIVILEGE_SYS_ADMIN))
		unmet("CAP_SYS_ADMIN is not held, so it cannot be compared with", "run as root");
	oom_adjust(probe_argument(arguments, "adjustment"));
	observe_oom_trial();
	observe_child(true);
	observe_child(false);
}

static const char *const claims[] = {"oom.admin-bonus", NULL};

PROBE(admin_bonus) = {
	.name = "oom.admin-bonus",
	.claims = claims,
	.question = "Does CAP_SYS_ADMIN lower oom_score?",
	.method = "Read the score of two children that differ in that capability alone.",
	.threats = "An idle process has so low a share that a bonus may vanish below zero: the "
		   "adjustment lifts it first.",
	.by_hand = "cat /proc/self/oom_score; capsh --drop=cap_sys_admin -- -c 'cat "
		   "/proc/self/oom_score'",
	.parameters_count = sizeof(parameters) / sizeof(parameters[0]),
	.parameters = parameters,
	.needs = {.capabilities = VM_CAPABILITY_SYS_ADMIN},
	.deadline_s = 10,
	.predict = PREDICTS(predict),
	.measure = MEASURES(measure),
};
