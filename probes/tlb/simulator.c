/* SPDX-License-Identifier: Apache-2.0 */
/* The TLB simulator: locality, stale rights, and what a switch of address spaces costs. */
#include "probe/probe.h"
#include "probe/show.h"
#include "probe/simulate.h"
#include "vm/curve.h"
#include "vm/model.h"
#include "vm/random.h"
#include "vm/tlb.h"

#define ENTRIES	 64
#define PAGES	 400
#define LENGTH	 20000
#define SWITCHES 10

static const struct vm_mmu mmu = {.paging = VM_PAGING_LEVEL4, .physical_bits = 48};

/* The rights that the tables grant at the moment. */
static bool walk(
	void *context, uint16_t space, const struct vm_access *access, struct vm_tlb_page *page)
{
	const bool *writable = context;

	(void)space;
	*page = (struct vm_tlb_page){
		.physical = vm_align_down(access->address, VM_PAGE_BYTES),
		.page_shift = VM_PAGE_SHIFT,
		.rights = {.user = true, .writable = *writable, .executable = true},
	};
	return true;
}

static struct vm_tlb *create(bool ids, struct vm_arena *arena)
{
	static const struct vm_tlb_fact array = {.type = VM_TLB_UNIFIED,
		.level = 1,
		.pages_mask = VM_PAGE_BYTES,
		.entries = ENTRIES};
	const struct vm_tlb_config config = {.arrays_count = 1,
		.arrays = &array,
		.paging = VM_PAGING_LEVEL4,
		.address_space_ids = ids};

	*arena = simulate_arena(vm_tlb_bytes(&config));
	return vm_tlb_create(&config, arena);
}

static struct vm_tlb_outcome touch(
	struct vm_tlb *tlb, uint64_t page, enum vm_access_kind kind, bool *writable)
{
	const struct vm_access access = {
		.address = vm_pages_to_bytes(page), .kind = kind, .user = true};

	return vm_tlb_access(tlb, &mmu, &access, walk, writable);
}

/* A page, its neighbours, now and then a jump. */
static void draw(const struct probe_arguments *arguments, uint32_t *references)
{
	uint64_t random = (uint64_t)probe_argument(arguments, "seed");
	uint32_t page = 0;

	for (unsigned i = 0; i < LENGTH; i++) {
		page = vm_random_below(&random, 20) == 0
			       ? (uint32_t)vm_random_below(&random, PAGES)
			       : (page + (uint32_t)vm_random_below(&random, 2)) % PAGES;
		references[i] = page;
	}
}

static void predict(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	static const int64_t faults[] = {0, 0, 1};
	bool writable = true;
	uint32_t references[LENGTH];
	struct vm_arena SIMULATE_ARENA arena = {0};
	struct vm_tlb *tlb = create(false, &arena);

	(void)model, (void)host, (void)readings;
	draw(arguments, references);
	for (unsigned i = 0; i < LENGTH; i++)
		(void)touch(tlb, references[i], VM_ACCESS_READ, &writable);
	predict_value(predictions, "tlb.locality", "hits",
		(int64_t)vm_tlb_counts(tlb)->level_1_hits, VM_UNIT_COUNT,
		"what was used among the last 64 pages is still there", "gios; osn");
	predict_values(predictions, "tlb.protection", "write-faults", faults, 3, VM_UNIT_BOOL,
		"granted; taken away in the tables alone; invalidated too", "gios");
	predict_value(predictions, "tlb.switch-flush", "misses-flushing",
		(int64_t)ENTRIES / 2 * (SWITCHES + 1), VM_UNIT_COUNT,
		"every switch empties the TLB: each space fills it again", "osn");
	predict_value(predictions, "tlb.switch-flush", "misses-with-ids", ENTRIES, VM_UNIT_COUNT,
		"entries that carry their space outlive the switch", "osn");
}

/* Hits of a fully associative LRU memory are the references of a short stack distance. */
static int64_t hits_by_distance(const uint32_t *references)
{
	struct vm_arena SIMULATE_ARENA arena = simulate_arena(vm_curve_bytes(PAGES));
	struct vm_curve *curve = vm_curve_create(PAGES, &arena);

	vm_curve_run(curve, references, LENGTH);
	return LENGTH - (int64_t)vm_curve_misses(curve, ENTRIES);
}

/* Two spaces that take turns, each using half as many pages as there are entries. */
static int64_t misses_over_switches(bool ids)
{
	bool writable = true;
	struct vm_arena SIMULATE_ARENA arena = {0};
	struct vm_tlb *tlb = create(ids, &arena);

	for (unsigned turn = 0; turn <= SWITCHES; turn++) {
		if (turn != 0)
			vm_tlb_switch(tlb, (uint16_t)(turn % 2));
		for (unsigned i = 0; i < 3 * ENTRIES; i++)
			(void)touch(tlb, i % (ENTRIES / 2), VM_ACCESS_READ, &writable);
	}
	return (int64_t)vm_tlb_counts(tlb)->walks;
}

static void show(const struct vm_host *host, const struct probe_arguments *arguments,
	struct check_shown *shown)
{
	uint32_t references[LENGTH];
	int64_t faults[3];
	bool writable = true;
	struct vm_arena SIMULATE_ARENA arena = {0};
	struct vm_tlb *tlb = create(false, &arena);

	(void)host;
	draw(arguments, references);
	show_value(shown, "hits", hits_by_distance(references), VM_UNIT_COUNT, "stack distances");
	faults[0] = touch(tlb, 0, VM_ACCESS_WRITE, &writable).fault;
	writable = false;
	faults[1] = touch(tlb, 0, VM_ACCESS_WRITE, &writable).fault;
	vm_tlb_invalidate(tlb, 0);
	(void)touch(tlb, 0, VM_ACCESS_READ, &writable);
	faults[2] = touch(tlb, 0, VM_ACCESS_WRITE, &writable).fault;
	show_values(shown, "write-faults", "", faults, 3, VM_UNIT_BOOL, "simulator");
	show_value(
		shown, "misses-flushing", misses_over_switches(false), VM_UNIT_COUNT, "simulator");
	show_value(
		shown, "misses-with-ids", misses_over_switches(true), VM_UNIT_COUNT, "simulator");
}

static const char *const claims[] = {"tlb.locality", "tlb.protection", "tlb.switch-flush", NULL};
static const struct probe_parameter parameters[] = {SIMULATE_SEED_PARAMETER};

PROBE(simulator) = {
	.name = "tlb.simulator",
	.kind = PROBE_MODEL,
	.claims = claims,
	.question = "What does a TLB hit, what does it forget, and what does it believe too long?",
	.method = "Runs strings through the simulator; hits are also counted by stack distances.",
	.threats = "Real TLBs are set-associative and replace differently: the simulator can, too.",
	.by_hand = "mmconform model tlb -g zipf:pages=400,count=20000 --spaces 2 --asid",
	.parameters_count = 1,
	.parameters = parameters,
	.predict = PREDICTS(predict),
	.show = SHOWS(show),
};
