/* SPDX-License-Identifier: Apache-2.0 */
/* The operations, as system calls: one function each, in a table. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernel/pagemap.h"
#include "trial/live.h"
#include "trial/tracking.h"

#define BYTES_LIMIT ((size_t)1 << 20)

/* linux:6.12:include/uapi/asm-generic/unistd.h, linux/prctl.h: newer than the headers of the oldest
 * build host */
#define SYS_MSEAL	 462
#define SYS_MEMFD_SECRET 447
#define CALL_SET_MDWE	 65 /* PR_SET_MDWE */
#define DENY_EXEC_GAIN	 1  /* PR_MDWE_REFUSE_EXEC_GAIN */

#define KSM_SCANS	 3
#define KSM_PAUSE_MS	 10
#define KSM_PAUSES_LIMIT 500

/*
 * Bytes read, bytes to write, vectors of mincore and scans: shared, so no fork copies them. Every
 * process has to make them present, so they are as large as the script's largest operation.
 */
static unsigned char *bytes;
static size_t bytes_limit;
static uint64_t *pairs;
static int tracker = -1; /* userfaultfd of this process */

/* A scan leaves one byte a page, and behind them the regions: at most one a page. */
static size_t scan_regions_at(const struct vm_operation *o)
{
	return vm_align_up(vm_bytes_to_pages_ceil(o->length), _Alignof(struct tracking_region));
}

static size_t scan_regions_bytes(const struct vm_operation *o)
{
	const size_t most = vm_bytes_to_pages_ceil(o->length) * sizeof(struct tracking_region);

	return most < BYTES_LIMIT ? most : BYTES_LIMIT;
}

static size_t bytes_needed(const struct vm_operation *o)
{
	static const bool moves_bytes[VM_OP_LIMIT] = {
		[VM_OP_READ] = true,
		[VM_OP_FILE_READ] = true,
		[VM_OP_FILE_WRITE] = true,
		[VM_OP_REMOTE_READ] = true,
		[VM_OP_REMOTE_WRITE] = true,
		[VM_OP_MEM_READ] = true,
		[VM_OP_MEM_WRITE] = true,
		[VM_OP_PINNED_READ] = true,
		[VM_OP_PINNED_WRITE] = true,
	};

	if (moves_bytes[o->kind])
		return o->length < BYTES_LIMIT ? o->length : BYTES_LIMIT;
	if (o->kind == VM_OP_SPLICE_READ)
		return VM_PIPE_BYTES;
	if (o->kind == VM_OP_MINCORE)
		return vm_bytes_to_pages_ceil(o->length);
	return o->kind == VM_OP_PAGEMAP_SCAN ? scan_regions_at(o) + scan_regions_bytes(o) : 0;
}

static size_t pairs_bytes(void)
{
	const size_t limit = bytes_limit < LIVE_PAIRS_LIMIT ? bytes_limit : LIVE_PAIRS_LIMIT;

	return limit * 2 * sizeof(pairs[0]);
}

size_t live_buffers_bytes(const struct vm_operation *operations, size_t count)
{
	bytes_limit = 0;
	for (size_t i = 0; i < count; i++) {
		const size_t needed = bytes_needed(&operations[i]);
		bytes_limit = needed > bytes_limit ? needed : bytes_limit;
	}
	bytes_limit = vm_align_up(bytes_limit, VM_PAGE_BYTES);
	return bytes_limit + pairs_bytes();
}

void live_share_buffers(unsigned char *memory)
{
	bytes = memory;
	pairs = (uint64_t *)(void *)(memory + bytes_limit);
}

void live_forget_tracker(void)
{
	/* The descriptor is of the parent's address space. The table is shared: leave it open. */
	tracker = -1;
}

static int64_t answer(long result)
{
	if (result < 0 && errno == ENOSYS)
		live_unmet("this kernel was built without a call that the script makes");
	return result < 0 ? -errno : result;
}

/* Equal bytes are sent as one pair; what would not fit any more is the script's mistake. */
static void send_bytes(uint64_t count)
{
	size_t runs = 0;

	for (uint64_t i = 0; i < count;) {
		uint64_t next = i;
		while (next < count && bytes[next] == bytes[i])
			next++;
		LIVE_MUST(runs < LIVE_PAIRS_LIMIT);
		pairs[2 * runs] = bytes[i];
		pairs[2 * runs + 1] = next - i;
		runs++;
		i = next;
	}
	live_send(LIVE_BYTES, pairs, 2 * runs);
}

