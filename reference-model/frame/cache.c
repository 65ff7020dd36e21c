/* SPDX-License-Identifier: Apache-2.0 */
#include "frame/cache.h"
#include "demand/huge.h"

#include "area/area.h"
#include "demand/fault.h"
#include "frame/frame.h"
#include "frame/swap.h"
#include "machine/contents.h"
#include "machine/outcome.h"
#include "xlate/tree.h"

uint32_t object_take(struct vm_machine *m, enum vm_file_kind kind, uint64_t size_bytes)
{
	/* Numbers below limits.files are the caller's files; shared anonymous objects lie above. */
	for (uint32_t i = m->setup.limits.files; i < m->objects.limit; i++) {
		if (objects_of(m)[i].used)
			continue;
		objects_of(m)[i] = (struct object){.used = true,
			.is_anonymous = true,
			.kind = kind,
			.size_bytes = size_bytes,
			.first_entry = NONE};
		return i;
	}
	m->out_of_room = true;
	return NONE;
}

uint64_t object_page_bytes(const struct vm_machine *m, uint32_t object)
{
	switch (object_of(m, object)->kind) {
	case VM_FILE_DISK:
	case VM_FILE_SHMEM:
	case VM_FILE_SECRET:
		return VM_PAGE_BYTES;
	case VM_FILE_HUGETLB_2M:
		return VM_HUGE_2M_BYTES;
	case VM_FILE_HUGETLB_1G:
		return VM_HUGE_1G_BYTES;
	}
	VM_ASSERT(false);
	return 0;
}

uint64_t object_pages(const struct vm_machine *m, uint32_t object)
{
	const uint64_t bytes = object_page_bytes(m, object);

	return vm_align_up(object_of(m, object)->size_bytes, bytes) / bytes;
}

static uint32_t bucket_of(uint32_t object, uint64_t index)
{
	const uint64_t mixed =
		(index * UINT64_C(0x9e3779b97f4a7c15)) ^ (object * UINT64_C(0xc2b2ae3d27d4eb4f));

	return (uint32_t)(mixed >> 54);
}

uint32_t entry_find(const struct vm_machine *m, uint32_t object, uint64_t index)
{
	uint32_t entry = m->bucket[bucket_of(object, index)];

	while (entry != NONE &&
		(entries_of(m)[entry].object != object || entries_of(m)[entry].index != index))
		entry = entries_of(m)[entry].next_hash;
	return entry;
}

uint32_t entry_make(struct vm_machine *m, uint32_t object, uint64_t index)
{
	uint32_t entry = entry_find(m, object, index);

	if (entry != NONE)
		return entry;
	entry = m->entries.free;
	if (entry != NONE)
		m->entries.free = entries_of(m)[entry].next_hash;
	else
		entry = pool_extend(&m->entries);
	if (entry == NONE) {
		m->out_of_room = true;
		return NONE;
	}
	uint32_t *bucket = &m->bucket[bucket_of(object, index)];
	entries_of(m)[entry] = (struct entry){.object = object,
		.index = index,
		.next_hash = *bucket,
		.next_in_object = object_of(m, object)->first_entry,
		.frame = NONE,
		.stored = NONE,
		.slot = NONE,
		.used = true};
	*bucket = entry;
	object_of(m, object)->first_entry = entry;
	return entry;
}

uint32_t cache_lookup(const struct vm_machine *m, uint32_t object, uint64_t index)
{
	const uint32_t entry = entry_find(m, object, index);

	return entry == NONE ? NONE : entries_of(m)[entry].frame;
}

uint64_t cache_pages(const struct vm_machine *m, uint32_t object)
{
	uint64_t pages = 0;

	for (uint32_t i = object_of(m, object)->first_entry; i != NONE;
		i = entries_of(m)[i].next_in_object)
		pages += entries_of(m)[i].frame != NONE;
	return pages;
}

