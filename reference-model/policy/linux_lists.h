/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What Linux's two ways of ageing share: lists of frames, a list of free ones, frames freed in
 * batches, and dirty pages that are written in the background and come round once more.
 *
 * Not modelled: per-CPU batches on the way to the lists, page locks, several zones, anonymous
 * pages beside the file pages.
 */
#ifndef POLICY_LINUX_LISTS_H
#define POLICY_LINUX_LISTS_H

#include "policy/core.h"
#include "policy/links.h"

/* Flags of a frame beyond the public ones. */
#define FRAME_WORKINGSET (UINT8_C(1) << 4) /* was active before, or refaulted as such */
#define FRAME_YOUNG	 (UINT8_C(1) << 5) /* the accessed bit of a page table */

/* Frames that one pass over a list takes at once: linux:6.12:include/linux/swap.h */
#define SWAP_CLUSTER_FRAMES 32
#define DEFAULT_PRIORITY    12

static inline uint32_t batch_frames(const struct vm_replace *replace)
{
	const uint32_t batch = replace->config.reclaim_batch_frames;

	return batch == 0 ? 1 : batch;
}

/* Written while nobody waits; the frame stays. */
static inline void write_in_background(struct vm_replace *replace, uint32_t frame)
{
	replace->flags[frame] &= (uint8_t)~VM_FRAME_DIRTY;
	replace->counts.write_backs++;
	replace->counts.transfers++;
}

static inline void finish_reference(struct vm_replace *replace, uint32_t reference, uint32_t frame)
{
	if (vm_reference_writes(reference))
		replace->flags[frame] |= VM_FRAME_DIRTY;
	replace->counts.references++;
	replace->counts.resident_sum += replace->counts.resident;
}

#endif
