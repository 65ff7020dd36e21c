/* SPDX-License-Identifier: Apache-2.0 */
/* linux:6.12:kernel/fork.c:dup_mmap, mm/memory.c:copy_page_range, kernel/exit.c:exit_mm */
#include "area/area.h"
#include "cow/cow.h"
#include "demand/fault.h"
#include "demand/huge.h"
#include "frame/cache.h"
#include "frame/frame.h"
#include "frame/swap.h"

uint32_t mm_take(struct vm_machine *m)
{
	for (uint32_t i = 0; i < m->mms.limit; i++) {
		if (i < m->mms.high && mm_of(m, i)->users != 0)
			continue;
		if (m->mms.high <= i)
			m->mms.high = i + 1;
		*mm_of(m, i) = (struct mm){.users = 1, .first_area = NONE, .root = NONE};
		if (!mm_start_tables(m, i))
			return NONE;
		return i;
	}
	m->out_of_room = true;
	return NONE;
}

static bool is_copied_on_write(const struct area *area)
{
	return (area->flags & (VM_AREA(SHARED) | VM_AREA(MAY_WRITE))) == VM_AREA(MAY_WRITE);
}

static uint64_t leaf_for_child(
	struct vm_machine *m, const struct area *area, const struct area *child, uint64_t leaf)
{
	if ((area->flags & VM_AREA(SHARED)) != 0)
		leaf = leaf_make_clean(leaf);
	leaf &= ~VM_PTE_ACCESSED;
	if (!child->uffd)
		leaf &= ~VM_PTE_LINUX_UFFD_WP;
	(void)m;
	return leaf;
}

static void copy_swapped(struct vm_machine *m, uint32_t mm, struct place from, uint32_t child_mm)
{
	const uint64_t entry = entry_get(m, from) & ~SWAP_ENTRY_EXCLUSIVE;
	const struct place to = place_make(m, child_mm, from.address, 1);

	(void)mm;
	if (to.table == NONE)
		return;
	rule_obey(m, RULE_COW_FORK_SWAPPED);
	entry_set(m, from, entry);
	entry_set(m, to, entry);
	slot_name(m, entry_slot(entry));
	mm_of(m, child_mm)->rss[RSS_SWAP]++;
}

/*
 * linux:6.12:mm/memory.c:copy_present_page: whoever pinned the page counts on it being the parent's
 * for good, so that the child gets its copy now.
 */
static void copy_pinned(struct vm_machine *m, const struct area *child, struct place from)
{
	const uint64_t leaf = entry_get(m, from);
	const uint32_t frame = anonymous_take(m, 0, area_page_index(child, from.address));
	const struct place to = place_make(m, child->mm, from.address, 1);

	if (to.table == NONE || frame == NONE)
		return;
	rule_obey(m, RULE_COW_FORK_COPIES_PINNED);
	frame_copy(m, frame, leaf_frame(leaf));
	frame_map(m, frame);
	mm_of(m, child->mm)->rss[RSS_ANON]++;
	uint64_t copy = leaf_make(leaf_protection(m, child), frame, false);
	copy = leaf_for_write(m, child, copy);
	if (child->uffd && (leaf & VM_PTE_LINUX_UFFD_WP) != 0)
		copy = leaf_write_protect(m, copy) | VM_PTE_LINUX_UFFD_WP;
	entry_set(m, to, copy);
}

static void copy_small(
	struct vm_machine *m, uint32_t area_number, uint32_t child, struct place from)
{
	const struct area *area = area_of(m, area_number);
	const struct area *copy = area_of(m, child);
	uint64_t leaf = entry_get(m, from);
	const uint32_t frame = leaf_frame(leaf);
	const struct place to = place_make(m, copy->mm, from.address, 1);

	if (to.table == NONE)
		return;
	if (frame_of(m, frame)->pinned && frame_of(m, frame)->exclusive &&
		folio_has(m, frame, FOLIO_ANONYMOUS)) {
		copy_pinned(m, copy, from);
		return;
	}
	if (is_copied_on_write(area) && leaf_is_writable(leaf)) {
		leaf = leaf_write_protect(m, leaf);
		entry_set(m, from, leaf);
	}
	if (!is_zero_frame(m, frame)) {
		if (folio_has(m, frame, FOLIO_ANONYMOUS))
			frame_of(m, frame)->exclusive = false;
		frame_map(m, frame);
		mm_of(m, copy->mm)->rss[folio_rss_kind(m, frame)]++;
	}
	entry_set(m, to, leaf_for_child(m, area, copy, leaf));
}

