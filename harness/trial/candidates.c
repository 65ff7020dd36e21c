/* SPDX-License-Identifier: Apache-2.0 */
#include "trial/candidates.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mempolicy.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "trial/files.h"
#include "trial/trial.h"
#include "vm/units.h"

/* Behind standard input, output, error and the report. */
#define FIRST_OWN_DESCRIPTOR 4
#define DESCRIPTORS_LIMIT    256

#define ANSWER_GOT "g"

/* One more than the bits of a plan's nodes: the call takes them for less by one.
 * linux:6.12:mm/mempolicy.c:get_nodes */
#define NODES_LIMIT 65

struct command {
	enum asking asking;
	size_t pages; /* 0: only answer */
};

static char *map(size_t length_bytes, int flags, int file)
{
	char *memory = mmap(NULL, length_bytes, PROT_READ | PROT_WRITE, flags, file, 0);

	MUST(memory != MAP_FAILED);
	return memory;
}

/* A page of one repeated byte is not worth a place in swap: each gets a number of its own. */
static void write_each(char *memory, size_t pages)
{
	for (size_t i = 0; i < pages; i++)
		*(volatile uint64_t *)(void *)(memory + i * VM_PAGE_BYTES) = i + 1;
}

static bool each_is_there(const char *memory, size_t pages)
{
	for (size_t i = 0; i < pages; i++)
		if (*(const volatile uint64_t *)(const void *)(memory + i * VM_PAGE_BYTES) != i + 1)
			return false;
	return true;
}

static void read_each(int file, size_t first, size_t pages)
{
	static char bytes[VM_PAGE_BYTES];

	for (size_t i = first; i < first + pages; i++)
		MUST(pread(file, bytes, sizeof(bytes), (off_t)(i * VM_PAGE_BYTES)) ==
			(ssize_t)sizeof(bytes));
}

int candidate_file(size_t pages)
{
	const int file = disk_file();

	MUST(ftruncate(file, (off_t)(pages * VM_PAGE_BYTES)) == 0);
	MUST(posix_fadvise(file, 0, 0, POSIX_FADV_RANDOM) == 0);
	return file;
}

int64_t candidate_file_resident(int file, size_t pages)
{
	static unsigned char states[1 << 14];
	int64_t count = 0;

	MUST(pages <= sizeof(states));
	void *mapped = mmap(NULL, pages * VM_PAGE_BYTES, PROT_READ, MAP_SHARED, file, 0);
	MUST(mapped != MAP_FAILED && mincore(mapped, pages * VM_PAGE_BYTES, states) == 0);
	for (size_t i = 0; i < pages; i++)
		count += states[i] & 1;
	MUST(munmap(mapped, pages * VM_PAGE_BYTES) == 0);
	return count;
}

static void hold(const struct candidate_plan *plan)
{
	const size_t length_bytes = plan->pages * VM_PAGE_BYTES;

	switch (plan->holding) {
	case HOLD_ANONYMOUS:
		write_each(map(length_bytes, MAP_PRIVATE | MAP_ANONYMOUS, -1), plan->pages);
		return;
	case HOLD_SHARED:
		write_each(map(length_bytes, MAP_SHARED | MAP_ANONYMOUS, -1), plan->pages);
		return;
	case HOLD_TABLES: {
		/* Reading one page of each span takes a table and no resident page. */
		const char *memory = map(plan->pages * VM_HUGE_2M_BYTES,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1);
		for (size_t i = 0; i < plan->pages; i++)
			(void)((volatile const char *)memory)[i * VM_HUGE_2M_BYTES];
		return;
	}
	case HOLD_CACHE:
		read_each(plan->file, 0, plan->pages);
		read_each(plan->file, 0, plan->pages);
		return;
	}
}

static bool ask(const struct candidate_plan *plan, const struct command *command)
{
	static char page[VM_PAGE_BYTES];
	static size_t read_pages;

	switch (command->asking) {
	case ASK_BY_WRITING: {
		char *memory = map(command->pages * VM_PAGE_BYTES, MAP_PRIVATE | MAP_ANONYMOUS, -1);
		if (plan->huge)
			(void)madvise(memory, command->pages * VM_PAGE_BYTES, MADV_HUGEPAGE);
		write_each(memory, command->pages);
		return each_is_there(memory, command->pages);
	}
	case ASK_BY_CALL: {
		const int file = memory_file(false);
		for (size_t i = 0; i < command->pages; i++)
			if (write(file, page, sizeof(page)) != (ssize_t)sizeof(page))
				return false;
		return true;
	}
	case ASK_BY_READING:
		read_each(plan->file, plan->pages + read_pages, command->pages);
		read_pages += command->pages;
		return true;
	}
	return false;
}

