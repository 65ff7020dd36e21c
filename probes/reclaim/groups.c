/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose pages go, and of which kind: swap behind a group, swappiness, and limits on groups or on
 * their parent alone. Each is set so far to one side that the choice of the reclaimer's portions
 * does not matter.
 *
 * It would miss a kernel that weighs wrongly between the ends of swappiness.
 */
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "probe/moving.h"
#include "probe/probe.h"
#include "trial/candidates.h"
#include "trial/files.h"
#include "trial/trial.h"
#include "vm/model.h"
#include "vm/prediction.h"

static void predict_span(struct vm_predictions *predictions, const char *claim,
	const char *quantity, int64_t lowest, int64_t highest, enum vm_unit unit,
	const char *because, const char *cite)
{
	const int64_t span[2] = {lowest, highest};

	vm_predict(predictions, &(struct vm_prediction){
					.claim = claim,
					.quantity = quantity,
					.at = "",
					.unit = unit,
					.form = lowest == highest ? VM_FORM_EXACT : VM_FORM_WITHIN,
					.values = span,
					.values_count = lowest == highest ? 1 : 2,
					.because = because,
					.cite = cite,
				});
}

static void need_harmless_killer(void)
{
	if (kernel_number_at("/proc/sys/vm/panic_on_oom") > 1)
		unmet("the kernel panics when a group is out of memory",
			"vm.panic_on_oom = 0 or 1");
}

/* --- a program larger than its memory ----------------------------------------------------------
 */

#define SMALL_LIMIT_PAGES 1024
#define LARGE_PAGES	  2500
#define SWAP_LIMIT_PAGES  2048
#define TOO_LARGE_PAGES	  4000

enum swap_allowed { NO_SWAP, ALL_SWAP, ENOUGH_SWAP, TOO_LITTLE_SWAP };

static const char *const swap_labels[] = {"without", "with", "enough", "too-little"};

static const struct probe_parameter extends_parameters[] = {
	{
		.name = "swap",
		.unit = VM_UNIT_COUNT,
		.choices_count = 4,
		.choices = {NO_SWAP, ALL_SWAP, ENOUGH_SWAP, TOO_LITTLE_SWAP},
		.labels = swap_labels,
	},
};

static int64_t swap_limit_pages(enum swap_allowed allowed)
{
	switch (allowed) {
	case NO_SWAP:
		return 0;
	case ALL_SWAP:
		return MEMORY_GROUP_UNLIMITED;
	case ENOUGH_SWAP:
	case TOO_LITTLE_SWAP:
		return SWAP_LIMIT_PAGES;
	}
	return 0;
}

static void predict_extends(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	static const char claim[] = "reclaim.swap-extends";
	static const char cite[] = "linux:6.12:mm/vmscan.c:get_scan_count";
	const enum swap_allowed allowed = (enum swap_allowed)probe_argument(arguments, "swap");
	const bool never = !group_limit_swaps(host);
	const bool with = (allowed == ALL_SWAP || allowed == ENOUGH_SWAP) && !never;
	const int64_t most =
		SMALL_LIMIT_PAGES + (allowed == NO_SWAP || never ? 0 : SWAP_LIMIT_PAGES);

	(void)model, (void)readings;
	predict_span(predictions, claim, "completed", with, with, VM_UNIT_BOOL,
		with	? "what does not fit is in swap, and comes back as it was"
		: never ? "with swappiness 0 the limit of a group makes nobody swap"
			: "what does not fit has nowhere to go",
		cite);
	predict_span(predictions, claim, "signal", with ? 0 : SIGKILL, with ? 0 : SIGKILL,
		VM_UNIT_SIGNAL, "without room in swap the killer comes",
		"linux:6.12:mm/memcontrol.c:mem_cgroup_out_of_memory");
	predict_span(predictions, claim, "swapped", with ? LARGE_PAGES - SMALL_LIMIT_PAGES : 0,
		!with			 ? 0
		: allowed == ENOUGH_SWAP ? SWAP_LIMIT_PAGES
					 : LARGE_PAGES,
		VM_UNIT_PAGES,
		"at least what does not fit below the limit is out, and no more than the group "
		"may have in swap",
		cite);
	if (host->cgroup_version == 1)
		predict_span(predictions, claim, "most-of-both", with ? LARGE_PAGES : most,
			allowed == ALL_SWAP ? INT32_MAX : most, VM_UNIT_PAGES,
			with ? "a page that goes to swap stays charged to memory and swap together"
			     : "memory and swap are charged together, page by page up to their "
			       "limit before anybody is killed",
			"linux:6.12:mm/memcontrol.c:try_charge_memcg");
}

