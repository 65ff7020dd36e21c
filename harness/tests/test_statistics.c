/* SPDX-License-Identifier: Apache-2.0 */
/* Every statistic against vectors/statistics.json, which vectors/make_statistics.py made. */
#include <jansson.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/pool.h"
#include "judge/statistics.h"

#define VECTORS	  SOURCE_DIR "/harness/tests/vectors/statistics.json"
#define RESAMPLES 400
/* Sums in another order: the last digits of a double, relative to values of about 100. */
#define ROUNDING 1e-9

struct sample {
	size_t count;
	double *values;
};

static struct sample sample_of(struct pool *pool, const json_t *array)
{
	struct sample sample = {.count = json_array_size(array)};

	sample.values = pool_take(pool, sample.count * sizeof(double));
	for (size_t i = 0; i < sample.count; i++)
		sample.values[i] = json_number_value(json_array_get(array, i));
	return sample;
}

static void assert_close(double found, double wanted)
{
	if (fabs(found - wanted) > ROUNDING * fmax(1, fabs(wanted)))
		fail_msg("%.17g, expected %.17g", found, wanted);
}

static void assert_interval(const struct statistics_interval *found, const json_t *wanted)
{
	assert_int_equal(found->known, !json_is_null(wanted));
	if (!found->known)
		return;
	assert_close(found->low, json_number_value(json_array_get(wanted, 0)));
	assert_close(found->high, json_number_value(json_array_get(wanted, 1)));
}

static json_t *vectors(const char *name, json_t **root)
{
	json_error_t error;

	*root = json_load_file(VECTORS, 0, &error);
	if (*root == NULL)
		fail_msg("%s:%d: %s", VECTORS, error.line, error.text);
	json_t *array = json_object_get(*root, name);
	assert_true(json_array_size(array) > 0);
	return array;
}

static void check_one(const json_t *vector)
{
	POOL_DROPS struct pool pool = {NULL};
	const struct sample values = sample_of(&pool, json_object_get(vector, "values"));
	const struct sample isotonic = sample_of(&pool, json_object_get(vector, "isotonic"));
	double *fitted = pool_take(&pool, values.count * sizeof(double));
	const json_t *intervals = json_object_get(vector, "intervals"), *wanted;
	size_t i;

	assert_close(statistics_median(values.values, values.count),
		json_number_value(json_object_get(vector, "median")));
	assert_close(statistics_spread(values.values, values.count),
		json_number_value(json_object_get(vector, "spread")));
	json_array_foreach(intervals, i, wanted)
	{
		const struct statistics_interval found = statistics_median_interval(values.values,
			values.count, json_number_value(json_object_get(wanted, "error")));
		assert_interval(&found, json_object_get(wanted, "interval"));
	}
	statistics_isotonic(values.values, values.count, fitted);
	for (i = 0; i < values.count; i++)
		assert_close(fitted[i], isotonic.values[i]);
}

static void test_one_sample(void **state)
{
	json_t *root, *vector;
	size_t i;

	(void)state;
	const json_t *const array = vectors("one", &root);

	json_array_foreach(array, i, vector) check_one(vector);
	json_decref(root);
}

static void check_two(const json_t *vector)
{
	POOL_DROPS struct pool pool = {NULL};
	const struct sample a = sample_of(&pool, json_object_get(vector, "a"));
	const struct sample b = sample_of(&pool, json_object_get(vector, "b"));
	const json_t *wanted = json_object_get(vector, "interval");

	assert_close(statistics_shift(a.values, a.count, b.values, b.count),
		json_number_value(json_object_get(vector, "shift")));
	assert_close(statistics_mann_whitney(a.values, a.count, b.values, b.count),
		json_number_value(json_object_get(vector, "p")));
	if (!json_is_string(wanted)) {
		const struct statistics_interval found =
			statistics_shift_interval(a.values, a.count, b.values, b.count, 0.05);
		assert_interval(&found, wanted);
	}
}

static void test_two_samples(void **state)
{
	json_t *root, *vector;
	size_t i;

	(void)state;
	const json_t *const array = vectors("two", &root);

	json_array_foreach(array, i, vector) check_two(vector);
	json_decref(root);
}

static void test_bootstrap(void **state)
{
	POOL_DROPS struct pool pool = {NULL};
	json_t *root, *vector;
	size_t i;

	(void)state;
	const json_t *const array = vectors("bootstrap", &root);

	json_array_foreach(array, i, vector)
	{
		const struct sample values = sample_of(&pool, json_object_get(vector, "values"));
		const struct statistics_interval found = statistics_bootstrap(values.values,
			values.count, statistics_median, RESAMPLES,
			(uint64_t)json_integer_value(json_object_get(vector, "seed")), 0.1);
		assert_interval(&found, json_object_get(vector, "interval"));
	}
	json_decref(root);
}

static void test_adjusted_p(void **state)
{
	POOL_DROPS struct pool pool = {NULL};
	json_t *root, *vector;
	size_t i;

	(void)state;
	const json_t *const array = vectors("adjust", &root);

	json_array_foreach(array, i, vector)
	{
		const struct sample p = sample_of(&pool, json_object_get(vector, "p"));
		const struct sample wanted = sample_of(&pool, json_object_get(vector, "adjusted"));
		double *found = pool_take(&pool, p.count * sizeof(double));
		statistics_adjust(p.values, p.count, found);
		for (size_t k = 0; k < p.count; k++)
			assert_close(found[k], wanted.values[k]);
	}
	json_decref(root);
}

static void test_permutation(void **state)
{
	POOL_DROPS struct pool pool = {NULL};
	json_t *root, *vector;
	size_t i;

	(void)state;
	const json_t *const array = vectors("permutation", &root);

	json_array_foreach(array, i, vector)
	{
		const struct sample a = sample_of(&pool, json_object_get(vector, "a"));
		const struct sample b = sample_of(&pool, json_object_get(vector, "b"));
		assert_close(statistics_permutation(a.values, a.count, b.values, b.count, 1),
			json_number_value(json_object_get(vector, "p")));
	}
	json_decref(root);
}

/* Beyond the limit some deals stand for all: near to the exact answer, the same for a seed. */
static void test_permutation_by_chance(void **state)
{
	enum { COUNT = 10 };
	static const double a[COUNT] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
	static const double b[COUNT] = {5.5, 6.5, 7.5, 8.5, 9.5, 10.5, 11.5, 12.5, 13.5, 14.5};
	const double exact = statistics_mann_whitney(a, COUNT, b, COUNT);
	const double dealt = statistics_permutation(a, COUNT, b, COUNT, 1);

	(void)state;
	/* Four standard deviations of a share of STATISTICS_DEALS. */
	assert_true(fabs(dealt - exact) < 4 * sqrt(exact / STATISTICS_DEALS));
	assert_true(dealt == statistics_permutation(a, COUNT, b, COUNT, 1));
	assert_true(dealt != statistics_permutation(a, COUNT, b, COUNT, 2));
}

static void test_normal_quantile(void **state)
{
	json_t *root, *vector;
	size_t i;

	(void)state;
	const json_t *const array = vectors("normal", &root);

	json_array_foreach(array, i, vector) assert_close(
		statistics_normal_above(json_number_value(json_object_get(vector, "probability"))),
		json_number_value(json_object_get(vector, "z")));
	json_decref(root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_sample),
		cmocka_unit_test(test_two_samples),
		cmocka_unit_test(test_bootstrap),
		cmocka_unit_test(test_adjusted_p),
		cmocka_unit_test(test_permutation),
		cmocka_unit_test(test_permutation_by_chance),
		cmocka_unit_test(test_normal_quantile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
