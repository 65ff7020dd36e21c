/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a group may be told in the unified hierarchy beside its limit: where it is to be slowed down
 * (high), what of it is to be left alone (low, min), and how much of it shall go now (reclaim).
 *
 * It would miss a kernel that slows a group down too little, or protects a group only as far as its
 * parent allows it wrongly: any two pauses will do, and the protection is all the group has.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "kernel/process.h"
#include "probe/moving.h"
#include "probe/probe.h"
#include "trial/candidates.h"
#include "trial/files.h"
#include "trial/trial.h"
#include "vm/model.h"
#include "vm/prediction.h"

static const char claim[] = "reclaim.local-vs-global";

static bool suits(const struct vm_host *host, const struct probe_arguments *arguments)
{
	(void)arguments;
	return host->cgroup_version == 2;
}

static void predict_span(struct vm_predictions *predictions, const char *quantity, int64_t lowest,
	int64_t highest, enum vm_unit unit, const char *because, const char *cite)
{
	predict_moving(predictions,
		&(struct vm_prediction){
			.claim = claim,
			.quantity = quantity,
			.at = "",
			.unit = unit,
			.because = because,
			.cite = cite,
		},
		(struct moving){lowest, highest}, 1);
}

/* --- high ------------------------------------------------------------------------------------- */

#define HIGH_PAGES 2048
/* So few without swap that the pauses come to a second, and so many with it that much must go. */
#define BEYOND_PAGES	   192
#define BEYOND_SWAP_PAGES  2048
#define CHARGE_BATCH_PAGES 64

static const char *const swap_labels[] = {"without", "with"};

static const struct probe_parameter high_parameters[] = {
	{
		.name = "swap",
		.unit = VM_UNIT_COUNT,
		.choices_count = 2,
		.choices = {0, 1},
		.labels = swap_labels,
	},
};

/* What could go and is kept makes the program wait for as long as the mark is far. */
static bool suits_high(const struct vm_host *host, const struct probe_arguments *arguments)
{
	return suits(host, arguments) &&
	       (probe_argument(arguments, "swap") == 0 || group_limit_swaps(host));
}

/*
 * A charge beyond the mark reclaims before it goes back to the program, until the pause for what is
 * left above it would be at most a hundredth of a second. The pause is 64 times the square of that
 * excess, in marks and seconds, cut to ticks: at 100 ticks a second, where the cut is coarsest, an
 * excess of less than a 56th.
 */
static int64_t high_most_pages(void)
{
	return HIGH_PAGES + HIGH_PAGES / 56 + CHARGE_BATCH_PAGES;
}

static void predict_high(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	static const char cite[] = "linux:6.12:mm/memcontrol.c:mem_cgroup_handle_over_high";
	const bool swap = probe_argument(arguments, "swap") != 0;
	const int64_t asked = HIGH_PAGES + (swap ? BEYOND_SWAP_PAGES : BEYOND_PAGES);

	(void)model, (void)host, (void)readings;
	predict_span(predictions, "completed", 1, 1, VM_UNIT_BOOL,
		"a program above the high mark is made to wait, never killed", cite);
	predict_span(predictions, "kills", 0, 0, VM_UNIT_COUNT, "only the limit brings the killer",
		cite);
	predict_span(predictions, "met-limit", 0, 0, VM_UNIT_COUNT,
		"the mark is no limit, and the group has none", cite);
	predict_span(predictions, "was-high", 1, asked, VM_UNIT_COUNT,
		"each charge that finds the group above the mark counts once",
		"linux:6.12:mm/memcontrol.c:reclaim_high");
	predict_span(predictions, "usage", swap ? 1 : asked, swap ? high_most_pages() : INT32_MAX,
		VM_UNIT_PAGES,
		swap ? "what is above the mark goes to swap, but for what costs no pause"
		     : "what cannot go stays, above the mark",
		cite);
	predict_span(predictions, "swapped", swap ? asked - high_most_pages() : 0, swap ? asked : 0,
		VM_UNIT_PAGES, "at least what does not fit below the mark is out", cite);
	if (!swap)
		predict_span(predictions, "pauses", 2, asked, VM_UNIT_COUNT,
			"with nothing to reclaim each batch of charges above the mark ends in a "
			"pause, once that is worth one",
			cite);
}

