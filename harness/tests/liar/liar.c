/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A kernel with a bug: stands in for the trial executable, runs the real one, and changes what
 * its system calls do or say. What is wrong is read from the file "lie" beside this program, the
 * real executable's path from the file "real". The suite must notice, on the claim that breaks.
 */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define ARENA_START  UINT64_C(0x100000000000)
#define ARENA_END    (ARENA_START + (UINT64_C(1) << 39))
#define TASKS_LIMIT  16
#define TEXT_LIMIT   ((size_t)1 << 18)
#define PAGE_BYTES   4096
#define SYSCALL_STOP (SIGTRAP | 0x80)
#define NO_CALL	     UINT64_MAX

struct task {
	pid_t pid;
	bool inside;	 /* between entry and exit of a call */
	bool skipped;	 /* the call is not made, and says that it succeeded */
	uint64_t number; /* of the call as it was made */
	uint64_t first, second, third;
	unsigned maps_made;
};

struct lie {
	const char *name;
	/* At the entry of a call; true: registers were changed. */
	bool (*enter)(struct task *, struct user_regs_struct *);
	/* At the exit. */
	bool (*leave)(struct task *, struct user_regs_struct *);
};

static struct task tasks[TASKS_LIMIT];
static char text[TEXT_LIMIT];

static bool in_arena(uint64_t address)
{
	return address >= ARENA_START && address < ARENA_END;
}

static bool skip(struct task *task, struct user_regs_struct *r)
{
	r->orig_rax = NO_CALL;
	task->skipped = true;
	return true;
}

/* ---- memory and files of the one who is lied to ---- */

static bool move(pid_t pid, uint64_t address, void *own, size_t length, bool writes)
{
	const struct iovec here = {own, length};
	const struct iovec there = {(void *)(uintptr_t)address, length};
	const ssize_t moved = writes ? process_vm_writev(pid, &here, 1, &there, 1, 0)
				     : process_vm_readv(pid, &here, 1, &there, 1, 0);

	return moved == (ssize_t)length;
}

static bool reads_file(const struct task *task, const char *name)
{
	char path[64], target[PATH_MAX];
	const size_t name_length = strlen(name);

	(void)snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)task->pid, (int)task->first);
	const ssize_t length = readlink(path, target, sizeof(target));
	return length > (ssize_t)name_length &&
	       memcmp(target + length - name_length, name, name_length) == 0;
}

/* ---- calls that do not do what they say ---- */

static bool skip_call(struct task *task, struct user_regs_struct *r, uint64_t number)
{
	return r->orig_rax == number && in_arena(r->rdi) && skip(task, r);
}

static bool ignore_mprotect(struct task *task, struct user_regs_struct *r)
{
	return skip_call(task, r, SYS_mprotect);
}

static bool ignore_munmap(struct task *task, struct user_regs_struct *r)
{
	return skip_call(task, r, SYS_munmap);
}

static bool ignore_mlock(struct task *task, struct user_regs_struct *r)
{
	return skip_call(task, r, SYS_mlock);
}

static bool ignore_msync(struct task *task, struct user_regs_struct *r)
{
	return skip_call(task, r, SYS_msync);
}

static bool ignore_fsync(struct task *task, struct user_regs_struct *r)
{
	return r->orig_rax == SYS_fsync && skip(task, r);
}

static bool ignore_fadvise(struct task *task, struct user_regs_struct *r)
{
	return r->orig_rax == SYS_fadvise64 && skip(task, r);
}

static bool is_advice(const struct user_regs_struct *r, uint64_t advice)
{
	return r->orig_rax == SYS_madvise && in_arena(r->rdi) && r->rdx == advice;
}

static bool ignore_dontneed(struct task *task, struct user_regs_struct *r)
{
	return is_advice(r, MADV_DONTNEED) && skip(task, r);
}

static bool ignore_wipeonfork(struct task *task, struct user_regs_struct *r)
{
	return is_advice(r, MADV_WIPEONFORK) && skip(task, r);
}

static bool ignore_dontfork(struct task *task, struct user_regs_struct *r)
{
	return is_advice(r, MADV_DONTFORK) && skip(task, r);
}

static bool ignore_guard(struct task *task, struct user_regs_struct *r)
{
	return is_advice(r, 102) && skip(task, r);
}

static bool free_at_once(struct task *task, struct user_regs_struct *r)
{
	(void)task;
	if (!is_advice(r, MADV_FREE))
		return false;
	r->rdx = MADV_DONTNEED;
	return true;
}

/* ---- calls that do something else ---- */

static bool is_map(const struct user_regs_struct *r)
{
	return r->orig_rax == SYS_mmap && in_arena(r->rdi);
}

