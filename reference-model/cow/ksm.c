/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Equal pages become one: linux:6.12:mm/ksm.c:cmp_and_merge_page, try_to_merge_two_pages,
 * break_ksm. A run here scans until nothing changes any more.
 */
#include "area/area.h"
#include "cow/cow.h"
#include "demand/fault.h"
#include "demand/huge.h"
#include "frame/frame.h"
#include "machine/contents.h"
#include "machine/outcome.h"

/* ksm/max_page_sharing as it is at boot: entries that one merged page may have. */
#define MOST_SHARERS 256

enum ksm_run { KSM_STOP, KSM_MERGE, KSM_UNMERGE };

/* Single anonymous pages of one mergeable area, in the scanner's order. */
static bool candidate(const struct vm_machine *m, struct place place, uint32_t *frame)
{
	const uint64_t leaf = entry_get(m, place);

	if (place.level != 1 || !leaf_is_present(leaf))
		return false;
	*frame = leaf_frame(leaf);
	/* linux:6.12:mm/ksm.c:write_protect_page: a page that others count on is left alone */
	return !is_zero_frame(m, *frame) && folio_has(m, *frame, FOLIO_ANONYMOUS) &&
	       folio_pages(m, *frame) == 1 && frame_of(m, *frame)->held == 0;
}

static uint32_t stable_equal(const struct vm_machine *m, uint32_t contents)
{
	for (uint32_t i = 0; i < m->frames.high; i++) {
		const struct frame *frame = &frames_of(m)[i];

		if (frame->head == i && (frame->flags & FOLIO_KSM) != 0 &&
			frame->maps < MOST_SHARERS && contents_equal(m, frame->contents, contents))
			return i;
	}
	return NONE;
}

/* The entry gives up its page for the merged one. */
static void merge_into(struct vm_machine *m, uint32_t area, struct place place, uint32_t stable)
{
	const uint64_t leaf = entry_get(m, place);
	const uint32_t old = leaf_frame(leaf);

	rule_obey(m, RULE_COW_KSM_MERGE);
	frame_map(m, stable);
	entry_set(m, place, leaf_make(leaf_protection(m, area_of(m, area)), stable, false));
	frame_unmap(m, old);
}

static void make_stable(struct vm_machine *m, struct place place)
{
	const uint64_t leaf = entry_get(m, place);
	const uint32_t frame = leaf_frame(leaf);

	folio_set(m, frame, FOLIO_KSM);
	/* linux:6.12:mm/ksm.c:try_to_merge_one_page marks it as accessed */
	folio_set(m, frame, FOLIO_MAYBE_REFERENCED);
	if (leaf_is_dirty(leaf))
		folio_set(m, frame, FOLIO_DIRTY);
	frame_of(m, frame)->exclusive = false;
	entry_set(m, place, leaf_make_clean(leaf_write_protect(m, leaf)));
}

struct seen {
	uint32_t area;
	struct place place;
};

/* The first page before this one with the same contents that is not merged yet. */
static bool find_equal(
	const struct vm_machine *m, uint32_t until_area, struct place until, struct seen *equal)
{
	const uint32_t wanted = leaf_frame(entry_get(m, until));

	for (uint32_t mm = 0; mm < m->mms.high; mm++) {
		if (mm_of(m, mm)->users == 0)
			continue;
		for (uint32_t i = mm_of(m, mm)->first_area; i != NONE; i = area_of(m, i)->next) {
			struct cursor cursor =
				cursor_over(area_of(m, i)->start, area_of(m, i)->end);

			if ((area_of(m, i)->flags & VM_AREA(MERGEABLE)) == 0)
				continue;
			while (cursor_next(m, mm, &cursor)) {
				uint32_t frame = NONE;

				if (i == until_area && cursor.at.address == until.address)
					return false;
				if (!candidate(m, cursor.at, &frame) ||
					folio_has(m, frame, FOLIO_KSM) || frame == wanted ||
					!contents_equal(m, frame_of(m, frame)->contents,
						frame_of(m, wanted)->contents))
					continue;
				*equal = (struct seen){.area = i, .place = cursor.at};
				return true;
			}
		}
	}
	return false;
}

