/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The verb "scenario": a compiled script on standard input, what was seen on descriptor 3. As lines
 * of a record the words are kept in memory until the script has ended; as words they are sent while
 * it runs.
 */
#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "trial/live.h"
#include "trial/report.h"
#include "trial/trial.h"
#include "trial/verbs.h"

#define OUTPUT_DESCRIPTOR 3

#define KIND_WORD(name, word, witness)	  word,
#define KIND_WITNESS(name, word, witness) witness,
static const char *const kind_words[] = {LIVE_KINDS(KIND_WORD)};
static const char *const kind_witnesses[] = {LIVE_KINDS(KIND_WITNESS)};

static void read_exactly(int descriptor, void *to, size_t length_bytes)
{
	unsigned char *next = to;

	while (length_bytes != 0) {
		const ssize_t read_bytes = read(descriptor, next, length_bytes);
		if (read_bytes < 0 && errno == EINTR)
			continue;
		MUST(read_bytes > 0);
		next += read_bytes;
		length_bytes -= (size_t)read_bytes;
	}
}

static void *take_memory(void *at, int flags, size_t length_bytes)
{
	void *memory = mmap(at, length_bytes, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | flags, -1, 0);

	MUST(memory != MAP_FAILED);
	return memory;
}

/* One mapping for all that the processes share, at a place of its own in the top table. */
static void share(const struct live_head *head)
{
	const size_t count = head->operations_count;
	const size_t operations_bytes = count * sizeof(struct vm_operation);
	struct vm_operation *const read = take_memory(NULL, MAP_PRIVATE, operations_bytes + 1);
	const size_t live_bytes = vm_align_up(sizeof(*live), VM_PAGE_BYTES);

	read_exactly(STDIN_FILENO, read, operations_bytes);
	const size_t buffers_bytes = vm_align_up(live_buffers_bytes(read, count), VM_PAGE_BYTES);
	live = take_memory((void *)(uintptr_t)LIVE_SHARED_ADDRESS, MAP_SHARED | MAP_FIXED_NOREPLACE,
		live_bytes + buffers_bytes + live_look_bytes() + operations_bytes);
	unsigned char *memory = (unsigned char *)live + live_bytes;
	live_share_buffers(memory);
	live_look_with(memory + buffers_bytes);
	memory += buffers_bytes + live_look_bytes();
	memcpy(memory, read, operations_bytes);
	MUST(munmap(read, operations_bytes + 1) == 0);
	live->head = *head;
	live->operations = (const struct vm_operation *)(const void *)memory;
	live->output_descriptor = OUTPUT_DESCRIPTOR;
}

/* The words that were kept, as observations. */
static void observe_words(int kept)
{
	const off_t size_bytes = lseek(kept, 0, SEEK_END);

	MUST(size_bytes > 0 && lseek(kept, 0, SEEK_SET) == 0);
	const size_t words_count = (size_t)size_bytes / sizeof(uint64_t);
	int64_t *words = malloc(words_count * sizeof(words[0]));
	MUST(words != NULL);
	read_exactly(kept, words, words_count * sizeof(words[0]));
	for (size_t next = 0; next < words_count;) {
		char at[32];
		const uint64_t heading = (uint64_t)words[next];
		const size_t count = live_heading_count(heading);
		const enum live_kind kind = live_heading_kind(heading);
		MUST(kind < LIVE_KIND_LIMIT && count < words_count - next);
		/* Empty states are observations, too: the number of values comes first. */
		words[next] = (int64_t)count;
		(void)snprintf(at, sizeof(at), "%u/%u", live_heading_step(heading),
			live_heading_process(heading));
		report_now(kind_words[kind], at, words + next, count + 1, VM_UNIT_COUNT,
			kind_witnesses[kind]);
		next += count + 1;
	}
	free(words);
}

void verb_scenario(int argc, char **argv)
{
	struct live_head head;
	int kept = -1;

	if (argc != 1)
		return;
	report_open(argv[0], 0);
	read_exactly(STDIN_FILENO, &head, sizeof(head));
	MUST(head.magic == LIVE_MAGIC);
	MUST(head.operation_bytes == sizeof(struct vm_operation));
	MUST(head.operations_count <= LIVE_OPERATIONS_LIMIT);
	share(&head);
	MUST(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
	if (head.format == LIVE_LINES) {
		kept = memfd_create("words", MFD_CLOEXEC);
		MUST(kept >= 0);
		live->output_descriptor = kept;
	}
	/* What the allocator has in advance would be filled and copied by every process. */
	(void)malloc_trim(0);
	live_run();
	/* Words are followed by nothing: how it ended is in the exit status. */
	if (head.format == LIVE_WORDS) {
		if (live->is_broken)
			(void)fprintf(stderr, "%s\n", live->reason);
		exit(live->is_broken ? EXIT_FAILURE : EXIT_SUCCESS);
	}
	if (live->is_unmet)
		unmet(live->reason, "end the programs that have it, or take a guest");
	if (live->is_broken)
		broken("%s", live->reason);
	observe_words(kept);
	report_close();
}
