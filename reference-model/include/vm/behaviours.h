/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What differs between the textbook and Linux, and between kernels, is data: one record of named
 * behaviours. A model is a filling of this record; no rule asks for a kernel version, and none asks
 * which model it serves.
 *
 * A behaviour is an enumeration of the answers known, each explained. The rules of the machine and
 * the formulas switch over it without a default, so the compiler finds a rule that forgot an
 * answer.
 */
#ifndef VM_BEHAVIOURS_H
#define VM_BEHAVIOURS_H

#include "vm/host.h"

/* How far low and high lie above min. */
enum vm_watermark_gap {
	VM_WATERMARK_QUARTER_OF_MIN,		  /* low = 1.25 min, high = 1.5 min: the teaching */
	VM_WATERMARK_LARGER_OF_QUARTER_AND_SCALE, /* at least that, and scaled with the zone:
						     since 4.6 */
};

/* What mode 0 compares a request with. */
enum vm_overcommit_heuristic {
	VM_OVERCOMMIT_SUM_OF_REQUESTS, /* the teaching: all that was promised counts */
	VM_OVERCOMMIT_SINGLE_REQUEST,  /* this call alone, against RAM + swap: since 5.2 */
};

/* The scale of /proc/pid/oom_score. */
enum vm_oom_score_scale {
	VM_OOM_SCORE_PER_MILLE,	 /* 0 to 1000, idle 0, plus the adjustment: the teaching */
	VM_OOM_SCORE_TWO_THIRDS, /* (1000 + badness per mille) * 2/3, 0 to 2000: since 5.9 */
};

/* What reading untouched private anonymous memory does. */
enum vm_anonymous_read {
	VM_ANONYMOUS_READ_MAPS_ZERO_PAGE, /* one fault, the shared frame of zeros, not resident */
	VM_ANONYMOUS_READ_NEEDS_NO_FAULT, /* one source: mmap already mapped the zero page */
};

/* Which entries fork copies. */
enum vm_fork_copies {
	VM_FORK_COPIES_ALL,		/* the teaching: the child gets a copy of the table */
	VM_FORK_COPIES_ANONYMOUS_AREAS, /* areas with an anon_vma; the rest refaults */
};

struct vm_behaviours {
	enum vm_watermark_gap watermark_gap;
	enum vm_overcommit_heuristic overcommit_heuristic;
	enum vm_oom_score_scale oom_score_scale;
	enum vm_anonymous_read anonymous_read;
	enum vm_fork_copies fork_copies;
	bool huge_pages_at_fault; /* the teaching knows 4 KiB faults only */
	bool fault_around;	  /* a file read fault maps its neighbours too */
};

void vm_behaviours_textbook(struct vm_behaviours *behaviours);
void vm_behaviours_linux(struct vm_behaviours *behaviours, const struct vm_host *host);

#endif
