/* SPDX-License-Identifier: Apache-2.0 */
/* Operations on files through their descriptors: linux:6.12:mm/filemap.c, mm/fadvise.c. */
#include "demand/huge.h"
#include "frame/cache.h"
#include "frame/frame.h"
#include "frame/reclaim.h"
#include "machine/contents.h"
#include "machine/outcome.h"

static struct object *named_file(struct vm_machine *m)
{
	return object_of(m, m->operation->file);
}

/*
 * linux:6.12:mm/secretmem.c:secretmem_fops: it can be mapped, and nothing else; a descriptor
 * without positions (fs/file_table.c:alloc_file_pseudo) is told so.
 */
static bool secret_refuses(struct vm_machine *m, int32_t error)
{
	if (named_file(m)->kind != VM_FILE_SECRET)
		return false;
	rule_obey(m, RULE_FRAME_SECRET_FILE);
	outcome_fail(m, error);
	return true;
}

void operation_file_create(struct vm_machine *m)
{
	const struct vm_operation *op = m->operation;

	if (object_of(m, op->file)->used) {
		outcome_silent(m, "this number names a file already");
		return;
	}
	*object_of(m, op->file) = (struct object){.used = true,
		.open = true,
		.kind = op->file_kind,
		.size_bytes = op->length,
		.read_at_random = (op->flags & VM_CREATE_RANDOM) != 0,
		.was_emptied = op->length == 0,
		.first_entry = NONE};
	rule_obey(m, RULE_FRAME_FILE_IS_SPARSE);
}

/* linux:6.12:mm/filemap.c:__filemap_get_folio: as large as the write, its place and its
 * neighbours in the cache allow */
static unsigned write_order(
	const struct vm_machine *m, uint32_t object, uint64_t index, uint64_t length)
{
	unsigned order = 0;

	if (object_of(m, object)->kind != VM_FILE_DISK || !m->setup.disk_large_folios)
		return 0;
	while (order < HUGE_ORDER && (VM_PAGE_BYTES << (order + 1)) <= length &&
		vm_is_aligned(index, UINT64_C(2) << order))
		order++;
	for (uint64_t i = 0; i < UINT64_C(1) << order; i++) {
		if (cache_lookup(m, object, index + i) == NONE)
			continue;
		while ((UINT64_C(1) << order) > i && order > 0)
			order--;
	}
	return order;
}

static bool write_page(struct vm_machine *m, uint64_t start, uint64_t end, uint64_t all_end)
{
	const struct vm_operation *op = m->operation;
	const uint64_t index = vm_bytes_to_pages_floor(start);
	uint32_t frame = cache_lookup(m, op->file, index);

	if (frame == NONE)
		frame = cache_fill(
			m, op->file, index, write_order(m, op->file, index, all_end - start));
	if (frame == NONE)
		return false;
	cache_mark_page_dirty(m, frame);
	folio_clear(m, frame, FOLIO_EMPTY);
	folio_clear(m, frame, FOLIO_READ_IN_FLIGHT);
	folio_set(m, frame, FOLIO_MAYBE_REFERENCED);
	frame_fill(m, frame, (uint32_t)(start & (VM_PAGE_BYTES - 1)),
		(uint32_t)(start & (VM_PAGE_BYTES - 1)) + (uint32_t)(end - start), op->value);
	return true;
}

/* A write beyond the end of a disk file first clears what stands behind the old end in its
 * cached page. */
static void zero_tail(struct vm_machine *m, uint64_t new_index)
{
	const uint32_t file = m->operation->file;
	const uint64_t size = object_of(m, file)->size_bytes;
	const uint64_t index = vm_bytes_to_pages_floor(size);

	if (object_of(m, file)->kind != VM_FILE_DISK || vm_is_aligned(size, VM_PAGE_BYTES) ||
		index == new_index)
		return;
	uint32_t frame = cache_lookup(m, file, index);
	if (frame == NONE) {
		frame = cache_fill(m, file, index, 0);
		if (frame == NONE)
			return;
		folio_set(m, frame, FOLIO_EMPTY);
	}
	/* A hole is zeros already. */
	if (!frame_of(m, frame)->dirty && !entries_of(m)[entry_find(m, file, index)].allocated)
		return;
	cache_mark_page_dirty(m, frame);
	frame_fill(m, frame, (uint32_t)(size & (VM_PAGE_BYTES - 1)), (uint32_t)VM_PAGE_BYTES, 0);
}

