/* SPDX-License-Identifier: Apache-2.0 */
#include "facts/features.h"

#include <errno.h>
#include <string.h>

#include "facts/ask.h"
#include "kernel/areas.h"

enum surface {
	SURFACE_CONFIG,	    /* what: the option; it is there if built in */
	SURFACE_CONFIG_SET, /* the same; not set, it may be younger than the kernel */
	SURFACE_FILE,	 /* what: a path; within: a folder without which its absence says nothing */
	SURFACE_NAME,	 /* what: a name at the beginning of a line of the file within */
	SURFACE_LETTERS, /* what: letters of VmFlags in our own smaps */
	SURFACE_CALL,	 /* what: a call (ask.c); absent if it answers one of two errnos */
	SURFACE_CALL_BIT,   /* what: a call; number: a bit of the value that it gives */
	SURFACE_CPU_FLAG,   /* what: a flag of cpuinfo, which lists what the kernel uses */
	SURFACE_RELEASE,    /* since, or a later patch of an older series */
	SURFACE_FILESYSTEM, /* what: the type of the work folder's file system; since a release */
	SURFACE_HOST,	    /* a fact of the host that was derived before */
};

struct series {
	uint16_t major, minor, patch;
};

struct detector {
	enum vm_feature feature;
	enum surface surface;
	const char *what;
	const char *within;
	int absent_errno[2];
	unsigned number;
	/* From since on, and in older series from the patch that is known to have it. Between the
	 * last patch that is known to lack it and that one, nothing is known. */
	struct series since, backports[4], lacking[6];
};

#define MM_FOLDER  "sys/kernel/mm"
#define THP_FOLDER MM_FOLDER "/transparent_hugepage"

#define BY_CONFIG(feature_, option)                                                           \
	{                                                                                     \
		.feature = VM_FEATURE_##feature_, .surface = SURFACE_CONFIG, .what = (option) \
	}
#define BY_CONFIG_SET(feature_, option)                                                           \
	{                                                                                         \
		.feature = VM_FEATURE_##feature_, .surface = SURFACE_CONFIG_SET, .what = (option) \
	}
#define BY_FILE(feature_, path, folder)                                                    \
	{                                                                                  \
		.feature = VM_FEATURE_##feature_, .surface = SURFACE_FILE, .what = (path), \
		.within = (folder)                                                         \
	}
#define BY_CALL(feature_, name, no, or_no)                                                 \
	{                                                                                  \
		.feature = VM_FEATURE_##feature_, .surface = SURFACE_CALL, .what = (name), \
		.absent_errno = {                                                          \
			(no),                                                              \
			(or_no)                                                            \
		}                                                                          \
	}
#define BY_CPU_FLAG(feature_, flag)                                                           \
	{                                                                                     \
		.feature = VM_FEATURE_##feature_, .surface = SURFACE_CPU_FLAG, .what = (flag) \
	}
#define BY_RELEASE(feature_, major_, minor_)                                             \
	{                                                                                \
		.feature = VM_FEATURE_##feature_, .surface = SURFACE_RELEASE, .since = { \
			(major_),                                                        \
			(minor_),                                                        \
			0                                                                \
		}                                                                        \
	}
#define BY_FILESYSTEM(feature_, type, major_, minor_)                                            \
	{                                                                                        \
		.feature = VM_FEATURE_##feature_, .surface = SURFACE_FILESYSTEM, .what = (type), \
		.since = {                                                                       \
			(major_),                                                                \
			(minor_),                                                                \
			0                                                                        \
		}                                                                                \
	}
#define BY_HOST(feature_, fact)                                                           \
	{                                                                                 \
		.feature = VM_FEATURE_##feature_, .surface = SURFACE_HOST, .what = (fact) \
	}

/* Bit 15 of userfaultfd's features: linux:6.12:include/uapi/linux/userfaultfd.h */
#define UFFD_WP_ASYNC_BIT 15

