/* SPDX-License-Identifier: Apache-2.0 */
/* linux:6.12:mm/mremap.c; the order of checks and several areas at once since 6.17 */
#include "area/area.h"
#include "cow/cow.h"
#include "demand/fault.h"
#include "demand/huge.h"
#include "frame/frame.h"
#include "machine/outcome.h"
#include "xlate/tree.h"

struct move {
	uint32_t mm;
	uint64_t from, old_length, to, new_length;
	uint32_t flags;
	bool placed_by_kernel;
	bool tracked; /* the source was registered when the move began */
};

static bool overlaps(const struct move *move)
{
	return move->from + move->old_length > move->to && move->to + move->new_length > move->from;
}

static bool wants_place(const struct move *move)
{
	return (move->flags & (VM_MREMAP_FIXED | VM_MREMAP_DONTUNMAP)) != 0;
}

/* Checks that need no area. */
static int32_t check_numbers(const struct vm_machine *m, const struct move *move)
{
	const uint32_t known = VM_MREMAP_FIXED | VM_MREMAP_MAYMOVE | VM_MREMAP_DONTUNMAP;

	if ((move->flags & ~known) != 0)
		return VM_EINVAL;
	if ((move->flags & (VM_MREMAP_FIXED | VM_MREMAP_DONTUNMAP)) != 0 &&
		(move->flags & VM_MREMAP_MAYMOVE) == 0)
		return VM_EINVAL;
	if ((move->flags & VM_MREMAP_DONTUNMAP) != 0 && move->old_length != move->new_length)
		return VM_EINVAL;
	if (!vm_is_aligned(move->from, VM_PAGE_BYTES) || move->new_length == 0)
		return VM_EINVAL;
	if (!m->behaviours.remap_moves_many)
		return 0;
	if (move->new_length > m->setup.mmap_top)
		return VM_EINVAL;
	if ((move->flags & VM_MREMAP_FIXED) == 0)
		return 0;
	if (!vm_is_aligned(move->to, VM_PAGE_BYTES) ||
		move->to > m->setup.mmap_top - move->new_length || overlaps(move))
		return VM_EINVAL;
	return 0;
}

/* vma_to_resize, check_prep_vma */
static int32_t check_area(const struct vm_machine *m, const struct move *move, uint32_t number)
{
	const struct area *area = area_of(m, number);
	const struct mm *mm = mm_of(m, move->mm);

	if (move->old_length == 0 && (area->flags & (VM_AREA(SHARED) | VM_AREA(MAY_SHARE))) == 0)
		return VM_EINVAL;
	if ((move->flags & VM_MREMAP_DONTUNMAP) != 0 && (area->flags & VM_AREA(DONT_EXPAND)) != 0)
		return VM_EINVAL;
	if (move->old_length > area->end - move->from)
		return VM_EFAULT;
	if (move->new_length <= move->old_length)
		return 0;
	if ((area->flags & VM_AREA(DONT_EXPAND)) != 0)
		return VM_EFAULT;
	const uint64_t grow = move->new_length - move->old_length;
	if (!mlock_allows(m, mm, area->flags, grow))
		return VM_EAGAIN;
	if (!may_expand(m, mm, vm_bytes_to_pages_floor(grow)))
		return VM_ENOMEM;
	return 0;
}

/* One step of move_page_tables: up to the next 2 MiB boundary of either side. */
static uint64_t move_extent(uint64_t from, uint64_t to, uint64_t end, uint64_t unit)
{
	const uint64_t a = vm_align_down(from, unit) + unit - from;
	const uint64_t b = vm_align_down(to, unit) + unit - to;
	const uint64_t left = end - from;
	const uint64_t nearer = a < b ? a : b;

	return nearer < left ? nearer : left;
}

/*
 * linux:6.12:mm/mremap.c:move_ptes: what is armed is disarmed, for the new area is not registered.
 * Where the old one was not, either, only a guard can have kept such a mark, and keeps it.
 */
static uint64_t disarmed(uint64_t entry)
{
	if ((entry_marker(entry) & MARKER_UFFD_WP) != 0)
		return 0;
	if (leaf_is_present(entry))
		return entry & ~VM_PTE_LINUX_UFFD_WP;
	return entry & ~SWAP_ENTRY_UFFD_WP;
}