/* Puts each page of a fresh folio under its index; false: no room. */
static bool enter_folio(
	struct vm_machine *m, uint32_t object, uint64_t index, uint32_t head, unsigned order)
{
	for (uint32_t i = 0; i < UINT32_C(1) << order; i++) {
		const uint32_t entry = entry_make(m, object, index + i);

		if (entry == NONE)
			return false;
		struct entry *entered = &entries_of(m)[entry];
		VM_ASSERT(entered->frame == NONE);
		entered->frame = head + i;
		entered->shadow = false;
		contents_copy(m, &frames_of(m)[head + i].contents, entered->stored);
		if (entered->slot != NONE) { /* shmem comes back from swap */
			contents_copy(m, &frames_of(m)[head + i].contents,
				slots_of(m)[entered->slot].contents);
			slot_release(m, entered->slot);
			entered->slot = NONE;
		}
	}
	return true;
}

uint32_t cache_fill(struct vm_machine *m, uint32_t object, uint64_t index, unsigned order)
{
	struct object *owner = object_of(m, object);
	const uint32_t head = folio_take(m, order);

	if (head == NONE)
		return NONE;
	const uint64_t first = vm_align_down(index, UINT64_C(1) << order);
	struct frame *folio = frame_of(m, head);
	folio->flags = FOLIO_IN_CACHE;
	folio->object = object;
	folio->index = first;
	if (owner->kind == VM_FILE_SHMEM) {
		folio->flags |= FOLIO_SWAP_BACKED;
		if (!owner->reserved_by_size) {
			owner->committed_pages += UINT64_C(1) << order;
			m->committed_pages += INT64_C(1) << order;
		}
	}
	if (!enter_folio(m, object, first, head, order))
		return NONE;
	rule_obey(m, RULE_FRAME_ONE_COPY);
	return head + (uint32_t)(index - first);
}

/*
 * linux:6.12:mm/readahead.c:do_page_cache_ra: the window is cut at the end of the file, and its
 * last pages are then counted from there; large folios count from where the window would end.
 */
bool cache_read_ahead(
	struct vm_machine *m, uint32_t object, uint64_t first, uint64_t last, uint64_t ahead)
{
	const uint64_t pages = object_pages(m, object);
	const uint64_t end = last < pages ? last : pages;
	const bool marks = ahead != 0 && end >= first + ahead && !m->setup.disk_large_folios;

	if (object_of(m, object)->kind == VM_FILE_DISK && m->setup.disk_large_folios &&
		!m->behaviours.read_order_kept && last - first >= 4)
		outcome_silent(m, "in how large pieces this release reads a file");
	for (uint64_t i = first; i < end; i++) {
		if (cache_lookup(m, object, i) != NONE)
			continue;
		const uint32_t frame = cache_fill(m, object, i, 0);
		if (frame == NONE)
			return false;
		if (marks && i == end - ahead)
			folio_set(m, frame, FOLIO_READ_AHEAD);
		if (entries_of(m)[entry_find(m, object, i)].allocated)
			folio_set(m, frame, FOLIO_READ_IN_FLIGHT);
	}
	return true;
}

/* linux:6.12:mm/readahead.c:page_cache_async_ra: from the first page behind that is missing */
void cache_read_on(struct vm_machine *m, uint32_t frame)
{
	const struct frame *folio = folio_of(m, frame);
	const uint64_t end = object_pages(m, folio->object);

	if (folio_has(m, frame, FOLIO_READ_AHEAD) && folio_has(m, frame, FOLIO_RECLAIM))
		for (uint64_t i = folio->index + 1; i < end; i++)
			if (cache_lookup(m, folio->object, i) == NONE)
				outcome_silent(m, "in how large pieces is read on behind a page "
						  "that reclaim has marked");
	folio_clear(m, frame, FOLIO_READ_AHEAD);
	folio_clear(m, frame, FOLIO_RECLAIM);
}

void cache_mark_dirty(struct vm_machine *m, uint32_t frame)
{
	const uint32_t head = head_of(m, frame);

	cache_mark_page_dirty(m, frame);
	/* linux:6.12:mm/page-writeback.c:folio_mark_dirty, which writing by calls does without */
	folio_clear(m, frame, FOLIO_READ_AHEAD);
	for (uint32_t i = 0; head < GIANT_FRAMES_AT && i < folio_pages(m, head); i++)
		frame_of(m, head + i)->dirty = true;
}

