/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operations as a program in C that needs nothing but a C library: to send with a bug report. It
 * judges nothing; it prints what the kernel shows after each step, for every process.
 */
#include "scenario/explore.h"

#include "scenario/wire.h"
#include "scenario/words.h"
#include <stdio.h>
#include <stdlib.h>

/* The part that is the same for all. */
static const char head[] =
	"#define _GNU_SOURCE\n"
	"#include <errno.h>\n"
	"#include <fcntl.h>\n"
	"#include <linux/io_uring.h>\n"
	"#include <linux/userfaultfd.h>\n"
	"#include <setjmp.h>\n"
	"#include <signal.h>\n"
	"#include <stdint.h>\n"
	"#include <stdio.h>\n"
	"#include <stdlib.h>\n"
	"#include <string.h>\n"
	"#include <sys/ioctl.h>\n"
	"#include <sys/mman.h>\n"
	"#include <sys/resource.h>\n"
	"#include <sys/syscall.h>\n"
	"#include <sys/uio.h>\n"
	"#include <sys/wait.h>\n"
	"#include <ucontext.h>\n"
	"#include <unistd.h>\n"
	"\n"
	"#define ARENA_START 0x100000000000ull\n"
	"#define ARENA_END   0x108000000000ull\n"
	"\n"
	"static struct shared { volatile int step; volatile pid_t pid[8]; int file[16][3]; int "
	"pipe[2]; int ring; struct io_uring_params with; } *shared;\n"
	"static sigjmp_buf landing;\n"
	"static unsigned char buffer[1 << 20];\n"
	"static int me;\n"
	"\n"
	"static void handle(int number, siginfo_t *information, void *context)\n"
	"{\n"
	"\tconst greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;\n"
	"\n"
	"\tprintf(\"  signal %d code %d address %p error bits %#llx\\n\", number,\n"
	"\t\tinformation->si_code, information->si_addr,\n"
	"\t\t(unsigned long long)registers[REG_ERR]);\n"
	"\tsiglongjmp(landing, 1);\n"
	"}\n"
	"\n"
	"static void load(uint64_t address, uint64_t length, uint64_t stride)\n"
	"{\n"
	"\tif (sigsetjmp(landing, 1) == 0)\n"
	"\t\tfor (uint64_t i = 0; i < length; i += stride)\n"
	"\t\t\t(void)*(volatile unsigned char *)(uintptr_t)(address + i);\n"
	"}\n"
	"\n"
	"static void store(uint64_t address, uint64_t length, uint64_t stride, int value)\n"
	"{\n"
	"\tif (sigsetjmp(landing, 1) == 0)\n"
	"\t\tfor (uint64_t i = 0; i < length; i += stride)\n"
	"\t\t\t*(volatile unsigned char *)(uintptr_t)(address + i) = (unsigned char)value;\n"
	"}\n"
	"\n"
	"/* Only pages whose first byte is a return instruction (195) come back from here. */\n"
	"static void execute(uint64_t address)\n"
	"{\n"
	"\tif (sigsetjmp(landing, 1) == 0)\n"
	"\t\t((void (*)(void))(uintptr_t)address)();\n"
	"}\n"
	"\n"
	"static void say(long result)\n"
	"{\n"
	"\tif (result < 0)\n"
	"\t\tprintf(\"  %s\\n\", strerror(errno));\n"
	"\telse\n"
	"\t\tprintf(\"  result %#lx\\n\", result);\n"
	"}\n"
	"\n"
	"static int open_of(int process, const char *name, int flags)\n"
	"{\n"
	"\tchar path[64];\n"
	"\n"
	"\tsnprintf(path, sizeof(path), \"/proc/%d/%s\", (int)shared->pid[process], name);\n"
	"\treturn open(path, flags);\n"
	"}\n"
	"\n"
	"static void create(int index, int kind, long length, int random)\n"
	"{\n"
	"\tstatic const int access[] = {O_RDWR, O_RDONLY, O_WRONLY};\n"
	"\tchar path[64];\n"
	"\tint file = kind == 0   ? open(\".\", O_TMPFILE | O_RDWR, 0600)\n"
	"\t\t   : kind == 1 ? memfd_create(\"f\", 0)\n"
	"\t\t\t       : (int)syscall(447, 0); /* memfd_secret */\n"
	"\n"
	"\tsnprintf(path, sizeof(path), \"/proc/self/fd/%d\", file);\n"
	"\tfor (int i = 0; i < 3; i++)\n"
	"\t\tshared->file[index][i] = kind == 2 ? dup(file) : open(path, access[i]);\n"
	"\tfor (int i = 0; random && i < 3; i++)\n"
	"\t\tposix_fadvise(shared->file[index][i], 0, 0, POSIX_FADV_RANDOM);\n"
	"\tsay(ftruncate(file, length));\n"
	"\tfsync(file);\n"
	"}\n"
	"\n"
	"static void show_pages(int process, unsigned long long start, unsigned long long end)\n"
	"{\n"
	"\tint pagemap = open_of(process, \"pagemap\", O_RDONLY);\n"
	"\n"
	"\tfor (unsigned long long page = start >> 12; page < end >> 12; page++) {\n"
	"\t\tuint64_t word = 0;\n"
	"\t\tif (pread(pagemap, &word, sizeof(word), (off_t)(page * 8)) == 8 && word != 0)\n"
	"\t\t\tprintf(\"      page %#llx: %016llx\\n\", page << 12, (unsigned long long)word);\n"
	"\t}\n"
	"\tclose(pagemap);\n"
	"}\n"
	"\n"
	"static void show(int process)\n"
	"{\n"
	"\tchar line[512];\n"
	"\tint descriptor = open_of(process, \"maps\", O_RDONLY);\n"
	"\tFILE *maps = fdopen(descriptor, \"r\"), *status = fdopen(open_of(process, \"status\", "
	"O_RDONLY), \"r\");\n"
	"\n"
	"\tprintf(\"    process %d\\n\", process);\n"
	"\twhile (status != NULL && fgets(line, sizeof(line), status) != NULL)\n"
	"\t\tif (strncmp(line, \"Rss\", 3) == 0 || strncmp(line, \"VmPTE\", 5) == 0 ||\n"
	"\t\t\tstrncmp(line, \"VmLck\", 5) == 0)\n"
	"\t\t\tprintf(\"      %s\", line);\n"
	"\twhile (maps != NULL && fgets(line, sizeof(line), maps) != NULL) {\n"
	"\t\tunsigned long long start = 0, end = 0;\n"
	"\t\tif (sscanf(line, \"%llx-%llx\", &start, &end) != 2 || start < ARENA_START ||\n"
	"\t\t\tstart >= ARENA_END)\n"
	"\t\t\tcontinue;\n"
	"\t\tprintf(\"      %s\", line);\n"
	"\t\tshow_pages(process, start, end);\n"
	"\t}\n"
	"\tif (maps != NULL)\n"
	"\t\tfclose(maps);\n"
	"\tif (status != NULL)\n"
	"\t\tfclose(status);\n"
	"}\n"
	"\n";

