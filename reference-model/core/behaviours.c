/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/behaviours.h"

/*
 * The teaching, taken literally, mistakes included: epita, gios, lmm, wut and osn as the claims
 * catalogue cites them. Nothing here is corrected.
 */
void vm_behaviours_textbook(struct vm_behaviours *behaviours)
{
	*behaviours = (struct vm_behaviours){
		.watermark_gap = VM_WATERMARK_QUARTER_OF_MIN,
		.watermark_min = VM_WATERMARK_MIN_GIVEN,
		.slab_order = VM_SLAB_ORDER_BY_WASTE,
		.shared_size = VM_SHARED_SIZE_MAPPED_TWICE,
		.pss_share = VM_PSS_SHARE_EXACT,
		.physical_width = VM_PHYSICAL_WIDTH_OF_FORMAT,
		.direct_map_count = VM_DIRECT_MAP_COUNTED_ONCE,
		.tables_counted = VM_TABLES_COUNTED_ALL,
		.global_table = VM_GLOBAL_TABLE_WHOLE,
		.area_tree = VM_AREA_TREE_RED_BLACK,
		.list_balance = VM_LIST_BALANCE_THIRDS,
		.available = VM_AVAILABLE_FREE_AND_CACHE,
		.dirty_share = VM_DIRTY_SHARE_OF_RAM,
		.overcommit_heuristic = VM_OVERCOMMIT_SUM_OF_REQUESTS,
		.commit_charge = VM_COMMIT_CHARGES_EVERY_REQUEST,
		.commit_read_only = VM_COMMIT_READ_ONLY_KEEPS,
		.commit_limit = VM_COMMIT_LIMIT_RAM_SHARE,
		.oom_score_scale = VM_OOM_SCORE_PER_MILLE,
		.oom_admin_bonus = VM_OOM_ADMIN_BONUS_THIRTY,
		.status_counters = VM_STATUS_COUNTERS_CACHED_BY_TASK,
		.group_charges = VM_GROUP_CHARGES_NOT_TOLD,
		.process_limits = VM_PROCESS_LIMITS_NOT_TOLD,
		.heap_gap = VM_HEAP_GAP_NONE,
		.ksm_unshares = true,
		.anonymous_read = VM_ANONYMOUS_READ_MAPS_ZERO_PAGE,
		.fork_copies = VM_FORK_COPIES_ALL,
		.user_bit = VM_USER_BIT_CLEAR_IS_USER,
		.read_bit = VM_READ_BIT_EXISTS,
		.large_leaf = VM_LARGE_LEAF_TAKEN_FOR_TABLE,
		.example_formula = VM_EXAMPLE_FRAME_PLUS_OFFSET,
		.ia32_split = VM_IA32_SPLIT_10_10_10,
		.giant_page_saving = VM_GIANT_PAGE_SAVING_1024,
		.min_reserve = VM_MIN_RESERVE_ABSOLUTE,
		.paging_trigger = VM_PAGING_TRIGGER_USAGE_OR_IDLE,
		.zeroing = VM_ZEROING_IN_ADVANCE,
		.slab_rounding = VM_SLAB_NO_INTERNAL_WASTE,
		.tlb_geometry = VM_TLB_GEOMETRY_CORE_I7,
		.merge = VM_MERGE_BACKING_AND_PERMISSIONS,
		.huge_pages_at_fault = false,
		/* The teaching says that software clears them, and not when: gios, wut. */
		.access_monitored = true,
		.read_order_kept = true,
		.mem_forced = true,
		.holes_written = VM_KNOWN_SO,
		.secret_by_page = VM_KNOWN_SO,
		.map_prepares = true,
		.reserve_returns_last = VM_KNOWN_SO,
		.pin_asks_areas = true,
		.pin_asks_tables = true,
		.fault_around = false,
	};
}

