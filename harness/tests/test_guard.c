/* SPDX-License-Identifier: Apache-2.0 */
/* The settings guard on a host of plain files, behind which the test plays the kernel. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

#include "fake_root.h"
#include "guard/guard.h"
#include "guard/internal.h"
#include "guard/seam.h"

#define VM	"/proc/sys/vm/"
#define THP	"/sys/kernel/mm/transparent_hugepage/enabled"
#define KSM_RUN "/sys/kernel/mm/ksm/run"
#define POOL	"/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages"
#define JOURNAL "/run/mmconform/journal"
#define RAISED	"67584\n" /* what khugepaged thinks min_free_kbytes should be */
#define GRANTED "5\n"	  /* more huge pages than this there are not */

/* What the kernel that we play does, and what goes wrong. */
static struct {
	struct fake_root root;
	char written[PATH_MAX]; /* the knob that was written last */
	char before[256];	/* what the knob held when it was opened */
	/* The call with this number fails, of those for which it may; -1: none. */
	long fails_at, seen;
	int failure;
	bool hit;
	bool synced;		/* what was written to the journal is on the disk */
	bool journal_was_first; /* the journal spoke of each knob before it was written */
	char said[8192];
} world;

static void rival(const char *path, const char *written, const char *zeroed)
{
	if (strcmp(path, written) == 0)
		fake_write(&world.root, zeroed, "0\n");
}

static void play_thp(void)
{
	char text[64];
	long min_free_kib = 0;

	fake_read(&world.root, THP, text, sizeof(text));
	fake_write(&world.root, THP,
		strcmp(text, "always") == 0  ? "[always] madvise never\n"
		: strcmp(text, "never") == 0 ? "always madvise [never]\n"
					     : "always [madvise] never\n");
	fake_read(&world.root, VM "min_free_kbytes", text + 8, sizeof(text) - 8);
	min_free_kib = strtol(text + 8, NULL, 10);
	if (strncmp(text, "never", 5) != 0 && min_free_kib < 67584)
		fake_write(&world.root, VM "min_free_kbytes", RAISED);
	if (strncmp(text, "never", 5) == 0)
		fake_write(&world.root, VM "min_free_kbytes", "19644\n");
}

/* A knob's file has just been written and closed. */
static void play_kernel(const char *path)
{
	char text[256];

	fake_read(&world.root, path, text, sizeof(text));
	if (strcmp(path, THP) == 0) {
		play_thp();
		return;
	}
	if (strcmp(path, POOL) == 0 && strtol(text, NULL, 10) > 5)
		(void)snprintf(text, sizeof(text), "%s", GRANTED);
	rival(path, VM "overcommit_ratio", VM "overcommit_kbytes");
	rival(path, VM "overcommit_kbytes", VM "overcommit_ratio");
	rival(path, VM "dirty_bytes", VM "dirty_ratio");
	/* Only a change of the ratio zeroes the bytes. */
	if (strcmp(path, VM "dirty_ratio") == 0 &&
		strtol(text, NULL, 10) != strtol(world.before, NULL, 10))
		fake_write(&world.root, VM "dirty_bytes", "0\n");
	if (text[strlen(text) - 1] != '\n')
		(void)strncat(text, "\n", 2);
	fake_write(&world.root, path, text);
}

static bool is_knob_path(const char *path)
{
	return strncmp(path, "/proc/sys/vm/", 13) == 0 || strncmp(path, "/sys/kernel/mm/", 15) == 0;
}

static int kernel(void *context, const char *call, const char *path)
{
	const bool is_knob = is_knob_path(path);

	(void)context;
	if (world.fails_at >= 0 && world.seen++ == world.fails_at) {
		world.hit = true;
		/* Opening has emptied the plain file; the kernel's files hold what they held. */
		if (is_knob && strcmp(call, "write") == 0)
			fake_write(&world.root, path, world.before);
		return world.failure;
	}
	if (strcmp(path, JOURNAL) == 0 && strcmp(call, "write") == 0)
		world.synced = false;
	else if (strcmp(path, JOURNAL) == 0 && strcmp(call, "fsync") == 0)
		world.synced = true;
	if (is_knob && strcmp(call, "open") == 0) {
		fake_read(&world.root, path, world.before, sizeof(world.before));
	} else if (is_knob && strcmp(call, "write") == 0) {
		char journal[16384];
		const char *const name = strrchr(path, '/') + 1;

		fake_read(&world.root, JOURNAL, journal, sizeof(journal));
		world.journal_was_first =
			world.journal_was_first && world.synced && strstr(journal, name) != NULL;
		(void)snprintf(world.written, sizeof(world.written), "%s", path);
	} else if (is_knob && strcmp(call, "close") == 0 && strcmp(path, world.written) == 0) {
		world.written[0] = '\0';
		play_kernel(path);
	}
	return 0;
}

