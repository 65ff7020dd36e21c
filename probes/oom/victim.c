/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whom the OOM killer takes in a memory group, or on a whole machine: the ranking of all candidates
 * is computed from what was read of them before, and again from the table that the killer prints of
 * what it saw itself.
 *
 * The sizes are such that a killer which takes the one that asked, the last one started, or the one
 * with the largest address space, takes another one. On a whole machine the largest of all cannot
 * be killed. It would miss a killer that goes wrong only between machines of several nodes.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "probe/oom.h"
#include "probe/probe.h"
#include "trial/candidates.h"
#include "trial/files.h"
#include "trial/kernel_log.h"
#include "trial/trial.h"
#include "trial/zones.h"
#include "vm/model.h"
#include "vm/prediction.h"

enum ranking { LARGEST, SHARED, TABLES, EQUAL, ADJUSTED, PROTECTED };

static const char *const ranking_labels[] = {"largest", "shared", "tables", "equal"};
static const char *const adjusted_labels[] = {"offered", "protected"};
static const char *const machine_labels[] = {"largest", "equal", "offered"};
static const char *const asking_labels[] = {"fault", "call"};

/* On a whole machine there is one more, which takes what the others leave and is protected. */
enum { ASKER = 4, GROUP_CANDIDATES = 5, BALLAST = 5, CANDIDATES = 6 };

#define ROOM_PAGES    200
#define ASKED_PAGES   400
#define ADDRESS_BYTES VM_GIB_BYTES
/* What the protected one has at least, and all together: of so many shares. */
#define BALLAST_SHARES 6
#define MACHINE_SHARES 14
/* A limit that no machine reaches: the groups are there for their counts. */
#define UNLIMITED_BYTES (UINT64_C(1) << 40)

static const char *const places[CANDIDATES] = {"0", "1", "2", "3", "asks", "ballast"};

/* What they compete for: all sizes are given once for a group and once for a machine. */
enum scene { GROUP, MACHINE };

static const char *const scene_labels[] = {"group", "machine"};

static enum scene scene_of(const struct probe_arguments *arguments)
{
	return (enum scene)probe_argument(arguments, "of");
}

static size_t count_of(enum scene scene)
{
	return scene == MACHINE ? CANDIDATES : GROUP_CANDIDATES;
}

static size_t asked_pages(const struct probe_arguments *arguments)
{
	/* More than the machine has left, and less than the largest candidate that may die. */
	return scene_of(arguments) == MACHINE ? (size_t)probe_argument(arguments, "share") * 5 / 2
					      : ASKED_PAGES;
}

#define ASKING_PARAMETER                                                           \
	{                                                                          \
		.name = "asking", .unit = VM_UNIT_COUNT, .choices_count = 2,       \
		.choices = {ASK_BY_WRITING, ASK_BY_CALL}, .labels = asking_labels, \
	}

#define SCENE_PARAMETER(scene)                                                                 \
	{                                                                                      \
		.name = "of", .unit = VM_UNIT_COUNT, .choices_count = 1, .choices = {(scene)}, \
		.labels = &scene_labels[(scene)],                                              \
	}

/* The sizes are multiples of it. */
#define SHARE_PARAMETER(lowest_pages, highest_pages)                              \
	{                                                                         \
		.name = "share", .unit = VM_UNIT_PAGES, .lowest = (lowest_pages), \
		.highest = (highest_pages), .step = 1, .drawn = 1,                \
	}

static const struct probe_parameter parameters[] = {
	{
		.name = "ranking",
		.unit = VM_UNIT_COUNT,
		.choices_count = 4,
		.choices = {LARGEST, SHARED, TABLES, EQUAL},
		.labels = ranking_labels,
	},
	ASKING_PARAMETER,
	SHARE_PARAMETER(400, 600),
	SCENE_PARAMETER(GROUP),
};

static const struct probe_parameter adjusted_parameters[] = {
	{
		.name = "ranking",
		.unit = VM_UNIT_COUNT,
		.choices_count = 2,
		.choices = {ADJUSTED, PROTECTED},
		.labels = adjusted_labels,
	},
	ASKING_PARAMETER,
	SHARE_PARAMETER(400, 600),
	SCENE_PARAMETER(GROUP),
};