static const struct detector detectors[] = {
	BY_CONFIG(THP, "CONFIG_TRANSPARENT_HUGEPAGE"),
	BY_FILE(THP, THP_FOLDER "/enabled", MM_FOLDER),
	BY_FILE(HUGE_ZERO_PAGE, THP_FOLDER "/use_zero_page", MM_FOLDER),
	BY_CONFIG(HUGE_ZERO_PAGE, "CONFIG_TRANSPARENT_HUGEPAGE"),
	/* "mm: thp: allocate THP on hugezeropage wp-fault" */
	BY_RELEASE(HUGE_ZERO_WRITE_ALLOCATES, 6, 13),
	/* Where one CPU is all that there can be, counters need no refreshing. */
	BY_FILE(SMP, "proc/sys/vm/stat_interval", "proc/sys/vm"),
	BY_CONFIG(SMP, "CONFIG_SMP"),
	BY_FILE(MTHP, THP_FOLDER "/hugepages-64kB", MM_FOLDER),
	BY_RELEASE(MTHP, 6, 8),
	BY_FILE(HUGETLB_2M, MM_FOLDER "/hugepages/hugepages-2048kB", MM_FOLDER),
	BY_CONFIG(HUGETLB_2M, "CONFIG_HUGETLB_PAGE"),
	BY_FILE(HUGETLB_1G, MM_FOLDER "/hugepages/hugepages-1048576kB", MM_FOLDER),
	BY_CPU_FLAG(HUGETLB_1G, "pdpe1gb"),
	BY_CONFIG(SWAP, "CONFIG_SWAP"),
	BY_FILE(SWAP, "proc/swaps", "proc"),
	BY_CONFIG(KSM, "CONFIG_KSM"),
	BY_FILE(KSM, MM_FOLDER "/ksm/run", MM_FOLDER),
	BY_FILE(KSM_ZERO_PAGES, MM_FOLDER "/ksm/ksm_zero_pages", MM_FOLDER),
	BY_CONFIG(SOFT_DIRTY, "CONFIG_MEM_SOFT_DIRTY"),
	/* Every new area is soft-dirty, and the letters are compiled in with the feature. */
	{.feature = VM_FEATURE_SOFT_DIRTY, .surface = SURFACE_LETTERS, .what = "sd"},
	BY_CALL(PAGEMAP_SCAN, "pagemap-scan", ENOTTY, ENOTTY),
	BY_RELEASE(PAGEMAP_SCAN, 6, 7),
	BY_CALL(PROCMAP_QUERY, "procmap-query", ENOTTY, ENOTTY),
	BY_RELEASE(PROCMAP_QUERY, 6, 11),
	{.feature = VM_FEATURE_UFFD_WP_ASYNC,
		.surface = SURFACE_CALL_BIT,
		.what = "userfaultfd",
		.number = UFFD_WP_ASYNC_BIT,
		.absent_errno = {ENOSYS, ENOSYS}},
	BY_RELEASE(UFFD_WP_ASYNC, 6, 7),
	BY_CALL(GUARD_REGIONS, "guard-install", EINVAL, EINVAL),
	BY_RELEASE(GUARD_REGIONS, 6, 13),
	BY_RELEASE(MAPLE_TREE, 6, 1),
	/* "mm: remember exclusively mapped anonymous pages with PG_anon_exclusive" */
	BY_RELEASE(ANON_EXCLUSIVE, 5, 19),
	BY_CONFIG(PT_RECLAIM, "CONFIG_PT_RECLAIM"),
	BY_RELEASE(PT_RECLAIM, 6, 14),
	BY_CONFIG(LRU_GEN, "CONFIG_LRU_GEN"),
	BY_FILE(LRU_GEN, MM_FOLDER "/lru_gen/enabled", MM_FOLDER),
	/* folio_inc_gen(), scan_folios() and what counts as a use are others in 6.16, and again
	   in 7.2 */
	BY_RELEASE(GENERATIONS_REWORKED, 6, 13),
	BY_CALL(CACHESTAT, "cachestat", ENOSYS, ENOSYS),
	BY_RELEASE(CACHESTAT, 6, 5),
	BY_RELEASE(SLAB_ORDER_BY_WASTE, 6, 7),
	BY_CALL(MSEAL, "mseal", ENOSYS, ENOSYS),
	BY_RELEASE(MSEAL, 6, 10),
	/* Built in or not, it may be off: it was until 6.5, and is with secretmem.enable=0. */
	BY_CALL(SECRET_MEMORY, "memfd-secret", ENOSYS, ENOSYS),
	/* kernel.io_uring_disabled, or a filter of calls as containers have one, is as good as none
	 */
	BY_CALL(IO_URING, "io-uring", ENOSYS, EPERM),
	BY_CALL(MDWE, "mdwe", EINVAL, EINVAL),
	BY_RELEASE(MDWE, 6, 3),
	BY_CALL(DROPPABLE, "map-droppable", EINVAL, EOPNOTSUPP),
	BY_RELEASE(DROPPABLE, 6, 11),
	BY_FILESYSTEM(LARGE_FOLIO_FILES, "xfs", 5, 18),
	BY_FILESYSTEM(LARGE_FOLIO_FILES, "ext4", 6, 16),
	BY_FILESYSTEM(LARGE_FOLIO_FILES, NULL, 0, 0),
	BY_RELEASE(WATERMARK_PROMO, 6, 8),
	/* "mm/page_alloc: fix min_free_kbytes calculation regarding ZONE_MOVABLE" */
	BY_RELEASE(MOVABLE_MIN_CLAMP, 6, 6),
	/* "mm, pcp: reduce lock contention..." and "mm: add framework for PCP high auto-tuning" */
	BY_RELEASE(PCP_HIGH_MIN, 6, 7),
	/* "mm: fix the inaccurate memory statistics issue for users", which went back as well */
	{.feature = VM_FEATURE_RSS_EXACT_STATUS,
		.surface = SURFACE_RELEASE,
		.since = {6, 16, 0},
		.backports = {{6, 15, 7}, {6, 12, 39}, {6, 6, 99}}},
	/* "mm: convert mm's rss stats into percpu_counter" */
	BY_RELEASE(RSS_BY_CPU, 6, 2),
	/* "mm/page_alloc: treat RT tasks similar to __GFP_HIGH", which went back, too */
	BY_RELEASE(REAL_TIME_HALF, 6, 3),
	/* "mm: memcg: make stats flushing threshold per-memcg", and what came with it */
	BY_RELEASE(GROUP_STATS_WAIT, 6, 8),
	/* "memcg: increase MEMCG_CHARGE_BATCH to 64" */
	BY_RELEASE(CHARGE_BATCH_64, 6, 1),
	/* "mm/mremap: permit mremap() move of multiple VMAs" */
	BY_RELEASE(MREMAP_MOVES_MANY, 6, 17),
	/* cac1db8c3aad "mm: optimize mprotect() by PTE batching" */
	BY_RELEASE(PROTECT_BATCHES, 6, 17),
	/* a08c7193e4f1 "mm/filemap: remove hugetlb special casing in filemap.c" */
	BY_RELEASE(HUGETLB_CACHED_BY_PAGE, 6, 7),
	/* 14967a9c7d24 "mm/hugetlb: fix copy_hugetlb_page_range() to use ->pt_share_count": not in
	 * 6.12.69, in 6.12.85 */
	{.feature = VM_FEATURE_TABLE_SHARE_COUNT,
		.surface = SURFACE_RELEASE,
		.since = {6, 17, 0},
		.backports = {{6, 12, 85}}},
	{.feature = VM_FEATURE_SWAP_ZEROMAP,
		.surface = SURFACE_NAME,
		.what = "swpout_zero ",
		.within = "proc/vmstat"},
	BY_RELEASE(SWAP_ZEROMAP, 6, 12),
	BY_CPU_FLAG(PAGE_TABLE_ISOLATION, "pti"),
	BY_CPU_FLAG(FIVE_LEVEL, "la57"),
	BY_CPU_FLAG(PKU, "ospke"),
	BY_HOST(MEMCG, "memory-group"),
	BY_FILE(PSI, "proc/pressure/memory", "proc"),
	/*
	 * Where neither its threads nor its state can be seen, as by an ordinary user in a
	 * container, it may be at work.
	 */
	{.feature = VM_FEATURE_ACCESS_MONITORED,
		.surface = SURFACE_NAME,
		.what = "kdamond.",
		.within = ASK_MONITORS},
	{.feature = VM_FEATURE_ACCESS_MONITORED,
		.surface = SURFACE_NAME,
		.what = "on",
		.within = "sys/kernel/mm/damon/admin/kdamonds/0/state"},
	BY_CONFIG(ACCESS_MONITORED, "CONFIG_DAMON"),
	BY_FILE(TRANSLATION_ORACLE, "mmconform/oracle", "proc"),
	BY_HOST(NUMA, "nodes-online"),
	BY_HOST(FRAME_NUMBERS, "capabilities"),
	BY_CONFIG(MODIFY_LDT, "CONFIG_MODIFY_LDT_SYSCALL"),
	BY_CALL(MODIFY_LDT, "modify-ldt", ENOSYS, ENOSYS),
	/* Since 6.12 whoever wants to must ask, and may be told that only a tracer can. */
	BY_CONFIG_SET(MEM_FORCED, "CONFIG_PROC_MEM_ALWAYS_FORCE"),
	BY_CALL(MEM_FORCED, "mem-forced", EIO, EIO),
	BY_RELEASE(READ_ONLY_UNCHARGED, 6, 7),
	BY_RELEASE(UPPER_TABLES_COUNTED, 6, 7),
	BY_RELEASE(TOP_TABLES_COUNTED, 6, 14), /* "mm: introduce ctor/dtor at PGD level" */
	BY_RELEASE(HEAP_GAP, 6, 10),
	/* "mm/ksm: fix KSM COW breaking with userfaultfd-wp via FAULT_FLAG_UNSHARE" */
	BY_RELEASE(KSM_UNSHARES, 6, 2),
	/* "x86/mm: Introduce _PAGE_SAVED_DIRTY" */
	BY_RELEASE(SAVED_DIRTY, 6, 6),
	/* "mm: mmap: map MAP_STACK to VM_NOHUGEPAGE" */
	BY_RELEASE(STACK_MAPS_SMALL, 6, 7),
	/* "mm/mremap: optimize the start addresses in move_page_tables()" */
	BY_RELEASE(MREMAP_REALIGNS, 6, 7),
	/* "mm: prohibit the last subpage from reusing the entire large folio" */
	BY_RELEASE(LARGE_FOLIO_GIVEN_BACK, 6, 9),
	/* "mm: Copy-on-Write (COW) reuse support for PTE-mapped THP" */
	BY_RELEASE(LARGE_FOLIO_TAKEOVER, 6, 15),
	/* "mm: allow guard regions in file-backed and read-only mappings" */
	BY_RELEASE(GUARDED_FILES, 6, 15),
	/* "mm/vma: fix incorrectly disallowed anonymous VMA merges" */
	BY_RELEASE(MERGE_EITHER_FAMILY, 6, 16),
	/* "mm/mremap: fix locked_vm leak from MREMAP_DONTUNMAP self-merge", of 2026 */
	{.feature = VM_FEATURE_REMAP_KEEPS_APART,
		.surface = SURFACE_RELEASE,
		.since = {7, 3, 0},
		.backports = {{6, 1, 191}, {6, 12, 114}, {7, 2, 11}},
		.lacking = {{6, 1, 190}, {6, 6, 0}, {6, 12, 113}, {6, 18, 44}, {7, 1, 13},
			{7, 2, 9}}},
	/* "ext4: don't write back data before punch hole in nojournal mode", which went back */
	{.feature = VM_FEATURE_PUNCH_KEEPS_DIRTY,
		.surface = SURFACE_FILESYSTEM,
		.what = "ext4",
		.since = {6, 14, 0},
		.backports = {{6, 12, 41}}},
	BY_FILESYSTEM(PUNCH_KEEPS_DIRTY, NULL, 0, 0),
	/* "ext4: refactor ext4_punch_hole()", of the same series: the page cache rounds now */
	{.feature = VM_FEATURE_PUNCH_UNMAPS_ALL,
		.surface = SURFACE_FILESYSTEM,
		.what = "ext4",
		.since = {6, 14, 0},
		.backports = {{6, 12, 41}}},
	BY_FILESYSTEM(PUNCH_UNMAPS_ALL, NULL, 0, 0),
	BY_RELEASE(SPLIT_BY_HALVES, 6, 15),
	/* "mm: fault in complete folios instead of individual pages for tmpfs" and what followed */
	BY_RELEASE(WHOLE_FOLIO_FAULTS, 6, 18),
	/* "mm: introduce VM_MAYBE_GUARD and make visible in /proc/$pid/smaps" */
	{.feature = VM_FEATURE_GUARD_LETTER,
		.surface = SURFACE_RELEASE,
		.since = {6, 19, 0},
		.backports = {{6, 18, 44}},
		.lacking = {{6, 18, 15}}},
	/* "In a uffd-wp VMA an unpopulated range is treated as written", of 2026 */
	{.feature = VM_FEATURE_HOLES_WRITTEN,
		.surface = SURFACE_RELEASE,
		.since = {7, 2, 0},
		.backports = {{6, 12, 113}, {6, 18, 44}, {7, 1, 13}},
		.lacking = {{6, 6, 0}, {6, 12, 100}, {6, 18, 15}, {7, 0, 13}, {7, 1, 0}}},
	/* dontunmap_complete() clears VM_ACCOUNT until 6.17 */
	BY_RELEASE(REMAP_UNACCOUNTS, 6, 15),
	/* "fs/proc/task_mmu: remove per-page mapcount dependency for PM_MMAP_EXCLUSIVE" */
	BY_RELEASE(HUGE_EXCLUSIVE_BY_HEAD, 6, 15),
	/* "fs/proc/task_mmu: properly detect PM_MMAP_EXCLUSIVE per page of PMD-mapped THPs" */
	BY_RELEASE(HUGE_EXCLUSIVE_BY_PAGE, 6, 11),
	/* "mm/madvise: don't perform madvise VMA walk for MADV_POPULATE_(READ|WRITE)" */
	BY_RELEASE(POPULATE_STOPS_AT_HOLE, 6, 10),
	/* "proc: rewrite stable_page_flags()" */
	BY_RELEASE(FLAGS_OF_FOLIO, 6, 10),
	/*
	 * The mask of three kinds of mapping was taken for the mark of one until 7.1. Stable
	 * releases have had that back since one between 6.18.15 and this one.
	 */
	{.feature = VM_FEATURE_KSM_FLAG_EXACT,
		.surface = SURFACE_RELEASE,
		.since = {7, 1, 0},
		.backports = {{6, 18, 44}}},
	BY_RELEASE(LOCK_ON_FAULT_LETTER, 6, 2),
	/* "mm: refactor vma_merge() into modify-only vma_merge_existing_range()" */
	BY_RELEASE(MERGE_BELOW_FIRST, 6, 12),
	BY_CONFIG(PER_AREA_LOCK, "CONFIG_PER_VMA_LOCK"),
	BY_RELEASE(PER_AREA_LOCK, 6, 4),
	/* "mm: set pte writable while pte_soft_dirty() is true in do_swap_page()" */
	BY_RELEASE(SWAP_IN_WRITABLE, 6, 11),
	/* 7.0 has no way past the swap cache any more, nor a call of swapcache_prepare() */
	BY_RELEASE(SWAP_IN_CACHED, 7, 0),
	/* "if (exclusive)" where 7.2 asks for the folio's references as well */
	BY_RELEASE(SWAP_IN_SHARED, 7, 3),
	/* 7.2 asks the page cache for large folios; before, a file had to be open for reading only
	 */
	BY_RELEASE(HUGE_FILES_ELIGIBLE, 7, 2),
	/* "mm: madvise: pageout: ignore references rather than clearing young" */
	BY_RELEASE(PAGEOUT_KEEPS_YOUNG, 6, 9),
	/* "mm/readahead: store folio order in struct file_ra_state" and what followed */
	BY_RELEASE(EXEC_READS_FORWARD, 6, 17),
	BY_RELEASE(READ_ORDER_KEPT, 6, 17),
	/* secretmem_account_folio(), of 2026 */
	{.feature = VM_FEATURE_SECRET_BY_PAGE,
		.surface = SURFACE_RELEASE,
		.since = {7, 2, 6},
		.backports = {{6, 1, 191}, {6, 12, 113}},
		.lacking = {{6, 1, 190}, {6, 6, 0}, {6, 12, 100}, {6, 18, 44}, {7, 1, 13},
			{7, 2, 0}}},
	/* "mm: introduce new .mmap_prepare() file callback", which secret memory has at once */
	BY_RELEASE(MAP_PREPARES, 6, 16),
	/* "io_uring: rsrc: delegate VMA file-backed check to GUP" */
	BY_RELEASE(PIN_ASKS_AREAS, 6, 5),
	/* "io_uring: unify io_pin_pages()" and what it was made of: pin_user_pages_fast() */
	BY_RELEASE(PIN_ASKS_TABLES, 6, 10),
	/* "mm: enable khugepaged anonymous collapse on non-writable regions" */
	BY_RELEASE(COLLAPSE_READ_ONLY, 6, 18),
	/* "Restore only on the last unmap", of 2026 */
	{.feature = VM_FEATURE_POOL_RESERVE_LAST,
		.surface = SURFACE_RELEASE,
		.since = {7, 2, 6},
		.backports = {{6, 12, 113}},
		.lacking = {{6, 12, 100}, {6, 18, 44}, {7, 1, 13}, {7, 2, 0}}},
	/* "mm/hugetlb: restore the reservation if needed" */
	BY_RELEASE(POOL_RESERVE_RETURNS, 6, 9),
	/* "mm/memory: do not populate page table entries beyond i_size", which went back as well */
	/* set_pte_range() knows of it; the kernels between 6.12 and 6.16 were not looked at */
	{.feature = VM_FEATURE_READ_MAPS_DIRTY,
		.surface = SURFACE_RELEASE,
		.since = {6, 16, 0},
		.lacking = {{6, 13, 0}, {6, 14, 0}, {6, 15, 0}}},
	/* vma_has_uffd_without_event_remap() in vma_merge_copied_range() */
	BY_RELEASE(TRACKED_MOVES_APART, 7, 3),
	/* pagemap_page_category() asks userfaultfd_wp() first */
	BY_RELEASE(WRITTEN_IF_TRACKED, 7, 3),
	/* pagemap_pmd_range_thp() asks vm_normal_page_pmd(), which has none */
	BY_RELEASE(HUGE_ZERO_NO_FILE, 7, 3),
	/* "Cycle the folio through the writeback state though, to clear stale xarray tags" */
	{.feature = VM_FEATURE_SYNC_CLEARS_TAGS,
		.surface = SURFACE_FILESYSTEM,
		.what = "ext4",
		.since = {7, 2, 0},
		.backports = {{6, 12, 113}},
		.lacking = {{6, 12, 0}, {6, 18, 44}, {7, 1, 13}}},
	BY_FILESYSTEM(SYNC_CLEARS_TAGS, NULL, 0, 0),
	{.feature = VM_FEATURE_FAULT_AROUND_NEEDS_TABLE,
		.surface = SURFACE_RELEASE,
		.since = {6, 18, 0},
		.backports = {{6, 12, 69}, {6, 17, 13}},
		.lacking = {{6, 6, 0}, {6, 12, 57}, {6, 17, 8}}},
};

