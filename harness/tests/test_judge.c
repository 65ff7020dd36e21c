/* SPDX-License-Identifier: Apache-2.0 */
/* Verdicts from records made by hand: each word, each form, each way for a record to be wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "judging.h"

#define EXACTLY(value)                                                        \
	{                                                                     \
		.form = VM_FORM_EXACT, .values_count = 1, .values = { value } \
	}
#define SILENTLY                       \
	{                              \
		.form = VM_FORM_SILENT \
	}

static void say(struct saying linux, struct saying textbook)
{
	says[VM_MODEL_LINUX] = linux;
	says[VM_MODEL_TEXTBOOK] = textbook;
}

static void check_verdict(
	struct bench *bench, const char *verdict, const char *textbook, const char *reading)
{
	const struct record_verdict *found = bench_verdict(bench);

	assert_string_equal(found->verdict, verdict);
	assert_string_equal(found->textbook, textbook);
	assert_string_equal(found->reading, reading);
}

/* --- the words ------------------------------------------------------------------------------- */

static void the_two_models_together_make_the_reading(void **state)
{
	static const struct {
		int64_t linux, textbook;
		const char *verdict, *column, *reading;
	} rows[] = {
		{64, 64, "pass", "agrees", "agreed"},
		{64, 1, "pass", "differs", "departs"},
		{1, 64, "deviation", "agrees", "mismodelled"},
		{1, 1, "deviation", "differs", "unexplained"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct bench bench;
		say((struct saying)EXACTLY(rows[i].linux),
			(struct saying)EXACTLY(rows[i].textbook));
		bench_open(&bench, &kind_said);
		bench_seal(&bench);
		bench_saw(&bench, 64);
		check_verdict(&bench, rows[i].verdict, rows[i].column, rows[i].reading);
		bench_close(&bench);
	}
}

static void silence_is_no_agreement(void **state)
{
	struct bench bench;

	(void)state;
	say((struct saying)SILENTLY, (struct saying)EXACTLY(64));
	bench_open(&bench, &kind_said);
	bench_seal(&bench);
	bench_saw(&bench, 64);
	check_verdict(&bench, "silent", "agrees", "open");
	assert_string_equal(bench.judgement.verdicts[0].because, "the test says so");
	bench_close(&bench);

	say((struct saying)EXACTLY(64), (struct saying){.nothing = true});
	bench_open(&bench, &kind_said);
	bench_seal(&bench);
	bench_saw(&bench, 64);
	check_verdict(&bench, "pass", "silent", "open");
	bench_close(&bench);
}

static void what_only_the_model_shows_is_model_or_error(void **state)
{
	struct bench bench;

	(void)state;
	for (int64_t shown = 63; shown <= 64; shown++) {
		say((struct saying)EXACTLY(64), (struct saying)EXACTLY(1));
		bench_open(&bench, &kind_model_said);
		bench_seal(&bench);
		bench_saw(&bench, shown);
		assert_string_equal(
			bench_verdict(&bench)->verdict, shown == 64 ? "model" : "error");
		bench_close(&bench);
	}
}

static void noise_is_inconclusive(void **state)
{
	struct bench bench;

	(void)state;
	say((struct saying)EXACTLY(64), (struct saying)EXACTLY(64));
	bench_open(&bench, &kind_undecided);
	bench_seal(&bench);
	bench_saw(&bench, 64);
	check_verdict(&bench, "inconclusive", "silent", "open");
	bench_close(&bench);
}

static void what_is_unmet_is_skipped_with_all_of_it(void **state)
{
	static const struct record_unmet unmet[] = {
		{"root", "uid 1000", "sudo mmconform run"},
		{"2 MiB huge pages: 8", "0 free", "sysctl vm.nr_hugepages=8"},
	};
	struct bench bench;

	(void)state;
	say((struct saying)EXACTLY(64), (struct saying)EXACTLY(64));
	bench_open(&bench, &kind_said);
	bench_seal(&bench);
	bench_trial(&bench,
		(struct record_trial){
			.end = RECORD_TRIAL_UNMET,
			.why = "root",
			.unmet_count = 2,
			.unmet = unmet,
		},
		NULL, 0);
	check_verdict(&bench, "skip", "silent", "open");
	assert_int_equal(bench.judgement.verdicts[0].unmet_count, 2);
	assert_string_equal(bench.judgement.verdicts[0].unmet[1].supply, unmet[1].supply);
	bench_close(&bench);
}

static void a_trial_that_cannot_be_trusted_is_an_error(void **state)
{
	static const char *const moved[] = {"thp.enabled: always became never"};
	static const struct record_trial trials[] = {
		{.end = RECORD_TRIAL_BROKEN, .why = "x.c:7: MUST(mmap)"},
		{.end = RECORD_TRIAL_OVERDUE, .why = "killed after 10 s"},
		{.end = RECORD_TRIAL_DIED, .why = "SIGSEGV", .signal = 11},
		{.moved_count = 1, .moved = moved},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(trials) / sizeof(trials[0]); i++) {
		struct record_observation observation = saw(QUANTITY, "getrusage", 64);
		struct bench bench;
		say((struct saying)EXACTLY(64), (struct saying)EXACTLY(64));
		bench_open(&bench, &kind_said);
		bench_seal(&bench);
		bench_trial(&bench, trials[i], &observation, 1);
		check_verdict(&bench, "error", "silent", "open");
		bench_close(&bench);
	}
}

/* What a kernel says against itself counts, whatever the trial found and however it ended. */
static void a_complaint_of_the_kernel_is_a_deviation(void **state)
{
	static const char *const complaints[] = {"BUG: Bad rss-counter state mm:1 type:0 val:-1"};
	static const struct record_trial trials[] = {
		{.complaints_count = 1, .complaints = complaints},
		{.end = RECORD_TRIAL_DIED,
			.why = "SIGKILL",
			.signal = 9,
			.complaints_count = 1,
			.complaints = complaints},
	};
	struct bench bench;

	(void)state;
	for (size_t i = 0; i < sizeof(trials) / sizeof(trials[0]); i++) {
		struct record_observation observation = saw(QUANTITY, "getrusage", 64);
		say((struct saying)EXACTLY(64), (struct saying)EXACTLY(64));
		bench_open(&bench, &kind_said);
		bench_seal(&bench);
		bench_trial(&bench, trials[i], &observation, 1);
		check_verdict(&bench, "deviation", i == 0 ? "agrees" : "silent", "unexplained");
		assert_string_equal(bench.judgement.verdicts[0].observed, complaints[0]);
		bench_close(&bench);
	}
	/* What deviates by itself says what. */
	struct record_observation observation = saw(QUANTITY, "getrusage", 65);
	say((struct saying)EXACTLY(64), (struct saying)EXACTLY(64));
	bench_open(&bench, &kind_said);
	bench_seal(&bench);
	bench_trial(&bench, trials[0], &observation, 1);
	check_verdict(&bench, "deviation", "differs", "unexplained");
	assert_string_not_equal(bench.judgement.verdicts[0].observed, complaints[0]);
	bench_close(&bench);
}

static void a_death_that_is_predicted_is_judged(void **state)
{
	struct saying death = EXACTLY(11);
	struct record_observation observation = saw("termination", "wait", 11);
	struct bench bench;

	(void)state;
	death.quantity = "termination";
	say(death, death);
	bench_open(&bench, &kind_said);
	bench_seal(&bench);
	bench_trial(&bench, (struct record_trial){.end = RECORD_TRIAL_DIED, .signal = 11},
		&observation, 1);
	check_verdict(&bench, "pass", "agrees", "agreed");
	bench_close(&bench);
}

static void what_was_not_observed_is_an_error(void **state)
{
	struct record_observation observation = saw("major-faults", "getrusage", 64);
	struct bench bench;

	(void)state;
	say((struct saying)EXACTLY(64), (struct saying)EXACTLY(64));
	bench_open(&bench, &kind_said);
	bench_seal(&bench);
	bench_trial(&bench, (struct record_trial){0}, &observation, 1);
	check_verdict(&bench, "error", "silent", "open");
	bench_close(&bench);
}

/* --- witnesses and launches ------------------------------------------------------------------ */

static void one_surface_read_twice_with_two_results_is_a_broken_instrument(void **state)
{
	struct record_observation observations[] = {
		saw(QUANTITY, "getrusage", 64), saw(QUANTITY, "getrusage", 65)};
	struct bench bench;

	(void)state;
	say((struct saying){.form = VM_FORM_WITHIN, .values_count = 2, .values = {60, 70}},
		(struct saying)EXACTLY(64));
	bench_open(&bench, &kind_said);
	bench_seal(&bench);
	bench_trial(&bench, (struct record_trial){0}, observations, 2);
	check_verdict(&bench, "error", "silent", "open");
	bench_close(&bench);
}

static void two_surfaces_that_disagree_are_the_kernels_affair(void **state)
{
	struct record_observation observations[] = {
		saw(QUANTITY, "getrusage", 64), saw(QUANTITY, "/proc/self/stat", 65)};
	struct bench bench;

	(void)state;
	say((struct saying)EXACTLY(64), (struct saying)EXACTLY(64));
	bench_open(&bench, &kind_said);
	bench_seal(&bench);
	bench_trial(&bench, (struct record_trial){0}, observations, 2);
	check_verdict(&bench, "deviation", "differs", "unexplained");
	assert_non_null(strstr(bench.judgement.verdicts[0].observed, "/proc/self/stat"));
	bench_close(&bench);
}

static void all_launches_have_to_agree(void **state)
{
	struct bench bench;

	(void)state;
	say((struct saying)EXACTLY(64), (struct saying)EXACTLY(64));
	bench_open(&bench, &kind_said);
	bench_seal(&bench);
	bench_saw(&bench, 64);
	bench_saw(&bench, 65);
	bench_saw(&bench, 64);
	check_verdict(&bench, "deviation", "differs", "unexplained");
	assert_non_null(strstr(bench.judgement.verdicts[0].observed, "launch 2"));
	bench_close(&bench);
}

/* --- forms ----------------------------------------------------------------------------------- */

static void saw_values(struct bench *bench, const char *quantity, enum vm_unit unit,
	const int64_t *values, size_t count)
{
	struct record_observation observation = {
		.quantity = quantity,
		.at = "",
		.values_count = count,
		.unit = unit,
		.witness = "getrusage",
	};
	int64_t *kept = malloc(count * sizeof(*kept) + 1);

	assert_non_null(kept);
	memcpy(kept, values, count * sizeof(*kept));
	observation.values = kept;
	bench_trial(bench, (struct record_trial){0}, &observation, 1);
}

static void check_form(struct saying saying, const int64_t *values, size_t count, bool allowed)
{
	struct bench bench;

	say(saying, (struct saying){.nothing = true});
	bench_open(&bench, &kind_said);
	bench_seal(&bench);
	saw_values(&bench, QUANTITY, VM_UNIT_COUNT, values, count);
	assert_string_equal(bench_verdict(&bench)->verdict, allowed ? "pass" : "deviation");
	bench_close(&bench);
}

static void each_form_allows_what_it_says(void **state)
{
	const struct saying sequence = {
		VM_FORM_EXACT, 3, {3, 1, 2}, NULL, NULL, false, VM_UNIT_COUNT};
	const struct saying set = {VM_FORM_SET, 3, {3, 1, 2}, NULL, NULL, false, VM_UNIT_COUNT};
	const struct saying among = {VM_FORM_AMONG, 2, {0, 512}, NULL, NULL, false, VM_UNIT_COUNT};
	const struct saying within = {VM_FORM_WITHIN, 2, {-3, 5}, NULL, NULL, false, VM_UNIT_COUNT};

	(void)state;
	check_form(sequence, (const int64_t[]){3, 1, 2}, 3, true);
	check_form(sequence, (const int64_t[]){1, 2, 3}, 3, false);
	check_form(sequence, (const int64_t[]){3, 1}, 2, false);
	check_form(set, (const int64_t[]){1, 2, 3}, 3, true);
	check_form(set, (const int64_t[]){1, 2, 2}, 3, false);
	check_form(set, (const int64_t[]){1, 2, 3, 3}, 4, false);
	check_form(among, (const int64_t[]){512}, 1, true);
	check_form(among, (const int64_t[]){511}, 1, false);
	check_form(among, (const int64_t[]){0}, 0, false);
	check_form(within, (const int64_t[]){-3}, 1, true);
	check_form(within, (const int64_t[]){5, -3, 0}, 3, true);
	check_form(within, (const int64_t[]){-4}, 1, false);
	check_form(within, (const int64_t[]){0, 6}, 2, false);
}

/* Two pages decided, one of them right; one page left open. */
static void how_exact_it_is_page_by_page_stands_in_the_verdict(void **state)
{
	const struct saying pages = {
		VM_FORM_WITHIN, 6, {0, 0, 1, 1, 0, 1}, "resident", NULL, false, VM_UNIT_BOOL};
	static const struct {
		int64_t seen[3], right;
		const char *verdict;
	} rows[] = {{{0, 1, 0}, 2, "pass"}, {{0, 1, 1}, 2, "pass"}, {{0, 0, 1}, 1, "deviation"}};
	struct bench bench;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		say(pages, (struct saying){.nothing = true});
		bench_open(&bench, &kind_said);
		bench_seal(&bench);
		saw_values(&bench, "resident", VM_UNIT_BOOL, rows[i].seen, 3);
		const struct record_verdict *verdict = bench_verdict(&bench);
		assert_string_equal(verdict->verdict, rows[i].verdict);
		assert_int_equal(verdict->exactness_count, 1);
		assert_int_equal(verdict->exactness->pages, 3);
		assert_int_equal(verdict->exactness->decided, 2);
		assert_int_equal(verdict->exactness->right, rows[i].right);
		bench_close(&bench);
	}
	/* Other things of which each is there or not are no pages. */
	struct saying others = pages;
	others.quantity = QUANTITY;
	say(others, (struct saying){.nothing = true});
	bench_open(&bench, &kind_said);
	bench_seal(&bench);
	saw_values(&bench, QUANTITY, VM_UNIT_BOOL, rows[0].seen, 3);
	assert_int_equal(bench_verdict(&bench)->exactness_count, 0);
	bench_close(&bench);
}

