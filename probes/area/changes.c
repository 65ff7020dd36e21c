/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changing areas costs what is mapped there, not what was promised: munmap, mprotect and mremap
 * over memory that was touched, and over as much that was not.
 */
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include "probe/probe.h"
#include "probe/shape.h"
#include "timed/cost.h"
#include "timed/order.h"
#include "trial/trial.h"
#include "vm/model.h"

#define CLAIM	"demand.mmap-is-a-promise"
#define BATCHES 3

static const char *const places[] = {"1 MiB", "4 MiB", "16 MiB", "12 MiB"};
static const uint64_t lengths_bytes[] = {
	VM_MIB_BYTES, 4 * VM_MIB_BYTES, 16 * VM_MIB_BYTES, 12 * VM_MIB_BYTES};

#define PLACES_COUNT (sizeof(places) / sizeof(places[0]))
/* The first ones show how costs grow; the last two have tables enough to move. */
#define GROWTH_COUNT ((size_t)3)
#define TABLES_FIRST ((size_t)2)
#define MOST_BYTES   (16 * VM_MIB_BYTES)

enum change {
	CHANGE_UNMAP,
	CHANGE_PROTECT,
	CHANGE_MOVE,	    /* by a page more than tables, so that each entry is moved */
	CHANGE_MOVE_TABLES, /* by whole tables, whose entries stay where they are */
	CHANGE_LIMIT,
};

static const struct {
	const char *touched, *untouched, *because, *cite;
} changes[CHANGE_LIMIT] = {
	[CHANGE_UNMAP] = {"unmap", "unmap-untouched", "each page that is there is given back",
		"linux:6.12:mm/memory.c:zap_pte_range"},
	[CHANGE_PROTECT] = {"protect", "protect-untouched", "each entry that is there is changed",
		"linux:6.12:mm/mprotect.c:change_pte_range"},
	[CHANGE_MOVE] = {"move", "move-untouched", "each entry that is there is moved",
		"linux:6.12:mm/mremap.c:move_ptes"},
	[CHANGE_MOVE_TABLES] = {"move-tables", NULL, "a whole table is moved by the entry for it",
		"linux:6.12:mm/mremap.c:move_normal_pmd"},
};

/* ---- what the models say ---- */

static void predict(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	const struct shape_claim claim = {predictions, CLAIM, GROWTH_COUNT, places};
	int64_t pages[GROWTH_COUNT];

	(void)model, (void)host, (void)arguments, (void)readings;
	for (size_t i = 0; i < GROWTH_COUNT; i++)
		pages[i] = (int64_t)vm_bytes_to_pages_floor(lengths_bytes[i]);
	for (size_t i = 0; i < CHANGE_MOVE_TABLES; i++) {
		/* Moving an entry takes so little that the flushes for each table show beside it.
		 */
		predict_growth(&claim, changes[i].touched,
			i == CHANGE_MOVE ? VM_SHAPE_RISES : VM_SHAPE_PROPORTIONAL, NULL,
			i == CHANGE_MOVE ? NULL : pages, changes[i].because, changes[i].cite);
		predict_shape(&claim, changes[i].untouched, VM_SHAPE_FLAT, changes[i].touched,
			"nothing is there: a promise of any length is changed at the same cost",
			changes[i].cite);
	}
	const struct shape_claim tables = {
		predictions, CLAIM, PLACES_COUNT - TABLES_FIRST, places + TABLES_FIRST};
	predict_shape(&tables, changes[CHANGE_MOVE_TABLES].touched, VM_SHAPE_BELOW,
		changes[CHANGE_MOVE].touched, changes[CHANGE_MOVE_TABLES].because,
		changes[CHANGE_MOVE_TABLES].cite);
}

/* ---- what the kernel does ---- */

struct field {
	enum change change;
	bool touches;
	size_t length_bytes;
	char *from, *to; /* reserved, and each where a table begins */
};

static void map_at(char *start, size_t length_bytes, bool touches)
{
	const int populate = touches ? MAP_POPULATE : 0;

	MUST(mmap(start, length_bytes, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE | populate, -1,
		     0) == start);
}

