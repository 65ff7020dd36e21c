/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What chance allows, as intervals: for values that a kernel draws at random, each evenly from
 * `count` places and independently of the others. The bounds are rigorous (Hoeffding's inequality
 * and the union bound), in integers, rounded outwards. Each single statement fails by chance with a
 * probability of at most 1e-13, so ten thousand of them together with at most 1e-9.
 */
#ifndef VM_CHANCE_H
#define VM_CHANCE_H

#include "vm/base.h"

struct vm_chance {
	uint64_t lowest, highest;
};

/* How often an even coin shows heads in n throws. */
struct vm_chance vm_chance_heads(uint64_t n);

/* The place of the rank-th smallest (from 1) of n values; places count from 0. */
struct vm_chance vm_chance_rank(uint64_t n, uint64_t rank, uint64_t count);

/* How many of n values were drawn before. */
struct vm_chance vm_chance_repeated(uint64_t n, uint64_t count);

#endif