/* linux:6.12:include/uapi/linux/fs.h, userfaultfd.h: newer than some headers. */
static const char tracking[] =
	"enum { WRITTEN = 2, PRESENT = 8 };\n"
	"\n"
	"static int tracker_of(void)\n"
	"{\n"
	"\tstatic int tracker[8];\n"
	"\tstruct uffdio_api api = {.api = UFFD_API,\n"
	"\t\t.features = UFFD_FEATURE_PAGEFAULT_FLAG_WP | UFFD_FEATURE_WP_HUGETLBFS_SHMEM |\n"
	"\t\t\t    1ull << 13 /* unpopulated */ | 1ull << 15 /* asynchronous */};\n"
	"\n"
	"\tif (tracker[me] == 0) {\n"
	"\t\ttracker[me] = (int)syscall(SYS_userfaultfd, O_CLOEXEC | 1);\n"
	"\t\tif (ioctl(tracker[me], UFFDIO_API, &api) != 0)\n"
	"\t\t\texit(2);\n"
	"\t}\n"
	"\treturn tracker[me];\n"
	"}\n"
	"\n"
	"static void track(int begin, uint64_t address, uint64_t length)\n"
	"{\n"
	"\tstruct uffdio_register request = {\n"
	"\t\t.range = {address, length}, .mode = UFFDIO_REGISTER_MODE_WP};\n"
	"\n"
	"\tsay(begin ? ioctl(tracker_of(), UFFDIO_REGISTER, &request)\n"
	"\t\t  : ioctl(tracker_of(), UFFDIO_UNREGISTER, &request.range));\n"
	"}\n"
	"\n"
	"static void scan(int process, uint64_t start, uint64_t length, uint64_t category, int "
	"protect)\n"
	"{\n"
	"\tstruct region { uint64_t start, end, categories; } *regions = (void *)buffer;\n"
	"\tstruct arguments { uint64_t size, flags, start, end, walk_end, regions, count, most,\n"
	"\t\tinverted, mask, any, returned; } arguments = {.size = sizeof(arguments),\n"
	"\t\t.flags = protect ? 3 : 0, .start = start, .end = start + length,\n"
	"\t\t.regions = (uint64_t)(uintptr_t)buffer,\n"
	"\t\t.count = sizeof(buffer) / sizeof(*regions), .mask = category, .returned = "
	"category};\n"
	"\tconst int found = ioctl(open_of(process, \"pagemap\", O_RDONLY),\n"
	"\t\t_IOWR('f', 16, struct arguments), &arguments);\n"
	"\n"
	"\tsay(found);\n"
	"\tfor (int i = 0; i < found; i++)\n"
	"\t\tprintf(\"  %#llx to %#llx\\n\", (unsigned long long)regions[i].start,\n"
	"\t\t\t(unsigned long long)regions[i].end);\n"
	"}\n"
	"\n";