static void say(void *context, const char *line)
{
	const size_t used_bytes = strlen(world.said);

	(void)context;
	(void)snprintf(world.said + used_bytes, sizeof(world.said) - used_bytes, "%s\n", line);
}

static struct guard_options options(void)
{
	return (struct guard_options){
		.root = world.root.path, .changes = true, .wait_ms = 5000, .say = say};
}

static const char *const knob_files[][2] = {
	{VM "swappiness", "60\n"},
	{VM "min_free_kbytes", RAISED},
	{VM "watermark_scale_factor", "10\n"},
	{VM "overcommit_memory", "0\n"},
	{VM "overcommit_ratio", "50\n"},
	{VM "overcommit_kbytes", "0\n"},
	{VM "admin_reserve_kbytes", "8192\n"},
	{VM "user_reserve_kbytes", "131072\n"},
	{VM "dirty_ratio", "20\n"},
	{VM "dirty_bytes", "0\n"},
	{VM "max_map_count", "65530\n"},
	{THP, "always [madvise] never\n"},
	{POOL, "0\n"},
	{KSM_RUN, "0\n"},
	{"/sys/kernel/mm/ksm/pages_shared", "0\n"},
};

#define KNOB_FILES (sizeof(knob_files) / sizeof(*knob_files))

static int begin_world(void **state)
{
	(void)state;
	memset(&world, 0, sizeof(world));
	world.fails_at = -1;
	world.journal_was_first = true;
	fake_begin(&world.root);
	for (size_t i = 0; i < KNOB_FILES; i++)
		fake_write(&world.root, knob_files[i][0], knob_files[i][1]);
	seam_inject(kernel, NULL);
	return 0;
}

static int end_world(void **state)
{
	(void)state;
	seam_inject(NULL, NULL);
	fake_end(&world.root);
	return 0;
}

static bool all_is_back(void)
{
	bool back = !fake_has(&world.root, JOURNAL) && !fake_has(&world.root, JOURNAL ".new");

	for (size_t i = 0; i < KNOB_FILES; i++)
		back = fake_is(&world.root, knob_files[i][0], knob_files[i][1]) && back;
	return back;
}

static struct guard *begin(void)
{
	const struct guard_options with = options();
	struct guard *guard = NULL;

	assert_int_equal(guard_begin(&with, &guard), 0);
	return guard;
}

static void what_is_held_is_put_back(void **state)
{
	struct guard *guard = begin();
	char in_force[GUARD_VALUE_BYTES];

	(void)state;
	assert_int_equal(guard_hold(guard, "vm.swappiness", "10", in_force), 0);
	assert_string_equal(in_force, "10");
	assert_true(fake_is(&world.root, VM "swappiness", "10\n"));
	assert_int_equal(guard_hold(guard, "ksm.run", "1", NULL), 0);
	assert_int_equal(guard_hold(guard, "vm.swappiness", "100", NULL), 0);
	assert_int_equal(guard_end(guard), 0);
	assert_true(world.journal_was_first);
	assert_true(all_is_back());
}

static void scopes_are_undone_one_by_one(void **state)
{
	struct guard *guard = begin();

	(void)state;
	assert_int_equal(guard_hold(guard, "vm.swappiness", "10", NULL), 0);
	const size_t mark = guard_mark(guard);
	assert_int_equal(guard_hold(guard, "vm.swappiness", "20", NULL), 0);
	assert_int_equal(guard_hold(guard, "thp.enabled", "always", NULL), 0);
	assert_int_equal(guard_release_to(guard, mark), 0);
	assert_true(fake_is(&world.root, VM "swappiness", "10\n"));
	assert_true(fake_is(&world.root, THP, "always [madvise] never\n"));
	assert_int_equal(guard_end(guard), 0);
	assert_true(all_is_back());
}

