/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bits of /proc/pid/pagemap and /proc/kpageflags.
 *
 * linux:6.12:Documentation/admin-guide/mm/pagemap.rst; linux:6.12:fs/proc/task_mmu.c:
 * pte_to_pagemap_entry; linux:6.12:include/uapi/linux/kernel-page-flags.h
 */
#ifndef KERNEL_PAGEMAP_H
#define KERNEL_PAGEMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KERNEL_PAGEMAP_FRAME_MASK ((UINT64_C(1) << 55) - 1)

/*
 * Bit 62 says "not present, but an entry": swap, and since the entry types share one space also
 * markers (userfaultfd write protection, guard regions, poison) and migration. The type tells: swap
 * areas count up from 0; special types count down from 31. A marker is type 31.
 */
#define KERNEL_SWAP_TYPE_MARKER 31

struct kernel_pagemap_entry {
	bool present;	      /* bit 63 */
	bool swapped;	      /* bit 62 */
	bool file_or_shared;  /* bit 61 */
	bool guard;	      /* bit 58, since 6.15 */
	bool uffd_wp;	      /* bit 57 */
	bool exclusive;	      /* bit 56: mapped once, not AnonExclusive */
	bool soft_dirty;      /* bit 55 */
	uint64_t frame;	      /* if present; 0 for readers without CAP_SYS_ADMIN */
	unsigned swap_type;   /* if swapped */
	uint64_t swap_offset; /* if swapped; 0 for readers without CAP_SYS_ADMIN */
};

static inline struct kernel_pagemap_entry kernel_pagemap_decode(uint64_t entry)
{
	const bool present = entry >> 63 & 1;
	const bool swapped = entry >> 62 & 1;
	const uint64_t low = entry & KERNEL_PAGEMAP_FRAME_MASK;

	return (struct kernel_pagemap_entry){
		.present = present,
		.swapped = swapped,
		.file_or_shared = entry >> 61 & 1,
		.guard = entry >> 58 & 1,
		.uffd_wp = entry >> 57 & 1,
		.exclusive = entry >> 56 & 1,
		.soft_dirty = entry >> 55 & 1,
		.frame = present ? low : 0,
		.swap_type = swapped ? (unsigned)(low & 31) : 0,
		.swap_offset = swapped ? low >> 5 : 0,
	};
}

/* Bits of kpageflags: from 32 up they are the kernel's own business and differ between versions. */
#define KERNEL_PAGE_FLAGS(X)                  \
	X(LOCKED, 0, "locked")                \
	X(ERROR, 1, "error")                  \
	X(REFERENCED, 2, "referenced")        \
	X(UPTODATE, 3, "uptodate")            \
	X(DIRTY, 4, "dirty")                  \
	X(LRU, 5, "lru")                      \
	X(ACTIVE, 6, "active")                \
	X(SLAB, 7, "slab")                    \
	X(WRITEBACK, 8, "writeback")          \
	X(RECLAIM, 9, "reclaim")              \
	X(BUDDY, 10, "buddy")                 \
	X(MMAP, 11, "mmap")                   \
	X(ANON, 12, "anon")                   \
	X(SWAPCACHE, 13, "swapcache")         \
	X(SWAPBACKED, 14, "swapbacked")       \
	X(COMPOUND_HEAD, 15, "compound-head") \
	X(COMPOUND_TAIL, 16, "compound-tail") \
	X(HUGE, 17, "huge")                   \
	X(UNEVICTABLE, 18, "unevictable")     \
	X(HWPOISON, 19, "hwpoison")           \
	X(NOPAGE, 20, "nopage")               \
	X(KSM, 21, "ksm")                     \
	X(THP, 22, "thp")                     \
	X(OFFLINE, 23, "offline")             \
	X(ZERO_PAGE, 24, "zero-page")         \
	X(IDLE, 25, "idle")                   \
	X(PGTABLE, 26, "pgtable")             \
	X(RESERVED, 32, "reserved")           \
	X(MLOCKED, 33, "mlocked")             \
	X(OWNER_2, 34, "owner-2")             \
	X(PRIVATE, 35, "private")             \
	X(PRIVATE_2, 36, "private-2")         \
	X(OWNER_PRIVATE, 37, "owner-private") \
	X(ARCH, 38, "arch")                   \
	X(UNCACHED, 39, "uncached")           \
	X(SOFTDIRTY, 40, "softdirty")         \
	X(ARCH_2, 41, "arch-2")               \
	X(ARCH_3, 42, "arch-3")

#define KERNEL_PAGE_FLAG_CONSTANT(name, bit, word) \
	static const uint64_t KERNEL_PAGE_##name = UINT64_C(1) << (bit);
KERNEL_PAGE_FLAGS(KERNEL_PAGE_FLAG_CONSTANT)
#undef KERNEL_PAGE_FLAG_CONSTANT

/*
 * On an anonymous page of order 0, bit 34 (MAPPEDTODISK in 6.1, OWNER_2 since) shows AnonExclusive:
 * the same bit of struct page. On file pages it means something else.
 * linux:6.12:include/linux/page-flags.h:PG_anon_exclusive
 */
#define KERNEL_PAGE_ANON_EXCLUSIVE KERNEL_PAGE_OWNER_2

/* The word of a bit, or NULL for one without a name. */
const char *kernel_page_flag_word(unsigned bit);

#endif