static void move_small(
	struct vm_machine *m, const struct move *move, struct place from, uint64_t to)
{
	const struct place target = place_make(m, move->mm, to, from.level);
	uint64_t entry = entry_get(m, from);

	if (target.table == NONE)
		return;
	if (move->tracked)
		entry = disarmed(entry);
	if (has(m, VM_FEATURE_SOFT_DIRTY) && leaf_is_present(entry))
		entry |= VM_PTE_LINUX_SOFT_DIRTY;
	else if (has(m, VM_FEATURE_SOFT_DIRTY) && entry_is_swapped(entry))
		entry |= SWAP_ENTRY_SOFT_DIRTY;
	entry_set(m, from, 0);
	if (entry != 0)
		entry_set(m, target, entry);
}

/* Everything under one step: whole tables and huge leaves where both sides are aligned. */
static void move_step(struct vm_machine *m, uint32_t source, const struct move *move, uint64_t from,
	uint64_t to, uint64_t extent)
{
	const struct area *area = area_of(m, source);
	const uint32_t mm = area->mm;
	const bool whole = extent == VM_HUGE_2M_BYTES;
	struct place place = place_of(m, mm, from);

	if (place.level == 2 && entry_get(m, place) != 0 && huge_is_transparent(m, mm, place)) {
		const struct place target = place_make(m, mm, to, 2);
		if (whole && target.table != NONE && target.level == 2) {
			rule_obey(m, RULE_XLATE_MOVE_HUGE_LEAF);
			huge_leaf_move(m, place, target);
			return;
		}
		huge_split(m, mm, source, place);
		place = place_of(m, mm, from);
	}
	if (place.level > 2)
		return;
	(void)place_make(m, mm, to, 2);
	if (whole && !move->tracked && table_move(m, mm, from, to, 2)) {
		rule_obey(m, RULE_XLATE_MOVE_TABLE);
		return;
	}
	if (place.level == 2)
		return;
	struct cursor cursor = cursor_over(from, from + extent);
	(void)place_make(m, mm, to, 1);
	while (cursor_next(m, mm, &cursor))
		move_small(m, move, cursor.at, to + (cursor.at.address - from));
}

static void move_hugetlb(struct vm_machine *m, const struct move *move)
{
	struct cursor cursor = cursor_over(move->from, move->from + move->old_length);

	while (cursor_next(m, move->mm, &cursor)) {
		move_small(m, move, cursor.at, move->to + (cursor.at.address - move->from));
		cursor.at.table = NONE;
	}
}

/* try_realign_addr: a move that begins at its area's start may take the 2 MiB from below along. */
static bool can_align_down(
	const struct vm_machine *m, uint32_t area, uint64_t address, uint64_t aligned)
{
	const uint32_t before = area_before(m, area_of(m, area)->mm, area_of(m, area)->start);

	return area_of(m, area)->start == address &&
	       (before == NONE || area_of(m, before)->end <= aligned);
}

static void move_tables(
	struct vm_machine *m, uint32_t source, uint32_t target, const struct move *move)
{
	uint64_t from = move->from, to = move->to;
	const uint64_t end = from + move->old_length;
	const uint64_t offset = from & (VM_HUGE_2M_BYTES - 1);

	if (area_is_hugetlb(area_of(m, source))) {
		move_hugetlb(m, move);
		return;
	}
	if (m->behaviours.remap_realigns && offset != 0 &&
		offset == (to & (VM_HUGE_2M_BYTES - 1)) &&
		move->old_length >= VM_HUGE_2M_BYTES - offset &&
		can_align_down(m, source, from, from - offset) &&
		can_align_down(m, target, to, to - offset)) {
		from -= offset;
		to -= offset;
	}
	while (from < end) {
		const uint64_t giant = move_extent(from, to, end, VM_HUGE_1G_BYTES);
		const struct place place = place_of(m, move->mm, from);
		uint64_t extent = giant;

		if (place.level > 3) { /* nothing here at all */
			from += extent;
			to += extent;
			continue;
		}
		(void)place_make(m, move->mm, to, 3);
		if (giant != VM_HUGE_1G_BYTES || move->tracked ||
			!table_move(m, move->mm, from, to, 3)) {
			extent = move_extent(from, to, end, VM_HUGE_2M_BYTES);
			move_step(m, source, move, from, to, extent);
		}
		from += extent;
		to += extent;
	}
}