static const struct live_file *file_of(const struct vm_operation *operation)
{
	LIVE_MUST(operation->file < LIVE_FILES_LIMIT);
	return &live->files[operation->file];
}

static int descriptor_of(const struct vm_operation *operation)
{
	if (operation->file == VM_NO_FILE)
		return -1;
	const struct live_file *file = file_of(operation);
	if (!file->exists)
		return -1;
	switch (operation->file_access) {
	case VM_FILE_READ_WRITE:
		return file->read_write;
	case VM_FILE_READ_ONLY:
		return file->read_only;
	case VM_FILE_WRITE_ONLY:
		return file->write_only;
	}
	return -1;
}

static int64_t do_map(const struct vm_operation *o)
{
	return answer(syscall(SYS_mmap, o->address, o->length, (long)o->protection, (long)o->flags,
		(long)descriptor_of(o), o->offset));
}

static int64_t do_unmap(const struct vm_operation *o)
{
	return answer(syscall(SYS_munmap, o->address, o->length));
}

static int64_t do_protect(const struct vm_operation *o)
{
	return answer(syscall(SYS_mprotect, o->address, o->length, (long)o->protection));
}

static int64_t do_remap(const struct vm_operation *o)
{
	return answer(syscall(
		SYS_mremap, o->address, o->length, o->new_length, (long)o->flags, o->new_address));
}

static int64_t do_advise(const struct vm_operation *o)
{
	return answer(syscall(SYS_madvise, o->address, o->length, (long)o->advice));
}

static int64_t do_lock(const struct vm_operation *o)
{
	if (o->flags != 0)
		return answer(syscall(SYS_mlock2, o->address, o->length, (long)o->flags));
	return answer(syscall(SYS_mlock, o->address, o->length));
}

static int64_t do_unlock(const struct vm_operation *o)
{
	return answer(syscall(SYS_munlock, o->address, o->length));
}

static int64_t do_lock_all(const struct vm_operation *o)
{
	return answer(syscall(SYS_mlockall, (long)o->flags));
}

static int64_t do_unlock_all(const struct vm_operation *o)
{
	(void)o;
	return answer(syscall(SYS_munlockall));
}

static int64_t do_mincore(const struct vm_operation *o)
{
	const uint64_t pages = vm_bytes_to_pages_ceil(o->length);

	LIVE_MUST(pages <= bytes_limit);
	return answer(syscall(SYS_mincore, o->address, o->length, bytes));
}

static int64_t do_sync(const struct vm_operation *o)
{
	return answer(syscall(SYS_msync, o->address, o->length, (long)o->flags));
}

static int64_t do_seal(const struct vm_operation *o)
{
	return answer(syscall(SYS_MSEAL, o->address, o->length, 0L));
}

static int64_t do_break(const struct vm_operation *o)
{
	return answer(syscall(SYS_brk, o->address));
}

static int made_file(enum vm_file_kind kind)
{
	switch (kind) {
	case VM_FILE_DISK:
		return open(".", O_TMPFILE | O_RDWR, 0600);
	case VM_FILE_SHMEM:
		return memfd_create("scenario", 0);
	case VM_FILE_SECRET:
		return (int)syscall(SYS_MEMFD_SECRET, 0L);
	case VM_FILE_HUGETLB_2M:
		return memfd_create("scenario", MFD_HUGETLB | VM_MAP_HUGE_2MB);
	case VM_FILE_HUGETLB_1G:
		return memfd_create("scenario", MFD_HUGETLB | VM_MAP_HUGE_1GB);
	}
	return -1;
}

/* Secret memory has no other descriptor than the one it came with. */
static int opened_again(const struct live_file *file, enum vm_file_kind kind, int access)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", file->read_write);
	return kind == VM_FILE_SECRET ? dup(file->read_write) : open(path, access);
}

