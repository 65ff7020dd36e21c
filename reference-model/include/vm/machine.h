/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The abstract machine: Linux memory management on x86-64, executable.
 *
 * State: processes with their areas and real page tables (bit-exact entries in simulated frames),
 * frames with reference and map counts, swap slots, a page cache keyed by file and offset, and the
 * counters. One operation at a time changes it; everything that a user of the kernel could observe
 * after the operation can be asked for afterwards.
 *
 * The machine is deterministic. Where Linux is free, the freedom has a name: either the operation
 * met a choice (vm_outcome.choices; the same operation with vm_operation.decisions set takes the
 * other branch from the same state), or the kernel moved between operations (the VM_OP_STEP_*
 * operations: what khugepaged, ksmd, write-back, swap-out, migration or an LRU batch may do at any
 * time), or a bit of a page's attributes is open (the *_open masks of vm_page_view).
 *
 * The state lives in memory of the caller, holds no pointers, and is copied by vm_machine_copy: a
 * checkpoint is a copy.
 */
#ifndef VM_MACHINE_H
#define VM_MACHINE_H

#include "vm/base.h"
#include "vm/behaviours.h"
#include "vm/host.h"
#include "vm/units.h"
#include "vm/walk.h"

struct vm_machine;

/* Numbers of the x86-64 system call interface, so that an executor passes them on unchanged. */

enum vm_protection { VM_PROT_READ = 1, VM_PROT_WRITE = 2, VM_PROT_EXEC = 4 };

#define VM_PROT_GROWSDOWN UINT32_C(0x01000000)
#define VM_PROT_GROWSUP	  UINT32_C(0x02000000)

enum vm_map_flag {
	VM_MAP_SHARED = 0x01,
	VM_MAP_PRIVATE = 0x02,
	VM_MAP_SHARED_VALIDATE = 0x03,
	VM_MAP_DROPPABLE = 0x08, /* a type, like SHARED and PRIVATE */
	VM_MAP_FIXED = 0x10,
	VM_MAP_ANONYMOUS = 0x20,
	VM_MAP_GROWSDOWN = 0x0100,
	VM_MAP_LOCKED = 0x2000,
	VM_MAP_NORESERVE = 0x4000,
	VM_MAP_POPULATE = 0x8000,
	VM_MAP_NONBLOCK = 0x10000,
	VM_MAP_STACK = 0x20000,
	VM_MAP_HUGETLB = 0x40000,
	VM_MAP_FIXED_NOREPLACE = 0x100000,
	VM_MAP_HUGE_2MB = 21 << 26,
	VM_MAP_HUGE_1GB = 30 << 26,
};

enum vm_remap_flag { VM_MREMAP_MAYMOVE = 1, VM_MREMAP_FIXED = 2, VM_MREMAP_DONTUNMAP = 4 };
enum vm_msync_flag { VM_MS_ASYNC = 1, VM_MS_INVALIDATE = 2, VM_MS_SYNC = 4 };
enum vm_mlock_flag { VM_MLOCK_ONFAULT = 1 };
enum vm_mlockall_flag { VM_MCL_CURRENT = 1, VM_MCL_FUTURE = 2, VM_MCL_ONFAULT = 4 };

enum vm_advice {
	VM_MADV_NORMAL = 0,
	VM_MADV_RANDOM = 1,
	VM_MADV_SEQUENTIAL = 2,
	VM_MADV_WILLNEED = 3,
	VM_MADV_DONTNEED = 4,
	VM_MADV_FREE = 8,
	VM_MADV_REMOVE = 9,
	VM_MADV_DONTFORK = 10,
	VM_MADV_DOFORK = 11,
	VM_MADV_MERGEABLE = 12,
	VM_MADV_UNMERGEABLE = 13,
	VM_MADV_HUGEPAGE = 14,
	VM_MADV_NOHUGEPAGE = 15,
	VM_MADV_DONTDUMP = 16,
	VM_MADV_DODUMP = 17,
	VM_MADV_WIPEONFORK = 18,
	VM_MADV_KEEPONFORK = 19,
	VM_MADV_COLD = 20,
	VM_MADV_PAGEOUT = 21,
	VM_MADV_POPULATE_READ = 22,
	VM_MADV_POPULATE_WRITE = 23,
	VM_MADV_DONTNEED_LOCKED = 24,
	VM_MADV_COLLAPSE = 25,
	VM_MADV_GUARD_INSTALL = 102,
	VM_MADV_GUARD_REMOVE = 103,
};