/* copy_vma: the new area, perhaps as part of a neighbour. */
static uint32_t make_target(struct vm_machine *m, uint32_t source, const struct move *move)
{
	const struct area *area = area_of(m, source);
	const bool unfaulted = area_is_anonymous(area) && area->family == NONE;
	const struct merge_wish wish = {.mm = move->mm,
		.start = move->to,
		.end = move->to + move->new_length,
		.page_offset = unfaulted ? vm_bytes_to_pages_floor(move->to)
					 : area_page_index(area, move->from),
		.flags = area->flags,
		.object = area->object,
		.family = area->family,
		.uffd = area->uffd,
		.read_only_file = area->read_only_file,
		.middle = NONE,
		.copied_from = source,
		/* linux:6.12:mm/vma.c:copy_vma (6.12.114) */
		.keeps_apart = unfaulted && (move->flags & VM_MREMAP_DONTUNMAP) != 0
				       ? m->behaviours.remap_keeps_apart
				       : VM_KNOWN_NOT};

	const uint32_t merged =
		wish.uffd && m->behaviours.tracked_moves_apart ? NONE : merge_new(m, &wish);
	if (merged != NONE) {
		/* linux:6.12:fs/userfaultfd.c:mremap_userfaultfd_prep: the neighbour that took it
		 * in is registered no more, either */
		if (wish.uffd)
			rule_obey(m, RULE_COW_UFFD_LOST_BY_MOVE);
		area_of(m, merged)->flags &= ~VM_AREA(UFFD_WRITE_PROTECT);
		area_of(m, merged)->uffd = false;
		return merged;
	}
	const uint32_t number = area_take(m);
	if (number == NONE)
		return NONE;
	struct area *copy = area_of(m, number);
	copy->start = wish.start;
	copy->end = wish.end;
	copy->flags = wish.flags & ~VM_AREA(UFFD_WRITE_PROTECT);
	copy->page_offset = wish.page_offset;
	copy->object = wish.object;
	copy->read_only_file = wish.read_only_file;
	copy->reserve_owner = area->reserve_owner;
	copy->bereft = area->bereft;
	copy->family = area->family;
	family_clone(m, number, source);
	area_insert(m, move->mm, number);
	return number;
}

/* The old place goes; what the old area had charged moved with its pages. */
static void leave_source(struct vm_machine *m, uint32_t source, const struct move *move)
{
	struct area *area = area_of(m, source);
	const bool accounted = (area->flags & VM_AREA(ACCOUNT)) != 0;
	const uint64_t end = move->from + move->old_length;
	const bool before = area->start<move->from, after = area->end> end;

	if (move->old_length == 0)
		return;
	area->flags &= ~VM_AREA(ACCOUNT);
	area->reserve_owner = false;
	(void)unmap_range(m, move->mm, move->from, end);
	if (accounted && before)
		area_of(m, area_before(m, move->mm, move->from))->flags |= VM_AREA(ACCOUNT);
	if (accounted && after)
		area_of(m, area_at_or_after(m, move->mm, end))->flags |= VM_AREA(ACCOUNT);
}

/*
 * MREMAP_DONTUNMAP: the old area stays, without pages and lock. Since 6.17 that may be more than
 * what was moved; the pages of the rest stay locked for good: mm/mremap.c:dontunmap_complete.
 */
