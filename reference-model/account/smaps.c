/* SPDX-License-Identifier: Apache-2.0 */
/* smaps, line by line: linux:6.12:fs/proc/task_mmu.c:smaps_account, smap_gather_stats */
#include "area/area.h"
#include "frame/frame.h"
#include "frame/swap.h"
#include "xlate/tree.h"

#define PSS_SHIFT 12
/* Folios that wait in the lazy-free batch of a CPU: linux:6.12:include/linux/pagevec.h */
#define LAZY_BATCH 31

struct tally {
	uint64_t bytes[VM_SMAPS_LIMIT];
	uint64_t pss, pss_dirty, locked, swap_pss; /* bytes << PSS_SHIFT */
	uint64_t maybe_referenced;
	uint64_t either_hugetlb; /* shared or private */
	uint64_t lazy_pages, maybe_lazy_pages;
};

static void tally_share(
	struct tally *tally, uint64_t bytes, uint32_t map_count, bool dirty, bool locked)
{
	uint64_t share = bytes << PSS_SHIFT;
	const bool is_shared = map_count > 1;

	if (is_shared)
		share /= map_count;
	tally->pss += share;
	if (dirty)
		tally->pss_dirty += share;
	if (locked)
		tally->locked += share;
	if (is_shared)
		tally->bytes[dirty ? VM_SMAPS_SHARED_DIRTY : VM_SMAPS_SHARED_CLEAN] += bytes;
	else
		tally->bytes[dirty ? VM_SMAPS_PRIVATE_DIRTY : VM_SMAPS_PRIVATE_CLEAN] += bytes;
}

static void tally_kind(
	const struct vm_machine *m, struct tally *tally, uint32_t frame, uint64_t bytes, bool dirty)
{
	if (!folio_has(m, frame, FOLIO_ANONYMOUS))
		return;
	tally->bytes[VM_SMAPS_ANONYMOUS] += bytes;
	if (folio_has(m, frame, FOLIO_KSM))
		tally->bytes[VM_SMAPS_KSM] += bytes;
	if (!folio_has(m, frame, FOLIO_SWAP_BACKED) && !dirty)
		tally->lazy_pages += vm_bytes_to_pages_floor(bytes);
	else if (folio_has(m, frame, FOLIO_MAYBE_LAZY) && !dirty)
		tally->maybe_lazy_pages += vm_bytes_to_pages_floor(bytes);
}

static void tally_present(const struct vm_machine *m, struct tally *tally, const struct area *area,
	struct place place)
{
	const uint64_t leaf = entry_get(m, place);
	const uint32_t frame = leaf_frame(leaf);
	const uint64_t bytes = level_bytes(place.level);
	const bool dirty = leaf_is_dirty(leaf) || folio_has(m, frame, FOLIO_DIRTY);
	const bool young = (leaf & VM_PTE_ACCESSED) != 0;
	const bool locked = (area->flags & VM_AREA(LOCKED)) != 0;

	if (is_zero_frame(m, frame))
		return;
	if (area_is_hugetlb(area)) {
		const bool is_shared = folio_of(m, frame)->entire_map_count > 1 ||
				       !folio_has(m, frame, FOLIO_ANONYMOUS);
		/* linux:6.18:fs/proc/task_mmu.c:smaps_hugetlb_range asks how many share the table,
		 * which that of a page of 1 GiB does not know */
		if (place.level == 3 && m->behaviours.table_share_count)
			tally->either_hugetlb += bytes;
		else
			tally->bytes[is_shared && folio_of(m, frame)->entire_map_count > 1
					     ? VM_SMAPS_SHARED_HUGETLB
					     : VM_SMAPS_PRIVATE_HUGETLB] += bytes;
		return;
	}
	tally_kind(m, tally, frame, bytes, dirty);
	tally->bytes[VM_SMAPS_RSS] += bytes;
	if (place.level == 2)
		tally->bytes[VM_SMAPS_ANON_HUGE_PAGES] += bytes;
	if (young && !stale_get(m, place))
		tally->bytes[VM_SMAPS_REFERENCED] += bytes;
	else if (young || folio_has(m, frame, FOLIO_MAYBE_REFERENCED))
		tally->maybe_referenced += bytes;
	if (place.level == 1 || folio_of(m, frame)->maps == 1) {
		tally_share(tally, bytes, frame_map_count(m, frame), dirty, locked);
		return;
	}
	for (uint32_t i = 0; i < HUGE_PAGES; i++)
		tally_share(tally, VM_PAGE_BYTES, frame_map_count(m, frame + i), dirty, locked);
}

