/* SPDX-License-Identifier: Apache-2.0 */
/* Facts of the live machine, whichever it is and whoever asks; their JSON form and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <glob.h>

#include "facts/facts.h"
#include "facts/json.h"
#include "probe/probe.h"

static void live_facts_are_those_of_this_machine(void **state)
{
	POOL_DROPS struct pool pool = {0};
	struct facts facts;
	struct facts_error error;

	(void)state;
	if (facts_read_live(&pool, &facts, &error) < 0)
		fail_msg("%s", error.text);
	assert_int_equal(facts.host.cpus_online, sysconf(_SC_NPROCESSORS_ONLN));
	assert_true(facts.host.cpus_possible >= facts.host.cpus_online);
	assert_true(facts.host.cpu.physical_bits >= 36);
	assert_true(facts.host.kernel_major >= 5);
	assert_true(facts.host.knob[VM_KNOB_MIN_FREE_KBYTES].present);
	assert_true(facts.memory_kib > 0);
	assert_string_not_equal(facts.text[FACTS_TEXT_RELEASE], "");
	/* Nothing changed, so nothing moved. */
	struct facts_change *changes;
	size_t count = 1;
	assert_int_equal(facts_moved(&pool, &facts.host, &changes, &count, &error), 0);
	assert_int_equal(count, 0);
	/* What somebody else changed is said with both values. */
	facts.host.knob[VM_KNOB_SWAPPINESS].value += 1;
	facts.host.knob[VM_KNOB_THP_ENABLED] = (struct vm_knob_fact){
		.present = !facts.host.knob[VM_KNOB_THP_ENABLED].present,
		.value = VM_THP_NEVER,
	};
	facts.host.capabilities ^= VM_CAPABILITY_SYS_PTRACE;
	assert_int_equal(facts_moved(&pool, &facts.host, &changes, &count, &error), 0);
	assert_int_equal(count, 3);
	assert_string_equal(changes[0].name, "vm.swappiness");
	assert_int_equal(
		strtol(changes[0].before, NULL, 10), strtol(changes[0].after, NULL, 10) + 1);
	assert_string_equal(changes[1].name, "thp.enabled");
	assert_string_equal(changes[2].name, "capabilities");
}

static void json_brings_back_the_same_facts(void **state)
{
	POOL_DROPS struct pool pool = {0};
	struct facts facts, again;
	struct facts_error error;
	const char *why = "";

	(void)state;
	assert_int_equal(facts_read_live(&pool, &facts, &error), 0);
	const char *text = facts_to_json(&pool, &facts);
	if (!facts_from_json(&pool, text, strlen(text), &again, &why))
		fail_msg("%s", why);
	assert_string_equal(facts_to_json(&pool, &again), text);
	assert_memory_equal(&again.host.knob, &facts.host.knob, sizeof(facts.host.knob));
	assert_memory_equal(&again.host.feature, &facts.host.feature, sizeof(facts.host.feature));
	assert_int_equal(again.host.cpu.tlb_count, facts.host.cpu.tlb_count);
}

static void mark(unsigned char *covered, size_t offset, size_t size_bytes)
{
	memset(covered + offset, 1, size_bytes);
}

/*
 * A field of struct facts that the JSON form forgets would silently be zero when a record is
 * judged. So every byte of the struct belongs to a field of the table or to what is written by
 * hand; between them lies padding only, which is shorter than the largest alignment.
 */
static void json_forgets_no_field(void **state)
{
	static unsigned char covered[sizeof(struct facts)];
	size_t gap = 0;

	(void)state;
#define BY_HAND(member) \
	mark(covered, offsetof(struct facts, member), sizeof(((struct facts *)NULL)->member))
	BY_HAND(host.cpu.vendor);
	BY_HAND(host.cpu.tlb_count);
	BY_HAND(host.cpu.tlb);
	BY_HAND(host.capabilities);
	BY_HAND(host.feature);
	BY_HAND(host.knob);
	BY_HAND(text);
	BY_HAND(surface);
#undef BY_HAND
	for (size_t i = 0; i < json_fields_count; i++)
		mark(covered, json_fields[i].offset, json_fields[i].size_bytes);
	for (size_t i = 0; i < sizeof(covered); i++) {
		gap = covered[i] ? 0 : gap + 1;
		if (gap >= sizeof(uint64_t))
			fail_msg("byte %zu of struct facts is in no field of its JSON form", i);
	}
}

