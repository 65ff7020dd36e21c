/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state of the abstract machine, as its chapters share it.
 *
 *     processes -> mm -> areas (sorted list) -> objects (files) -> cache entries -> frames
 *                   \-> tables (tree of entries) ---------------------------------> frames
 *                                            \-> swap slots
 *
 * Everything is an index into an array behind the machine, so that a copy is a checkpoint. Arrays
 * are used from the front: what lies beyond their high-water mark is never touched.
 */
#ifndef MACHINE_STATE_H
#define MACHINE_STATE_H

#include "machine/rules.h"
#include "vm/machine.h"
#include "vm/pte.h"

void *memset(void *, int, size_t);
void *memcpy(void *restrict, const void *restrict, size_t);

#define NONE UINT32_MAX

/* Entries of a table, and pages under one entry of the table above. */
#define TABLE_ENTRIES 512
#define HUGE_PAGES    512
#define HUGE_ORDER    9
#define GIANT_ORDER   18
#define GIANT_PAGES   (UINT32_C(1) << GIANT_ORDER)
#define ZERO_FRAME    0

/* Symbolic frame numbers of what has no struct frame of its own. */
#define TABLE_FRAMES_AT UINT32_C(0x08000000)
#define GIANT_FRAMES_AT UINT32_C(0x10000000)

/* Equal bytes from start to the next run; the contents of a frame are a chain of runs, canonical:
 * neighbours differ. NONE instead of a chain is all zeros. */
struct run {
	uint32_t start, next;
	uint8_t value;
};

enum folio_flag {
	FOLIO_DIRTY = 1 << 0,
	FOLIO_WRITE_BACK = 1 << 1,
	FOLIO_SWAP_BACKED = 1 << 2,
	FOLIO_SWAP_CACHE = 1 << 3,
	FOLIO_ANONYMOUS = 1 << 4,
	FOLIO_KSM = 1 << 5,
	FOLIO_MLOCKED = 1 << 6,
	FOLIO_IN_CACHE = 1 << 7,
	FOLIO_HUGETLB = 1 << 8,
	FOLIO_PARTIALLY_MAPPED = 1 << 9, /* queued for a deferred split */
	FOLIO_HUGE_ZERO = 1 << 10,
	FOLIO_EMPTY = 1 << 13,	    /* cached without having been read: not up to date */
	FOLIO_MAYBE_LAZY = 1 << 18, /* freed lazily unless it was still locked */
	FOLIO_READ_AHEAD = 1 << 14, /* whoever comes here starts the next window */
	FOLIO_RECLAIM = 1 << 19,    /* READ_AHEAD means this: reclaim found it dirty (PG_reclaim) */
	FOLIO_MUNLOCKED = 1 << 15,  /* its unlocking may still lie in a batch */
	FOLIO_READ_IN_FLIGHT = 1 << 17, /* came along with another page: may be on its way */
	FOLIO_LOCK_LOST = 1 << 20, /* its area is not locked any more, and nobody told the page */
	FOLIO_OWED = 1 << 21,	   /* the pool gets it back reserved (restore_reserve) */
	FOLIO_TAGGED_DIRTY = 1 << 16,	  /* clean, but its place in the cache says otherwise */
	FOLIO_MAYBE_REFERENCED = 1 << 11, /* its accessed mark lies in a batch or is set */
};

/* A 4 KiB frame. What belongs to the folio stands in its head. */
struct frame {
	uint32_t head; /* NONE: free */
	uint32_t contents;
	int32_t map_count; /* entries of lowest tables that map this very frame */
	bool exclusive;	   /* PageAnonExclusive */
	bool dirty;	   /* its own buffer, where the folio is a disk file's and dirty */
	bool pinned;	   /* one of the references below is a pin */
	uint32_t held;	   /* references of a pipe or a ring to this small page */

	uint8_t order;
	uint32_t flags;
	int32_t entire_map_count; /* huge entries that map the whole folio */
	int32_t maps;		  /* all of the above together */
	uint32_t object;	  /* of a cached page */
	uint64_t index;		  /* page offset in the object, or in the anonymous area */
	uint32_t slot;		  /* of a page in the swap cache */
};

