/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commitment: what a request for memory promises, and when the promise is refused.
 *
 * Memory sizes and what is committed already move; they are arguments, read in the same pass as the
 * answer of the kernel.
 */
#ifndef VM_COMMIT_H
#define VM_COMMIT_H

#include "vm/behaviours.h"

/* vm.overcommit_memory */
enum vm_commit_mode { VM_COMMIT_HEURISTIC, VM_COMMIT_ALWAYS, VM_COMMIT_NEVER_MORE };

enum vm_commit_backing {
	VM_COMMIT_ANONYMOUS,
	VM_COMMIT_FILE,	       /* on a disk: its pages can always be given up */
	VM_COMMIT_MEMORY_FILE, /* tmpfs, memfd */
	VM_COMMIT_HUGETLB,
};

/* A mapping as the system call asks for it. */
struct vm_commit_request {
	enum vm_commit_backing backing;
	bool shared, writable;
	bool no_reserve; /* MAP_NORESERVE, SHM_NORESERVE */
	uint64_t length_pages;
};

/* What mapping it adds to the commitment. */
uint64_t vm_commit_map_pages(const struct vm_behaviours *behaviours, enum vm_commit_mode mode,
	const struct vm_commit_request *request);

/* What the first use of a page adds, where the object did not promise all of them at once. */
uint64_t vm_commit_touch_pages(const struct vm_behaviours *behaviours, enum vm_commit_mode mode,
	const struct vm_commit_request *request, uint64_t touched_pages);

/*
 * Whether the area itself carries the promise (flag "ac" of smaps): it is then given back with the
 * area, and promised again by fork. A shared object's promise lies with the object.
 */
bool vm_commit_area_accounts(const struct vm_behaviours *behaviours, enum vm_commit_mode mode,
	const struct vm_commit_request *request);

/* What making the area writable adds; accounts: whether it carries a promise already. */
uint64_t vm_commit_make_writable_pages(const struct vm_behaviours *behaviours,
	enum vm_commit_mode mode, const struct vm_commit_request *area, bool accounts);
/* What making it read-only gives back. touched: it holds, or has held, pages of its own. */
uint64_t vm_commit_make_read_only_pages(const struct vm_behaviours *behaviours,
	const struct vm_commit_request *area, bool accounts, bool touched);

/* What happens to a private writable area that was never used, or to a file in memory. */
enum vm_commit_change {
	VM_COMMIT_MOVED,
	VM_COMMIT_KEPT, /* moved with MREMAP_DONTUNMAP */
	VM_COMMIT_GROWN,
	VM_COMMIT_SHRUNK,
	VM_COMMIT_SPLIT,    /* its middle becomes an area of its own */
	VM_COMMIT_HOLED,    /* its middle is unmapped */
	VM_COMMIT_RENEWED,  /* its middle is mapped anew */
	VM_COMMIT_REPLACED, /* its middle becomes a mapping without rights */
	VM_COMMIT_LOWERED,  /* it is the heap, and its end is taken back */
	VM_COMMIT_PUNCHED,  /* it is a file in memory, and loses pages of its middle */
	VM_COMMIT_CUT,	    /* the same, of its end */
};

/* What the change of so many pages adds to the commitment, and unmapping all of it afterwards. */
struct vm_commit_moves {
	int64_t change_pages, end_pages;
};

struct vm_commit_moves vm_commit_change(const struct vm_behaviours *behaviours,
	enum vm_commit_mode mode, enum vm_commit_change change, uint64_t length_pages,
	uint64_t changed_pages);

/* What the refusal depends on, in pages unless named otherwise. */
struct vm_commit_state {
	enum vm_commit_mode mode;
	uint64_t ram_pages, swap_pages; /* MemTotal and SwapTotal */
	uint64_t huge_pages;		/* in all pools, in base pages */
	uint64_t ratio_percent;		/* vm.overcommit_ratio */
	uint64_t limit_kib;		/* vm.overcommit_kbytes: replaces the ratio unless 0 */
	uint64_t admin_reserve_kib, user_reserve_kib;
	bool admin;		  /* CAP_SYS_ADMIN */
	uint64_t process_pages;	  /* mapped by the process that asks, of any kind */
	uint64_t committed_pages; /* promised to all, before the request */
	uint64_t used_pages;	  /* in use: what the teaching counts */
};

/* CommitLimit, as meminfo shows it in every mode. */
uint64_t vm_commit_limit_pages(
	const struct vm_behaviours *behaviours, const struct vm_commit_state *state);

#define VM_COMMIT_UNLIMITED UINT64_MAX

/* The largest charge that passes: VM_COMMIT_UNLIMITED where none is refused, 0 where all are. */
uint64_t vm_commit_largest_pages(
	const struct vm_behaviours *behaviours, const struct vm_commit_state *state);

/* Huge pages that the pool keeps for a mapping of so many of its pages. */
uint64_t vm_commit_pool_pages(const struct vm_commit_request *request, uint64_t huge_pages);

#endif