static void a_rule_gets_the_readings_of_its_own_trial(void **state)
{
	const struct saying rule = {.input = "managed"};
	struct bench bench;

	(void)state;
	say(rule, rule);
	bench_open(&bench, &kind_said);
	bench_seal(&bench);
	for (int64_t managed = 10; managed <= 20; managed += 10) {
		struct record_observation observations[] = {
			saw("managed", "/proc/zoneinfo", managed),
			saw(QUANTITY, "getrusage", managed * 2)};
		bench_trial(&bench, (struct record_trial){0}, observations, 2);
	}
	check_verdict(&bench, "pass", "agrees", "agreed");
	assert_string_equal(bench.record.predictions[0].expect[0].form, "rule");
	bench_close(&bench);

	bench_open(&bench, &kind_said);
	bench_seal(&bench);
	bench_saw(&bench, 20);
	check_verdict(&bench, "error", "silent", "open");
	bench_close(&bench);
}

/* --- models exchanged, changed --------------------------------------------------------------- */

static void exchanging_the_fillings_turns_round_what_they_disagree_on(void **state)
{
	struct bench bench;

	(void)state;
	for (int64_t textbook = 63; textbook <= 64; textbook++) {
		say((struct saying)EXACTLY(64), (struct saying)EXACTLY(textbook));
		bench_open(&bench, &kind_said);
		bench_seal(&bench);
		bench_saw(&bench, 64);
		bench.exchange = true;
		if (textbook == 64)
			check_verdict(&bench, "pass", "agrees", "agreed");
		else
			check_verdict(&bench, "deviation", "agrees", "mismodelled");
		bench_close(&bench);
	}
}