static bool overlap_accepted(struct task *task, struct user_regs_struct *r)
{
	(void)task;
	if (!is_map(r) || (r->r10 & MAP_FIXED_NOREPLACE) == 0)
		return false;
	r->r10 = (r->r10 & ~(uint64_t)MAP_FIXED_NOREPLACE) | MAP_FIXED;
	return true;
}

static bool private_is_shared(struct task *task, struct user_regs_struct *r)
{
	(void)task;
	if (!is_map(r) || (r->r10 & MAP_PRIVATE) == 0)
		return false;
	r->r10 = (r->r10 & ~(uint64_t)MAP_PRIVATE) | MAP_SHARED;
	return true;
}

static bool populate_ignored(struct task *task, struct user_regs_struct *r)
{
	(void)task;
	if (!is_map(r) || (r->r10 & MAP_POPULATE) == 0)
		return false;
	r->r10 &= ~(uint64_t)MAP_POPULATE;
	return true;
}

static bool populate_always(struct task *task, struct user_regs_struct *r)
{
	(void)task;
	if (!is_map(r))
		return false;
	r->r10 |= MAP_POPULATE;
	return true;
}

static bool never_merge(struct task *task, struct user_regs_struct *r)
{
	if (!is_map(r) || task->maps_made++ % 2 == 0)
		return false;
	r->r10 |= MAP_NORESERVE;
	return true;
}

static bool offset_ignored(struct task *task, struct user_regs_struct *r)
{
	(void)task;
	if (!is_map(r) || r->r9 == 0)
		return false;
	r->r9 = 0;
	return true;
}

static bool always_executable(struct task *task, struct user_regs_struct *r)
{
	(void)task;
	if ((r->orig_rax != SYS_mmap && r->orig_rax != SYS_mprotect) || !in_arena(r->rdi))
		return false;
	r->rdx |= PROT_EXEC;
	return true;
}

static bool none_is_readable(struct task *task, struct user_regs_struct *r)
{
	(void)task;
	if (r->orig_rax != SYS_mprotect || !in_arena(r->rdi) || r->rdx != PROT_NONE)
		return false;
	r->rdx = PROT_READ;
	return true;
}

static bool keep_ignored(struct task *task, struct user_regs_struct *r)
{
	(void)task;
	if (r->orig_rax != SYS_mremap || (r->r10 & 4) == 0)
		return false;
	r->r10 &= ~UINT64_C(4);
	return true;
}

/* Half of the length is left as it was. */
static bool half_unmapped(struct task *task, struct user_regs_struct *r)
{
	(void)task;
	if (r->orig_rax != SYS_munmap || !in_arena(r->rdi) || r->rsi < 2ULL * PAGE_BYTES)
		return false;
	r->rsi = r->rsi / 2 / PAGE_BYTES * PAGE_BYTES;
	return true;
}

/* ---- answers that are not so ---- */

static bool refusal_forgotten(struct task *task, struct user_regs_struct *r)
{
	if (task->number != SYS_mremap || (int64_t)r->rax != -EINVAL)
		return false;
	r->rax = task->first;
	return true;
}

static bool wrong_errno(struct task *task, struct user_regs_struct *r)
{
	if (task->number != SYS_mprotect || (int64_t)r->rax != -ENOMEM)
		return false;
	r->rax = (uint64_t)-EFAULT;
	return true;
}

static bool faults_twice(struct task *task, struct user_regs_struct *r)
{
	struct rusage usage;

	(void)r;
	if (task->number != SYS_getrusage ||
		!move(task->pid, task->second, &usage, sizeof(usage), false))
		return false;
	usage.ru_minflt *= 2;
	(void)move(task->pid, task->second, &usage, sizeof(usage), true);
	return false;
}

static bool everything_in_core(struct task *task, struct user_regs_struct *r)
{
	if (task->number != SYS_mincore || r->rax != 0)
		return false;
	const size_t pages = (task->second + PAGE_BYTES - 1) / PAGE_BYTES;
	memset(text, 1, pages < TEXT_LIMIT ? pages : TEXT_LIMIT);
	(void)move(task->pid, task->third, text, pages < TEXT_LIMIT ? pages : TEXT_LIMIT, true);
	return false;
}

/* Words of a binary file of /proc, changed one by one. */
static bool change_words(struct task *task, const struct user_regs_struct *r, const char *file,
	uint64_t (*change)(uint64_t))
{
	uint64_t *words = (uint64_t *)(void *)text;
	const size_t length = (size_t)r->rax;

	if (task->number != SYS_pread64 || (int64_t)r->rax <= 0 || length > TEXT_LIMIT ||
		!reads_file(task, file) || !move(task->pid, task->second, text, length, false))
		return false;
	for (size_t i = 0; i < length / sizeof(*words); i++)
		words[i] = change(words[i]);
	(void)move(task->pid, task->second, text, length, true);
	return false;
}

