/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What goes to and comes from the verb "scenario" of the trial executable.
 *
 * In: a head and an array of operations, on standard input. Program and trial are built together
 * for one machine, so the operations go as they are; a head that does not fit is refused.
 *
 * Out: a stream of 64-bit words, one group for each surface that was read: a heading word, then the
 * values. A state that did not change since the same process was looked at last is not sent again.
 * The group LIVE_FAULTS is always there, and is the last of a process in a step; where somebody
 * wrote back a file while the processes looked, all look again, and what comes last holds. As
 * observation lines of a record a group is one line: quantity, "STEP/PROCESS", the number of
 * values, values.
 */
#ifndef SCENARIO_WIRE_H
#define SCENARIO_WIRE_H

#include <stdbool.h>
#include <stdint.h>

#include "vm/machine.h"

#define LIVE_MAGIC UINT64_C(0x31656e6563736d6d)

/*
 * Scenarios live in one entry of the top table that nothing else of the process uses, so that page
 * tables of theirs are theirs alone. The heap's break is moved into the same entry.
 */
#define LIVE_ARENA_START   UINT64_C(0x100000000000)
#define LIVE_ARENA_BYTES   (UINT64_C(1) << 39)
#define LIVE_ARENA_END	   (LIVE_ARENA_START + LIVE_ARENA_BYTES)
#define LIVE_BREAK_ADDRESS (LIVE_ARENA_START + LIVE_ARENA_BYTES / 2)

#define LIVE_PROCESSES_LIMIT  8
#define LIVE_FILES_LIMIT      16
#define LIVE_OPERATIONS_LIMIT 100000
#define LIVE_POOL_PAGES_LIMIT 64 /* of huge pages that a script may ask for */

enum live_format { LIVE_LINES, LIVE_WORDS };

/* Which surfaces are read when, as LIVE_SURFACE(...). */
struct live_looks {
	uint32_t always; /* after every step */
	uint32_t seldom; /* also after every seldom_every-th step, and after the last */
	uint32_t seldom_every;
};

#define LIVE_MONITORS_LIMIT   4
#define LIVE_MONITORS_UNKNOWN UINT32_MAX

struct live_head {
	uint64_t magic;
	uint32_t operation_bytes; /* sizeof(struct vm_operation): both sides agree */
	uint32_t operations_count;
	struct live_looks looks;
	enum live_format format;
	/* Threads that may take pages away, or LIVE_MONITORS_UNKNOWN: there may be some. */
	uint32_t monitors_count;
	int32_t monitors[LIVE_MONITORS_LIMIT];
};

/* kind, name as a quantity of the record, witness */
#define LIVE_KINDS(X)                                \
	X(START, "start", "status")                  \
	X(RESULT, "result", "return value")          \
	X(SIGNAL, "signal", "siginfo")               \
	X(BYTES, "bytes", "load")                    \
	X(AREAS, "areas", "maps")                    \
	X(PAGES, "pages", "pagemap")                 \
	X(SIZES, "sizes", "statm")                   \
	X(COUNTERS, "counters", "status")            \
	X(SMAPS, "smaps", "smaps")                   \
	X(CORE, "in-core", "mincore")                \
	X(FRAMES, "frames", "kpageflags kpagecount") \
	X(FILES, "files", "cachestat")               \
	X(CACHE, "cache", "cachestat")               \
	X(POOLS, "pools", "hugepages")               \
	X(FAULTS, "faults", "getrusage")

enum live_kind {
#define LIVE_KIND_ENUMERATOR(name, word, witness) LIVE_##name,
	LIVE_KINDS(LIVE_KIND_ENUMERATOR)
#undef LIVE_KIND_ENUMERATOR
		LIVE_KIND_LIMIT,
};

#define LIVE_SURFACE(name) (UINT32_C(1) << LIVE_##name)
/*
 * What exploration reads after every step: one walk over the tables of all areas, four sums of
 * the address space, and the areas after a call that may change them or where the sums say that
 * something did.
 */
