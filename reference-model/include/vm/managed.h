/* SPDX-License-Identifier: Apache-2.0 */
/* What the manager of a process's pages (userfaultfd) is told, and what its answers leave behind.
 */
#ifndef VM_MANAGED_H
#define VM_MANAGED_H

#include <stdbool.h>
#include <stddef.h>

#include "vm/base.h"

/* How the manager answers for a page that is missing. */
enum vm_managed_answer {
	VM_MANAGED_COPY,       /* a page of its contents */
	VM_MANAGED_COPY_ARMED, /* the same, write-protected: a write is told as well */
	VM_MANAGED_ZERO,       /* the page of zeros that all share */
};

/* One access to a missing page, from the first fault to the access itself. */
struct vm_managed_access {
	size_t messages_count;
	struct {
		bool write, stopped; /* by the manager's own protection */
	} message[2];
	bool armed;	/* the entry is still write-protected for the manager */
	bool exclusive; /* a frame of its own, mapped once */
};

struct vm_managed_access vm_managed_access(enum vm_managed_answer answer, bool write);

#endif