/* 512 frames of which some are taken; a huge folio takes a whole block. */
struct block {
	uint64_t taken[HUGE_PAGES / 64];
	uint32_t taken_count, next;
};

struct table {
	uint64_t entry[TABLE_ENTRIES];
};

struct table_facts {
	uint32_t next;	    /* free list, or the deposit that it is in */
	uint32_t deposited; /* of a table of huge leaves: the tables kept for splitting them */
	uint8_t level;	    /* 1: lowest; 0: free */
	uint16_t used;	    /* entries that are not zero */
	/* The accessed bit was cleared without a flush: the processor may not set it again. */
	uint64_t stale[TABLE_ENTRIES / 64];
};

/* An anon_vma, and a link of an area's chain to one. */
struct family {
	bool used;
	uint32_t parent;   /* NONE: a root */
	uint32_t children; /* itself included if it is a root, as the kernel counts */
	uint32_t active_areas;
	uint32_t links; /* chain entries that lead here */
};

struct link {
	uint32_t family, next;
};

struct area {
	uint32_t next; /* by address, or free list */
	bool used;
	uint32_t mm;
	uint64_t start, end;
	uint32_t flags; /* VM_AREA(...) */
	uint64_t page_offset;
	uint32_t object;     /* NONE: private anonymous */
	uint32_t family;     /* anon_vma, or NONE */
	uint32_t chain;	     /* first link, or NONE */
	bool uffd;	     /* registered for asynchronous write protection */
	bool read_only_file; /* descriptor without write access */
	bool reserve_owner;  /* hugetlb private: reservations belong to this area */
	bool bereft;	     /* hugetlb private: the owner took a page back from it */
};

enum rss_kind { RSS_FILE, RSS_ANON, RSS_SWAP, RSS_SHMEM, RSS_LIMIT };

struct mm {
	uint32_t users; /* 0: unused */
	uint32_t root;	/* table of the top level */
	uint32_t first_area;
	uint32_t area_count;
	uint64_t total_pages, locked_pages, data_pages, exec_pages, stack_pages;
	int64_t rss[RSS_LIMIT];
	uint64_t hugetlb_pages;
	uint32_t table_count[VM_PAGING_LEVELS_LIMIT + 1];
	uint32_t default_flags; /* mlockall(MCL_FUTURE) */
	uint64_t break_start, break_end;
	bool uffd_open;		   /* a userfaultfd has been created and registered */
	bool denies_write_execute; /* prctl(PR_SET_MDWE) */
};

struct process {
	enum vm_process_state state;
	uint32_t mm;
	uint32_t parent;
	bool shares_parent; /* vfork: the parent waits */
	uint64_t minor_faults, major_faults;
};

/* A file, or the object behind a shared anonymous or huge mapping. */
struct object {
	bool used, open, is_anonymous, read_at_random;
	enum vm_file_kind kind;
	uint64_t size_bytes;
	uint32_t areas;	       /* that map it */
	uint32_t first_entry;  /* of its cache entries */
	bool reserved_by_size; /* committed for its whole size: shared anonymous without NORESERVE
				*/
	uint64_t committed_pages;
	uint64_t read_end; /* where the last read(2) ended */
	bool was_emptied;  /* cut to nothing since it was opened */
};

/* One page of an object that is cached, or whose stored contents are not zeros. */
struct entry {
	uint32_t object;
	uint64_t index; /* in pages of the object's own size */
	uint32_t next_hash, next_in_object;
	uint32_t frame;	 /* NONE: not cached */
	uint32_t stored; /* contents on stable storage; disk files only */
	uint32_t slot;	 /* shmem page in swap, or NONE */
	bool used;
	bool allocated; /* has blocks on stable storage, zeros or not */
	bool shadow;	/* evicted, and remembered */
	bool reserved;	/* hugetlb: a reservation is held for it */
};

struct slot {
	uint32_t count;	   /* entries of tables that name it */
	uint32_t contents; /* what was written out */
	uint32_t frame;	   /* swap cache, or NONE */
	uint32_t next;	   /* free list */
	bool zero;
	bool used;
};

/* A page, or a part of it, that lies in the pipe. */
struct pipe_part {
	uint32_t frame, offset, length;
};

#define PIPE_PARTS_LIMIT 16

