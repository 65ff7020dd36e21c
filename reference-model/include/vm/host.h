/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host as the model sees it: everything that a prediction may depend on and that does not move
 * while the suite measures. What moves (zones, counters, free memory) is never here: it is an
 * observation, read in one pass with the output that depends on it.
 *
 * A host is filled from the live machine or from a captured one; the model cannot tell.
 */
#ifndef VM_HOST_H
#define VM_HOST_H

#include <stdbool.h>
#include <stdint.h>

#include "vm/units.h"

/*
 * Features: what a kernel has or has not. Each is established by a surface that no claim about it
 * observes (configuration, existence of a file or ioctl, a flag letter, a counter's name); the
 * version is the last resort. The second word is how records spell it.
 */
#define VM_FEATURES(X)                                            \
	X(THP, "thp")                                             \
	X(HUGE_ZERO_PAGE, "huge-zero-page")                       \
	X(HUGE_ZERO_WRITE_ALLOCATES, "huge-zero-write-allocates") \
	X(MTHP, "mthp")                                           \
	X(SMP, "smp")                                             \
	X(HUGETLB_2M, "hugetlb-2m")                               \
	X(HUGETLB_1G, "hugetlb-1g")                               \
	X(SWAP, "swap")                                           \
	X(KSM, "ksm")                                             \
	X(KSM_ZERO_PAGES, "ksm-zero-pages")                       \
	X(SOFT_DIRTY, "soft-dirty")                               \
	X(PAGEMAP_SCAN, "pagemap-scan")                           \
	X(PROCMAP_QUERY, "procmap-query")                         \
	X(UFFD_WP_ASYNC, "uffd-wp-async")                         \
	X(GUARD_REGIONS, "guard-regions")                         \
	X(MAPLE_TREE, "maple-tree")                               \
	X(ANON_EXCLUSIVE, "anon-exclusive")                       \
	X(PT_RECLAIM, "page-table-reclaim")                       \
	X(LRU_GEN, "lru-gen")                                     \
	X(CACHESTAT, "cachestat")                                 \
	X(SLAB_ORDER_BY_WASTE, "slab-order-by-waste")             \
	X(MSEAL, "mseal")                                         \
	X(MDWE, "mdwe")                                           \
	X(DROPPABLE, "droppable")                                 \
	X(LARGE_FOLIO_FILES, "large-folio-files")                 \
	X(WATERMARK_PROMO, "watermark-promo")                     \
	X(MOVABLE_MIN_CLAMP, "movable-min-clamp")                 \
	X(PCP_HIGH_MIN, "pcp-high-min")                           \
	X(RSS_EXACT_STATUS, "rss-exact-status")                   \
	X(RSS_BY_CPU, "rss-by-cpu")                               \
	X(CHARGE_BATCH_64, "charge-batch-64")                     \
	X(REAL_TIME_HALF, "real-time-half")                       \
	X(GROUP_STATS_WAIT, "group-stats-wait")                   \
	X(MREMAP_MOVES_MANY, "mremap-moves-many")                 \
	X(PROTECT_BATCHES, "protect-batches")                     \
	X(TABLE_SHARE_COUNT, "table-share-count")                 \
	X(HUGETLB_CACHED_BY_PAGE, "hugetlb-cached-by-page")       \
	X(SWAP_ZEROMAP, "swap-zeromap")                           \
	X(PAGE_TABLE_ISOLATION, "page-table-isolation")           \
	X(FIVE_LEVEL, "five-level")                               \
	X(PKU, "pku")                                             \
	X(MEMCG, "memcg")                                         \
	X(PSI, "psi")                                             \
	X(ACCESS_MONITORED, "access-monitored")                   \
	X(NUMA, "numa")                                           \
	X(FRAME_NUMBERS, "frame-numbers")                         \
	X(MODIFY_LDT, "modify-ldt")                               \
	X(READ_ONLY_UNCHARGED, "read-only-uncharged")             \
	X(UPPER_TABLES_COUNTED, "upper-tables-counted")           \
	X(TOP_TABLES_COUNTED, "top-tables-counted")               \
	X(HEAP_GAP, "heap-gap")                                   \
	X(KSM_UNSHARES, "ksm-unshares")                           \
	X(SAVED_DIRTY, "saved-dirty")                             \
	X(STACK_MAPS_SMALL, "stack-maps-small")                   \
	X(MREMAP_REALIGNS, "mremap-realigns")                     \
	X(LARGE_FOLIO_GIVEN_BACK, "large-folio-given-back")       \
	X(LARGE_FOLIO_TAKEOVER, "large-folio-takeover")           \
	X(GUARDED_FILES, "guarded-files")                         \
	X(MERGE_EITHER_FAMILY, "merge-either-family")             \
	X(WHOLE_FOLIO_FAULTS, "whole-folio-faults")               \
	X(GUARD_LETTER, "guard-letter")                           \
	X(HUGE_EXCLUSIVE_BY_HEAD, "huge-exclusive-by-head")       \
	X(FAULT_AROUND_NEEDS_TABLE, "fault-around-needs-table")   \
	X(EXEC_READS_FORWARD, "exec-reads-forward")               \
	X(READ_ORDER_KEPT, "read-order-kept")                     \
	X(HUGE_EXCLUSIVE_BY_PAGE, "huge-exclusive-by-page")       \
	X(POPULATE_STOPS_AT_HOLE, "populate-stops-at-hole")       \
	X(FLAGS_OF_FOLIO, "flags-of-folio")                       \
	X(KSM_FLAG_EXACT, "ksm-flag-exact")                       \
	X(LOCK_ON_FAULT_LETTER, "lock-on-fault-letter")           \
	X(MERGE_BELOW_FIRST, "merge-below-first")                 \
	X(PER_AREA_LOCK, "per-area-lock")                         \
	X(SWAP_IN_WRITABLE, "swap-in-writable")                   \
	X(SWAP_IN_CACHED, "swap-in-cached")                       \
	X(SWAP_IN_SHARED, "swap-in-shared")                       \
	X(READ_MAPS_DIRTY, "read-maps-dirty")                     \
	X(TRACKED_MOVES_APART, "tracked-moves-apart")             \
	X(HUGE_ZERO_NO_FILE, "huge-zero-no-file")                 \
	X(SYNC_CLEARS_TAGS, "sync-clears-tags")                   \
	X(MEM_FORCED, "mem-forced")                               \
	X(HOLES_WRITTEN, "holes-written")                         \
	X(GENERATIONS_REWORKED, "generations-reworked")           \
	X(WRITTEN_IF_TRACKED, "written-if-tracked")               \
	X(REMAP_UNACCOUNTS, "remap-unaccounts")                   \
	X(HUGE_FILES_ELIGIBLE, "huge-files-eligible")             \
	X(PAGEOUT_KEEPS_YOUNG, "pageout-keeps-young")             \
	X(PUNCH_KEEPS_DIRTY, "punch-keeps-dirty")                 \
	X(PUNCH_UNMAPS_ALL, "punch-unmaps-all")                   \
	X(REMAP_KEEPS_APART, "remap-keeps-apart")                 \
	X(SPLIT_BY_HALVES, "split-by-halves")                     \
	X(TRANSLATION_ORACLE, "translation-oracle")               \
	X(POOL_RESERVE_RETURNS, "pool-reserve-returns")           \
	X(SECRET_MEMORY, "secret-memory")                         \
	X(SECRET_BY_PAGE, "secret-by-page")                       \
	X(POOL_RESERVE_LAST, "pool-reserve-last")                 \
	X(MAP_PREPARES, "map-prepares")                           \
	X(IO_URING, "io-uring")                                   \
	X(PIN_ASKS_AREAS, "pin-asks-areas")                       \
	X(PIN_ASKS_TABLES, "pin-asks-tables")                     \
	X(COLLAPSE_READ_ONLY, "collapse-read-only")

