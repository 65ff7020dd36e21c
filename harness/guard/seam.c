/* SPDX-License-Identifier: Apache-2.0 */
#include "guard/seam.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

/* The one global of the guard: a test has to reach calls that are made deep below its own. */
static seam_fault_fn *injected;
static void *injected_context;

void seam_inject(seam_fault_fn *fault, void *context)
{
	injected = fault;
	injected_context = context;
}

int seam_ask(const char *call, const char *path)
{
	return injected == NULL ? 0 : -injected(injected_context, call, path);
}

static int with_root(char joined[PATH_MAX], const char *root, const char *path)
{
	const int length = snprintf(joined, PATH_MAX, "%s%s", root, path);

	return length < 0 || length >= PATH_MAX ? -ENAMETOOLONG : 0;
}

/* Both questions that come before a call with a path. */
static int before(char joined[PATH_MAX], const char *call, const char *root, const char *path)
{
	const int failed = seam_ask(call, path);

	return failed != 0 ? failed : with_root(joined, root, path);
}

static int answer(long result)
{
	return result < 0 ? -errno : (int)result;
}

int seam_open(const char *root, const char *path, int flags, mode_t mode)
{
	char joined[PATH_MAX];
	const int failed = before(joined, "open", root, path);

	return failed != 0 ? failed : answer(open(joined, flags | O_CLOEXEC, mode));
}

ssize_t seam_read(int descriptor, const char *path, void *buffer, size_t size_bytes)
{
	const int failed = seam_ask("read", path);
	ssize_t got_bytes = 0;

	if (failed != 0)
		return failed;
	do {
		got_bytes = read(descriptor, buffer, size_bytes);
	} while (got_bytes < 0 && errno == EINTR);
	return got_bytes < 0 ? -errno : got_bytes;
}

int seam_write(int descriptor, const char *path, const void *buffer, size_t size_bytes)
{
	const int failed = seam_ask("write", path);
	const char *next = buffer;

	if (failed != 0)
		return failed;
	while (size_bytes != 0) {
		const ssize_t put_bytes = write(descriptor, next, size_bytes);
		if (put_bytes < 0 && errno == EINTR)
			continue;
		if (put_bytes < 0)
			return -errno;
		if (put_bytes == 0)
			return -ENOSPC;
		next += put_bytes;
		size_bytes -= (size_t)put_bytes;
	}
	return 0;
}

int seam_sync(int descriptor, const char *path)
{
	const int failed = seam_ask("fsync", path);

	return failed != 0 ? failed : answer(fsync(descriptor));
}

int seam_truncate(int descriptor, const char *path, uint64_t size_bytes)
{
	const int failed = seam_ask("ftruncate", path);

	return failed != 0 ? failed : answer(ftruncate(descriptor, (off_t)size_bytes));
}

int seam_allocate(int descriptor, const char *path, uint64_t size_bytes)
{
	const int failed = seam_ask("fallocate", path);

	return failed != 0 ? failed : answer(fallocate(descriptor, 0, 0, (off_t)size_bytes));
}

int seam_stat(int descriptor, const char *path, struct stat *status)
{
	const int failed = seam_ask("fstat", path);

	return failed != 0 ? failed : answer(fstat(descriptor, status));
}

void seam_close(int descriptor, const char *path)
{
	/* Nothing hangs on close: what must be on the disk has been synced. */
	(void)seam_ask("close", path);
	(void)close(descriptor);
}

int seam_rename(const char *root, const char *from, const char *to)
{
	char joined_from[PATH_MAX], joined_to[PATH_MAX];
	int failed = before(joined_from, "rename", root, from);

	if (failed == 0)
		failed = with_root(joined_to, root, to);
	return failed != 0 ? failed : answer(rename(joined_from, joined_to));
}

int seam_unlink(const char *root, const char *path)
{
	char joined[PATH_MAX];
	const int failed = before(joined, "unlink", root, path);

	return failed != 0 ? failed : answer(unlink(joined));
}

int seam_make_folder(const char *root, const char *path, mode_t mode)
{
	char joined[PATH_MAX];
	const int failed = before(joined, "mkdir", root, path);

	return failed != 0 ? failed : answer(mkdir(joined, mode));
}

int seam_remove_folder(const char *root, const char *path)
{
	char joined[PATH_MAX];
	const int failed = before(joined, "rmdir", root, path);

	return failed != 0 ? failed : answer(rmdir(joined));
}

