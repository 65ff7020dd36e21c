/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What differs between the textbook and Linux, and between kernels, is data: one record of named
 * behaviours. A model is a filling of this record; no rule asks for a kernel version, and none asks
 * which model it serves.
 *
 * A behaviour is an enumeration of the answers known, each explained. The rules of the machine and
 * the formulas switch over it without a default, so the compiler finds a rule that forgot an
 * answer.
 */
#ifndef VM_BEHAVIOURS_H
#define VM_BEHAVIOURS_H

#include "vm/host.h"

/* How far low and high lie above min. */
enum vm_watermark_gap {
	VM_WATERMARK_QUARTER_OF_MIN,		  /* low = 1.25 min, high = 1.5 min: the teaching */
	VM_WATERMARK_LARGER_OF_QUARTER_AND_SCALE, /* at least that, and scaled with the zone:
						     since 4.6 */
};

/* Where the min mark of a zone comes from. */
enum vm_watermark_min {
	VM_WATERMARK_MIN_GIVEN,	 /* the teaching: it is there, and the others follow from it */
	VM_WATERMARK_MIN_SHARED, /* min_free_kbytes shared out by size among all zones */
	/* Movable takes no part in that: 1/1024 of it, 32 to 128 pages */
	VM_WATERMARK_MIN_SHARED_LOWMEM,
};

/* What of memory is to be had by a new program. */
enum vm_available {
	VM_AVAILABLE_FREE_AND_CACHE, /* the teaching: what is free, and what is only a cache */
	VM_AVAILABLE_LESS_RESERVES,  /* less reserves, and half of a cache or the low marks */
};

/* What the percentages of dirty memory are taken of. */
enum vm_dirty_share {
	VM_DIRTY_SHARE_OF_RAM,	     /* the teaching */
	VM_DIRTY_SHARE_OF_DIRTYABLE, /* free memory above the reserves, and the page cache */
};

/* How the slab allocator chooses the number of pages of a slab. */
enum vm_slab_order {
	VM_SLAB_ORDER_BY_COUNT, /* fewer objects, before more than a quarter is left over */
	VM_SLAB_ORDER_BY_WASTE, /* more left over, before fewer objects: since 6.7 */
};

/* Where SHR of top and the third number of statm come from. */
enum vm_shared_size {
	VM_SHARED_SIZE_MAPPED_TWICE, /* the teaching: what others have mapped as well */
	VM_SHARED_SIZE_BY_KIND,	     /* file and shared memory, whoever else has it */
};

/* How a page's share is added up in PSS. */
enum vm_pss_share {
	VM_PSS_SHARE_EXACT,	/* the teaching: size divided by the number of users */
	VM_PSS_SHARE_TRUNCATED, /* each page in 4096ths of a byte, cut off, then bytes, then KiB */
};

/* How wide physical addresses are. */
enum vm_physical_width {
	VM_PHYSICAL_WIDTH_OF_FORMAT,	/* the teaching: 52 bits */
	VM_PHYSICAL_WIDTH_OF_PROCESSOR, /* what CPUID says; bits above are reserved */
};

/* How meminfo counts the pages of the kernel's linear mapping. */
enum vm_direct_map_count {
	VM_DIRECT_MAP_COUNTED_ONCE,	/* the teaching: one mapping of all memory */
	VM_DIRECT_MAP_COUNTED_BY_PIECE, /* a giant page counts in each piece that it was made in */
};

/* Which levels of page tables the system's count has. */
enum vm_tables_counted {
	VM_TABLES_COUNTED_ALL,	   /* the teaching: all of them; and since 6.14 */
	VM_TABLES_COUNTED_LOWER_2, /* those of 2 MiB and of 1 GiB */
	VM_TABLES_COUNTED_LOWER_3, /* and those of 512 GiB: since 6.7 */
};

/* What a process can use of the global descriptor table. */
enum vm_global_table {
	VM_GLOBAL_TABLE_WHOLE,	   /* the architecture: 8192 entries, less the first */
	VM_GLOBAL_TABLE_FIXED_FEW, /* user code and data, 32-bit code, and the CPU's number */
};

