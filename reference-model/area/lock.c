/* SPDX-License-Identifier: Apache-2.0 */
/* linux:6.12:mm/mlock.c:do_mlock, apply_vma_lock_flags, mlock_fixup, apply_mlockall_flags */
#include "area/area.h"
#include "demand/fault.h"
#include "frame/frame.h"
#include "machine/outcome.h"
#include "xlate/tree.h"

#define LOCK_FLAGS (VM_AREA(LOCKED) | VM_AREA(LOCK_ON_FAULT))

static bool may_lock(const struct vm_machine *m)
{
	return m->host.memlock_limit_bytes != 0 ||
	       (m->host.capabilities & VM_CAPABILITY_IPC_LOCK) != 0;
}

/* The mark goes when the batch is drained that the unlocking lies in. */
static void unlock_folio(struct vm_machine *m, uint32_t frame)
{
	folio_clear(m, frame, FOLIO_MLOCKED);
	folio_set(m, frame, FOLIO_MUNLOCKED);
}

/* Pages that are there already become, or cease to be, unevictable. */
static void mark_pages(struct vm_machine *m, uint32_t area, uint64_t start, uint64_t end, bool lock)
{
	struct cursor cursor = cursor_over(start, end);

	while (cursor_next(m, area_of(m, area)->mm, &cursor)) {
		const uint64_t leaf = entry_get(m, cursor.at);

		if (!leaf_is_present(leaf) || is_zero_frame(m, leaf_frame(leaf)))
			continue;
		if (lock)
			folio_set(m, leaf_frame(leaf), FOLIO_MLOCKED);
		else
			unlock_folio(m, leaf_frame(leaf));
	}
}

static int32_t lock_part(
	struct vm_machine *m, uint32_t number, uint64_t start, uint64_t end, uint32_t lock)
{
	const struct area *area = area_of(m, number);
	const uint32_t old = area->flags, mm = area->mm;
	const uint32_t flags = (old & ~LOCK_FLAGS) | lock;
	const uint64_t pages = vm_bytes_to_pages_floor(end - start);
	int32_t error = 0;

	if (area_is_secret(m, area)) {
		rule_obey(m, RULE_AREA_SECRET_LOCK);
		return 0;
	}
	if (flags == old || (old & VM_AREA(DONT_EXPAND)) != 0 || (old & VM_AREA(DROPPABLE)) != 0)
		return 0;
	const uint32_t changed = area_modify(m, number, start, end, flags, area->uffd, &error);
	if (changed == NONE)
		return error;
	if ((flags & VM_AREA(LOCKED)) == 0)
		mm_of(m, mm)->locked_pages -= pages;
	else if ((old & VM_AREA(LOCKED)) == 0)
		mm_of(m, mm)->locked_pages += pages;
	if ((flags & old & VM_AREA(LOCKED)) == 0)
		mark_pages(m, changed, start, end, (flags & VM_AREA(LOCKED)) != 0);
	return 0;
}

static int32_t lock_range(
	struct vm_machine *m, uint32_t mm, uint64_t start, uint64_t end, uint32_t lock)
{
	if (end < start)
		return VM_EINVAL;
	while (start < end) {
		const uint32_t area = area_holding(m, mm, start);

		if (area == NONE) {
			rule_obey(m, RULE_AREA_LOCK_HOLE);
			return VM_ENOMEM;
		}
		const uint64_t stop = area_of(m, area)->end < end ? area_of(m, area)->end : end;
		const int32_t error = lock_part(m, area, start, stop, lock);
		if (error != 0)
			return error;
		start = stop;
	}
	return 0;
}

/* linux:6.12:mm/mlock.c:count_mm_mlocked_page_nr: what is locked already is not counted twice */
static uint64_t locked_in(const struct vm_machine *m, uint32_t mm, uint64_t start, uint64_t end)
{
	uint64_t pages = 0;

	for (uint32_t i = area_at_or_after(m, mm, start); i != NONE && area_of(m, i)->start < end;
		i = area_of(m, i)->next) {
		const struct area *area = area_of(m, i);
		const uint64_t low = area->start > start ? area->start : start;
		const uint64_t high = area->end < end ? area->end : end;

		if ((area->flags & VM_AREA(LOCKED)) != 0)
			pages += vm_bytes_to_pages_floor(high - low);
	}
	return pages;
}