static const struct probe_parameter machine_parameters[] = {
	{
		.name = "ranking",
		.unit = VM_UNIT_COUNT,
		.choices_count = 3,
		.choices = {LARGEST, EQUAL, ADJUSTED},
		.labels = machine_labels,
	},
	ASKING_PARAMETER,
	SHARE_PARAMETER(8000, 9000),
	SCENE_PARAMETER(MACHINE),
};

static bool suits(const struct vm_host *host, const struct probe_arguments *arguments)
{
	return probe_argument(arguments, "ranking") != PROTECTED ||
	       (host->capabilities & VM_CAPABILITY_SYS_RESOURCE) != 0;
}

/* How it is asked has nothing to do with who is chosen: each is varied by itself. */
static bool suits_machine(const struct vm_host *host, const struct probe_arguments *arguments)
{
	(void)host;
	return probe_argument(arguments, "ranking") == LARGEST ||
	       probe_argument(arguments, "asking") == ASK_BY_WRITING;
}

/* What the killer printed of a candidate: where in its list, and what it added up. */
enum seen { SEEN_PLACE, SEEN_RESIDENT, SEEN_TABLES, SEEN_SWAPPED, SEEN_ADJUSTMENT, SEEN_COUNT };

static bool take_table(const struct vm_model *model, const struct probe_readings *readings,
	size_t count, uint64_t total_pages, struct vm_oom_candidate candidates[CANDIDATES],
	size_t candidate_at[CANDIDATES])
{
	for (size_t i = 0; i < count; i++) {
		const struct probe_reading *row =
			probe_reading_of(readings, "killer-saw", places[i]);
		if (row == NULL || row->values_count != SEEN_COUNT ||
			(uint64_t)row->values[SEEN_PLACE] >= count)
			return false;
		const struct vm_oom_inputs inputs = {
			.resident_pages = (uint64_t)row->values[SEEN_RESIDENT],
			.table_pages = vm_bytes_to_pages_floor((uint64_t)row->values[SEEN_TABLES]),
			.swapped_pages = (uint64_t)row->values[SEEN_SWAPPED],
			.adjustment = row->values[SEEN_ADJUSTMENT],
			.total_pages = total_pages,
		};
		struct vm_oom_candidate *candidate = &candidates[row->values[SEEN_PLACE]];
		candidate->killable =
			vm_oom_badness(&model->behaviours, &inputs, &candidate->lowest_pages);
		candidate->highest_pages = candidate->lowest_pages;
		candidate_at[row->values[SEEN_PLACE]] = i;
	}
	return true;
}

static bool take_before(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	uint64_t total_pages, bool chosen[CANDIDATES])
{
	const size_t count = count_of(scene_of(arguments));
	struct vm_oom_candidate candidates[CANDIDATES];

	for (size_t i = 0; i < count; i++) {
		if (!oom_candidate_of(
			    model, host, readings, places[i], total_pages, &candidates[i]))
			return false;
		/* It takes up the room that there is before it comes to that. */
		if (i == ASKER)
			candidates[i].highest_pages += (int64_t)asked_pages(arguments);
	}
	return vm_oom_victims(candidates, count, chosen) != 0;
}

/* The candidates that may be chosen first; false before the readings. */
static bool rank(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	bool chosen[CANDIDATES])
{
	const struct probe_reading *total = probe_reading_of(readings, "total", "");
	const size_t count = count_of(scene_of(arguments));
	struct vm_oom_candidate seen[CANDIDATES];
	bool at_last[CANDIDATES];
	size_t candidate_at[CANDIDATES];

	if (total == NULL ||
		!take_before(model, host, arguments, readings, (uint64_t)total->values[0], chosen))
		return false;
	/* The kernel leaves the table out when there were many a moment ago. */
	if (!take_table(model, readings, count, (uint64_t)total->values[0], seen, candidate_at))
		return true;
	(void)vm_oom_victims(seen, count, at_last);
	for (size_t place = 0; place < count; place++)
		chosen[candidate_at[place]] &= at_last[place];
	return true;
}

