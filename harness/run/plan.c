/* SPDX-License-Identifier: Apache-2.0 */
#include "run/plan.h"

#include <string.h>

#include "base/message.h"
#include "base/pattern.h"
#include "judge/predict.h"
#include "judge/sealed.h"
#include "judge/shape.h"
#include "record/version.h"
#include "suite/cover.h"
#include "suite/data.h"
#include "suite/date.h"
#include "suite/kinds.h"

enum exit_status plan_load(struct plan *plan, const struct run_options *options)
{
	plan->checks = (struct check_list){.pool = plan->pool};
	plan->cases = (struct case_list){.pool = plan->pool};
	if (!checks_load(data_path(plan->pool, "suites"), &plan->checks) ||
		!suite_load(plan->pool, options->suite, &plan->checks, &plan->suite))
		return EXIT_MISUSED;
	if (!claims_load(plan->pool, data_path(plan->pool, "suites/claims.yaml"), &plan->claims) ||
		!claims_known(&plan->claims, &plan->checks))
		return EXIT_DEFECTIVE;
	plan->profile = suite_profile_named(&plan->suite, options->profile);
	return plan->profile != NULL ? EXIT_CONFORMS : EXIT_MISUSED;
}

static bool has_claim(const struct check *check, const struct pattern *pattern)
{
	for (const char *const *claim = check->claims; *claim != NULL; claim++)
		if (pattern_found(pattern, *claim))
			return true;
	return false;
}

static bool is_able(struct pool *pool, const struct run_options *options, const struct facts *facts,
	const struct check *check)
{
	const struct facts_allowed allowed = {options->allow_settings, options->allow_pressure};
	struct facts_requirement *unmet = NULL;
	struct facts_error error;
	size_t count = 0;

	return facts_requirements(
		       pool, facts, check->needs, &allowed, true, &unmet, &count, &error) == 0 &&
	       count == 0;
}

/* Not every check has a case that makes sense on this host. */
static bool has_case(
	struct pool *pool, const struct check *check, const struct case_options *case_options)
{
	struct case_list cases = {.pool = pool};

	cases_expand(check, case_options, &cases);
	return cases.count != 0;
}

/* One flag a check: those of the suite, the selection and the profile. */
static const bool *choose_checks(const struct plan *plan, const struct run_options *options,
	const struct facts *facts, const struct case_options *case_options,
	const struct pattern *pattern)
{
	bool *candidates = pool_take(plan->pool, plan->checks.count * sizeof(*candidates));
	bool *able = pool_take(plan->pool, plan->checks.count * sizeof(*able));
	bool *taken = pool_take(plan->pool, plan->checks.count * sizeof(*taken));

	for (size_t i = 0; i < plan->checks.count; i++) {
		const struct check *check = &plan->checks.items[i];
		/* Who asks for a claim gets what shows it, however long that takes. */
		const bool in_profile =
			!check->lengthy || plan->profile->cases == 0 || options->selection != NULL;
		candidates[i] = in_profile && suite_takes(&plan->suite, check) &&
				has_claim(check, pattern) &&
				has_case(plan->pool, check, case_options);
		able[i] = plan->profile->checks != 0 && candidates[i] &&
			  is_able(plan->pool, options, facts, check);
	}
	if (plan->profile->checks == 0)
		return candidates;
	const struct cover cover = {
		&plan->checks, pattern, candidates, able, plan->profile->checks};
	cover_claims(plan->pool, &cover, taken);
	return taken;
}

enum exit_status plan_expand(
	struct plan *plan, const struct run_options *options, const struct facts *facts)
{
	const char *why = NULL, *selection = options->selection != NULL ? options->selection : "";
	struct pattern PATTERN_DROPS *pattern = pattern_compile(selection, &why);
	const struct case_options case_options = {
		.host = &facts->host,
		.seed = options->seed,
		.drawn_most = plan->profile->drawn,
		.cases_most = plan->profile->cases,
		.overrides_count = plan->suite.parameters_count,
		.overrides = plan->suite.parameters,
	};

