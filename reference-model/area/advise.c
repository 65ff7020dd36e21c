/* SPDX-License-Identifier: Apache-2.0 */
/* linux:6.12:mm/madvise.c:do_madvise, madvise_vma_behavior: advice that is kept as a flag */
#include "area/advise.h"

#include "area/area.h"
#include "cow/cow.h"
#include "demand/fault.h"
#include "demand/huge.h"
#include "machine/outcome.h"

struct flag_advice {
	int32_t advice;
	uint32_t set, clear;
};

static const struct flag_advice flag_advices[] = {
	{VM_MADV_NORMAL, 0, VM_AREA(RANDOM_READ) | VM_AREA(SEQUENTIAL_READ)},
	{VM_MADV_RANDOM, VM_AREA(RANDOM_READ), VM_AREA(SEQUENTIAL_READ)},
	{VM_MADV_SEQUENTIAL, VM_AREA(SEQUENTIAL_READ), VM_AREA(RANDOM_READ)},
	{VM_MADV_DONTFORK, VM_AREA(DONT_COPY), 0},
	{VM_MADV_DOFORK, 0, VM_AREA(DONT_COPY)},
	{VM_MADV_WIPEONFORK, VM_AREA(WIPE_ON_FORK), 0},
	{VM_MADV_KEEPONFORK, 0, VM_AREA(WIPE_ON_FORK)},
	{VM_MADV_DONTDUMP, VM_AREA(DONT_DUMP), 0},
	{VM_MADV_DODUMP, 0, VM_AREA(DONT_DUMP)},
	{VM_MADV_MERGEABLE, VM_AREA(MERGEABLE), 0},
	{VM_MADV_UNMERGEABLE, 0, VM_AREA(MERGEABLE)},
	{VM_MADV_HUGEPAGE, VM_AREA(HUGE_PAGE), VM_AREA(NO_HUGE_PAGE)},
	{VM_MADV_NOHUGEPAGE, VM_AREA(NO_HUGE_PAGE), VM_AREA(HUGE_PAGE)},
};

static const struct flag_advice *find_flag_advice(int32_t advice)
{
	for (size_t i = 0; i < sizeof(flag_advices) / sizeof(flag_advices[0]); i++)
		if (flag_advices[i].advice == advice)
			return &flag_advices[i];
	return NULL;
}

static bool ksm_may_merge(const struct area *area)
{
	return (area->flags & (VM_AREA(SHARED) | VM_AREA(MAY_SHARE) | VM_AREA(DONT_EXPAND) |
				      VM_AREA(HUGETLB) | VM_AREA(DROPPABLE))) == 0;
}

/* Whether this area can take the advice; an errno, or 0 with *flags as they should be. */
static int32_t flags_after(const struct area *area, const struct flag_advice *rule, uint32_t *flags)
{
	*flags = area->flags;
	switch (rule->advice) {
	case VM_MADV_WIPEONFORK:
		if (area->object != NONE || (area->flags & VM_AREA(SHARED)) != 0)
			return VM_EINVAL;
		break;
	case VM_MADV_KEEPONFORK:
		if ((area->flags & VM_AREA(DROPPABLE)) != 0)
			return VM_EINVAL;
		break;
	case VM_MADV_DODUMP:
		if ((!area_is_hugetlb(area) && (area->flags & VM_AREA(DONT_EXPAND)) != 0) ||
			(area->flags & VM_AREA(DROPPABLE)) != 0)
			return VM_EINVAL;
		break;
	case VM_MADV_MERGEABLE:
		if (!ksm_may_merge(area))
			return 0;
		break;
	default:
		break;
	}
	*flags = (area->flags & ~rule->clear) | rule->set;
	return 0;
}

static int32_t advise_flags(struct vm_machine *m, uint32_t number, uint64_t start, uint64_t end,
	const struct flag_advice *rule)
{
	const struct area *area = area_of(m, number);
	uint32_t flags = 0;
	int32_t error = flags_after(area, rule, &flags);

	if (error != 0)
		return error;
	if (rule->advice == VM_MADV_UNMERGEABLE && (area->flags & VM_AREA(MERGEABLE)) != 0)
		ksm_unmerge(m, number, start, end);
	if (flags == area->flags)
		return 0;
	rule_obey(m, RULE_AREA_ADVISE_FLAG);
	if (area_modify(m, number, start, end, flags, area->uffd, &error) == NONE)
		return error == VM_ENOMEM ? VM_EAGAIN : error;
	return 0;
}