/* What keeps the areas of an address space in order. */
enum vm_area_tree { VM_AREA_TREE_RED_BLACK, VM_AREA_TREE_MAPLE };

/* When the inactive list counts as too short. */
enum vm_list_balance {
	VM_LIST_BALANCE_ROOT_OF_SIZE, /* inactive * sqrt(10 * GiB) < active, at least 1:1 */
	VM_LIST_BALANCE_THIRDS,	      /* osn: two thirds active, one third inactive */
};

/* What mode 0 compares a request with. */
enum vm_overcommit_heuristic {
	VM_OVERCOMMIT_SUM_OF_REQUESTS, /* the teaching: all that was promised counts */
	VM_OVERCOMMIT_SINGLE_REQUEST,  /* this call alone, against RAM + swap: since 5.2 */
};

/* Which requests count as a promise. */
enum vm_commit_charge {
	VM_COMMIT_CHARGES_EVERY_REQUEST, /* the teaching: what was asked for, of whatever kind */
	VM_COMMIT_CHARGES_BY_KIND,	 /* private writable areas and shared anonymous objects */
};

/* What becomes of the promise when an area is made read-only. */
enum vm_commit_read_only {
	VM_COMMIT_READ_ONLY_KEEPS,
	VM_COMMIT_READ_ONLY_RETURNS_UNTOUCHED, /* given back if no page was ever its own: since 6.3
						*/
};

/* What mode 2 compares with what. */
enum vm_commit_limit {
	VM_COMMIT_LIMIT_RAM_SHARE, /* the teaching: memory in use with swap + RAM x ratio */
	/* commitment with the same less huge pages and two reserves, or with a size set by hand */
	VM_COMMIT_LIMIT_LESS_HUGE_PAGES,
};

/* The scale of /proc/pid/oom_score. */
enum vm_oom_score_scale {
	VM_OOM_SCORE_PER_MILLE,	 /* 0 to 1000, idle 0, plus the adjustment: the teaching */
	VM_OOM_SCORE_TWO_THIRDS, /* (1000 + badness per mille) * 2/3, 0 to 2000: since 5.9 */
};

/* What the killer takes off for CAP_SYS_ADMIN. */
enum vm_oom_admin_bonus {
	VM_OOM_ADMIN_BONUS_THIRTY, /* one source: 30 thousandths */
	VM_OOM_ADMIN_BONUS_NONE,   /* since 4.17 */
};

/* How /proc/pid/status comes by the resident sizes. */
enum vm_status_counters {
	/* Up to 6.1, as the killer reads them: without the last faults of a task, until it unmaps.
	 */
	VM_STATUS_COUNTERS_CACHED_BY_TASK,
	/* As the killer reads them: without what each CPU holds back. */
	VM_STATUS_COUNTERS_CHEAP,
	VM_STATUS_COUNTERS_SUMMED, /* status adds up all CPUs; the killer takes the cheap reading */
};

/* How many pages a memory group is charged at a time. */
enum vm_group_charges {
	VM_GROUP_CHARGES_NOT_TOLD,
	VM_GROUP_CHARGES_BY_32,
	VM_GROUP_CHARGES_BY_64,
};

/* Whether the limits of a process (setrlimit) are spoken of. */
enum vm_process_limits { VM_PROCESS_LIMITS_NOT_TOLD, VM_PROCESS_LIMITS_TOLD };

/* Whether a randomised heap may begin right at the end of the program. */
enum vm_heap_gap {
	VM_HEAP_GAP_NONE,
	VM_HEAP_GAP_PAGE, /* at least one page lies between, against running over */
};

/* What reading untouched private anonymous memory does. */
enum vm_anonymous_read {
	VM_ANONYMOUS_READ_MAPS_ZERO_PAGE, /* one fault, the shared frame of zeros, not resident */
	VM_ANONYMOUS_READ_NEEDS_NO_FAULT, /* one source: mmap already mapped the zero page */
};