	if (pattern == NULL) {
		message("--claim \"%s\": %s", selection, why);
		return EXIT_MISUSED;
	}
	const bool *chosen = choose_checks(plan, options, facts, &case_options, pattern);
	for (size_t i = 0; i < plan->checks.count; i++)
		if (chosen[i])
			cases_expand(&plan->checks.items[i], &case_options, &plan->cases);
	if (plan->cases.count != 0)
		return EXIT_CONFORMS;
	message("no case of suite %s has a claim like \"%s\"; mmconform list shows what there is",
		options->suite, selection);
	return EXIT_MISUSED;
}

unsigned plan_launches(const struct plan *plan, const struct check *check)
{
	if (check->kind->payload == NULL)
		return 1;
	/* Timed cases begin with the first look; whether they get more is seen then. */
	if (check->timed)
		return shape_looks[0];
	return check->launches > plan->profile->launches ? check->launches
							 : plan->profile->launches;
}

static struct record_line header_line(struct pool *pool, const struct run_options *options)
{
	const char **allow = pool_take(pool, 2 * sizeof(*allow));
	size_t allow_count = 0;

	if (options->allow_settings)
		allow[allow_count++] = "settings";
	if (options->allow_pressure)
		allow[allow_count++] = "pressure";
	return (struct record_line){
		.type = RECORD_TYPE_HEADER,
		.header =
			{
				.format = RECORD_FORMAT,
				.version = RECORD_VERSION,
				.program = record_program_version,
				.model = record_model_digest,
				.started = date_now(pool),
				.suite = options->suite,
				.profile = options->profile,
				.selection = options->selection,
				.seed = options->seed,
				.anonymous = options->anonymous,
				.allow_count = allow_count,
				.allow = allow,
			},
	};
}

/* The text of each scenario once, so that the record can be judged without its file. */
static bool write_scripts(const struct plan *plan, struct record_writer *writer)
{
	const struct check *before = NULL;

	for (size_t i = 0; i < plan->cases.count; i++) {
		const struct check *check = plan->cases.items[i].check;
		const char *text = check == before || check->kind->script == NULL
					   ? NULL
					   : check->kind->script(check);
		before = check;
		if (text == NULL)
			continue;
		const struct record_line line = {
			.type = RECORD_TYPE_SCRIPT,
			.script = {.check = check->name, .text = text},
		};
		if (!record_write(writer, &line, 1))
			return false;
	}
	return true;
}

static bool write_predictions(
	const struct plan *plan, const struct vm_host *host, struct record_writer *writer)
{
	struct prediction_room room = {0};
	bool good = true;

	for (size_t i = 0; good && i < plan->cases.count; i++) {
		struct pool POOL_DROPS pool = {0};
		struct record_prediction *predictions = NULL;
		size_t count = 0;
		sealed_predictions(&pool, &room, &plan->cases.items[i], host, &predictions, &count);
		for (size_t k = 0; good && k < count; k++)
			good = record_write(writer,
				&(struct record_line){
					.type = RECORD_TYPE_PREDICTION,
					.prediction = predictions[k],
				},
				1);
	}
	prediction_room_drop(&room);
	return good;
}

bool plan_seal(const struct plan *plan, const struct run_options *options, const char *facts,
	const struct vm_host *host, struct record_writer *writer)
{
	struct pool POOL_DROPS pool = {0};
	char sha256[RECORD_HASH_CHARACTERS + 1];
	const struct record_line first[] = {
		header_line(&pool, options),
		{.type = RECORD_TYPE_FACTS, .facts = {.host = facts}},
	};

	if (!record_write(writer, first, 2) || !write_scripts(plan, writer) ||
		!write_predictions(plan, host, writer))
		return false;
	record_hash_text(&writer->hash, sha256);
	const struct record_line sealed = {
		.type = RECORD_TYPE_SEALED,
		.sealed = {.sha256 = sha256, .lines = writer->lines_count},
	};
	return record_write_through(writer, &sealed, 1);
}
