/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pressure before the killer: a process grows in a group, step by step; after each step a daemon
 * reads how long the group has stalled for memory. When the figure rises it may end the process in
 * good time, or only watch.
 *
 * The kernel weighs each CPU's stall by the whole ticks in which the group was not idle since the
 * last reading: who reads again within a tick reads nothing, and what was there is lost. So one
 * process of the group is busy all the time, and some ticks go by before each reading
 * (linux:6.12:kernel/sched/psi.c:collect_percpu_times).
 *
 * It would miss figures that are too large: any rise before the kill will do.
 */
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "probe/probe.h"
#include "trial/candidates.h"
#include "trial/files.h"
#include "trial/rest.h"
#include "trial/trial.h"
#include "vm/model.h"
#include "vm/prediction.h"

static const char *const daemon_labels[] = {"watches", "acts"};

static const struct probe_parameter parameters[] = {
	{
		.name = "daemon",
		.unit = VM_UNIT_COUNT,
		.choices_count = 2,
		.choices = {0, 1},
		.labels = daemon_labels,
	},
};

#define LIMIT_PAGES 2048
#define CACHE_PAGES 1024 /* can be taken away, which takes time: that is pressure */
#define STEP_PAGES  32
#define STEPS	    (4 * LIMIT_PAGES / STEP_PAGES)
/* Two ticks at least, at 100 a second. */
#define READING_MS 20

static bool suits(const struct vm_host *host, const struct probe_arguments *arguments)
{
	(void)arguments;
	return host->cgroup_version == 2;
}

static void predict_one(struct vm_predictions *predictions, const char *quantity, int64_t value,
	enum vm_unit unit, const char *because, const char *cite)
{
	vm_predict(predictions, &(struct vm_prediction){
					.claim = "oom.pressure",
					.quantity = quantity,
					.at = "",
					.unit = unit,
					.form = VM_FORM_EXACT,
					.values = &value,
					.values_count = 1,
					.because = because,
					.cite = cite,
				});
}

static void predict(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	const bool acts = probe_argument(arguments, "daemon") != 0;

	(void)model, (void)host, (void)readings;
	predict_one(predictions, "rose-before", 1, VM_UNIT_BOOL,
		"a charge that reclaims is a stall, and reclaim comes before the killer",
		"linux:6.12:mm/memcontrol.c:try_charge_memcg");
	predict_one(predictions, "killed", !acts, VM_UNIT_BOOL,
		acts ? "the process was gone before reclaim found nothing"
		     : "growing on, it finds nothing left to reclaim",
		"linux:6.12:mm/memcontrol.c:mem_cgroup_out_of_memory");
	predict_one(predictions, "signal", acts ? SIGTERM : SIGKILL, VM_UNIT_SIGNAL,
		"a daemon can ask; the killer does not", "osn");
	/* Where the killer came, the other one may follow: linux:6.12:mm/mmap.c:exit_mmap. */
	if (acts)
		predict_one(predictions, "other-alive", 1, VM_UNIT_BOOL,
			"nobody was killed for the want of memory",
			"linux:6.12:mm/oom_kill.c:oom_badness");
}

/* Microseconds that some process of the group has waited for memory: "some ... total=123". */
static int64_t stalled_us(const struct memory_group *group)
{
	static const char name[] = "total=";
	struct kernel_text rest = memory_group_read(group, "memory.pressure"), word;

	while (kernel_word_next(&rest, &word)) {
		uint64_t value = 0;
		if (kernel_text_starts(word, name) &&
			kernel_text_decimal(kernel_text_after(word, sizeof(name) - 1), &value))
			return (int64_t)value;
	}
	broken("memory.pressure has no total");
}

/* A process of the group that is never idle. */
static pid_t be_busy(const struct memory_group *group)
{
	const pid_t process = fork();

	MUST(process >= 0);
	if (process != 0)
		return process;
	MUST(prctl(PR_SET_PDEATHSIG, SIGKILL) == 0);
	memory_group_enter(group, 0);
	for (volatile unsigned turn = 0;; turn++)
		;
}

static void measure(const struct probe_arguments *arguments)
{
	const bool acts = probe_argument(arguments, "daemon") != 0;
	const struct memory_group own = memory_group_own();
	const struct memory_group group = memory_group_below(&own, "pressure", false);
	const struct candidate_plan other = {.group = &group, .pages = STEP_PAGES};
	const struct candidate_plan grows = {
		.group = &group,
		.holding = HOLD_CACHE,
		.pages = CACHE_PAGES,
		.file = candidate_file(CACHE_PAGES),
	};

	if (!memory_group_has(&group, "memory.pressure"))
		unmet("the kernel keeps no figures of pressure for groups", "boot with psi=1");
	if (kernel_number_at("/proc/sys/vm/panic_on_oom") > 1)
		unmet("the kernel panics when a group is out of memory",
			"vm.panic_on_oom = 0 or 1");
	MUST(memory_group_limit(&group, GROUP_LIMIT_MEMORY, LIMIT_PAGES) == 0);
	MUST(memory_group_limit(&group, GROUP_LIMIT_SWAP, 0) == 0);
	struct candidate candidates[] = {candidate_start(&other), candidate_start(&grows)};
	const pid_t busy = be_busy(&group);
	rest_ms(READING_MS);
	const int64_t before_us = stalled_us(&group);
	bool rose = false;
	for (size_t i = 0; i < STEPS && !candidates[1].ended; i++) {
		if (!candidate_ask(&candidates[1], ASK_BY_WRITING, STEP_PAGES))
			break;
		/* Read between two steps: the killer has not been there yet. */
		rest_ms(READING_MS);
		rose |= stalled_us(&group) > before_us;
		if (rose && acts) {
			MUST(kill(candidates[1].process, SIGTERM) == 0);
			break;
		}
	}
	observe("rose-before", rose, VM_UNIT_BOOL, "memory.pressure");
	observe("other-alive", candidate_answers(&candidates[0]), VM_UNIT_BOOL, "the other one");
	/* It has our ends of the candidates' pipes, whose closing they wait for. */
	MUST(kill(busy, SIGKILL) == 0 && waitpid(busy, NULL, 0) == busy);
	candidates_end(candidates, 2);
	observe("signal", WIFSIGNALED(candidates[1].status) ? WTERMSIG(candidates[1].status) : 0,
		VM_UNIT_SIGNAL, "wait");
	observe("killed", memory_group_kills(&group) != 0, VM_UNIT_BOOL, "group events");
	memory_group_remove(&group);
}

static const char *const claims[] = {"oom.pressure", NULL};

PROBE(pressure) = {
	.name = "oom.pressure",
	.claims = claims,
	.letters = "S",
	.question = "Do the figures of pressure rise in time for a daemon to act?",
	.method = "A process with a file in the cache grows by 32 pages at a time; after each step "
		  "the group's stall time is read, and the daemon ends the process at its first "
		  "rise, or only watches.",
	.threats = "Averages are seconds late, and the total loses what is read within a tick.",
	.by_hand = "cat /sys/fs/cgroup/GROUP/memory.pressure",
	.parameters_count = sizeof(parameters) / sizeof(parameters[0]),
	.parameters = parameters,
	.needs = {.root = true, .allow_pressure = true, .group_limit_bytes = 64 << 20},
	.deadline_s = 30,
	.own_score = true,
	.suits = suits,
	.predict = PREDICTS(predict),
	.measure = MEASURES(measure),
};