static void the_model_that_sealed_may_not_change_its_mind(void **state)
{
	struct bench bench;

	(void)state;
	say((struct saying)EXACTLY(64), (struct saying)EXACTLY(64));
	bench_open(&bench, &kind_said);
	bench_seal(&bench);
	bench_saw(&bench, 65);
	say((struct saying)EXACTLY(65), (struct saying)EXACTLY(64));
	assert_false(bench_judges(&bench));
	bench_close(&bench);
}

static void another_model_may_and_it_is_said(void **state)
{
	struct bench bench;

	(void)state;
	say((struct saying)EXACTLY(64), (struct saying)EXACTLY(64));
	bench_open(&bench, &kind_said);
	bench.model = "0123456789abcdef";
	bench_seal(&bench);
	bench_saw(&bench, 65);
	say((struct saying)EXACTLY(65), (struct saying)EXACTLY(64));
	check_verdict(&bench, "pass", "differs", "departs");
	assert_int_equal(bench.judgement.notes_count, 1);
	assert_non_null(strstr(bench.judgement.notes[0], "1 of 2 predictions"));
	bench_close(&bench);
}

static void a_check_that_is_gone_is_an_error(void **state)
{
	struct bench bench;

	(void)state;
	say((struct saying)EXACTLY(64), (struct saying)EXACTLY(64));
	bench_open(&bench, &kind_said);
	bench.model = "0123456789abcdef";
	bench_seal(&bench);
	bench_saw(&bench, 64);
	bench.checks.count = 0;
	check_verdict(&bench, "error", "silent", "open");
	bench_close(&bench);
}

