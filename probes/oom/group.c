/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two groups side by side: the shortage of one is not the other's, though the largest process of
 * all lives there. And who was killed by somebody else is not taken for a victim of the killer.
 *
 * It would miss a kernel whose groups leak only under pressure on the whole machine.
 */
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "probe/probe.h"
#include "trial/candidates.h"
#include "trial/files.h"
#include "trial/kernel_log.h"
#include "trial/trial.h"
#include "vm/group.h"
#include "vm/model.h"
#include "vm/prediction.h"

enum ending { SHORTAGE, SOMEBODY, TOGETHER };

static const char *const ending_labels[] = {"shortage", "somebody-else", "together"};

static const struct probe_parameter parameters[] = {
	{
		.name = "ending",
		.unit = VM_UNIT_COUNT,
		.choices_count = 3,
		.choices = {SHORTAGE, SOMEBODY, TOGETHER},
		.labels = ending_labels,
	},
	{
		.name = "share",
		.unit = VM_UNIT_PAGES,
		.lowest = 400,
		.highest = 600,
		.step = 1,
		.drawn = 1,
	},
};

/* The first three are in the group that runs short. */
enum { SMALL, LARGE, ASKER, BESIDE_LARGEST, BESIDE_SMALL, CANDIDATES };

#define SHORT_CANDIDATES 3
#define ROOM_PAGES	 200
#define ASKED_PAGES	 400

static bool suits(const struct vm_host *host, const struct probe_arguments *arguments)
{
	return probe_argument(arguments, "ending") != TOGETHER || host->cgroup_version == 2;
}

struct span {
	int64_t lowest, highest;
};

static void predict_all(struct vm_predictions *predictions, const char *quantity,
	const struct span *spans, size_t count, enum vm_unit unit, const char *because,
	const char *cite)
{
	int64_t values[2 * CANDIDATES];

	for (size_t i = 0; i < count; i++) {
		values[2 * i] = spans[i].lowest;
		values[2 * i + 1] = spans[i].highest;
	}
	vm_predict(predictions, &(struct vm_prediction){
					.claim = "oom.cgroup",
					.quantity = quantity,
					.at = "",
					.unit = unit,
					.form = VM_FORM_WITHIN,
					.values = values,
					.values_count = 2 * count,
					.because = because,
					.cite = cite,
				});
}

static void predict(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	/* What a victim gives back last comes when it no longer counts as dying: others of its
	 * group may follow it. linux:6.12:mm/mmap.c:exit_mmap */
	static const struct span died[][CANDIDATES] = {
		[SHORTAGE] = {[SMALL] = {0, 1}, [LARGE] = {1, 1}, [ASKER] = {0, 1}},
		[SOMEBODY] = {[LARGE] = {1, 1}},
		[TOGETHER] = {[SMALL] = {1, 1}, [LARGE] = {1, 1}, [ASKER] = {1, 1}},
	};
	/* The first victim is killed by itself, and once more with the group if it still has its
	 * memory by then. linux:6.12:mm/oom_kill.c:oom_kill_process, oom_kill_memcg_member */
	static const struct span kills[][2] = {
		[SHORTAGE] = {{1, SHORT_CANDIDATES}, {0, 0}},
		[SOMEBODY] = {{0, 0}, {0, 0}},
		[TOGETHER] = {{SHORT_CANDIDATES, SHORT_CANDIDATES + 1}, {0, 0}},
	};
	static const char cite[] = "linux:6.12:mm/memcontrol.c:mem_cgroup_out_of_memory";
	const enum ending ending = (enum ending)probe_argument(arguments, "ending");
	const struct span logged = {ending != SOMEBODY, ending != SOMEBODY};
	const struct span none = {0, 0}, signal_number = {SIGKILL, SIGKILL};
	const struct span lost = {0,
		(int64_t)vm_group_ahead_pages(model->behaviours.group_charges, host->cpus_online)};

	(void)readings;
	predict_all(predictions, "died", died[ending], CANDIDATES, VM_UNIT_BOOL,
		ending == TOGETHER ? "the whole group goes, and nobody beside it"
				   : "the larger one of the group; the largest of all lives beside",
		cite);
	predict_all(predictions, "kills", kills[ending], 2, VM_UNIT_COUNT,
		"each group counts the processes killed for its own shortage", cite);
	predict_all(predictions, "logged", &logged, 1, VM_UNIT_BOOL,
		"the kernel names its victims, and only those",
		"linux:6.12:mm/oom_kill.c:__oom_kill_process");
	predict_all(predictions, "signal", &signal_number, 1, VM_UNIT_SIGNAL,
		"the signal is the same; only events and log tell the two apart",
		"linux:6.12:mm/oom_kill.c:__oom_kill_process");
	predict_all(predictions, "lost-beside", &lost, 1, VM_UNIT_PAGES,
		"reclaim stays below the group that met its limit; each CPU may give back what is "
		"left of a batch of charges",
		"linux:6.12:mm/vmscan.c:try_to_free_mem_cgroup_pages");
	predict_all(predictions, "failures-beside", &none, 1, VM_UNIT_COUNT,
		"its own limit was never met", cite);
}

