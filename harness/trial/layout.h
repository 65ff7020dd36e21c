/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where exec puts things, seen from outside: a program made for it is executed under ptrace and
 * stopped before its first instruction, its areas are read, and it executes itself anew. The
 * program is position-independent and has an interpreter, as the programs of a distribution do.
 */
#ifndef TRIAL_LAYOUT_H
#define TRIAL_LAYOUT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "vm/layout.h"

struct layout_maker {
	int program, interpreter; /* descriptors of the two files */
	uint64_t stack_limit_bytes;
	bool randomize; /* false: personality(ADDR_NO_RANDOMIZE) */
	pid_t process;	/* that was stopped last; 0: none yet */
};

struct layout_maker layout_maker_of(uint64_t stack_limit_bytes, bool randomize);

/* One execution: an address (or a distance) for each object. */
void layout_take(struct layout_maker *maker, uint64_t places[VM_LAYOUT_OBJECT_LIMIT]);

void layout_end(struct layout_maker *maker);

#endif
