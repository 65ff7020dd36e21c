/* SPDX-License-Identifier: Apache-2.0 */
#include "trial/requests.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernel/areas.h"
#include "trial/trial.h"
#include "vm/units.h"

/* stack_guard_gap of the kernel, where its command line says nothing else */
#define STACK_GAP_PAGES 256

static void lift(int resource, const char *name)
{
	struct rlimit limit;

	MUST(getrlimit((__rlimit_resource_t)resource, &limit) == 0);
	limit.rlim_cur = limit.rlim_max;
	MUST(setrlimit((__rlimit_resource_t)resource, &limit) == 0);
	if (limit.rlim_cur != RLIM_INFINITY)
		unmet(name, "ulimit -H -v unlimited -d unlimited -s unlimited, as root");
}

void requests_lift_limits(void)
{
	lift(RLIMIT_AS, "the address space of processes is limited");
	lift(RLIMIT_DATA, "the data size of processes is limited");
	lift(RLIMIT_STACK, "the stack of processes is limited");
}

static int protection_of(const struct vm_commit_request *asks)
{
	return asks->writable ? PROT_READ | PROT_WRITE : PROT_READ;
}

static int make_mapping(struct request *request)
{
	const struct request_kind_info *info = &request_kinds[request->kind];
	int flags = info->asks.shared ? MAP_SHARED : MAP_PRIVATE;

	if (info->asks.no_reserve)
		flags |= MAP_NORESERVE;
	if (info->asks.backing == VM_COMMIT_MEMORY_FILE) {
		/* The file may be shorter than its mapping: only the mapping is a request. */
		request->object = memory_file(false);
		MUST(ftruncate(request->object, (off_t)VM_PAGE_BYTES) == 0);
	} else {
		flags |= MAP_ANONYMOUS;
	}
	request->address = mmap(
		NULL, request->length_bytes, protection_of(&info->asks), flags, request->object, 0);
	const int why = request->address == MAP_FAILED ? errno : 0;
	if (request->object >= 0)
		MUST(close(request->object) == 0);
	return why;
}

