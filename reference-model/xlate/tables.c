/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/tables.h"

void *memset(void *, int, size_t);

#define NO_ENTRY UINT32_MAX

struct vm_single_result vm_single_translate(const struct vm_single_level *table, uint64_t address)
{
	VM_ASSERT(table->page_bytes > 0);
	struct vm_single_result result = {
		.page = address / table->page_bytes,
		.offset_bytes = address % table->page_bytes,
	};

	if (result.page >= table->pages_count) {
		result.outcome = VM_SINGLE_BEYOND_TABLE;
		return result;
	}
	result.frame = table->frames[result.page];
	if (result.frame == VM_NO_FRAME) {
		result.outcome = VM_SINGLE_ABSENT;
		return result;
	}
	switch (table->formula) {
	case VM_EXAMPLE_FRAME_TIMES_PAGE_SIZE:
		result.physical = result.frame * table->page_bytes + result.offset_bytes;
		break;
	case VM_EXAMPLE_FRAME_PLUS_OFFSET:
		result.physical = result.frame + result.offset_bytes;
		break;
	}
	if (table->physical_bytes != 0 && result.physical >= table->physical_bytes)
		result.outcome = VM_SINGLE_BEYOND_MEMORY;
	return result;
}

uint64_t vm_flat_table_bytes(unsigned virtual_bits, unsigned page_shift, unsigned entry_bytes)
{
	VM_ASSERT(virtual_bits <= 64 && page_shift <= virtual_bits && entry_bytes > 0);
	const unsigned bits = virtual_bits - page_shift;

	if (bits >= 64 || UINT64_MAX >> bits < entry_bytes)
		return UINT64_MAX;
	return (uint64_t)entry_bytes << bits;
}

uint64_t vm_ia32_inner_span_bytes(enum vm_ia32_split split)
{
	const uint64_t entries = UINT64_C(1) << vm_paging_shape(VM_PAGING_IA32)->index_bits;

	switch (split) {
	case VM_IA32_SPLIT_10_10_12:
		return entries * VM_PAGE_BYTES;
	case VM_IA32_SPLIT_10_10_10:
		return entries * (UINT64_C(1) << 10);
	}
	return 0;
}

uint64_t vm_giant_page_saving(enum vm_giant_page_saving saving)
{
	switch (saving) {
	case VM_GIANT_PAGE_SAVING_COUNTED:
		return VM_HUGE_1G_BYTES / VM_PAGE_BYTES;
	case VM_GIANT_PAGE_SAVING_1024:
		return 1024;
	}
	return 0;
}

uint64_t vm_hierarchical_tables(const struct vm_paging_shape *shape,
	const struct vm_table_range *ranges, size_t ranges_count, unsigned leaf_level,
	uint64_t tables[VM_PAGING_LEVELS_LIMIT + 1])
{
	uint64_t size_bytes = 0;

	VM_ASSERT(leaf_level >= 1 && leaf_level <= shape->largest_leaf_level);
	memset(tables, 0, (VM_PAGING_LEVELS_LIMIT + 1) * sizeof(tables[0]));
	for (unsigned level = leaf_level; level <= shape->levels; level++) {
		/* A table of a level spans what one entry of the level above maps. */
		const unsigned span_shift = vm_level_shift(shape, level) + shape->index_bits;
		uint64_t next = 0; /* first table not yet counted */

		if (level == shape->levels) {
			tables[level] = 1;
			size_bytes += vm_level_table_bytes(shape, level);
			break;
		}
		for (size_t i = 0; i < ranges_count; i++) {
			uint64_t first = ranges[i].first >> span_shift;
			const uint64_t last = ranges[i].last >> span_shift;
			if (first < next)
				first = next;
			if (first <= last)
				tables[level] += last - first + 1;
			if (last >= next)
				next = last + 1;
		}
		size_bytes += tables[level] * vm_level_table_bytes(shape, level);
	}
	return size_bytes;
}

struct inverted_entry {
	uint64_t page;
	uint32_t process;
	uint32_t next; /* of the chain */
	bool used;
};

struct vm_inverted {
	enum vm_inverted_search search;
	uint32_t frames, buckets;
	struct inverted_entry *entries;
	uint32_t *anchors;
};