static int64_t do_file_create(const struct vm_operation *o)
{
	struct live_file *file = &live->files[o->file];
	struct stat status;

	LIVE_MUST(o->file < LIVE_FILES_LIMIT && !file->exists);
	file->read_write = made_file(o->file_kind);
	if (file->read_write < 0)
		return answer(-1);
	file->read_only = opened_again(file, o->file_kind, O_RDONLY);
	file->write_only = opened_again(file, o->file_kind, O_WRONLY);
	LIVE_MUST(file->read_only >= 0 && file->write_only >= 0);
	if ((o->flags & VM_CREATE_RANDOM) != 0)
		LIVE_MUST(posix_fadvise(file->read_write, 0, 0, POSIX_FADV_RANDOM) == 0 &&
			  posix_fadvise(file->read_only, 0, 0, POSIX_FADV_RANDOM) == 0);
	if (ftruncate(file->read_write, (off_t)o->length) != 0)
		return -errno;
	LIVE_MUST(fstat(file->read_write, &status) == 0);
	if (o->file_kind == VM_FILE_DISK)
		LIVE_MUST(fsync(file->read_write) == 0);
	file->inode = status.st_ino;
	file->device = status.st_dev;
	file->kind = o->file_kind;
	file->exists = true;
	return 0;
}

/* A descriptor of its own for this one operation, or the file's. */
static int descriptor_for_io(const struct vm_operation *o)
{
	const int usual = descriptor_of(o);
	char path[64];

	if (o->flags == 0 || usual < 0)
		return usual;
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", usual);
	return open(path, O_RDWR | O_CLOEXEC |
				  ((o->flags & VM_FILE_IO_DIRECT) != 0 ? O_DIRECT : 0) |
				  ((o->flags & VM_FILE_IO_SYNC) != 0 ? O_SYNC : 0));
}

static int64_t do_file_io(const struct vm_operation *o)
{
	const int descriptor = descriptor_for_io(o);

	LIVE_MUST(o->length <= bytes_limit);
	if (o->kind == VM_OP_FILE_WRITE)
		memset(bytes, o->value, o->length);
	const int64_t result =
		answer(o->kind == VM_OP_FILE_WRITE
				? pwrite(descriptor, bytes, o->length, (off_t)o->offset)
				: pread(descriptor, bytes, o->length, (off_t)o->offset));
	if (o->flags != 0)
		(void)close(descriptor);
	return result;
}

static int64_t do_file_truncate(const struct vm_operation *o)
{
	return answer(ftruncate(descriptor_of(o), (off_t)o->length));
}

static int64_t do_file_sync(const struct vm_operation *o)
{
	return answer(fsync(descriptor_of(o)));
}

static int64_t do_file_drop(const struct vm_operation *o)
{
	const int descriptor = descriptor_of(o);
	const int error =
		posix_fadvise(descriptor, (off_t)o->offset, (off_t)o->length, POSIX_FADV_DONTNEED);

	/* The advice begins to write dirty pages; the step is over when the device has them. */
	LIVE_MUST(live->files[o->file].kind != VM_FILE_DISK ||
		  sync_file_range(descriptor, 0, 0, SYNC_FILE_RANGE_WAIT_BEFORE) == 0);
	return -error;
}

static int64_t do_file_punch(const struct vm_operation *o)
{
	return answer(fallocate(descriptor_of(o), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		(off_t)o->offset, (off_t)o->length));
}

static int64_t do_file_close(const struct vm_operation *o)
{
	struct live_file *file = &live->files[o->file];

	LIVE_MUST(o->file < LIVE_FILES_LIMIT && file->exists);
	file->exists = false;
	LIVE_MUST(close(file->read_write) == 0);
	const int64_t result = answer(close(file->write_only));
	/* Closing may begin to write; the step is over when the device has it. */
	LIVE_MUST((file->kind != VM_FILE_DISK || sync_file_range(file->read_only, 0, 0,
							 SYNC_FILE_RANGE_WAIT_BEFORE) == 0) &&
		  close(file->read_only) == 0);
	return result;
}

static pid_t process_of(const struct vm_operation *o)
{
	LIVE_MUST(o->other < LIVE_PROCESSES_LIMIT);
	return live->processes[o->other].pid;
}

static int64_t do_remote(const struct vm_operation *o)
{
	const struct iovec own = {.iov_base = bytes, .iov_len = o->length};
	const struct iovec other = {
		.iov_base = (void *)(uintptr_t)o->address, .iov_len = o->length};
	const bool writes = o->kind == VM_OP_REMOTE_WRITE;

	LIVE_MUST(o->length <= bytes_limit);
	if (writes)
		memset(bytes, o->value, o->length);
	return answer(syscall(writes ? SYS_process_vm_writev : SYS_process_vm_readv,
		(long)process_of(o), &own, 1L, &other, 1L, 0L));
}

