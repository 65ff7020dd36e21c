/* SPDX-License-Identifier: Apache-2.0 */
/* Processes and turns; and the watch over our own faults. */
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernel/process.h"
#include "trial/files.h"
#include "trial/live.h"
#include "trial/report.h"
#include "trial/rseq.h"

/* Shorter runs of untouched pages stay: they are not worth an area. */
#define UNUSED_PAGES_LEAST 32
#define UNUSED_PAGES_MOST  2048

/* One process, one copy each: what fork copies is mended by live_warm. */
struct live_shared *live;
uint32_t live_self;
static struct live_range own[LIVE_INSTRUMENT_LIMIT];
static size_t own_count;
static uint64_t quiet[LIVE_FAULTS_LIMIT]; /* our faults when we last knew that all was present */

_Noreturn void live_broken(const char *format, ...)
{
	va_list arguments;

	if (!atomic_exchange(&live->is_broken, true)) {
		va_start(arguments, format);
		(void)vsnprintf(live->reason, sizeof(live->reason), format, arguments);
		va_end(arguments);
	}
	_exit(EXIT_FAILURE);
}

_Noreturn void live_unmet(const char *reason)
{
	live->is_unmet = true;
	live_broken("%s", reason);
}

static void futex_wait_until(atomic_uint *word)
{
	while (atomic_load(word) == 0)
		(void)syscall(SYS_futex, word, FUTEX_WAIT, 0, NULL, NULL, 0);
	atomic_store(word, 0);
}

static void futex_set(atomic_uint *word, unsigned value)
{
	atomic_store(word, value);
	(void)syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0);
}

void live_warm(void)
{
	for (size_t i = 0; i < own_count; i++)
		/* Refused for the kernel's own pages ([vvar]): nothing there is ours to touch. */
		(void)madvise((void *)(uintptr_t)own[i].start, own[i].end - own[i].start,
			own[i].private_writable ? MADV_POPULATE_WRITE : MADV_POPULATE_READ);
	live_count_faults(quiet);
}

void live_unlock_own(void)
{
	for (size_t i = 0; i < own_count; i++)
		(void)munlock((void *)(uintptr_t)own[i].start, own[i].end - own[i].start);
}

void live_note_faults(const uint64_t faults[LIVE_FAULTS_LIMIT])
{
	memcpy(quiet, faults, sizeof(quiet));
}

/* A fault of ours between two steps would be counted as the script's, or hide one of it. */
static void check_quiet(const char *when, uint64_t now[LIVE_FAULTS_LIMIT])
{
	live_count_faults(now);
	if (now[LIVE_FAULTS_MINOR] != quiet[LIVE_FAULTS_MINOR] ||
		now[LIVE_FAULTS_MAJOR] != quiet[LIVE_FAULTS_MAJOR])
		live_broken("the instrument itself took %llu minor and %llu major faults %s step "
			    "%u in process %u",
			(unsigned long long)(now[LIVE_FAULTS_MINOR] - quiet[LIVE_FAULTS_MINOR]),
			(unsigned long long)(now[LIVE_FAULTS_MAJOR] - quiet[LIVE_FAULTS_MAJOR]),
			when, live->step, live_self);
}

void live_take_own_fault(volatile unsigned char *at)
{
	/* What runs for the first time, before the script, takes others. */
	uint64_t now[LIVE_FAULTS_LIMIT];

	if (live->processes[live_self].alive)
		check_quiet("looking after", now);
	*at = 1;
	live_count_faults(quiet);
}

/* What is open in an operation on a file is seen at once by who did it, or never. */
static bool did_file(void)
{
	const enum vm_operation_kind kind =
		live->step == 0 ? VM_OP_WAIT : live->operations[live->step - 1].kind;

	return live_self == live->actor && kind >= VM_OP_FILE_CREATE && kind <= VM_OP_FILE_CLOSE;
}

static uint32_t surfaces_of_step(void)
{
	const struct live_looks *looks = &live->head.looks;
	const uint32_t always =
		looks->always |
		(did_file() ? LIVE_SURFACE(FILES) | LIVE_SURFACE(CACHE) : UINT32_C(0));
	const bool full = live->step == live->head.operations_count ||
			  (looks->seldom_every != 0 && live->step % looks->seldom_every == 0);

	return (full ? always | looks->seldom : always) &
	       (uint32_t)live->start[LIVE_START_SURFACES];
}