static void hostile_json_is_refused_with_a_reason(void **state)
{
	static const char *const replaced[][2] = {
		{"\"present\":true", "\"present\":1"},
		{"\"evidence\":\"surface\"", "\"evidence\":\"hearsay\""},
		{"\"cpus-online\":", "\"cpus-online\":-"},
		{"\"page-table-levels\":4", "\"page-table-levels\":256"},
		{"\"page-table-levels\":4", "\"page-table-levels\":\"4\""},
		{"\"page-bytes\":[4096]", "\"page-bytes\":[4097]"},
		{"\"page-bytes\":[4096]", "\"page-bytes\":[]"},
		{"\"vm.swappiness\":", "\"vm.swappiness\":\"much\",\"x\":"},
		{"\"tlb\":[", "\"tlb\":[[],"},
		{"\"features\":{", "\"features\":[],\"y\":{"},
		{"\"nodes-online\":1", "\"nodes-online\":1.5"},
		{"{", "{{"},
	};
	POOL_DROPS struct pool pool = {0};
	struct facts facts, again;
	struct facts_error error;
	const char *why = NULL;

	(void)state;
	assert_int_equal(facts_read_live(&pool, &facts, &error), 0);
	facts.host.page_table_levels = 4;
	facts.host.nodes_online = 1;
	facts.host.cpu.tlb_count = 1;
	facts.host.cpu.tlb[0] = (struct vm_tlb_fact){
		.type = VM_TLB_DATA, .level = 1, .pages_mask = 4096, .entries = 64, .ways = 4};
	const char *text = facts_to_json(&pool, &facts);
	for (size_t i = 0; i < sizeof(replaced) / sizeof(replaced[0]); i++) {
		const char *found = strstr(text, replaced[i][0]);
		if (found == NULL) {
			fail_msg("%s is not in the text", replaced[i][0]);
			return;
		}
		const char *bad = pool_format(&pool, "%.*s%s%s", (int)(found - text), text,
			replaced[i][1], found + strlen(replaced[i][0]));
		if (facts_from_json(&pool, bad, strlen(bad), &again, &why))
			fail_msg("%s was believed", replaced[i][1]);
		assert_string_not_equal(why, "");
	}
	for (size_t length_bytes = 0; length_bytes < strlen(text); length_bytes += 7)
		assert_false(facts_from_json(&pool, text, length_bytes, &again, &why));
}

static void every_feature_has_a_detector_and_every_knob_a_name(void **state)
{
	POOL_DROPS struct pool pool = {0};
	bool detected[VM_FEATURE_LIMIT] = {false};

	(void)state;
	for (size_t i = 0; i < facts_detector_count(); i++) {
		const struct facts_detector detector = facts_detector_at(&pool, i);
		detected[detector.feature] = true;
		assert_string_not_equal(detector.witness, "");
		assert_string_not_equal(detector.quantity, "");
		assert_true(detector.evidence != VM_EVIDENCE_NONE);
	}
	for (enum vm_feature feature = 0; feature < VM_FEATURE_LIMIT; feature++) {
		if (!detected[feature])
			fail_msg("no detector for %s", vm_feature_word(feature));
	}
}

