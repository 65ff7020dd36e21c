/* SPDX-License-Identifier: Apache-2.0 */
/* Journals that were damaged, forged, cut short, planted or filled the disk. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>

#include "fake_root.h"
#include "guard/guard.h"
#include "guard/journal.h"
#include "guard/places.h"
#include "guard/stack.h"

#define JOURNAL	   "/run/mmconform/journal"
#define BOOT	   "11111111-2222-3333-4444-555555555555"
#define SWAPPINESS "/proc/sys/vm/swappiness"

static struct fake_root root;
static char said[4096];

static void say(void *context, const char *line)
{
	(void)context;
	(void)snprintf(said, sizeof(said), "%s", line);
}

static int begin(void **state)
{
	(void)state;
	said[0] = '\0';
	fake_begin(&root);
	fake_write(&root, SWAPPINESS, "10\n");
	fake_write(&root, "/proc/self/mountinfo",
		"30 1 0:20 / / rw - ext4 /dev/vda rw\n"
		"31 30 0:21 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n");
	fake_write(&root, "/run/mmconform/there", "");
	return 0;
}

static int end(void **state)
{
	(void)state;
	fake_end(&root);
	return 0;
}

static struct undo setting(const char *name, const char *old, const char *beside)
{
	struct undo undo = {.kind = UNDO_SETTING};

	(void)snprintf(undo.name, sizeof(undo.name), "%s", name);
	(void)snprintf(undo.old, sizeof(undo.old), "%s", old);
	(void)snprintf(undo.beside, sizeof(undo.beside), "%s", beside);
	return undo;
}

/* A journal as a run leaves it. */
static void leave_journal(const struct undo *undos, size_t count)
{
	struct journal journal;

	assert_int_equal(journal_create(&journal, root.path, JOURNAL, BOOT), 0);
	assert_int_equal(journal_append(&journal, undos, count), 0);
	journal_close(&journal);
}

static int settle(size_t *count)
{
	const struct guard_options options = {.root = root.path, .say = say};

	return guard_restore(&options, count);
}

static void what_was_written_is_read(void **state)
{
	const struct undo undos[] = {
		setting("vm.lowmem_reserve_ratio", "256 256 32 0 0", ""),
		setting("vm.dirty_bytes", "0", "20"),
		{.kind = UNDO_FOLDER, .name = "/var/lib/mmconform/a b%c\n\xff", .old = "=x y"},
	};
	char text[4096];
	struct journal_content content;
	struct kernel_error error;

	(void)state;
	leave_journal(undos, 3);
	fake_read(&root, JOURNAL, text, sizeof(text));
	assert_int_equal(journal_parse(kernel_text_of(text), &content, &error), 0);
	assert_int_equal(content.count, 3);
	assert_false(content.torn);
	assert_string_equal(content.boot, BOOT);
	assert_int_equal(content.pid, getpid());
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(content.undos[i].kind, undos[i].kind);
		assert_string_equal(content.undos[i].name, undos[i].name);
		assert_string_equal(content.undos[i].old, undos[i].old);
		assert_string_equal(content.undos[i].beside, undos[i].beside);
	}
	journal_drop(&content);
}

static void every_damaged_byte_is_noticed(void **state)
{
	const struct undo undos[] = {
		setting("vm.swappiness", "60", ""), setting("vm.dirty_bytes", "0", "20")};
	char text[4096];
	struct journal_content content;
	struct kernel_error error;

	(void)state;
	leave_journal(undos, 2);
	fake_read(&root, JOURNAL, text, sizeof(text));
	const size_t length_bytes = strlen(text);
	/* The newline of the last line is the one byte whose loss looks like a crash. */
	for (size_t at = 0; at + 1 < length_bytes; at++)
		for (int bit = 0; bit < 8; bit++) {
			text[at] = (char)(text[at] ^ (1 << bit));
			const struct kernel_text whole = {
				.bytes = text, .length_bytes = length_bytes};
			assert_int_equal(journal_parse(whole, &content, &error), -EBADMSG);
			assert_true(error.line >= 1 && error.line <= 3 && error.reason[0] != '\0');
			assert_null(content.undos);
			text[at] = (char)(text[at] ^ (1 << bit));
		}
}