/* A process that still has to look after this step, or LIVE_PROCESSES_LIMIT. */
static uint32_t next_to_look(void)
{
	for (uint32_t i = 0; i < LIVE_PROCESSES_LIMIT; i++)
		if (live->processes[i].alive && (live->looked >> i & 1) == 0)
			return i;
	return LIVE_PROCESSES_LIMIT;
}

/* Who has the turn now; LIVE_PROCESSES_LIMIT when all is done. */
static uint32_t go_on(void)
{
	const uint32_t looker = next_to_look();

	if (looker != LIVE_PROCESSES_LIMIT)
		return looker;
	live->looked = 0;
	live->has_moment = false;
	if (live->moved) {
		live->moved = false;
		return next_to_look();
	}
	live->phase = LIVE_ACT;
	if (live->step == live->head.operations_count)
		return LIVE_PROCESSES_LIMIT;
	live->actor = live->operations[live->step].process;
	live->step++;
	LIVE_MUST(live->actor < LIVE_PROCESSES_LIMIT && live->processes[live->actor].alive);
	return live->actor;
}

static void give_turn(uint32_t to)
{
	if (to != LIVE_PROCESSES_LIMIT) {
		futex_set(&live->processes[to].go, 1);
		return;
	}
	live_flush();
	live->finished = true;
	for (uint32_t i = 0; i < LIVE_PROCESSES_LIMIT; i++)
		futex_set(&live->processes[i].go, 1);
}

/* Whether the step may have changed areas of this process; that a stack grew shows in the sums. */
static bool areas_may_differ(void)
{
	if (live->step == 0)
		return true;
	switch (live->operations[live->step - 1].kind) {
	case VM_OP_MINCORE:
	case VM_OP_SYNC:
	case VM_OP_READ:
	case VM_OP_WRITE:
	case VM_OP_TOUCH_READ:
	case VM_OP_TOUCH_WRITE:
	case VM_OP_EXECUTE:
	case VM_OP_EXIT:
	case VM_OP_WAIT:
	case VM_OP_FILE_CREATE:
	case VM_OP_FILE_WRITE:
	case VM_OP_FILE_READ:
	case VM_OP_FILE_TRUNCATE:
	case VM_OP_FILE_SYNC:
	case VM_OP_FILE_DROP:
	case VM_OP_FILE_PUNCH:
	case VM_OP_FILE_CLOSE:
	case VM_OP_REMOTE_READ:
	case VM_OP_REMOTE_WRITE:
	case VM_OP_MEM_READ:
	case VM_OP_MEM_WRITE:
	case VM_OP_POKE:
	case VM_OP_SPLICE:
	case VM_OP_SPLICE_READ:
	case VM_OP_PIN:
	case VM_OP_UNPIN:
	case VM_OP_PINNED_READ:
	case VM_OP_PINNED_WRITE:
	case VM_OP_PROCESS_ADVISE:
	case VM_OP_DENY_WRITE_EXECUTE:
	case VM_OP_CLEAR_REFS:
	case VM_OP_PAGEMAP_SCAN:
	case VM_OP_KSM_RUN:
	case VM_OP_POOL:
		return false;
	default:
		return live_self == live->actor;
	}
}

/*
 * All that is seen belongs to one moment: where somebody wrote back a file meanwhile, as sync() of
 * any program does, it is looked at again, by every process if another one has looked before. That
 * ends: a page is written once.
 */
static uint32_t look_at_one_moment(void)
{
	const uint32_t of_cache = LIVE_SURFACE(CORE) | LIVE_SURFACE(SMAPS) | LIVE_SURFACE(FRAMES) |
				  LIVE_SURFACE(FILES) | LIVE_SURFACE(CACHE);
	uint64_t digest;
	uint32_t surfaces;

	/* Fast looks see nothing of it. */
	if ((surfaces_of_step() & of_cache) == 0)
		return live_look(surfaces_of_step(), areas_may_differ());
	do {
		digest = live_cache_digest();
		surfaces = live_look(surfaces_of_step(), areas_may_differ());
	} while (digest != live_cache_digest());
	if (!live->has_moment)
		live->moment = digest;
	live->has_moment = true;
	live->moved = live->moved || digest != live->moment;
	return surfaces;
}

