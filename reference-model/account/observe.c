/* SPDX-License-Identifier: Apache-2.0 */
/* What pagemap, kpageflags, kpagecount, mincore, maps, status and cachestat show. */
#include "machine/observe.h"

#include "area/area.h"
#include "frame/cache.h"
#include "frame/frame.h"
#include "frame/swap.h"
#include "xlate/tree.h"

#define BIT(number) (UINT64_C(1) << (number))

size_t vm_machine_area_count(const struct vm_machine *machine, uint32_t process)
{
	const uint32_t mm = processes_of(machine)[process].mm;

	return mm == NONE ? 0 : mm_of(machine, mm)->area_count;
}

static uint32_t area_by_index(const struct vm_machine *m, uint32_t process, size_t index)
{
	uint32_t area = mm_of(m, processes_of(m)[process].mm)->first_area;

	while (index-- > 0)
		area = area_of(m, area)->next;
	return area;
}

static uint32_t shown_flags(const struct vm_machine *m, const struct area *area)
{
	const uint32_t unknown = m->behaviours.lock_on_fault_letter ? 0 : VM_AREA(LOCK_ON_FAULT);

	return area->flags & ~unknown;
}

static void view_area(const struct vm_machine *m, uint32_t number, struct vm_area_view *view)
{
	const struct area *area = area_of(m, number);
	const struct mm *mm = mm_of(m, area->mm);
	const bool own_object = area->object != NONE && object_of(m, area->object)->is_anonymous;

	*view = (struct vm_area_view){.number = number,
		.start = area->start,
		.end = area->end,
		.flags = shown_flags(m, area),
		.file = area->object == NONE || own_object ? VM_NO_FILE : area->object,
		.object = area->object == NONE ? VM_NO_FILE : area->object,
		.shared_anonymous = own_object && !area_is_hugetlb(area),
		.heap = area->start < mm->break_end && area->end > mm->break_start,
		.offset = area->object == NONE ? 0 : vm_pages_to_bytes(area->page_offset)};
}

void vm_machine_area(
	const struct vm_machine *machine, uint32_t process, size_t index, struct vm_area_view *view)
{
	view_area(machine, area_by_index(machine, process, index), view);
}

bool vm_machine_area_at(const struct vm_machine *machine, uint32_t process, uint64_t address,
	struct vm_area_view *view)
{
	const uint32_t mm = processes_of(machine)[process].mm;
	const uint32_t number = mm == NONE ? NONE : area_holding(machine, mm, address);

	if (number != NONE)
		view_area(machine, number, view);
	return number != NONE;
}

size_t vm_machine_areas(const struct vm_machine *machine, uint32_t process,
	struct vm_area_view *views, size_t limit)
{
	const size_t count = vm_machine_area_count(machine, process);
	uint32_t number = count == 0 ? NONE : area_by_index(machine, process, 0);

	for (size_t i = 0; i < count && i < limit; i++) {
		view_area(machine, number, &views[i]);
		number = area_of(machine, number)->next;
	}
	return count;
}

/*
 * linux:6.12:mm/mincore.c:mincore_hugetlb: what a table has no entry for is not in core; where
 * there is no table the cache is asked, which before 6.7 counted huge pages:
 * __mincore_unmapped_range
 */
static bool hugetlb_in_core(
	const struct vm_machine *m, const struct area *area, struct place place, uint64_t address)
{
	const uint64_t page_bytes = object_page_bytes(m, area->object);
	const uint64_t page = area_page_index(area, address);

	if (place.level <= (page_bytes == VM_HUGE_1G_BYTES ? 3 : 2))
		return false;
	const uint32_t entry = entry_find(m, area->object,
		m->behaviours.hugetlb_cached_by_page ? page / vm_bytes_to_pages_floor(page_bytes)
						     : page);
	return entry != NONE && entries_of(m)[entry].frame != NONE;
}

/* What mincore says of an entry; open: what came along with another page may be on its way. */
static bool in_core(const struct vm_machine *m, const struct area *area, struct place place,
	uint64_t address, bool *open)
{
	const uint64_t entry = entry_get(m, place);

	*open = false;
	if (leaf_is_present(entry))
		return true;
	if (entry_is_swapped(entry))
		return slots_of(m)[entry_slot(entry)].frame != NONE;
	if (area->object == NONE)
		return false;
	if (area_is_hugetlb(area))
		return hugetlb_in_core(m, area, place, address);
	const uint32_t frame = cache_lookup(m, area->object, area_page_index(area, address));

	if (frame == NONE || folio_has(m, frame, FOLIO_EMPTY))
		return false;
	/* linux:6.12:mm/readahead.c:read_pages */
	*open = entry == 0 && folio_has(m, frame, FOLIO_READ_IN_FLIGHT);
	return true;
}