int seam_mount(const char *root, const char *path, const char *type, const char *options)
{
	char joined[PATH_MAX];
	const int failed = before(joined, "mount", root, path);

	return failed != 0 ? failed
			   : answer(mount("mmconform", joined, type,
				     MS_NOSUID | MS_NODEV | MS_NOEXEC, options));
}

int seam_unmount(const char *root, const char *path)
{
	char joined[PATH_MAX];
	const int failed = before(joined, "umount", root, path);

	return failed != 0 ? failed : answer(umount2(joined, UMOUNT_NOFOLLOW));
}

int seam_swap_on(const char *root, const char *path, int flags)
{
	char joined[PATH_MAX];
	const int failed = before(joined, "swapon", root, path);

	return failed != 0 ? failed : answer(swapon(joined, flags));
}

/* Reading back what a run had swapped takes a second; a kernel that has lost count of the places
 * in use looks for the last of them for ever, until a signal comes. */
#define SWAP_OFF_S 15

static void interrupt(int number)
{
	(void)number;
}

int seam_swap_off(const char *root, const char *path)
{
	const struct sigaction interrupting = {.sa_handler = interrupt};
	const struct itimerval deadline = {{1, 0}, {SWAP_OFF_S, 0}}, none = {{0, 0}, {0, 0}};
	struct sigaction old_action;
	sigset_t alarm_set, old_set;
	char joined[PATH_MAX];
	const int failed = before(joined, "swapoff", root, path);

	if (failed != 0)
		return failed;
	(void)sigemptyset(&alarm_set);
	(void)sigaddset(&alarm_set, SIGALRM);
	(void)sigaction(SIGALRM, &interrupting, &old_action);
	(void)sigprocmask(SIG_UNBLOCK, &alarm_set, &old_set);
	(void)setitimer(ITIMER_REAL, &deadline, NULL);
	const int result = answer(swapoff(joined));
	(void)setitimer(ITIMER_REAL, &none, NULL);
	(void)sigprocmask(SIG_SETMASK, &old_set, NULL);
	(void)sigaction(SIGALRM, &old_action, NULL);
	return result;
}

int seam_socket_pair(int pair[2])
{
	const int failed = seam_ask("socketpair", "");

	return failed != 0 ? failed
			   : answer(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair));
}

pid_t seam_fork(void)
{
	const int failed = seam_ask("fork", "");

	return failed != 0 ? failed : answer(fork());
}

int seam_process_open(pid_t pid)
{
	const int failed = seam_ask("pidfd_open", "");

	return failed != 0 ? failed : answer(syscall(SYS_pidfd_open, pid, 0));
}

int seam_process_kill(int descriptor)
{
	const int failed = seam_ask("kill", "");

	return failed != 0 ? failed
			   : answer(syscall(SYS_pidfd_send_signal, descriptor, SIGKILL, NULL, 0));
}

ssize_t seam_read_text(const char *root, const char *path, char *buffer, size_t capacity_bytes)
{
	const int file = seam_open(root, path, O_RDONLY, 0);
	size_t used_bytes = 0;
	ssize_t got_bytes = 0;

	if (file < 0)
		return file;
	do {
		got_bytes =
			seam_read(file, path, buffer + used_bytes, capacity_bytes - 1 - used_bytes);
		if (got_bytes > 0)
			used_bytes += (size_t)got_bytes;
	} while (got_bytes > 0 && used_bytes + 1 < capacity_bytes);
	seam_close(file, path);
	if (got_bytes < 0)
		return got_bytes;
	/* A full buffer means that there is more. */
	if (used_bytes + 1 >= capacity_bytes)
		return -EFBIG;
	buffer[used_bytes] = '\0';
	return (ssize_t)used_bytes;
}

int seam_write_text(const char *root, const char *path, const char *text)
{
	/* Truncation means nothing to the kernel's files, and all to the plain files of tests. */
	const int file = seam_open(root, path, O_WRONLY | O_TRUNC | O_NOFOLLOW, 0);

	if (file < 0)
		return file;
	/* One write: the kernel takes each write to such a file for a whole value. */
	const int result = seam_write(file, path, text, strlen(text));
	seam_close(file, path);
	return result;
}

bool seam_exists(const char *root, const char *path)
{
	char joined[PATH_MAX];

	return with_root(joined, root, path) == 0 && access(joined, F_OK) == 0;
}