void cache_mark_page_dirty(struct vm_machine *m, uint32_t frame)
{
	folio_set(m, frame, FOLIO_DIRTY);
	frame_of(m, frame)->dirty = true;
}

bool cache_read_large(struct vm_machine *m, uint32_t object, uint64_t first, uint64_t last)
{
	const uint64_t end = object_pages(m, object);
	const uint64_t stop = last < end ? last : end;

	while (first < stop) {
		unsigned order = HUGE_ORDER;

		while (order > 0 && (!vm_is_aligned(first, UINT64_C(1) << order) ||
					    first + (UINT64_C(1) << order) > stop))
			order--;
		for (uint64_t i = first; i < first + (UINT64_C(1) << order); i++)
			if (cache_lookup(m, object, i) != NONE)
				return cache_read_ahead(m, object, first, last, 0);
		if (cache_fill(m, object, first, order) == NONE)
			return false;
		first += UINT64_C(1) << order;
	}
	return true;
}

/* page_mkclean: the next store must be noticed again. */
static void write_protect_everywhere(struct vm_machine *m, uint32_t object, uint64_t index)
{
	for (uint32_t i = 0; i < m->areas.high; i++) {
		const struct area *area = area_of(m, i);

		if (!area->used || area->object != object || (area->flags & VM_AREA(SHARED)) == 0 ||
			index < area->page_offset || index >= area->page_offset + area_pages(area))
			continue;
		const uint64_t address = area->start + vm_pages_to_bytes(index - area->page_offset);
		const struct place place = place_of(m, area->mm, address);
		const uint64_t leaf = entry_get(m, place);
		if (leaf == 0 || !leaf_is_present(leaf))
			continue;
		if (leaf_is_dirty(leaf) || leaf_is_writable(leaf))
			entry_set(m, place, leaf_make_clean(leaf_write_protect(m, leaf)));
	}
}

/*
 * linux:6.12:fs/ext4/page-io.c:ext4_bio_write_folio: what a mapping wrote behind the end of the
 * file never gets to the device, and is gone from memory then.
 */
static void zero_behind_end(struct vm_machine *m, uint32_t frame, uint64_t index, uint32_t object)
{
	const uint64_t size = object_of(m, object)->size_bytes;
	const uint64_t start = vm_pages_to_bytes(index);

	if (size >= start + VM_PAGE_BYTES)
		return;
	frame_fill(
		m, frame, size > start ? (uint32_t)(size - start) : 0, (uint32_t)VM_PAGE_BYTES, 0);
}

void cache_write_back(struct vm_machine *m, uint32_t frame)
{
	const uint32_t head = head_of(m, frame);
	struct frame *folio = folio_of(m, head);

	if ((folio->flags & (FOLIO_DIRTY | FOLIO_TAGGED_DIRTY)) == FOLIO_TAGGED_DIRTY &&
		outcome_depends(m, m->behaviours.sync_clears_tags,
			"whether this release forgets that it was dirty"))
		folio_clear(m, head, FOLIO_TAGGED_DIRTY);
	if ((folio->flags & FOLIO_DIRTY) == 0 || (folio->flags & FOLIO_SWAP_BACKED) != 0)
		return;
	rule_obey(m, RULE_FRAME_WRITE_BACK);
	for (uint32_t i = 0; i < UINT32_C(1) << folio->order; i++) {
		const uint32_t entry = entry_find(m, folio->object, folio->index + i);

		VM_ASSERT(entry != NONE);
		write_protect_everywhere(m, folio->object, folio->index + i);
		zero_behind_end(m, head + i, folio->index + i, folio->object);
		/* A buffer that is clean has what the disk has, or lies over a hole. */
		if (!frames_of(m)[head + i].dirty)
			continue;
		contents_copy(m, &entries_of(m)[entry].stored, frames_of(m)[head + i].contents);
		entries_of(m)[entry].allocated = true;
		frames_of(m)[head + i].dirty = false;
	}
	folio_clear(m, head, FOLIO_DIRTY);
	folio_clear(m, head, FOLIO_TAGGED_DIRTY);
	/* linux:6.12:mm/filemap.c:folio_end_writeback */
	folio_clear(m, head, FOLIO_READ_AHEAD);
	folio_clear(m, head, FOLIO_RECLAIM);
}