static const char ring[] =
	"static int ring_of(void)\n"
	"{\n"
	"\tif (shared->ring == 0)\n"
	"\t\tshared->ring = (int)syscall(SYS_io_uring_setup, 1, &shared->with);\n"
	"\treturn shared->ring;\n"
	"}\n"
	"\n"
	"/* Out of the fixed buffer, or the value into it: by way of a pipe, in one request. */\n"
	"static void through_ring(int into, uint64_t address, uint64_t length, int value)\n"
	"{\n"
	"\tconst int descriptor = ring_of();\n"
	"\tconst struct io_uring_params *with = &shared->with;\n"
	"\tconst int access = PROT_READ | PROT_WRITE;\n"
	"\tconst off_t sqes = IORING_OFF_SQES;\n"
	"\tunsigned char *words = mmap(NULL, 4096, access, MAP_SHARED, descriptor, 0);\n"
	"\tstruct io_uring_sqe *request = mmap(NULL, 4096, access, MAP_SHARED, descriptor, sqes);\n"
	"\tint through[2];\n"
	"\n"
	"\tif (words == MAP_FAILED || (void *)request == MAP_FAILED || pipe(through) != 0)\n"
	"\t\texit(2);\n"
	"\tif (into) {\n"
	"\t\tmemset(buffer, value, length);\n"
	"\t\tif (write(through[1], buffer, length) != (ssize_t)length)\n"
	"\t\t\texit(2);\n"
	"\t}\n"
	"\tunsigned *tail = (unsigned *)(words + with->sq_off.tail);\n"
	"\tunsigned *head = (unsigned *)(words + with->cq_off.head);\n"
	"\tconst unsigned last = *(unsigned *)(words + with->cq_off.ring_mask);\n"
	"\tconst struct io_uring_cqe *answers = (void *)(words + with->cq_off.cqes);\n"
	"\t*request = (struct io_uring_sqe){.opcode = into ? IORING_OP_READ_FIXED\n"
	"\t\t\t\t\t\t     : IORING_OP_WRITE_FIXED,\n"
	"\t\t.fd = through[into ? 0 : 1], .addr = address, .len = (unsigned)length};\n"
	"\t*(unsigned *)(words + with->sq_off.array) = 0;\n"
	"\t__atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE);\n"
	"\tif (syscall(SYS_io_uring_enter, descriptor, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) != "
	"1)\n"
	"\t\texit(2);\n"
	"\tconst int result = answers[*head & last].res;\n"
	"\t__atomic_store_n(head, *head + 1, __ATOMIC_RELEASE);\n"
	"\tprintf(\"  result %d\", result);\n"
	"\tif (!into && result > 0 && read(through[0], buffer, (size_t)result) == result)\n"
	"\t\tprintf(\", first byte %d\", buffer[0]);\n"
	"\tprintf(\"\\n\");\n"
	"\tclose(through[0]);\n"
	"\tclose(through[1]);\n"
	"\tmunmap(words, 4096);\n"
	"\tmunmap(request, 4096);\n"
	"}\n"
	"\n";