static void a_held_knob_takes_its_rival_along(void **state)
{
	struct vm_host host = {0};

	(void)state;
	host.knob[VM_KNOB_OVERCOMMIT_RATIO] = (struct vm_knob_fact){true, 50};
	host.knob[VM_KNOB_OVERCOMMIT_KBYTES] = (struct vm_knob_fact){true, 0};
	host.knob[VM_KNOB_DIRTY_RATIO] = (struct vm_knob_fact){true, 20};
	host.knob[VM_KNOB_DIRTY_BYTES] = (struct vm_knob_fact){true, 8192};
	assert_true(facts_with_knob(&host, "vm.overcommit_kbytes", 1000));
	assert_int_equal(host.knob[VM_KNOB_OVERCOMMIT_KBYTES].value, 1000);
	assert_int_equal(host.knob[VM_KNOB_OVERCOMMIT_RATIO].value, 0);
	assert_true(facts_with_knob(&host, "vm.overcommit_ratio", 0));
	assert_int_equal(host.knob[VM_KNOB_OVERCOMMIT_KBYTES].value, 0);
	/* The foreground dirty pair moves along only with a change. */
	assert_true(facts_with_knob(&host, "vm.dirty_ratio", 20));
	assert_int_equal(host.knob[VM_KNOB_DIRTY_BYTES].value, 8192);
	assert_true(facts_with_knob(&host, "vm.dirty_ratio", 30));
	assert_int_equal(host.knob[VM_KNOB_DIRTY_BYTES].value, 0);
	assert_false(facts_with_knob(&host, "vm.nonsense", 1));
	assert_int_equal(facts_choice("thp.enabled", "never"), VM_THP_NEVER);
	assert_int_equal(facts_choice("thp.enabled", "perhaps"), -1);
	assert_int_equal(facts_choice("vm.swappiness", "never"), -1);
}

/* The string literals of a call, as far as its semicolon. */
static size_t literals_of(char *call, const char **literals, size_t limit)
{
	size_t count = 0;

	call[strcspn(call, ";")] = '\0';
	for (char *at = strchr(call, '"'); at != NULL && count < limit; at = strchr(at + 1, '"')) {
		char *end = strchr(at + 1, '"');
		if (end == NULL)
			break;
		*end = '\0';
		literals[count++] = at + 1;
		at = end;
	}
	return count;
}

/* Every observe...(quantity, ..., witness) of a source: the first and the last literal. */
static size_t calls_checked(char *source, const char *path)
{
	const char *literals[8];
	size_t calls = 0;

	for (char *at = strstr(source, "observe"); at != NULL; at = strstr(at, "observe")) {
		char *behind = at + strlen("observe");
		char copy[512];

		(void)snprintf(copy, sizeof(copy), "%s", at);
		at = behind;
		const size_t count = literals_of(copy, literals, 8);
		if (count < 2)
			continue;
		calls++;
		for (size_t i = 0; i + 1 < count; i++) {
			if (facts_detector_shares(literals[count - 1], literals[i]))
				fail_msg("%s: %s of %s is what a detector reads", path, literals[i],
					literals[count - 1]);
		}
	}
	return calls;
}

static void no_detector_shares_an_observation_with_a_claim(void **state)
{
	static char source[1 << 18];
	glob_t found;
	size_t calls = 0;

	(void)state;
	/* It can tell, and tells apart. */
	assert_true(facts_detector_shares("/proc/vmstat", "swpout_zero"));
	assert_false(facts_detector_shares("/proc/vmstat", "swpout"));
	assert_true(facts_detector_shares("smaps", "sd"));
	assert_true(facts_detector_shares("/sys/kernel/mm/ksm/run", "run"));
	assert_true(facts_detector_shares("cachestat", "cached"));
	assert_true(facts_detector_shares("cpuinfo", "la57"));
	assert_true(facts_detector_shares("config.gz", "CONFIG_KSM"));
	assert_false(facts_detector_shares("getrusage", "minor-faults"));

	assert_int_equal(glob(SOURCE_DIR "/probes/*/*.c", 0, NULL, &found), 0);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		FILE *file = fopen(found.gl_pathv[i], "rb");
		assert_non_null(file);
		const size_t length_bytes = fread(source, 1, sizeof(source) - 1, file);
		(void)fclose(file);
		source[length_bytes] = '\0';
		calls += calls_checked(source, found.gl_pathv[i]);
	}
	globfree(&found);
	/* An empty search would be a test that executes nothing. */
	assert_true(calls > 5);
}

