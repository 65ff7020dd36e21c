/* SPDX-License-Identifier: Apache-2.0 */
/* Making requests for memory of every kind, and finding the largest that is granted. */
#ifndef TRIAL_REQUESTS_H
#define TRIAL_REQUESTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "probe/requests.h"
#include "trial/files.h"

/* Lifts the limits that would refuse before the kernel counts; unmet() where it may not. */
void requests_lift_limits(void);

/* A request that is granted is held until it is given back. */
struct request {
	enum request_kind kind;
	size_t length_bytes;
	char *address; /* of what is mapped; NULL: nothing is */
	int object;    /* descriptor of the file, or identifier of the segment */
	pid_t child;   /* of a fork: it does nothing, and is waited for when it is given back */
};

/* 0, or the errno of the refusal, and then nothing is held. */
int request_make(struct request *request, enum request_kind kind, uint64_t length_pages);
void request_give_back(struct request *request);

struct request_boundary {
	/* Granted; one page more was refused, with the errno. All of REQUEST_HIGHEST_BYTES and 0
	 * where not even that was refused. */
	uint64_t largest_pages;
	int refusal;
};

/* To the page, by halving. Each request is given back before the next. */
struct request_boundary request_find_boundary(enum request_kind kind);

/*
 * The same without giving anything back before the end, in a stretch in which nobody else may run,
 * a child included: from so many pages, the request is made smaller by a page until it is granted,
 * and is then held. False where the first is granted already, or none of so many; then nothing is
 * held.
 */
bool request_descend(
	struct request *request, enum request_kind kind, uint64_t from_pages, unsigned tries_count);

/*
 * All that a request of so many pages promises if it promises each; the page that it grows from is
 * its own. A fork promises again what is mapped, and before it what the process has below: areas
 * are copied in their order (linux:6.12:kernel/fork.c:dup_mmap). What lies above counts only if it
 * is more than a CPU holds back of the sum, so little must be there: requests_keep_from_children().
 */
uint64_t request_promised_pages(
	enum request_kind kind, uint64_t length_pages, uint64_t below_pages);
/*
 * Has a child get nothing of what is mapped above the heap but the stack, whose length it returns.
 * What is mapped later is inherited.
 */
uint64_t requests_keep_from_children(const struct kernel_file *smaps);
/* Pages promised below a request that is held; smaps was opened before, for it takes memory. */
uint64_t request_below_pages(const struct request *request, const struct kernel_file *smaps);

/* MemTotal, SwapTotal and Committed_AS, read together several times. */
#define COMMIT_PASSES_LIMIT 8

struct commit_passes {
	size_t count;
	int64_t ram_kib[COMMIT_PASSES_LIMIT], swap_kib[COMMIT_PASSES_LIMIT],
		committed_kib[COMMIT_PASSES_LIMIT];
};

void commit_passes_take(struct commit_passes *passes, const struct kernel_file *meminfo);
/* As "ram", "swap" and "committed". */
void observe_commit_passes(const struct commit_passes *passes);

#endif
