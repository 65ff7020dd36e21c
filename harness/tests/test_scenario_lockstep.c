/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The comparison itself: it agrees with what this host shows, complains of each kind of false
 * observation, and a planted mistake of the model is shrunk to a few operations.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "facts/facts.h"
#include "scenario/explore.h"
#include "scenario/reason.h"
#include "scenario/trial.h"

#define SHORTEST_MOST 6

static struct pool pool;
static struct facts facts;
static struct vm_model model;

static int prepare(void **state)
{
	struct facts_error error;

	(void)state;
	if (facts_read_live(&pool, &facts, &error) != 0)
		return -1;
	model = vm_model_for(VM_MODEL_LINUX, &facts.host);
	return 0;
}

static const char text[] = "purpose A write, a fork and a fault.\n"
			   "claims cow.writer-pays\n"
			   "area a 6\n"
			   "file-create f memory 3\n"
			   "file-write f[0, 2] = 3\n"
			   "map a[0, 4] rw private\n"
			   "touch-write a[0, 3] = 7\n"
			   "read a[0]:0,3\n"
			   "touch-read a[5]\n"
			   "protect a[0, 6] r\n"
			   "fork child\n"
			   "child: touch-read a[0, 3]\n";

static const char around_text[] = "purpose A read fault brings its neighbours along.\n"
				  "claims demand.neighbours\n"
				  "area a 4\n"
				  "file-create f memory 4\n"
				  "file-write f[0, 4] = 3\n"
				  "map a rw shared of f\n"
				  "touch-read a\n";

static void compile_text(const char *source, struct script *script)
{
	struct scenario scenario;
	struct scenario_error error;

	assert_true(scenario_read(&pool, source, strlen(source), &scenario, &error));
	assert_true(scenario_compile(&pool, &scenario, NULL, script, &error));
}

static void compile(struct script *script)
{
	compile_text(text, script);
}

static size_t differences(
	const struct script *script, const struct seen *seen, enum live_kind *kind)
{
	struct lockstep *lockstep = pool_take(&pool, sizeof(*lockstep));
	const char *why = "";

	lockstep_begin(lockstep, &pool, script, &model, &facts.host, seen->groups[0].words);
	assert_true(lockstep_run(lockstep, seen, &why));
	const size_t count = lockstep->differences_count;
	if (count != 0)
		*kind = lockstep->differences[0].kind;
	lockstep_end(lockstep);
	return count;
}

/* For each kind of observation one word is wrong: which, and by what it is exchanged. */
static const struct {
	enum live_kind kind;
	size_t word;
	uint64_t flips;
	enum live_kind told; /* some lies show on another surface first */
} falsehoods[] = {
	{LIVE_RESULT, 0, 1, LIVE_RESULT},
	{LIVE_SIGNAL, LIVE_SIGNAL_CODE, 3, LIVE_SIGNAL},
	{LIVE_SIGNAL, LIVE_SIGNAL_ADDRESS, 8, LIVE_SIGNAL},
	{LIVE_SIGNAL, LIVE_SIGNAL_ERROR_BITS, 2, LIVE_SIGNAL},
	{LIVE_BYTES, 0, 1, LIVE_BYTES},
	{LIVE_AREAS, LIVE_AREA_END, VM_PAGE_BYTES, LIVE_AREAS},
	{LIVE_AREAS, LIVE_AREA_ACCESS, VM_PROT_EXEC, LIVE_AREAS},
	{LIVE_PAGES, 2, UINT64_C(1) << VM_PAGEMAP_PRESENT, LIVE_PAGES},
	{LIVE_PAGES, 3, UINT64_C(1) << VM_PAGEMAP_EXCLUSIVE, LIVE_PAGES},
	{LIVE_COUNTERS, LIVE_COUNTER_RSS_ANON, 4, LIVE_COUNTERS},
	{LIVE_COUNTERS, LIVE_COUNTER_VM_PTE, 4, LIVE_COUNTERS},
	{LIVE_SMAPS, LIVE_SMAPS_FLAGS, 2, LIVE_SMAPS},
	{LIVE_SMAPS, LIVE_SMAPS_LINES + VM_SMAPS_RSS, 4, LIVE_SMAPS},
	{LIVE_SMAPS, LIVE_SMAPS_LINES + VM_SMAPS_PSS, 1, LIVE_SMAPS},
	{LIVE_CORE, 2, 1, LIVE_CORE},
	{LIVE_CORE, 1, 1, LIVE_CORE}, /* a repetition of another length */
	{LIVE_FRAMES, 0, UINT64_C(1) << VM_KPF_ANON, LIVE_FRAMES},
	{LIVE_FRAMES, 1, 2, LIVE_FRAMES},
	{LIVE_FILES, LIVE_FILE_CACHED, 1, LIVE_FILES},
	{LIVE_FILES, LIVE_FILE_BYTES, 1, LIVE_FILES},
	{LIVE_FILES, LIVE_FILE_WRITE_BACK, 1, LIVE_FILES},
	{LIVE_CACHE, LIVE_CACHE_CACHED, 1, LIVE_CACHE},
	{LIVE_CACHE, LIVE_CACHE_DIRTY, 2, LIVE_CACHE},
	{LIVE_FAULTS, LIVE_FAULTS_MINOR, 1, LIVE_FAULTS},
	{LIVE_FAULTS, LIVE_FAULTS_MAJOR, 1, LIVE_FAULTS},
};