static uint64_t not_exclusive(uint64_t word)
{
	return word & ~(UINT64_C(1) << 56);
}

static bool pagemap_never_exclusive(struct task *task, struct user_regs_struct *r)
{
	return change_words(task, r, "/pagemap", not_exclusive);
}

static uint64_t one_frame_for_all(uint64_t word)
{
	return (word >> 63) == 0 ? word : (word & ~UINT64_C(0x7)) | 1;
}

static bool pagemap_same_frames(struct task *task, struct user_regs_struct *r)
{
	return change_words(task, r, "/pagemap", one_frame_for_all);
}

static uint64_t one_mapper_more(uint64_t word)
{
	return word == 0 ? 0 : word + 1;
}

static bool mappers_miscounted(struct task *task, struct user_regs_struct *r)
{
	return change_words(task, r, "/kpagecount", one_mapper_more);
}

/* The number behind a name in a text file of /proc, in the same width. */
static bool change_number(struct task *task, const struct user_regs_struct *r, uint64_t number,
	const char *name, int by)
{
	const size_t length = (size_t)r->rax;

	if (task->number != number || (int64_t)r->rax <= 0 || length >= TEXT_LIMIT ||
		!move(task->pid, task->second, text, length, false))
		return false;
	text[length] = '\0';
	for (char *at = text; (at = strstr(at, name)) != NULL; at++) {
		char *digits = at + strlen(name), replaced[32];
		char *end = strchr(digits, 'k');
		if (end == NULL)
			break;
		const long value = strtol(digits, NULL, 10);
		const int width = (int)(end - 1 - digits);
		if (value != 0 &&
			snprintf(replaced, sizeof(replaced), "%*ld", width, value + by) == width)
			memcpy(digits, replaced, (size_t)width);
	}
	(void)move(task->pid, task->second, text, length, true);
	return false;
}

/* Only once something is mapped: the figures at the start are taken off all later ones. */
static bool resident_size_lags(struct task *task, struct user_regs_struct *r)
{
	return task->maps_made != 0 && reads_file(task, "/status")
		       ? change_number(task, r, SYS_pread64, "RssAnon:", -4)
		       : false;
}

static bool count_maps(struct task *task, struct user_regs_struct *r)
{
	if (is_map(r))
		task->maps_made++;
	return false;
}

static bool tables_not_counted(struct task *task, struct user_regs_struct *r)
{
	return task->maps_made != 0 && reads_file(task, "/status")
		       ? change_number(task, r, SYS_pread64, "VmPTE:", 4)
		       : false;
}

static bool share_not_divided(struct task *task, struct user_regs_struct *r)
{
	return reads_file(task, "/smaps") ? change_number(task, r, SYS_read, "\nPss:", 4) : false;
}

static const struct lie lies[] = {
	{"nothing", NULL, NULL},
	{"mprotect-does-nothing", ignore_mprotect, NULL},
	{"munmap-does-nothing", ignore_munmap, NULL},
	{"munmap-stops-halfway", half_unmapped, NULL},
	{"mlock-does-nothing", ignore_mlock, NULL},
	{"msync-does-nothing", ignore_msync, NULL},
	{"fsync-does-nothing", ignore_fsync, NULL},
	{"drop-does-nothing", ignore_fadvise, NULL},
	{"dontneed-keeps-data", ignore_dontneed, NULL},
	{"wipeonfork-forgotten", ignore_wipeonfork, NULL},
	{"dontfork-forgotten", ignore_dontfork, NULL},
	{"guard-forgotten", ignore_guard, NULL},
	{"free-drops-at-once", free_at_once, NULL},
	{"overlap-accepted", overlap_accepted, NULL},
	{"private-is-shared", private_is_shared, NULL},
	{"populate-ignored", populate_ignored, NULL},
	{"mmap-populates", populate_always, NULL},
	{"areas-never-merge", never_merge, NULL},
	{"file-offset-ignored", offset_ignored, NULL},
	{"everything-executable", always_executable, NULL},
	{"none-is-readable", none_is_readable, NULL},
	{"dontunmap-ignored", keep_ignored, NULL},
	{"mremap-never-refuses", NULL, refusal_forgotten},
	{"mprotect-wrong-errno", NULL, wrong_errno},
	{"faults-counted-twice", NULL, faults_twice},
	{"mincore-says-resident", NULL, everything_in_core},
	{"pagemap-never-exclusive", NULL, pagemap_never_exclusive},
	{"pagemap-wrong-frames", NULL, pagemap_same_frames},
	{"mappers-miscounted", NULL, mappers_miscounted},
	{"resident-size-lags", count_maps, resident_size_lags},
	{"tables-miscounted", count_maps, tables_not_counted},
	{"share-not-divided", NULL, share_not_divided},
};

