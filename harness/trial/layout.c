/* SPDX-License-Identifier: Apache-2.0 */
#include "trial/layout.h"

#include <elf.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernel/areas.h"
#include "kernel/process.h"
#include "trial/files.h"
#include "trial/trial.h"
#include "vm/units.h"

#define EXIT_NOT_EXECUTED 126
#define TEXT_BYTES	  16384
/* The same each time: its number is part of the name that exec leaves on the stack. */
#define PROGRAM_DESCRIPTOR 63

/* One page each: headers, for the program the interpreter's path, and an entry that is never run
 * but as we say. */
struct image {
	Elf64_Ehdr header;
	Elf64_Phdr segments[3];
	char interpreter[64];
	unsigned char system_call[2];
};

static int file_of(const struct image *image)
{
	const int file = memory_file(true);

	MUST(ftruncate(file, (off_t)VM_PAGE_BYTES) == 0);
	MUST(pwrite(file, image, sizeof(*image), 0) == (ssize_t)sizeof(*image));
	return file;
}

static struct image image_of(bool has_interpreter)
{
	struct image image = {
		.header =
			{
				.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64,
					ELFDATA2LSB, EV_CURRENT},
				.e_type = ET_DYN,
				.e_machine = EM_X86_64,
				.e_version = EV_CURRENT,
				.e_entry = offsetof(struct image, system_call),
				.e_phoff = offsetof(struct image, segments),
				.e_ehsize = sizeof(Elf64_Ehdr),
				.e_phentsize = sizeof(Elf64_Phdr),
				.e_phnum = has_interpreter ? 3 : 2,
			},
		.segments =
			{
				{
					.p_type = PT_LOAD,
					.p_flags = PF_R | PF_X,
					.p_filesz = VM_PAGE_BYTES,
					.p_memsz = VM_PAGE_BYTES,
					.p_align = VM_PAGE_BYTES,
				},
				{
					.p_type = PT_GNU_STACK,
					.p_flags = PF_R | PF_W,
				},
				{
					.p_type = PT_INTERP,
					.p_offset = offsetof(struct image, interpreter),
					.p_flags = PF_R,
				},
			},
		.system_call = {0x0f, 0x05},
	};

	return image;
}

struct layout_maker layout_maker_of(uint64_t stack_limit_bytes, bool randomize)
{
	struct layout_maker maker = {
		.stack_limit_bytes = stack_limit_bytes,
		.randomize = randomize,
	};
	struct image image = image_of(false);

	maker.interpreter = file_of(&image);
	image = image_of(true);
	const int length = snprintf(image.interpreter, sizeof(image.interpreter),
		"/proc/self/fd/%d", maker.interpreter);
	MUST(length > 0 && (size_t)length < sizeof(image.interpreter));
	image.segments[2].p_filesz = image.segments[2].p_memsz = (Elf64_Xword)length + 1;
	maker.program = file_of(&image);
	return maker;
}

static _Noreturn void become(const struct layout_maker *maker)
{
	struct rlimit limit = {maker->stack_limit_bytes, RLIM_INFINITY};
	struct rlimit inherited;
	char *const none[] = {NULL};
	char *const name[] = {(char[]){"program"}, NULL};

	if (getrlimit(RLIMIT_STACK, &inherited) != 0)
		_exit(EXIT_NOT_EXECUTED);
	limit.rlim_max = inherited.rlim_max;
	const unsigned long flags = maker->randomize ? 0 : ADDR_NO_RANDOMIZE;
	if (setrlimit(RLIMIT_STACK, &limit) == 0 && personality(flags) >= 0 &&
		dup2(maker->program, PROGRAM_DESCRIPTOR) == PROGRAM_DESCRIPTOR &&
		ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0)
		(void)syscall(SYS_execveat, PROGRAM_DESCRIPTOR, "", name, none, AT_EMPTY_PATH);
	_exit(EXIT_NOT_EXECUTED);
}

/*
 * What become() does last, from the registers of the stopped program: it stands at a system call of
 * its interpreter, whose path is empty. On the stack lie the number of arguments, their pointers up
 * to NULL, and those of the environment, of which there are none. To leave a process and make
 * another is twice as dear.
 */