/* What counts and what is worked out of counts: memory promised, reserved, shared out. */
static void fill_formulas(struct vm_behaviours *behaviours, const struct vm_host *host)
{
	/* linux:6.12:mm/slub.c:calculate_order */
	behaviours->slab_order = vm_host_has(host, VM_FEATURE_SLAB_ORDER_BY_WASTE)
					 ? VM_SLAB_ORDER_BY_WASTE
					 : VM_SLAB_ORDER_BY_COUNT;
	/* linux:6.12:fs/proc/task_mmu.c:task_statm, smaps_account */
	behaviours->shared_size = VM_SHARED_SIZE_BY_KIND;
	behaviours->pss_share = VM_PSS_SHARE_TRUNCATED;
	/* linux:6.12:arch/x86/kernel/cpu/common.c:get_cpu_address_sizes */
	behaviours->physical_width = VM_PHYSICAL_WIDTH_OF_PROCESSOR;
	/* linux:6.12:arch/x86/include/asm/segment.h:GDT_ENTRIES */
	behaviours->global_table = VM_GLOBAL_TABLE_FIXED_FEW;
	/* linux:6.12:arch/x86/mm/init_64.c:phys_pud_init */
	behaviours->direct_map_count = VM_DIRECT_MAP_COUNTED_BY_PIECE;
	/* linux:6.12:include/linux/mm.h:pagetable_pud_ctor */
	behaviours->tables_counted =
		vm_host_has(host, VM_FEATURE_TOP_TABLES_COUNTED)     ? VM_TABLES_COUNTED_ALL
		: vm_host_has(host, VM_FEATURE_UPPER_TABLES_COUNTED) ? VM_TABLES_COUNTED_LOWER_3
								     : VM_TABLES_COUNTED_LOWER_2;
	/* linux:6.12:mm/mmap.c:find_vma */
	behaviours->area_tree = vm_host_has(host, VM_FEATURE_MAPLE_TREE) ? VM_AREA_TREE_MAPLE
									 : VM_AREA_TREE_RED_BLACK;
	/* linux:6.12:mm/vmscan.c:inactive_is_low */
	behaviours->list_balance = VM_LIST_BALANCE_ROOT_OF_SIZE;
	/* linux:6.12:mm/show_mem.c:si_mem_available */
	behaviours->available = VM_AVAILABLE_LESS_RESERVES;
	/* linux:6.12:mm/page-writeback.c:global_dirtyable_memory */
	behaviours->dirty_share = VM_DIRTY_SHARE_OF_DIRTYABLE;
	behaviours->watermark_min = vm_host_has(host, VM_FEATURE_MOVABLE_MIN_CLAMP)
					    ? VM_WATERMARK_MIN_SHARED_LOWMEM
					    : VM_WATERMARK_MIN_SHARED;
	/* linux:6.12:mm/util.c:__vm_enough_memory; 8c7829b04c52 (5.2) */
	behaviours->overcommit_heuristic = VM_OVERCOMMIT_SINGLE_REQUEST;
	/* linux:6.12:mm/mmap.c:accountable_mapping */
	behaviours->commit_charge = VM_COMMIT_CHARGES_BY_KIND;
	/* linux:6.12:mm/mprotect.c:mprotect_fixup */
	behaviours->commit_read_only = vm_host_has(host, VM_FEATURE_READ_ONLY_UNCHARGED)
					       ? VM_COMMIT_READ_ONLY_RETURNS_UNTOUCHED
					       : VM_COMMIT_READ_ONLY_KEEPS;
	/* linux:6.12:mm/util.c:vm_commit_limit */
	behaviours->commit_limit = VM_COMMIT_LIMIT_LESS_HUGE_PAGES;
	/* linux:6.12:fs/proc/base.c:proc_oom_score */
	behaviours->oom_score_scale = VM_OOM_SCORE_TWO_THIRDS;
	/* linux:6.12:mm/oom_kill.c:oom_badness; d46078b28889 (4.17) */
	behaviours->oom_admin_bonus = VM_OOM_ADMIN_BONUS_NONE;
	/* linux:6.12:fs/proc/task_mmu.c:task_mem */
	behaviours->status_counters =
		vm_host_has(host, VM_FEATURE_RSS_EXACT_STATUS) ? VM_STATUS_COUNTERS_SUMMED
		: vm_host_has(host, VM_FEATURE_RSS_BY_CPU)     ? VM_STATUS_COUNTERS_CHEAP
							       : VM_STATUS_COUNTERS_CACHED_BY_TASK;
	/* "mm/page_alloc: treat RT tasks similar to __GFP_HIGH" */
	behaviours->real_time_reserve = vm_host_has(host, VM_FEATURE_REAL_TIME_HALF)
						? VM_REAL_TIME_RESERVE_HALF
						: VM_REAL_TIME_RESERVE_QUARTER_OR_HALF;
	/* 1813e51eece0 (6.1), "memcg: increase MEMCG_CHARGE_BATCH to 64" */
	behaviours->group_charges = vm_host_has(host, VM_FEATURE_CHARGE_BATCH_64)
					    ? VM_GROUP_CHARGES_BY_64
					    : VM_GROUP_CHARGES_BY_32;
	/* linux:6.12:mm/mmap.c:may_expand_vm */
	behaviours->process_limits = VM_PROCESS_LIMITS_TOLD;
	/* linux:6.12:fs/binfmt_elf.c:load_elf_binary */
	behaviours->ksm_unshares = vm_host_has(host, VM_FEATURE_KSM_UNSHARES);
	behaviours->heap_gap =
		vm_host_has(host, VM_FEATURE_HEAP_GAP) ? VM_HEAP_GAP_PAGE : VM_HEAP_GAP_NONE;
}