static void predict_victim(struct vm_predictions *predictions, struct vm_prediction about,
	size_t count, const bool chosen[CANDIDATES])
{
	int64_t victims[CANDIDATES];

	about.quantity = "victim-logged";
	about.form = VM_FORM_AMONG;
	about.values = victims;
	for (size_t i = 0; i < count; i++)
		if (chosen[i])
			victims[about.values_count++] = (int64_t)i;
	vm_predict(predictions, &about);
}

/*
 * Of each candidate whether it died. A victim no longer counts as one when its areas are unmapped,
 * and what it gives back last comes after that: others may follow it.
 */
static void predict_died(struct vm_predictions *predictions, struct vm_prediction about,
	size_t count, const bool chosen[CANDIDATES])
{
	int64_t spans[2 * CANDIDATES];
	size_t chosen_count = 0;

	for (size_t i = 0; i < count; i++)
		chosen_count += chosen[i];
	for (size_t i = 0; i < count; i++) {
		spans[2 * i] = chosen[i] && chosen_count == 1;
		spans[2 * i + 1] = i != BALLAST;
	}
	about.quantity = "died";
	about.unit = VM_UNIT_BOOL;
	about.form = VM_FORM_WITHIN;
	about.values = spans;
	about.values_count = 2 * count;
	vm_predict(predictions, &about);
}

static void predict_counts(struct vm_predictions *predictions, const char *claim)
{
	static const struct {
		const char *quantity;
		enum vm_unit unit;
		int64_t value;
		bool is_count_of_victims;
		const char *because;
	} rows[] = {
		{"signal", VM_UNIT_SIGNAL, SIGKILL, false, "there is no warning"},
		{"deaths", VM_UNIT_COUNT, 1, true, ""},
		{"kills", VM_UNIT_COUNT, 1, true, ""},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const bool loose = rows[i].is_count_of_victims;
		const int64_t span[2] = {
			rows[i].value, loose ? GROUP_CANDIDATES - 1 : rows[i].value};
		vm_predict(predictions,
			&(struct vm_prediction){
				.claim = claim,
				.quantity = rows[i].quantity,
				.at = "",
				.unit = rows[i].unit,
				.form = loose ? VM_FORM_WITHIN : VM_FORM_EXACT,
				.values = span,
				.values_count = loose ? 2 : 1,
				.because = loose ? "what a victim gives back last comes when it no "
						   "longer counts as dying: others may follow"
						 : rows[i].because,
				.cite = loose ? "linux:6.12:mm/mmap.c:exit_mmap"
					      : "linux:6.12:mm/oom_kill.c:oom_kill_process",
			});
	}
}

/* Promised while next to nothing is free; whoever takes it is killed, or another one for it. */
static void predict_granted(const struct vm_host *host, struct vm_predictions *predictions)
{
	const bool strict = vm_host_knob(host, VM_KNOB_OVERCOMMIT_MEMORY, 0) == 2;
	const int64_t granted = 1;

	vm_predict(predictions,
		&(struct vm_prediction){
			.claim = "overcommit.optimistic",
			.quantity = "granted",
			.at = "",
			.unit = VM_UNIT_BOOL,
			.form = strict ? VM_FORM_SILENT : VM_FORM_EXACT,
			.values = &granted,
			.values_count = strict ? 0 : 1,
			.because = strict ? "mode 2 promises only what it has"
					  : "what is asked for is less than the machine has, "
					    "and nobody looks at what is left: the shortage "
					    "comes at the access",
			.cite = "linux:6.12:mm/util.c:__vm_enough_memory",
		});
}

static void predict_protected(struct vm_predictions *predictions)
{
	const int64_t died = 0;

	vm_predict(predictions, &(struct vm_prediction){
					.claim = "oom.adjust",
					.quantity = "protected-died",
					.at = "",
					.unit = VM_UNIT_BOOL,
					.form = VM_FORM_EXACT,
					.values = &died,
					.values_count = 1,
					.because = "one at -1000 is never chosen, though it is the "
						   "largest of all",
					.cite = "linux:6.12:mm/oom_kill.c:oom_badness",
				});
}

