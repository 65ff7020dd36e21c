/* SPDX-License-Identifier: Apache-2.0 */
/* The page cache, keyed by object and page index; objects; stable storage. */
#ifndef FRAME_CACHE_H
#define FRAME_CACHE_H

#include "machine/state.h"

uint32_t object_take(struct vm_machine *m, enum vm_file_kind kind, uint64_t size_bytes);
void object_free_if_unused(struct vm_machine *m, uint32_t object);
/* Bytes under one cache index: 4 KiB, or the huge page's. */
uint64_t object_page_bytes(const struct vm_machine *m, uint32_t object);
uint64_t object_pages(const struct vm_machine *m, uint32_t object);

uint32_t entry_find(const struct vm_machine *m, uint32_t object, uint64_t index);
uint32_t entry_make(struct vm_machine *m, uint32_t object, uint64_t index);

/* The frame of a cached page, or NONE. */
uint32_t cache_lookup(const struct vm_machine *m, uint32_t object, uint64_t index);
/* How many of the object's pages are cached. */
uint64_t cache_pages(const struct vm_machine *m, uint32_t object);
/* Reads the page from storage, or makes a fresh one; NONE: no room. order: of the folio made. */
uint32_t cache_fill(struct vm_machine *m, uint32_t object, uint64_t index, unsigned order);
/* Order-0 pages for what of [first, last) is in the file and not cached; false: no room. */
bool cache_read_ahead(
	struct vm_machine *m, uint32_t object, uint64_t first, uint64_t last, uint64_t ahead);
/* The same in folios as large as place and end allow, up to the first page that is cached. */
bool cache_read_large(struct vm_machine *m, uint32_t object, uint64_t first, uint64_t last);
/* Through an entry of a table the whole folio becomes dirty, through a write only its pages. */
void cache_mark_dirty(struct vm_machine *m, uint32_t frame);
/* Somebody reads a page with the mark of read-ahead. */
void cache_read_on(struct vm_machine *m, uint32_t frame);

void cache_mark_page_dirty(struct vm_machine *m, uint32_t frame);
/* Contents to storage; entries that could write it lose that right (page_mkclean). */
void cache_write_back(struct vm_machine *m, uint32_t frame);
/* Takes the folio of that page out of the cache; its entries must be gone. */
void cache_remove(struct vm_machine *m, uint32_t frame, bool leave_shadow);
/* What the entry knows of storage, swap and reservations is gone: it reads as zeros. */
void cache_forget(struct vm_machine *m, uint32_t entry);
/* Unmaps the frame from every address space: the reverse map at work. */
void cache_unmap_everywhere(
	struct vm_machine *m, uint32_t object, uint64_t first, uint64_t last, bool even_private);

/* Dirty pages with an index in [first, last) go to storage; nothing else has any. */
void cache_sync(struct vm_machine *m, uint32_t object, uint64_t first, uint64_t last);

void operation_file_create(struct vm_machine *m);
void operation_file_write(struct vm_machine *m);
void operation_file_read(struct vm_machine *m);
void operation_file_truncate(struct vm_machine *m);
void operation_file_sync(struct vm_machine *m);
void operation_file_drop(struct vm_machine *m);
void operation_file_punch(struct vm_machine *m);
void operation_file_close(struct vm_machine *m);
void operation_step_write_back(struct vm_machine *m);
void operation_step_evict(struct vm_machine *m);

#endif
