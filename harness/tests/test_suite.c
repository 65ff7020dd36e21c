/* SPDX-License-Identifier: Apache-2.0 */
/* Suites, claims, known deviations and required passes as data; cases and what is drawn. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "suite/cases.h"
#include "suite/claims.h"
#include "suite/cover.h"
#include "suite/date.h"
#include "suite/kinds.h"
#include "suite/known.h"
#include "suite/random.h"
#include "suite/required.h"
#include "suite/suite.h"

/* --- what stderr got ------------------------------------------------------------------------- */

static int kept_stderr, heard;

static void listen(void)
{
	heard = open("/tmp", O_TMPFILE | O_RDWR, 0600);
	kept_stderr = dup(STDERR_FILENO);
	assert_true(heard >= 0 && kept_stderr >= 0);
	assert_true(dup2(heard, STDERR_FILENO) >= 0);
}

static void check_heard(const char *message)
{
	char said[2048] = {0};

	(void)dup2(kept_stderr, STDERR_FILENO);
	(void)close(kept_stderr);
	assert_true(pread(heard, said, sizeof(said) - 1, 0) >= 0);
	(void)close(heard);
	if (strstr(said, message) == NULL)
		fail_msg("said \"%s\", not \"%s\"", said, message);
	assert_non_null(strchr(said, '\n'));
	assert_string_equal(strchr(said, '\n'), "\n");
}

static const char *file_with(struct pool *pool, const char *text)
{
	char *path = (char *)pool_text(pool, "/tmp/mmconform-test-XXXXXX.yaml");
	const int descriptor = mkstemps(path, (int)strlen(".yaml"));

	assert_true(descriptor >= 0);
	assert_int_equal(write(descriptor, text, strlen(text)), strlen(text));
	(void)close(descriptor);
	return path;
}

/* --- wrong files ----------------------------------------------------------------------------- */

typedef bool load_function(struct pool *pool, const char *path);

static bool load_known(struct pool *pool, const char *path)
{
	struct known_list list;

	return known_load(pool, path, &list);
}

static bool load_claims(struct pool *pool, const char *path)
{
	struct claim_list list;

	return claims_load(pool, path, &list);
}

static bool load_required(struct pool *pool, const char *path)
{
	struct required_list list;

	return required_load(pool, path, &list);
}

static bool load_suite(struct pool *pool, const char *path)
{
	struct check_list checks = {.pool = pool};
	struct suite suite;

	return checks_load(SOURCE_DIR "/suites", &checks) &&
	       suite_load(pool, path, &checks, &suite);
}

#define PROFILES "profiles: [{name: quick, cases: 1, drawn: 1, launches: 1, looks: 1}]\n"
#define KNOWN(rest)                                                                         \
	"known:\n  - claim: a.b\n    when: []\n    signature: x\n    reason: r\n    link: " \
	"l\n" rest

static void wrong_files_are_named_with_line_and_reason(void **state)
{
	static const struct {
		load_function *load;
		const char *text, *message;
	} rows[] = {
		{load_known, "", ":1: the file is empty"},
		{load_known, "known: [\n", "did not find expected node content"},
		{load_known, "known: []\n---\nknown: []\n", "a second document"},
		{load_known, "known: &a []\nmore: *a\n", ":2: Unexpected key: more"},
		{load_known, "\tknown: []\n", ":1: found character that cannot start any token"},
		{load_known, KNOWN(""), "Missing required mapping field: expires"},
		{load_known, KNOWN("    expires: 2026-02-30\n"), "is no date"},
		{load_known, KNOWN("    expires: soon\n"), "is no date"},
		{load_known, KNOWN("    expires: 2026-02-03\n    signature: y\n"),
			"Mapping field already seen: signature"},
		{load_known, KNOWN("    expires: 2026-02-03\n    until: never\n"),
			":8: Unexpected key: until"},
		{load_known,
			"known:\n  - {claim: a.b, when: [], signature: '(', reason: r, link: l, "
			"expires: 2026-02-03}\n",
			"missing closing parenthesis"},
		{load_claims,
			"claims:\n  - id: huh.what\n    statement: s\n    checks: [S]\n"
			"    sources: [osn]\n",
			"is of no chapter"},
		{load_claims,
			"claims:\n  - id: cow.what\n    statement: s\n    checks: [Z]\n"
			"    sources: [osn]\n",
			"is no letter of SFBTVM"},
		{load_claims,
			"claims:\n  - {id: cow.a, statement: s, checks: [S], sources: [osn]}\n"
			"  - {id: cow.a, statement: s, checks: [S], sources: [osn]}\n",
			"is there twice"},
		{load_claims, "claims:\n  - {id: cow.a, statement: s, checks: S, sources: [osn]}\n",
			"Expecting SEQUENCE"},
		{load_required, "host: h\nrequired: []\n", "Insufficient entries"},
		{load_required, "host: h\nrequired:\n  - claim: a.b\n    cases: '['\n",
			"missing terminating ]"},
		{load_suite, "title: t\nchecks: [{match: '*'}]\n" PROFILES, "quantifier"},
		{load_suite, "title: t\nchecks: [{timing: maybe}]\n" PROFILES,
			"is neither exact nor timed"},
		{load_suite,
			"title: t\nchecks: [{match: x}]\nparameters:\n"
			"  - {check: no.such, parameter: p, values: [1]}\n" PROFILES,
			"no check no.such with a parameter p"},
		{load_suite,
			"title: t\nchecks: [{match: x}]\n"
			"profiles: [{name: q, cases: -1, drawn: 1, launches: 1, looks: 1}]\n",
			":3: "},
	};
	struct pool POOL_DROPS pool = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *path = file_with(&pool, rows[i].text);
		listen();
		const bool loaded = rows[i].load(&pool, path);
		check_heard(rows[i].message);
		assert_false(loaded);
		(void)unlink(path);
	}
	listen();
	assert_false(load_known(&pool, "/nowhere/at/all"));
	check_heard("/nowhere/at/all: No such file or directory");
}

