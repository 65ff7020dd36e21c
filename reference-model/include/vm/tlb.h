/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A simulator of translation look-aside buffers: set-associative arrays on two levels, several
 * page sizes, address-space ids or a flush at each switch, paging-structure caches, and the memory
 * references that a walk costs, also under nested paging.
 *
 * An entry carries the rights and the frame of the moment in which it was filled. Until it is
 * invalidated it acts, whatever the tables say by then: that is what a kernel must not forget.
 */
#ifndef VM_TLB_H
#define VM_TLB_H

#include "vm/base.h"
#include "vm/host.h"
#include "vm/walk.h"

enum vm_tlb_replacement { VM_TLB_LRU, VM_TLB_PSEUDO_LRU, VM_TLB_RANDOM };

#define VM_TLB_ARRAYS_LIMIT VM_TLB_FACTS_LIMIT
/* A tree of one bit a node steers pseudo-LRU; its bits of a set fit two words. */
#define VM_TLB_PSEUDO_LRU_WAYS_LIMIT 128

struct vm_tlb_config {
	size_t arrays_count;
	const struct vm_tlb_fact *arrays; /* as CPUID describes them: vm_host.cpu.tlb will do */
	enum vm_tlb_replacement replacement;
	uint64_t seed;		/* of VM_TLB_RANDOM */
	bool address_space_ids; /* entries carry the space; else a switch flushes all but global
				   ones */
	enum vm_paging paging;	/* of the tables that a miss walks */
	/* Entries of the cache of table pointers found at level n, by level (2 to 5); 0: no cache.
	 */
	uint32_t structure_entries[VM_PAGING_LEVELS_LIMIT + 1];
	bool nested; /* the tables are a guest's: each reference is translated in turn */
	enum vm_paging host_paging;
	uint8_t host_page_shift; /* of the host's pages under a guest; an entry covers the smaller
				  */
};

/* NULL, or what is wrong with the configuration. */
const char *vm_tlb_config_problem(const struct vm_tlb_config *config);

/* What the tables say of a page. */
struct vm_tlb_page {
	uint64_t physical; /* of the page's first byte */
	uint8_t page_shift;
	struct vm_rights rights;
	bool global;
};

/* Looks into the tables; returns false where the access faults there. */
typedef bool vm_tlb_walk_function(
	void *context, uint16_t space, const struct vm_access *access, struct vm_tlb_page *page);

struct vm_tlb_counts {
	uint64_t accesses;
	uint64_t level_1_hits, level_2_hits;
	uint64_t walks;		  /* misses on all levels, and second looks for a dirty bit */
	uint64_t dirty_walks;	  /* of these: a write through an entry filled by a read */
	uint64_t walk_references; /* memory references of the walks */
	uint64_t structure_hits;  /* walks shortened by a structure cache */
	uint64_t faults;	  /* by the tables, or by the rights in an entry */
	uint64_t switches, flushes, invalidated;
};

struct vm_tlb_outcome {
	uint8_t level; /* 1, 2; 0: walked */
	uint8_t walk_references;
	bool fault;
	uint64_t physical; /* where not fault */
};

struct vm_tlb;

size_t vm_tlb_bytes(const struct vm_tlb_config *config);
/* NULL when the arena is too small; the configuration and its arrays are copied. */
struct vm_tlb *vm_tlb_create(const struct vm_tlb_config *config, struct vm_arena *arena);

struct vm_tlb_outcome vm_tlb_access(struct vm_tlb *tlb, const struct vm_mmu *mmu,
	const struct vm_access *access, vm_tlb_walk_function *walk, void *context);

/* The base register changes. */
void vm_tlb_switch(struct vm_tlb *tlb, uint16_t space);
/* INVLPG in the space in use: entries of the page, and all structure caches of the space. */
void vm_tlb_invalidate(struct vm_tlb *tlb, uint64_t address);
void vm_tlb_flush(struct vm_tlb *tlb, bool global_too);

const struct vm_tlb_counts *vm_tlb_counts(const struct vm_tlb *tlb);

/* References of one walk without any cache: n; nested: n*m + n + m. */
unsigned vm_tlb_walk_references(const struct vm_tlb_config *config, unsigned page_shift);

static inline uint64_t vm_tlb_reach_bytes(const struct vm_tlb_fact *array, unsigned page_shift)
{
	return (uint64_t)array->entries << page_shift;
}

/* What things cost, in picoseconds, for the effective access time. */
struct vm_tlb_costs {
	uint64_t level_1_ps, level_2_ps, walk_reference_ps, memory_ps;
};

/* Time of all accesses; divide by counts.accesses for the effective access time. */
uint64_t vm_tlb_time_ps(const struct vm_tlb_counts *counts, const struct vm_tlb_costs *costs);

#endif