static void predict(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	static const char *const inputs[] = {"total", "anonymous", "file", "shared", "swapped",
		"tables", "adjustment", "cpus-used", "killer-saw"};
	const enum ranking ranking = (enum ranking)probe_argument(arguments, "ranking");
	const enum scene scene = scene_of(arguments);
	struct vm_prediction about = {
		.claim = scene == GROUP && ranking >= ADJUSTED ? "oom.adjust" : "oom.victim",
		.at = "",
		.unit = VM_UNIT_COUNT,
		.because = "resident, swapped and table pages, plus the adjustment in thousandths "
			   "of the group's limit or the machine's memory; of equal ones the later "
			   "in the list: not the one "
			   "that asked, nor the last started, nor the largest address space",
		.cite = "linux:6.12:mm/oom_kill.c:oom_evaluate_task",
	};
	const size_t count = count_of(scene);
	bool chosen[CANDIDATES];

	if (scene == MACHINE) {
		predict_granted(host, predictions);
		predict_protected(predictions);
	}
	predict_counts(predictions, about.claim);
	if (rank(model, host, arguments, readings, chosen)) {
		predict_victim(predictions, about, count, chosen);
		predict_died(predictions, about, count, chosen);
		return;
	}
	about.quantity = "victim-logged";
	predict_rule(predictions, &about, inputs, sizeof(inputs) / sizeof(inputs[0]));
	about.quantity = "died";
	about.unit = VM_UNIT_BOOL;
	predict_rule(predictions, &about, inputs, sizeof(inputs) / sizeof(inputs[0]));
}

static void plan(enum ranking ranking, size_t share_pages, const struct memory_group *group,
	struct candidate_plan plans[GROUP_CANDIDATES])
{
	for (size_t i = 0; i < GROUP_CANDIDATES; i++)
		plans[i] = (struct candidate_plan){.group = group, .holding = HOLD_ANONYMOUS};
	plans[0].pages = 2 * share_pages;
	plans[0].address_bytes = ADDRESS_BYTES;
	plans[1].pages = 3 * share_pages;
	plans[2].pages = share_pages;
	plans[3].pages = share_pages / 2;
	switch (ranking) {
	case LARGEST:
		return;
	case ADJUSTED:
		plans[2].adjustment = 700;
		return;
	case SHARED:
	case TABLES:
		plans[2].holding = ranking == SHARED ? HOLD_SHARED : HOLD_TABLES;
		plans[2].pages = 4 * share_pages;
		return;
	case EQUAL:
		plans[2].pages = plans[1].pages;
		return;
	case PROTECTED:
		plans[1].adjustment = VM_OOM_ADJUSTMENT_LOWEST;
		return;
	}
}

/* The table is printed before anybody is killed; on a whole machine others are in it, too. */
static void observe_log(int log, const struct candidate *candidates, size_t count)
{
	struct kernel_log_record record;
	struct kernel_log_columns columns;
	struct kernel_log_candidate row;
	bool in_table = false;
	int64_t place = 0, logged = -1;
	uint64_t killed = 0;

	while (logged < 0 && kernel_log_next(log, &record)) {
		if (kernel_log_columns(&record, &columns)) {
			in_table = true;
			place = 0;
			continue;
		}
		if (in_table && kernel_log_candidate(&record, &columns, &row)) {
			const int64_t index = candidate_index(candidates, count, row.process);
			if (index < 0)
				continue;
			const int64_t seen[SEEN_COUNT] = {place++, (int64_t)row.resident_pages,
				(int64_t)row.table_bytes, (int64_t)row.swapped_pages,
				row.adjustment};
			observe_values("killer-saw", places[index], seen, SEEN_COUNT, VM_UNIT_COUNT,
				"kernel log");
		}
		if (kernel_log_killed(&record, &killed) &&
			candidate_index(candidates, count, killed) >= 0)
			logged = candidate_index(candidates, count, killed);
	}
	observe("victim-logged", logged, VM_UNIT_COUNT, "kernel log");
}

