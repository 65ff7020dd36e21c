/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When a whole machine begins to reclaim: free memory is taken a few pages at a time, and after
 * each step the free pages stand beside the marks and the counts of the two reclaimers. What is
 * taken is page cache, so that there is always something to reclaim.
 *
 * The trial lets every other task run first, and then the background reclaimer meets its marks; or
 * it holds that one back, and then memory falls to where the trial has to reclaim by itself: at
 * min, and below it as a real-time task, to whom a part of the reserve is open.
 *
 * It would miss a reclaimer that frees the wrong pages: that is seen in groups.
 */
#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "kernel/blocks.h"
#include "kernel/process.h"
#include "kernel/values.h"
#include "kernel/zoneinfo.h"
#include "probe/moving.h"
#include "probe/probe.h"
#include "trial/files.h"
#include "trial/rest.h"
#include "trial/trial.h"
#include "vm/model.h"
#include "vm/prediction.h"
#include "vm/reserve.h"
#include "vm/zones.h"

enum way { BACKGROUND, ORDINARY, REAL_TIME };

static const char *const way_labels[] = {"background", "ordinary", "real-time"};

#define WAY_PARAMETER(first, count)                                                \
	{                                                                          \
		.name = "way", .unit = VM_UNIT_COUNT, .choices_count = (count),    \
		.choices = {(first), (first) + 1}, .labels = &way_labels[(first)], \
	}

/* Far enough apart that pages which leave in bulk do not hide which mark it was. */
#define MIN_FREE_PARAMETER                                                             \
	{                                                                              \
		.name = "min-free", .unit = VM_UNIT_KIB, .knob = "vm.min_free_kbytes", \
		.lowest = 71680, .highest = 81920, .step = 4, .drawn = 1,              \
	}

/* A boost after fragmentation would move the marks between two looks. */
#define BOOST_PARAMETER                                                                     \
	{                                                                                   \
		.name = "boost", .unit = VM_UNIT_COUNT, .choices_count = 1, .choices = {0}, \
		.knob = "vm.watermark_boost_factor",                                        \
	}

static const struct probe_parameter background_parameters[] = {
	WAY_PARAMETER(BACKGROUND, 1), MIN_FREE_PARAMETER, BOOST_PARAMETER};
static const struct probe_parameter direct_parameters[] = {
	WAY_PARAMETER(ORDINARY, 2), MIN_FREE_PARAMETER, BOOST_PARAMETER};

#define STEP_PAGES	 32
#define HELD_STEP_PAGES	 64
#define STEPS_LIMIT	 8000
#define WAKES		 4
#define FAR_PAGES	 2048 /* above high, where the steps begin */
#define NAP_MS		 200  /* of ours: longer than one of the reclaimer */
#define IDLE_MS		 1000
#define BULK_PAGES	 64
#define HIGHEST_PRIORITY (-20)

/* The other CPUs would run the background reclaimer while this one is held. */
static bool suits(const struct vm_host *host, const struct probe_arguments *arguments)
{
	(void)arguments;
	return host->cpus_online == 1;
}

/* --- predicting ------------------------------------------------------------------------------- */

/*
 * A CPU takes pages from the zone in bulk, at most 32 times its batch at once, and the marks are
 * compared only then: linux:6.12:mm/page_alloc.c:nr_pcp_alloc. What the zone keeps for atomic
 * requests of higher orders does not count as free: linux:6.12:mm/page_alloc.c:
 * __zone_watermark_unusable_free.
 */
#define BULK_BATCHES 32

struct around {
	struct moving mark;
	int64_t below_pages, above_pages;
};

enum mark { MARK_MIN, MARK_LOW, MARK_HIGH, MARKS };

static const char *const mark_names[MARKS] = {"min", "low", "high"};
static const char *const inputs[] = {"min", "low", "high", "batch", "kept-for-atomic"};

static bool take(const struct probe_readings *readings, struct around around[MARKS])
{
	struct moving batch, kept;

	for (enum mark mark = 0; mark < MARKS; mark++) {
		if (!moving_of(readings, mark_names[mark], "", &around[mark].mark) ||
			!moving_of(readings, "batch", "", &batch) ||
			!moving_of(readings, "kept-for-atomic", "", &kept))
			return false;
		around[mark].below_pages = batch.highest * BULK_BATCHES;
		around[mark].above_pages =
			batch.highest * BULK_BATCHES + HELD_STEP_PAGES + kept.highest;
	}
	return true;
}