#define LIES_COUNT (sizeof(lies) / sizeof(lies[0]))

/* ---- the machinery ---- */

static struct task *task_of(pid_t pid)
{
	struct task *free_task = NULL;

	for (size_t i = 0; i < TASKS_LIMIT; i++) {
		if (tasks[i].pid == pid)
			return &tasks[i];
		if (tasks[i].pid == 0 && free_task == NULL)
			free_task = &tasks[i];
	}
	if (free_task == NULL)
		abort();
	*free_task = (struct task){.pid = pid};
	return free_task;
}

static void at_call(const struct lie *lie, struct task *task)
{
	struct user_regs_struct r;
	bool changed = false;

	if (ptrace(PTRACE_GETREGS, task->pid, NULL, &r) != 0)
		return;
	if (!task->inside) {
		task->number = r.orig_rax;
		task->first = r.rdi;
		task->second = r.rsi;
		task->third = r.rdx;
		task->skipped = false;
		changed = lie->enter != NULL && lie->enter(task, &r);
	} else if (task->skipped) {
		r.rax = 0;
		changed = true;
	} else {
		changed = lie->leave != NULL && lie->leave(task, &r);
	}
	task->inside = !task->inside;
	if (changed)
		(void)ptrace(PTRACE_SETREGS, task->pid, NULL, &r);
}

/* A child of fork begins inside no call of its own; what it was told of areas it knows. */
static void at_event(const struct task *task)
{
	unsigned long child = 0;

	if (ptrace(PTRACE_GETEVENTMSG, task->pid, NULL, &child) == 0 && child != 0)
		task_of((pid_t)child)->maps_made = task->maps_made;
}

static int watch(const struct lie *lie, pid_t first)
{
	int status = 0, result = EXIT_FAILURE;
	pid_t pid;

	while ((pid = waitpid(-1, &status, __WALL)) > 0) {
		if (WIFEXITED(status) || WIFSIGNALED(status)) {
			task_of(pid)->pid = 0;
			if (pid == first)
				result = WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILURE;
			continue;
		}
		struct task *task = task_of(pid);
		const int signal_number = WSTOPSIG(status);
		long deliver = 0;
		if (signal_number == SYSCALL_STOP)
			at_call(lie, task);
		else if (status >> 16 != 0)
			at_event(task);
		else if (signal_number != SIGSTOP)
			deliver = signal_number;
		(void)ptrace(PTRACE_SYSCALL, pid, NULL, (void *)deliver);
	}
	return result;
}

static void read_beside(const char *name, char *line, size_t limit)
{
	char path[PATH_MAX];
	const ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 16);

	if (length <= 0)
		exit(EXIT_FAILURE);
	path[length] = '\0';
	char *const base = strrchr(path, '/') + 1;
	(void)snprintf(base, sizeof(path) - (size_t)(base - path), "%s", name);
	FILE *file = fopen(path, "r");
	if (file == NULL || fgets(line, (int)limit, file) == NULL) {
		perror(path);
		exit(EXIT_FAILURE);
	}
	(void)fclose(file);
	line[strcspn(line, "\n")] = '\0';
}

int main(int argc, char **argv)
{
	char name[64], real[PATH_MAX];
	const struct lie *lie = NULL;

	(void)argc;
	if (argc == 2 && strcmp(argv[1], "--list") == 0) {
		for (size_t i = 1; i < LIES_COUNT; i++)
			(void)puts(lies[i].name);
		return EXIT_SUCCESS;
	}
	read_beside("lie", name, sizeof(name));
	read_beside("real", real, sizeof(real));
	for (size_t i = 0; i < LIES_COUNT; i++)
		if (strcmp(lies[i].name, name) == 0)
			lie = &lies[i];
	if (lie == NULL) {
		(void)fprintf(stderr, "liar: no such lie: %s\n", name);
		return EXIT_FAILURE;
	}
	const pid_t pid = fork();
	if (pid == 0) {
		(void)ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		(void)raise(SIGSTOP);
		(void)execv(real, argv);
		_exit(EXIT_FAILURE);
	}
	int status;
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return EXIT_FAILURE;
	task_of(pid);
	(void)ptrace(PTRACE_SETOPTIONS, pid, NULL,
		(void *)(long)(PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACECLONE |
			       PTRACE_O_TRACEVFORK | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL));
	(void)ptrace(PTRACE_SYSCALL, pid, NULL, NULL);
	return watch(lie, pid);
}
