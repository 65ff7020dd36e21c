/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Candidates for the OOM killer: processes in memory groups that hold memory of one kind and wait,
 * until one of them is told to ask for more. Who was killed is told by three that do not ask each
 * other: the status that its parent waits for, the count of its group, and the kernel's log.
 */
#ifndef TRIAL_CANDIDATES_H
#define TRIAL_CANDIDATES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "kernel/process.h"
#include "trial/memory_group.h"
#include "trial/oom.h"

enum holding {
	HOLD_ANONYMOUS,
	HOLD_SHARED, /* pages of a file in memory */
	HOLD_TABLES, /* tables of the lowest level that map the page of zeros */
	HOLD_CACHE,  /* pages of the plan's file, read twice: active ones */
};

enum asking {
	ASK_BY_WRITING, /* at a fault */
	ASK_BY_CALL,	/* in a system call that writes to a file in memory */
	ASK_BY_READING, /* pages of the plan's file, behind those that it holds */
};

struct candidate_plan {
	const struct memory_group *group;
	enum holding holding;
	size_t pages;
	size_t address_bytes; /* mapped beside and never touched */
	int file;	      /* of HOLD_CACHE and ASK_BY_READING; 0: none */
	int64_t adjustment;
	uint64_t nodes; /* the only ones it may use, a bit each; 0: as it comes */
	bool huge;	/* may have huge pages: it is there to be large, not to be counted */
};

struct candidate {
	pid_t process;
	int commands, answers; /* our ends */
	bool ended;
	int status; /* as waitpid has it, when it has ended */
};

/* A file of so many pages that are holes, and gone from its folder: read without a device. */
int candidate_file(size_t pages);
/* How many of its first pages are in the page cache. */
int64_t candidate_file_resident(int file, size_t pages);

/* Returns when it holds what it shall. */
struct candidate candidate_start(const struct candidate_plan *plan);
/*
 * Asks for so many pages more; returns when it has them and what was written is still in them, or
 * is killed for it: false.
 */
bool candidate_ask(struct candidate *candidate, enum asking asking, size_t pages);
/* False when it was killed; what it held is free again when this returns. */
bool candidate_answers(struct candidate *candidate);
/* Lets the survivors end, and waits for all of them. */
void candidates_end(struct candidate *candidates, size_t count);
/* Its /proc/PID/status: the texts in it are not kept. */
struct kernel_status candidate_status(const struct candidate *candidate);
int64_t candidate_swapped_pages(const struct candidate *candidate);
/* The index of the process, or -1. */
int64_t candidate_index(const struct candidate *candidates, size_t count, uint64_t process);

#endif
