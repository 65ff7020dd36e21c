/* SPDX-License-Identifier: Apache-2.0 */
/* Captures: replay equals live, anonymous ones name nothing, damaged ones are refused in one line.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "facts/ask.h"
#include "facts/capture.h"
#include "facts/derive.h"
#include "facts/facts.h"
#include "facts/source.h"

static char scratch[64];

/* The exit status of a line of shell. */
__attribute__((format(printf, 1, 2))) static int run_shell(const char *format, ...)
{
	char line[4096];
	va_list arguments;

	va_start(arguments, format);
	const int length = vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	assert_true(length > 0 && (size_t)length < sizeof(line));
	return system(line);
}

static const char *in_scratch(struct pool *pool, const char *name)
{
	return pool_format(pool, "%s/%s", scratch, name);
}

static int make_scratch(void **state)
{
	(void)state;
	(void)snprintf(scratch, sizeof(scratch), "/tmp/mmconform-capture-XXXXXX");
	return mkdtemp(scratch) == NULL ? -1 : 0;
}

static int drop_scratch(void **state)
{
	(void)state;
	return run_shell("rm -rf %s", scratch);
}

/* The facts of the live machine as JSON, and a capture of the very same reading. */
static const char *live_and_captured(struct pool *pool, const char *folder, bool anonymous)
{
	struct facts_source source;
	struct facts_error error;
	struct facts facts;

	source_open_live(&source, pool, "", &error);
	ask_all(&source);
	if (capture_source(&source, folder, anonymous) < 0)
		fail_msg("%s", error.text);
	assert_int_equal(derive(&source, &facts), 0);
	return facts_to_json(pool, &facts);
}

/* Equal, or where they part: the texts are longer than what cmocka prints. */
static void assert_same(const char *left, const char *right)
{
	size_t at = 0;

	while (left[at] != '\0' && left[at] == right[at])
		at++;
	const size_t begin = at < 60 ? 0 : at - 60;
	if (left[at] != right[at])
		fail_msg("%.120s is not %.120s", left + begin, right + begin);
}

static void captured(struct pool *pool, const char *folder, struct facts *facts)
{
	struct facts_error error;

	if (facts_read_captured(pool, folder, facts, &error) < 0)
		fail_msg("%s", error.text);
}

static void replay_equals_live_byte_for_byte(void **state)
{
	POOL_DROPS struct pool pool = {0};
	struct facts facts;
	const char *folder = in_scratch(&pool, "live");

	(void)state;
	const char *live = live_and_captured(&pool, folder, false);
	captured(&pool, folder, &facts);
	assert_same(facts_to_json(&pool, &facts), live);
	/* And so does a capture of the capture. */
	struct facts_error error;
	const char *again = in_scratch(&pool, "again");
	assert_int_equal(facts_capture_captured(folder, again, false, &error), 0);
	captured(&pool, again, &facts);
	assert_same(facts_to_json(&pool, &facts), live);
	assert_int_equal(run_shell("diff -r %s %s", folder, again), 0);
}

static void an_anonymous_capture_changes_texts_only(void **state)
{
	POOL_DROPS struct pool pool = {0};
	struct facts facts, anonymous;
	const char *why = "";

	(void)state;
	const char *live = live_and_captured(&pool, in_scratch(&pool, "anonymous"), true);
	assert_true(facts_from_json(&pool, live, strlen(live), &facts, &why));
	captured(&pool, in_scratch(&pool, "anonymous"), &anonymous);
	anonymous.text[FACTS_TEXT_RELEASE] = facts.text[FACTS_TEXT_RELEASE];
	anonymous.text[FACTS_TEXT_MEMORY_GROUP] = facts.text[FACTS_TEXT_MEMORY_GROUP];
	assert_same(facts_to_json(&pool, &anonymous), facts_to_json(&pool, &facts));
}

static void write_text(const char *path, const char *text)
{
	FILE *stream = fopen(path, "w");

	assert_non_null(stream);
	assert_true(fputs(text, stream) >= 0);
	assert_int_equal(fclose(stream), 0);
}

/* Puts the content into the capture as if it had been captured: the manifest says its size. */
static void plant(const char *folder, const char *path, const char *text)
{
	char full[512];

	(void)snprintf(full, sizeof(full), "%s/%s", folder, path);
	assert_int_equal(run_shell("mkdir -p $(dirname %s)", full), 0);
	write_text(full, text);
	assert_int_equal(run_shell("sed -i '\\| %s$|d' %s/manifest && echo %zu %s >>%s/manifest",
				 path, folder, strlen(text), path, folder),
		0);
}

