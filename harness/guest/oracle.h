/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A second opinion on the page walk: a trial in the guest asks over the third serial port, the
 * machine is stopped, and QEMU says what its own MMU makes of an address, what the control
 * registers are, and what lies in guest-physical memory. Nothing here knows what should come out.
 *
 * A request is a line of hexadecimal words; a reply is a line too:
 *   t CPU PLACE NONCE ADDRESS   ->  CR0 CR3 CR4 EFER N {ENTRY-ADDRESS ENTRY}*N PHYSICAL PAGE FLAGS
 *   r PHYSICAL COUNT            ->  WORD*COUNT
 *   d PARTS                     ->  PART PARTS
 * t waits until the CPU is in user mode and PLACE holds NONCE there: then the asking process is the
 * one whose tables are in use. PHYSICAL is -1 where QEMU finds nothing; PAGE and FLAGS are what its
 * list of all translations has for the address, -1 and 0 where it is not listed. The entries are
 * those that lead to the address, top first, up to the first that is not present or a leaf.
 *
 * d is the run's own request: its work can be done by so many machines. As many as there are then
 * stand where it stands, each is told which of them it is (from 0), and all go on.
 */
#ifndef GUEST_ORACLE_H
#define GUEST_ORACLE_H

#include <stdint.h>

#include "guest/monitor.h"

/* FLAGS, a bit for each letter of QEMU's "info tlb". */
#define ORACLE_LETTERS "XGPDACTUW"

struct oracle {
	int port, port_inside; /* the third serial port: ours, QEMU's */
	struct monitor monitor;
	uint64_t division; /* parts that the run asked for, until it has its answer; else 0 */
	char line[128];	   /* what has come of a request */
	size_t line_bytes;
};

#define ORACLE_NONE                                                    \
	{                                                              \
		.port = -1, .port_inside = -1, .monitor = MONITOR_NONE \
	}

/* All return 0 or a negative errno. */
int oracle_open(struct oracle *oracle) __attribute__((warn_unused_result));
/* In the harness, after the machine has inherited its ends. */
void oracle_started(struct oracle *oracle);
/* The port is readable: takes what is there, and answers where that ends a request. */
int oracle_serve(struct oracle *oracle) __attribute__((warn_unused_result));
/* The answer to what oracle_serve() leaves to others. */
int oracle_reply(const struct oracle *oracle, const uint64_t *words, size_t count)
	__attribute__((warn_unused_result));
void oracle_close(struct oracle *oracle);

#endif