static const char tail[] =
	"/* Each process waits for its own steps; whoever acted shows all processes. */\n"
	"static void run(void)\n"
	"{\n"
	"\twhile (shared->step < STEPS) {\n"
	"\t\tconst int step = shared->step;\n"
	"\t\tstruct rusage before, after;\n"
	"\t\tif (owner[step] != me) {\n"
	"\t\t\tusleep(1000);\n"
	"\t\t\tcontinue;\n"
	"\t\t}\n"
	"\t\tprintf(\"%d %s\\n\", step + 1, text[step]);\n"
	"\t\tfflush(stdout);\n"
	"\t\tgetrusage(RUSAGE_SELF, &before);\n"
	"\t\tif (act(step))\n"
	"\t\t\tcontinue;\n"
	"\t\tgetrusage(RUSAGE_SELF, &after);\n"
	"\t\tprintf(\"  %ld minor, %ld major faults\\n\", after.ru_minflt - before.ru_minflt,\n"
	"\t\t\tafter.ru_majflt - before.ru_majflt);\n"
	"\t\tfor (int i = 0; i < 8; i++)\n"
	"\t\t\tif (shared->pid[i] != 0)\n"
	"\t\t\t\tshow(i);\n"
	"\t\tfflush(stdout);\n"
	"\t\tshared->step = step + 1;\n"
	"\t}\n"
	"}\n"
	"\n"
	"int main(void)\n"
	"{\n"
	"\tstatic unsigned char stack[1 << 16];\n"
	"\tconst stack_t other_stack = {.ss_sp = stack, .ss_size = sizeof(stack)};\n"
	"\tstruct sigaction action = {.sa_sigaction = handle, .sa_flags = SA_SIGINFO | "
	"SA_ONSTACK};\n"
	"\n"
	"\tmemset(buffer, 0, sizeof(buffer));\n"
	"\tshared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,\n"
	"\t\tMAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);\n"
	"\tshared->pid[0] = getpid();\n"
	"\tsigaltstack(&other_stack, NULL);\n"
	"\tsigaction(SIGSEGV, &action, NULL);\n"
	"\tsigaction(SIGBUS, &action, NULL);\n"
	"\tsigaction(SIGILL, &action, NULL);\n"
	"\trun();\n"
	"\twhile (me == 0 && wait(NULL) > 0)\n"
	"\t\tcontinue;\n"
	"\treturn 0;\n"
	"}\n";

