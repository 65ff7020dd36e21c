/* SPDX-License-Identifier: Apache-2.0 */
/* One record of /dev/kmsg, and whether the kernel complains in it. */
#ifndef KERNEL_LOG_H
#define KERNEL_LOG_H

#include "kernel/text.h"

/* Worst last, so that they compare. */
#define KERNEL_COMPLAINTS(X)                                                                       \
	X(NONE, "none")                                                                            \
	X(GROUP_OOM, "group-out-of-memory") /* in a memory group: what pressure in one asks for */ \
	X(OOM, "out-of-memory")		    /* a process was killed for memory */                  \
	X(ALLOCATION, "allocation-failure") /* an allocation of the kernel failed */               \
	X(STALL, "stall")		    /* a task, a CPU or RCU hung */                        \
	X(WARNING, "warning")                                                                      \
	X(CORRUPTION, "corruption") /* bad page state, bad rss counters, KASAN */                  \
	X(BUG, "bug")                                                                              \
	X(OOPS, "oops")

enum kernel_complaint {
#define KERNEL_COMPLAINT_ENUMERATOR(name, word) KERNEL_COMPLAINT_##name,
	KERNEL_COMPLAINTS(KERNEL_COMPLAINT_ENUMERATOR)
#undef KERNEL_COMPLAINT_ENUMERATOR
		KERNEL_COMPLAINT_LIMIT,
};

struct kernel_log_record {
	bool from_kernel; /* facility 0; anybody may write to /dev/kmsg as another facility */
	unsigned level;	  /* 0 emergency to 7 debug */
	uint64_t sequence, time_us;
	struct kernel_text text; /* still escaped: \x0a */
};

/* "6,339,5140900,-;NET: Registered protocol family 10\n SUBSYSTEM=...\n" */
int kernel_log_parse(
	struct kernel_text text, struct kernel_log_record *record, struct kernel_error *error);
enum kernel_complaint kernel_log_complaint(const struct kernel_log_record *record);
const char *kernel_complaint_word(enum kernel_complaint complaint);

/*
 * What the OOM killer says: a table of those that it looked at, and whom it killed. Kernels have
 * added columns to the table, so its head says where they are.
 */
struct kernel_log_columns {
	size_t resident, tables, swapped, adjustment;
};

struct kernel_log_candidate {
	uint64_t process, resident_pages, table_bytes, swapped_pages;
	int64_t adjustment;
};

/* False: the record is something else. */
bool kernel_log_constraint(const struct kernel_log_record *record, struct kernel_text *constraint);
bool kernel_log_killed(const struct kernel_log_record *record, uint64_t *process);
bool kernel_log_columns(const struct kernel_log_record *record, struct kernel_log_columns *columns);
bool kernel_log_candidate(const struct kernel_log_record *record,
	const struct kernel_log_columns *columns, struct kernel_log_candidate *candidate);

#endif
