/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/table_spans.h"

#define LEVELS_COUNTED 3

/* What one table of each level maps: PTE, PMD, PUD. */
static const uint64_t span_bytes[LEVELS_COUNTED] = {
	VM_HUGE_2M_BYTES, VM_HUGE_1G_BYTES, VM_HUGE_1G_BYTES * 512};

/* How many spans of the size hold at least one of the places. */
static uint64_t spans_of(uint64_t start, uint64_t stride_bytes, uint64_t count, uint64_t size_bytes)
{
	if (stride_bytes >= size_bytes)
		return count;
	return (start + (count - 1) * stride_bytes) / size_bytes - start / size_bytes + 1;
}

/* linux:6.12:include/linux/mm.h:mm_inc_nr_ptes, mm_inc_nr_pmds, mm_inc_nr_puds */
uint64_t vm_tables_kib(
	enum vm_table_leaf leaf, uint64_t start, uint64_t stride_bytes, uint64_t count)
{
	/* A leaf at a level needs no table below it. */
	static const unsigned first_level[] = {
		[VM_TABLE_LEAF_4K] = 0,
		[VM_TABLE_LEAF_2M_SPLITTABLE] = 0,
		[VM_TABLE_LEAF_2M] = 1,
		[VM_TABLE_LEAF_1G] = 2,
	};
	uint64_t tables = 0;

	for (unsigned level = first_level[leaf]; level < LEVELS_COUNTED && count != 0; level++)
		tables += spans_of(start, stride_bytes, count, span_bytes[level]);
	return vm_pages_to_kib(tables);
}