static _Noreturn void live(const struct candidate_plan *plan, int commands, int answers)
{
	struct command command;
	char text[32];

	MUST(prctl(PR_SET_PDEATHSIG, SIGKILL) == 0);
	if (!plan->huge)
		MUST(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0) == 0);
	memory_group_enter(plan->group, 0);
	if (plan->nodes != 0)
		MUST(syscall(SYS_set_mempolicy, MPOL_BIND, &plan->nodes, NODES_LIMIT) == 0);
	(void)snprintf(text, sizeof(text), "%lld", (long long)plan->adjustment);
	const int why = kernel_write("/proc/self/oom_score_adj", text);
	if (why != 0)
		broken("oom_score_adj = %s: %s", text, strerror(why));
	if (plan->address_bytes != 0)
		(void)map(plan->address_bytes, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1);
	if (plan->pages != 0)
		hold(plan);
	MUST(write(answers, ANSWER_GOT, 1) == 1);
	while (read(commands, &command, sizeof(command)) == (ssize_t)sizeof(command)) {
		const bool got = command.pages == 0 || ask(plan, &command);
		MUST(write(answers, got ? ANSWER_GOT : "n", 1) == 1);
	}
	_exit(EXIT_SUCCESS);
}

static bool wait_answer(struct candidate *candidate)
{
	char byte;

	if (read(candidate->answers, &byte, 1) == 1)
		return byte == ANSWER_GOT[0];
	/* Its end of the pipe is closed: only its death does that. */
	MUST(waitpid(candidate->process, &candidate->status, 0) == candidate->process);
	candidate->ended = true;
	return false;
}

struct candidate candidate_start(const struct candidate_plan *plan)
{
	struct candidate candidate = {0};
	int commands[2], answers[2];

	/* Telling one that was killed is refused, and no reason to end. */
	MUST(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
	MUST(pipe(commands) == 0 && pipe(answers) == 0);
	candidate.process = fork();
	MUST(candidate.process >= 0);
	if (candidate.process == 0) {
		/* Ends of those before it would keep their pipes open behind their death. */
		for (int other = FIRST_OWN_DESCRIPTOR; other < DESCRIPTORS_LIMIT; other++)
			if (other != commands[0] && other != answers[1] && other != plan->file)
				(void)close(other);
		live(plan, commands[0], answers[1]);
	}
	MUST(close(commands[0]) == 0 && close(answers[1]) == 0);
	candidate.commands = commands[1];
	candidate.answers = answers[0];
	if (!wait_answer(&candidate))
		broken("a candidate ended with status %d before it held its memory",
			candidate.status);
	return candidate;
}

static bool tell(struct candidate *candidate, const struct command *command)
{
	/* It may be dead already, and then nobody reads. */
	if (write(candidate->commands, command, sizeof(*command)) != (ssize_t)sizeof(*command))
		MUST(errno == EPIPE);
	return wait_answer(candidate);
}

bool candidate_ask(struct candidate *candidate, enum asking asking, size_t pages)
{
	const struct command command = {.asking = asking, .pages = pages};

	return tell(candidate, &command);
}

bool candidate_answers(struct candidate *candidate)
{
	const struct command command = {.pages = 0};

	return !candidate->ended && tell(candidate, &command);
}

void candidates_end(struct candidate *candidates, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct candidate *candidate = &candidates[i];
		MUST(close(candidate->commands) == 0 && close(candidate->answers) == 0);
		if (candidate->ended)
			continue;
		MUST(waitpid(candidate->process, &candidate->status, 0) == candidate->process);
		candidate->ended = true;
	}
}

struct kernel_status candidate_status(const struct candidate *candidate)
{
	struct oom_files files = oom_files_open(candidate->process);
	struct kernel_status status;
	struct kernel_error error;

	if (kernel_status_parse(kernel_file_read(&files.status), &status, &error) != 0)
		broken("status: line %u: %s", error.line, error.reason);
	oom_files_close(&files);
	return status;
}

int64_t candidate_swapped_pages(const struct candidate *candidate)
{
	return (int64_t)vm_kib_to_pages_floor(
		candidate_status(candidate).value_kib[KERNEL_STATUS_VM_SWAP]);
}

int64_t candidate_index(const struct candidate *candidates, size_t count, uint64_t process)
{
	for (size_t i = 0; i < count; i++)
		if ((uint64_t)candidates[i].process == process)
			return (int64_t)i;
	return -1;
}
