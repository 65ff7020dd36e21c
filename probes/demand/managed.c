/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A manager in user space puts missing pages in place: what it is told of each access, that the
 * instruction which waited goes on with what was put there, and how far the registration reaches.
 *
 * It would miss what goes wrong only between two threads that fault at once, and in file pages.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernel/areas.h"
#include "kernel/pagemap.h"
#include "probe/probe.h"
#include "trial/files.h"
#include "trial/trial.h"
#include "vm/managed.h"
#include "vm/model.h"
#include "vm/prediction.h"

/* A slot of the top table of its own. */
#define BASE	    UINT64_C(0x100000000000)
#define PAGES_LIMIT 32
/* Where the page behind the others is moved to. */
#define MOVED_PAGE     64
#define MESSAGES_LIMIT (2 * PAGES_LIMIT + 8)
#define WRITTEN	       0x5a
/* linux:6.12:include/uapi/linux/userfaultfd.h: newer than the headers of the oldest build host. */
#define UFFD_MODE_USER 1

/* What it asks to be told of besides faults. */
static const uint64_t events_asked =
	UFFD_FEATURE_EVENT_REMOVE | UFFD_FEATURE_EVENT_UNMAP | UFFD_FEATURE_EVENT_REMAP;

static const char *const answer_labels[] = {"copy", "copy-armed", "zero-page"};
static const char *const first_labels[] = {"read", "write"};
static const char *const events_labels[] = {"no", "yes"};

static const struct probe_parameter parameters[] = {
	{
		.name = "answer",
		.unit = VM_UNIT_COUNT,
		.choices_count = 3,
		.choices = {VM_MANAGED_COPY, VM_MANAGED_COPY_ARMED, VM_MANAGED_ZERO},
		.labels = answer_labels,
	},
	{
		.name = "first",
		.unit = VM_UNIT_COUNT,
		.choices_count = 2,
		.choices = {0, 1},
		.labels = first_labels,
	},
	{
		.name = "events",
		.unit = VM_UNIT_COUNT,
		.choices_count = 2,
		.choices = {0, 1},
		.labels = events_labels,
	},
	{
		.name = "pages",
		.unit = VM_UNIT_PAGES,
		.lowest = 3,
		.highest = PAGES_LIMIT,
		.step = 1,
		.drawn = 1,
	},
};

/* What the manager has read, message by message. */
struct told {
	size_t count;
	int64_t event[MESSAGES_LIMIT], page[MESSAGES_LIMIT], flags[MESSAGES_LIMIT];
};

static void tell(struct told *told, int64_t event, uint64_t address, uint64_t flags)
{
	if (told->count == MESSAGES_LIMIT)
		return;
	told->event[told->count] = event;
	told->page[told->count] = (int64_t)vm_bytes_to_pages_floor(address - BASE);
	told->flags[told->count++] = (int64_t)flags;
}

/* --- what the model says --------------------------------------------------------------------- */

static void tell_access(struct told *told, enum vm_managed_answer answer, uint64_t page, bool write)
{
	const struct vm_managed_access access = vm_managed_access(answer, write);

	for (size_t i = 0; i < access.messages_count; i++)
		tell(told, UFFD_EVENT_PAGEFAULT, BASE + vm_pages_to_bytes(page),
			(access.message[i].write ? UFFD_PAGEFAULT_FLAG_WRITE : 0) |
				(access.message[i].stopped ? UFFD_PAGEFAULT_FLAG_WP : 0));
}

/* All accesses and changes of measure(), in its order. */
static struct told work_out(enum vm_managed_answer answer, bool write, bool events, uint64_t pages)
{
	const uint64_t last = BASE + vm_pages_to_bytes(pages - 1);
	struct told told = {0};

	for (uint64_t page = 0; page < pages; page++)
		tell_access(&told, answer, page, write);
	if (events)
		tell(&told, UFFD_EVENT_REMOVE, last, 0);
	tell_access(&told, answer, pages - 1, false);
	if (events) {
		/* A move is one, and then an unmapping: linux:6.12:mm/mremap.c:move_vma */
		tell(&told, UFFD_EVENT_REMAP, BASE + vm_pages_to_bytes(pages), 0);
		tell(&told, UFFD_EVENT_UNMAP, BASE + vm_pages_to_bytes(pages), 0);
		tell_access(&told, answer, MOVED_PAGE, false);
		tell(&told, UFFD_EVENT_UNMAP, BASE, 0);
	}
	tell_access(&told, answer, pages + 1, false);
	return told;
}