static const char *call_on_memory(struct pool *pool, const struct vm_operation *o)
{
	const unsigned long long a = o->address, l = o->length;

	switch (o->kind) {
	case VM_OP_MAP:
		if (o->file == VM_NO_FILE)
			return pool_format(pool,
				"say(syscall(SYS_mmap, %#llx, %#llx, %u, %#x, -1, 0));", a, l,
				o->protection, o->flags);
		return pool_format(pool,
			"say(syscall(SYS_mmap, %#llx, %#llx, %u, %#x, shared->file[%u][%u], "
			"%#llx));",
			a, l, o->protection, o->flags, o->file, o->file_access,
			(unsigned long long)o->offset);
	case VM_OP_UNMAP:
		return pool_format(pool, "say(syscall(SYS_munmap, %#llx, %#llx));", a, l);
	case VM_OP_PROTECT:
		return pool_format(pool, "say(syscall(SYS_mprotect, %#llx, %#llx, %#x));", a, l,
			o->protection);
	case VM_OP_REMAP:
		return pool_format(pool,
			"say(syscall(SYS_mremap, %#llx, %#llx, %#llx, %u, %#llx));", a, l,
			(unsigned long long)o->new_length, o->flags,
			(unsigned long long)o->new_address);
	case VM_OP_ADVISE:
		return pool_format(
			pool, "say(syscall(SYS_madvise, %#llx, %#llx, %d));", a, l, o->advice);
	case VM_OP_LOCK:
		return pool_format(pool, "say(syscall(%s, %#llx, %#llx, %u));",
			o->flags != 0 ? "SYS_mlock2" : "SYS_mlock", a, l, o->flags);
	case VM_OP_UNLOCK:
		return pool_format(pool, "say(syscall(SYS_munlock, %#llx, %#llx));", a, l);
	case VM_OP_LOCK_ALL:
		return pool_format(pool, "say(syscall(SYS_mlockall, %u));", o->flags);
	case VM_OP_UNLOCK_ALL:
		return "say(syscall(SYS_munlockall));";
	case VM_OP_SEAL:
		return pool_format(pool, "say(syscall(462, %#llx, %#llx, 0)); /* mseal */", a, l);
	case VM_OP_MINCORE:
		return pool_format(pool, "say(syscall(SYS_mincore, %#llx, %#llx, buffer));", a, l);
	case VM_OP_SYNC:
		return pool_format(
			pool, "say(syscall(SYS_msync, %#llx, %#llx, %u));", a, l, o->flags);
	case VM_OP_BREAK:
		return pool_format(pool,
			"say(syscall(SYS_brk, %#llx)); /* where the break was moved to %#llx */", a,
			(unsigned long long)LIVE_BREAK_ADDRESS);
	case VM_OP_READ:
		return pool_format(pool, "load(%#llx, %#llx, 1);", a, l);
	case VM_OP_WRITE:
		return pool_format(pool, "store(%#llx, %#llx, 1, %u);", a, l, o->value);
	case VM_OP_TOUCH_READ:
		return pool_format(pool, "load(%#llx, %#llx, 4096);", a, l);
	case VM_OP_TOUCH_WRITE:
		return pool_format(pool, "store(%#llx, %#llx, 4096, %u);", a, l, o->value);
	case VM_OP_EXECUTE:
		return pool_format(pool, "execute(%#llx);", a);
	default:
		return NULL;
	}
}

static const char *call_on_file(struct pool *pool, const struct vm_operation *o)
{
	const unsigned long long offset = o->offset, l = o->length;
	const char *file = pool_format(pool, "shared->file[%u][0]", o->file);

	switch (o->kind) {
	case VM_OP_FILE_CREATE:
		return pool_format(pool, "create(%u, %d, %#llx, %u);", o->file, (int)o->file_kind,
			l, o->flags & VM_CREATE_RANDOM);
	case VM_OP_FILE_WRITE:
		return pool_format(pool,
			"memset(buffer, %u, %llu); say(pwrite(%s, buffer, %llu, %llu));", o->value,
			l, file, l, offset);
	case VM_OP_FILE_READ:
		return pool_format(pool, "say(pread(%s, buffer, %llu, %llu));", file, l, offset);
	case VM_OP_FILE_TRUNCATE:
		return pool_format(pool, "say(ftruncate(%s, %llu));", file, l);
	case VM_OP_FILE_SYNC:
		return pool_format(pool, "say(fsync(%s));", file);
	case VM_OP_FILE_DROP:
		return pool_format(pool, "say(posix_fadvise(%s, %llu, %llu, POSIX_FADV_DONTNEED));",
			file, offset, l);
	case VM_OP_FILE_PUNCH:
		return pool_format(pool, "say(fallocate(%s, 3, %llu, %llu));", file, offset, l);
	case VM_OP_FILE_CLOSE:
		return pool_format(
			pool, "for (int i = 0; i < 3; i++) close(shared->file[%u][i]);", o->file);
	default:
		return NULL;
	}
}