static void keep_source(struct vm_machine *m, uint32_t source, const struct move *move)
{
	struct area *area = area_of(m, source);
	struct cursor cursor = cursor_over(area->start, area->end);

	rule_obey(m, RULE_AREA_REMAP_KEEPS_SOURCE);
	while ((area->flags & VM_AREA(LOCKED)) != 0 && cursor_next(m, area->mm, &cursor)) {
		const uint64_t leaf = entry_get(m, cursor.at);

		if (leaf_is_present(leaf) && !is_zero_frame(m, leaf_frame(leaf)))
			folio_set(m, leaf_frame(leaf), FOLIO_LOCK_LOST);
	}
	area->flags &= ~(VM_AREA(LOCKED) | VM_AREA(LOCK_ON_FAULT));
	if (m->behaviours.remap_unaccounts)
		area->flags &= ~VM_AREA(ACCOUNT);
	if (area->start != move->from || area->end != move->from + move->old_length)
		return;
	family_leave(m, source);
}

/*
 * Only what moved is unlocked: until 6.16, and since the releases that keep it apart
 * (linux:7.3:mm/mremap.c:needs_pre_split).
 */
static bool unlocks_part(struct vm_machine *m, const struct area *area)
{
	return (area->flags & VM_AREA(LOCKED)) != 0 &&
	       (!m->behaviours.remap_moves_many ||
		       outcome_depends(m, m->behaviours.remap_keeps_apart,
			       "how much of it this release unlocks"));
}

static int32_t split_locked_source(struct vm_machine *m, uint32_t *source, const struct move *move)
{
	const uint64_t cuts[2] = {move->from, move->from + move->old_length};

	if ((move->flags & VM_MREMAP_DONTUNMAP) == 0 || !unlocks_part(m, area_of(m, *source)))
		return 0;
	for (int side = 0; side < 2; side++) {
		if (cuts[side] <= area_of(m, *source)->start ||
			cuts[side] >= area_of(m, *source)->end)
			continue;
		huge_split_at(m, move->mm, cuts[side]);
		const uint32_t upper = area_split(m, *source, cuts[side]);
		if (upper == NONE)
			return VM_ENOMEM;
		if (side == 0)
			*source = upper;
	}
	return 0;
}

static int32_t move_area(struct vm_machine *m, uint32_t source, const struct move *move)
{
	struct mm *mm = mm_of(m, move->mm);
	const uint64_t new_pages = vm_bytes_to_pages_floor(move->new_length);
	const uint64_t old_pages = vm_bytes_to_pages_floor(move->old_length);
	const bool keep = (move->flags & VM_MREMAP_DONTUNMAP) != 0;

	if (area_headroom(m, move->mm) < 4)
		return VM_ENOMEM;
	if ((area_of(m, source)->flags & VM_AREA(MERGEABLE)) != 0)
		ksm_unmerge(m, source, move->from, move->from + move->old_length);
	const int32_t error = split_locked_source(m, &source, move);
	if (error != 0)
		return error;
	const uint32_t flags = area_of(m, source)->flags;
	const uint64_t charge = keep ? new_pages : new_pages - old_pages;
	if ((flags & VM_AREA(ACCOUNT)) != 0 && !commit_charge(m, charge))
		return VM_ENOMEM;
	struct move pages = *move;
	pages.tracked = area_of(m, source)->uffd;
	const uint32_t target = make_target(m, source, move);
	if (target == NONE)
		return VM_ENOMEM;
	/* An unfaulted source may have been swallowed by its own target. */
	source = area_holding(m, move->mm, move->from);
	rule_obey(m, RULE_AREA_REMAP_MOVES);
	move_tables(m, source, target, &pages);
	mm_count_area(mm, flags, (int64_t)new_pages);
	if (keep) {
		keep_source(m, source, move);
		/* mm/mremap.c:vrm_stat_account (6.17): the source's share is not given back, where
		 * it is counted before the source is unlocked */
		if (m->behaviours.remap_moves_many && (flags & VM_AREA(LOCKED)) != 0 &&
			m->behaviours.remap_keeps_apart != VM_KNOWN_SO)
			mm->locked_pages += new_pages;
		return 0;
	}
	leave_source(m, source, move);
	if ((flags & VM_AREA(LOCKED)) != 0) {
		mm->locked_pages += new_pages;
		if (new_pages > old_pages)
			(void)populate_range(m, move->mm, move->to + move->old_length,
				move->to + move->new_length, true);
	}
	return 0;
}

