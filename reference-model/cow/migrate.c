/* SPDX-License-Identifier: Apache-2.0 */
/* Compaction moves a page: linux:6.12:mm/migrate.c:migrate_pages. Only the frame changes. */
#include "area/area.h"
#include "cow/cow.h"
#include "frame/cache.h"
#include "frame/frame.h"
#include "machine/outcome.h"
#include "xlate/tree.h"

/* Every entry that maps the old frame, found by the page's index in each area that may have it. */
static int32_t redirect_entries(struct vm_machine *m, uint32_t from, uint32_t to)
{
	const struct frame *page = frame_of(m, from);
	int32_t redirected = 0;

	for (uint32_t i = 0; i < m->areas.high; i++) {
		const struct area *area = area_of(m, i);
		const bool fits = (page->flags & FOLIO_ANONYMOUS) != 0
					  ? area->family != NONE
					  : area->object == page->object;

		if (!area->used || !fits || page->index < area->page_offset ||
			page->index >= area->page_offset + area_pages(area))
			continue;
		const struct place place = place_of(m, area->mm,
			area->start + vm_pages_to_bytes(page->index - area->page_offset));
		const uint64_t leaf = entry_get(m, place);
		if (place.level != 1 || !leaf_is_present(leaf) || leaf_frame(leaf) != from)
			continue;
		/* linux:6.12:mm/rmap.c:try_to_migrate_one */
		if (leaf_is_dirty(leaf))
			folio_set(m, from, FOLIO_DIRTY);
		entry_set(m, place, leaf_set_frame(leaf, to));
		redirected++;
	}
	return redirected;
}

/* linux:6.12:mm/secretmem.c:secretmem_migrate_folio */
static bool is_secret(const struct vm_machine *m, uint32_t frame)
{
	return folio_has(m, frame, FOLIO_IN_CACHE) &&
	       object_of(m, folio_of(m, frame)->object)->kind == VM_FILE_SECRET;
}

uint32_t page_move(struct vm_machine *m, uint32_t from)
{
	const uint32_t to = folio_take(m, 0);

	if (to == NONE)
		return NONE;
	rule_obey(m, RULE_FRAME_MIGRATE);
	VM_ASSERT(redirect_entries(m, from, to) == frame_of(m, from)->maps);
	const struct frame old = *frame_of(m, from);
	struct frame *moved = frame_of(m, to);
	*moved = old;
	moved->head = to;
	if ((old.flags & FOLIO_IN_CACHE) != 0)
		entries_of(m)[entry_find(m, old.object, old.index)].frame = to;
	if ((old.flags & FOLIO_SWAP_CACHE) != 0)
		slots_of(m)[old.slot].frame = to;
	struct frame *left = frame_of(m, from);
	left->contents = NONE;
	left->flags = 0;
	left->maps = 0;
	left->map_count = 0;
	folio_free_if_unused(m, from);
	return to;
}

void operation_step_migrate(struct vm_machine *m)
{
	const struct vm_operation *op = m->operation;
	const struct place place = place_of(m, processes_of(m)[op->other].mm, op->address);
	const uint64_t leaf = entry_get(m, place);

	(void)choose(m, VM_FREEDOM_MIGRATION);
	if (place.level != 1 || leaf == 0 || !leaf_is_present(leaf) ||
		is_zero_frame(m, leaf_frame(leaf)) || folio_pages(m, leaf_frame(leaf)) != 1 ||
		folio_has(m, leaf_frame(leaf), FOLIO_KSM) || is_secret(m, leaf_frame(leaf)) ||
		frame_of(m, leaf_frame(leaf))->held != 0) {
		outcome_silent(m, "compaction would not move this page");
		return;
	}
	(void)page_move(m, leaf_frame(leaf));
}
