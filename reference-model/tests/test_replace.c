/* SPDX-License-Identifier: Apache-2.0 */
/* The replacement simulators: worked examples, properties, and a naive second implementation. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "naive.h"
#include "vm/curve.h"
#include "vm/random.h"
#include "vm/replace.h"

#define STRINGS	     10000
#define FRAMES_LIMIT 8

static const uint32_t belady[] = {1, 2, 3, 4, 1, 2, 5, 1, 2, 3, 4, 5};
#define BELADY_COUNT (sizeof(belady) / sizeof(belady[0]))

static struct vm_replace *create(const struct vm_replace_config *config, struct vm_arena *arena)
{
	const size_t size_bytes = vm_replace_bytes(config);

	assert_null(vm_replace_config_problem(config));
	*arena = vm_arena_over(malloc(size_bytes), size_bytes);
	assert_non_null(arena->base);
	struct vm_replace *replace = vm_replace_create(config, arena);
	assert_non_null(replace);
	return replace;
}

static struct vm_replace_counts run(
	const struct vm_replace_config *config, const uint32_t *references, size_t count)
{
	struct vm_arena arena;
	struct vm_replace *replace = create(config, &arena);

	vm_replace_run(replace, references, count);
	const struct vm_replace_counts counts = *vm_replace_counts(replace);
	free(arena.base);
	return counts;
}

static uint64_t faults(
	enum vm_policy policy, uint32_t frames, const uint32_t *references, size_t count)
{
	const struct vm_replace_config config = {
		.policy = policy,
		.pages = NAIVE_PAGES,
		.frames = frames,
		.future = references,
		.future_count = policy == VM_POLICY_OPT ? count : 0,
		.seed = 1,
		.hand_gap_frames = frames / 2,
		.window_references = 4,
	};
	return run(&config, references, count).faults;
}

/* A configuration that the policy accepts, everything else drawn. */
static struct vm_replace_config draw_config(
	enum vm_policy policy, uint64_t *random, const uint32_t *references, size_t count)
{
	const bool unlimited = policy == VM_POLICY_WORKING_SET || policy == VM_POLICY_PFF;
	struct vm_replace_config config = {
		.policy = policy,
		.pages = NAIVE_PAGES,
		.frames = unlimited ? NAIVE_PAGES
				    : 1 + (uint32_t)vm_random_below(random, FRAMES_LIMIT),
		.future = references,
		.future_count = policy == VM_POLICY_OPT ? count : 0,
		.seed = vm_random_next(random),
		.load_leaves_bit_clear = vm_random_below(random, 2) != 0,
		.period_references = vm_random_below(random, 8),
		.window_references = 1 + vm_random_below(random, 12),
		.use = vm_random_below(random, 2) != 0 ? VM_USE_READ : VM_USE_MAPPED,
		.balance = vm_random_below(random, 2) != 0 ? VM_LIST_BALANCE_THIRDS
							   : VM_LIST_BALANCE_ROOT_OF_SIZE,
		.rival = vm_random_below(random, 4) == 0 ? VM_LIST_RIVAL_NO_REFAULT_ACTIVATION
							 : VM_LIST_RIVAL_NONE,
	};
	if (policy == VM_POLICY_BUFFERING) {
		config.frames++;
		config.pool_frames = 1 + (uint32_t)vm_random_below(random, config.frames - 1);
	}
	/* The order in which ageing promotes frames is that of the frames, not of the pages. */
	if (policy == VM_POLICY_GENERATIONS)
		config.use = VM_USE_READ;
	config.hand_gap_frames = (uint32_t)vm_random_below(random, config.frames + 1);
	return config;
}

/* Local strings and spread ones, with few and with many writes. */
static size_t draw_string(uint64_t *random, uint32_t *references)
{
	const size_t count = 1 + vm_random_below(random, STRING_LIMIT);
	const uint32_t pages = 2 + (uint32_t)vm_random_below(random, NAIVE_PAGES - 1);
	const uint64_t writes = vm_random_below(random, 5);

	for (size_t i = 0; i < count; i++) {
		const bool near = vm_random_below(random, 3) != 0;
		references[i] = (uint32_t)vm_random_below(random, near ? (pages + 1) / 2 : pages);
		if (vm_random_below(random, 5) < writes)
			references[i] |= VM_REFERENCE_WRITES;
	}
	return count;
}