static void rivals_come_back_by_the_member_in_use(void **state)
{
	/* Every pair of what was in use and what is held, in both orders. */
	static const char *const before[][2] = {
		{"50\n", "0\n"}, {"0\n", "7000000\n"}, {"0\n", "0\n"}};
	static const struct {
		const char *ratio, *absolute, *ratio_path, *absolute_path, *value;
	} pairs[] = {
		{"vm.overcommit_ratio", "vm.overcommit_kbytes", VM "overcommit_ratio",
			VM "overcommit_kbytes", "9000000"},
		{"vm.dirty_ratio", "vm.dirty_bytes", VM "dirty_ratio", VM "dirty_bytes",
			"268435456"},
	};

	(void)state;
	for (size_t pair = 0; pair < 2; pair++)
		for (size_t i = 0; i < 3; i++)
			for (int order = 0; order < 4; order++) {
				fake_write(&world.root, pairs[pair].ratio_path, before[i][0]);
				fake_write(&world.root, pairs[pair].absolute_path, before[i][1]);
				struct guard *guard = begin();
				if (order != 1)
					assert_int_equal(guard_hold(guard, pairs[pair].absolute,
								 pairs[pair].value, NULL),
						0);
				if (order != 0)
					assert_int_equal(
						guard_hold(guard, pairs[pair].ratio, "30", NULL),
						0);
				if (order == 3)
					assert_int_equal(guard_hold(guard, pairs[pair].absolute,
								 pairs[pair].value, NULL),
						0);
				assert_int_equal(guard_end(guard), 0);
				assert_true(
					fake_is(&world.root, pairs[pair].ratio_path, before[i][0]));
				assert_true(fake_is(
					&world.root, pairs[pair].absolute_path, before[i][1]));
			}
}

static void a_pool_may_be_granted_less(void **state)
{
	struct guard *guard = begin();
	char in_force[GUARD_VALUE_BYTES];

	(void)state;
	assert_int_equal(guard_hold(guard, "hugetlb.2m.nr_hugepages", "8", in_force), 0);
	assert_string_equal(in_force, "5");
	/* None at all is a refusal, since nothing would be held. */
	assert_int_equal(guard_hold(guard, "hugetlb.2m.nr_hugepages", "9", in_force), -ENOMEM);
	assert_non_null(strstr(guard_why(guard), "has no pages for 9"));
	assert_int_equal(guard_end(guard), 0);
	assert_true(all_is_back());
	/* What was granted is what we left: nobody else is accused of it. */
	assert_string_equal(world.said, "");
}

static void what_the_kernel_moves_along_is_put_back_as_well(void **state)
{
	(void)state;
	/* A value below what khugepaged wants, which a restart of it would raise. */
	fake_write(&world.root, VM "min_free_kbytes", "30000\n");
	struct guard *guard = begin();
	assert_int_equal(guard_hold(guard, "thp.enabled", "never", NULL), 0);
	assert_true(fake_is(&world.root, VM "min_free_kbytes", "19644\n"));
	assert_int_equal(guard_end(guard), 0);
	assert_true(fake_is(&world.root, THP, "always [madvise] never\n"));
	assert_true(fake_is(&world.root, VM "min_free_kbytes", "30000\n"));

	/* And what is held stays held while another knob would move it. */
	guard = begin();
	assert_int_equal(guard_hold(guard, "vm.min_free_kbytes", "40000", NULL), 0);
	assert_int_equal(guard_hold(guard, "thp.enabled", "always", NULL), 0);
	assert_true(fake_is(&world.root, VM "min_free_kbytes", "40000\n"));
	assert_int_equal(guard_end(guard), 0);
	assert_true(fake_is(&world.root, VM "min_free_kbytes", "30000\n"));
	assert_string_equal(world.said, "");

	/* Unless it was let go: then it was a start, and is put back all the same. */
	guard = begin();
	assert_int_equal(guard_hold(guard, "vm.min_free_kbytes", "40000", NULL), 0);
	guard_let_go(guard, "vm.min_free_kbytes");
	assert_int_equal(guard_hold(guard, "thp.enabled", "never", NULL), 0);
	assert_true(fake_is(&world.root, VM "min_free_kbytes", "19644\n"));
	assert_int_equal(guard_end(guard), 0);
	assert_true(fake_is(&world.root, VM "min_free_kbytes", "30000\n"));
	assert_string_equal(world.said, "");
}

