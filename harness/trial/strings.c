/* SPDX-License-Identifier: Apache-2.0 */
#include "trial/strings.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kernel/values.h"
#include "trial/files.h"
#include "trial/memory_group.h"
#include "trial/trial.h"
#include "vm/units.h"

/*
 * The page cache keeps 64 pages in one node of its tree, and a node is memory of the group too. So
 * one page of each node is read before, in another group, and is no page of the string: the nodes
 * are there all the time and charged elsewhere, and every page that the group has is the string's.
 */
#define NODE_PAGES	  64
#define NODE_STRING_PAGES (NODE_PAGES - 1)

/* So often the statistics are held against what is there. */
#define COMPARED_REFERENCES 32

/* Of all that was read of a thing. */
struct span {
	int64_t lowest, highest;
};

static const struct span no_span = {INT64_MAX, INT64_MIN};

struct replay {
	const struct string *string;
	int file;
	size_t file_pages;
	const char *looked_at;	   /* the file mapped, and never touched: for mincore */
	volatile const char *used; /* the file mapped, for what is used through page tables */
	unsigned char *resident;   /* by page of the file */
	void *unused;		   /* a page of memory that is never touched: see empty_batches() */
	struct kernel_file statistics;
	const struct memory_group *group;
	/* Version 1: the kernel's memory. Version 2: what brings the statistics up to date. */
	struct kernel_file beside;
	uint64_t references;
	struct span missing; /* pages that are there, and the statistics do not have */
	struct span others;  /* pages of the group that are none of the string's */
	int64_t *misses;     /* by round */
	size_t rounds;
};

static size_t place_of(uint32_t page)
{
	return (size_t)page / NODE_STRING_PAGES * NODE_PAGES + page % NODE_STRING_PAGES;
}

static void read_page(int file, size_t place)
{
	static char bytes[VM_PAGE_BYTES];

	MUST(pread(file, bytes, sizeof(bytes), (off_t)(place * VM_PAGE_BYTES)) ==
		(ssize_t)sizeof(bytes));
}

/* Holes are read like data, page by page, without a device that one would have to wait for. */
static int make_file(size_t file_pages)
{
	const int file = disk_file();

	MUST(ftruncate(file, (off_t)(file_pages * VM_PAGE_BYTES)) == 0);
	MUST(posix_fadvise(file, 0, 0, POSIX_FADV_RANDOM) == 0);
	return file;
}

static void *map_file(const struct replay *replay)
{
	void *mapped = mmap(
		NULL, replay->file_pages * VM_PAGE_BYTES, PROT_READ, MAP_SHARED, replay->file, 0);

	MUST(mapped != MAP_FAILED);
	return mapped;
}

/*
 * The page is brought in before, by itself: a fault would bring its neighbours too, and where that
 * is forbidden by MADV_RANDOM, reclaim takes no notice of accessed bits since 6.3
 * (linux:6.12:include/linux/mm_inline.h:vma_has_recency).
 */
static void touch_page(const struct replay *replay, size_t place)
{
	MUST(posix_fadvise(replay->file, (off_t)(place * VM_PAGE_BYTES), VM_PAGE_BYTES,
		     POSIX_FADV_WILLNEED) == 0);
	(void)replay->used[place * VM_PAGE_BYTES];
}