static int64_t do_process_advise(const struct vm_operation *o)
{
	const struct iovec range = {
		.iov_base = (void *)(uintptr_t)o->address, .iov_len = o->length};
	const int process = (int)answer(syscall(SYS_pidfd_open, (long)process_of(o), 0L));

	LIVE_MUST(process >= 0);
	const int64_t result =
		answer(syscall(SYS_process_madvise, process, &range, 1L, (long)o->advice, 0L));
	(void)close(process);
	return result;
}

/* The other one waits for its turn in the kernel: it is stopped there, and goes on waiting. */
static int64_t do_poke(const struct vm_operation *o)
{
	const pid_t process = process_of(o);
	unsigned long word;
	int status;

	memset(&word, o->value, sizeof(word));
	LIVE_MUST(ptrace(PTRACE_SEIZE, process, NULL, NULL) == 0 &&
		  ptrace(PTRACE_INTERRUPT, process, NULL, NULL) == 0 &&
		  waitpid(process, &status, __WALL) == process && WIFSTOPPED(status));
	const int64_t result =
		answer(ptrace(PTRACE_POKEDATA, process, (void *)(uintptr_t)o->address, word));
	LIVE_MUST(ptrace(PTRACE_DETACH, process, NULL, NULL) == 0);
	return result;
}

static int64_t do_splice(const struct vm_operation *o)
{
	const struct iovec range = {
		.iov_base = (void *)(uintptr_t)o->address, .iov_len = o->length};

	LIVE_MUST(live->has_pipe || pipe2(live->pipe, O_NONBLOCK | O_CLOEXEC) == 0);
	live->has_pipe = true;
	return answer(vmsplice(live->pipe[1], &range, 1, SPLICE_F_NONBLOCK));
}

static int64_t do_splice_read(const struct vm_operation *o)
{
	(void)o;
	LIVE_MUST(live->has_pipe || pipe2(live->pipe, O_NONBLOCK | O_CLOEXEC) == 0);
	live->has_pipe = true;
	return answer(read(live->pipe[0], bytes, VM_PIPE_BYTES));
}

static int64_t do_pin(const struct vm_operation *o)
{
	return live_pin(o->address, o->length);
}

static int64_t do_unpin(const struct vm_operation *o)
{
	(void)o;
	return live_unpin();
}

static int64_t do_pinned_read(const struct vm_operation *o)
{
	LIVE_MUST(o->length <= bytes_limit);
	return live_pinned_read(o->address, o->length, bytes);
}

static int64_t do_pinned_write(const struct vm_operation *o)
{
	LIVE_MUST(o->length <= bytes_limit);
	memset(bytes, o->value, o->length);
	return live_pinned_write(o->address, o->length, bytes);
}

static int64_t do_deny_write_execute(const struct vm_operation *o)
{
	(void)o;
	return answer(prctl(CALL_SET_MDWE, DENY_EXEC_GAIN, 0L, 0L, 0L));
}

static int open_of(const struct vm_operation *o, const char *name, int flags)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)process_of(o), name);
	return open(path, flags | O_CLOEXEC);
}

static int64_t do_mem(const struct vm_operation *o)
{
	const bool writes = o->kind == VM_OP_MEM_WRITE;
	const int descriptor = open_of(o, "mem", O_RDWR);

	LIVE_MUST(o->length <= bytes_limit && descriptor >= 0);
	if (writes)
		memset(bytes, o->value, o->length);
	const int64_t result =
		answer(writes ? pwrite(descriptor, bytes, o->length, (off_t)o->address)
			      : pread(descriptor, bytes, o->length, (off_t)o->address));
	(void)close(descriptor);
	return result;
}

/* Digit 4 write-protects our own memory as well: what is read after the call is not the step's. */
static int64_t clear_refs(const struct vm_operation *o, uint64_t faults[LIVE_FAULTS_LIMIT])
{
	const char digit = (char)('0' + o->flags);
	const int descriptor = open_of(o, "clear_refs", O_WRONLY);
	struct rusage *usage = live->processes[live_self].fork_usage;

	LIVE_MUST(descriptor >= 0);
	const long result =
		live_count_call(usage, SYS_write, descriptor, (long)(uintptr_t)&digit, 1);
	(void)close(descriptor);
	LIVE_MUST(result != 0);
	live_faults_between(usage, faults);
	live_warm();
	return result < 0 ? result : 0;
}

