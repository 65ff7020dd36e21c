/* SPDX-License-Identifier: Apache-2.0 */
/* What a memory group is charged. */
#ifndef VM_GROUP_H
#define VM_GROUP_H

#include "vm/behaviours.h"

/* Pages that are charged at once when a group's CPU has none left; it takes them one by one. 0: the
 * model does not speak of it. */
uint64_t vm_group_batch_pages(enum vm_group_charges charges);

#endif
