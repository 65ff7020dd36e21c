/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "vm/intern.h"
#include "vm/programs.h"
#include "vm/random.h"
#include "vm/replace.h"

#define LENGTH 4000
#define PAGES  40
#define MOST   8

/* Loops over a hot part that moves on now and then, one string a program. */
static uint32_t *phases(uint64_t seed, uint32_t hot_pages)
{
	uint32_t *references = malloc(LENGTH * sizeof(*references));
	uint64_t random = seed;

	for (uint32_t i = 0; i < LENGTH; i++) {
		const uint32_t base = i / 1000 * 7;
		references[i] = (base + (uint32_t)vm_random_below(&random, hot_pages)) % PAGES;
		if (vm_random_below(&random, 4) == 0)
			references[i] |= VM_REFERENCE_WRITES;
	}
	return references;
}

static struct vm_programs_result run(
	struct vm_programs_config config, size_t count, struct vm_program_result *each)
{
	struct vm_program programs[MOST];
	struct vm_programs_result result;

	for (size_t i = 0; i < count; i++)
		programs[i] = (struct vm_program){phases(i, 10), LENGTH, PAGES};
	config.programs = programs;
	config.programs_count = count;
	assert_null(vm_programs_problem(&config));
	const size_t size_bytes = vm_programs_bytes(&config);
	struct vm_arena arena = vm_arena_over(malloc(size_bytes), size_bytes);
	assert_true(vm_programs_run(&config, &result, each, &arena));
	free(arena.base);
	for (size_t i = 0; i < count; i++)
		free((void *)programs[i].references);
	return result;
}

static struct vm_programs_config ordinary(void)
{
	return (struct vm_programs_config){.frames = 40,
		.transfer_ticks = 20,
		.quantum_references = 50,
		.window_references = 60,
		.stay_references = 500};
}

/* One program alone is the replacement simulator, and the device's time is idle time. */
static void one_program_is_plain_lru(void **state)
{
	(void)state;
	struct vm_program_result each[MOST];
	struct vm_programs_config config = ordinary();
	uint32_t *references = phases(0, 10);

	config.frames = 9;
	const struct vm_programs_result result = run(config, 1, each);
	const struct vm_replace_config alone = {
		.policy = VM_POLICY_LRU, .pages = PAGES, .frames = 9};
	const size_t size_bytes = vm_replace_bytes(&alone);
	struct vm_arena arena = vm_arena_over(malloc(size_bytes), size_bytes);
	struct vm_replace *replace = vm_replace_create(&alone, &arena);
	vm_replace_run(replace, references, LENGTH);
	assert_int_equal(result.faults, vm_replace_counts(replace)->faults);
	assert_int_equal(result.transfers, vm_replace_counts(replace)->transfers);
	assert_int_equal(result.busy_ticks, LENGTH);
	assert_int_equal(result.ticks, LENGTH + 20 * result.transfers);
	free(arena.base);
	free(references);
}

/* As long as the working sets fit, more programs cost the processor little; then it idles. */
static void too_many_programs_thrash_and_a_balance_set_does_not(void **state)
{
	(void)state;
	struct vm_program_result each[MOST];
	struct vm_programs_config config = ordinary();
	uint64_t idle_per_mille[MOST + 1];

	for (size_t count = 1; count <= MOST; count++) {
		const struct vm_programs_result result = run(config, count, each);
		assert_int_equal(result.busy_ticks, count * LENGTH);
		idle_per_mille[count] = 1000 - result.busy_ticks * 1000 / result.ticks;
	}
	assert_true(idle_per_mille[4] < idle_per_mille[1] + 50);
	assert_true(idle_per_mille[MOST] > idle_per_mille[4] + 500);
	const struct vm_programs_result thrashing = run(config, MOST, each);
	config.admission = VM_ADMIT_BALANCE_SET;
	const struct vm_programs_result balanced = run(config, MOST, each);
	assert_int_equal(balanced.busy_ticks, MOST * LENGTH);
	assert_true(balanced.ticks * 2 < thrashing.ticks);
	assert_true(balanced.transfers < thrashing.transfers);
}