#define DETECTORS_COUNT (sizeof(detectors) / sizeof(detectors[0]))

enum answer { ANSWER_UNKNOWN, ANSWER_NO, ANSWER_YES };

static enum answer answer_of(bool yes)
{
	return yes ? ANSWER_YES : ANSWER_NO;
}

static enum answer by_file(struct facts_source *source, const struct detector *detector)
{
	if (source_exists(source, detector->what))
		return ANSWER_YES;
	return source_exists(source, detector->within) ? ANSWER_NO : ANSWER_UNKNOWN;
}

static enum answer by_name(struct facts_source *source, const struct detector *detector)
{
	struct source_text got = source_read(source, detector->within);
	struct kernel_lines lines = kernel_lines_of(got.text);
	struct kernel_error error;
	struct kernel_text line;

	if (got.error != 0)
		return ANSWER_UNKNOWN;
	while (kernel_line_next(&lines, &line, &error) > 0) {
		if (kernel_text_starts(line, detector->what))
			return ANSWER_YES;
	}
	return ANSWER_NO;
}

static enum answer by_letters(struct facts_source *source, const char *letters)
{
	const struct source_text got = source_read(source, "proc/self/smaps");
	struct kernel_lines lines = kernel_lines_of(got.text);
	struct kernel_smaps_area area;
	struct kernel_error error;
	bool looked = false;
	int result;

