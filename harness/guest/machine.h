/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process of QEMU and what it lives on: anonymous files and sockets, all of which are gone with
 * this process, SIGKILL included.
 */
#ifndef GUEST_MACHINE_H
#define GUEST_MACHINE_H

#include <stdbool.h>
#include <sys/types.h>

#include "guest/boot.h"
#include "guest/oracle.h"

struct machine {
	int initramfs, console, disk; /* files, inherited by QEMU under these numbers */
	int output;		      /* read end of the second serial port */
	struct oracle oracle;	      /* behind the third */
	pid_t pid;		      /* -1: none */
};

#define MACHINE_NONE                                                                             \
	{                                                                                        \
		.initramfs = -1, .console = -1, .disk = -1, .output = -1, .oracle = ORACLE_NONE, \
		.pid = -1                                                                        \
	}

/* All that a first machine needs; on failure why may hold a line. 0 or a negative errno. */
int machine_prepare(struct machine *machine, const struct guest *guest,
	const struct guest_kernel *kernel, char *why, size_t why_bytes)
	__attribute__((warn_unused_result));

/* waits: for the state of another machine; else the kernel is booted. */
int machine_start(struct machine *machine, const struct guest *guest,
	const struct guest_kernel *kernel, bool waits) __attribute__((warn_unused_result));

/* False when the machine is lost. */
bool machine_stop(struct machine *machine) __attribute__((warn_unused_result));
bool machine_go_on(struct machine *machine) __attribute__((warn_unused_result));

/*
 * Makes up to most machines that stand where this one was stopped, memory, disk and devices
 * included. Returns how many could be had: a run goes on with fewer.
 */
unsigned machine_clone(struct machine *machine, const struct guest *guest,
	const struct guest_kernel *kernel, struct machine *clones, unsigned most)
	__attribute__((warn_unused_result));

/* The last of what the kernel and QEMU said. */
void machine_read_console(const struct machine *machine, char *text, size_t text_bytes);

/* Waits for the process, after killing it if wanted. Returns its status, as of waitpid(2). */
int machine_end(struct machine *machine, bool kill_it);

/* Ends it if it still runs. */
void machine_release(struct machine *machine);

#endif
