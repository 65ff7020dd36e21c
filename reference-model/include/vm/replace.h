/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Simulators of page replacement. One program, one reference string, a number of frames; what is
 * counted is faults, write-backs, transfers and what the policy itself has to do.
 *
 * A reference is the number of a page, dense from 0, with the top bit set where the page is
 * written: 4 bytes, so that a hundred million fit everywhere. vm/intern.h makes dense numbers out
 * of addresses. All memory is the caller's: vm_replace_bytes() says how much.
 */
#ifndef VM_REPLACE_H
#define VM_REPLACE_H

#include <stdbool.h>

#include "vm/base.h"
#include "vm/behaviours.h"
#include "vm/units.h"

#define VM_REFERENCE_WRITES	 (UINT32_C(1) << 31)
#define VM_REFERENCE_PAGES_LIMIT VM_REFERENCE_WRITES
#define VM_NO_PAGE		 UINT32_MAX

static inline uint32_t vm_reference_page(uint32_t reference)
{
	return reference & ~VM_REFERENCE_WRITES;
}

static inline bool vm_reference_writes(uint32_t reference)
{
	return (reference & VM_REFERENCE_WRITES) != 0;
}

/* The second word is how command line and records spell the policy. */
#define VM_POLICIES(X)                                                                           \
	X(OPT, "opt")			  /* what is used again last, goes; needs the future */  \
	X(FIFO, "fifo")			  /* what was loaded first, goes */                      \
	X(LRU, "lru")			  /* what was used longest ago, goes: a list */          \
	X(LRU_STAMPS, "lru-stamps")	  /* the same by a scan over time stamps */              \
	X(CLOCK, "clock")		  /* one hand, one reference bit */                      \
	X(SECOND_CHANCE, "second-chance") /* the same as a queue */                              \
	X(TWO_HANDED, "two-handed")	  /* a leading hand clears the bits */                   \
	X(DIRTY_CLOCK,                                                                           \
		"dirty-clock") /* clean victims first; all dirty ones written if none is left */ \
	X(RANDOM, "random")                                                                      \
	X(BUFFERING, "buffering")     /* FIFO with a pool of free frames that remember */        \
	X(NRU, "nru")		      /* four classes by referenced and dirty */                 \
	X(LFU, "lfu")		      /* use counts, halved every period */                      \
	X(AGEING, "ageing")	      /* a shift register of reference bits */                   \
	X(WORKING_SET, "working-set") /* what was not used within the window, goes; no limit */  \
	X(WSCLOCK, "wsclock")	      /* a clock that looks at the window */                     \
	X(PFF, "pff")		      /* grows and shrinks by the time between faults */         \
	X(TWO_LIST, "two-list")	      /* Linux: active and inactive, with refault distance */    \
	X(GENERATIONS, "generations") /* Linux: the generational lists */

enum vm_policy {
#define VM_POLICY_ENUMERATOR(name, word) VM_POLICY_##name,
	VM_POLICIES(VM_POLICY_ENUMERATOR)
#undef VM_POLICY_ENUMERATOR
		VM_POLICY_LIMIT,
};

const char *vm_policy_word(enum vm_policy policy);
/* VM_POLICY_LIMIT where there is no such word. */
enum vm_policy vm_policy_of(const char *word);

/* How a page is used, as far as Linux sees it. */
enum vm_page_use {
	VM_USE_READ,   /* read() and write(): each use is reported (folio_mark_accessed) */
	VM_USE_MAPPED, /* through page tables: a bit that only reclaim looks at */
};

/*
 * What TWO_LIST can be held against: the same lists, batches and portions with one rule less. A
 * kernel that had lost the rule would leave these pages.
 */
#define VM_LIST_RIVALS(X)                                                                  \
	X(NONE, "Linux")				  /* no rule less */               \
	X(LRU, "plain LRU")				  /* each use moves to the head */ \
	X(FIFO, "FIFO")					  /* use changes nothing */        \
	X(NO_PROMOTION, "no promotion")			  /* a second use is nothing */    \
	X(NO_DEMOTION, "no demotion")			  /* the active list stays */      \
	X(NO_REFAULT_ACTIVATION, "no refault activation") /* what went is forgotten */     \
	X(NO_SECOND_CHANCE, "no second chance")		  /* accessed bits are not looked at */

enum vm_list_rival {
#define VM_LIST_RIVAL_ENUMERATOR(name, word) VM_LIST_RIVAL_##name,
	VM_LIST_RIVALS(VM_LIST_RIVAL_ENUMERATOR)
#undef VM_LIST_RIVAL_ENUMERATOR
		VM_LIST_RIVAL_LIMIT,
};