static void execute_again(pid_t process)
{
	struct user_regs_struct registers;

	MUST(ptrace(PTRACE_GETREGS, process, NULL, &registers) == 0);
	registers.orig_rax = UINT64_MAX;
	registers.rax = SYS_execveat;
	registers.rdi = PROGRAM_DESCRIPTOR;
	registers.rsi =
		vm_align_down(registers.rip, VM_PAGE_BYTES) + offsetof(struct image, interpreter);
	registers.rdx = registers.rsp + sizeof(uint64_t);
	registers.r10 = registers.rsp + 3 * sizeof(uint64_t);
	registers.r8 = AT_EMPTY_PATH;
	MUST(ptrace(PTRACE_SETREGS, process, NULL, &registers) == 0);
	MUST(ptrace(PTRACE_CONT, process, NULL, NULL) == 0);
}

static struct kernel_text text_of(pid_t process, const char *name, char bytes[TEXT_BYTES])
{
	char path[64];
	size_t length_bytes = 0;
	ssize_t got = 0;

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", process, name);
	const int file = open(path, O_RDONLY | O_CLOEXEC);
	MUST(file >= 0);
	while ((got = read(file, bytes + length_bytes, TEXT_BYTES - length_bytes)) > 0)
		length_bytes += (size_t)got;
	MUST(got == 0 && length_bytes < TEXT_BYTES);
	MUST(close(file) == 0);
	return (struct kernel_text){bytes, length_bytes};
}

static uint64_t inode_of(int file)
{
	struct stat status;

	MUST(fstat(file, &status) == 0);
	return status.st_ino;
}

/* The program may lie above the interpreter, where the stack may grow over most addresses. */
static void read_areas(
	const struct layout_maker *maker, pid_t process, uint64_t places[VM_LAYOUT_OBJECT_LIMIT])
{
	const uint64_t program = inode_of(maker->program);
	const uint64_t interpreter = inode_of(maker->interpreter);
	static char bytes[TEXT_BYTES];
	struct kernel_lines lines = kernel_lines_of(text_of(process, "maps", bytes));
	struct kernel_area area;
	struct kernel_error error;
	int more = 0;

	while ((more = kernel_maps_next(&lines, &area, &error)) == 1) {
		if (area.inode == program) {
			places[VM_LAYOUT_PROGRAM] = area.start;
			places[VM_LAYOUT_HEAP_OFFSET] = area.end;
		} else if (area.inode == interpreter) {
			places[VM_LAYOUT_MAPPINGS] = area.end;
		} else if (kernel_text_is(area.name, "[stack]")) {
			places[VM_LAYOUT_STACK] = area.end;
		}
	}
	MUST(more == 0 && places[VM_LAYOUT_PROGRAM] != 0 && places[VM_LAYOUT_MAPPINGS] != 0 &&
		places[VM_LAYOUT_STACK] != 0);
}

static void read_marks(pid_t process, uint64_t places[VM_LAYOUT_OBJECT_LIMIT])
{
	static char bytes[TEXT_BYTES];
	struct kernel_stat stat;
	struct kernel_error error;

	MUST(kernel_stat_parse(text_of(process, "stat", bytes), &stat, &error) == 0);
	places[VM_LAYOUT_STACK_POINTER] = stat.stack_start;
	places[VM_LAYOUT_HEAP_OFFSET] = stat.heap_start - places[VM_LAYOUT_HEAP_OFFSET];
}

void layout_take(struct layout_maker *maker, uint64_t places[VM_LAYOUT_OBJECT_LIMIT])
{
	int status = 0;

	if (maker->process != 0) {
		execute_again(maker->process);
	} else {
		/* It goes through exec on our memory: no page of ours is copied. */
		maker->process = vfork();
		MUST(maker->process >= 0);
		if (maker->process == 0)
			become(maker);
	}
	MUST(waitpid(maker->process, &status, 0) == maker->process);
	if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_NOT_EXECUTED)
		unmet("a program in memory cannot be executed and stopped here",
			"allow ptrace, execution of memfd and any stack limit");
	MUST(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTRAP);
	memset(places, 0, VM_LAYOUT_OBJECT_LIMIT * sizeof(places[0]));
	read_areas(maker, maker->process, places);
	read_marks(maker->process, places);
}

void layout_end(struct layout_maker *maker)
{
	int status = 0;

	MUST(kill(maker->process, SIGKILL) == 0);
	MUST(waitpid(maker->process, &status, 0) == maker->process && WIFSIGNALED(status));
	maker->process = 0;
}