#define LIVE_SURFACES_FAST (LIVE_SURFACE(AREAS) | LIVE_SURFACE(PAGES) | LIVE_SURFACE(SIZES))
/* All there is: status tells more exactly what statm sums up. */
#define LIVE_SURFACES_ALL                                                         \
	(LIVE_SURFACE(AREAS) | LIVE_SURFACE(PAGES) | LIVE_SURFACE(COUNTERS) |     \
		LIVE_SURFACE(SMAPS) | LIVE_SURFACE(CORE) | LIVE_SURFACE(FRAMES) | \
		LIVE_SURFACE(FILES) | LIVE_SURFACE(CACHE) | LIVE_SURFACE(POOLS))

/* heading: kind in 8 bits, process in 8, step in 24, number of values in 24 */
static inline uint64_t live_heading(
	enum live_kind kind, uint32_t process, uint32_t step, uint64_t count)
{
	return (uint64_t)kind | (uint64_t)process << 8 | (uint64_t)step << 16 | count << 40;
}

static inline enum live_kind live_heading_kind(uint64_t heading)
{
	return (enum live_kind)(heading & 0xff);
}

static inline uint32_t live_heading_process(uint64_t heading)
{
	return (uint32_t)(heading >> 8 & 0xff);
}

static inline uint32_t live_heading_step(uint64_t heading)
{
	return (uint32_t)(heading >> 16 & 0xffffff);
}

static inline uint64_t live_heading_count(uint64_t heading)
{
	return heading >> 40;
}

/* Values of each kind. */

/* Read before the first step. Of the executor's own process, beside the arena. */
enum live_start {
	LIVE_START_AREAS,	/* map_count */
	LIVE_START_TOTAL_PAGES, /* total_vm */
	LIVE_START_BREAK,	/* 0: the break could not be moved, BREAK is refused */
	LIVE_START_SURFACES,	/* what this kernel and these privileges let us read */
	LIVE_START_RAM_PAGES,
	LIVE_START_SWAP_PAGES,
	LIVE_START_SWAP_SYNCHRONOUS, /* 1: every swap device is done when the call returns */
	LIVE_START_READAHEAD_PAGES,  /* of the disk that files lie on */
	LIVE_START_HUGE_2M_FREE,
	LIVE_START_HUGE_1G_FREE,
	LIVE_START_LEAST, /* so many words had records before pools varied: all of them were free */
	LIVE_START_HUGE_2M_TOTAL = LIVE_START_LEAST,
	LIVE_START_HUGE_2M_RESERVED,
	LIVE_START_HUGE_2M_SURPLUS,
	LIVE_START_HUGE_2M_OVERCOMMIT, /* how far it may grow by itself */
	LIVE_START_HUGE_1G_TOTAL,
	LIVE_START_HUGE_1G_RESERVED,
	LIVE_START_HUGE_1G_SURPLUS,
	LIVE_START_HUGE_1G_OVERCOMMIT,
	LIVE_START_LIMIT,
};

/* RESULT: one value, as the system call returns it: >= 0, or a negated errno. */

enum live_signal {
	LIVE_SIGNAL_NUMBER,
	LIVE_SIGNAL_CODE,
	LIVE_SIGNAL_ADDRESS,
	LIVE_SIGNAL_ERROR_BITS,
	LIVE_SIGNAL_TRAP,
	LIVE_SIGNAL_CR2,
	LIVE_SIGNAL_LIMIT,
};

/* BYTES: pairs of a byte and how often it follows. */

enum live_area {
	LIVE_AREA_START,
	LIVE_AREA_END,
	LIVE_AREA_ACCESS, /* 1 read, 2 write, 4 execute, 8 shared: as maps prints it */
	LIVE_AREA_OFFSET,
	LIVE_AREA_FILE, /* index, or one of the two below */
	LIVE_AREA_LIMIT,
};

#define LIVE_ACCESS_SHARED UINT64_C(8)
#define LIVE_NO_FILE	   UINT64_C(0xffffffff)
#define LIVE_UNKNOWN_FILE  UINT64_C(0xfffffffe) /* shared anonymous memory has an inode, too */

/*
 * PAGES: runs of words other than 0: first page (address in pages), count, words. Where the count
 * has one of the marks below, one word follows: it holds for all of them, or for the first, and
 * each other is one more than the one before, as the frames of a large page are.
 */