static void measure_extends(const struct probe_arguments *arguments)
{
	const enum swap_allowed allowed = (enum swap_allowed)probe_argument(arguments, "swap");
	const bool with = allowed == ALL_SWAP || allowed == ENOUGH_SWAP;
	const struct memory_group own = memory_group_own();

	need_harmless_killer();
	/*
	 * In version 2 reclaim does not wait for pages that are being written, and when sixteen
	 * rounds have found nothing else the killer comes, with room in swap:
	 * linux:6.12:mm/vmscan.c:shrink_folio_list (writeback_throttling_sane),
	 * mm/memcontrol.c:try_charge_memcg
	 */
	if (with && own.version != 1 && !swap_is_synchronous())
		unmet("swap that takes a page before the call returns", "modprobe zram");
	const struct memory_group group = memory_group_below(&own, "small", false);
	const struct candidate_plan plan = {.group = &group};

	if (!memory_group_limits_swap(&group))
		unmet("accounting of swap by groups", "boot without swapaccount=0");
	if (group.version == 1)
		MUST(memory_group_write(&group, "memory.swappiness", "60") == 0);
	MUST(memory_group_limit(&group, GROUP_LIMIT_MEMORY, SMALL_LIMIT_PAGES) == 0);
	MUST(memory_group_limit(&group, GROUP_LIMIT_SWAP, swap_limit_pages(allowed)) == 0);
	struct candidate candidate = candidate_start(&plan);
	observe("completed",
		candidate_ask(&candidate, ASK_BY_WRITING,
			allowed == TOO_LITTLE_SWAP ? TOO_LARGE_PAGES : LARGE_PAGES),
		VM_UNIT_BOOL, "the program");
	observe("swapped", candidate.ended ? 0 : candidate_swapped_pages(&candidate), VM_UNIT_PAGES,
		"status");
	candidates_end(&candidate, 1);
	observe("signal", WIFSIGNALED(candidate.status) ? WTERMSIG(candidate.status) : 0,
		VM_UNIT_SIGNAL, "wait");
	if (group.version == 1)
		observe("most-of-both", memory_group_most_of_both_pages(&group), VM_UNIT_PAGES,
			"memory.memsw.max_usage_in_bytes");
	memory_group_remove(&group);
}

static const char *const extends_claims[] = {"reclaim.swap-extends", NULL};

PROBE(extends) = {
	.name = "reclaim.swap-extends",
	.claims = extends_claims,
	.question = "Does a program larger than its memory end well with swap, and not without?",
	.method = "In a group of 1024 pages a program writes 2500 and reads them all back; the "
		  "group may use swap or not, or 2048 pages of it, which for 4000 are not enough.",
	.threats = "Pages of one repeated byte take no place in swap: each has its own number.",
	.by_hand = "systemd-run --scope -p MemoryMax=4M -p MemorySwapMax=0 stress-ng --vm 1",
	.parameters_count = 1,
	.parameters = extends_parameters,
	.needs = {.root = true,
		.allow_pressure = true,
		.swap_bytes = 32 << 20,
		.group_limit_bytes = 64 << 20},
	.deadline_s = 30,
	.own_score = true,
	.predict = PREDICTS(predict_extends),
	.measure = MEASURES(measure_extends),
};

/* --- swappiness ------------------------------------------------------------------------------- */

#define TUNED_LIMIT_PAGES 1536
#define TUNED_FILE_PAGES  512
#define TUNED_ANON_PAGES  512
#define TUNED_ASKED_PAGES 768
#define SWAPPINESS_MOST	  200

static const struct probe_parameter tunable_parameters[] = {
	{
		.name = "swappiness",
		.unit = VM_UNIT_COUNT,
		.choices_count = 2,
		.choices = {0, SWAPPINESS_MOST},
	},
	{
		.name = "of-machine",
		.unit = VM_UNIT_COUNT,
		.choices_count = 2,
		.choices = {0, SWAPPINESS_MOST},
		.knob = "vm.swappiness",
	},
};