static int64_t opened_tracker(void)
{
	if (tracker < 0)
		tracker = tracking_open();
	return tracker;
}

static int64_t do_register(const struct vm_operation *o)
{
	const int64_t opened = opened_tracker();

	return opened < 0 ? opened : tracking_register(tracker, o->address, o->length);
}

static int64_t do_unregister(const struct vm_operation *o)
{
	const int64_t opened = opened_tracker();

	return opened < 0 ? opened : tracking_unregister(tracker, o->address, o->length);
}

/* One byte a page: 1 where a reported region covers it. */
static int64_t do_scan(const struct vm_operation *o)
{
	struct tracking_region *regions =
		(struct tracking_region *)(void *)(bytes + scan_regions_at(o));
	const struct tracking_scan scan = {
		.pagemap = open_of(o, "pagemap", O_RDONLY),
		.start = o->address,
		.length_bytes = o->length,
		.category = (o->flags & VM_SCAN_WRITTEN) != 0 ? TRACKING_WRITTEN : TRACKING_PRESENT,
		.protect = (o->flags & VM_SCAN_PROTECT) != 0,
		.regions_limit = scan_regions_bytes(o) / sizeof(*regions),
		.regions = regions,
	};

	LIVE_MUST(scan.pagemap >= 0 && bytes_needed(o) <= bytes_limit);
	memset(bytes, 0, vm_bytes_to_pages_ceil(o->length));
	const int64_t found = tracking_scan(&scan);
	(void)close(scan.pagemap);
	for (int64_t i = 0; i < found; i++)
		for (uint64_t at = regions[i].start; at < regions[i].end; at += VM_PAGE_BYTES)
			bytes[vm_bytes_to_pages_floor(at - o->address)] = 1;
	return found < 0 ? found : 0;
}

static int64_t write_ksm_run(char digit)
{
	const int descriptor = open("/sys/kernel/mm/ksm/run", O_WRONLY | O_CLOEXEC);

	if (descriptor < 0)
		return -errno;
	const int64_t result = answer(write(descriptor, &digit, 1));
	(void)close(descriptor);
	return result < 0 ? result : 0;
}

/*
 * A page is merged when it was the same in two scans, and what is left over is known then. The
 * first of three may have begun before, and one more may pass until it rests: a page that was found
 * alone is left out of the fifth, and does not count as such until it is looked at again.
 * linux:6.12:mm/ksm.c:cmp_and_merge_page, should_skip_rmap_item. Then the scanner rests, so that it
 * changes nothing later.
 */
static int64_t do_ksm_run(const struct vm_operation *o)
{
	static const char scans_path[] = "/sys/kernel/mm/ksm/full_scans";
	const uint64_t scans = live_number_in(scans_path, 0);
	const int64_t result = write_ksm_run((char)('0' + o->flags));

	if (result < 0 || o->flags != 1)
		return result;
	for (unsigned i = 0; live_number_in(scans_path, 0) < scans + KSM_SCANS; i++) {
		if (i == KSM_PAUSES_LIMIT) {
			LIVE_MUST(write_ksm_run('0') == 0);
			live_unmet(
				"others have so much memory to merge that no scan comes to an end");
		}
		(void)poll(NULL, 0, KSM_PAUSE_MS);
	}
	return write_ksm_run('0');
}

/* What others have of the pool stays theirs. A pool that cannot grow is no fault of the kernel's:
 * its memory may be in pieces. */
