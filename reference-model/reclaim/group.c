/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/group.h"

#include "vm/base.h"

uint64_t vm_group_batch_pages(enum vm_group_charges charges)
{
	switch (charges) {
	case VM_GROUP_CHARGES_NOT_TOLD:
		return 0;
	case VM_GROUP_CHARGES_BY_32:
		return 32;
	case VM_GROUP_CHARGES_BY_64:
		return 64;
	}
	VM_ASSERT(false);
	return 0;
}

/* linux:6.12:mm/memcontrol.c:try_charge_memcg, drain_stock: one page of the batch was wanted. */
uint64_t vm_group_ahead_pages(enum vm_group_charges charges, uint32_t cpus)
{
	const uint64_t batch_pages = vm_group_batch_pages(charges);

	return batch_pages == 0 ? 0 : (batch_pages - 1) * cpus;
}
