/* SPDX-License-Identifier: Apache-2.0 */
/* Swap slots. Slot s of the machine is offset s + 1 of the only device: offset 0 is its header. */
#ifndef FRAME_SWAP_H
#define FRAME_SWAP_H

#include "machine/state.h"
#include "xlate/tree.h"

/* A slot with the contents of the frame, named by nobody yet; NONE: swap is full or absent. */
uint32_t slot_take(struct vm_machine *m, uint32_t frame);
void slot_name(struct vm_machine *m, uint32_t slot);
/* One entry names it less; the last one frees it, and what the swap cache holds of it. */
void slot_release(struct vm_machine *m, uint32_t slot);
uint64_t slot_entry(uint32_t slot);
uint32_t entry_slot(uint64_t entry);
void swap_cache_remove(struct vm_machine *m, uint32_t frame);

/* Writes a single mapped anonymous page out; false where reclaim keeps it. */
bool swap_out_page(struct vm_machine *m, uint32_t mm, struct place place);

#endif