static const char *call_on_process(struct pool *pool, const struct vm_operation *o)
{
	const unsigned long long a = o->address, l = o->length;
	const bool writes = o->kind == VM_OP_REMOTE_WRITE || o->kind == VM_OP_MEM_WRITE;

	switch (o->kind) {
	case VM_OP_FORK:
		/* As a sibling, and with one table of files: what one creates is there for all. */
		return pool_format(pool,
			"{ long pid = syscall(SYS_clone, 0x8000 * (me != 0) + 0x400 + SIGCHLD, 0, "
			"0, "
			"0, 0); if (pid == 0) { me = %u; while (shared->step == step) "
			"usleep(1000); "
			"return 1; } shared->pid[%u] = (pid_t)pid; say(pid); }",
			o->other, o->other);
	case VM_OP_EXIT:
		return "shared->pid[me] = 0; shared->step = step + 1; if (me == 0) while "
		       "(wait(NULL) > 0) continue; _exit(0);";
	case VM_OP_REMOTE_READ:
	case VM_OP_REMOTE_WRITE:
		return pool_format(pool,
			"memset(buffer, %u, %llu); { struct iovec own = {buffer, %llu}, other = "
			"{(void "
			"*)%#llx, %llu}; say(process_vm_%s(shared->pid[%u], &own, 1, &other, 1, "
			"0)); }",
			o->value, l, l, a, l, writes ? "writev" : "readv", o->other);
	case VM_OP_MEM_READ:
	case VM_OP_MEM_WRITE:
		return pool_format(pool,
			"memset(buffer, %u, %llu); say(%s(open_of(%u, \"mem\", O_RDWR), buffer, "
			"%llu, "
			"%#llx));",
			o->value, l, writes ? "pwrite" : "pread", o->other, l, a);
	case VM_OP_POKE:
		return pool_format(pool,
			"{ pid_t pid = shared->pid[%u]; syscall(SYS_ptrace, 0x4206, pid, 0L, 0L); "
			"syscall(SYS_ptrace, 0x4207, pid, 0L, 0L); waitpid(pid, NULL, __WALL); "
			"say(syscall(SYS_ptrace, 5, pid, %#llx, %#llx)); "
			"syscall(SYS_ptrace, 17, pid, 0L, 0L); } "
			"/* SEIZE, INTERRUPT, POKEDATA, DETACH */",
			o->other, a, 0x0101010101010101ULL * o->value);
	case VM_OP_SPLICE:
		return pool_format(pool,
			"{ struct iovec range = {(void *)%#llx, %llu}; if (shared->pipe[1] == 0) "
			"say(pipe(shared->pipe)); say(syscall(SYS_vmsplice, shared->pipe[1], "
			"&range, 1L, 2)); }",
			a, l);
	case VM_OP_SPLICE_READ:
		return "say(shared->pipe[1] == 0 ? -1 : read(shared->pipe[0], buffer, 65536));";
	case VM_OP_PROCESS_ADVISE:
		return pool_format(pool,
			"{ struct iovec range = {(void *)%#llx, %llu}; int pid = (int)syscall(434, "
			"shared->pid[%u], 0); say(syscall(440, pid, &range, 1, %d, 0)); } "
			"/* process_madvise */",
			a, l, o->other, o->advice);
	case VM_OP_DENY_WRITE_EXECUTE:
		return "say(syscall(SYS_prctl, 65, 1L, 0L, 0L, 0L)); /* PR_SET_MDWE */";
	case VM_OP_CLEAR_REFS:
		return pool_format(pool,
			"say(write(open_of(%u, \"clear_refs\", O_WRONLY), \"%u\", 1));", o->other,
			o->flags);
	default:
		return pool_format(
			pool, "/* %s is not said here */", operation_words[o->kind].word);
	}
}