enum vm_errno {
	VM_EPERM = 1,
	VM_ENOENT = 2,
	VM_ESRCH = 3,
	VM_EIO = 5,
	VM_ENXIO = 6,
	VM_EBADF = 9,
	VM_ECHILD = 10,
	VM_EAGAIN = 11,
	VM_ENOMEM = 12,
	VM_EACCES = 13,
	VM_EFAULT = 14,
	VM_EBUSY = 16,
	VM_EEXIST = 17,
	VM_ENODEV = 19,
	VM_EINVAL = 22,
	VM_EFBIG = 27,
	VM_ENOSPC = 28,
	VM_ESPIPE = 29,
	VM_EOPNOTSUPP = 95,
};

enum vm_signal_number { VM_SIGBUS = 7, VM_SIGKILL = 9, VM_SIGSEGV = 11 };
enum vm_signal_code {
	VM_SEGV_MAPERR = 1,
	VM_SEGV_ACCERR = 2,
	VM_SEGV_PKUERR = 4,
	VM_BUS_ADRERR = 2,
	VM_SI_KERNEL = 0x80,
};

/*
 * Operations. The second word is the language's; the comment names the fields of vm_operation that
 * it reads beside process (the actor). Lengths are in bytes and may be anything: the rounding and
 * the refusals are the kernel's.
 */