/* What becomes of the cache of a file that is cut, punched, read or protected. */
static void fill_files(struct vm_behaviours *behaviours, const struct vm_host *host)
{
	behaviours->cuts_by_halves = vm_host_has(host, VM_FEATURE_SPLIT_BY_HALVES);
	behaviours->punch_keeps_dirty = vm_host_has(host, VM_FEATURE_PUNCH_KEEPS_DIRTY);
	/* linux:6.18:fs/ext4/inode.c:ext4_truncate_page_cache_block_range */
	behaviours->punch_unmaps_all = vm_host_has(host, VM_FEATURE_PUNCH_UNMAPS_ALL);
	behaviours->exec_reads_forward = vm_host_has(host, VM_FEATURE_EXEC_READS_FORWARD);
	/* linux:6.16:mm/readahead.c:page_cache_ra_order adds two to any order */
	behaviours->read_order_kept = vm_host_has(host, VM_FEATURE_READ_ORDER_KEPT);
	/* linux:6.18:mm/memory.c:set_pte_range */
	behaviours->read_maps_dirty = vm_host_knows(host, VM_FEATURE_READ_MAPS_DIRTY);
	/* linux:7.3:fs/ext4/inode.c:mpage_prepare_extent_to_map */
	behaviours->sync_clears_tags = vm_host_knows(host, VM_FEATURE_SYNC_CLEARS_TAGS);
	/* linux:6.12:mm/filemap.c:filemap_map_pages (6.12.117) */
	behaviours->fault_around_needs_table =
		vm_host_knows(host, VM_FEATURE_FAULT_AROUND_NEEDS_TABLE);
	/* linux:6.18:mm/mprotect.c:mprotect_folio_pte_batch; cac1db8c3aad (6.17) */
	behaviours->protect_batches = vm_host_has(host, VM_FEATURE_PROTECT_BATCHES);
	/* linux:6.12:fs/hugetlbfs/inode.c:hugetlb_add_to_page_cache */
	behaviours->hugetlb_cached_by_page = vm_host_has(host, VM_FEATURE_HUGETLB_CACHED_BY_PAGE);
	/* linux:6.18:include/linux/mm_types.h:ptdesc_pmd_is_shared */
	behaviours->table_share_count = vm_host_has(host, VM_FEATURE_TABLE_SHARE_COUNT);
}

/* What mremap leaves behind, and whom a moved area joins. */
static void fill_moves(struct vm_behaviours *behaviours, const struct vm_host *host)
{
	/* linux:7.3:mm/vma.c:copy_vma, mm/mremap.c:needs_pre_split */
	behaviours->remap_keeps_apart = vm_host_knows(host, VM_FEATURE_REMAP_KEEPS_APART);
	/* linux:6.16:mm/mremap.c:dontunmap_complete */
	behaviours->remap_unaccounts = vm_host_has(host, VM_FEATURE_REMAP_UNACCOUNTS) &&
				       !vm_host_has(host, VM_FEATURE_MREMAP_MOVES_MANY);
	/* linux:7.3:mm/vma.c:vma_merge_copied_range */
	behaviours->tracked_moves_apart = vm_host_has(host, VM_FEATURE_TRACKED_MOVES_APART);
}

/* How pages go to swap and back, and to the pool. */
static void fill_swap(struct vm_behaviours *behaviours, const struct vm_host *host)
{
	/* linux:6.12:mm/madvise.c:madvise_cold_or_pageout_pte_range; 2864f3d0f583 (6.9) */
	behaviours->pageout_keeps_young = vm_host_has(host, VM_FEATURE_PAGEOUT_KEEPS_YOUNG);
	/* linux:6.12:mm/hugetlb.c:__unmap_hugepage_range (6.12.113) */
	behaviours->reserve_returns_last = vm_host_knows(host, VM_FEATURE_POOL_RESERVE_LAST);
	/* linux:6.12:mm/memory.c:do_swap_page; c18160dba5ff (6.11) */
	behaviours->swap_in_writable = vm_host_has(host, VM_FEATURE_SWAP_IN_WRITABLE);
	/* linux:7.3:mm/memory.c:should_try_to_free_swap, mm/swapfile.c:folio_free_swap */
	behaviours->swap_in_cached = vm_host_has(host, VM_FEATURE_SWAP_IN_CACHED);
	/* linux:7.3:mm/memory.c:do_swap_page */
	behaviours->swap_in_shared = vm_host_has(host, VM_FEATURE_SWAP_IN_SHARED);
}

