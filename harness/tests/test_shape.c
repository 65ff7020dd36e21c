/* SPDX-License-Identifier: Apache-2.0 */
/* Shapes on synthetic curves: the right ones hold, the bad_ ones never do. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "judge/shape.h"
#include "vm/random.h"

#define PLACES	       5
#define LAUNCHES_LIMIT 60
#define LAUNCHES       15
#define SEEDS	       200

/* Figures of the fork probe in microseconds, roughly: what one table costs, and all the rest. */
#define BASE  200.0
#define TABLE 80.0
/* A launch has a place of its own (layout, drift); within it places differ by noise. */
#define LAUNCH_NOISE 20.0
#define PLACE_NOISE  10.0

static const char *const places[PLACES] = {"1", "2", "4", "8", "16"};
static const int64_t tables[PLACES] = {1, 2, 4, 8, 16};

struct curves {
	double medians[LAUNCHES_LIMIT * PLACES];
	struct shape_sweep sweep;
};

/* -1 to 1, skewed like a timer's noise: disturbances only ever add. */
static double noise(uint64_t *state)
{
	const double uniform = (double)(vm_random_next(state) >> 11) / (double)(UINT64_C(1) << 53);

	return uniform * uniform * 2 - 0.5;
}

static void draw(struct curves *curves, const double *truth, size_t launches, uint64_t seed)
{
	uint64_t state = seed;

	for (size_t launch = 0; launch < launches; launch++) {
		const double offset = LAUNCH_NOISE * noise(&state);
		for (size_t place = 0; place < PLACES; place++)
			curves->medians[launch * PLACES + place] =
				truth[place] + offset + PLACE_NOISE * noise(&state);
	}
	curves->sweep = (struct shape_sweep){launches, PLACES, curves->medians};
}

static const double flat[PLACES] = {BASE, BASE, BASE, BASE, BASE};
static const double proportional[PLACES] = {
	BASE + TABLE, BASE + 2 * TABLE, BASE + 4 * TABLE, BASE + 8 * TABLE, BASE + 16 * TABLE};
static const double quadratic[PLACES] = {
	BASE + TABLE, BASE + 4 * TABLE, BASE + 16 * TABLE, BASE + 64 * TABLE, BASE + 256 * TABLE};
static const double logarithmic[PLACES] = {
	BASE, BASE + 4 * TABLE, BASE + 8 * TABLE, BASE + 12 * TABLE, BASE + 16 * TABLE};
static const double falling[PLACES] = {
	BASE + 16 * TABLE, BASE + 8 * TABLE, BASE + 4 * TABLE, BASE + 2 * TABLE, BASE};
static const double step_after_1[PLACES] = {
	BASE, BASE, BASE + 8 * TABLE, BASE + 8 * TABLE, BASE + 8 * TABLE};
static const double step_after_2[PLACES] = {BASE, BASE, BASE, BASE + 8 * TABLE, BASE + 8 * TABLE};
static const double line[PLACES] = {
	BASE, BASE + 4 * TABLE, BASE + 8 * TABLE, BASE + 12 * TABLE, BASE + 16 * TABLE};
static const double bump[PLACES] = {BASE, BASE, BASE + 15 * TABLE, BASE, BASE};

static enum shape_answer ask(enum vm_shape shape, const int64_t *values, const double *truth,
	const double *other, size_t launches, uint64_t seed)
{
	POOL_DROPS struct pool pool = {NULL};
	struct curves curves, others;
	const struct vm_prediction prediction = {
		.form = VM_FORM_SHAPE,
		.shape = shape,
		.values = values,
		.values_count = values == NULL ? 0 : PLACES,
		.inputs = places,
		.inputs_count = PLACES,
		.other = other == NULL ? NULL : "other",
	};

	draw(&curves, truth, launches, seed);
	draw(&others, other == NULL ? flat : other, launches, ~seed);
	const struct shape_decision decision =
		shape_decide(&pool, &prediction, &curves.sweep, &others.sweep);
	assert_non_null(decision.observed);
	return decision.answer;
}

static const double hardly[PLACES] = {
	BASE, BASE + TABLE / 4, BASE + TABLE / 2, BASE + 3 * TABLE / 4, BASE + TABLE};
static const double list[PLACES] = {BASE, 2 * BASE, 4 * BASE, 8 * BASE, 16 * BASE};

struct expectation {
	const char *name;
	enum vm_shape shape;
	const int64_t *values;
	const double *truth, *other;
	enum shape_answer answer;
};