#define VM_OPERATIONS(X)                                                                           \
	X(MAP, "map")		/* address length protection flags file offset placed */           \
	X(UNMAP, "unmap")	/* address length */                                               \
	X(PROTECT, "protect")	/* address length protection */                                    \
	X(REMAP, "remap")	/* address length new_length flags new_address placed */           \
	X(ADVISE, "advise")	/* address length advice */                                        \
	X(LOCK, "lock")		/* address length flags (VM_MLOCK_ONFAULT) */                      \
	X(UNLOCK, "unlock")	/* address length */                                               \
	X(LOCK_ALL, "lock-all") /* flags (VM_MCL_*) */                                             \
	X(UNLOCK_ALL, "unlock-all")                                                                \
	X(MINCORE, "mincore")	      /* address length out */                                     \
	X(SYNC, "sync")		      /* address length flags (VM_MS_*) */                         \
	X(SEAL, "seal")		      /* address length: mseal */                                  \
	X(BREAK, "break")	      /* address: the new break, as brk(2) takes it */             \
	X(READ, "read")		      /* address length: one load a byte; out */                   \
	X(WRITE, "write")	      /* address length value: stores of that byte, ascending */   \
	X(TOUCH_READ, "touch-read")   /* address length: load the first byte of every page */      \
	X(TOUCH_WRITE, "touch-write") /* address length value: store to the first byte of each */  \
	X(EXECUTE, "execute") /* address: fetch one instruction (the executor puts ret there) */   \
	X(FORK, "fork")	      /* other: the child's number, unused so far */                       \
	X(VFORK, "vfork")     /* other: shares the address space until it exits */                 \
	X(EXIT, "exit")	      /* the process is gone, all it had is released */                    \
	X(WAIT, "wait")	      /* other: a child that has exited */                                 \
	X(FILE_CREATE,                                                                             \
		"file-create") /* file file_kind length flags (VM_CREATE_*): sparse, stored */     \
	X(FILE_WRITE, "file-write")	  /* file offset length value flags: pwrite */             \
	X(FILE_READ, "file-read")	  /* file offset length out flags: pread */                \
	X(FILE_TRUNCATE, "file-truncate") /* file length */                                        \
	X(FILE_SYNC, "file-sync")	  /* file: fsync */                                        \
	X(FILE_DROP, "file-drop")	  /* file offset length: POSIX_FADV_DONTNEED */            \
	X(FILE_PUNCH, "file-punch")	/* file offset length: fallocate(PUNCH_HOLE|KEEP_SIZE) */  \
	X(FILE_CLOSE, "file-close")	/* file: unlinked and closed; lives while mapped */        \
	X(REMOTE_READ, "remote-read")	/* other address length out: process_vm_readv */           \
	X(REMOTE_WRITE, "remote-write") /* other address length value: process_vm_writev */        \
	X(MEM_READ, "mem-read")		/* other address length out: pread of /proc/other/mem */   \
	X(MEM_WRITE, "mem-write")	/* other address length value: pwrite, forced */           \
	X(POKE, "poke")	    /* other address value: a word of eight such bytes, PTRACE_POKEDATA */ \
	X(SPLICE, "splice") /* address length: vmsplice into the one pipe of the script */         \
	X(SPLICE_READ, "splice-read") /* out: read of all that the pipe holds */                   \
	X(PIN, "pin") /* address length: a fixed buffer of the one ring, which pins its pages */   \
	X(UNPIN, "unpin")		    /* the ring gives it up */                             \
	X(PINNED_READ, "pinned-read")	    /* address length out: of the buffer, as pinned */     \
	X(PINNED_WRITE, "pinned-write")	    /* address length value: into the buffer */            \
	X(PROCESS_ADVISE, "process-advise") /* other address length advice: process_madvise */     \
	X(DENY_WRITE_EXECUTE, "deny-write-execute") /* prctl(PR_SET_MDWE) of the process */        \
	X(CLEAR_REFS, "clear-refs") /* other flags: the digit written to /proc/other/clear_refs */ \
	X(UFFD_REGISTER_WP, "uffd-register-wp") /* address length: async write protection */       \
	X(UFFD_UNREGISTER, "uffd-unregister")	/* address length */                               \
	X(PAGEMAP_SCAN, "pagemap-scan") /* other address length flags out: see vm_scan_flag */     \
	X(KSM_RUN, "ksm-run") /* flags: the digit written to ksm/run; 1 scans until stable */      \
	X(POOL, "pool")	      /* file_kind length: nr_hugepages, beside what others have of it */  \
	X(STEP_WRITE_BACK, "step-write-back") /* file offset length: the flusher came by */        \
	X(STEP_EVICT, "step-evict") /* file offset: reclaim took that clean page of the cache */   \
	X(STEP_COLLAPSE, "step-collapse") /* other address: khugepaged took that 2 MiB range */    \
	X(STEP_SWAP_OUT, "step-swap-out") /* other address: reclaim took that page */              \
	X(STEP_FREE_LAZY,                                                                          \
		"step-free-lazy")	/* other address: reclaim dropped a lazily freed page */   \
	X(STEP_MIGRATE, "step-migrate") /* other address: compaction moved the frame */            \
	X(STEP_SPLIT, "step-split")	/* other address: a deferred split of a large folio ran */

enum vm_operation_kind {
#define VM_OPERATION_ENUMERATOR(name, word) VM_OP_##name,
	VM_OPERATIONS(VM_OPERATION_ENUMERATOR)
#undef VM_OPERATION_ENUMERATOR
		VM_OP_LIMIT,
};

#define VM_POKE_BYTES UINT64_C(8)
/* SPLICE_READ: as much as the pipe can hold. */
#define VM_PIPE_BYTES (16 * VM_PAGE_BYTES)
/* PIN: what a pipe takes of it at a time. */
#define VM_PIN_PAGES 16

enum vm_file_kind {
	VM_FILE_DISK,  /* a file system that tracks dirty pages: the executor's working directory */
	VM_FILE_SHMEM, /* tmpfs or memfd */
	VM_FILE_SECRET,	    /* memfd_secret: no page of it is in the kernel's own mapping */
	VM_FILE_HUGETLB_2M, /* memfd with MFD_HUGETLB */
	VM_FILE_HUGETLB_1G,
};

/* FILE_READ, FILE_WRITE: O_DIRECT (whole pages of a disk file only), O_SYNC. */
enum vm_file_io { VM_FILE_IO_DIRECT = 1, VM_FILE_IO_SYNC = 2 };
/* FILE_CREATE: its descriptors get POSIX_FADV_RANDOM, so that read brings along no more than asked.
 */
enum vm_create_flag { VM_CREATE_RANDOM = 1 };