static int64_t do_pool(const struct vm_operation *o)
{
	const bool giant = o->file_kind == VM_FILE_HUGETLB_1G;
	const char *const path = giant ? "/sys/kernel/mm/hugepages/hugepages-1048576kB/nr_hugepages"
				       : "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages";
	const uint64_t *const start = live->start;
	const uint64_t others =
		giant ? vm_pool_of_others(start[LIVE_START_HUGE_1G_TOTAL],
				start[LIVE_START_HUGE_1G_FREE], start[LIVE_START_HUGE_1G_RESERVED])
		      : vm_pool_of_others(start[LIVE_START_HUGE_2M_TOTAL],
				start[LIVE_START_HUGE_2M_FREE], start[LIVE_START_HUGE_2M_RESERVED]);
	const uint64_t pages = others + o->length;
	char text[32];

	const int descriptor = open(path, O_WRONLY | O_CLOEXEC);
	if (descriptor < 0)
		return -errno;
	const int length = snprintf(text, sizeof(text), "%llu", (unsigned long long)pages);
	const int64_t result = answer(write(descriptor, text, (size_t)length));
	(void)close(descriptor);
	if (result >= 0 && live_number_in(path, 0) < pages)
		live_unmet("the kernel finds no memory in one piece for a larger pool");
	return result < 0 ? result : 0;
}

/* What the operation leaves in bytes[] to be told. */
enum leaves { NOTHING, ITS_RESULT, A_BYTE_A_PAGE };

static const struct {
	int64_t (*call)(const struct vm_operation *);
	enum leaves leaves;
} calls[VM_OP_LIMIT] = {
	[VM_OP_MAP] = {do_map, NOTHING},
	[VM_OP_UNMAP] = {do_unmap, NOTHING},
	[VM_OP_PROTECT] = {do_protect, NOTHING},
	[VM_OP_REMAP] = {do_remap, NOTHING},
	[VM_OP_ADVISE] = {do_advise, NOTHING},
	[VM_OP_LOCK] = {do_lock, NOTHING},
	[VM_OP_UNLOCK] = {do_unlock, NOTHING},
	[VM_OP_LOCK_ALL] = {do_lock_all, NOTHING},
	[VM_OP_UNLOCK_ALL] = {do_unlock_all, NOTHING},
	[VM_OP_MINCORE] = {do_mincore, A_BYTE_A_PAGE},
	[VM_OP_SEAL] = {do_seal, NOTHING},
	[VM_OP_SYNC] = {do_sync, NOTHING},
	[VM_OP_BREAK] = {do_break, NOTHING},
	[VM_OP_FILE_CREATE] = {do_file_create, NOTHING},
	[VM_OP_FILE_WRITE] = {do_file_io, NOTHING},
	[VM_OP_FILE_READ] = {do_file_io, ITS_RESULT},
	[VM_OP_FILE_TRUNCATE] = {do_file_truncate, NOTHING},
	[VM_OP_FILE_SYNC] = {do_file_sync, NOTHING},
	[VM_OP_FILE_DROP] = {do_file_drop, NOTHING},
	[VM_OP_FILE_PUNCH] = {do_file_punch, NOTHING},
	[VM_OP_FILE_CLOSE] = {do_file_close, NOTHING},
	[VM_OP_REMOTE_READ] = {do_remote, ITS_RESULT},
	[VM_OP_REMOTE_WRITE] = {do_remote, NOTHING},
	[VM_OP_MEM_READ] = {do_mem, ITS_RESULT},
	[VM_OP_MEM_WRITE] = {do_mem, NOTHING},
	[VM_OP_POKE] = {do_poke, NOTHING},
	[VM_OP_SPLICE] = {do_splice, NOTHING},
	[VM_OP_SPLICE_READ] = {do_splice_read, ITS_RESULT},
	[VM_OP_PIN] = {do_pin, NOTHING},
	[VM_OP_UNPIN] = {do_unpin, NOTHING},
	[VM_OP_PINNED_READ] = {do_pinned_read, ITS_RESULT},
	[VM_OP_PINNED_WRITE] = {do_pinned_write, NOTHING},
	[VM_OP_PROCESS_ADVISE] = {do_process_advise, NOTHING},
	[VM_OP_DENY_WRITE_EXECUTE] = {do_deny_write_execute, NOTHING},
	[VM_OP_UFFD_REGISTER_WP] = {do_register, NOTHING},
	[VM_OP_UFFD_UNREGISTER] = {do_unregister, NOTHING},
	[VM_OP_PAGEMAP_SCAN] = {do_scan, A_BYTE_A_PAGE},
	[VM_OP_KSM_RUN] = {do_ksm_run, NOTHING},
	[VM_OP_POOL] = {do_pool, NOTHING},
};