static void predict_told(const struct told *told, struct vm_predictions *predictions)
{
	struct vm_prediction prediction = {
		.claim = "demand.restart",
		.quantity = "told-event",
		.at = "",
		.unit = VM_UNIT_COUNT,
		.form = VM_FORM_EXACT,
		.values = told->event,
		.values_count = told->count,
		.because = "each access to a missing page is told once, before it goes on; so is "
			   "what was asked to be told of pages that are taken away",
		.cite = "linux:6.12:fs/userfaultfd.c:handle_userfault",
	};

	vm_predict(predictions, &prediction);
	prediction.quantity = "told-page";
	prediction.unit = VM_UNIT_PAGES;
	prediction.values = told->page;
	vm_predict(predictions, &prediction);
	prediction.quantity = "told-flags";
	prediction.unit = VM_UNIT_COUNT;
	prediction.values = told->flags;
	prediction.because = "a message says whether a write faulted, and whether it was stopped "
			     "by the manager's protection";
	prediction.cite = "linux:6.12:fs/userfaultfd.c:userfault_msg";
	vm_predict(predictions, &prediction);
}

static void predict_pages(enum vm_managed_answer answer, bool write, uint64_t pages,
	struct vm_predictions *predictions)
{
	const struct vm_managed_access access = vm_managed_access(answer, write);
	int64_t armed[PAGES_LIMIT], exclusive[PAGES_LIMIT], sum[PAGES_LIMIT];
	struct vm_prediction prediction = {
		.claim = "demand.restart",
		.quantity = "sum",
		.at = "",
		.unit = VM_UNIT_COUNT,
		.form = VM_FORM_EXACT,
		.values = sum,
		.values_count = pages,
		.because = "the instruction that waited starts again and sees what was put there; "
			   "the last byte is what it wrote",
		.cite = "linux:6.12:mm/userfaultfd.c:mfill_atomic_pte_copy",
	};

	for (uint64_t page = 0; page < pages; page++) {
		const int64_t byte = answer == VM_MANAGED_ZERO ? 0 : (int64_t)page + 1;
		sum[page] = byte * (int64_t)(VM_PAGE_BYTES - write) + (write ? WRITTEN : 0);
		armed[page] = access.armed;
		exclusive[page] = access.exclusive;
	}
	vm_predict(predictions, &prediction);
	prediction.quantity = "armed";
	prediction.unit = VM_UNIT_BOOL;
	prediction.values = armed;
	prediction.because = "a copy that was asked to be protected is, until the manager has "
			     "answered for a write";
	prediction.cite = "linux:6.12:mm/userfaultfd.c:mfill_atomic_install_pte";
	vm_predict(predictions, &prediction);
	prediction.quantity = "exclusive";
	prediction.values = exclusive;
	prediction.because = "a copy is a frame of its own, the page of zeros is everybody's";
	prediction.cite = "linux:6.12:mm/userfaultfd.c:mfill_atomic_pte_zeropage";
	vm_predict(predictions, &prediction);
}

static void predict(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	const enum vm_managed_answer answer =
		(enum vm_managed_answer)probe_argument(arguments, "answer");
	const bool write = probe_argument(arguments, "first") != 0;
	const bool events = probe_argument(arguments, "events") != 0;
	const uint64_t pages = (uint64_t)probe_argument(arguments, "pages");
	const struct told told = work_out(answer, write, events, pages);
	struct vm_prediction prediction = {
		.claim = "demand.restart",
		.quantity = "refused",
		.at = "",
		.unit = VM_UNIT_ERRNO,
		.form = VM_FORM_EXACT,
		.values = (int64_t[]){EEXIST, EEXIST},
		.values_count = 2,
		.because = "what is present is never overwritten",
		.cite = "linux:6.12:mm/userfaultfd.c:mfill_atomic_install_pte",
	};

	(void)model, (void)host, (void)readings;
	predict_told(&told, predictions);
	predict_pages(answer, write, pages, predictions);
	vm_predict(predictions, &prediction);
	prediction.quantity = "managed";
	prediction.unit = VM_UNIT_BOOL;
	prediction.values = (int64_t[]){true, false, events};
	prediction.values_count = 3;
	prediction.because = "a child and an area that moved are managed no more, unless the "
			     "manager asked to be told";
	prediction.cite = "linux:6.12:fs/userfaultfd.c:dup_userfaultfd";
	vm_predict(predictions, &prediction);
}

/* --- what the trial does ---------------------------------------------------------------------- */