static int32_t grow_in_place(struct vm_machine *m, uint32_t source, const struct move *move)
{
	const struct area *area = area_of(m, source);
	const uint64_t end = move->from + move->new_length;
	const uint64_t pages = vm_bytes_to_pages_floor(move->new_length - move->old_length);
	const struct merge_wish wish = {.mm = move->mm,
		.start = area->end,
		.end = end,
		.page_offset = area_page_index(area, area->end),
		.flags = area->flags,
		.object = area->object,
		.family = area->family,
		.uffd = area->uffd,
		.read_only_file = area->read_only_file,
		.middle = NONE,
		.copied_from = NONE};

	if ((area->flags & VM_AREA(ACCOUNT)) != 0 && !commit_charge(m, pages))
		return VM_ENOMEM;
	rule_obey(m, RULE_AREA_REMAP_GROWS);
	const uint32_t grown = merge_new(m, &wish);
	VM_ASSERT(grown != NONE);
	mm_count_area(mm_of(m, move->mm), area_of(m, grown)->flags, (int64_t)pages);
	if ((area_of(m, grown)->flags & VM_AREA(LOCKED)) != 0) {
		mm_of(m, move->mm)->locked_pages += pages;
		(void)populate_range(m, move->mm, move->from + move->old_length, end, true);
	}
	m->outcome->result = (int64_t)move->from;
	return 0;
}

static bool can_grow(const struct vm_machine *m, uint32_t source, const struct move *move)
{
	const struct area *area = area_of(m, source);
	const uint64_t end = move->from + move->new_length;

	return move->from + move->old_length == area->end && end <= m->setup.mmap_top &&
	       !area_any_in(m, move->mm, area->end, end);
}

/* A place of the kernel's choice is told afterwards. */
static bool kernel_placed(struct vm_machine *m, struct move *move)
{
	const uint64_t place = m->operation->placed_address;

	rule_obey(m, RULE_AREA_KERNEL_PLACES);
	(void)choose(m, VM_FREEDOM_PLACEMENT);
	if (place == 0 || !address_is_usable(m, place, move->new_length) ||
		area_any_in(m, move->mm, place, place + move->new_length)) {
		outcome_silent(m, "the kernel chooses the address, and none that it may choose "
				  "was given");
		return false;
	}
	move->to = place;
	return true;
}

static int32_t remap_to(struct vm_machine *m, struct move *move)
{
	int32_t error = 0;

	if (!m->behaviours.remap_moves_many &&
		(!vm_is_aligned(move->to, VM_PAGE_BYTES) || move->new_length > m->setup.mmap_top ||
			move->to > m->setup.mmap_top - move->new_length || overlaps(move)))
		return VM_EINVAL;
	if (m->behaviours.remap_moves_many) { /* mm/mremap.c:check_prep_vma (6.17) */
		struct move kept = *move;

		if (kept.old_length > kept.new_length)
			kept.old_length = kept.new_length;
		error = check_area(m, &kept, area_holding(m, move->mm, move->from));
		if (error != 0)
			return error;
	}
	if (area_headroom(m, move->mm) < 6)
		return VM_ENOMEM;
	if ((move->flags & VM_MREMAP_FIXED) != 0)
		error = unmap_range(m, move->mm, move->to, move->to + move->new_length);
	if (error == 0 && move->old_length > move->new_length) {
		error = unmap_range(
			m, move->mm, move->from + move->new_length, move->from + move->old_length);
		move->old_length = move->new_length;
	}
	if (error != 0)
		return error;
	const uint32_t source = area_holding(m, move->mm, move->from);
	if (source == NONE)
		return VM_EFAULT;
	error = check_area(m, move, source);
	if (error != 0)
		return error;
	if ((move->flags & VM_MREMAP_DONTUNMAP) != 0 &&
		!may_expand(m, mm_of(m, move->mm), vm_bytes_to_pages_floor(move->old_length)))
		return VM_ENOMEM;
	if ((move->flags & VM_MREMAP_FIXED) == 0 && !kernel_placed(m, move))
		return 0;
	error = move_area(m, source, move);
	m->outcome->result = (int64_t)move->to;
	return error;
}