static void compare_with_naive(enum vm_policy policy, uint64_t seed)
{
	uint64_t random = seed;
	uint32_t references[STRING_LIMIT];
	const size_t count = draw_string(&random, references);
	const struct vm_replace_config config = draw_config(policy, &random, references, count);
	struct naive_outcome naive = {.write_backs = 0};
	struct vm_replace_event event;
	struct vm_arena arena;
	struct vm_replace *replace = create(&config, &arena);

	naive_policies[policy](&config, references, count, &naive);
	for (size_t i = 0; i < count; i++) {
		vm_replace_reference(replace, references[i], &event);
		if (event.fault != naive.fault[i])
			fail_msg("%s, seed %llu: reference %zu: %s, naive: %s",
				vm_policy_word(policy), (unsigned long long)seed, i,
				event.fault ? "fault" : "hit", naive.fault[i] ? "fault" : "hit");
		assert_int_equal(
			vm_replace_page_in(replace, event.frame), vm_reference_page(references[i]));
	}
	const struct vm_replace_counts *counts = vm_replace_counts(replace);
	if (counts->write_backs != naive.write_backs)
		fail_msg("%s, seed %llu: %llu write-backs, naive: %llu", vm_policy_word(policy),
			(unsigned long long)seed, (unsigned long long)counts->write_backs,
			(unsigned long long)naive.write_backs);
	assert_int_equal(counts->resident, naive.resident);
	assert_int_equal(counts->taken_back, naive.taken_back);
	assert_int_equal(
		counts->transfers, counts->faults - counts->taken_back + counts->write_backs);
	const struct vm_replace_counts fast = run(&config, references, count);
	assert_memory_equal(&fast, counts, sizeof(fast));
	free(arena.base);
}

static void each_policy_agrees_with_a_naive_second_implementation(void **state)
{
	(void)state;
	for (enum vm_policy policy = 0; policy < VM_POLICY_LIMIT; policy++)
		for (uint64_t seed = 0; seed < STRINGS; seed++)
			compare_with_naive(policy, seed);
}

static void generations_of_mapped_pages_agree_where_one_frame_decides(void **state)
{
	(void)state;
	/* With one or two frames the order of promotion cannot matter. */
	for (uint64_t seed = 0; seed < STRINGS; seed++) {
		uint64_t random = seed;
		uint32_t references[STRING_LIMIT];
		const size_t count = draw_string(&random, references);
		const struct vm_replace_config config = {
			.policy = VM_POLICY_GENERATIONS,
			.pages = NAIVE_PAGES,
			.frames = 1,
			.use = VM_USE_MAPPED,
		};
		struct naive_outcome naive = {.write_backs = 0};
		uint64_t naive_faults = 0;
		naive_policies[config.policy](&config, references, count, &naive);
		for (size_t i = 0; i < count; i++)
			naive_faults += naive.fault[i];
		assert_int_equal(run(&config, references, count).faults, naive_faults);
	}
}

static void beladys_anomaly_is_fifos(void **state)
{
	(void)state;
	assert_int_equal(faults(VM_POLICY_FIFO, 3, belady, BELADY_COUNT), 9);
	assert_int_equal(faults(VM_POLICY_FIFO, 4, belady, BELADY_COUNT), 10);
	assert_int_equal(faults(VM_POLICY_LRU, 3, belady, BELADY_COUNT), 10);
	assert_int_equal(faults(VM_POLICY_LRU, 4, belady, BELADY_COUNT), 8);
	assert_int_equal(faults(VM_POLICY_OPT, 3, belady, BELADY_COUNT), 7);
	assert_int_equal(faults(VM_POLICY_OPT, 4, belady, BELADY_COUNT), 6);
}

static void opt_is_never_worse(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < STRINGS / 10; seed++) {
		uint64_t random = seed;
		uint32_t references[STRING_LIMIT];
		const size_t count = draw_string(&random, references);
		for (uint32_t frames = 1; frames <= FRAMES_LIMIT; frames++) {
			const uint64_t least = faults(VM_POLICY_OPT, frames, references, count);
			for (enum vm_policy policy = VM_POLICY_FIFO; policy < VM_POLICY_LIMIT;
				policy++) {
				if (policy == VM_POLICY_WORKING_SET || policy == VM_POLICY_PFF ||
					policy == VM_POLICY_BUFFERING)
					continue;
				assert_true(faults(policy, frames, references, count) >= least);
			}
		}
	}
}