static bool was_logged(int log, const struct candidate *candidates)
{
	struct kernel_log_record record;
	uint64_t killed = 0;
	bool logged = false;

	while (kernel_log_next(log, &record))
		logged |= kernel_log_killed(&record, &killed) &&
			  candidate_index(candidates, CANDIDATES, killed) >= 0;
	return logged;
}

static void start(struct candidate candidates[CANDIDATES], size_t share_pages,
	const struct memory_group *shortage, const struct memory_group *beside)
{
	const size_t pages[CANDIDATES] = {[SMALL] = share_pages,
		[LARGE] = 2 * share_pages,
		[BESIDE_LARGEST] = 6 * share_pages,
		[BESIDE_SMALL] = share_pages};

	for (size_t i = 0; i < CANDIDATES; i++) {
		const struct candidate_plan plan = {
			.group = i < SHORT_CANDIDATES ? shortage : beside,
			.pages = pages[i],
		};
		candidates[i] = candidate_start(&plan);
	}
}

static void end(enum ending ending, struct candidate candidates[CANDIDATES],
	const struct memory_group *shortage)
{
	if (ending == SOMEBODY) {
		MUST(kill(candidates[LARGE].process, SIGKILL) == 0);
		return;
	}
	if (ending == TOGETHER)
		MUST(memory_group_write(shortage, "memory.oom.group", "1") == 0);
	MUST(memory_group_limit(shortage, GROUP_LIMIT_MEMORY,
		     memory_group_usage_pages(shortage) + ROOM_PAGES) == 0);
	MUST(memory_group_limit(shortage, GROUP_LIMIT_SWAP, 0) == 0);
	(void)candidate_ask(&candidates[ASKER], ASK_BY_WRITING, ASKED_PAGES);
}

static void measure(const struct probe_arguments *arguments)
{
	const struct memory_group own = memory_group_own();
	const struct memory_group shortage = memory_group_below(&own, "shortage", false);
	const struct memory_group beside = memory_group_below(&own, "beside", false);
	const int log = kernel_log_open();
	struct candidate candidates[CANDIDATES];
	int64_t died[CANDIDATES], signal_number = 0;

	if (kernel_number_at("/proc/sys/vm/panic_on_oom") > 1)
		unmet("the kernel panics when a group is out of memory",
			"vm.panic_on_oom = 0 or 1");
	start(candidates, (size_t)probe_argument(arguments, "share"), &shortage, &beside);
	const int64_t before_pages = memory_group_usage_pages(&beside);
	const int64_t failures = memory_group_failures(&beside);
	end((enum ending)probe_argument(arguments, "ending"), candidates, &shortage);
	for (size_t i = 0; i < SHORT_CANDIDATES; i++)
		(void)candidate_answers(&candidates[i]);
	observe("lost-beside", before_pages - memory_group_usage_pages(&beside), VM_UNIT_PAGES,
		"group usage");
	observe("failures-beside", memory_group_failures(&beside) - failures, VM_UNIT_COUNT,
		"group events");
	candidates_end(candidates, CANDIDATES);
	for (size_t i = 0; i < CANDIDATES; i++) {
		died[i] = WIFSIGNALED(candidates[i].status);
		if (died[i] != 0)
			signal_number = WTERMSIG(candidates[i].status);
	}
	const int64_t kills[2] = {memory_group_kills(&shortage), memory_group_kills(&beside)};
	observe_values("died", "", died, CANDIDATES, VM_UNIT_BOOL, "wait");
	observe("signal", signal_number, VM_UNIT_SIGNAL, "wait");
	observe_values("kills", "", kills, 2, VM_UNIT_COUNT, "group events");
	observe("logged", was_logged(log, candidates), VM_UNIT_BOOL, "kernel log");
	memory_group_remove(&shortage);
	memory_group_remove(&beside);
}

static const char *const claims[] = {"oom.cgroup", NULL};

PROBE(group) = {
	.name = "oom.group",
	.claims = claims,
	.question = "Does a limit on a group keep its shortage to itself?",
	.method = "Two groups of known processes; one meets its limit, or loses a process to "
		  "somebody else's SIGKILL; then both are looked at.",
	.threats = "Killed is killed: the wait status alone does not say by whom.",
	.by_hand = "cat memory.events memory.oom_control; dmesg | grep 'Killed process'",
	.parameters_count = sizeof(parameters) / sizeof(parameters[0]),
	.parameters = parameters,
	.needs = {.root = true, .allow_pressure = true, .group_limit_bytes = 64 << 20},
	.deadline_s = 20,
	.own_score = true,
	.suits = suits,
	.predict = PREDICTS(predict),
	.measure = MEASURES(measure),
};