/* --- letters --------------------------------------------------------------------------------- */

static void a_probe_shows_what_it_says_or_what_comes_first(void **state)
{
	static const char *const wanted[] = {"B", "T", "V"}, *const ids[] = {"cow.a", NULL};
	static const char *const others[] = {"cow.b", NULL};
	const struct claim claim = {.id = "cow.a", .checks_count = 3, .checks = wanted};
	const struct check_kind kind = {.name = "probe"},
				alone = {.name = "model", .model_only = true};
	struct check check = {.kind = &kind, .claims = ids};

	(void)state;
	assert_true(claim_shown(&claim, &check, 'T'));
	assert_false(claim_shown(&claim, &check, 'V'));
	check.letters = "TV";
	assert_true(claim_shown(&claim, &check, 'T'));
	assert_true(claim_shown(&claim, &check, 'V'));
	assert_false(claim_shown(&claim, &check, 'B'));
	check.timed = true;
	assert_true(claim_shown(&claim, &check, 'B'));
	assert_false(claim_shown(&claim, &check, 'T'));
	check.kind = &alone;
	assert_true(claim_shown(&claim, &check, 'M'));
	assert_true(claim_shown(&claim, &check, 'V'));
	assert_false(claim_shown(&claim, &check, 'F'));
	check.claims = others;
	assert_false(claim_declared(&claim, &check));
	assert_false(claim_shown(&claim, &check, 'M'));
}

static void the_files_of_the_repository_are_sound(void **state)
{
	static const char *const suites[] = {"exact", "timed", "formulas", "all"};
	struct pool POOL_DROPS pool = {0};
	struct check_list checks = {.pool = &pool};
	struct claim_list claims;
	struct known_list known;

	(void)state;
	assert_true(checks_load(SOURCE_DIR "/suites", &checks));
	assert_true(claims_load(&pool, SOURCE_DIR "/suites/claims.yaml", &claims));
	assert_true(known_load(&pool, SOURCE_DIR "/suites/known.yaml", &known));
	/* Nothing of the course is dropped. */
	assert_int_equal(claims.count, 160);
	assert_true(claims_known(&claims, &checks));
	for (size_t i = 0; i < known.count; i++)
		assert_non_null(claim_named(&claims, known.items[i].claim));
	for (size_t i = 0; i < sizeof(suites) / sizeof(suites[0]); i++) {
		struct suite suite;
		assert_true(suite_load(&pool, suites[i], &checks, &suite));
		assert_non_null(suite_profile_named(&suite, "quick"));
		assert_non_null(suite_profile_named(&suite, "standard"));
		assert_non_null(suite_profile_named(&suite, "thorough"));
	}
}

/* --- dates ----------------------------------------------------------------------------------- */

