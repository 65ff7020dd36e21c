/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/categories.h"

/* linux:6.12:mm/vmstat.c:calculate_normal_threshold: never more */
#define THRESHOLD_HIGHEST 125
/* Pages to be unlocked wait in a batch: linux:6.12:mm/mlock.c:munlock_folio */
#define BATCH_PAGES 31
/* linux:6.12:include/linux/swap_slots.h: SWAP_SLOTS_CACHE_SIZE; gone since 6.15 */
#define SLOTS_AT_ONCE 64

/* linux:6.12:mm/rmap.c:__folio_mod_stat; linux:6.12:mm/shmem.c:shmem_add_to_page_cache;
 * linux:6.12:mm/mlock.c:mlock_new_folio */
int64_t vm_category_counts(enum vm_category_kind kind, enum vm_category_sum sum)
{
#define BIT(name)			1U << VM_CATEGORY_##name
#define CATEGORY_ROW(name, word, kinds) [VM_CATEGORY_SUM_##name] = (kinds),
	static const unsigned counting[] = {VM_CATEGORY_SUMS(CATEGORY_ROW)};
#undef CATEGORY_ROW
#undef BIT

	return counting[sum] >> kind & 1;
}

int64_t vm_category_lag_pages(uint32_t cpus_online)
{
	return (int64_t)(THRESHOLD_HIGHEST + BATCH_PAGES) * cpus_online;
}

int64_t vm_swap_lag_pages(uint32_t cpus_online)
{
	return (int64_t)2 * SLOTS_AT_ONCE * cpus_online;
}