/* Which entries fork copies. */
enum vm_fork_copies {
	VM_FORK_COPIES_ALL,		/* the teaching: the child gets a copy of the table */
	VM_FORK_COPIES_ANONYMOUS_AREAS, /* areas with an anon_vma; the rest refaults */
};

/* Whether a direct transfer leaves its pages in the page cache. */
enum vm_direct_io {
	VM_DIRECT_IO_CACHED, /* osn: every transfer ends up in the page cache */
	VM_DIRECT_IO_AROUND_CACHE,
};

/* Which way round the U/S bit of an entry is read. */
enum vm_user_bit {
	VM_USER_BIT_SET_IS_USER,   /* intel-sdm:3A:4.6 */
	VM_USER_BIT_CLEAR_IS_USER, /* gios: 0 is user, 1 is supervisor only */
};

/* Whether an entry has a bit that says "readable". */
enum vm_read_bit {
	VM_READ_BIT_NONE,   /* x86: what is present can be read */
	VM_READ_BIT_EXISTS, /* gios, osn: readable, writable, executable */
};

/* What a walker takes a leaf above the last level for. */
enum vm_large_leaf {
	VM_LARGE_LEAF_KNOWN,
	VM_LARGE_LEAF_TAKEN_FOR_TABLE, /* lmm, osn: the walker printed descends to the end */
};

/* How a frame number and an offset make an address in the worked example. */
enum vm_example_formula {
	VM_EXAMPLE_FRAME_TIMES_PAGE_SIZE, /* the example's own figure */
	VM_EXAMPLE_FRAME_PLUS_OFFSET,	  /* osn: the formula printed beside it */
};

/* How IA-32 cuts a virtual address. */
enum vm_ia32_split {
	VM_IA32_SPLIT_10_10_12,
	VM_IA32_SPLIT_10_10_10, /* gios: an inner table then spans 1 MiB */
};

/* How many times fewer entries 1 GiB pages need than 4 KiB pages. */
enum vm_giant_page_saving {
	VM_GIANT_PAGE_SAVING_COUNTED, /* two levels less: 512 * 512 */
	VM_GIANT_PAGE_SAVING_1024,    /* gios */
};

/* Whether the min watermark can be crossed by anyone. */
enum vm_min_reserve {
	VM_MIN_RESERVE_ABSOLUTE,    /* wut */
	VM_MIN_RESERVE_FOR_THE_FEW, /* atomic requests and OOM victims go below it */
};

/* How much of the reserve below min is open to a real-time task that may sleep. */
enum vm_real_time_reserve {
	VM_REAL_TIME_RESERVE_HALF, /* as to __GFP_HIGH */
	/* Up to 6.2 a quarter; but what changed that went back to stable kernels, 6.1 among them,
	 * and nothing outside of the allocator tells which. */
	VM_REAL_TIME_RESERVE_QUARTER_OR_HALF,
};

/* Whether an object cache wastes memory inside its objects. */
enum vm_slab_rounding {
	VM_SLAB_NO_INTERNAL_WASTE, /* gios */
	VM_SLAB_SIZE_CLASSES,	   /* kmalloc rounds up to the next class */
};

/* Where the sizes of the translation buffers come from. */
enum vm_tlb_geometry {
	VM_TLB_GEOMETRY_CORE_I7, /* gios: one processor stands for all */
	VM_TLB_GEOMETRY_CPUID,
};

/* Which neighbouring areas become one. */
enum vm_merge {
	VM_MERGE_BACKING_AND_PERMISSIONS, /* lmm, osn: same backing, same rights */
	VM_MERGE_TARGET_FAMILY_SINGLE,	  /* and all flags; one side without anon_vma may join the
					     other if that one's is its only one */
	VM_MERGE_EITHER_FAMILY_SINGLE,	  /* the same, whichever side has it: since 6.16 */
};

