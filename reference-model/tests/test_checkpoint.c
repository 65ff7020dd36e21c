/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "vm/checkpoint.h"
#include "vm/random.h"

#define PAGES	    20
#define CHECKPOINTS 8
#define ROUNDS	    100

/* Every checkpoint is also kept whole; base and differences must rebuild each of them. */
static void differences_rebuild_every_checkpoint(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 10000; seed++) {
		const size_t size_bytes =
			vm_checkpoint_bytes(PAGES, CHECKPOINTS, PAGES * CHECKPOINTS);
		struct vm_arena arena = vm_arena_over(malloc(size_bytes), size_bytes);
		struct vm_checkpoint *memory =
			vm_checkpoint_create(PAGES, CHECKPOINTS, PAGES * CHECKPOINTS, &arena);
		uint64_t random = seed, now[PAGES] = {0}, kept[CHECKPOINTS][PAGES], back[PAGES];
		struct vm_checkpoint_cost cost;
		for (uint32_t number = 0; number < CHECKPOINTS; number++) {
			bool written[PAGES] = {false};
			uint32_t different = 0;
			for (uint64_t i = vm_random_below(&random, 30); i > 0; i--) {
				const uint32_t page = (uint32_t)vm_random_below(&random, PAGES);
				now[page] = vm_random_next(&random);
				assert_int_equal(vm_checkpoint_write(memory, page, now[page]),
					number > 0 && !written[page]);
				different += !written[page];
				written[page] = true;
			}
			assert_true(vm_checkpoint_take(memory, &cost));
			assert_int_equal(cost.incremental_pages, number == 0 ? PAGES : different);
			assert_int_equal(cost.full_pages, PAGES);
			memcpy(kept[number], now, sizeof(now));
		}
		assert_false(vm_checkpoint_take(memory, &cost));
		for (uint32_t number = 0; number < CHECKPOINTS; number++) {
			assert_true(vm_checkpoint_restore(memory, number, back));
			assert_memory_equal(back, kept[number], sizeof(back));
		}
		assert_false(vm_checkpoint_restore(memory, CHECKPOINTS, back));
		free(arena.base);
	}
}

static bool has_the_error(void *context, const uint64_t *contents, uint32_t pages)
{
	const uint64_t *error = context;

	(void)pages;
	return contents[3] == *error;
}

static void rewinding_stops_before_the_error(void **state)
{
	(void)state;
	const size_t size_bytes = vm_checkpoint_bytes(PAGES, CHECKPOINTS, PAGES);
	struct vm_arena arena = vm_arena_over(malloc(size_bytes), size_bytes);
	struct vm_checkpoint *memory = vm_checkpoint_create(PAGES, CHECKPOINTS, PAGES, &arena);
	struct vm_checkpoint_cost cost;
	uint64_t error = 13, back[PAGES];

	for (uint32_t number = 0; number < 5; number++) {
		(void)vm_checkpoint_write(memory, 3, number < 3 ? number : error);
		assert_true(vm_checkpoint_take(memory, &cost));
	}
	assert_int_equal(vm_checkpoint_rewind(memory, has_the_error, &error, back), 2);
	assert_int_equal(back[3], 2);
	error = 0;
	assert_int_equal(vm_checkpoint_rewind(memory, has_the_error, &error, back), 4);
	free(arena.base);
}

static struct vm_precopy_result precopy(uint32_t written_a_second, struct vm_precopy_round *rounds)
{
	const struct vm_precopy_config config = {
		.pages = 10000,
		.writable_pages = 10000,
		.copied_a_second = 1000,
		.written_a_second = written_a_second,
		.stop_pages = 50,
		.rounds_limit = ROUNDS,
		.seed = 1,
	};
	const size_t size_bytes = vm_precopy_bytes(&config);
	struct vm_arena arena = vm_arena_over(malloc(size_bytes), size_bytes);
	struct vm_precopy_result result;

	assert_true(vm_precopy_run(&config, rounds, &result, &arena));
	free(arena.base);
	return result;
}

static void precopy_converges_below_the_copy_rate(void **state)
{
	(void)state;
	struct vm_precopy_round rounds[ROUNDS];

	for (uint32_t written = 0; written < 1000; written += 100) {
		const struct vm_precopy_result result = precopy(written, rounds);
		assert_true(result.converged);
		assert_true(result.stopped_pages <= 50);
		for (uint32_t i = 0; i < result.rounds; i++)
			assert_true(rounds[i].dirtied_pages < rounds[i].copied_pages);
	}
	/* Twice the copy rate: what is dirtied settles where the writes of a round hit it again. */
	const struct vm_precopy_result result = precopy(2000, rounds);
	assert_false(result.converged);
	assert_int_equal(result.rounds, ROUNDS);
	assert_true(result.stopped_pages > 5000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(differences_rebuild_every_checkpoint),
		cmocka_unit_test(rewinding_stops_before_the_error),
		cmocka_unit_test(precopy_converges_below_the_copy_rate),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
