/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A shortage of some nodes only: of a task that may allocate nowhere else, by its memory policy or
 * by its cpuset. The victim is one that has to do with these nodes, however large others are: to
 * kill one of those frees nothing here.
 *
 * It would miss a killer that goes wrong among those allowed: oom.victim ranks these.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "probe/moving.h"
#include "probe/probe.h"
#include "trial/candidates.h"
#include "trial/files.h"
#include "trial/kernel_log.h"
#include "trial/trial.h"
#include "trial/zones.h"
#include "vm/model.h"
#include "vm/oom.h"
#include "vm/prediction.h"

enum held_by { BY_POLICY, BY_CPUSET, HELD_COUNT };

static const char *const held_labels[] = {"policy", "cpuset"};
static const char *const constraints[HELD_COUNT] = {
	[BY_POLICY] = "CONSTRAINT_MEMORY_POLICY",
	[BY_CPUSET] = "CONSTRAINT_CPUSET",
};

static const struct probe_parameter parameters[] = {
	{
		.name = "held-by",
		.unit = VM_UNIT_COUNT,
		.choices_count = HELD_COUNT,
		.choices = {BY_POLICY, BY_CPUSET},
		.labels = held_labels,
	},
	{
		.name = "share",
		.unit = VM_UNIT_PAGES,
		.lowest = 8000,
		.highest = 9000,
		.step = 1,
		.drawn = 1,
	},
};

/* Sizes in shares; the asker has up to half of one when nothing is left, and the ballast, which
 * cannot be killed, has all else of the node. */
enum { LARGE, SMALL, ASKER, ELSEWHERE, BALLAST, CANDIDATES };

static const size_t shares[CANDIDATES] = {[LARGE] = 3, [SMALL] = 1, [ELSEWHERE] = 6};

#define HERE  0
#define THERE 1
/* A limit that no machine reaches: the groups are there for their counts. */
#define UNLIMITED_BYTES (UINT64_C(1) << 40)

static void predict(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	/* What a victim gives back last comes when it no longer counts as dying: others of the
	 * same node may follow it. linux:6.12:mm/mmap.c:exit_mmap */
	static const int64_t died[2 * CANDIDATES] = {1, 1, 0, 1, 0, 1, 0, 0, 0, 0};
	struct vm_prediction about = {
		.claim = "oom.victim",
		.quantity = "victim-logged",
		.at = "",
		.unit = VM_UNIT_COUNT,
		.because = "the largest of those that may use the node; the largest of all may not",
		.cite = "linux:6.12:mm/oom_kill.c:oom_cpuset_eligible",
	};

	(void)model, (void)host, (void)arguments, (void)readings;
	predict_moving(predictions, &about, (struct moving){LARGE, LARGE}, 1);
	about.quantity = "died";
	about.unit = VM_UNIT_BOOL;
	about.form = VM_FORM_WITHIN;
	about.values = died;
	about.values_count = sizeof(died) / sizeof(died[0]);
	vm_predict(predictions, &about);
	about.quantity = "constraint-told";
	about.because = "the killer says what keeps the request from the other nodes";
	about.cite = "linux:6.12:mm/oom_kill.c:constrained_alloc";
	predict_moving(predictions, &about, (struct moving){1, 1}, 1);
	about.quantity = "kills-elsewhere";
	about.unit = VM_UNIT_COUNT;
	about.because = "nobody was killed whose memory is elsewhere";
	about.cite = "linux:6.12:mm/oom_kill.c:oom_cpuset_eligible";
	predict_moving(predictions, &about, (struct moving){0, 0}, 1);
}

/* False above the root of the hierarchy. */
static bool group_above(const struct memory_group *group, struct memory_group *above)
{
	*above = *group;
	char *const slash = strrchr(above->folder, '/');

	MUST(slash != NULL);
	*slash = '\0';
	return memory_group_has(above, "cgroup.subtree_control");
}

/* Down from the root of the hierarchy: nobody but us has groups on this machine. */
static void hand_cpusets_down(const struct memory_group *group)
{
	struct memory_group above;

	if (!group_above(group, &above))
		return;
	hand_cpusets_down(&above);
	const int why = memory_group_write(&above, "cgroup.subtree_control", "+cpuset");
	if (why != 0)
		unmet("cpusets in the unified hierarchy", "a kernel with CONFIG_CPUSETS");
}

/*
 * And back: before 6.2 a trial that moves to a group with a cpuset runs on all of its CPUs,
 * whatever it asked for: linux:6.1:kernel/cgroup/cpuset.c:cpuset_attach_task.
 */
static void take_cpusets_back(const struct memory_group *group)
{
	struct memory_group below = *group, above;

	for (; group_above(&below, &above); below = above)
		MUST(memory_group_write(&above, "cgroup.subtree_control", "-cpuset") == 0);
}