/* What was there is gone, whatever the change left of it. */
static void reserve_again(char *start, size_t length_bytes)
{
	MUST(mmap(start, length_bytes, PROT_NONE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0) == start);
}

static int64_t time_change(const struct field *field)
{
	const size_t length_bytes = field->length_bytes;
	char *to = field->to + (field->change == CHANGE_MOVE ? VM_PAGE_BYTES : 0);
	const int64_t started_ns = cost_cpu_ns();

	switch (field->change) {
	case CHANGE_UNMAP:
		MUST(munmap(field->from, length_bytes) == 0);
		break;
	case CHANGE_PROTECT:
		MUST(mprotect(field->from, length_bytes, PROT_READ) == 0);
		break;
	case CHANGE_MOVE:
	case CHANGE_MOVE_TABLES:
		MUST(mremap(field->from, length_bytes, length_bytes, MREMAP_MAYMOVE | MREMAP_FIXED,
			     to) == to);
		break;
	case CHANGE_LIMIT:
		break;
	}
	return cost_cpu_ns() - started_ns;
}

static int64_t change_once(void *context)
{
	const struct field *field = context;

	map_at(field->from, field->length_bytes, field->touches);
	const int64_t elapsed_ns = time_change(field);
	reserve_again(field->from, field->length_bytes);
	reserve_again(field->to, field->length_bytes + VM_PAGE_BYTES);
	return elapsed_ns;
}

static void time_it(struct field *field, enum change change, size_t place, bool touches)
{
	const char *quantity = touches ? changes[change].touched : changes[change].untouched;
	static struct cost_samples samples;
	const struct cost_plan plan = {
		.name = quantity,
		.body = change_once,
		.context = field,
		.batches = BATCHES,
	};

	field->change = change;
	field->touches = touches;
	field->length_bytes = lengths_bytes[place];
	cost_measure(&plan, &samples);
	observe_values(
		quantity, places[place], samples.elapsed_ns, samples.count, VM_UNIT_NS, "CPU time");
}

static char *reserve(void)
{
	char *reserved = mmap(NULL, MOST_BYTES + 2 * VM_HUGE_2M_BYTES, PROT_NONE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	MUST(reserved != MAP_FAILED);
	return (char *)vm_align_up((uint64_t)reserved, VM_HUGE_2M_BYTES);
}

static void measure(const struct probe_arguments *arguments)
{
	uint64_t state = trial_seed();
	size_t order[CHANGE_LIMIT * PLACES_COUNT];
	struct field field = {.from = reserve(), .to = reserve()};

	(void)arguments;
	/* Of small pages: advice would come after mappings that are populated at once. Without
	 * huge pages in the kernel the call does nothing. */
	(void)prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
	order_shuffle(order, CHANGE_LIMIT * PLACES_COUNT, &state);
	for (size_t i = 0; i < CHANGE_LIMIT * PLACES_COUNT; i++) {
		const enum change change = (enum change)(order[i] / PLACES_COUNT);
		const size_t place = order[i] % PLACES_COUNT;
		const bool moves = change == CHANGE_MOVE || change == CHANGE_MOVE_TABLES;
		if (place >= (moves ? PLACES_COUNT : GROWTH_COUNT))
			continue;
		time_it(&field, change, place, true);
		if (changes[change].untouched != NULL)
			time_it(&field, change, place, false);
	}
}

static const char *const claims[] = {CLAIM, NULL};

PROBE(area_changes) = {
	.name = "area.changes-by-pages",
	.kind = PROBE_TIMED,
	.claims = claims,
	.question = "What do munmap, mprotect and mremap cost: by length, or by what is mapped?",
	.method = "CPU time of each over 1, 4 and 16 MiB, every page touched and none; mremap by a "
		  "page more than whole tables, and by whole tables.",
	.threats = "A busy neighbour: CPU time. Huge pages would be changed at once: they are "
		   "advised against. What a batch leaves is taken away before the next.",
	.by_hand = "perf trace -s stress-ng --mremap 1 -t 1",
	.needs = {.memory_bytes = 64 * VM_MIB_BYTES},
	.deadline_s = 20,
	.predict = PREDICTS(predict),
	.measure = MEASURES_TIMED(measure),
};
