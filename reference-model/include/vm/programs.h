/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several programs in one memory: who may take whose frames, who may run at all, and what becomes
 * of the processor when memory is short.
 *
 * One processor, one paging device. A reference takes one tick; a fault blocks its program until
 * the device has served it, and the processor turns to the next. Replacement is LRU throughout, so
 * that only the rules above it differ.
 */
#ifndef VM_PROGRAMS_H
#define VM_PROGRAMS_H

#include <stdbool.h>

#include "vm/base.h"

enum vm_scope {
	VM_SCOPE_GLOBAL, /* the victim is anybody's page */
	VM_SCOPE_LOCAL,	 /* every program has an equal share and pays for itself */
};

enum vm_admission {
	VM_ADMIT_ALL,
	VM_ADMIT_BALANCE_SET, /* only as many as have their working sets fit together */
	VM_ADMIT_WHOLE,	      /* process swapping: all pages of a program are in, or none */
};

struct vm_program {
	const uint32_t *references; /* the top bit of a page says that it is written */
	size_t count;
	uint32_t pages; /* numbers are below */
};

struct vm_programs_config {
	size_t programs_count;
	const struct vm_program *programs;
	uint32_t frames;
	enum vm_scope scope;
	enum vm_admission admission;
	uint64_t transfer_ticks;     /* of the device, for one page */
	uint64_t quantum_references; /* until the processor turns to the next ready program */
	uint64_t window_references;  /* BALANCE_SET: used within so many own references */
	uint64_t stay_references;    /* WHOLE: until a waiting program may take the place */
};

/* NULL, or what is wrong with the configuration. */
const char *vm_programs_problem(const struct vm_programs_config *config);

struct vm_program_result {
	uint64_t faults, transfers;	  /* page-ins and write-backs, swapping included */
	uint64_t swapped_out, swapped_in; /* times the whole program had to go or came */
	uint64_t ended_at_ticks;
};

struct vm_programs_result {
	uint64_t ticks, busy_ticks, device_ticks;
	uint64_t faults, transfers;
};

size_t vm_programs_bytes(const struct vm_programs_config *config);
/* each has room for programs_count results. False when the arena is too small. */
bool vm_programs_run(const struct vm_programs_config *config, struct vm_programs_result *result,
	struct vm_program_result *each, struct vm_arena *arena);

#endif