static void lru_and_opt_never_fault_more_with_more_frames(void **state)
{
	(void)state;
	static const enum vm_policy stacks[] = {VM_POLICY_LRU, VM_POLICY_OPT};

	for (uint64_t seed = 0; seed < STRINGS / 10; seed++) {
		uint64_t random = seed;
		uint32_t references[STRING_LIMIT];
		const size_t count = draw_string(&random, references);
		for (size_t i = 0; i < 2; i++)
			for (uint32_t frames = 2; frames <= FRAMES_LIMIT; frames++)
				assert_true(faults(stacks[i], frames, references, count) <=
					    faults(stacks[i], frames - 1, references, count));
	}
}

static void hands_meet_the_policies_at_their_ends(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < STRINGS / 10; seed++) {
		uint64_t random = seed;
		uint32_t references[STRING_LIMIT];
		const size_t count = draw_string(&random, references);
		struct vm_replace_config config = {
			.policy = VM_POLICY_TWO_HANDED, .pages = NAIVE_PAGES, .frames = 5};
		/* No gap: nobody can be used in between. */
		assert_int_equal(run(&config, references, count).faults,
			faults(VM_POLICY_FIFO, 5, references, count));
		config.hand_gap_frames = 5;
		assert_int_equal(run(&config, references, count).faults,
			faults(VM_POLICY_CLOCK, 5, references, count));
	}
}

static void curves_hold_all_sizes(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < STRINGS / 10; seed++) {
		uint64_t random = seed;
		uint32_t references[STRING_LIMIT];
		const size_t count = draw_string(&random, references);
		const size_t size_bytes = vm_curve_bytes(NAIVE_PAGES);
		const size_t opt_bytes = vm_curve_opt_bytes(NAIVE_PAGES, count);
		struct vm_arena arena = vm_arena_over(malloc(size_bytes), size_bytes);
		struct vm_arena opt_arena = vm_arena_over(malloc(opt_bytes), opt_bytes);
		uint64_t distances[NAIVE_PAGES];
		struct vm_curve *curve = vm_curve_create(NAIVE_PAGES, &arena);
		assert_non_null(curve);
		vm_curve_run(curve, references, count);
		uint64_t opt = vm_curve_opt(references, count, NAIVE_PAGES, distances, &opt_arena);
		assert_int_equal(opt, vm_curve_cold(curve));
		for (uint32_t i = 0; i < NAIVE_PAGES; i++)
			opt += distances[i];
		assert_int_equal(opt, count);
		for (uint32_t frames = 1; frames < NAIVE_PAGES; frames++) {
			opt -= distances[frames - 1];
			assert_int_equal(vm_curve_misses(curve, frames),
				faults(VM_POLICY_LRU, frames, references, count));
			assert_int_equal(opt, faults(VM_POLICY_OPT, frames, references, count));
		}
		free(arena.base);
		free(opt_arena.base);
	}
}

static void long_strings_compact_the_curve(void **state)
{
	(void)state;
	enum { PAGES = 1000, COUNT = 50000 };
	uint32_t *references = malloc(COUNT * sizeof(*references));
	const size_t size_bytes = vm_curve_bytes(PAGES);
	struct vm_arena arena = vm_arena_over(malloc(size_bytes), size_bytes);
	uint64_t random = 7;
	for (size_t i = 0; i < COUNT; i++) {
		const uint64_t limit = 1 + vm_random_below(&random, PAGES);
		references[i] = (uint32_t)vm_random_below(&random, limit);
	}
	struct vm_curve *curve = vm_curve_create(PAGES, &arena);
	vm_curve_run(curve, references, COUNT);
	for (uint32_t frames = 1; frames < PAGES; frames += 37) {
		const struct vm_replace_config config = {
			.policy = VM_POLICY_LRU, .pages = PAGES, .frames = frames};
		assert_int_equal(
			vm_curve_misses(curve, frames), run(&config, references, COUNT).faults);
	}
	free(arena.base);
	free(references);
}

static void a_full_turn_takes_the_first_page(void **state)
{
	(void)state;
	struct vm_replace_config config = {
		.policy = VM_POLICY_CLOCK, .pages = NAIVE_PAGES, .frames = 3};
	struct vm_arena arena;
	struct vm_replace *replace = create(&config, &arena);
	struct vm_replace_event event;

	for (uint32_t page = 0; page < 4; page++)
		vm_replace_reference(replace, page, &event);
	assert_int_equal(event.victim, 0);
	assert_int_equal(vm_replace_hand(replace), 1);
	assert_int_equal(vm_replace_counts(replace)->scanned, 4);
	free(arena.base);
}

