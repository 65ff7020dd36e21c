/* SPDX-License-Identifier: Apache-2.0 */
/* The scenarios reach every rule that this host can show, and what they do not reach is explained.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "facts/facts.h"
#include "scenario/coverage.h"
#include "suite/kinds.h"
#include "vm/machine.h"

static struct pool pool;
static struct facts facts;
static struct check_list checks = {.pool = &pool};

static int prepare(void **state)
{
	struct facts_error error;

	(void)state;
	if (!checks_load(SOURCE_DIR "/suites", &checks))
		return -1;
	return facts_read_captured(
		&pool, SOURCE_DIR "/results/hosts/zen5-6.18-2cpu-24g", &facts, &error);
}

static void every_rule_is_reached_or_explained(void **state)
{
	struct coverage *coverage = pool_take(&pool, sizeof(*coverage));
	size_t count = 0;
	const struct vm_rule *rules = vm_machine_rules(&count);

	(void)state;
	coverage_of(&pool, &checks, &facts.host, coverage);
	for (size_t i = 0; i < count; i++) {
		const struct coverage_rule *rule = &coverage->rules[i];
		if (rule->cases == 0 && rule->why == NULL)
			fail_msg("nothing is known to reach %s", rules[i].id);
		/* An excuse that is none any more. */
		if (rule->cases != 0 && coverage_beyond_scripts(rules[i].id) != NULL)
			fail_msg("%s is reached: %s", rules[i].id, rule->first);
	}
	assert_int_equal(coverage->unexplained, 0);
	assert_true(coverage->reached >= count * 9 / 10);
}

/* One scenario alone leaves most rules unreached, and says so. */
static void few_scenarios_reach_few_rules(void **state)
{
	struct coverage *coverage = pool_take(&pool, sizeof(*coverage));
	const struct check *one = check_named(&checks, "scenario", "demand.first-touch");
	struct check_list few = {.pool = &pool};

	(void)state;
	assert_non_null(one);
	check_list_add(&few, one);
	coverage_of(&pool, &few, &facts.host, coverage);
	assert_true(coverage->reached > 0 && coverage->reached < 20);
	assert_true(coverage->unexplained > 50);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_rule_is_reached_or_explained),
		cmocka_unit_test(few_scenarios_reach_few_rules),
	};
	const int failed = cmocka_run_group_tests_name("scenario coverage", tests, prepare, NULL);

	pool_drop(&pool);
	return failed;
}