size_t vm_inverted_bytes(uint32_t frames, uint32_t buckets)
{
	return sizeof(struct vm_inverted) + frames * sizeof(struct inverted_entry) +
	       buckets * sizeof(uint32_t) + 3 * _Alignof(max_align_t);
}

struct vm_inverted *vm_inverted_create(
	enum vm_inverted_search search, uint32_t frames, uint32_t buckets, struct vm_arena *arena)
{
	struct vm_inverted *table =
		vm_arena_take(arena, sizeof(*table), _Alignof(struct vm_inverted));

	VM_ASSERT(search == VM_INVERTED_LINEAR || (buckets > 0 && (buckets & (buckets - 1)) == 0));
	if (table == NULL)
		return NULL;
	table->search = search;
	table->frames = frames;
	table->buckets = buckets;
	table->entries = vm_arena_take(
		arena, frames * sizeof(struct inverted_entry), _Alignof(struct inverted_entry));
	table->anchors = vm_arena_take(arena, buckets * sizeof(uint32_t), _Alignof(uint32_t));
	if (table->entries == NULL || table->anchors == NULL)
		return NULL;
	memset(table->anchors, UINT8_MAX, buckets * sizeof(uint32_t));
	return table;
}

/* Multiplication by an odd constant spreads; the highest bits are the best mixed. */
static uint32_t *anchor_of(const struct vm_inverted *table, uint32_t process, uint64_t page)
{
	const uint64_t key = page ^ (uint64_t)process << 40;
	const uint64_t mixed = (key ^ key >> 29) * UINT64_C(0x9e3779b97f4a7c15);

	return &table->anchors[(mixed >> 32) & (table->buckets - 1)];
}

void vm_inverted_unmap(struct vm_inverted *table, uint32_t frame)
{
	VM_ASSERT(frame < table->frames);
	struct inverted_entry *entry = &table->entries[frame];

	if (!entry->used)
		return;
	entry->used = false;
	if (table->search == VM_INVERTED_LINEAR)
		return;
	uint32_t *link = anchor_of(table, entry->process, entry->page);
	while (*link != frame)
		link = &table->entries[*link].next;
	*link = entry->next;
}

void vm_inverted_map(struct vm_inverted *table, uint32_t frame, uint32_t process, uint64_t page)
{
	vm_inverted_unmap(table, frame);
	struct inverted_entry *entry = &table->entries[frame];
	*entry = (struct inverted_entry){
		.page = page, .process = process, .next = NO_ENTRY, .used = true};
	if (table->search == VM_INVERTED_LINEAR)
		return;
	uint32_t *anchor = anchor_of(table, process, page);
	entry->next = *anchor;
	*anchor = frame;
}

static bool holds(const struct inverted_entry *entry, uint32_t process, uint64_t page)
{
	return entry->used && entry->process == process && entry->page == page;
}

uint32_t vm_inverted_find(
	const struct vm_inverted *table, uint32_t process, uint64_t page, uint32_t *probes)
{
	*probes = 0;
	if (table->search == VM_INVERTED_LINEAR) {
		for (uint32_t frame = 0; frame < table->frames; frame++) {
			++*probes;
			if (holds(&table->entries[frame], process, page))
				return frame;
		}
		return UINT32_MAX;
	}
	uint32_t frame = *anchor_of(table, process, page);
	for (; frame != NO_ENTRY; frame = table->entries[frame].next) {
		++*probes;
		if (holds(&table->entries[frame], process, page))
			return frame;
	}
	return UINT32_MAX;
}

unsigned vm_tables_counted_levels(enum vm_tables_counted counted, unsigned levels)
{
	switch (counted) {
	case VM_TABLES_COUNTED_ALL:
		return levels;
	case VM_TABLES_COUNTED_LOWER_2:
		return 2;
	case VM_TABLES_COUNTED_LOWER_3:
		return 3;
	}
	VM_ASSERT(false);
}

/* linux:6.12:include/linux/mm.h:mm_inc_nr_ptes, mm_inc_nr_pmds, mm_inc_nr_puds */
#define LEVELS_IN_STATUS 3

unsigned vm_tables_above_status(enum vm_tables_counted counted, unsigned levels)
{
	const unsigned counted_levels = vm_tables_counted_levels(counted, levels);

	return counted_levels > LEVELS_IN_STATUS ? counted_levels - LEVELS_IN_STATUS : 0;
}
