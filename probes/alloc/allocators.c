/* SPDX-License-Identifier: Apache-2.0 */
/* The allocators of the lecture: buddies, caches of objects, and four ways to choose a hole. */
#include "probe/probe.h"
#include "probe/show.h"
#include "probe/simulate.h"
#include "vm/buddy.h"
#include "vm/fit.h"
#include "vm/model.h"
#include "vm/random.h"
#include "vm/slab.h"

#define UNITS	64
#define ORDERS	10
#define STEPS	4000
#define BLOCKS	40
#define HOLES	1000
#define OBJECT	100
#define OBJECTS 1000

static struct vm_slab_config slab_config(enum vm_slab_rounding rounding)
{
	return (struct vm_slab_config){.object_bytes = OBJECT,
		.cpus = 1,
		.slabs_limit = OBJECTS,
		.keep_empty = true,
		.rounding = rounding};
}

static void predict(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	struct vm_arena SIMULATE_ARENA arena = simulate_arena(vm_buddy_bytes(UNITS));
	struct vm_buddy *buddy = vm_buddy_create(UNITS, vm_buddy_order_for(UNITS), &arena);
	const struct vm_slab_config config = slab_config(model->behaviours.slab_rounding);
	int64_t left[3];

	(void)host, (void)arguments, (void)readings;
	(void)vm_buddy_allocate(buddy, vm_buddy_order_for(8));
	for (unsigned i = 0; i < 3; i++)
		left[i] = (int64_t)vm_buddy_free_blocks(buddy, 5 - i) << (5 - i);
	predict_values(predictions, "alloc.buddy-split", "left-after-8-of-64", left, 3,
		VM_UNIT_PAGES, "64 is halved until a half has 8: one half of each size is left",
		"gios");
	predict_value(predictions, "alloc.buddy-split", "not-merged-back", 0, VM_UNIT_COUNT,
		"when everything is freed, everything has coalesced", "gios");
	predict_value(predictions, "alloc.buddy-bit", "buddies-not-one-bit-apart", 0, VM_UNIT_COUNT,
		"two halves of a block differ in the bit of their size", "gios; osn");
	predict_value(predictions, "alloc.buddy-waste", "block-for-129",
		INT64_C(1) << vm_buddy_order_for(129), VM_UNIT_BYTES,
		"a request is rounded up to a power of two", "osn");
	predict_value(predictions, "alloc.slab", "waste-an-object",
		vm_slab_shape(&config).waste_an_object_bytes, VM_UNIT_BYTES,
		"what a slot is larger than the 100 bytes asked for", "gios");
	predict_value(predictions, "alloc.slab", "slabs-made-beside-misses", 0, VM_UNIT_COUNT,
		"only when no slab has room a new one is made", "gios");
	predict_value(predictions, "alloc.fits", "best-is-not-tightest", 0, VM_UNIT_COUNT,
		"best fit leaves the smallest hole of all that fit", "osn");
	predict_value(predictions, "alloc.fits", "worst-is-not-loosest", 0, VM_UNIT_COUNT,
		"worst fit leaves the largest", "osn");
	predict_value(predictions, "alloc.fits", "first-looks-further-than-best", 0, VM_UNIT_COUNT,
		"first fit stops where it fits, best fit looks at every hole", "osn");
}

/* Random blocks taken and given back; at the end all of them. */
static int64_t not_merged_back(uint64_t *random)
{
	struct vm_arena SIMULATE_ARENA arena = simulate_arena(vm_buddy_bytes(1 << ORDERS));
	struct vm_buddy *buddy = vm_buddy_create(1 << ORDERS, ORDERS, &arena);
	uint32_t blocks[BLOCKS], count = 0;

	for (unsigned step = 0; step < STEPS; step++) {
		if (count == BLOCKS || (count > 0 && vm_random_below(random, 2) != 0)) {
			const uint64_t i = vm_random_below(random, count);
			(void)vm_buddy_free(buddy, blocks[i]);
			blocks[i] = blocks[--count];
			continue;
		}
		const uint32_t first =
			vm_buddy_allocate(buddy, (unsigned)vm_random_below(random, 6));
		if (first != VM_BUDDY_NONE)
			blocks[count++] = first;
	}
	while (count > 0)
		(void)vm_buddy_free(buddy, blocks[--count]);
	return vm_buddy_free_blocks(buddy, ORDERS) == 1 ? 0 : 1;
}

/* Every aligned pair of halves, by division instead of by bits. */
static int64_t wrong_buddies(void)
{
	int64_t wrong = 0;

	for (unsigned order = 0; order < ORDERS; order++)
		for (uint32_t i = 0; i < UINT32_C(1) << (ORDERS - order); i++) {
			const uint32_t size = UINT32_C(1) << order;
			const uint32_t other = i % 2 == 0 ? i + 1 : i - 1;
			wrong += vm_buddy_of(i * size, order) != other * size;
		}
	return wrong;
}