static void observe_deaths(struct candidate *candidates, size_t count)
{
	int64_t died[CANDIDATES] = {0}, deaths = 0, signal_number = 0;

	for (size_t i = 0; i < count; i++)
		(void)candidate_answers(&candidates[i]);
	candidates_end(candidates, count);
	for (size_t i = 0; i < count; i++)
		if (WIFSIGNALED(candidates[i].status)) {
			died[i] = 1;
			signal_number = WTERMSIG(candidates[i].status);
			deaths++;
		}
	observe_values("died", "", died, count, VM_UNIT_BOOL, "wait");
	if (count > BALLAST)
		observe("protected-died", died[BALLAST], VM_UNIT_BOOL, "wait");
	observe("signal", signal_number, VM_UNIT_SIGNAL, "wait");
	observe("deaths", deaths, VM_UNIT_COUNT, "wait");
}

static int64_t memory_pages(const char *name)
{
	static char text[1 << 14];

	return (int64_t)vm_kib_to_pages_floor((uint64_t)kernel_meminfo_value(
		kernel_small_text_at("/proc/meminfo", text, sizeof(text)), name));
}

/* The group gets a limit, or the machine loses its memory to the protected one. */
static int64_t make_short(const struct probe_arguments *arguments, const struct memory_group *group,
	struct candidate candidates[CANDIDATES])
{
	const size_t share_pages = (size_t)probe_argument(arguments, "share");

	if (scene_of(arguments) == GROUP) {
		MUST(memory_group_limit(group, GROUP_LIMIT_MEMORY,
			     memory_group_usage_pages(group) + ROOM_PAGES) == 0);
		MUST(memory_group_limit(group, GROUP_LIMIT_SWAP, 0) == 0);
		return memory_group_capacity_pages(group);
	}
	const struct candidate_plan ballast = {.group = group,
		.pages = BALLAST_SHARES * share_pages,
		.adjustment = VM_OOM_ADJUSTMENT_LOWEST,
		.huge = true};
	candidates[BALLAST] = candidate_start(&ballast);
	/* As it grows cache is given up for it: it goes on until there is none, and little else. */
	const int64_t left_pages = (int64_t)share_pages / 2;
	for (int64_t room = zones_room_pages(-1); room > left_pages; room = zones_room_pages(-1))
		MUST(candidate_ask(
			&candidates[BALLAST], ASK_BY_WRITING, (size_t)(room - left_pages)));
	return memory_pages("MemTotal") + memory_pages("SwapTotal");
}