/* osn has every transfer go through the page cache. */
static bool goes_around_cache(const struct vm_machine *m)
{
	switch (m->behaviours.direct_io) {
	case VM_DIRECT_IO_CACHED:
		return false;
	case VM_DIRECT_IO_AROUND_CACHE:
		return (m->operation->flags & VM_FILE_IO_DIRECT) != 0;
	}
	VM_ASSERT(false);
	return false;
}

/* Direct transfers do not go through the page cache: what lies there is written first. */
static bool direct_is_spoken_of(struct vm_machine *m)
{
	const struct vm_operation *op = m->operation;

	if (object_of(m, op->file)->kind == VM_FILE_DISK &&
		vm_is_aligned(op->offset | op->length, VM_PAGE_BYTES) &&
		vm_is_aligned(object_of(m, op->file)->size_bytes, VM_PAGE_BYTES))
		return true;
	outcome_silent(m, "a direct transfer of less than pages, or not with a disk");
	return false;
}

/* linux:6.12:fs/iomap/direct-io.c:__iomap_dio_rw: kiocb_invalidate_pages before and after */
static void write_direct(struct vm_machine *m)
{
	const struct vm_operation *op = m->operation;
	struct object *file = named_file(m);
	const uint64_t first = vm_bytes_to_pages_floor(op->offset);
	const uint64_t last = first + vm_bytes_to_pages_floor(op->length);

	if (!direct_is_spoken_of(m))
		return;
	rule_obey(m, RULE_FRAME_DIRECT_WRITE);
	cache_sync(m, op->file, first, last);
	cache_unmap_everywhere(m, op->file, first, last, false);
	for (uint64_t index = first; index < last; index++) {
		const uint32_t cached = cache_lookup(m, op->file, index);
		if (cached != NONE)
			cache_remove(m, cached, false);
		const uint32_t entry = entry_make(m, op->file, index);
		if (entry == NONE)
			return;
		contents_fill(m, &entries_of(m)[entry].stored, (uint32_t)VM_PAGE_BYTES, 0,
			(uint32_t)VM_PAGE_BYTES, op->value);
	}
	if (op->offset + op->length > file->size_bytes)
		file->size_bytes = op->offset + op->length;
	m->outcome->result = (int64_t)op->length;
}

void operation_file_write(struct vm_machine *m)
{
	const struct vm_operation *op = m->operation;
	const uint64_t end = op->offset + op->length;
	struct object *file = named_file(m);

	if (op->file_access == VM_FILE_READ_ONLY) {
		outcome_fail(m, VM_EBADF);
		return;
	}
	if (object_page_bytes(m, op->file) != VM_PAGE_BYTES) {
		outcome_fail(m, VM_EINVAL); /* hugetlbfs has no write */
		return;
	}
	if (secret_refuses(m, VM_ESPIPE))
		return;
	if (goes_around_cache(m)) {
		write_direct(m);
		return;
	}
	rule_obey(m, RULE_FRAME_FILE_WRITE);
	if (op->offset > file->size_bytes && op->length != 0)
		zero_tail(m, vm_bytes_to_pages_floor(op->offset));
	for (uint64_t at = op->offset; at < end;) {
		uint64_t stop = vm_align_down(at, VM_PAGE_BYTES) + VM_PAGE_BYTES;
		if (stop > end)
			stop = end;
		if (!write_page(m, at, stop, end))
			return;
		at = stop;
	}
	if (end > file->size_bytes && op->length != 0)
		file->size_bytes = end;
	m->outcome->result = (int64_t)op->length;
	/* linux:6.12:include/linux/fs.h:generic_write_sync */
	if ((op->flags & VM_FILE_IO_SYNC) != 0) {
		rule_obey(m, RULE_FRAME_SYNC);
		cache_sync(m, op->file, vm_bytes_to_pages_floor(op->offset),
			vm_bytes_to_pages_ceil(end));
	}
}

/*
 * Cached pages that a stream would have left before first: linux:6.12:mm/filemap.c:
 * page_cache_prev_miss steps by slots, so that the folio it meets first counts as one page.
 */
static uint64_t pages_of_stream(const struct vm_machine *m, uint32_t object, uint64_t first)
{
	const uint32_t last = cache_lookup(m, object, first - 1);
	uint64_t pages = 0;

	if (last == NONE)
		return 0;
	const uint64_t before = folio_of(m, last)->index;
	while (pages < before && cache_lookup(m, object, before - pages - 1) != NONE)
		pages++;
	return pages + 1;
}

