/* SPDX-License-Identifier: Apache-2.0 */
/* What happens when an access finds no fitting entry, and the taking away of entries. */
#ifndef DEMAND_FAULT_H
#define DEMAND_FAULT_H

#include "machine/state.h"
#include "xlate/tree.h"

enum fault_result {
	FAULT_DONE,	   /* the access is tried again */
	FAULT_NO_AREA,	   /* SEGV_MAPERR */
	FAULT_NOT_ALLOWED, /* SEGV_ACCERR */
	FAULT_NO_KEY,	   /* SEGV_PKUERR */
	FAULT_BUS,	   /* past the end of the object, or no huge page */
	FAULT_NO_ROOM,	   /* limits of this machine, not of Linux */
};

struct fault {
	uint32_t process; /* who is charged */
	uint32_t mm, area;
	uint64_t address;
	bool write, fetch;
	bool major;
	bool again;	 /* the lock was given up, and the fault begun once more */
	bool tried;	 /* FAULT_FLAG_TRIED: the lock was given up before, so it counts as major */
	bool by_kernel;	 /* on somebody's behalf, not by an access */
	bool restarted;	 /* populating: a fault that had to wait is begun anew, and then minor */
	bool at_once;	 /* what it read came without waiting */
	bool holds_lock; /* the caller cannot wait without the lock: nothing is begun anew */
	bool unshare;	 /* a reader wants the page for itself, and no write access */
};

/* handle_mm_fault: the area exists and allows it. Counts the fault if it was completed. */
enum fault_result fault_handle(struct vm_machine *m, struct fault *fault);

enum fault_result fault_anonymous(struct vm_machine *m, struct fault *fault);
enum fault_result fault_file(struct vm_machine *m, struct fault *fault);
enum fault_result fault_swapped(struct vm_machine *m, struct fault *fault, struct place place);
enum fault_result fault_write_protected(
	struct vm_machine *m, struct fault *fault, struct place place);
enum fault_result fault_hugetlb(struct vm_machine *m, struct fault *fault);

/* Leaf that a fault installs: dirty and, where the area allows, writable. */
uint64_t leaf_for_write(const struct vm_machine *m, const struct area *area, uint64_t leaf);
/* The same for a page that was write-protected while its entry was empty. */
uint64_t leaf_with_marker(const struct vm_machine *m, uint64_t leaf, uint64_t old_entry);

/* One access of the processor on behalf of the process; the frame, or false with the signal. */
bool access_by_processor(struct vm_machine *m, uint32_t process, uint64_t address,
	enum vm_access_kind kind, uint32_t *frame);
/* The kernel looks up a page of somebody (GUP): faults are charged to the actor. */
struct kernel_access {
	uint32_t mm;
	uint64_t address;
	bool write;
	bool forced;	  /* FOLL_FORCE: /proc/pid/mem, populate */
	bool populates;	  /* FOLL_UNLOCKABLE without FOLL_TRIED: mlock, MAP_POPULATE, madvise */
	bool holds_lock;  /* no FOLL_UNLOCKABLE: /proc/pid/mem, mprotect */
	bool grows_stack; /* __access_remote_vm: /proc/pid/mem */
	bool pinned;	  /* FOLL_PIN: process_vm_readv; a shared private page is unshared first */
	bool untouched;	  /* no FOLL_TOUCH: nobody counts it as a use, nor marks the page dirty */
};
enum fault_result access_by_kernel(
	struct vm_machine *m, const struct kernel_access *access, uint32_t *frame);

/* The same without a lock: what the tables let a process read; false: ask the area. */
bool access_by_tables(struct vm_machine *m, uint32_t mm, uint64_t address, uint32_t *frame);

/* Grows a stack down to address if an area allows it; the area, or NONE. */
uint32_t stack_grow(struct vm_machine *m, uint32_t mm, uint64_t address);

/* What mlock does to one area; who cannot give the lock up waits with it. 0 or an errno. */
int32_t populate_area(
	struct vm_machine *m, uint32_t area, uint64_t start, uint64_t end, bool holds_lock);
/* Populates as mlock does, up to the first failure; MAP_POPULATE goes on with the next area. */
int32_t populate_range(
	struct vm_machine *m, uint32_t mm, uint64_t start, uint64_t end, bool ignore_errors);
/* madvise(POPULATE_*): faults in for reading or for writing; 0 or an errno. */
int32_t populate_for(struct vm_machine *m, uint32_t mm, uint64_t start, uint64_t end, bool write);

/* munmap and exit take markers away too; madvise keeps guards, truncation private copies. */
enum zap { ZAP_EVERYTHING, ZAP_PAGES, ZAP_FILE_PAGES };
void zap_range(struct vm_machine *m, uint32_t area, uint64_t start, uint64_t end, enum zap what);
/* One entry goes: counters, frame, swap slot. */
void zap_entry(struct vm_machine *m, uint32_t mm, struct place place);
/* The same, but a page of a file that was write-protected for tracking leaves a marker behind. */
void zap_page(struct vm_machine *m, uint32_t area, struct place place);
bool entry_is_armed(const struct area *area, uint64_t entry);

void operation_read(struct vm_machine *m);
void operation_write(struct vm_machine *m);
void operation_touch(struct vm_machine *m, bool write);
void operation_execute(struct vm_machine *m);

#endif
