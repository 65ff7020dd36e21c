/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The trial's half of guest/oracle.h: asks the machine that emulates this guest how it translates
 * an address of this process, and for words of its physical memory.
 *
 * The process never sleeps while it waits (base/guest_port.h): its tables stay in use on this CPU.
 */
#ifndef TRIAL_ORACLE_H
#define TRIAL_ORACLE_H

#include <stddef.h>
#include <stdint.h>

#include "vm/pte.h"

enum oracle_register { ORACLE_CR0, ORACLE_CR3, ORACLE_CR4, ORACLE_EFER, ORACLE_REGISTERS };

struct oracle_view {
	int64_t registers[ORACLE_REGISTERS];
	size_t entries_count;
	int64_t entries[2 * VM_PAGING_LEVELS_LIMIT]; /* address and entry, top first */
	int64_t physical;			     /* -1: not translated */
	int64_t listed[2];			     /* page and flags; -1 and 0: not listed */
};

/* Ends the trial as unmet where the kernel does not let go of ports. */
void oracle_begin(void);
void oracle_translate(uint64_t address, struct oracle_view *view);
/* count words from a physical address on, at most 512. */
void oracle_read(uint64_t physical, uint64_t *words, size_t count);

/*
 * Asks about an address and observes the answer: "address", "registers", "entries", "translated"
 * and "listed". The view is good until the next look.
 */
const struct oracle_view *oracle_look_at(const char *at, uint64_t address);
/* And what pagemap says of it: "frame", its lowest 55 bits and its two highest. */
const struct oracle_view *oracle_look_at_own(const char *at, const char *memory);

#endif