/* How the descriptor that an operation uses was opened. */
enum vm_file_access { VM_FILE_READ_WRITE, VM_FILE_READ_ONLY, VM_FILE_WRITE_ONLY };

/* VM_OP_PAGEMAP_SCAN: what to do beside reporting. */
enum vm_scan_flag {
	VM_SCAN_WRITTEN = 1, /* report pages written since they were last protected */
	VM_SCAN_PRESENT = 2,
	VM_SCAN_PROTECT = 4, /* and protect the matching ones again */
};

#define VM_NO_FILE    UINT32_MAX
#define VM_NO_PROCESS UINT32_MAX
#define VM_NO_FRAME   UINT32_MAX
#define VM_NO_SLOT    UINT32_MAX

struct vm_operation {
	enum vm_operation_kind kind;
	uint32_t process; /* who acts */
	uint32_t other;	  /* on whom, where that is somebody else */
	uint64_t address, length;
	uint64_t new_address, new_length;
	uint32_t protection;
	uint32_t flags;
	int32_t advice;
	uint32_t file; /* the caller's number for it, or VM_NO_FILE */
	enum vm_file_kind file_kind;
	enum vm_file_access file_access;
	uint64_t offset; /* bytes */
	uint8_t value;
	/*
	 * Where the kernel put an area when the choice was its own (no usable hint): given by the
	 * executor after the fact, 0 while it is unknown. The machine checks that the place was
	 * allowed.
	 */
	uint64_t placed_address;
	uint32_t decisions; /* bit i: take the other branch of the operation's i-th choice */
	/*
	 * READ, FILE_READ, REMOTE_READ, MEM_READ: bytes. MINCORE, PAGEMAP_SCAN: one byte a page.
	 * May be NULL; no more than out_size bytes are stored.
	 */
	uint8_t *out;
	size_t out_size;
};

/* The freedoms of the kernel that the machine knows by name. */
#define VM_FREEDOMS(X)                                                                            \
	X(REMOTE_LRU_BATCH, "remote-lru-batch") /* another CPU's batch holds a reference: copy */ \
	X(LOCAL_LRU_BATCH, "local-lru-batch")	/* LRU flags change when a batch is drained */    \
	X(STALE_TLB, "stale-tlb")	  /* the accessed bit is not set again before a flush */  \
	X(NO_HUGE_FRAME, "no-huge-frame") /* no free 2 MiB block: small pages instead */          \
	X(PLACEMENT, "placement")	  /* the kernel chooses the address */                    \
	X(MERGE, "merge")		  /* an anon_vma that cannot be known from outside */     \
	X(SWAP_DEVICE, "swap-device")	  /* a full or failing device keeps the page */           \
	X(WRITE_BACK, "write-back")	  /* the flusher may clean a dirty page at any time */    \
	X(READ_AHEAD, "read-ahead")	  /* what came along with a page is still on its way */   \
	X(RECLAIM, "reclaim")                                                                     \
	X(KHUGEPAGED, "khugepaged")                                                               \
	X(KSMD, "ksmd")                                                                           \
	X(MIGRATION, "migration")

enum vm_freedom {
#define VM_FREEDOM_ENUMERATOR(name, word) VM_FREEDOM_##name,
	VM_FREEDOMS(VM_FREEDOM_ENUMERATOR)
#undef VM_FREEDOM_ENUMERATOR
		VM_FREEDOM_LIMIT,
};

#define VM_OUTCOME_ERRNOS  4
#define VM_OUTCOME_CHOICES 16