static void measure_high(const struct probe_arguments *arguments)
{
	const bool swap = probe_argument(arguments, "swap") != 0;
	const int64_t asked = HIGH_PAGES + (swap ? BEYOND_SWAP_PAGES : BEYOND_PAGES);
	const struct memory_group own = memory_group_own();
	const struct memory_group group = memory_group_below(&own, "high", false);
	const struct candidate_plan plan = {.group = &group};

	MUST(memory_group_limit(&group, GROUP_LIMIT_HIGH, HIGH_PAGES) == 0);
	MUST(memory_group_limit(&group, GROUP_LIMIT_SWAP, swap ? MEMORY_GROUP_UNLIMITED : 0) == 0);
	struct candidate candidate = candidate_start(&plan);
	const uint64_t waits = candidate_status(&candidate).voluntary_switches;
	observe("completed", candidate_ask(&candidate, ASK_BY_WRITING, (size_t)asked), VM_UNIT_BOOL,
		"the program");
	observe("usage", memory_group_usage_pages(&group), VM_UNIT_PAGES, "group usage");
	/* Waiting for the next command is one, too. */
	observe("pauses", (int64_t)(candidate_status(&candidate).voluntary_switches - waits) - 1,
		VM_UNIT_COUNT, "status");
	observe("swapped", candidate_swapped_pages(&candidate), VM_UNIT_PAGES, "status");
	candidates_end(&candidate, 1);
	observe("kills", memory_group_kills(&group), VM_UNIT_COUNT, "group events");
	observe("met-limit", memory_group_failures(&group), VM_UNIT_COUNT, "group events");
	observe("was-high", memory_group_event(&group, "high"), VM_UNIT_COUNT, "group events");
	memory_group_remove(&group);
}

static const char *const claims[] = {claim, NULL};

PROBE(high) = {
	.name = "reclaim.group-high",
	.claims = claims,
	.letters = "ST",
	.question = "Is a group above its high mark slowed down, and never killed?",
	.method = "A program writes more than the group's mark allows, with swap and without; then "
		  "what it has, what is in swap, its pauses and the group's events are read.",
	.threats = "The killer of the group around it: that one has room for all of it.",
	.by_hand = "systemd-run --scope -p MemoryHigh=8M stress-ng --vm 1 --vm-bytes 16M; "
		   "cat memory.events",
	.parameters_count = 1,
	.parameters = high_parameters,
	.needs = {.root = true,
		.allow_pressure = true,
		.swap_bytes = 32 << 20,
		.group_limit_bytes = 64 << 20},
	.deadline_s = 60,
	.own_score = true,
	.suits = suits_high,
	.predict = PREDICTS(predict_high),
	.measure = MEASURES(measure_high),
};

/* --- low and min ------------------------------------------------------------------------------ */

enum protection { UNPROTECTED, LOW, MIN };
enum shortage { CACHED, ANONYMOUS };

static const char *const protection_labels[] = {"none", "low", "min"};
static const char *const shortage_labels[] = {"cached", "anonymous"};

static const struct probe_parameter protected_parameters[] = {
	{
		.name = "protection",
		.unit = VM_UNIT_COUNT,
		.choices_count = 3,
		.choices = {UNPROTECTED, LOW, MIN},
		.labels = protection_labels,
	},
	{
		.name = "shortage",
		.unit = VM_UNIT_COUNT,
		.choices_count = 2,
		.choices = {CACHED, ANONYMOUS},
		.labels = shortage_labels,
	},
};

#define BOTH_PAGES    2048
#define QUIET_PAGES   1024
#define READ_PAGES    4000
#define WRITTEN_PAGES 1536
#define MUST_GO_PAGES (QUIET_PAGES + WRITTEN_PAGES - BOTH_PAGES)
#define PROTECTED_PAGES \
	((int64_t)2 * QUIET_PAGES) /* whatever the kernel keeps for the group, too */