/*
 * The generational lists weigh by other rules. Version 2 has but the one swappiness for all groups;
 * with version 1 each group has its own, whatever that of the machine is.
 */
static bool suits_tunables(const struct vm_host *host, const struct probe_arguments *arguments)
{
	return vm_host_knob(host, VM_KNOB_LRU_GEN_ENABLED, 0) % 2 == 0 &&
	       (host->cgroup_version == 1 || probe_argument(arguments, "swappiness") ==
						     probe_argument(arguments, "of-machine"));
}

static void predict_tunables(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	static const char claim[] = "reclaim.tunables";
	static const char cite[] = "linux:6.12:mm/vmscan.c:get_scan_count";
	const bool file_goes = probe_argument(arguments, "swappiness") == 0;
	/* What does not fit: everything that was asked for, less the room that was left. */
	const int64_t least =
		TUNED_FILE_PAGES + TUNED_ANON_PAGES + TUNED_ASKED_PAGES - TUNED_LIMIT_PAGES;

	(void)model, (void)readings;
	predict_span(predictions, claim, "file-left",
		file_goes ? 0 : TUNED_FILE_PAGES - monitor_may_take_pages(host, TUNED_FILE_PAGES),
		file_goes ? TUNED_FILE_PAGES - least : TUNED_FILE_PAGES, VM_UNIT_PAGES,
		file_goes ? "with 0 a group takes from its files alone while there are any"
			  : "with 200 files have no share of the scan, as all of them are in use",
		cite);
	predict_span(predictions, claim, "swapped", file_goes ? 0 : least,
		file_goes ? monitor_may_take_pages(host, least)
			  : TUNED_ANON_PAGES + TUNED_ASKED_PAGES,
		VM_UNIT_PAGES,
		file_goes ? "with 0 no shortage swaps anything"
			  : "with 200 all that does not fit is",
		cite);
}

static void measure_tunables(const struct probe_arguments *arguments)
{
	/* Pages whose write does not end stay, and when nothing else is left to try both kinds are
	 * scanned alike, whatever the setting: linux:6.12:mm/vmscan.c:get_scan_count (priority 0)
	 */
	if (probe_argument(arguments, "swappiness") != 0 && !swap_is_synchronous())
		unmet("swap that takes a page before the call returns", "modprobe zram");
	const struct memory_group own = memory_group_own();
	const struct memory_group group = memory_group_below(&own, "tuned", false);
	const int file = candidate_file(TUNED_FILE_PAGES);
	const struct candidate_plan cached = {
		.group = &group, .holding = HOLD_CACHE, .pages = TUNED_FILE_PAGES, .file = file};
	const struct candidate_plan resident = {.group = &group, .pages = TUNED_ANON_PAGES};

	if (group.version == 1)
		MUST(memory_group_write(&group, "memory.swappiness",
			     probe_argument(arguments, "swappiness") == 0 ? "0" : "200") == 0);
	MUST(memory_group_limit(&group, GROUP_LIMIT_MEMORY, TUNED_LIMIT_PAGES) == 0);
	struct candidate candidates[] = {candidate_start(&cached), candidate_start(&resident)};
	MUST(candidate_ask(&candidates[1], ASK_BY_WRITING, TUNED_ASKED_PAGES));
	observe("file-left", candidate_file_resident(file, TUNED_FILE_PAGES), VM_UNIT_PAGES,
		"mincore");
	observe("swapped",
		candidate_swapped_pages(&candidates[0]) + candidate_swapped_pages(&candidates[1]),
		VM_UNIT_PAGES, "status");
	candidates_end(candidates, 2);
	memory_group_remove(&group);
}

static const char *const tunable_claims[] = {"reclaim.tunables", NULL};

