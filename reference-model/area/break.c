/* SPDX-License-Identifier: Apache-2.0 */
/* linux:6.12:mm/mmap.c:brk, mm/vma.c:do_brk_flags */
#include "area/area.h"
#include "demand/fault.h"
#include "machine/outcome.h"

#define HEAP_FLAGS                                                                 \
	(VM_AREA(READ) | VM_AREA(WRITE) | VM_AREA(MAY_READ) | VM_AREA(MAY_WRITE) | \
		VM_AREA(MAY_EXEC) | VM_AREA(ACCOUNT))
#define HEAP_GAP_PAGES 257 /* the stack gap, and a page */

/* What lies above leaves a gap; a stack leaves the stack's gap. */
static bool room_above(const struct vm_machine *m, uint32_t mm, uint64_t old_end, uint64_t end)
{
	const uint32_t next = area_at_or_after(m, mm, old_end);

	if (next == NONE)
		return true;
	uint64_t start = area_of(m, next)->start;
	if ((area_of(m, next)->flags & VM_AREA(GROWS_DOWN)) != 0)
		start -= vm_pages_to_bytes(HEAP_GAP_PAGES - 1);
	return end + VM_PAGE_BYTES <= start;
}

static bool heap_grow(struct vm_machine *m, uint32_t mm, uint64_t start, uint64_t end)
{
	struct mm *space = mm_of(m, mm);
	const uint64_t pages = vm_bytes_to_pages_floor(end - start);
	const uint32_t flags = HEAP_FLAGS | space->default_flags;
	const struct merge_wish wish = {.mm = mm,
		.start = start,
		.end = end,
		.page_offset = vm_bytes_to_pages_floor(start),
		.flags = flags,
		.object = NONE,
		.family = NONE,
		.middle = NONE,
		.copied_from = NONE,
		.only_extend = true};

	if (!mlock_allows(m, space, flags, end - start) || !may_expand(m, space, pages) ||
		area_headroom(m, mm) < 0 || !commit_charge(m, pages))
		return false;
	rule_obey(m, RULE_AREA_HEAP_GROWS);
	if (merge_new(m, &wish) == NONE) {
		const uint32_t number = area_take(m);
		if (number == NONE)
			return false;
		struct area *area = area_of(m, number);
		area->start = start;
		area->end = end;
		area->flags = flags;
		area->page_offset = wish.page_offset;
		area_insert(m, mm, number);
	}
	mm_count_area(space, flags, (int64_t)pages);
	if (has(m, VM_FEATURE_SOFT_DIRTY))
		area_of(m, area_holding(m, mm, start))->flags |= VM_AREA(SOFT_DIRTY);
	if ((flags & VM_AREA(LOCKED)) != 0) {
		space->locked_pages += pages;
		(void)populate_range(m, mm, start, end, true);
	}
	return true;
}

void operation_break(struct vm_machine *m)
{
	const struct vm_operation *op = m->operation;
	const uint32_t number = processes_of(m)[op->process].mm;
	struct mm *mm = mm_of(m, number);
	const uint64_t end = vm_align_up(op->address, VM_PAGE_BYTES);
	const uint64_t old_end = vm_align_up(mm->break_end, VM_PAGE_BYTES);

	if (m->setup.break_address == 0) {
		outcome_silent(m, "no place for a heap was given to the machine");
		return;
	}
	/* The call never fails: it answers with the break that is in force. */
	m->outcome->result = (int64_t)mm->break_end;
	if (op->address < mm->break_start)
		return;
	if (end < old_end) {
		const uint32_t heap = area_at_or_after(m, number, end);
		if (heap == NONE || area_of(m, heap)->start >= old_end)
			return;
		rule_obey(m, RULE_AREA_HEAP_SHRINKS);
		if (unmap_range(m, number, end, old_end) != 0)
			return;
	} else if (end > old_end) {
		if (!room_above(m, number, old_end, end) || !heap_grow(m, number, old_end, end))
			return;
	}
	mm->break_end = op->address;
	m->outcome->result = (int64_t)op->address;
}