static void look(uint64_t faults[LIVE_FAULTS_LIMIT])
{
	if ((faults[LIVE_FAULTS_MINOR] | faults[LIVE_FAULTS_MAJOR]) != 0)
		faults[LIVE_FAULTS_MONITORED] |= live_monitors_ran();
	const uint32_t surfaces = look_at_one_moment();

	faults[LIVE_FAULTS_SURFACES] = surfaces;
	if (live_self == live->actor)
		memcpy(live->faults, faults, sizeof(live->faults));
	live_send(LIVE_FAULTS, faults, LIVE_FAULTS_LIMIT);
	live->looked |= UINT32_C(1) << live_self;
}

static void take_turn(void)
{
	uint64_t now[LIVE_FAULTS_LIMIT];
	uint32_t next;

	check_quiet("before", now);
	do {
		uint64_t faults[LIVE_FAULTS_LIMIT] = {0};

		if (live->phase == LIVE_ACT) {
			live->phase = LIVE_LOOK;
			if (live->step > 0)
				live_act(&live->operations[live->step - 1], now, faults);
		} else if (live_self == live->actor) {
			memcpy(faults, live->faults, sizeof(faults));
		}
		look(faults);
		next = go_on();
		check_quiet("looking after", now);
	} while (next == live_self);
	give_turn(next);
}

static _Noreturn void run_process(void)
{
	for (;;) {
		futex_wait_until(&live->processes[live_self].go);
		if (live->finished)
			_exit(EXIT_SUCCESS);
		take_turn();
	}
}

/*
 * The supervisor passes the turn on when this process and all it had are gone: exit_mm() comes
 * before the parent is told. linux:6.12:kernel/exit.c:do_exit
 */
_Noreturn void live_exit(void)
{
	live->processes[live_self].alive = false;
	live->leaving = live_self + 1;
	live_close_surfaces();
	_exit(EXIT_SUCCESS);
}

static void begin_process(uint32_t index)
{
	struct live_process *process = &live->processes[index];

	live_self = index;
	LIVE_MUST(prctl(PR_SET_PDEATHSIG, SIGKILL) == 0);
	/* Where Yama lets only ancestors in, the others may come in, too; elsewhere nobody asks. */
	(void)prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
	process->pid = getpid();
	for (size_t i = 0; i < LIVE_KIND_LIMIT; i++)
		process->last[i].known = false;
	live_forget_tracker();
	live_open_surfaces();
}

/*
 * A system call with getrusage right before and right after it: after a fork each push on the stack
 * is a copy-on-write fault of ours, and so it is where the call has write-protected all memory, so
 * nothing is pushed until the second reading is done. A forked child, where the result is 0, has
 * none.
 */
long live_count_call(struct rusage usage[2], long number, long first, long second, long third)
{
	/* Read through one register: there are not enough for all of them where nothing is
	 * optimised. */
	const long call[] = {(long)usage, number, first, second, third};
	long result;

	__asm__ volatile(
		"mov %[call], %%r12\n"
		"mov %[thread], %%edi\n"
		"mov (%%r12), %%rsi\n"
		"mov %[getrusage], %%eax\n"
		"syscall\n"
		"mov 16(%%r12), %%rdi\n"
		"mov 24(%%r12), %%rsi\n"
		"mov 32(%%r12), %%rdx\n"
		"xor %%r10d, %%r10d\n"
		"xor %%r8d, %%r8d\n"
		"mov 8(%%r12), %%rax\n"
		"syscall\n"
		"mov %%rax, %%rbx\n"
		"test %%rax, %%rax\n"
		"jz 1f\n"
		"mov %[thread], %%edi\n"
		"mov (%%r12), %%rsi\n"
		"add %[size], %%rsi\n"
		"mov %[getrusage], %%eax\n"
		"syscall\n"
		"1: mov %%rbx, %[result]\n"
		: [result] "=r"(result)
		: [call] "r"(call), [size] "i"(sizeof(struct rusage)),
		[getrusage] "i"(SYS_getrusage), [thread] "i"(RUSAGE_THREAD)
		: "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r10", "r11", "r12", "memory");
	return result;
}

void live_faults_between(const struct rusage usage[2], uint64_t faults[LIVE_FAULTS_LIMIT])
{
	faults[LIVE_FAULTS_MINOR] = (uint64_t)(usage[1].ru_minflt - usage[0].ru_minflt);
	faults[LIVE_FAULTS_MAJOR] = (uint64_t)(usage[1].ru_majflt - usage[0].ru_majflt);
	faults[LIVE_FAULTS_SLEEPS] = (uint64_t)(usage[1].ru_nvcsw - usage[0].ru_nvcsw);
}