/* The reading of a reclaimer that went by another mark would lie outside. */
static bool is_apart(
	const struct around around[MARKS], enum mark mark, int64_t lowest, int64_t highest)
{
	return around[mark].mark.highest + around[mark].above_pages < lowest ||
	       around[mark].mark.lowest - around[mark].below_pages > highest;
}

/* Names the marks that the span excludes; each must be, or nothing is shown. */
static bool excludes(struct vm_predictions *predictions, struct vm_prediction *about,
	const struct around around[MARKS], enum mark own, const int64_t span[2])
{
	for (enum mark mark = 0; mark < MARKS; mark++) {
		if (mark == own)
			continue;
		if (!is_apart(around, mark, span[0], span[1]))
			return false;
		about->because = predict_sentence(predictions, "%s; excludes one that goes by %s",
			about->because, mark_names[mark]);
	}
	return true;
}

static void predict_near(const struct around *around, enum mark mark, int64_t mark_pages,
	int64_t more_pages, struct vm_prediction about, struct vm_predictions *predictions)
{
	about.at = "";
	about.unit = VM_UNIT_PAGES;
	if (around == NULL) {
		predict_rule(predictions, &about, inputs, sizeof(inputs) / sizeof(inputs[0]));
		return;
	}
	const int64_t span[2] = {mark_pages - around[mark].below_pages,
		mark_pages + around[mark].above_pages + more_pages};
	about.form = VM_FORM_WITHIN;
	about.values = span;
	about.values_count = 2;
	if (!excludes(predictions, &about, around,
		    mark_pages == around[mark].mark.lowest ? mark : MARKS, span)) {
		about.form = VM_FORM_SILENT;
		about.values = NULL;
		about.values_count = 0;
		about.because = "the marks are nearer to each other than what leaves in bulk";
	}
	vm_predict(predictions, &about);
}

static void predict_idle(const struct vm_model *model, struct vm_predictions *predictions)
{
	const bool by_usage = model->behaviours.paging_trigger == VM_PAGING_TRIGGER_USAGE_OR_IDLE;
	const int64_t span[2] = {by_usage ? 1 : 0, by_usage ? INT64_MAX : 0};

	vm_predict(predictions,
		&(struct vm_prediction){
			.claim = "reclaim.cpu-idle",
			.quantity = "runs-while-idle",
			.at = "",
			.unit = VM_UNIT_COUNT,
			.form = VM_FORM_WITHIN,
			.values = span,
			.values_count = 2,
			.because = by_usage ? "nearly all memory is used and the CPU is idle"
					    : "memory is full of cache and the CPU idle, but more "
					      "than high is free: nothing is to do",
			.cite = by_usage ? "gios" : "linux:6.12:mm/vmscan.c:kswapd_try_to_sleep",
		});
}

static void predict_background(const struct vm_model *model, const struct around *around,
	struct vm_predictions *predictions)
{
	struct vm_prediction about = {
		.claim = "reclaim.kswapd",
		.quantity = "free-at-wake",
		.because = "a request that finds the zone at low wakes it",
		.cite = "linux:6.12:mm/page_alloc.c:wake_all_kswapds",
	};

	predict_near(around, MARK_LOW, around == NULL ? 0 : around[MARK_LOW].mark.lowest, 0, about,
		predictions);
	about.quantity = "free-at-stop";
	about.because = "it goes on until a zone has more than high, and may free as much as high "
			"in a round";
	about.cite = "linux:6.12:mm/vmscan.c:pgdat_balanced";
	predict_near(around, MARK_HIGH, around == NULL ? 0 : around[MARK_HIGH].mark.lowest,
		around == NULL ? 0 : around[MARK_HIGH].mark.highest, about, predictions);
	predict_idle(model, predictions);
}

