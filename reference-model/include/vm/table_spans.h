/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many tables it takes to map pages that lie a stride apart, in a part of the address space
 * that nothing else uses: a count of spans, beside the tables that the machine really builds.
 */
#ifndef VM_TABLE_SPANS_H
#define VM_TABLE_SPANS_H

#include "vm/units.h"

/* How the pages are mapped. */
enum vm_table_leaf {
	VM_TABLE_LEAF_4K,
	VM_TABLE_LEAF_2M_SPLITTABLE, /* a transparent huge page keeps a table to be split with */
	VM_TABLE_LEAF_2M,
	VM_TABLE_LEAF_1G,
};

/*
 * What VmPTE grows by: tables of the three lower levels; those above are never counted. start is
 * aligned to the leaf.
 */
uint64_t vm_tables_kib(
	enum vm_table_leaf leaf, uint64_t start, uint64_t stride_bytes, uint64_t count);

#endif