enum vm_feature {
#define VM_FEATURE_ENUMERATOR(name, word) VM_FEATURE_##name,
	VM_FEATURES(VM_FEATURE_ENUMERATOR)
#undef VM_FEATURE_ENUMERATOR
		VM_FEATURE_LIMIT,
};

/* How it is known whether a feature is there, strongest first. */
enum vm_evidence {
	VM_EVIDENCE_NONE, /* not looked at: the feature counts as absent */
	VM_EVIDENCE_CONFIG,
	VM_EVIDENCE_SURFACE, /* a file, an ioctl, a flag letter, a counter's name exists */
	VM_EVIDENCE_CPUID,
	VM_EVIDENCE_VERSION, /* only the release tells */
};

struct vm_feature_fact {
	bool present;
	enum vm_evidence evidence;
};

/*
 * Knobs whose value enters a prediction. Multiple-choice knobs hold the index of the chosen word
 * as listed in harness/facts; a knob that the kernel does not have is absent.
 */
#define VM_KNOBS(X)                                                          \
	X(OVERCOMMIT_MEMORY, "vm.overcommit_memory")                         \
	X(OVERCOMMIT_RATIO, "vm.overcommit_ratio")                           \
	X(OVERCOMMIT_KBYTES, "vm.overcommit_kbytes")                         \
	X(ADMIN_RESERVE_KBYTES, "vm.admin_reserve_kbytes")                   \
	X(USER_RESERVE_KBYTES, "vm.user_reserve_kbytes")                     \
	X(MIN_FREE_KBYTES, "vm.min_free_kbytes")                             \
	X(WATERMARK_SCALE_FACTOR, "vm.watermark_scale_factor")               \
	X(WATERMARK_BOOST_FACTOR, "vm.watermark_boost_factor")               \
	X(DIRTY_RATIO, "vm.dirty_ratio")                                     \
	X(DIRTY_BYTES, "vm.dirty_bytes")                                     \
	X(DIRTY_BACKGROUND_RATIO, "vm.dirty_background_ratio")               \
	X(DIRTY_BACKGROUND_BYTES, "vm.dirty_background_bytes")               \
	X(SWAPPINESS, "vm.swappiness")                                       \
	X(PAGE_CLUSTER, "vm.page-cluster")                                   \
	X(MAX_MAP_COUNT, "vm.max_map_count")                                 \
	X(MMAP_MIN_ADDR, "vm.mmap_min_addr")                                 \
	X(PERCPU_PAGELIST_HIGH_FRACTION, "vm.percpu_pagelist_high_fraction") \
	X(EXTFRAG_THRESHOLD, "vm.extfrag_threshold")                         \
	X(STAT_INTERVAL, "vm.stat_interval")                                 \
	X(MMAP_RND_BITS, "vm.mmap_rnd_bits")                                 \
	X(RANDOMIZE_VA_SPACE, "kernel.randomize_va_space")                   \
	X(THP_ENABLED, "thp.enabled")                                        \
	X(THP_DEFRAG, "thp.defrag")                                          \
	X(THP_USE_ZERO_PAGE, "thp.use_zero_page")                            \
	X(THP_SHMEM_ENABLED, "thp.shmem_enabled")                            \
	X(KSM_RUN, "ksm.run")                                                \
	X(LRU_GEN_ENABLED, "lru_gen.enabled")