static void dates_are_days_that_exist(void **state)
{
	struct pool POOL_DROPS pool = {0};

	(void)state;
	assert_true(date_is_valid("2028-02-29"));
	assert_false(date_is_valid("2027-02-29"));
	assert_false(date_is_valid("2027-13-01"));
	assert_false(date_is_valid("2027-1-1"));
	assert_false(date_is_valid("2027-01-01 "));
	assert_false(date_is_valid(""));
	assert_int_equal(strlen(date_now(&pool)), strlen("2026-01-31T12:00:00Z"));
}

/* --- what is drawn --------------------------------------------------------------------------- */

static void the_generator_is_splitmix64(void **state)
{
	/* The first numbers of the reference implementation from state 1234567. */
	static const uint64_t expected[] = {UINT64_C(6457827717110365317),
		UINT64_C(3203168211198807973), UINT64_C(9817491932198370423),
		UINT64_C(4593380528125082431), UINT64_C(16408922859458223821)};
	struct random_stream stream = {1234567};

	(void)state;
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++)
		assert_true(random_next(&stream) == expected[i]);
}

static void numbers_below_a_limit_are_even(void **state)
{
	struct random_stream stream = random_stream_named(7, "even");
	unsigned count[6] = {0};

	(void)state;
	for (unsigned i = 0; i < 60000; i++)
		count[random_below(&stream, 6)]++;
	/* Six standard deviations of a fair die: 10000 within 548. */
	for (size_t i = 0; i < 6; i++)
		assert_in_range(count[i], 10000 - 548, 10000 + 548);
	assert_true(random_below(&stream, 1) == 0);
}

static const char *const labels[] = {"small", "huge"};

static const struct probe_parameter parameters[] = {
	{.name = "pages",
		.choices_count = 2,
		.choices = {1, 64},
		.lowest = 2,
		.highest = 4096,
		.step = 2,
		.drawn = 3},
	{.name = "page", .choices_count = 2, .choices = {12, 21}, .labels = labels},
	{.name = "knob", .choices_count = 2, .choices = {PROBE_AS_IS, 5}, .knob = "vm.swappiness"},
};

static bool no_huge_single(const struct check *check, const struct vm_host *host,
	const struct probe_arguments *arguments)
{
	(void)check, (void)host;
	return probe_argument(arguments, "pages") != 1 || probe_argument(arguments, "page") != 21;
}

static const struct check_kind kind = {.name = "probe", .suits = no_huge_single};
static const struct probe_needs needs;
static const char *const no_claims[] = {NULL};
static const struct check check = {
	.kind = &kind,
	.name = "demand.x",
	.claims = no_claims,
	.needs = &needs,
	.parameters_count = 3,
	.parameters = parameters,
};

static void expand(struct case_list *cases, uint64_t seed, unsigned drawn, unsigned most)
{
	static const struct vm_host host;
	const struct case_options options = {
		.host = &host, .seed = seed, .drawn_most = drawn, .cases_most = most};

	cases_expand(&check, &options, cases);
}

static void cases_are_the_product_less_what_does_not_suit(void **state)
{
	struct pool POOL_DROPS pool = {0};
	struct case_list cases = {.pool = &pool};

	(void)state;
	expand(&cases, 1, 0, 0);
	assert_int_equal(cases.count, 2 * 2 * 2 - 2);
	assert_string_equal(cases.items[0].id, "demand.x[pages=1,page=small,knob=as-is]");
	assert_string_equal(cases.items[5].id, "demand.x[pages=64,page=huge,knob=5]");
}

/* a shows x and y, b only y, c x and z: c and one of the others are enough, if they are able. */
static void few_checks_show_every_claim(void **state)
{
	static const char *const x_y[] = {"x", "y", NULL}, *const y[] = {"y", NULL},
				 *const x_z[] = {"x", "z", NULL};
	struct check checks[] = {{.claims = x_y}, {.claims = y}, {.claims = x_z}};
	const struct check_list list = {.count = 3, .items = checks};
	const bool all[] = {true, true, true}, without_a[] = {false, true, true};
	struct pool POOL_DROPS pool = {0};
	const char *why = NULL;
	struct pattern PATTERN_DROPS *any = pattern_compile("", &why);
	struct pattern PATTERN_DROPS *only_z = pattern_compile("z", &why);
	bool taken[3];

	(void)state;
	cover_claims(&pool, &(struct cover){&list, any, all, all, 1}, taken);
	assert_true(taken[0] && !taken[1] && taken[2]);
	cover_claims(&pool, &(struct cover){&list, any, all, without_a, 1}, taken);
	assert_true(!taken[0] && taken[1] && taken[2]);
	cover_claims(&pool, &(struct cover){&list, any, without_a, without_a, 1}, taken);
	assert_true(!taken[0] && taken[1] && taken[2]);
	cover_claims(&pool, &(struct cover){&list, any, all, all, 2}, taken);
	assert_true(taken[0] && taken[1] && taken[2]);
	cover_claims(&pool, &(struct cover){&list, only_z, all, all, 1}, taken);
	assert_true(!taken[0] && !taken[1] && taken[2]);
}

