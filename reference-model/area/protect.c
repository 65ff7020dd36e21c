/* SPDX-License-Identifier: Apache-2.0 */
/* linux:6.12:mm/mprotect.c:do_mprotect_pkey, mprotect_fixup, change_pte_range */
#include "area/area.h"
#include "demand/fault.h"
#include "demand/huge.h"
#include "frame/frame.h"
#include "machine/outcome.h"
#include "xlate/tree.h"

#define PROTECTION_BITS (VM_PROT_READ | VM_PROT_WRITE | VM_PROT_EXEC)
#define PROT_SEM	0x8

/* linux:6.12:mm/mprotect.c:can_change_pte_writable: no fault is needed to notice the write */
static bool may_be_writable_now(
	const struct vm_machine *m, const struct area *area, struct place place, uint64_t leaf)
{
	const uint32_t frame = leaf_frame(leaf);

	if ((area->flags & VM_AREA(WRITE)) == 0)
		return false;
	if (has(m, VM_FEATURE_SOFT_DIRTY) && (area->flags & VM_AREA(SOFT_DIRTY)) == 0 &&
		(leaf & VM_PTE_LINUX_SOFT_DIRTY) == 0)
		return false;
	if (area->uffd && (leaf & VM_PTE_LINUX_UFFD_WP) != 0)
		return false;
	/* vma_wants_manual_pte_write_upgrade asks after the area's own protection has lost the
	 * right: only a file system that wants to know of writes is seen then. */
	if ((area->flags & VM_AREA(SHARED)) != 0)
		return area->object != NONE && object_of(m, area->object)->kind == VM_FILE_DISK &&
		       leaf_is_dirty(leaf);
	(void)place;
	return !is_zero_frame(m, frame) && folio_has(m, frame, FOLIO_ANONYMOUS) &&
	       frame_of(m, frame)->exclusive;
}

/* Entries that are changed as one, up to end, and what any of them was. */
struct batch {
	uint64_t end;
	bool accessed, dirty;
};

static uint64_t without_traces(uint64_t leaf)
{
	return leaf_make_clean(leaf) & ~VM_PTE_ACCESSED;
}

/* From here on, as far as entries of one table map one page of the folio after the other. */
static struct batch batch_from(
	const struct vm_machine *m, uint32_t mm, struct place place, uint64_t end)
{
	const uint64_t first = entry_get(m, place);
	const uint32_t frame = leaf_frame(first);
	const uint64_t table_end =
		vm_align_down(place.address, VM_HUGE_2M_BYTES) + VM_HUGE_2M_BYTES;
	struct batch batch = {.end = place.address};

	if (place.level != 1 || is_zero_frame(m, frame) || !m->behaviours.protect_batches)
		return batch;
	const uint32_t left = folio_pages(m, frame) - (frame - head_of(m, frame));
	for (uint32_t i = 0; i < left && batch.end < end && batch.end < table_end; i++) {
		const uint64_t leaf = entry_get(m, place_of(m, mm, batch.end));
		if (!leaf_is_present(leaf) ||
			without_traces(leaf) != leaf_set_frame(without_traces(first), frame + i))
			break;
		batch.accessed |= (leaf & VM_PTE_ACCESSED) != 0;
		batch.dirty |= leaf_is_dirty(leaf);
		batch.end += VM_PAGE_BYTES;
	}
	return batch;
}

/* mm/mprotect.c:modify_prot_start_ptes (6.17) */
static uint64_t as_in_batch(struct vm_machine *m, const struct batch *batch, uint64_t leaf)
{
	const bool gains = (batch->accessed && (leaf & VM_PTE_ACCESSED) == 0) ||
			   (batch->dirty && !leaf_is_dirty(leaf));

	if (!gains)
		return leaf;
	rule_obey(m, RULE_AREA_PROTECT_BATCH);
	if (batch->accessed)
		leaf |= VM_PTE_ACCESSED;
	return batch->dirty ? leaf_make_dirty(m, leaf) : leaf;
}