/* --- known deviations ------------------------------------------------------------------------ */

struct ageing_row {
	const char *fact, *matches, *signature, *expires;
	int64_t observed;
	const char *verdict;
	const char *note; /* part of the only note; NULL: there is none */
};

static void check_ageing(const struct ageing_row *row)
{
	const struct known_condition when = {row->fact, row->matches};
	const struct known_entry entry = {
		.claim = CLAIM,
		.when_count = 1,
		.when = &when,
		.signature = row->signature,
		.reason = "a backport",
		.link = "https://example.org/1",
		.expires = row->expires,
	};
	struct bench bench;

	say((struct saying)EXACTLY(64), (struct saying)EXACTLY(64));
	bench_open(&bench, &kind_said);
	bench.known = (struct known_list){1, &entry};
	bench_seal(&bench);
	bench_saw(&bench, row->observed);
	assert_string_equal(bench_verdict(&bench)->verdict, row->verdict);
	assert_int_equal(bench.judgement.verdicts[0].known_count,
		strcmp(row->verdict, "known") == 0 ? 1 : 0);
	assert_int_equal(bench.judgement.notes_count, row->note != NULL ? 1 : 0);
	if (row->note != NULL && strstr(bench.judgement.notes[0], row->note) == NULL)
		fail_msg("\"%s\" is not in \"%s\"", row->note, bench.judgement.notes[0]);
	bench_close(&bench);
}