static void predict_direct(const struct vm_model *model, const struct around *around,
	bool real_time, struct vm_predictions *predictions)
{
	struct vm_prediction about = {
		.claim = "reclaim.direct",
		.quantity = "free-at-stall",
		.because = real_time ? "a real-time task does so later: a part of min is open to it"
				     : "whoever finds the zone at min reclaims by itself",
		.cite = "linux:6.12:mm/page_alloc.c:__alloc_pages_slowpath",
	};
	const uint64_t min_pages = around == NULL ? 0 : (uint64_t)around[MARK_MIN].mark.lowest;
	const struct vm_behaviours *behaviours = &model->behaviours;
	struct vm_reserve_floors floors = {.least_pages = min_pages, .most_pages = min_pages};

	if (real_time)
		floors = vm_reserve_real_time_floors(
			behaviours->min_reserve, behaviours->real_time_reserve, min_pages);
	const int64_t floor_pages = (int64_t)floors.least_pages;
	const int64_t open_pages = (int64_t)(floors.most_pages - floors.least_pages);
	predict_near(around, MARK_MIN, floor_pages, open_pages, about, predictions);
	about.claim = "reclaim.min-reserve";
	about.quantity = "free-at-least";
	about.because = real_time
				? "real-time tasks are among the few who go below min"
				: "ordinary requests stop at min, and what is below is for the few";
	about.cite = "linux:6.12:mm/page_alloc.c:gfp_to_alloc_flags";
	predict_near(around, MARK_MIN, floor_pages, open_pages, about, predictions);
}

static void predict(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	struct around taken[MARKS];
	const struct around *around = take(readings, taken) ? taken : NULL;

	(void)host;
	switch ((enum way)probe_argument(arguments, "way")) {
	case BACKGROUND:
		predict_background(model, around, predictions);
		return;
	case ORDINARY:
		predict_direct(model, around, false, predictions);
		return;
	case REAL_TIME:
		predict_direct(model, around, true, predictions);
		return;
	}
}

/* --- measuring -------------------------------------------------------------------------------- */

/* What is read after each step. */
struct sample {
	int64_t free_pages, runs, stalls;
};

#define RECLAIMERS_LIMIT 8

struct machine {
	struct kernel_file zoneinfo, vmstat;
	pid_t reclaimers[RECLAIMERS_LIMIT]; /* in the background: one a node */
	size_t reclaimers_count;
	int file;
	off_t position_bytes;
	const struct kernel_zone *zone; /* the largest one */
	struct sample last;
	size_t count;
};

static int64_t series[3][STEPS_LIMIT];

/* Allocation stalls are counted by zone: the sum of allocstall_*. */
static int64_t stalls_of(struct kernel_text vmstat)
{
	static const char *const names[] = {"allocstall_dma", "allocstall_dma32",
		"allocstall_normal", "allocstall_movable", "allocstall_device"};
	int64_t sum = 0;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		uint64_t value = 0;
		if (kernel_vmstat_find(vmstat, names[i], &value))
			sum += (int64_t)value;
	}
	return sum;
}

static void look(struct machine *machine)
{
	static struct kernel_zoneinfo zones;
	struct kernel_error error;

	if (kernel_zoneinfo_parse(kernel_file_read(&machine->zoneinfo), &zones, &error) != 0)
		broken("zoneinfo: line %u: %s", error.line, error.reason);
	machine->zone = &zones.zone[0];
	for (size_t i = 0; i < zones.count; i++)
		if (zones.zone[i].managed_pages > machine->zone->managed_pages)
			machine->zone = &zones.zone[i];
	const struct kernel_text vmstat = kernel_file_read(&machine->vmstat);
	machine->last = (struct sample){
		.free_pages = (int64_t)machine->zone->free_pages,
		.runs = kernel_vmstat_value(vmstat, "pageoutrun"),
		.stalls = stalls_of(vmstat),
	};
}

static void consume(struct machine *machine, size_t pages)
{
	static char bytes[BULK_PAGES * VM_PAGE_BYTES];

	MUST(pages <= BULK_PAGES);
	const size_t length_bytes = pages * VM_PAGE_BYTES;
	MUST(pread(machine->file, bytes, length_bytes, machine->position_bytes) ==
		(ssize_t)length_bytes);
	machine->position_bytes += (off_t)length_bytes;
}

