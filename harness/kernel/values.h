/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kernel text that is one named value a line: meminfo, vmstat, smaps_rollup's relatives, a memory
 * group's memory.stat and memory.events, ksm_stat.
 */
#ifndef KERNEL_VALUES_H
#define KERNEL_VALUES_H

#include "kernel/text.h"

struct kernel_value {
	struct kernel_text name;
	uint64_t value; /* KiB where the kernel says kB, else as printed */
	bool kib;
};

/* 6.18 prints 60 lines of meminfo and 230 of vmstat. */
#define KERNEL_VALUES_LIMIT 512

struct kernel_values {
	size_t count;
	struct kernel_value items[KERNEL_VALUES_LIMIT];
};

/* "MemTotal:       24684084 kB", "HugePages_Total:       0" */
int kernel_meminfo_parse(
	struct kernel_text text, struct kernel_values *values, struct kernel_error *error);

/* "nr_free_pages 5803457": vmstat, memory.stat, memory.events, memory.oom_control */
int kernel_vmstat_parse(
	struct kernel_text text, struct kernel_values *values, struct kernel_error *error);

/* Whether there is such a name; value is untouched if not. */
bool kernel_values_find(const struct kernel_values *values, const char *name, uint64_t *value);

/*
 * One counter straight out of text in vmstat's form, without parsing the rest: what a trial does
 * around the thing that it measures.
 */
bool kernel_vmstat_find(struct kernel_text text, const char *name, uint64_t *value);
/* The same for "Name:  value kB" (meminfo, status, smaps_rollup). */
bool kernel_meminfo_find(struct kernel_text text, const char *name, uint64_t *value);

#endif
