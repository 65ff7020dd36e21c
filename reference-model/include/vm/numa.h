/* SPDX-License-Identifier: Apache-2.0 */
/* On which node a page is placed: the memory policies of mbind(2) and set_mempolicy(2). */
#ifndef VM_NUMA_H
#define VM_NUMA_H

#include <stdint.h>

/* Numbers of linux:6.12:include/uapi/linux/mempolicy.h. */
enum vm_numa_mode {
	VM_NUMA_DEFAULT = 0,
	VM_NUMA_PREFERRED = 1,
	VM_NUMA_BIND = 2,
	VM_NUMA_INTERLEAVE = 3,
	VM_NUMA_LOCAL = 4,
};

struct vm_numa_policy {
	enum vm_numa_mode mode;
	uint64_t nodes; /* a bit each; empty for DEFAULT and LOCAL */
};

/*
 * The node of a small page of private anonymous memory that is first touched at address by a CPU of
 * the node local, while every node has free memory. Which of several nodes is the nearest to one
 * that is not among them the caller must not ask: that is the machine's table of distances.
 */
unsigned vm_numa_node_of_page(
	const struct vm_numa_policy *policy, uint64_t address, unsigned local);

/*
 * The mode that mbind of pages [first, first + count) leaves at a page of an area that had none: it
 * is theirs alone, and goes with them where they are moved, through splits, and into a child.
 */
enum vm_numa_mode vm_numa_mode_at(
	enum vm_numa_mode asked, uint64_t first, uint64_t count, uint64_t page);

#endif
