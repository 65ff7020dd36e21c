/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /proc/pid/maps and /proc/pid/smaps, one area at a time. smaps_rollup is an smaps of one area.
 *
 * linux:6.12:fs/proc/task_mmu.c:show_map_vma, show_smap, show_smap_vma_flags
 */
#ifndef KERNEL_AREAS_H
#define KERNEL_AREAS_H

#include "kernel/text.h"

struct kernel_area {
	uint64_t start, end; /* addresses */
	bool read, write, execute, shared;
	uint64_t offset_bytes;
	uint64_t device_major, device_minor, inode;
	/* "[stack]", a path with newlines as \012, " (deleted)" behind a removed one; may be empty
	 */
	struct kernel_text name;
};

/* Figures of smaps in KiB, as the kernel spells them. */
#define KERNEL_SMAPS_FIELDS(X)                \
	X(SIZE, "Size")                       \
	X(KERNEL_PAGE_SIZE, "KernelPageSize") \
	X(MMU_PAGE_SIZE, "MMUPageSize")       \
	X(RSS, "Rss")                         \
	X(PSS, "Pss")                         \
	X(PSS_DIRTY, "Pss_Dirty")             \
	X(PSS_ANON, "Pss_Anon")               \
	X(PSS_FILE, "Pss_File")               \
	X(PSS_SHMEM, "Pss_Shmem")             \
	X(SHARED_CLEAN, "Shared_Clean")       \
	X(SHARED_DIRTY, "Shared_Dirty")       \
	X(PRIVATE_CLEAN, "Private_Clean")     \
	X(PRIVATE_DIRTY, "Private_Dirty")     \
	X(REFERENCED, "Referenced")           \
	X(ANONYMOUS, "Anonymous")             \
	X(KSM, "KSM")                         \
	X(LAZY_FREE, "LazyFree")              \
	X(ANON_HUGE_PAGES, "AnonHugePages")   \
	X(SHMEM_PMD_MAPPED, "ShmemPmdMapped") \
	X(FILE_PMD_MAPPED, "FilePmdMapped")   \
	X(SHARED_HUGETLB, "Shared_Hugetlb")   \
	X(PRIVATE_HUGETLB, "Private_Hugetlb") \
	X(SWAP, "Swap")                       \
	X(SWAP_PSS, "SwapPss")                \
	X(LOCKED, "Locked")

enum kernel_smaps_field {
#define KERNEL_SMAPS_ENUMERATOR(name, word) KERNEL_SMAPS_##name,
	KERNEL_SMAPS_FIELDS(KERNEL_SMAPS_ENUMERATOR)
#undef KERNEL_SMAPS_ENUMERATOR
		KERNEL_SMAPS_LIMIT,
};

/* The letters of VmFlags, in the order in which the kernel prints them. */
#define KERNEL_AREA_FLAGS(X)     \
	X(READ, "rd")            \
	X(WRITE, "wr")           \
	X(EXEC, "ex")            \
	X(SHARED, "sh")          \
	X(MAY_READ, "mr")        \
	X(MAY_WRITE, "mw")       \
	X(MAY_EXEC, "me")        \
	X(MAY_SHARE, "ms")       \
	X(GROWS_DOWN, "gd")      \
	X(PFN_MAP, "pf")         \
	X(LOCKED, "lo")          \
	X(LOCK_ON_FAULT, "lf")   \
	X(IO, "io")              \
	X(SEQUENTIAL_READ, "sr") \
	X(RANDOM_READ, "rr")     \
	X(DONT_COPY, "dc")       \
	X(DONT_EXPAND, "de")     \
	X(ACCOUNT, "ac")         \
	X(NO_RESERVE, "nr")      \
	X(HUGETLB, "ht")         \
	X(SYNC, "sf")            \
	X(ARCH_1, "ar")          \
	X(WIPE_ON_FORK, "wf")    \
	X(DONT_DUMP, "dd")       \
	X(SOFT_DIRTY, "sd")      \
	X(MIXED_MAP, "mm")       \
	X(HUGE_PAGE, "hg")       \
	X(NO_HUGE_PAGE, "nh")    \
	X(MERGEABLE, "mg")       \
	X(UFFD_MISSING, "um")    \
	X(UFFD_WP, "uw")         \
	X(UFFD_MINOR, "ui")      \
	X(SHADOW_STACK, "ss")    \
	X(SEALED, "sl")          \
	X(DROPPABLE, "dp")       \
	X(GUARD, "gu")

enum kernel_area_flag {
#define KERNEL_AREA_FLAG_ENUMERATOR(name, letters) KERNEL_AREA_FLAG_##name,
	KERNEL_AREA_FLAGS(KERNEL_AREA_FLAG_ENUMERATOR)
#undef KERNEL_AREA_FLAG_ENUMERATOR
		KERNEL_AREA_FLAG_LIMIT,
};

struct kernel_smaps_area {
	struct kernel_area area;
	uint64_t value_kib[KERNEL_SMAPS_LIMIT];
	uint64_t has_value; /* bit of each kernel_smaps_field that was printed */
	bool has_thp_eligible, thp_eligible;
	bool has_protection_key;
	uint64_t protection_key;
	bool has_flags;
	uint64_t flags;		       /* bit of each kernel_area_flag */
	struct kernel_text flags_text; /* the letters as printed, unknown ones included */
};

/*
 * 1 and the next area, 0 at the end, -EINVAL. The cursor starts as kernel_lines_of(text). In maps
 * each line is an area; areas of smaps must not be read by the first function.
 */
int kernel_maps_next(
	struct kernel_lines *lines, struct kernel_area *area, struct kernel_error *error);
int kernel_smaps_next(
	struct kernel_lines *lines, struct kernel_smaps_area *area, struct kernel_error *error);

/* In smaps, to the first area that begins at the address or above, without reading the others. */
void kernel_smaps_skip(struct kernel_lines *lines, uint64_t address);

const char *kernel_smaps_word(enum kernel_smaps_field field);
const char *kernel_area_flag_letters(enum kernel_area_flag flag);

#endif