/*
 * linux:6.12:mm/readahead.c:page_cache_sync_ra, get_init_ra_size: how much a read that misses
 * brings along. A read at the start, or one that goes on where the last one ended, is taken for a
 * stream.
 */
static uint64_t read_ahead_pages(const struct vm_machine *m, uint64_t offset, uint64_t *ahead)
{
	const struct vm_operation *op = m->operation;
	const uint64_t most = m->setup.readahead_pages;
	const uint64_t first = vm_bytes_to_pages_floor(offset);
	const uint64_t wanted = vm_bytes_to_pages_ceil(op->offset + op->length) - first;
	const struct object *file = object_of(m, op->file);
	const uint64_t last_read = vm_bytes_to_pages_floor(file->read_end);
	uint64_t size = 1;

	*ahead = 0;
	/* linux:6.12:mm/readahead.c:page_cache_sync_ra: FMODE_RANDOM */
	if (most == 0 || wanted > most || file->read_at_random)
		return wanted;
	if (first != 0 && (file->read_end == 0 || first - last_read > 1)) {
		uint64_t cached = pages_of_stream(m, op->file, first);

		if (cached <= wanted)
			return wanted;
		if (cached >= first)
			cached *= 2;
		*ahead = 1;
		return cached + wanted < most ? cached + wanted : most;
	}
	while (size < wanted)
		size *= 2;
	if (size <= most / 32)
		size *= 4;
	else
		size = size <= most / 4 ? size * 2 : most;
	*ahead = size > wanted ? size - wanted : size;
	return size;
}

/* A byte of the file without bringing anything into a cache of huge pages. */
static uint32_t readable_frame(struct vm_machine *m, uint64_t offset, uint32_t *in_frame)
{
	const struct vm_operation *op = m->operation;
	const uint64_t unit = object_page_bytes(m, op->file);
	const uint32_t head = cache_lookup(m, op->file, offset / unit);

	*in_frame = (uint32_t)(offset & (VM_PAGE_BYTES - 1));
	if (unit == VM_PAGE_BYTES && head == NONE) {
		/* tmpfs reads a hole from the zero page and allocates nothing */
		if (object_of(m, op->file)->kind == VM_FILE_SHMEM) {
			const uint32_t entry = entry_find(m, op->file, offset / unit);
			if (entry == NONE || entries_of(m)[entry].slot == NONE)
				return ZERO_FRAME;
		}
		rule_obey(m, RULE_FRAME_READ_THROUGH);
		uint64_t ahead = 0;
		const uint64_t pages = read_ahead_pages(m, offset, &ahead);
		if (!cache_read_ahead(m, op->file, offset / unit, offset / unit + pages, ahead))
			return NONE;
		const uint32_t frame = cache_lookup(m, op->file, offset / unit);
		folio_clear(m, frame, FOLIO_READ_IN_FLIGHT);
		return frame;
	}
	if (head == NONE)
		return ZERO_FRAME;
	/* linux:6.12:mm/filemap.c:filemap_readahead */
	cache_read_on(m, head);
	folio_clear(m, head, FOLIO_READ_IN_FLIGHT);
	return unit == VM_PAGE_BYTES ? head
				     : head + (uint32_t)vm_bytes_to_pages_floor(offset % unit);
}

/* linux:6.12:fs/iomap/direct-io.c:__iomap_dio_rw: dirty pages are written, then the device is read
 */
static void read_direct(struct vm_machine *m)
{
	const struct vm_operation *op = m->operation;
	const struct object *file = named_file(m);
	uint64_t end = op->offset + op->length;

	if (!direct_is_spoken_of(m))
		return;
	if (end > file->size_bytes)
		end = file->size_bytes;
	rule_obey(m, RULE_FRAME_DIRECT_READ);
	cache_sync(m, op->file, vm_bytes_to_pages_floor(op->offset), vm_bytes_to_pages_ceil(end));
	for (uint64_t at = op->offset; at < end; at++) {
		const uint32_t entry = entry_find(m, op->file, vm_bytes_to_pages_floor(at));
		const size_t i = m->outcome->out_count++;
		if (op->out != NULL && i < op->out_size)
			op->out[i] = entry == NONE ? 0
						   : contents_byte(m, entries_of(m)[entry].stored,
							     (uint32_t)(at & (VM_PAGE_BYTES - 1)));
	}
	m->outcome->result = end > op->offset ? (int64_t)(end - op->offset) : 0;
}