	if (got.error != 0)
		return ANSWER_UNKNOWN;
	while ((result = kernel_smaps_next(&lines, &area, &error)) > 0) {
		struct kernel_text rest = area.flags_text, word;

		looked = looked || area.has_flags;
		while (kernel_word_next(&rest, &word)) {
			if (kernel_text_is(word, letters))
				return ANSWER_YES;
		}
	}
	if (result < 0)
		(void)source_fail(source, "proc/self/smaps", &error);
	return looked ? ANSWER_NO : ANSWER_UNKNOWN;
}

/* The errno and the value that the call answered with; false if it was not made. */
static bool call_result(
	struct facts_source *source, const char *name, uint64_t *result, uint64_t *value)
{
	const struct source_text got = source_read(source, ASK_CALLS);
	struct kernel_lines lines = kernel_lines_of(got.text);
	struct kernel_error error;
	struct kernel_text line, word;

	if (got.error != 0)
		return false;
	while (kernel_line_next(&lines, &line, &error) > 0) {
		if (!kernel_word_next(&line, &word) || !kernel_text_is(word, name))
			continue;
		return kernel_number_next(&line, result) && kernel_number_next(&line, value);
	}
	return false;
}

static enum answer by_call(struct facts_source *source, const struct detector *detector)
{
	uint64_t result = 0, value = 0;

