/* SPDX-License-Identifier: Apache-2.0 */
/* Faults on files and shared memory: linux:6.12:mm/memory.c:do_fault. */
#include "area/area.h"
#include "demand/fault.h"
#include "frame/cache.h"
#include "frame/frame.h"
#include "machine/outcome.h"

#define FAULT_AROUND_PAGES 16

static uint64_t file_end_index(const struct vm_machine *m, uint32_t object)
{
	return vm_bytes_to_pages_ceil(object_of(m, object)->size_bytes);
}

static void map_cached(struct vm_machine *m, const struct fault *fault, struct place place,
	uint32_t frame, bool write)
{
	const struct area *area = area_of(m, fault->area);
	const uint64_t old = entry_get(m, place);
	uint64_t leaf = leaf_make(leaf_protection(m, area), frame, false);

	if (write)
		leaf = leaf_for_write(m, area, leaf);
	else if (m->behaviours.read_maps_dirty != VM_KNOWN_NOT && leaf_is_writable(leaf) &&
		 folio_has(m, frame, FOLIO_DIRTY))
		leaf = leaf_make_dirty(m, leaf);
	frame_map(m, frame);
	if ((area->flags & VM_AREA(LOCKED)) != 0)
		folio_set(m, frame, FOLIO_MLOCKED);
	mm_of(m, fault->mm)->rss[folio_rss_kind(m, frame)]++;
	entry_set(m, place, leaf_with_marker(m, leaf, old));
}

/*
 * linux:6.12:mm/filemap.c:filemap_map_pages (6.12.117): the table that fault-around brought is put
 * in only where the first folio might be mapped huge, and that one must end before the last page.
 */
static bool table_stays_away(struct vm_machine *m, const struct fault *fault, uint32_t first_frame)
{
	const struct area *area = area_of(m, fault->area);
	const struct frame *folio = folio_of(m, first_frame);

	return !area_is_shmem(m, area) && place_of(m, fault->mm, fault->address).level > 1 &&
	       file_end_index(m, area->object) - 1 < folio->index + folio_pages(m, first_frame) &&
	       outcome_depends(m, m->behaviours.fault_around_needs_table,
		       "whether this release makes a table for what lies around");
}

/* Slots of the faulting address's table: [first, last). */
struct window {
	uint64_t slot, first, last;
};

/* linux:6.12:mm/memory.c:do_fault_around: cut at the area's start and end and at the table's */
static struct window window_around(const struct area *area, uint64_t address)
{
	const uint64_t slot = vm_bytes_to_pages_floor(address) % TABLE_ENTRIES;
	const uint64_t in_area = vm_bytes_to_pages_floor(address - area->start);
	const uint64_t aligned = slot - slot % FAULT_AROUND_PAGES;
	const uint64_t reach = slot < in_area ? slot : in_area;
	struct window window = {.slot = slot};

	window.first = aligned > slot - reach ? aligned : slot - reach;
	window.last = window.first + FAULT_AROUND_PAGES;
	if (window.last > TABLE_ENTRIES)
		window.last = TABLE_ENTRIES;
	if (window.last > slot + area_pages(area) - in_area)
		window.last = slot + area_pages(area) - in_area;
	return window;
}

/*
 * linux:6.18:mm/filemap.c:filemap_map_folio_range: a folio that lies in the area and under the
 * table is mapped whole, however little of it lies in the window, if it ends before the last page
 * of the file.
 */
static bool widens(const struct vm_machine *m, const struct fault *fault, uint32_t frame,
	uint64_t slot, struct window *folio_slots)
{
	const struct area *area = area_of(m, fault->area);
	const struct frame *folio = folio_of(m, frame);
	const uint64_t before = frame - head_of(m, frame), pages = folio_pages(m, frame);

	if (pages == 1 || !m->behaviours.maps_whole_folios ||
		(folio->index + pages >= file_end_index(m, area->object) &&
			!area_is_shmem(m, area)) ||
		folio->index < area->page_offset ||
		folio->index + pages > area->page_offset + area_pages(area) || slot < before ||
		slot - before + pages > TABLE_ENTRIES)
		return false;
	folio_slots->first = slot - before;
	folio_slots->last = slot - before + pages;
	return true;
}

