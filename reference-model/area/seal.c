/* SPDX-License-Identifier: Apache-2.0 */
/* linux:6.12:mm/mseal.c: areas whose rights, place and contents are settled for good */
#include "area/area.h"
#include "machine/outcome.h"

bool seal_refuses(struct vm_machine *m, uint32_t area)
{
	if ((area_of(m, area)->flags & VM_AREA(SEALED)) == 0)
		return false;
	rule_obey(m, RULE_AREA_SEAL_REFUSES);
	return true;
}

/* linux:6.12:mm/mseal.c:is_madv_discard */
static bool throws_away(int32_t advice)
{
	switch (advice) {
	case VM_MADV_FREE:
	case VM_MADV_DONTNEED:
	case VM_MADV_DONTNEED_LOCKED:
	case VM_MADV_REMOVE:
	case VM_MADV_DONTFORK:
	case VM_MADV_WIPEONFORK:
	case VM_MADV_GUARD_INSTALL:
		return true;
	default:
		return false;
	}
}

bool seal_refuses_advice(struct vm_machine *m, uint32_t number, int32_t advice)
{
	const struct area *area = area_of(m, number);

	if (!throws_away(advice) || (area->flags & (VM_AREA(SHARED) | VM_AREA(WRITE))) != 0)
		return false;
	if (area_is_anonymous(area))
		return seal_refuses(m, number);
	/* Since 6.17 private copies of a file's pages count as well. */
	if ((area->flags & VM_AREA(SEALED)) != 0 && area->family != NONE)
		outcome_silent(m, "whether a seal keeps private copies of a file's pages");
	return false;
}

static bool has_hole(const struct vm_machine *m, uint32_t mm, uint64_t start, uint64_t end)
{
	while (start < end) {
		const uint32_t area = area_holding(m, mm, start);

		if (area == NONE)
			return true;
		start = area_of(m, area)->end;
	}
	return false;
}

/* linux:6.12:mm/mseal.c:do_mseal */
void operation_seal(struct vm_machine *m)
{
	const struct vm_operation *op = m->operation;
	const uint32_t mm = processes_of(m)[op->process].mm;
	const uint64_t length = vm_align_up(op->length, VM_PAGE_BYTES);
	const uint64_t end = op->address + length;
	int32_t error = 0;

	if (!has(m, VM_FEATURE_MSEAL)) {
		outcome_silent(m, "this kernel has no mseal");
		return;
	}
	if (!vm_is_aligned(op->address, VM_PAGE_BYTES) || (op->length != 0 && length == 0) ||
		end < op->address) {
		outcome_fail(m, VM_EINVAL);
		return;
	}
	if (has_hole(m, mm, op->address, end)) {
		outcome_fail(m, VM_ENOMEM);
		return;
	}
	rule_obey(m, RULE_AREA_SEAL);
	for (uint64_t at = op->address; at < end && error == 0;) {
		const uint32_t number = area_holding(m, mm, at);
		const struct area *area = area_of(m, number);
		const uint64_t stop = area->end < end ? area->end : end;

		if ((area->flags & VM_AREA(SEALED)) == 0)
			(void)area_modify(m, number, at, stop, area->flags | VM_AREA(SEALED),
				area->uffd, &error);
		at = stop;
	}
	outcome_error(m, error);
}
