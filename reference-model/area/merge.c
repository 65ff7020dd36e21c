/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which neighbours become one area: linux:6.12:mm/vma.c:is_mergeable_vma, is_mergeable_anon_vma,
 * vma_merge_new_range, vma_merge_existing_range, vma_modify.
 */
#include "area/area.h"
#include "demand/huge.h"
#include "machine/outcome.h"

static void inherit_flags(struct vm_machine *m, uint32_t to, uint32_t flags)
{
	area_of(m, to)->flags |= flags & STICKY_FLAGS;
}

static bool is_alike(
	const struct vm_machine *m, const struct merge_wish *wish, const struct area *neighbour)
{
	uint32_t ignored = STICKY_FLAGS;

	switch (m->behaviours.merge) {
	case VM_MERGE_BACKING_AND_PERMISSIONS:
		ignored = ~ACCESS_FLAGS;
		break;
	case VM_MERGE_TARGET_FAMILY_SINGLE:
	case VM_MERGE_EITHER_FAMILY_SINGLE:
		break;
	}
	/* VM_SPECIAL: huge pages carry "do not expand" */
	if (((wish->flags | neighbour->flags) & VM_AREA(DONT_EXPAND)) != 0)
		return false;
	return ((wish->flags ^ neighbour->flags) & ~ignored) == 0 &&
	       wish->object == neighbour->object &&
	       wish->read_only_file == neighbour->read_only_file && wish->uffd == neighbour->uffd;
}

static bool has_living_ancestors(const struct vm_machine *m, uint32_t area)
{
	return area != NONE && area_of(m, area)->family != NONE &&
	       !family_is_single(m, area_of(m, area));
}

/* linux:6.12:mm/vma.c:is_mergeable_anon_vma; both sides are looked at since 6.16. */
static bool families_agree(
	const struct vm_machine *m, const struct merge_wish *wish, uint32_t neighbour)
{
	const struct area *target = area_of(m, neighbour);

	switch (m->behaviours.merge) {
	case VM_MERGE_BACKING_AND_PERMISSIONS:
		return true;
	case VM_MERGE_TARGET_FAMILY_SINGLE:
		if ((wish->family == NONE || target->family == NONE) && family_is_single(m, target))
			return true;
		return wish->family == target->family;
	case VM_MERGE_EITHER_FAMILY_SINGLE:
		if (target->family == NONE && wish->family != NONE)
			return !has_living_ancestors(m, wish->middle) &&
			       !has_living_ancestors(m, wish->copied_from);
		if (target->family != NONE && wish->family == NONE)
			return !has_living_ancestors(m, neighbour);
		return wish->family == target->family;
	}
	VM_ASSERT(false);
	return false;
}

static bool merges_before(const struct vm_machine *m, const struct merge_wish *wish, uint32_t low)
{
	return low != NONE && area_of(m, low)->end == wish->start &&
	       is_alike(m, wish, area_of(m, low)) && families_agree(m, wish, low) &&
	       area_page_index(area_of(m, low), wish->start) == wish->page_offset;
}

static bool merges_after(const struct vm_machine *m, const struct merge_wish *wish, uint32_t low,
	bool with_low, uint32_t high)
{
	const uint64_t pages = vm_bytes_to_pages_floor(wish->end - wish->start);

	if (high == NONE || area_of(m, high)->start != wish->end ||
		!is_alike(m, wish, area_of(m, high)) || !families_agree(m, wish, high) ||
		area_of(m, high)->page_offset != wish->page_offset + pages)
		return false;
	if (!with_low || m->behaviours.merge == VM_MERGE_BACKING_AND_PERMISSIONS)
		return true;
	/* That each agrees with the range does not mean that they agree with each other. */
	const uint32_t one = area_of(m, low)->family, other = area_of(m, high)->family;
	return one == NONE || other == NONE || one == other;
}

/* dup_anon_vma: who takes in pages of a family belongs to it from now on. */
static void inherit_family(struct vm_machine *m, uint32_t to, uint32_t from)
{
	if (from == NONE || area_of(m, from)->family == NONE || area_of(m, to)->family != NONE)
		return;
	area_of(m, to)->family = area_of(m, from)->family;
	family_clone(m, to, from);
}

static void set_start(struct area *area, uint64_t start)
{
	area->page_offset -= vm_bytes_to_pages_floor(area->start) - vm_bytes_to_pages_floor(start);
	area->start = start;
}

/*
 * linux:6.1:mm/mmap.c:mmap_region: the area above is asked first, and the one below must fit what
 * has come of that. Areas that move are merged as they are today.
 */
static void find_from_above(const struct vm_machine *m, const struct merge_wish *wish, uint32_t low,
	uint32_t high, bool *with_low, bool *with_high)
{
	struct merge_wish grown = *wish;

	*with_high = merges_after(m, wish, low, false, high);
	if (*with_high)
		grown.family = area_of(m, high)->family;
	*with_low = merges_before(m, &grown, low);
}

