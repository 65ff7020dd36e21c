/* SPDX-License-Identifier: Apache-2.0 */
/* Buddy, slab and fit allocators: worked examples, invariants, naive second implementations. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "vm/buddy.h"
#include "vm/fit.h"
#include "vm/random.h"
#include "vm/slab.h"
#include "vm/units.h"

#define UNITS_LIMIT 128

static struct vm_buddy *new_buddy(uint32_t units, unsigned max_order, struct vm_arena *arena)
{
	const size_t size_bytes = vm_buddy_bytes(units);

	*arena = vm_arena_over(malloc(size_bytes), size_bytes);
	struct vm_buddy *buddy = vm_buddy_create(units, max_order, arena);
	assert_non_null(buddy);
	return buddy;
}

static void sixty_four_pages_asked_for_eight(void **state)
{
	(void)state;
	struct vm_arena arena;
	struct vm_buddy *buddy = new_buddy(64, 6, &arena);

	assert_int_equal(vm_buddy_free_blocks(buddy, 6), 1);
	assert_int_equal(vm_buddy_allocate(buddy, 3), 0);
	assert_int_equal(vm_buddy_counts(buddy)->splits, 3);
	assert_int_equal(vm_buddy_free_blocks(buddy, 5), 1);
	assert_int_equal(vm_buddy_free_blocks(buddy, 4), 1);
	assert_int_equal(vm_buddy_free_blocks(buddy, 3), 1);
	assert_true(vm_buddy_free(buddy, 0));
	assert_int_equal(vm_buddy_counts(buddy)->merges, 3);
	assert_int_equal(vm_buddy_free_blocks(buddy, 6), 1);
	assert_false(vm_buddy_free(buddy, 0));
	free(arena.base);
}

static void requests_round_up_to_powers_of_two(void **state)
{
	(void)state;
	assert_int_equal(vm_buddy_order_for(129), 8);
	assert_int_equal(vm_buddy_order_for(128), 7);
	assert_int_equal(vm_buddy_order_for(1), 0);
	assert_int_equal(vm_buddy_of(8, 3), 0);
	assert_int_equal(vm_buddy_of(0, 3), 8);
}

/* Memory as units, each owned by an allocation or free; a block of an order is free if it is
 * aligned and all its units are, and mergeable blocks are one. */
static void count_naive(
	const bool *taken, uint32_t units, unsigned max_order, uint32_t *free_blocks)
{
	uint32_t first = 0;

	memset(free_blocks, 0, VM_BUDDY_ORDERS_LIMIT * sizeof(*free_blocks));
	while (first < units) {
		unsigned order = 0, best = 0;
		if (taken[first]) {
			first++;
			continue;
		}
		for (order = 0; order <= max_order; order++) {
			const uint32_t length = UINT32_C(1) << order;
			bool whole = first % length == 0 && first + length <= units;
			for (uint32_t i = first; whole && i < first + length; i++)
				whole = !taken[i];
			if (whole)
				best = order;
		}
		free_blocks[best]++;
		first += UINT32_C(1) << best;
	}
}

static void buddy_agrees_with_counting_aligned_runs(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 10000; seed++) {
		uint64_t random = seed;
		const uint32_t units = 1 + (uint32_t)vm_random_below(&random, UNITS_LIMIT);
		const unsigned max_order = (unsigned)vm_random_below(&random, 8);
		struct vm_arena arena;
		struct vm_buddy *buddy = new_buddy(units, max_order, &arena);
		bool taken[UNITS_LIMIT] = {false};
		struct {
			uint32_t first;
			unsigned order;
		} blocks[40];
		uint32_t count = 0, naive[VM_BUDDY_ORDERS_LIMIT];
		for (unsigned step = 0; step < 40; step++) {
			if (count > 0 && vm_random_below(&random, 2) != 0) {
				const uint64_t i = vm_random_below(&random, count);
				assert_true(vm_buddy_free(buddy, blocks[i].first));
				memset(taken + blocks[i].first, 0, (size_t)1 << blocks[i].order);
				blocks[i] = blocks[--count];
			} else {
				const unsigned order =
					(unsigned)vm_random_below(&random, max_order + 1);
				const uint32_t first = vm_buddy_allocate(buddy, order);
				if (first == VM_BUDDY_NONE)
					continue;
				assert_int_equal(first % (UINT32_C(1) << order), 0);
				for (uint32_t j = 0; j < UINT32_C(1) << order; j++) {
					assert_false(taken[first + j]);
					taken[first + j] = true;
				}
				blocks[count].first = first;
				blocks[count++].order = order;
			}
			count_naive(taken, units, max_order, naive);
			for (unsigned order = 0; order <= max_order; order++)
				assert_int_equal(vm_buddy_free_blocks(buddy, order), naive[order]);
		}
		while (count > 0)
			assert_true(vm_buddy_free(buddy, blocks[--count].first));
		assert_int_equal(vm_buddy_counts(buddy)->free_units, units);
		free(arena.base);
	}
}