static int make_writable(struct request *request)
{
	request->address =
		mmap(NULL, request->length_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (request->address == MAP_FAILED)
		return errno;
	if (mprotect(request->address, request->length_bytes, PROT_READ | PROT_WRITE) == 0)
		return 0;
	const int why = errno;
	MUST(munmap(request->address, request->length_bytes) == 0);
	return why;
}

/* Room for so many bytes with nothing around it; only room: nothing is mapped there. NULL: none. */
static char *find_room(size_t length_bytes)
{
	char *room = mmap(
		NULL, length_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (room == MAP_FAILED)
		return NULL;
	MUST(munmap(room, length_bytes) == 0);
	return room;
}

static char *map_page_at(char *address, int flags)
{
	char *page = mmap(address, (size_t)VM_PAGE_BYTES, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE | flags, -1, 0);

	MUST(page == address);
	return page;
}

/* The page lies where it can only grow by being moved, and next to nothing that it would join. */
static int make_grown(struct request *request)
{
	char *room = find_room(request->length_bytes + 2 * (size_t)VM_PAGE_BYTES);

	if (room == NULL)
		return errno;
	char *small = map_page_at(room + request->length_bytes, 0);
	request->address = mremap(small, (size_t)VM_PAGE_BYTES,
		request->length_bytes + VM_PAGE_BYTES, MREMAP_MAYMOVE);
	if (request->address != MAP_FAILED) {
		request->length_bytes += VM_PAGE_BYTES;
		return 0;
	}
	const int why = errno;
	MUST(munmap(small, (size_t)VM_PAGE_BYTES) == 0);
	return why;
}

static int make_heap(struct request *request)
{
	void *before = sbrk((intptr_t)request->length_bytes);

	if (before == (void *)-1)
		return errno;
	request->address = before;
	return 0;
}

/*
 * One page that may grow, above room for it and for the gap that the kernel keeps below; then the
 * kernel is asked to put a byte where the area would have to grow to. So a refusal is an error of
 * the call, and no signal.
 */
static int make_stack(struct request *request)
{
	const size_t gap_bytes = (size_t)vm_pages_to_bytes(STACK_GAP_PAGES);
	const size_t whole_bytes = request->length_bytes + (size_t)VM_PAGE_BYTES;
	char *room = find_room(gap_bytes + whole_bytes);

	if (room == NULL)
		return errno;
	request->address = room + gap_bytes;
	(void)map_page_at(request->address + request->length_bytes, MAP_GROWSDOWN);
	const int zeros = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	MUST(zeros >= 0);
	const int why = read(zeros, request->address, 1) == 1 ? 0 : errno;
	MUST(close(zeros) == 0);
	request->length_bytes = whole_bytes;
	if (why != 0)
		MUST(munmap(request->address, whole_bytes) == 0);
	return why;
}

static int make_segment(struct request *request)
{
	request->object = shmget(IPC_PRIVATE, request->length_bytes, IPC_CREAT | 0600);
	return request->object < 0 ? errno : 0;
}

/*
 * The child has nothing to do: that it was made is what counts. It may be without the stacks of our
 * threads, which fork() would look at in the child.
 */
static int fork_once(struct request *request)
{
	request->child = _Fork();
	if (request->child == 0)
		_exit(0);
	return request->child < 0 ? errno : 0;
}

/*
 * A half is never refused where the whole is not: so it is the fork that is, at the end of what one
 * request may ask for. Free pages around, for the area to be no longer than that.
 */
static int make_forked(struct request *request)
{
	const struct vm_commit_request *asks = &request_kinds[request->kind].asks;
	const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE |
			  (asks->no_reserve ? MAP_NORESERVE : 0);
	const size_t half_bytes = (size_t)vm_align_up(request->length_bytes / 2, VM_PAGE_BYTES);
	char *room = find_room(request->length_bytes + 2 * (size_t)VM_PAGE_BYTES);
	int why = 0;

	if (room == NULL)
		return errno;
	request->address = room + VM_PAGE_BYTES;
	for (size_t done_bytes = 0; why == 0 && done_bytes < request->length_bytes;
		done_bytes += half_bytes) {
		const size_t left_bytes = request->length_bytes - done_bytes;
		if (mmap(request->address + done_bytes,
			    left_bytes < half_bytes ? left_bytes : half_bytes, protection_of(asks),
			    flags, -1, 0) == MAP_FAILED)
			why = errno;
	}
	if (why == 0)
		why = fork_once(request);
	if (why != 0)
		MUST(munmap(request->address, request->length_bytes) == 0);
	return why;
}

int request_make(struct request *request, enum request_kind kind, uint64_t length_pages)
{
	*request = (struct request){
		.kind = kind,
		.length_bytes = (size_t)vm_pages_to_bytes(length_pages),
		.object = -1,
	};
	switch (request_kinds[kind].way) {
	case REQUEST_MMAP:
		return make_mapping(request);
	case REQUEST_MPROTECT:
		return make_writable(request);
	case REQUEST_MREMAP:
		return make_grown(request);
	case REQUEST_BRK:
		return make_heap(request);
	case REQUEST_GROWSDOWN:
		return make_stack(request);
	case REQUEST_SHMGET:
		return make_segment(request);
	case REQUEST_FORK:
		return make_forked(request);
	}
	broken("no such way of asking");
}

void request_give_back(struct request *request)
{
	switch (request_kinds[request->kind].way) {
	case REQUEST_MMAP:
	case REQUEST_MPROTECT:
	case REQUEST_MREMAP:
	case REQUEST_GROWSDOWN:
		MUST(munmap(request->address, request->length_bytes) == 0);
		return;
	case REQUEST_FORK:
		MUST(waitpid(request->child, NULL, 0) == request->child);
		MUST(munmap(request->address, request->length_bytes) == 0);
		return;
	case REQUEST_BRK:
		MUST(brk(request->address) == 0);
		return;
	case REQUEST_SHMGET:
		MUST(shmctl(request->object, IPC_RMID, NULL) == 0);
		return;
	}
}

struct request_boundary request_find_boundary(enum request_kind kind)
{
	struct request_boundary boundary = {0};
	struct request request;
	uint64_t refused_pages = vm_bytes_to_pages_floor(REQUEST_HIGHEST_BYTES);

	boundary.refusal = request_make(&request, kind, refused_pages);
	if (boundary.refusal == 0) {
		request_give_back(&request);
		boundary.largest_pages = refused_pages;
		return boundary;
	}
	while (refused_pages - boundary.largest_pages > 1) {
		const uint64_t middle_pages =
			boundary.largest_pages + (refused_pages - boundary.largest_pages) / 2;
		const int why = request_make(&request, kind, middle_pages);
		if (why == 0) {
			request_give_back(&request);
			boundary.largest_pages = middle_pages;
		} else {
			refused_pages = middle_pages;
			boundary.refusal = why;
		}
	}
	return boundary;
}

bool request_descend(
	struct request *request, enum request_kind kind, uint64_t from_pages, unsigned tries_count)
{
	for (unsigned i = 0; i < tries_count && i < from_pages; i++) {
		if (request_make(request, kind, from_pages - i) != 0)
			continue;
		if (i != 0)
			return true;
		request_give_back(request);
		return false;
	}
	return false;
}

/* Whether a fork asks for the area. */
static bool is_asked_for(const struct kernel_smaps_area *area)
{
	return (area->flags >> KERNEL_AREA_FLAG_ACCOUNT & 1) != 0 &&
	       (area->flags >> KERNEL_AREA_FLAG_DONT_COPY & 1) == 0;
}

uint64_t requests_keep_from_children(const struct kernel_file *smaps)
{
	struct kernel_lines lines = kernel_lines_of(kernel_file_read(smaps));
	struct kernel_smaps_area area;
	struct kernel_error error;
	const uint64_t heap_end = (uintptr_t)sbrk(0);
	uint64_t stack_pages = 0;
	int more;

	while ((more = kernel_smaps_next(&lines, &area, &error)) > 0) {
		const uint64_t length_bytes = area.area.end - area.area.start;
		if (kernel_text_is(area.area.name, "[stack]"))
			stack_pages = vm_bytes_to_pages_floor(length_bytes);
		else if (area.area.start >= heap_end && is_asked_for(&area))
			MUST(madvise((void *)(uintptr_t)area.area.start, (size_t)length_bytes,
				     MADV_DONTFORK) == 0);
	}
	MUST(more == 0);
	return stack_pages;
}

uint64_t request_below_pages(const struct request *request, const struct kernel_file *smaps)
{
	struct kernel_lines lines = kernel_lines_of(kernel_file_read(smaps));
	struct kernel_smaps_area area;
	struct kernel_error error;
	uint64_t pages = 0;
	int more;

	while ((more = kernel_smaps_next(&lines, &area, &error)) > 0)
		if (area.area.start < (uintptr_t)request->address && is_asked_for(&area))
			pages += vm_bytes_to_pages_floor(area.area.end - area.area.start);
	MUST(more == 0);
	return pages;
}

uint64_t request_promised_pages(enum request_kind kind, uint64_t length_pages, uint64_t below_pages)
{
	switch (request_kinds[kind].way) {
	case REQUEST_MMAP:
	case REQUEST_MPROTECT:
	case REQUEST_BRK:
	case REQUEST_SHMGET:
		break;
	case REQUEST_MREMAP:
	case REQUEST_GROWSDOWN:
		return length_pages + 1;
	case REQUEST_FORK:
		return 2 * length_pages + below_pages;
	}
	return length_pages;
}

void commit_passes_take(struct commit_passes *passes, const struct kernel_file *meminfo)
{
	const struct kernel_text text = kernel_file_read(meminfo);
	const size_t pass = passes->count;

	if (pass >= COMMIT_PASSES_LIMIT)
		broken("more than %d passes", COMMIT_PASSES_LIMIT);
	passes->count++;
	passes->ram_kib[pass] = kernel_meminfo_value(text, "MemTotal");
	passes->swap_kib[pass] = kernel_meminfo_value(text, "SwapTotal");
	passes->committed_kib[pass] = kernel_meminfo_value(text, "Committed_AS");
}

void observe_commit_passes(const struct commit_passes *passes)
{
	observe_values("ram", "", passes->ram_kib, passes->count, VM_UNIT_KIB, "MemTotal");
	observe_values("swap", "", passes->swap_kib, passes->count, VM_UNIT_KIB, "SwapTotal");
	observe_values(
		"committed", "", passes->committed_kib, passes->count, VM_UNIT_KIB, "Committed_AS");
}