#define SECRET "Xanadu77"

/* What kernels let users, builders, vendors and programs write into their files. */
static void plant_secrets(const char *folder)
{
	plant(folder, "proc/sys/kernel/osrelease", "6.12.1-" SECRET "\n");
	plant(folder, "proc/version",
		"Linux version 6.12.1 (" SECRET "@" SECRET ") #1 Debian 6.12.9-" SECRET "\n");
	plant(folder, "proc/version_signature", "Ubuntu " SECRET " 6.12.8-" SECRET "\n");
	plant(folder, "proc/cmdline",
		"root=/dev/" SECRET " password=" SECRET
		" transparent_hugepage=never hugepages=4\n");
	plant(folder, "proc/self/mountinfo",
		"1 0 8:1 / / rw - ext4 /dev/" SECRET " rw\n"
		"2 1 8:2 /" SECRET " /home/" SECRET " rw - nfs " SECRET ":/x rw,addr=" SECRET "\n"
		"3 1 0:3 / /" SECRET "/cg rw - cgroup cgroup rw,memory\n"
		"4 1 0:4 /" SECRET " /" SECRET "/u rw - cgroup2 " SECRET " rw\n");
	plant(folder, "proc/self/cgroup",
		"9:name=" SECRET ":/\n4:memory:/" SECRET "\n3:cpu," SECRET ":/\n0::/" SECRET "\n");
	plant(folder, SECRET "/cg/" SECRET "/memory.stat", "cache 0\n");
	plant(folder, "proc/self/status",
		"Name:\t" SECRET "\nPid:\t7\nUid:\t7777\t7777\t7777\t7777\n"
		"Gid:\t7777\t7777\t7777\t7777\nGroups:\t7777\nThreads:\t1\nCapEff:\t0\n");
	plant(folder, "proc/self/uid_map", "         0       7777          1\n");
	plant(folder, "proc/self/stat", "77 (" SECRET " ) " SECRET ") S 1 2 3\n");
	plant(folder, "proc/self/smaps",
		"1000-2000 r--p 00000000 fe:00 77 /home/" SECRET "/a\nRss: 4 kB\nVmFlags: rd \n"
		"2000-3000 rw-p 00000000 00:00 0 [anon:" SECRET "]\nRss: 4 kB\nVmFlags: rd \n");
	plant(folder, "proc/swaps",
		"Filename Type Size Used Priority\n/home/" SECRET "/swap file 1020 0 -2\n");
	plant(folder, "proc/slabinfo",
		"slabinfo - version: 2.1\n# name\n" SECRET
		" 1 1 8 1 1 : tunables 0 0 0 : slabdata 1 1 0\n"
		"kmalloc-" SECRET " 1 1 8 1 1 : tunables 0 0 0 : slabdata 1 1 0\n"
		"kmalloc-8 1 1 8 512 1 : tunables 0 0 0 : slabdata 1 1 0\n");
	plant(folder, "sys/kernel/debug/lru_gen", "memcg     1 /" SECRET "\n node     0\n");
	plant(folder, "sys/block/" SECRET "/queue/read_ahead_kb", "128\n");
	plant(folder, ASK_CONFIG,
		"CONFIG_TRANSPARENT_HUGEPAGE=y\nCONFIG_LOCALVERSION=\"-" SECRET "\"\n"
		"CONFIG_PAGE_" SECRET "=m\n# CONFIG_SWAP_" SECRET " is not set\n");
	plant(folder, ASK_PLACES, "work fuse." SECRET "\ntemporary tmpfs\n");
	plant(folder, ASK_TOPOLOGY,
		"<topology>\n<object type=\"Machine\" os_index=\"0\" name=\"" SECRET "\">\n"
		"<info name=\"HostName\" value=\"" SECRET "\"/>\n"
		"<info name=\"DMIProductSerial\" value=\"" SECRET "\"/>\n"
		"<info name=\"LinuxCgroup\" value=\"/" SECRET "\"/>\n</object>\n</topology>\n");
}