static const char *call_on_descriptor(struct pool *pool, const struct vm_operation *o)
{
	const unsigned long long a = o->address, l = o->length;

	switch (o->kind) {
	case VM_OP_PIN:
		return pool_format(pool,
			"{ struct iovec range = {(void *)%#llx, %llu}; "
			"say(syscall(SYS_io_uring_register, ring_of(), IORING_REGISTER_BUFFERS, "
			"&range, 1)); }",
			a, l);
	case VM_OP_UNPIN:
		return "say(syscall(SYS_io_uring_register, ring_of(), IORING_UNREGISTER_BUFFERS, "
		       "NULL, 0));";
	case VM_OP_UFFD_REGISTER_WP:
	case VM_OP_UFFD_UNREGISTER:
		return pool_format(
			pool, "track(%d, %#llx, %llu);", o->kind == VM_OP_UFFD_REGISTER_WP, a, l);
	case VM_OP_PAGEMAP_SCAN:
		return pool_format(pool, "scan(%u, %#llx, %llu, %s, %d);", o->other, a, l,
			(o->flags & VM_SCAN_WRITTEN) != 0 ? "WRITTEN" : "PRESENT",
			(o->flags & VM_SCAN_PROTECT) != 0);
	case VM_OP_PINNED_READ:
		return pool_format(pool, "through_ring(0, %#llx, %llu, 0);", a, l);
	case VM_OP_PINNED_WRITE:
		return pool_format(pool, "through_ring(1, %#llx, %llu, %d);", a, l, o->value);
	default:
		return NULL;
	}
}

static const char *call_of(struct pool *pool, const struct vm_operation *o)
{
	const char *call = call_on_memory(pool, o);

	if (call == NULL)
		call = call_on_file(pool, o);
	if (call == NULL)
		call = call_on_descriptor(pool, o);
	return call != NULL ? call : call_on_process(pool, o);
}

const char *reproducer_write(struct pool *pool, const struct vm_operation *operations, size_t count,
	const struct difference *d)
{
	char *written = NULL;
	size_t length_bytes = 0;
	FILE *text = open_memstream(&written, &length_bytes);

	if (text == NULL)
		abort();
	(void)fprintf(text,
		"/*\n * After step %u, process %u, %s:\n * expected %s\n * found %s\n * Rule: %s\n"
		" * %s\n * Needs root for frame numbers. cc -o reproducer THIS.c\n */\n%s%s%s"
		"#define STEPS %zu\n\nstatic const int owner[STEPS] = {",
		d->step, d->process, d->where, d->expected, d->observed, d->because, d->cite, head,
		tracking, ring, count);
	for (size_t i = 0; i < count; i++)
		(void)fprintf(text, "%u, ", operations[i].process);
	(void)fputs("};\nstatic const char *const text[STEPS] = {\n", text);
	for (size_t i = 0; i < count; i++)
		(void)fprintf(text, "\t\"%s\",\n", operation_words[operations[i].kind].word);
	(void)fputs("};\n\n/* 1 in a child that was just forked: its steps come later. */\n"
		    "static int act(int step)\n{\n\tswitch (step) {\n",
		text);
	for (size_t i = 0; i < count; i++)
		(void)fprintf(text, "\tcase %zu:\n\t\t%s\n\t\tbreak;\n", i,
			call_of(pool, &operations[i]));
	(void)fprintf(text, "\t}\n\treturn 0;\n}\n\n%s", tail);
	if (fclose(text) != 0)
		abort();
	const char *kept = pool_text_of(pool, written, length_bytes);
	free(written);
	return kept;
}