enum vm_knob {
#define VM_KNOB_ENUMERATOR(name, word) VM_KNOB_##name,
	VM_KNOBS(VM_KNOB_ENUMERATOR)
#undef VM_KNOB_ENUMERATOR
		VM_KNOB_LIMIT,
};

enum vm_thp_enabled { VM_THP_ALWAYS, VM_THP_MADVISE, VM_THP_NEVER };

struct vm_knob_fact {
	bool present;
	int64_t value;
};

enum vm_cpu_vendor { VM_CPU_OTHER, VM_CPU_INTEL, VM_CPU_AMD };
enum vm_tlb_type { VM_TLB_DATA, VM_TLB_CODE, VM_TLB_UNIFIED };

/* One translation buffer as CPUID describes it; pages_mask has bit n set for pages of 1 << n bytes.
 */
struct vm_tlb_fact {
	enum vm_tlb_type type;
	uint8_t level; /* 1 or 2 */
	uint64_t pages_mask;
	uint32_t entries;
	uint32_t ways; /* 0: fully associative */
};

#define VM_TLB_FACTS_LIMIT 16

struct vm_cpu_facts {
	enum vm_cpu_vendor vendor;
	uint16_t family, model, stepping;
	uint8_t physical_bits, virtual_bits; /* as CPUID 0x80000008 says */
	bool nx, page_1g, pcid, smep, smap, pku, la57, invariant_tsc;
	bool hypervisor;
	uint16_t tlb_listed_pages; /* CPUID 0x80000006: both numbers for 4 KiB pages, as they are */
	uint8_t level1_data_ways;  /* of the first data cache; 0: CPUID does not say */
	uint8_t tlb_count;
	struct vm_tlb_fact tlb[VM_TLB_FACTS_LIMIT];
};