/* Those of the slots that are empty get their pages; true if the faulting one is among them. */
static bool map_slots(struct vm_machine *m, const struct fault *fault, uint32_t frame,
	uint64_t frame_slot, struct window slots)
{
	const uint64_t base = vm_align_down(fault->address, VM_HUGE_2M_BYTES);
	const bool dirty = object_of(m, area_of(m, fault->area)->object)->kind == VM_FILE_DISK &&
			   folio_has(m, frame, FOLIO_DIRTY);
	const bool unmapped = folio_of(m, frame)->maps == 0;
	bool found = false;

	for (uint64_t i = slots.first; i < slots.last; i++) {
		const struct place place = place_make(m, fault->mm, base + vm_pages_to_bytes(i), 1);
		if (place.table == NONE || entry_get(m, place) != 0)
			continue;
		map_cached(m, fault, place, frame + (uint32_t)(i - frame_slot), false);
		found |= i == slots.slot;
		m->outcome->around_dirty_pages += dirty && i != slots.slot;
		m->outcome->around_unmapped_pages += unmapped && i != slots.slot;
	}
	return found;
}

/* Cached pages around the fault. True if the faulting page was among them. */
static bool fault_around(struct vm_machine *m, const struct fault *fault)
{
	const struct area *area = area_of(m, fault->area);
	const struct window window = window_around(area, fault->address);
	const uint64_t base = vm_align_down(fault->address, VM_HUGE_2M_BYTES);
	const uint64_t file_end = file_end_index(m, area->object);
	bool found = false, asked = false, waits = false;

	for (uint64_t i = window.first; i < window.last; i++) {
		const uint64_t index = area_page_index(area, base + vm_pages_to_bytes(i));
		const uint32_t frame =
			index < file_end ? cache_lookup(m, area->object, index) : NONE;
		/* linux:6.12:mm/filemap.c:next_uptodate_folio */
		if (frame == NONE || folio_has(m, frame, FOLIO_EMPTY) ||
			folio_has(m, frame, FOLIO_READ_AHEAD))
			continue;
		/* One request to the device: all that came along is there, or none of it. */
		if (folio_has(m, frame, FOLIO_READ_IN_FLIGHT) && !asked) {
			waits = choose(m, VM_FREEDOM_READ_AHEAD);
			asked = true;
		}
		if (folio_has(m, frame, FOLIO_READ_IN_FLIGHT) && waits)
			continue;
		folio_clear(m, frame, FOLIO_READ_IN_FLIGHT);
		if (table_stays_away(m, fault, frame))
			return false;
		struct window slots = {.slot = window.slot, .first = i, .last = i + 1};
		if (widens(m, fault, frame, i, &slots))
			rule_obey(m, RULE_DEMAND_AROUND_WHOLE_FOLIO);
		found |= map_slots(m, fault, frame, i, slots);
	}
	if (found)
		rule_obey(m, RULE_DEMAND_FAULT_AROUND);
	return found;
}

/* linux:6.12:mm/filemap.c:do_sync_mmap_readahead: half of the window on either side */
static uint64_t read_around(const struct vm_machine *m, const struct area *area, uint64_t index,
	uint64_t *first, uint64_t *last)
{
	const uint64_t window = m->setup.readahead_pages;
	const uint64_t area_end = area->page_offset + area_pages(area);
	const bool forward = (area->flags & VM_AREA(EXEC)) != 0 && m->behaviours.exec_reads_forward;

	/* linux:6.18:mm/filemap.c:do_sync_mmap_readahead: code is read ahead whatever was advised
	 */
	if (((area->flags & VM_AREA(RANDOM_READ)) != 0 && !forward) || window == 0)
		return 0;
	if ((area->flags & VM_AREA(SEQUENTIAL_READ)) != 0) {
		*last = index + window;
		return 0;
	}
	if (forward) {
		*last = index + window < area_end ? index + window : area_end;
		return 0;
	}
	*first = index > window / 2 ? index - window / 2 : 0;
	*last = *first + window;
	return window / 4;
}

/*
 * linux:6.12:mm/filemap.c:maybe_unlock_mmap_for_io: a fault that has to wait gives the lock up and
 * is begun once more; the second try is counted as one that waited where it is known as one.
 */
static void begin_again(const struct vm_machine *m, struct fault *fault)
{
	if (fault->holds_lock)
		return;
	fault->again = true;
	fault->major = !m->behaviours.per_area_lock || fault->by_kernel;
}

/* linux:6.12:mm/filemap.c:do_async_mmap_readahead: whoever finds the mark starts the next window */
static bool reads_on(const struct vm_machine *m, const struct fault *fault, uint32_t frame)
{
	return (area_of(m, fault->area)->flags & VM_AREA(RANDOM_READ)) == 0 &&
	       m->setup.readahead_pages != 0 && folio_has(m, frame, FOLIO_READ_AHEAD);
}

