/* SPDX-License-Identifier: Apache-2.0 */
/* What /proc/pid says of one process: status, statm, stat, limits. */
#ifndef KERNEL_PROCESS_H
#define KERNEL_PROCESS_H

#include "kernel/text.h"

/* Figures of status in KiB, as the kernel spells them; kernel threads have none. */
#define KERNEL_STATUS_FIELDS(X)  \
	X(VM_PEAK, "VmPeak")     \
	X(VM_SIZE, "VmSize")     \
	X(VM_LCK, "VmLck")       \
	X(VM_PIN, "VmPin")       \
	X(VM_HWM, "VmHWM")       \
	X(VM_RSS, "VmRSS")       \
	X(RSS_ANON, "RssAnon")   \
	X(RSS_FILE, "RssFile")   \
	X(RSS_SHMEM, "RssShmem") \
	X(VM_DATA, "VmData")     \
	X(VM_STK, "VmStk")       \
	X(VM_EXE, "VmExe")       \
	X(VM_LIB, "VmLib")       \
	X(VM_PTE, "VmPTE")       \
	X(VM_SWAP, "VmSwap")     \
	X(HUGETLB_PAGES, "HugetlbPages")

enum kernel_status_field {
#define KERNEL_STATUS_ENUMERATOR(name, word) KERNEL_STATUS_##name,
	KERNEL_STATUS_FIELDS(KERNEL_STATUS_ENUMERATOR)
#undef KERNEL_STATUS_ENUMERATOR
		KERNEL_STATUS_LIMIT,
};

struct kernel_status {
	struct kernel_text name; /* as printed: newline and backslash escaped */
	uint64_t pid, parent_pid;
	uint64_t user_ids[4], group_ids[4]; /* real, effective, saved, file system */
	uint64_t capabilities_effective, capabilities_bounding;
	uint64_t threads;
	uint64_t value_kib[KERNEL_STATUS_LIMIT];
	uint32_t has_value; /* bit of each kernel_status_field that was printed */
	bool has_thp_enabled, thp_enabled;
	bool has_seccomp;
	uint64_t seccomp; /* 0 none, 1 strict, 2 filter */
	uint64_t voluntary_switches, involuntary_switches;
	struct kernel_text cpus_allowed_list, mems_allowed_list;
};

int kernel_status_parse(
	struct kernel_text text, struct kernel_status *status, struct kernel_error *error);
const char *kernel_status_word(enum kernel_status_field field);

/* linux:6.12:fs/proc/array.c:proc_pid_statm, in pages; library and dirty have been 0 since 2.6 */
struct kernel_statm {
	uint64_t size_pages, resident_pages, shared_pages, text_pages, data_pages;
};

int kernel_statm_parse(
	struct kernel_text text, struct kernel_statm *statm, struct kernel_error *error);

/* linux:6.12:fs/proc/array.c:do_task_stat; what is not memory is left out */
struct kernel_stat {
	uint64_t pid;
	struct kernel_text name; /* whatever the process calls itself, parentheses included */
	char state;
	int64_t parent_pid;
	uint64_t minor_faults, child_minor_faults, major_faults, child_major_faults;
	uint64_t virtual_bytes;
	int64_t resident_pages;
	/* Addresses: 0 for readers without ptrace access to the process. */
	uint64_t code_start, code_end, stack_start, data_start, data_end, heap_start;
	uint64_t arguments_start, arguments_end, environment_start, environment_end;
};

int kernel_stat_parse(
	struct kernel_text text, struct kernel_stat *stat, struct kernel_error *error);

#define KERNEL_UNLIMITED UINT64_MAX

struct kernel_limit {
	uint64_t soft, hard; /* in the unit of the row, or KERNEL_UNLIMITED */
};

/* The row of /proc/pid/limits that begins with the name: "Max stack size", "Max address space". */
int kernel_limits_find(struct kernel_text text, const char *name, struct kernel_limit *limit,
	struct kernel_error *error);

#endif