#define LIVE_RUN_REPEATS (UINT64_C(1) << 62)
#define LIVE_RUN_RISES	 (UINT64_C(1) << 61)

static inline uint64_t live_run_pages(uint64_t head)
{
	return head & ~(LIVE_RUN_REPEATS | LIVE_RUN_RISES);
}

/* How many words follow. */
static inline uint64_t live_run_values(uint64_t head)
{
	return (head & (LIVE_RUN_REPEATS | LIVE_RUN_RISES)) != 0 ? 1 : head;
}

/* SIZES: differences against process 0 at the start, in pages. */
enum live_size {
	LIVE_SIZE_VIRTUAL,
	LIVE_SIZE_RESIDENT,
	LIVE_SIZE_SHARED, /* of a file, or in shared memory */
	LIVE_SIZE_DATA,	  /* private and writable, or a stack */
	LIVE_SIZE_LIMIT,
};

/* COUNTERS: differences against process 0 at the start, in KiB. */
#define LIVE_COUNTERS(X) \
	X(VM_SIZE)       \
	X(VM_LCK)        \
	X(RSS_ANON)      \
	X(RSS_FILE)      \
	X(RSS_SHMEM)     \
	X(VM_DATA)       \
	X(VM_STK)        \
	X(VM_PTE)        \
	X(VM_SWAP)       \
	X(HUGETLB_PAGES)

enum live_counter {
#define LIVE_COUNTER_ENUMERATOR(name) LIVE_COUNTER_##name,
	LIVE_COUNTERS(LIVE_COUNTER_ENUMERATOR)
#undef LIVE_COUNTER_ENUMERATOR
		LIVE_COUNTER_LIMIT,
};

/* SMAPS: for each area its start, VmFlags as vm_area_flag_bit, the lines of vm_smaps_line. */
#define LIVE_SMAPS_FLAGS 1
#define LIVE_SMAPS_LINES 2
#define LIVE_SMAPS_LIMIT (LIVE_SMAPS_LINES + VM_SMAPS_LIMIT)
#define LIVE_ABSENT	 UINT64_MAX /* this kernel does not print it */

/* CORE: runs as in PAGES, of 1. */

/*
 * FRAMES: for each frame that PAGES names, in the same order: kpageflags, kpagecount. A run that
 * repeats names one frame. Where the flags have the mark below, which is no flag of the kernel's, a
 * third word says for how many frames of a run that rises both hold.
 */
#define LIVE_FRAMES_REPEAT	 (UINT64_C(1) << 63)
#define LIVE_FRAMES_WORDS	 2
#define LIVE_FRAMES_WORDS_REPEAT 3

enum live_cache {
	LIVE_FILE_INDEX,
	LIVE_FILE_BYTES,
	LIVE_FILE_CACHED,
	LIVE_FILE_DIRTY,
	LIVE_FILE_WRITE_BACK,
	LIVE_FILE_EVICTED,
	LIVE_FILE_LIMIT,
};

/* CACHE: for each file its index, then one bit a page for the first of them. */
enum live_cache_page {
	LIVE_CACHE_INDEX,
	LIVE_CACHE_CACHED,
	LIVE_CACHE_DIRTY,
	LIVE_CACHE_LIMIT,
};

#define LIVE_CACHE_PAGES 64

/*
 * POOLS: total, free, reserved, surplus of the 2 MiB pool, then of the 1 GiB pool; LIVE_ABSENT.
 * What ksmd counts as shared, sharing and unshared, beside what it counted at the start.
 */
#define LIVE_POOL_VALUES 4
#define LIVE_POOLS_KSM	 8
#define LIVE_POOLS_LIMIT 11

enum live_faults {
	LIVE_FAULTS_MINOR,
	LIVE_FAULTS_MAJOR,
	LIVE_FAULTS_SLEEPS,   /* voluntary context switches of the step */
	LIVE_FAULTS_SURFACES, /* what was read after this step */
	/* 1: a monitor may have run meanwhile. Looked for only where the step took faults. */
	LIVE_FAULTS_MONITORED,
	LIVE_FAULTS_LIMIT,
};

#endif