/* What the counts alone say must be what the allocator with its addresses does. */
static void counts_alone_say_what_a_request_leaves(void **state)
{
	(void)state;
	struct vm_arena arena;
	struct vm_buddy *buddy = new_buddy(1024, 10, &arena);
	uint64_t counts[11] = {[10] = 1}, seed = 7;

	for (size_t i = 0; i < 200; i++) {
		const unsigned order = (unsigned)vm_random_below(&seed, 5);
		const bool taken = vm_buddy_take_count(counts, 11, order);
		assert_int_equal(taken, vm_buddy_allocate(buddy, order) != VM_BUDDY_NONE);
		for (unsigned j = 0; j < 11; j++)
			assert_int_equal(counts[j], vm_buddy_free_blocks(buddy, j));
	}
	free(arena.base);
}

static void fragmentation_has_an_index(void **state)
{
	(void)state;
	struct vm_arena arena;
	struct vm_buddy *buddy = new_buddy(8, 3, &arena);

	for (unsigned i = 0; i < 8; i++)
		(void)vm_buddy_allocate(buddy, 0);
	assert_int_equal(vm_buddy_fragmentation_index(buddy, 1), 0);
	for (uint32_t i = 0; i < 8; i += 2)
		assert_true(vm_buddy_free(buddy, i));
	/* 4 free pages in 4 blocks, a pair wanted: 1000 - (1000 + 4 * 1000 / 2) / 4. */
	assert_int_equal(vm_buddy_fragmentation_index(buddy, 1), 250);
	assert_int_equal(vm_buddy_fragmentation_index(buddy, 0), -1000);
	free(arena.base);
}

static struct vm_fit *new_fit(
	enum vm_fit_policy policy, uint64_t units, uint32_t limit, struct vm_arena *arena)
{
	const size_t size_bytes = vm_fit_bytes(limit);

	*arena = vm_arena_over(malloc(size_bytes), size_bytes);
	struct vm_fit *fit = vm_fit_create(policy, units, limit, arena);
	assert_non_null(fit);
	return fit;
}

/* Blocks of 6 1 2 1 4 1 units; the 6 and the 4 are freed; one unit is wanted, after the last one
 * that was found at address 9. */
static void each_fit_chooses_its_hole(void **state)
{
	(void)state;
	static const uint64_t expected[VM_FIT_LIMIT] = {
		[VM_FIT_BEST] = 10, [VM_FIT_WORST] = 0, [VM_FIT_FIRST] = 0, [VM_FIT_NEXT] = 10};
	static const uint64_t sizes[] = {6, 1, 2, 1, 4, 1};

	for (enum vm_fit_policy policy = 0; policy < VM_FIT_LIMIT; policy++) {
		struct vm_arena arena;
		struct vm_fit *fit = new_fit(policy, 15, 8, &arena);
		uint64_t first[6];
		for (unsigned i = 0; i < 6; i++)
			first[i] = vm_fit_allocate(fit, sizes[i], i);
		assert_int_equal(first[3], 9);
		assert_true(vm_fit_free(fit, 9));
		assert_int_equal(vm_fit_allocate(fit, 1, 9), 9);
		assert_true(vm_fit_free(fit, first[0]));
		assert_true(vm_fit_free(fit, first[4]));
		assert_int_equal(vm_fit_allocate(fit, 1, 10), expected[policy]);
		free(arena.base);
	}
}

/* Units with an owner; holes are found by looking at every unit. */
static uint64_t naive_fit(enum vm_fit_policy policy, const uint32_t *owner, uint64_t units,
	uint64_t wanted, uint64_t next_from)
{
	uint64_t best = VM_FIT_NONE, best_length = 0;
	uint64_t starts[UNITS_LIMIT], lengths[UNITS_LIMIT], count = 0;

	for (uint64_t i = 0; i < units; i++) {
		if (owner[i] != 0)
			continue;
		if (i == 0 || owner[i - 1] != 0) {
			starts[count] = i;
			lengths[count++] = 0;
		}
		lengths[count - 1]++;
	}
	for (unsigned turn = 0; turn < 2; turn++)
		for (uint64_t i = 0; i < count; i++) {
			/* Next fit: first the holes that reach beyond the mark, then the others. */
			const bool beyond = starts[i] + lengths[i] > next_from;
			if (policy == VM_FIT_NEXT ? beyond != (turn == 0) : turn != 0)
				continue;
			if (lengths[i] < wanted)
				continue;
			if ((policy == VM_FIT_FIRST || policy == VM_FIT_NEXT) &&
				best != VM_FIT_NONE)
				continue;
			const bool better = best == VM_FIT_NONE ||
					    (policy == VM_FIT_BEST ? lengths[i] < best_length
								   : lengths[i] > best_length);
			if (better) {
				best = starts[i];
				best_length = lengths[i];
			}
		}
	return best;
}