static void predict_protected(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	static const char cite[] = "linux:6.12:mm/vmscan.c:shrink_node_memcgs";
	const enum protection protection = (enum protection)probe_argument(arguments, "protection");
	const bool anonymous = probe_argument(arguments, "shortage") == ANONYMOUS;
	const bool kept = protection == MIN || (protection == LOW && !anonymous);
	const bool killed = protection == MIN && anonymous;

	(void)model, (void)readings;
	predict_span(predictions, "quiet-left",
		kept ? QUIET_PAGES - monitor_may_take_pages(host, QUIET_PAGES) : 0,
		kept	    ? QUIET_PAGES
		: anonymous ? QUIET_PAGES - MUST_GO_PAGES
			    : QUIET_PAGES - 1,
		VM_UNIT_PAGES,
		kept ? "a group below its protection is passed over, as long as others have "
		       "something that can go"
		     : "what nobody protects any more goes when its neighbour asks",
		cite);
	predict_span(predictions, "busy-completed", !killed, !killed, VM_UNIT_BOOL,
		killed ? "min is kept, whatever comes of it: the killer comes for the one that "
			 "asks"
		       : "what it asked for could be found",
		"linux:6.12:mm/vmscan.c:mem_cgroup_calculate_protection");
	predict_span(predictions, "busy-kills", killed, killed, VM_UNIT_COUNT,
		killed ? "nothing was left that may be taken" : "something was left to be taken",
		"linux:6.12:mm/memcontrol.c:mem_cgroup_out_of_memory");
	predict_span(predictions, "low-broken", protection == LOW && anonymous ? 1 : 0,
		protection == LOW && anonymous ? INT32_MAX : 0, VM_UNIT_COUNT,
		protection == LOW && anonymous
			? "low is a best effort: each time that it is not kept is an event"
			: "no group was taken from below its low mark",
		cite);
}

static void measure_protected(const struct probe_arguments *arguments)
{
	const enum protection protection = (enum protection)probe_argument(arguments, "protection");
	const bool anonymous = probe_argument(arguments, "shortage") == ANONYMOUS;
	const struct memory_group own = memory_group_own();
	const struct memory_group parent = memory_group_below(&own, "both", true);
	const struct memory_group quiet = memory_group_below(&parent, "quiet", false);
	const struct memory_group busy = memory_group_below(&parent, "busy", false);
	const int files[2] = {candidate_file(QUIET_PAGES), candidate_file(READ_PAGES)};
	const struct candidate_plan plans[2] = {
		{.group = &quiet, .file = files[0]},
		{.group = &busy, .file = files[1]},
	};

	if (kernel_number_at("/proc/sys/vm/panic_on_oom") > 1)
		unmet("the kernel panics when a group is out of memory",
			"vm.panic_on_oom = 0 or 1");
	MUST(memory_group_limit(&parent, GROUP_LIMIT_MEMORY, BOTH_PAGES) == 0);
	MUST(memory_group_limit(&parent, GROUP_LIMIT_SWAP, 0) == 0);
	if (protection != UNPROTECTED)
		MUST(memory_group_limit(&quiet,
			     protection == LOW ? GROUP_LIMIT_LOW : GROUP_LIMIT_MIN,
			     PROTECTED_PAGES) == 0);
	struct candidate candidates[2] = {candidate_start(&plans[0]), candidate_start(&plans[1])};
	MUST(candidate_ask(&candidates[0], ASK_BY_READING, QUIET_PAGES));
	observe("busy-completed",
		candidate_ask(&candidates[1], anonymous ? ASK_BY_WRITING : ASK_BY_READING,
			anonymous ? WRITTEN_PAGES : READ_PAGES),
		VM_UNIT_BOOL, "the program");
	observe("quiet-left", candidate_file_resident(files[0], QUIET_PAGES), VM_UNIT_PAGES,
		"mincore");
	observe("busy-kills", memory_group_kills(&busy), VM_UNIT_COUNT, "group events");
	observe("low-broken", memory_group_event(&quiet, "low"), VM_UNIT_COUNT, "group events");
	candidates_end(candidates, 2);
	memory_group_remove(&quiet);
	memory_group_remove(&busy);
	memory_group_remove(&parent);
}

PROBE(protected_group) = {
	.name = "reclaim.group-protected",
	.claims = claims,
	.letters = "ST",
	.question = "Does a protected group keep its pages while its neighbour is short?",
	.method = "Below a common limit one group has read a file and rests, protected by low, by "
		  "min or not at all; another one reads more than fits, or writes it, which "
		  "without swap cannot go.",
	.threats = "Pages of the quiet group are older: without protection they go first.",
	.by_hand = "echo 4M > quiet/memory.low; cat quiet/memory.events",
	.parameters_count = sizeof(protected_parameters) / sizeof(protected_parameters[0]),
	.parameters = protected_parameters,
	.needs = {.root = true, .allow_pressure = true, .group_limit_bytes = 64 << 20},
	.deadline_s = 30,
	.own_score = true,
	.suits = suits,
	.predict = PREDICTS(predict_protected),
	.measure = MEASURES(measure_protected),
};

