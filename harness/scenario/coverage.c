/* SPDX-License-Identifier: Apache-2.0 */
#include "scenario/coverage.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "judge/predict.h"
#include "scenario/lockstep.h"
#include "suite/cases.h"

/* How far the case lets a pool grow by itself. */
static uint64_t growth_of(const struct probe_arguments *arguments)
{
	for (size_t i = 0; i < arguments->count; i++) {
		const char *const knob = arguments->parameters[i].knob;
		if (knob != NULL && strcmp(knob, "hugetlb.2m.nr_overcommit_hugepages") == 0)
			return (uint64_t)arguments->values[i];
	}
	return 0;
}

/* The rules that the linux model of this host obeys in the case. */
static void run_case(
	const struct check_case *check_case, const struct vm_host *facts, uint64_t hits[])
{
	POOL_DROPS struct pool pool = {0};
	const struct check *check = check_case->check;
	struct lockstep *lockstep = pool_take(&pool, sizeof(*lockstep));
	uint64_t start[LIVE_START_LIMIT];
	struct vm_host host;
	struct script script;
	struct scenario_error error;
	size_t count = 0;

	if (!scenario_compile(&pool, check->of_kind, check_case->arguments.values, &script, &error))
		return;
	case_host(check_case, facts, &host);
	lockstep_usual_start(check->needs, start);
	start[LIVE_START_HUGE_2M_OVERCOMMIT] = growth_of(&check_case->arguments);
	const struct vm_model model = vm_model_for(VM_MODEL_LINUX, &host);
	lockstep_begin(lockstep, &pool, &script, &model, &host, start);
	for (uint32_t step = 0; step <= script.operations_count; step++)
		(void)lockstep_step(lockstep, step, NULL, 0);
	(void)vm_machine_rules(&count);
	for (size_t i = 0; i < count; i++)
		hits[i] = vm_machine_rule_hits(lockstep->machine, i);
	lockstep_end(lockstep);
}

static bool is_possible(const struct check *check, const struct vm_host *host)
{
	if (check->kind != &check_kind_scenario)
		return false;
	for (size_t i = 0; i < check->needs->features_count; i++)
		if (!vm_host_has(host, check->needs->features[i]))
			return false;
	return true;
}

static void count_check(struct pool *pool, const struct check *check, const struct vm_host *host,
	struct coverage *coverage)
{
	const struct case_options options = {.host = host, .seed = 1, .drawn_most = 1};
	struct case_list cases = {.pool = pool};

	cases_expand(check, &options, &cases);
	for (size_t i = 0; i < cases.count; i++) {
		uint64_t hits[COVERAGE_RULES_LIMIT] = {0};
		run_case(&cases.items[i], host, hits);
		for (size_t k = 0; k < coverage->rules_count; k++) {
			struct coverage_rule *rule = &coverage->rules[k];
			if (hits[k] == 0)
				continue;
			if (rule->cases++ == 0)
				rule->first = cases.items[i].id;
		}
	}
}

static void count_all(struct pool *pool, const struct check_list *checks,
	const struct vm_host *host, struct coverage *coverage)
{
	*coverage = (struct coverage){0};
	(void)vm_machine_rules(&coverage->rules_count);
	assert(coverage->rules_count <= COVERAGE_RULES_LIMIT);
	for (size_t i = 0; i < checks->count; i++)
		if (is_possible(&checks->items[i], host))
			count_check(pool, &checks->items[i], host, coverage);
	for (size_t i = 0; i < coverage->rules_count; i++)
		coverage->reached += coverage->rules[i].cases != 0;
}

/* ---- what would reach the others ---- */

/* What no script can bring about, or what could not be looked at. */
static const struct {
	const char *rule, *why;
} beyond_scripts[] = {
	{"area.kernel-places",
		"an address that the kernel chooses lies outside of what a script can name"},
	{"cow.vfork", "until the child is gone its parent waits, and nobody can look"},
	{"frame.migrate", "a step of the kernel's own: compaction"},
	{"demand.read-huge",
		"left to explore: which folios the reading makes, and so what is mapped, is open"},
};

const char *coverage_beyond_scripts(const char *rule)
{
	for (size_t i = 0; i < sizeof(beyond_scripts) / sizeof(beyond_scripts[0]); i++)
		if (strcmp(beyond_scripts[i].rule, rule) == 0)
			return beyond_scripts[i].why;
	return NULL;
}

/* Another host that reaches more than this one: with and without each feature, and what takes more.
 */
#define OTHER_HOSTS (VM_FEATURE_LIMIT + 4)

static const char *other_host(struct pool *pool, unsigned number, struct vm_host *host)
{
	if (number < VM_FEATURE_LIMIT) {
		const bool present = host->feature[number].present;
		host->feature[number].present = !present;
		return pool_format(pool, "%s %s", present ? "without" : "with",
			vm_feature_word((enum vm_feature)number));
	}
	if (number == VM_FEATURE_LIMIT) {
		host->capabilities = 0;
		host->memlock_limit_bytes = 2 * VM_PAGE_BYTES;
		return "without privileges, where little may be locked";
	}
	if (number == VM_FEATURE_LIMIT + 1) {
		host->feature[VM_FEATURE_SECRET_MEMORY].present = true;
		host->feature[VM_FEATURE_SECRET_BY_PAGE] =
			(struct vm_feature_fact){.present = true, .evidence = VM_EVIDENCE_VERSION};
		host->feature[VM_FEATURE_IO_URING].present = true;
		host->capabilities = 0;
		host->memlock_limit_bytes = 2 * VM_PAGE_BYTES;
		return "with io-uring, and secret memory by page, where little may be locked";
	}
	if (number == VM_FEATURE_LIMIT + 2) {
		host->feature[VM_FEATURE_IO_URING].present = true;
		host->feature[VM_FEATURE_PIN_ASKS_AREAS].present = false;
		return "with io-uring, without pin-asks-areas";
	}
	host->knob[VM_KNOB_MAX_MAP_COUNT] = (struct vm_knob_fact){.present = true, .value = 14};
	return "with the number of areas limited";
}

static void explain_by_other_hosts(struct pool *pool, const struct check_list *checks,
	const struct vm_host *host, struct coverage *coverage)
{
	struct coverage *other = pool_take(pool, sizeof(*other));

	for (unsigned i = 0; i < OTHER_HOSTS && coverage->unexplained != 0; i++) {
		struct vm_host changed = *host;
		const char *what = other_host(pool, i, &changed);
		count_all(pool, checks, &changed, other);
		for (size_t k = 0; k < coverage->rules_count; k++) {
			struct coverage_rule *rule = &coverage->rules[k];
			if (rule->cases != 0 || rule->why != NULL || other->rules[k].cases == 0)
				continue;
			rule->why = pool_format(pool, "%s: %s", what, other->rules[k].first);
			coverage->unexplained--;
		}
	}
}

void coverage_of(struct pool *pool, const struct check_list *checks, const struct vm_host *host,
	struct coverage *coverage)
{
	size_t count = 0;
	const struct vm_rule *rules = vm_machine_rules(&count);

	count_all(pool, checks, host, coverage);
	for (size_t i = 0; i < count; i++) {
		if (coverage->rules[i].cases != 0)
			continue;
		coverage->rules[i].why = coverage_beyond_scripts(rules[i].id);
		coverage->unexplained += coverage->rules[i].why == NULL;
	}
	explain_by_other_hosts(pool, checks, host, coverage);
}