static const int64_t after_1[] = {1}, after_2[] = {2};

static const struct expectation expectations[] = {
	{"flat", VM_SHAPE_FLAT, NULL, flat, proportional, SHAPE_HOLDS},
	{"bad_slope_where_flat_was_said", VM_SHAPE_FLAT, NULL, proportional, proportional,
		SHAPE_REFUSED},
	{"bad_bump_where_flat_was_said", VM_SHAPE_FLAT, NULL, bump, proportional, SHAPE_REFUSED},
	{"bad_fall_where_flat_was_said", VM_SHAPE_FLAT, NULL, falling, proportional, SHAPE_REFUSED},
	{"bad_flat_against_nothing", VM_SHAPE_FLAT, NULL, proportional, flat, SHAPE_OPEN},
	{"rises", VM_SHAPE_RISES, NULL, proportional, NULL, SHAPE_HOLDS},
	{"bad_fall_where_a_rise_was_said", VM_SHAPE_RISES, NULL, falling, NULL, SHAPE_REFUSED},
	{"bad_step_where_a_rise_was_said", VM_SHAPE_RISES, NULL, step_after_1, NULL, SHAPE_OPEN},
	{"proportional", VM_SHAPE_PROPORTIONAL, tables, proportional, NULL, SHAPE_HOLDS},
	{"bad_square_where_proportional_was_said", VM_SHAPE_PROPORTIONAL, tables, quadratic, NULL,
		SHAPE_REFUSED},
	{"bad_logarithm_where_proportional_was_said", VM_SHAPE_PROPORTIONAL, tables, logarithmic,
		NULL, SHAPE_REFUSED},
	{"bad_step_where_proportional_was_said", VM_SHAPE_PROPORTIONAL, tables, step_after_1, NULL,
		SHAPE_REFUSED},
	{"bad_fall_where_proportional_was_said", VM_SHAPE_PROPORTIONAL, tables, falling, NULL,
		SHAPE_REFUSED},
	{"proportional_beside_another", VM_SHAPE_PROPORTIONAL, tables, proportional, proportional,
		SHAPE_HOLDS},
	{"bad_flat_where_proportional_was_said", VM_SHAPE_PROPORTIONAL, tables, flat, proportional,
		SHAPE_REFUSED},
	{"bad_proportional_beside_nothing", VM_SHAPE_PROPORTIONAL, tables, flat, flat, SHAPE_OPEN},
	{"step", VM_SHAPE_STEP, after_1, step_after_1, NULL, SHAPE_HOLDS},
	{"bad_step_in_the_wrong_place", VM_SHAPE_STEP, after_1, step_after_2, NULL, SHAPE_REFUSED},
	{"bad_step_the_other_way", VM_SHAPE_STEP, after_2, step_after_1, NULL, SHAPE_REFUSED},
	{"bad_fall_where_a_step_was_said", VM_SHAPE_STEP, after_1, falling, NULL, SHAPE_REFUSED},
	{"logarithmic", VM_SHAPE_LOGARITHMIC, tables, hardly, NULL, SHAPE_HOLDS},
	{"bad_list_where_a_tree_was_said", VM_SHAPE_LOGARITHMIC, tables, list, NULL, SHAPE_REFUSED},
	{"below", VM_SHAPE_BELOW, NULL, flat, proportional, SHAPE_HOLDS},
	{"bad_above_where_below_was_said", VM_SHAPE_BELOW, NULL, quadratic, proportional,
		SHAPE_REFUSED},
};

#define EXPECTATIONS_COUNT (sizeof(expectations) / sizeof(expectations[0]))

/* Whatever the noise: what is said here is not a matter of luck. */
static void test_each_curve_gets_its_answer(void **state)
{
	(void)state;
	for (size_t i = 0; i < EXPECTATIONS_COUNT; i++) {
		const struct expectation *expected = &expectations[i];
		for (uint64_t seed = 1; seed <= SEEDS; seed++) {
			const enum shape_answer answer = ask(expected->shape, expected->values,
				expected->truth, expected->other, LAUNCHES, seed);
			if (answer != expected->answer)
				fail_msg("%s: answer %d, seed %u", expected->name, (int)answer,
					(unsigned)seed);
		}
	}
}

/* A straight line is no step: half-way between them neither is claimed. */
static void test_line_never_passes_for_a_step(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++)
		assert_int_not_equal(
			ask(VM_SHAPE_STEP, after_1, line, NULL, LAUNCHES, seed), SHAPE_HOLDS);
}