const char *vm_list_rival_word(enum vm_list_rival rival);

struct vm_replace_config {
	enum vm_policy policy;
	uint32_t pages;		       /* page numbers are below */
	uint32_t frames;	       /* WORKING_SET and PFF: the most that there can ever be */
	uint32_t hand_gap_frames;      /* TWO_HANDED: how far the leading hand is ahead */
	uint32_t pool_frames;	       /* BUFFERING: of the frames, those kept free */
	uint32_t reclaim_batch_frames; /* TWO_LIST, GENERATIONS: freed at once; 0 counts as 1 */
	enum vm_page_use use;	       /* TWO_LIST, GENERATIONS */
	enum vm_list_balance balance;  /* TWO_LIST */
	/* OPT: the references in the order in which they will come. */
	const uint32_t *future;
	size_t future_count;
	uint64_t seed;		    /* RANDOM, NRU */
	uint64_t period_references; /* NRU, LFU, AGEING: between clearings; 0: never */
	uint64_t window_references; /* WORKING_SET, WSCLOCK; PFF: the time between faults */
	bool load_leaves_bit_clear; /* CLOCK and kin: loading alone does not count as a use */
	enum vm_list_rival rival;   /* TWO_LIST */
	/* TWO_LIST: the sizes that decisions go by are taken anew after so many moves of frames;
	 * 0: always. */
	uint32_t statistics_lag_moves;
	uint32_t statistics_phase_moves; /* how old they are in the beginning */
	bool statistics_at_reference;	 /* and before each reference as well */
	/* TWO_LIST, GENERATIONS: pages from this one on are used by read() whatever use says; 0:
	 * none. */
	uint32_t read_from_page;
	bool read_ahead; /* GENERATIONS: what is mapped was read before it faults */
};

/* NULL, or what is wrong with the configuration. */
const char *vm_replace_config_problem(const struct vm_replace_config *config);

struct vm_replace_counts {
	uint64_t references, faults;
	uint64_t cold_faults; /* of pages never seen before: no policy can avoid them */
	uint64_t evictions, write_backs;
	uint64_t transfers;	     /* page-ins and write-backs */
	uint64_t critical_transfers; /* of these, what the faulting program waits for */
	uint64_t taken_back;	     /* BUFFERING: found in the pool, no transfer */
	uint64_t pointer_updates;    /* LRU: links written on hits and loads */
	uint64_t scanned;	     /* frames looked at to find victims */
	uint64_t activations, demotions, refaults, refault_activations; /* TWO_LIST, GENERATIONS */
	uint64_t resident_sum; /* of the resident pages after each reference, for the mean */
	uint32_t resident, resident_peak;
};

/* What one reference did. */
struct vm_replace_event {
	bool fault;
	uint32_t frame;	 /* where the page is now */
	uint32_t victim; /* the page that had to go for it, or VM_NO_PAGE */
	bool victim_was_dirty;
};

struct vm_replace;

size_t vm_replace_bytes(const struct vm_replace_config *config);
/* NULL when the arena is too small. The configuration must be without problem. */
struct vm_replace *vm_replace_create(
	const struct vm_replace_config *config, struct vm_arena *arena);

void vm_replace_reference(
	struct vm_replace *replace, uint32_t reference, struct vm_replace_event *event);
/* The same for many, without events: fast. */
void vm_replace_run(struct vm_replace *replace, const uint32_t *references, size_t count);

const struct vm_replace_counts *vm_replace_counts(const struct vm_replace *replace);

/* For drawing, and for whoever compares the resident set with a kernel's. */
#define VM_FRAME_REFERENCED (UINT8_C(1) << 0)
#define VM_FRAME_DIRTY	    (UINT8_C(1) << 1)
#define VM_FRAME_ACTIVE	    (UINT8_C(1) << 2) /* TWO_LIST */
#define VM_FRAME_IN_POOL    (UINT8_C(1) << 3) /* BUFFERING: free, but remembered */
uint32_t vm_replace_page_in(const struct vm_replace *replace, uint32_t frame);
uint8_t vm_replace_frame_flags(const struct vm_replace *replace, uint32_t frame);
/* The frame at which a hand points, or UINT32_MAX where the policy has no hand. */
uint32_t vm_replace_hand(const struct vm_replace *replace);
/* How many times larger the active list may be, where both together have so many pages. */
uint64_t vm_replace_inactive_ratio(enum vm_list_balance balance, uint64_t pages);

bool vm_replace_is_resident(const struct vm_replace *replace, uint32_t page);

#endif
