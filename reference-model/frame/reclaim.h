/* SPDX-License-Identifier: Apache-2.0 */
/* One page is reclaimed: linux:6.12:mm/vmscan.c:shrink_folio_list. */
#ifndef FRAME_RECLAIM_H
#define FRAME_RECLAIM_H

#include "machine/state.h"
#include "xlate/tree.h"

#define CUT_IS_OPEN "a large folio is cut, and its buffers decide what becomes of it"

/* The page that the entry maps leaves memory if it can; false: it stayed. */
bool reclaim_page(struct vm_machine *m, uint32_t area, struct place place);

/* A large folio of a file that this area maps whole, and nobody else, leaves memory. */
void reclaim_large(struct vm_machine *m, uint32_t area, uint32_t frame);

/*
 * Truncation and hole punching: the object's pages in [start, end) of its bytes become zeros. Only
 * truncation takes private copies away too.
 */
void cache_punch(
	struct vm_machine *m, uint32_t object, uint64_t start, uint64_t end, bool even_private);

/* A disk file has got a larger end: what the cache held behind it goes, and reads as zeros. */
void cache_reach(struct vm_machine *m, uint32_t object, uint64_t end);

/*
 * Whether a hole cuts a large folio of a disk file whose fate hangs on its buffers: split, dropped
 * whole, or kept as zeros. The model is silent there.
 */
bool cache_cut_is_open(const struct vm_machine *m, uint32_t object, uint64_t start, uint64_t end);
/* The new end of a file lies inside of a large folio: it is split, if no buffer that stays is
 * dirty. */
void cache_cut(struct vm_machine *m, uint32_t object, uint64_t end);

void operation_step_swap_out(struct vm_machine *m);
void operation_step_free_lazy(struct vm_machine *m);
void operation_step_collapse(struct vm_machine *m);
void operation_step_split(struct vm_machine *m);

#endif