/* The fixed buffer of the one ring. */
struct pin {
	uint64_t address, length; /* 0: there is none */
	uint32_t frames[VM_PIN_PAGES];
};

/* Hash buckets of the page cache. */
#define CACHE_BUCKETS 1024

#define LAST_RULES 96

struct pool {
	uint32_t at; /* offset from the machine, in 16-byte units */
	uint32_t limit;
	uint32_t high; /* elements ever used */
	uint32_t free; /* first of the free list, where there is one */
};

#define STATE_POOLS(X)                     \
	X(processes, struct process)       \
	X(mms, struct mm)                  \
	X(areas, struct area)              \
	X(families, struct family)         \
	X(links, struct link)              \
	X(frames, struct frame)            \
	X(blocks, struct block)            \
	X(giants, struct frame)            \
	X(tables, struct table)            \
	X(table_facts, struct table_facts) \
	X(objects, struct object)          \
	X(entries, struct entry)           \
	X(slots, struct slot)              \
	X(runs, struct run)

struct vm_machine {
	struct vm_host host;
	struct vm_behaviours behaviours;
	struct vm_machine_setup setup;
	struct vm_mmu mmu; /* root is put in per walk */
#define STATE_POOL_MEMBER(name, type) struct pool name;
	STATE_POOLS(STATE_POOL_MEMBER)
#undef STATE_POOL_MEMBER
	uint32_t bucket[CACHE_BUCKETS];
	uint32_t huge_zero; /* frame of the huge zero folio, or NONE */
	uint32_t block_hint;
	struct pipe_part pipe[PIPE_PARTS_LIMIT];
	uint32_t pipe_count;
	struct pin pin;
	int64_t committed_pages;
	uint64_t frames_in_use, slots_in_use;
	struct vm_huge_pool huge_2m, huge_1g;
	uint64_t ksm_shared, ksm_sharing, ksm_unshared, ksm_zero; /* as of the last scan */
	uint64_t event[VM_EVENT_LIMIT];
	uint64_t rule_hits[RULE_LIMIT];
	/* Of the operation under way. */
	uint32_t actor;
	uint32_t last_rules_count;
	uint16_t last_rules[LAST_RULES];
	const struct vm_operation *operation;
	struct vm_outcome *outcome;
	bool out_of_room; /* a pool was exhausted: the limits of the caller, not of Linux */
};

#define STATE_POOL_ACCESS(name, type)                                                             \
	static inline type *name##_of(const struct vm_machine *m)                                 \
	{                                                                                         \
		return (type *)(void *)((unsigned char *)(uintptr_t)m + (size_t)m->name.at * 16); \
	}
STATE_POOLS(STATE_POOL_ACCESS)
#undef STATE_POOL_ACCESS

static inline struct mm *mm_of(const struct vm_machine *m, uint32_t mm)
{
	return &mms_of(m)[mm];
}

static inline struct area *area_of(const struct vm_machine *m, uint32_t area)
{
	return &areas_of(m)[area];
}

static inline struct frame *frame_of(const struct vm_machine *m, uint32_t frame)
{
	if (frame >= GIANT_FRAMES_AT)
		return &giants_of(m)[(frame - GIANT_FRAMES_AT) >> GIANT_ORDER];
	return &frames_of(m)[frame];
}

static inline struct frame *folio_of(const struct vm_machine *m, uint32_t frame)
{
	struct frame *piece = frame_of(m, frame);

	return piece->order == GIANT_ORDER ? piece : &frames_of(m)[piece->head];
}

static inline struct object *object_of(const struct vm_machine *m, uint32_t object)
{
	return &objects_of(m)[object];
}

/* Takes an element of a pool whose elements are freed by their own lists; NONE when it is full. */
static inline uint32_t pool_extend(struct pool *pool)
{
	return pool->high < pool->limit ? pool->high++ : NONE;
}

/* The rule is obeyed now. */
void rule_obey(struct vm_machine *m, enum rule rule);

/* A freedom of the kernel: true if the operation asks for the other branch. */
bool choose(struct vm_machine *m, enum vm_freedom freedom);

static inline bool has(const struct vm_machine *m, enum vm_feature feature)
{
	return vm_host_has(&m->host, feature);
}

static inline void count_event(struct vm_machine *m, enum vm_event event)
{
	m->event[event]++;
}

#endif