static void count(const struct rusage *usage, uint64_t faults[LIVE_FAULTS_LIMIT])
{
	faults[LIVE_FAULTS_MINOR] = (uint64_t)usage->ru_minflt;
	faults[LIVE_FAULTS_MAJOR] = (uint64_t)usage->ru_majflt;
	faults[LIVE_FAULTS_SLEEPS] = (uint64_t)usage->ru_nvcsw;
}

void live_count_faults(uint64_t faults[LIVE_FAULTS_LIMIT])
{
	struct rusage usage;

	/* Of the only thread: the kernel sums up no group for it. */
	LIVE_MUST(getrusage(RUSAGE_THREAD, &usage) == 0);
	count(&usage, faults);
}

static bool is_access(enum vm_operation_kind kind)
{
	return kind == VM_OP_READ || kind == VM_OP_WRITE || kind == VM_OP_TOUCH_READ ||
	       kind == VM_OP_TOUCH_WRITE || kind == VM_OP_EXECUTE;
}

static void access_memory(const struct vm_operation *o)
{
	if (o->kind == VM_OP_READ) {
		LIVE_MUST(o->length <= bytes_limit);
		live_read(o->address, o->length, 1, bytes);
	} else if (o->kind == VM_OP_WRITE) {
		live_write(o->address, o->length, 1, o->value);
	} else if (o->kind == VM_OP_TOUCH_READ) {
		live_read(o->address, o->length, VM_PAGE_BYTES, NULL);
	} else if (o->kind == VM_OP_TOUCH_WRITE) {
		live_write(o->address, o->length, VM_PAGE_BYTES, o->value);
	} else {
		live_execute(o->address);
	}
}

static void tell_access(const struct vm_operation *o)
{
	if (o->kind == VM_OP_READ)
		send_bytes(live_trap.done);
	if (!live_trap.caught)
		return;
	uint64_t values[LIVE_SIGNAL_LIMIT];
	for (size_t i = 0; i < LIVE_SIGNAL_LIMIT; i++)
		values[i] = live_trap.values[i];
	live_send(LIVE_SIGNAL, values, LIVE_SIGNAL_LIMIT);
}

static void tell_call(const struct vm_operation *o, int64_t result)
{
	const uint64_t word = (uint64_t)result;

	live_send(LIVE_RESULT, &word, 1);
	if (result < 0)
		return;
	if (calls[o->kind].leaves == ITS_RESULT)
		send_bytes((uint64_t)result);
	if (calls[o->kind].leaves == A_BYTE_A_PAGE) {
		const uint64_t pages = vm_bytes_to_pages_ceil(o->length);
		for (uint64_t i = 0; i < pages; i++)
			bytes[i] &= 1; /* mincore: the other bits are reserved */
		send_bytes(pages);
	}
}

/* Operations that say themselves what faults they took. */
static bool act_counted(const struct vm_operation *o, uint64_t faults[LIVE_FAULTS_LIMIT])
{
	if (o->kind == VM_OP_FORK) {
		const int64_t result = live_fork(o->other, faults);
		tell_call(o, result < 0 ? result : 0);
		return true;
	}
	if (o->kind == VM_OP_CLEAR_REFS) {
		tell_call(o, clear_refs(o, faults));
		return true;
	}
	return false;
}

void live_act(const struct vm_operation *o, const uint64_t before[LIVE_FAULTS_LIMIT],
	uint64_t faults[LIVE_FAULTS_LIMIT])
{
	uint64_t after[LIVE_FAULTS_LIMIT];
	int64_t result = 0;

	if (o->kind == VM_OP_EXIT)
		live_exit();
	if (act_counted(o, faults))
		return;
	const bool is_call = !is_access(o->kind);
	LIVE_MUST(!is_call || calls[o->kind].call != NULL || o->kind == VM_OP_WAIT);
	if (!is_call)
		access_memory(o);
	else if (o->kind != VM_OP_WAIT)
		result = calls[o->kind].call(o);
	live_count_faults(after);
	live_note_faults(after);
	for (size_t i = 0; i < LIVE_FAULTS_SURFACES; i++)
		faults[i] = after[i] - before[i];
	if (is_call)
		tell_call(o, result);
	else
		tell_access(o);
	/* Our own memory is locked or not as it was. */
	if (o->kind == VM_OP_LOCK_ALL || o->kind == VM_OP_UNLOCK_ALL)
		live_unlock_own();
}