/* What /proc/PID shows of pages and areas, and what it lets others have. */
static void fill_views(struct vm_behaviours *behaviours, const struct vm_host *host)
{
	/* linux:6.12:fs/proc/task_mmu.c:pagemap_scan_pte_hole (6.12.117) */
	behaviours->holes_written = vm_host_knows(host, VM_FEATURE_HOLES_WRITTEN);
	/* linux:7.3:fs/proc/task_mmu.c:pagemap_page_category */
	behaviours->written_if_tracked = vm_host_has(host, VM_FEATURE_WRITTEN_IF_TRACKED);
	/* linux:7.3:fs/proc/task_mmu.c:pagemap_pmd_range_thp */
	behaviours->huge_zero_no_file = vm_host_has(host, VM_FEATURE_HUGE_ZERO_NO_FILE);
	/* linux:7.3:mm/huge_memory.c:file_thp_enabled */
	behaviours->huge_files_eligible = vm_host_has(host, VM_FEATURE_HUGE_FILES_ELIGIBLE);
	/* linux:6.12:fs/proc/base.c:proc_mem_foll_force */
	behaviours->mem_forced = !vm_host_lacks(host, VM_FEATURE_MEM_FORCED);
}

/* Memory that the kernel keeps out of, and memory that it keeps. */
static void fill_secrets_and_pins(struct vm_behaviours *behaviours, const struct vm_host *host)
{
	/* linux:6.12:mm/gup.c:writable_file_mapping_allowed */
	behaviours->pin_asks_areas = vm_host_has(host, VM_FEATURE_PIN_ASKS_AREAS);
	/* linux:6.12:io_uring/memmap.c:io_pin_pages */
	behaviours->pin_asks_tables = vm_host_has(host, VM_FEATURE_PIN_ASKS_TABLES);
	/* linux:6.12:mm/secretmem.c:secretmem_account_folio (6.12.113) */
	behaviours->secret_by_page = vm_host_knows(host, VM_FEATURE_SECRET_BY_PAGE);
	/* linux:6.16:mm/vma.c:call_mmap_prepare */
	behaviours->map_prepares = vm_host_has(host, VM_FEATURE_MAP_PREPARES);
}

static enum vm_large_takeover large_takeover(const struct vm_host *host)
{
	if (vm_host_has(host, VM_FEATURE_LARGE_FOLIO_TAKEOVER))
		return VM_LARGE_TAKEOVER_SAME_SPACE;
	return vm_host_lacks(host, VM_FEATURE_LARGE_FOLIO_GIVEN_BACK) ? VM_LARGE_TAKEOVER_LAST_PIECE
								      : VM_LARGE_TAKEOVER_NEVER;
}

