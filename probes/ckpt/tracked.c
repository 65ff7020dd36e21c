/* SPDX-License-Identifier: Apache-2.0 */
/* An incremental checkpoint with the kernel's own tracking: finding what changed, and copying it.
 */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "probe/probe.h"
#include "probe/shape.h"
#include "timed/cost.h"
#include "timed/memory.h"
#include "timed/order.h"
#include "trial/tracking.h"
#include "trial/trial.h"
#include "vm/model.h"

#define CLAIM	"ckpt.full-copy"
#define PAGES	((size_t)4 * 1024)
#define BATCHES 3

/* Pages written since the last checkpoint. */
static const char *const places[] = {"64", "256", "1024"};
static const int64_t dirty_pages[] = {64, 256, 1024};

#define PLACES_COUNT (sizeof(places) / sizeof(places[0]))

/* ---- what the models say ---- */

static void predict(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	const struct shape_claim claim = {predictions, CLAIM, PLACES_COUNT, places};

	(void)model, (void)host, (void)arguments, (void)readings;
	for (size_t i = 0; i < PLACES_COUNT; i++) {
		predict_each(&claim, "write-faults", places[i], dirty_pages[i], BATCHES,
			"the first write to a page that is protected faults, and the kernel lifts "
			"the protection by itself",
			"linux:6.12:mm/memory.c:do_wp_page");
		predict_each(&claim, "found-pages", places[i], dirty_pages[i], BATCHES,
			"what is reported written is what was written",
			"linux:6.12:fs/proc/task_mmu.c:pagemap_scan_pmd_entry");
	}
	predict_growth(&claim, "tracked", VM_SHAPE_PROPORTIONAL, NULL, dirty_pages,
		"what is found and copied is what was written; the walk over all entries is the "
		"same for all",
		"gios");
	predict_shape(&claim, "tracked", VM_SHAPE_BELOW, "full",
		"an entry is looked at in a fraction of the time in which its page is copied",
		"linux:6.12:fs/proc/task_mmu.c:do_pagemap_scan");
	predict_shape(&claim, "write-open", VM_SHAPE_BELOW, "write-tracked",
		"the writer pays as well: with a fault for the first write to each page",
		"linux:6.12:mm/memory.c:do_wp_page");
}

/* ---- what the kernel does ---- */

struct field {
	char *memory, *image;
	int pagemap;
	size_t order[PAGES];
	size_t dirty_count; /* the first of the order */
	uint64_t random_state;
	struct tracking_region regions[PAGES];
	size_t batch;
	int64_t found[BATCHES], faults[BATCHES], open_ns[BATCHES], written_ns[BATCHES];
};

/* Reports what was written and protects it again. */
static size_t scan(struct field *field)
{
	const struct tracking_scan request = {
		.pagemap = field->pagemap,
		.start = (uint64_t)field->memory,
		.length_bytes = vm_pages_to_bytes(PAGES),
		.category = TRACKING_WRITTEN,
		.protect = true,
		.regions_limit = PAGES,
		.regions = field->regions,
	};
	const int64_t found = tracking_scan(&request);

	MUST(found >= 0);
	return (size_t)found;
}

static int64_t write_dirty(struct field *field)
{
	const int64_t started_ns = cost_cpu_ns();

	for (size_t i = 0; i < field->dirty_count; i++)
		((volatile char *)field->memory)[vm_pages_to_bytes(field->order[i])]++;
	return cost_cpu_ns() - started_ns;
}