static void a_journal_cut_short_is_obeyed_up_to_there(void **state)
{
	const struct undo undos[] = {
		setting("vm.swappiness", "60", ""), setting("vm.dirty_bytes", "0", "20")};
	char text[4096];
	struct kernel_error error;

	(void)state;
	leave_journal(undos, 2);
	fake_read(&root, JOURNAL, text, sizeof(text));
	const size_t length_bytes = strlen(text);
	for (size_t cut_bytes = 0; cut_bytes <= length_bytes; cut_bytes++) {
		struct journal_content content;
		size_t lines_count = 0;

		for (size_t i = 0; i < cut_bytes; i++)
			lines_count += text[i] == '\n';
		const struct kernel_text part = {.bytes = text, .length_bytes = cut_bytes};
		assert_int_equal(journal_parse(part, &content, &error), 0);
		assert_int_equal(content.count, lines_count == 0 ? 0 : lines_count - 1);
		assert_true(content.torn == (cut_bytes == 0 || text[cut_bytes - 1] != '\n'));
		journal_drop(&content);
	}
}

static void lines_cannot_be_left_out_or_moved(void **state)
{
	const struct undo undos[] = {setting("vm.swappiness", "60", ""),
		setting("vm.swappiness", "70", ""), setting("vm.swappiness", "80", "")};
	char text[4096], changed[4096], *lines[5];
	struct journal_content content;
	struct kernel_error error;
	static const int orders[][4] = {{0, 2, 3, -1}, {0, 2, 1, 3}, {1, 2, 3, -1}, {0, 1, 1, 2}};

	(void)state;
	leave_journal(undos, 3);
	fake_read(&root, JOURNAL, text, sizeof(text));
	lines[0] = strtok(text, "\n");
	for (int i = 1; i < 4; i++)
		lines[i] = strtok(NULL, "\n");
	for (size_t order = 0; order < sizeof(orders) / sizeof(*orders); order++) {
		size_t used_bytes = 0;

		for (int i = 0; i < 4; i++)
			if (orders[order][i] >= 0)
				used_bytes += (size_t)snprintf(changed + used_bytes,
					sizeof(changed) - used_bytes, "%s\n",
					lines[orders[order][i]]);
		assert_int_equal(
			journal_parse(kernel_text_of(changed), &content, &error), -EBADMSG);
	}
}

