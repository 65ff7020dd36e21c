/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/numa.h"

#include "vm/base.h"
#include "vm/units.h"

static unsigned count_of(uint64_t nodes)
{
	unsigned count = 0;

	for (; nodes != 0; nodes &= nodes - 1)
		count++;
	return count;
}

/* The nodes in order, counted from 0. */
static unsigned nth_of(uint64_t nodes, uint64_t n)
{
	while (n-- != 0)
		nodes &= nodes - 1;
	return (unsigned)__builtin_ctzll(nodes);
}

unsigned vm_numa_node_of_page(const struct vm_numa_policy *policy, uint64_t address, unsigned local)
{
	VM_ASSERT(local < 64);
	switch (policy->mode) {
	case VM_NUMA_DEFAULT:
	case VM_NUMA_LOCAL:
		return local;
	case VM_NUMA_PREFERRED:
		VM_ASSERT(count_of(policy->nodes) == 1);
		return nth_of(policy->nodes, 0);
	case VM_NUMA_BIND:
		VM_ASSERT(policy->nodes != 0);
		/* Its list of zones begins with the nearest, and the local node is that. */
		if ((policy->nodes >> local & 1) != 0)
			return local;
		VM_ASSERT(count_of(policy->nodes) == 1);
		return nth_of(policy->nodes, 0);
	case VM_NUMA_INTERLEAVE:
		VM_ASSERT(policy->nodes != 0);
		/* The offset in the area and the area's own, which for private anonymous memory is
		 * its address: so the page's number alone decides. */
		return nth_of(
			policy->nodes, vm_bytes_to_pages_floor(address) % count_of(policy->nodes));
	}
	VM_ASSERT(false);
	return 0;
}

/* linux:6.12:mm/mempolicy.c:mbind_range */
enum vm_numa_mode vm_numa_mode_at(
	enum vm_numa_mode asked, uint64_t first, uint64_t count, uint64_t page)
{
	return page - first < count ? asked : VM_NUMA_DEFAULT;
}