static int open_managed(uint64_t pages, bool events)
{
	struct uffdio_api api = {
		.api = UFFD_API,
		.features = UFFD_FEATURE_PAGEFAULT_FLAG_WP | (events ? events_asked : 0),
	};
	struct uffdio_register request = {
		.range = {.start = BASE, .len = vm_pages_to_bytes(pages)},
		.mode = UFFDIO_REGISTER_MODE_MISSING | UFFDIO_REGISTER_MODE_WP,
	};
	const int manager = (int)syscall(SYS_userfaultfd, (long)(O_CLOEXEC | UFFD_MODE_USER));

	if (manager < 0 || ioctl(manager, UFFDIO_API, &api) != 0)
		unmet("this kernel lets nobody manage missing and protected pages",
			"CONFIG_USERFAULTFD=y, a kernel since 5.11");
	MUST(ioctl(manager, UFFDIO_REGISTER, &request) == 0);
	return manager;
}

/* 0 or the errno; the contents are the page's number and one. */
static int answer_for(int manager, enum vm_managed_answer answer, uint64_t address)
{
	static unsigned char contents[VM_PAGE_BYTES];
	struct uffdio_zeropage zeros = {.range = {.start = address, .len = VM_PAGE_BYTES}};
	struct uffdio_copy copy = {
		.dst = address,
		.src = (uintptr_t)contents,
		.len = VM_PAGE_BYTES,
		.mode = answer == VM_MANAGED_COPY_ARMED ? UFFDIO_COPY_MODE_WP : 0,
	};

	if (answer == VM_MANAGED_ZERO)
		return ioctl(manager, UFFDIO_ZEROPAGE, &zeros) == 0 ? 0 : errno;
	memset(contents, (int)(vm_bytes_to_pages_floor(address - BASE) + 1), sizeof(contents));
	return ioctl(manager, UFFDIO_COPY, &copy) == 0 ? 0 : errno;
}

static void answer_fault(int manager, enum vm_managed_answer answer, const struct uffd_msg *message)
{
	const uint64_t address = vm_align_down(message->arg.pagefault.address, VM_PAGE_BYTES);
	struct uffdio_writeprotect allow = {.range = {.start = address, .len = VM_PAGE_BYTES}};

	if ((message->arg.pagefault.flags & UFFD_PAGEFAULT_FLAG_WP) != 0)
		MUST(ioctl(manager, UFFDIO_WRITEPROTECT, &allow) == 0);
	else
		MUST(answer_for(manager, answer, address) == 0);
}

/* Another process, until this one ends: a message is noted before it is answered. */
static pid_t start_manager(int manager, enum vm_managed_answer answer, struct told *told)
{
	struct uffd_msg message;
	const pid_t child = fork();

	MUST(child >= 0);
	if (child != 0)
		return child;
	MUST(prctl(PR_SET_PDEATHSIG, SIGKILL) == 0);
	while (read(manager, &message, sizeof(message)) == (ssize_t)sizeof(message)) {
		/* The first address is at the same place in all but a fault and a move. */
		const uint64_t address =
			message.event == UFFD_EVENT_PAGEFAULT ? message.arg.pagefault.address
			: message.event == UFFD_EVENT_REMAP   ? message.arg.remap.from
							      : message.arg.remove.start;
		const bool is_fault = message.event == UFFD_EVENT_PAGEFAULT;
		tell(told, message.event, address, is_fault ? message.arg.pagefault.flags : 0);
		if (is_fault)
			answer_fault(manager, answer, &message);
	}
	broken("the manager's descriptor has ended");
}

static void observe_pages(uint64_t pages)
{
	const volatile unsigned char *memory = (const volatile unsigned char *)BASE;
	int64_t armed[PAGES_LIMIT], exclusive[PAGES_LIMIT], sum[PAGES_LIMIT] = {0};
	uint64_t entries[PAGES_LIMIT];
	const int pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	const size_t length_bytes = pages * sizeof(entries[0]);

	MUST(pagemap >= 0 && pread(pagemap, entries, length_bytes,
				     (off_t)(vm_bytes_to_pages_floor(BASE) * sizeof(entries[0]))) ==
				     (ssize_t)length_bytes);
	MUST(close(pagemap) == 0);
	for (uint64_t page = 0; page < pages; page++) {
		const struct kernel_pagemap_entry entry = kernel_pagemap_decode(entries[page]);
		armed[page] = entry.uffd_wp;
		exclusive[page] = entry.exclusive;
		for (uint64_t i = 0; i < VM_PAGE_BYTES; i++)
			sum[page] += memory[vm_pages_to_bytes(page) + i];
	}
	observe_values("sum", "", sum, pages, VM_UNIT_COUNT, "a load");
	observe_values("armed", "", armed, pages, VM_UNIT_BOOL, "pagemap");
	observe_values("exclusive", "", exclusive, pages, VM_UNIT_BOOL, "pagemap");
}