static void what_would_starve_the_host_is_refused(void **state)
{
	static const char *const refused[][2] = {
		{"vm.min_free_kbytes", "8100000"},     /* of 11000000 available, 2000000 stay */
		{"vm.watermark_scale_factor", "3000"}, /* high at 60 % of the memory */
		{"hugetlb.2m.nr_hugepages", "6000"},
		{"hugetlb.2m.nr_hugepages", "9223372036854775807"},
		{"vm.max_map_count", "1000"},
		{"vm.min_free_kbytes", "0"},
	};
	struct guard *guard = begin();

	(void)state;
	fake_write(&world.root, "/proc/meminfo",
		"MemTotal: 16000000 kB\nMemAvailable: 11000000 kB\nSwapTotal: 0 kB\n"
		"Committed_AS: 1000000 kB\n");
	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
		const int answer = guard_hold(guard, refused[i][0], refused[i][1], NULL);
		assert_true(answer == (i < 4 ? -ENOMEM : -EINVAL));
		assert_true(guard_why(guard)[0] != '\0');
	}
	/* Mode 2 is fine while half of the memory may be committed, and not with a tenth. */
	assert_int_equal(guard_hold(guard, "vm.overcommit_memory", "2", NULL), 0);
	assert_int_equal(guard_hold(guard, "vm.overcommit_ratio", "10", NULL), -ENOMEM);
	assert_non_null(strstr(guard_why(guard), "mode 2"));
	assert_int_equal(guard_hold(guard, "vm.user_reserve_kbytes", "7000000", NULL), -ENOMEM);
	assert_int_equal(guard_release_to(guard, 0), 0);
	assert_int_equal(guard_hold(guard, "vm.overcommit_ratio", "10", NULL), 0);
	assert_int_equal(guard_hold(guard, "vm.overcommit_memory", "2", NULL), -ENOMEM);
	assert_int_equal(guard_end(guard), 0);
	assert_true(all_is_back());
}

static void what_cannot_be_held_is_said(void **state)
{
	static const struct {
		const char *knob, *value;
		int answer;
		const char *why;
	} refused[] = {
		{"vm.swapiness", "10", -EINVAL, "no knob vm.swapiness"},
		{"vm.swappiness", "201", -EINVAL, "0 to 200"},
		{"vm.swappiness", "10;", -EINVAL, "0 to 200"},
		{"vm.swappiness", "", -EINVAL, "0 to 200"},
		{"thp.enabled", "sometimes", -EINVAL, "always [madvise] never"},
		{"thp.defrag", "always", -ENOENT, "this kernel has no thp.defrag"},
		{"block.vda/../x.read_ahead_kb", "1", -EINVAL, "no knob"},
	};
	struct guard *guard = begin();

	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
		assert_int_equal(guard_hold(guard, refused[i].knob, refused[i].value, NULL),
			refused[i].answer);
		assert_non_null(strstr(guard_why(guard), refused[i].why));
	}
	assert_int_equal(guard_mark(guard), 0);
	assert_int_equal(guard_end(guard), 0);
	assert_true(all_is_back());
}

static void nothing_is_changed_unless_allowed(void **state)
{
	struct guard_options with = options();
	struct guard *guard = NULL;

	(void)state;
	with.changes = false;
	assert_int_equal(guard_begin(&with, &guard), 0);
	assert_int_equal(guard_hold(guard, "vm.swappiness", "10", NULL), -EPERM);
	assert_non_null(strstr(guard_why(guard), "--allow settings"));
	/* What is so already needs nobody's leave. */
	assert_int_equal(guard_hold(guard, "vm.swappiness", "60", NULL), 0);
	assert_false(fake_has(&world.root, JOURNAL));
	assert_int_equal(guard_descriptor(guard), -1);
	assert_int_equal(guard_end(guard), 0);

	with.changes = true;
	with.dry_run = true;
	assert_int_equal(guard_begin(&with, &guard), 0);
	assert_int_equal(guard_hold(guard, "vm.swappiness", "10", NULL), 0);
	assert_string_equal(world.said, "would set vm.swappiness from 60 to 10\n");
	assert_int_equal(guard_hold(guard, "vm.min_free_kbytes", "8100000", NULL), -ENOMEM);
	assert_false(fake_has(&world.root, JOURNAL));
	assert_int_equal(guard_end(guard), 0);
	assert_true(all_is_back());
}