static void local_replacement_protects_the_modest_from_the_greedy(void **state)
{
	(void)state;
	struct vm_program programs[2];
	struct vm_program_result each[2][2];
	struct vm_programs_result result;
	uint32_t *greedy = malloc(LENGTH * sizeof(*greedy));
	uint32_t *modest = malloc(LENGTH * sizeof(*modest));

	for (uint32_t i = 0; i < LENGTH; i++) {
		greedy[i] = i % PAGES;
		modest[i] = i % 10;
	}
	programs[0] = (struct vm_program){greedy, LENGTH, PAGES};
	programs[1] = (struct vm_program){modest, LENGTH, PAGES};
	for (unsigned scope = VM_SCOPE_GLOBAL; scope <= VM_SCOPE_LOCAL; scope++) {
		struct vm_programs_config config = ordinary();
		config.frames = 24;
		config.quantum_references = 5;
		config.transfer_ticks = 1;
		config.scope = (enum vm_scope)scope;
		config.programs = programs;
		config.programs_count = 2;
		const size_t size_bytes = vm_programs_bytes(&config);
		struct vm_arena arena = vm_arena_over(malloc(size_bytes), size_bytes);
		assert_true(vm_programs_run(&config, &result, each[scope], &arena));
		free(arena.base);
	}
	assert_int_equal(each[VM_SCOPE_LOCAL][1].faults, 10);
	assert_true(each[VM_SCOPE_GLOBAL][1].faults >= 10);
	free(greedy);
	free(modest);
}

static void whole_programs_move_in_and_out(void **state)
{
	(void)state;
	struct vm_program_result each[MOST];
	struct vm_programs_config config = ordinary();

	config.admission = VM_ADMIT_WHOLE;
	const struct vm_programs_result result = run(config, 3, each);
	assert_int_equal(result.busy_ticks, 3 * LENGTH);
	assert_int_equal(result.faults, 0);
	for (size_t i = 0; i < 3; i++) {
		assert_true(each[i].swapped_in > 1);
		assert_int_equal(each[i].swapped_in, each[i].swapped_out + 1);
		assert_true(each[i].transfers >= PAGES * each[i].swapped_in);
	}
	config.frames = PAGES - 1;
	const struct vm_program large = {.count = 0, .pages = PAGES};
	config.programs = &large;
	config.programs_count = 1;
	assert_non_null(vm_programs_problem(&config));
}

static void every_program_comes_to_its_end(void **state)
{
	(void)state;
	for (unsigned admission = VM_ADMIT_ALL; admission <= VM_ADMIT_WHOLE; admission++)
		for (uint32_t frames = PAGES; frames <= 200; frames += 23)
			for (size_t count = 1; count <= MOST; count++) {
				struct vm_program_result each[MOST];
				struct vm_programs_config config = ordinary();
				config.admission = (enum vm_admission)admission;
				config.frames = frames;
				const struct vm_programs_result result = run(config, count, each);
				assert_int_equal(result.busy_ticks, count * LENGTH);
				for (size_t i = 0; i < count; i++)
					assert_true(each[i].ended_at_ticks >= LENGTH);
			}
}

static void numbers_are_dense_and_in_order(void **state)
{
	(void)state;
	const size_t size_bytes = vm_intern_bytes(100);
	struct vm_arena arena = vm_arena_over(malloc(size_bytes), size_bytes);
	struct vm_intern intern;

	assert_true(vm_intern_create(&intern, 100, &arena));
	for (uint64_t round = 0; round < 2; round++)
		for (uint64_t i = 0; i < 100; i++)
			assert_int_equal(vm_intern_number(&intern, i * 0x100000001), i);
	assert_int_equal(vm_intern_number(&intern, UINT64_MAX), VM_INTERN_FULL);
	assert_int_equal(intern.keys[99], 99 * UINT64_C(0x100000001));
	free(arena.base);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_program_is_plain_lru),
		cmocka_unit_test(too_many_programs_thrash_and_a_balance_set_does_not),
		cmocka_unit_test(local_replacement_protects_the_modest_from_the_greedy),
		cmocka_unit_test(whole_programs_move_in_and_out),
		cmocka_unit_test(every_program_comes_to_its_end),
		cmocka_unit_test(numbers_are_dense_and_in_order),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
