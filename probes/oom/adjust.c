/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What writing oom_score_adj does to the score, over its whole range, and who may write what.
 *
 * It would miss a killer that looks at something else than the adjustment it shows: oom.victim.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "probe/moving.h"
#include "probe/oom.h"
#include "probe/probe.h"
#include "trial/oom.h"
#include "trial/privilege.h"
#include "trial/trial.h"
#include "vm/model.h"
#include "vm/oom.h"
#include "vm/prediction.h"

static const char *const direction_labels[] = {"raise", "lower"};

/* A process without CAP_SYS_RESOURCE can only go up; so the two ways are two cases. */
static const struct probe_parameter parameters[] = {
	{
		.name = "direction",
		.unit = VM_UNIT_COUNT,
		.choices_count = 2,
		.choices = {0, 1},
		.labels = direction_labels,
	},
	{
		.name = "stride",
		.unit = VM_UNIT_SCORE,
		.lowest = 7,
		.highest = 61,
		.step = 1,
		.drawn = 1,
	},
};

static void predict_errno(
	struct vm_predictions *predictions, const char *at, int64_t why, const char *because)
{
	vm_predict(predictions, &(struct vm_prediction){
					.claim = "oom.adjust",
					.quantity = "refusal",
					.at = at,
					.unit = VM_UNIT_ERRNO,
					.form = VM_FORM_EXACT,
					.values = &why,
					.values_count = 1,
					.because = because,
					.cite = "linux:6.12:fs/proc/base.c:__set_oom_adj",
				});
}

static void predict(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	const struct score_about about = {
		.claim = "oom.adjust",
		.admin = (host->capabilities & VM_CAPABILITY_SYS_ADMIN) != 0,
	};

	predict_scores(model, host, readings, &about, predictions);
	predict_errno(predictions, "1001", EINVAL, "the adjustment ends at 1000");
	predict_errno(predictions, "-1001", EINVAL, "the adjustment ends at -1000");
	predict_errno(predictions, "below what it was, without the right", EACCES,
		"lowering the adjustment takes CAP_SYS_RESOURCE");
	predict_errno(predictions, "at the end, without the right",
		probe_argument(arguments, "direction") != 0 ? 0 : EACCES,
		"what a writer with the right has set last may be gone back to");
}

static int write_adjustment(int64_t adjustment)
{
	char text[32];

	(void)snprintf(text, sizeof(text), "%" PRId64, adjustment);
	return kernel_write("/proc/self/oom_score_adj", text);
}

/* In a child that has given the right away: it starts with what its parent has, and goes down. */
static void observe_lowering_without_right(const char *when)
{
	const pid_t child = fork();

	MUST(child >= 0);
	if (child == 0) {
		privilege_drop(PRIVILEGE_SYS_RESOURCE);
		MUST(write_adjustment(VM_OOM_ADJUSTMENT_HIGHEST) == 0);
		observe_at("refusal", when, write_adjustment(VM_OOM_ADJUSTMENT_LOWEST),
			VM_UNIT_ERRNO, "write");
		_exit(0);
	}
	int status = 0;
	MUST(waitpid(child, &status, 0) == child && WIFEXITED(status));
}

static void measure(const struct probe_arguments *arguments)
{
	const int64_t stride = probe_argument(arguments, "stride");
	const bool lower = probe_argument(arguments, "direction") != 0;
	struct oom_files files = oom_files_open(getpid());

	observe_lowering_without_right("below what it was, without the right");
	observe_oom_trial();
	observe_at("refusal", "1001", write_adjustment(VM_OOM_ADJUSTMENT_HIGHEST + 1),
		VM_UNIT_ERRNO, "write");
	observe_at("refusal", "-1001", write_adjustment(VM_OOM_ADJUSTMENT_LOWEST - 1),
		VM_UNIT_ERRNO, "write");
	if (lower)
		for (int64_t to = 0; to > VM_OOM_ADJUSTMENT_LOWEST; to -= stride)
			observe_oom_adjusted(&files, to);
	else
		for (int64_t to = 0; to < VM_OOM_ADJUSTMENT_HIGHEST; to += stride)
			observe_oom_adjusted(&files, to);
	observe_oom_adjusted(&files, lower ? VM_OOM_ADJUSTMENT_LOWEST : VM_OOM_ADJUSTMENT_HIGHEST);
	observe_lowering_without_right("at the end, without the right");
}

static const char *const claims[] = {"oom.adjust", NULL};

PROBE(adjust) = {
	.name = "oom.adjust",
	.claims = claims,
	.question = "How does oom_score follow oom_score_adj, and who may change it?",
	.method = "Write adjustments from 0 to an end of the range, reading score "
		  "and inputs after each; write beyond both ends; lower it in a child without "
		  "CAP_SYS_RESOURCE.",
	.threats = "A privileged writer moves the lowest adjustment that others may go back to, so "
		   "the "
		   "refusal is looked at first.",
	.by_hand = "for a in 0 333 1000; do echo $a > /proc/self/oom_score_adj; "
		   "cat /proc/self/oom_score; done",
	.parameters_count = sizeof(parameters) / sizeof(parameters[0]),
	.parameters = parameters,
	.deadline_s = 10,
	.predict = PREDICTS(predict),
	.measure = MEASURES(measure),
};