static void scan_page(struct vm_machine *m, uint32_t area, struct place place)
{
	uint32_t frame = NONE;
	struct seen equal;

	if (!candidate(m, place, &frame) || folio_has(m, frame, FOLIO_KSM))
		return;
	const uint32_t stable = stable_equal(m, frame_of(m, frame)->contents);
	if (stable != NONE) {
		merge_into(m, area, place, stable);
		return;
	}
	if (frame_of(m, frame)->map_count != 1 || !find_equal(m, area, place, &equal))
		return;
	make_stable(m, place);
	merge_into(m, equal.area, equal.place, frame);
}

static void count_merged(struct vm_machine *m)
{
	m->ksm_shared = 0;
	m->ksm_sharing = 0;
	for (uint32_t i = 0; i < m->frames.high; i++) {
		const struct frame *frame = &frames_of(m)[i];

		if (frame->head != i || (frame->flags & FOLIO_KSM) == 0)
			continue;
		m->ksm_shared++;
		m->ksm_sharing += (uint64_t)frame->maps - 1;
	}
}

/* Calls for each page of each mergeable area. */
static uint64_t for_each_mergeable(
	struct vm_machine *m, void (*visit)(struct vm_machine *, uint32_t, struct place))
{
	uint64_t unmerged = 0;

	for (uint32_t mm = 0; mm < m->mms.high; mm++) {
		if (mm_of(m, mm)->users == 0)
			continue;
		for (uint32_t i = mm_of(m, mm)->first_area; i != NONE; i = area_of(m, i)->next) {
			struct cursor cursor =
				cursor_over(area_of(m, i)->start, area_of(m, i)->end);

			if ((area_of(m, i)->flags & VM_AREA(MERGEABLE)) == 0)
				continue;
			while (cursor_next(m, mm, &cursor)) {
				uint32_t frame = NONE;

				if (visit != NULL)
					visit(m, i, cursor.at);
				else if (candidate(m, cursor.at, &frame) &&
					 !folio_has(m, frame, FOLIO_KSM))
					unmerged++;
			}
		}
	}
	return unmerged;
}

void ksm_unmerge(struct vm_machine *m, uint32_t area, uint64_t start, uint64_t end)
{
	const uint32_t mm = area_of(m, area)->mm;
	struct cursor cursor = cursor_over(start, end);

	while (cursor_next(m, mm, &cursor)) {
		uint32_t frame = NONE;

		if (!candidate(m, cursor.at, &frame) || !folio_has(m, frame, FOLIO_KSM))
			continue;
		rule_obey(m, RULE_COW_KSM_UNMERGE);
		struct fault fault = {.process = m->actor,
			.mm = mm,
			.area = area,
			.address = cursor.at.address,
			.write = true,
			.unshare = m->behaviours.ksm_unshares};
		if (fault_handle(m, &fault) != FAULT_DONE)
			return;
	}
}

void operation_ksm_run(struct vm_machine *m)
{
	switch (m->operation->flags) {
	case KSM_STOP:
		return;
	case KSM_MERGE:
		(void)for_each_mergeable(m, scan_page);
		m->ksm_unshared = for_each_mergeable(m, NULL);
		break;
	case KSM_UNMERGE:
		for (uint32_t i = 0; i < m->areas.high; i++)
			if (area_of(m, i)->used && (area_of(m, i)->flags & VM_AREA(MERGEABLE)) != 0)
				ksm_unmerge(m, i, area_of(m, i)->start, area_of(m, i)->end);
		m->ksm_unshared = 0;
		break;
	default:
		outcome_fail(m, VM_EINVAL);
		return;
	}
	count_merged(m);
}