/* The last group of the kind that has such a word, in a copy of all that was seen. */
static bool falsify_word(const struct seen *seen, enum live_kind kind, size_t word, uint64_t flips,
	struct seen *copy)
{
	copy->count = seen->count;
	copy->groups = pool_take(&pool, seen->count * sizeof(*copy->groups));
	memcpy(copy->groups, seen->groups, seen->count * sizeof(*copy->groups));
	for (size_t i = seen->count; i > 0; i--) {
		struct seen_group *group = &copy->groups[i - 1];
		if (group->kind != kind || group->step == 0 || group->count <= word)
			continue;
		uint64_t *words = pool_take(&pool, group->count * sizeof(*words));
		memcpy(words, group->words, group->count * sizeof(*words));
		words[word] ^= flips;
		group->words = words;
		return true;
	}
	return false;
}

static void false_observations_are_told(void **state)
{
	struct script script;
	struct seen seen, wrong;
	const char *why = "";
	enum live_kind kind = LIVE_KIND_LIMIT;
	size_t told = 0;

	(void)state;
	compile(&script);
	if (!scenario_run_here(&pool, "lockstep", &script, &seen, &why))
		fail_msg("%s", why);
	assert_int_equal(differences(&script, &seen, &kind), 0);
	for (size_t i = 0; i < sizeof(falsehoods) / sizeof(falsehoods[0]); i++) {
		/* Frames are not shown to everybody. */
		if (!falsify_word(&seen, falsehoods[i].kind, falsehoods[i].word,
			    falsehoods[i].flips, &wrong))
			continue;
		if (differences(&script, &wrong, &kind) == 0)
			fail_msg("falsehood %zu is believed", i);
		assert_int_equal(kind, falsehoods[i].told);
		told++;
	}
	assert_true(told >= 15);
}

/* Where each CPU holds resident pages back, their figures are late by so many and no more. */
static void late_figures_are_believed_within_a_batch(void **state)
{
	const bool was_exact = facts.host.feature[VM_FEATURE_RSS_EXACT_STATUS].present;
	const struct vm_model usual = model;
	struct script script;
	struct seen seen, wrong;
	const char *why = "";
	enum live_kind kind = LIVE_KIND_LIMIT;

	(void)state;
	compile(&script);
	if (!scenario_run_here(&pool, "lockstep", &script, &seen, &why))
		fail_msg("%s", why);
	facts.host.feature[VM_FEATURE_RSS_EXACT_STATUS].present = false;
	facts.host.feature[VM_FEATURE_RSS_BY_CPU].present = true;
	model = vm_model_for(VM_MODEL_LINUX, &facts.host);
	assert_true(falsify_word(&seen, LIVE_COUNTERS, LIVE_COUNTER_RSS_ANON, 4, &wrong));
	assert_int_equal(differences(&script, &wrong, &kind), 0);
	assert_true(falsify_word(&seen, LIVE_COUNTERS, LIVE_COUNTER_RSS_ANON, 4096, &wrong));
	assert_int_not_equal(differences(&script, &wrong, &kind), 0);
	assert_int_equal(kind, LIVE_COUNTERS);
	assert_true(falsify_word(&seen, LIVE_COUNTERS, LIVE_COUNTER_VM_PTE, 4, &wrong));
	assert_int_not_equal(differences(&script, &wrong, &kind), 0);
	facts.host.feature[VM_FEATURE_RSS_EXACT_STATUS].present = was_exact;
	model = usual;
}

