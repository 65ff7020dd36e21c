/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Translation as the course draws it, beside the walker of x86: one table with pages of any size,
 * the sizes of flat, hierarchical and inverted tables, and look-ups in an inverted one.
 */
#ifndef VM_TABLES_H
#define VM_TABLES_H

#include <stddef.h>

#include "vm/base.h"
#include "vm/behaviours.h"
#include "vm/pte.h"

#define VM_NO_FRAME UINT64_MAX

/* One flat table; frames[page] is VM_NO_FRAME where there is none. The page size is any number. */
struct vm_single_level {
	uint64_t page_bytes;
	uint64_t physical_bytes; /* 0: no limit */
	size_t pages_count;
	const uint64_t *frames;
	enum vm_example_formula formula;
};

enum vm_single_outcome {
	VM_SINGLE_TRANSLATED,
	VM_SINGLE_BEYOND_TABLE, /* the address has no entry */
	VM_SINGLE_ABSENT,	/* the entry has no frame */
	VM_SINGLE_BEYOND_MEMORY /* the frame lies outside physical memory */
};

struct vm_single_result {
	enum vm_single_outcome outcome;
	uint64_t page, offset_bytes, frame, physical;
};

struct vm_single_result vm_single_translate(const struct vm_single_level *table, uint64_t address);

/* 2^bits of addresses in pages of 2^page_shift bytes: 4 MiB for (32, 12, 4), 32 PiB for (64, 12,
 * 8). Saturates at UINT64_MAX. */
uint64_t vm_flat_table_bytes(unsigned virtual_bits, unsigned page_shift, unsigned entry_bytes);

/* What one inner table of IA-32 spans: 4 MiB, or 1 MiB as one source cuts the address. */
uint64_t vm_ia32_inner_span_bytes(enum vm_ia32_split split);

/* How many times fewer leaf entries pages of 1 GiB need than pages of 4 KiB. */
uint64_t vm_giant_page_saving(enum vm_giant_page_saving saving);

/* Mapped addresses: from first to last, both included; sorted, not overlapping. */
struct vm_table_range {
	uint64_t first, last;
};

/*
 * Tables of each level (index 1 to levels) for the ranges, with leaves at leaf_level. The top table
 * always exists. Returns the bytes of all of them.
 */
uint64_t vm_hierarchical_tables(const struct vm_paging_shape *shape,
	const struct vm_table_range *ranges, size_t ranges_count, unsigned leaf_level,
	uint64_t tables[VM_PAGING_LEVELS_LIMIT + 1]);

/* Up to which level the system's count has the tables that a process builds. */
unsigned vm_tables_counted_levels(enum vm_tables_counted counted, unsigned levels);

/* Of those levels, how many lie above the three whose tables a process's status has. */
unsigned vm_tables_above_status(enum vm_tables_counted counted, unsigned levels);

/*
 * An inverted table: one entry a frame, holding process and page. Linear: looked through from the
 * first frame on. Hashed: an anchor for each bucket, entries chained.
 */
enum vm_inverted_search { VM_INVERTED_LINEAR, VM_INVERTED_HASHED };

struct vm_inverted;

size_t vm_inverted_bytes(uint32_t frames, uint32_t buckets);
/* buckets is a power of two; it counts for VM_INVERTED_HASHED only. */
struct vm_inverted *vm_inverted_create(
	enum vm_inverted_search search, uint32_t frames, uint32_t buckets, struct vm_arena *arena);
/* Each frame holds one page; mapping replaces what was there. */
void vm_inverted_map(struct vm_inverted *table, uint32_t frame, uint32_t process, uint64_t page);
void vm_inverted_unmap(struct vm_inverted *table, uint32_t frame);
/* The frame, or UINT32_MAX; probes: entries that were compared. */
uint32_t vm_inverted_find(
	const struct vm_inverted *table, uint32_t process, uint64_t page, uint32_t *probes);
/* The table itself, by the course's reckoning: entries of so many bytes, one a frame. */
static inline uint64_t vm_inverted_table_bytes(uint64_t frames, unsigned entry_bytes)
{
	return frames * entry_bytes;
}

#endif