static void a_seed_decides_what_is_drawn(void **state)
{
	struct pool POOL_DROPS pool = {0};
	struct case_list a = {.pool = &pool}, b = {.pool = &pool}, other = {.pool = &pool};
	size_t same = 0;

	(void)state;
	expand(&a, 1, 3, 0);
	expand(&b, 1, 3, 0);
	expand(&other, 2, 3, 0);
	assert_int_equal(a.count, 5 * 2 * 2 - 2);
	assert_int_equal(a.count, b.count);
	for (size_t i = 0; i < a.count; i++) {
		const int64_t pages = a.items[i].arguments.values[0];
		assert_string_equal(a.items[i].id, b.items[i].id);
		same += strcmp(a.items[i].id, other.items[i].id) == 0;
		assert_true(pages == 1 || (pages >= 2 && pages <= 4096 && pages % 2 == 0));
	}
	assert_true(same < a.count);
}

static void a_budget_thins_out_in_order(void **state)
{
	struct pool POOL_DROPS pool = {0};
	struct case_list all = {.pool = &pool}, few = {.pool = &pool};
	size_t at = 0;

	(void)state;
	expand(&all, 1, 3, 0);
	expand(&few, 1, 3, 5);
	assert_int_equal(few.count, 5);
	for (size_t i = 0; i < few.count; i++) {
		while (at < all.count && strcmp(all.items[at].id, few.items[i].id) != 0)
			at++;
		assert_true(at < all.count);
	}
}

static void a_case_is_found_again_by_its_record(void **state)
{
	struct pool POOL_DROPS pool = {0};
	struct case_list cases = {.pool = &pool};

	(void)state;
	expand(&cases, 1, 3, 0);
	for (size_t i = 0; i < cases.count; i++) {
		struct record_parameters written = case_parameters(&pool, &cases.items[i]);
		struct record_parameter *items = (struct record_parameter *)written.items;
		struct check_case found;
		const char *why = NULL;
		/* A word is all that a record keeps of a value that has one. */
		for (size_t k = 0; k < written.count; k++)
			items[k].value = items[k].label != NULL ? -1 : items[k].value;
		assert_true(case_of_record(&pool, &check, &written, &found, &why));
		assert_string_equal(found.id, cases.items[i].id);
		assert_memory_equal(found.arguments.values, cases.items[i].arguments.values,
			3 * sizeof(int64_t));
	}
}

static void a_case_of_another_program_is_refused(void **state)
{
	static const struct record_parameter rows[][3] = {
		{{"pages", NULL, 1}, {"page", "gigantic", 0}, {"knob", NULL, 5}},
		{{"pages", NULL, 1}, {"leaf", "small", 0}, {"knob", NULL, 5}},
	};
	struct pool POOL_DROPS pool = {0};
	struct check_case found;
	const char *why = NULL;

	(void)state;
	for (size_t i = 0; i < 2; i++)
		assert_false(case_of_record(
			&pool, &check, &(struct record_parameters){3, rows[i]}, &found, &why));
	assert_false(case_of_record(
		&pool, &check, &(struct record_parameters){2, rows[0]}, &found, &why));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wrong_files_are_named_with_line_and_reason),
		cmocka_unit_test(a_probe_shows_what_it_says_or_what_comes_first),
		cmocka_unit_test(the_files_of_the_repository_are_sound),
		cmocka_unit_test(dates_are_days_that_exist),
		cmocka_unit_test(the_generator_is_splitmix64),
		cmocka_unit_test(numbers_below_a_limit_are_even),
		cmocka_unit_test(cases_are_the_product_less_what_does_not_suit),
		cmocka_unit_test(few_checks_show_every_claim),
		cmocka_unit_test(a_seed_decides_what_is_drawn),
		cmocka_unit_test(a_budget_thins_out_in_order),
		cmocka_unit_test(a_case_is_found_again_by_its_record),
		cmocka_unit_test(a_case_of_another_program_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