static void an_anonymous_capture_names_nothing(void **state)
{
	POOL_DROPS struct pool pool = {0};
	struct facts facts;
	struct facts_error error;
	const char *folder = in_scratch(&pool, "hostile"), *clean = in_scratch(&pool, "clean");

	(void)state;
	(void)live_and_captured(&pool, folder, false);
	plant_secrets(folder);
	assert_int_equal(run_shell("grep -rq " SECRET " %s", folder), 0);
	if (facts_capture_captured(folder, clean, true, &error) < 0)
		fail_msg("%s", error.text);
	/* Neither in a file nor in a name; nor the number of the account. */
	assert_int_not_equal(run_shell("grep -r " SECRET " %s", clean), 0);
	assert_int_not_equal(run_shell("grep -rw 7777 %s/proc/self", clean), 0);
	assert_int_not_equal(run_shell("find %s -name '*" SECRET "*' | grep .", clean), 0);
	captured(&pool, clean, &facts);
	assert_string_equal(facts.text[FACTS_TEXT_RELEASE], "6.12.1");
	assert_string_equal(facts.text[FACTS_TEXT_MEMORY_GROUP], "/sys/fs/cgroup/memory/group");
	assert_string_equal(facts.text[FACTS_TEXT_WORK_FILESYSTEM], "fuse");
	assert_int_equal(facts.host.cgroup_version, 1);
	assert_int_equal(facts.host.capabilities, 0);
	assert_true(vm_host_has(&facts.host, VM_FEATURE_THP));
	/* What must pass has passed. */
	assert_int_equal(run_shell("grep -q 'kmalloc-8 ' %s/proc/slabinfo", clean), 0);
	assert_int_equal(
		run_shell("grep -q '^transparent_hugepage=never hugepages=4$' %s/proc/cmdline",
			clean),
		0);
	assert_int_equal(run_shell("test -f %s/sys/fs/cgroup/memory/group/memory.stat", clean), 0);
}

struct damage {
	const char *shell; /* done in the captured folder */
	const char *says;  /* a part of the line */
};

static void a_damaged_capture_is_refused_in_one_line(void **state)
{
	static const struct damage damages[] = {
		{"rm proc/meminfo", "/proc/meminfo: No such file or directory, though"},
		{"truncate -s 100 proc/meminfo", "/proc/meminfo: 100 bytes, captured were"},
		{"echo nonsense >proc/meminfo; sed -i 's|^.* proc/meminfo|9 proc/meminfo|' "
		 "manifest",
			"/proc/meminfo:1: no colon behind the name"},
		{"sed -i '/proc.meminfo/d' manifest", "/proc/meminfo: No such file"},
		{"echo 60 >proc/sys/vm/swappiness; echo x >>proc/sys/vm/swappiness; "
		 "sed -i 's|^.* proc/sys/vm/swappiness|5 proc/sys/vm/swappiness|' manifest",
			"/proc/sys/vm/swappiness:1: not one line"},
		{"rm mmconform/cpuid; mkfifo mmconform/cpuid",
			"/mmconform/cpuid: Invalid argument"},
		{"rm mmconform/cpuid; mkdir mmconform/cpuid", "/mmconform/cpuid: Is a directory"},
		{"rm mmconform/cpuid; ln -s /etc/passwd mmconform/cpuid", "/mmconform/cpuid: "},
		{"rm manifest", "/manifest: No such file or directory: not a captured folder"},
		{"echo 5 >manifest", "/manifest:1: not the manifest of a capture"},
		{": >manifest", "/manifest: empty"},
		{"truncate -s -1 manifest", "cut off"},
		{"echo '5 ../../etc/passwd' >>manifest", "not a size and a path"},
		{"echo '5 /etc/passwd' >>manifest", "not a size and a path"},
		{"echo '5 a//b' >>manifest", "not a size and a path"},
		{"echo '99999999999 a' >>manifest", "not a size and a path"},
		{"echo 'a b' >>manifest", "not a size and a path"},
		{"echo 0-x >sys/devices/system/cpu/online; sed -i "
		 "'s|^.* sys/devices/system/cpu/online|4 sys/devices/system/cpu/online|' manifest",
			"/sys/devices/system/cpu/online:1: not an ascending list"},
	};
	POOL_DROPS struct pool pool = {0};
	struct facts facts;
	struct facts_error error;
	const char *whole = in_scratch(&pool, "whole"), *broken = in_scratch(&pool, "broken");

	(void)state;
	(void)live_and_captured(&pool, whole, true);
	for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
		assert_int_equal(run_shell("rm -rf %s && cp -r %s %s && cd %s && { %s; }", broken,
					 whole, broken, broken, damages[i].shell),
			0);
		assert_true(facts_read_captured(&pool, broken, &facts, &error) < 0);
		if (strstr(error.text, damages[i].says) == NULL)
			fail_msg("after %s: %s", damages[i].shell, error.text);
		assert_null(strchr(error.text, '\n'));
	}
}

