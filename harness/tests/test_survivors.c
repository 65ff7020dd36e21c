/* SPDX-License-Identifier: Apache-2.0 */
/* What is said of a string holds whatever the kernel leaves open, and for no policy that it denies.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "probe/simulate.h"
#include "probe/survivors.h"
#include "vm/model.h"

static const enum vm_list_rival rivals[] = {VM_LIST_RIVAL_LRU, VM_LIST_RIVAL_FIFO,
	VM_LIST_RIVAL_NO_PROMOTION, VM_LIST_RIVAL_NO_DEMOTION};
static const enum vm_list_rival no_refaults[] = {VM_LIST_RIVAL_NO_REFAULT_ACTIVATION};
static const enum vm_list_rival no_chance[] = {
	VM_LIST_RIVAL_LRU, VM_LIST_RIVAL_FIFO, VM_LIST_RIVAL_NO_SECOND_CHANCE};

/* As probes/reclaim/strings.c has them. */
static const struct {
	enum string_name name;
	size_t rivals_count;
	const enum vm_list_rival *rivals;
	uint32_t limits[3];
	unsigned decided_percent; /* at least, where the statistics are up to date */
} strings[] = {
	{STRING_TWICE, 3, rivals, {512, 600, 1000}, 95},
	{STRING_SCAN, 3, rivals, {512, 600, 1000}, 95},
	{STRING_BALANCE, 4, rivals, {2000, 2100, 3000}, 95},
	{STRING_REFAULT, 1, no_refaults, {512, 600, 1000}, 85},
	{STRING_SECOND_CHANCE, 3, no_chance, {512, 600, 1000}, 95},
	{STRING_LOOP, 0, NULL, {512, 600, 1000}, 85},
	{STRING_TWO_LOOPS, 0, NULL, {512, 600, 1000}, 85},
	{STRING_LOOPS_APART, 0, NULL, {512, 600, 1000}, 85},
};

#define STRINGS (sizeof(strings) / sizeof(strings[0]))
#define LIMITS	3

struct bench {
	struct vm_host host;
	struct vm_model model;
	struct vm_arena arena;
	struct vm_predictions predictions;
	struct string string;
	uint32_t limit;
};

static void *memory_of(size_t size_bytes)
{
	void *memory = calloc(1, size_bytes);

	assert_non_null(memory);
	return memory;
}

/* A string at a limit, by the one kind of lists or the other; what is known of the group. */
struct question {
	size_t index;
	bool generations;
	uint32_t limit, cpus;
	int64_t late, others;
};

static struct bench say_by(const struct question *question)
{
	const size_t index = question->index;
	enum { ROOM_BYTES = 1 << 22 };
	const int64_t others[2] = {question->others, question->others},
		      missing[2] = {0, question->late};
	const struct survivors_about about = {
		.claim = "policy.two-list",
		.name = strings[index].name,
		.limit_pages = question->limit,
		.rivals_count = strings[index].rivals_count,
		.rivals = strings[index].rivals,
		.by_generations = question->generations,
	};
	struct bench bench = {
		.host = {.cpus_online = question->cpus, .cpus_possible = question->cpus},
		.arena = vm_arena_over(memory_of(ROOM_BYTES), ROOM_BYTES),
		.string = string_of(strings[index].name, question->limit),
		.limit = question->limit,
	};
	const int64_t misses = bench.string.pages;
	const struct probe_reading items[] = {
		{"other-pages", "", 2, others},
		{"missing-in-statistics", "", 2, missing},
		{"misses", "", 1, &misses},
	};
	const struct probe_readings readings = {3, items};

	bench.host.feature[VM_FEATURE_GROUP_STATS_WAIT].present = true;
	bench.host.knob[VM_KNOB_LRU_GEN_ENABLED].present = question->generations;
	bench.host.knob[VM_KNOB_LRU_GEN_ENABLED].value = 7;
	bench.model = vm_model_for(VM_MODEL_LINUX, &bench.host);
	bench.predictions.arena = &bench.arena;
	predict_survivors(&bench.model, &bench.host, &readings, &about, &bench.predictions);
	return bench;
}

static struct bench say(size_t index, uint32_t limit, uint32_t cpus, int64_t late)
{
	return say_by(
		&(struct question){.index = index, .limit = limit, .cpus = cpus, .late = late});
}

static void drop(struct bench *bench)
{
	free(bench->arena.base);
}

static const struct vm_prediction *said_of(const struct bench *bench, const char *place)
{
	for (size_t i = 0; i < bench->predictions.count; i++)
		if (strcmp(bench->predictions.items[i].quantity, "resident") == 0 &&
			strcmp(bench->predictions.items[i].at, place) == 0)
			return &bench->predictions.items[i];
	fail_msg("nothing is said of %s", place);
	return NULL;
}

