/* SPDX-License-Identifier: Apache-2.0 */
/* One page is reclaimed: linux:6.12:mm/vmscan.c:shrink_folio_list. */
#ifndef FRAME_RECLAIM_H
#define FRAME_RECLAIM_H

#include "machine/state.h"
#include "xlate/tree.h"

/* The page that the entry maps leaves memory if it can; false: it stayed. */
bool reclaim_page(struct vm_machine *m, uint32_t area, struct place place);

/* A large folio of a file that this area maps whole, from address on, leaves memory if nobody else
 * maps it. */
void reclaim_large(struct vm_machine *m, uint32_t area, uint64_t address, uint32_t head);

/* Nobody maps the page: it leaves the cache if nothing of it would be lost. */
void drop_if_clean(struct vm_machine *m, uint32_t frame);

/*
 * Truncation and hole punching: the object's pages in [start, end) of its bytes become zeros. Only
 * truncation takes private copies away too.
 */
void cache_punch(
	struct vm_machine *m, uint32_t object, uint64_t start, uint64_t end, bool even_private);

/* A disk file has got a larger end: what the cache held behind it goes, and reads as zeros. */
void cache_reach(struct vm_machine *m, uint32_t object, uint64_t end);

/* fallocate(PUNCH_HOLE), MADV_REMOVE. */
void cache_punch_hole(struct vm_machine *m, uint32_t object, uint64_t start, uint64_t end);

void operation_step_swap_out(struct vm_machine *m);
void operation_step_free_lazy(struct vm_machine *m);
void operation_step_collapse(struct vm_machine *m);
void operation_step_split(struct vm_machine *m);

#endif