struct vm_outcome {
	/* Success: 0, an address, or a number of bytes. Meaningless when errno_count is not 0. */
	int64_t result;
	/* Any of these may be returned; none: the call succeeds. */
	uint32_t errno_count;
	int32_t errnos[VM_OUTCOME_ERRNOS];
	/* READ, WRITE, TOUCH_*, EXECUTE: the signal that ended the access; number 0: none. */
	struct {
		int32_t number;
		int32_t code;
		uint64_t address;
		uint32_t error_bits;   /* vm_fault_bit */
		uint8_t trap;	       /* 14 page fault, 13 general protection */
		bool error_bits_known; /* false where no signal frame carries them */
	} signal;
	/* Faults that getrusage charges to the actor for this operation. */
	uint32_t minor_faults, major_faults;
	/*
	 * Of what fault-around brought along: dirty pages of files on disk, and pages that nobody
	 * mapped. It leaves out what somebody has locked, and each page then takes a fault of its
	 * own, which is major if it had to wait (linux:6.12:mm/filemap.c:next_uptodate_folio,
	 * lock_folio_maybe_drop_mmap; mm/memory.c:mm_account_fault). Whoever writes back locks the
	 * first (fs/ext4/inode.c:mpage_prepare_extent_to_map), whoever reclaims the second
	 * (mm/vmscan.c:shrink_folio_list).
	 */
	uint32_t around_dirty_pages, around_unmapped_pages;
	size_t out_count; /* bytes stored to out, or that would have been */
	uint32_t choice_count;
	enum vm_freedom choices[VM_OUTCOME_CHOICES]; /* met, in order */
	/*
	 * The model does not speak of what follows: an operation or a state outside of what it
	 * knows, with the reason. The machine is unchanged, unless it met its own limits in the
	 * middle: then it is silent for ever.
	 */
	const char *silent;
};

/* How much the machine may hold. vm_machine_size_bytes says what memory that takes. */
struct vm_machine_limits {
	uint32_t processes;
	uint32_t areas;	 /* of all processes together */
	uint32_t frames; /* 4 KiB frames with contents; 512 more for every 2 MiB page */
	uint32_t tables; /* page-table frames of all processes together */
	uint32_t files;
	uint32_t cache_pages;
	uint32_t swap_slots;
	uint32_t runs; /* runs of equal bytes in contents: one a page, two more a byte written */
};

/* Enough for exploration: 8 processes, 25 areas each, some hundred touched pages. */
struct vm_machine_limits vm_machine_limits_usual(void);

#define VM_READAHEAD_UNKNOWN UINT32_MAX

struct vm_huge_pool {
	uint64_t total, free, reserved, surplus;
};

/* What others have of a pool: neither free, nor free and not promised. */
static inline uint64_t vm_pool_of_others(uint64_t total, uint64_t free, uint64_t reserved)
{
	return total - free + reserved;
}

/* What the host is not asked for because it belongs to this machine alone. */
struct vm_machine_setup {
	struct vm_machine_limits limits;
	uint64_t ram_pages, swap_pages; /* for overcommit; swap_pages 0: no swap */
	bool swap_synchronous;		/* zram, pmem: swap-in bypasses the swap cache */
	uint64_t break_address;		/* page-aligned start of the heap; 0: BREAK is silent */
	uint64_t mmap_top;		/* end of user addresses where areas may be put */
	struct vm_huge_pool huge_2m, huge_1g; /* at the start */
	uint64_t huge_2m_overcommit_pages, huge_1g_overcommit_pages;
	bool disk_large_folios; /* the file system of VM_FILE_DISK makes large folios */
	uint32_t
		readahead_pages; /* of that disk, or VM_READAHEAD_UNKNOWN: files on it are silent */
	/* thp.enabled cannot be seen: silent where an area has room for a huge page. */
	bool huge_choice_unknown;
	uint32_t areas_at_start; /* map_count of the executor's process beside the machine's */
	uint64_t total_pages_at_start; /* total_vm of it, for RLIMIT_AS */
};

size_t vm_machine_size_bytes(const struct vm_machine_limits *limits);

/*
 * A machine with process 0, which has no area. NULL when the memory is too small; memory must be
 * aligned for max_align_t. Host and behaviours are copied.
 */
struct vm_machine *vm_machine_create(const struct vm_host *host,
	const struct vm_behaviours *behaviours, const struct vm_machine_setup *setup, void *memory,
	size_t size_bytes);

/* Both were created with the same setup. Copies what is in use, not the whole memory. */
void vm_machine_copy(struct vm_machine *to, const struct vm_machine *from);

/* Does it, and says what the kernel says. */
void vm_machine_do(struct vm_machine *machine, const struct vm_operation *operation,
	struct vm_outcome *outcome);

const char *vm_operation_word(enum vm_operation_kind kind);
const char *vm_freedom_word(enum vm_freedom freedom);

/* ---- What can be observed ---- */