	if (!call_result(source, detector->what, &result, &value))
		return ANSWER_UNKNOWN;
	if (result == (uint64_t)detector->absent_errno[0] ||
		result == (uint64_t)detector->absent_errno[1])
		return ANSWER_NO;
	/* A filter of system calls stands before the kernel and says nothing of it. */
	if (result == EPERM || result == EACCES || result == ENOSYS || result == ENOENT)
		return ANSWER_UNKNOWN;
	if (detector->surface == SURFACE_CALL_BIT)
		return result == 0 ? answer_of((value >> detector->number & 1) != 0)
				   : ANSWER_UNKNOWN;
	return ANSWER_YES;
}

static bool is_since(const struct kernel_release *release, struct series since)
{
	if (release->major != since.major)
		return release->major > since.major;
	if (release->minor != since.minor)
		return release->minor > since.minor;
	return release->patch >= since.patch;
}

static bool is_in_series(const struct kernel_release *release, struct series series)
{
	return release->major == series.major && release->minor == series.minor;
}

static enum answer by_release(const struct kernel_release *release, const struct detector *detector)
{
	if (is_since(release, detector->since))
		return ANSWER_YES;
	for (size_t i = 0; i < sizeof(detector->backports) / sizeof(detector->backports[0]); i++) {
		if (is_in_series(release, detector->backports[i]) &&
			release->patch >= detector->backports[i].patch)
			return ANSWER_YES;
	}
	for (size_t i = 0; i < sizeof(detector->lacking) / sizeof(detector->lacking[0]); i++) {
		if (is_in_series(release, detector->lacking[i]) &&
			release->patch > detector->lacking[i].patch)
			return ANSWER_UNKNOWN;
	}
	return ANSWER_NO;
}