static bool within_limit(const struct vm_machine *m, uint32_t mm, uint64_t start, uint64_t end)
{
	const uint64_t limit = vm_bytes_to_pages_floor(m->host.memlock_limit_bytes);
	const uint64_t wanted = vm_bytes_to_pages_floor(end - start) + mm_of(m, mm)->locked_pages;

	if ((m->host.capabilities & VM_CAPABILITY_IPC_LOCK) != 0)
		return true;
	return wanted <= limit || wanted - locked_in(m, mm, start, end) <= limit;
}

void operation_lock(struct vm_machine *m)
{
	const struct vm_operation *op = m->operation;
	const uint32_t mm = processes_of(m)[op->process].mm;
	const uint64_t start = vm_align_down(op->address, VM_PAGE_BYTES);
	const uint64_t length = vm_align_up(op->length + (op->address - start), VM_PAGE_BYTES);
	uint32_t lock = VM_AREA(LOCKED);

	if ((op->flags & ~(uint32_t)VM_MLOCK_ONFAULT) != 0) {
		outcome_fail(m, VM_EINVAL);
		return;
	}
	if ((op->flags & VM_MLOCK_ONFAULT) != 0)
		lock |= VM_AREA(LOCK_ON_FAULT);
	if (!may_lock(m)) {
		outcome_fail(m, VM_EPERM);
		return;
	}
	if (!within_limit(m, mm, start, start + length)) {
		rule_obey(m, RULE_AREA_LOCK_LIMIT);
		outcome_fail(m, VM_ENOMEM);
		return;
	}
	rule_obey(m, RULE_AREA_LOCK);
	int32_t error = lock_range(m, mm, start, start + length, lock);
	if (error == 0) {
		error = populate_range(m, mm, start, start + length, false);
		/* linux:6.12:mm/mlock.c:__mlock_posix_error_return */
		if (error == VM_EFAULT)
			error = VM_ENOMEM;
		else if (error == VM_ENOMEM)
			error = VM_EAGAIN;
	}
	outcome_error(m, error);
}

void operation_unlock(struct vm_machine *m)
{
	const struct vm_operation *op = m->operation;
	const uint64_t start = vm_align_down(op->address, VM_PAGE_BYTES);
	const uint64_t length = vm_align_up(op->length + (op->address - start), VM_PAGE_BYTES);

	rule_obey(m, RULE_AREA_UNLOCK);
	outcome_error(m, lock_range(m, processes_of(m)[op->process].mm, start, start + length, 0));
}

static void lock_every_area(struct vm_machine *m, uint32_t mm, uint32_t lock)
{
	uint64_t address = 0;

	for (;;) {
		const uint32_t area = area_at_or_after(m, mm, address);

		if (area == NONE)
			return;
		address = area_of(m, area)->end;
		(void)lock_part(m, area, area_of(m, area)->start, address, lock);
	}
}

void operation_lock_all(struct vm_machine *m)
{
	const struct vm_operation *op = m->operation;
	const uint32_t number = processes_of(m)[op->process].mm;
	struct mm *mm = mm_of(m, number);
	const uint32_t known = VM_MCL_CURRENT | VM_MCL_FUTURE | VM_MCL_ONFAULT;
	uint32_t lock = VM_AREA(LOCKED);

	if (op->flags == 0 || (op->flags & ~known) != 0 || op->flags == VM_MCL_ONFAULT) {
		outcome_fail(m, VM_EINVAL);
		return;
	}
	if (!may_lock(m)) {
		outcome_fail(m, VM_EPERM);
		return;
	}
	const uint64_t total = mm->total_pages + m->setup.total_pages_at_start;
	if ((op->flags & VM_MCL_CURRENT) != 0 &&
		(m->host.capabilities & VM_CAPABILITY_IPC_LOCK) == 0 &&
		total > vm_bytes_to_pages_floor(m->host.memlock_limit_bytes)) {
		outcome_fail(m, VM_ENOMEM);
		return;
	}
	rule_obey(m, RULE_AREA_LOCK_ALL);
	if ((op->flags & VM_MCL_ONFAULT) != 0)
		lock |= VM_AREA(LOCK_ON_FAULT);
	mm->default_flags = (op->flags & VM_MCL_FUTURE) != 0 ? lock : 0;
	if ((op->flags & VM_MCL_CURRENT) == 0)
		return;
	lock_every_area(m, number, lock);
	(void)populate_range(m, number, 0, m->setup.mmap_top, true);
}

void operation_unlock_all(struct vm_machine *m)
{
	const uint32_t mm = processes_of(m)[m->operation->process].mm;

	rule_obey(m, RULE_AREA_UNLOCK);
	mm_of(m, mm)->default_flags = 0;
	lock_every_area(m, mm, 0);
}
