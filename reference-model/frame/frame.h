/* SPDX-License-Identifier: Apache-2.0 */
/* Frames and folios: taken, mapped, shared, split and given back. */
#ifndef FRAME_FRAME_H
#define FRAME_FRAME_H

#include "machine/state.h"

/* A folio of zeros, aligned to its order, mapped by nobody; NONE if the machine has no room. */
uint32_t folio_take(struct vm_machine *m, unsigned order);
/* A private page that one entry is about to map. */
uint32_t anonymous_take(struct vm_machine *m, unsigned order, uint64_t index);

void frame_map(struct vm_machine *m, uint32_t frame);
void folio_map_whole(struct vm_machine *m, uint32_t head);
/* Also frees the folio if that was the last reference. */
void frame_unmap(struct vm_machine *m, uint32_t frame);
void folio_unmap_whole(struct vm_machine *m, uint32_t head);

/* References as the kernel counts them: one an entry, one a page for each cache it is in. */
uint32_t folio_references(const struct vm_machine *m, uint32_t frame);
void folio_free_if_unused(struct vm_machine *m, uint32_t head);

static inline bool folio_has(const struct vm_machine *m, uint32_t frame, enum folio_flag flag)
{
	return (folio_of(m, frame)->flags & flag) != 0;
}

static inline void folio_set(struct vm_machine *m, uint32_t frame, enum folio_flag flag)
{
	folio_of(m, frame)->flags |= flag;
}

static inline void folio_clear(struct vm_machine *m, uint32_t frame, enum folio_flag flag)
{
	folio_of(m, frame)->flags &= ~(uint32_t)flag;
}

static inline uint32_t head_of(const struct vm_machine *m, uint32_t frame)
{
	return frame >= GIANT_FRAMES_AT ? frame & ~(GIANT_PAGES - 1) : frame_of(m, frame)->head;
}

static inline uint32_t folio_pages(const struct vm_machine *m, uint32_t frame)
{
	return UINT32_C(1) << folio_of(m, frame)->order;
}

static inline bool is_zero_frame(const struct vm_machine *m, uint32_t frame)
{
	return frame == ZERO_FRAME || (m->huge_zero != NONE && frame - m->huge_zero < HUGE_PAGES);
}

enum rss_kind folio_rss_kind(const struct vm_machine *m, uint32_t frame);

/* kpagecount of the page: its own entries and the huge entries of its folio. */
uint32_t frame_map_count(const struct vm_machine *m, uint32_t frame);
/* More than one mapping of the folio or, before folios were counted whole, of the page. */
bool frame_is_shared(const struct vm_machine *m, uint32_t frame);

/* Contents of a frame and bytes of it, whatever its size. */
uint8_t frame_byte(const struct vm_machine *m, uint32_t frame, uint32_t offset);
void frame_fill(struct vm_machine *m, uint32_t frame, uint32_t offset, uint32_t end, uint8_t value);
void frame_copy(struct vm_machine *m, uint32_t to, uint32_t from);
bool frame_is_zero(const struct vm_machine *m, uint32_t frame);

/* The folio becomes single frames; those that nothing refers to are freed. */
void folio_split(struct vm_machine *m, uint32_t head);
/* The same, but only the half that holds the page is split further. Nobody maps it. */
void folio_halve(struct vm_machine *m, uint32_t head, uint32_t page);

#endif