/* VmFlags of smaps, by the letters that the kernel prints. Bit i is the i-th row. */
#define VM_AREA_FLAGS(X)            \
	X(READ, "rd")               \
	X(WRITE, "wr")              \
	X(EXEC, "ex")               \
	X(SHARED, "sh")             \
	X(MAY_READ, "mr")           \
	X(MAY_WRITE, "mw")          \
	X(MAY_EXEC, "me")           \
	X(MAY_SHARE, "ms")          \
	X(GROWS_DOWN, "gd")         \
	X(LOCKED, "lo")             \
	X(SEQUENTIAL_READ, "sr")    \
	X(RANDOM_READ, "rr")        \
	X(DONT_COPY, "dc")          \
	X(DONT_EXPAND, "de")        \
	X(LOCK_ON_FAULT, "lf")      \
	X(ACCOUNT, "ac")            \
	X(NO_RESERVE, "nr")         \
	X(HUGETLB, "ht")            \
	X(WIPE_ON_FORK, "wf")       \
	X(DONT_DUMP, "dd")          \
	X(SOFT_DIRTY, "sd")         \
	X(HUGE_PAGE, "hg")          \
	X(NO_HUGE_PAGE, "nh")       \
	X(MERGEABLE, "mg")          \
	X(UFFD_WRITE_PROTECT, "uw") \
	X(DROPPABLE, "dp")          \
	X(MAYBE_GUARD, "gu")        \
	X(SEALED, "sl")

enum vm_area_flag_bit {
#define VM_AREA_FLAG_ENUMERATOR(name, word) VM_AREA_##name##_BIT,
	VM_AREA_FLAGS(VM_AREA_FLAG_ENUMERATOR)
#undef VM_AREA_FLAG_ENUMERATOR
		VM_AREA_FLAG_LIMIT,
};

#define VM_AREA(name) (UINT32_C(1) << VM_AREA_##name##_BIT)

/* "rd" for VM_AREA_READ_BIT and so on. */
const char *vm_area_flag_word(enum vm_area_flag_bit bit);

struct vm_area_view {
	uint32_t number; /* of the machine's own, until the next operation */
	uint64_t start, end;
	uint32_t flags;	       /* VM_AREA(...) */
	uint32_t file;	       /* or VM_NO_FILE; shared anonymous memory has no file here */
	uint32_t object;       /* of the cache: the file, the shared memory, or VM_NO_FILE */
	bool shared_anonymous; /* shown as /dev/zero (deleted) */
	bool heap;	       /* shown as [heap] */
	uint64_t offset;       /* bytes into the file; for anonymous memory what maps prints: 0 */
};

size_t vm_machine_area_count(const struct vm_machine *machine, uint32_t process);
void vm_machine_area(const struct vm_machine *machine, uint32_t process, size_t index,
	struct vm_area_view *view);
/* The area that holds the address; false where there is none. */
bool vm_machine_area_at(const struct vm_machine *machine, uint32_t process, uint64_t address,
	struct vm_area_view *view);

enum vm_page_state {
	VM_PAGE_NONE,
	VM_PAGE_PRESENT,
	VM_PAGE_SWAPPED,
	VM_PAGE_GUARD,	     /* a marker: pagemap shows bit 62 with a marker's type */
	VM_PAGE_UFFD_MARKER, /* write-protected while empty */
};

/* Bits of kpageflags that the machine predicts; the numbers are the kernel's. */
enum vm_kpf {
	VM_KPF_LOCKED = 0,
	VM_KPF_ERROR = 1,
	VM_KPF_REFERENCED = 2,
	VM_KPF_UPTODATE = 3,
	VM_KPF_DIRTY = 4,
	VM_KPF_LRU = 5,
	VM_KPF_ACTIVE = 6,
	VM_KPF_WRITEBACK = 8,
	VM_KPF_MMAP = 11,
	VM_KPF_ANON = 12,
	VM_KPF_SWAPCACHE = 13,
	VM_KPF_SWAPBACKED = 14,
	VM_KPF_COMPOUND_HEAD = 15,
	VM_KPF_COMPOUND_TAIL = 16,
	VM_KPF_HUGE = 17,
	VM_KPF_UNEVICTABLE = 18,
	VM_KPF_KSM = 21,
	VM_KPF_THP = 22,
	VM_KPF_ZERO_PAGE = 24,
	VM_KPF_MLOCKED = 33,
	VM_KPF_ANON_EXCLUSIVE = 34, /* on small anonymous pages only */
};