/* The flag of the area there, in this process. */
static int64_t is_managed(uint64_t address)
{
	struct kernel_file smaps = kernel_file_open("/proc/self/smaps", KERNEL_FILE_LARGE_BYTES);
	struct kernel_lines lines = kernel_lines_of(kernel_file_read(&smaps));
	struct kernel_smaps_area area;
	struct kernel_error error;
	int64_t managed = -1;

	while (kernel_smaps_next(&lines, &area, &error) == 1)
		if (area.area.start <= address && address < area.area.end)
			managed = area.flags >> KERNEL_AREA_FLAG_UFFD_MISSING & 1;
	MUST(managed >= 0);
	kernel_file_close(&smaps);
	return managed;
}

static int64_t is_managed_in_child(void)
{
	int status = 0;
	const pid_t child = fork();

	MUST(child >= 0);
	if (child == 0)
		_exit((int)is_managed(BASE));
	MUST(waitpid(child, &status, 0) == child && WIFEXITED(status));
	return WEXITSTATUS(status);
}

static volatile unsigned char *page_at(uint64_t page)
{
	return (volatile unsigned char *)(uintptr_t)(BASE + vm_pages_to_bytes(page));
}

/* The last page is taken away and read again; the one behind all is moved and read there. */
static void change(uint64_t pages)
{
	MUST(madvise((void *)page_at(pages - 1), VM_PAGE_BYTES, MADV_DONTNEED) == 0);
	(void)*page_at(pages - 1);
	MUST(mremap((void *)page_at(pages), VM_PAGE_BYTES, VM_PAGE_BYTES,
		     MREMAP_MAYMOVE | MREMAP_FIXED, page_at(MOVED_PAGE)) == page_at(MOVED_PAGE));
	(void)*page_at(MOVED_PAGE);
}

static void measure(const struct probe_arguments *arguments)
{
	const enum vm_managed_answer answer =
		(enum vm_managed_answer)probe_argument(arguments, "answer");
	const uint64_t pages = (uint64_t)probe_argument(arguments, "pages");
	const size_t length_bytes = (size_t)vm_pages_to_bytes(pages + 2);
	struct told *told = mmap(NULL, sizeof(*told), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	void *memory = mmap((void *)BASE, length_bytes, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	MUST(told != MAP_FAILED && memory == (void *)BASE);
	small_pages(memory, length_bytes);
	const int manager = open_managed(pages + 2, probe_argument(arguments, "events") != 0);
	const pid_t child = start_manager(manager, answer, told);
	for (uint64_t page = 0; page < pages; page++)
		if (probe_argument(arguments, "first") != 0)
			page_at(page)[VM_PAGE_BYTES - 1] = WRITTEN;
		else
			(void)*page_at(page);
	observe_pages(pages);
	observe_values("refused", "",
		(int64_t[]){answer_for(manager, VM_MANAGED_COPY, BASE),
			answer_for(manager, VM_MANAGED_ZERO, BASE)},
		2, VM_UNIT_ERRNO, "ioctl");
	change(pages);
	observe_values("managed", "",
		(int64_t[]){is_managed(BASE), is_managed_in_child(),
			is_managed(BASE + vm_pages_to_bytes(MOVED_PAGE))},
		3, VM_UNIT_BOOL, "smaps");
	MUST(munmap(memory, VM_PAGE_BYTES) == 0);
	/* An event lets its process go on when it is read, a fault when it is answered: with this
	 * one all have been noted. */
	(void)*page_at(pages + 1);
	MUST(kill(child, SIGKILL) == 0 && waitpid(child, NULL, 0) == child);
	observe_values("told-event", "", told->event, told->count, VM_UNIT_COUNT, "uffd_msg");
	observe_values("told-page", "", told->page, told->count, VM_UNIT_PAGES, "uffd_msg");
	observe_values("told-flags", "", told->flags, told->count, VM_UNIT_COUNT, "uffd_msg");
}

static const char *const claims[] = {"demand.restart", NULL};

PROBE(managed) = {
	.name = "demand.managed",
	.claims = claims,
	.letters = "S",
	.question = "What is the manager of missing pages told, and what does the access see then?",
	.method =
		"Register memory with userfaultfd, let another process answer each message, touch "
		"page by page, take pages away, move and unmap them; read the messages, the "
		"bytes, pagemap and the areas' flags.",
	.threats = "The manager could be late: an access goes on only when it has answered, and it "
		   "notes a message before that; the last access is a fault, because what is "
		   "told of other events is noted late.",
	.by_hand = "man 2 userfaultfd (the example program)",
	.parameters_count = sizeof(parameters) / sizeof(parameters[0]),
	.parameters = parameters,
	.deadline_s = 10,
	.predict = PREDICTS(predict),
	.measure = MEASURES(measure),
};