int64_t live_fork(uint32_t child, uint64_t faults[LIVE_FAULTS_LIMIT])
{
	LIVE_MUST(child < LIVE_PROCESSES_LIMIT && !live->processes[child].alive);
	struct rusage *usage = live->processes[live_self].fork_usage;

	/* CLONE_PARENT: all processes are the supervisor's children, which sees each of them end.
	 * CLONE_FILES: a file that one process creates is there for all. */
	const long result =
		live_count_call(usage, SYS_clone, CLONE_PARENT | CLONE_FILES | SIGCHLD, 0, 0);
	if (result < 0)
		return result;
	if (result == 0) {
		begin_process(child);
		live_warm();
		futex_set(&live->ready, 1);
		run_process();
	}
	futex_wait_until(&live->ready);
	live->processes[child].alive = true;
	live_warm();
	live_faults_between(usage, faults);
	return result;
}

/*
 * The heap moves into the arena, so that its tables are nobody else's. PR_SET_MM_MAP needs no
 * privilege, but all figures of the address space. linux:6.12:kernel/sys.c:prctl_set_mm_map
 */
static uint64_t move_break(void)
{
	struct kernel_stat stat;

	live_read_stat(&stat);
	struct prctl_mm_map map = {
		.start_code = stat.code_start,
		.end_code = stat.code_end,
		.start_data = stat.data_start,
		.end_data = stat.data_end,
		.start_brk = LIVE_BREAK_ADDRESS,
		.brk = LIVE_BREAK_ADDRESS,
		.start_stack = stat.stack_start,
		.arg_start = stat.arguments_start,
		.arg_end = stat.arguments_end,
		.env_start = stat.environment_start,
		.env_end = stat.environment_end,
		.exe_fd = UINT32_MAX,
	};
	const bool moved = prctl(PR_SET_MM, PR_SET_MM_MAP, &map, sizeof(map), 0) == 0;

	return moved ? LIVE_BREAK_ADDRESS : 0;
}

/* Of the disk that the working directory lies on. A partition has its disk's queue. */
static uint64_t readahead_pages(void)
{
	static const char *const queues[] = {"queue", "../queue"};
	struct stat status;
	uint64_t kib = LIVE_ABSENT;

	LIVE_MUST(stat(".", &status) == 0);
	for (size_t i = 0; i < 2 && kib == LIVE_ABSENT; i++) {
		char path[96];
		(void)snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/%s/read_ahead_kb",
			major(status.st_dev), minor(status.st_dev), queues[i]);
		kib = live_number_in(path, LIVE_ABSENT);
	}
	return kib == LIVE_ABSENT ? LIVE_ABSENT : vm_kib_to_pages_floor(kib);
}

/* In the order of LIVE_POOLS. */
static const enum live_start pool_words[LIVE_POOLS_KSM] = {
	LIVE_START_HUGE_2M_TOTAL,
	LIVE_START_HUGE_2M_FREE,
	LIVE_START_HUGE_2M_RESERVED,
	LIVE_START_HUGE_2M_SURPLUS,
	LIVE_START_HUGE_1G_TOTAL,
	LIVE_START_HUGE_1G_FREE,
	LIVE_START_HUGE_1G_RESERVED,
	LIVE_START_HUGE_1G_SURPLUS,
};

#define OVERCOMMIT(size) "/sys/kernel/mm/hugepages/hugepages-" size "kB/nr_overcommit_hugepages"

static void read_start(void)
{
	uint64_t *start = live->start;
	struct sysinfo memory;
	const long pages = sysconf(_SC_PHYS_PAGES);

	LIVE_MUST(sysinfo(&memory) == 0);
	start[LIVE_START_SWAP_PAGES] =
		vm_bytes_to_pages_floor((uint64_t)memory.totalswap * memory.mem_unit);
	start[LIVE_START_SWAP_SYNCHRONOUS] = swap_is_synchronous();
	start[LIVE_START_READAHEAD_PAGES] = readahead_pages();

	start[LIVE_START_AREAS] = own_count;
	start[LIVE_START_TOTAL_PAGES] =
		vm_kib_to_pages_floor(live->counters_base[LIVE_COUNTER_VM_SIZE]);
	start[LIVE_START_RAM_PAGES] = (uint64_t)pages;
	for (size_t i = 0; i < LIVE_POOLS_KSM; i++)
		start[pool_words[i]] = live_read_pool(i, 0);
	start[LIVE_START_HUGE_2M_OVERCOMMIT] = live_number_in(OVERCOMMIT("2048"), 0);
	start[LIVE_START_HUGE_1G_OVERCOMMIT] = live_number_in(OVERCOMMIT("1048576"), 0);
}

