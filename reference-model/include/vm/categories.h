/* SPDX-License-Identifier: Apache-2.0 */
/* In which of the machine's sums (/proc/meminfo) a page of a process is counted, by its kind. */
#ifndef VM_CATEGORIES_H
#define VM_CATEGORIES_H

#include "vm/base.h"

/* How the page was come by. */
enum vm_category_kind {
	VM_CATEGORY_ANONYMOUS, /* private memory that was written */
	VM_CATEGORY_SHARED,    /* shared anonymous memory */
	VM_CATEGORY_LOCKED,    /* private memory, by mlock */
	VM_CATEGORY_HUGE,      /* private memory, in huge pages */
};

/* name, as meminfo spells it, kinds that count */
#define VM_CATEGORY_SUMS(X)                                            \
	X(ANON, "AnonPages", BIT(ANONYMOUS) | BIT(LOCKED) | BIT(HUGE)) \
	X(MAPPED, "Mapped", BIT(SHARED))                               \
	X(SHMEM, "Shmem", BIT(SHARED))                                 \
	X(MLOCKED, "Mlocked", BIT(LOCKED))                             \
	X(ANON_HUGE, "AnonHugePages", BIT(HUGE))

enum vm_category_sum {
#define VM_CATEGORY_ENUMERATOR(name, ...) VM_CATEGORY_SUM_##name,
	VM_CATEGORY_SUMS(VM_CATEGORY_ENUMERATOR)
#undef VM_CATEGORY_ENUMERATOR
		VM_CATEGORY_SUM_LIMIT,
};

/* By how much a page of the kind raises the sum while it is mapped: 1 or 0. */
int64_t vm_category_counts(enum vm_category_kind kind, enum vm_category_sum sum);

/* How far a sum may lie from the truth: by what each CPU holds back of it. */
int64_t vm_category_lag_pages(uint32_t cpus_online);

/* The same of SwapFree: places that each CPU has taken in advance, or not yet given back. */
int64_t vm_swap_lag_pages(uint32_t cpus_online);

#endif