void operation_file_read(struct vm_machine *m)
{
	const struct vm_operation *op = m->operation;
	const struct object *file = named_file(m);
	uint64_t end = op->offset + op->length;

	if (op->file_access == VM_FILE_WRITE_ONLY) {
		outcome_fail(m, VM_EBADF);
		return;
	}
	if (secret_refuses(m, VM_ESPIPE))
		return;
	if (goes_around_cache(m)) {
		read_direct(m);
		return;
	}
	if (end > file->size_bytes)
		end = file->size_bytes;
	rule_obey(m, RULE_FRAME_FILE_READ);
	for (uint64_t at = op->offset; at < end;) {
		uint64_t stop = vm_align_down(at, VM_PAGE_BYTES) + VM_PAGE_BYTES;
		uint32_t offset = 0;
		const uint32_t frame = readable_frame(m, at, &offset);

		if (frame == NONE)
			return;
		if (frame != ZERO_FRAME) {
			folio_clear(m, frame, FOLIO_EMPTY);
			folio_set(m, frame, FOLIO_MAYBE_REFERENCED);
		}
		if (stop > end)
			stop = end;
		for (; at < stop; at++, offset++) {
			const size_t i = m->outcome->out_count++;
			if (op->out != NULL && i < op->out_size)
				op->out[i] = frame_byte(m, frame, offset);
		}
	}
	m->outcome->result = end > op->offset ? (int64_t)(end - op->offset) : 0;
	if (end > op->offset)
		named_file(m)->read_end = end;
}

void operation_file_truncate(struct vm_machine *m)
{
	const struct vm_operation *op = m->operation;
	struct object *file = named_file(m);
	const uint64_t unit = object_page_bytes(m, op->file);
	const uint64_t old = file->size_bytes;

	if (op->file_access == VM_FILE_READ_ONLY ||
		(unit != VM_PAGE_BYTES && !vm_is_aligned(op->length, unit))) {
		outcome_fail(m, VM_EINVAL);
		return;
	}
	/* linux:6.12:mm/secretmem.c:secretmem_setattr: its size is given once */
	if (old != 0 && secret_refuses(m, VM_EINVAL))
		return;
	rule_obey(m, RULE_FRAME_TRUNCATE);
	if (op->length > old)
		zero_tail(m, UINT64_MAX);
	file->size_bytes = op->length;
	file->was_emptied |= op->length == 0;
	/* linux:6.12:fs/ext4/inode.c:ext4_setattr, mm/shmem.c:shmem_setattr: the same size again
	 * is cut like a smaller one; of a larger one only the cache is */
	if (op->length > old)
		cache_reach(m, op->file, op->length);
	else
		cache_punch(m, op->file, op->length, vm_align_down(UINT64_MAX, unit), true);
}

static void sync_range(struct vm_machine *m, uint32_t object, uint64_t first, uint64_t last)
{
	for (uint32_t entry = object_of(m, object)->first_entry; entry != NONE;
		entry = entries_of(m)[entry].next_in_object) {
		const struct entry *synced = &entries_of(m)[entry];

		if (synced->index >= first && synced->index < last && synced->frame != NONE)
			cache_write_back(m, synced->frame);
	}
}

void cache_sync(struct vm_machine *m, uint32_t object, uint64_t first, uint64_t last)
{
	if (object_of(m, object)->kind == VM_FILE_DISK)
		sync_range(m, object, first, last);
}

void operation_file_sync(struct vm_machine *m)
{
	if (secret_refuses(m, VM_EINVAL))
		return;
	rule_obey(m, RULE_FRAME_SYNC);
	cache_sync(m, m->operation->file, 0, UINT64_MAX);
}

void operation_step_write_back(struct vm_machine *m)
{
	const struct vm_operation *op = m->operation;

	(void)choose(m, VM_FREEDOM_WRITE_BACK);
	cache_sync(m, op->file, vm_bytes_to_pages_floor(op->offset),
		vm_bytes_to_pages_ceil(op->offset + op->length));
}