static int64_t slabs_beside_misses(const struct vm_slab_config *config)
{
	struct vm_arena SIMULATE_ARENA arena = simulate_arena(vm_slab_bytes(config));
	struct vm_slab *slab = vm_slab_create(config, &arena);
	const uint32_t objects = vm_slab_shape(config).objects;
	const uint32_t needed = OBJECTS / objects + (OBJECTS % objects != 0);

	for (unsigned round = 0; round < 3; round++) {
		for (uint32_t i = 0; i < OBJECTS; i++)
			(void)vm_slab_allocate(slab);
		for (uint32_t i = 0; i < OBJECTS; i++)
			(void)vm_slab_free(slab, i);
	}
	return (int64_t)vm_slab_counts(slab)->misses - needed;
}

struct holes {
	int64_t best, worst, first;
};

/* One memory with random holes, one request; all four policies on copies of the same memory. */
static void one_request(uint64_t *random, struct holes *violations)
{
	uint64_t left[VM_FIT_LIMIT], looked[VM_FIT_LIMIT], smallest = UINT64_MAX, largest = 0;
	const uint64_t seed = *random, wanted = 1 + vm_random_below(random, 8);
	bool found = false;

	for (enum vm_fit_policy policy = 0; policy < VM_FIT_LIMIT; policy++) {
		struct vm_arena SIMULATE_ARENA arena = simulate_arena(vm_fit_bytes(BLOCKS));
		struct vm_fit *fit = vm_fit_create(policy, UINT64_MAX / 2, BLOCKS, &arena);
		struct vm_fit_piece piece = {0};
		uint64_t draw = seed, firsts[BLOCKS / 2];
		for (uint32_t i = 0; i < BLOCKS / 2; i++)
			firsts[i] = vm_fit_allocate(fit, 1 + vm_random_below(&draw, 12), i);
		for (uint32_t i = 0; i < BLOCKS / 2; i += 2)
			(void)vm_fit_free(fit, firsts[i]);
		const uint64_t before = vm_fit_counts(fit)->looked_at;
		for (uint32_t i = 0; policy == 0 && vm_fit_piece(fit, i, &piece); i++) {
			if (!piece.free || piece.units < wanted)
				continue;
			smallest = piece.units < smallest ? piece.units : smallest;
			largest = piece.units > largest ? piece.units : largest;
		}
		const uint64_t first = vm_fit_allocate(fit, wanted, BLOCKS);
		looked[policy] = vm_fit_counts(fit)->looked_at - before;
		left[policy] = 0;
		found = found || first != VM_FIT_NONE;
		for (uint32_t i = 0; vm_fit_piece(fit, i, &piece); i++)
			if (piece.free && piece.first == first + wanted)
				left[policy] = piece.units;
	}
	violations->best += !found || left[VM_FIT_BEST] != smallest - wanted;
	violations->worst += !found || left[VM_FIT_WORST] != largest - wanted;
	violations->first += looked[VM_FIT_FIRST] > looked[VM_FIT_BEST];
}

static void show(const struct vm_host *host, const struct probe_arguments *arguments,
	struct check_shown *shown)
{
	static const int64_t left[] = {32, 16, 8};
	const struct vm_slab_config classes = slab_config(VM_SLAB_SIZE_CLASSES);
	uint64_t random = (uint64_t)probe_argument(arguments, "seed");
	struct holes violations = {0};

	(void)host;
	show_values(shown, "left-after-8-of-64", "", left, 3, VM_UNIT_PAGES, "gios");
	show_value(
		shown, "not-merged-back", not_merged_back(&random), VM_UNIT_COUNT, "random blocks");
	show_value(shown, "buddies-not-one-bit-apart", wrong_buddies(), VM_UNIT_COUNT, "division");
	show_value(shown, "block-for-129", 256, VM_UNIT_BYTES, "osn");
	/* The classes of kmalloc around 100 are 96 and 128. */
	show_value(shown, "waste-an-object", 128 - OBJECT, VM_UNIT_BYTES, "list of classes");
	show_value(shown, "slabs-made-beside-misses", slabs_beside_misses(&classes), VM_UNIT_COUNT,
		"simulator");
	for (unsigned i = 0; i < HOLES; i++)
		one_request(&random, &violations);
	show_value(shown, "best-is-not-tightest", violations.best, VM_UNIT_COUNT, "random holes");
	show_value(shown, "worst-is-not-loosest", violations.worst, VM_UNIT_COUNT, "random holes");
	show_value(shown, "first-looks-further-than-best", violations.first, VM_UNIT_COUNT,
		"random holes");
}

static const char *const claims[] = {"alloc.buddy-split", "alloc.buddy-bit", "alloc.buddy-waste",
	"alloc.slab", "alloc.fits", NULL};
static const struct probe_parameter parameters[] = {SIMULATE_SEED_PARAMETER};

PROBE(allocators) = {
	.name = "alloc.allocators",
	.kind = PROBE_MODEL,
	.claims = claims,
	.question = "How do buddies split and merge, what do caches waste, which hole is taken?",
	.method = "The course's figures; random blocks taken and given back; every pair of buddies "
		  "by division; the same holes under all four policies.",
	.threats = "A policy could be right on average only: every single choice is looked at.",
	.by_hand = "mmconform model buddy -- +8 -A; mmconform model fit -n 1000 --random 10000",
	.parameters_count = 1,
	.parameters = parameters,
	.predict = PREDICTS(predict),
	.show = SHOWS(show),
};
