/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which pages of a reference string survive in a memory group: the simulator of Linux's lists, and
 * what the kernel leaves open: how many frames are the string's, how late the sizes of the lists
 * are known, and where in its turn the last reclaim ended.
 */
#ifndef PROBE_SURVIVORS_H
#define PROBE_SURVIVORS_H

#include "probe/probe.h"
#include "probe/strings.h"
#include "vm/prediction.h"
#include "vm/replace.h"

struct survivors_about {
	const char *claim;
	enum string_name name;
	uint32_t limit_pages;
	bool by_generations; /* a claim on the generational lists, which must exclude the two */
	/* The policies that the claim excludes: each must leave other pages than any that the
	 * kernel may leave. */
	size_t rivals_count;
	const enum vm_list_rival *rivals;
};

/* Residency at each look, misses of each round, refaults; before the trials, the rules. */
void predict_survivors(const struct vm_model *model, const struct vm_host *host,
	const struct probe_readings *readings, const struct survivors_about *about,
	struct vm_predictions *predictions);

#endif