/* linux:6.12:mm/filemap.c:filemap_fault: the page is in the cache, if not yet up to date */
static void use_cached(struct vm_machine *m, struct fault *fault, uint32_t frame)
{
	if (reads_on(m, fault, frame)) {
		cache_read_on(m, frame);
		begin_again(m, fault);
	}
	if (folio_has(m, frame, FOLIO_EMPTY)) {
		folio_clear(m, frame, FOLIO_EMPTY);
		begin_again(m, fault);
	}
	/* lock_folio_maybe_drop_mmap: until it has come it is locked */
	if (folio_has(m, frame, FOLIO_READ_IN_FLIGHT)) {
		if (choose(m, VM_FREEDOM_READ_AHEAD))
			begin_again(m, fault);
		folio_clear(m, frame, FOLIO_READ_IN_FLIGHT);
	}
}

/*
 * The same function: where huge pages are wanted, 2 MiB from an aligned index on, twice as much
 * unless accesses are random, in folios as large as the end of the file allows
 * (mm/readahead.c:page_cache_ra_order). False: no room.
 */
static bool read_huge(struct vm_machine *m, const struct area *area, uint64_t index)
{
	const bool random = (area->flags & VM_AREA(RANDOM_READ)) != 0;
	const uint64_t first = vm_align_down(index, HUGE_PAGES);
	const uint64_t last = first + (random ? HUGE_PAGES : 2 * HUGE_PAGES);

	rule_obey(m, RULE_DEMAND_READ_HUGE);
	return cache_read_large(m, area->object, first, last);
}

/*
 * linux:6.12:mm/filemap.c:filemap_fault_recheck_pte_none: in a locked area an entry that is not
 * empty is taken for a page that somebody else has brought meanwhile. A marker is none: the fault
 * is begun again for ever.
 */
static bool never_ends(const struct vm_machine *m, const struct fault *fault)
{
	const struct area *area = area_of(m, fault->area);

	return (area->flags & VM_AREA(LOCKED)) != 0 && !area_is_shmem(m, area) &&
	       entry_marker(entry_get(m, place_of(m, fault->mm, fault->address))) != 0;
}

/*
 * linux:6.12:mm/secretmem.c:secretmem_account_folio (6.12.113): each page counts against what may
 * be locked, whoever has which privilege, until the file is gone.
 */
static bool secret_is_allowed(struct vm_machine *m)
{
	uint64_t pages = 1;

	if (!outcome_depends(m, m->behaviours.secret_by_page,
		    "whether this release counts secret memory page by page"))
		return true;
	for (uint32_t i = 0; i < m->objects.limit; i++)
		if (object_of(m, i)->used && object_of(m, i)->kind == VM_FILE_SECRET)
			pages += cache_pages(m, i);
	return pages <= vm_bytes_to_pages_floor(m->host.memlock_limit_bytes);
}

/* linux:6.12:mm/secretmem.c:secretmem_fault: no neighbours, no waiting, no page but by a fault */
static enum fault_result secret_page(
	struct vm_machine *m, const struct area *area, uint64_t index, uint32_t *frame)
{
	*frame = cache_lookup(m, area->object, index);
	if (*frame != NONE)
		return FAULT_DONE;
	if (!secret_is_allowed(m)) {
		rule_obey(m, RULE_DEMAND_SECRET_LIMIT);
		return FAULT_BUS;
	}
	rule_obey(m, RULE_DEMAND_SECRET_ALLOCATES);
	*frame = cache_fill(m, area->object, index, 0);
	return *frame == NONE ? FAULT_NO_ROOM : FAULT_DONE;
}

/* The page in the cache, read or made if it is not there. */
static enum fault_result cached_page(struct vm_machine *m, struct fault *fault, uint32_t *frame)
{
	const struct area *area = area_of(m, fault->area);
	const uint64_t index = area_page_index(area, fault->address);