static void known_deviations_age(void **state)
{
	static const char levels[] = "/page-table-levels", four[] = "^4$";
	static const struct ageing_row rows[] = {
		{levels, four, "observed 65 ", "2026-06-30", 65, "known", NULL},
		{levels, four, "observed 65 ", "2026-06-30", 64, "pass", "no longer occurs"},
		{levels, four, "observed 65 ", "2026-06-30", 66, "deviation", "has changed"},
		{levels, four, "observed 65 ", "2026-01-31", 65, "deviation", "expired"},
		{levels, four, "observed 65 ", "2026-02-01", 65, "known", NULL},
		{levels, "^5$", "observed 65 ", "2026-06-30", 65, "deviation", NULL},
		{"/nowhere/at/all", ".", "observed 65 ", "2026-06-30", 65, "deviation", NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check_ageing(&rows[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_two_models_together_make_the_reading),
		cmocka_unit_test(silence_is_no_agreement),
		cmocka_unit_test(what_only_the_model_shows_is_model_or_error),
		cmocka_unit_test(noise_is_inconclusive),
		cmocka_unit_test(what_is_unmet_is_skipped_with_all_of_it),
		cmocka_unit_test(a_trial_that_cannot_be_trusted_is_an_error),
		cmocka_unit_test(a_complaint_of_the_kernel_is_a_deviation),
		cmocka_unit_test(a_death_that_is_predicted_is_judged),
		cmocka_unit_test(what_was_not_observed_is_an_error),
		cmocka_unit_test(one_surface_read_twice_with_two_results_is_a_broken_instrument),
		cmocka_unit_test(two_surfaces_that_disagree_are_the_kernels_affair),
		cmocka_unit_test(all_launches_have_to_agree),
		cmocka_unit_test(each_form_allows_what_it_says),
		cmocka_unit_test(how_exact_it_is_page_by_page_stands_in_the_verdict),
		cmocka_unit_test(a_rule_gets_the_readings_of_its_own_trial),
		cmocka_unit_test(exchanging_the_fillings_turns_round_what_they_disagree_on),
		cmocka_unit_test(the_model_that_sealed_may_not_change_its_mind),
		cmocka_unit_test(another_model_may_and_it_is_said),
		cmocka_unit_test(a_check_that_is_gone_is_an_error),
		cmocka_unit_test(known_deviations_age),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