void cache_remove(struct vm_machine *m, uint32_t frame, bool leave_shadow)
{
	const uint32_t head = head_of(m, frame);
	const struct frame folio = *folio_of(m, head);
	const uint64_t pages = (folio.flags & FOLIO_HUGETLB) != 0 ? 1 : UINT64_C(1) << folio.order;

	for (uint64_t i = 0; i < pages; i++) {
		const uint32_t entry = entry_find(m, folio.object, folio.index + i);

		VM_ASSERT(entry != NONE);
		entries_of(m)[entry].frame = NONE;
		entries_of(m)[entry].shadow = leave_shadow;
	}
	struct object *owner = object_of(m, folio.object);
	if (owner->kind == VM_FILE_SHMEM && !owner->reserved_by_size) {
		owner->committed_pages -= pages;
		m->committed_pages -= (int64_t)pages;
	}
	folio_clear(m, head, FOLIO_IN_CACHE);
	folio_of(m, head)->object = NONE;
	folio_free_if_unused(m, head);
}

void cache_unmap_everywhere(
	struct vm_machine *m, uint32_t object, uint64_t first, uint64_t last, bool even_private)
{
	for (uint32_t i = 0; i < m->areas.high; i++) {
		const struct area *area = area_of(m, i);

		if (!area->used || area->object != object || area->mm == NONE)
			continue;
		const uint64_t unit = vm_bytes_to_pages_floor(object_page_bytes(m, object));
		const uint64_t low =
			area->page_offset > first * unit ? area->page_offset : first * unit;
		const uint64_t area_end = area->page_offset + area_pages(area);
		const uint64_t high = last > area_end / unit ? area_end : last * unit;
		if (low >= high)
			continue;
		rule_obey(m, RULE_FRAME_REVERSE_MAP);
		zap_range(m, i, area->start + vm_pages_to_bytes(low - area->page_offset),
			area->start + vm_pages_to_bytes(high - area->page_offset),
			even_private ? ZAP_PAGES : ZAP_FILE_PAGES);
	}
}

void cache_forget(struct vm_machine *m, uint32_t entry)
{
	struct entry *forgotten = &entries_of(m)[entry];

	if (forgotten->slot != NONE)
		slot_release(m, forgotten->slot);
	forgotten->slot = NONE;
	forgotten->shadow = false;
	forgotten->allocated = false;
	contents_free(m, &forgotten->stored);
}

static void entry_drop(struct vm_machine *m, uint32_t entry)
{
	struct entry *dropped = &entries_of(m)[entry];
	uint32_t *link = &m->bucket[bucket_of(dropped->object, dropped->index)];

	while (*link != entry)
		link = &entries_of(m)[*link].next_hash;
	*link = dropped->next_hash;
	if (dropped->frame != NONE)
		cache_remove(m, dropped->frame, false);
	cache_forget(m, entry);
	dropped->used = false;
	dropped->next_hash = m->entries.free;
	m->entries.free = entry;
}

void object_free_if_unused(struct vm_machine *m, uint32_t number)
{
	struct object *object = object_of(m, number);

	if (object->areas != 0 || object->open)
		return;
	for (uint32_t entry = object->first_entry; entry != NONE;) {
		const uint32_t next = entries_of(m)[entry].next_in_object;

		/* A large folio leaves the cache whole: its other entries then hold no frame. */
		if (entries_of(m)[entry].reserved)
			hugetlb_give_up(m, number, &entries_of(m)[entry]);
		if (entries_of(m)[entry].frame != NONE)
			cache_remove(m, entries_of(m)[entry].frame, false);
		entry = next;
	}
	for (uint32_t entry = object->first_entry; entry != NONE;) {
		const uint32_t next = entries_of(m)[entry].next_in_object;

		entry_drop(m, entry);
		entry = next;
	}
	if (object->reserved_by_size)
		m->committed_pages -= (int64_t)object->committed_pages;
	object->used = false;
}
