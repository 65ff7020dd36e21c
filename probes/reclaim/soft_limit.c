/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The soft limit of version 1 is no limit: it says whose pages go first when the machine is short,
 * and until then a group that is far above it keeps all that it has.
 *
 * It would miss a kernel that takes too much, or from the wrong group, once the machine is short.
 */
#include <errno.h>

#include "probe/moving.h"
#include "probe/probe.h"
#include "trial/candidates.h"
#include "trial/files.h"
#include "trial/trial.h"
#include "vm/model.h"
#include "vm/prediction.h"

#define SOFT_PAGES 64
#define HELD_PAGES 2048

/* Pages that anybody's shortage had looked at: linux:6.12:mm/vmscan.c:mem_cgroup_soft_limit_reclaim
 * is called from there alone. */
static const char *const scans[] = {"pgscan_kswapd", "pgscan_direct"};

#define SCANS_COUNT (sizeof(scans) / sizeof(scans[0]))

static bool suits(const struct vm_host *host, const struct probe_arguments *arguments)
{
	(void)arguments;
	return host->cgroup_version == 1;
}

static void predict(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	static const char *const inputs[] = {"scanned-by-machine"};
	struct vm_prediction about = {
		.claim = "reclaim.local-vs-global",
		.quantity = "left",
		.at = "",
		.unit = VM_UNIT_PAGES,
		.because = "a group above its soft limit is taken from when the machine is short, "
			   "and not before",
		.cite = "linux:6.12:mm/vmscan.c:balance_pgdat",
	};
	struct moving scanned;

	(void)model, (void)arguments;
	if (moving_of(readings, inputs[0], "", &scanned))
		predict_moving(predictions, &about,
			(struct moving){
				scanned.highest == 0
					? HELD_PAGES - monitor_may_take_pages(host, HELD_PAGES)
					: 0,
				HELD_PAGES},
			1);
	else
		predict_rule(predictions, &about, inputs, 1);
	about.quantity = "met-limit";
	about.unit = VM_UNIT_COUNT;
	about.because = "charges are held against the limit alone";
	about.cite = "linux:6.12:mm/memcontrol.c:try_charge_memcg";
	predict_moving(predictions, &about, (struct moving){0, 0}, 1);
	about.quantity = "reads-back";
	about.unit = VM_UNIT_PAGES;
	about.because = "it is kept in pages";
	about.cite = "linux:6.12:mm/memcontrol-v1.c:mem_cgroup_read_u64";
	predict_moving(predictions, &about, (struct moving){SOFT_PAGES, SOFT_PAGES}, 1);
}

/* Of all zones and groups; a limit of a group counts among them as well. */
static int64_t scanned(void)
{
	static char text[KERNEL_FILE_USUAL_BYTES];
	const struct kernel_text vmstat = kernel_small_text_at("/proc/vmstat", text, sizeof(text));
	int64_t sum = 0;

	for (size_t i = 0; i < SCANS_COUNT; i++)
		sum += kernel_vmstat_value(vmstat, scans[i]);
	return sum;
}

static void measure(const struct probe_arguments *arguments)
{
	const struct memory_group own = memory_group_own();
	const struct memory_group group = memory_group_below(&own, "soft", false);
	const int file = candidate_file(HELD_PAGES);
	const struct candidate_plan plan = {.group = &group, .file = file};

	(void)arguments;
	const int why = memory_group_limit(&group, GROUP_LIMIT_SOFT, SOFT_PAGES);
	if (why == EOPNOTSUPP)
		unmet("soft limits of memory groups", "a kernel without PREEMPT_RT");
	MUST(why == 0);
	observe("reads-back", memory_group_soft_limit_pages(&group), VM_UNIT_PAGES,
		"memory.soft_limit_in_bytes");
	struct candidate candidate = candidate_start(&plan);
	const int64_t before = scanned();
	MUST(candidate_ask(&candidate, ASK_BY_READING, HELD_PAGES));
	observe("left", candidate_file_resident(file, HELD_PAGES), VM_UNIT_PAGES, "mincore");
	observe("scanned-by-machine", scanned() - before, VM_UNIT_PAGES, "vmstat");
	observe("met-limit", memory_group_failures(&group), VM_UNIT_COUNT, "group events");
	candidates_end(&candidate, 1);
	memory_group_remove(&group);
}

static const char *const claims[] = {"reclaim.local-vs-global", NULL};

PROBE(soft_limit) = {
	.name = "reclaim.group-soft",
	.claims = claims,
	.letters = "S",
	.question = "Does a group above its soft limit keep its pages while nobody is short?",
	.method = "In a group with a soft limit of 64 pages a program reads 2048 of a file; what "
		  "is left of them is counted, and what the machine's reclaim looked at.",
	.threats = "A machine that is short takes them by right: its scans are counted.",
	.by_hand = "echo 256K > memory.soft_limit_in_bytes; cat FILE > /dev/null; fincore FILE",
	.needs = {.root = true, .allow_pressure = true, .group_limit_bytes = 64 << 20},
	.deadline_s = 30,
	.suits = suits,
	.predict = PREDICTS(predict),
	.measure = MEASURES(measure),
};
