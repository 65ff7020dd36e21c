/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/shares.h"

#include "vm/base.h"

#define PSS_SHIFT 12 /* shares are added up in 4096ths of a byte */

/* linux:6.12:fs/proc/task_mmu.c:smaps_account, __show_smap */
uint64_t vm_pss_kib(const struct vm_behaviours *behaviours, uint64_t pages, uint64_t users)
{
	VM_ASSERT(users != 0);
	switch (behaviours->pss_share) {
	case VM_PSS_SHARE_EXACT:
		return vm_pages_to_kib(pages) / users;
	case VM_PSS_SHARE_TRUNCATED:
		break;
	}
	const uint64_t share = (VM_PAGE_BYTES << PSS_SHIFT) / users;
	return (pages * share >> PSS_SHIFT) / VM_KIB_BYTES;
}

/* linux:6.12:fs/proc/task_mmu.c:task_statm */
uint64_t vm_resident_pages(const struct vm_resident_sizes *sizes)
{
	return sizes->anonymous_pages + sizes->file_pages + sizes->shared_memory_pages;
}

uint64_t vm_shared_pages(
	const struct vm_behaviours *behaviours, const struct vm_resident_sizes *sizes)
{
	switch (behaviours->shared_size) {
	case VM_SHARED_SIZE_MAPPED_TWICE:
		return sizes->mapped_by_others_pages;
	case VM_SHARED_SIZE_BY_KIND:
		break;
	}
	return sizes->file_pages + sizes->shared_memory_pages;
}