bool page_in_core(const struct vm_machine *m, uint32_t area_number, uint64_t address, bool *open)
{
	const struct area *area = area_of(m, area_number);

	return in_core(m, area, place_of(m, area->mm, address), address, open);
}

/* kpageflags bits that are exact at any time; LRU bits move in batches (local-lru-batch). */
#define EXACT_KPF                                                                                  \
	(BIT(VM_KPF_MMAP) | BIT(VM_KPF_ANON) | BIT(VM_KPF_COMPOUND_HEAD) |                         \
		BIT(VM_KPF_COMPOUND_TAIL) | BIT(VM_KPF_HUGE) | BIT(VM_KPF_KSM) | BIT(VM_KPF_THP) | \
		BIT(VM_KPF_ZERO_PAGE))

static void view_flags(const struct vm_machine *m, const struct area *area, uint32_t frame,
	struct vm_page_view *view)
{
	const struct frame *folio = folio_of(m, frame);
	const uint32_t head = head_of(m, frame);
	uint64_t flags = 0, exact = EXACT_KPF;

	if (is_zero_frame(m, frame)) {
		flags = BIT(VM_KPF_ZERO_PAGE);
		if (frame != ZERO_FRAME)
			exact = BIT(VM_KPF_ZERO_PAGE) | BIT(VM_KPF_ANON) | BIT(VM_KPF_HUGE);
		view->kpageflags = flags;
		view->kpageflags_open = ~(exact & ~BIT(VM_KPF_MMAP));
		return;
	}
	flags |= BIT(VM_KPF_MMAP);
	if ((folio->flags & FOLIO_ANONYMOUS) != 0)
		flags |= BIT(VM_KPF_ANON);
	if (folio->order > 0)
		flags |= frame == head ? BIT(VM_KPF_COMPOUND_HEAD) : BIT(VM_KPF_COMPOUND_TAIL);
	if ((folio->flags & FOLIO_HUGETLB) != 0) {
		flags |= BIT(VM_KPF_HUGE);
		exact &= ~(BIT(VM_KPF_ANON) | BIT(VM_KPF_MMAP));
	} else if (folio->order > 0) {
		flags |= BIT(VM_KPF_THP);
	}
	if ((folio->flags & FOLIO_KSM) != 0)
		flags |= BIT(VM_KPF_KSM);
	/* linux:6.12:fs/proc/page.c:stable_page_flags compares with the mask of all kinds. */
	if (m->behaviours.ksm_flag_loose && (folio->flags & (FOLIO_ANONYMOUS | FOLIO_HUGETLB)) != 0)
		exact &= ~BIT(VM_KPF_KSM);
	if ((folio->flags & FOLIO_MLOCKED) != 0)
		flags |= BIT(VM_KPF_MLOCKED);
	/* A page that left a locked area may be kept locked by any other that maps it. */
	const bool locked_area = (area->flags & VM_AREA(LOCKED)) != 0;
	if (folio->order == 0 && folio->maps == 1 && (folio->flags & FOLIO_MUNLOCKED) == 0 &&
		locked_area == ((folio->flags & FOLIO_MLOCKED) != 0))
		exact |= BIT(VM_KPF_MLOCKED);
	if (folio->order == 0 && (folio->flags & FOLIO_ANONYMOUS) != 0 &&
		has(m, VM_FEATURE_ANON_EXCLUSIVE)) {
		exact |= BIT(VM_KPF_ANON_EXCLUSIVE);
		if (frame_of(m, frame)->exclusive)
			flags |= BIT(VM_KPF_ANON_EXCLUSIVE);
	}
	if ((folio->flags & FOLIO_ANONYMOUS) != 0 && (folio->flags & FOLIO_SWAP_BACKED) != 0 &&
		(folio->flags & FOLIO_MAYBE_LAZY) == 0) {
		exact |= BIT(VM_KPF_SWAPBACKED);
		if (frame == head || m->behaviours.flags_of_folio)
			flags |= BIT(VM_KPF_SWAPBACKED);
	}
	view->kpageflags = flags;
	view->kpageflags_open = ~exact;
}