/* What a monitor has locked is left out by fault-around: each such page may take a fault. */
static void more_faults_are_believed_where_a_monitor_ran(void **state)
{
	static const struct {
		bool monitored, ran;
		uint64_t minor, major;
		bool believed;
	} cases[] = {
		{true, true, 4, 0, true},
		{true, true, 2, 2, true},
		{true, true, 5, 0, false},
		{true, true, 0, 0, false},
		{true, false, 4, 0, false},
		{false, true, 4, 0, false},
		{true, false, 1, 0, true},
	};
	struct vm_feature_fact *const monitored = &facts.host.feature[VM_FEATURE_ACCESS_MONITORED];
	const bool was_monitored = monitored->present;
	struct script script;
	struct seen seen, copy;
	const char *why = "";
	enum live_kind kind = LIVE_KIND_LIMIT;

	(void)state;
	compile_text(around_text, &script);
	if (!scenario_run_here(&pool, "lockstep", &script, &seen, &why))
		fail_msg("%s", why);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_true(falsify_word(&seen, LIVE_FAULTS, LIVE_FAULTS_MONITORED, 0, &copy));
		for (size_t k = 0; k < copy.count; k++) {
			uint64_t *words = (uint64_t *)(uintptr_t)copy.groups[k].words;
			if (copy.groups[k].kind != LIVE_FAULTS || copy.groups[k].step != 4)
				continue;
			words[LIVE_FAULTS_MINOR] = cases[i].minor;
			words[LIVE_FAULTS_MAJOR] = cases[i].major;
			words[LIVE_FAULTS_MONITORED] = cases[i].ran;
		}
		monitored->present = cases[i].monitored;
		if ((differences(&script, &copy, &kind) == 0) != cases[i].believed)
			fail_msg("case %zu", i);
	}
	monitored->present = was_monitored;
}

/* A first touch makes tables and takes a fault: each figure has the rule that it hangs on. */
static void a_difference_has_the_rule_of_its_figure(void **state)
{
	struct lockstep *lockstep = pool_take(&pool, sizeof(*lockstep));
	uint64_t start[LIVE_START_LIMIT];
	struct script script;

	(void)state;
	compile_text(text, &script);
	lockstep_usual_start(&(const struct probe_needs){0}, start);
	lockstep_begin(lockstep, &pool, &script, &model, &facts.host, start);
	for (uint32_t step = 0; step <= 4; step++)
		(void)lockstep_step(lockstep, step, NULL, 0);
	assert_int_equal(script.operations[3].kind, VM_OP_TOUCH_WRITE);
	const struct vm_machine *machine = lockstep->machine;
	assert_string_equal(
		reason_for(machine, LIVE_FAULTS, "minor faults")->id, "demand.first-touch");
	assert_string_equal(
		reason_for(machine, LIVE_COUNTERS, "RSS_ANON")->id, "demand.first-touch");
	assert_string_equal(
		reason_for(machine, LIVE_COUNTERS, "VM_PTE")->id, "xlate.table-at-first-touch");
	/* No rule of this step is about areas. */
	assert_non_null(reason_for(machine, LIVE_AREAS, "area 1"));
	lockstep_end(lockstep);
}

static uint64_t dirty_last(const struct seen *seen)
{
	for (size_t i = seen->count; i > 0; i--)
		if (seen->groups[i - 1].kind == LIVE_FILES && seen->groups[i - 1].count != 0)
			return seen->groups[i - 1].words[LIVE_FILE_DIRTY];
	return LIVE_ABSENT;
}