/* linux:6.12:mm/huge_memory.c:copy_huge_pmd */
static void copy_huge(struct vm_machine *m, uint32_t area_number, uint32_t child, struct place from)
{
	const struct area *area = area_of(m, area_number);
	const struct area *copy = area_of(m, child);
	const struct place to = place_make(m, copy->mm, from.address, 2);

	if (to.table == NONE || !table_deposit(m, copy->mm, to))
		return;
	const uint64_t leaf = leaf_write_protect(m, entry_get(m, from));
	const uint32_t head = leaf_frame(leaf);
	if (!is_zero_frame(m, head)) {
		rule_obey(m, RULE_COW_FORK_HUGE);
		entry_set(m, from, leaf);
		frame_of(m, head)->exclusive = false;
		folio_map_whole(m, head);
		mm_of(m, copy->mm)->rss[RSS_ANON] += HUGE_PAGES;
	}
	entry_set(m, to, leaf_for_child(m, area, copy, leaf));
}

/* linux:6.12:mm/hugetlb.c:copy_hugetlb_page_range */
static void copy_hugetlb(
	struct vm_machine *m, uint32_t area_number, uint32_t child, struct place from)
{
	const struct area *area = area_of(m, area_number);
	const struct area *copy = area_of(m, child);
	const struct place to = place_make(m, copy->mm, from.address, from.level);
	uint64_t leaf = entry_get(m, from);

	if (to.table == NONE)
		return;
	if (is_copied_on_write(area)) {
		leaf = leaf_write_protect(m, leaf);
		entry_set(m, from, leaf);
	}
	folio_map_whole(m, leaf_frame(leaf));
	mm_of(m, copy->mm)->hugetlb_pages += folio_pages(m, leaf_frame(leaf));
	entry_set(m, to, leaf);
}

/* The child gets every lowest table that the parent has, even where it is empty. */
static void copy_tables(struct vm_machine *m, const struct area *area, uint32_t child_mm)
{
	uint64_t address = area->start;

	while (address < area->end) {
		const struct place place = place_of(m, area->mm, address);

		/* An entry's own table is there, however empty the entry is. */
		if (place.level < m->host.page_table_levels)
			(void)place_make(m, child_mm, address, place.level);
		const uint64_t step = level_bytes(place.level > 2 ? place.level : 2U);
		address = vm_align_down(address, step) + step;
	}
}

static void copy_entries(struct vm_machine *m, uint32_t area_number, uint32_t child)
{
	const struct area *area = area_of(m, area_number);
	const uint32_t child_mm = area_of(m, child)->mm;
	struct cursor cursor = cursor_over(area->start, area->end);

	copy_tables(m, area, child_mm);
	while (cursor_next(m, area->mm, &cursor)) {
		const uint64_t entry = entry_get(m, cursor.at);
		const uint64_t marker = entry_marker(entry);

		if (marker != 0) {
			/* linux:6.12:mm/memory.c:copy_pte_marker; that a guard was protected is
			 * lost
			 */
			const bool kept = (marker & MARKER_GUARD) != 0 || area_of(m, child)->uffd;
			const struct place to = place_make(m, child_mm, cursor.at.address, 1);
			if (kept && to.table != NONE)
				entry_set(m, to, swap_entry_make(SWAP_TYPE_MARKER, marker));
		} else if (!leaf_is_present(entry)) {
			copy_swapped(m, area->mm, cursor.at, child_mm);
		} else if (cursor.at.level == 1) {
			copy_small(m, area_number, child, cursor.at);
		} else if (huge_is_transparent(m, area->mm, cursor.at)) {
			copy_huge(m, area_number, child, cursor.at);
		} else {
			copy_hugetlb(m, area_number, child, cursor.at);
		}
	}
}

/* linux:6.12:mm/memory.c:vma_needs_copy */
static bool needs_copy(
	const struct vm_machine *m, const struct area *area, const struct area *child)
{
	switch (m->behaviours.fork_copies) {
	case VM_FORK_COPIES_ALL:
		return true;
	case VM_FORK_COPIES_ANONYMOUS_AREAS:
		return area->family != NONE || child->uffd ||
		       (area->flags & VM_AREA(MAYBE_GUARD)) != 0;
	}
	VM_ASSERT(false);
	return false;
}

