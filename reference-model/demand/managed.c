/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/managed.h"

struct vm_managed_access vm_managed_access(enum vm_managed_answer answer, bool write)
{
	/* The fault says whether it is a write, and whether a protection of the manager's stopped
	 * it: linux:6.12:fs/userfaultfd.c:userfault_msg */
	struct vm_managed_access access = {
		.messages_count = 1,
		.message = {{.write = write}, {.write = true, .stopped = true}},
		.exclusive = true,
	};

	switch (answer) {
	case VM_MANAGED_COPY:
		break;
	case VM_MANAGED_COPY_ARMED:
		/* The instruction starts again and, if it writes, is stopped by the protection:
		 * linux:6.12:mm/memory.c:do_wp_page */
		access.messages_count += write;
		access.armed = !write;
		break;
	case VM_MANAGED_ZERO:
		/* A write goes on to a page of its own, as it does from any page of zeros:
		 * linux:6.12:mm/userfaultfd.c:mfill_atomic_pte_zeropage */
		access.exclusive = write;
		break;
	}
	return access;
}