static void *room(size_t size_bytes)
{
	void *bytes = mmap(NULL, size_bytes, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	MUST(bytes != MAP_FAILED);
	return bytes;
}

static bool is_resident(const struct replay *replay, uint32_t page)
{
	unsigned char state;

	MUST(mincore((void *)(uintptr_t)(replay->looked_at + place_of(page) * VM_PAGE_BYTES),
		     VM_PAGE_BYTES, &state) == 0);
	return (state & 1) != 0;
}

static struct replay prepare(const struct string *string, const struct memory_group *group)
{
	static char paths[2][PATH_MAX];
	struct replay replay = {
		.string = string,
		.file_pages = place_of(string->pages) + NODE_PAGES,
		.group = group,
		.missing = no_span,
		.others = no_span,
	};

	replay.statistics = memory_group_open(group, "memory.stat", paths[0]);
	(void)kernel_file_read(&replay.statistics);
	replay.beside = memory_group_open(
		group, group->version == 1 ? "memory.kmem.usage_in_bytes" : "cpu.stat", paths[1]);
	(void)kernel_file_read(&replay.beside);
	replay.resident = room(replay.file_pages);
	replay.misses = room(string_rounds(string) * sizeof(replay.misses[0]));
	/* Nothing of ours is to be faulted in later; but locking would read a mapped file. */
	MUST(mlockall(MCL_CURRENT) == 0);
	replay.unused = mmap(
		NULL, VM_PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	MUST(replay.unused != MAP_FAILED);
	replay.file = make_file(replay.file_pages);
	replay.looked_at = map_file(&replay);
	replay.used = map_file(&replay);
	for (size_t place = NODE_PAGES - 1; place < replay.file_pages; place += NODE_PAGES) {
		/* The tables of the mapping as well. */
		touch_page(&replay, place);
	}
	for (uint32_t page = 0; page < string->pages; page++)
		if (is_resident(&replay, page))
			broken("page %u is resident before it was used: read ahead", page);
	return replay;
}

/*
 * Frames wait on their CPU until there are enough of them to be put on a list, or until somebody
 * else empties the batch: before each reference it is us, so that nobody's part in it matters.
 * linux:6.12:mm/madvise.c:madvise_cold begins with it, whatever lies in the range.
 */
static void empty_batches(const struct replay *replay)
{
	if (madvise(replay->unused, VM_PAGE_BYTES, MADV_COLD) == 0)
		return;
	MUST(errno == EINVAL);
	unmet("MADV_COLD: a kernel since 5.4", "another kernel");
}

static void widen(struct span *span, int64_t value)
{
	if (value < span->lowest)
		span->lowest = value;
	if (value > span->highest)
		span->highest = value;
}

static int64_t stat_pages(struct kernel_text text, const char *name)
{
	return (int64_t)vm_bytes_to_pages_floor((uint64_t)kernel_vmstat_value(text, name));
}

/*
 * Nothing is opened for it: opening a file takes memory of the kernel's in the group, and what a
 * CPU keeps of that in advance is given back at any time.
 */
static void look_at_statistics(struct replay *replay)
{
	const bool first_version = replay->group->version == 1;
	const int64_t kernel_bytes = first_version ? kernel_file_number(&replay->beside) : 0;
	const struct kernel_text text = kernel_file_read(&replay->statistics);
	int64_t resident = 0;

	MUST(mincore((void *)(uintptr_t)replay->looked_at, replay->file_pages * VM_PAGE_BYTES,
		     replay->resident) == 0);
	for (uint32_t page = 0; page < replay->string->pages; page++)
		resident += replay->resident[place_of(page)] & 1;
	widen(&replay->missing,
		resident - stat_pages(text, "inactive_file") - stat_pages(text, "active_file"));
	widen(&replay->others, first_version
				       ? (int64_t)vm_bytes_to_pages_floor((uint64_t)kernel_bytes) +
						 stat_pages(text, "rss")
				       : stat_pages(text, "kernel") + stat_pages(text, "anon"));
}

/*
 * The kernel goes by the sizes of the lists as they were when the counts of all CPUs were summed up
 * last. In version 2 the file with the group's CPU time sums up all that the group counts, before
 * each subsystem got sums of its own; how old they are else is seen from time to time.
 * linux:6.12:kernel/cgroup/rstat.c:cgroup_base_stat_cputime_show
 */
static void sum_up(const struct replay *replay)
{
	if (replay->group->version != 1)
		(void)kernel_file_read(&replay->beside);
}

/* The sizes count when pages are reclaimed, and that is when one comes that is not there. */
static void refer(struct replay *replay, uint32_t page)
{
	const bool is_missing = !is_resident(replay, page);
	const bool is_compared = replay->references++ % COMPARED_REFERENCES == 0;

	empty_batches(replay);
	if (is_missing || is_compared)
		sum_up(replay);
	if (is_compared)
		look_at_statistics(replay);
	replay->misses[replay->rounds] += is_missing;
	if (page < replay->string->mapped)
		touch_page(replay, place_of(page));
	else
		read_page(replay->file, place_of(page));
}

static void look(struct replay *replay, const char *name)
{
	static int64_t values[1 << 16];
	char place[STRING_PLACE_BYTES];

	MUST(replay->string->pages <= sizeof(values) / sizeof(values[0]));
	MUST(mincore((void *)(uintptr_t)replay->looked_at, replay->file_pages * VM_PAGE_BYTES,
		     replay->resident) == 0);
	for (uint32_t page = 0; page < replay->string->pages; page++)
		values[page] = replay->resident[place_of(page)] & 1;
	for (size_t i = 0; i < replay->string->phases_count; i++) {
		const struct string_phase *part = &replay->string->phase[i];
		if (string_is_part(replay->string, i))
			observe_values("resident", string_place(name, part, place),
				&values[part->first], part->count, VM_UNIT_BOOL, "mincore");
	}
}

static void run(struct replay *replay)
{
	for (size_t i = 0; i < replay->string->phases_count; i++) {
		const struct string_phase *phase = &replay->string->phase[i];
		for (uint32_t round = 0; round < phase->rounds; round++) {
			for (uint32_t page = 0; page < phase->count; page++)
				refer(replay, phase->first + page);
			replay->rounds++;
		}
		if (phase->look != NULL)
			look(replay, phase->look);
	}
}

void string_measure(const struct string *string, uint32_t limit_pages)
{
	const struct memory_group own = memory_group_own();
	const struct memory_group group = memory_group_below(&own, "string", false);
	struct replay replay = prepare(string, &group);

	MUST(memory_group_limit(&group, GROUP_LIMIT_MEMORY, limit_pages) == 0);
	MUST(memory_group_limit(&group, GROUP_LIMIT_SWAP, 0) == 0);
	memory_group_enter(&group, 0);
	run(&replay);
	empty_batches(&replay);
	sum_up(&replay);
	look_at_statistics(&replay);
	memory_group_leave(&own);
	observe_values("other-pages", "", (int64_t[]){replay.others.lowest, replay.others.highest},
		2, VM_UNIT_PAGES, "group statistics");
	observe_values("missing-in-statistics", "",
		(int64_t[]){replay.missing.lowest, replay.missing.highest}, 2, VM_UNIT_PAGES,
		"group statistics");
	observe_values("misses", "", replay.misses, replay.rounds, VM_UNIT_PAGES, "mincore");
	observe("refaults",
		memory_group_stat(&group, "workingset_refault_file", "workingset_refault_file"),
		VM_UNIT_PAGES, "memory.stat");
	MUST(munmap((void *)(uintptr_t)replay.looked_at, replay.file_pages * VM_PAGE_BYTES) == 0);
	MUST(munmap((void *)(uintptr_t)replay.used, replay.file_pages * VM_PAGE_BYTES) == 0);
	MUST(close(replay.file) == 0);
	memory_group_remove(&group);
}