static void step(struct machine *machine, size_t pages)
{
	for (size_t i = 0; i < pages; i++)
		consume(machine, 1);
	look(machine);
	MUST(machine->count < STEPS_LIMIT);
	series[0][machine->count] = machine->last.free_pages;
	series[1][machine->count] = machine->last.runs;
	series[2][machine->count] = machine->last.stalls;
	machine->count++;
}

static void schedule(pid_t process, int policy, int priority)
{
	const struct sched_param parameter = {.sched_priority = priority};

	MUST(sched_setscheduler(process, policy, &parameter) == 0);
}

/* They are tasks of the kernel: "kswapd0". */
static void find_reclaimers(struct machine *machine)
{
	static const char name[] = "kswapd";
	static char text[64];
	DIR *folder = opendir("/proc");

	MUST(folder != NULL);
	for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
		char path[sizeof(entry->d_name) + sizeof("/proc//comm")];
		const long process = strtol(entry->d_name, NULL, 10);
		(void)snprintf(path, sizeof(path), "/proc/%s/comm", entry->d_name);
		if (process <= 0 || access(path, R_OK) != 0 ||
			!kernel_text_starts(kernel_small_text_at(path, text, sizeof(text)), name))
			continue;
		MUST(machine->reclaimers_count < RECLAIMERS_LIMIT);
		machine->reclaimers[machine->reclaimers_count++] = (pid_t)process;
	}
	MUST(closedir(folder) == 0 && machine->reclaimers_count != 0);
}

static void schedule_reclaimers(const struct machine *machine, int policy)
{
	for (size_t i = 0; i < machine->reclaimers_count; i++)
		schedule(machine->reclaimers[i], policy, 0);
}

static struct kernel_text text_of(pid_t process, const char *file)
{
	static char text[1 << 14];
	char path[sizeof("/proc/2147483647/status")];

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", process, file);
	return kernel_small_text_at(path, text, sizeof(text));
}

/* How often they went to sleep so far; false while one does not sleep, or not of its own will. */
static bool sleep_of_reclaimers(const struct machine *machine, uint64_t *times)
{
	struct kernel_status status;
	struct kernel_stat stat;
	struct kernel_error error;
	bool all = true;

	*times = 0;
	for (size_t i = 0; i < machine->reclaimers_count; i++) {
		MUST(kernel_stat_parse(text_of(machine->reclaimers[i], "stat"), &stat, &error) ==
			0);
		all &= stat.state == 'S';
		MUST(kernel_status_parse(
			     text_of(machine->reclaimers[i], "status"), &status, &error) == 0);
		*times += status.voluntary_switches;
	}
	return all;
}

/*
 * Until the background reclaimer sleeps and would have to be woken. When it stops it naps for a
 * tenth of a second and looks at high once more before that; and at work it may wait for a lock or
 * a device, uninterruptibly, and then nothing wakes it and memory falls to min:
 * linux:6.12:mm/vmscan.c:kswapd_try_to_sleep, wakeup_kswapd.
 */
static void let_sleep(struct machine *machine)
{
	uint64_t before, after;
	bool asleep;

	do {
		asleep = sleep_of_reclaimers(machine, &before);
		rest_ms(NAP_MS);
		asleep = sleep_of_reclaimers(machine, &after) && asleep;
	} while (!asleep || before != after);
	look(machine);
}

/* linux:6.12:mm/page_alloc.c:reserve_highatomic_pageblock */
static int64_t kept_for_atomic_pages(void)
{
	static char text[1 << 16];
	const struct kernel_text whole =
		kernel_small_text_at("/proc/pagetypeinfo", text, sizeof(text));
	struct kernel_pagetypes types;
	struct kernel_pagetype_row row;
	struct kernel_error error;
	uint64_t blocks = 0;

	MUST(kernel_pagetypeinfo_begin(whole, &types, &error) == 0);
	while (kernel_pagetypeinfo_next(&types, &row, &error) == 1)
		for (size_t i = 0; row.counts_blocks && i < row.count; i++)
			if (kernel_text_is(types.types[i], "HighAtomic"))
				blocks += row.values[i];
	return (int64_t)(blocks * types.block_pages);
}