uint32_t merge_new(struct vm_machine *m, const struct merge_wish *wish)
{
	const uint32_t low = area_before(m, wish->mm, wish->start);
	const uint32_t high = area_at_or_after(m, wish->mm, wish->start);
	bool with_low = merges_before(m, wish, low);
	bool with_high = !wish->only_extend && merges_after(m, wish, low, with_low, high);

	const bool joins_source =
		(with_low && low == wish->copied_from) || (with_high && high == wish->copied_from);
	if (joins_source && outcome_depends(m, wish->keeps_apart,
				    "whether this release lets it join what stays behind")) {
		with_low = with_low && low != wish->copied_from;
		with_high = with_high && high != wish->copied_from;
	}
	if (m->behaviours.merge == VM_MERGE_TARGET_FAMILY_SINGLE &&
		!m->behaviours.merges_below_first && !wish->only_extend &&
		wish->copied_from == NONE)
		find_from_above(m, wish, low, high, &with_low, &with_high);

	if (with_low) {
		const uint64_t end = with_high ? area_of(m, high)->end : wish->end;

		rule_obey(m, with_high ? RULE_AREA_MERGE_BOTH : RULE_AREA_MERGE_BEFORE);
		inherit_family(m, low, wish->copied_from);
		inherit_flags(m, low, wish->flags);
		if (with_high) {
			inherit_family(m, low, high);
			inherit_flags(m, low, area_of(m, high)->flags);
			area_remove(m, high);
		}
		area_of(m, low)->end = end;
		return low;
	}
	if (with_high) {
		rule_obey(m, RULE_AREA_MERGE_AFTER);
		inherit_family(m, high, wish->copied_from);
		inherit_flags(m, high, wish->flags);
		set_start(area_of(m, high), wish->start);
		return high;
	}
	return NONE;
}

/* The changed range is swallowed by the area below, which may swallow the one above too. */
static uint32_t merge_down(struct vm_machine *m, const struct merge_wish *wish, uint32_t low,
	uint32_t high, bool with_high)
{
	const uint32_t middle = wish->middle;

	if (with_high) {
		rule_obey(m, RULE_AREA_MERGE_BOTH);
		const uint64_t end = area_of(m, high)->end;
		inherit_family(m, low, area_of(m, high)->family != NONE ? high : middle);
		inherit_flags(m, low, wish->flags | area_of(m, high)->flags);
		area_remove(m, middle);
		area_remove(m, high);
		area_of(m, low)->end = end;
		return low;
	}
	rule_obey(m, RULE_AREA_MERGE_BEFORE);
	inherit_family(m, low, middle);
	inherit_flags(m, low, wish->flags);
	if (area_of(m, middle)->end == wish->end)
		area_remove(m, middle);
	else
		set_start(area_of(m, middle), wish->end);
	area_of(m, low)->end = wish->end;
	return low;
}

static uint32_t merge_up(struct vm_machine *m, const struct merge_wish *wish, uint32_t high)
{
	const uint32_t middle = wish->middle;

	rule_obey(m, RULE_AREA_MERGE_AFTER);
	inherit_family(m, high, middle);
	inherit_flags(m, high, wish->flags);
	if (area_of(m, middle)->start == wish->start)
		area_remove(m, middle);
	else
		area_of(m, middle)->end = wish->start;
	set_start(area_of(m, high), wish->start);
	return high;
}

static uint32_t merge_changed(struct vm_machine *m, const struct merge_wish *wish)
{
	const struct area *middle = area_of(m, wish->middle);
	const bool at_start = middle->start == wish->start, at_end = middle->end == wish->end;
	const uint32_t low = at_start ? area_before(m, wish->mm, wish->start) : NONE;
	const uint32_t high = at_end ? middle->next : NONE;
	const bool with_low = at_start && merges_before(m, wish, low);
	const bool with_high = at_end && merges_after(m, wish, low, with_low, high);

	if (!with_low && !with_high)
		return NONE;
	/* vma_adjust_trans_huge: a huge leaf must not lie across the moving boundary. */
	huge_split_at(m, wish->mm, wish->start);
	huge_split_at(m, wish->mm, wish->end);
	if (with_low)
		return merge_down(m, wish, low, high, with_high);
	return merge_up(m, wish, high);
}

uint32_t area_modify(struct vm_machine *m, uint32_t area, uint64_t start, uint64_t end,
	uint32_t flags, bool uffd, int32_t *error)
{
	const struct area *changed = area_of(m, area);
	const uint32_t mm = changed->mm;
	const struct merge_wish wish = {.mm = mm,
		.start = start,
		.end = end,
		.page_offset = area_page_index(changed, start),
		.flags = flags,
		.object = changed->object,
		.family = changed->family,
		.uffd = uffd,
		.read_only_file = changed->read_only_file,
		.middle = area,
		.copied_from = NONE};
	const uint32_t merged = merge_changed(m, &wish);

	*error = 0;
	if (merged != NONE)
		return merged;
	for (int side = 0; side < 2; side++) {
		const uint64_t cut = side == 0 ? start : end;
		if (cut <= area_of(m, area)->start || cut >= area_of(m, area)->end)
			continue;
		if (area_headroom(m, mm) < 1) {
			*error = VM_ENOMEM;
			return NONE;
		}
		huge_split_at(m, mm, cut);
		const uint32_t upper = area_split(m, area, cut);
		if (upper == NONE)
			return NONE;
		if (side == 0)
			area = upper;
	}
	area_of(m, area)->flags = flags;
	area_of(m, area)->uffd = uffd;
	return area;
}