#undef OVERCOMMIT

/*
 * The executable holds the variables of all verbs, megabytes of them. What nothing has touched so
 * far is of other verbs: without it no fork has to copy it, and no lock to fill it.
 */
static void leave_unused(void)
{
	extern char __bss_start[], _end[];
	const uintptr_t start = vm_align_up((uintptr_t)__bss_start, VM_PAGE_BYTES);
	const uintptr_t end = vm_align_down((uintptr_t)_end, VM_PAGE_BYTES);
	unsigned char resident[UNUSED_PAGES_MOST];

	LIVE_MUST(vm_bytes_to_pages_ceil(end - start) <= UNUSED_PAGES_MOST);
	/* A kernel that fills in nothing is not to break what looks at it. */
	memset(resident, 1, sizeof(resident));
	/* A signal needs its stack, and the first look the rest. */
	live_read(0, 1, 1, NULL);
	(void)live_look(live_surfaces_available(), true);
	LIVE_MUST(mincore((void *)start, end - start, resident) == 0);
	for (uintptr_t at = start, run = start; at <= end; at += VM_PAGE_BYTES) {
		if (at < end && (resident[vm_bytes_to_pages_floor(at - start)] & 1) == 0)
			continue;
		if (at - run >= vm_pages_to_bytes(UNUSED_PAGES_LEAST))
			LIVE_MUST(munmap((void *)run, at - run) == 0);
		run = at + VM_PAGE_BYTES;
	}
}

static _Noreturn void first_process(void)
{
	rseq_leave();
	live_catch_signals();
	live_prepare_looks();
	begin_process(0);
	live_ring_open();
	leave_unused();
	live->start[LIVE_START_BREAK] = move_break();
	own_count = live_own_areas(own, LIVE_INSTRUMENT_LIMIT);
	LIVE_MUST(own_count <= LIVE_INSTRUMENT_LIMIT);
	live_warm();
	live_find_lag();
	/* What runs for the first time takes faults that the second time does not: leave_unused()
	 * has looked before. */
	live->start[LIVE_START_SURFACES] = live_surfaces_available();
	(void)live_look((uint32_t)live->start[LIVE_START_SURFACES], true);
	live_read_counters(live->counters_base);
	read_start();
	live_warm();
	live_read_counters(live->counters_base);
	live_read_sizes(live->sizes_base);
	live->output_count = 0;
	for (size_t i = 0; i < LIVE_KIND_LIMIT; i++)
		live->processes[0].last[i].known = false;
	live_send(LIVE_START, live->start, LIVE_START_LIMIT);
	live->processes[0].alive = true;
	live->phase = LIVE_ACT;
	take_turn();
	run_process();
}

static void kill_all(void)
{
	for (uint32_t i = 0; i < LIVE_PROCESSES_LIMIT; i++)
		if (live->processes[i].pid > 0)
			(void)kill(live->processes[i].pid, SIGKILL);
}

static void note_end(pid_t pid, int status)
{
	for (uint32_t i = 0; i < LIVE_PROCESSES_LIMIT; i++) {
		if (live->processes[i].pid != pid)
			continue;
		live->processes[i].pid = 0;
		if (live->leaving == i + 1 && WIFEXITED(status)) {
			live->leaving = 0;
			live_self = i;
			give_turn(go_on());
		} else if (!live->finished && !atomic_exchange(&live->is_broken, true)) {
			(void)snprintf(live->reason, sizeof(live->reason),
				"process %u ended at step %u with wait status %d", i, live->step,
				status);
		}
	}
}

void live_run(void)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		report_leave();
		first_process();
	}
	LIVE_MUST(pid > 0);
	live->processes[0].pid = pid;
	while ((pid = waitpid(-1, &status, 0)) > 0) {
		note_end(pid, status);
		if (live->is_broken)
			kill_all();
	}
}