static struct machine prepare(void)
{
	struct machine machine = {
		.zoneinfo = kernel_file_open("/proc/zoneinfo", KERNEL_FILE_USUAL_BYTES),
		.vmstat = kernel_file_open("/proc/vmstat", KERNEL_FILE_USUAL_BYTES),
	};
	char name[] = "machine-XXXXXX";

	find_reclaimers(&machine);
	machine.file = mkstemp(name);
	MUST(machine.file >= 0 && unlink(name) == 0);
	uint64_t runs;
	if (!kernel_vmstat_find(kernel_file_read(&machine.vmstat), "pageoutrun", &runs))
		unmet("counters of events in /proc/vmstat", "CONFIG_VM_EVENT_COUNTERS");
	look(&machine);
	/* Holes, of which there are more than memory. */
	MUST(ftruncate(machine.file, (off_t)(4 * machine.zone->managed_pages * VM_PAGE_BYTES)) ==
		0);
	MUST(posix_fadvise(machine.file, 0, 0, POSIX_FADV_RANDOM) == 0);
	return machine;
}

/*
 * To where the steps begin. Half of the way, then a look: what others take meanwhile is less than
 * the other half, and zoneinfo is read some times, not once for each bulk of a whole memory.
 */
static void fill(struct machine *machine)
{
	const uint64_t end_pages = machine->zone->high_pages + FAR_PAGES;

	while (machine->zone->free_pages > end_pages) {
		const uint64_t half_pages = (machine->zone->free_pages - end_pages) / 2;
		for (uint64_t done_pages = 0; done_pages <= half_pages; done_pages += BULK_PAGES)
			consume(machine, BULK_PAGES);
		look(machine);
	}
}

static void observe_marks(const struct machine *machine)
{
	const struct kernel_zone *zone = machine->zone;

	observe("min", (int64_t)zone->min_pages, VM_UNIT_PAGES, "zoneinfo");
	observe("low", (int64_t)zone->low_pages, VM_UNIT_PAGES, "zoneinfo");
	observe("high", (int64_t)zone->high_pages, VM_UNIT_PAGES, "zoneinfo");
	observe("batch", (int64_t)kernel_zone_pageset(zone, 0).batch_pages, VM_UNIT_PAGES,
		"zoneinfo");
	observe("kept-for-atomic", kept_for_atomic_pages(), VM_UNIT_PAGES, "pagetypeinfo");
}

static void observe_series(const struct machine *machine)
{
	observe_values("series", "free", series[0], machine->count, VM_UNIT_PAGES, "zoneinfo");
	observe_values(
		"series", "background-runs", series[1], machine->count, VM_UNIT_COUNT, "vmstat");
	observe_values("series", "stalls", series[2], machine->count, VM_UNIT_COUNT, "vmstat");
}

/*
 * Takes pages until the background reclaimer was at work, or we had to be; returns how many were
 * free before that. Nothing is taken until that one sleeps again.
 */
static int64_t run_into_mark(struct machine *machine)
{
	const struct sample before = machine->last;
	int64_t free_pages;

	do {
		free_pages = machine->last.free_pages;
		step(machine, STEP_PAGES);
	} while (machine->last.runs == before.runs && machine->last.stalls == before.stalls);
	let_sleep(machine);
	return free_pages;
}

static bool is_below_low(const struct machine *machine)
{
	return machine->zone->free_pages <= machine->zone->low_pages;
}

/*
 * Everybody else runs first: woken, the background reclaimer is at work before the next step. One
 * that does not wake at all lets us run into the other mark. So does one that found nothing sixteen
 * times, when the machine ran out of memory in an earlier trial, until somebody else has found
 * something: the kernel says that it gave up, and that is not counted. What we freed to go on is
 * less than low, where nothing can be seen to begin.
 * linux:6.12:mm/vmscan.c:wakeup_kswapd, shrink_node, mm/vmstat.c:zoneinfo_show_print
 */