static void fits_agree_with_looking_at_every_unit(void **state)
{
	(void)state;
	for (enum vm_fit_policy policy = 0; policy < VM_FIT_LIMIT; policy++)
		for (uint64_t seed = 0; seed < 10000; seed++) {
			uint64_t random = seed;
			const uint64_t units = 8 + vm_random_below(&random, 57);
			struct vm_arena arena;
			struct vm_fit *fit = new_fit(policy, units, 64, &arena);
			uint32_t owner[UNITS_LIMIT] = {0};
			uint64_t next_from = 0;
			for (uint32_t step = 1; step < 40; step++) {
				const uint64_t at = vm_random_below(&random, units);
				if (vm_random_below(&random, 2) != 0 && owner[at] != 0) {
					const uint32_t whose = owner[at];
					uint64_t first = at;
					while (first > 0 && owner[first - 1] == whose)
						first--;
					assert_true(vm_fit_free(fit, first));
					for (uint64_t i = 0; i < units; i++)
						owner[i] = owner[i] == whose ? 0 : owner[i];
					continue;
				}
				const uint64_t wanted = 1 + vm_random_below(&random, 9);
				const uint64_t expected =
					naive_fit(policy, owner, units, wanted, next_from);
				assert_int_equal(vm_fit_allocate(fit, wanted, step), expected);
				if (expected == VM_FIT_NONE)
					continue;
				next_from = expected + wanted;
				for (uint64_t i = 0; i < wanted; i++)
					owner[expected + i] = step;
			}
			const uint64_t free_before = vm_fit_state(fit).free_units;
			vm_fit_compact(fit);
			assert_int_equal(vm_fit_state(fit).free_units, free_before);
			assert_true(vm_fit_state(fit).holes <= 1);
			free(arena.base);
		}
}

/* linux:6.12:mm/slub.c on 2 CPUs, as /proc/slabinfo shows it. */
static void slabs_are_cut_up_as_linux_does(void **state)
{
	(void)state;
	static const struct {
		uint32_t size, order, objects, left_over;
	} rows[] = {{192, 0, 21, 64}, {1024, 2, 16, 0}, {2048, 3, 16, 0}, {8192, 3, 4, 0},
		{8, 0, 512, 0}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct vm_slab_config config = {.object_bytes = rows[i].size,
			.cpus = 2,
			.slabs_limit = 1,
			.rounding = VM_SLAB_SIZE_CLASSES};
		const struct vm_slab_shape shape = vm_slab_shape(&config);
		assert_int_equal(shape.order, rows[i].order);
		assert_int_equal(shape.objects, rows[i].objects);
		assert_int_equal(shape.left_over_bytes, rows[i].left_over);
	}
	assert_int_equal(vm_slab_class_bytes(129), 192);
	assert_int_equal(vm_slab_class_bytes(8193), 16384);
}

static void a_cache_asks_for_pages_only_when_it_is_full(void **state)
{
	(void)state;
	const struct vm_slab_config config = {.object_bytes = 100,
		.cpus = 1,
		.slabs_limit = 2,
		.keep_empty = true,
		.rounding = VM_SLAB_NO_INTERNAL_WASTE};
	const size_t size_bytes = vm_slab_bytes(&config);
	struct vm_arena arena = vm_arena_over(malloc(size_bytes), size_bytes);
	struct vm_slab *slab = vm_slab_create(&config, &arena);
	const uint32_t objects = vm_slab_shape(&config).objects;

	assert_int_equal(vm_slab_shape(&config).waste_an_object_bytes, 0);
	for (uint32_t i = 0; i < objects; i++)
		assert_int_equal(vm_slab_allocate(slab), i);
	assert_int_equal(vm_slab_counts(slab)->misses, 1);
	assert_int_equal(vm_slab_allocate(slab), objects);
	assert_int_equal(vm_slab_counts(slab)->misses, 2);
	assert_true(vm_slab_free(slab, 3));
	assert_int_equal(vm_slab_allocate(slab), 3);
	assert_true(vm_slab_free(slab, objects));
	assert_int_equal(vm_slab_allocate(slab), objects);
	assert_int_equal(vm_slab_counts(slab)->misses, 2);
	for (uint32_t i = 1; i < objects; i++)
		assert_true(vm_slab_allocate(slab) != VM_SLAB_NONE);
	assert_int_equal(vm_slab_allocate(slab), VM_SLAB_NONE);
	assert_false(vm_slab_free(slab, 2 * objects));
	free(arena.base);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sixty_four_pages_asked_for_eight),
		cmocka_unit_test(requests_round_up_to_powers_of_two),
		cmocka_unit_test(buddy_agrees_with_counting_aligned_runs),
		cmocka_unit_test(counts_alone_say_what_a_request_leaves),
		cmocka_unit_test(fragmentation_has_an_index),
		cmocka_unit_test(each_fit_chooses_its_hole),
		cmocka_unit_test(fits_agree_with_looking_at_every_unit),
		cmocka_unit_test(slabs_are_cut_up_as_linux_does),
		cmocka_unit_test(a_cache_asks_for_pages_only_when_it_is_full),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