/* How many pages a simulated kernel has otherwise than it is said, over all looks. */
static uint64_t wrong_pages(const struct bench *bench, const struct vm_replace_config *config)
{
	struct vm_arena SIMULATE_ARENA arena = simulate_arena(vm_replace_bytes(config));
	struct vm_replace *replace = vm_replace_create(config, &arena);
	const struct string *string = &bench->string;
	char place[STRING_PLACE_BYTES];
	struct vm_replace_event event;
	uint64_t wrong = 0;

	for (size_t i = 0; i < string->phases_count; i++) {
		const struct string_phase *phase = &string->phase[i];
		for (uint32_t turn = 0; turn < phase->rounds; turn++)
			for (uint32_t page = 0; page < phase->count; page++)
				vm_replace_reference(replace, phase->first + page, &event);
		for (size_t k = 0; phase->look != NULL && k < string->phases_count; k++) {
			const struct string_phase *part = &string->phase[k];
			if (!string_is_part(string, k))
				continue;
			const struct vm_prediction *said =
				said_of(bench, string_place(phase->look, part, place));
			assert_int_equal(said->values_count, 2 * part->count);
			const int64_t *span = said->values;
			for (uint32_t page = 0; page < part->count; page++, span += 2) {
				const bool is = vm_replace_is_resident(replace, part->first + page);
				wrong += is < span[0] || is > span[1];
			}
		}
	}
	return wrong;
}

static struct vm_replace_config config_of(const struct bench *bench, enum vm_list_rival rival)
{
	return (struct vm_replace_config){
		.policy = VM_POLICY_TWO_LIST,
		.pages = bench->string.pages,
		.frames = bench->limit,
		.reclaim_batch_frames = 32,
		.balance = bench->model.behaviours.list_balance,
		.rival = rival,
		.use = bench->string.mapped != 0 ? VM_USE_MAPPED : VM_USE_READ,
		.read_from_page = bench->string.mapped,
	};
}

static void whatever_is_known_late_stays_within_what_is_said(void **state)
{
	(void)state;
	for (size_t i = 0; i < STRINGS; i++)
		for (size_t k = 0; k < LIMITS; k++)
			for (int64_t late = 0; late <= 1; late++) {
				struct bench bench = say(i, strings[i].limits[k], 2, late);
				struct vm_replace_config config =
					config_of(&bench, VM_LIST_RIVAL_NONE);
				config.statistics_at_reference = late == 0;
				/* A list that 32 pages leave is one change; see survivors.c. */
				for (uint32_t lag = 0; lag <= 128; lag += 16)
					for (uint32_t phase = 0; phase < lag + 1; phase += 16) {
						config.statistics_lag_moves = lag;
						config.statistics_phase_moves = phase;
						assert_int_equal(wrong_pages(&bench, &config), 0);
					}
				drop(&bench);
			}
}

static void each_rival_leaves_other_pages(void **state)
{
	(void)state;
	for (size_t i = 0; i < STRINGS; i++)
		for (size_t k = 0; k < LIMITS; k++)
			for (size_t rival = 0; rival < strings[i].rivals_count; rival++) {
				struct bench bench = say(i, strings[i].limits[k], 2, 0);
				const struct vm_replace_config config =
					config_of(&bench, strings[i].rivals[rival]);
				assert_true(wrong_pages(&bench, &config) != 0);
				drop(&bench);
			}
}

static void most_pages_are_decided(void **state)
{
	(void)state;
	for (size_t i = 0; i < STRINGS; i++)
		for (size_t k = 0; k < LIMITS; k++) {
			struct bench bench = say(i, strings[i].limits[k], 1, 0);
			uint64_t pages = 0, decided = 0;
			for (size_t at = 0; at < bench.predictions.count; at++) {
				const struct vm_prediction *said = &bench.predictions.items[at];
				if (strcmp(said->quantity, "resident") != 0)
					continue;
				for (size_t page = 0; 2 * page < said->values_count; page++)
					decided += said->values[2 * page] ==
						   said->values[2 * page + 1];
				pages += said->values_count / 2;
			}
			assert_true(decided * 100 >= pages * strings[i].decided_percent);
			drop(&bench);
		}
}

/* Whose pages are kept differs in each, so no kernel with the two lists passes for one with them.
 */
static void generations_leave_other_pages_than_the_two_lists(void **state)
{
	static const size_t told_apart[] = {0, 1, 4, 7};

	(void)state;
	for (size_t i = 0; i < sizeof(told_apart) / sizeof(told_apart[0]); i++)
		for (size_t k = 0; k < LIMITS; k++) {
			const size_t index = told_apart[i];
			struct bench bench = say_by(&(struct question){.index = index,
				.generations = true,
				.limit = strings[index].limits[k],
				.cpus = 1});
			struct vm_replace_config config = config_of(&bench, VM_LIST_RIVAL_NONE);
			assert_true(wrong_pages(&bench, &config) != 0);
			config.policy = VM_POLICY_GENERATIONS;
			config.reclaim_batch_frames = 64;
			config.read_ahead = true;
			assert_int_equal(wrong_pages(&bench, &config), 0);
			drop(&bench);
		}
}

/* Whatever a record says of the group, something is said of it, and no more than is known. */
static void nonsense_is_not_spoken_of(void **state)
{
	static const int64_t others[] = {-1, 100, 512, INT64_MAX, INT64_MIN};

	(void)state;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		struct bench bench =
			say_by(&(struct question){.limit = 512, .cpus = 1, .others = others[i]});
		const struct vm_prediction *said = bench.predictions.items;
		assert_int_equal(bench.predictions.count, 1);
		assert_true(said != NULL && said->form == VM_FORM_SILENT);
		drop(&bench);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whatever_is_known_late_stays_within_what_is_said),
		cmocka_unit_test(each_rival_leaves_other_pages),
		cmocka_unit_test(most_pages_are_decided),
		cmocka_unit_test(nonsense_is_not_spoken_of),
		cmocka_unit_test(generations_leave_other_pages_than_the_two_lists),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
