/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules of the machine: what each obeys, in a sentence, and where the kernel says so. A rule is
 * marked when it is obeyed, so that a run can tell which were exercised and why a step came out as
 * it did.
 */
#ifndef MACHINE_RULES_H
#define MACHINE_RULES_H

/* clang-format off */
#define RULES(X) \
	X(XLATE_TABLE_AT_FIRST_TOUCH, "xlate.table-at-first-touch", \
		"A table is allocated when the first entry below it is needed, never by " \
		"mmap.", \
		"linux:6.12:mm/memory.c:__pte_alloc") \
	X(XLATE_TABLES_FREED_WITH_AREA, "xlate.tables-freed-with-area", \
		"munmap frees a table if no other area lies in the span of the entry " \
		"above it.", \
		"linux:6.12:mm/memory.c:free_pgd_range") \
	X(XLATE_TABLE_DEPOSITED, "xlate.table-deposited", \
		"A huge leaf keeps a lowest table beside it, so that splitting it needs " \
		"no memory.", \
		"linux:6.12:mm/huge_memory.c:__do_huge_pmd_anonymous_page") \
	X(XLATE_TABLE_RECLAIMED, "xlate.table-reclaimed", \
		"A lowest table whose whole 2 MiB was dropped by madvise is freed when " \
		"it is empty.", \
		"linux:6.14:mm/pt_reclaim.c:try_to_free_pte") \
	X(XLATE_MOVE_TABLE, "xlate.move-table", \
		"mremap moves whole tables where both sides are aligned to what the " \
		"table spans.", \
		"linux:6.12:mm/mremap.c:move_normal_pmd") \
	X(XLATE_MOVE_HUGE_LEAF, "xlate.move-huge-leaf", \
		"mremap moves a huge leaf with its deposited table where both sides are " \
		"2 MiB aligned.", \
		"linux:6.12:mm/huge_memory.c:move_huge_pmd") \
	X(AREA_SORTED, "area.sorted", \
		"Areas never overlap and are kept in the order of their addresses.", \
		"linux:6.12:mm/mmap.c:vma_link") \
	X(AREA_SPLIT, "area.split", \
		"Changing a part of an area splits it at the ends of that part.", \
		"linux:6.12:mm/vma.c:__split_vma") \
	X(AREA_MERGE_BEFORE, "area.merge-before", \
		"The area below takes the range in: same flags, same file, contiguous " \
		"offset, agreeing anon_vma.", \
		"linux:6.12:mm/vma.c:can_vma_merge_after") \
	X(AREA_MERGE_AFTER, "area.merge-after", \
		"The area above takes the range in: same flags, same file, contiguous " \
		"offset, agreeing anon_vma.", \
		"linux:6.12:mm/vma.c:can_vma_merge_before") \
	X(AREA_MERGE_BOTH, "area.merge-both", \
		"The range closes the gap between two areas that agree with it and with " \
		"each other: all three become one.", \
		"linux:6.12:mm/vma.c:vma_merge_new_range") \
	X(AREA_FAMILY_OF_NEIGHBOUR, "area.family-of-neighbour", \
		"A first private page makes its area join the anon_vma of a neighbour " \
		"that it could be merged with but for its rights.", \
		"linux:6.12:mm/mmap.c:find_mergeable_anon_vma") \
	X(AREA_FAMILY_FORK, "area.family-fork", \
		"fork gives the child's area an anon_vma of its own below the parent's, " \
		"or one that nobody uses any more.", \
		"linux:6.12:mm/rmap.c:anon_vma_fork") \
	X(AREA_MAP_IS_A_PROMISE, "area.map-is-a-promise", \
		"mmap records an area; no entry, no frame and no table changes.", \
		"linux:6.12:mm/mmap.c:do_mmap") \
	X(AREA_MAP_REFUSED, "area.map-refused", \
		"mmap refuses bad arguments before it changes anything, but for areas " \
		"already cut at the ends of a fixed range.", \
		"linux:6.12:mm/mmap.c:do_mmap") \
	X(AREA_NO_REPLACE, "area.no-replace", \
		"MAP_FIXED_NOREPLACE refuses a range in which anything is mapped.", \
		"linux:6.12:mm/mmap.c:do_mmap") \
	X(AREA_HINT_TAKEN, "area.hint-taken", \
		"A hint is taken, rounded down to a page, if the range is free and " \
		"leaves a stack its gap.", \
		"linux:6.12:arch/x86/kernel/sys_x86_64.c:arch_get_unmapped_area_topdown") \
	X(AREA_KERNEL_PLACES, "area.kernel-places", \
		"Without a usable hint the kernel chooses the address.", \
		"linux:6.12:mm/mmap.c:vm_unmapped_area") \
	X(AREA_SHARED_OBJECT, "area.shared-object", \
		"Shared anonymous and huge memory has an object of its own, which no " \
		"other mapping extends.", \
		"linux:6.12:mm/shmem.c:shmem_zero_setup") \
	X(AREA_SECRET_SHARED, "area.secret-shared", \
		"Secret memory is never private; what such a mapping was to replace is gone all " \
		"the same.", \
		"linux:6.12:mm/secretmem.c:secretmem_mmap") \
	X(AREA_SECRET_LOCKED, "area.secret-locked", \
		"An area of secret memory is locked, and counts as such, from the beginning.", \
		"linux:6.16:mm/secretmem.c:secretmem_mmap_prepare") \
	X(AREA_SECRET_LOCK, "area.secret-lock", \
		"No call locks or unlocks secret memory.", \
		"linux:6.12:mm/mlock.c:mlock_fixup") \
	X(AREA_COUNT_LIMIT, "area.count-limit", \
		"No area is cut once vm.max_map_count is reached.", \
		"linux:6.12:mm/vma.c:split_vma") \
	X(AREA_UNMAP, "area.unmap", \
		"munmap cuts areas at its ends and takes everything between them away, " \
		"holes or not.", \
		"linux:6.12:mm/vma.c:do_vmi_align_munmap") \
	X(AREA_UNMAP_REFUSED, "area.unmap-refused", \
		"munmap refuses unaligned, empty and too high ranges.", \
		"linux:6.12:mm/vma.c:do_vmi_munmap") \
	X(AREA_SEAL, "area.seal", \
		"mseal settles areas for good; where there is a hole nothing is sealed.", \
		"linux:6.12:mm/mseal.c:do_mseal") \
	X(AREA_SEAL_REFUSES, "area.seal-refuses", \
		"What is sealed is not unmapped, replaced, moved or given other rights, and what may " \
		"not be written is not thrown away, either.", \
		"linux:6.12:mm/vma.h:can_modify_vma") \
	X(AREA_PROTECT, "area.protect", \
		"mprotect changes area after area, and every present entry at once.", \
		"linux:6.12:mm/mprotect.c:do_mprotect_pkey") \
	X(AREA_PROTECT_HOLE, "area.protect-hole", \
		"mprotect stops at a hole with ENOMEM; what lies before it stays " \
		"changed.", \
		"linux:6.12:mm/mprotect.c:do_mprotect_pkey") \
	X(AREA_PROTECT_REFUSED, "area.protect-refused", \
		"mprotect refuses what the file's descriptor does not allow, and bad " \
		"arguments.", \
		"linux:6.12:mm/mprotect.c:do_mprotect_pkey") \
	X(AREA_PROTECT_RESTORES_WRITE, "area.protect-restores-write", \
		"Entries whose write needs not be noticed become writable at once: " \
		"exclusive private pages, dirty shared ones.", \
		"linux:6.12:mm/mprotect.c:can_change_pte_writable") \
	X(AREA_PROTECT_BATCH, "area.protect-batch", \
		"mprotect changes neighbouring entries of a large folio as one: what one of them was, " \
		"accessed or dirty, all of them are then.", \
		"linux:6.18:mm/mprotect.c:mprotect_folio_pte_batch") \
	X(AREA_REMAP_MOVES, "area.remap-moves", \
		"mremap moves the entries: no page is copied and no fault taken.", \
		"linux:6.12:mm/mremap.c:move_vma") \
	X(AREA_REMAP_GROWS, "area.remap-grows", \
		"mremap grows an area in place where the range behind it is free.", \
		"linux:6.12:mm/mremap.c:vma_expandable") \
	X(AREA_REMAP_SHRINKS, "area.remap-shrinks", \
		"Shrinking is unmapping the tail.", \
		"linux:6.12:mm/mremap.c:mremap_to") \
	X(AREA_REMAP_KEEPS_SOURCE, "area.remap-keeps-source", \
		"MREMAP_DONTUNMAP leaves the old area there, empty and unlocked.", \
		"linux:6.12:mm/mremap.c:move_vma") \
	X(AREA_REMAP_MANY, "area.remap-many", \
		"A move to a fixed place that keeps the size may span several areas and " \
		"holes, since 6.17.", \
		"linux:6.17:mm/mremap.c:remap_move") \
	X(AREA_REMAP_REFUSED, "area.remap-refused", \
		"mremap refuses ranges beyond one area, overlaps and bad arguments.", \
		"linux:6.12:mm/mremap.c:vma_to_resize") \
	X(AREA_ADVISE_FLAG, "area.advise-flag", \
		"Advice about the future is a flag of the area, which splits and merges " \
		"it like any other.", \
		"linux:6.12:mm/madvise.c:madvise_update_vma") \
	X(AREA_ADVISE_HOLE, "area.advise-hole", \
		"madvise skips holes, goes on behind them, and says ENOMEM at the end.", \
		"linux:6.12:mm/madvise.c:madvise_walk_vmas") \
	X(AREA_ADVISE_REFUSED, "area.advise-refused", \
		"madvise refuses advice it does not know and unaligned ranges.", \
		"linux:6.12:mm/madvise.c:do_madvise") \
	X(AREA_ADVISE_OTHER, "area.advise-other", \
		"Another process's memory takes only advice that loses nothing, and only from who " \
		"may slow it down.", \
		"linux:6.12:mm/madvise.c:process_madvise_behavior_valid") \
	X(AREA_DENY_WRITE_EXECUTE, "area.deny-write-execute", \
		"A process that was told so gets no area that may be written and executed, and none " \
		"that becomes executable later.", \
		"linux:6.12:include/linux/mman.h:map_deny_write_exec") \
	X(AREA_LOCK, "area.lock", \
		"mlock flags the areas and then populates them.", \
		"linux:6.12:mm/mlock.c:do_mlock") \
	X(AREA_LOCK_ALL, "area.lock-all", \
		"mlockall flags every area, or those to come, and populates what is " \
		"there.", \
		"linux:6.12:mm/mlock.c:apply_mlockall_flags") \
	X(AREA_LOCK_HOLE, "area.lock-hole", \
		"mlock stops at a hole with ENOMEM; what lies before it stays locked.", \
		"linux:6.12:mm/mlock.c:apply_vma_lock_flags") \
	X(AREA_LOCK_LIMIT, "area.lock-limit", \
		"Without CAP_IPC_LOCK no more than RLIMIT_MEMLOCK is locked; what is " \
		"locked already counts once.", \
		"linux:6.12:mm/mlock.c:count_mm_mlocked_page_nr") \
	X(AREA_UNLOCK, "area.unlock", \
		"munlock takes the flag away and leaves the pages.", \
		"linux:6.12:mm/mlock.c:mlock_fixup") \
	X(AREA_HEAP_GROWS, "area.heap-grows", \
		"brk extends the heap's area, or begins it.", \
		"linux:6.12:mm/vma.c:do_brk_flags") \
	X(AREA_HEAP_SHRINKS, "area.heap-shrinks", \
		"A lower break unmaps the end of the heap.", \
		"linux:6.12:mm/mmap.c:brk") \
	X(AREA_STACK_GROWS, "area.stack-grows", \
		"Any access below a stack and within its limit grows it down to that " \
		"page, wherever the stack pointer is.", \
		"linux:6.12:mm/mmap.c:expand_downwards") \
	X(AREA_STACK_REFUSED, "area.stack-refused", \
		"A stack stops at its limit and 256 pages from anything accessible " \
		"below it.", \
		"linux:6.12:mm/mmap.c:expand_downwards") \
	X(DEMAND_FIRST_TOUCH, "demand.first-touch", \
		"The first write to a private anonymous page takes one fault and a " \
		"fresh frame of zeros.", \
		"linux:6.12:mm/memory.c:do_anonymous_page") \
	X(DEMAND_ZERO_PAGE_READ, "demand.zero-page-read", \
		"Reading a private anonymous page that was never written maps the " \
		"shared frame of zeros, which is not resident.", \
		"linux:6.12:mm/memory.c:do_anonymous_page") \
	X(DEMAND_ZERO_PAGE_WRITE, "demand.zero-page-write", \
		"Writing where the frame of zeros is mapped faults again and installs a " \
		"fresh frame; nothing is copied.", \
		"linux:6.12:mm/memory.c:wp_page_copy") \
	X(DEMAND_MAJOR, "demand.major", \
		"A fault that had to read from a device is counted as major.", \
		"linux:6.12:mm/memory.c:mm_account_fault") \
	X(DEMAND_FAULT_AROUND, "demand.fault-around", \
		"A read fault maps the cached neighbours within 16 pages aligned by " \
		"address, cut at the area and the table.", \
		"linux:6.12:mm/memory.c:do_fault_around") \
	X(DEMAND_FILE_READ, "demand.file-read", \
		"A page that is not cached is read, and the fault is major.", \
		"linux:6.12:mm/filemap.c:filemap_fault") \
	X(DEMAND_READ_HUGE, "demand.read-huge", \
		"Where huge pages are wanted, a cold fault reads 2 MiB or more in the largest folios.", \
		"linux:6.12:mm/filemap.c:do_sync_mmap_readahead") \
	X(DEMAND_SHMEM_ALLOCATES, "demand.shmem-allocates", \
		"A page of shared memory is allocated at its first access, also by a " \
		"read.", \
		"linux:6.12:mm/shmem.c:shmem_get_folio_gfp") \
	X(DEMAND_SECRET_ALLOCATES, "demand.secret-allocates", \
		"A page of secret memory comes with the fault that touches it, zeroed, alone, and " \
		"leaves the kernel's own mapping.", \
		"linux:6.12:mm/secretmem.c:secretmem_fault") \
	X(DEMAND_SECRET_LIMIT, "demand.secret-limit", \
		"A page of secret memory beyond what may be locked is SIGBUS.", \
		"linux:6.12:mm/secretmem.c:secretmem_account_folio") \
	X(DEMAND_SHARED_WRITE, "demand.shared-write", \
		"A write to a shared page maps it writable and marks it dirty.", \
		"linux:6.12:mm/memory.c:do_shared_fault") \
	X(DEMAND_WRITE_NOTIFY, "demand.write-notify", \
		"The first write to a clean shared page is noticed by a fault, and " \
		"again after each write-back.", \
		"linux:6.12:mm/memory.c:wp_page_shared") \
	X(DEMAND_AROUND_WHOLE_FOLIO, "demand.around-whole-folio", \
		"A fault that maps what is cached around it maps a large folio whole where area " \
		"and table hold it.", \
		"linux:6.18:mm/filemap.c:filemap_map_folio_range") \
	X(DEMAND_WHOLE_FOLIO, "demand.whole-folio", \
		"A fault maps all pages of a large folio that fit the area and the " \
		"table.", \
		"linux:6.12:mm/memory.c:finish_fault") \
	X(DEMAND_HUGE_AT_FAULT, "demand.huge-at-fault", \
		"Where an aligned 2 MiB lies in an area that wants huge pages and " \
		"nothing is mapped there, one fault maps all of it.", \
		"linux:6.12:mm/huge_memory.c:do_huge_pmd_anonymous_page") \
	X(DEMAND_HUGE_ZERO, "demand.huge-zero", \
		"A read fault there maps the huge page of zeros.", \
		"linux:6.12:mm/huge_memory.c:do_huge_pmd_anonymous_page") \
	X(DEMAND_HUGE_ZERO_WRITE, "demand.huge-zero-write", \
		"A write to the huge page of zeros installs a fresh huge page.", \
		"linux:6.13:mm/huge_memory.c:do_huge_zero_wp_pmd") \
	X(DEMAND_HUGE_SPLIT, "demand.huge-split", \
		"A huge leaf that only part of is changed becomes 512 small ones over " \
		"the same folio.", \
		"linux:6.12:mm/huge_memory.c:__split_huge_pmd_locked") \
	X(DEMAND_COLLAPSE, "demand.collapse", \
		"A collapse copies the pages of an aligned 2 MiB into one huge page.", \
		"linux:6.12:mm/khugepaged.c:collapse_huge_page") \
	X(DEMAND_HUGETLB, "demand.hugetlb", \
		"A huge page comes from the pool at the first touch, from the " \
		"reservation if there is one.", \
		"linux:6.12:mm/hugetlb.c:hugetlb_no_page") \
	X(DEMAND_POPULATE, "demand.populate", \
		"Populating breaks copy-on-write of private writable areas and reads " \
		"the others; PROT_NONE is not populated.", \
		"linux:6.12:mm/gup.c:populate_vma_page_range") \
	X(DEMAND_POPULATE_ADVICE, "demand.populate-advice", \
		"MADV_POPULATE faults in as if every page were read, or written; what " \
		"forbids that is an error.", \
		"linux:6.12:mm/gup.c:faultin_page_range") \
	X(DEMAND_DONT_NEED, "demand.dont-need", \
		"MADV_DONTNEED takes the pages away at once; they come back as zeros or " \
		"from the file.", \
		"linux:6.12:mm/madvise.c:madvise_dontneed_single_vma") \
	X(DEMAND_FREE_LAZILY, "demand.free-lazily", \
		"MADV_FREE cleans private pages, which stay until memory is short or " \
		"they are written again.", \
		"linux:6.12:mm/madvise.c:madvise_free_pte_range") \
	X(DEMAND_GUARD, "demand.guard", \
		"An access to a guard region is a SIGSEGV as if nothing were mapped.", \
		"linux:6.13:mm/memory.c:handle_pte_marker") \
	X(DEMAND_GUARD_INSTALL, "demand.guard-install", \
		"A guard region takes the pages away and puts a marker in every entry.", \
		"linux:6.13:mm/madvise.c:madvise_guard_install") \
	X(DEMAND_GUARD_REMOVE, "demand.guard-remove", \
		"Removing guards leaves empty entries.", \
		"linux:6.13:mm/madvise.c:madvise_guard_remove") \
	X(DEMAND_SEGV_MAPERR, "demand.segv-maperr", \
		"An access where nothing is mapped is SEGV_MAPERR.", \
		"linux:6.12:arch/x86/mm/fault.c:bad_area") \
	X(DEMAND_SEGV_ACCERR, "demand.segv-accerr", \
		"An access that the area does not allow is SEGV_ACCERR.", \
		"linux:6.12:arch/x86/mm/fault.c:access_error") \
	X(DEMAND_SEGV_KEY, "demand.segv-key", \
		"What may only be executed has a protection key that refuses data: SEGV_PKUERR.", \
		"linux:6.12:arch/x86/mm/fault.c:bad_area_access_from_pkeys") \
	X(DEMAND_SIGBUS, "demand.sigbus", \
		"An access beyond the last page of a file, or without a huge page to " \
		"give, is SIGBUS.", \
		"linux:6.12:mm/filemap.c:filemap_fault") \
	X(DEMAND_NON_CANONICAL, "demand.non-canonical", \
		"A non-canonical address is a general protection fault: no address is " \
		"told.", \
		"intel-sdm:1:3.3.7.1") \
	X(DEMAND_KERNEL_ADDRESS, "demand.kernel-address", \
		"A kernel address is SEGV_MAPERR, and always looks present: its layout " \
		"does not leak.", \
		"linux:6.12:arch/x86/mm/fault.c:set_signal_archinfo") \
	X(COW_FORK, "cow.fork", \
		"fork copies every area but those marked DONTFORK; locks are not " \
		"inherited.", \
		"linux:6.12:kernel/fork.c:dup_mmap") \
	X(COW_FORK_COPIES_ENTRIES, "cow.fork-copies-entries", \
		"Entries of areas that have an anon_vma are copied, write-protected on " \
		"both sides.", \
		"linux:6.12:mm/memory.c:copy_present_ptes") \
	X(COW_FORK_LEAVES_EMPTY, "cow.fork-leaves-empty", \
		"Areas without private pages are inherited without entries: their pages " \
		"come back by faults.", \
		"linux:6.12:mm/memory.c:vma_needs_copy") \
	X(COW_FORK_SWAPPED, "cow.fork-swapped", \
		"A swapped page is shared by naming its slot once more.", \
		"linux:6.12:mm/memory.c:copy_nonpresent_pte") \
	X(COW_FORK_HUGE, "cow.fork-huge", \
		"A huge leaf is shared as a whole; the child gets a deposited table for " \
		"it.", \
		"linux:6.12:mm/huge_memory.c:copy_huge_pmd") \
	X(COW_DONT_FORK, "cow.dont-fork", \
		"An area marked DONTFORK does not exist in the child.", \
		"linux:6.12:kernel/fork.c:dup_mmap") \
	X(COW_WIPE_ON_FORK, "cow.wipe-on-fork", \
		"An area marked WIPEONFORK is empty in the child.", \
		"linux:6.12:kernel/fork.c:dup_mmap") \
	X(COW_VFORK, "cow.vfork", \
		"A vfork child runs in the address space of its parent, which waits.", \
		"linux:6.12:kernel/fork.c:copy_mm") \
	X(COW_EXIT, "cow.exit", \
		"The last process of an address space gives back all frames, tables, " \
		"slots and commitment.", \
		"linux:6.12:mm/mmap.c:exit_mmap") \
	X(COW_WRITER_PAYS, "cow.writer-pays", \
		"Writing a page that somebody else maps too copies it, for the writer " \
		"alone.", \
		"linux:6.12:mm/memory.c:wp_page_copy") \
	X(COW_LAST_OWNER, "cow.last-owner", \
		"Whoever is alone with a page takes it over instead of copying.", \
		"linux:6.12:mm/memory.c:wp_can_reuse_anon_folio") \
	X(COW_EXCLUSIVE_REUSE, "cow.exclusive-reuse", \
		"A page marked exclusive is made writable where it is.", \
		"linux:6.12:mm/memory.c:do_wp_page") \
	X(COW_HUGE_REUSE, "cow.huge-reuse", \
		"A huge page that nobody else refers to becomes writable as a whole.", \
		"linux:6.12:mm/huge_memory.c:do_huge_pmd_wp_page") \
	X(COW_HUGETLB_COPY, "cow.hugetlb-copy", \
		"Writing a shared private huge page takes another from the pool.", \
		"linux:6.12:mm/hugetlb.c:hugetlb_wp") \
	X(COW_HUGETLB_TAKEN_BACK, "cow.hugetlb-taken-back", \
		"Without a page for a copy the owner takes the page away from those who " \
		"inherited it; their next access to it is a SIGBUS.", \
		"linux:6.12:mm/hugetlb.c:unmap_ref_private") \
	X(COW_HUGETLB_REUSE, "cow.hugetlb-reuse", \
		"A huge page that only one process maps is made writable where it is.", \
		"linux:6.12:mm/hugetlb.c:hugetlb_wp") \
	X(COW_PRIVATE_FILE_WRITE, "cow.private-file-write", \
		"Writing a private file page that is not mapped copies it from the " \
		"cache in one fault.", \
		"linux:6.12:mm/memory.c:do_cow_fault") \
	X(COW_PRIVATE_FILE_COPY, "cow.private-file-copy", \
		"Writing a private file page that is mapped replaces it by a private " \
		"copy; the file does not change.", \
		"linux:6.12:mm/memory.c:wp_page_copy") \
	X(COW_REMOTE_READ, "cow.remote-read", \
		"process_vm_readv faults missing pages in, charged to the caller, and " \
		"unshares shared private ones.", \
		"linux:6.12:mm/process_vm_access.c:process_vm_rw_single_vec") \
	X(COW_REMOTE_WRITE, "cow.remote-write", \
		"process_vm_writev obeys the rights of the area and stops at the first " \
		"page that has none.", \
		"linux:6.12:mm/process_vm_access.c:process_vm_rw_single_vec") \
	X(COW_FORCED_READ, "cow.forced-read", \
		"/proc/PID/mem reads what the process itself could not.", \
		"linux:6.12:mm/memory.c:__access_remote_vm") \
	X(COW_FORCED_WRITE, "cow.forced-write", \
		"/proc/PID/mem writes read-only private memory into a private copy, " \
		"which stays read-only.", \
		"linux:6.12:mm/gup.c:can_follow_write_pte") \
	X(COW_POKE, "cow.poke", \
		"A debugger writes a word the way /proc/PID/mem does; half a word is an error, and " \
		"stays written.", \
		"linux:6.12:kernel/ptrace.c:generic_ptrace_pokedata") \
	X(COW_SECRET_REFUSED, "cow.secret-refused", \
		"Nobody reaches secret memory through the kernel, not even its owner: what would " \
		"read, write, pin or populate it is refused.", \
		"linux:6.12:mm/gup.c:check_vma_flags") \
	X(COW_SPLICE, "cow.splice", \
		"vmsplice puts pages into a pipe, not copies: what their owner writes later is read " \
		"there.", \
		"linux:6.12:fs/splice.c:iter_to_pipe") \
	X(COW_SPLICE_UNASKED, "cow.splice-unasked", \
		"The tables are asked before the area: what is mapped is spliced though it may not be " \
		"read.", \
		"linux:6.12:mm/gup.c:gup_fast_pte_range") \
	X(COW_PIN, "cow.pin", \
		"A fixed buffer of io_uring pins its pages for good: they are made writable and the " \
		"caller's own first, and stay the buffer's wherever the mapping goes.", \
		"linux:6.12:mm/gup.c:pin_user_pages_fast") \
	X(COW_PIN_REFUSED, "cow.pin-refused", \
		"What cannot be written, and what a file system must know of, is not pinned; pages " \
		"that were made present before stay.", \
		"linux:6.12:mm/gup.c:check_vma_flags") \
	X(COW_PIN_AFTERWARDS, "cow.pin-afterwards", \
		"Pages of disk files, private copies included, and of several files are pinned, and " \
		"then refused.", \
		"linux:6.1:io_uring/rsrc.c:io_pin_pages") \
	X(COW_PIN_LIMIT, "cow.pin-limit", \
		"Pinned pages count against what may be locked, unless the privilege to lock is there.", \
		"linux:6.12:io_uring/rsrc.c:__io_account_mem") \
	X(COW_FORK_COPIES_PINNED, "cow.fork-copies-pinned", \
		"fork copies a pinned page at once: the parent keeps its frame, writable as it was.", \
		"linux:6.12:mm/memory.c:copy_present_page") \
	X(COW_PINNED_IO, "cow.pinned-io", \
		"Reading and writing a fixed buffer goes to its frames, whatever is mapped there now.", \
		"linux:6.12:io_uring/rsrc.c:io_import_fixed") \
	X(COW_HELD_IS_COPIED, "cow.held-is-copied", \
		"A page that was shared and that somebody holds a reference to is never taken over: " \
		"its last owner copies it.", \
		"linux:6.12:mm/memory.c:wp_can_reuse_anon_folio") \
	X(COW_KSM_MERGE, "cow.ksm-merge", \
		"Equal pages of mergeable areas become one write-protected page.", \
		"linux:6.12:mm/ksm.c:try_to_merge_two_pages") \
	X(COW_KSM_UNMERGE, "cow.ksm-unmerge", \
		"Unmerging gives every area its own copy again, by a fault of the " \
		"caller.", \
		"linux:6.12:mm/ksm.c:break_ksm") \
	X(COW_UFFD_REGISTER, "cow.uffd-register", \
		"An area registered for asynchronous write protection carries the flag " \
		"uw.", \
		"linux:6.12:fs/userfaultfd.c:userfaultfd_register") \
	X(COW_UFFD_UNREGISTER, "cow.uffd-unregister", \
		"Without the registration all protection of entries is gone.", \
		"linux:6.12:fs/userfaultfd.c:userfaultfd_unregister") \
	X(COW_UFFD_LOST_BY_MOVE, "cow.uffd-lost-by-move", \
		"Memory that moves into a registered neighbour takes the neighbour's registration " \
		"with it.", \
		"linux:6.12:fs/userfaultfd.c:mremap_userfaultfd_prep") \
	X(COW_UFFD_WP_RESOLVED, "cow.uffd-wp-resolved", \
		"A write to a protected entry takes the protection away, in the kernel, " \
		"by one more fault.", \
		"linux:6.12:mm/memory.c:do_wp_page") \
	X(COW_UFFD_WP_OUTLIVES_PAGE, "cow.uffd-wp-outlives-page", \
		"A protected page of a file leaves a marker when it is unmapped, so that its next " \
		"write is noticed.", \
		"linux:6.12:mm/memory.c:zap_install_uffd_wp_if_needed") \
	X(COW_PAGEMAP_SCAN, "cow.pagemap-scan", \
		"PAGEMAP_SCAN reports pages written since they were protected, and " \
		"protects them again.", \
		"linux:6.12:fs/proc/task_mmu.c:pagemap_scan_pmd_entry") \
	X(COW_CLEAR_SOFT_DIRTY, "cow.clear-soft-dirty", \
		"clear_refs 4 write-protects entries and takes their soft-dirty bits, " \
		"where the kernel has them.", \
		"linux:6.12:fs/proc/task_mmu.c:clear_soft_dirty") \
	X(COW_CLEAR_REFERENCED, "cow.clear-referenced", \
		"clear_refs takes the accessed bits without a flush: the processor may " \
		"not set them again at once.", \
		"linux:6.12:fs/proc/task_mmu.c:clear_refs_pte_range") \
	X(ACCOUNT_COMMIT, "account.commit", \
		"Commitment is charged for what may become private pages; mode 0 " \
		"refuses single requests beyond RAM and swap.", \
		"linux:6.12:mm/util.c:__vm_enough_memory") \
	X(ACCOUNT_PROTECT_CHARGES, "account.protect-charges", \
		"Making a private area writable charges it.", \
		"linux:6.12:mm/mprotect.c:mprotect_fixup") \
	X(ACCOUNT_PROTECT_RELEASES, "account.protect-releases", \
		"Taking the write right from anonymous memory that was never touched " \
		"gives the charge back.", \
		"linux:6.12:mm/mprotect.c:mprotect_fixup") \
	X(ACCOUNT_MINCORE, "account.mincore", \
		"mincore counts present entries, and for the rest what the caches hold.", \
		"linux:6.12:mm/mincore.c:mincore_pte_range") \
	X(FRAME_ONE_COPY, "frame.one-copy", \
		"The cache is keyed by file and offset: read, write and every mapping " \
		"see one frame.", \
		"linux:6.12:mm/filemap.c:filemap_add_folio") \
	X(FRAME_FILE_IS_SPARSE, "frame.file-is-sparse", \
		"A new file has no pages; holes read as zeros.", \
		"linux:6.12:mm/filemap.c:filemap_read") \
	X(FRAME_FILE_WRITE, "frame.file-write", \
		"A write changes the cache and marks it dirty.", \
		"linux:6.12:mm/filemap.c:generic_perform_write") \
	X(FRAME_FILE_READ, "frame.file-read", \
		"A read copies from the cache.", \
		"linux:6.12:mm/filemap.c:filemap_read") \
	X(FRAME_DIRECT_READ, "frame.direct-read", \
		"A direct read has dirty pages written and takes its bytes from the device; nothing " \
		"stays cached.", \
		"linux:6.12:fs/iomap/direct-io.c:__iomap_dio_rw") \
	X(FRAME_DIRECT_WRITE, "frame.direct-write", \
		"A direct write goes to the device, and what was cached of its range goes away.", \
		"linux:6.12:mm/filemap.c:kiocb_invalidate_pages") \
	X(FRAME_READ_THROUGH, "frame.read-through", \
		"A read of a page that is not cached brings it into the cache.", \
		"linux:6.12:mm/filemap.c:filemap_get_pages") \
	X(FRAME_WRITE_BACK, "frame.write-back", \
		"Write-back cleans the page and write-protects its entries, so that the " \
		"next write is noticed.", \
		"linux:6.12:mm/page-writeback.c:folio_clear_dirty_for_io") \
	X(FRAME_SYNC, "frame.sync", \
		"fsync and msync write dirty pages out.", \
		"linux:6.12:mm/msync.c:msync") \
	X(FRAME_DROP, "frame.drop", \
		"Clean pages that nobody maps can be dropped at will; dirty and mapped " \
		"ones not.", \
		"linux:6.12:mm/truncate.c:mapping_try_invalidate") \
	X(FRAME_PUNCH, "frame.punch", \
		"A hole takes the file's pages away from every mapping; private copies " \
		"stay.", \
		"linux:6.12:mm/truncate.c:truncate_pagecache_range") \
	X(FRAME_PUNCH_UNMAPS_ALL, "frame.punch-unmaps-all", \
		"A hole in shared memory that ends inside the first page unmaps all pages behind " \
		"its start; they come back by minor faults.", \
		"linux:6.12:mm/shmem.c:shmem_fallocate") \
	X(FRAME_SECRET_FILE, "frame.secret-file", \
		"A file of secret memory can be mapped and given a size once: it is not read, " \
		"written, synced, cut or punched.", \
		"linux:6.12:mm/secretmem.c:secretmem_setattr") \
	X(FRAME_TRUNCATE, "frame.truncate", \
		"Truncation takes pages away from every mapping, private copies " \
		"included.", \
		"linux:6.12:mm/truncate.c:truncate_pagecache") \
	X(FRAME_REVERSE_MAP, "frame.reverse-map", \
		"From a page of a file every mapping of it is found.", \
		"linux:6.12:mm/memory.c:unmap_mapping_range") \
	X(FRAME_WILL_NEED, "frame.will-need", \
		"MADV_WILLNEED reads the file's pages into the cache.", \
		"linux:6.12:mm/madvise.c:madvise_willneed") \
	X(FRAME_COLD, "frame.cold", \
		"MADV_COLD takes the accessed bits of pages that one process maps.", \
		"linux:6.12:mm/madvise.c:madvise_cold_or_pageout_pte_range") \
	X(FRAME_PAGE_OUT, "frame.page-out", \
		"MADV_PAGEOUT reclaims pages that one process maps.", \
		"linux:6.12:mm/madvise.c:madvise_cold_or_pageout_pte_range") \
	X(FRAME_SHARED_STAYS, "frame.shared-stays", \
		"A page that several map, or that is locked, is not paged out.", \
		"linux:6.12:mm/madvise.c:madvise_cold_or_pageout_pte_range") \
	X(FRAME_CLEAN_DROPPED, "frame.clean-dropped", \
		"A clean page of a file is dropped without writing.", \
		"linux:6.12:mm/vmscan.c:shrink_folio_list") \
	X(FRAME_RECLAIM_MARKS, "frame.reclaim-marks", \
		"A dirty page of a file that reclaim meets is marked to go when it is written; the same " \
		"bit says that reading should go on there.", \
		"linux:6.12:mm/vmscan.c:shrink_folio_list") \
	X(FRAME_CLOSE_WRITES, "frame.close-writes", \
		"A file that was cut to nothing is written when it is closed, lest a crash leave it " \
		"empty.", \
		"linux:6.12:fs/ext4/file.c:ext4_release_file") \
	X(FRAME_CLEAN_MEMORY_DROPPED, "frame.clean-memory-dropped", \
		"Shared memory that was only read is clean: it is dropped, also without swap, and " \
		"comes back as zeros.", \
		"linux:6.12:mm/vmscan.c:shrink_folio_list") \
	X(FRAME_LAZY_FREED, "frame.lazy-freed", \
		"A page freed lazily and not written since is dropped; it reads as " \
		"zeros.", \
		"linux:6.12:mm/rmap.c:try_to_unmap_one") \
	X(FRAME_SWAP_OUT, "frame.swap-out", \
		"A private page goes to a slot of the swap device, which its entry then " \
		"names.", \
		"linux:6.12:mm/rmap.c:try_to_unmap_one") \
	X(FRAME_SWAP_IN, "frame.swap-in", \
		"The next access brings it back into another frame.", \
		"linux:6.12:mm/memory.c:do_swap_page") \
	X(FRAME_SWAP_CACHE, "frame.swap-cache", \
		"A page that is still in the swap cache comes back without reading: the " \
		"fault is minor.", \
		"linux:6.12:mm/memory.c:do_swap_page") \
	X(FRAME_SLOT_FREED, "frame.slot-freed", \
		"Unmapping a swapped page gives its slot back.", \
		"linux:6.12:mm/memory.c:zap_pte_range") \
	X(FRAME_DEFERRED_SPLIT, "frame.deferred-split", \
		"A large folio that is partly unmapped keeps its memory until it is " \
		"split.", \
		"linux:6.12:mm/huge_memory.c:deferred_split_folio") \
	X(FRAME_SPLIT, "frame.split", \
		"Splitting a folio frees the frames that nobody maps.", \
		"linux:6.12:mm/huge_memory.c:__split_huge_page") \
	X(FRAME_CUT_SPLITS, "frame.cut-splits", \
		"A large folio across the new end of a file is split once no buffer that stays is dirty.", \
		"linux:6.12:mm/truncate.c:truncate_inode_partial_folio") \
	X(FRAME_TAG_STAYS, "frame.tag-stays", \
		"A folio whose last dirty buffer is cut off is clean, but the index goes on counting " \
		"it as dirty until it is written again.", \
		"linux:6.12:mm/page-writeback.c:__folio_cancel_dirty") \
	X(FRAME_COLD_SPLITS, "frame.cold-splits", \
		"MADV_COLD splits a clean large folio that the range maps only in part, which " \
		"unmaps a file's everywhere.", \
		"linux:6.12:mm/huge_memory.c:unmap_folio") \
	X(FRAME_MIGRATE, "frame.migrate", \
		"Migration changes the frame under every entry, and nothing else.", \
		"linux:6.12:mm/migrate.c:remove_migration_pte") \
	X(FRAME_HUGETLB_RESERVE, "frame.hugetlb-reserve", \
		"Mapping huge pages reserves them in the pool.", \
		"linux:6.12:mm/hugetlb.c:hugetlb_reserve_pages") \
	X(FRAME_HUGETLB_EXHAUSTED, "frame.hugetlb-exhausted", \
		"What cannot be reserved is refused by mmap.", \
		"linux:6.12:mm/hugetlb.c:hugetlb_acct_memory") \
	X(FRAME_HUGETLB_SURPLUS, "frame.hugetlb-surplus", \
		"Beyond the pool surplus pages are taken up to nr_overcommit_hugepages.", \
		"linux:6.12:mm/hugetlb.c:gather_surplus_pages") \
	X(FRAME_HUGETLB_RESIZE, "frame.hugetlb-resize", \
		"A smaller pool keeps what is promised, and calls surplus what is in use.", \
		"linux:6.12:mm/hugetlb.c:set_max_huge_pages") \
	X(FRAME_HUGETLB_OWED, "frame.hugetlb-owed", \
		"A huge page that its owner lets go while a child has it leaves a reservation that " \
		"the pool counts only when the child lets go, too.", \
		"linux:6.18:mm/hugetlb.c:__unmap_hugepage_range") \
	X(FRAME_HUGETLB_RETURN, "frame.hugetlb-return", \
		"A huge page goes back to the pool; surplus pages go back to the system " \
		"first.", \
		"linux:6.12:mm/hugetlb.c:free_huge_folio")
/* clang-format on */

enum rule {
#define RULE_ENUMERATOR(name, id, because, cite) RULE_##name,
	RULES(RULE_ENUMERATOR)
#undef RULE_ENUMERATOR
		RULE_LIMIT,
};

#endif