static int64_t checkpoint(void *context)
{
	struct field *field = context;
	const size_t batch = field->batch++;
	int64_t found = 0;

	order_shuffle(field->order, PAGES, &field->random_state);
	const int64_t before = cost_minor_faults();
	field->written_ns[batch] = write_dirty(field);
	field->faults[batch] = cost_minor_faults() - before;
	field->open_ns[batch] = write_dirty(field);
	const int64_t started_ns = cost_cpu_ns();
	const size_t regions_count = scan(field);
	for (size_t i = 0; i < regions_count; i++) {
		const struct tracking_region *region = &field->regions[i];
		const uint64_t offset = region->start - (uint64_t)field->memory;
		memcpy(field->image + offset, field->memory + offset, region->end - region->start);
		found += (int64_t)vm_bytes_to_pages_floor(region->end - region->start);
	}
	const int64_t elapsed_ns = cost_cpu_ns() - started_ns;
	field->found[batch] = found;
	/* A page that was missed is a checkpoint that restores something else. */
	if (memcmp(field->image, field->memory, vm_pages_to_bytes(PAGES)) != 0)
		field->found[batch] = -1;
	return elapsed_ns;
}

static int64_t copy_all(void *context)
{
	const struct field *field = context;
	const int64_t started_ns = cost_cpu_ns();

	memcpy(field->image, field->memory, vm_pages_to_bytes(PAGES));
	return cost_cpu_ns() - started_ns;
}

static void time_place(struct field *field, size_t place)
{
	struct cost_plan plan = {
		.name = "tracked",
		.body = checkpoint,
		.context = field,
		.witness = "CPU time",
		.batches = BATCHES,
	};
	const char *at = places[place];

	field->dirty_count = (size_t)dirty_pages[place];
	field->batch = 0;
	cost_observe(&plan, "tracked", "tracked-faults", at);
	observe_values("write-tracked", at, field->written_ns, BATCHES, VM_UNIT_NS, "CPU time");
	observe_values("write-open", at, field->open_ns, BATCHES, VM_UNIT_NS, "CPU time");
	observe_values("write-faults", at, field->faults, BATCHES, VM_UNIT_COUNT, "getrusage");
	observe_values("found-pages", at, field->found, BATCHES, VM_UNIT_COUNT, "PAGEMAP_SCAN");
	plan.name = "full";
	plan.body = copy_all;
	cost_observe(&plan, "full", "full-faults", at);
}

static void measure(const struct probe_arguments *arguments)
{
	static struct field field;
	size_t order[PLACES_COUNT];

	(void)arguments;
	/* Untouched memory of the program would fault where writes are counted. */
	memset(&field, 1, sizeof(field));
	field.random_state = trial_seed();
	field.memory = memory_touched(vm_pages_to_bytes(PAGES), false);
	field.image = memory_touched(vm_pages_to_bytes(PAGES), false);
	field.pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	const int tracker = tracking_open();
	MUST(field.memory != NULL && field.image != NULL && field.pagemap >= 0 && tracker >= 0);
	MUST(tracking_register(tracker, (uint64_t)field.memory, vm_pages_to_bytes(PAGES)) == 0);
	(void)copy_all(&field);
	(void)scan(&field);
	order_shuffle(order, PLACES_COUNT, &field.random_state);
	for (size_t i = 0; i < PLACES_COUNT; i++)
		time_place(&field, order[i]);
}

static const char *const claims[] = {CLAIM, NULL};

PROBE(tracked) = {
	.name = "ckpt.tracked-copy",
	.kind = PROBE_TIMED,
	.claims = claims,
	.question = "What does an incremental checkpoint cost with the kernel's own tracking?",
	.method = "CPU time of PAGEMAP_SCAN over 16 MiB and of copying what it reports, after 64 "
		  "to 1024 pages were written; of copying everything; and of the writes, with and "
		  "without protection. Faults and reported pages are counted, and the image is "
		  "compared with the memory.",
	.threats = "A busy neighbour: CPU time, not the clock's. Huge pages would report 512 at "
		   "once: small ones are asked for, and the faults that made them are counted.",
	.by_hand = "criu dump --track-mem --prev-images-dir DIR",
	.needs = {.memory_bytes = 128 * VM_MIB_BYTES,
		.features_count = 2,
		.features = {VM_FEATURE_PAGEMAP_SCAN, VM_FEATURE_UFFD_WP_ASYNC}},
	.deadline_s = 20,
	.predict = PREDICTS(predict),
	.measure = MEASURES_TIMED(measure),
};