static const struct facts_requirement *requirement_named(
	const struct facts_requirement *items, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(items[i].requirement, name) == 0)
			return &items[i];
	}
	fail_msg("no requirement \"%s\"", name);
	return NULL;
}

static void what_is_unmet_says_how_to_supply_it(void **state)
{
	static const struct probe_needs needs = {
		.root = true,
		.capabilities = VM_CAPABILITY_SYS_ADMIN | VM_CAPABILITY_IPC_LOCK,
		.features_count = 3,
		.features = {VM_FEATURE_THP, VM_FEATURE_NUMA, VM_FEATURE_SOFT_DIRTY},
		.allow_pressure = true,
		.processor = true,
		.memory_bytes = UINT64_C(1) << 60,
		.huge_2m_pages = 3,
		.swap_bytes = UINT64_C(1) << 60,
		.group_limit_bytes = 1 << 20,
	};
	static const struct facts_allowed nothing = {false, false}, all = {true, true};
	POOL_DROPS struct pool pool = {0};
	struct facts facts;
	struct facts_error error;
	struct facts_requirement *items;
	size_t count = 0, unmet_count = 0, all_count = 0;

	(void)state;
	assert_int_equal(facts_read_live(&pool, &facts, &error), 0);
	facts.host.capabilities = VM_CAPABILITY_SYS_ADMIN;
	facts.host.feature[VM_FEATURE_THP].present = true;
	facts.host.feature[VM_FEATURE_NUMA].present = false;
	facts.host.feature[VM_FEATURE_SOFT_DIRTY].present = false;
	facts.text[FACTS_TEXT_HYPERVISOR] = "TCGTCGTCGTCG";
	assert_int_equal(
		facts_requirements(&pool, &facts, &needs, &nothing, false, &items, &count, &error),
		0);
	assert_int_equal(count, 12);
	assert_false(requirement_named(items, count, "a processor that is not emulated")->met);
	assert_int_equal(requirement_named(items, count, "root")->met, geteuid() == 0);
	assert_true(requirement_named(items, count, "CAP_SYS_ADMIN")->met);
	assert_false(requirement_named(items, count, "CAP_IPC_LOCK")->met);
	assert_false(requirement_named(items, count, "permission: pressure")->met);
	assert_non_null(strstr(requirement_named(items, count, "feature soft-dirty")->supply,
		"CONFIG_MEM_SOFT_DIRTY=y"));
	assert_non_null(
		strstr(requirement_named(items, count, "feature numa")->supply, "--guest-nodes"));
	for (size_t i = 0; i < count; i++) {
		unmet_count += !items[i].met;
		assert_string_not_equal(items[i].value, "");
		assert_string_not_equal(items[i].source, "");
		assert_string_not_equal(items[i].supply, "");
	}
	/* Only what is unmet, and nothing of it left out. */
	assert_int_equal(
		facts_requirements(&pool, &facts, &needs, &nothing, true, &items, &count, &error),
		0);
	assert_int_equal(count, unmet_count);
	assert_int_equal(
		facts_requirements(&pool, &facts, &needs, &all, true, &items, &all_count, &error),
		0);
	assert_true(all_count < count);
	assert_int_equal(facts_doctor(&pool, &facts, &nothing, &items, &count, &error), 0);
	assert_true(count > VM_FEATURE_LIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(live_facts_are_those_of_this_machine),
		cmocka_unit_test(json_brings_back_the_same_facts),
		cmocka_unit_test(json_forgets_no_field),
		cmocka_unit_test(hostile_json_is_refused_with_a_reason),
		cmocka_unit_test(every_feature_has_a_detector_and_every_knob_a_name),
		cmocka_unit_test(no_detector_shares_an_observation_with_a_claim),
		cmocka_unit_test(what_is_unmet_says_how_to_supply_it),
		cmocka_unit_test(a_held_knob_takes_its_rival_along),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