void protect_entries(struct vm_machine *m, uint32_t area_number, uint64_t start, uint64_t end)
{
	const struct area *area = area_of(m, area_number);
	struct cursor cursor = cursor_over(start, end);
	struct batch batch = {0};

	while (cursor_next(m, area->mm, &cursor)) {
		uint64_t leaf = entry_get(m, cursor.at);

		if (!leaf_is_present(leaf))
			continue;
		if (cursor.at.address >= batch.end)
			batch = batch_from(m, area->mm, cursor.at, end);
		if (cursor.at.address < batch.end)
			leaf = as_in_batch(m, &batch, leaf);
		leaf = leaf_modify(m, leaf, leaf_protection(m, area));
		if (!leaf_is_writable(leaf) && !area_is_hugetlb(area) &&
			may_be_writable_now(m, area, cursor.at, leaf)) {
			rule_obey(m, RULE_AREA_PROTECT_RESTORES_WRITE);
			leaf = leaf_make_writable(leaf);
		}
		entry_set(m, cursor.at, leaf);
		stale_set(m, cursor.at, false);
	}
}

/* What making a private area writable costs, and what taking the right away gives back. */
static int32_t account(struct vm_machine *m, const struct area *area, uint64_t pages,
	uint32_t *flags, uint64_t *charged)
{
	const uint32_t exempt = VM_AREA(ACCOUNT) | VM_AREA(WRITE) | VM_AREA(HUGETLB) |
				VM_AREA(SHARED) | VM_AREA(NO_RESERVE);

	if ((*flags & VM_AREA(WRITE)) != 0) {
		if ((area->flags & exempt) != 0)
			return 0;
		if (!commit_charge(m, pages))
			return VM_ENOMEM;
		rule_obey(m, RULE_ACCOUNT_PROTECT_CHARGES);
		*charged = pages;
		*flags |= VM_AREA(ACCOUNT);
	} else if (m->behaviours.commit_read_only == VM_COMMIT_READ_ONLY_RETURNS_UNTOUCHED &&
		   (area->flags & VM_AREA(ACCOUNT)) != 0 && area_is_anonymous(area) &&
		   area->family == NONE) {
		rule_obey(m, RULE_ACCOUNT_PROTECT_RELEASES);
		*flags &= ~VM_AREA(ACCOUNT);
	}
	return 0;
}

/* One area's part of the range; area becomes the one that holds it now. */
static int32_t protect_part(
	struct vm_machine *m, uint32_t *number, uint64_t start, uint64_t end, uint32_t flags)
{
	const struct area *area = area_of(m, *number);
	const uint32_t old_flags = area->flags, mm = area->mm;
	const uint64_t pages = vm_bytes_to_pages_floor(end - start);
	uint64_t charged = 0;
	int32_t error = 0;

	if (seal_refuses(m, *number))
		return VM_EPERM;
	if (flags == old_flags)
		return 0;
	error = account(m, area, pages, &flags, &charged);
	if (error != 0)
		return error;
	if (area_is_hugetlb(area) && (!vm_is_aligned(start, area_huge_bytes(m, area)) ||
					     !vm_is_aligned(end, area_huge_bytes(m, area)))) {
		commit_release(m, charged);
		return VM_EINVAL;
	}
	const uint32_t changed = area_modify(m, *number, start, end, flags, area->uffd, &error);
	if (changed == NONE) {
		commit_release(m, charged);
		return error;
	}
	*number = changed;
	protect_entries(m, changed, start, end);
	if ((old_flags & VM_AREA(ACCOUNT)) != 0 && (flags & VM_AREA(ACCOUNT)) == 0)
		commit_release(m, pages);
	if ((old_flags & (VM_AREA(WRITE) | VM_AREA(SHARED) | VM_AREA(LOCKED))) == VM_AREA(LOCKED) &&
		(flags & VM_AREA(WRITE)) != 0)
		(void)populate_area(m, changed, start, end, true);
	mm_count_area(mm_of(m, mm), old_flags, -(int64_t)pages);
	mm_count_area(mm_of(m, mm), flags, (int64_t)pages);
	return 0;
}