/* --- reclaim ---------------------------------------------------------------------------------- */

static const char *const holding_labels[] = {"cached", "anonymous"};

static const struct probe_parameter asked_parameters[] = {
	{
		.name = "holds",
		.unit = VM_UNIT_COUNT,
		.choices_count = 2,
		.choices = {CACHED, ANONYMOUS},
		.labels = holding_labels,
	},
	{
		.name = "asked",
		.unit = VM_UNIT_PAGES,
		.lowest = 64,
		.highest = 512,
		.step = 1,
		.drawn = 1,
	},
};

#define HELD_PAGES 1024

static void predict_asked(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	static const char cite[] = "linux:6.12:mm/memcontrol.c:memory_reclaim";
	const bool anonymous = probe_argument(arguments, "holds") == ANONYMOUS;
	const int64_t asked = probe_argument(arguments, "asked");

	(void)model, (void)host, (void)readings;
	predict_span(predictions, "answer", anonymous ? EAGAIN : 0, anonymous ? EAGAIN : 0,
		VM_UNIT_ERRNO,
		anonymous ? "what cannot go without swap is not reclaimed, however often it is "
			    "tried"
			  : "the write returns when so much is reclaimed",
		cite);
	if (!anonymous)
		predict_span(predictions, "left", 0, HELD_PAGES - asked, VM_UNIT_PAGES,
			"at least what was asked for is gone; the reclaimer takes whole portions",
			cite);
	predict_span(predictions, "kills", 0, 0, VM_UNIT_COUNT,
		"asking is not a shortage: nobody is killed", cite);
}

static void measure_asked(const struct probe_arguments *arguments)
{
	const bool anonymous = probe_argument(arguments, "holds") == ANONYMOUS;
	const struct memory_group own = memory_group_own();
	const struct memory_group group = memory_group_below(&own, "asked", false);
	const int file = candidate_file(HELD_PAGES);
	const struct candidate_plan plan = {.group = &group, .file = file};
	char text[32];

	if (!memory_group_has(&group, "memory.reclaim"))
		unmet("memory.reclaim: a kernel since 5.19", "another kernel");
	MUST(memory_group_limit(&group, GROUP_LIMIT_SWAP, 0) == 0);
	struct candidate candidate = candidate_start(&plan);
	MUST(candidate_ask(&candidate, anonymous ? ASK_BY_WRITING : ASK_BY_READING, HELD_PAGES));
	(void)snprintf(text, sizeof(text), "%" PRIu64,
		vm_pages_to_bytes((uint64_t)probe_argument(arguments, "asked")));
	observe("answer", memory_group_write(&group, "memory.reclaim", text), VM_UNIT_ERRNO,
		"memory.reclaim");
	if (!anonymous)
		observe("left", candidate_file_resident(file, HELD_PAGES), VM_UNIT_PAGES,
			"mincore");
	observe("kills", memory_group_kills(&group), VM_UNIT_COUNT, "group events");
	candidates_end(&candidate, 1);
	memory_group_remove(&group);
}

PROBE(asked) = {
	.name = "reclaim.group-asked",
	.claims = claims,
	.letters = "ST",
	.question = "Does a group give up as much as is asked for, and only what can go?",
	.method = "A group holds pages of a file, or anonymous ones without swap; so many pages "
		  "are asked for by memory.reclaim; what is left is counted.",
	.threats = "What the kernel keeps for the group may go, too: that is no page of the file.",
	.by_hand = "echo 1M > memory.reclaim; fincore FILE",
	.parameters_count = sizeof(asked_parameters) / sizeof(asked_parameters[0]),
	.parameters = asked_parameters,
	.needs = {.root = true, .allow_pressure = true, .group_limit_bytes = 64 << 20},
	.deadline_s = 30,
	.own_score = true,
	.suits = suits,
	.predict = PREDICTS(predict_asked),
	.measure = MEASURES(measure_asked),
};