static struct memory_group group_at(
	const struct memory_group *own, const char *name, enum held_by held_by, int node)
{
	const struct memory_group group = memory_group_below(own, name, false);

	if (held_by == BY_CPUSET) {
		hand_cpusets_down(&group);
		MUST(memory_group_write(&group, "cpuset.mems", node == HERE ? "0" : "1") == 0);
	}
	return group;
}

static void start(struct candidate candidates[CANDIDATES], size_t share_pages, enum held_by held_by,
	const struct memory_group groups[2])
{
	for (size_t i = 0; i < CANDIDATES; i++) {
		const int node = i == ELSEWHERE ? THERE : HERE;
		const struct candidate_plan plan = {
			.group = &groups[node],
			.pages = shares[i] * share_pages,
			.nodes = held_by == BY_POLICY ? UINT64_C(1) << node : 0,
			.adjustment = i == BALLAST ? VM_OOM_ADJUSTMENT_LOWEST : 0,
		};
		candidates[i] = candidate_start(&plan);
	}
	/* As it grows cache is given up for it: it goes on until there is little left. */
	const int64_t left_pages = (int64_t)share_pages / 2;
	for (int64_t room = zones_room_pages(HERE); room > left_pages;
		room = zones_room_pages(HERE))
		MUST(candidate_ask(
			&candidates[BALLAST], ASK_BY_WRITING, (size_t)(room - left_pages)));
}

static void observe_log(int log, const char *constraint, const struct candidate *candidates)
{
	struct kernel_log_record record;
	struct kernel_text told;
	int64_t victim = -1;
	uint64_t killed = 0;
	bool constrained = false;

	while (victim < 0 && kernel_log_next(log, &record)) {
		if (kernel_log_constraint(&record, &told))
			constrained = kernel_text_is(told, constraint);
		if (kernel_log_killed(&record, &killed))
			victim = candidate_index(candidates, CANDIDATES, killed);
	}
	observe("victim-logged", victim, VM_UNIT_COUNT, "kernel log");
	observe("constraint-told", constrained, VM_UNIT_BOOL, "kernel log");
}

static void measure(const struct probe_arguments *arguments)
{
	const enum held_by held_by = (enum held_by)probe_argument(arguments, "held-by");
	const size_t share_pages = (size_t)probe_argument(arguments, "share");
	if (kernel_number_at("/proc/sys/vm/panic_on_oom") != 0)
		unmet("the kernel panics when it is out of memory", "vm.panic_on_oom = 0");
	if (zones_room_pages(HERE) < 6 * (int64_t)share_pages ||
		zones_room_pages(THERE) < 7 * (int64_t)share_pages)
		unmet("two nodes with room for candidates that are larger than all others",
			"--guest-nodes 2 --guest-memory 1024");
	const struct memory_group own = memory_group_own();
	const struct memory_group groups[2] = {
		group_at(&own, "here", held_by, HERE), group_at(&own, "there", held_by, THERE)};
	const int log = kernel_log_open();
	struct candidate candidates[CANDIDATES];
	int64_t died[CANDIDATES];

	start(candidates, share_pages, held_by, groups);
	(void)candidate_ask(&candidates[ASKER], ASK_BY_WRITING, share_pages * 5 / 2);
	for (size_t i = 0; i < CANDIDATES; i++)
		(void)candidate_answers(&candidates[i]);
	candidates_end(candidates, CANDIDATES);
	for (size_t i = 0; i < CANDIDATES; i++)
		died[i] = WIFSIGNALED(candidates[i].status);
	observe_values("died", "", died, CANDIDATES, VM_UNIT_BOOL, "wait");
	observe("kills-elsewhere", memory_group_kills(&groups[THERE]), VM_UNIT_COUNT,
		"group events");
	observe_log(log, constraints[held_by], candidates);
	memory_group_remove(&groups[HERE]);
	memory_group_remove(&groups[THERE]);
	if (held_by == BY_CPUSET)
		take_cpusets_back(&groups[HERE]);
}

static const char *const claims[] = {"oom.victim", NULL};

PROBE(constrained) = {
	.name = "oom.constrained-victim",
	.claims = claims,
	.letters = "V",
	.question = "Whom does the OOM killer take when only one node is short?",
	.method = "On a machine of two nodes a task that may use one of them, by policy or by "
		  "cpuset, asks for more than that has; the largest process of all lives on the "
		  "other one.",
	.threats = "Others of the machine may use the node, too: ours are larger by far.",
	.by_hand = "numactl --membind=0 stress-ng --vm 1 --vm-bytes 110%; dmesg | grep oom-kill",
	.parameters_count = sizeof(parameters) / sizeof(parameters[0]),
	.parameters = parameters,
	.needs = {.root = true,
		.allow_pressure = true,
		.own_machine = true,
		.capabilities = VM_CAPABILITY_SYS_RESOURCE,
		.features_count = 1,
		.features = {VM_FEATURE_NUMA},
		.group_limit_bytes = UNLIMITED_BYTES},
	.deadline_s = 120,
	.lengthy = true,
	.own_score = true,
	.predict = PREDICTS(predict),
	.measure = MEASURES(measure),
};