/* bad_noise_alone: a curve that is nothing but noise has no shape but flat. */
static void test_noise_alone_holds_no_shape(void **state)
{
	static const enum vm_shape shapes[] = {
		VM_SHAPE_RISES, VM_SHAPE_PROPORTIONAL, VM_SHAPE_STEP, VM_SHAPE_BELOW};

	(void)state;
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++)
		for (uint64_t seed = 1; seed <= SEEDS; seed++)
			assert_int_not_equal(
				ask(shapes[i], shapes[i] == VM_SHAPE_STEP ? after_1 : tables, flat,
					NULL, LAUNCHES, seed),
				SHAPE_HOLDS);
}

/* Nine launches miss a median with one chance in 256, and a look may not miss one in 400. */
static void test_few_launches_decide_nothing(void **state)
{
	(void)state;
	for (size_t i = 0; i < EXPECTATIONS_COUNT; i++)
		for (size_t launches = 1; launches <= 9; launches++)
			assert_int_equal(
				ask(expectations[i].shape, expectations[i].values,
					expectations[i].truth, expectations[i].other, launches, 1),
				SHAPE_OPEN);
}

/* The first look is the first number of launches that can let a shape hold. */
static void test_first_look_can_decide_both_ways(void **state)
{
	(void)state;
	assert_int_equal(ask(VM_SHAPE_PROPORTIONAL, tables, proportional, NULL, shape_looks[0], 1),
		SHAPE_HOLDS);
}

static void test_knee_is_the_last_place_of_the_plateau(void **state)
{
	enum { COUNT = 40, FIRST = 60 };
	double curve[COUNT], numbers[COUNT];

	(void)state;
	for (size_t i = 0; i < COUNT; i++)
		numbers[i] = (double)(FIRST + i);
	for (size_t knee = 5; knee < COUNT - 4; knee++) {
		for (size_t i = 0; i < COUNT; i++)
			curve[i] = 1000 + (double)(i % 3) + (i > knee ? 600 : 0);
		assert_int_equal(shape_knee(curve, numbers, COUNT), knee);
		/* A ramp: one page of the cycle missed in each turn is enough. */
		for (size_t i = 0; i < COUNT; i++)
			curve[i] =
				1000 + (double)(i % 3) + (i > knee ? 40 * (double)(i - knee) : 0);
		assert_int_equal(shape_knee(curve, numbers, COUNT), knee);
	}
	/* One spike is no departure; what the harness costs before the knee is none either. */
	for (size_t i = 0; i < COUNT; i++)
		curve[i] = 1000 + (double)(i % 3) + (i == 20 ? 500 : 0) +
			   (i > 24 && i <= 30 ? 5 : 0) + (i > 30 ? 900 : 0);
	assert_int_equal(shape_knee(curve, numbers, COUNT), 30);
	/* bad_no_knee: without a departure the plateau ends with the sweep. */
	for (size_t i = 0; i < COUNT; i++)
		curve[i] = 1000 + (double)(i % 3);
	assert_int_equal(shape_knee(curve, numbers, COUNT), COUNT - 1);
}

/*
 * A knee is asked for between two places on a sweep whose places are called by their numbers. With
 * a neighbour it lies there in so many launches only, and before that, differently, in the others.
 */
static enum shape_answer ask_knee_from(int64_t first, size_t knee, size_t undisturbed)
{
	static const char *const names[] = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10",
		"11", "12", "13", "14", "15"};
	enum { COUNT = 16 };
	POOL_DROPS struct pool pool = {NULL};
	double medians[LAUNCHES * COUNT];
	uint64_t state = knee;
	const int64_t interval[] = {first, 8};
	const struct vm_prediction prediction = {
		.form = VM_FORM_SHAPE,
		.shape = VM_SHAPE_KNEE,
		.values = interval,
		.values_count = 2,
		.inputs = names,
		.inputs_count = COUNT,
	};

	for (size_t launch = 0; launch < LAUNCHES; launch++) {
		const size_t taken = undisturbed == 0 || launch < undisturbed ? 0 : 1 + launch % 3;
		for (size_t place = 0; place < COUNT; place++)
			medians[launch * COUNT + place] =
				1000 + 2 * noise(&state) +
				(place + taken > knee ? 100 * (double)(place + taken - knee) : 0);
	}
	const struct shape_sweep sweep = {LAUNCHES, COUNT, medians};
	return shape_decide(&pool, &prediction, &sweep, NULL).answer;
}