static void two_runs_at_once_are_one_too_many(void **state)
{
	struct guard_options with = options();
	struct guard *first = begin(), *second = NULL;
	size_t restored_count = 0;
	char holder[64];

	(void)state;
	with.wait_ms = 0;
	assert_int_equal(guard_begin(&with, &second), -EBUSY);
	assert_null(second);
	(void)snprintf(holder, sizeof(holder), "process %d of", (int)getpid());
	assert_non_null(strstr(world.said, holder));
	assert_int_equal(guard_restore(&with, &restored_count), -EBUSY);
	assert_int_equal(guard_end(first), 0);
	assert_int_equal(guard_begin(&with, &second), 0);
	assert_int_equal(guard_end(second), 0);
}

static void somebody_elses_change_is_named(void **state)
{
	struct guard *guard = begin();

	(void)state;
	assert_int_equal(guard_hold(guard, "vm.swappiness", "10", NULL), 0);
	fake_write(&world.root, VM "swappiness", "77\n");
	assert_int_equal(guard_end(guard), 0);
	assert_non_null(strstr(world.said, "found 77, we had left 10; back to 60"));
	assert_true(all_is_back());
}

static void what_cannot_be_put_back_stays_in_the_journal(void **state)
{
	const struct guard_options with = options();
	size_t restored_count = 0;
	char journal[4096], joined[PATH_MAX];
	struct guard *guard = begin();

	(void)state;
	assert_int_equal(guard_hold(guard, "ksm.run", "1", NULL), 0);
	assert_int_equal(guard_hold(guard, "vm.swappiness", "10", NULL), 0);
	assert_int_equal(guard_hold(guard, "vm.watermark_scale_factor", "20", NULL), 0);
	/* For the keeper, which tries as well, as much as for us. */
	fake_path(&world.root, VM "swappiness", joined);
	assert_int_equal(unlink(joined), 0);
	assert_int_equal(mkdir(joined, 0755), 0);
	assert_int_equal(guard_end(guard), -EUCLEAN);
	assert_non_null(strstr(world.said, "vm.swappiness cannot be put back to 60"));
	assert_true(fake_is(&world.root, KSM_RUN, "0\n"));
	assert_true(fake_is(&world.root, VM "watermark_scale_factor", "10\n"));
	fake_read(&world.root, JOURNAL, journal, sizeof(journal));
	assert_non_null(strstr(journal, "setting =vm.swappiness =60 ="));
	assert_null(strstr(journal, "ksm.run"));
	assert_null(strstr(journal, "watermark"));

	/* The next run cannot begin before that is settled; restore can settle it later. */
	assert_int_equal(guard_begin(&with, &guard), -EUCLEAN);
	assert_int_equal(rmdir(joined), 0);
	fake_write(&world.root, VM "swappiness", "10\n");
	assert_int_equal(guard_restore(&with, &restored_count), 0);
	assert_int_equal(restored_count, 1);
	assert_true(all_is_back());
}

/* A run in a process of its own, which ends as the test wants. */
static pid_t start_run(bool kills_keeper)
{
	const pid_t pid = fork();

	if (pid == 0) {
		const struct guard_options with = options();
		struct guard *guard = NULL;
		char path[PATH_MAX];

		if (guard_begin(&with, &guard) != 0 ||
			guard_hold(guard, "vm.swappiness", "10", NULL) != 0 ||
			guard_hold(guard, "thp.enabled", "never", NULL) != 0 ||
			guard_hold(guard, "vm.overcommit_kbytes", "9000000", NULL) != 0 ||
			guard_folder(guard, "work", path, sizeof(path)) != 0)
			_exit(1);
		if (kills_keeper)
			(void)kill(guard->keeper.pid, SIGKILL);
		(void)kill(getpid(), SIGKILL);
	}
	return pid;
}