static uint32_t wanted_flags(uint32_t protection)
{
	return ((protection & VM_PROT_READ) != 0 ? VM_AREA(READ) : 0) |
	       ((protection & VM_PROT_WRITE) != 0 ? VM_AREA(WRITE) : 0) |
	       ((protection & VM_PROT_EXEC) != 0 ? VM_AREA(EXEC) : 0);
}

static uint32_t allowed_flags(uint32_t flags)
{
	return ((flags & VM_AREA(MAY_READ)) != 0 ? VM_AREA(READ) : 0) |
	       ((flags & VM_AREA(MAY_WRITE)) != 0 ? VM_AREA(WRITE) : 0) |
	       ((flags & VM_AREA(MAY_EXEC)) != 0 ? VM_AREA(EXEC) : 0);
}

/* From area to area until one is missing or refuses; what came before stays changed. */
static int32_t protect_range(struct vm_machine *m, uint32_t first, uint64_t start, uint64_t end)
{
	const uint32_t wanted = wanted_flags(m->operation->protection);
	const uint32_t mm = area_of(m, first)->mm;
	uint64_t address = start;

	while (address < end) {
		uint32_t number = area_holding(m, mm, address);
		if (number == NONE) {
			rule_obey(m, RULE_AREA_PROTECT_HOLE);
			return VM_ENOMEM;
		}
		const struct area *area = area_of(m, number);
		const uint64_t stop = area->end < end ? area->end : end;
		if ((wanted & ~allowed_flags(area->flags)) != 0 ||
			deny_refuses(m, mm, area->flags, wanted))
			return VM_EACCES;
		const int32_t error = protect_part(
			m, &number, address, stop, (area->flags & ~ACCESS_FLAGS) | wanted);
		if (error != 0)
			return error;
		address = stop;
	}
	return 0;
}

void operation_protect(struct vm_machine *m)
{
	const struct vm_operation *op = m->operation;
	const uint32_t grows = op->protection & (VM_PROT_GROWSDOWN | VM_PROT_GROWSUP);
	const uint32_t mm = processes_of(m)[op->process].mm;
	uint64_t start = op->address;
	int32_t error = 0;

	if (grows == (VM_PROT_GROWSDOWN | VM_PROT_GROWSUP) || !vm_is_aligned(start, VM_PAGE_BYTES))
		error = VM_EINVAL;
	if (error == 0 && op->length == 0)
		return;
	const uint64_t end = start + vm_align_up(op->length, VM_PAGE_BYTES);
	if (error == 0 && end <= start)
		error = VM_ENOMEM;
	else if (error == 0 && (op->protection & ~(PROTECTION_BITS | PROT_SEM | grows)) != 0)
		error = VM_EINVAL;
	const uint32_t first = area_at_or_after(m, mm, start);
	if (error == 0 && first == NONE)
		error = VM_ENOMEM;
	if (error == 0 && grows == VM_PROT_GROWSDOWN) {
		if (area_of(m, first)->start >= end)
			error = VM_ENOMEM;
		else if ((area_of(m, first)->flags & VM_AREA(GROWS_DOWN)) == 0)
			error = VM_EINVAL;
		start = area_of(m, first)->start;
	} else if (error == 0 && area_of(m, first)->start > start) {
		error = VM_ENOMEM;
	} else if (error == 0 && grows != 0) {
		error = VM_EINVAL; /* no area grows up on x86 */
	}
	if (error == 0)
		error = protect_range(m, first, start, end);
	rule_obey(m, error == 0 ? RULE_AREA_PROTECT : RULE_AREA_PROTECT_REFUSED);
	outcome_error(m, error);
}