static void tally_swapped(const struct vm_machine *m, struct tally *tally, uint64_t entry)
{
	const uint32_t count = slots_of(m)[entry_slot(entry)].count;

	tally->bytes[VM_SMAPS_SWAP] += VM_PAGE_BYTES;
	tally->swap_pss += (VM_PAGE_BYTES << PSS_SHIFT) / (count < 2 ? 1 : count);
}

/* Two pages are the least that can be one folio; where more fit, two do.
 * linux:7.3:include/linux/huge_mm.h:thp_vma_suitable_order */
static bool fits_large_folio(const struct area *area)
{
	const uint64_t least = 2 * VM_PAGE_BYTES;

	return area->end - area->start >= least &&
	       (area->start / VM_PAGE_BYTES - area_page_index(area, area->start)) % 2 == 0 &&
	       vm_align_down(area->end - least, least) >= area->start;
}

static bool is_eligible(const struct vm_machine *m, const struct area *area)
{
	const uint64_t first = vm_align_up(area->start, VM_HUGE_2M_BYTES);

	if (area->object != NONE && object_of(m, area->object)->kind == VM_FILE_DISK)
		return m->behaviours.huge_files_eligible && m->setup.disk_large_folios &&
		       fits_large_folio(area) && area_huge_wanted(m, area);
	return area_huge_allowed(m, area, first);
}

static void print_tally(const struct vm_machine *m, const struct tally *tally,
	const struct area *area, struct vm_smaps *smaps)
{
	const uint64_t page = area_is_hugetlb(area) ? area_huge_bytes(m, area) : VM_PAGE_BYTES;
	uint64_t *kib = smaps->kib;

	for (int i = 0; i < VM_SMAPS_LIMIT; i++)
		kib[i] = tally->bytes[i] >> 10;
	kib[VM_SMAPS_SIZE] = (area->end - area->start) >> 10;
	kib[VM_SMAPS_KERNEL_PAGE_SIZE] = page >> 10;
	kib[VM_SMAPS_MMU_PAGE_SIZE] = page >> 10;
	kib[VM_SMAPS_PSS] = tally->pss >> (PSS_SHIFT + 10);
	kib[VM_SMAPS_PSS_DIRTY] = tally->pss_dirty >> (PSS_SHIFT + 10);
	kib[VM_SMAPS_LOCKED] = tally->locked >> (PSS_SHIFT + 10);
	kib[VM_SMAPS_SWAP_PSS] = tally->swap_pss >> (PSS_SHIFT + 10);
	kib[VM_SMAPS_THP_ELIGIBLE] = is_eligible(m, area) ? 1 : 0;
	const uint64_t lazy = tally->lazy_pages;
	kib[VM_SMAPS_LAZY_FREE] = vm_pages_to_kib(lazy > LAZY_BATCH ? lazy - LAZY_BATCH : 0);
	for (int i = 0; i < VM_SMAPS_LIMIT; i++)
		smaps->highest_kib[i] = kib[i];
	smaps->highest_kib[VM_SMAPS_SHARED_HUGETLB] += tally->either_hugetlb >> 10;
	smaps->highest_kib[VM_SMAPS_PRIVATE_HUGETLB] += tally->either_hugetlb >> 10;
	smaps->highest_kib[VM_SMAPS_LAZY_FREE] = vm_pages_to_kib(lazy + tally->maybe_lazy_pages);
	smaps->highest_kib[VM_SMAPS_REFERENCED] =
		kib[VM_SMAPS_REFERENCED] + (tally->maybe_referenced >> 10);
	/*
	 * The step "access monitoring": at any moment it may clear the bit in the entry, and mark
	 * the frame as young instead, which counts for each of its mappers, untouched ones too.
	 * linux:6.12:mm/damon/ops-common.c:damon_ptep_mkold, fs/proc/task_mmu.c:smaps_account
	 */
	if (m->behaviours.access_monitored) {
		kib[VM_SMAPS_REFERENCED] = 0;
		smaps->highest_kib[VM_SMAPS_REFERENCED] = tally->bytes[VM_SMAPS_RSS] >> 10;
	}
}

void vm_machine_smaps(const struct vm_machine *machine, uint32_t process, size_t area_index,
	struct vm_smaps *smaps)
{
	uint32_t number = mm_of(machine, processes_of(machine)[process].mm)->first_area;
	struct tally tally = {0};

	while (area_index-- > 0)
		number = area_of(machine, number)->next;
	const struct area *area = area_of(machine, number);
	struct cursor cursor = cursor_over(area->start, area->end);
	while (cursor_next(machine, area->mm, &cursor)) {
		const uint64_t entry = entry_get(machine, cursor.at);

		if (leaf_is_present(entry))
			tally_present(machine, &tally, area, cursor.at);
		else if (entry_is_swapped(entry))
			tally_swapped(machine, &tally, entry);
	}
	print_tally(machine, &tally, area, smaps);
}