static enum shape_answer ask_knee(size_t knee)
{
	return ask_knee_from(4, knee, 0);
}

static void test_knee_in_its_interval(void **state)
{
	(void)state;
	for (size_t knee = 5; knee <= 8; knee++)
		assert_int_equal(ask_knee(knee), SHAPE_HOLDS);
	for (size_t knee = 9; knee < 13; knee++)
		assert_int_equal(ask_knee(knee), SHAPE_REFUSED);
	/* bad_knee_too_early: a buffer that is smaller, in every launch. */
	for (size_t knee = 4; knee < 6; knee++)
		assert_int_equal(ask_knee_from((int64_t)knee + 2, knee, 0), SHAPE_REFUSED);
}

/* A neighbour takes entries in most launches, each time others: what is left is no smaller buffer.
 */
static void test_knee_beside_a_neighbour(void **state)
{
	(void)state;
	assert_int_equal(ask_knee_from(8, 8, 3), SHAPE_HOLDS);
	assert_int_equal(ask_knee_from(8, 8, 1), SHAPE_OPEN);
	assert_int_equal(ask_knee_from(7, 6, 1), SHAPE_OPEN);
}

/* A ramp that doubles the second level's time at a place, on a plateau of 400 above the control. */
static enum shape_answer ask_reach(const int64_t interval[2], size_t doubled, double place_noise)
{
	static const char *const names[] = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10",
		"11", "12", "13", "14", "15"};
	enum { COUNT = 16 };
	POOL_DROPS struct pool pool = {NULL};
	double medians[LAUNCHES * COUNT], control[LAUNCHES * COUNT];
	uint64_t state = doubled;
	const struct vm_prediction prediction = {
		.form = VM_FORM_SHAPE,
		.shape = VM_SHAPE_REACH,
		.other = "control",
		.values = interval,
		.values_count = 2,
		.inputs = names,
		.inputs_count = COUNT,
	};

	for (size_t i = 0; i < (size_t)LAUNCHES * COUNT; i++) {
		const size_t place = i % COUNT;
		const double rise = place > doubled ? 410 + 200 * (double)(place - doubled) : 0;
		control[i] = 1000 + place_noise * noise(&state);
		medians[i] =
			1400 + rise + (place == doubled ? 150 : 0) + place_noise * noise(&state);
	}
	const struct shape_sweep sweep = {LAUNCHES, COUNT, medians};
	const struct shape_sweep other = {LAUNCHES, COUNT, control};
	return shape_decide(&pool, &prediction, &sweep, &other).answer;
}

static void test_reach_in_its_interval(void **state)
{
	static const int64_t from_6_to_8[] = {6, 8}, from_12_to_14[] = {12, 14};

	(void)state;
	for (size_t doubled = 6; doubled <= 8; doubled++)
		assert_int_equal(ask_reach(from_6_to_8, doubled, 20), SHAPE_HOLDS);
	/* bad_reach_beyond_all_entries, and bad_no_ramp_at_all. */
	for (size_t doubled = 9; doubled <= 15; doubled++)
		assert_int_equal(ask_reach(from_6_to_8, doubled, 20), SHAPE_REFUSED);
	/* A thread on the sibling may have half of the entries: early, and no refusal. */
	assert_int_equal(ask_reach(from_6_to_8, 5, 20), SHAPE_OPEN);
	assert_int_equal(ask_reach(from_12_to_14, 8, 20), SHAPE_OPEN);
	/* bad_reach_too_early: less than half. */
	assert_int_equal(ask_reach(from_12_to_14, 5, 20), SHAPE_REFUSED);
	/* bad_noise_alone. */
	for (size_t seed = 15; seed < 15 + SEEDS; seed++)
		assert_int_not_equal(ask_reach(from_6_to_8, seed, 400), SHAPE_HOLDS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_curve_gets_its_answer),
		cmocka_unit_test(test_line_never_passes_for_a_step),
		cmocka_unit_test(test_noise_alone_holds_no_shape),
		cmocka_unit_test(test_few_launches_decide_nothing),
		cmocka_unit_test(test_first_look_can_decide_both_ways),
		cmocka_unit_test(test_knee_is_the_last_place_of_the_plateau),
		cmocka_unit_test(test_knee_in_its_interval),
		cmocka_unit_test(test_knee_beside_a_neighbour),
		cmocka_unit_test(test_reach_in_its_interval),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