static void measure_background(struct machine *machine)
{
	int64_t at_wake[WAKES], at_stop[WAKES];

	schedule(0, SCHED_IDLE, 0);
	let_sleep(machine);
	for (size_t i = 0; i == 0 || (i < WAKES && (machine->zone->node_unreclaimable != 0 ||
							   is_below_low(machine)));
		i++)
		(void)run_into_mark(machine);
	for (size_t wake = 0; wake < WAKES; wake++) {
		at_wake[wake] = run_into_mark(machine);
		at_stop[wake] = machine->last.free_pages;
	}
	observe_values("free-at-wake", "", at_wake, WAKES, VM_UNIT_PAGES, "zoneinfo");
	observe_values("free-at-stop", "", at_stop, WAKES, VM_UNIT_PAGES, "zoneinfo");
	/* Memory is full of cache, more than high is free, and nobody does anything. */
	const int64_t runs = machine->last.runs;
	rest_ms(IDLE_MS);
	look(machine);
	observe("runs-while-idle", machine->last.runs - runs, VM_UNIT_COUNT, "vmstat");
}

/*
 * The background reclaimer has three thousandths of the CPU beside us, or nothing beside a
 * real-time task: so nobody reclaims until we must.
 */
static void measure_direct(struct machine *machine, enum way way)
{
	struct sample before = machine->last;

	schedule_reclaimers(machine, SCHED_IDLE);
	if (way == REAL_TIME)
		schedule(0, SCHED_FIFO, 1);
	else
		MUST(setpriority(PRIO_PROCESS, 0, HIGHEST_PRIORITY) == 0);
	while (machine->last.stalls == before.stalls) {
		before = machine->last;
		step(machine, HELD_STEP_PAGES);
	}
	schedule(0, SCHED_OTHER, 0);
	schedule_reclaimers(machine, SCHED_OTHER);
	observe("free-at-stall", before.free_pages, VM_UNIT_PAGES, "zoneinfo");
	int64_t least = series[0][0];
	for (size_t i = 0; i < machine->count; i++)
		least = series[0][i] < least ? series[0][i] : least;
	observe("free-at-least", least, VM_UNIT_PAGES, "zoneinfo");
}

static void measure(const struct probe_arguments *arguments)
{
	struct machine machine = prepare();
	const enum way way = (enum way)probe_argument(arguments, "way");

	fill(&machine);
	if (way == BACKGROUND)
		measure_background(&machine);
	else
		measure_direct(&machine, way);
	observe_marks(&machine);
	observe_series(&machine);
	MUST(close(machine.file) == 0);
}

#define MACHINE_PROBE(identifier, probe_name, claim_table, parameter_table, asked)               \
	PROBE(identifier) = {                                                                    \
		.name = (probe_name),                                                            \
		.claims = (claim_table),                                                         \
		.letters = "TV",                                                                 \
		.question = (asked),                                                             \
		.method = "Read a file of holes a few pages at a time, with free pages, marks "  \
			  "and counts after each step; give way to everybody, or hold back the " \
			  "reclaimer in the background.",                                        \
		.threats = "Free pages leave the zone in bulk, and blocks kept for atomic "      \
			   "requests do not count: both widths are read.",                       \
		.by_hand = "while sleep 1; do grep -A9 'zone *DMA32' /proc/zoneinfo; "           \
			   "grep -E 'pageoutrun|allocstall' /proc/vmstat; done",                 \
		.parameters_count = 3,                                                           \
		.parameters = (parameter_table),                                                 \
		.needs = {.root = true, .allow_pressure = true, .own_machine = true},            \
		.deadline_s = 120,                                                               \
		.lengthy = true,                                                                 \
		.suits = suits,                                                                  \
		.predict = PREDICTS(predict),                                                    \
		.measure = MEASURES(measure),                                                    \
	}

static const char *const background_claims[] = {"reclaim.kswapd", "reclaim.cpu-idle", NULL};
static const char *const direct_claims[] = {"reclaim.direct", "reclaim.min-reserve", NULL};

MACHINE_PROBE(background, "reclaim.background", background_claims, background_parameters,
	"At how many free pages does the background reclaimer begin, and when does it stop?");
MACHINE_PROBE(direct, "reclaim.direct", direct_claims, direct_parameters,
	"At how many free pages does a task have to reclaim by itself?");