/* linux:6.12:mm/vmscan.c:shrink_folio_list, as kswapd or DAMON may call it at any time */
void operation_step_evict(struct vm_machine *m)
{
	const struct vm_operation *op = m->operation;
	const uint32_t frame = cache_lookup(m, op->file, vm_bytes_to_pages_floor(op->offset));

	(void)choose(m, VM_FREEDOM_RECLAIM);
	if (frame == NONE || folio_has(m, frame, FOLIO_HUGETLB) || folio_of(m, frame)->maps != 0 ||
		folio_has(m, frame, FOLIO_DIRTY) ||
		object_of(m, op->file)->kind == VM_FILE_SECRET) {
		outcome_silent(m, "reclaim would not take this page");
		return;
	}
	drop_if_clean(m, frame);
}

/* linux:6.12:mm/fadvise.c:generic_fadvise: clean pages that nobody maps, and only whole ones */
void operation_file_drop(struct vm_machine *m)
{
	const struct vm_operation *op = m->operation;
	const struct object *file = named_file(m);
	const uint64_t end = op->length == 0 ? UINT64_MAX : op->offset + op->length;
	const uint64_t first = vm_bytes_to_pages_ceil(op->offset);
	uint64_t last = vm_bytes_to_pages_floor(end);

	if (file->kind != VM_FILE_DISK)
		return;
	if (end == file->size_bytes || end == UINT64_MAX)
		last = object_pages(m, op->file);
	rule_obey(m, RULE_FRAME_DROP);
	for (uint32_t entry = file->first_entry; entry != NONE;
		entry = entries_of(m)[entry].next_in_object) {
		const uint32_t frame = entries_of(m)[entry].frame;

		/* linux:6.12:mm/truncate.c:mapping_try_invalidate: nor is it remembered any more */
		if (entries_of(m)[entry].index >= first && entries_of(m)[entry].index < last)
			entries_of(m)[entry].shadow = false;
		if (frame == NONE)
			continue;
		const struct frame *folio = folio_of(m, frame);
		/* A folio is met once for each of its pages. */
		if (entries_of(m)[entry].index != folio->index)
			continue;
		const uint64_t folio_end = folio->index + (UINT64_C(1) << folio->order);
		/* linux:6.12:mm/truncate.c:mapping_evict_folio: nobody else may count on it */
		const bool may_go = folio->maps == 0 && folio->held == 0 && folio->index >= first &&
				    folio_end <= last;
		bool is_clean = (folio->flags & FOLIO_DIRTY) == 0;
		if (!is_clean && vm_pages_to_bytes(folio->index) < end &&
			vm_pages_to_bytes(folio_end) > op->offset) {
			/* Its write begins now, and is over soon; if it is before the pages are
			 * dropped this one goes, too. */
			is_clean = may_go && choose(m, VM_FREEDOM_WRITE_BACK);
			cache_write_back(m, frame);
		}
		/* linux:6.12:mm/filemap.c:find_lock_entries passes over what is still being read */
		if (is_clean && may_go &&
			!(folio_has(m, frame, FOLIO_READ_IN_FLIGHT) &&
				choose(m, VM_FREEDOM_READ_AHEAD)))
			cache_remove(m, frame, false);
	}
}

void operation_file_punch(struct vm_machine *m)
{
	const struct vm_operation *op = m->operation;

	if (op->file_access == VM_FILE_READ_ONLY) {
		outcome_fail(m, VM_EBADF);
		return;
	}
	if (op->length == 0) {
		outcome_fail(m, VM_EINVAL);
		return;
	}
	if (secret_refuses(m, VM_EOPNOTSUPP))
		return;
	cache_punch_hole(m, op->file, op->offset, op->offset + op->length);
}

/* linux:6.12:fs/ext4/inode.c:ext4_alloc_da_blocks: something was written that has no block yet */
static bool waits_for_blocks(const struct vm_machine *m, const struct object *file)
{
	const uint64_t end = vm_bytes_to_pages_ceil(file->size_bytes);

	for (uint32_t entry = file->first_entry; entry != NONE;
		entry = entries_of(m)[entry].next_in_object) {
		const struct entry *written = &entries_of(m)[entry];

		/* What a large folio has behind the end gets none. */
		if (written->frame != NONE && !written->allocated && written->index < end &&
			frame_of(m, written->frame)->dirty)
			return true;
	}
	return false;
}

void operation_file_close(struct vm_machine *m)
{
	struct object *file = named_file(m);

	if (file->kind == VM_FILE_DISK && file->was_emptied && waits_for_blocks(m, file)) {
		rule_obey(m, RULE_FRAME_CLOSE_WRITES);
		cache_sync(m, m->operation->file, 0, UINT64_MAX);
	}
	file->open = false;
	object_free_if_unused(m, m->operation->file);
}