/* Who writes to a piece of a large folio that fork shared, and does not copy it. */
enum vm_large_takeover {
	VM_LARGE_TAKEOVER_NEVER,      /* nobody: 6.9 to 6.14 */
	VM_LARGE_TAKEOVER_LAST_PIECE, /* whoever maps its only mapped piece: until 6.8 */
	VM_LARGE_TAKEOVER_SAME_SPACE, /* who maps several pieces, and nobody else any: since 6.15 */
};

/* When a page is zeroed. */
enum vm_zeroing {
	VM_ZEROING_IN_ADVANCE, /* osn: those that are unused are */
	VM_ZEROING_AT_FAULT,   /* or when it was freed, if the kernel was told to: since 5.3 */
};

/* What makes paging out begin. */
enum vm_paging_trigger {
	VM_PAGING_TRIGGER_USAGE_OR_IDLE, /* gios: memory used above a mark, or the CPU idle */
	VM_PAGING_TRIGGER_FREE_MEMORY,
};

struct vm_behaviours {
	enum vm_watermark_gap watermark_gap;
	enum vm_watermark_min watermark_min;
	enum vm_slab_order slab_order;
	enum vm_shared_size shared_size;
	enum vm_pss_share pss_share;
	enum vm_physical_width physical_width;
	enum vm_direct_map_count direct_map_count;
	enum vm_tables_counted tables_counted;
	enum vm_global_table global_table;
	enum vm_area_tree area_tree;
	enum vm_list_balance list_balance;
	enum vm_available available;
	enum vm_dirty_share dirty_share;
	enum vm_overcommit_heuristic overcommit_heuristic;
	enum vm_commit_charge commit_charge;
	enum vm_commit_read_only commit_read_only;
	enum vm_commit_limit commit_limit;
	enum vm_oom_score_scale oom_score_scale;
	enum vm_oom_admin_bonus oom_admin_bonus;
	enum vm_status_counters status_counters;
	enum vm_group_charges group_charges;
	enum vm_process_limits process_limits;
	enum vm_heap_gap heap_gap;
	bool ksm_unshares; /* what is merged is taken apart by an unsharing fault, not by a write */
	enum vm_anonymous_read anonymous_read;
	enum vm_fork_copies fork_copies;
	enum vm_direct_io direct_io;
	enum vm_user_bit user_bit;
	enum vm_read_bit read_bit;
	enum vm_large_leaf large_leaf;
	enum vm_example_formula example_formula;
	enum vm_ia32_split ia32_split;
	enum vm_giant_page_saving giant_page_saving;
	enum vm_min_reserve min_reserve;
	enum vm_real_time_reserve real_time_reserve;
	enum vm_paging_trigger paging_trigger;
	enum vm_zeroing zeroing;
	enum vm_slab_rounding slab_rounding;
	enum vm_tlb_geometry tlb_geometry;
	enum vm_merge merge;
	bool saved_dirty;      /* read-only entries keep "dirty" in software: since 6.6 */
	bool stack_maps_small; /* MAP_STACK asks for small pages: since 6.7 */
	bool remap_realigns;   /* mremap moves whole tables below an area's start: since 6.7 */
	bool remap_moves_many; /* and checks its target first: since 6.17 */
	bool protect_batches;  /* mprotect takes the entries of a large folio as one: since 6.17 */
	bool hugetlb_cached_by_page; /* the cache's index counts small pages: since 6.7 */
	bool table_share_count; /* a table of 1 GiB entries may be taken for shared: since 6.17 */
	enum vm_large_takeover large_takeover;
	bool maps_whole_folios;	     /* a file fault maps all of a large folio: since 6.18 */
	enum vm_known guard_letter;  /* areas remember that they may hold guards: "gu" */
	bool huge_exclusive_by_head; /* pagemap's bit 56 of a huge leaf looks at its first page
					only: since 6.15 */
	bool cuts_by_halves; /* truncation splits only what it must of a large folio: since 6.15 */
	bool punch_keeps_dirty; /* a hole in a disk file cuts dirty pages without writing them first
				 */
	/* What MREMAP_DONTUNMAP made does not join the area it came from: since 7.3, and in stable
	 * releases of 2026. */
	enum vm_known remap_keeps_apart;
	bool punch_unmaps_all;	 /* a hole in a disk file that ends inside the first page unmaps all
				  */
	bool exec_reads_forward; /* a cold fault in an executable area reads from its page to the
				    area's end, not around it: since 6.17 */
	bool read_order_kept;	 /* a first read of a file makes single pages: since 6.17; before,
				    folios of four where the file system has them */
	/* With a folio that reaches the file's last page first in the window, fault-around makes no
	 * table: since 6.18. */
	enum vm_known fault_around_needs_table;
	bool populate_stops_at_hole; /* madvise(POPULATE_*) ends at the first hole: since 6.10 */
	bool populate_begins_again;  /* it forgets that a fault waited, which is minor then */
	bool flags_of_folio;	   /* kpageflags shows the folio's flags for each page of it: since
				      6.10; before, the page's own, and tails have none */
	bool ksm_flag_loose;	   /* and "ksm" for every anonymous page, until 7.1 and some 6.18 */
	bool lock_on_fault_letter; /* smaps prints "lf": since 6.2 */
	bool merges_below_first; /* a new area asks the one below it first: since 6.12; before, the
				    one above, whose family the one below then has to fit */
	bool per_area_lock;	 /* a fault that waits is tried again as if new, unless it read:
				  * since 6.4
				  */
	bool swap_in_cached;	 /* also from a device that is read at once, through the swap cache,
				    which the page leaves dirty: since 7.0 */
	bool swap_in_shared; /* a page from swap is one's own only if its entry said so: since 7.3;
				before, also if nobody else has it */
	enum vm_known read_maps_dirty; /* a reader's writable entry of a dirty page is dirty */
	bool tracked_moves_apart; /* what is tracked joins nobody where it moves to: since 7.3 */
	bool huge_zero_no_file;	  /* the huge zero page is no file's in pagemap: since 7.3 */
	enum vm_known sync_clears_tags; /* of clean folios whose place says that they are dirty */
	enum vm_known holes_written;	/* PAGEMAP_SCAN takes what has no table for written */
	bool written_if_tracked;	/* and nothing for written where nobody tracks: since 7.3 */
	bool remap_unaccounts; /* MREMAP_DONTUNMAP leaves a source that is not accounted: 6.15, 6.16
				*/
	bool mem_forced; /* /proc/PID/mem does not mind protections: may be forbidden since 6.12 */
	bool huge_files_eligible; /* areas of files whose page cache makes large folios: since 7.2
				   */
	bool swap_in_writable; /* a page of one's own comes back writable for a reader too: 6.11 */
	bool pageout_keeps_young; /* pageout reclaims without clearing references: since 6.9 */
	bool execute_only_keys; /* what may only be executed has a protection key against reading */
	bool access_monitored;	/* DAMON clears and keeps reference bits behind everyone */
	bool guards_files;	/* guard regions in file mappings: since 6.15 */
	/* Secret memory is counted against the limit of locked memory page by page, and its area is
	 * not locked: since 7.2, and in stable releases of 2026. */
	enum vm_known secret_by_page;
	/* A huge page that goes from its owner leaves a reservation only if nobody else has it:
	 * since 7.2, and in stable releases of 2026. */
	enum vm_known reserve_returns_last;
	bool pin_asks_areas;  /* a long pin of shared file pages is refused by the area: since 6.5;
				 before, the ring refused pages of disk files, and of several
				 files, when it had them */
	bool pin_asks_tables; /* and what the tables allow is pinned without a lock: since 6.10 */
	bool map_prepares; /* what a file asks of its areas is asked before they are merged: 6.16 */
	bool huge_pages_at_fault; /* the teaching knows 4 KiB faults only */
	bool fault_around;	  /* a file read fault maps its neighbours too */
};

void vm_behaviours_textbook(struct vm_behaviours *behaviours);
void vm_behaviours_linux(struct vm_behaviours *behaviours, const struct vm_host *host);

#endif