static void a_killed_run_is_put_back_by_its_keeper(void **state)
{
	const struct guard_options with = options();
	size_t restored_count = 1;
	int status = 0;

	(void)state;
	assert_int_equal(waitpid(start_run(false), &status, 0) > 0, 1);
	assert_true(WIFSIGNALED(status));
	/* Waits for the keeper, and finds nothing left to do. */
	assert_int_equal(guard_restore(&with, &restored_count), 0);
	assert_int_equal(restored_count, 0);
	assert_true(all_is_back());
	assert_false(fake_has(&world.root, "/var/lib/mmconform/work"));
}

static void with_the_keeper_killed_too_the_next_run_does_it(void **state)
{
	int status = 0;

	(void)state;
	assert_int_equal(waitpid(start_run(true), &status, 0) > 0, 1);
	assert_true(WIFSIGNALED(status));
	assert_true(fake_is(&world.root, VM "swappiness", "10\n"));
	struct guard_options with = options();
	size_t left_count = 0;
	with.dry_run = true;
	assert_int_equal(guard_restore(&with, &left_count), 0);
	assert_int_equal(left_count, 5);
	assert_non_null(strstr(world.said, "would put thp.enabled back to madvise\nwould put "
					   "vm.min_free_kbytes back to 67584\n"));
	assert_true(fake_is(&world.root, VM "swappiness", "10\n"));
	struct guard *guard = begin();
	assert_non_null(strstr(world.said, "put back 5 changes that a killed run had left"));
	assert_int_equal(guard_end(guard), 0);
	assert_true(all_is_back());
	assert_false(fake_has(&world.root, "/var/lib/mmconform/work"));
}

static void after_a_reboot_only_files_are_removed(void **state)
{
	const struct guard_options with = options();
	size_t restored_count = 0;

	(void)state;
	assert_true(waitpid(start_run(true), NULL, 0) > 0);
	fake_write(&world.root, "/proc/sys/kernel/random/boot_id",
		"99999999-2222-3333-4444-555555555555\n");
	assert_int_equal(guard_restore(&with, &restored_count), 0);
	assert_int_equal(restored_count, 1);
	/* The kernel that these were set in is gone; what is there now is somebody's wish. */
	assert_true(fake_is(&world.root, VM "swappiness", "10\n"));
	assert_false(fake_has(&world.root, "/var/lib/mmconform/work"));
	assert_false(fake_has(&world.root, JOURNAL));

	/* With the journal lost in the power failure, the folder itself tells. */
	fake_write(&world.root, "/var/lib/mmconform/swap-1-2", "x");
	fake_write(&world.root, "/var/lib/mmconform/work/a", "x");
	assert_int_equal(guard_restore(&with, &restored_count), 0);
	assert_false(fake_has(&world.root, "/var/lib/mmconform/swap-1-2"));
	assert_false(fake_has(&world.root, "/var/lib/mmconform/work"));
}

static void a_run_without_keeper_gives_everything_back(void **state)
{
	struct guard *guard = begin();

	(void)state;
	assert_int_equal(guard_hold(guard, "vm.swappiness", "10", NULL), 0);
	(void)kill(guard->keeper.pid, SIGKILL);
	while (keeper_is_alive(&guard->keeper))
		;
	assert_int_equal(guard_hold(guard, "ksm.run", "1", NULL), -EOWNERDEAD);
	assert_true(fake_is(&world.root, VM "swappiness", "60\n"));
	assert_int_equal(guard_hold(guard, "ksm.run", "1", NULL), -EOWNERDEAD);
	assert_int_equal(guard_end(guard), 0);
	assert_true(all_is_back());
}

static void a_foreign_folder_is_not_trusted(void **state)
{
	const struct guard_options with = options();
	struct guard *guard = NULL;
	char joined[PATH_MAX];

	(void)state;
	fake_path(&world.root, "/run/mmconform", joined);
	assert_int_equal(mkdir(joined, 0700), 0);
	assert_int_equal(chmod(joined, 0777), 0);
	assert_int_equal(guard_begin(&with, &guard), -EPERM);
	assert_non_null(strstr(world.said, "not ours alone to write"));
}

