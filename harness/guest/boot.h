/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A virtual machine that runs one command of mmconform and streams back what it prints.
 *
 * The kernel's console and the command's output come over two serial ports; everything that the
 * machine needs on the host is in anonymous files and dies with this process, SIGKILL included.
 *
 * A command that asks for it (guest/oracle.h) is divided: the machine is cloned, and each clone
 * does its part of the rest.
 */
#ifndef GUEST_BOOT_H
#define GUEST_BOOT_H

#include <stdbool.h>
#include <stddef.h>

#include "guest/kernel.h"

#define GUEST_MACHINES_LIMIT 8

struct guest {
	unsigned memory_mib; /* at least 256 */
	unsigned cpus;	     /* 1 to 64 */
	unsigned nodes;	     /* NUMA nodes; memory and CPUs are dealt out evenly */
	bool five_level;     /* page tables of five levels, if the kernel has them */
	const char *cpu;     /* QEMU's name of a CPU model; NULL: all that it can emulate */
	const char *kernel_arguments; /* appended to the kernel's command line; NULL: none */
	const char *own_suite; /* the whole path of a file or folder that the command inside is
				  given from GUEST_OWN_SUITE_PATH; NULL: it needs none */
	unsigned deadline_s;
	unsigned machines; /* 1 to GUEST_MACHINES_LIMIT: as many may do the work side by side */
	char *const *arguments; /* of mmconform inside, NULL-ended, without the program's name */
};

enum guest_end {
	GUEST_ENDED,	   /* the command ended; its exit status is known */
	GUEST_NOT_STARTED, /* QEMU could not be started, or gave up before the kernel ran */
	GUEST_PANICKED,	   /* the kernel said so */
	GUEST_OVERDUE,	   /* nothing ended before the deadline */
	GUEST_VANISHED,	   /* the machine stopped without saying why (a triple fault, a reset) */
	GUEST_CANCELLED,   /* the caller's stop descriptor became readable */
};

struct guest_result {
	enum guest_end end;
	int exit_status;    /* of the command, for GUEST_ENDED */
	unsigned machines;  /* that the work was divided among */
	char why[512];	    /* one line; "" for GUEST_ENDED */
	char console[8000]; /* the last of what the kernel and QEMU said */
};

/*
 * Called with what the command printed, in order, for each machine (from 0) apart: a clone has
 * printed what its original had before. A negative return ends the guest.
 */
typedef int guest_sink(void *context, unsigned machine, const char *bytes, size_t size_bytes);

/*
 * Boots kernel and runs the command. stop_descriptor, or -1, ends it early. Returns 0 or a negative
 * errno when the host could not even prepare it; result says how the guest ended.
 */
int guest_run(const struct guest *guest, const struct guest_kernel *kernel, int stop_descriptor,
	guest_sink *sink, void *context, struct guest_result *result)
	__attribute__((warn_unused_result));

#endif
