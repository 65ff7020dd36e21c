/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Miss-ratio curves: the faults for all numbers of frames from one pass, for the policies whose
 * memories contain each other (stack algorithms, paper:Mattson 1970): LRU for long strings, OPT
 * for short ones.
 *
 * The result is a count of references by stack distance: with n frames, all references of a
 * distance above n fault, and all first ones.
 */
#ifndef VM_CURVE_H
#define VM_CURVE_H

#include "vm/base.h"

struct vm_curve;

size_t vm_curve_bytes(uint32_t pages);
/* Page numbers are below pages. NULL when the arena is too small. */
struct vm_curve *vm_curve_create(uint32_t pages, struct vm_arena *arena);
void vm_curve_run(struct vm_curve *curve, const uint32_t *references, size_t count);
/* Faults of LRU with so many frames, at least 1. Linear in frames. */
uint64_t vm_curve_misses(const struct vm_curve *curve, uint32_t frames);
/* References at each distance 1 to pages (index 0 to pages - 1), and first references. */
const uint64_t *vm_curve_distances(const struct vm_curve *curve);
uint64_t vm_curve_cold(const struct vm_curve *curve);

/*
 * The same for OPT, by moving the whole stack at each reference: the cost is references times
 * pages. distances has room for pages counts. Returns the number of first references, or
 * UINT64_MAX when the arena is too small (it needs vm_curve_opt_bytes).
 */
size_t vm_curve_opt_bytes(uint32_t pages, size_t count);
uint64_t vm_curve_opt(const uint32_t *references, size_t count, uint32_t pages, uint64_t *distances,
	struct vm_arena *arena);

#endif