void vm_behaviours_linux(struct vm_behaviours *behaviours, const struct vm_host *host)
{
	*behaviours = (struct vm_behaviours){
		/* linux:6.12:mm/page_alloc.c:__setup_per_zone_wmarks; oldest kernel known: 6.1 */
		.watermark_gap = VM_WATERMARK_LARGER_OF_QUARTER_AND_SCALE,
		/* linux:6.12:mm/memory.c:do_anonymous_page */
		.anonymous_read = VM_ANONYMOUS_READ_MAPS_ZERO_PAGE,
		/* linux:6.12:mm/memory.c:vma_needs_copy */
		.fork_copies = VM_FORK_COPIES_ANONYMOUS_AREAS,
		/* linux:6.12:fs/iomap/direct-io.c:__iomap_dio_rw */
		.direct_io = VM_DIRECT_IO_AROUND_CACHE,
		/* The processor's, not the kernel's: intel-sdm:3A:4.6, amd-apm:2:5.6. */
		.user_bit = VM_USER_BIT_SET_IS_USER,
		.read_bit = VM_READ_BIT_NONE,
		.large_leaf = VM_LARGE_LEAF_KNOWN,
		.example_formula = VM_EXAMPLE_FRAME_TIMES_PAGE_SIZE,
		.ia32_split = VM_IA32_SPLIT_10_10_12,
		.giant_page_saving = VM_GIANT_PAGE_SAVING_COUNTED,
		/* linux:6.12:mm/page_alloc.c:__zone_watermark_ok */
		.min_reserve = VM_MIN_RESERVE_FOR_THE_FEW,
		/* linux:6.12:mm/page_alloc.c:wake_all_kswapds */
		.paging_trigger = VM_PAGING_TRIGGER_FREE_MEMORY,
		/* linux:6.12:mm/page_alloc.c:free_pages_prepare, mm/memory.c:do_anonymous_page */
		.zeroing = VM_ZEROING_AT_FAULT,
		/* linux:6.12:mm/slab_common.c:kmalloc_info */
		.slab_rounding = VM_SLAB_SIZE_CLASSES,
		/* amd-apm:3:E.4.4:Fn8000_0005, intel-sdm:2A:CPUID:leaf 18H */
		.tlb_geometry = VM_TLB_GEOMETRY_CPUID,
		/* linux:6.12:mm/vma.c:is_mergeable_anon_vma; 879bca0a2c4f (6.16) */
		.merge = vm_host_has(host, VM_FEATURE_MERGE_EITHER_FAMILY)
				 ? VM_MERGE_EITHER_FAMILY_SINGLE
				 : VM_MERGE_TARGET_FAMILY_SINGLE,
		.saved_dirty = vm_host_has(host, VM_FEATURE_SAVED_DIRTY),
		.stack_maps_small = vm_host_has(host, VM_FEATURE_STACK_MAPS_SMALL) &&
				    vm_host_has(host, VM_FEATURE_THP),
		.remap_realigns = vm_host_has(host, VM_FEATURE_MREMAP_REALIGNS),
		.remap_moves_many = vm_host_has(host, VM_FEATURE_MREMAP_MOVES_MANY),
		.large_takeover = large_takeover(host),
		.maps_whole_folios = vm_host_has(host, VM_FEATURE_WHOLE_FOLIO_FAULTS),
		.guard_letter = vm_host_knows(host, VM_FEATURE_GUARD_LETTER),
		/* Page by page was an interlude: linux:6.12:fs/proc/task_mmu.c:pagemap_pmd_range */
		.huge_exclusive_by_head = vm_host_has(host, VM_FEATURE_HUGE_EXCLUSIVE_BY_HEAD) ||
					  !vm_host_has(host, VM_FEATURE_HUGE_EXCLUSIVE_BY_PAGE),
		/* linux:6.12:mm/madvise.c:madvise_populate */
		.populate_stops_at_hole = vm_host_has(host, VM_FEATURE_POPULATE_STOPS_AT_HOLE),
		/* linux:6.1:mm/madvise.c:madvise_populate calls anew, without FOLL_TRIED */
		.populate_begins_again = !vm_host_has(host, VM_FEATURE_POPULATE_STOPS_AT_HOLE),
		/* linux:6.12:fs/proc/page.c:stable_page_flags; dee3d0bef2b0 (6.10) */
		.flags_of_folio = vm_host_has(host, VM_FEATURE_FLAGS_OF_FOLIO),
		.ksm_flag_loose = vm_host_has(host, VM_FEATURE_FLAGS_OF_FOLIO) &&
				  !vm_host_has(host, VM_FEATURE_KSM_FLAG_EXACT),
		/* linux:6.12:fs/proc/task_mmu.c:show_smap_vma_flags */
		.lock_on_fault_letter = vm_host_has(host, VM_FEATURE_LOCK_ON_FAULT_LETTER),
		/* linux:6.12:mm/vma.c:vma_merge_new_range; linux:6.1:mm/mmap.c:mmap_region */
		.merges_below_first = vm_host_has(host, VM_FEATURE_MERGE_BELOW_FIRST),
		/* linux:6.12:arch/x86/mm/fault.c:do_user_addr_fault */
		.per_area_lock = vm_host_has(host, VM_FEATURE_PER_AREA_LOCK),
		/* linux:6.12:arch/x86/mm/pkeys.c:__execute_only_pkey */
		.execute_only_keys = vm_host_has(host, VM_FEATURE_PKU),
		/* linux:6.12:mm/damon/ops-common.c:damon_ptep_mkold */
		.access_monitored = vm_host_has(host, VM_FEATURE_ACCESS_MONITORED),
		.guards_files = vm_host_has(host, VM_FEATURE_GUARDED_FILES),
		.huge_pages_at_fault = vm_host_has(host, VM_FEATURE_THP),
		/* linux:6.12:mm/memory.c:do_fault_around */
		.fault_around = true,
	};
	fill_formulas(behaviours, host);
	fill_files(behaviours, host);
	fill_moves(behaviours, host);
	fill_swap(behaviours, host);
	fill_views(behaviours, host);
	fill_secrets_and_pins(behaviours, host);
}