static bool fork_area(struct vm_machine *m, uint32_t area_number, uint32_t child_mm)
{
	const struct area *area = area_of(m, area_number);
	struct mm *space = mm_of(m, child_mm);
	const uint64_t pages = area_pages(area);

	if ((area->flags & VM_AREA(DONT_COPY)) != 0) {
		rule_obey(m, RULE_COW_DONT_FORK);
		return true;
	}
	/* Every accounted area is charged again: the child may write all of it. */
	if ((area->flags & VM_AREA(ACCOUNT)) != 0 && !commit_charge(m, pages))
		return false;
	const uint32_t child = area_take(m);
	if (child == NONE)
		return false;
	struct area *copy = area_of(m, child);
	copy->start = area->start;
	copy->end = area->end;
	copy->page_offset = area->page_offset;
	copy->object = area->object;
	copy->read_only_file = area->read_only_file;
	copy->flags = area->flags &
		      ~(VM_AREA(LOCKED) | VM_AREA(LOCK_ON_FAULT) | VM_AREA(UFFD_WRITE_PROTECT));
	area_insert(m, child_mm, child);
	mm_count_area(space, copy->flags, (int64_t)pages);
	if ((area->flags & VM_AREA(WIPE_ON_FORK)) != 0) {
		rule_obey(m, RULE_COW_WIPE_ON_FORK);
		return true;
	}
	family_fork(m, child, area_number);
	if (needs_copy(m, area, copy)) {
		rule_obey(m, RULE_COW_FORK_COPIES_ENTRIES);
		copy_entries(m, area_number, child);
	} else {
		rule_obey(m, RULE_COW_FORK_LEAVES_EMPTY);
	}
	return !m->out_of_room;
}

void operation_fork(struct vm_machine *m)
{
	const struct vm_operation *op = m->operation;
	struct process *parent = &processes_of(m)[op->process];
	const uint32_t child_mm = mm_take(m);

	if (child_mm == NONE)
		return;
	struct mm *space = mm_of(m, child_mm);
	const struct mm *from = mm_of(m, parent->mm);
	space->break_start = from->break_start;
	space->break_end = from->break_end;
	space->denies_write_execute = from->denies_write_execute;
	rule_obey(m, RULE_COW_FORK);
	for (uint32_t i = from->first_area; i != NONE; i = area_of(m, i)->next) {
		if (fork_area(m, i, child_mm))
			continue;
		if (m->out_of_room)
			return;
		mm_release(m, child_mm);
		m->outcome->errno_count = 1;
		m->outcome->errnos[0] = VM_ENOMEM;
		return;
	}
	processes_of(m)[op->other] = (struct process){
		.state = VM_PROCESS_RUNNING, .mm = child_mm, .parent = op->process};
}

void operation_vfork(struct vm_machine *m)
{
	const struct vm_operation *op = m->operation;
	const uint32_t mm = processes_of(m)[op->process].mm;

	rule_obey(m, RULE_COW_VFORK);
	mm_of(m, mm)->users++;
	processes_of(m)[op->other] = (struct process){.state = VM_PROCESS_RUNNING,
		.mm = mm,
		.parent = op->process,
		.shares_parent = true};
}

void mm_release(struct vm_machine *m, uint32_t mm)
{
	struct mm *space = mm_of(m, mm);

	if (--space->users != 0)
		return;
	rule_obey(m, RULE_COW_EXIT);
	for (uint32_t i = space->first_area; i != NONE; i = area_of(m, i)->next)
		zap_range(m, i, area_of(m, i)->start, area_of(m, i)->end, ZAP_EVERYTHING);
	tables_free(m, mm, 0, m->setup.mmap_top, 0, 0);
	while (space->first_area != NONE) {
		const struct area *area = area_of(m, space->first_area);

		if ((area->flags & VM_AREA(ACCOUNT)) != 0)
			commit_release(m, area_pages(area));
		if (area_is_hugetlb(area))
			hugetlb_unreserve(m, area, area->start, area->end);
		area_remove(m, space->first_area);
	}
	mm_drop_root(m, mm);
}

void operation_exit(struct vm_machine *m)
{
	struct process *process = &processes_of(m)[m->operation->process];

	mm_release(m, process->mm);
	process->state = VM_PROCESS_EXITED;
	process->mm = NONE;
	/* The table of descriptors is one: the last process takes pipe and ring with it. */
	for (uint32_t i = 0; i < m->processes.limit; i++)
		if (processes_of(m)[i].state == VM_PROCESS_RUNNING)
			return;
	pipe_drop(m);
	pin_drop(m);
}

void operation_wait(struct vm_machine *m)
{
	processes_of(m)[m->operation->other] = (struct process){.mm = NONE};
}