static void buffering_waits_for_one_of_two_transfers(void **state)
{
	(void)state;
	/* Every page is written: each fault moves one page in and one out. */
	uint32_t references[60];
	for (uint32_t i = 0; i < 60; i++)
		references[i] = i % 12 | VM_REFERENCE_WRITES;
	struct vm_replace_config config = {
		.policy = VM_POLICY_BUFFERING, .pages = NAIVE_PAGES, .frames = 6, .pool_frames = 2};
	struct vm_replace_counts counts = run(&config, references, 60);
	assert_int_equal(counts.faults, 60);
	assert_int_equal(counts.critical_transfers, 60);
	assert_int_equal(counts.transfers, 60 + 56);
	config.policy = VM_POLICY_FIFO;
	counts = run(&config, references, 60);
	assert_int_equal(counts.transfers, 60 + 54);
	assert_int_equal(counts.critical_transfers, 60 + 54);
}

static void one_scan_does_not_flush_linuxs_active_list(void **state)
{
	(void)state;
	enum { HOT = 400, FRAMES = 1000, SCAN = 5000, PAGES = HOT + SCAN };
	static const enum vm_policy policies[] = {
		VM_POLICY_TWO_LIST, VM_POLICY_LRU, VM_POLICY_FIFO};
	static const uint32_t survivors[] = {HOT, 0, 0};
	struct vm_replace_event event;

	for (size_t i = 0; i < 3; i++) {
		const struct vm_replace_config config = {.policy = policies[i],
			.pages = PAGES,
			.frames = FRAMES,
			.reclaim_batch_frames = 32};
		struct vm_arena arena;
		struct vm_replace *replace = create(&config, &arena);
		for (uint32_t round = 0; round < 2; round++)
			for (uint32_t page = 0; page < HOT; page++)
				vm_replace_reference(replace, page, &event);
		for (uint32_t page = HOT; page < PAGES; page++)
			vm_replace_reference(replace, page, &event);
		uint32_t alive = 0;
		for (uint32_t page = 0; page < HOT; page++)
			alive += vm_replace_is_resident(replace, page);
		assert_int_equal(alive, survivors[i]);
		free(arena.base);
	}
}

static void refault_distance_saves_what_larger_memory_would_keep(void **state)
{
	(void)state;
	/* A stale active list, then a loop a little larger than the inactive one. */
	enum { STALE = 500, FRAMES = 1000, LOOP = 700, PAGES = STALE + LOOP };
	uint32_t references[2 * STALE + 20 * LOOP];
	size_t count = 0;
	for (uint32_t i = 0; i < 2 * STALE; i++)
		references[count++] = i % STALE;
	for (uint32_t i = 0; i < 20 * LOOP; i++)
		references[count++] = STALE + i % LOOP;
	struct vm_replace_config config = {.policy = VM_POLICY_TWO_LIST,
		.pages = PAGES,
		.frames = FRAMES,
		.reclaim_batch_frames = 32};
	const struct vm_replace_counts with = run(&config, references, count);
	config.rival = VM_LIST_RIVAL_NO_REFAULT_ACTIVATION;
	const struct vm_replace_counts without = run(&config, references, count);
	assert_true(with.refault_activations > 0);
	assert_true(without.faults > 5 * with.faults);
}

/* Hot pages twice, cold ones once, then new ones: how many of the hot are left. */
static uint32_t hot_pages_left(struct vm_replace_config config)
{
	enum { HOT = 100, COLD = 100, NEW = 2000, FRAMES = 400 };
	struct vm_replace_event event;
	uint32_t left = 0;

	config.policy = VM_POLICY_TWO_LIST;
	config.pages = HOT + COLD + NEW;
	config.frames = FRAMES;
	config.reclaim_batch_frames = 32;
	void *memory = calloc(1, vm_replace_bytes(&config));
	struct vm_arena arena = vm_arena_over(memory, vm_replace_bytes(&config));
	struct vm_replace *replace = vm_replace_create(&config, &arena);
	assert_non_null(replace);
	for (uint32_t i = 0; i < 2 * HOT; i++)
		vm_replace_reference(replace, i % HOT, &event);
	for (uint32_t page = HOT; page < config.pages; page++)
		vm_replace_reference(replace, page, &event);
	for (uint32_t page = 0; page < HOT; page++)
		left += vm_replace_is_resident(replace, page);
	free(memory);
	return left;
}

