/* SPDX-License-Identifier: Apache-2.0 */
#include "timed/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "trial/files.h"
#include "trial/trial.h"

#define CHUNK_BYTES ((size_t)64 * 1024)

char *memory_small(size_t length_bytes)
{
	char *memory = mmap(
		NULL, length_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	MUST(memory != MAP_FAILED);
	/* A kernel without huge pages does not know the advice, and needs none. */
	small_pages(memory, length_bytes);
	return memory;
}

void memory_write(char *memory, size_t length_bytes)
{
	for (size_t i = 0; i < length_bytes; i += VM_PAGE_BYTES)
		((volatile char *)memory)[i] = 1;
}

void memory_read(const char *memory, size_t length_bytes)
{
	for (size_t i = 0; i < length_bytes; i += VM_PAGE_BYTES)
		(void)((const volatile char *)memory)[i];
}

static uint64_t minor_faults(void)
{
	struct rusage usage;

	MUST(getrusage(RUSAGE_SELF, &usage) == 0);
	return (uint64_t)usage.ru_minflt;
}

char *memory_touched(size_t length_bytes, bool huge)
{
	const size_t mapped_bytes = length_bytes + VM_HUGE_2M_BYTES;
	char *mapped = mmap(
		NULL, mapped_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	MUST(mapped != MAP_FAILED);
	char *start = (char *)vm_align_up((uint64_t)mapped, VM_HUGE_2M_BYTES);
	/* Without huge pages in the kernel neither advice is known: all pages are small then. */
	const bool advised =
		madvise(mapped, mapped_bytes, huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE) == 0;
	if (huge && !advised)
		return NULL;
	const uint64_t before = minor_faults();
	memory_write(start, length_bytes);
	/* One fault a page says which size the pages have. */
	const uint64_t page_bytes = huge ? VM_HUGE_2M_BYTES : VM_PAGE_BYTES;
	if (minor_faults() - before == (length_bytes + page_bytes - 1) / page_bytes)
		return start;
	MUST(munmap(mapped, mapped_bytes) == 0);
	return NULL;
}

int memory_disk_file(size_t length_bytes)
{
	static const char chunk[CHUNK_BYTES] = {1};
	const int file = open(".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (file < 0)
		unmet("no unnamed file can be made where trials have their folder",
			"set TMPDIR to a folder on a disk");
	for (size_t done = 0; done < length_bytes; done += CHUNK_BYTES)
		MUST(write(file, chunk, CHUNK_BYTES) == (ssize_t)CHUNK_BYTES);
	/* Dirty pages cannot be dropped. */
	MUST(fsync(file) == 0);
	return file;
}

void memory_evict(int file, size_t length_bytes)
{
	static unsigned char in_core[CHUNK_BYTES];
	const size_t pages = (size_t)vm_bytes_to_pages_floor(length_bytes);
	void *memory = mmap(NULL, length_bytes, PROT_READ, MAP_PRIVATE, file, 0);

	MUST(memory != MAP_FAILED && pages <= sizeof(in_core));
	MUST(posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED) == 0);
	MUST(mincore(memory, length_bytes, in_core) == 0);
	MUST(munmap(memory, length_bytes) == 0);
	for (size_t i = 0; i < pages; i++)
		if ((in_core[i] & 1) != 0)
			unmet("file pages cannot be dropped where trials have their folder",
				"set TMPDIR to a folder on a disk, not in memory");
}