static void a_capture_goes_only_into_an_empty_folder(void **state)
{
	POOL_DROPS struct pool pool = {0};
	struct facts_error error;
	const char *folder = in_scratch(&pool, "full");

	(void)state;
	assert_int_equal(mkdir(folder, 0777), 0);
	assert_int_equal(facts_capture_live(folder, true, &error), 0);
	assert_true(facts_capture_live(folder, true, &error) < 0);
	assert_non_null(strstr(error.text, "is not empty"));
	assert_true(facts_capture_live("/proc/nowhere", true, &error) < 0);
	assert_true(facts_capture_live(in_scratch(&pool, "full/manifest"), true, &error) < 0);
}

static void a_stream_becomes_the_same_folder(void **state)
{
	POOL_DROPS struct pool pool = {0};
	struct facts facts;
	struct facts_error error;
	char *bytes = NULL;
	size_t length_bytes = 0;
	const char *folder = in_scratch(&pool, "unpacked");

	(void)state;
	FILE *stream = open_memstream(&bytes, &length_bytes);
	assert_non_null(stream);
	assert_int_equal(facts_capture_stream(stream, true, &error), 0);
	assert_int_equal(fclose(stream), 0);
	if (facts_unpack(bytes, length_bytes, folder, &error) < 0)
		fail_msg("%s", error.text);
	captured(&pool, folder, &facts);
	assert_int_equal(facts.host.cpus_online, sysconf(_SC_NPROCESSORS_ONLN));
	/* Cut off anywhere it is no capture, and what was unpacked of it is none either. */
	for (size_t cut_bytes = 0; cut_bytes < length_bytes; cut_bytes += length_bytes / 17) {
		const char *part = in_scratch(&pool, "part");
		assert_true(facts_unpack(bytes, cut_bytes, part, &error) < 0);
		assert_true(facts_read_captured(&pool, part, &facts, &error) < 0);
		assert_int_equal(run_shell("rm -rf %s", part), 0);
	}
	free(bytes);
	static const char *const hostile[] = {"", "mmconform-capture 2\nend\n",
		"mmconform-capture 1\n3 ../x\nabcend\n", "mmconform-capture 1\n3 /tmp/x\nabcend\n",
		"mmconform-capture 1\n9 x\nabcend\n", "mmconform-capture 1\n1 x\na1 x\nbend\n",
		"mmconform-capture 1\n1 manifest\naend\n"};
	for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
		const char *part = in_scratch(&pool, "hostile-stream");
		assert_true(facts_unpack(hostile[i], strlen(hostile[i]), part, &error) < 0);
		assert_int_equal(run_shell("rm -rf %s", part), 0);
	}
}

static enum vm_known known_of(struct pool *pool, const char *release, enum vm_feature feature)
{
	const char *folder = in_scratch(pool, release);
	struct facts facts;

	(void)live_and_captured(pool, folder, false);
	plant(folder, "proc/sys/kernel/osrelease", release);
	captured(pool, folder, &facts);
	return vm_host_knows(&facts.host, feature);
}

/* A fix went back to a series at some patch between the last that lacks it and the first seen. */
static void between_two_patches_nothing_is_known(void **state)
{
	static const struct {
		const char *release;
		enum vm_known known;
	} releases[] = {
		{"6.12.57", VM_KNOWN_NOT},
		{"6.12.58-rt", VM_UNKNOWN},
		{"6.12.68", VM_UNKNOWN},
		{"6.12.69+deb12-amd64", VM_KNOWN_SO},
		{"6.16.12", VM_KNOWN_NOT},
		{"6.17.8", VM_KNOWN_NOT},
		{"6.17.9", VM_UNKNOWN},
		{"6.17.13", VM_KNOWN_SO},
		{"6.18.0", VM_KNOWN_SO},
	};
	POOL_DROPS struct pool pool = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(releases) / sizeof(releases[0]); i++)
		assert_int_equal(
			known_of(&pool, releases[i].release, VM_FEATURE_FAULT_AROUND_NEEDS_TABLE),
			releases[i].known);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(between_two_patches_nothing_is_known),
		cmocka_unit_test(replay_equals_live_byte_for_byte),
		cmocka_unit_test(an_anonymous_capture_changes_texts_only),
		cmocka_unit_test(an_anonymous_capture_names_nothing),
		cmocka_unit_test(a_damaged_capture_is_refused_in_one_line),
		cmocka_unit_test(a_stream_becomes_the_same_folder),
		cmocka_unit_test(a_capture_goes_only_into_an_empty_folder),
	};

	return cmocka_run_group_tests(tests, make_scratch, drop_scratch);
}