/* A part of a disk file may have been written back by the kernel itself; no page gets dirty so. */
static void write_back_in_part_is_believed(void **state)
{
	static const char file_text[] =
		"purpose A file is written.\n"
		"claims cache.write-back\n"
		"area a 1\n"
		"file-create f disk 80\n"
		"for i 1..79\n" /* no large folios: they are clean as a whole */
		"file-write f[$i] = 3\n"
		"end\n"
		"file-write f[0] = 3\n";
	struct scenario scenario;
	struct scenario_error error;
	struct script script;
	struct seen seen, count, wrong;
	const char *why = "";
	enum live_kind kind = LIVE_KIND_LIMIT;

	(void)state;
	assert_true(scenario_read(&pool, file_text, sizeof(file_text) - 1, &scenario, &error));
	assert_true(scenario_compile(&pool, &scenario, NULL, &script, &error));
	if (!scenario_run_here(&pool, "lockstep", &script, &seen, &why))
		fail_msg("%s", why);
	const uint64_t dirty = dirty_last(&seen);
	if (dirty != 80) /* no disk here that keeps it, or a kernel that does not say */
		skip();
	/* The last three of them are left: in the count alone that is no state of the file. */
	assert_true(falsify_word(&seen, LIVE_FILES, LIVE_FILE_DIRTY, dirty ^ 3, &count));
	assert_int_not_equal(differences(&script, &count, &kind), 0);
	assert_true(falsify_word(&count, LIVE_CACHE, LIVE_CACHE_DIRTY, UINT64_MAX, &wrong));
	assert_int_equal(differences(&script, &wrong, &kind), 0);
	assert_true(falsify_word(&seen, LIVE_FILES, LIVE_FILE_DIRTY, dirty ^ 81, &wrong));
	assert_int_not_equal(differences(&script, &wrong, &kind), 0);
	assert_int_equal(kind, LIVE_FILES);
}

static const struct seen_group *rising_run(const struct seen *seen)
{
	for (size_t i = 0; i < seen->count; i++)
		if (seen->groups[i].kind == LIVE_PAGES && seen->groups[i].count > 1 &&
			(seen->groups[i].words[1] & LIVE_RUN_RISES) != 0)
			return &seen->groups[i];
	return NULL;
}

/* The frames of a large page follow each other: they are sent as one, and looked at one by one. */
static void a_run_that_rises_is_compared_page_by_page(void **state)
{
	static const char huge_text[] = "purpose A huge page.\n"
					"claims xlate.large-page-tables\n"
					"area a 512 align 2M\n"
					"map a rw private\n"
					"advise a hugepage\n"
					"touch-write a[0]\n";
	struct script script;
	struct seen seen, wrong;
	const char *why = "";
	enum live_kind kind = LIVE_KIND_LIMIT;

	(void)state;
	compile_text(huge_text, &script);
	if (!scenario_run_here(&pool, "lockstep", &script, &seen, &why))
		fail_msg("%s", why);
	assert_int_equal(differences(&script, &seen, &kind), 0);
	const struct seen_group *run = rising_run(&seen);
	if (run == NULL) /* no huge page here, or frames are not shown to everybody */
		skip();
	assert_int_equal(run->count, 3);
	assert_int_equal(live_run_pages(run->words[1]), 512);
	/* One page less, then the last frame's figures. */
	assert_true(falsify_word(&seen, LIVE_PAGES, 1, 512 ^ 511, &wrong));
	assert_int_not_equal(differences(&script, &wrong, &kind), 0);
	assert_int_equal(kind, LIVE_PAGES);
	assert_true(falsify_word(&seen, LIVE_FRAMES, 3, UINT64_C(1) << VM_KPF_ANON, &wrong));
	assert_int_not_equal(differences(&script, &wrong, &kind), 0);
	assert_int_equal(kind, LIVE_FRAMES);
}

/* Shared memory that was only read may go once nobody maps it; what was written may not. */
static void eviction_of_clean_memory_is_believed(void **state)
{
	static const char shared_text[] = "purpose Shared memory is read and written.\n"
					  "claims demand.shared\n"
					  "area a 2\n"
					  "area b 1\n"
					  "map a rw shared\n"
					  "map b rw private\n"
					  "touch-write a[0]\n"
					  "touch-read a[1]\n"
					  "advise a dontneed\n"
					  "touch-write b\n"; /* what is in memory is sent again */
	struct script script;
	struct seen seen, read_gone, written_gone;
	const char *why = "";
	enum live_kind kind = LIVE_KIND_LIMIT;

	(void)state;
	compile_text(shared_text, &script);
	if (!scenario_run_here(&pool, "lockstep", &script, &seen, &why))
		fail_msg("%s", why);
	assert_int_equal(differences(&script, &seen, &kind), 0);
	/* A run of both pages becomes a run of the first, then of the second. */
	assert_true(falsify_word(&seen, LIVE_CORE, 1, 2 ^ 1, &read_gone));
	assert_int_equal(differences(&script, &read_gone, &kind), 0);
	assert_true(falsify_word(&read_gone, LIVE_CORE, 0, 1, &written_gone));
	assert_int_not_equal(differences(&script, &written_gone, &kind), 0);
	assert_int_equal(kind, LIVE_CORE);
}