/* Bits of a pagemap word outside of the frame number. */
enum vm_pagemap_bit {
	VM_PAGEMAP_SOFT_DIRTY = 55,
	VM_PAGEMAP_EXCLUSIVE = 56, /* mapped once */
	VM_PAGEMAP_UFFD_WP = 57,
	VM_PAGEMAP_GUARD = 58,
	VM_PAGEMAP_FILE = 61,
	VM_PAGEMAP_SWAP = 62,
	VM_PAGEMAP_PRESENT = 63,
};

struct vm_page_view {
	enum vm_page_state state;
	uint64_t pagemap;      /* bits 55 to 63; where the frame number or swap place stands: 0 */
	uint64_t pagemap_open; /* bits that a named freedom leaves open */
	uint32_t frame;	       /* symbolic; equal numbers are one frame, or VM_NO_FRAME */
	uint32_t slot;	       /* symbolic swap slot, or VM_NO_SLOT */
	uint64_t kpageflags, kpageflags_open;
	uint32_t map_count; /* kpagecount */
	bool in_core;	    /* what mincore says */
	bool in_core_open;  /* the step "read-ahead": the device may not have delivered it yet */
	bool huge;	    /* the leaf is not in the lowest table */
	bool writable_now;  /* a store would not fault */
};

/* All areas at once, in the order of their addresses, no more than limit; how many there are. */
size_t vm_machine_areas(const struct vm_machine *machine, uint32_t process,
	struct vm_area_view *views, size_t limit);
/* A page of an area that was seen since the last operation. */
void vm_machine_page_of(const struct vm_machine *machine, const struct vm_area_view *area,
	uint64_t address, struct vm_page_view *view);

/* address is in any area of the process or in none; then the state is NONE. */
void vm_machine_page(const struct vm_machine *machine, uint32_t process, uint64_t address,
	struct vm_page_view *view);

/*
 * What the processor would do with this access now, by the one walker of x86 (vm/walk.h) over the
 * process's own tables, without leaving a trace in them. Physical addresses are symbolic: bits 12
 * and up are the frame of vm_page_view.
 */
struct vm_walk vm_machine_walk(
	const struct vm_machine *machine, uint32_t process, const struct vm_access *access);

/* /proc/PID/status and friends, of the machine's areas alone. */
struct vm_counters {
	uint64_t virtual_pages;			      /* VmSize */
	uint64_t anonymous_pages;		      /* RssAnon */
	uint64_t file_pages;			      /* RssFile */
	uint64_t shmem_pages;			      /* RssShmem */
	uint64_t swap_pages;			      /* VmSwap */
	uint64_t locked_pages;			      /* VmLck */
	uint64_t hugetlb_pages;			      /* HugetlbPages, in 4 KiB pages */
	uint64_t data_pages, stack_pages, exec_pages; /* VmData, VmStk, VmExe + VmLib */
	uint64_t page_table_bytes;		      /* VmPTE */
	uint64_t areas;				      /* map_count */
	uint64_t minor_faults, major_faults; /* since creation, exited children not included */
};

void vm_machine_counters(
	const struct vm_machine *machine, uint32_t process, struct vm_counters *counters);

/* The lines of smaps for one area, in KiB as printed (truncated as printed). */
#define VM_SMAPS_LINES(X)                     \
	X(SIZE, "Size")                       \
	X(KERNEL_PAGE_SIZE, "KernelPageSize") \
	X(MMU_PAGE_SIZE, "MMUPageSize")       \
	X(RSS, "Rss")                         \
	X(PSS, "Pss")                         \
	X(PSS_DIRTY, "Pss_Dirty")             \
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
	X(LOCKED, "Locked")                   \
	X(THP_ELIGIBLE, "THPeligible")