static bool advice_is_known(const struct vm_machine *m, int32_t advice)
{
	if (advice == VM_MADV_MERGEABLE || advice == VM_MADV_UNMERGEABLE)
		return has(m, VM_FEATURE_KSM);
	if (advice == VM_MADV_HUGEPAGE || advice == VM_MADV_NOHUGEPAGE ||
		advice == VM_MADV_COLLAPSE)
		return has(m, VM_FEATURE_THP);
	if (advice == VM_MADV_GUARD_INSTALL || advice == VM_MADV_GUARD_REMOVE)
		return has(m, VM_FEATURE_GUARD_REGIONS);
	return find_flag_advice(advice) != NULL || page_advice_is_known(advice);
}

static int32_t advise_part(struct vm_machine *m, uint32_t area, uint64_t start, uint64_t end)
{
	const int32_t advice = m->operation->advice;
	const struct flag_advice *rule = find_flag_advice(advice);

	if (seal_refuses_advice(m, area, advice))
		return VM_EPERM;
	if (rule != NULL)
		return advise_flags(m, area, start, end, rule);
	return advise_pages(m, area, start, end, advice);
}

/* madvise_walk_vmas: a hole is told at the end, what lies beyond it is advised all the same. */
static int32_t advise_range(struct vm_machine *m, uint32_t mm, uint64_t start, uint64_t end)
{
	int32_t unmapped = 0;

	while (start < end) {
		const uint32_t area = area_at_or_after(m, mm, start);

		if (area == NONE || area_of(m, area)->start >= end) {
			rule_obey(m, RULE_AREA_ADVISE_HOLE);
			return VM_ENOMEM;
		}
		if (area_of(m, area)->start > start) {
			rule_obey(m, RULE_AREA_ADVISE_HOLE);
			unmapped = VM_ENOMEM;
			start = area_of(m, area)->start;
		}
		const uint64_t stop = area_of(m, area)->end < end ? area_of(m, area)->end : end;
		const int32_t error = advise_part(m, area, start, stop);
		if (error != 0)
			return error;
		start = stop;
	}
	return unmapped;
}

static void advise(struct vm_machine *m, uint32_t mm)
{
	const struct vm_operation *op = m->operation;
	const uint64_t length = vm_align_up(op->length, VM_PAGE_BYTES);
	const uint64_t end = op->address + length;

	if (!advice_is_known(m, op->advice) || !vm_is_aligned(op->address, VM_PAGE_BYTES) ||
		(op->length != 0 && length == 0) || end < op->address) {
		rule_obey(m, RULE_AREA_ADVISE_REFUSED);
		outcome_fail(m, VM_EINVAL);
		return;
	}
	if (end == op->address)
		return;
	if (op->advice == VM_MADV_POPULATE_READ || op->advice == VM_MADV_POPULATE_WRITE) {
		outcome_error(m, populate_for(m, mm, op->address, end,
					 op->advice == VM_MADV_POPULATE_WRITE));
		return;
	}
	outcome_error(m, advise_range(m, mm, op->address, end));
}

void operation_advise(struct vm_machine *m)
{
	advise(m, processes_of(m)[m->operation->process].mm);
}

static bool loses_nothing(int32_t advice)
{
	return advice == VM_MADV_COLD || advice == VM_MADV_PAGEOUT || advice == VM_MADV_WILLNEED ||
	       advice == VM_MADV_COLLAPSE;
}

void operation_process_advise(struct vm_machine *m)
{
	const struct vm_operation *op = m->operation;

	/* Since 6.13 one's own memory takes any advice. */
	if (op->other == op->process) {
		outcome_silent(m, "what advice a process may give itself this way");
		return;
	}
	rule_obey(m, RULE_AREA_ADVISE_OTHER);
	if (!loses_nothing(op->advice)) {
		outcome_fail(m, VM_EINVAL);
		return;
	}
	if ((m->host.capabilities & VM_CAPABILITY_SYS_NICE) == 0) {
		outcome_fail(m, VM_EPERM);
		return;
	}
	if (op->length == 0)
		return;
	advise(m, processes_of(m)[op->other].mm);
	m->outcome->result = (int64_t)op->length;
}