static void eviction_where_no_page_is_told_is_believed(void **state)
{
	static const char clean_text[] = "purpose A private copy of memory that was only read.\n"
					 "claims demand.shared\n"
					 "area a 100\n"
					 "file-create f memory 100\n"
					 "map a rw private of f\n"
					 "touch-read a\n"
					 "touch-write a\n"
					 "file-create g memory 1\n"; /* files are shown again */
	static const char dirty_text[] = "purpose A private copy of memory that was written.\n"
					 "claims demand.shared\n"
					 "area a 100\n"
					 "file-create f memory 100\n"
					 "file-write f[0, 100] = 1\n"
					 "map a rw private of f\n"
					 "touch-read a\n"
					 "touch-write a\n"
					 "file-create g memory 1\n"; /* files are shown again */
	const char *const texts[] = {clean_text, dirty_text};
	struct script script;
	struct seen seen, gone;
	const char *why = "";
	enum live_kind kind = LIVE_KIND_LIMIT;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		compile_text(texts[i], &script);
		if (!scenario_run_here(&pool, "lockstep", &script, &seen, &why))
			fail_msg("%s", why);
		assert_true(falsify_word(&seen, LIVE_FILES, LIVE_FILE_CACHED, 100 ^ 99, &gone));
		if (texts[i] == clean_text)
			assert_int_equal(differences(&script, &gone, &kind), 0);
		else
			assert_int_not_equal(differences(&script, &gone, &kind), 0);
	}
}

static void a_planted_mistake_is_shrunk(void **state)
{
	struct vm_model mistaken = model;
	struct explore_result *result = pool_take(&pool, sizeof(*result));
	const char *why = "";

	(void)state;
	mistaken.behaviours.fault_around = false;
	const struct explore_options options = {
		.host = &facts.host,
		.model = &mistaken,
		.seed = 7,
		.operations = 2000,
		.processes = 2,
		.shrinks = true,
	};
	if (!explore(&pool, &options, result, &why))
		fail_msg("%s", why);
	assert_true(result->differs);
	assert_true(result->shortest_count <= SHORTEST_MOST);
	assert_non_null(strstr(result->reproducer, "int main(void)"));
}

/* What exploration does not do needs settings, or stops the parent: a reproducer leaves it out. */
static bool is_explored(enum vm_operation_kind kind)
{
	return kind != VM_OP_VFORK && kind != VM_OP_WAIT && kind != VM_OP_KSM_RUN &&
	       kind != VM_OP_POOL && kind < VM_OP_STEP_WRITE_BACK;
}

static void a_reproducer_says_what_is_explored(void **state)
{
	static const char path[] = "reproducer-of-all.c";
	struct vm_operation operations[VM_OP_LIMIT];
	const struct difference difference = {
		.where = "", .expected = "", .observed = "", .because = "", .cite = ""};
	size_t count = 0;

	(void)state;
	for (int kind = 0; kind < VM_OP_LIMIT; kind++)
		if (is_explored((enum vm_operation_kind)kind))
			operations[count++] =
				(struct vm_operation){.kind = (enum vm_operation_kind)kind,
					.address = 0x100000000000,
					.length = 4096};
	const char *program = reproducer_write(&pool, operations, count, &difference);
	assert_null(strstr(program, "is not said here"));
	FILE *file = fopen(path, "we");
	assert_non_null(file);
	assert_true(fputs(program, file) >= 0 && fclose(file) == 0);
	assert_int_equal(system("cc -Wall -Werror -fsyntax-only reproducer-of-all.c"), 0);
	assert_int_equal(remove(path), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(false_observations_are_told),
		cmocka_unit_test(write_back_in_part_is_believed),
		cmocka_unit_test(a_run_that_rises_is_compared_page_by_page),
		cmocka_unit_test(eviction_of_clean_memory_is_believed),
		cmocka_unit_test(eviction_where_no_page_is_told_is_believed),
		cmocka_unit_test(late_figures_are_believed_within_a_batch),
		cmocka_unit_test(more_faults_are_believed_where_a_monitor_ran),
		cmocka_unit_test(a_difference_has_the_rule_of_its_figure),
		cmocka_unit_test(a_planted_mistake_is_shrunk),
		cmocka_unit_test(a_reproducer_says_what_is_explored),
	};
	const int failed = cmocka_run_group_tests_name("scenario lockstep", tests, prepare, NULL);

	pool_drop(&pool);
	return failed;
}