static int32_t remap_in_place(struct vm_machine *m, struct move *move)
{
	m->outcome->result = (int64_t)move->from;
	if (move->old_length >= move->new_length) {
		if (move->old_length == move->new_length)
			return 0;
		rule_obey(m, RULE_AREA_REMAP_SHRINKS);
		return unmap_range(
			m, move->mm, move->from + move->new_length, move->from + move->old_length);
	}
	const uint32_t source = area_holding(m, move->mm, move->from);
	const int32_t error = check_area(m, move, source);
	if (error != 0)
		return error;
	if (can_grow(m, source, move))
		return grow_in_place(m, source, move);
	if ((move->flags & VM_MREMAP_MAYMOVE) == 0)
		return VM_ENOMEM;
	if (!kernel_placed(m, move))
		return 0;
	m->outcome->result = (int64_t)move->to;
	return move_area(m, source, move);
}

/* Since 6.17 a move that keeps its size may span several areas and the holes between them. */
static bool spans_areas(const struct vm_machine *m, const struct move *move, uint32_t first)
{
	return m->behaviours.remap_moves_many && move->old_length == move->new_length &&
	       (move->flags & VM_MREMAP_FIXED) != 0 &&
	       move->from + move->old_length > area_of(m, first)->end;
}

static int32_t remap_many(struct vm_machine *m, const struct move *move)
{
	const uint64_t end = move->from + move->old_length;

	rule_obey(m, RULE_AREA_REMAP_MANY);
	for (uint64_t at = move->from; at < end;) {
		const uint32_t number = area_at_or_after(m, move->mm, at);
		if (number == NONE || area_of(m, number)->start >= end)
			break;
		const struct area *area = area_of(m, number);
		const uint64_t start = area->start > at ? area->start : at;
		if (area->uffd) /* mm/mremap.c:vma_multi_allowed (6.17) */
			return VM_EFAULT;
		if (seal_refuses(m, number))
			return VM_EPERM;
		const uint64_t stop = area->end < end ? area->end : end;
		struct move part = *move;

		part.from = start;
		part.to = move->to + (start - move->from);
		part.old_length = stop - start;
		part.new_length = stop - start;
		const int32_t error = remap_to(m, &part);
		if (error != 0)
			return error;
		/* With MREMAP_DONTUNMAP the source may still reach beyond the end. */
		at = stop;
	}
	m->outcome->result = (int64_t)move->to;
	return 0;
}

static int32_t align_for_hugetlb(
	const struct vm_machine *m, struct move *move, const struct area *area)
{
	const uint64_t unit = area_huge_bytes(m, area);

	move->old_length = vm_align_up(move->old_length, unit);
	move->new_length = vm_align_up(move->new_length, unit);
	if (!vm_is_aligned(move->from, unit) || !vm_is_aligned(move->to, unit) ||
		move->new_length > move->old_length)
		return VM_EINVAL;
	return 0;
}

void operation_remap(struct vm_machine *m)
{
	const struct vm_operation *op = m->operation;
	struct move move = {.mm = processes_of(m)[op->process].mm,
		.from = op->address,
		.old_length = vm_align_up(op->length, VM_PAGE_BYTES),
		.to = op->new_address,
		.new_length = vm_align_up(op->new_length, VM_PAGE_BYTES),
		.flags = op->flags};
	int32_t error = check_numbers(m, &move);
	const uint32_t first = area_holding(m, move.mm, move.from);

	if (error == 0 && first == NONE)
		error = VM_EFAULT;
	/* Of several areas each is asked in its turn. */
	if (error == 0 && !spans_areas(m, &move, first) && seal_refuses(m, first))
		error = VM_EPERM;
	if (error == 0 && area_is_hugetlb(area_of(m, first)))
		error = align_for_hugetlb(m, &move, area_of(m, first));
	if (error == 0) {
		if (!wants_place(&move))
			error = remap_in_place(m, &move);
		else if (spans_areas(m, &move, first))
			error = remap_many(m, &move);
		else
			error = remap_to(m, &move);
	}
	if (error != 0)
		rule_obey(m, RULE_AREA_REMAP_REFUSED);
	outcome_error(m, error);
}