PROBE(tunables) = {
	.name = "reclaim.swappiness",
	.claims = tunable_claims,
	.letters = "T",
	.question = "Does swappiness decide whether files or anonymous pages go?",
	.method = "A group holds file pages that were read twice, and anonymous ones; it asks for "
		  "more than fits; what is left of the file, and what is swapped, is counted.",
	.threats = "Inactive file pages would go first whatever swappiness says: these are active.",
	.by_hand = "sysctl vm.swappiness; cat memory.stat",
	.parameters_count = 2,
	.parameters = tunable_parameters,
	.needs = {.root = true,
		.allow_pressure = true,
		.swap_bytes = 32 << 20,
		.group_limit_bytes = 64 << 20},
	.deadline_s = 30,
	.suits = suits_tunables,
	.predict = PREDICTS(predict_tunables),
	.measure = MEASURES(measure_tunables),
};

/* --- whose pages ------------------------------------------------------------------------------ */

static const char *const limit_labels[] = {"own", "common"};

static const struct probe_parameter whose_parameters[] = {
	{
		.name = "limits",
		.unit = VM_UNIT_COUNT,
		.choices_count = 2,
		.choices = {0, 1},
		.labels = limit_labels,
	},
};

#define QUIET_PAGES 512
#define BUSY_PAGES  4000
#define BOTH_PAGES  1536

static void predict_whose(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	static const char claim[] = "reclaim.local-vs-global";
	static const char cite[] = "linux:6.12:mm/vmscan.c:shrink_node_memcgs";
	const bool common = probe_argument(arguments, "limits") != 0;

	(void)model, (void)readings;
	predict_span(predictions, claim, "quiet-left",
		common ? 0 : QUIET_PAGES - monitor_may_take_pages(host, QUIET_PAGES),
		common ? QUIET_PAGES - 1 : QUIET_PAGES, VM_UNIT_PAGES,
		common ? "all groups below the limit pay, also those that ask for nothing"
		       : "the group that met its limit pays alone",
		cite);
	predict_span(predictions, claim, "busy-left", 1, BOTH_PAGES, VM_UNIT_PAGES,
		"what it has is below the limit", cite);
}

static void measure_whose(const struct probe_arguments *arguments)
{
	const bool common = probe_argument(arguments, "limits") != 0;
	const struct memory_group own = memory_group_own();
	const struct memory_group parent = memory_group_below(&own, "both", true);
	const struct memory_group quiet = memory_group_below(&parent, "quiet", false);
	const struct memory_group busy = memory_group_below(&parent, "busy", false);
	const int files[2] = {candidate_file(QUIET_PAGES), candidate_file(BUSY_PAGES)};
	const struct candidate_plan plans[2] = {
		{.group = &quiet, .file = files[0]},
		{.group = &busy, .file = files[1]},
	};

	MUST(memory_group_limit(common ? &parent : &busy, GROUP_LIMIT_MEMORY,
		     common ? BOTH_PAGES : BOTH_PAGES - QUIET_PAGES) == 0);
	struct candidate candidates[2] = {candidate_start(&plans[0]), candidate_start(&plans[1])};
	MUST(candidate_ask(&candidates[0], ASK_BY_READING, QUIET_PAGES));
	MUST(candidate_ask(&candidates[1], ASK_BY_READING, BUSY_PAGES));
	observe("quiet-left", candidate_file_resident(files[0], QUIET_PAGES), VM_UNIT_PAGES,
		"mincore");
	observe("busy-left", candidate_file_resident(files[1], BUSY_PAGES), VM_UNIT_PAGES,
		"mincore");
	candidates_end(candidates, 2);
	memory_group_remove(&quiet);
	memory_group_remove(&busy);
	memory_group_remove(&parent);
}

static const char *const whose_claims[] = {"reclaim.local-vs-global", NULL};

PROBE(whose) = {
	.name = "reclaim.whose-pages",
	.claims = whose_claims,
	.letters = "ST",
	.question = "Whose pages go when one group asks for more?",
	.method = "One group reads 512 pages and rests; another reads 4000, below a limit of its "
		  "own or below one that both share.",
	.threats = "Pages of the quiet group are older: a reclaimer that knew no groups would "
		   "take them first in both cases.",
	.by_hand = "fincore FILE",
	.parameters_count = 1,
	.parameters = whose_parameters,
	.needs = {.root = true, .allow_pressure = true, .group_limit_bytes = 64 << 20},
	.deadline_s = 30,
	.predict = PREDICTS(predict_whose),
	.measure = MEASURES(measure_whose),
};