static void view_present(const struct vm_machine *m, const struct area *area, struct place place,
	uint64_t address, struct vm_page_view *view)
{
	const uint64_t leaf = entry_get(m, place);
	const uint64_t piece = vm_bytes_to_pages_floor(address - place.address);

	view->state = VM_PAGE_PRESENT;
	view->frame = leaf_frame(leaf) + (uint32_t)piece;
	view->huge = place.level > 1;
	view->writable_now = leaf_is_writable(leaf) && (leaf & VM_PTE_PRESENT) != 0;
	view->pagemap = BIT(VM_PAGEMAP_PRESENT);
	view_flags(m, area, view->frame, view);
	const bool zero = is_zero_frame(m, view->frame);
	/* The huge zero page looks like a file's: it is a folio that is not anonymous. */
	if (zero ? view->huge && !m->behaviours.huge_zero_no_file
		 : !folio_has(m, view->frame, FOLIO_ANONYMOUS))
		view->pagemap |= BIT(VM_PAGEMAP_FILE);
	if (zero) {
		view->pagemap_open |= view->huge ? BIT(VM_PAGEMAP_EXCLUSIVE) : 0;
	} else {
		view->map_count = frame_map_count(m, view->frame);
		if (frame_map_count(m, view->huge && m->behaviours.huge_exclusive_by_head
					       ? leaf_frame(leaf)
					       : view->frame) == 1)
			view->pagemap |= BIT(VM_PAGEMAP_EXCLUSIVE);
	}
	/*
	 * linux:6.18:fs/proc/task_mmu.c:pagemap_hugetlb_range asks how many share the table; only
	 * tables of 2 MiB entries have that count, in others stands what their page held before.
	 */
	if (place.level == 3 && m->behaviours.table_share_count)
		view->pagemap_open |= BIT(VM_PAGEMAP_EXCLUSIVE);
	if ((leaf & VM_PTE_LINUX_UFFD_WP) != 0)
		view->pagemap |= BIT(VM_PAGEMAP_UFFD_WP);
	if ((leaf & VM_PTE_LINUX_SOFT_DIRTY) != 0 || (area->flags & VM_AREA(SOFT_DIRTY)) != 0)
		view->pagemap |= BIT(VM_PAGEMAP_SOFT_DIRTY);
}

static void view_absent(const struct vm_machine *m, const struct area *area, uint64_t entry,
	struct vm_page_view *view)
{
	const uint64_t marker = entry_marker(entry);

	if ((area->flags & VM_AREA(SOFT_DIRTY)) != 0)
		view->pagemap |= BIT(VM_PAGEMAP_SOFT_DIRTY);
	if (entry == 0)
		return;
	view->pagemap |= BIT(VM_PAGEMAP_SWAP);
	if ((marker & MARKER_GUARD) != 0) {
		view->state = VM_PAGE_GUARD;
		/* Bit 58 came later than the regions themselves. */
		view->pagemap |= BIT(VM_PAGEMAP_GUARD);
		view->pagemap_open |= BIT(VM_PAGEMAP_GUARD);
		if ((entry & SWAP_ENTRY_UFFD_WP) != 0)
			view->pagemap |= BIT(VM_PAGEMAP_UFFD_WP);
		return;
	}
	if ((marker & MARKER_UFFD_WP) != 0) {
		view->state = VM_PAGE_UFFD_MARKER;
		view->pagemap |= BIT(VM_PAGEMAP_UFFD_WP);
		return;
	}
	view->state = VM_PAGE_SWAPPED;
	view->slot = entry_slot(entry);
	/* A slot whose page sits in the swap cache counts as a page, and may look exclusive. */
	view->pagemap_open |= slots_of(m)[view->slot].frame == NONE
				      ? 0
				      : BIT(VM_PAGEMAP_EXCLUSIVE) | BIT(VM_PAGEMAP_FILE);
	if ((entry & SWAP_ENTRY_SOFT_DIRTY) != 0)
		view->pagemap |= BIT(VM_PAGEMAP_SOFT_DIRTY);
	if ((entry & SWAP_ENTRY_UFFD_WP) != 0)
		view->pagemap |= BIT(VM_PAGEMAP_UFFD_WP);
}

static void view_page(
	const struct vm_machine *m, uint32_t number, uint64_t address, struct vm_page_view *view)
{
	const struct area *area = area_of(m, number);
	const struct place place = place_of(m, area->mm, address);
	const uint64_t entry = entry_get(m, place);

	*view = (struct vm_page_view){
		.state = VM_PAGE_NONE, .frame = VM_NO_FRAME, .slot = VM_NO_SLOT};
	view->in_core = in_core(m, area, place, address, &view->in_core_open);
	if (entry != 0 && leaf_is_present(entry))
		view_present(m, area, place, address, view);
	else
		view_absent(m, area, entry, view);
}

