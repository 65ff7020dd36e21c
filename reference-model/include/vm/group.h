/* SPDX-License-Identifier: Apache-2.0 */
/* What a memory group is charged, and how far that runs ahead of what its processes have. */
#ifndef VM_GROUP_H
#define VM_GROUP_H

#include "vm/behaviours.h"

/* Pages that are charged at once when a group's CPU has none left; it takes them one by one. 0: the
 * model does not speak of it. */
uint64_t vm_group_batch_pages(enum vm_group_charges charges);

/* The most that a group's usage is ahead of its pages: each CPU may hold what is left of a batch,
 * and gives it back when another group is charged there. */
uint64_t vm_group_ahead_pages(enum vm_group_charges charges, uint32_t cpus);

#endif