static enum answer by_filesystem(const struct features_view *view, const struct detector *detector)
{
	if (view->work_filesystem[0] == '\0')
		return ANSWER_UNKNOWN;
	/* The last row: a file system that no row names. */
	if (detector->what == NULL)
		return ANSWER_NO;
	if (strcmp(view->work_filesystem, detector->what) != 0)
		return ANSWER_UNKNOWN;
	return by_release(&view->release, detector);
}

static enum answer by_host(const struct vm_host *host, enum vm_feature feature)
{
	switch (feature) {
	case VM_FEATURE_MEMCG:
		return answer_of(host->cgroup_version != 0);
	case VM_FEATURE_NUMA:
		return answer_of(host->nodes_online > 1);
	default: /* frame numbers; the table above has no others */
		return answer_of((host->capabilities & VM_CAPABILITY_SYS_ADMIN) != 0);
	}
}

static enum answer ask_detector(const struct features_view *view, const struct detector *detector)
{
	struct facts_source *source = view->source;
	struct source_text config;

	switch (detector->surface) {
	case SURFACE_CONFIG:
		config = source_read(source, ASK_CONFIG);
		if (config.error != 0)
			return ANSWER_UNKNOWN;
		return answer_of(kernel_config_is_yes(config.text, detector->what));
	case SURFACE_CONFIG_SET:
		config = source_read(source, ASK_CONFIG);
		return config.error == 0 && kernel_config_is_yes(config.text, detector->what)
			       ? ANSWER_YES
			       : ANSWER_UNKNOWN;
	case SURFACE_FILE:
		return by_file(source, detector);
	case SURFACE_NAME:
		return by_name(source, detector);
	case SURFACE_LETTERS:
		return by_letters(source, detector->what);
	case SURFACE_CALL:
	case SURFACE_CALL_BIT:
		return by_call(source, detector);
	case SURFACE_CPU_FLAG:
		return answer_of(kernel_cpuinfo_has(&view->cpuinfo, detector->what));
	case SURFACE_RELEASE:
		return by_release(&view->release, detector);
	case SURFACE_FILESYSTEM:
		return by_filesystem(view, detector);
	case SURFACE_HOST:
		return by_host(view->host, detector->feature);
	}
	return ANSWER_UNKNOWN;
}

