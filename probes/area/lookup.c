/* SPDX-License-Identifier: Apache-2.0 */
/* Finding one area among many costs at most logarithmically more. */
#include <stdio.h>
#include <sys/mman.h>

#include "probe/probe.h"
#include "timed/cost.h"
#include "trial/trial.h"
#include "vm/model.h"
#include "vm/prediction.h"
#include "vm/random.h"

/* Each is some sixteen times the one before, up to what the default limit of areas leaves. */
static const char *const places[] = {"16", "250", "4000", "65000"};
static const int64_t areas_counts[] = {16, 250, 4000, 65000};

#define PLACES_COUNT (sizeof(places) / sizeof(places[0]))
#define BATCHES	     5
#define LOOKUPS	     2000
/* Beside the probe's: the program's own areas. */
#define AREAS_SPARE 500

/* ---- what the models say ---- */

static void predict(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	(void)model, (void)host, (void)arguments, (void)readings;
	vm_predict(predictions,
		&(struct vm_prediction){
			.claim = "area.lookup-log",
			.quantity = "lookup",
			.at = "",
			.unit = VM_UNIT_NS,
			.form = VM_FORM_SHAPE,
			.shape = VM_SHAPE_LOGARITHMIC,
			.values_count = PLACES_COUNT,
			.values = areas_counts,
			.inputs_count = PLACES_COUNT,
			.inputs = places,
			.because = "areas are found through a tree, and its depth is a logarithm",
			.cite = "linux:6.12:mm/mmap.c:find_vma",
		});
}

static bool suits(const struct vm_host *host, const struct probe_arguments *arguments)
{
	(void)arguments;
	return vm_host_knob(host, VM_KNOB_MAX_MAP_COUNT, 0) >=
	       areas_counts[PLACES_COUNT - 1] + AREAS_SPARE;
}

/* ---- what the kernel does ---- */

struct field {
	char *pages; /* every page an area: readable and not, in turn */
	size_t areas_count;
	uint64_t random_state;
};

/* mincore looks up the area of the page; nothing is mapped there, so it looks at nothing else. */
static int64_t look_up(void *context)
{
	struct field *field = context;
	unsigned char in_core;
	int failures = 0;
	const int64_t started_ns = cost_cpu_ns();

	for (size_t i = 0; i < LOOKUPS; i++) {
		const uint64_t page = vm_random_below(&field->random_state, field->areas_count);
		failures += mincore(field->pages + vm_pages_to_bytes(page), VM_PAGE_BYTES,
				    &in_core) != 0;
	}
	const int64_t elapsed_ns = cost_cpu_ns() - started_ns;
	MUST(failures == 0);
	return elapsed_ns;
}

static size_t count_areas(void)
{
	FILE *file = fopen("/proc/self/maps", "re");
	size_t count = 0;

	MUST(file != NULL);
	for (int byte; (byte = fgetc(file)) != EOF;)
		count += byte == '\n';
	(void)fclose(file);
	return count;
}

static void measure(const struct probe_arguments *arguments)
{
	const size_t most = (size_t)areas_counts[PLACES_COUNT - 1];
	struct field field = {.random_state = trial_seed()};
	const struct cost_plan plan = {
		.name = "lookup",
		.body = look_up,
		.context = &field,
		.witness = "CPU time",
		.warm_ups = 1,
		.batches = BATCHES,
	};
	size_t split_pages = 1;

	(void)arguments;
	/* A page more, that stays as it is: the last area ends before the end of the mapping. */
	field.pages = mmap(NULL, vm_pages_to_bytes(most + 1), PROT_NONE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	MUST(field.pages != MAP_FAILED);
	const size_t before = count_areas();
	for (size_t place = 0; place < PLACES_COUNT; place++) {
		field.areas_count = (size_t)areas_counts[place];
		for (; split_pages < field.areas_count; split_pages += 2)
			MUST(mprotect(field.pages + vm_pages_to_bytes(split_pages), VM_PAGE_BYTES,
				     PROT_READ) == 0);
		MUST(count_areas() == before + field.areas_count);
		cost_observe(&plan, "lookup", "lookup-faults", places[place]);
	}
}

static const char *const claims[] = {"area.lookup-log", NULL};

PROBE(area_lookup) = {
	.name = "area.lookup-log",
	.kind = PROBE_TIMED,
	.claims = claims,
	.question = "What does it cost to find one area among many?",
	.method = "CPU time of 2000 calls of mincore on pages drawn by chance, with 16, 256, 4096 "
		  "and "
		  "65000 areas of one page each; the areas are counted in maps.",
	.threats =
		"Neighbours that merge: readable and not, in turn, and the count is checked. More "
		"areas also miss the caches more often: that is in the figure.",
	.by_hand = "cat /proc/sys/vm/max_map_count",
	.deadline_s = 20,
	.suits = suits,
	.predict = PREDICTS(predict),
	.measure = MEASURES_TIMED(measure),
};