enum vm_capability {
	VM_CAPABILITY_SYS_ADMIN = 1 << 0, /* frame numbers, kpageflags, the admin reserve */
	VM_CAPABILITY_SYS_RAWIO = 1 << 1, /* mapping below mmap_min_addr */
	VM_CAPABILITY_IPC_LOCK = 1 << 2,  /* locking beyond RLIMIT_MEMLOCK */
	VM_CAPABILITY_SYS_RESOURCE = 1 << 3,
	VM_CAPABILITY_SYS_PTRACE = 1 << 4,
	VM_CAPABILITY_SYS_NICE = 1 << 5, /* advising other processes' memory */
};

struct vm_host {
	struct vm_cpu_facts cpu;
	uint16_t kernel_major, kernel_minor, kernel_patch; /* for features without a surface only */
	uint8_t page_table_levels;			   /* in use: 4 or 5 */
	uint32_t cpus_online, cpus_present, cpus_possible; /* present 0: nobody looked */
	uint32_t nodes_online;
	uint8_t cgroup_version; /* of the memory controller: 0 none, 1, 2 */
	uint32_t capabilities;	/* VM_CAPABILITY_* in force */
	uint64_t stack_limit_bytes, memlock_limit_bytes,
		address_space_limit_bytes; /* UINT64_MAX: none */
	struct vm_feature_fact feature[VM_FEATURE_LIMIT];
	struct vm_knob_fact knob[VM_KNOB_LIMIT];
};

static inline bool vm_host_has(const struct vm_host *host, enum vm_feature feature)
{
	return host->feature[feature].present;
}

/* Whether it is there, where nothing may tell: a release between two that are known. */
enum vm_known { VM_KNOWN_NOT, VM_KNOWN_SO, VM_UNKNOWN };

static inline enum vm_known vm_host_knows(const struct vm_host *host, enum vm_feature feature)
{
	return host->feature[feature].evidence == VM_EVIDENCE_NONE ? VM_UNKNOWN
	       : host->feature[feature].present			   ? VM_KNOWN_SO
								   : VM_KNOWN_NOT;
}

/* It was looked for and is not there; a record may be older than the question. */
static inline bool vm_host_lacks(const struct vm_host *host, enum vm_feature feature)
{
	return host->feature[feature].evidence != VM_EVIDENCE_NONE &&
	       !host->feature[feature].present;
}

/* The knob's value, or otherwise where the kernel does not have the knob. */
static inline int64_t vm_host_knob(const struct vm_host *host, enum vm_knob knob, int64_t otherwise)
{
	return host->knob[knob].present ? host->knob[knob].value : otherwise;
}

const char *vm_feature_word(enum vm_feature feature);
const char *vm_knob_word(enum vm_knob knob);
const char *vm_unit_word(enum vm_unit unit);

#endif