/* How the surface is called where detectors are listed, and how strong it is as evidence. */
static const struct {
	const char *witness;
	enum vm_evidence evidence;
} surfaces_known[] = {
	[SURFACE_CONFIG] = {"config", VM_EVIDENCE_CONFIG},
	[SURFACE_CONFIG_SET] = {"config", VM_EVIDENCE_CONFIG},
	[SURFACE_FILE] = {"file", VM_EVIDENCE_SURFACE},
	[SURFACE_NAME] = {"names", VM_EVIDENCE_SURFACE},
	[SURFACE_LETTERS] = {"vmflags", VM_EVIDENCE_SURFACE},
	[SURFACE_CALL] = {"call", VM_EVIDENCE_SURFACE},
	[SURFACE_CALL_BIT] = {"call", VM_EVIDENCE_SURFACE},
	[SURFACE_CPU_FLAG] = {"cpu-flag", VM_EVIDENCE_CPUID},
	[SURFACE_RELEASE] = {"release", VM_EVIDENCE_VERSION},
	[SURFACE_FILESYSTEM] = {"filesystem", VM_EVIDENCE_VERSION},
	[SURFACE_HOST] = {"host", VM_EVIDENCE_SURFACE},
};

static const char *quantity_of(struct pool *pool, const struct detector *detector)
{
	const struct series since = detector->since;

	switch (detector->surface) {
	case SURFACE_RELEASE:
		return pool_format(pool, "%u.%u", since.major, since.minor);
	case SURFACE_FILESYSTEM:
		if (detector->what == NULL)
			return "any other";
		return pool_format(
			pool, "%s since %u.%u", detector->what, since.major, since.minor);
	case SURFACE_NAME:
		return pool_format(pool, "%s in %s", detector->what, detector->within);
	case SURFACE_CONFIG:
	case SURFACE_CONFIG_SET:
	case SURFACE_FILE:
	case SURFACE_LETTERS:
	case SURFACE_CALL:
	case SURFACE_CALL_BIT:
	case SURFACE_CPU_FLAG:
	case SURFACE_HOST:
		break;
	}
	return detector->what;
}