	if (index >= file_end_index(m, area->object))
		return FAULT_BUS;
	if (area_is_secret(m, area))
		return secret_page(m, area, index, frame);
	/* Even if it is cached: who else has dropped it meanwhile is the kernel's freedom. */
	if (never_ends(m, fault)) {
		outcome_silent(m, "the fault of a locked page whose protection outlived it has no "
				  "end where the page is not cached");
		return FAULT_NO_ROOM;
	}
	*frame = cache_lookup(m, area->object, index);
	if (*frame != NONE) {
		use_cached(m, fault, *frame);
		return FAULT_DONE;
	}
	const uint32_t entry = entry_find(m, area->object, index);
	if (area_is_shmem(m, area)) {
		rule_obey(m, RULE_DEMAND_SHMEM_ALLOCATES);
		if (entry != NONE && entries_of(m)[entry].slot != NONE)
			fault->major = true;
	} else {
		rule_obey(m, RULE_DEMAND_FILE_READ);
		fault->major = true;
	}
	uint64_t first = index, last = index + 1, ahead = 0;
	const bool disk = !area_is_shmem(m, area);
	if (disk && (area->flags & VM_AREA(HUGE_PAGE)) != 0 && m->setup.disk_large_folios) {
		if (!read_huge(m, area, index))
			return FAULT_NO_ROOM;
	} else {
		if (disk)
			ahead = read_around(m, area, index, &first, &last);
		if (!cache_read_ahead(m, area->object, first, last, ahead))
			return FAULT_NO_ROOM;
	}
	fault->again = fault->major && !fault->holds_lock;
	*frame = cache_lookup(m, area->object, index);
	folio_clear(m, *frame, FOLIO_READ_IN_FLIGHT);
	return FAULT_DONE;
}

static enum fault_result fault_copy(struct vm_machine *m, struct fault *fault)
{
	const struct area *area = area_of(m, fault->area);
	uint32_t cached = NONE;

	/* Even if there turns out to be no page: the area has a family from now on. */
	family_prepare(m, fault->area);
	const enum fault_result result = cached_page(m, fault, &cached);

	if (result != FAULT_DONE)
		return result;
	const struct place place = place_make(m, fault->mm, fault->address, 1);
	const uint32_t frame = anonymous_take(m, 0, area_page_index(area, fault->address));
	if (place.table == NONE || frame == NONE)
		return FAULT_NO_ROOM;
	rule_obey(m, RULE_COW_PRIVATE_FILE_WRITE);
	frame_copy(m, frame, cached);
	map_cached(m, fault, place, frame, true);
	return FAULT_DONE;
}

/* All pages of a large folio at once, where they all fit the area and the table. */
static bool map_whole_folio(
	struct vm_machine *m, const struct fault *fault, uint32_t frame, bool write)
{
	const struct area *area = area_of(m, fault->area);
	const uint32_t pages = folio_pages(m, frame);
	const uint64_t before = frame - head_of(m, frame);
	const uint64_t in_area = vm_bytes_to_pages_floor(fault->address - area->start);
	const uint64_t slot = vm_bytes_to_pages_floor(fault->address) % TABLE_ENTRIES;

	if (pages == 1 || !m->behaviours.maps_whole_folios || area->uffd || in_area < before ||
		in_area + pages - before > area_pages(area) || slot < before ||
		slot + pages - before > TABLE_ENTRIES ||
		file_end_index(m, area->object) < folio_of(m, frame)->index + pages)
		return false;
	const uint64_t first =
		vm_align_down(fault->address, VM_PAGE_BYTES) - vm_pages_to_bytes(before);
	for (uint32_t i = 0; i < pages; i++)
		if (entry_get(m, place_make(m, fault->mm, first + vm_pages_to_bytes(i), 1)) != 0)
			return false;
	rule_obey(m, RULE_DEMAND_WHOLE_FOLIO);
	for (uint32_t i = 0; i < pages; i++)
		map_cached(m, fault, place_make(m, fault->mm, first + vm_pages_to_bytes(i), 1),
			head_of(m, frame) + i, write);
	return true;
}

enum fault_result fault_file(struct vm_machine *m, struct fault *fault)
{
	const struct area *area = area_of(m, fault->area);
	uint32_t frame = NONE;

	if (fault->write && (area->flags & VM_AREA(SHARED)) == 0)
		return fault_copy(m, fault);
	if (!fault->write && m->behaviours.fault_around && !area->uffd &&
		!area_is_secret(m, area) && fault_around(m, fault))
		return FAULT_DONE;
	const enum fault_result result = cached_page(m, fault, &frame);
	if (result != FAULT_DONE)
		return result;
	/* A fault that waited is tried again, and then finds the neighbours that came along. */
	if (fault->again && !fault->write && m->behaviours.fault_around && !area->uffd &&
		fault_around(m, fault))
		return FAULT_DONE;
	const struct place place = place_make(m, fault->mm, fault->address, 1);
	if (place.table == NONE)
		return FAULT_NO_ROOM;
	if (fault->write) {
		rule_obey(m, RULE_DEMAND_SHARED_WRITE);
		cache_mark_dirty(m, frame);
	}
	if (!map_whole_folio(m, fault, frame, fault->write))
		map_cached(m, fault, place, frame, fault->write);
	return FAULT_DONE;
}
