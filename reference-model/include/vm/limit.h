/* SPDX-License-Identifier: Apache-2.0 */
/* How far the limits of a process (setrlimit) let its address space grow. */
#ifndef VM_LIMIT_H
#define VM_LIMIT_H

#include "vm/behaviours.h"

enum vm_limit {
	VM_LIMIT_ADDRESS_SPACE, /* RLIMIT_AS */
	VM_LIMIT_DATA,		/* RLIMIT_DATA */
	VM_LIMIT_STACK,		/* RLIMIT_STACK */
	VM_LIMIT_LOCKED,	/* RLIMIT_MEMLOCK, without CAP_IPC_LOCK */
};

/* What the process has when it asks. */
struct vm_limit_state {
	uint64_t limit_bytes;
	uint64_t total_pages, data_pages, locked_pages; /* VmSize, VmData, VmLck */
	uint64_t heap_bytes;				/* from the heap's start to its end */
	uint64_t program_data_bytes;			/* the initialised data of the program */
	bool data_ignored; /* ignore_rlimit_data of the kernel's command line */
};

/* The ways in which an address space grows, or is locked. */
enum vm_limit_way {
	VM_LIMIT_WAY_DATA,  /* private and writable, however it came to be so */
	VM_LIMIT_WAY_OTHER, /* shared, or not writable */
	VM_LIMIT_WAY_HEAP,
	VM_LIMIT_WAY_STACK, /* grown from one page */
	VM_LIMIT_WAY_LOCK,
	VM_LIMIT_WAY_LOCK_ALL,
};

#define VM_LIMIT_UNLIMITED UINT64_MAX

/* So many pages more are granted, and none beyond; what a request replaces is not more. */
uint64_t vm_limit_room_pages(
	enum vm_limit limit, enum vm_limit_way way, const struct vm_limit_state *state);

#endif