enum vm_smaps_line {
#define VM_SMAPS_ENUMERATOR(name, word) VM_SMAPS_##name,
	VM_SMAPS_LINES(VM_SMAPS_ENUMERATOR)
#undef VM_SMAPS_ENUMERATOR
		VM_SMAPS_LIMIT,
};

struct vm_smaps {
	uint64_t kib[VM_SMAPS_LIMIT];
	/* Lines that lie anywhere from kib to highest_kib: open accessed or dirty bits. */
	uint64_t highest_kib[VM_SMAPS_LIMIT];
};

void vm_machine_smaps(const struct vm_machine *machine, uint32_t process, size_t area_index,
	struct vm_smaps *smaps);
const char *vm_smaps_word(enum vm_smaps_line line);

/* cachestat of a whole file, and its size. */
struct vm_file_view {
	bool exists;
	enum vm_file_kind kind;
	uint64_t size_bytes;
	uint64_t cached_pages, dirty_pages, write_back_pages, evicted_pages;
};

void vm_machine_file(const struct vm_machine *machine, uint32_t file, struct vm_file_view *view);

/* cachestat of one page of it. */
struct vm_cached_view {
	bool cached, dirty, mapped;
};

void vm_machine_cached(const struct vm_machine *machine, uint32_t file, uint64_t page,
	struct vm_cached_view *view);

/* Events of /proc/vmstat that the machine counts, since creation. */
#define VM_EVENTS(X)                                     \
	X(THP_FAULT_ALLOC, "thp_fault_alloc")            \
	X(THP_FAULT_FALLBACK, "thp_fault_fallback")      \
	X(THP_COLLAPSE_ALLOC, "thp_collapse_alloc")      \
	X(THP_SPLIT_PMD, "thp_split_pmd")                \
	X(THP_SPLIT_PAGE, "thp_split_page")              \
	X(THP_DEFERRED_SPLIT, "thp_deferred_split_page") \
	X(THP_ZERO_ALLOC, "thp_zero_page_alloc")         \
	X(SWAP_OUT, "pswpout")                           \
	X(SWAP_IN, "pswpin")                             \
	X(SWAP_OUT_ZERO, "swpout_zero")                  \
	X(SWAP_IN_ZERO, "swpin_zero")                    \
	X(REUSE, "pgreuse")                              \
	X(COW_KSM, "cow_ksm")                            \
	X(LAZY_FREE, "pglazyfree")                       \
	X(LAZY_FREED, "pglazyfreed")

enum vm_event {
#define VM_EVENT_ENUMERATOR(name, word) VM_EVENT_##name,
	VM_EVENTS(VM_EVENT_ENUMERATOR)
#undef VM_EVENT_ENUMERATOR
		VM_EVENT_LIMIT,
};

struct vm_system_view {
	int64_t committed_pages; /* Committed_AS, beside what it was at creation */
	uint64_t swap_slots_used;
	struct vm_huge_pool huge_2m, huge_1g;
	uint64_t ksm_shared, ksm_sharing, ksm_unshared, ksm_zero;
	uint64_t frames_in_use; /* user frames; tables not included */
	uint64_t event[VM_EVENT_LIMIT];
};

void vm_machine_system(const struct vm_machine *machine, struct vm_system_view *view);
const char *vm_event_word(enum vm_event event);

enum vm_process_state { VM_PROCESS_UNUSED, VM_PROCESS_RUNNING, VM_PROCESS_EXITED };

enum vm_process_state vm_machine_process(const struct vm_machine *machine, uint32_t process);

/* ---- Why ---- */

/* A rule of the machine: a sentence that it obeys, with the place in the kernel that says so. */
struct vm_rule {
	const char *id;	     /* "demand.anonymous-read" */
	const char *because; /* the mechanism, in one sentence */
	const char *cite;    /* "linux:6.12:mm/memory.c:do_anonymous_page" */
};

/* All rules, in a fixed order: the index is the rule's number. */
const struct vm_rule *vm_machine_rules(size_t *count);

/* How often each rule was obeyed since creation; rule < the count above. */
uint64_t vm_machine_rule_hits(const struct vm_machine *machine, size_t rule);

/* The rules of the last operation in the order in which they were obeyed; at most limit. */
size_t vm_machine_last_rules(const struct vm_machine *machine, uint16_t *rules, size_t limit);

#endif