/* What a run may do to its host: holds, scopes, folders. Whatever fails, it goes on to the end. */
static void whole_life(void)
{
	const struct guard_options with = options();
	struct guard *guard = NULL;
	char path[PATH_MAX];

	if (guard_begin(&with, &guard) != 0)
		return;
	int failed = guard_hold(guard, "vm.swappiness", "10", NULL);
	const size_t mark = guard_mark(guard);
	failed |= guard_hold(guard, "thp.enabled", "never", NULL);
	failed |= guard_hold(guard, "vm.overcommit_kbytes", "9000000", NULL);
	failed |= guard_folder(guard, "work", path, sizeof(path));
	failed |= guard_release_to(guard, mark);
	failed |= guard_hold(guard, "vm.dirty_bytes", "268435456", NULL);
	failed |= guard_hold(guard, "ksm.run", "1", NULL);
	failed |= guard_end(guard);
	(void)failed;
}

static void every_call_fails_in_turn(void **state)
{
	static const int failures[] = {EIO, EINVAL, EBUSY};
	unsigned calls = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(failures) / sizeof(*failures); i++)
		for (world.fails_at = 0, world.hit = true; world.hit; world.fails_at++, calls++) {
			const struct guard_options with = options();
			size_t restored_count = 0;

			world.seen = 0;
			world.hit = false;
			world.said[0] = '\0';
			world.failure = failures[i];
			whole_life();
			const long at = world.fails_at;
			world.fails_at = -1;
			if (guard_restore(&with, &restored_count) != 0 || !all_is_back() ||
				fake_has(&world.root, "/var/lib/mmconform/work"))
				fail_msg("call %ld failing with errno %d: not all is back: %s", at,
					failures[i], world.said);
			world.fails_at = at;
		}
	/* A life has some two hundred calls; far fewer would mean that the seam is not used. */
	assert_true(calls > 300);
}

static void every_call_of_the_keeper_fails_in_turn(void **state)
{
	(void)state;
	bool more = true;

	for (long at = 0; more; at++) {
		const struct guard_options with = options();
		size_t restored_count = 0;
		int link[2];
		char hit = 0;

		assert_int_equal(pipe(link), 0);
		const pid_t run = fork();
		if (run == 0) {
			struct guard *guard = NULL;
			if (guard_begin(&with, &guard) != 0 ||
				guard_hold(guard, "vm.swappiness", "10", NULL) != 0 ||
				guard_hold(guard, "thp.enabled", "never", NULL) != 0 ||
				guard_hold(guard, "vm.dirty_bytes", "268435456", NULL) != 0)
				_exit(1);
			/* Nobody reads the journal any more but restore, here with a fault. */
			(void)kill(guard->keeper.pid, SIGKILL);
			(void)waitpid(guard->keeper.pid, NULL, 0);
			(void)close(guard->lock);
			world.fails_at = at;
			world.failure = EIO;
			(void)!guard_restore(&with, &restored_count);
			(void)!write(link[1], world.hit ? "y" : "n", 1);
			_exit(0);
		}
		assert_true(waitpid(run, NULL, 0) > 0);
		assert_int_equal(read(link[0], &hit, 1), 1);
		(void)close(link[0]);
		(void)close(link[1]);
		more = hit == 'y';
		assert_int_equal(guard_restore(&with, &restored_count), 0);
		assert_true(all_is_back());
		assert_true(at < 1000 && (more || at > 30));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(function) cmocka_unit_test_setup_teardown(function, begin_world, end_world)
		TEST(what_is_held_is_put_back),
		TEST(scopes_are_undone_one_by_one),
		TEST(rivals_come_back_by_the_member_in_use),
		TEST(a_pool_may_be_granted_less),
		TEST(what_the_kernel_moves_along_is_put_back_as_well),
		TEST(what_would_starve_the_host_is_refused),
		TEST(what_cannot_be_held_is_said),
		TEST(nothing_is_changed_unless_allowed),
		TEST(two_runs_at_once_are_one_too_many),
		TEST(somebody_elses_change_is_named),
		TEST(what_cannot_be_put_back_stays_in_the_journal),
		TEST(a_killed_run_is_put_back_by_its_keeper),
		TEST(with_the_keeper_killed_too_the_next_run_does_it),
		TEST(after_a_reboot_only_files_are_removed),
		TEST(a_run_without_keeper_gives_everything_back),
		TEST(a_foreign_folder_is_not_trusted),
		TEST(every_call_fails_in_turn),
		TEST(every_call_of_the_keeper_fails_in_turn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