size_t facts_detector_count(void)
{
	return DETECTORS_COUNT;
}

struct facts_detector facts_detector_at(struct pool *pool, size_t index)
{
	const struct detector *detector = &detectors[index];

	return (struct facts_detector){
		.feature = detector->feature,
		.evidence = surfaces_known[detector->surface].evidence,
		.witness = surfaces_known[detector->surface].witness,
		.quantity = quantity_of(pool, detector),
	};
}

/* The last part of a path: witnesses are named by it or by the whole. */
static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == NULL ? path : slash + 1;
}

/* Names are looked for up to the blank or the colon behind them. */
static bool is_name_of(const char *looked_for, const char *quantity)
{
	const size_t length_bytes = strcspn(looked_for, " :");

	return strlen(quantity) == length_bytes && strncmp(looked_for, quantity, length_bytes) == 0;
}

static bool shares(const struct detector *detector, const char *witness, const char *quantity)
{
	const char *surface = last_part(witness);

	switch (detector->surface) {
	case SURFACE_CONFIG:
	case SURFACE_CONFIG_SET:
		return strncmp(surface, "config", strlen("config")) == 0 &&
		       strcmp(quantity, detector->what) == 0;
	case SURFACE_FILE:
		return strcmp(witness[0] == '/' ? witness + 1 : witness, detector->what) == 0;
	case SURFACE_NAME:
		return strcmp(surface, last_part(detector->within)) == 0 &&
		       is_name_of(detector->what, quantity);
	case SURFACE_LETTERS:
		return (strcmp(surface, "smaps") == 0 || strcmp(surface, "vmflags") == 0) &&
		       strcmp(quantity, detector->what) == 0;
	case SURFACE_CALL:
	case SURFACE_CALL_BIT:
		return strcmp(surface, detector->what) == 0;
	case SURFACE_CPU_FLAG:
		return strcmp(surface, "cpuinfo") == 0 && strcmp(quantity, detector->what) == 0;
	case SURFACE_RELEASE:
	case SURFACE_FILESYSTEM:
		return strcmp(surface, "osrelease") == 0 || strcmp(surface, "uname") == 0;
	case SURFACE_HOST:
		break;
	}
	return false;
}

bool facts_detector_shares(const char *witness, const char *quantity)
{
	for (size_t i = 0; i < DETECTORS_COUNT; i++) {
		if (shares(&detectors[i], witness, quantity))
			return true;
	}
	return false;
}

void features_detect(
	const struct features_view *view, struct vm_feature_fact *features, const char **surfaces)
{
	for (size_t i = 0; i < VM_FEATURE_LIMIT; i++) {
		features[i] = (struct vm_feature_fact){.evidence = VM_EVIDENCE_NONE};
		surfaces[i] = "";
	}
	for (size_t i = 0; i < DETECTORS_COUNT; i++) {
		const struct detector *detector = &detectors[i];
		struct vm_feature_fact *fact = &features[detector->feature];

		if (fact->evidence != VM_EVIDENCE_NONE)
			continue;
		const enum answer answer = ask_detector(view, detector);
		if (answer == ANSWER_UNKNOWN)
			continue;
		fact->present = answer == ANSWER_YES;
		fact->evidence = surfaces_known[detector->surface].evidence;
		surfaces[detector->feature] = pool_format(view->source->pool, "%s %s",
			surfaces_known[detector->surface].witness,
			quantity_of(view->source->pool, detector));
	}
}