/* Each of the rules that the rivals lack is what keeps the pages. */
static void a_rival_leaves_other_pages(void **state)
{
	const struct vm_replace_config mapped = {.use = VM_USE_MAPPED, .read_from_page = 100};
	struct vm_replace_config config = {.rival = VM_LIST_RIVAL_NONE};

	(void)state;
	assert_int_equal(hot_pages_left(config), 100);
	config.rival = VM_LIST_RIVAL_LRU;
	assert_int_equal(hot_pages_left(config), 0);
	config.rival = VM_LIST_RIVAL_FIFO;
	assert_int_equal(hot_pages_left(config), 0);
	config.rival = VM_LIST_RIVAL_NO_PROMOTION;
	assert_int_equal(hot_pages_left(config), 0);
	/* A bit in a page table is worth one round, not two. */
	assert_int_equal(hot_pages_left(mapped), 0);
}

/* What is known late moves the edge and not the hot pages. */
static void late_sizes_keep_what_is_hot(void **state)
{
	(void)state;
	for (uint32_t lag = 0; lag < 32; lag++)
		for (uint32_t phase = 0; phase < 3; phase++)
			assert_int_equal(hot_pages_left((struct vm_replace_config){
						 .statistics_lag_moves = lag,
						 .statistics_phase_moves = phase,
						 .statistics_at_reference = lag % 2 != 0,
					 }),
				100);
}

static void memory_stays_below_the_promise(void **state)
{
	(void)state;
	static const enum vm_policy dense[] = {
		VM_POLICY_OPT, VM_POLICY_FIFO, VM_POLICY_LRU, VM_POLICY_CLOCK};
	const uint64_t pages = 1000000, frames = 100000, count = 20000000;
	static const uint32_t dummy;

	for (size_t i = 0; i < 4; i++) {
		const struct vm_replace_config config = {
			.policy = dense[i],
			.pages = (uint32_t)pages,
			.frames = (uint32_t)frames,
			.future = &dummy,
			.future_count = dense[i] == VM_POLICY_OPT ? count : 0,
		};
		assert_true(vm_replace_bytes(&config) <=
			    64 * pages + 16 * frames + 8 * config.future_count);
	}
	assert_true(vm_curve_bytes((uint32_t)pages) <= 64 * pages);
}

static void nonsense_is_refused_with_a_reason(void **state)
{
	(void)state;
	struct vm_replace_config config = {.policy = VM_POLICY_LRU, .pages = 1, .frames = 1};

	assert_null(vm_replace_config_problem(&config));
	config.frames = 0;
	assert_non_null(vm_replace_config_problem(&config));
	config.frames = 1;
	config.pages = UINT32_MAX;
	assert_non_null(vm_replace_config_problem(&config));
	config.pages = 2;
	config.policy = VM_POLICY_BUFFERING;
	assert_non_null(vm_replace_config_problem(&config));
	config.policy = VM_POLICY_WORKING_SET;
	assert_non_null(vm_replace_config_problem(&config));
	config.policy = VM_POLICY_OPT;
	config.future_count = 1;
	assert_non_null(vm_replace_config_problem(&config));
	config.policy = VM_POLICY_LIMIT;
	assert_non_null(vm_replace_config_problem(&config));
	assert_int_equal(vm_policy_of("clock"), VM_POLICY_CLOCK);
	assert_int_equal(vm_policy_of("clocks"), VM_POLICY_LIMIT);
	assert_int_equal(vm_policy_of(""), VM_POLICY_LIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_policy_agrees_with_a_naive_second_implementation),
		cmocka_unit_test(generations_of_mapped_pages_agree_where_one_frame_decides),
		cmocka_unit_test(beladys_anomaly_is_fifos),
		cmocka_unit_test(opt_is_never_worse),
		cmocka_unit_test(lru_and_opt_never_fault_more_with_more_frames),
		cmocka_unit_test(hands_meet_the_policies_at_their_ends),
		cmocka_unit_test(curves_hold_all_sizes),
		cmocka_unit_test(long_strings_compact_the_curve),
		cmocka_unit_test(a_full_turn_takes_the_first_page),
		cmocka_unit_test(buffering_waits_for_one_of_two_transfers),
		cmocka_unit_test(one_scan_does_not_flush_linuxs_active_list),
		cmocka_unit_test(refault_distance_saves_what_larger_memory_would_keep),
		cmocka_unit_test(a_rival_leaves_other_pages),
		cmocka_unit_test(late_sizes_keep_what_is_hot),
		cmocka_unit_test(memory_stays_below_the_promise),
		cmocka_unit_test(nonsense_is_refused_with_a_reason),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