void vm_machine_page_of(const struct vm_machine *machine, const struct vm_area_view *area,
	uint64_t address, struct vm_page_view *view)
{
	view_page(machine, area->number, address, view);
}

void vm_machine_page(const struct vm_machine *machine, uint32_t process, uint64_t address,
	struct vm_page_view *view)
{
	const uint32_t mm = processes_of(machine)[process].mm;
	const uint32_t number = mm == NONE ? NONE : area_holding(machine, mm, address);

	if (number != NONE)
		view_page(machine, number, address, view);
	else
		*view = (struct vm_page_view){
			.state = VM_PAGE_NONE, .frame = VM_NO_FRAME, .slot = VM_NO_SLOT};
}

void vm_machine_counters(
	const struct vm_machine *machine, uint32_t process, struct vm_counters *counters)
{
	const struct process *subject = &processes_of(machine)[process];

	*counters = (struct vm_counters){
		.minor_faults = subject->minor_faults, .major_faults = subject->major_faults};
	if (subject->mm == NONE)
		return;
	const struct mm *mm = mm_of(machine, subject->mm);
	counters->virtual_pages = mm->total_pages;
	counters->anonymous_pages = (uint64_t)mm->rss[RSS_ANON];
	counters->file_pages = (uint64_t)mm->rss[RSS_FILE];
	counters->shmem_pages = (uint64_t)mm->rss[RSS_SHMEM];
	counters->swap_pages = (uint64_t)mm->rss[RSS_SWAP];
	counters->locked_pages = mm->locked_pages;
	counters->hugetlb_pages = mm->hugetlb_pages;
	counters->data_pages = mm->data_pages;
	counters->stack_pages = mm->stack_pages;
	counters->exec_pages = mm->exec_pages;
	/* The top levels are not counted: linux:6.12:include/linux/mm.h:mm_inc_nr_puds */
	counters->page_table_bytes =
		vm_pages_to_bytes(mm->table_count[1] + mm->table_count[2] + mm->table_count[3]);
	counters->areas = mm->area_count;
}

/* tmpfs marks pages, but never its index, which linux:6.12:mm/filemap.c:filemap_cachestat reads. */
static bool counts_as_dirty(
	const struct vm_machine *m, const struct object *object, const struct entry *entry)
{
	return object->kind == VM_FILE_DISK &&
	       (folio_has(m, entry->frame, FOLIO_DIRTY) ||
		       folio_has(m, entry->frame, FOLIO_TAGGED_DIRTY));
}

void vm_machine_cached(
	const struct vm_machine *machine, uint32_t file, uint64_t page, struct vm_cached_view *view)
{
	const uint32_t number = entry_find(machine, file, page);

	*view = (struct vm_cached_view){0};
	if (number == NONE || entries_of(machine)[number].frame == NONE)
		return;
	view->cached = true;
	view->mapped = folio_of(machine, entries_of(machine)[number].frame)->maps != 0;
	view->dirty =
		counts_as_dirty(machine, object_of(machine, file), &entries_of(machine)[number]);
}

void vm_machine_file(const struct vm_machine *machine, uint32_t file, struct vm_file_view *view)
{
	const struct object *object = object_of(machine, file);

	*view = (struct vm_file_view){.exists = object->used};
	if (!object->used)
		return;
	view->kind = object->kind;
	view->size_bytes = object->size_bytes;
	for (uint32_t i = object->first_entry; i != NONE;
		i = entries_of(machine)[i].next_in_object) {
		const struct entry *entry = &entries_of(machine)[i];

		view->evicted_pages += entry->shadow;
		if (entry->frame == NONE)
			continue;
		view->cached_pages++;
		view->dirty_pages += counts_as_dirty(machine, object, entry);
	}
}

void vm_machine_system(const struct vm_machine *machine, struct vm_system_view *view)
{
	*view = (struct vm_system_view){.committed_pages = machine->committed_pages,
		.swap_slots_used = machine->slots_in_use,
		.huge_2m = machine->huge_2m,
		.huge_1g = machine->huge_1g,
		.ksm_shared = machine->ksm_shared,
		.ksm_sharing = machine->ksm_sharing,
		.ksm_unshared = machine->ksm_unshared,
		.ksm_zero = machine->ksm_zero,
		.frames_in_use = machine->frames_in_use};
	memcpy(view->event, machine->event, sizeof(view->event));
}

enum vm_process_state vm_machine_process(const struct vm_machine *machine, uint32_t process)
{
	return process < machine->processes.limit ? processes_of(machine)[process].state
						  : VM_PROCESS_UNUSED;
}