/* A promise of as much as will be asked for, while memory is full. Nobody touches it. */
static void observe_granted(size_t pages)
{
	void *promised = mmap(NULL, pages * VM_PAGE_BYTES, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	observe("granted", promised != MAP_FAILED, VM_UNIT_BOOL, "mmap");
	if (promised != MAP_FAILED)
		MUST(munmap(promised, pages * VM_PAGE_BYTES) == 0);
}

static void measure(const struct probe_arguments *arguments)
{
	const struct memory_group own = memory_group_own();
	const struct memory_group group = memory_group_below(&own, "shortage", false);
	const size_t count = count_of(scene_of(arguments));
	const int log = kernel_log_open();
	struct candidate_plan plans[GROUP_CANDIDATES];
	struct candidate candidates[CANDIDATES];

	if (kernel_number_at("/proc/sys/vm/panic_on_oom") > (scene_of(arguments) == GROUP))
		unmet("the kernel panics when it is out of memory", "vm.panic_on_oom = 0");
	if (scene_of(arguments) == MACHINE &&
		memory_pages("MemAvailable") < MACHINE_SHARES * probe_argument(arguments, "share"))
		unmet("the machine is too small for a candidate that is larger than all others",
			"--guest-memory 1024");
	plan((enum ranking)probe_argument(arguments, "ranking"),
		(size_t)probe_argument(arguments, "share"), &group, plans);
	for (size_t i = 0; i < GROUP_CANDIDATES; i++)
		candidates[i] = candidate_start(&plans[i]);
	observe("total", make_short(arguments, &group, candidates), VM_UNIT_PAGES,
		scene_of(arguments) == GROUP ? "group limit" : "meminfo");
	observe_oom_trial();
	for (size_t i = 0; i < count; i++) {
		struct oom_files files = oom_files_open(candidates[i].process);
		observe_oom(&files, places[i]);
		oom_files_close(&files);
	}
	if (scene_of(arguments) == MACHINE)
		observe_granted(asked_pages(arguments));
	observe("asked-got",
		candidate_ask(&candidates[ASKER], (enum asking)probe_argument(arguments, "asking"),
			asked_pages(arguments)),
		VM_UNIT_BOOL, "the one that asked");
	observe_deaths(candidates, count);
	observe("kills", memory_group_kills(&group), VM_UNIT_COUNT, "group events");
	observe_log(log, candidates, count);
	memory_group_remove(&group);
}

static const char *const claims[] = {"oom.victim", NULL};
static const char *const adjusted_claims[] = {"oom.adjust", NULL};

PROBE(victim) = {
	.name = "oom.victim",
	.claims = claims,
	.letters = "S",
	.question = "Whom does the OOM killer take?",
	.method = "Candidates of known sizes, kinds and adjustments in a memory group; their "
		  "figures are read, the limit is set a little above what they hold, and one of "
		  "them asks for more than that.",
	.threats = "The killer reads the counters of a process cheaply: the ranking allows for "
		   "the lag, and is computed a second time from the table that it prints.",
	.by_hand = "dmesg -w & systemd-run --scope -p MemoryMax=64M -p MemorySwapMax=0 "
		   "stress-ng --vm 2 --vm-bytes 128M",
	.parameters_count = sizeof(parameters) / sizeof(parameters[0]),
	.parameters = parameters,
	.needs = {.root = true, .allow_pressure = true, .group_limit_bytes = 64 << 20},
	.deadline_s = 20,
	.own_score = true,
	.predict = PREDICTS(predict),
	.measure = MEASURES(measure),
};

PROBE(adjusted_victim) = {
	.name = "oom.adjusted-victim",
	.claims = adjusted_claims,
	.letters = "S",
	.question = "Does the killer go by the adjustment?",
	.method = "As oom.victim, with the adjustment of a small candidate raised, or that of the "
		  "largest at -1000.",
	.threats = "Lowering an adjustment takes CAP_SYS_RESOURCE, which few containers have.",
	.by_hand = "echo 700 > /proc/PID/oom_score_adj; dmesg -w",
	.parameters_count = sizeof(adjusted_parameters) / sizeof(adjusted_parameters[0]),
	.parameters = adjusted_parameters,
	.needs = {.root = true, .allow_pressure = true, .group_limit_bytes = 64 << 20},
	.deadline_s = 20,
	.own_score = true,
	.suits = suits,
	.predict = PREDICTS(predict),
	.measure = MEASURES(measure),
};

static const char *const machine_claims[] = {
	"oom.victim", "oom.adjust", "overcommit.optimistic", NULL};

PROBE(machine_victim) = {
	.name = "oom.machine-victim",
	.claims = machine_claims,
	.letters = "V",
	.question = "Whom does the OOM killer take when the whole machine is short?",
	.method = "As oom.victim, with candidates of tens of MiB on a machine whose other memory a "
		  "protected process has: that one is the largest of all.",
	.threats = "Others of the machine are candidates, too: ours are larger by far.",
	.by_hand = "echo -1000 > /proc/PID/oom_score_adj; stress-ng --vm 1 --vm-bytes 110%; dmesg",
	.parameters_count = sizeof(machine_parameters) / sizeof(machine_parameters[0]),
	.parameters = machine_parameters,
	.needs = {.root = true,
		.allow_pressure = true,
		.own_machine = true,
		.capabilities = VM_CAPABILITY_SYS_RESOURCE,
		.group_limit_bytes = UNLIMITED_BYTES},
	.deadline_s = 120,
	.lengthy = true,
	.own_score = true,
	.suits = suits_machine,
	.predict = PREDICTS(predict),
	.measure = MEASURES(measure),
};