/* With right sums, as somebody with our source would write them. */
static void what_we_would_not_write_is_not_obeyed(void **state)
{
	const struct undo forged[] = {
		setting("kernel.core_pattern", "|/tmp/evil", ""),
		setting("vm.swappiness", "1000", ""),
		setting("vm.swappiness", "60\n70", ""),
		setting("vm.dirty_bytes", "0", "20; reboot"),
		setting("block.../../x.read_ahead_kb", "1", ""),
		{.kind = UNDO_FILE, .name = "/etc/passwd"},
		{.kind = UNDO_FILE, .name = "/var/lib/mmconform/../../../etc/passwd"},
		{.kind = UNDO_FILE, .name = "/var/lib/mmconform/.."},
		{.kind = UNDO_FOLDER, .name = "/var/lib/mmconform"},
		{.kind = UNDO_FOLDER, .name = "/home"},
		{.kind = UNDO_MOUNT, .name = "/"},
		{.kind = UNDO_MOUNT, .name = "/proc"},
		{.kind = UNDO_SWAP, .name = "/dev/sda2"},
		{.kind = UNDO_SWAP, .name = "/dev/zram1/../sda2"},
		{.kind = UNDO_ZRAM, .name = "0x1"},
		{.kind = UNDO_ZRAM_NEW, .name = "../1"},
		{.kind = UNDO_INSTANCE, .name = "/run/mmconform/tracing/instances/../../x"},
		{.kind = UNDO_GROUP, .name = "/sys/fs/cgroup/memory/system.slice"},
		{.kind = UNDO_GROUP, .name = "/home/mmconform-1"},
		{.kind = UNDO_GROUP, .name = "/sys/fs/cgroup/memory/../../../../home/mmconform-1"},
		{.kind = UNDO_HANDED, .name = "/etc"},
		{.kind = UNDO_VACATED,
			.name = "/sys/fs/cgroup/memory/mmconform-1-run",
			.old = "/home"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(forged) / sizeof(*forged); i++) {
		/* Behind a harmless entry, which must not be obeyed either, and before one. */
		const struct undo undos[] = {setting("vm.swappiness", "60", ""), forged[i],
			setting("vm.swappiness", "50", "")};
		char before[8192], after[8192], joined[PATH_MAX];
		size_t count = 0;

		leave_journal(undos, 3);
		fake_read(&root, JOURNAL, before, sizeof(before));
		assert_int_equal(settle(&count), -EBADMSG);
		assert_int_equal(count, 0);
		assert_non_null(strstr(said, "line 3"));
		assert_true(fake_is(&root, SWAPPINESS, "10\n"));
		fake_read(&root, JOURNAL, after, sizeof(after));
		assert_string_equal(before, after);
		fake_path(&root, JOURNAL, joined);
		assert_int_equal(unlink(joined), 0);
	}
}

static void garbage_is_named_and_kept(void **state)
{
	static const char *const garbage[] = {"garbage", "garbage\n", "\n", "mmconform-journa\n",
		("mmconform-journal 2 " BOOT " 1 0123456789abcdef\n")};

	(void)state;
	for (size_t i = 0; i < sizeof(garbage) / sizeof(*garbage); i++) {
		char joined[PATH_MAX];
		size_t count = 0;

		fake_write(&root, JOURNAL, garbage[i]);
		fake_path(&root, JOURNAL, joined);
		assert_int_equal(chmod(joined, 0600), 0);
		assert_int_equal(settle(&count), -EBADMSG);
		assert_non_null(strstr(said, "line 1"));
		assert_non_null(strstr(said, "nothing was changed"));
		assert_true(fake_is(&root, JOURNAL, garbage[i]));
	}
}

/* How a journal may be planted, and what is said. */
static void a_journal_of_others_is_not_obeyed(void **state)
{
	static const struct {
		const char *how, *reason;
	} plants[] = {
		{"mode", "others may read or write it"},
		{"owner", "belongs to user 1000"},
		{"link", "another name"},
		{"symlink", "symbolic link"},
		{"pipe", "no plain file"},
		{"folder", "no plain file"},
	};
	const struct undo undo = setting("vm.swappiness", "60", "");
	char joined[PATH_MAX], other[PATH_MAX + 8];

	(void)state;
	fake_path(&root, JOURNAL, joined);
	(void)snprintf(other, sizeof(other), "%s.other", joined);
	for (size_t i = 0; i < sizeof(plants) / sizeof(*plants); i++) {
		const char *const how = plants[i].how;
		size_t count = 0;

		/* Only root can give a file away. */
		if (strcmp(how, "owner") == 0 && geteuid() != 0)
			continue;
		leave_journal(&undo, 1);
		if (strcmp(how, "mode") == 0)
			assert_int_equal(chmod(joined, 0620), 0);
		else if (strcmp(how, "owner") == 0)
			assert_int_equal(chown(joined, 1000, 1000), 0);
		else if (strcmp(how, "link") == 0)
			assert_int_equal(link(joined, other), 0);
		else
			assert_int_equal(rename(joined, other), 0);
		if (strcmp(how, "symlink") == 0)
			assert_int_equal(symlink(other, joined), 0);
		else if (strcmp(how, "pipe") == 0)
			assert_int_equal(mkfifo(joined, 0600), 0);
		else if (strcmp(how, "folder") == 0)
			assert_int_equal(mkdir(joined, 0700), 0);
		assert_int_equal(settle(&count), -EBADMSG);
		assert_non_null(strstr(said, plants[i].reason));
		assert_true(fake_is(&root, SWAPPINESS, "10\n"));
		assert_int_equal(remove(joined), 0);
		(void)remove(other);
	}
}

/* A real short write: the file may not grow beyond some bytes, which lie inside a line. */
static void a_full_disk_refuses_and_loses_nothing(void **state)
{
	const struct undo undos[] = {
		setting("vm.swappiness", "60", ""), setting("vm.dirty_bytes", "0", "20")};
	struct rlimit before, limit;
	struct journal journal;
	struct journal_content content;
	struct kernel_error error;

	(void)state;
	assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	for (rlim_t room_bytes = 0; room_bytes < 110; room_bytes += 3) {
		char joined[PATH_MAX];

		assert_int_equal(journal_create(&journal, root.path, JOURNAL, BOOT), 0);
		assert_int_equal(journal_append(&journal, undos, 1), 0);
		limit = before;
		limit.rlim_cur = journal.length_bytes + room_bytes;
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
		const struct undo three[] = {undos[1], undos[0], undos[1]};
		const int answer = journal_append(&journal, three, 3);
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
		assert_int_equal(answer, -EFBIG);
		assert_int_equal(journal.count, 1);
		/* It can be gone on with. */
		assert_int_equal(journal_append(&journal, undos + 1, 1), 0);
		journal_close(&journal);
		assert_int_equal(journal_load(root.path, JOURNAL, &content, &error), 0);
		assert_false(content.torn);
		assert_int_equal(content.count, 2);
		assert_string_equal(content.undos[1].name, "vm.dirty_bytes");
		journal_drop(&content);
		fake_path(&root, JOURNAL, joined);
		assert_int_equal(unlink(joined), 0);
	}
}

static void a_cut_journal_goes_on_at_the_cut(void **state)
{
	const struct undo undos[] = {setting("vm.swappiness", "60", ""),
		setting("vm.dirty_bytes", "0", "20"), setting("ksm.run", "0", "0")};
	struct journal journal;
	struct journal_content content;
	struct kernel_error error;

	(void)state;
	assert_int_equal(journal_create(&journal, root.path, JOURNAL, BOOT), 0);
	assert_int_equal(journal_append(&journal, undos, 2), 0);
	assert_int_equal(journal_cut(&journal, 1), 0);
	assert_int_equal(journal_append(&journal, undos + 2, 1), 0);
	journal_close(&journal);
	assert_int_equal(journal_load(root.path, JOURNAL, &content, &error), 0);
	assert_int_equal(content.count, 2);
	assert_string_equal(content.undos[1].name, "ksm.run");

	/* And so does one that was loaded, which is then written anew. */
	assert_int_equal(journal_adopt(&journal, root.path, JOURNAL, &content), 0);
	assert_int_equal(journal_append(&journal, undos + 1, 1), 0);
	assert_int_equal(journal_replace(&journal, BOOT, undos + 1, 2), 0);
	assert_int_equal(journal_cut(&journal, 1), 0);
	journal_close(&journal);
	journal_drop(&content);
	assert_int_equal(journal_load(root.path, JOURNAL, &content, &error), 0);
	assert_int_equal(content.count, 1);
	assert_string_equal(content.undos[0].name, "vm.dirty_bytes");
	journal_drop(&content);
	assert_false(fake_has(&root, JOURNAL ".new"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)
		TEST(what_was_written_is_read),
		TEST(every_damaged_byte_is_noticed),
		TEST(a_journal_cut_short_is_obeyed_up_to_there),
		TEST(lines_cannot_be_left_out_or_moved),
		TEST(what_we_would_not_write_is_not_obeyed),
		TEST(garbage_is_named_and_kept),
		TEST(a_journal_of_others_is_not_obeyed),
		TEST(a_full_disk_refuses_and_loses_nothing),
		TEST(a_cut_journal_goes_on_at_the_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
